"""Draw what chapter 07 alone draws: networks as rows of bars with their shortcuts as arcs."""

from itertools import groupby, pairwise

import numpy as np
from matplotlib.patches import Rectangle

from course_lib.checks import require
from course_lib.figures.boxes import boxes_of, draw_kinds, tint
from course_lib.figures.paper import BLUE, GREEN, INK, QUIET, WIDTH, Picture, canvas, require_few, write

__all__ = ["skeletons"]


def skeletons(models, *, alt=None):
    """Draw networks under each other as figure 3 of He et al. 2016 does: a bar a layer, an arc a shortcut.

    Drawn are convolutions, pooling and dense layers on the longest path, in the colours of `boxes.KINDS`. A
    bar is as high as the square root of its map's side; below each run of equal bars stand the number of maps
    and, grey, their side. An arc spans what a shortcut passes by: solid where it changes nothing, dashed
    where it projects, or skips and pads.

    Args:
        models: a heading -> a built functional model.
    """
    require_few(models, "models")
    strips = {heading: skeleton(model) for heading, model in models.items()}
    for heading, (bars, _) in strips.items():
        required = "models must have convolutions, pooling or dense layers, as each is a bar."
        require(bars, required, f"{heading!r}, which has none")
    everything = [box for bars, _ in strips.values() for box in bars]
    pitch = (WIDTH - 0.2) / max(len(bars) for bars, _ in strips.values())
    inch = 0.85 / max(box.sides[0] for box in everything) ** 0.5
    drawn = [[max(0.14, inch * box.sides[0] ** 0.5) for box in bars] for bars, _ in strips.values()]
    tops = [
        max([*heights, *(max(heights[first:last]) + 0.27 for first, last, _ in arcs)])
        for heights, (_, arcs) in zip(drawn, strips.values(), strict=True)
    ]
    figure, axes = canvas(WIDTH, sum(tops) + 0.78 * len(tops) + 0.2)
    base = figure.get_figheight() - 0.36
    words = []
    for heights, high, (heading, (bars, arcs)) in zip(drawn, tops, strips.items(), strict=True):
        write(axes, 0.1, base + 0.2, heading, size=10, weight="bold", ha="left")
        base -= high
        _draw_bars(axes, bars, heights, base, pitch)
        for first, last, changes in arcs:
            _draw_arc(axes, first, last, base + max(heights[first:last]), pitch, changes)
        base -= 0.78
        changed = sum(changes for *_, changes in arcs)
        shortcuts = f", {len(arcs)} shortcuts, {changed} of them change the shape" if arcs else ""
        words.append(f"{heading}: {len(bars)} layers{shortcuts}")
    draw_kinds(axes, everything, "below the bars: number of maps and, grey, their side")
    return Picture(figure, alt or f"Networks as rows of bars, a bar a layer. {'; '.join(words)}.")


def skeleton(model):
    """Return the boxes on the longest path, and of each shortcut where it starts and ends, and if it changes.

    A place is the number of bars before it. Of branches that meet, the path follows the one with the most
    layers that have weights.
    """
    boxes, depth = boxes_of(model), {}
    for box in boxes:
        own = 1 if box.colour in (BLUE, GREEN) else 0
        depth[box] = own + max((depth[source] for source in box.sources), default=0)
    path = boxes[-1:]
    while path[0].sources:
        path.insert(0, max(path[0].sources, key=depth.get))
    places, bars, arcs = {path[0]: 0}, [], []
    for before, box in pairwise(path):
        if len(box.sources) == 1:
            bars.append(box)
        places[box] = len(bars)
        for source in box.sources:
            changes = False
            while source not in places and source.sources:
                changes = True
                source = source.sources[0]
            if source in places and source is not before:  # not another input
                arcs.append((places[source], len(bars), changes))
    return bars, arcs


def _draw_bars(axes, bars, heights, base, pitch):
    """Draw a network's bars and, below them, how many maps they have and of what side."""
    for place, (box, height) in enumerate(zip(bars, heights, strict=True)):
        corner = (0.1 + (place + 0.12) * pitch, base)
        axes.add_patch(Rectangle(corner, 0.76 * pitch, height, facecolor=tint(box), linewidth=0))
    for axis, below, colour in ((2, 0.1, INK), (0, 0.23, QUIET)):
        left = 0.1
        for number, run in groupby(box.sides[axis] for box in bars):
            wide = len(list(run)) * pitch
            if wide > 0.06 * len(str(number)):  # there is room for it
                write(axes, left + wide / 2, base - below, number, size=7, color=colour)
            left += wide


def _draw_arc(axes, first, last, height, pitch, changes):
    """Draw a shortcut from the place of its first bar to that of its last, above what it passes by."""
    left = 0.1 + (first + 0.12) * pitch
    right = 0.1 + (last - 0.12) * pitch
    angle = np.linspace(0, np.pi, 25)
    x = (left + right) / 2 - (right - left) / 2 * np.cos(angle)
    y = height + 0.05 + 0.22 * np.sin(angle)
    axes.plot(x, y, color=INK, linewidth=1.2, linestyle=(0, (2, 1)) if changes else "-")
