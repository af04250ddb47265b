"""Skeletons, read back from their figures."""

import pytest
from drawings import axes_of, fronts_of

from course_lib import figures
from course_lib.architectures import plain18, resnet18, resnet50
from course_lib.backend import keras
from course_lib.figures.resnet import skeleton


def test_a_skeleton_has_a_bar_a_layer_of_the_longest_path_and_an_arc_a_shortcut():
    widths = {"width": 0.1, "input_shape": (64, 64, 3)}
    nets = {"plain": plain18(**widths), "A": resnet18(shortcut="A", **widths), "B": resnet18(**widths)}
    picture = figures.skeletons(nets)
    plain, a, b = (skeleton(net) for net in nets.values())
    for bars, _ in (plain, a, b):
        names = [bar.name for bar in bars]
        assert names[:2] == ["stem_conv", "stem_pool"]
        assert names[-2:] == ["head_pool", "head_dense"]
        assert len(names) == 18 + 2
        assert not [name for name in names if "shortcut" in name]
    assert plain[1] == []
    assert a[1] == b[1] == [(2 + 2 * i, 4 + 2 * i, i in (2, 4, 6)) for i in range(8)]
    arcs = axes_of(picture).lines
    assert len(arcs) == 16
    assert sum(arc.get_linestyle() == "--" for arc in arcs) == 6
    heights = [height for width, height in fronts_of(picture) if width != 0.12]
    assert len(heights) == 60
    assert heights[0] / heights[1] == pytest.approx(2**0.5, rel=1e-3)  # maps of 32 x 32, then of 16 x 16
    assert "plain: 20 layers; A: 20 layers, 8 shortcuts, 3 of them change the shape" in picture.alt


def test_a_bottleneck_without_stride_has_a_shortcut_that_changes_the_shape():
    bars, arcs = skeleton(resnet50(width=0.1, input_shape=(64, 64, 3)))
    assert len(bars) == 50 + 2
    assert [changes for *_, changes in arcs] == [i in (0, 3, 7, 13) for i in range(16)]


def test_skeletons_of_a_model_without_layers_for_bars_are_refused():
    inputs = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match=r"must have convolutions.*Received: 'A', which has none"):
        figures.skeletons({"A": keras.Model(inputs, inputs * 2)})


def test_skeletons_follow_the_longest_path_from_one_of_several_inputs():
    first, second = keras.Input((8,)), keras.Input((8,))
    deep = keras.layers.Dense(8)(keras.layers.Dense(8)(first))
    model = keras.Model([first, second], keras.layers.Dense(2)(keras.layers.Add()([deep, second])))
    assert figures.skeletons({"A": model}).alt.endswith("A: 3 layers.")
