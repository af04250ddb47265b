"""Load pictures to learn from: scanned digits, drawn shapes, or any image classification dataset of TFDS.

    data = load("digits", image_size=20, pad=6, augmentation=Augmentation(shift=2))
    model.fit(data.train, validation_data=data.test, shuffle=False)

`digits` and `shapes` come with the course and need no network; any other is a name in
tensorflow-datasets (TFDS).
"""

import dataclasses
import difflib
import io
import math
import numbers
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from course_lib.backend import keras  # noqa: F401  (first: it imports TensorFlow without its noise)

# isort: split
import tensorflow as tf

__all__ = ["SHAPES", "Augmentation", "Dataset", "Drawing", "draw_shapes", "load", "read_digit", "warp"]

FILLS = ("constant", "nearest", "reflect")
CENTERS = ("pixel", "channel", "standard")
CACHE_BYTES = 2**30  # a split that is larger, in 8-bit pixels, is read from disk again in every epoch
CENTER_COUNT = 10_000  # how many training pictures, at most, the mean and deviation are computed from
MAX_PIXELS = 64_000_000  # of a learner's picture: more than most phones make


def _require(condition, requirement, received):
    if not condition:
        raise ValueError(f"{requirement} Received: {received}")


def _whole(value, least=0):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least


def _number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _require_ranges(owner, **ranges):
    for field, (low, high) in ranges.items():
        value = getattr(owner, field)
        inside = _number(value) and low <= value <= high
        _require(inside, f"`{field}` must be in [{low}, {high}].", f"{field}={value!r}")


def _pair(image_size):
    pair = tuple(image_size) if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    valid = len(pair) == 2 and all(_whole(side, 1) for side in pair)
    _require(valid, "`image_size` must be whole pixels or (height, width).", f"image_size={image_size!r}")
    return pair


def _black_and_white(value_range):
    pair = isinstance(value_range, (tuple, list)) and len(value_range) == 2
    valid = pair and all(map(_number, value_range)) and value_range[0] < value_range[1]
    required = "`value_range` must be (black, white), black < white."
    _require(valid, required, f"value_range={value_range!r}")
    return value_range


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Say how the training pictures change at random, anew in each epoch.

    Shift, scale, squeeze and shear are the distortions of LeCun et al. (1998), section III.B. The 4 pixels of
    padding and random crop of the CIFAR papers are `shift=4`: whole pixels, black from beyond the border.

    Args:
        shift: whole pixels, up to this many in each direction.
        scale: the size varies by up to this fraction, in [0, 0.9]: 0.1 means 0.9 to 1.1.
        rotation: degrees, up to this many either way, in [0, 180].
        squeeze: width and height change oppositely, by up to this fraction, in [0, 0.9].
        shear: each row moves over the one below it by up to this many pixels either way, in [0, 1].
        flip: None, "horizontal", "vertical" or "both"; each happens to half of the pictures.
        crop: side of a window at a random place, as a fraction of the picture's, in [0.1, 1]; the window is
            resized to the full size. 224 / 256 is AlexNet's. A pair (smallest, largest) draws the side such
            that all enlargements between are equally likely: (224 / 512, 224 / 256) is VGG's, whose pictures
            are first resized to a shorter side of 256 to 512 pixels.
        area: (smallest, largest) share of the picture that a window covers, in [0.01, 1], equally likely in
            between. (0.08, 1) is GoogLeNet's (Szegedy et al. 2015, section 6). Not together with `crop`.
        aspect: such a window's ratio of width to height lies between 1 / aspect and aspect, in [1, 4]; what
            would be wider or higher than the picture is cut. 4 / 3 is GoogLeNet's.
        color: brightness, contrast and saturation vary by up to this fraction, in [0, 1].
        pca: standard deviation, in [0, 1], of the multiples of the RGB values' principal components that are
            added to a picture, in proportion to their eigenvalues (Krizhevsky et al. 2012, section 4.1: 0.1).
            The components are those of the batch, where the paper takes the whole training set's.
        fill: what appears beyond the border: "constant" (black), "nearest" or "reflect".

    Raises:
        ValueError: if an argument is outside its range.
    """

    shift: int = 0
    scale: float = 0.0
    rotation: float = 0.0
    squeeze: float = 0.0
    shear: float = 0.0
    flip: str | None = None
    crop: float | tuple[float, float] = 1.0
    area: tuple[float, float] = (1.0, 1.0)
    aspect: float = 1.0
    color: float = 0.0
    pca: float = 0.0
    fill: str = "constant"

    def __post_init__(self):
        _require(_whole(self.shift), "`shift` must be a whole number of pixels.", f"shift={self.shift!r}")
        _require_ranges(self, scale=(0, 0.9), rotation=(0, 180), squeeze=(0, 0.9), shear=(0, 1))
        _require_ranges(self, aspect=(1, 4), color=(0, 1), pca=(0, 1))
        sides = _sides(self.crop)
        required = "`crop` must be in [0.1, 1], or (smallest, largest)."
        _require(_ordered(sides, 0.1, 1), required, f"crop={self.crop!r}")
        required = "`area` must be (smallest, largest) in [0.01, 1]."
        _require(_ordered(self.area, 0.01, 1), required, f"area={self.area!r}")
        one = min(sides) == 1 or self.area[0] == 1
        _require(one, "`crop` and `area` must not come together.", f"crop={self.crop}, area={self.area}")
        flips = (None, "horizontal", "vertical", "both")
        _require(self.flip in flips, f"`flip` must be one of {flips}.", f"flip={self.flip!r}")
        _require(self.fill in FILLS, f"`fill` must be one of {FILLS}.", f"fill={self.fill!r}")

    def __call__(self, x, seed, size=None):
        """Change a batch x (N, H, W, C) in [0, 1], or of bytes; the same whole `seed` makes the same changes.

        Return float32 pictures in [0, 1], of `size` (height, width), or as large as they come. Without `crop`
        and `area`, a smaller size is their central part.
        """
        x = tf.convert_to_tensor(x)
        count, height, width, channels = x.shape
        size = (height, width) if size is None else tuple(size)
        draws = tf.random.stateless_uniform((13, count), [seed, 0], -1.0, 1.0)
        upside_down = (draws[1] < 0) & (self.flip in ("vertical", "both"))
        mirrored = (draws[0] < 0) & (self.flip in ("horizontal", "both"))
        down, right = tf.round(draws[2] * (self.shift + 0.499)), tf.round(draws[4] * (self.shift + 0.499))
        warped = (self.scale, self.rotation, self.squeeze, self.shear) != (0, 0, 0, 0)
        windowed = min(_sides(self.crop)) < 1 or self.area[0] < 1
        shifted = self.shift > 0 and not warped
        if shifted or (self.flip is not None and (warped or not windowed)):
            x = _move(x, upside_down, mirrored, down * float(shifted), right * float(shifted), self.fill)
            upside_down, mirrored = tf.zeros_like(upside_down), tf.zeros_like(mirrored)
        if warped:
            x = warp(
                _unit(x),
                shift=(down, right),
                scale=1 + draws[6] * self.scale,
                rotation=draws[7] * self.rotation,
                squeeze=1 + draws[8] * self.squeeze,
                shear=draws[9] * self.shear,
                fill=self.fill,
            )
        if windowed:
            rows, columns = self._window(seed, draws[3], draws[5], (height, width), size)
            x = _resample(x, rows, columns, upside_down, mirrored, size)
        x = _unit(_center(x, size))
        if self.color:
            brightness, contrast, saturation = tf.unstack(1 + self.color * draws[10:, :, None, None, None])
            mean = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
            x = (mean + (x - mean) * contrast) * brightness
            if channels == 3:
                gray = tf.image.rgb_to_grayscale(x)
                x = gray + (x - gray) * saturation
        if self.pca:
            values = tf.reshape(x, [-1, channels])
            values -= tf.reduce_mean(values, 0)
            covariance = tf.matmul(values, values, transpose_a=True) / len(values)
            # The paper adds the sum of a_i lambda_i p_i. Normal draws a have the same distribution along any
            # axes, so the covariance times such draws is the same, without its eigenvectors p_i.
            draws = tf.random.stateless_normal((count, channels), [seed, 2], stddev=self.pca)
            x += tf.matmul(draws, covariance)[:, None, None]
        return tf.clip_by_value(x, 0.0, 1.0)

    def _window(self, seed, down, right, old, new):
        """Return where each window begins and its side, in pixels, for rows and columns.

        `down` and `right` in [-1, 1) say where among all possible places; `old` and `new` are the sizes of
        the picture and of what becomes of the window.
        """
        smallest, largest = _sides(self.crop)
        draws = tf.random.stateless_uniform((2, len(down)), [seed, 1])
        if self.area[0] < 1:
            area = self.area[0] + draws[0] * (self.area[1] - self.area[0])
            ratio = 1 / self.aspect + draws[1] * (self.aspect - 1 / self.aspect)
            parts = tf.sqrt(area / ratio), tf.sqrt(area * ratio)
        else:
            parts = [1 / (1 / largest + draws[0] * (1 / smallest - 1 / largest))] * 2
        windows = []
        for place, part, before, after in zip((down, right), parts, old, new, strict=True):
            side = tf.minimum(part, 1) * before
            first = (place + 1) / 2 * (before - side)
            if smallest == largest and round(largest * before) == after:  # keep each pixel as it is
                first = tf.floor((place + 1) / 2 * (before - after + 1))
            windows.append((first, side))
        return windows


def _sides(crop):
    return crop if isinstance(crop, (tuple, list)) else (crop, crop)


def _ordered(pair, low, high):
    """Return whether these are two numbers with low <= first <= second <= high."""
    two = isinstance(pair, (tuple, list)) and len(pair) == 2 and all(map(_number, pair))
    return two and low <= pair[0] <= pair[1] <= high


def _unit(x):
    """Return float32 pictures in [0, 1] from such, or from bytes."""
    return tf.cast(x, tf.float32) / 255 if x.dtype == tf.uint8 else x


def _center(x, size):
    """Return the central part (..., height, width, C)."""
    top, left = ((x.shape[axis] - side) // 2 for axis, side in zip((-3, -2), size, strict=True))
    return x[..., top : top + size[0], left : left + size[1], :]


def _move(x, upside_down, mirrored, down, right, fill):
    """Flip pictures, then move them by whole pixels; four times as fast as `warp`, which interpolates."""
    count, height, width, channels = x.shape
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])  # one black pixel stands for all beyond the border
    ends = []
    for side, flip, move in ((height, upside_down, down), (width, mirrored, right)):
        place = tf.range(side) - tf.cast(move, tf.int32)[:, None]
        if fill == "reflect":
            place = tf.minimum(place % (2 * side), 2 * side - 1 - place % (2 * side))
        beyond = 1 if fill == "constant" else 0
        place = tf.clip_by_value(place, -beyond, side - 1 + beyond)
        ends.append(1 + tf.where(flip[:, None], side - 1 - place, place))
    rows = (height + 2) * tf.range(count)[:, None] + ends[0]
    places = (width + 2) * rows[:, :, None] + ends[1][:, None]
    return tf.gather(tf.reshape(x, [-1, channels]), places)


def _resample(x, rows, columns, upside_down, mirrored, size):
    """Flip pictures, then resize windows (first pixel, side) to `size`; three times as fast as `warp`."""
    ends = []
    for axis, (first, side), flip in ((1, rows, upside_down), (2, columns, mirrored)):
        step = side / size[axis - 1]
        centers = first + step / 2 - 0.5, first + side - step / 2 - 0.5  # of the outermost pixels
        for place in centers:  # 0 and 1 are the picture's outermost
            place = tf.clip_by_value(place / max(x.shape[axis] - 1, 1), 0, 1)
            ends.append(tf.where(flip, 1 - place, place))
    top, bottom, left, right = ends
    boxes = tf.stack([top, left, bottom, right], axis=1)
    resized = tf.image.crop_and_resize(x, boxes, tf.range(len(x)), size)
    return resized / 255 if x.dtype == tf.uint8 else resized


def warp(x, *, shift=(0, 0), scale=1.0, rotation=0.0, squeeze=1.0, shear=0.0, fill="constant"):
    """Move, scale, turn, squeeze and shear pictures about their centre, by bilinear interpolation.

    Args:
        x: pictures (N, H, W, C).
        shift: (down, right) in pixels. Each of these, and each of the next four, is one or N numbers.
        scale: above 1 enlarges.
        rotation: degrees, anticlockwise.
        squeeze: above 1 widens by this factor and flattens by the same.
        shear: how many pixels each row moves to the right over the one below it.
        fill: what appears beyond the border: "constant" (zero), "nearest" or "reflect".

    Returns:
        float32 tensor (N, H, W, C); a shift by whole pixels alone moves the values exactly.

    Raises:
        ValueError: if an argument is not as above, or a scale or squeeze not positive.
    """
    x = tf.convert_to_tensor(x, tf.float32)
    _require(x.shape.rank == 4, "`x` must have the shape (N, H, W, C).", f"shape {x.shape}")
    height, width = x.shape[1:3]
    pair = isinstance(shift, (tuple, list, np.ndarray)) and len(shift) == 2
    _require(pair, "`shift` must be a pair (down, right).", f"shift={shift!r}")
    _require(fill in FILLS, f"`fill` must be one of {FILLS}.", f"fill={fill!r}")
    count = tf.shape(x)[0]
    down, right = (_each("shift", value, count) for value in shift)
    rotation, shear = _each("rotation", rotation, count), _each("shear", shear, count)
    scale, squeeze = _each("scale", scale, count, above=0), _each("squeeze", squeeze, count, above=0)
    # TensorFlow wants the inverse map: where in the input each pixel (column, row) of the output comes from.
    cos, sin = tf.cos(rotation * np.pi / 180), tf.sin(rotation * np.pi / 180)
    a0, a1 = (cos + shear * sin) / (scale * squeeze), (shear * cos - sin) / (scale * squeeze)
    b0, b1 = sin * squeeze / scale, cos * squeeze / scale
    column, row = (width - 1) / 2, (height - 1) / 2
    a2 = column - a0 * (column + right) - a1 * (row + down)
    b2 = row - b0 * (column + right) - b1 * (row + down)
    zero = tf.zeros_like(a0)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=fill.upper(),
    )
    return tf.ensure_shape(moved, x.shape)


def _each(name, value, count, above=-math.inf):
    """Return one finite float32 for each of `count` pictures; inside a pipeline, values are not yet known."""
    try:
        values = tf.broadcast_to(tf.cast(value, tf.float32), [count])
        known = tf.get_static_value(values)
        valid = known is None or (np.isfinite(known) & (known > above)).all()
    except (TypeError, ValueError, tf.errors.OpError):  # no numbers, or neither one nor as many as pictures
        valid = False
    limit = " above 0" if above == 0 else ""
    _require(valid, f"`{name}` must be one finite number{limit}, or one a picture.", f"{name}={value!r}")
    return values


def _outlines():
    """Return name -> outline (points, 2) of each shape, upright with y upwards, inside the unit circle."""
    t = np.linspace(0, 2 * np.pi, 120)

    def circle(angles=t):
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def regular(corners):
        return circle(np.pi * (0.5 + (1 + 1 / corners) + 2 * np.arange(corners) / corners))

    meets = (
        0.915,
        1.433,
    )  # where the unit circle and one of radius 0.8 about (0.5, 0) meet, as seen from either
    bite = 0.8 * circle(np.linspace(2 * np.pi - meets[1], meets[1], 60)) + np.array([0.5, 0])
    heart = [16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)]
    corner = np.array([[1, 3], [1, 1], [3, 1]])
    outlines = {
        "circle": circle(),
        "ring": np.concatenate([circle(), 0.55 * circle()[::-1]]),
        "crescent": np.concatenate([circle(np.linspace(meets[0], 2 * np.pi - meets[0], 90)), bite]),
        "drop": np.stack([-1.1 * np.sin(t) * np.sin(t / 2) ** 1.6, np.cos(t)], axis=1),
        "heart": np.stack(heart, axis=1),
        "triangle": regular(3),
        "square": regular(4),
        "cross": np.concatenate([corner, corner[::-1] * [1, -1], -corner, corner[::-1] * [-1, 1]]),
        "star": circle(np.pi * (0.5 + np.arange(10) / 5)) * np.array([[1.0], [0.45]] * 5),
        "arrow": np.array([[-4, 1.2], [0.5, 1.2], [0.5, 3], [4, 0], [0.5, -3], [0.5, -1.2], [-4, -1.2]]),
    }
    for name, points in outlines.items():
        points = points - (points.max(0) + points.min(0)) / 2
        outlines[name] = points / np.linalg.norm(points, axis=1).max()
    return outlines


_OUTLINES = _outlines()
SHAPES = tuple(_OUTLINES)


@dataclasses.dataclass(frozen=True)
class Drawing:
    """Say how the shapes vary from picture to picture.

    Args:
        position: 0 keeps each shape in the middle, 1 puts it anywhere it fits; in [0, 1].
        scale: (smallest, largest) diameter as a fraction of the picture's shorter side, in (0, 1].
        rotation: degrees, up to this many either way, in [0, 180].
        color: 0 draws dark grey on light grey; towards 1 the hues grow stronger and more pictures, at last
            half of them, are light on dark; in [0, 1].
        clutter: number of strokes and dots, half of them over the shape.

    Raises:
        ValueError: if an argument is outside its range.
    """

    position: float = 1.0
    scale: tuple[float, float] = (0.4, 0.8)
    rotation: float = 180.0
    color: float = 1.0
    clutter: int = 4

    def __post_init__(self):
        _require_ranges(self, position=(0, 1), rotation=(0, 180), color=(0, 1))
        pair = isinstance(self.scale, (tuple, list)) and len(self.scale) == 2
        ordered = pair and all(map(_number, self.scale)) and 0 < self.scale[0] <= self.scale[1] <= 1
        _require(ordered, "`scale` must be (smallest, largest) in (0, 1].", f"scale={self.scale!r}")
        _require(_whole(self.clutter), "`clutter` must be a whole number.", f"clutter={self.clutter!r}")


def _srgb(lightness, chroma, hue):
    """Return the 8-bit RGB triple of an OKLCH colour: lightness as the eye sees it (Ottosson 2020)."""
    a, b = chroma * np.cos(hue), chroma * np.sin(hue)
    lms = lightness + np.array([[0.3963, 0.2158], [-0.1056, -0.0639], [-0.0895, -1.2915]]) @ [a, b]
    to_rgb = np.array([[4.0767, -3.3077, 0.2310], [-1.2684, 2.6098, -0.3413], [-0.0042, -0.7034, 1.7076]])
    return tuple((255 * np.clip(to_rgb @ lms**3, 0, 1) ** (1 / 2.2) + 0.5).astype(int).tolist())


def _draw_shape(label, size, drawing, rng):
    """Return one uint8 picture (H, W, 3), drawn at four times the size and averaged down."""
    extent = 4 * np.array([size[1], size[0]])  # (width, height)
    side = extent.min()
    light, dark = 0.93 - 0.13 * drawing.color * rng.random(), 0.33 + 0.17 * drawing.color * rng.random()
    ground, ink = (dark, light) if rng.random() < drawing.color / 2 else (light, dark)
    hues = rng.uniform(0, 2 * np.pi, 2)
    corners = Image.new("RGB", (2, 2))
    tilts = rng.uniform(-0.05, 0.05, 4) * drawing.color
    corners.putdata([_srgb(ground + tilt, 0.05 * drawing.color, hues[0]) for tilt in tilts])
    picture = corners.resize(tuple(extent.tolist()), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(picture)
    diameter = rng.uniform(*drawing.scale) * side
    centre = extent / 2 + rng.uniform(-1, 1, 2) * drawing.position * (extent - diameter) / 2
    angle = np.deg2rad(rng.uniform(-1, 1) * drawing.rotation)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle)], [-np.sin(angle), -np.cos(angle)]]
    )  # rows grow downwards
    outline = centre + _OUTLINES[SHAPES[label]] @ turn * diameter / 2
    for piece in range(drawing.clutter + 1):
        if piece == drawing.clutter // 2:
            draw.polygon(outline.ravel().tolist(), fill=_srgb(ink, 0.13 * drawing.color, hues[1]))
            continue
        shade = _srgb(rng.uniform(0.35, 0.9), 0.08 * drawing.color, rng.uniform(0, 2 * np.pi))
        place, thick = rng.uniform(0, 1, 2) * extent, side * rng.uniform(0.015, 0.03)
        angle, length = rng.uniform(0, np.pi), side * rng.uniform(0.1, 0.25)
        reach = length * np.array([np.cos(angle), np.sin(angle)])
        if piece % 3:
            draw.line([*(place - reach), *(place + reach)], fill=shade, width=round(thick))
        else:
            draw.ellipse([*(place - thick), *(place + thick)], fill=shade)
    return np.asarray(picture.reduce(4))


def draw_shapes(count, image_size=64, drawing=None, *, seed=0):
    """Draw `count` pictures of the ten SHAPES in turn; each is the same whatever the count.

    Args:
        count: how many; picture i shows SHAPES[i % 10].
        image_size: side in pixels, or (height, width).
        drawing: a Drawing; None takes its defaults.
        seed: a whole number, or several.

    Returns:
        x (count, H, W, 3) uint8 and y (count,) int64.

    Raises:
        ValueError: if an argument is not as above.
    """
    size, drawing = _pair(image_size), Drawing() if drawing is None else drawing
    _require(_whole(count), "`count` must be a whole number.", f"count={count!r}")
    _require(isinstance(drawing, Drawing), "`drawing` must be a Drawing or None.", f"drawing={drawing!r}")
    seeds = np.atleast_1d(seed).tolist()
    _require(all(map(_whole, seeds)), "`seed` must be a whole number, or several.", f"seed={seed!r}")
    y = np.arange(count) % len(SHAPES)
    x = np.empty((count, *size, 3), "uint8")
    for i, label in enumerate(y):
        x[i] = _draw_shape(label, size, drawing, np.random.default_rng([*seeds, i]))
    return x, y


@dataclasses.dataclass(frozen=True)
class _Raw:
    """Pictures as they come: tf.data of (uint8 image, label), and what is known of them."""

    train: tf.data.Dataset
    test: tf.data.Dataset
    class_names: tuple[str, ...]
    source: str
    licence: str


def _digits():
    """Return scikit-learn's 1,797 scans of 8 x 8: 36 of each digit for testing, the other 1,437 for training.

    In both, the classes take turns: the first images of either are a balanced subset.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x, y = np.round(bunch.images[..., None] * (255 / 16)).astype("uint8"), bunch.target
    order = np.random.default_rng(0).permutation(len(y))  # fixed: the split does not depend on load's seed
    turn = np.empty(len(y), int)  # how many of the same class come before
    for label in range(10):
        turn[order[y[order] == label]] = np.arange(np.sum(y == label))
    order = order[np.argsort(turn[order], kind="stable")]
    test, train = (tf.data.Dataset.from_tensor_slices((x[part], y[part])) for part in np.split(order, [360]))
    return _Raw(
        train,
        test,
        class_names=tuple("0123456789"),
        source="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, test part, UCI "
        "Machine Learning Repository, https://doi.org/10.24432/C50P49, as packed in scikit-learn",
        licence="CC BY 4.0",
    )


def _shapes(image_size, counts, drawing, seed):
    train, test = (
        tf.data.Dataset.from_tensor_slices(draw_shapes(count, image_size, drawing, seed=(seed, part)))
        for part, count in enumerate(counts)
    )
    return _Raw(train, test, SHAPES, source="drawn by course_lib.datasets", licence="MIT")


def _tfds(name, splits, download):
    """Return a dataset of TFDS, from the folder where it was prepared."""
    import tensorflow_datasets as tfds

    folder = Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    try:
        builder = tfds.builder(name, data_dir=folder)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):
        base, known = name.split("/")[0].split(":")[0], tfds.list_builders(with_community_datasets=False)
        near = difflib.get_close_matches(base.lower(), ["digits", "shapes", *known], n=5)
        if base in known:
            near = [f"{base}/{config.name}" for config in tfds.builder_cls(base).BUILDER_CONFIGS] or [base]
        raise ValueError(
            "`name` must be 'digits', 'shapes' or an image classification dataset of TFDS, such as 'mnist', "
            "'fashion_mnist', 'cifar10', 'cifar100', 'svhn_cropped' or 'imagenette/160px-v2' (all: "
            f"https://www.tensorflow.org/datasets/catalog/overview). Received: {name!r}"
            + (f"; did you mean {' or '.join(map(repr, near))}?" if near else "")
        ) from None
    info = builder.info
    pair = info.supervised_keys and len(info.supervised_keys) == 2
    image, label = (info.features[key] for key in info.supervised_keys) if pair else (None, None)
    classifies = isinstance(image, tfds.features.Image) and isinstance(label, tfds.features.ClassLabel)
    _require(classifies, "A dataset must pair one image with one class label.", f"name={name!r}")
    if not (builder.data_path / "dataset_info.json").exists():
        if not download:
            raise FileNotFoundError(
                f"{name!r} must be prepared once, with a network. Received: nothing in {builder.data_path}\n"
                f"With a network, call load({name!r}, download=True), or run\n"
                f'    python -c "import tensorflow_datasets as tfds; '
                f'tfds.builder({name!r}, data_dir={str(folder)!r}).download_and_prepare()"\n'
                f"Without one, copy the prepared folder {name.split('/')[0]!r} from another machine, and set "
                "the environment variable TFDS_DATA_DIR to the folder that contains it."
            )
        builder.download_and_prepare()
    if splits is None:
        held_out = [split for split in ("test", "validation") if split in info.splits]
        splits = ("train", held_out[0]) if held_out else ("train[:80%]", "train[80%:]")
    read = tfds.ReadConfig(try_autocache=False)  # load caches what it has resized
    train, test = (builder.as_dataset(split=split, as_supervised=True, read_config=read) for split in splits)
    return _Raw(
        train,
        test,
        class_names=tuple(label.names),
        source=info.homepage or info.citation or "see source",
        licence=info.redistribution_info.license or "see source",
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Hold a train and a test pipeline and what they contain; `load` makes it.

    `train` and `test` are tf.data of batches (x, y), all of one size: x (batch, H, W, C) float32, y (batch,)
    int64. `train` comes in a new order in each epoch, without the incomplete last batch; `test` holds each
    image once. Both are less `mean` and divided by `deviation`, arrays that broadcast over (H, W, C).
    """

    name: str
    train: tf.data.Dataset = dataclasses.field(repr=False)
    test: tf.data.Dataset = dataclasses.field(repr=False)
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_count: int
    test_count: int
    source: str
    licence: str
    mean: np.ndarray = dataclasses.field(repr=False)
    deviation: np.ndarray = dataclasses.field(repr=False)
    _plain: dict = dataclasses.field(repr=False)

    def arrays(self, split):
        """Return the images of "train" or "test", not augmented, in a fixed order: x float32 and y int64."""
        _require(split in self._plain, '`split` must be "train" or "test".', f"split={split!r}")
        x, y = zip(*self._plain[split].batch(256).as_numpy_iterator(), strict=True)
        return np.concatenate(x), np.concatenate(y)


def _preparation(size, pad, channels):
    """Return the function that resizes, cuts, pads and colours (image, label), and keeps 8 bits."""

    def prepare(image, label):
        if image.shape[-1] != channels:
            convert = tf.image.rgb_to_grayscale if channels == 1 else tf.image.grayscale_to_rgb
            image = convert(image)
        if tuple(image.shape[:2]) != size:
            old = tf.shape(image)[:2]
            window = tf.minimum(old, [old[1] * size[0] // size[1], old[0] * size[1] // size[0]])
            top, left = tf.unstack((old - window) // 2)
            image = image[top : top + window[0], left : left + window[1]]
            image = tf.image.resize(image, size, "bicubic", antialias=True)
            image = tf.saturate_cast(tf.round(image), tf.uint8)
        image = tf.pad(image, [[pad, pad], [pad, pad], [0, 0]])
        return tf.ensure_shape(image, (size[0] + 2 * pad, size[1] + 2 * pad, channels)), tf.cast(
            label, tf.int64
        )

    return prepare


def _statistics(center, pictures, low, high):
    """Return the mean and deviation, float32, of uint8 pictures whose bytes stand for `low` to `high`."""
    if center is None:
        return np.float32(0), np.float32(1)
    total, squares, count = 0.0, 0.0, 0
    for x, _ in pictures.batch(64).as_numpy_iterator():
        x = x.astype("float64")
        total, squares, count = total + x.sum(0), squares + np.square(x).sum(0), count + len(x)
    mean, square, scale = total / count, squares / count, (high - low) / 255
    if center != "pixel":
        mean, square = mean.mean((0, 1)), square.mean((0, 1))
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-6)) * scale if center == "standard" else 1
    return np.float32(mean * scale + low), np.float32(deviation)


def load(
    name,
    *,
    image_size=None,
    resize=None,
    pad=0,
    color=None,
    value_range=(0.0, 1.0),
    center=None,
    batch_size=64,
    augmentation=None,
    seed=0,
    train_count=None,
    test_count=None,
    drawing=None,
    splits=None,
    download=False,
):
    """Load a dataset for image classification as a train and a test pipeline.

    Args:
        name: "digits", "shapes", or a name in TFDS, with its config if it has one: "imagenette/160px-v2".
        image_size: side in pixels, or (height, width). Pictures are cut about their centre to this shape and
            resized (bicubic, antialiased). None keeps the size they have; shapes are then 64 x 64.
        resize: resize them to this first, no smaller than `image_size`, of which then the central part is
            left; in training it is the augmentation's window, if that has a `crop` or `area`. AlexNet and its
            followers resize to 256, for an input of 224. None: as `image_size`.
        pad: pixels of black added on each side after that. LeNet-5 sees MNIST's 28 x 28 with pad=2.
        color: "grayscale", "rgb", or None to keep what they have.
        value_range: the values of black and of white. LeNet-5 was trained with (-0.1, 1.175).
        center: what is subtracted from these values: None, nothing; "pixel", the mean of the training
            pictures at each pixel and channel; "channel", that of each channel. "standard" also divides by
            each channel's standard deviation. All are computed from the first 10,000 training pictures at
            most, not augmented.
        batch_size: images in a training batch; a test batch has the most up to this that divide their number.
        augmentation: an Augmentation, for the training pictures alone.
        seed: a whole number. The same one gives the same shapes, and, after the same
            `keras.utils.set_random_seed`, the same order and augmentation.
        train_count, test_count: how many images to keep, the first ones; of shapes, to draw (2,000 and 500).
        drawing: a Drawing, for shapes alone.
        splits: (train, test) in TFDS's notation; None takes "train" and "test", or "validation", or 80 % and
            20 % of the only split. "imagenet2012" needs ("train", "validation"): its test has no labels.
        download: whether TFDS may download what is not yet prepared in the folder that the environment's
            TFDS_DATA_DIR names (or ~/tensorflow_datasets).

    Returns:
        A Dataset.

    Raises:
        ValueError: if an argument is invalid, or no dataset has that name.
        FileNotFoundError: if a dataset of TFDS is not prepared and `download` is False.
    """
    _require(isinstance(name, str), "`name` must be that of a dataset.", f"name={name!r}")
    size = None if image_size is None else _pair(image_size)
    stored = size if resize is None else _pair(resize)
    fits = resize is None or (size is not None and pad == 0 and size[0] <= stored[0] and size[1] <= stored[1])
    required = "`resize` must come with an `image_size` that is no larger, and without `pad`."
    _require(fits, required, f"resize={resize!r}, image_size={image_size!r}, pad={pad!r}")
    _require(_whole(pad), "`pad` must be a whole number of pixels.", f"pad={pad!r}")
    _require(
        color in (None, "grayscale", "rgb"), '`color` must be "grayscale", "rgb" or None.', f"color={color!r}"
    )
    low, high = _black_and_white(value_range)
    known = center is None or center in CENTERS
    _require(known, f"`center` must be one of {CENTERS} or None.", f"center={center!r}")
    changes = augmentation is None or isinstance(augmentation, Augmentation)
    _require(changes, "`augmentation` must be an Augmentation or None.", f"augmentation={augmentation!r}")
    _require(_whole(seed), "`seed` must be a whole number.", f"seed={seed!r}")
    _require(_whole(batch_size, 1), "`batch_size` must be 1 or more.", f"batch_size={batch_size!r}")
    counts = {"train": train_count, "test": test_count}
    for split, count in counts.items():
        _require(
            count is None or _whole(count, 1),
            f"`{split}_count` must be 1 or more.",
            f"{split}_count={count!r}",
        )
    _require(drawing is None or name == "shapes", "`drawing` must come with 'shapes'.", f"name={name!r}")
    ships = name in ("digits", "shapes")
    _require(splits is None or not ships, "`splits` must come with a dataset of TFDS.", f"name={name!r}")
    if name == "digits":
        raw = _digits()
    elif name == "shapes":
        raw = _shapes(stored or (64, 64), (train_count or 2000, test_count or 500), drawing, seed)
    else:
        raw = _tfds(name, splits, download)

    spec = raw.train.element_spec[0]
    eight_bit = spec.dtype == tf.uint8 and spec.shape[-1] in (1, 3)
    _require(eight_bit, "The images must be 8-bit, grayscale or RGB.", f"{spec.dtype.name} {spec.shape}")
    sized = size or None not in spec.shape
    _require(sized, f"`image_size` must be given: the images of {name!r} differ in size.", "image_size=None")
    channels = {None: spec.shape[-1], "grayscale": 1, "rgb": 3}[color]
    stored = stored or tuple(spec.shape[:2])
    prepare = _preparation(stored, pad, channels)
    window = tuple(side + 2 * pad for side in (size or stored))
    kept = {}
    for split, count in counts.items():
        pictures = getattr(raw, split)
        there = int(pictures.cardinality())
        counts[split] = count or there
        few = counts[split] <= there
        _require(few, f"`{split}_count` must be at most {there}, all of {name!r}.", f"{split}_count={count}")
        kept[split] = pictures.take(counts[split]).map(prepare, tf.data.AUTOTUNE)
        if split == "train":  # before the cache, which wants to be read whole
            few = kept[split].take(CENTER_COUNT).map(lambda x, y: (_center(x, window), y))
            mean, deviation = _statistics(center, few, low, high)
        if counts[split] * kept[split].element_spec[0].shape.num_elements() <= CACHE_BYTES:
            kept[split] = kept[split].cache()
    full = batch_size <= counts["train"]
    _require(
        full, f"`batch_size` must be at most {counts['train']}, all for training.", f"batch_size={batch_size}"
    )

    def to_values(x, y):
        x = x * (high - low) + low
        return (x if center is None else (x - mean) / deviation), y

    def finish(x, y):
        return to_values(_unit(_center(x, window)), y)

    def augment(batch, draw):
        return to_values(augmentation(batch[0], draw, window), batch[1])

    pixels = kept["train"].element_spec[0].shape.num_elements()
    buffer = max(1, min(counts["train"], CACHE_BYTES // pixels))
    train = kept["train"].shuffle(buffer, seed=seed, reshuffle_each_iteration=True)
    train = train.batch(batch_size, drop_remainder=True)
    if augmentation is None:
        train = train.map(finish, tf.data.AUTOTUNE)
    else:
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        train = tf.data.Dataset.zip(train, seeds).map(augment, tf.data.AUTOTUNE)
    plain = {split: pictures.map(finish, tf.data.AUTOTUNE) for split, pictures in kept.items()}
    test_batch = max(size for size in range(1, batch_size + 1) if counts["test"] % size == 0)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.autotune.enabled = not ships  # on few pictures: 0.1 s at the end of each pass, for nothing
    return Dataset(
        name=name,
        train=train.prefetch(tf.data.AUTOTUNE).with_options(options),
        test=plain["test"]
        .batch(test_batch, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options),
        class_names=raw.class_names,
        image_shape=(*window, channels),
        train_count=counts["train"],
        test_count=counts["test"],
        source=raw.source,
        licence=raw.licence,
        mean=mean,
        deviation=deviation,
        _plain=plain,
    )


def _open_picture(source):
    """Return a grey picture (H, W) in [0, 1], at most 400 pixels a side, and refuse what cannot be one."""
    if isinstance(source, np.ndarray):
        plane = source[..., 0] if source.ndim == 3 and source.shape[2] == 1 else source
        flat = plane.ndim == 2 or (plane.ndim == 3 and plane.shape[2] in (3, 4))
        unit = plane.dtype.kind == "f" and plane.size > 0 and plane.min() >= 0 and plane.max() <= 1
        _require(
            flat and (unit or plane.dtype == np.uint8) and 0 < plane.size <= 4 * MAX_PIXELS,
            "An array must be (H, W) or (H, W, C), of bytes or of numbers from 0 to 1.",
            f"{source.dtype} array of shape {source.shape}",
        )
        picture = Image.fromarray(np.round(plane * 255).astype("uint8") if unit else plane)
    else:
        known = isinstance(source, (str, Path, bytes))
        _require(known, "A picture must be a path, bytes or an array.", type(source).__name__)
        what = f"{len(source):,} bytes" if isinstance(source, bytes) else repr(str(source))
        possible = isinstance(source, bytes) or "\0" not in str(source)  # no file's name has a zero byte
        _require(possible, "A picture must be a file that exists.", what)
        too_large = f"A picture must have at most {MAX_PIXELS:,} pixels."
        try:
            with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
                file = io.BytesIO(source) if isinstance(source, bytes) else source
                picture = Image.open(file, formats=("PNG", "JPEG"))
            pixels = picture.width * picture.height
            _require(pixels <= MAX_PIXELS, too_large, f"{picture.width:,} x {picture.height:,}")
            picture.draft("RGB", (800, 800))  # decodes a JPEG photo at a fraction of its size
            picture = ImageOps.exif_transpose(picture)
        except Image.DecompressionBombError as error:
            raise ValueError(f"{too_large} Received: {error}") from None
        except FileNotFoundError:
            raise ValueError(f"A picture must be a file that exists. Received: {what}") from None
        except (Image.UnidentifiedImageError, IsADirectoryError):
            raise ValueError(f"A picture must be a PNG or JPEG file. Received: {what}") from None
        except (OSError, SyntaxError) as error:
            raise ValueError(f"A picture must be undamaged. Received: {what} ({error})") from None
    size = f"{picture.width} x {picture.height}"
    _require(min(picture.size) >= 20, "A picture must be at least 20 pixels a side.", size)
    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture) >> 8).astype("uint8"))
    picture = picture.convert("RGBA")
    picture.thumbnail((400, 400))
    gray, alpha = np.asarray(picture.convert("L")) / 255, np.asarray(picture)[..., 3] / 255
    paper = float((gray * alpha).sum() < 0.5 * alpha.sum())  # transparent: white if the ink is dark
    return gray * alpha + paper * (1 - alpha)


def _find_ink(gray):
    """Return the strength of the ink (H, W) in [0, 1], darker or lighter than the paper, which is 0."""
    from scipy.ndimage import uniform_filter

    rows, columns = np.mgrid[-1 : 1 : gray.shape[0] * 1j, -1 : 1 : gray.shape[1] * 1j]
    surface = np.stack([np.ones_like(gray), rows, columns, rows**2, rows * columns, columns**2], axis=-1)
    # Light falls unevenly on a photo: fit it smoothly, first to the margin, then to all that fits.
    paper = np.maximum(abs(rows), abs(columns)) > 0.85
    for _ in range(4):
        light = surface @ np.linalg.lstsq(surface[paper], gray[paper], rcond=None)[0]
        off = abs(gray - light)
        paper = off <= max(0.03, 3 * np.median(off[paper]))
    stroke = uniform_filter(gray - light, 3)  # a single dark or bright pixel is no ink
    extreme = stroke.flat[abs(stroke).argmax()]
    _require(
        abs(extreme) >= 0.15,
        "Ink must differ from paper by at least 15 % of black to white: draw darker, or use more light.",
        f"{abs(extreme):.0%}" + (" (a blank picture)" if abs(extreme) < 0.03 else ""),
    )
    return np.clip(2 * (gray - light) / extreme - 0.5, 0, 1)


def read_digit(source, *, image_size=28, pad=0, value_range=(0.0, 1.0)):
    """Read a drawing or photo of one digit and make it look like those of MNIST.

    The ink becomes bright on black; its longer side takes 20 of 28 pixels and its centre of mass comes to the
    middle of the field, as in LeCun et al. (1998), section III.A.

    Args:
        source: the path or the bytes of a PNG or JPEG file, or an array (H, W) or (H, W, C) of bytes or of
            numbers from 0 to 1. The digit may be darker or lighter than the paper.
        image_size, pad, value_range: as MNIST was loaded. Digits with image_size=20, pad=6 match
            image_size=28, pad=2 here.

    Returns:
        float32 array (image_size + 2 pad, image_size + 2 pad, 1).

    Raises:
        ValueError: if it is not a picture, or not one of exactly one digit; it says what is required.
    """
    from scipy import ndimage

    low, high = _black_and_white(value_range)
    _require(_whole(image_size, 8), "`image_size` must be 8 pixels or more.", f"image_size={image_size!r}")
    _require(_whole(pad), "`pad` must be a whole number of pixels.", f"pad={pad!r}")
    ink = _find_ink(_open_picture(source))
    eight = np.ones((3, 3))  # diagonal neighbours touch
    near = ndimage.binary_dilation(
        ink > 0, eight, iterations=max(1, max(ink.shape) // 100)
    )  # a dry pen leaves gaps
    pieces, count = ndimage.label(near, eight)
    sizes = np.bincount(pieces[ink > 0], minlength=count + 1)
    ink[np.isin(pieces, np.flatnonzero(sizes < 0.03 * sizes.max()))] = 0  # specks
    heights = [
        np.ptp(np.nonzero((pieces == piece) & (ink > 0))[0]) + 1 for piece in np.unique(pieces[ink > 0])
    ]
    tall = sum(height > 0.5 * max(heights) for height in heights)
    _require(
        tall == 1, "The picture must show one digit alone.", f"{tall} separate objects of similar height"
    )
    edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    _require(not edge.any(), "The digit must leave a margin on all four sides.", "ink that touches the edge")
    rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    _require(height >= 12, "The digit must be at least 12 pixels high.", f"{height} pixels")
    solid = (ink > 0).mean()
    strokes = solid < 0.75 or width < height / 2  # a one is a bar
    _require(strokes, "The digit must be drawn in strokes.", f"a patch that fills {solid:.0%} of its box")
    scale = image_size * 20 / 28 / max(ink.shape)
    small = Image.fromarray(ink.astype("float32"))
    small = small.resize(
        (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BICUBIC
    )
    small = np.asarray(small).clip(0, 1)
    field = np.zeros((image_size + 2 * pad, image_size + 2 * pad, 1), "float32")
    top, left = (
        pad + int(np.clip(round(image_size / 2 - mass), 0, image_size - side))
        for mass, side in zip(ndimage.center_of_mass(small), small.shape, strict=True)
    )
    field[top : top + small.shape[0], left : left + small.shape[1], 0] = small / small.max()
    return field * np.float32(high - low) + np.float32(low)
