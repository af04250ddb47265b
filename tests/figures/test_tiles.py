"""Images, kernels, maps and fields of view, read back from their figures."""

import numpy as np
import pytest
from drawings import axes_of, words_of

from course_lib import figures
from course_lib.arithmetic import ReceptiveField
from course_lib.backend import keras

RANDOM = np.random.default_rng(0)


def test_images_keep_their_pixels_their_titles_and_one_scale():
    array = RANDOM.random((5, 4, 6, 1))
    picture = figures.images(array, titles=range(5), columns=2)
    drawn = axes_of(picture).images
    np.testing.assert_array_equal([image.get_array() for image in drawn], array[..., 0])
    assert {image.get_clim() for image in drawn} == {(array.min(), array.max())}
    assert words_of(picture) == ["0", "1", "2", "3", "4"]
    x0, x1, y0, y1 = drawn[0].get_extent()
    assert (x1 - x0) / (y1 - y0) == pytest.approx(6 / 4)
    assert drawn[2].get_extent()[0] == x0  # the next row


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((4, 4), {}),
        ((0, 4, 4), {}),
        ((2, 4, 4, 2), {}),
        ((2, 4, 4), {"titles": ["a"]}),
        ((2, 4, 4), {"columns": 0}),
    ],
)
def test_images_of_another_form_are_refused(shape, options):
    with pytest.raises(ValueError, match="Received: "):
        figures.images(np.zeros(shape), **options)


def test_kernels_share_one_scale_around_zero():
    for inputs, drawn in ((1, 2), (4, 8)):
        weights = RANDOM.normal(size=(3, 3, inputs, 2))
        tiles = axes_of(figures.filters(weights)).images
        assert len(tiles) == drawn
        (low, high), *others = {tile.get_clim() for tile in tiles}
        assert low == -high
        assert not others
        assert max(np.abs(tile.get_array()).max() for tile in tiles) == pytest.approx(high)


def test_the_kernel_of_an_input_and_an_output_map_stands_in_their_row_and_column():
    weights = RANDOM.normal(size=(3, 3, 4, 2))
    tiles = axes_of(figures.filters(weights)).images
    np.testing.assert_array_equal(tiles[2 * 3 + 1].get_array(), weights[:, :, 3, 1])


def test_kernels_of_three_maps_are_drawn_in_colour_with_zero_as_grey():
    weights = np.zeros((3, 3, 3, 2))
    weights[0, 0, 0, 1] = -2
    first, second = axes_of(figures.filters(weights)).images
    assert np.all(first.get_array() == 0.5)
    np.testing.assert_array_equal(second.get_array()[0, 0], [0, 0.5, 0.5])
    with pytest.raises(ValueError, match="outputs"):
        figures.filters(weights[..., 0])


def test_feature_maps_are_the_layers_outputs(model):
    image = RANDOM.random((32, 32)).astype("float32")
    picture = figures.feature_maps(model, image, ["C3", "F6"], limit=9)
    first, *maps, strip = axes_of(picture).images
    assert first.get_array().shape == (32, 32)
    expected = keras.Model(model.input, model.get_layer("C3").output)(image[None, ..., None])
    expected = keras.ops.convert_to_numpy(expected)[0]
    np.testing.assert_allclose([one.get_array() for one in maps], np.moveaxis(expected, -1, 0)[:9], atol=1e-6)
    assert strip.get_array().shape == (1, 84)
    assert "C3 10 x 10 x 16, the first 9; F6 84" in picture.alt


@pytest.mark.parametrize("names", [[], ["C1", "conv1"]])
def test_feature_maps_of_an_unknown_layer_are_refused(model, names):
    with pytest.raises(ValueError, match=r"some of .*'C1'.*Received: layer_names="):
        figures.feature_maps(model, np.zeros((32, 32)), names)


@pytest.mark.parametrize("limit", [0, -1, 2.5, None])
def test_a_limit_that_leaves_no_feature_map_is_refused(model, limit):
    with pytest.raises(ValueError, match=r"limit must be .*Received: limit="):
        figures.feature_maps(model, np.zeros((32, 32)), ["C1"], limit=limit)


def test_a_receptive_field_is_drawn_where_the_unit_sees():
    fields = {"C1": ReceptiveField(5, 1, 0), "S2": ReceptiveField(6, 2, 0), "C5": ReceptiveField(32, 4, 0)}
    picture = figures.receptive_field(RANDOM.random((32, 32)), fields, point=(10, 3))
    squares = [patch for patch in axes_of(picture).patches if patch.get_label().startswith(("C", "S"))]
    # Pixels are centred on integers: C1's unit (8, 1) sees pixels 8 to 12 and 1 to 5.
    assert squares[0].get_bbox().bounds == (0.5, 7.5, 5, 5)
    assert squares[1].get_bbox().bounds == (-0.5, 7.5, 6, 6)
    assert squares[2].get_bbox().bounds == pytest.approx((-12.5, -4.5, 32, 32))
    with pytest.raises(ValueError, match="fields must be 1 to 7"):
        figures.receptive_field(np.zeros((4, 4)), {})


def test_feature_maps_may_bear_titles_of_their_own(model):
    picture = figures.feature_maps(model, np.zeros((32, 32)), {"C1": "x", "C3": "F(x)"}, limit=2)
    assert "x 28 x 28 x 6, the first 2; F(x) 10 x 10 x 16, the first 2" in picture.alt
