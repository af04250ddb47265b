"""Test what the pictures plot, read back from their figures, and how they are shown and described."""

from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import IPython.display
import matplotlib
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from course_lib import figures
from course_lib.architectures import inception_module, lenet5, plain18, resnet18, resnet50
from course_lib.arithmetic import ReceptiveField
from course_lib.backend import keras
from course_lib.layers import LENET_TABLE
from course_lib.ledger import ledger

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model():
    return lenet5()


def residual():
    """Return a small network with a branch that passes two columns and one that is projected."""
    layers = keras.layers
    inputs = x = keras.Input((8, 8, 3), name="input")
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="stem")(x)))
    y = layers.Conv2D(4, 3, padding="same", name="a")(x)
    y = layers.Conv2D(4, 3, padding="same", name="b")(layers.ZeroPadding2D(0, name="pad")(y))
    x = layers.Add(name="add")([x, y])
    x = layers.Dense(2, name="head")(
        layers.Flatten(name="flat")(layers.MaxPooling2D(3, 1, "same", name="pool")(x))
    )
    return keras.Model(inputs, x, name="residual")


def grouped(groups=2):
    """Return a chain with a convolution in groups, one that reads everything, and two dense layers."""
    layers = keras.layers
    inputs = x = keras.Input((16, 16, 3), name="input")
    x = layers.MaxPooling2D(2, name="pool1")(layers.Conv2D(8, 3, padding="same", name="conv1")(x))
    x = layers.Conv2D(8, 3, padding="same", groups=groups, name="conv2")(x)
    x = layers.Conv2D(12, 3, padding="same", name="conv3")(x)
    x = layers.Dense(20, name="fc4")(layers.Flatten(name="flatten")(x))
    return keras.Model(inputs, layers.Dense(5, name="fc5")(x), name="grouped")


def axes_of(picture, number=0):
    return picture.figure.axes[number]


def words_of(picture, number=0):
    return [text.get_text() for text in axes_of(picture, number).texts if text.get_text()]


def fronts_of(picture):
    """Return the filled rectangles, as (width, height) in inches."""
    patches = [
        patch for patch in axes_of(picture).patches if isinstance(patch, Rectangle) and patch.get_fill()
    ]
    return [(round(patch.get_width(), 6), round(patch.get_height(), 6)) for patch in patches]


def test_a_picture_is_an_opaque_png_of_double_resolution_with_its_description(model):
    data, metadata = figures.architecture(model)._repr_mimebundle_()
    png = Image.open(BytesIO(data["image/png"]))
    shown = metadata["image/png"]
    assert (shown["width"], shown["height"]) == (png.width // 2, png.height // 2)
    assert data["text/plain"] == shown["alt"]
    assert min(png.convert("RGBA").getpixel((0, 0))) > 240
    assert shown["width"] <= 930


def test_a_notebook_also_gets_the_description_as_words_that_unfold(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *args, **kwargs: shown.append((args, kwargs)))
    figures.images(np.eye(3)[None], alt="a < b")._ipython_display_()
    (picture, options), (words, _) = shown
    assert picture[0]["text/plain"] == options["metadata"]["image/png"]["alt"] == "a < b"
    assert words[0].data == "<details><summary>The picture in words</summary>a &lt; b</details>"


def test_a_picture_without_description_is_refused():
    with pytest.raises(ValueError, match="Received: alt=' '"):
        figures.images(np.eye(3)[None], alt=" ")


def test_a_picture_is_saved_in_the_format_of_its_suffix(tmp_path):
    picture = figures.connection_table(LENET_TABLE)
    picture.save(tmp_path / "table.png")
    picture.save(tmp_path / "table.svg")
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "table.svg").read_text()


def test_every_picture_is_small_and_changes_no_setting_of_matplotlib(model):
    before = dict(matplotlib.rcParams)
    rows = {"loss": [1, 0.5], "val_loss": [1, 0.6]}
    pictures = [
        figures.architecture(model),
        figures.architecture(residual()),
        figures.bars(ledger(model), ("parameters", "connections")),
        figures.columns(["2012", "2013"], {"error in %": [16.4, 11.7]}),
        figures.confusion(range(10), range(10), range(10)),
        figures.connection_table(LENET_TABLE),
        figures.feature_maps(model, RANDOM.random((32, 32)), ["C1", "S2", "C3", "S4", "C5", "F6"]),
        figures.filters(RANDOM.normal(size=(5, 5, 6, 16))),
        figures.filters(RANDOM.normal(size=(11, 11, 3, 96))),
        figures.images(RANDOM.random((16, 64, 64, 3))),
        figures.learning_curves({"a": rows, "b": rows}),
        figures.lines([1, 2], {"a": RANDOM.random((3, 2))}, x_label="x", y_label="y"),
        figures.predictions(RANDOM.random((8, 64, 64, 3)), RANDOM.random((8, 10)), range(10)),
        figures.pyramid(ledger(model)),
        figures.receptive_field(RANDOM.random((32, 32)), {"C1": (5, 1, 0)}),
        figures.towers(grouped()),
    ]
    for picture in pictures:
        assert len(picture._repr_mimebundle_()[0]["image/png"]) < 150_000, picture
    assert dict(matplotlib.rcParams) == before
    assert len({picture.alt for picture in pictures}) == len(pictures)


def test_a_description_depends_on_shapes_and_not_on_weights(model):
    def descriptions():
        maps = figures.feature_maps(lenet5(), RANDOM.random((32, 32)), ["C1", "F6"])
        return (
            maps.alt,
            figures.filters(RANDOM.normal(size=(5, 5, 1, 6))).alt,
            figures.architecture(lenet5()).alt,
        )

    assert descriptions() == descriptions()


# Architectures


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


def test_a_long_network_continues_on_the_next_line():
    layers = [keras.Input((8, 8, 3))] + [
        keras.layers.Conv2D(4, 3, padding="same", name=f"c{i}") for i in range(30)
    ]
    picture = figures.architecture(keras.Sequential(layers, name="long"))
    names = {
        text.get_text(): text.get_position() for text in axes_of(picture).texts if text.get_weight() == "bold"
    }
    assert {f"c{i}" for i in range(30)} <= set(names)
    assert max(x for x, _ in names.values()) < figures.WIDTH
    assert names["c29"][1] < names["c0"][1]
    assert "29 operations" in picture.alt


def test_something_other_than_a_built_model_is_refused():
    for unfit in (keras.Sequential([keras.layers.Dense(1)]), "lenet5"):
        with pytest.raises(ValueError, match="functional or sequential"):
            figures.architecture(unfit)


def arrows_of(picture, colour):
    """Return the arrows of a colour as (start, end)."""
    found = [text for text in axes_of(picture).texts if getattr(text, "arrow_patch", None)]
    found = [text for text in found if text.arrowprops["color"] == colour]
    return [(text.xyann, text.xy) for text in found]


def test_towers_read_their_own_maps_except_where_a_layer_reads_all():
    picture = figures.towers(grouped())
    assert "each other at conv3, fc4, fc5." in picture.alt
    # Two lines cross for conv3 and for fc4, and two lead to fc5, which stands between the towers.
    crossing = arrows_of(picture, figures.VERMILION)
    assert len(crossing) == 6
    assert all(start[0] < end[0] for start, end in crossing)
    # The input to each tower, pool1, conv2, and each tower's own part of conv3 and fc4.
    assert len(arrows_of(picture, figures.QUIET)) == 2 * 5
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


# Images


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


# Plots


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


def test_confusion_counts_true_classes_in_rows_and_answers_in_columns():
    picture = figures.confusion([0, 0, 0, 1], [0, 2, 2, 1], ["cat", "dog", "owl"])
    drawn = {text.get_position(): text.get_text() for text in axes_of(picture).texts if text.get_text()}
    assert drawn == {(0, 0): "1", (2, 0): "2", (1, 1): "1"}  # (column, row)


@pytest.mark.parametrize(
    ("truth", "answers"), [([0, 2], [0, 1]), ([0, 1], [0]), ([], []), ([0, 1], [0.5, 1])]
)
def test_labels_that_are_no_classes_are_refused(truth, answers):
    with pytest.raises(ValueError, match=r"of 2 classes\. Received: "):
        figures.confusion(truth, answers, ["a", "b"])


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


def test_a_pyramid_has_a_column_on_each_side_of_the_names(model):
    counts = ledger(model)
    picture = figures.pyramid(counts, ("connections", "parameters"))
    rows = [row for row in counts.rows if row.connections or row.parameters]
    patches = axes_of(picture).patches
    left, right = patches[: len(rows)], patches[len(rows) :]
    for bars, name in ((left, "connections"), (right, "parameters")):
        values = np.array([getattr(row, name) for row in rows])
        np.testing.assert_allclose([bar.get_width() for bar in bars], 3 * values / values.max())
    assert len({bar.get_x() + bar.get_width() for bar in left}) == 1  # they end at the names
    assert len({bar.get_x() for bar in right}) == 1
    assert left[0].get_y() > left[1].get_y()
    words = words_of(picture)
    assert words[:2] == ["connections: 340,908", "35.9 %"]
    assert words[-2:] == ["output", "10"]
    assert "C1 to output" in picture.alt
    assert "connections, 340,908 in all, most in C3 (151,600)" in picture.alt
    for columns in (("parameters",), ("parameters", "bytes"), ("parameters", "non_trainable_macs")):
        with pytest.raises(ValueError, match=r"two columns of the ledger.*Received: "):
            figures.pyramid(counts, columns)
    with pytest.raises(ValueError, match=r"count something.*Received: "):
        figures.pyramid(SimpleNamespace(rows=rows[1:2]), ("parameters", "macs"))


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


def test_table_one_has_sixty_crosses_and_their_sums():
    picture = figures.connection_table(LENET_TABLE)
    words = words_of(picture)
    assert words.count("\N{MULTIPLICATION SIGN}") == 60
    bold = [text.get_text() for text in axes_of(picture).texts if text.get_weight() == "bold"]
    assert bold == ["3"] * 6 + ["4"] * 9 + ["6"] + ["10"] * 6 + ["60"]
    assert picture.alt == (
        "Connection table: of 16 output maps, 6 read 3, 9 read 4, 1 read 6 of 6 input maps, 60 in all."
    )
    with pytest.raises(ValueError, match="rows of booleans"):
        figures.connection_table([[0, 1]])


def module():
    """Return an inception module of 2 + 6 + 3 + 5 maps on 8, with reductions to 4 and to 1."""
    inputs = keras.Input((6, 6, 8), name="input")
    return keras.Model(inputs, inception_module(inputs, (2, 4, 6, 1, 3, 5), name="m"), name="m")


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


def test_a_skeleton_has_a_bar_a_layer_of_the_longest_path_and_an_arc_a_shortcut():
    widths = {"width": 0.1, "input_shape": (64, 64, 3)}
    nets = {"plain": plain18(**widths), "A": resnet18(shortcut="A", **widths), "B": resnet18(**widths)}
    picture = figures.skeletons(nets)
    plain, a, b = (figures._skeleton(net) for net in nets.values())
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
    bars, arcs = figures._skeleton(resnet50(width=0.1, input_shape=(64, 64, 3)))
    assert len(bars) == 50 + 2
    assert [changes for *_, changes in arcs] == [i in (0, 3, 7, 13) for i in range(16)]


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
