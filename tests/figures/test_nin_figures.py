"""Class maps over a picture, read back from the figure."""

import numpy as np
import pytest
from drawings import axes_of, words_of

from course_lib import figures


def class_maps(**options):
    picture = np.zeros((24, 24))
    picture[4:12, 8:16] = 1
    maps = np.zeros((6, 6, 3))
    maps[1, 2, 1] = 9
    maps[:, :, 2] = 0.5
    given = {"stride": 4, "offset": 3, "truth": [(1, 4, 8, 8)], "columns": 3}
    return figures.class_maps(picture, maps, ["a", "b", "c"], **given | options)


def test_each_class_has_a_tile_with_its_mean_and_its_map_on_one_scale():
    picture = class_maps()
    assert words_of(picture) == ["a: 0.00", "b: 0.25", "c: 0.50"]
    assert [text.get_weight() for text in axes_of(picture).texts] == ["normal", "normal", "bold"]
    heats = [np.asarray(image.get_array())[..., 3] for image in axes_of(picture).images[1::2]]
    assert [round(heat.max(), 3) for heat in heats] == [0, 0.8, round(0.8 / 18, 3)]
    assert "3 classes" in picture.alt


def test_a_place_of_a_map_lies_around_the_pixels_that_it_stands_for():
    images = axes_of(class_maps()).images
    grey, heat = images[2], images[3]  # of class b
    left, right, _, top = grey.get_extent()
    pixel = (right - left) / 24
    start, end, _, high = heat.get_extent()
    # Place 0 stands for pixel 3, whose middle is 3.5: from 1.5 to 5.5.
    np.testing.assert_allclose([start, end], [left + 1.5 * pixel, left + 25.5 * pixel])
    np.testing.assert_allclose(high, top - 1.5 * pixel)
    frame = axes_of(class_maps()).patches[2]  # behind the edges of a and b
    np.testing.assert_allclose([frame.get_x(), frame.get_width()], [left + 8 * pixel, 8 * pixel])


@pytest.mark.parametrize(("options", "message"), [({"columns": 0}, "columns"), ({"names": ["a"]}, "1 names")])
def test_maps_that_fit_neither_names_nor_columns_are_refused(options, message):
    given = {"names": ["a", "b"], "stride": 4, "offset": 3} | options
    with pytest.raises(ValueError, match=message):
        figures.class_maps(np.zeros((8, 8)), np.zeros((2, 2, 2)), **given)


def test_a_map_below_zero_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        figures.class_maps(np.zeros((8, 8)), -np.ones((2, 2, 1)), ["a"], stride=4, offset=3)
