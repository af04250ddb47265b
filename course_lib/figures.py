"""Draw every picture of the chapters, each with a description in words.

Every function returns a `Picture` and takes `alt`, its description. The default is made from names, shapes
and counts, never from trained digits: a notebook's stored text must be the same on every machine.

Colours are those of Okabe and Ito ("Color universal design", 2008), which colour-blind readers tell apart,
and never the only sign: markers, dashes, numbers or names repeat them. The paper is opaque and nearly white:
a picture looks the same on a light and on a dark page. Nothing passes through pyplot or changes its settings.
"""

import re
import textwrap
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import chain, pairwise
from math import log2, prod
from numbers import Integral
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator
from PIL import Image

from course_lib.backend import keras

__all__ = [
    "Picture",
    "architecture",
    "bars",
    "confusion",
    "connection_table",
    "feature_maps",
    "filters",
    "images",
    "learning_curves",
    "lines",
    "receptive_field",
]

PAPER, INK, QUIET, GRID = "#fcfbf8", "#222222", "#666666", "#e4e1da"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS, MARKERS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK), "os^DvPX"
WIDTH = 9.2  # inches; at 96 pixels an inch, the text column of JupyterLab and GitHub


class Picture:
    """Hold a drawing and what it shows in words.

    A notebook gets a PNG at twice the screen's resolution. The description goes wherever one is read: to
    `text/plain` (VS Code), to the image's metadata (nbconvert's classic pages) and to a line below that
    unfolds, because JupyterLab and GitHub give no image an alternative text.

    Attributes:
        figure: the `matplotlib.figure.Figure`, from which a test reads what was plotted.
        alt: the description.
    """

    def __init__(self, figure, alt):
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(f"A picture must have a description. Received: alt={alt!r}")
        self.figure, self.alt = figure, alt

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        png = BytesIO()
        self._write(png, format="png")
        image = Image.open(png).convert("RGB").quantize(256, dither=Image.Dither.NONE)  # a third of the bytes
        png = BytesIO()
        image.save(png, format="png", optimize=True)
        metadata = {"width": image.width // 2, "height": image.height // 2, "alt": self.alt}
        return {"image/png": png.getvalue(), "text/plain": self.alt}, {"image/png": metadata}

    def _ipython_display_(self):
        from IPython.display import HTML, display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display(HTML(f"<details><summary>The picture in words</summary>{escape(self.alt)}</details>"))

    def save(self, path):
        """Write the drawing to a file in the format that its suffix names, such as `.png` or `.svg`."""
        self._write(Path(path))

    def _write(self, target, **options):
        self.figure.savefig(target, dpi=192, facecolor=PAPER, bbox_inches="tight", pad_inches=0.12, **options)


# Paper


def _axes(figure, *place, title=None, x_label=None, y_label=None, grid="y"):
    """Return plain axes in the course's style."""
    axes = figure.add_subplot(*place, facecolor=PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(color=QUIET, labelcolor=INK, labelsize=9, length=3)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title(title or "", fontsize=11, color=INK, loc="left")
    axes.set_xlabel(x_label or "", fontsize=10, color=INK)
    axes.set_ylabel(y_label or "", fontsize=10, color=INK)
    return axes


def _legend(axes, **options):
    """Add a legend right of the axes, where it covers nothing."""
    options |= {"frameon": False, "fontsize": 9, "labelcolor": INK, "handlelength": 2.6}
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), **options)


def _canvas(width, height):
    """Return a figure and empty axes whose coordinates are inches from the lower left corner."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def _text(axes, x, y, words, size=9, color=INK, **options):
    axes.text(x, y, words, fontsize=size, color=color, **{"ha": "center", "va": "center"} | options)


def _rgb(colour):
    """Return a colour such as `#0072B2` as three numbers in [0, 1]."""
    return np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def _times(sides, sign="\N{MULTIPLICATION SIGN}"):
    """Return sizes such as (28, 28, 6) with the sign between them; descriptions take the letter x."""
    return f" {sign} ".join(str(side) for side in sides)


def _few(items, what):
    """Refuse more lines than there are colours, or none."""
    if not 1 <= len(items) <= len(COLOURS):
        raise ValueError(f"{what} must be 1 to {len(COLOURS)}. Received: {len(items)}")


# Images


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
    gap, left = 0.1, 1.15 if labels else 0.0
    headings = [0.17 * max(t.title.count("\n") + bool(t.title) for t in row) + 0.03 for row in rows]
    heights = [max(tile.height for tile in row) + gap for row in rows]
    widths = [sum(tile.width + gap for tile in row) for row in rows]
    top = sum(heights) + sum(headings)
    figure, axes = _canvas(left + max(widths), top)
    for row, label, heading, height in zip(rows, labels or [""] * len(rows), headings, heights, strict=True):
        x, y = left, top - heading
        name, _, detail = label.partition("\n")
        _text(axes, 0, y - 0.1, name, size=10, weight="bold", ha="left")
        _text(axes, 0, y - 0.2, detail, color=QUIET, ha="left", va="top")
        for tile in row:
            extent = (x, x + tile.width, y - tile.height, y)
            low, high = tile.limits
            axes.imshow(tile.image, cmap, vmin=low, vmax=high, extent=extent, interpolation="nearest")
            frame = {"fill": False, "edgecolor": QUIET, "linewidth": 0.6}
            axes.add_patch(Rectangle((x, y - tile.height), tile.width, tile.height, **frame))
            _text(axes, x + tile.width / 2, y + 0.03, tile.title, va="bottom")
            x += tile.width + gap
        top -= heading + height
    axes.set(xlim=(0, figure.get_figwidth()), ylim=(0, figure.get_figheight()), aspect="auto")
    return figure


def _as_images(array):
    """Return images as an array (N, H, W) of grey or (N, H, W, 3) of colour."""
    array = np.asarray(array)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == 3)):
        raise ValueError(f"Images must be (N, H, W), (N, H, W, 1) or (N, H, W, 3). Received: {array.shape}")
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
    array = _as_images(array)
    titles = [""] * len(array) if titles is None else [str(title) for title in titles]
    if len(titles) != len(array):
        raise ValueError(f"Each image must have a title. Received: {len(titles)} titles, {len(array)} images")
    if columns < 1:
        raise ValueError(f"columns must be at least 1. Received: columns={columns}")
    limits = limits or (array.min(), array.max())
    _, high, wide = array.shape[:3]
    tiles = [_Tile(*pair, limits, size, size * high / wide) for pair in zip(titles, array, strict=True)]
    figure = _grid([tiles[at : at + columns] for at in range(0, len(tiles), columns)], cmap=cmap)
    return Picture(figure, alt or f"Images of {high} x {wide} pixels: {len(array)}.")


def filters(weights, *, columns=16, alt=None):
    """Draw the kernels of a convolution on one scale: red below zero, white at zero, blue above.

    The kernels of a single input map stand in a grid, those of three also, in colour and grey at zero. Of any
    other number, an input map is a row and an output map a column.

    Args:
        weights: `(height, width, inputs, outputs)`.
        columns: kernels a row, where they stand in a grid.
    """
    weights = np.asarray(weights)
    if weights.ndim != 4 or weights.size == 0:
        raise ValueError(f"weights must be (height, width, inputs, outputs). Received: {weights.shape}")
    height, width, inputs, outputs = weights.shape
    alt = alt or f"Kernels of {height} x {width}, from {inputs} to {outputs} maps, numbered from 0."
    largest = np.abs(weights).max() or 1.0
    size = min(0.8, WIDTH / min(columns, outputs) - 0.1)
    if inputs in (1, 3):
        tiles = np.moveaxis(weights, -1, 0) / largest
        tiles = tiles / 2 + 0.5 if inputs == 3 else tiles
        titles, limits = range(outputs), (-1, 1)
        return images(tiles, titles=titles, columns=columns, size=size, limits=limits, cmap="RdBu", alt=alt)
    size = min(0.8, (WIDTH - 1.15) / outputs - 0.1)
    frame = ((-largest, largest), size, size * height / width)
    rows = [
        [_Tile("" if row else str(column), weights[:, :, row, column], *frame) for column in range(outputs)]
        for row in range(inputs)
    ]
    return Picture(_grid(rows, labels=[f"input {i}" for i in range(inputs)], cmap="RdBu"), alt)


def feature_maps(model, image, layer_names, *, limit=16, alt=None):
    """Draw what an image becomes in the named layers, each layer on a grey scale of its own.

    Args:
        model: a built functional model of one input.
        image: `(H, W)` or `(H, W, C)`, in the range that the model expects.
        layer_names: layers whose output is `(H, W, C)` maps, or single values, drawn as a strip.
        limit: how many maps of a layer are drawn, the first ones.
    """
    if not isinstance(limit, Integral) or limit < 1:
        raise ValueError(f"limit must be a whole number, 1 or more. Received: limit={limit!r}")
    known = [layer.name for layer in model.layers]
    if not layer_names or not set(layer_names) <= set(known):
        raise ValueError(f"layer_names must be some of {known}. Received: layer_names={layer_names!r}")
    image = np.atleast_3d(np.asarray(image, dtype="float32"))
    outputs = [model.get_layer(name).output for name in layer_names]
    values = keras.tree.flatten(keras.Model(model.input, outputs)(image[None], training=False))
    shown = _as_images(image[None])[0] - image.min()
    rows = [[_Tile("", shown / (shown.max() or 1), (0, 1), 0.88, 0.88 * image.shape[0] / image.shape[1])]]
    labels, words = ["image"], []
    for name, value in zip(layer_names, values, strict=True):
        value = np.asarray(keras.ops.convert_to_numpy(value)[0], dtype="float32")
        shape, limits = value.shape, (value.min(), value.max())
        if value.size == value.shape[-1]:
            tiles = [_Tile("", value.reshape(1, -1), limits, 8 * 0.98 - 0.1, 0.3)]
        else:
            height = 0.88 * value.shape[0] / value.shape[1]
            tiles = [_Tile("", one, limits, 0.88, height) for one in np.moveaxis(value, -1, 0)[:limit]]
        part = f", the first {len(tiles)}" if 1 < len(tiles) < shape[-1] else ""
        labels += [f"{name}\n{_times(shape)}"] + [""] * ((len(tiles) - 1) // 8)
        words.append(f"{name} {_times(shape, 'x')}{part}")
        rows += [tiles[at : at + 8] for at in range(0, len(tiles), 8)]
    alt = alt or f"An image and the feature maps that it causes: {'; '.join(words)}."
    return Picture(_grid(rows, labels=labels), alt)


def receptive_field(image, fields, *, point=None, alt=None):
    """Draw on an image what a unit of each layer sees: the one whose field is centred nearest to the point.

    Args:
        image: `(H, W)`, `(H, W, 1)` or `(H, W, 3)`.
        fields: layer name -> `arithmetic.ReceptiveField` (size, jump, offset), alike in both directions.
        point: (row, column) in pixels; by default the middle of the image.
    """
    image = _as_images(np.asarray(image)[None])[0]
    _few(fields, "fields")
    point = [(side - 1) / 2 for side in image.shape[:2]] if point is None else point
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.add_axes((0.02, 0.02, 0.62, 0.96))
    axes.imshow(image, cmap="gray", interpolation="nearest")
    axes.set_axis_off()
    dashes = ("-", "--", ":", "-.", "-", "--", ":")
    for (name, field), colour, dash in zip(fields.items(), COLOURS, dashes, strict=False):
        size, jump, offset = field
        row, column = (offset + jump * round((at - offset - (size - 1) / 2) / jump) - 0.5 for at in point)
        halo, outline = {"edgecolor": PAPER, "linewidth": 4.6}, {"edgecolor": colour, "linewidth": 2.4}
        for style in (halo, outline | {"linestyle": dash, "label": f"{name}: {_times((size, size))}"}):
            axes.add_patch(Rectangle((column, row), size, size, fill=False, zorder=2 + 1 / size, **style))
    _legend(axes, title="what one unit sees", title_fontsize=10)
    words = ", ".join(f"{name} {field[0]} x {field[0]} pixels" for name, field in fields.items())
    return Picture(figure, alt or f"Squares on an image show what one unit of each layer sees: {words}.")


# Plots


def lines(x, series, *, x_label, y_label, title=None, references=None, log_y=False, alt=None):
    """Draw lines over x; several runs of one series become their mean in a band from smallest to largest.

    Args:
        x: positions, `(points,)`.
        series: name -> `(points,)` or `(runs, points)`.
        x_label, y_label: what the axes show, with units.
        title: a heading, or None.
        references: name -> a level of y to compare with, drawn dotted; or None.
        log_y: whether y is logarithmic.
    """
    x = np.asarray(x)
    _few(series, "series")
    figure = Figure(figsize=(8.2, 3.8), layout="constrained")
    axes = _axes(figure, title=title, x_label=x_label, y_label=y_label)
    bands = ""
    for (name, values), colour, marker in zip(series.items(), COLOURS, MARKERS, strict=False):
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        if x.ndim != 1 or not x.size or runs.ndim != 2 or runs.shape[1] != x.size:
            raise ValueError(
                f"A line must have a value for each x. Received: {name}, {runs.shape}, x {x.shape}"
            )
        if len(runs) > 1:
            bands = "; bands reach from the smallest to the largest run"
            axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        style = {"color": colour, "marker": marker, "markevery": max(1, len(x) // 12), "markersize": 5}
        axes.plot(x, runs.mean(axis=0), **style, linewidth=1.8, label=name)
    for name, level in (references or {}).items():
        axes.axhline(level, color=QUIET, linestyle=":", linewidth=1.6, label=name)
    axes.set_yscale("log" if log_y else "linear")
    if np.issubdtype(x.dtype, np.integer):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)
    levels = f"; for comparison {', '.join(references)}" if references else ""
    return Picture(figure, alt or f"Lines of {y_label} over {x_label}: {', '.join(series)}{levels}{bands}.")


def learning_curves(histories, *, metrics=None, alt=None):
    """Draw what `fit` returned over the epochs, a panel for each metric: training dashed, test solid.

    Args:
        histories: a Keras `History`, or name -> `History` (or its dict of lists) for several runs.
        metrics: names such as `loss`; by default all that were measured in training and in test.
    """
    histories = {"": histories} if hasattr(histories, "history") else histories
    _few(histories, "histories")
    runs = {name: getattr(history, "history", history) for name, history in histories.items()}
    both = [
        key for key in next(iter(runs.values())) if all({key, f"val_{key}"} <= set(r) for r in runs.values())
    ]
    metrics = both if metrics is None else list(metrics)
    if not metrics or not set(metrics) <= set(both):
        raise ValueError(f"metrics must be some of {both}, measured in both. Received: metrics={metrics}")
    figure = Figure(figsize=(min(WIDTH, 1.6 + 4 * len(metrics)), 3.6), layout="constrained")
    for place, metric in enumerate(metrics, 1):
        axes = _axes(figure, 1, len(metrics), place, title=metric.replace("_", " "), x_label="epoch")
        for (name, run), colour, marker in zip(runs.items(), COLOURS, MARKERS, strict=False):
            epochs = range(1, len(run[metric]) + 1)
            every = max(1, len(epochs) // 10)
            axes.plot(
                epochs, run[metric], "--", color=colour, linewidth=1.5, label=f"{name} training".strip()
            )
            axes.plot(epochs, run[f"val_{metric}"], color=colour, linewidth=1.8, label=f"{name} test".strip())
            axes.lines[-1].set(marker=marker, markersize=4.5, markevery=every)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)
    of = f" of {', '.join(runs)}" if any(runs) else ""
    return Picture(
        figure, alt or f"Learning curves{of}: {', '.join(metrics)} over the epochs, training and test."
    )


def confusion(truth, predicted, class_names, *, alt=None):
    """Draw how often each class was taken for each: a row for the true class, a column for the answer.

    Args:
        truth, predicted: class numbers, `(N,)`.
        class_names: one name a class.
    """
    truth, predicted, classes = np.asarray(truth), np.asarray(predicted), len(class_names)
    for name, labels in (("truth", truth), ("predicted", predicted)):
        if labels.shape != (truth.size,) or not truth.size or not set(labels.tolist()) <= set(range(classes)):
            raise ValueError(f"{name} must be (N,) numbers of {classes} classes. Received: {labels!r}")
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (truth.astype(int), predicted.astype(int)), 1)
    right = np.eye(classes, dtype=bool)
    # The darkest error is a fifth of its class: errors are rare and must still be seen.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    tint = np.where(counts > 0, 0.15 + 0.75 * np.minimum(np.where(right, shares, 5 * shares), 1), 0)
    side = min(8.0, 1.4 + 0.4 * classes)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = _axes(figure, x_label="answer", y_label="true class", grid=None)
    ends = np.where(right[..., None], _rgb(BLUE), _rgb(VERMILION))
    axes.imshow(_rgb(PAPER) + tint[..., None] * (ends - _rgb(PAPER)))
    for (row, column), number in np.ndenumerate(counts):
        colour = PAPER if tint[row, column] > 0.5 else INK
        _text(
            axes, column, row, f"{number:,}" if number else "", size=9 if classes <= 12 else 6, color=colour
        )
    names = [str(name) for name in class_names]
    axes.set_xticks(range(classes), names, rotation=90 * (max(map(len, names)) > 3))
    axes.set_yticks(range(classes), names)
    words = "a row for each true class, a column for each answer; right answers in blue, errors in orange"
    return Picture(figure, alt or f"Confusion matrix of {classes} classes, {truth.size:,} images: {words}.")


def bars(ledger, column="parameters", *, alt=None):
    """Draw columns of a ledger as bars, one for each layer that counts anything in them.

    Args:
        ledger: a `ledger.Ledger`, or anything whose `rows` have a `layer` and the columns.
        column: such as "parameters", or several such as ("parameters", "connections"), side by side.
    """
    columns = [column] if isinstance(column, str) else list(column)
    _few(columns, "column")
    for name in columns:
        if not all(hasattr(row, name) for row in ledger.rows):
            raise ValueError(f"column must be a column of the ledger. Received: column={name!r}")
    rows = [row for row in ledger.rows if any(getattr(row, name) for name in columns)]
    if not rows:
        raise ValueError(f"A layer must count something. Received: column={column!r}, zero in every row")
    figure = Figure(figsize=(WIDTH if columns[1:] else 6.4, 1 + 0.3 * len(rows)), layout="constrained")
    words = []
    for place, (name, colour) in enumerate(zip(columns, COLOURS, strict=False), 1):
        values = [getattr(row, name) or 0 for row in rows]
        axes = _axes(figure, 1, len(columns), place, title=f"{name}: {sum(values):,}", grid="x")
        axes.barh(range(len(rows)), values, color=colour, height=0.66)
        for at, value in enumerate(values):
            _text(axes, value, at, f" {value:,}", ha="left")
        axes.set_yticks(range(len(rows)), [row.layer for row in rows] if place == 1 else [""] * len(rows))
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(0, max(1, max(values) * 1.3))
        most = max(rows, key=lambda row: getattr(row, name) or 0)
        words.append(f"{name}, {sum(values):,} in all, most in {most.layer} ({getattr(most, name):,})")
    alt = alt or f"Bars for the layers {rows[0].layer} to {rows[-1].layer}: {'; '.join(words)}."
    return Picture(figure, alt)


def connection_table(table, *, alt=None):
    """Draw which input maps each output map reads, as table I of LeCun et al. 1998 does, with the sums.

    Args:
        table: booleans, `table[input_map][output_map]`.
    """
    table = np.asarray(table)
    if table.ndim != 2 or table.dtype != bool or table.size == 0:
        raise ValueError(f"table must be rows of booleans. Received: {table.dtype}, {table.shape}")
    (inputs, outputs), read = table.shape, table.sum(axis=0)
    numbers = sorted(set(read.tolist()))
    cell, left, top = 0.4, 1.1, 0.4 * inputs + 0.35
    right = left + outputs * cell + 0.3
    figure, axes = _canvas(right + 0.3, top + 0.6)
    for (row, column), connected in np.ndenumerate(table):
        x, y = left + column * cell, top - (row + 1) * cell
        face = COLOURS[numbers.index(read[column]) % len(COLOURS)] if connected else PAPER
        axes.add_patch(Rectangle((x, y), cell, cell, facecolor=face, edgecolor=GRID))
        if connected:
            _text(axes, x + cell / 2, y + cell / 2, "\N{MULTIPLICATION SIGN}", size=13, color=PAPER)
    for column in range(outputs):
        _text(axes, left + (column + 0.5) * cell, top + 0.13, column)
        _text(axes, left + (column + 0.5) * cell, 0.17, read[column], weight="bold")
    for row in range(inputs):
        _text(axes, left - 0.15, top - (row + 0.5) * cell, row)
        _text(axes, right, top - (row + 0.5) * cell, table[row].sum(), weight="bold")
    _text(axes, right, 0.17, read.sum(), weight="bold")
    _text(axes, left + outputs * cell / 2, top + 0.4, "output map", color=QUIET)
    _text(axes, 0.45, top - inputs * cell / 2, "input map", color=QUIET)
    _text(axes, 0.55, 0.17, "maps read", color=QUIET)
    words = ", ".join(f"{(read == number).sum()} read {number}" for number in numbers)
    words = f"of {outputs} output maps, {words} of {inputs} input maps, {read.sum()} in all"
    return Picture(figure, alt or f"Connection table: {words}.")


# Architectures

SHEETS = 16  # maps drawn one by one; a stack of more is drawn as one block
GAP, HEAD, FOOT = 0.22, 0.42, 0.48  # inches: between columns, above a stack (name), below it (operation)


@dataclass(eq=False)
class _Box:
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
        self.height, self.width = (max(0.1, side * scale) for side in self.sides[:2])
        maps = self.sides[2]
        self.depth = step * (maps - 1 if maps <= SHEETS else SHEETS + 2 * log2(maps / SHEETS))


def architecture(model, *, alt=None):
    """Draw a model from its graph: stacks of maps, heights and widths to scale, with names and shapes.

    What keeps the number of values (activation, normalisation, dropout, flatten) is not drawn, nor is
    padding. Branches stand below each other; a long network continues on the next line.

    Args:
        model: a built functional or sequential model.
    """
    boxes = _boxes(model)
    words = [_described(before, box) for before, box in zip([None, *boxes], boxes, strict=False)]
    if len(words) > 24:
        words[1:-1] = [f"{len(words) - 2} operations"]
    columns = _columns(boxes)
    size, step = (1.08, 0.036) if max(map(len, columns)) == 1 else (0.6, 0.022)
    for box in boxes:
        box.measure(size / max(side for box in boxes for side in box.sides[:2]), step)
    width, height = _place(columns)
    figure, axes = _canvas(width, height)
    for box in chain(*columns):
        alone = len(columns[box.column]) == len(columns[box.column - 1]) == 1
        for source in box.sources:
            _edge(axes, source, box, zoom=alone and source.top == box.top, paper_width=width)
        if box.shape:
            _stack(axes, box)
    note = f"height and width to scale; up to {SHEETS} maps are drawn one by one, more as a block"
    _text(axes, width / 2, 0.1, note, size=8, color=QUIET)
    return Picture(figure, alt or f"Drawing of {model.name} from input to output: {', '.join(words)}.")


def _boxes(model):
    """Return a box for each call of the graph that is drawn, sources before their readers."""
    graph = getattr(model, "_functional", model)
    if not hasattr(graph, "_nodes_by_depth"):
        raise ValueError(f"model must be a built functional or sequential model. Received: {model!r}")
    box_of, boxes = {}, []
    depths = sorted(graph._nodes_by_depth, reverse=True)
    for node in chain(*(graph._nodes_by_depth[depth] for depth in depths)):
        operation, kind, inputs = node.operation, type(node.operation).__name__, node.input_tensors
        shape = _values(node.output_tensors[0])
        sources = list(dict.fromkeys(box_of[id(tensor)] for tensor in inputs))
        kernel = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
        keeps = len(inputs) == 1 and prod(shape) == prod(_values(inputs[0]))
        if (keeps and not (operation.weights or kernel)) or (
            inputs and ("Normalization" in kind or "Padding" in kind)
        ):
            box = sources[0]
        else:
            column = 1 + max((source.column for source in sources), default=-1)
            box = _Box(operation.name, shape, sources, column, _words(kind) if sources else "", kernel)
            if len(inputs) > 1:
                box.colour = PURPLE
            elif hasattr(operation, "kernel_size"):
                box.colour = BLUE
            elif operation.weights and len(shape) == 1:
                box.colour = GREEN
            elif inputs:
                box.colour = ORANGE
            boxes.append(box)
        box_of |= {id(tensor): box for tensor in node.output_tensors}
    return boxes


def _values(tensor):
    """Return a tensor's shape without the batch, an open size as 1, a single value as (1,)."""
    return tuple(side or 1 for side in tensor.shape[1:]) or (1,)


def _words(kind):
    """Return a layer's class in words: `partial convolution` for `PartialConv2D`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", re.sub(r"[123]D$", "", kind))
    words = [word if word.isupper() else word.lower() for word in words]
    return " ".join({"conv": "convolution", "euclidean": "Euclidean"}.get(word, word) for word in words)


def _described(before, box):
    """Return an operation in words and, if it does not read the one before, what it reads."""
    parts = [f"{box.label} {_times(box.kernel or (), 'x')}".strip()] if box.label else []
    if box.sources and box.sources != [before]:
        parts.append(f"reads {' and '.join(source.name for source in box.sources)}")
    return f"{box.name} {_times(box.shape, 'x')}" + (f" ({', '.join(parts)})" if parts else "")


def _columns(boxes):
    """Return the boxes by column, in an order that crosses little; by its bends an edge joins neighbours."""
    columns = [[] for _ in range(1 + max(box.column for box in boxes))]
    bends = {}  # a box or bend -> the bend in the next column
    for box in boxes:
        columns[box.column].append(box)
        for index, source in enumerate(box.sources):
            for column in range(source.column + 1, box.column):
                if source not in bends:
                    bends[source] = _Box("", None, [source], column)
                    columns[column].append(bends[source])
                source = bends[source]
            box.sources[index] = source
    for left, column in pairwise(columns):
        places = {box: (place + 0.5) / len(left) for place, box in enumerate(left)}
        column.sort(key=lambda box: sum(places[source] for source in box.sources) / len(box.sources))
    return columns


def _place(columns):
    """Set where each box stands, and return the width and the height of the paper."""
    margin = 0.12
    rows, ends = [[]], [margin]
    for column in columns:
        widest = max(max(box.extent[0], 0.085 * len(box.name), 0.86 * bool(box.shape)) for box in column)
        if rows[-1] and ends[-1] + widest > WIDTH:
            rows.append([])
            ends.append(margin)
        for box in column:
            box.width = box.width if box.shape else widest
            box.x = ends[-1] + (widest - box.extent[0]) / 2
        rows[-1].append(column)
        ends[-1] += widest + GAP
    room = [max(box.extent[1] for box in chain(*row)) for row in rows]  # for the stacks of a line
    tall = [
        [sum(HEAD + stack + FOOT if box.shape else 0.3 for box in column) for column in row]
        for row, stack in zip(rows, room, strict=True)
    ]
    top = height = 0.1 + sum(max(heights) + 0.2 for heights in tall)
    for row, stack, heights in zip(rows, room, tall, strict=True):
        for column, needed in zip(row, heights, strict=True):
            y = top - (max(heights) - needed) / 2
            for box in column:
                box.top, box.head = top, y - HEAD
                box.y = y - HEAD - (stack + box.extent[1]) / 2 if box.shape else y - 0.15
                box.foot = box.head - stack
                y -= HEAD + stack + FOOT if box.shape else 0.3
        top -= max(heights) + 0.2
    return max(ends) - GAP + margin, height


def _edge(axes, source, box, *, zoom, paper_width):
    """Draw how one box reads another: a window that narrows to a point, a fan of connections, or an arrow."""
    (w, h), (x, y) = (source.width, source.height), (source.x, source.y)
    style = {"color": INK, "linewidth": 0.8}
    if zoom and len(box.shape) > 1:
        rows, columns, _ = source.sides
        high, wide = ((1, 1, *box.kernel) if box.kernel else (rows, columns))[-2:]
        wide, high = min(max(0.05, wide * w / columns), w), min(max(0.05, high * h / rows), h)
        x, y = x + 0.85 * (w - wide), y + 0.7 * (h - high)
        point = (box.x + 0.2 * box.width, box.y + 0.4 * box.height)
        axes.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=INK, linewidth=1.0, zorder=6))
        for corner in ((x + wide, y), (x + wide, y + high)):
            axes.plot(*zip(corner, point, strict=True), zorder=6, **style)
        axes.plot(*point, "o", color=INK, markersize=2.6, zorder=6)
    elif zoom:
        axes.plot((x + w, box.x), (y, box.y), zorder=1, **style)
        last = (box.x + box.depth, box.y + box.extent[1])
        axes.plot((x + source.extent[0], last[0]), (y + source.extent[1], last[1]), zorder=1, **style)
    else:
        start = (x + source.extent[0], y + 0.75 * source.depth + h / 2)
        points = [start, (box.x, box.y + box.height / 2)]
        if source.top != box.top:  # around the end of the line
            end, level = points[1], box.top + 0.1
            right = paper_width - 0.05
            points[1:1] = [(right, start[1]), (right, level), (0.05, level), (0.05, end[1])]
        if box.shape is None:
            points.append((box.x + box.width, box.y))
        axes.plot(*zip(*points, strict=True), color=QUIET, linewidth=1.0, zorder=1)
        if box.shape:
            arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", points[-1], points[-2], arrowprops=arrow)


def _stack(axes, box):
    """Draw the maps of a box with its name and shape above and its operation below."""
    paper, ink = _rgb(PAPER), _rgb(box.colour)
    front, side, lid = (paper + strength * (ink - paper) for strength in (0.35, 0.6, 0.2))
    style = {"edgecolor": ink * 0.75, "linewidth": 0.8, "zorder": 3}
    x, y, w, h, dx, dy = box.x, box.y, box.width, box.height, box.depth, 0.75 * box.depth
    sheets = [0.0]
    if box.sides[2] <= SHEETS:
        sheets = np.linspace(1, 0, box.sides[2]) if box.sides[2] > 1 else sheets
    else:
        corner = (x + w + dx, y + h + dy)
        upper = [(x, y + h), (x + dx, y + h + dy), corner, (x + w, y + h)]
        right = [(x + w, y), (x + w + dx, y + dy), corner, (x + w, y + h)]
        axes.add_patch(Polygon(upper, facecolor=lid, **style))
        axes.add_patch(Polygon(right, facecolor=side, **style))
    for back in sheets:  # the last map first: the others cover it
        axes.add_patch(Rectangle((x + back * dx, y + back * dy), w, h, facecolor=front, **style))
    middle = x + box.extent[0] / 2
    _text(axes, middle, box.head + 0.3, box.name, size=10, weight="bold")
    _text(axes, middle, box.head + 0.13, _times(box.shape))
    below = [*textwrap.wrap(box.label, 14), _times(box.kernel or ())]
    _text(axes, middle, box.foot - 0.06, "\n".join(below), size=8, color=QUIET, va="top")
