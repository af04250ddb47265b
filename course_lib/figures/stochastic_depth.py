"""Draw what chapter 09 alone draws: the survival line, and below it the drawn networks as rows of lamps."""

import numpy as np

from course_lib import checks
from course_lib.figures.paper import BLUE, INK, ORANGE, PAPER, QUIET, WIDTH, Picture, canvas, write

__all__ = ["lamps"]

LEFT, RIGHT = 1.25, 1.35  # inches beside the blocks, for the rows' names and counts
LINE, ROW, FOOT = 1.3, 0.27, 0.3  # inches: the line's height, a row of lamps, the names of the stages


def lamps(survivals, drawn, *, stages=3, alt=None):
    """Draw the survival probabilities of a network's blocks, and which blocks some mini-batches drew.

    A lit lamp is an active block. Beside a row stand its active blocks and the layers that they make, two a
    block and two more; a mark on the line is a block's probability.

    Args:
        survivals: a probability for each block, `(blocks,)`.
        drawn: a row of truth values for each mini-batch, `(rows, blocks)`.
        stages: number of equal stages, told apart by a gap.
    """
    survivals, drawn = np.asarray(survivals, dtype=float), np.asarray(drawn, dtype=bool)
    blocks = survivals.size
    fits = drawn.ndim == 2 and drawn.shape[1] == blocks > 0 and blocks % stages == 0
    received = f"{survivals.shape}, {drawn.shape}, {stages=}"
    checks.require(fits, "drawn must be (rows, blocks), of as many blocks in each stage.", received)
    figure, axes = canvas(WIDTH, FOOT + ROW * len(drawn) + LINE + 0.5)
    a_stage = blocks // stages
    step = (WIDTH - LEFT - RIGHT) / (blocks + stages - 1)
    x = LEFT + step * (np.arange(blocks) + np.arange(blocks) // a_stage + 0.5)
    _draw_line(axes, x, survivals, FOOT + ROW * len(drawn) + 0.28)
    size = min(10.0, 58 * step)
    for place, row in enumerate(drawn):
        y = FOOT + ROW * (len(drawn) - place - 0.5)
        for kept, face in ((True, ORANGE), (False, PAPER)):
            look = {
                "markerfacecolor": face,
                "markeredgecolor": INK if kept else QUIET,
                "markeredgewidth": 0.7,
            }
            axes.plot(x[row == kept], [y] * np.sum(row == kept), "o", markersize=size, **look)
        write(axes, LEFT - 0.1, y, f"mini-batch {place + 1}", ha="right")
        active = int(row.sum())
        write(axes, WIDTH - RIGHT + 0.1, y, f"{active} blocks, {2 + 2 * active} layers", ha="left")
    for stage in range(stages):
        middle = x[stage * a_stage : (stage + 1) * a_stage].mean()
        write(axes, middle, FOOT - 0.16, f"stage {stage + 1}: {a_stage} blocks", color=QUIET)
    counts = ", ".join(str(int(row.sum())) for row in drawn)
    words = (
        f"A line of survival probabilities falls from {survivals[0]:.3f} at block 1 to {survivals[-1]:.3f} "
        f"at block {blocks}. Below, a row of lamps for each of {len(drawn)} mini-batches; lit are {counts} "
        f"of {blocks} blocks."
    )
    return Picture(figure, alt or words)


def _draw_line(axes, x, survivals, bottom):
    """Draw the probabilities over the blocks on a scale from 0 to 1, with its ends named."""
    for level in (0, 0.5, 1):
        y = bottom + LINE * 0.9 * level
        axes.plot([x[0], x[-1]], [y, y], color=QUIET, linewidth=0.5, linestyle=":")
        write(axes, LEFT - 0.1, y, f"{level:g}", ha="right", color=QUIET)
    write(axes, LEFT - 0.42, bottom + LINE * 0.45, "survival", rotation=90)
    axes.plot(x, bottom + LINE * 0.9 * survivals, color=BLUE, marker="o", markersize=2.6, linewidth=1.2)
    for place, side in ((0, "left"), (-1, "right")):
        words = f"block {place % len(x) + 1}: {survivals[place]:.3f}"
        write(axes, x[place], bottom + LINE * 0.9 * survivals[place] - 0.16, words, color=BLUE, ha=side)
