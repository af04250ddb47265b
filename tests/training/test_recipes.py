"""Recipes hold what the papers print, and become the optimizers, rates and pipelines that they describe."""

import dataclasses
import inspect

import numpy as np
import pytest

from course_lib import architectures, datasets, training
from course_lib.backend import keras
from course_lib.training import recipes
from course_lib.training.recipes import RECIPES, CoupledSGD, recipe

import tensorflow as tf  # isort: skip

IMAGENET, CIFAR = 1_281_167, 50_000  # training pictures


def test_every_network_that_is_trained_has_a_recipe():
    builders = {
        name
        for name in architectures.__all__
        if "name" in (parameters := inspect.signature(getattr(architectures, name)).parameters)
        and all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in parameters.values())
    }
    assert builders - {"googlenet_inference"} == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_its_source_and_its_rates_fall_within_its_epochs(name):
    found = recipe(name)
    assert any(f" {year}" in found.source for year in range(1998, 2018))
    epochs, rates = zip(*found.rates, strict=True)
    assert list(epochs) == sorted(epochs)
    assert (epochs[0], epochs[-1] < found.epochs) == (0, True)
    warm = 1 if name == "preact_resnet" else 0
    assert list(rates[warm:]) == sorted(rates[warm:], reverse=True)
    assert found.augmentation is None or isinstance(found.augmentation, datasets.Augmentation)
    assert all(isinstance(sentence, str) for sentence in found.ours)


@pytest.mark.parametrize(
    ("name", "iterations", "pictures", "epochs"),
    [
        ("vgg16", 370_000, IMAGENET, 74),
        ("resnet50", 600_000, IMAGENET, 120),
        ("squeezenet1_0", 170_000, IMAGENET, 68),
        ("cifar_resnet", 64_000, CIFAR, 164),
        ("preact_resnet", 64_000, CIFAR, 164),
    ],
)
def test_epochs_are_the_iterations_that_the_paper_prints(name, iterations, pictures, epochs):
    assert recipe(name).epochs == epochs == round(iterations * recipe(name).batch_size / pictures)


def test_the_rates_of_cifar_fall_after_32000_and_48000_iterations_and_110_layers_warm_up():
    falls = [round(iterations * 128 / CIFAR) for iterations in (32_000, 48_000)]
    plain, deep = recipe("cifar_resnet"), recipe("cifar_resnet", depth=110)
    assert plain.rates == ((0, 0.1), (falls[0], 0.01), (falls[1], 0.001))
    assert recipe("cifar_resnet", depth=56) == plain
    assert deep.rates == ((0, 0.01), (round(400 * 128 / CIFAR), 0.1), *plain.rates[1:])
    assert dataclasses.replace(deep, rates=plain.rates, ours=plain.ours) == plain


def test_fractalnets_rate_falls_whenever_the_remaining_epochs_halve():
    found = recipe("fractalnet")
    for (epoch, rate), (later, lower) in zip(found.rates, found.rates[1:], strict=False):
        assert found.epochs - later == (found.epochs - epoch) / 2
        assert lower == pytest.approx(rate / 10)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50", "densenet121", "zfnet", "nin_imagenet"])
def test_photos_are_resized_to_256_and_the_network_sees_its_own_input_size(name):
    found = recipe(name)
    builder = inspect.unwrap(getattr(architectures, name))
    assert found.resize == 256
    if "input_shape" in inspect.signature(builder).parameters:
        assert inspect.signature(builder).parameters["input_shape"].default[0] == found.image_size


@pytest.mark.parametrize("name", ["resnet5", "lenet", "googlenet_inference", "dense_block", None])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match=f"name must be one of lenet5, .*Received: name={name!r}"):
        recipe(name)


# Learning rates


def rates(schedule, steps):
    return [float(schedule(step)) for step in range(steps)]


def test_each_rate_holds_for_as_many_steps_as_its_epochs_have():
    found = rates(recipe("wide_resnet").learning_rate(10), 2000)
    np.testing.assert_allclose(found, [0.1] * 600 + [0.02] * 600 + [4e-3] * 400 + [8e-4] * 400)


def test_fewer_epochs_shrink_the_schedule():
    found = rates(recipe("wide_resnet").learning_rate(10, epochs=10), 100)
    np.testing.assert_allclose(found, [0.1] * 30 + [0.02] * 30 + [4e-3] * 20 + [8e-4] * 20)
    assert rates(recipe("preact_resnet").learning_rate(3, epochs=1), 1) == [pytest.approx(0.1)]
    constant = dataclasses.replace(recipe("wide_resnet"), rates=((0, 0.1),))
    np.testing.assert_allclose(rates(constant.learning_rate(2, epochs=2), 5), [0.1] * 5)


def test_googlenets_rate_falls_by_4_percent_every_8_epochs():
    found = rates(recipe("googlenet").learning_rate(1), 240)
    np.testing.assert_allclose(found, 0.01 * 0.96 ** (np.arange(240) // 8), rtol=1e-5)


def test_a_linear_and_a_cosine_fall_reach_zero_at_the_end():
    linear, cosine = recipe("squeezenet1_0").learning_rate(5, 4), recipe("lenet5").learning_rate(5, 4)
    np.testing.assert_allclose(rates(linear, 21), 0.04 * (1 - np.arange(21) / 20), atol=1e-8)
    np.testing.assert_allclose(
        rates(cosine, 21), 1e-3 * (1 + np.cos(np.pi * np.arange(21) / 20)) / 2, atol=1e-9
    )


@pytest.mark.parametrize("arguments", [(0,), (2.5,), (5, 0), (5, 1.5)])
def test_steps_and_epochs_that_are_no_number_of_times_are_refused(arguments):
    with pytest.raises(ValueError, match=f"must be a whole number, 1 or more. Received: .*={arguments[-1]}"):
        recipe("lenet5").learning_rate(*arguments)


# Optimizers


def small(devices=None, momentum=0.0, **options):
    """Return a network with a kernel, a bias and BatchNorm's gamma and beta, none of them zero."""
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        normalize = keras.layers.BatchNormalization(synchronized=True)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), normalize])
        model.compile(CoupledSGD(0.1, momentum, **options), "mse")
    model.set_weights([weight + 1 for weight in model.get_weights()])
    return model


X, Y = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
BATCH = tf.data.Dataset.from_tensors((X, Y[:, :2]))


def gradients(model):
    with tf.GradientTape() as tape:
        loss = keras.ops.mean(keras.ops.square(model(X, training=True) - Y[:, :2]))
    return [g.numpy() for g in tape.gradient(loss, [weight.value for weight in model.trainable_weights])]


@pytest.mark.parametrize("nesterov", [False, True])
def test_two_steps_are_those_of_the_papers_on_every_kind_of_weight(nesterov):
    """Krizhevsky et al. 2012, section 5: v := m v - decay rate w - rate gradient; w := w + v."""
    model = small(momentum=0.9, nesterov=nesterov, l2=0.2)
    weights = [weight.numpy() for weight in model.trainable_weights]
    velocities = [0] * len(weights)
    for _ in range(2):
        now = gradients(model)
        velocities = [
            0.9 * v - 0.2 * 0.1 * w - 0.1 * g for v, w, g in zip(velocities, weights, now, strict=True)
        ]
        steps = (
            [0.9 * v - 0.2 * 0.1 * w - 0.1 * g for v, w, g in zip(velocities, weights, now, strict=True)]
            if nesterov
            else velocities
        )
        weights = [w + step for w, step in zip(weights, steps, strict=True)]
        model.fit(BATCH, verbose=0, shuffle=False)
        for found, expected in zip(model.trainable_weights, weights, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert len(weights) == 4


def test_without_momentum_a_step_is_that_of_keras_own_weight_decay_to_first_order():
    coupled, decoupled = small(l2=1e-3), small()
    decoupled.compile(keras.optimizers.SGD(0.1, weight_decay=1e-3), "mse")
    for model in (coupled, decoupled):
        model.fit(BATCH, verbose=0, shuffle=False)
    for one, other in zip(coupled.trainable_weights, decoupled.trainable_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * 0.1 * 2)


def test_with_momentum_the_weights_shrink_ten_times_as_fast_as_by_keras_own_decay():
    left = {}
    for name, optimizer in (
        ("coupled", CoupledSGD(0.5, 0.9, l2=1e-3)),
        ("decoupled", keras.optimizers.SGD(0.5, 0.9, weight_decay=1e-2)),
    ):
        weight = keras.Variable(1.0)
        optimizer.build([weight])
        for _ in range(200):
            optimizer.apply([keras.ops.zeros(())], [weight])
        left[name] = float(weight)
    assert left["coupled"] == pytest.approx(np.exp(-1), rel=0.05)
    assert left["coupled"] == pytest.approx(left["decoupled"], rel=0.05)


def test_two_replicas_step_as_one_and_a_loaded_optimizer_goes_on(tmp_path):
    one, two = small(momentum=0.9, l2=0.2), small(("CPU:0", "CPU:1"), momentum=0.9, l2=0.2)
    for model in (one, two):
        model.fit(BATCH, epochs=2, verbose=0, shuffle=False)
    for ours, theirs in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    one.save(tmp_path / "one.keras")
    loaded = keras.models.load_model(tmp_path / "one.keras")
    assert loaded.optimizer.get_config() == one.optimizer.get_config()
    for model in (one, loaded):
        model.fit(BATCH, verbose=0, shuffle=False)
    np.testing.assert_array_equal(one.get_weights()[0], loaded.get_weights()[0])


def test_a_recipe_makes_its_optimizer():
    found = recipe("wide_resnet").optimizer(10)
    assert (found.momentum, found.nesterov, found.l2) == (0.9, True, 5e-4)
    assert float(found.learning_rate) == pytest.approx(0.1)
    assert recipe("resnet50").optimizer(10).l2 == 1e-4
    assert type(recipe("lenet5").optimizer(10)) is keras.optimizers.Adam


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match=r"l2 must be 0 or more\. Received: l2=-1"):
        CoupledSGD(l2=-1)


# Data


def test_data_comes_as_the_recipe_wants_it_and_is_scaled_with_the_image_size():
    data = recipe("vgg16").data("shapes", image_size=28, batch_size=8, train_count=64, test_count=8)
    assert (data.image_shape, data.train.element_spec[0].shape[0]) == ((28, 28, 3), 8)
    x = data.arrays("train")[0]
    np.testing.assert_allclose(x.mean(axis=(0, 1, 2)), 0, atol=0.01)
    assert x.max() - x.min() > 150  # pixels of 0 to 255
    whole = datasets.load(
        "shapes", image_size=32, batch_size=8, train_count=64, test_count=8, value_range=(0, 255)
    )
    np.testing.assert_allclose(x + data.mean, whole.arrays("train")[0][:, 2:30, 2:30], atol=1e-3)


def test_lenet5_sees_grey_digits_of_32_pixels_and_any_other_network_three_channels():
    assert recipe("lenet5").data("digits").image_shape == (32, 32, 1)
    assert recipe("cifar_densenet").data("digits", train_count=64, center=None).image_shape == (32, 32, 3)


@pytest.fixture
def asked(monkeypatch):
    """Return a list of what is asked of `datasets.load`, which loads nothing."""
    calls = []
    monkeypatch.setattr(recipes, "load", lambda name, **options: calls.append((name, options)))
    return calls


def test_the_family_has_a_dataset_and_imagenet_has_its_own_splits(asked):
    names = ("lenet5", "nin_cifar10", "cifar_resnet", "fractalnet", "alexnet", "resnet50")
    for name in names:
        recipe(name).data()
    datasets_of = ["mnist", "cifar10", "cifar10", "cifar10", "imagenette/160px-v2", "imagenette/160px-v2"]
    assert [name for name, _ in asked] == datasets_of
    recipe("resnet50").data("imagenet2012", seed=3)
    assert asked[-1][1]["splits"] == ("train", "validation")
    assert (asked[-1][1]["seed"], asked[-1][1]["batch_size"], asked[-1][1]["resize"]) == (3, 256, 256)
    recipe("alexnet").data(image_size=256, resize=None, augmentation=None, batch_size=7)
    assert [asked[-1][1][key] for key in ("image_size", "resize", "augmentation", "batch_size")] == [
        256,
        None,
        None,
        7,
    ]


def test_of_resnets_photos_the_shorter_side_is_256_to_480_pixels():
    smallest, largest = recipe("resnet50").augmentation.crop
    assert (224 / largest, 224 / smallest) == (256, 480)


@pytest.mark.parametrize("name", RECIPES)
def test_stored_pictures_that_a_crop_enlarges_are_named_as_ours(name):
    found = recipe(name)
    crop = getattr(found.augmentation, "crop", None)
    if isinstance(crop, tuple) and min(crop) * found.resize < found.image_size - 1:
        assert any("shorter side of 256 pixels: a larger scale enlarges" in each for each in found.ours)
    else:
        assert name not in ("vgg16", "resnet50")


@pytest.mark.parametrize(
    "name", ["nin_cifar10", "nin_imagenet", "googlenet", "squeezenet1_0", "squeezenet1_1"]
)
def test_initial_weights_that_are_not_the_papers_are_named_as_ours(name):
    layers = getattr(architectures, name)().layers
    kinds = {type(each.kernel_initializer) for each in layers if hasattr(each, "kernel_initializer")}
    assert keras.initializers.HeNormal in kinds
    assert "He et al." not in recipe(name).initial_weights
    assert any("He et al. 2015" in sentence for sentence in recipe(name).ours)


def test_the_weight_decay_of_network_in_network_is_that_of_krizhevsky_et_al():
    assert recipe("nin_cifar10").weight_decay == recipe("alexnet").weight_decay == 5e-4
    assert not any("decay and" in sentence for sentence in recipe("nin_cifar10").ours)


def trained(name, model, **options):
    """Compile and train a model by its recipe for two steps; return its history and the data."""
    data = recipe(name).data("shapes", batch_size=4, train_count=8, test_count=4, **options)
    recipe(name).compile(model, 2, epochs=1)
    before = model.get_weights()
    history = model.fit(data.train, validation_data=data.test, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert any(not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    return history, data


def test_distances_are_compiled_with_their_loss_and_accuracy():
    keras.utils.set_random_seed(0)
    model = architectures.lenet5()
    history, data = trained("lenet5", model)
    nearest = np.mean(model.predict(data.test, verbose=0).argmin(axis=1) == data.arrays("test")[1])
    assert history["val_accuracy"][0] == pytest.approx(nearest)
    assert type(model.loss).__name__ == "MAPLoss"


def test_probabilities_are_compiled_with_cross_entropy_and_three_heads_with_googlenets_weights():
    heads = ("softmax2", "softmax0", "softmax1")
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = [keras.layers.Dense(10, "softmax", name=name)(x) for name in heads]
    history, _ = trained("googlenet", keras.Model(inputs, outputs), image_size=16)
    losses = [history[f"{name}_loss"][0] for name in heads]
    assert history["loss"][0] == pytest.approx(np.dot(losses, [1, 0.3, 0.3]), rel=1e-4)
    assert "val_softmax2_accuracy" in history
    history, _ = trained("cifar_resnet", keras.Model(inputs, outputs[0]), image_size=16)
    assert {"loss", "accuracy", "val_accuracy"} <= set(history)
