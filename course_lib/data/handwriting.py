"""Read a drawing or photo of one digit and make it look like those of MNIST."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from course_lib import checks
from course_lib.data.loading import black_and_white

__all__ = ["read_digit"]

MAX_PIXELS = 64_000_000  # of a learner's picture: more than most phones make


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
    low, high = black_and_white(value_range)
    checks.whole("`image_size`", image_size, 8, words="8 pixels or more")
    checks.whole("`pad`", pad, 0, words="a whole number of pixels")
    picture = _from_array(source) if isinstance(source, np.ndarray) else _from_file(source)
    ink = _cut_out(_one_digit(_find_ink(_gray(picture))))
    field = np.zeros((image_size + 2 * pad, image_size + 2 * pad, 1), "float32")
    small, top, left = _shrink(ink, image_size)
    rows = slice(pad + top, pad + top + small.shape[0])
    columns = slice(pad + left, pad + left + small.shape[1])
    field[rows, columns, 0] = small / small.max()
    return field * np.float32(high - low) + np.float32(low)


def _from_array(array):
    """Return a picture of an array, and refuse one that cannot be a picture."""
    plane = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    is_plane = plane.ndim == 2 or (plane.ndim == 3 and plane.shape[2] in (3, 4))
    is_unit = plane.dtype.kind == "f" and plane.size > 0 and plane.min() >= 0 and plane.max() <= 1
    is_picture = is_plane and (is_unit or plane.dtype == np.uint8) and 0 < plane.size <= 4 * MAX_PIXELS
    required = "An array must be (H, W) or (H, W, C), of bytes or of numbers from 0 to 1."
    checks.require(is_picture, required, f"{array.dtype} array of shape {array.shape}")
    return Image.fromarray(np.round(plane * 255).astype("uint8") if is_unit else plane)


def _from_file(source):
    """Return the picture in a file, given by its path or bytes, and refuse what cannot be one."""
    is_file = isinstance(source, (str, Path, bytes))
    checks.require(is_file, "A picture must be a path, bytes or an array.", type(source).__name__)
    received = f"{len(source):,} bytes" if isinstance(source, bytes) else repr(str(source))
    is_name = isinstance(source, bytes) or "\0" not in str(source)  # no file's name has a zero byte
    checks.require(is_name, "A picture must be a file that exists.", received)
    too_large = f"A picture must have at most {MAX_PIXELS:,} pixels."
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            picture = Image.open(file, formats=("PNG", "JPEG"))
        pixels = picture.width * picture.height
        checks.require(pixels <= MAX_PIXELS, too_large, f"{picture.width:,} x {picture.height:,}")
        picture.draft("RGB", (800, 800))  # decodes a JPEG photo at a fraction of its size
        return ImageOps.exif_transpose(picture)
    except Image.DecompressionBombError as error:
        raise ValueError(f"{too_large} Received: {error}") from None
    except FileNotFoundError:
        raise ValueError(f"A picture must be a file that exists. Received: {received}") from None
    except (Image.UnidentifiedImageError, IsADirectoryError):
        raise ValueError(f"A picture must be a PNG or JPEG file. Received: {received}") from None
    except (OSError, SyntaxError) as error:
        raise ValueError(f"A picture must be undamaged. Received: {received} ({error})") from None


def _gray(picture):
    """Return a picture as (H, W) in [0, 1], at most 400 pixels a side."""
    size = f"{picture.width} x {picture.height}"
    checks.require(min(picture.size) >= 20, "A picture must be at least 20 pixels a side.", size)
    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture) >> 8).astype("uint8"))
    picture = picture.convert("RGBA")
    picture.thumbnail((400, 400))
    gray = np.asarray(picture.convert("L")) / 255
    alpha = np.asarray(picture)[..., 3] / 255
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
    required = (
        "Ink must differ from paper by at least 15 % of black to white: draw darker, or use more light."
    )
    received = f"{abs(extreme):.0%}" + (" (a blank picture)" if abs(extreme) < 0.03 else "")
    checks.require(abs(extreme) >= 0.15, required, received)
    return np.clip(2 * (gray - light) / extreme - 0.5, 0, 1)


def _one_digit(ink):
    """Return the ink without specks, and refuse what is not one object within a margin."""
    from scipy import ndimage

    eight = np.ones((3, 3))  # diagonal neighbours touch
    gap = max(1, max(ink.shape) // 100)  # a dry pen leaves gaps
    near = ndimage.binary_dilation(ink > 0, eight, iterations=gap)
    pieces, count = ndimage.label(near, eight)
    sizes = np.bincount(pieces[ink > 0], minlength=count + 1)
    specks = np.flatnonzero(sizes < 0.03 * sizes.max())
    ink = np.where(np.isin(pieces, specks), 0, ink)
    rows = [np.nonzero((pieces == piece) & (ink > 0))[0] for piece in np.unique(pieces[ink > 0])]
    heights = [np.ptp(row) + 1 for row in rows]
    tall = sum(height > 0.5 * max(heights) for height in heights)
    received = f"{tall} separate objects of similar height"
    checks.require(tall == 1, "The picture must show one digit alone.", received)
    edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    required = "The digit must leave a margin on all four sides."
    checks.require(not edge.any(), required, "ink that touches the edge")
    return ink


def _cut_out(ink):
    """Return the box around the ink, and refuse one that is too small or holds no strokes."""
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    checks.require(height >= 12, "The digit must be at least 12 pixels high.", f"{height} pixels")
    solid = (ink > 0).mean()
    is_drawn = solid < 0.75 or width < height / 2  # a one is a bar
    received = f"a patch that fills {solid:.0%} of its box"
    checks.require(is_drawn, "The digit must be drawn in strokes.", received)
    return ink


def _shrink(ink, side):
    """Return the ink at the size that it has in a field, and where its first row and column come to lie."""
    from scipy import ndimage

    scale = side * 20 / 28 / max(ink.shape)
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    small = Image.fromarray(ink.astype("float32")).resize((width, height), Image.Resampling.BICUBIC)
    small = np.asarray(small).clip(0, 1)
    row, column = ndimage.center_of_mass(small)
    top = int(np.clip(round(side / 2 - row), 0, side - height))
    left = int(np.clip(round(side / 2 - column), 0, side - width))
    return small, top, left
