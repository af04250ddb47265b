"""Draw every picture of the chapters, each with a description in words.

Every function returns a `Picture` and takes `alt`, its description. The default is made from names, shapes
and counts, never from trained digits: a notebook's stored text must be the same on every machine.

Colours are those of Okabe and Ito ("Color universal design", 2008), which colour-blind readers tell apart,
and never the only sign: markers, dashes, numbers or names repeat them. The paper is opaque and nearly white:
a picture looks the same on a light and on a dark page. Nothing passes through pyplot or changes its settings.
"""

import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import chain, groupby, pairwise
from math import log2, prod
from numbers import Integral
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator
from PIL import Image

from course_lib.backend import keras
from course_lib.ledger import ledger as count

__all__ = [
    "Picture",
    "architecture",
    "bars",
    "columns",
    "confusion",
    "connection_table",
    "feature_maps",
    "filters",
    "images",
    "learning_curves",
    "lines",
    "panels",
    "predictions",
    "pyramid",
    "receptive_field",
    "river",
    "skeletons",
    "towers",
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
    longest = max((len(line) for label in labels or [] for line in label.split("\n")), default=0)
    gap, left = 0.1, max(1.15, 0.1 + 0.085 * longest) if labels else 0.0
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
    array, probabilities = _as_images(array), np.asarray(probabilities)
    if probabilities.shape != (len(array), len(class_names)):
        raise ValueError(
            "probabilities must be a row an image, a column a class. "
            f"Received: {probabilities.shape}, {len(array)} images, {len(class_names)} classes"
        )
    if not 1 <= best <= len(class_names) or columns < 1:
        raise ValueError(f"best and columns must be at least 1. Received: best={best}, columns={columns}")
    if truth is not None and len(truth) != len(array):
        raise ValueError(f"truth must be a number an image. Received: {len(truth)}, {len(array)} images")
    side, bar, wide = 1.35, 0.2, WIDTH / columns
    tall = side + best * bar + 0.5
    figure, axes = _canvas(WIDTH, tall * -(-len(array) // columns))
    limits = {"vmin": array.min(), "vmax": array.max()}
    for number, (image, row) in enumerate(zip(array, probabilities, strict=True)):
        x, y = number % columns * wide, figure.get_figheight() - number // columns * tall
        middle, right = x + wide / 2, None if truth is None else int(truth[number])
        if right is not None:
            _text(axes, middle, y - 0.13, str(class_names[right]), weight="bold")
        extent = (middle - side / 2, middle + side / 2, y - 0.26 - side, y - 0.26)
        axes.imshow(image, "gray", extent=extent, interpolation="nearest", **limits)
        for place, label in enumerate(np.argsort(-row)[:best]):
            low, left = y - 0.34 - side - (place + 1) * bar, x + 0.15
            colour = SKY if label == right else GRID
            size = ((wide - 0.3) * float(row[label]), bar - 0.04)
            axes.add_patch(Rectangle((left, low), *size, facecolor=colour, edgecolor=QUIET, linewidth=0.5))
            style = {"weight": "bold" if label == right else "normal", "ha": "left", "size": 8}
            _text(axes, left + 0.05, low + bar / 2 - 0.02, str(class_names[label]), **style)
    axes.set(xlim=(0, WIDTH), ylim=(0, figure.get_figheight()), aspect="auto")
    words = f"Images of {array.shape[1]} x {array.shape[2]} pixels: {len(array)}, each with its {best} most "
    mark = "" if truth is None else "; the true class is blue"
    return Picture(figure, alt or f"{words}probable classes as bars, the most probable first{mark}.")


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


def columns(names, series, *, references=None, alt=None):
    """Draw values as upright bars over names, each with its number, a panel for each series.

    Args:
        names: what the bars stand for, `(N,)`; a line break is allowed.
        series: what a panel shows, with its unit -> `(N,)` values; None where there is none.
        references: series -> (name, level), drawn dotted in its panel; or None.
    """
    _few(series, "series")
    names = [str(name) for name in names]
    figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * len(series)), layout="constrained")
    for place, ((title, values), colour) in enumerate(zip(series.items(), COLOURS, strict=False), 1):
        if len(values) != len(names):
            raise ValueError(f"Each name must have a value. Received: {title}, {len(values)} of {len(names)}")
        axes = _axes(figure, len(series), 1, place, title=title)
        heights = [value or 0 for value in values]
        axes.bar(range(len(names)), heights, color=colour, width=0.62)
        axes.set_ylim(0, 1.18 * max(heights))
        axes.set_xticks(range(len(names)), names if place == len(series) else [""] * len(names))
        for at, value in enumerate(values):
            words = "\N{EN DASH}" if value is None else f"{value:,}"
            label = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
            _text(axes, at, (value or 0) + 0.02 * max(heights), words, va="bottom", weight="bold", bbox=label)
        if title in (references or {}):
            name, level = references[title]
            axes.axhline(level, color=INK, linestyle=":", linewidth=1.4)
            _text(axes, 1.01, level, name, ha="left", color=QUIET, transform=axes.get_yaxis_transform())
    words = "; ".join(
        f"{title}: {', '.join(str('none' if value is None else value) for value in values)}"
        for title, values in series.items()
    )
    spoken = ", ".join(" ".join(name.split()) for name in names)
    return Picture(figure, alt or f"Bars for {spoken}. {words}.")


def pyramid(ledger, columns=("activations", "parameters"), *, alt=None):
    """Draw two columns of a ledger as bars back to back, the first layer on top, each with its share in %.

    Each side has its own scale. In the middle stand the layers and their shapes. Layers with less than 0.05 %
    on both sides, which nobody could see, are left out; the totals count them.

    Args:
        ledger: a `ledger.Ledger`, or anything whose `rows` have a `layer`, an `output_shape` and the columns.
        columns: two names of columns, for the left and the right side.
    """
    if len(columns) != 2 or not all(hasattr(row, name) for row in ledger.rows for name in columns):
        raise ValueError(f"columns must be two columns of the ledger. Received: columns={columns!r}")
    totals = [sum(getattr(row, name) for row in ledger.rows) for name in columns]
    if not all(totals):
        raise ValueError(f"Each column must count something. Received: {columns!r}, zero in every row")
    shares = zip(columns, totals, strict=True)
    seen = [[getattr(row, name) / total >= 0.0005 for row in ledger.rows] for name, total in shares]
    rows = [row for row, *is_seen in zip(ledger.rows, *seen, strict=True) if any(is_seen)]
    values = [[getattr(row, name) for row in rows] for name in columns]
    line, middle, reach = 0.25, 1.75, 3.0  # inches: a row, the names, the longest bar
    figure, axes = _canvas(WIDTH, line * len(rows) + 0.5)
    words = []
    sides = zip(columns, values, totals, (BLUE, VERMILION), strict=True)
    for side, (name, counts, total, colour) in enumerate(sides):
        sign, start = 2 * side - 1, (WIDTH + (2 * side - 1) * middle) / 2
        title = {"size": 11, "color": colour, "weight": "bold", "ha": "left" if side else "right"}
        _text(axes, start, line * len(rows) + 0.28, f"{name}: {total:,}", **title)
        for place, amount in enumerate(counts):
            y, wide = line * (len(rows) - 1 - place) + 0.1, reach * amount / max(counts)
            corner = (start if side else start - wide, y + 0.03)
            axes.add_patch(Rectangle(corner, wide, line - 0.06, facecolor=colour, linewidth=0))
            share = f"{100 * amount / total:.1f} %" if amount else ""
            _text(axes, start + sign * (wide + 0.06), y + line / 2, share, ha="left" if side else "right")
        most = max(rows, key=lambda row, name=name: getattr(row, name))
        words.append(f"{name}, {total:,} in all, most in {most.layer} ({getattr(most, name):,})")
    for place, row in enumerate(rows):
        y = line * (len(rows) - 0.5 - place) + 0.1
        _text(axes, (WIDTH - middle) / 2 + 0.08, y, row.layer, ha="left", weight="bold")
        shape = _times(row.output_shape).replace(" ", "")
        _text(axes, (WIDTH + middle) / 2 - 0.08, y, shape, size=8, color=QUIET, ha="right")
    alt = alt or f"Bars back to back for the layers {rows[0].layer} to {rows[-1].layer}: {'; '.join(words)}."
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
        weights = getattr(operation, "weights", ())  # an operation that is no layer has none
        keeps = len(inputs) == 1 and prod(shape) == prod(_values(inputs[0]))
        if (keeps and not (weights or kernel)) or (inputs and ("Normalization" in kind or "Padding" in kind)):
            box = sources[0]
        else:
            column = 1 + max((source.column for source in sources), default=-1)
            box = _Box(operation.name, shape, sources, column, _words(kind) if sources else "", kernel)
            if len(inputs) > 1:
                box.colour = PURPLE
            elif hasattr(operation, "kernel_size"):
                box.colour = BLUE
            elif weights and len(shape) == 1:
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
    _block(axes, box)
    middle = box.x + box.extent[0] / 2
    _text(axes, middle, box.head + 0.3, box.name, size=10, weight="bold")
    _text(axes, middle, box.head + 0.13, _times(box.shape))
    below = [*textwrap.wrap(box.label, 14), _times(box.kernel or ())]
    _text(axes, middle, box.foot - 0.06, "\n".join(below), size=8, color=QUIET, va="top")


def _block(axes, box):
    """Draw the maps of a box."""
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


def towers(model, *, names=("GPU 1", "GPU 2"), alt=None):
    """Draw a network whose convolutions come in groups as towers, and where these read each other.

    A convolution in as many groups as there are names, and pooling, reads its own tower; every other layer
    between the first and the last reads all of them. Those edges are orange, with the values that one image
    makes cross. The last layer stands between the towers. Side lengths are drawn as their square roots.

    Args:
        model: a built functional model, a chain of layers, with a grouped convolution.
        names: one for each tower, from the top.
    """
    boxes, number = _boxes(model), len(names)
    layers = [model.get_layer(box.name) for box in boxes]
    grouped = [getattr(layer, "groups", 1) == number for layer in layers]
    if number < 2 or not any(grouped) or any(len(box.sources) > 1 for box in boxes):
        raise ValueError(
            f"model must be a chain with convolutions of {number} groups, 2 or more. Received: {model.name}"
        )
    inner = boxes[1:-1]
    if any(box.shape[-1] % number for box in inner):
        raise ValueError(f"{number} towers must have equal parts of every layer. Received: {model.name}")
    first, pitch, lane, foot = 1.25, (WIDTH - 2.1) / len(inner), 1.6, 0.42
    height = foot + number * lane + 0.55
    figure, axes = _canvas(WIDTH, height)
    for row, name in enumerate(names):
        y = foot + (number - 1 - row) * lane
        frame = {"facecolor": GRID, "alpha": 0.55, "linewidth": 0, "zorder": 0}
        axes.add_patch(Rectangle((first - 0.05, y + 0.1), WIDTH - 2.05, lane - 0.2, **frame))
        _text(axes, first + 0.05, y + lane - 0.24, name, color=QUIET, weight="bold", ha="left")
    middle, largest = foot + number * lane / 2, max(boxes[0].sides[:2])

    def placed(box, x, y, share=1):
        """Return the part of a box that stands in one tower, its corner at x and its centre at height y."""
        sides = box.shape[:-1]
        part = _Box(box.name, (*sides, box.shape[-1] // share), [], 0, box.label, box.kernel, box.colour, x)
        rows, columns, maps = part.sides
        part.height, part.width = (max(0.1, 0.9 * (side / largest) ** 0.5) for side in (rows, columns))
        part.depth = min(pitch - 0.17 - part.width, 0.04 * log2(maps)) if maps > 3 else 0.04 * (maps - 1)
        part.y = y - part.extent[1] / 2
        return part

    parts = [[placed(boxes[0], 0.1, middle)]]
    for column, box in enumerate(inner):
        x = first + 0.06 + column * pitch
        parts.append([placed(box, x, foot + (number - row - 0.56) * lane, number) for row in range(number)])
    parts.append([placed(boxes[-1], WIDTH - 0.6, middle)])
    words = []
    for column in range(1, len(boxes)):
        own = column == 1 or grouped[column] or not layers[column].weights
        crossing = prod(boxes[column - 1].shape) * (number - 1)
        for target_row, target in enumerate(parts[column]):
            for source_row, source in enumerate(parts[column - 1]):
                across = len(parts[column - 1]) > 1 and (len(parts[column]) == 1 or source_row != target_row)
                if across and own:
                    continue
                start = (source.x + source.extent[0] + 0.02, source.y + source.extent[1] / 2)
                end = (target.x - 0.03, target.y + target.height / 2)
                colour = VERMILION if across else QUIET
                arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.6 if across else 1.0}
                arrow |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
                axes.annotate("", end, start, arrowprops=arrow, zorder=5)
        if not own:
            x = parts[column][0].x - 0.12
            label = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.2}
            if column < len(boxes) - 1:
                _text(axes, x, middle, f"{crossing:,}", size=7.5, color=VERMILION, bbox=label, zorder=7)
            words.append(boxes[column].name)
    for part in chain(*parts):
        _block(axes, part)
        shape = _times(part.shape).replace(" ", "")
        _text(axes, part.x + part.extent[0] / 2, part.y - 0.1, shape, size=7.5, zorder=8)
    for column, box in enumerate(boxes):
        part = parts[column][0]
        x = part.x + part.extent[0] / 2
        _text(axes, x, height - 0.2, box.name, size=9, weight="bold")
        below = "\n".join([box.label.replace("convolution", "conv").replace(" pooling", ""), ""])
        _text(
            axes, x, height - 0.4, f"{below.strip()} {_times(box.kernel or ())}".strip(), size=7, color=QUIET
        )
    note = "orange: a layer reads the other tower; the number of values that cross for one image"
    _text(axes, WIDTH / 2, 0.14, f"{note}; sides drawn as square roots", size=8, color=QUIET)
    shapes = ", ".join(f"{box.name} {_times(box.shape, 'x')}" for box in boxes)
    default = f"Drawing of {model.name} in {number} towers: {shapes}; the towers read each other at "
    return Picture(figure, alt or f"{default}{', '.join(words)}.")


# Rivers

KINDS = {"1x1": SKY, "3x3": BLUE, "5x5": VERMILION, "larger": PURPLE, "pooling": ORANGE, "dense": GREEN}


def river(models, *, alt=None):
    """Draw networks as rivers: a bar for each operation, as tall as it has maps, and what flows between them.

    Colours tell the kernel; a bar that joins branches is cut into what it joins. Below each column of bars
    stand its multiply-adds in the same colours. Several models share both scales.

    Args:
        models: a built functional model, or heading -> model. It calls each layer once, and no other model.
    """
    models = models if isinstance(models, dict) else {"": models}
    _few(models, "models")
    rivers, costs, words, seen = [], [], [], set()
    for heading, model in models.items():
        macs = {row.layer: row.macs for row in count(model).rows if row.macs}
        boxes = _boxes(model)
        if not set(macs) <= {box.name for box in boxes}:
            raise ValueError(f"model must call each layer once, and no other model. Received: {model.name}")
        kinds = Counter(map(_kind, boxes))
        seen |= set(kinds)
        kinds = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
        ends = f"{_times(boxes[0].shape, 'x')} to {_times(boxes[-1].shape, 'x')}"
        words.append(f"{heading or model.name}, {ends}, {kinds}, {sum(macs.values()):,} multiply-adds")
        rivers.append(_in_order_of_reading(_columns(boxes)))
        costs.append([[macs.get(box.name, 0) for box in column] for column in rivers[-1]])
    longest = max(map(len, rivers))
    few = longest <= 8  # room for a name beside each bar
    gap, head, strip = (0.2, 0.3, 0.5) if few else (0.07, 1.3, 0.7)
    inch = (1.9 if few else 2.4) / max(sum(map(_maps, column)) for column in chain(*rivers))
    unit = strip / max(map(sum, chain(*costs)))
    tall = [[sum(inch * _maps(box) + gap for box in column) for column in columns] for columns in rivers]
    top = sum(map(max, tall)) + len(rivers) * (head + strip + 0.4) + 0.3
    figure, axes = _canvas(WIDTH, top)
    for (heading, model), columns, sums, heights in zip(models.items(), rivers, costs, tall, strict=True):
        top -= head + max(heights) + strip + 0.4  # the floor, on which the multiply-adds stand
        pitch = (WIDTH - 0.2) / (len(columns) - 0.2 * few)
        bank = top + strip + 0.25 + max(heights)
        total = f"{heading + ': ' * bool(heading)}{sum(chain(*sums)) / 1e6:,.1f} M multiply-adds"
        _text(axes, 0.1, bank + 0.15 if few else top + strip + 0.13, total, size=10, weight="bold", ha="left")
        axes.plot((0.1, WIDTH - 0.1), (top, top), color=QUIET, linewidth=0.6)
        for number, (column, cost, height) in enumerate(zip(columns, sums, heights, strict=True)):
            x, y, floor = 0.1 + number * pitch, bank - (max(heights) - height) / 2, top
            for box, macs in zip(column, cost, strict=True):
                box.x, box.width, box.height = x, 0.12, inch * _maps(box)
                y -= box.height + gap
                box.y = y + gap / 2
                _flow(axes, box)
                size = (box.width, macs * unit)
                axes.add_patch(Rectangle((x, floor), *size, facecolor=_tint(box), linewidth=0))
                floor += macs * unit
                if few and box.shape:
                    label = f"{box.name.removeprefix(f'{model.name}_')}, {_maps(box)} maps"
                    label += f": {macs / 1e6:,.1f} M" * bool(macs)
                    _text(axes, x + 0.17, box.y + box.height / 2, label, size=8.5, ha="left", zorder=9)
            if few and sum(cost):
                label = f"{sum(cost) / 1e6:,.1f} M"
                _text(axes, x + 0.17, top + 0.1, label, size=8.5, color=QUIET, ha="left")
            elif len(column) == 1 and column[0].shape and not few:
                name = f"{column[0].name.removesuffix('_join')}  {_times(column[0].shape)}"
                _text(axes, x + 0.06, bank + 0.05, name, size=7.5, rotation=90, va="bottom")
    _colours(axes, seen, "bars: number of maps; below: multiply-adds")
    return Picture(figure, alt or f"Maps drawn as a river. {'. '.join(words)}.")


def _in_order_of_reading(columns):
    """Return the columns with each box as high as its first reader takes it in."""
    for left, right in reversed([*pairwise(columns)]):
        places = {}
        for place, box in enumerate(right):
            for index, source in enumerate(box.sources):
                places.setdefault(source, (place, index))
        left.sort(key=lambda box: places.get(box, (len(right), 0)))
    return columns


def _origin(box):
    """Return the box from which a bend comes; a box comes from itself."""
    while box.shape is None:
        (box,) = box.sources
    return box


def _maps(box):
    return _origin(box).sides[2]


def _kind(box):
    """Return the key of `KINDS`; an empty word for the input and where branches join."""
    if box.colour == BLUE:
        return {(1, 1): "1x1", (3, 3): "3x3", (5, 5): "5x5"}.get(box.kernel, "larger")
    return {ORANGE: "pooling", GREEN: "dense"}.get(box.colour, "")


def _tint(box):
    return KINDS.get(_kind(_origin(box)), QUIET)


def _colours(axes, seen, note):
    """Draw the colours of the kinds that were seen along the foot, and a note at its right end."""
    for place, kind in enumerate(kind for kind in KINDS if kind in seen):
        axes.add_patch(Rectangle((0.1 + 0.95 * place, 0.07), 0.12, 0.12, facecolor=KINDS[kind], linewidth=0))
        label = kind.replace("x", "\N{MULTIPLICATION SIGN}")
        _text(axes, 0.28 + 0.95 * place, 0.13, label, size=8.5, ha="left")
    _text(axes, WIDTH - 0.1, 0.13, note, size=8.5, color=QUIET, ha="right")


def _flow(axes, box):
    """Draw a box, cut into slices if it joins its sources, and what flows into it."""
    cut = len(box.sources) > 1 and sum(map(_maps, box.sources)) == _maps(box)
    high = box.y + box.height
    for source in box.sources:
        low = high - source.height if cut else box.y
        across = np.linspace(0, 1, 24)
        bend = across**2 * (3 - 2 * across)
        x = source.x + source.width + across * (box.x - source.x - source.width)
        start = source.y, source.y + source.height
        below, above = (a + bend * (b - a) for a, b in zip(start, (low, high), strict=True))
        tint = _tint(source) if len(box.sources) > 1 else _tint(box)
        axes.fill_between(x, below, above, color=tint, alpha=0.25, linewidth=0, zorder=2)
        if cut:
            size = (box.width, source.height)
            axes.add_patch(Rectangle((box.x, low), *size, facecolor=tint, linewidth=0, zorder=4))
            high = low
    if not cut:
        size, alpha = (box.width, max(0.02, box.height)), 1 if box.shape else 0.25
        axes.add_patch(
            Rectangle((box.x, box.y), *size, facecolor=_tint(box), alpha=alpha, linewidth=0, zorder=4)
        )


# Skeletons


def skeletons(models, *, alt=None):
    """Draw networks under each other as figure 3 of He et al. 2016 does: a bar a layer, an arc a shortcut.

    Drawn are convolutions, pooling and dense layers on the longest path, in the colours of `KINDS`. A bar is
    as high as the square root of its map's side; below each run of equal bars stand the number of maps and,
    grey, their side. An arc spans what a shortcut passes by: solid where it changes nothing, dashed where it
    projects, or skips and pads.

    Args:
        models: a heading -> a built functional model.
    """
    _few(models, "models")
    strips = {heading: _skeleton(model) for heading, model in models.items()}
    everything = [box for bars, _ in strips.values() for box in bars]
    pitch = (WIDTH - 0.2) / max(len(bars) for bars, _ in strips.values())
    inch = 0.85 / max(box.sides[0] for box in everything) ** 0.5
    drawn = [[max(0.14, inch * box.sides[0] ** 0.5) for box in bars] for bars, _ in strips.values()]
    tops = [
        max([*heights, *(max(heights[first:last]) + 0.27 for first, last, _ in arcs)])
        for heights, (_, arcs) in zip(drawn, strips.values(), strict=True)
    ]
    figure, axes = _canvas(WIDTH, sum(tops) + 0.78 * len(tops) + 0.2)
    base, words = figure.get_figheight() - 0.36, []
    for heights, high, (heading, (bars, arcs)) in zip(drawn, tops, strips.items(), strict=True):
        _text(axes, 0.1, base + 0.2, heading, size=10, weight="bold", ha="left")
        base -= high
        for place, (box, height) in enumerate(zip(bars, heights, strict=True)):
            bar = Rectangle((0.1 + (place + 0.12) * pitch, base), 0.76 * pitch, height, linewidth=0)
            bar.set_facecolor(_tint(box))
            axes.add_patch(bar)
        for axis, below, colour in ((2, 0.1, INK), (0, 0.23, QUIET)):
            place = 0
            for number, run in groupby(box.sides[axis] for box in bars):
                wide = len(list(run)) * pitch
                if wide > 0.06 * len(str(number)):  # there is room for it
                    _text(axes, 0.1 + place + wide / 2, base - below, number, size=7, color=colour)
                place += wide
        for first, last, changes in arcs:
            left, right = 0.1 + (first + 0.12) * pitch, 0.1 + (last - 0.12) * pitch
            angle = np.linspace(0, np.pi, 25)
            x = (left + right) / 2 - (right - left) / 2 * np.cos(angle)
            y = base + max(heights[first:last]) + 0.05 + 0.22 * np.sin(angle)
            axes.plot(x, y, color=INK, linewidth=1.2, linestyle=(0, (2, 1)) if changes else "-")
        base -= 0.78
        shortcuts = (
            f", {len(arcs)} shortcuts, {sum(changes for *_, changes in arcs)} of them change the shape"
        )
        words.append(f"{heading}: {len(bars)} layers{shortcuts if arcs else ''}")
    _colours(axes, [_kind(box) for box in everything], "below the bars: number of maps and, grey, their side")
    return Picture(figure, alt or f"Networks as rows of bars, a bar a layer. {'; '.join(words)}.")


def _skeleton(model):
    """Return the boxes on the longest path, and of each shortcut where it starts and ends, and if it changes.

    A place is the number of bars before it. Of branches that meet, the path follows the one with the most
    layers that have weights.
    """
    boxes, depth = _boxes(model), {}
    for box in boxes:
        depth[box] = max((depth[source] for source in box.sources), default=0) + (box.colour in (BLUE, GREEN))
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
            while source not in places:
                changes, (source, *_) = True, source.sources
            if source is not before:
                arcs.append((places[source], len(bars), changes))
    return bars, arcs


def panels(groups, *, x_label, y_label, references=None, log_y=False, alt=None):
    """Draw lines in panels side by side, on one scale of y.

    Args:
        groups: a panel's title -> name -> values `(points,)`, of places counted from 1.
        x_label, y_label: what the axes show, with units.
        references: name -> a level of y to compare with, drawn dotted in each panel; or None.
        log_y: whether y is logarithmic.
    """
    _few(groups, "groups")
    names = list(dict.fromkeys(name for series in groups.values() for name in series))
    _few(names, "series")
    looks = dict(zip(names, zip(COLOURS, MARKERS, strict=True), strict=False))
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    drawn = []
    for place, (title, series) in enumerate(groups.items(), 1):
        label = y_label if place == 1 else None
        axes = _axes(figure, 1, len(groups), place, title=title, x_label=x_label, y_label=label)
        for name, values in series.items():
            values, (colour, marker) = np.asarray(values, dtype=float), looks[name]
            if values.ndim != 1 or not values.size:
                raise ValueError(f"A line must be (points,) values. Received: {name}, {values.shape}")
            style = {"color": colour, "marker": marker, "markevery": max(1, values.size // 12)}
            axes.plot(range(1, values.size + 1), values, **style, markersize=5, linewidth=1.8, label=name)
        for name, level in (references or {}).items():
            axes.axhline(level, color=QUIET, linestyle=":", linewidth=1.6, label=name)
        axes.set_yscale("log" if log_y else "linear")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=9, labelcolor=INK, handlelength=2.6)
        drawn.append(axes)
    lows, highs = zip(*(axes.get_ylim() for axes in drawn), strict=True)
    low, high = min(lows), max(highs)
    high *= (high / low) ** 0.04 if log_y else 1  # decades below, the highest line would touch the edge
    for axes in drawn:
        axes.set_ylim(low, high)
    words = "; ".join(f"{title}: {', '.join(series)}" for title, series in groups.items())
    levels = f"; for comparison {', '.join(references)}" if references else ""
    return Picture(figure, alt or f"Lines of {y_label} over {x_label} in panels. {words}{levels}.")
