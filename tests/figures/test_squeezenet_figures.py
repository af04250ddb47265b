"""Errors over sizes, and levels below a histogram, read back from the figure."""

import numpy as np
import pytest
from drawings import axes_of

from course_lib import figures

LABELS = {"x_label": "KB", "y_label": "error in %"}


def test_each_point_stands_at_its_size_and_the_mean_of_its_runs_with_a_line_from_least_to_most():
    errors = [[2, 9], [4, 21]]
    picture = figures.error_by_size(
        {"shared": (["4", "3"], [20, 10], errors)}, **LABELS, references={"chance": 90}
    )
    axes = axes_of(picture)
    line, reference = axes.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([20, 10], [3, 15])
    assert [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()] == [[2, 4], [9, 21]]
    assert [note.get_text() for note in axes.texts] == ["4", "3"]
    assert (axes.get_xscale(), axes.get_yscale(), reference.get_ydata()[0]) == ("log", "log", 90)
    assert picture.alt == "error in % over KB. shared: 4, 3."


@pytest.mark.parametrize("row", [(["4"], [20, 10], [[1, 2]]), (["4"], [20], [[0]]), (["4"], [0], [[1]])])
def test_a_point_without_a_label_or_on_no_logarithm_is_refused(row):
    with pytest.raises(ValueError, match="above 0"):
        figures.error_by_size({"shared": row}, **LABELS)


def test_levels_stand_below_the_weights_that_they_are_for():
    axes = axes_of(figures.levels(np.linspace(-1, 1, 50), {"equal": [-1, 0, 1], "shared": [-0.5, 0.5]}))
    equal, shared = axes.collections
    assert [segment[0, 0] for segment in equal.get_segments()] == [-1, 0, 1]
    assert [segment[0, 0] for segment in shared.get_segments()] == [-0.5, 0.5]
    assert all(np.all(segment[:, 1] < 0) for levels in axes.collections for segment in levels.get_segments())
    assert min(axes.get_yticks()) >= 0


def test_weights_must_be_one_list():
    with pytest.raises(ValueError, match=r"\(N,\)"):
        figures.levels(np.zeros((2, 2)), {"equal": [0]})
