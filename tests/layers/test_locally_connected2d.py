import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import LocallyConnected2D

IMAGES = np.random.default_rng(0).normal(size=(3, 9, 8, 2)).astype("float32")


@pytest.mark.parametrize(("kernel", "strides"), [((3, 3), (1, 1)), ((2, 4), (1, 1)), ((3, 2), (2, 1))])
def test_every_position_has_its_own_weights(kernel, strides):
    layer = LocallyConnected2D(4, kernel, strides=strides, bias_initializer="random_normal")
    layer.build(IMAGES.shape)
    weights, bias = layer.get_weights()
    expected = np.empty((3, *bias.shape), dtype="float32")
    for row in range(bias.shape[0]):
        for column in range(bias.shape[1]):
            top, left = row * strides[0], column * strides[1]
            window = IMAGES[:, top : top + kernel[0], left : left + kernel[1]].reshape(3, -1)
            expected[:, row, column] = window @ weights[row, column] + bias[row, column]
    np.testing.assert_allclose(layer(IMAGES), expected, rtol=1e-4, atol=1e-5)


def test_with_the_same_weights_everywhere_it_is_conv2d():
    conv = keras.layers.Conv2D(4, 3, bias_initializer="random_normal")
    expected = conv(IMAGES)
    kernel, bias = conv.get_weights()
    layer = LocallyConnected2D(4, 3)
    layer.build(IMAGES.shape)
    layer.set_weights(
        [np.broadcast_to(kernel.reshape(18, 4), (7, 6, 18, 4)), np.broadcast_to(bias, (7, 6, 4))]
    )
    np.testing.assert_allclose(layer(IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("use_bias", "parameters"), [(True, 28 * 28 * 6 * 26), (False, 28 * 28 * 6 * 25)])
def test_there_is_a_parameter_for_each_connection(use_bias, parameters):
    layer = LocallyConnected2D(6, 5, use_bias=use_bias)
    layer.build((None, 32, 32, 1))
    assert layer.count_params() == parameters


def test_the_initial_weights_depend_on_the_fan_in_of_a_unit():
    keras.utils.set_random_seed(0)
    layer = LocallyConnected2D(6, 5)
    layer.build((None, 12, 12, 2))
    limit = np.sqrt(3 / 50)
    assert 0.99 * limit < np.abs(layer.get_weights()[0]).max() <= limit


@pytest.mark.parametrize("shape", [(None, None, 32, 1), (None, 32, 32, None)])
def test_an_unknown_size_is_refused(shape):
    with pytest.raises(ValueError, match="must be known"):
        LocallyConnected2D(6, 5).build(shape)


def test_a_kernel_larger_than_its_input_is_refused():
    with pytest.raises(ValueError, match="kernel must fit"):
        LocallyConnected2D(6, 5).build((None, 4, 32, 1))


@pytest.mark.parametrize("filters", [0, -1, 2.0, "6", True, None])
def test_filters_that_are_no_positive_integer_are_refused(filters):
    with pytest.raises(ValueError, match="Received: filters="):
        LocallyConnected2D(filters, 5)
