import numpy as np
import pytest

from course_lib.architectures import alexnet
from course_lib.architectures._common import max_pool_up, scaled
from course_lib.backend import keras


def test_channels_are_rounded_to_the_nearest_multiple_and_never_to_zero():
    assert [scaled(96, 0.1), scaled(96, 0.5), scaled(96, 2), scaled(96, 1e-9)] == [10, 48, 192, 1]
    assert [scaled(96, 0.1, 4), scaled(96, 1e-9, 4)] == [8, 4]


@pytest.mark.parametrize("side", [3, 4, 13, 54, 55])
def test_a_pool_that_rounds_up_has_a_window_for_every_pixel(side):
    inputs = keras.Input((side, side, 1))
    model = keras.Model(inputs, max_pool_up(inputs, name="pool"))
    image = np.random.default_rng(0).normal(size=(side, side)).astype("float32")
    starts = range(0, side - 1, 2)
    expected = [[image[row : row + 3, column : column + 3].max() for column in starts] for row in starts]
    np.testing.assert_array_equal(model(image[None, :, :, None])[0, :, :, 0], expected)


def test_the_smallest_input_is_named_for_images_that_are_not_square_too():
    with pytest.raises(ValueError, match=r"at least 67x67\. Received: input_shape=\(200, 30, 1\)"):
        alexnet(input_shape=(200, 30, 1), width=0.1)


def test_an_error_that_has_another_cause_is_not_blamed_on_the_size():
    with pytest.raises(ValueError, match="no such activation"):
        alexnet(input_shape=(67, 67, 3), width=0.1, classifier_activation="no such activation")
