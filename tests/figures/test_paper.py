"""Pictures are shown, saved and described as promised, and stay small."""

from io import BytesIO

import IPython.display
import matplotlib
import numpy as np
import pytest
from drawings import grouped, residual
from PIL import Image

from course_lib import figures
from course_lib.architectures import lenet5
from course_lib.layers import LENET_TABLE
from course_lib.ledger import ledger

RANDOM = np.random.default_rng(0)


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
