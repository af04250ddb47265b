"""What the residual families and DenseNet share: convolution and BatchNorm, stems, stages, the head."""

import functools
import sys

from course_lib.architectures._common import scaled
from course_lib.backend import keras
from course_lib.checks import require
from course_lib.layers.conv2d import NARROW, Conv2D

__all__ = [
    "activate",
    "cifar_network",
    "classify",
    "convolve",
    "equal_stages",
    "imagenet_network",
    "imagenet_stem",
    "normalize",
    "stack",
]


def convolve(x, filters, kernel, strides=1, *, groups=1, name):
    """Convolve without bias, padded alike on all sides; the weights start as in He et al. 2015."""
    padding = "same"
    if strides > 1 and kernel > 1:  # here "same" would pad even maps at their end only
        x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        padding = "valid"
    options = {"groups": groups, "use_bias": False, "kernel_initializer": "he_normal", "name": name}
    is_projection = kernel == 1 and strides > 1
    special = groups > 1 or (is_projection and x.shape[-1] < NARROW)
    layer = Conv2D if special else keras.layers.Conv2D  # whose files Keras opens alone
    return layer(filters, kernel, strides, padding, **options)(x)


def normalize(x, *, name):
    """Normalise each map over the mini-batch (Ioffe and Szegedy 2015).

    The momentum is 0.9, since Keras's 0.99 spoils the evaluation of short trainings; epsilon is 1e-5.
    """
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def activate(x, *, name, number=""):
    """Normalise, then apply ReLU."""
    x = normalize(x, name=f"{name}_bn{number}")
    return keras.layers.ReLU(name=f"{name}_relu{number}")(x)


def imagenet_stem(x, filters):
    """Shrink an image to a quarter: a 7x7 convolution and the maxima of 3x3 windows, both with stride 2."""
    x = activate(convolve(x, filters, 7, 2, name="stem_conv"), name="stem")
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # a ReLU's outputs are no less than zero
    return keras.layers.MaxPooling2D(3, 2, name="stem_pool")(x)


def cifar_stem(x, filters):
    """Keep the size of an image: a 3x3 convolution."""
    return activate(convolve(x, filters, 3, name="stem_conv"), name="stem")


def equal_stages(depth, convolutions, *, others=2):
    """Return the number of blocks in each of three equal stages, for a network of `depth` layers.

    `convolutions` is their number in a block, `others` the number of layers in no block.

    Raises:
        ValueError: if there is no such network.
    """
    blocks, rest = divmod(depth - others, 3 * convolutions) if isinstance(depth, int) else (0, 0)
    is_depth = rest == 0 and blocks >= 1
    require(is_depth, f"depth must be {3 * convolutions}n + {others}.", f"depth={depth!r}")
    return (blocks,) * 3


def stack(x, block, depths, filters, *, width=1):
    """Apply `depths[i]` blocks in stage i. Each stage after the first halves the map and doubles the filters.

    `block` is a function of the tensor, the filters of its convolutions, its stride and its name.
    """
    # To make, copy or load a model, Keras walks its layers by recursion: a Python frame a layer, up to 11 a
    # block where no shortcut is shorter. (Since Python 3.11 such frames don't use the stack of C.)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 300 + 11 * sum(depths)))
    for stage, depth in enumerate(depths):
        channels = [scaled(maps * 2**stage, width) for maps in filters]
        for number in range(depth):
            strides = 2 if stage > 0 and number == 0 else 1
            x = block(x, channels, strides, name=f"stage{stage + 1}_block{number + 1}")
    return x


def classify(x, classes, activation):
    """Average each map, then one dense layer."""
    x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
    return keras.layers.Dense(classes, activation=activation, dtype="float32", name="head_dense")(x)


def residual_network(
    stem,
    block,
    depths,
    filters,
    *,
    stem_filters,
    input_shape,
    classes,
    width=1,
    classifier_activation="softmax",
    name,
):
    """Build a stem, stages of blocks and a classifier.

    Args:
        stem: function of the image and `stem_filters`.
        block, depths, filters: see `stack`.
        stem_filters: channels of the stem.
        input_shape: `(H, W, C)`; any size works.
        classes: number of outputs.
        width: multiplies the channels of every layer, rounded to whole ones and never to zero.
        classifier_activation: of the output; None for logits.
        name: name of the model.
    """
    inputs = keras.Input(input_shape, name="input")
    x = stem(inputs, scaled(stem_filters, width))
    x = stack(x, block, depths, filters, width=width)
    return keras.Model(inputs, classify(x, classes, classifier_activation), name=name)


# With the images and classes of the papers; every keyword can be given another value.
imagenet_network = functools.partial(
    residual_network, imagenet_stem, stem_filters=64, input_shape=(224, 224, 3), classes=1000
)
cifar_network = functools.partial(
    residual_network, cifar_stem, stem_filters=16, input_shape=(32, 32, 3), classes=10
)
