"""Draw what chapter 08 alone draws: orders of layers, with what stands on the way from sum to sum."""

from matplotlib.patches import FancyBboxPatch

from course_lib import checks
from course_lib.figures.paper import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    VERMILION,
    WIDTH,
    Picture,
    canvas,
    require_few,
    write,
)

__all__ = ["orders"]

KINDS = {"conv": BLUE, "BN": ORANGE, "ReLU": GREEN}
ROW, LEFT, STEP, BELOW = 1.08, 0.3, 0.57, 0.42  # inches: a row, its margin, a layer, the branch below the way


def orders(units, *, alt=None):
    """Draw two residual units of each order: the way from sum to sum as a straight line, the branch below it.

    What follows a sum stands on the way, with a thick edge.

    Args:
        units: a heading -> the layers of a unit, such as `conv BN ReLU conv BN + ReLU`, where `+` is the sum.
    """
    require_few(units, "units")
    figure, axes = canvas(WIDTH, ROW * len(units) + 0.1)
    words = []
    for place, (heading, order) in enumerate(units.items()):
        branch, plus, way = (part.split() for part in order.partition("+"))
        known = bool(plus) and {*branch, *way} <= set(KINDS)
        checks.require(known, f"An order must have a + and layers of {', '.join(KINDS)}.", f"{order!r}")
        y = ROW * (len(units) - place) - 0.42
        write(axes, LEFT, y + 0.34, heading, size=10, weight="bold", ha="left")
        x = LEFT
        for _ in range(2):
            x = _draw_unit(axes, x, y, branch, way)
        axes.annotate("", (x + 0.25, y), (x, y), arrowprops={"arrowstyle": "->", "color": INK, "lw": 2.4})
        words.append(f"{heading}: on the way {' and '.join(way) or 'nothing'}")
    return Picture(figure, alt or f"Two residual units of each order. {'; '.join(words)}.")


def _draw_unit(axes, x, y, branch, way):
    """Draw a unit from x on, and return where it ends."""
    start, joint = x + 0.18, x + 0.18 + STEP * (len(branch) + 0.7)
    end = joint + 0.2 + STEP * len(way)
    axes.plot([x, end], [y, y], color=INK, linewidth=2.4, zorder=1)
    bend = [start, start + 0.12, joint - 0.12, joint]
    axes.plot(bend, [y, y - BELOW, y - BELOW, y], color=INK, linewidth=1.1, zorder=1)
    for place, kind in enumerate(branch):
        _draw_layer(axes, start + STEP * (place + 0.85), y - BELOW, kind, edge=0)
    axes.plot([joint], [y], "o", markersize=13, color=PAPER, markeredgecolor=INK, zorder=2)
    write(axes, joint, y, "+", size=11, weight="bold", zorder=3)
    for place, kind in enumerate(way):
        _draw_layer(axes, joint + 0.2 + STEP * (place + 0.5), y, kind, edge=2.2)
    return end


def _draw_layer(axes, x, y, kind, edge):
    """Draw a layer as a box with its name."""
    shape = {"boxstyle": "round,pad=0.02,rounding_size=0.05", "zorder": 2}
    look = {"facecolor": KINDS[kind], "edgecolor": VERMILION if edge else KINDS[kind], "linewidth": edge}
    axes.add_patch(FancyBboxPatch((x - 0.22, y - 0.11), 0.44, 0.22, **shape, **look))
    write(axes, x, y, kind, size=8, color=INK if kind == "BN" else "white", weight="bold", zorder=3)
