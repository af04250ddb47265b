"""What every layer promises: configuration, round trip through `.keras`, mixed precision, XLA, gradient."""

import inspect

import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import (
    DIGIT_BITMAPS,
    LENET_TABLE,
    Conv2D,
    EuclideanRBF,
    FanInUniform,
    LocallyConnected2D,
    LocalResponseNormalization,
    MAPLoss,
    NearestAccuracy,
    PartialConv2D,
    Subsampling2D,
    scaled_tanh,
)

# One layer of each class, no argument at its default, and the shape of its input.
LAYERS = {
    "Conv2D": (
        lambda **kwargs: Conv2D(
            6,
            (3, 2),
            strides=(2, 1),
            padding="same",
            data_format="channels_last",
            groups=3,
            activation=scaled_tanh,
            kernel_initializer=FanInUniform(2.0, seed=1),
            bias_initializer="ones",
            **kwargs,
        ),
        (8, 9, 6),
    ),
    "Subsampling2D": (
        lambda **kwargs: Subsampling2D(
            (2, 3), activation=scaled_tanh, coefficient_initializer="ones", bias_initializer="ones", **kwargs
        ),
        (8, 9, 6),
    ),
    "PartialConv2D": (
        lambda **kwargs: PartialConv2D(
            (3, 2),
            LENET_TABLE,
            strides=2,
            padding="same",
            activation=scaled_tanh,
            kernel_initializer=FanInUniform(2.0, seed=1),
            bias_initializer="ones",
            **kwargs,
        ),
        (8, 9, 6),
    ),
    "LocallyConnected2D": (
        lambda **kwargs: LocallyConnected2D(
            4,
            (3, 2),
            strides=(2, 1),
            activation=scaled_tanh,
            kernel_initializer=FanInUniform(2.0, seed=1),
            bias_initializer="ones",
            **kwargs,
        ),
        (8, 9, 6),
    ),
    "LocalResponseNormalization": (
        lambda **kwargs: LocalResponseNormalization(
            k=1.0, n=3, alpha=0.01, beta=0.5, divide_alpha_by_n=True, **kwargs
        ),
        (8, 9, 6),
    ),
    "EuclideanRBF": (lambda **kwargs: EuclideanRBF(DIGIT_BITMAPS, **kwargs), (84,)),
}
each_layer = pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)


def _images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _model(make, shape, **kwargs):
    inputs = keras.Input(shape)
    return keras.Model(inputs, make(**kwargs)(keras.layers.Dense(shape[-1])(inputs)))


@each_layer
def test_the_shape_promised_is_the_shape_computed(make, shape):
    layer = make()
    assert layer.compute_output_shape((2, *shape)) == layer(_images(2, *shape)).shape


@each_layer
def test_the_configuration_holds_exactly_the_arguments(make, shape):
    layer = make()
    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert set(layer.get_config()) == arguments | {"name", "trainable", "dtype"}


@each_layer
def test_a_layer_made_from_a_configuration_has_the_same_configuration(make, shape):
    layer = make(name="chosen")
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@each_layer
def test_a_saved_model_loads_without_custom_objects_and_computes_the_same(make, shape, tmp_path):
    model, images = _model(make, shape), _images(2, *shape)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.to_json() == model.to_json()
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))


@each_layer
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_agrees_with_float32_to_the_precision_of_its_numbers(make, shape, policy):
    images, reference, layer = _images(2, *shape), make(), make(dtype=policy)
    expected = keras.ops.convert_to_numpy(reference(images))
    layer.build((None, *shape))
    layer.set_weights(reference.get_weights())
    found = layer(images)
    assert keras.backend.standardize_dtype(found.dtype) == layer(keras.Input(shape)).dtype
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in layer.weights} <= {"float32"}
    error = np.abs(keras.ops.convert_to_numpy(keras.ops.cast(found, "float32")) - expected).max()
    assert error < np.abs(expected).max() * (0.005 if policy == "mixed_float16" else 0.03)


@each_layer
def test_compiled_by_xla_the_training_step_is_the_same(make, shape):
    images = _images(4, *shape)
    plain, compiled = _model(make, shape), _model(make, shape)
    compiled.set_weights(plain.get_weights())
    for model, jit_compile in ((plain, False), (compiled, True)):
        model.compile(keras.optimizers.SGD(1e-3), loss="mse", jit_compile=jit_compile)
        model.train_on_batch(images, np.zeros((4, *model.output_shape[1:])))
    for one, other in zip(plain.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@each_layer
def test_one_step_down_the_gradient_lowers_the_loss_and_moves_every_trainable_weight(make, shape):
    keras.utils.set_random_seed(0)
    images, model = _images(4, *shape), _model(make, shape)
    targets = np.zeros((4, *model.output_shape[1:]))
    before = model.get_weights()
    # However steep the loss is, the step is at most this long.
    model.compile(keras.optimizers.SGD(1e-3, global_clipnorm=1.0), loss="mse")
    loss = model.evaluate(images, targets, verbose=0)
    model.train_on_batch(images, targets)
    assert model.evaluate(images, targets, verbose=0) < loss
    trainable = [weight.trainable for weight in model.weights]
    moved = [not np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True)]
    assert moved == trainable


@pytest.mark.parametrize(
    "thing", [MAPLoss(j=3.0), NearestAccuracy(name="nearest"), FanInUniform(2.0, seed=1)]
)
def test_the_loss_the_metric_and_the_initial_weights_serialise(thing):
    module = {MAPLoss: keras.losses, NearestAccuracy: keras.metrics, FanInUniform: keras.initializers}[
        type(thing)
    ]
    copy = module.deserialize(module.serialize(thing))
    assert type(copy) is type(thing)
    assert copy.get_config() == thing.get_config()


@pytest.mark.parametrize("pool_size", [0, -2, 1.5, "2", (2, 2, 2), None, True, (2, True)])
def test_a_size_that_is_no_positive_integer_or_pair_is_refused(pool_size):
    with pytest.raises(ValueError, match="Received: pool_size="):
        Subsampling2D(pool_size)
