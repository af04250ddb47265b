"""Draw arrays as images: pictures, kernels, feature maps, and what a unit sees of a picture."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.backend import keras
from course_lib.figures.paper import (
    COLOURS,
    PAPER,
    QUIET,
    WIDTH,
    Picture,
    add_legend,
    canvas,
    require_few,
    times,
    write,
)

__all__ = ["as_images", "feature_maps", "filters", "images", "receptive_field"]

GAP = 0.1  # inches between two tiles


@dataclass
class _Tile:
    """Hold a title, an image (H, W) or (H, W, 3), the values at the ends of its colours and its size."""

    title: str
    image: np.ndarray
    limits: tuple
    width: float
    height: float


def _grid(rows, *, labels=None, cmap="gray"):
    """Return a figure of rows of tiles, with a label left of each row if there are labels."""
    left = 0.0
    if labels:
        longest = max(len(line) for label in labels for line in label.split("\n"))
        left = max(1.15, 0.1 + 0.085 * longest)
    headings = [0.03 + 0.17 * max(_lines(tile.title) for tile in row) for row in rows]
    heights = [max(tile.height for tile in row) + GAP for row in rows]
    widths = [sum(tile.width + GAP for tile in row) for row in rows]
    top = sum(heights) + sum(headings)
    figure, axes = canvas(left + max(widths), top)
    for row, label, heading, height in zip(rows, labels or [""] * len(rows), headings, heights, strict=True):
        x, y = left, top - heading
        name, _, detail = label.partition("\n")
        write(axes, 0, y - 0.1, name, size=10, weight="bold", ha="left")
        write(axes, 0, y - 0.2, detail, color=QUIET, ha="left", va="top")
        for tile in row:
            extent = (x, x + tile.width, y - tile.height, y)
            low, high = tile.limits
            axes.imshow(tile.image, cmap, vmin=low, vmax=high, extent=extent, interpolation="nearest")
            frame = {"fill": False, "edgecolor": QUIET, "linewidth": 0.6}
            axes.add_patch(Rectangle((x, y - tile.height), tile.width, tile.height, **frame))
            write(axes, x + tile.width / 2, y + 0.03, tile.title, va="bottom")
            x += tile.width + GAP
        top -= heading + height
    axes.set(xlim=(0, figure.get_figwidth()), ylim=(0, figure.get_figheight()), aspect="auto")
    return figure


def _lines(title):
    return len(title.split("\n")) if title else 0


def as_images(array):
    """Return images as an array (N, H, W) of grey or (N, H, W, 3) of colour."""
    array = np.asarray(array)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    are_images = array.size and (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == 3))
    checks.require(are_images, "Images must be (N, H, W), (N, H, W, 1) or (N, H, W, 3).", str(array.shape))
    return array


def images(array, *, titles=None, columns=8, size=1.0, limits=None, cmap="gray", alt=None):
    """Draw images in a grid.

    Args:
        array: `(N, H, W)`, `(N, H, W, 1)` or `(N, H, W, 3)`; colour in [0, 1], or bytes.
        titles: one an image, or None.
        columns: images a row.
        size: width of an image in inches.
        limits: the values at the ends of `cmap`; by default the smallest and largest of all the images.
        cmap: a colour map of matplotlib, for images of one channel.
    """
    array = as_images(array)
    titles = [""] * len(array) if titles is None else [str(title) for title in titles]
    received = f"{len(titles)} titles, {len(array)} images"
    checks.require(len(titles) == len(array), "Each image must have a title.", received)
    checks.whole("columns", columns)
    limits = limits or (array.min(), array.max())
    _, high, wide = array.shape[:3]
    tiles = [
        _Tile(title, image, limits, size, size * high / wide)
        for title, image in zip(titles, array, strict=True)
    ]
    figure = _grid([tiles[at : at + columns] for at in range(0, len(tiles), columns)], cmap=cmap)
    return Picture(figure, alt or f"Images of {high} x {wide} pixels: {len(array)}.")


def filters(weights, *, alt=None):
    """Draw the kernels of a convolution on one scale: red below zero, white at zero, blue above.

    The kernels of a single input map stand in a grid, those of three also, in colour and grey at zero. Of any
    other number, an input map is a row and an output map a column.

    Args:
        weights: `(height, width, inputs, outputs)`.
    """
    weights = np.asarray(weights)
    are_kernels = weights.ndim == 4 and weights.size
    checks.require(are_kernels, "weights must be (height, width, inputs, outputs).", str(weights.shape))
    height, width, inputs, outputs = weights.shape
    alt = alt or f"Kernels of {height} x {width}, from {inputs} to {outputs} maps, numbered from 0."
    largest = np.abs(weights).max() or 1.0
    if inputs in (1, 3):
        tiles = np.moveaxis(weights, -1, 0) / largest
        if inputs == 3:
            tiles = tiles / 2 + 0.5
        size = min(0.8, WIDTH / min(16, outputs) - GAP)
        options = {"columns": 16, "size": size, "limits": (-1, 1), "cmap": "RdBu"}
        return images(tiles, titles=range(outputs), **options, alt=alt)
    size = min(0.8, (WIDTH - 1.15) / outputs - GAP)
    frame = ((-largest, largest), size, size * height / width)
    rows = [
        [_Tile("" if row else str(column), weights[:, :, row, column], *frame) for column in range(outputs)]
        for row in range(inputs)
    ]
    return Picture(_grid(rows, labels=[f"input {row}" for row in range(inputs)], cmap="RdBu"), alt)


def feature_maps(model, image, layer_names, *, limit=16, alt=None):
    """Draw what an image becomes in the named layers, each layer on a grey scale of its own.

    Args:
        model: a built functional model of one input.
        image: `(H, W)` or `(H, W, C)`, in the range that the model expects.
        layer_names: layers whose output is `(H, W, C)` maps, or single values, drawn as a strip; a dict gives
            each a title of its own, such as `F(x)`.
        limit: how many maps of a layer are drawn, the first ones.
    """
    checks.whole("limit", limit)
    known = [layer.name for layer in model.layers]
    are_known = layer_names and set(layer_names) <= set(known)
    checks.require(are_known, f"layer_names must be some of {known}.", f"{layer_names=}")
    image = np.atleast_3d(np.asarray(image, dtype="float32"))
    outputs = [model.get_layer(name).output for name in layer_names]
    values = keras.tree.flatten(keras.Model(model.input, outputs)(image[None], training=False))
    shown = as_images(image[None])[0] - image.min()
    rows = [[_Tile("", shown / (shown.max() or 1), (0, 1), 0.88, 0.88 * image.shape[0] / image.shape[1])]]
    labels, words = ["image"], []
    for name, value in zip(layer_names, values, strict=True):
        value = np.asarray(keras.ops.convert_to_numpy(value)[0], dtype="float32")
        tiles = _maps(value, limit)
        part = f", the first {len(tiles)}" if 1 < len(tiles) < value.shape[-1] else ""
        title = layer_names[name] if isinstance(layer_names, dict) else name
        words.append(f"{title} {times(value.shape, 'x')}{part}")
        lines = [tiles[at : at + 8] for at in range(0, len(tiles), 8)]
        labels += [f"{title}\n{times(value.shape)}"] + [""] * (len(lines) - 1)
        rows += lines
    alt = alt or f"An image and the feature maps that it causes: {'; '.join(words)}."
    return Picture(_grid(rows, labels=labels), alt)


def _maps(value, limit):
    """Return the tiles of one layer's output: its first maps, or a strip of its single values."""
    limits = (value.min(), value.max())
    if value.size == value.shape[-1]:
        return [_Tile("", value.reshape(1, -1), limits, 8 * 0.98 - GAP, 0.3)]
    height = 0.88 * value.shape[0] / value.shape[1]
    return [_Tile("", pixels, limits, 0.88, height) for pixels in np.moveaxis(value, -1, 0)[:limit]]


def receptive_field(image, fields, *, point=None, alt=None):
    """Draw on an image what a unit of each layer sees: the one whose field is centred nearest to the point.

    Args:
        image: `(H, W)`, `(H, W, 1)` or `(H, W, 3)`.
        fields: layer name -> `arithmetic.ReceptiveField` (size, jump, offset), alike in both directions.
        point: (row, column) in pixels; by default the middle of the image.
    """
    image = as_images(np.asarray(image)[None])[0]
    require_few(fields, "fields")
    point = [(side - 1) / 2 for side in image.shape[:2]] if point is None else point
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.add_axes((0.02, 0.02, 0.62, 0.96))
    axes.imshow(image, cmap="gray", interpolation="nearest")
    axes.set_axis_off()
    dashes = ("-", "--", ":", "-.", "-", "--", ":")
    for (name, field), colour, dash in zip(fields.items(), COLOURS, dashes, strict=False):
        size, jump, offset = field
        row, column = (offset + jump * round((at - offset - (size - 1) / 2) / jump) - 0.5 for at in point)
        halo = {"edgecolor": PAPER, "linewidth": 4.6}
        outline = {"edgecolor": colour, "linewidth": 2.4, "linestyle": dash}
        for style in (halo, outline | {"label": f"{name}: {times((size, size))}"}):
            axes.add_patch(Rectangle((column, row), size, size, fill=False, zorder=2 + 1 / size, **style))
    add_legend(axes, title="what one unit sees", title_fontsize=10)
    words = ", ".join(f"{name} {field[0]} x {field[0]} pixels" for name, field in fields.items())
    return Picture(figure, alt or f"Squares on an image show what one unit of each layer sees: {words}.")
