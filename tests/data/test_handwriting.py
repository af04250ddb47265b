"""A learner's digit comes as MNIST's do, or is refused in words."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from course_lib.data import load, read_digit


def drawn(text="5", *, size=(200, 260), ink=0, paper=255, place=(50, 20), height=190):
    """Return a grey picture (H, W) uint8 of `text`."""
    picture = Image.new("L", size, paper)
    ImageDraw.Draw(picture).text(place, text, fill=ink, font=ImageFont.load_default(height))
    return np.asarray(picture)


def encoded(array, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def test_a_digit_becomes_bright_on_black_and_its_mass_comes_to_the_middle():
    x = read_digit(drawn())
    assert x.shape == (28, 28, 1)
    assert x.dtype == np.float32
    assert x.max() == 1
    np.testing.assert_array_equal(x[:2], 0)
    np.testing.assert_array_equal(x[:, -2:], 0)
    rows, columns = np.nonzero(x[..., 0])[:2]
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    weights = x[..., 0] / x.sum()
    assert abs(weights.sum(1) @ np.arange(28) - 14) <= 0.5
    assert abs(weights.sum(0) @ np.arange(28) - 14) <= 0.5


def test_the_ink_may_be_darker_or_lighter_than_the_paper_gray_or_coloured_or_transparent():
    expected = read_digit(drawn())
    ink = drawn()
    red = np.stack([np.full_like(ink, 255), ink, ink], axis=-1)
    clear = np.stack([0 * ink, 0 * ink, 0 * ink, 255 - ink], axis=-1)
    chalk = np.stack([0 * ink + 255, 0 * ink + 255, 0 * ink + 255, 255 - ink], axis=-1)
    for picture in (
        255 - ink,
        ink / 255,
        ink[..., None],
        drawn(ink=90, paper=170),
        red,
        clear,
        chalk,
        encoded(clear),
    ):
        np.testing.assert_allclose(read_digit(picture), expected, atol=0.1)


def test_a_path_a_jpeg_a_16_bit_png_and_a_turned_photo_are_read(tmp_path):
    expected = read_digit(drawn())
    (tmp_path / "five.png").write_bytes(encoded(drawn()))
    np.testing.assert_array_equal(read_digit(tmp_path / "five.png"), expected)
    np.testing.assert_array_equal(read_digit(str(tmp_path / "five.png")), expected)
    np.testing.assert_allclose(read_digit(encoded(drawn(), "JPEG", quality=95)), expected, atol=0.15)
    np.testing.assert_allclose(read_digit(encoded(drawn().astype("uint16") * 257)), expected, atol=0.02)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    photo = encoded(np.rot90(drawn()), "JPEG", quality=95, exif=turned)
    np.testing.assert_allclose(read_digit(photo), expected, atol=0.15)


def test_a_photo_with_uneven_light_and_grain_gives_the_same_digit():
    rows, columns = np.mgrid[-1:1:260j, -1:1:200j]
    light = 0.7 + 0.2 * columns - 0.1 * rows - 0.1 * columns**2
    grain = np.random.default_rng(0).normal(0, 0.02, light.shape)
    photo = np.clip((0.3 + 0.7 * drawn() / 255) * light + grain, 0, 1)
    found = read_digit(encoded(np.round(photo * 255).astype("uint8"), "JPEG", quality=75))
    assert abs(found - read_digit(drawn())).mean() < 0.02


def test_the_digit_fits_the_field_that_load_makes():
    x = read_digit(drawn(), pad=2, value_range=(-0.1, 1.175))
    assert x.shape == load("digits", image_size=20, pad=6).image_shape == (32, 32, 1)
    np.testing.assert_allclose(x[2:-2, 2:-2], read_digit(drawn()) * 1.275 - 0.1, atol=1e-6)
    assert x.min() == np.float32(-0.1)


def test_a_five_whose_bar_stands_off_is_one_digit_and_specks_are_dropped():
    five = Image.fromarray(drawn())
    draw = ImageDraw.Draw(five)
    draw.rectangle([0, 92, 199, 100], fill=255)
    specked = np.array(five)
    specked[5:7, 5:7] = 0
    np.testing.assert_allclose(read_digit(specked), read_digit(np.array(five)), atol=1e-5)


BLANK = np.full((100, 100), 255, "uint8")
NOISE = np.random.default_rng(0).integers(120, 136, (100, 100)).astype("uint8")
PATCH = np.pad(np.zeros((60, 60), "uint8"), 30, constant_values=255)


@pytest.mark.parametrize(
    ("picture", "required", "received"),
    [
        (b"five", "PNG or JPEG", "4 bytes"),
        (b"", "PNG or JPEG", "0 bytes"),
        (encoded(BLANK, "GIF"), "PNG or JPEG", "bytes"),
        (encoded(drawn())[:900], "undamaged", "900 bytes"),
        ("nowhere.png", "exists", "'nowhere.png'"),
        ("no\0where.png", "exists", "where.png'"),
        (".", "PNG or JPEG", "'.'"),
        (5, "path, bytes or an array", "int"),
        (BLANK, "at least 15 %", r"0% \(a blank picture\)"),
        (255 - BLANK, "at least 15 %", r"0% \(a blank picture\)"),
        (NOISE, "at least 15 %", "%"),
        (drawn(ink=225), "at least 15 %", "12%"),
        (BLANK[:19], "at least 20 pixels", "100 x 19"),
        (drawn(height=14), "at least 12 pixels high", "pixels"),
        (drawn("17", size=(400, 260)), "one digit alone", "2 separate objects"),
        (drawn("000", size=(500, 260)), "one digit alone", "3 separate objects"),
        (drawn(place=(-20, 20)), "margin", "touches the edge"),
        (drawn()[30:-30, 30:-30].copy()[:, 40:], "margin", "touches the edge"),
        (PATCH, "in strokes", "100%"),
        (np.zeros((4, 4, 4, 4)), "array must be", r"shape \(4, 4, 4, 4\)"),
        (drawn() / 10, "array must be", "float64"),
        (drawn().astype("int64"), "array must be", "int64"),
        (np.zeros((0, 5), "uint8"), "array must be", r"shape \(0, 5\)"),
    ],
)
def test_a_bad_picture_is_refused_in_words(picture, required, received):
    with pytest.raises(ValueError, match=f"(?s){required}.*Received: .*{received}"):
        read_digit(picture)


@pytest.mark.parametrize("value_range", [3, (1, 0)])
def test_a_digit_without_black_and_white_is_refused(value_range):
    with pytest.raises(ValueError, match=r"`value_range` must .*Received: value_range="):
        read_digit(drawn(), value_range=value_range)


@pytest.mark.parametrize("side", [9_000, 12_000, 30_000])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(side):
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(ValueError, match="at most 64,000,000 pixels"),
    ):
        read_digit(bomb.getvalue())


def test_damaged_files_are_read_or_refused_in_words_but_never_break():
    rng = np.random.default_rng(0)
    refused = 0
    for whole in (encoded(drawn()), encoded(drawn(), "JPEG")):
        for _ in range(30):
            damaged = bytearray(whole[: rng.integers(20, len(whole))] if rng.random() < 0.3 else whole)
            for place in rng.integers(0, len(damaged), 3):
                damaged[place] = rng.integers(256)
            try:
                read_digit(bytes(damaged))
            except ValueError as error:
                refused += "must" in str(error)
    assert refused > 15
