"""Turn the graph of a model into boxes that stand in columns, ready to be drawn."""

import re
from dataclasses import dataclass
from itertools import pairwise
from math import log2, prod

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from course_lib import checks, graph
from course_lib.figures.paper import (
    BLUE,
    GREEN,
    ORANGE,
    PAPER,
    PURPLE,
    QUIET,
    SKY,
    VERMILION,
    WIDTH,
    rgb,
    write,
)

__all__ = ["Box", "boxes_of", "draw_kinds", "draw_maps", "in_columns", "kind", "origin", "tint"]

SHEETS = 16  # maps drawn one by one; a stack of more is drawn as one block
KINDS = {"1x1": SKY, "3x3": BLUE, "5x5": VERMILION, "larger": PURPLE, "pooling": ORANGE, "dense": GREEN}


@dataclass(eq=False)
class Box:
    """Hold a drawn operation or, with shape None, the bend of an edge that passes a column. In inches."""

    name: str
    shape: tuple | None
    sources: list
    column: int
    label: str = ""
    kernel: tuple | None = None
    colour: str = QUIET
    x: float = 0.0  # lower left corner of the first map
    y: float = 0.0
    width: float = 0.0  # of one map
    height: float = 0.0
    depth: float = 0.0  # how far the last map lies to the right of the first; it lies 3/4 of that above it
    top: float = 0.0  # of the line of columns that it stands in
    head: float = 0.0  # where the words above begin
    foot: float = 0.0  # where the words below begin

    @property
    def sides(self):
        """Return height, width and maps; the values of a vector are maps of one pixel."""
        height, width, *maps = (1,) * (3 - len(self.shape)) + self.shape
        return height, width, prod(maps)

    @property
    def extent(self):
        """Return width and height of the whole stack."""
        return self.width + self.depth, self.height + 0.75 * self.depth

    def measure(self, scale, step):
        """Set the size: height and width to scale, one step of depth a map, above SHEETS two a doubling."""
        height, width, maps = self.sides
        self.height = max(0.1, height * scale)
        self.width = max(0.1, width * scale)
        self.depth = step * (maps - 1 if maps <= SHEETS else SHEETS + 2 * log2(maps / SHEETS))


def boxes_of(model):
    """Return a box for each result of a call of the graph that is drawn, sources before their readers.

    Raises:
        ValueError: a size is unknown, as with an input of (None, None, 3).
    """
    box_of, boxes = {}, []
    for step in graph.steps_by_depth(model):
        sources = list(dict.fromkeys(box_of[id(tensor)] for tensor in step.inputs))
        for index, tensor in enumerate(step.outputs):
            required = "a drawing to scale needs known sizes: begin the model with an input of a fixed size."
            received = f"{step.operation.name} of shape {tuple(tensor.shape)}"
            checks.require(None not in tensor.shape[1:], required, received)
            if _changes_the_values(step):
                box = _box(step, tensor, sources)
                if len(step.outputs) > 1:
                    box.name += f"[{index}]"
                boxes.append(box)
            else:
                box = sources[0]
            box_of[id(tensor)] = box
    return boxes


def _changes_the_values(step):
    """Return whether a call is drawn: it has weights or a window, or makes other values or a join."""
    name = type(step.operation).__name__
    if not step.inputs:
        return True
    if "Normalization" in name or "Padding" in name:
        return False
    keeps = len(step.inputs) == len(step.outputs) == 1 and prod(_values(step.outputs[0])) == prod(
        _values(step.inputs[0])
    )
    return bool(not keeps or _weights(step.operation) or _window(step.operation))


def _box(step, tensor, sources):
    """Return the box of a call that has this result."""
    operation = step.operation
    column = 1 + max((source.column for source in sources), default=-1)
    label = _words(type(operation).__name__) if sources else ""
    window = _window(operation)
    if isinstance(window, int):  # keras.ops keeps it as it was given
        window = (window,) * (len(tensor.shape) - 2)
    box = Box(operation.name, _values(tensor), sources, column, label, window)
    if len(step.inputs) > 1:
        box.colour = PURPLE
    elif hasattr(operation, "kernel_size"):
        box.colour = BLUE
    elif _weights(operation) and len(box.shape) == 1:
        box.colour = GREEN
    elif step.inputs:
        box.colour = ORANGE
    return box


def _weights(operation):
    return getattr(operation, "weights", ())  # an operation that is no layer has none


def _window(operation):
    return getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)


def _values(tensor):
    """Return a tensor's shape without the batch, a single value as (1,)."""
    return tuple(tensor.shape[1:]) or (1,)


def _words(name):
    """Return a layer's class in words: `partial convolution` for `PartialConv2D`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", re.sub(r"[123]D$", "", name))
    words = [word if word.isupper() else word.lower() for word in words]
    return " ".join({"conv": "convolution", "euclidean": "Euclidean"}.get(word, word) for word in words)


def in_columns(boxes):
    """Return the boxes by column, in an order that crosses little; by its bends an edge joins neighbours."""
    columns = [[] for _ in range(1 + max(box.column for box in boxes))]
    bends = {}  # a box or bend -> the bend in the next column
    for box in boxes:
        columns[box.column].append(box)
        for index, source in enumerate(box.sources):
            for column in range(source.column + 1, box.column):
                if source not in bends:
                    bends[source] = Box("", None, [source], column)
                    columns[column].append(bends[source])
                source = bends[source]
            box.sources[index] = source
    for left, column in pairwise(columns):
        places = {box: (place + 0.5) / len(left) for place, box in enumerate(left)}
        column.sort(key=lambda box: sum(places[source] for source in box.sources) / len(box.sources))
    return columns


def draw_maps(axes, box):
    """Draw the maps of a box, one behind the other."""
    paper = rgb(PAPER)
    ink = rgb(box.colour)
    front, side, lid = (paper + strength * (ink - paper) for strength in (0.35, 0.6, 0.2))
    style = {"edgecolor": ink * 0.75, "linewidth": 0.8, "zorder": 3}
    x, y, w, h, dx, dy = box.x, box.y, box.width, box.height, box.depth, 0.75 * box.depth
    maps = box.sides[2]
    sheets = [0.0]
    if maps > SHEETS:
        corner = (x + w + dx, y + h + dy)
        upper = [(x, y + h), (x + dx, y + h + dy), corner, (x + w, y + h)]
        right = [(x + w, y), (x + w + dx, y + dy), corner, (x + w, y + h)]
        axes.add_patch(Polygon(upper, facecolor=lid, **style))
        axes.add_patch(Polygon(right, facecolor=side, **style))
    elif maps > 1:
        sheets = np.linspace(1, 0, maps)
    for back in sheets:  # the last map first: the others cover it
        axes.add_patch(Rectangle((x + back * dx, y + back * dy), w, h, facecolor=front, **style))


def origin(box):
    """Return the box from which a bend comes; a box comes from itself."""
    while box.shape is None:
        (box,) = box.sources
    return box


def kind(box):
    """Return the key of `KINDS`; an empty word for the input and where branches join."""
    if box.colour == BLUE:
        return {(1, 1): "1x1", (3, 3): "3x3", (5, 5): "5x5"}.get(box.kernel, "larger")
    return {ORANGE: "pooling", GREEN: "dense"}.get(box.colour, "")


def tint(box):
    """Return the colour of a box or bend by its kind."""
    return KINDS.get(kind(origin(box)), QUIET)


def draw_kinds(axes, boxes, note):
    """Draw the colours of the kinds of these boxes along the foot, and a note at its right end."""
    drawn = {kind(box) for box in boxes}
    for place, name in enumerate(name for name in KINDS if name in drawn):
        axes.add_patch(Rectangle((0.1 + 0.95 * place, 0.07), 0.12, 0.12, facecolor=KINDS[name], linewidth=0))
        label = name.replace("x", "\N{MULTIPLICATION SIGN}")
        write(axes, 0.28 + 0.95 * place, 0.13, label, size=8.5, ha="left")
    write(axes, WIDTH - 0.1, 0.13, note, size=8.5, color=QUIET, ha="right")
