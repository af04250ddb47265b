"""Draw numbers: lines and their panels, learning curves, bars."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from course_lib import checks
from course_lib.figures.paper import (
    COLOURS,
    INK,
    MARKERS,
    PAPER,
    QUIET,
    WIDTH,
    Picture,
    add_axes,
    add_legend,
    require_few,
    write,
)

__all__ = ["bars", "columns", "learning_curves", "lines", "most", "panels"]


def lines(x, series, *, x_label, y_label, references=None, log_y=False, ticks=None, alt=None):
    """Draw lines over x; several runs of one series become their mean in a band from smallest to largest.

    Args:
        x: positions, `(points,)`.
        series: name -> `(points,)` or `(runs, points)`.
        x_label, y_label: what the axes show, with units.
        references: name -> a level of y to compare with, drawn dotted; or None.
        log_y: whether y is logarithmic.
        ticks: place on x -> its name, such as a layer's; None for numbers.
    """
    x = np.asarray(x)
    require_few(series, "series")
    figure = Figure(figsize=(8.2, 3.8), layout="constrained")
    axes = add_axes(figure, x_label=x_label, y_label=y_label)
    bands = ""
    for (name, values), colour, marker in zip(series.items(), COLOURS, MARKERS, strict=False):
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        fits = x.ndim == 1 and x.size and runs.ndim == 2 and runs.shape[1] == x.size
        checks.require(fits, "A line must have a value for each x.", f"{name}, {runs.shape}, x {x.shape}")
        if len(runs) > 1:
            bands = "; bands reach from the smallest to the largest run"
            axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        _line(axes, x, runs.mean(axis=0), name, colour, marker)
    _finish(axes, references, log_y, ticks, whole_x=np.issubdtype(x.dtype, np.integer))
    add_legend(axes)
    words = f"{', '.join(series)}{_compared(references)}{bands}"
    return Picture(figure, alt or f"Lines of {y_label} over {x_label}: {words}.")


def panels(groups, *, x_label, y_label, references=None, log_y=False, x=None, ticks=None, alt=None):
    """Draw lines in panels side by side, on one scale of y; panels of the same names share a legend.

    Args:
        groups: a panel's title -> name -> values `(points,)`.
        x_label, y_label: what the axes show, with units.
        references: name -> a level of y to compare with, drawn dotted in each panel; or None.
        log_y: whether y is logarithmic.
        x: positions, `(points,)`; None for places counted from 1.
        ticks: place on x -> its name, such as a layer's; None for numbers.
    """
    require_few(groups, "groups")
    names = list(dict.fromkeys(name for series in groups.values() for name in series))
    require_few(names, "series")
    looks = dict(zip(names, zip(COLOURS, MARKERS, strict=True), strict=False))
    is_shared = all(list(series) == names for series in groups.values())  # the legend, which covers no line
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    for place, (title, series) in enumerate(groups.items(), 1):
        label = y_label if place == 1 else None
        axes = add_axes(figure, 1, len(groups), place, title=title, x_label=x_label, y_label=label)
        for name, values in series.items():
            values = np.asarray(values, dtype=float)
            is_line = values.ndim == 1 and values.size
            checks.require(is_line, "A line must be (points,) values.", f"{name}, {values.shape}")
            places = range(1, values.size + 1) if x is None else x
            _line(axes, places, values, name, *looks[name])
        _finish(axes, references, log_y, ticks, whole_x=True)
        if not is_shared:
            add_legend(axes, loc="best", bbox_to_anchor=None)
    if is_shared:
        add_legend(figure.axes[-1])
    lows, highs = zip(*(axes.get_ylim() for axes in figure.axes), strict=True)
    low, high = min(lows), max(highs)
    if log_y:
        high *= (high / low) ** 0.04  # decades below, the highest line would touch the edge
    for axes in figure.axes:
        axes.set_ylim(low, high)
    words = "; ".join(f"{title}: {', '.join(series)}" for title, series in groups.items())
    words += _compared(references)
    return Picture(figure, alt or f"Lines of {y_label} over {x_label} in panels. {words}.")


def _line(axes, x, values, name, colour, marker):
    every = max(1, len(values) // 12)
    style = {"color": colour, "marker": marker, "markevery": every, "markersize": 5, "linewidth": 1.8}
    axes.plot(x, values, **style, label=name)


def _finish(axes, references, log_y, ticks, *, whole_x):
    """Draw the levels to compare with, set the scales, and name places on x."""
    for name, level in (references or {}).items():
        axes.axhline(level, color=QUIET, linestyle=":", linewidth=1.6, label=name)
    axes.set_yscale("log" if log_y else "linear")
    if ticks:
        axes.set_xticks(list(ticks), ticks.values())
    elif whole_x:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _compared(references):
    return f"; for comparison {', '.join(references)}" if references else ""


def learning_curves(histories, *, metrics=None, alt=None):
    """Draw what `fit` returned over the epochs, a panel for each metric: training dashed, test solid.

    Args:
        histories: a Keras `History`, or name -> `History` (or its dict of lists) for several runs.
        metrics: names such as `loss`; by default all that were measured in training and in test.
    """
    histories = {"": histories} if hasattr(histories, "history") else histories
    require_few(histories, "histories")
    runs = {name: getattr(history, "history", history) for name, history in histories.items()}
    first, *_ = runs.values()
    both = [key for key in first if all({key, f"val_{key}"} <= set(run) for run in runs.values())]
    metrics = both if metrics is None else list(metrics)
    are_measured = metrics and set(metrics) <= set(both)
    checks.require(are_measured, f"metrics must be some of {both}, measured in both.", f"{metrics=}")
    figure = Figure(figsize=(min(WIDTH, 1.6 + 4 * len(metrics)), 3.6), layout="constrained")
    for place, metric in enumerate(metrics, 1):
        axes = add_axes(figure, 1, len(metrics), place, title=metric.replace("_", " "), x_label="epoch")
        for (name, run), colour, marker in zip(runs.items(), COLOURS, MARKERS, strict=False):
            epochs = range(1, len(run[metric]) + 1)
            marks = {"marker": marker, "markersize": 4.5, "markevery": max(1, len(epochs) // 10)}
            training, test = (f"{name} {part}".strip() for part in ("training", "test"))
            axes.plot(epochs, run[metric], "--", color=colour, linewidth=1.5, label=training)
            axes.plot(epochs, run[f"val_{metric}"], color=colour, linewidth=1.8, label=test, **marks)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(axes)
    whose = f" of {', '.join(runs)}" if any(runs) else ""
    words = f"Learning curves{whose}: {', '.join(metrics)} over the epochs, training and test."
    return Picture(figure, alt or words)


def bars(ledger, column="parameters", *, alt=None):
    """Draw columns of a ledger as bars, one for each layer that counts anything in them.

    Args:
        ledger: a `ledger.Ledger`, or anything whose `rows` have a `layer` and the columns.
        column: such as "parameters", or several such as ("parameters", "connections"), side by side.
    """
    columns = [column] if isinstance(column, str) else list(column)
    require_few(columns, "column")
    for name in columns:
        has_column = all(hasattr(row, name) for row in ledger.rows)
        checks.require(has_column, "column must be a column of the ledger.", f"column={name!r}")
    rows = [row for row in ledger.rows if any(getattr(row, name) for name in columns)]
    checks.require(rows, "A layer must count something.", f"{column=}, zero in every row")
    width = WIDTH if len(columns) > 1 else 6.4
    figure = Figure(figsize=(width, 1 + 0.3 * len(rows)), layout="constrained")
    for place, (name, colour) in enumerate(zip(columns, COLOURS, strict=False), 1):
        values = [getattr(row, name) or 0 for row in rows]
        axes = add_axes(figure, 1, len(columns), place, title=f"{name}: {sum(values):,}", grid="x")
        axes.barh(range(len(rows)), values, color=colour, height=0.66)
        for at, value in enumerate(values):
            write(axes, value, at, f" {value:,}", ha="left")
        axes.set_yticks(range(len(rows)), [row.layer if place == 1 else "" for row in rows])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(0, max(1, max(values) * 1.3))
    words = "; ".join(most(name, rows) for name in columns)
    return Picture(figure, alt or f"Bars for the layers {rows[0].layer} to {rows[-1].layer}: {words}.")


def most(name, rows):
    """Return in words how much a column counts in rows of a ledger, and where most of it is."""
    total = sum(getattr(row, name) or 0 for row in rows)
    largest = max(rows, key=lambda row: getattr(row, name) or 0)
    return f"{name}, {total:,} in all, most in {largest.layer} ({getattr(largest, name):,})"


def columns(names, series, *, references=None, same_y=False, alt=None):
    """Draw values as upright bars over names, each with its number, a panel for each series.

    Args:
        names: what the bars stand for, `(N,)`; a line break is allowed.
        series: what a panel shows, with its unit -> `(N,)` values; None where there is none.
        references: series -> (name, level), drawn dotted in its panel; or None.
        same_y: whether all panels have one scale of y, for series of one unit.
    """
    require_few(series, "series")
    names = [str(name) for name in names]
    figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * len(series)), layout="constrained")
    for place, ((title, values), colour) in enumerate(zip(series.items(), COLOURS, strict=False), 1):
        received = f"{title}, {len(values)} of {len(names)}"
        checks.require(len(values) == len(names), "Each name must have a value.", received)
        axes = add_axes(figure, len(series), 1, place, title=title)
        heights = [value or 0 for value in values]
        axes.bar(range(len(names)), heights, color=colour, width=0.62)
        highest = max(value or 0 for row in series.values() for value in row) if same_y else max(heights)
        axes.set_ylim(0, 1.18 * highest)
        axes.set_xticks(range(len(names)), names if place == len(series) else [""] * len(names))
        label = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
        for at, (value, height) in enumerate(zip(values, heights, strict=True)):
            words = "\N{EN DASH}" if value is None else f"{value:,}"
            write(axes, at, height + 0.02 * highest, words, va="bottom", weight="bold", bbox=label)
        if title in (references or {}):
            name, level = references[title]
            axes.axhline(level, color=INK, linestyle=":", linewidth=1.4)
            write(axes, 1.01, level, name, ha="left", color=QUIET, transform=axes.get_yaxis_transform())
    words = "; ".join(
        f"{title}: {', '.join('none' if value is None else str(value) for value in values)}"
        for title, values in series.items()
    )
    spoken = ", ".join(" ".join(name.split()) for name in names)
    return Picture(figure, alt or f"Bars for {spoken}. {words}.")
