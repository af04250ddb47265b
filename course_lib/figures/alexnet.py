"""Draw what chapter 02 alone draws: predictions as bars, and a network in towers."""

from itertools import chain
from math import log2, prod

import numpy as np
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.boxes import Box, boxes_of, draw_maps
from course_lib.figures.paper import GRID, PAPER, QUIET, SKY, VERMILION, WIDTH, Picture, canvas, times, write
from course_lib.figures.tiles import as_images

__all__ = ["predictions", "towers"]


def predictions(array, probabilities, class_names, *, truth=None, best=5, columns=4, alt=None):
    """Draw images with their most probable classes as bars, as figure 4 of Krizhevsky et al. 2012 does.

    The true class stands above its image; among the bars it is blue and bold, the others are grey.

    Args:
        array: images as for `images`.
        probabilities: `(N, classes)`, from 0 to 1.
        class_names: one name a class.
        truth: class numbers, `(N,)`, or None.
        best: how many classes are drawn, the most probable first.
        columns: images a row.
    """
    array = as_images(array)
    probabilities = np.asarray(probabilities)
    received = f"{probabilities.shape}, {len(array)} images, {len(class_names)} classes"
    fits = probabilities.shape == (len(array), len(class_names))
    checks.require(fits, "probabilities must be a row an image, a column a class.", received)
    are_there = 1 <= best <= len(class_names) and columns >= 1
    checks.require(are_there, "best and columns must be at least 1.", f"{best=}, {columns=}")
    has_truth = truth is not None
    received = f"{len(truth) if has_truth else 0}, {len(array)} images"
    fits = not has_truth or len(truth) == len(array)
    checks.require(fits, "truth must be a number an image.", received)
    side, bar, wide = 1.35, 0.2, WIDTH / columns  # inches: an image, a bar, a column
    tall = side + best * bar + 0.5
    figure, axes = canvas(WIDTH, tall * -(-len(array) // columns))
    limits = {"vmin": array.min(), "vmax": array.max()}
    for number, (image, row) in enumerate(zip(array, probabilities, strict=True)):
        x = number % columns * wide
        y = figure.get_figheight() - number // columns * tall
        middle = x + wide / 2
        right = int(truth[number]) if has_truth else None
        if has_truth:
            write(axes, middle, y - 0.13, str(class_names[right]), weight="bold")
        extent = (middle - side / 2, middle + side / 2, y - 0.26 - side, y - 0.26)
        axes.imshow(image, "gray", extent=extent, interpolation="nearest", **limits)
        for place, label in enumerate(np.argsort(-row)[:best]):
            corner = (x + 0.15, y - 0.34 - side - (place + 1) * bar)
            size = ((wide - 0.3) * float(row[label]), bar - 0.04)
            is_right = label == right
            face = {"facecolor": SKY if is_right else GRID, "edgecolor": QUIET, "linewidth": 0.5}
            axes.add_patch(Rectangle(corner, *size, **face))
            style = {"weight": "bold" if is_right else "normal", "ha": "left", "size": 8}
            write(axes, corner[0] + 0.05, corner[1] + bar / 2 - 0.02, str(class_names[label]), **style)
    axes.set(xlim=(0, WIDTH), ylim=(0, figure.get_figheight()), aspect="auto")
    words = f"Images of {array.shape[1]} x {array.shape[2]} pixels: {len(array)}, each with its {best} most "
    words += "probable classes as bars, the most probable first"
    words += "; the true class is blue." if has_truth else "."
    return Picture(figure, alt or words)


def towers(model, *, names=("GPU 1", "GPU 2"), alt=None):
    """Draw a network whose convolutions come in groups as towers, and where these read each other.

    A convolution in as many groups as there are names, and pooling, reads its own tower; every other layer
    between the first and the last reads all of them. Those edges are orange, with the values that one image
    makes cross. The last layer stands between the towers. Side lengths are drawn as their square roots.

    Args:
        model: a built functional model, a chain of layers, with a grouped convolution.
        names: one for each tower, from the top.
    """
    boxes = boxes_of(model)
    number = len(names)
    own = _reads_its_own(model, boxes, number)
    lane, foot = 1.6, 0.42  # inches: a tower's height, below the towers
    height = foot + number * lane + 0.55
    figure, axes = canvas(WIDTH, height)
    for row, name in enumerate(names):
        y = foot + (number - 1 - row) * lane
        frame = {"facecolor": GRID, "alpha": 0.55, "linewidth": 0, "zorder": 0}
        axes.add_patch(Rectangle((1.2, y + 0.1), WIDTH - 2.05, lane - 0.2, **frame))
        write(axes, 1.3, y + lane - 0.24, name, color=QUIET, weight="bold", ha="left")
    middle = foot + number * lane / 2
    levels = [foot + (number - row - 0.56) * lane for row in range(number)]
    parts = _parts(boxes, middle, levels)
    crossed = []
    for column in range(1, len(boxes)):
        _draw_arrows(axes, parts[column - 1], parts[column], own[column])
        if own[column]:
            continue
        crossed.append(boxes[column].name)
        if column < len(boxes) - 1:
            values = f"{prod(boxes[column - 1].shape) * (number - 1):,}"
            paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.2}
            x = parts[column][0].x - 0.12
            write(axes, x, middle, values, size=7.5, color=VERMILION, bbox=paper, zorder=7)
    for part in chain(*parts):
        draw_maps(axes, part)
        shape = times(part.shape).replace(" ", "")
        write(axes, part.x + part.extent[0] / 2, part.y - 0.1, shape, size=7.5, zorder=8)
    for box, (part, *_) in zip(boxes, parts, strict=True):
        x = part.x + part.extent[0] / 2
        label = box.label.replace("convolution", "conv").replace(" pooling", "")
        write(axes, x, height - 0.2, box.name, size=9, weight="bold")
        write(axes, x, height - 0.4, f"{label} {times(box.kernel or ())}".strip(), size=7, color=QUIET)
    note = "orange: a layer reads the other tower; the number of values that cross for one image"
    write(axes, WIDTH / 2, 0.14, f"{note}; sides drawn as square roots", size=8, color=QUIET)
    shapes = ", ".join(f"{box.name} {times(box.shape, 'x')}" for box in boxes)
    words = f"Drawing of {model.name} in {number} towers: {shapes}; the towers read each other at "
    return Picture(figure, alt or f"{words}{', '.join(crossed)}.")


def _reads_its_own(model, boxes, number):
    """Return for each box whether its layer reads its own tower alone; refuse a model without towers."""
    layers = [model.get_layer(box.name) for box in boxes]
    grouped = [getattr(layer, "groups", 1) == number for layer in layers]
    is_chain = number >= 2 and any(grouped) and all(len(box.sources) <= 1 for box in boxes)
    required = f"model must be a chain with convolutions of {number} groups, 2 or more."
    checks.require(is_chain, required, model.name)
    is_even = all(box.shape[-1] % number == 0 for box in boxes[1:-1])
    checks.require(is_even, f"{number} towers must have equal parts of every layer.", model.name)
    own = [in_groups or not layer.weights for in_groups, layer in zip(grouped, layers, strict=True)]
    own[1] = True  # the first layer reads the image, which both have
    return own


def _parts(boxes, middle, levels):
    """Return the boxes as columns of parts: one a tower, and the first and the last box between them."""
    first, *inner, last = boxes
    pitch = (WIDTH - 2.1) / len(inner)
    scale = 0.9 / max(first.sides[:2]) ** 0.5

    def part_of(box, x, y, share=1):
        """Return the part of a box that stands in one tower, its corner at x and its centre at height y."""
        *sides, maps = box.shape
        part = Box(box.name, (*sides, maps // share), [], 0, box.label, box.kernel, box.colour, x)
        rows, columns, maps = part.sides
        part.height = max(0.1, scale * rows**0.5)
        part.width = max(0.1, scale * columns**0.5)
        part.depth = min(pitch - 0.17 - part.width, 0.04 * log2(maps)) if maps > 3 else 0.04 * (maps - 1)
        part.y = y - part.extent[1] / 2
        return part

    parts = [[part_of(first, 0.1, middle)]]
    for column, box in enumerate(inner):
        x = 1.31 + column * pitch
        parts.append([part_of(box, x, level, len(levels)) for level in levels])
    return [*parts, [part_of(last, WIDTH - 0.6, middle)]]


def _draw_arrows(axes, sources, targets, own):
    """Draw what the parts of one column read of the column before."""
    for target_row, target in enumerate(targets):
        for source_row, source in enumerate(sources):
            across = len(sources) > 1 and (len(targets) == 1 or source_row != target_row)
            if across and own:
                continue
            start = (source.x + source.extent[0] + 0.02, source.y + source.extent[1] / 2)
            end = (target.x - 0.03, target.y + target.height / 2)
            arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
            arrow |= {"color": VERMILION, "linewidth": 1.6} if across else {"color": QUIET, "linewidth": 1.0}
            axes.annotate("", end, start, arrowprops=arrow, zorder=5)
