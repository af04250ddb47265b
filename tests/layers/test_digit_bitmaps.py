import itertools

import numpy as np
import pytest

from course_lib.layers import DIGIT_BITMAPS


def test_there_are_ten_pictures_of_7_by_12_pixels_of_plus_or_minus_one():
    assert DIGIT_BITMAPS.shape == (10, 7 * 12)
    assert set(np.unique(DIGIT_BITMAPS)) == {-1, 1}


def test_any_two_digits_differ_in_at_least_a_dozen_pixels():
    differences = [np.sum(one != other) for one, other in itertools.combinations(DIGIT_BITMAPS, 2)]
    assert min(differences) >= 12


def test_a_row_of_84_values_is_the_picture_row_after_row():
    seven = DIGIT_BITMAPS[7].reshape(12, 7)
    assert (seven[:2] == 1).all()  # the bar of the seven
    assert (seven[2:4, -2:] == 1).all()
    assert (seven[2:4, :-2] == -1).all()


def test_nobody_can_change_them():
    with pytest.raises(ValueError, match="read-only"):
        DIGIT_BITMAPS[0, 0] = 0
