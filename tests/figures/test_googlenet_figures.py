"""Rivers, read back from their figures."""

from itertools import pairwise

import numpy as np
import pytest
from drawings import axes_of, module, residual, words_of

from course_lib import figures
from course_lib.backend import keras
from course_lib.ledger import ledger


def test_a_river_s_bars_are_as_tall_as_their_maps_and_its_piles_as_their_multiply_adds():
    drawn = [patch for patch in axes_of(figures.river(module())).patches if patch.get_y() > 0.3]
    maps = [patch.get_height() for patch in drawn if patch.get_zorder() == 4]
    in_order_of_columns = [8, 2, 4, 1, 8, 2, 6, 3, 5, 2, 6, 3, 5]
    np.testing.assert_allclose(sorted(np.array(maps) / max(maps) * 8), sorted(in_order_of_columns))
    piles = [patch.get_height() for patch in drawn if patch.get_zorder() != 4 and patch.get_height()]
    macs = [row.macs for row in ledger(module()).rows if row.macs]
    np.testing.assert_allclose(np.sort(piles) / max(piles), np.sort(macs) / max(macs))


def test_a_river_cuts_what_joins_into_slices_in_the_order_of_the_branches():
    picture = figures.river(module())
    last = max(patch.get_x() for patch in axes_of(picture).patches)
    slices = [p for p in axes_of(picture).patches if p.get_x() == last and p.get_zorder() == 4]
    slices.sort(key=lambda patch: -patch.get_y())
    heights = [patch.get_height() for patch in slices]
    np.testing.assert_allclose(np.array(heights) / sum(heights) * 16, [2, 6, 3, 5])
    for above, below in pairwise(slices):
        assert above.get_y() == pytest.approx(below.get_y() + below.get_height())
    assert "3x3, 6 maps: 0.0 M" in words_of(picture)
    assert picture.alt == (
        "Maps drawn as a river. m, 6 x 6 x 8 to 6 x 6 x 16, 4 1x1, 1 3x3, 1 5x5, 1 pooling, "
        f"{ledger(module()).macs:,} multiply-adds."
    )


def test_a_river_of_a_residual_network_has_no_slices_and_of_several_models_one_scale():
    both = figures.river({"one": residual(), "two": module()})
    alone = figures.river(residual())
    assert both.alt.startswith("Maps drawn as a river. one, 8 x 8 x 3 to 2, ")
    heights = [
        {round(patch.get_height() / 4, 6) for patch in axes_of(picture).patches if patch.get_zorder() == 4}
        for picture in (both, alone)
    ]
    assert len(heights[0]) > len(heights[1])


def test_a_river_refuses_a_model_inside_a_model():
    inputs = keras.Input((6, 6, 8), name="outer")
    with pytest.raises(ValueError, match=r"no other model\. Received: nested"):
        figures.river(keras.Model(inputs, module()(inputs), name="nested"))
