"""Lines, panels, curves and bars plot what they were given."""

from types import SimpleNamespace

import numpy as np
import pytest
from drawings import axes_of, words_of

from course_lib import figures
from course_lib.ledger import ledger


def test_runs_become_their_mean_in_a_band_from_smallest_to_largest():
    runs = np.array([[1.0, 5.0], [2.0, 3.0], [6.0, 4.0]])
    series = {"runs": runs, "one": [1, 2]}
    picture = figures.lines([0, 1], series, x_label="shift", y_label="error", references={"paper": 0.95})
    axes = axes_of(picture)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [3, 4])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [1, 2])
    assert axes.lines[2].get_ydata()[0] == 0.95
    (band,) = axes.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert corners == {(0, 1), (0, 6), (1, 3), (1, 5)}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["runs", "one", "paper"]
    bands = "bands reach from the smallest to the largest run"
    assert picture.alt == f"Lines of error over shift: runs, one; for comparison paper; {bands}."


@pytest.mark.parametrize("series", [{}, {"a": [1, 2, 3]}, {"a": 1}, {str(i): [1, 2] for i in range(8)}])
def test_lines_that_do_not_fit_are_refused(series):
    with pytest.raises(ValueError, match="Received: "):
        figures.lines([0, 1], series, x_label="x", y_label="y")


def test_lines_differ_in_more_than_colour():
    axes = axes_of(figures.lines([0], {str(i): [i] for i in range(7)}, x_label="x", y_label="y"))
    assert (
        len({line.get_marker() for line in axes.lines}) == len({line.get_color() for line in axes.lines}) == 7
    )


def test_learning_curves_show_training_and_test_of_each_run():
    first = SimpleNamespace(
        history={"loss": [3, 2], "val_loss": [4, 3], "accuracy": [0, 1], "val_accuracy": [0, 1]}
    )
    second = {"loss": [5, 4, 3], "val_loss": [6, 5, 4], "learning_rate": [1, 1, 1]}
    axes = axes_of(figures.learning_curves({"a": first, "b": second}))
    curves = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert curves == {"a training": [3, 2], "a test": [4, 3], "b training": [5, 4, 3], "b test": [6, 5, 4]}
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-", "--", "-"]
    titles = [axes.get_title("left") for axes in figures.learning_curves(first).figure.axes]
    assert titles == ["loss", "accuracy"]
    for metrics in (["accuracy"], []):
        with pytest.raises(ValueError, match=r"some of \['loss'\]"):
            figures.learning_curves({"a": first, "b": second}, metrics=metrics)


def test_bars_are_as_long_as_the_ledger_counts(model):
    counts = ledger(model)
    picture = figures.bars(counts, ("parameters", "connections"))
    for number, column in enumerate(("parameters", "connections")):
        axes = axes_of(picture, number)
        rows = [row for row in counts.rows if row.connections]
        assert [bar.get_width() for bar in axes.patches] == [getattr(row, column) for row in rows]
        assert axes.get_title("left") == f"{column}: {getattr(counts, column):,}"
    assert words_of(picture)[4] == " 48,120"
    assert "most in C5 (48,120)" in picture.alt
    for column in ("weights", ()):
        with pytest.raises(ValueError, match="column must be"):
            figures.bars(counts, column)


def test_columns_stand_as_high_as_their_values_and_say_them():
    series = {"error in %": [16.4, 11.7, 7.3], "layers": [8, None, 19]}
    picture = figures.columns(
        ["2012", "2013", "2014\nVGG"], series, references={"error in %": ("a person", 5.1)}
    )
    for number, values in enumerate(series.values()):
        heights = [patch.get_height() for patch in axes_of(picture, number).patches]
        assert heights == [value or 0 for value in values]
    assert words_of(picture) == ["16.4", "11.7", "7.3", "a person"]
    assert words_of(picture, 1) == ["8", "\N{EN DASH}", "19"]
    assert axes_of(picture).lines[0].get_ydata()[0] == 5.1
    assert picture.alt == ("Bars for 2012, 2013, 2014 VGG. error in %: 16.4, 11.7, 7.3; layers: 8, none, 19.")
    with pytest.raises(ValueError, match=r"Each name must have a value\. Received: layers, 2 of 3"):
        figures.columns(["a", "b", "c"], {"layers": [1, 2]})


def test_columns_of_one_unit_stand_on_one_scale_of_y_if_that_is_asked():
    picture = figures.columns(["a", "b"], {"one": [1, None], "other": [2, 40]}, same_y=True)
    assert {axes.get_ylim() for axes in picture.figure.axes} == {(0, 1.18 * 40)}


def test_panels_on_a_logarithmic_scale_leave_room_above_the_highest_line():
    groups = {"low": {"norm": [1e-9, 1e-8]}, "high": {"norm": [3, 5]}}
    picture = figures.panels(groups, x_label="layer", y_label="norm", log_y=True)
    assert all(axes.get_ylim()[1] > 7 for axes in picture.figure.axes)


def test_panels_share_the_scale_of_y_and_the_look_of_a_name():
    groups = {"plain": {"20": [5, 1], "56": [9, 8]}, "residual": {"56": [7, 2, 1], "20": [4, 2, 1]}}
    picture = figures.panels(groups, x_label="epoch", y_label="error in %", references={"chance": 90})
    left, right = picture.figure.axes
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[1] >= 90
    assert [line.get_ydata().tolist() for line in left.lines[:2]] == [[5, 1], [9, 8]]
    assert right.lines[0].get_xdata().tolist() == [1, 2, 3]
    looks = [{line.get_label(): line.get_color() for line in axes.lines} for axes in (left, right)]
    assert looks[0] == looks[1]
    assert picture.alt == (
        "Lines of error in % over epoch in panels. plain: 20, 56; residual: 56, 20; for comparison chance."
    )
    assert (
        figures.panels({"a": {"b": [1, 10]}}, x_label="x", y_label="y", log_y=True)
        .figure.axes[0]
        .get_yscale()
        == "log"
    )
    with pytest.raises(ValueError, match=r"Received: 20, \(1, 2\)"):
        figures.panels({"plain": {"20": [[5, 1]]}}, x_label="epoch", y_label="error")


def test_places_on_x_bear_names():
    ticks = {1: "stem", 3: "stage 1"}
    alone = figures.lines([1, 2, 3], {"norm": [1, 2, 3]}, x_label="layer", y_label="norm", ticks=ticks)
    beside = figures.panels({"a": {"norm": [1, 2, 3]}}, x_label="layer", y_label="norm", ticks=ticks)
    for picture in (alone, beside):
        axes = axes_of(picture)
        assert axes.get_xticks().tolist() == [1, 3]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["stem", "stage 1"]


def test_panels_of_the_same_names_share_a_legend_right_of_them():
    same = {"a": {"x": [1, 2], "y": [2, 1]}, "b": {"x": [3, 4], "y": [4, 3]}}
    other = {"a": {"x": [1, 2]}, "b": {"y": [4, 3]}}
    counts = []
    for groups in (same, other):
        axes = figures.panels(groups, x_label="step", y_label="error").figure.axes
        counts.append([one.get_legend() is not None for one in axes])
    assert counts == [[False, True], [True, True]]


def test_panels_take_the_positions_on_x():
    picture = figures.panels({"a": {"x": [1, 2]}}, x=[11, 22], x_label="step", y_label="error")
    assert axes_of(picture).lines[0].get_xdata().tolist() == [11, 22]
