"""A network is drawn as its graph is: names, shapes, scale, branches."""

import pytest
from drawings import axes_of, fronts_of, residual, words_of

from course_lib import figures
from course_lib.backend import keras
from course_lib.figures.paper import WIDTH


def test_lenet5_is_drawn_with_each_name_shape_and_operation(model):
    picture = figures.architecture(model)
    words = " ".join(words_of(picture)).replace("\N{MULTIPLICATION SIGN}", "x").replace("\n", " ")
    for name, shape in (("C1", "28 x 28 x 6"), ("C3", "10 x 10 x 16"), ("C5", "1 x 1 x 120"), ("F6", "84")):
        assert f"{name} {shape}" in words
        assert f"{name} {shape}" in picture.alt
    assert "partial convolution 5 x 5" in words
    assert "output 10 (Euclidean RBF)" in picture.alt
    assert "flatten" not in picture.alt


def test_maps_are_drawn_one_by_one_and_to_scale(model):
    fronts = fronts_of(figures.architecture(model))
    largest = max(fronts)
    for side, maps in ((32, 1), (28, 6), (14, 6), (10, 16), (5, 16)):
        size = pytest.approx(largest[0] * side / 32, abs=1e-5)
        assert sum(front == (size, size) for front in fronts) == maps


def test_lenet5_stands_on_one_line(model):
    names = [text for text in axes_of(figures.architecture(model)).texts if text.get_weight() == "bold"]
    assert [text.get_text() for text in names] == ["input", "C1", "S2", "C3", "S4", "C5", "F6", "output"]
    assert len({text.get_position()[1] for text in names}) == 1


def test_a_branch_is_drawn_and_described_by_what_reads_it():
    picture = figures.architecture(residual())
    names = [text.get_text() for text in axes_of(picture).texts if text.get_weight() == "bold"]
    assert sorted(names) == sorted(["input", "stem", "a", "b", "add", "pool", "head"])
    assert "add 6 x 6 x 4 (add, reads stem and b)" in picture.alt
    arrows = [text for text in axes_of(picture).texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4  # stem to a, a to b, b to add, and the shortcut's last piece


def test_a_nested_model_is_drawn_with_all_its_results():
    x, y = keras.Input((8, 8, 3), name="x"), keras.Input((8, 8, 3), name="y")
    conv = keras.layers.Conv2D
    inner = keras.Model(x, [conv(4, 3, name="left")(x), conv(6, 5, name="right")(x)], name="inner")
    left, right = inner(y)
    pools = [keras.layers.GlobalMaxPooling2D(name=name)(part) for name, part in (("p", right), ("q", left))]
    alt = figures.architecture(keras.Model(y, keras.layers.Concatenate(name="join")(pools))).alt
    for words in (
        "inner[0] 6 x 6 x 4",
        "inner[1] 4 x 4 x 6",
        "p 6 (",
        "q 4 (",
        "join 10 (concatenate, reads p and q)",
    ):
        assert words in alt, alt


@pytest.mark.parametrize("shape", [(None, None, 3), (8, None, 3)])
def test_an_unknown_size_is_not_drawn_to_scale(shape):
    model = keras.Sequential([keras.Input(shape, name="open"), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"known sizes.* Received: open of shape \(None, "):
        figures.architecture(model)


def test_a_long_network_continues_on_the_next_line():
    layers = [keras.Input((8, 8, 3))] + [
        keras.layers.Conv2D(4, 3, padding="same", name=f"c{i}") for i in range(30)
    ]
    picture = figures.architecture(keras.Sequential(layers, name="long"))
    names = {
        text.get_text(): text.get_position() for text in axes_of(picture).texts if text.get_weight() == "bold"
    }
    assert {f"c{i}" for i in range(30)} <= set(names)
    assert max(x for x, _ in names.values()) < WIDTH
    assert names["c29"][1] < names["c0"][1]
    assert "29 operations" in picture.alt


def test_something_other_than_a_built_model_is_refused():
    for unfit in (keras.Sequential([keras.layers.Dense(1)]), "lenet5"):
        with pytest.raises(ValueError, match="functional or sequential"):
            figures.architecture(unfit)


def test_an_operation_draws_its_window_though_it_is_a_whole_number():
    inputs = keras.Input((8, 8, 3))
    pooled = keras.ops.max_pool(inputs, 2)
    alt = figures.architecture(keras.Model(inputs, pooled)).alt.replace("\N{MULTIPLICATION SIGN}", "x")
    assert "4 x 4 x 3 (max pool 2 x 2)" in alt
