"""The training recipes of the papers, as data: optimizer, learning rates, batches, pictures, augmentation.

    recipe = recipes.recipe("cifar_resnet")
    data = recipe.data()
    with training.strategy().scope():
        model = architectures.cifar_resnet()
        recipe.compile(model, steps_per_epoch=int(data.train.cardinality()))
    training.fit(model, data, epochs=recipe.epochs)

A recipe holds what the paper prints; its `ours` says what the paper doesn't and we chose, and where we depart
from it. All of them: where a paper divides the rate "when the error plateaus", the epochs are ours; a random
crop leaves black beyond the border; the papers' crops can come from all of a picture that is not square, ours
from the square in its middle.
"""

import dataclasses
import difflib

from course_lib.backend import keras
from course_lib.checks import require, whole
from course_lib.data import Augmentation, load
from course_lib.layers import EuclideanRBF, MAPLoss, NearestAccuracy

__all__ = ["CoupledSGD", "Recipe", "recipe"]


@keras.saving.register_keras_serializable(package="course_lib")
class CoupledSGD(keras.optimizers.SGD):
    """Add `l2` times the weight to its gradient before SGD: what the papers call weight decay.

    It is the gradient of l2 / 2 times the sum of squared weights, without that sum in the reported loss. The
    `weight_decay` of Keras's optimizers is another one: it shrinks the weight by learning rate times decay,
    past the momentum. Without momentum a step is the same (to the order of learning rate times decay); with
    momentum m and a constant rate this one shrinks 1 / (1 - m) times as much in the long run: 5e-4 here is
    5e-3 there for m = 0.9.

    All trainable weights decay, biases and BatchNorm's too: no paper here says that it leaves any out.

    Args:
        learning_rate, momentum, nesterov, name, **kwargs: as for `keras.optimizers.SGD`.
        l2: a number, 0 or more.

    Raises:
        ValueError: if `l2` is negative.
    """

    def __init__(
        self, learning_rate=0.01, momentum=0.0, nesterov=False, l2=0.0, name="coupled_sgd", **kwargs
    ):
        super().__init__(learning_rate, momentum, nesterov, name=name, **kwargs)
        require(l2 >= 0, "l2 must be 0 or more.", f"l2={l2!r}")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Say how a network was trained.

    Args:
        source: the paper and its section.
        epochs: passes over the training pictures.
        batch_size: pictures in a step.
        rates: pairs (epoch, learning rate from there on), the first from epoch 0.
        fall: "steps" keeps each rate until the next; "linear" and "cosine" fall from the only one to 0.
        momentum: of SGD; None for Adam with Keras's constants.
        nesterov: whether the momentum is Nesterov's.
        weight_decay: the L2 penalty's share of the gradient, see `CoupledSGD`.
        dropout, initial_weights: what the paper says; the builder has them, unless `ours` names others.
        loss_weights: of the heads, the main one first.
        dataset: the name for `data.load` that the family trains on here.
        image_size, resize, pad, color, value_range, center, augmentation: see `data.load`.
        ours: what the paper doesn't give and we chose, and where we depart from it.
    """

    source: str
    epochs: int
    batch_size: int
    rates: tuple[tuple[float, float], ...]
    fall: str = "steps"
    momentum: float | None = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    dropout: str = "none"
    initial_weights: str = "He et al. 2015"
    loss_weights: tuple[float, ...] = (1.0,)
    dataset: str
    image_size: int
    resize: int | None = None
    pad: int = 0
    color: str = "rgb"
    value_range: tuple[float, float] = (0.0, 255.0)
    center: str | None = None
    augmentation: Augmentation | None = None
    ours: tuple[str, ...] = ()

    def learning_rate(self, steps_per_epoch, epochs=None):
        """Return the Keras schedule; with other `epochs` than the paper's, it is stretched or shrunk to them.

        Raises:
            ValueError: if an argument is no positive whole number.
        """
        passes = whole("epochs", self.epochs if epochs is None else epochs)
        steps = whole("steps_per_epoch", steps_per_epoch) * passes
        starts, rates = zip(*self.rates, strict=True)
        schedules = keras.optimizers.schedules
        if self.fall == "linear":
            return schedules.PolynomialDecay(rates[0], steps, end_learning_rate=0.0)
        if self.fall == "cosine":
            return schedules.CosineDecay(rates[0], steps)
        # Keras counts steps from 0, keeps a rate up to and including its boundary, and wants one.
        ends = [round(start / self.epochs * steps) - 1 for start in (*starts[1:], self.epochs)]
        return schedules.PiecewiseConstantDecay(ends, [*rates, rates[-1]])

    def optimizer(self, steps_per_epoch, epochs=None):
        """Return the optimizer with its `learning_rate`; both arguments are as there."""
        rate = self.learning_rate(steps_per_epoch, epochs)
        if self.momentum is None:
            return keras.optimizers.Adam(rate)
        return CoupledSGD(rate, self.momentum, self.nesterov, l2=self.weight_decay)

    def compile(self, model, steps_per_epoch, epochs=None):
        """Compile a model with the optimizer, and with the loss and accuracy of its outputs.

        Distances, as of `lenet5`, get `MAPLoss` and `NearestAccuracy`; probabilities, cross-entropy, one for
        each head. Call it within `strategy().scope()`.
        """
        distances = isinstance(model.layers[-1], EuclideanRBF)
        heads = len(self.loss_weights)
        model.compile(
            self.optimizer(steps_per_epoch, epochs),
            loss=MAPLoss() if distances else ["sparse_categorical_crossentropy"] * heads,
            loss_weights=None if distances else list(self.loss_weights),
            metrics=[NearestAccuracy()] if distances else [["accuracy"]] * heads,
        )

    def data(self, dataset=None, *, batch_size=None, image_size=None, **options):
        """Load pictures as the recipe wants them, augmented for training.

        Args:
            dataset: a name for `data.load`; None is the recipe's. "imagenet2012" works too, once TFDS has
                prepared it from a manual download.
            batch_size: None is the recipe's. The learning rates stay as they are.
            image_size: side that the network sees, less the pad; None is the paper's. `resize` goes along.
            **options: further ones of `data.load`, such as `train_count`, `seed` or `download`; they
                come before the recipe's.

        Returns:
            A `data.Dataset`; for several heads, each gets the labels.
        """
        name = dataset or self.dataset
        side = image_size or self.image_size
        same = ("pad", "color", "value_range", "center", "augmentation")
        chosen = {key: getattr(self, key) for key in same}
        chosen["image_size"] = side
        chosen["resize"] = self.resize and round(self.resize * side / self.image_size)
        chosen["batch_size"] = batch_size or self.batch_size
        if name.startswith("imagenet2012"):
            chosen["splits"] = ("train", "validation")
        data = load(name, **{**chosen, **options})
        heads = len(self.loss_weights)
        if heads == 1:
            return data
        train, test = (batches.map(lambda x, y: (x, (y,) * heads)) for batches in (data.train, data.test))
        return dataclasses.replace(data, train=train, test=test)


def _cifar(**changes):
    """CIFAR: 4 pixels of padding, a random crop of 32 x 32, a horizontal flip."""
    augmentation = Augmentation(**{"shift": 4, "flip": "horizontal", **changes})
    return {"dataset": "cifar10", "image_size": 32, "augmentation": augmentation}


def _photos(side=224, **changes):
    """Photos of 256 pixels, of which the network sees `side`; the changes are AlexNet's unless given."""
    augmentation = Augmentation(**(changes or {"crop": side / 256, "flip": "horizontal", "pca": 0.1}))
    photos = {"dataset": "imagenette/160px-v2", "resize": 256}
    return {**photos, "image_size": side, "augmentation": augmentation}


# What several papers share.
TORCH = {  # the settings of fb.resnet.torch, which three papers follow
    **_photos(area=(0.08, 1.0), aspect=4 / 3, flip="horizontal", color=0.4, pca=0.1),
    "center": "standard",
    "nesterov": True,
    "weight_decay": 1e-4,
    "batch_size": 256,
}
FROM_FILES = (
    "stored pictures have a shorter side of 256 pixels: a larger scale enlarges those, where the paper reads "
    "the original"
)
FROM_TORCH = "colour changes and Nesterov's momentum are the code's, fb.resnet.torch"
CIFAR_RESNET = {**_cifar(), "center": "pixel", "epochs": 164, "batch_size": 128, "weight_decay": 1e-4}
NIN_WEIGHTS = "set by hand, without numbers"
IN_ITERATIONS = (
    "64,000 iterations of 128, the rate divided at 32,000 and 48,000: in epochs of all 50,000 pictures; the "
    "paper tunes on 45,000 of them"
)

LENET = Recipe(
    source="LeCun et al. 1998, section III.B and appendix C",
    epochs=20,
    batch_size=64,
    rates=((0, 1e-3),),
    fall="cosine",
    momentum=None,
    initial_weights="uniform within +-2.4 / fan-in",
    dataset="mnist",
    image_size=28,
    pad=2,
    color="grayscale",
    value_range=(-0.1, 1.175),
    ours=(
        "the paper: one picture a step, the stochastic diagonal Levenberg-Marquardt method, whose rate for "
        "each weight is eta / (0.02 + its second derivative, from 500 pictures before each pass), with eta = "
        "0.0005 for 2 passes, 0.0002 for 3, 0.0001 for 3, 0.00005 for 4, 0.00001 for the other 8",
        "ours: Adam, falling from 0.001 along a cosine, 64 pictures a step, in as many passes; the full "
        "profile of chapter 01 trains so, and starts from `lecun_uniform`",
        "the distorted pictures of section III.B are left out; chapter 01 has them",
    ),
)
ALEXNET = Recipe(
    source="Krizhevsky et al. 2012, sections 2, 4 and 5",
    epochs=90,
    batch_size=128,
    rates=((0, 0.01), (30, 1e-3), (60, 1e-4), (80, 1e-5)),
    weight_decay=5e-4,
    dropout="0.5 in fc6 and fc7",
    initial_weights="normal, deviation 0.01; biases 1 in conv2, conv4, conv5, fc6 and fc7, otherwise 0",
    center="pixel",
    **_photos(227),
    ours=("the rate is divided three times, the epochs are ours; 227 pixels where the text says 224",),
)
VGG = Recipe(
    source="Simonyan and Zisserman 2015, section 3.1",
    epochs=74,
    batch_size=256,
    rates=((0, 0.01), (25, 1e-3), (50, 1e-4), (65, 1e-5)),
    weight_decay=5e-4,
    dropout="0.5 in fc6 and fc7",
    initial_weights="Glorot and Bengio 2010, recommended in hindsight",
    center="channel",
    **_photos(crop=(224 / 512, 224 / 256), flip="horizontal", pca=0.1),
    ours=(
        "the rate is divided three times, the epochs are ours",
        "the paper starts its deep columns from a trained column A, and training at several scales from a "
        "network trained at one; here both start from nothing",
        FROM_FILES,
    ),
)
RESNET = Recipe(
    source="He et al. 2016 (CVPR), section 3.4",
    epochs=120,
    batch_size=256,
    rates=((0, 0.1), (30, 0.01), (60, 1e-3), (90, 1e-4)),
    weight_decay=1e-4,
    center="pixel",
    **_photos(crop=(224 / 480, 224 / 256), flip="horizontal", pca=0.1),
    ours=(
        "600,000 iterations of 256 are 120 epochs of ImageNet; how often the rate is divided is ours",
        FROM_FILES,
    ),
)
CIFAR_NET = Recipe(
    source="He et al. 2016 (CVPR), section 4.2",
    rates=((0, 0.1), (82, 0.01), (123, 1e-3)),
    **CIFAR_RESNET,
    ours=(IN_ITERATIONS,),
)
DENSENET = Recipe(
    source="Huang et al. 2017, sections 4.1 and 4.2",
    epochs=90,
    rates=((0, 0.1), (30, 0.01), (60, 1e-3)),
    **TORCH,
    ours=(FROM_TORCH,),
)

RECIPES = {
    **dict.fromkeys(("lenet5", "lenet5_modern"), LENET),
    **dict.fromkeys(("alexnet", "alexnet_one_tower"), ALEXNET),
    **dict.fromkeys(
        ("zfnet", "zfnet_wide"),
        Recipe(
            source="Zeiler and Fergus 2014, section 3",
            epochs=70,
            batch_size=128,
            rates=((0, 0.01), (25, 1e-3), (45, 1e-4), (60, 1e-5)),
            weight_decay=5e-4,
            dropout="0.5 in fc6 and fc7",
            initial_weights="deviation 0.01, biases 0",
            center="pixel",
            **_photos(),
            ours=(
                "the rate falls by hand as the validation error plateaus: how often and when is ours",
                "weight decay and colour noise are not given: AlexNet's",
                "crops at any place, where the paper has the corners and the centre",
                "the paper scales filters back to an RMS of 0.1 when they exceed it; left out",
            ),
        ),
    ),
    "nin_cifar10": Recipe(
        source="Lin et al. 2014, section 4",
        epochs=300,
        batch_size=128,
        rates=((0, 0.01), (200, 1e-3), (250, 1e-4)),
        weight_decay=5e-4,
        dropout="0.5 after the first two mlpconv layers",
        initial_weights=NIN_WEIGHTS,
        center="standard",
        **_cifar(),
        ours=(
            "rates, momentum and epochs are not given, only that the rate is divided by 10 twice; the paper "
            "takes its weight decay from Krizhevsky et al.",
            "our initial weights are those of He et al. 2015, but for the class maps, which begin near 1: "
            "from theirs, all ten were 0 for every picture within 20 steps, and the loss stayed at 2.3026; "
            "from 1, none was, and it fell to 2.22 in 300 steps of 32 pictures",
            "the authors' definition file has a deviation of 0.05 in all layers: begun so, four of ten maps "
            "were 0 after 300 steps at our rate, seven after 100 at ten times our rate",
            "the paper normalises contrast and whitens the pictures; here each channel is standardised",
            "how far pictures are shifted is not given",
        ),
    ),
    "nin_imagenet": Recipe(
        source="Lin et al. 2014 has no network for ImageNet; the authors published one",
        epochs=90,
        batch_size=128,
        rates=((0, 0.01), (30, 1e-3), (60, 1e-4), (80, 1e-5)),
        weight_decay=5e-4,
        dropout="0.5 after the third mlpconv layer",
        initial_weights=NIN_WEIGHTS,
        center="standard",
        **_photos(),
        ours=(
            "all is AlexNet's but the standardised channels and our initial weights, those of He et al. 2015",
        ),
    ),
    **dict.fromkeys(("vgg_a", "vgg_a_lrn", "vgg_b", "vgg_c", "vgg_d", "vgg_e", "vgg16", "vgg19"), VGG),
    "googlenet": Recipe(
        source="Szegedy et al. 2015, sections 5 and 6",
        epochs=240,
        batch_size=128,
        rates=tuple((epoch, 0.01 * 0.96 ** (epoch / 8)) for epoch in range(0, 240, 8)),
        weight_decay=2e-4,
        dropout="0.4 before softmax2, 0.7 in the auxiliary heads",
        initial_weights="not given",
        loss_weights=(1.0, 0.3, 0.3),
        center="standard",
        **_photos(area=(0.08, 1.0), aspect=4 / 3, flip="horizontal", color=0.4),
        ours=(
            "given are momentum and a rate that falls by 4 % every 8 epochs; ours are the first rate, weight "
            "decay, batch size and epochs",
            "the paper trains asynchronously and averages the weights (Polyak); left out",
            "photometric distortions after Howard (2014) without numbers: the 0.4 is ours, as is the flip",
            "pixels have zero mean; their scale is not given, here it is one deviation",
            "initial weights are those of He et al. 2015",
        ),
    ),
    **dict.fromkeys(
        ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "plain18", "plain34"), RESNET
    ),
    **dict.fromkeys(("cifar_resnet", "cifar_plain"), CIFAR_NET),
    "preact_resnet": Recipe(
        source="He et al. 2016 (ECCV), appendix",
        rates=((0, 0.01), (1, 0.1), (82, 0.01), (123, 1e-3)),
        **CIFAR_RESNET,
        ours=(IN_ITERATIONS, "the first 400 iterations, at a rate of 0.01, are one epoch"),
    ),
    "stochastic_depth_resnet": Recipe(
        source="Huang et al. 2016, section 4",
        epochs=500,
        batch_size=128,
        rates=((0, 0.1), (250, 0.01), (375, 1e-3)),
        nesterov=True,
        weight_decay=1e-4,
        dropout="none; blocks are dropped, up to half of the time",
        center="standard",
        **_cifar(),
        ours=("how pixels are scaled is not given", "the paper trains on 45,000 of the 50,000 pictures"),
    ),
    "wide_resnet": Recipe(
        source="Zagoruyko and Komodakis 2016, section 3",
        epochs=200,
        batch_size=128,
        rates=((0, 0.1), (60, 0.02), (120, 4e-3), (160, 8e-4)),
        nesterov=True,
        weight_decay=5e-4,
        dropout="none, or 0.3 between the convolutions of a block",
        center="standard",
        **_cifar(fill="reflect"),
        ours=("the paper normalises contrast and whitens the pictures; here each channel is standardised",),
    ),
    "wide_resnet50_2": Recipe(
        source="Zagoruyko and Komodakis 2016, section 3, with fb.resnet.torch",
        epochs=90,
        rates=((0, 0.1), (30, 0.01), (60, 1e-3)),
        **TORCH,
        ours=("the paper names the code for ImageNet and no numbers: they are the code's",),
    ),
    "fractalnet": Recipe(
        source="Larsson et al. 2017, section 4",
        epochs=400,
        batch_size=100,
        rates=((0, 0.02), (200, 2e-3), (300, 2e-4), (350, 2e-5), (375, 2e-6)),
        dropout="0 to 0.4, rising from block to block; local drop-path 0.15",
        initial_weights="Glorot and Bengio 2010",
        center="standard",
        **_cifar(),
        ours=(
            "the rate is divided whenever the remaining epochs halve; the last times, from 387 on, left out",
            "weight decay and how pixels are scaled are not given",
        ),
    ),
    "resnext50": Recipe(
        source="Xie et al. 2017, section 4, with its code",
        epochs=100,
        rates=((0, 0.1), (30, 0.01), (60, 1e-3), (90, 1e-4)),
        **TORCH,
        ours=("the epochs, and when the rate is divided, are the code's", FROM_TORCH),
    ),
    "cifar_resnext29": Recipe(
        source="Xie et al. 2017, appendix A, with its code",
        epochs=300,
        batch_size=128,
        rates=((0, 0.1), (150, 0.01), (225, 1e-3)),
        nesterov=True,
        weight_decay=5e-4,
        center="standard",
        **_cifar(),
        ours=("Nesterov's momentum and the standardised channels are the code's",),
    ),
    **dict.fromkeys(("densenet121", "densenet169", "densenet201", "densenet161"), DENSENET),
    "cifar_densenet": Recipe(
        source="Huang et al. 2017, sections 4.1 and 4.2",
        epochs=300,
        batch_size=64,
        rates=((0, 0.1), (150, 0.01), (225, 1e-3)),
        nesterov=True,
        weight_decay=1e-4,
        dropout="none; 0.2 after each convolution but the first without augmentation",
        center="standard",
        **_cifar(),
    ),
    **dict.fromkeys(
        ("squeezenet1_0", "squeezenet1_1"),
        Recipe(
            source="Iandola et al. 2016, section 3, with the authors' solver",
            epochs=68,
            batch_size=512,
            rates=((0, 0.04),),
            fall="linear",
            weight_decay=2e-4,
            dropout="0.5 after fire9",
            initial_weights="Glorot and Bengio 2010; conv10 normal, deviation 0.01",
            center="standard",
            **_photos(227, crop=227 / 256),
            ours=(
                "the initial weights are the authors' files'; ours are those of He et al. 2015 everywhere",
                "pixels are divided by each channel's deviation, as our initial weights want; the authors' "
                "files leave them at 0 to 255 less the mean",
                "the paper gives the linear fall from 0.04; the rest is the authors' files': 170,000 "
                "iterations of 512 are 68 epochs of ImageNet, and no picture is flipped",
            ),
        ),
    ),
}


def recipe(name, *, depth=None):
    """Return the recipe for a builder of `course_lib.architectures`.

    Args:
        name: of the builder, such as "alexnet" or "cifar_resnet".
        depth: that of a `cifar_resnet` or `cifar_plain`; from 110 layers on it warms up at a rate of 0.01.

    Raises:
        ValueError: if there is no recipe of that name.
    """
    if name not in RECIPES:
        near = [known for known in RECIPES if known.startswith(str(name))]
        near = near or difflib.get_close_matches(str(name), RECIPES, n=3)
        meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"name must be one of {', '.join(RECIPES)}. Received: name={name!r}{meant}")
    plan = RECIPES[name]
    if plan is not CIFAR_NET or depth is None or depth < 110:
        return plan
    warm_up = "0.01 until the training error falls below 80 %, about 400 iterations: here one epoch"
    return dataclasses.replace(plan, rates=RECIPES["preact_resnet"].rates, ours=(*plan.ours, warm_up))
