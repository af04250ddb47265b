"""Pictures change as the formulas and the papers say, and the same seed changes them in the same way."""

import numpy as np
import pytest

from course_lib.data import Augmentation, warp


@pytest.mark.parametrize(
    ("changes", "identical"),
    [
        ({}, True),
        ({"shift": 2}, False),
        ({"scale": 0.2}, False),
        ({"rotation": 20}, False),
        ({"squeeze": 0.2}, False),
        ({"shear": 0.3}, False),
        ({"flip": "horizontal"}, False),
        ({"flip": "vertical"}, False),
        ({"flip": "both", "fill": "reflect"}, False),
        ({"crop": 0.7}, False),
        ({"crop": (0.4, 0.9), "flip": "both"}, False),
        ({"area": (0.08, 1.0), "aspect": 4 / 3}, False),
        ({"color": 0.5}, False),
        ({"pca": 0.9}, False),
        ({"shift": 3, "scale": 0.3, "rotation": 180, "crop": 0.5, "color": 1.0, "fill": "nearest"}, False),
    ],
)
def test_augmentation_keeps_shape_and_range_and_repeats_with_its_seed(changes, identical):
    x = np.random.default_rng(0).random((16, 12, 10, 3), "float32")
    augment = Augmentation(**changes)
    found = augment(x, 5).numpy()
    assert found.shape == x.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_array_equal(found, augment(x, 5))
    assert np.array_equal(found, x) == identical
    assert np.array_equal(found, augment(x, 6)) == identical


def test_a_random_shift_is_by_whole_pixels_and_reaches_every_place_in_its_range():
    x = np.zeros((2000, 7, 7, 1), "float32")
    x[:, 3, 3] = 1
    found = Augmentation(shift=2)(x, 0).numpy()
    _, rows, columns, _ = np.nonzero(found)
    assert len(rows) == 2000
    assert set(zip(rows - 3, columns - 3, strict=True)) == {
        (i, j) for i in range(-2, 3) for j in range(-2, 3)
    }


def test_a_random_crop_enlarges_a_window_that_lies_within_the_picture():
    rows = np.broadcast_to(np.arange(40, dtype="float32")[:, None, None] / 40, (200, 40, 40, 1))
    found = 40 * Augmentation(crop=0.5, fill="nearest")(rows, 0).numpy()
    first, last = found[:, 0, 20, 0], found[:, -1, 20, 0]
    np.testing.assert_allclose(last - first, 39 * 0.5, atol=0.3)
    assert first.min() < 1
    assert first.max() > 19
    assert last.max() <= 39


@pytest.mark.parametrize(
    "field",
    [
        "shift",
        "scale",
        "rotation",
        "squeeze",
        "shear",
        "flip",
        "crop",
        "area",
        "aspect",
        "color",
        "pca",
        "fill",
    ],
)
def test_an_augmentation_outside_its_range_is_refused(field):
    for value in (-1, "much", 1000.5, None if field != "flip" else True):
        with pytest.raises(ValueError, match=f"`{field}` must .*Received: {field}="):
            Augmentation(**{field: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"crop": (0.8, 0.4)},
        {"crop": (0.05, 0.5)},
        {"crop": (0.5, 0.6, 0.7)},
        {"area": (0.0, 1.0)},
        {"area": 0.5},
        {"crop": 0.5, "area": (0.5, 1.0)},
    ],
)
def test_windows_that_cannot_be_are_refused(fields):
    with pytest.raises(ValueError, match=f"`{next(iter(fields))}` .*must .*Received: {next(iter(fields))}="):
        Augmentation(**fields)


def test_a_number_of_numpy_is_a_number():
    assert Augmentation(scale=np.float32(0.1)).scale == np.float32(0.1)


@pytest.mark.parametrize("fill", ["constant", "nearest", "reflect"])
def test_whole_pixels_move_as_numpy_pads_and_as_warp_does(fill):
    x = np.random.default_rng(0).random((60, 5, 7, 3), "float32")
    found = Augmentation(shift=6, flip="horizontal", fill=fill)(x, 3).numpy()
    mode = {"constant": "constant", "nearest": "edge", "reflect": "symmetric"}[fill]
    padded = np.pad(x, [(0, 0), (6, 6), (6, 6), (0, 0)], mode=mode)
    places = {}
    for i, picture in enumerate(found):
        for flip in (False, True):
            source = np.pad(x[i, :, ::-1], [(6, 6), (6, 6), (0, 0)], mode=mode) if flip else padded[i]
            for top, left in np.ndindex(13, 13):
                if np.array_equal(picture, source[top : top + 5, left : left + 7]):
                    places[i] = (flip, 6 - top, 6 - left)
    assert len(places) == 60
    assert {flip for flip, *_ in places.values()} == {True, False}
    for i, (flip, down, right) in places.items():
        source = x[i : i + 1, :, ::-1] if flip else x[i : i + 1]
        np.testing.assert_array_equal(warp(source, shift=(down, right), fill=fill)[0], found[i])


def test_bytes_change_as_the_numbers_that_they_stand_for():
    x = np.random.default_rng(0).integers(0, 256, (8, 9, 9, 3), "uint8")
    for fields in (
        {"shift": 2},
        {"rotation": 9, "flip": "both"},
        {"crop": 0.6, "shift": 1},
        {"pca": 0.5},
        {},
    ):
        change = Augmentation(**fields)
        np.testing.assert_allclose(change(x, 1), change(x.astype("float32") / 255, 1), atol=1e-6)


def test_a_window_as_large_as_what_becomes_of_it_keeps_every_pixel():
    x = np.random.default_rng(0).random((400, 8, 12, 2), "float32")
    found = Augmentation(crop=0.75, flip="horizontal")(x, 0, (6, 9)).numpy()
    seen = set()
    for i, picture in enumerate(found):
        for flip, top, left in np.ndindex(2, 3, 4):
            source = x[i, :, ::-1] if flip else x[i]
            if np.allclose(picture, source[top : top + 6, left : left + 9], atol=1e-4):
                seen.add((flip, top, left))
                break
        else:
            raise AssertionError(f"picture {i} is no window")
    assert len(seen) == 24


def ramps(count, side=64):
    """Return pictures whose two channels are the row and the column of each pixel, in [0, 1]."""
    rows, columns = np.mgrid[:side, :side].astype("float32") / side
    return np.broadcast_to(np.stack([rows, columns], axis=-1), (count, side, side, 2))


def windows(augmentation, count=2000, side=64, size=16):
    """Return top, left, height and width of each window, as parts of the picture."""
    found = augmentation(ramps(count, side), 0, (size, size)).numpy()
    first, last = found[:, 2, 2], found[:, -3, -3]  # the border's pixels lie nearer than half a pixel
    height, width = (last - first).T * size / (size - 5)
    top, left = (first - np.stack([height, width], -1) * 2.5 / size).T + 0.5 / side
    return top, left, height, width


def test_sides_of_windows_are_drawn_so_that_all_enlargements_are_equally_likely():
    top, left, height, width = windows(Augmentation(crop=(0.4, 0.8)))
    np.testing.assert_allclose(height, width, atol=1e-3)
    enlargement = np.sort(1 / height)
    np.testing.assert_allclose(enlargement, np.linspace(1 / 0.8, 1 / 0.4, 2000), atol=0.05)
    for start in (top, left):
        place = start / (1 - height)
        np.testing.assert_allclose(np.sort(place), np.linspace(0, 1, 2000), atol=0.05)


def test_areas_of_windows_are_equally_likely_and_their_ratio_stays_in_its_bounds():
    top, left, height, width = windows(Augmentation(area=(0.1, 0.5), aspect=4 / 3))
    np.testing.assert_allclose(np.sort(height * width), np.linspace(0.1, 0.5, 2000), atol=0.02)
    ratio = np.sort(width / height)
    np.testing.assert_allclose(ratio, np.linspace(3 / 4, 4 / 3, 2000), atol=0.03)
    assert min(top.min(), left.min()) > -0.01
    assert max((top + height).max(), (left + width).max()) < 1.01
    *_, height, width = windows(Augmentation(area=(1 - 1e-9, 1.0), aspect=2.0))
    assert max(height.max(), width.max()) < 1.01  # what would be wider is cut
    assert height.min() < 0.8


def test_pca_noise_moves_each_picture_along_the_principal_components_by_their_eigenvalues():
    rng = np.random.default_rng(0)
    mixing = np.array([[0.1, 0.05, 0.0], [0.0, 0.06, 0.02], [0.0, 0.0, 0.03]])
    x = (0.5 + rng.uniform(-1, 1, (3000, 4, 4, 3)) @ mixing).astype("float32")
    noise = Augmentation(pca=0.5)(x, 0).numpy() - x
    np.testing.assert_allclose(noise, np.broadcast_to(noise[:, :1, :1], noise.shape), atol=1e-6)
    values, vectors = np.linalg.eigh(np.cov(x.reshape(-1, 3).T))
    along = noise[:, 0, 0] @ vectors
    np.testing.assert_allclose(along.std(axis=0), 0.5 * values, rtol=0.05)
    assert abs(np.corrcoef(along.T)[np.triu_indices(3, 1)]).max() < 0.06


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("fill", ["x", None]),
        ("scale", [0, -1, float("nan"), "large", None, (1, 1, 1)]),
        ("squeeze", [0]),
        ("rotation", [float("inf")]),
        ("shear", [None]),
        ("shift", [1, (1, 2, 3), (1, float("nan")), None]),
    ],
)
def test_a_movement_that_is_none_is_refused(argument, values):
    for value in values:
        with pytest.raises(ValueError, match=f"`{argument}` must .*Received: {argument}="):
            warp(np.zeros((2, 8, 8, 1)), **{argument: value})


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (1, 2, 8, 8, 1)])
def test_a_movement_of_anything_but_a_batch_of_pictures_is_refused(shape):
    with pytest.raises(ValueError, match=r"`x` must have the shape \(N, H, W, C\)"):
        warp(np.zeros(shape))


def test_a_shift_moves_each_pixel_by_the_known_amount():
    x = np.random.default_rng(0).random((2, 6, 8, 2), "float32")
    expected = np.zeros_like(x)
    expected[:, 2:, :-3] = x[:, :-2, 3:]
    np.testing.assert_array_equal(warp(x, shift=(2, -3)), expected)
    moved = warp(x, shift=([0, 1], [0, 0])).numpy()
    np.testing.assert_array_equal(moved[0], x[0])
    np.testing.assert_array_equal(moved[1, 1:], x[1, :-1])


def test_a_quarter_turn_is_anticlockwise():
    x = np.random.default_rng(0).random((1, 5, 5, 1), "float32")
    np.testing.assert_allclose(warp(x, rotation=90), np.rot90(x, axes=(1, 2)), atol=1e-5)


def test_scale_squeeze_and_shear_move_a_point_as_the_formulas_say():
    x = np.zeros((1, 21, 21, 1), "float32")
    x[0, 6, 12] = 1  # four rows above the centre, two columns right of it
    assert np.unravel_index(np.argmax(warp(x, scale=2)), (21, 21)) == (2, 14)
    assert np.unravel_index(np.argmax(warp(x, squeeze=2)), (21, 21)) == (8, 14)
    assert np.unravel_index(np.argmax(warp(x, shear=0.5)), (21, 21)) == (6, 14)
