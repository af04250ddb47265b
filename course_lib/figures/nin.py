"""Draw what chapter 04 alone draws: the maps of the classes over the picture that they were made from."""

import numpy as np
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.paper import BLUE, PAPER, QUIET, VERMILION, WIDTH, Picture, canvas, rgb, write
from course_lib.figures.tiles import as_images

__all__ = ["class_maps"]

GAP, HEAD = 0.1, 0.22  # inches: between tiles, and for the words above one


def class_maps(picture, maps, names, *, stride, offset, truth=(), columns=5, alt=None):
    """Draw the map of each class in colour over a picture of one channel, all maps on one scale.

    Above a tile stand the class and the map's mean, blue where it is the largest. A frame marks what is of
    that class.

    Args:
        picture: `(H, W)`, from 0 (paper) to 1 (ink).
        maps: `(rows, columns, classes)`, not negative.
        names: one a class.
        stride, offset: place n of a map stands for the pixels around `offset + stride * n`.
        truth: `(class, row, column, side)` of what stands in the picture, from its upper left pixel on.
        columns: tiles a row.
    """
    picture, maps = as_images(np.asarray(picture)[None])[0], np.asarray(maps, dtype=float)
    fits = maps.ndim == 3 and maps.shape[-1] == len(names) and maps.min() >= 0 and picture.ndim == 2
    received = f"{maps.shape}, {len(names)} names, picture {picture.shape}"
    checks.require(fits, "maps must be (rows, columns, classes), not negative, of a grey picture.", received)
    checks.whole("columns", columns)
    high, wide = picture.shape
    size = WIDTH / columns - GAP
    tall = size * high / wide
    lines = -(-len(names) // columns)
    figure, axes = canvas(WIDTH, lines * (tall + HEAD + GAP))
    means = maps.mean(axis=(0, 1))
    heat = maps / (maps.max() or 1)
    grey = (1 - 0.75 * picture)[..., None] * rgb(PAPER)
    for label, name in enumerate(names):
        left = label % columns * (size + GAP)
        top = figure.get_figheight() - label // columns * (tall + HEAD + GAP) - HEAD
        scale = size / wide
        extent = (left, left + size, top - tall, top)
        axes.imshow(grey, extent=extent, interpolation="nearest")
        # A place of the map covers `stride` pixels, in their middle the one that it stands for.
        start = offset + 0.5 - stride / 2
        rows, places = maps.shape[:2]
        across = (left + scale * start, left + scale * (start + stride * places))
        down = (top - scale * (start + stride * rows), top - scale * start)
        colour = np.broadcast_to([*rgb(VERMILION), 0], (rows, places, 4)).copy()
        colour[..., 3] = 0.8 * heat[..., label]
        drawn = axes.imshow(colour, extent=(*across, *down), interpolation="nearest")
        edge = Rectangle((left, top - tall), size, tall, fill=False, edgecolor=QUIET, linewidth=0.6)
        axes.add_patch(edge)
        drawn.set_clip_path(edge)
        for kind, row, column, side in truth:
            if kind == label:
                corner = (left + scale * column, top - scale * (row + side))
                frame = {"fill": False, "edgecolor": BLUE, "linewidth": 1.6}
                axes.add_patch(Rectangle(corner, scale * side, scale * side, **frame))
        best = {"color": BLUE, "weight": "bold"} if label == means.argmax() else {}
        write(axes, left + size / 2, top + 0.03, f"{name}: {means[label]:.2f}", va="bottom", **best)
    words = f"The maps of {len(names)} classes over one picture of {high} x {wide} pixels."
    return Picture(figure, alt or words)
