"""Towers and predictions, read back from their figures."""

import numpy as np
import pytest
from drawings import axes_of, grouped, residual, words_of

from course_lib import figures
from course_lib.figures.paper import QUIET, VERMILION

RANDOM = np.random.default_rng(0)


def arrows_of(picture, colour):
    """Return the arrows of a colour as (start, end)."""
    found = [text for text in axes_of(picture).texts if getattr(text, "arrow_patch", None)]
    found = [text for text in found if text.arrowprops["color"] == colour]
    return [(text.xyann, text.xy) for text in found]


def test_towers_read_their_own_maps_except_where_a_layer_reads_all():
    picture = figures.towers(grouped())
    assert "each other at conv3, fc4, fc5." in picture.alt
    # Two lines cross for conv3 and for fc4, and two lead to fc5, which stands between the towers.
    crossing = arrows_of(picture, VERMILION)
    assert len(crossing) == 6
    assert all(start[0] < end[0] for start, end in crossing)
    # The input to each tower, pool1, conv2, and each tower's own part of conv3 and fc4.
    assert len(arrows_of(picture, QUIET)) == 2 * 5
    words = words_of(picture)
    assert (words.count("512"), words.count("768")) == (1, 1)  # 8 x 8 x 8 values, then 8 x 8 x 12
    shapes = ["\N{MULTIPLICATION SIGN}".join(["16", "16", "4"]), "10"]
    assert [words.count(shape) for shape in shapes] == [2, 2]
    assert {"input", "conv1", "fc5", "GPU 1", "GPU 2"} <= set(words)


@pytest.mark.parametrize(
    ("model", "names", "message"),
    [
        (lambda: grouped(1), ("a", "b"), "2 groups"),
        (grouped, ("a", "b", "c"), "3 groups"),
        (grouped, ("a",), "2 or more"),
        (residual, ("a", "b"), "a chain"),
        (lambda: grouped(4), ("a", "b", "c", "d"), None),
    ],
)
def test_a_network_without_as_many_groups_as_towers_is_refused(model, names, message):
    if message is None:
        assert "in 4 towers" in figures.towers(model(), names=names).alt
        return
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        figures.towers(model(), names=names)


def test_predictions_are_the_best_classes_with_bars_as_long_as_their_probabilities():
    probabilities = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    options = {"truth": [2, 0], "best": 2, "columns": 2}
    picture = figures.predictions(
        RANDOM.random((2, 4, 4, 3)), probabilities, ["ant", "bee", "cat"], **options
    )
    assert words_of(picture) == ["cat", "bee", "cat", "ant", "ant", "cat"]  # each truth, then its two best
    bold = [text.get_text() for text in axes_of(picture).texts if text.get_weight() == "bold"]
    assert bold == ["cat", "cat", "ant", "ant"]
    widths = np.array([patch.get_width() for patch in axes_of(picture).patches])
    np.testing.assert_allclose(widths / widths[0], np.array([0.6, 0.3, 0.5, 0.3]) / 0.6)
    assert "each with its 2 most probable classes" in picture.alt


@pytest.mark.parametrize(
    ("shape", "options"), [((2, 3), {}), ((1, 4), {}), ((1, 3), {"best": 4}), ((1, 3), {"truth": [0, 1]})]
)
def test_predictions_that_do_not_fit_the_images_are_refused(shape, options):
    with pytest.raises(ValueError, match="Received: "):
        figures.predictions(np.zeros((1, 4, 4)), np.zeros(shape), ["a", "b", "c"], **options)
