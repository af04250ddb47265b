import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import FanInUniform


@pytest.mark.parametrize(("shape", "fan_in"), [((5, 5, 4, 200), 100), ((120, 84), 120)])
def test_the_weights_fill_the_papers_interval(shape, fan_in):
    weights = keras.ops.convert_to_numpy(FanInUniform(seed=1)(shape))
    limit = 2.4 / fan_in
    assert 0.99 * limit < np.abs(weights).max() <= limit
    np.testing.assert_allclose(weights.std(), limit / np.sqrt(3), rtol=0.02)  # uniform
    assert abs(weights.mean()) < 0.02 * limit


def test_a_seed_repeats_the_weights_and_no_seed_does_not():
    seeded, unseeded = FanInUniform(seed=1), FanInUniform()
    np.testing.assert_array_equal(seeded((3, 4)), seeded((3, 4)))
    assert not np.array_equal(unseeded((3, 4)), unseeded((3, 4)))


def test_set_random_seed_repeats_a_model():
    draws = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        draws.append(keras.ops.convert_to_numpy(FanInUniform()((3, 4))))
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), None, "2.4", True])
def test_a_scale_that_is_no_positive_number_is_refused(scale):
    with pytest.raises(ValueError, match=f"Received: scale={scale!r}"):
        FanInUniform(scale=scale)
