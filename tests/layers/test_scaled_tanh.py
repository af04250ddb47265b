import numpy as np

from course_lib.backend import keras
from course_lib.layers import scaled_tanh


def test_it_is_the_papers_function():
    x = np.linspace(-5, 5, 101, dtype="float32")
    np.testing.assert_allclose(scaled_tanh(x), 1.7159 * np.tanh(2 / 3 * x), rtol=1e-5, atol=1e-6)


def test_it_takes_one_to_one():
    np.testing.assert_allclose(scaled_tanh(np.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)


def test_its_curvature_is_largest_at_one():
    x = np.linspace(0, 3, 301)
    curvature = np.abs(np.diff(1.7159 * np.tanh(2 / 3 * x), 2))
    assert abs(x[1:-1][curvature.argmax()] - 1) < 0.02


def test_a_layer_that_uses_it_is_restored_by_name():
    layer = keras.layers.Dense(3, activation=scaled_tanh)
    assert keras.layers.Dense.from_config(layer.get_config()).activation is scaled_tanh
