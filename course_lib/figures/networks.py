"""Draw a network from its graph, as stacks of maps to scale."""

import textwrap
from itertools import chain

from matplotlib.patches import Rectangle

from course_lib.figures.boxes import SHEETS, boxes_of, draw_maps, in_columns
from course_lib.figures.paper import INK, QUIET, WIDTH, Picture, canvas, times, write

__all__ = ["architecture"]

GAP, HEAD, FOOT = 0.22, 0.42, 0.48  # inches: between columns, above a stack (name), below it (operation)
BEND = 0.3  # the height that an edge takes in a column that it passes


def architecture(model, *, alt=None):
    """Draw a model from its graph: stacks of maps, heights and widths to scale, with names and shapes.

    What keeps the number of values (activation, normalisation, dropout, flatten) is not drawn, nor is
    padding. Branches stand below each other; a long network continues on the next line.

    Args:
        model: a built functional or sequential model.
    """
    boxes = boxes_of(model)
    words = [_described(before, box) for before, box in zip([None, *boxes], boxes, strict=False)]
    if len(words) > 24:
        words[1:-1] = [f"{len(words) - 2} operations"]
    columns = in_columns(boxes)
    has_branches = max(map(len, columns)) > 1
    size, step = (0.6, 0.022) if has_branches else (1.08, 0.036)
    largest = max(side for box in boxes for side in box.sides[:2])
    for box in boxes:
        box.measure(size / largest, step)
    width, height = _place(columns)
    figure, axes = canvas(width, height)
    for box in chain(*columns):
        alone = len(columns[box.column]) == len(columns[box.column - 1]) == 1
        for source in box.sources:
            if not (alone and source.top == box.top):
                _draw_arrow(axes, source, box, width)
            elif len(box.shape) > 1:
                _draw_window(axes, source, box)
            else:
                _draw_fan(axes, source, box)
        if box.shape:
            _draw_stack(axes, box)
    note = f"height and width to scale; up to {SHEETS} maps are drawn one by one, more as a block"
    write(axes, width / 2, 0.1, note, size=8, color=QUIET)
    return Picture(figure, alt or f"Drawing of {model.name} from input to output: {', '.join(words)}.")


def _described(before, box):
    """Return an operation in words and, if it does not read the one before, what it reads."""
    parts = [f"{box.label} {times(box.kernel or (), 'x')}".strip()] if box.label else []
    if box.sources and box.sources != [before]:
        parts.append(f"reads {' and '.join(source.name for source in box.sources)}")
    return f"{box.name} {times(box.shape, 'x')}" + (f" ({', '.join(parts)})" if parts else "")


def _place(columns):
    """Set where each box stands, and return the width and the height of the paper."""
    margin = 0.12
    rows, ends = [[]], [margin]
    for column in columns:
        widest = max(map(_width, column))
        if rows[-1] and ends[-1] + widest > WIDTH:
            rows.append([])
            ends.append(margin)
        for box in column:
            if box.shape is None:
                box.width = widest
            box.x = ends[-1] + (widest - box.extent[0]) / 2
        rows[-1].append(column)
        ends[-1] += widest + GAP
    stacks = [max(box.extent[1] for box in chain(*row)) for row in rows]  # room for those of a line
    heights = [
        [sum(HEAD + stack + FOOT if box.shape else BEND for box in column) for column in row]
        for row, stack in zip(rows, stacks, strict=True)
    ]
    height = 0.1 + sum(max(needed) + 0.2 for needed in heights)
    top = height
    for row, stack, needed in zip(rows, stacks, heights, strict=True):
        for column, own in zip(row, needed, strict=True):
            _place_column(column, top, top - (max(needed) - own) / 2, stack)
        top -= max(needed) + 0.2
    return max(ends) - GAP + margin, height


def _width(box):
    """Return the inches that a box needs with the words around it."""
    return max(box.extent[0], 0.085 * len(box.name), 0.86 if box.shape else 0)


def _place_column(column, top, y, stack):
    """Set the heights of the boxes in a column, which begins at `y` in the line that begins at `top`."""
    for box in column:
        box.top = top
        box.head = y - HEAD
        box.foot = box.head - stack
        if box.shape:
            box.y = y - HEAD - (stack + box.extent[1]) / 2
            y -= HEAD + stack + FOOT
        else:
            box.y = y - BEND / 2
            y -= BEND


def _draw_window(axes, source, box):
    """Draw the window through which an operation reads the maps before it, narrowing to a point."""
    rows, columns, _ = source.sides
    high, wide = ((1, 1, *box.kernel) if box.kernel else (rows, columns))[-2:]
    wide = min(max(0.05, wide * source.width / columns), source.width)
    high = min(max(0.05, high * source.height / rows), source.height)
    x = source.x + 0.85 * (source.width - wide)
    y = source.y + 0.7 * (source.height - high)
    point = (box.x + 0.2 * box.width, box.y + 0.4 * box.height)
    axes.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=INK, linewidth=1.0, zorder=6))
    for corner in ((x + wide, y), (x + wide, y + high)):
        axes.plot(*zip(corner, point, strict=True), color=INK, linewidth=0.8, zorder=6)
    axes.plot(*point, "o", color=INK, markersize=2.6, zorder=6)


def _draw_fan(axes, source, box):
    """Draw the outermost connections to a vector."""
    style = {"color": INK, "linewidth": 0.8, "zorder": 1}
    wide, high = source.extent
    first = (box.x, box.y)
    last = (box.x + box.depth, box.y + box.extent[1])
    axes.plot((source.x + source.width, first[0]), (source.y, first[1]), **style)
    axes.plot((source.x + wide, last[0]), (source.y + high, last[1]), **style)


def _draw_arrow(axes, source, box, paper_width):
    """Draw an arrow between neighbours, a bend's without its head, or around the end of the line."""
    start = (source.x + source.extent[0], source.y + 0.75 * source.depth + source.height / 2)
    end = (box.x, box.y + box.height / 2)
    points = [start, end]
    if source.top != box.top:
        right = paper_width - 0.05
        level = box.top + 0.1
        points[1:1] = [(right, start[1]), (right, level), (0.05, level), (0.05, end[1])]
    if box.shape is None:
        points.append((box.x + box.width, box.y))
    axes.plot(*zip(*points, strict=True), color=QUIET, linewidth=1.0, zorder=1)
    if box.shape:
        arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", points[-1], points[-2], arrowprops=arrow)


def _draw_stack(axes, box):
    """Draw the maps of a box with its name and shape above and its operation below."""
    draw_maps(axes, box)
    middle = box.x + box.extent[0] / 2
    write(axes, middle, box.head + 0.3, box.name, size=10, weight="bold")
    write(axes, middle, box.head + 0.13, times(box.shape))
    below = [*textwrap.wrap(box.label, 14), times(box.kernel or ())]
    write(axes, middle, box.foot - 0.06, "\n".join(below), size=8, color=QUIET, va="top")
