import numpy as np
import pytest
import tensorflow as tf

from course_lib.backend import keras
from course_lib.layers import LocalResponseNormalization

IMAGES = np.random.default_rng(0).normal(scale=50, size=(2, 5, 4, 12)).astype("float32")


def _outputs_and_gradient(function):
    images, upstream = tf.constant(IMAGES), tf.constant(IMAGES[::-1].copy())
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = function(images)
    return outputs.numpy(), tape.gradient(outputs, images, upstream).numpy()


@pytest.mark.parametrize("maps", [1, 7, 12, 32])  # sums are made over blocks of 1, 1, 4 and 16 maps
@pytest.mark.parametrize(
    "constants", [{}, {"k": 1.0, "n": 3, "alpha": 0.01, "beta": 0.5}, {"n": 11}, {"n": 35}]
)
def test_it_is_the_formula_of_the_paper(constants, maps):
    k, n, alpha, beta = ({"k": 2, "n": 5, "alpha": 1e-4, "beta": 0.75} | constants).values()
    images = np.random.default_rng(0).normal(scale=50, size=(2, 5, 4, maps)).astype("float32")
    expected = np.empty_like(images)
    for i in range(maps):
        neighbours = images[..., max(0, i - n // 2) : min(maps, i + n // 2 + 1)]
        expected[..., i] = images[..., i] / (k + alpha * (neighbours.astype(float) ** 2).sum(-1)) ** beta
    found = keras.ops.convert_to_numpy(LocalResponseNormalization(**constants)(images))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("beta", [0.75, 0.5])
def test_it_is_tensorflows_operation_forward_and_backward(beta):
    found = _outputs_and_gradient(LocalResponseNormalization(beta=beta))
    expected = _outputs_and_gradient(
        lambda x: tf.nn.local_response_normalization(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=beta)
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() < 1e-6 * np.abs(theirs).max()


def test_caffe_divides_alpha_by_the_number_of_maps():
    caffe = LocalResponseNormalization(alpha=5e-4, divide_alpha_by_n=True)
    np.testing.assert_allclose(caffe(IMAGES), LocalResponseNormalization()(IMAGES), rtol=1e-6)


def test_fewer_maps_than_neighbours_are_all_summed():
    few = IMAGES[..., :2]
    expected = few / (2 + 1e-4 * (few**2).sum(-1, keepdims=True)) ** 0.75
    np.testing.assert_allclose(LocalResponseNormalization()(few), expected, rtol=1e-6)


def test_half_precision_does_not_overflow_where_squares_would():
    large = np.full((1, 1, 1, 5), 30_000, "float16")
    expected = LocalResponseNormalization()(large.astype("float32"))
    found = LocalResponseNormalization(dtype="mixed_float16")(large)
    assert found.dtype == "float16"
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize(
    "constant",
    [{"k": 0}, {"n": 4}, {"n": 0}, {"n": 5.0}, {"alpha": -1e-4}, {"beta": 0}, {"k": float("nan")}],
)
def test_a_constant_that_makes_no_sense_is_refused(constant):
    (name,) = constant
    with pytest.raises(ValueError, match=f"Received: {name}="):
        LocalResponseNormalization(**constant)
