import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import Subsampling2D


def _layer(channels, pool_size, **kwargs):
    layer = Subsampling2D(
        pool_size, coefficient_initializer="random_normal", bias_initializer="random_normal", **kwargs
    )
    layer.build((None, 16, 16, channels))
    return layer


@pytest.mark.parametrize("pool", [(2, 2), (3, 3), (2, 3), (1, 1)])
def test_each_window_is_added_up_times_the_coefficient_plus_the_bias(pool):
    x = np.random.default_rng(0).normal(size=(3, 9, 8, 5)).astype("float32")
    layer = _layer(5, pool)
    coefficient, bias = layer.get_weights()
    height, width = 9 // pool[0], 8 // pool[1]
    windows = x[:, : height * pool[0], : width * pool[1]].reshape(3, height, pool[0], width, pool[1], 5)
    expected = windows.sum((2, 4)) * coefficient + bias
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_it_is_average_pooling_until_it_is_trained():
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(Subsampling2D(2)(x), keras.layers.AveragePooling2D(2)(x), rtol=1e-5, atol=1e-6)


def test_the_activation_squashes_the_sum_and_not_the_inputs():
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    linear, squashed = _layer(3, 2), _layer(3, 2, activation="tanh")
    squashed.set_weights(linear.get_weights())
    np.testing.assert_allclose(squashed(x), np.tanh(linear(x)), rtol=1e-5, atol=1e-6)


def test_there_are_two_parameters_a_map():
    assert _layer(6, 2).count_params() == 12
    assert _layer(16, 2).count_params() == 32


def test_a_window_larger_than_the_input_is_refused():
    with pytest.raises(ValueError, match="kernel must fit"):
        Subsampling2D(5).build((None, 4, 8, 1))


def test_an_input_without_channels_is_refused():
    with pytest.raises(ValueError, match=r"\(N, H, W, C\)"):
        Subsampling2D(2).build((None, 4, 8))
