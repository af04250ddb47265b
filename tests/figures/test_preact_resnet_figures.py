"""Orders of layers, read back from their figure."""

import pytest
from drawings import axes_of

from course_lib import figures


def test_what_follows_a_sum_is_drawn_on_the_way_and_the_branch_below_it():
    picture = figures.orders({"old": "conv BN ReLU conv BN + ReLU", "new": "BN ReLU conv BN ReLU conv +"})
    axes = axes_of(picture)
    edges = [box.get_linewidth() for box in axes.patches]
    assert len(edges) == 2 * (6 + 6)  # two blocks a row
    assert sum(edge > 0 for edge in edges) == 2
    words = [text.get_text() for text in axes.texts]
    assert words.count("+") == 4
    assert words.count("conv") == 8
    assert picture.alt.endswith("old: on the way ReLU; new: on the way nothing.")


@pytest.mark.parametrize("order", ["conv BN ReLU", "conv dropout +"])
def test_an_order_without_a_sum_or_of_other_layers_is_refused(order):
    with pytest.raises(ValueError, match=r"An order must have a \+ and layers of conv, BN, ReLU"):
        figures.orders({"odd": order})
