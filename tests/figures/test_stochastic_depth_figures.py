"""Lamps of drawn networks, read back from their figure."""

import numpy as np
import pytest
from drawings import axes_of

from course_lib import figures


def test_a_lamp_is_lit_for_each_active_block_and_the_layers_are_counted():
    drawn = np.array([[1, 1, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1]], bool)
    picture = figures.lamps([0.9, 0.8, 0.7, 0.6, 0.55, 0.5], drawn)
    lamps = [line for line in axes_of(picture).lines if line.get_marker() == "o"][1:]
    assert [len(line.get_xdata()) for line in lamps] == [3, 3, 6, 0]
    words = [text.get_text() for text in axes_of(picture).texts]
    assert "3 blocks, 8 layers" in words
    assert "6 blocks, 14 layers" in words
    assert "lit are 3, 6 of 6 blocks" in picture.alt


def test_rows_of_another_number_of_blocks_are_refused():
    with pytest.raises(ValueError, match=r"drawn must be \(rows, blocks\)"):
        figures.lamps([0.9, 0.8, 0.7], [[True, False]])
