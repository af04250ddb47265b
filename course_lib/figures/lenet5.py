"""Draw what chapter 01 alone draws: table I of LeCun et al. 1998."""

import numpy as np
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.paper import COLOURS, GRID, PAPER, QUIET, Picture, canvas, write

__all__ = ["connection_table"]


def connection_table(table, *, alt=None):
    """Draw which input maps each output map reads, as table I of LeCun et al. 1998 does, with the sums.

    Args:
        table: booleans, `table[input_map][output_map]`.
    """
    table = np.asarray(table)
    is_table = table.ndim == 2 and table.dtype == bool and table.size
    checks.require(is_table, "table must be rows of booleans.", f"{table.dtype}, {table.shape}")
    inputs, outputs = table.shape
    read = table.sum(axis=0)
    numbers = sorted(set(read.tolist()))
    cell, left, top = 0.4, 1.1, 0.4 * inputs + 0.35
    right = left + outputs * cell + 0.3
    figure, axes = canvas(right + 0.3, top + 0.6)
    for (row, column), connected in np.ndenumerate(table):
        x = left + column * cell
        y = top - (row + 1) * cell
        face = COLOURS[numbers.index(read[column]) % len(COLOURS)] if connected else PAPER
        axes.add_patch(Rectangle((x, y), cell, cell, facecolor=face, edgecolor=GRID))
        if connected:
            write(axes, x + cell / 2, y + cell / 2, "\N{MULTIPLICATION SIGN}", size=13, color=PAPER)
    for column in range(outputs):
        write(axes, left + (column + 0.5) * cell, top + 0.13, column)
        write(axes, left + (column + 0.5) * cell, 0.17, read[column], weight="bold")
    for row in range(inputs):
        write(axes, left - 0.15, top - (row + 0.5) * cell, row)
        write(axes, right, top - (row + 0.5) * cell, table[row].sum(), weight="bold")
    write(axes, right, 0.17, read.sum(), weight="bold")
    write(axes, left + outputs * cell / 2, top + 0.4, "output map", color=QUIET)
    write(axes, 0.45, top - inputs * cell / 2, "input map", color=QUIET)
    write(axes, 0.55, 0.17, "maps read", color=QUIET)
    words = ", ".join(f"{(read == number).sum()} read {number}" for number in numbers)
    words = f"of {outputs} output maps, {words} of {inputs} input maps, {read.sum()} in all"
    return Picture(figure, alt or f"Connection table: {words}.")
