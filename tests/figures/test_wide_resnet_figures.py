"""Areas of multiply-adds and shares of a time, read back from their figures."""

import pytest
from drawings import axes_of

from course_lib import figures
from course_lib.architectures import lenet5, outline, wide_resnet
from course_lib.ledger import ledger


def test_the_areas_of_the_convolutions_are_in_proportion_to_their_multiply_adds():
    models = {"thin": outline(wide_resnet, 16, 1), "wide": outline(wide_resnet, 10, 3)}
    picture = figures.kernels(models)
    found = [box.get_width() * box.get_height() for box in axes_of(picture).patches]
    rows = [row for model in models.values() for row in ledger(model).rows if row.kind == "Conv2D"]
    expected = [row.macs * found[0] / rows[0].macs for row in rows]
    assert sorted(found) == pytest.approx(sorted(expected))
    assert "thin: 15 convolutions" in picture.alt
    assert "wide: 10 convolutions" in picture.alt


def test_the_parts_of_a_bar_follow_each_other():
    picture = figures.shares(["a", "b"], {"one": [1, 2], "two": [3, 0.5]}, [4.2, 2.4], x_label="ms")
    boxes = axes_of(picture).patches
    assert [box.get_x() for box in boxes] == [0, 0, 1, 2]
    assert [box.get_width() for box in boxes] == [1, 2, 3, 0.5]
    (marks,) = axes_of(picture).lines
    assert list(marks.get_xdata()) == [4.2, 2.4]


def test_a_network_without_stages_is_refused():
    with pytest.raises(ValueError, match="A network must have convolutions in stages"):
        figures.kernels({"lenet": outline(lenet5)})
