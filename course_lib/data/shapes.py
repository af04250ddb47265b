"""Draw pictures of ten shapes: ten classes that come without a download, in any size and number."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from course_lib import checks

__all__ = ["SHAPES", "Drawing", "draw_shapes"]

PIXELS = "whole pixels or (height, width)"  # what a size must be


def _outlines():
    """Return name -> outline (points, 2) of each shape, upright with y upwards, inside the unit circle."""
    t = np.linspace(0, 2 * np.pi, 120)

    def circle(angles=t):
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def regular(corners):
        return circle(np.pi * (0.5 + (1 + 1 / corners) + 2 * np.arange(corners) / corners))

    # Where the unit circle and one of radius 0.8 about (0.5, 0) meet, as seen from either.
    meets = (0.915, 1.433)
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


@dataclass(frozen=True)
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
        checks.between("`position`", self.position, 0, 1)
        checks.between("`rotation`", self.rotation, 0, 180)
        checks.between("`color`", self.color, 0, 1)
        is_scale = checks.is_ordered(self.scale, 0, 1) and self.scale[0] > 0
        checks.require(is_scale, "`scale` must be (smallest, largest) in (0, 1].", f"scale={self.scale!r}")
        checks.whole("`clutter`", self.clutter, 0, words="a whole number")


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
    light = 0.93 - 0.13 * drawing.color * rng.random()
    dark = 0.33 + 0.17 * drawing.color * rng.random()
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
    turn = np.array([[np.cos(angle), -np.sin(angle)], [-np.sin(angle), -np.cos(angle)]])  # y grows downwards
    outline = centre + _OUTLINES[SHAPES[label]] @ turn * diameter / 2
    for piece in range(drawing.clutter + 1):
        if piece == drawing.clutter // 2:
            draw.polygon(outline.ravel().tolist(), fill=_srgb(ink, 0.13 * drawing.color, hues[1]))
        else:
            _draw_clutter(draw, extent, drawing.color, rng, is_dot=piece % 3 == 0)
    return np.asarray(picture.reduce(4))


def _draw_clutter(draw, extent, color, rng, *, is_dot):
    """Draw a dot or a stroke at a random place."""
    side = extent.min()
    shade = _srgb(rng.uniform(0.35, 0.9), 0.08 * color, rng.uniform(0, 2 * np.pi))
    place = rng.uniform(0, 1, 2) * extent
    thick = side * rng.uniform(0.015, 0.03)
    angle = rng.uniform(0, np.pi)
    length = side * rng.uniform(0.1, 0.25)
    reach = length * np.array([np.cos(angle), np.sin(angle)])
    if is_dot:
        draw.ellipse([*(place - thick), *(place + thick)], fill=shade)
    else:
        draw.line([*(place - reach), *(place + reach)], fill=shade, width=round(thick))


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
    size = checks.pair("`image_size`", image_size, words=PIXELS)
    drawing = Drawing() if drawing is None else drawing
    seeds = np.atleast_1d(seed).tolist()
    checks.whole("`count`", count, 0, words="a whole number")
    checks.require(isinstance(drawing, Drawing), "`drawing` must be a Drawing or None.", f"{drawing=}")
    are_whole = all(checks.is_whole(number, 0) for number in seeds)
    checks.require(are_whole, "`seed` must be a whole number, or several.", f"{seed=}")
    y = np.arange(count) % len(SHAPES)
    x = np.empty((count, *size, 3), "uint8")
    for i, label in enumerate(y):
        x[i] = _draw_shape(label, size, drawing, np.random.default_rng([*seeds, i]))
    return x, y
