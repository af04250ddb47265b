"""Draw what chapter 10 alone draws: convolutions as areas of multiply-adds, and what a time is made of."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.paper import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    QUIET,
    WIDTH,
    Picture,
    add_axes,
    add_legend,
    canvas,
    require_few,
    write,
)

__all__ = ["kernels", "shares"]

STAGES = (BLUE, GREEN, ORANGE)
LEFT, GAP, HEADING, BELOW = 0.1, 0.03, 0.26, 0.2  # inches


def kernels(networks, *, alt=None):
    """Draw each convolution of residual networks as a rectangle whose area is its multiply-adds.

    It is as wide as the maps that it reads and as high as those that it writes, times the side of these; a
    1x1 has both divided by 3. Each stage has its colour; the first convolution and shortcuts are grey.

    Args:
        networks: a heading -> a model, its layers named as by `wide_resnet`.
    """
    require_few(networks, "networks")
    rows = {heading: _sides(model) for heading, model in networks.items()}
    room = min((WIDTH - 2 * LEFT - GAP * len(row)) / sum(width for width, *_ in row) for row in rows.values())
    heights = [HEADING + BELOW + room * max(height for _, height, _ in row) for row in rows.values()]
    figure, axes = canvas(WIDTH, sum(heights))
    y, words = sum(heights), []
    for (heading, row), height in zip(rows.items(), heights, strict=True):
        write(axes, LEFT, y - HEADING / 2, heading, size=10, weight="bold", ha="left")
        y -= height
        x = LEFT
        for wide, high, colour in row:
            size = {"width": room * wide, "height": room * high}
            axes.add_patch(Rectangle((x, y + BELOW), facecolor=colour, edgecolor="none", **size))
            x += room * wide + GAP
        words.append(f"{heading}: {len(row)} convolutions, the largest {max(h for _, h, _ in row):,} high")
    return Picture(figure, alt or f"Convolutions as areas of multiply-adds. {'; '.join(words)}.")


def _sides(model):
    """Return (width, height, colour) of each convolution, in maps times the side of the map written."""
    found = []
    for layer in model.layers:
        if not hasattr(layer, "filters"):
            continue
        side, (kernel, _) = layer.output.shape[1], layer.kernel_size
        is_branch = layer.name.startswith("stage") and "shortcut" not in layer.name
        colour = STAGES[int(layer.name[5]) - 1] if is_branch else QUIET
        maps = layer.input.shape[-1], layer.filters
        found.append((*(count * side * kernel / 3 for count in maps), colour))
    checks.require(
        any(colour in STAGES for *_, colour in found),
        "A network must have convolutions in stages.",
        model.name,
    )
    return found


def shares(names, parts, marks=None, *, x_label, mark="measured", alt=None):
    """Draw bars that are sums of parts, one below the other, with a mark on each.

    Args:
        names: of the bars, `(N,)`.
        parts: a part's name -> its share of each bar, `(N,)`.
        marks: `(N,)` values to compare with; or None.
        x_label: what the bars show, with its unit.
        mark: the name of the marks.
    """
    require_few(parts, "parts")
    figure = Figure(figsize=(WIDTH, 0.9 + 0.36 * len(names)), layout="constrained")
    axes = add_axes(figure, x_label=x_label, grid="x")
    places, begun = range(len(names)), [0.0] * len(names)
    for (name, values), colour in zip(parts.items(), (BLUE, ORANGE, GREEN), strict=False):
        axes.barh(places, values, left=begun, color=colour, height=0.62, label=name)
        begun = [start + value for start, value in zip(begun, values, strict=True)]
    if marks is not None:
        look = {"color": PAPER, "markeredgecolor": INK, "linestyle": "none", "markersize": 7}
        axes.plot(marks, places, "D", label=mark, **look)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    add_legend(axes)
    words = f"{', '.join(names)}: {x_label}, made of {', '.join(parts)}"
    return Picture(figure, alt or f"Bars for {words}.")
