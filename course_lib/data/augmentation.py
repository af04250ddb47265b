"""Change training pictures at random, or move them by known amounts."""

import math
from dataclasses import dataclass

import numpy as np

from course_lib import checks
from course_lib.backend import keras  # noqa: F401  (first: it imports TensorFlow without its noise)

# isort: split
import tensorflow as tf

__all__ = ["Augmentation", "central_part", "unit", "warp"]

FILLS = ("constant", "nearest", "reflect")
FLIPS = (None, "horizontal", "vertical", "both")


@dataclass(frozen=True)
class Augmentation:
    """Say how the training pictures change at random, anew in each epoch.

    Shift, scale, squeeze and shear are the distortions of LeCun et al. (1998), section III.B. The 4 pixels of
    padding and random crop of the CIFAR papers are `shift=4`: whole pixels, black from beyond the border.

    Keras's layers do much of this, too. Ours stays for two reasons, measured on two CPU cores, in a parallel
    `map` over batches of 64 x 32 x 32 x 3. It repeats: all that is random comes from one seed a batch, so two
    runs gave the same pictures in the same places; of Keras's, 5 to 36 % were the same. And it is faster:
    28,000 against 19,000 pictures a second moved, turned and scaled, 57,000 against 20,000 shifted and
    flipped, 49,000 against 19,000 recoloured. (Keras's `RandomCrop` is twice as fast as `crop`, 123,000
    against 61,000, and cuts the same window from all pictures of a batch.)

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
        checks.whole("`shift`", self.shift, 0, words="a whole number of pixels")
        checks.between("`scale`", self.scale, 0, 0.9)
        checks.between("`rotation`", self.rotation, 0, 180)
        checks.between("`squeeze`", self.squeeze, 0, 0.9)
        checks.between("`shear`", self.shear, 0, 1)
        checks.between("`aspect`", self.aspect, 1, 4)
        checks.between("`color`", self.color, 0, 1)
        checks.between("`pca`", self.pca, 0, 1)
        checks.one_of("`flip`", self.flip, FLIPS)
        checks.one_of("`fill`", self.fill, FILLS)
        crop, area = f"crop={self.crop!r}", f"area={self.area!r}"
        is_window = checks.is_ordered(self._sides, 0.1, 1)
        checks.require(is_window, "`crop` must be in [0.1, 1], or (smallest, largest).", crop)
        is_share = checks.is_ordered(self.area, 0.01, 1)
        checks.require(is_share, "`area` must be (smallest, largest) in [0.01, 1].", area)
        one_alone = min(self._sides) == 1 or self.area[0] == 1
        checks.require(one_alone, "`crop` and `area` must not come together.", f"{crop}, {area}")

    @property
    def _sides(self):
        """Return the smallest and the largest side of a window."""
        return self.crop if isinstance(self.crop, (tuple, list)) else (self.crop, self.crop)

    def __call__(self, x, seed, size=None):
        """Change a batch x (N, H, W, C) in [0, 1], or of bytes; the same whole `seed` makes the same changes.

        Return float32 pictures in [0, 1], of `size` (height, width), or as large as they come. Without `crop`
        and `area`, a smaller size is their central part.
        """
        x = tf.convert_to_tensor(x)
        size = tuple(x.shape[1:3]) if size is None else tuple(size)
        draws = tf.random.stateless_uniform((13, len(x)), [seed, 0], -1.0, 1.0)
        x = self._move_and_cut(x, draws, seed, size)
        x = unit(central_part(x, size))
        if self.color:
            x = _recolor(x, 1 + self.color * draws[10:])
        if self.pca:
            x = self._add_components(x, seed)
        return tf.clip_by_value(x, 0.0, 1.0)

    def _move_and_cut(self, x, draws, seed, size):
        """Return the pictures flipped, moved, distorted and cut, each in the cheapest way that does it."""
        mirrored = (draws[0] < 0) & (self.flip in ("horizontal", "both"))
        upside_down = (draws[1] < 0) & (self.flip in ("vertical", "both"))
        down = tf.round(draws[2] * (self.shift + 0.499))
        right = tf.round(draws[4] * (self.shift + 0.499))
        warps = (self.scale, self.rotation, self.squeeze, self.shear) != (0, 0, 0, 0)
        cuts = min(self._sides) < 1 or self.area[0] < 1
        still = tf.zeros_like(down)
        straight = tf.zeros_like(mirrored)
        if self.shift > 0 and not warps:
            x = _move(x, upside_down, mirrored, down, right, self.fill)
            upside_down = mirrored = straight
        elif self.flip is not None and (warps or not cuts):
            x = _move(x, upside_down, mirrored, still, still, self.fill)
            upside_down = mirrored = straight
        if warps:
            x = warp(
                unit(x),
                shift=(down, right),
                scale=1 + draws[6] * self.scale,
                rotation=draws[7] * self.rotation,
                squeeze=1 + draws[8] * self.squeeze,
                shear=draws[9] * self.shear,
                fill=self.fill,
            )
        if cuts:
            rows, columns = self._windows(seed, draws[3], draws[5], x.shape[1:3], size)
            x = _resample(x, rows, columns, upside_down, mirrored, size)
        return x

    def _windows(self, seed, down, right, old, new):
        """Return where each window begins and its side, in pixels, for rows and columns.

        `down` and `right` in [-1, 1) say where among all possible places; `old` and `new` are the sizes of
        the picture and of what becomes of the window.
        """
        smallest, largest = self._sides
        draws = tf.random.stateless_uniform((2, len(down)), [seed, 1])
        if self.area[0] < 1:
            area = self.area[0] + draws[0] * (self.area[1] - self.area[0])
            ratio = 1 / self.aspect + draws[1] * (self.aspect - 1 / self.aspect)
            parts = tf.sqrt(area / ratio), tf.sqrt(area * ratio)
        else:
            part = 1 / (1 / largest + draws[0] * (1 / smallest - 1 / largest))
            parts = part, part
        windows = []
        for place, part, before, after in zip((down, right), parts, old, new, strict=True):
            side = tf.minimum(part, 1) * before
            first = (place + 1) / 2 * (before - side)
            if smallest == largest and round(largest * before) == after:  # keep each pixel as it is
                first = tf.floor((place + 1) / 2 * (before - after + 1))
            windows.append((first, side))
        return windows

    def _add_components(self, x, seed):
        """Add to each picture a random multiple of the principal components of the batch's colours."""
        channels = x.shape[-1]
        values = tf.reshape(x, [-1, channels])
        values -= tf.reduce_mean(values, 0)
        covariance = tf.matmul(values, values, transpose_a=True) / len(values)
        # The paper adds the sum of a_i lambda_i p_i. Normal draws a have the same distribution along any
        # axes, so the covariance times such draws is the same, without its eigenvectors p_i.
        draws = tf.random.stateless_normal((len(x), channels), [seed, 2], stddev=self.pca)
        return x + tf.matmul(draws, covariance)[:, None, None]


def _recolor(x, factors):
    """Multiply brightness, contrast and saturation; the factors are (3, N)."""
    brightness, contrast, saturation = tf.unstack(factors[:, :, None, None, None])
    mean = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
    x = (mean + (x - mean) * contrast) * brightness
    if x.shape[-1] == 3:
        gray = tf.image.rgb_to_grayscale(x)
        x = gray + (x - gray) * saturation
    return x


def unit(x):
    """Return float32 pictures in [0, 1] from such, or from bytes."""
    return tf.cast(x, tf.float32) / 255 if x.dtype == tf.uint8 else x


def central_part(x, size):
    """Return the central part (..., height, width, C)."""
    height, width = size
    top = (x.shape[-3] - height) // 2
    left = (x.shape[-2] - width) // 2
    return x[..., top : top + height, left : left + width, :]


def _move(x, upside_down, mirrored, down, right, fill):
    """Flip pictures, then move them by whole pixels; four times as fast as `warp`, which interpolates."""
    count, height, width, channels = x.shape
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])  # one black pixel stands for all beyond the border
    rows = _places(height, upside_down, down, fill) + (height + 2) * tf.range(count)[:, None]
    columns = _places(width, mirrored, right, fill)
    return tf.gather(tf.reshape(x, [-1, channels]), (width + 2) * rows[:, :, None] + columns[:, None])


def _places(side, flip, move, fill):
    """Return (N, side): where in a padded row or column each pixel of the changed one comes from."""
    place = tf.range(side) - tf.cast(move, tf.int32)[:, None]
    if fill == "reflect":
        place = tf.minimum(place % (2 * side), 2 * side - 1 - place % (2 * side))
    beyond = 1 if fill == "constant" else 0
    place = tf.clip_by_value(place, -beyond, side - 1 + beyond)
    return 1 + tf.where(flip[:, None], side - 1 - place, place)


def _resample(x, rows, columns, upside_down, mirrored, size):
    """Flip pictures, then resize windows (first pixel, side) to `size`; three times as fast as `warp`."""
    height, width = size
    top, bottom = _outermost(*rows, x.shape[1], height, upside_down)
    left, right = _outermost(*columns, x.shape[2], width, mirrored)
    boxes = tf.stack([top, left, bottom, right], axis=1)
    resized = tf.image.crop_and_resize(x, boxes, tf.range(len(x)), size)
    return resized / 255 if x.dtype == tf.uint8 else resized


def _outermost(first, side, before, after, flip):
    """Return where a window's first and last pixel have their centres; 0 and 1 are the picture's own."""
    step = side / after
    places = []
    for place in (first + step / 2 - 0.5, first + side - step / 2 - 0.5):
        place = tf.clip_by_value(place / max(before - 1, 1), 0, 1)
        places.append(tf.where(flip, 1 - place, place))
    return places


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
    checks.require(x.shape.rank == 4, "`x` must have the shape (N, H, W, C).", f"shape {x.shape}")
    height, width = x.shape[1:3]
    pair = isinstance(shift, (tuple, list, np.ndarray)) and len(shift) == 2
    checks.require(pair, "`shift` must be a pair (down, right).", f"{shift=}")
    checks.one_of("`fill`", fill, FILLS)
    count = tf.shape(x)[0]
    down = _per_picture("shift", shift[0], count)
    right = _per_picture("shift", shift[1], count)
    scale = _per_picture("scale", scale, count, above=0)
    rotation = _per_picture("rotation", rotation, count) * np.pi / 180
    squeeze = _per_picture("squeeze", squeeze, count, above=0)
    shear = _per_picture("shear", shear, count)
    # TensorFlow wants the inverse map: where in the input each pixel (column, row) of the output comes from.
    cos = tf.cos(rotation)
    sin = tf.sin(rotation)
    a0 = (cos + shear * sin) / (scale * squeeze)
    a1 = (shear * cos - sin) / (scale * squeeze)
    b0 = sin * squeeze / scale
    b1 = cos * squeeze / scale
    column = (width - 1) / 2
    row = (height - 1) / 2
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


def _per_picture(name, value, count, above=-math.inf):
    """Return one finite float32 for each of `count` pictures; inside a pipeline, values are not yet known."""
    try:
        values = tf.broadcast_to(tf.cast(value, tf.float32), [count])
        known = tf.get_static_value(values)
        valid = known is None or (np.isfinite(known) & (known > above)).all()
    except (TypeError, ValueError, tf.errors.OpError):  # no numbers, or neither one nor as many as pictures
        valid = False
    limit = " above 0" if above == 0 else ""
    checks.require(
        valid, f"`{name}` must be one finite number{limit}, or one a picture.", f"{name}={value!r}"
    )
    return values
