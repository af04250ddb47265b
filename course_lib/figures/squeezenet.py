"""Draw what chapter 14 alone draws: errors over the bytes of a file, and the levels that weights share."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from course_lib import checks
from course_lib.figures.paper import (
    COLOURS,
    INK,
    MARKERS,
    QUIET,
    WIDTH,
    Picture,
    add_axes,
    add_legend,
    require_few,
    write,
)

__all__ = ["error_by_size", "levels"]

TICKS = [step * 10**power for power in range(7) for step in (1, 2, 5)]


def error_by_size(series, *, x_label, y_label, references=None, alt=None):
    """Draw errors over sizes, both logarithmic: a mark at the mean of the runs, a line from least to most.

    Args:
        series: name -> (a label a point, sizes `(points,)`, errors `(runs, points)`), all above 0.
        x_label, y_label: what the axes show, with units.
        references: name -> a level of y to compare with, drawn dotted; or None.
    """
    require_few(series, "series")
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = add_axes(figure, x_label=x_label, y_label=y_label)
    for (name, (labels, sizes, errors)), colour, marker in zip(
        series.items(), COLOURS, MARKERS, strict=False
    ):
        sizes, errors = np.asarray(sizes, dtype=float), np.atleast_2d(np.asarray(errors, dtype=float))
        fits = errors.shape[1:] == sizes.shape == (len(labels),) and min(sizes.min(), errors.min()) > 0
        received = f"{name}, {len(labels)} labels, sizes {sizes.shape}, errors {errors.shape}"
        checks.require(fits, "Each point must have a label, a size and errors, above 0.", received)
        middle = errors.mean(axis=0)
        axes.vlines(sizes, errors.min(axis=0), errors.max(axis=0), color=colour, alpha=0.5, linewidth=1.4)
        axes.plot(sizes, middle, color=colour, marker=marker, markersize=6, linewidth=1.6, label=name)
        for label, size, error in zip(labels, sizes, middle, strict=True):
            place = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": 8.5, "color": colour}
            axes.annotate(label, (size, error), **place)
    for name, level in (references or {}).items():
        axes.axhline(level, color=QUIET, linestyle=":", linewidth=1.6, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        low, high = axis.get_view_interval()
        axis.set_ticks([tick for tick in TICKS if low <= tick <= high])
    add_legend(axes, loc="upper right", bbox_to_anchor=(1, 0.93))
    words = "; ".join(f"{name}: {', '.join(labels)}" for name, (labels, _, _) in series.items())
    return Picture(figure, alt or f"{y_label} over {x_label}. {words}.")


def levels(weights, choices, *, alt=None):
    """Draw how many weights have which value, and below it the levels that each choice offers.

    Args:
        weights: `(N,)`.
        choices: name -> levels `(K,)`.
    """
    weights = np.asarray(weights, dtype=float)
    checks.require(weights.ndim == 1 and weights.size, "weights must be (N,) values.", f"{weights.shape}")
    require_few(choices, "choices")
    figure = Figure(figsize=(WIDTH, 2.6 + 0.5 * len(choices)), layout="constrained")
    axes = add_axes(figure, x_label="weight", y_label="number of weights")
    heights, *_ = axes.hist(weights, bins=60, color=QUIET, alpha=0.35)
    step = 0.13 * max(heights)
    for row, ((name, values), colour) in enumerate(zip(choices.items(), COLOURS, strict=False), 1):
        axes.vlines(values, -step * (row + 0.35), -step * (row - 0.35), color=colour, linewidth=2.2)
        write(axes, 1.01, -step * row, name, ha="left", color=INK, transform=axes.get_yaxis_transform())
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_ylim(-step * (len(choices) + 0.6), None)
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= max(heights)])
    counts = ", ".join(f"{name} {len(values)}" for name, values in choices.items())
    return Picture(figure, alt or f"Histogram of {weights.size} weights, and levels below it: {counts}.")
