"""Draw what chapter 05 alone draws: two columns of a ledger back to back."""

from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.paper import BLUE, QUIET, VERMILION, WIDTH, Picture, canvas, times, write
from course_lib.figures.plots import most

__all__ = ["pyramid"]

LINE, MIDDLE, REACH = 0.25, 1.75, 3.0  # inches: a row, the names, the longest bar


def pyramid(ledger, columns=("activations", "parameters"), *, alt=None):
    """Draw two columns of a ledger as bars back to back, the first layer on top, each with its share in %.

    Each side has its own scale. In the middle stand the layers and their shapes. Layers with less than 0.05 %
    on both sides, which nobody could see, are left out; the totals count them.

    Args:
        ledger: a `ledger.Ledger`, or anything whose `rows` have a `layer`, an `output_shape` and the columns.
        columns: two names of columns, for the left and the right side.
    """
    are_two = len(columns) == 2 and all(hasattr(row, name) for row in ledger.rows for name in columns)
    checks.require(are_two, "columns must be two columns of the ledger.", f"{columns=}")
    totals = {name: sum(getattr(row, name) for row in ledger.rows) for name in columns}
    all_count = all(totals.values())
    checks.require(all_count, "Each column must count something.", f"{columns!r}, zero in every row")
    rows = [
        row
        for row in ledger.rows
        if any(getattr(row, name) / total >= 0.0005 for name, total in totals.items())
    ]
    top = LINE * len(rows)
    figure, axes = canvas(WIDTH, top + 0.5)
    sides = zip(columns, (-1, 1), ("right", "left"), (BLUE, VERMILION), strict=True)
    for name, sign, towards_the_middle, colour in sides:
        start = (WIDTH + sign * MIDDLE) / 2
        total = totals[name]
        title = {"size": 11, "color": colour, "weight": "bold", "ha": towards_the_middle}
        write(axes, start, top + 0.28, f"{name}: {total:,}", **title)
        largest = max(getattr(row, name) for row in rows)
        for place, row in enumerate(rows):
            amount = getattr(row, name)
            y = LINE * (len(rows) - 1 - place) + 0.1
            wide = REACH * amount / largest
            corner = (min(start, start + sign * wide), y + 0.03)
            axes.add_patch(Rectangle(corner, wide, LINE - 0.06, facecolor=colour, linewidth=0))
            share = f"{100 * amount / total:.1f} %" if amount else ""
            write(axes, start + sign * (wide + 0.06), y + LINE / 2, share, ha=towards_the_middle)
    for place, row in enumerate(rows):
        y = LINE * (len(rows) - 0.5 - place) + 0.1
        write(axes, (WIDTH - MIDDLE) / 2 + 0.08, y, row.layer, ha="left", weight="bold")
        shape = times(row.output_shape).replace(" ", "")
        write(axes, (WIDTH + MIDDLE) / 2 - 0.08, y, shape, size=8, color=QUIET, ha="right")
    words = "; ".join(most(name, ledger.rows) for name in columns)
    words = f"Bars back to back for the layers {rows[0].layer} to {rows[-1].layer}: {words}."
    return Picture(figure, alt or words)
