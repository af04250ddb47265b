"""Draw what chapter 06 alone draws: networks as rivers of maps."""

from collections import Counter
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from matplotlib.patches import Rectangle

from course_lib import checks
from course_lib.figures.boxes import KINDS, boxes_of, draw_kinds, in_columns, kind, origin, tint
from course_lib.figures.paper import QUIET, WIDTH, Picture, canvas, require_few, times, write
from course_lib.ledger import ledger

__all__ = ["river"]


def river(models, *, alt=None):
    """Draw networks as rivers: a bar for each operation, as tall as it has maps, and what flows between them.

    Colours tell the kernel; a bar that joins branches is cut into what it joins. Below each column of bars
    stand its multiply-adds in the same colours. Several models share both scales.

    Args:
        models: a built functional model, or heading -> model. It calls each layer once, and no other model.
    """
    models = models if isinstance(models, dict) else {"": models}
    require_few(models, "models")
    rivers, costs, words, everything = [], [], [], []
    for heading, model in models.items():
        macs = {row.layer: row.macs for row in ledger(model).rows if row.macs}
        boxes = boxes_of(model)
        are_there = set(macs) <= {box.name for box in boxes}
        checks.require(are_there, "model must call each layer once, and no other model.", model.name)
        words.append(_described(heading or model.name, boxes, sum(macs.values())))
        everything += boxes
        rivers.append(_in_order_of_reading(in_columns(boxes)))
        costs.append([[macs.get(box.name, 0) for box in column] for column in rivers[-1]])
    scale = _Scale.of(rivers, costs)
    heights = [scale.around + max(map(scale.height, columns)) for columns in rivers]
    floor = sum(heights) + 0.3
    figure, axes = canvas(WIDTH, floor)
    for (heading, model), columns, macs, height in zip(models.items(), rivers, costs, heights, strict=True):
        floor -= height
        _draw_river(axes, scale, heading, model.name, columns, macs, floor)
    draw_kinds(axes, everything, "bars: number of maps; below: multiply-adds")
    return Picture(figure, alt or f"Maps drawn as a river. {'. '.join(words)}.")


@dataclass(frozen=True)
class _Scale:
    """Hold what the rivers of one picture share; in inches."""

    is_roomy: bool  # whether names stand beside the bars
    gap: float  # between two bars
    head: float  # above a river
    strip: float  # for the multiply-adds
    inch: float  # for one map
    unit: float  # for one multiply-add

    @classmethod
    def of(cls, rivers, costs):
        """Return the scale on which the widest column of maps and the highest pile of multiply-adds fit."""
        is_roomy = max(map(len, rivers)) <= 8
        gap, head, strip, high = (0.2, 0.3, 0.5, 1.9) if is_roomy else (0.07, 1.3, 0.7, 2.4)
        inch = high / max(sum(map(_maps, column)) for column in chain(*rivers))
        return cls(is_roomy, gap, head, strip, inch, unit=strip / max(map(sum, chain(*costs))))

    @property
    def around(self):
        """Return the height of what stands above and below a river."""
        return self.head + self.strip + 0.4

    def height(self, column):
        """Return the height of a column of bars with the gaps between them."""
        return sum(self.inch * _maps(box) + self.gap for box in column)


def _maps(box):
    return origin(box).sides[2]


def _described(name, boxes, macs):
    """Return a network in words: its first and last shape, how many of each kind, its multiply-adds."""
    numbers = Counter(map(kind, boxes))
    kinds = ", ".join(f"{numbers[name]} {name}" for name in KINDS if numbers[name])
    ends = f"{times(boxes[0].shape, 'x')} to {times(boxes[-1].shape, 'x')}"
    return f"{name}, {ends}, {kinds}, {macs:,} multiply-adds"


def _in_order_of_reading(columns):
    """Return the columns with each box as high as its first reader takes it in."""
    for left, right in reversed([*pairwise(columns)]):
        places = {}
        for place, box in enumerate(right):
            for index, source in enumerate(box.sources):
                places.setdefault(source, (place, index))
        left.sort(key=lambda box: places.get(box, (len(right), 0)))
    return columns


def _draw_river(axes, scale, heading, name, columns, costs, floor):
    """Draw a river and, on the floor below it, the piles of multiply-adds."""
    highest = max(map(scale.height, columns))
    bank = floor + scale.strip + 0.25 + highest
    total = f"{sum(chain(*costs)) / 1e6:,.1f} M multiply-adds"
    level = bank + 0.15 if scale.is_roomy else floor + scale.strip + 0.13
    title = f"{heading}: {total}" if heading else total
    write(axes, 0.1, level, title, size=10, weight="bold", ha="left")
    axes.plot((0.1, WIDTH - 0.1), (floor, floor), color=QUIET, linewidth=0.6)
    pitch = (WIDTH - 0.2) / (len(columns) - (0.2 if scale.is_roomy else 0))  # the last one needs less room
    for number, (column, macs) in enumerate(zip(columns, costs, strict=True)):
        x = 0.1 + number * pitch
        y = bank - (highest - scale.height(column)) / 2
        pile = floor
        for box, amount in zip(column, macs, strict=True):
            box.x = x
            box.width = 0.12
            box.height = scale.inch * _maps(box)
            y -= box.height + scale.gap
            box.y = y + scale.gap / 2
            _draw_flow(axes, box)
            high = amount * scale.unit
            axes.add_patch(Rectangle((x, pile), box.width, high, facecolor=tint(box), linewidth=0))
            pile += high
            if scale.is_roomy and box.shape:
                label = f"{box.name.removeprefix(f'{name}_')}, {_maps(box)} maps"
                label += f": {amount / 1e6:,.1f} M" if amount else ""
                write(axes, x + 0.17, box.y + box.height / 2, label, size=8.5, ha="left", zorder=9)
        if scale.is_roomy and sum(macs):
            label = f"{sum(macs) / 1e6:,.1f} M"
            write(axes, x + 0.17, floor + 0.1, label, size=8.5, color=QUIET, ha="left")
        elif len(column) == 1 and column[0].shape and not scale.is_roomy:
            label = f"{column[0].name.removesuffix('_join')}  {times(column[0].shape)}"
            write(axes, x + 0.06, bank + 0.05, label, size=7.5, rotation=90, va="bottom")


def _draw_flow(axes, box):
    """Draw a box, cut into slices if it joins its sources, and what flows into it."""
    is_cut = len(box.sources) > 1 and sum(map(_maps, box.sources)) == _maps(box)
    high = box.y + box.height
    for source in box.sources:
        low = high - source.height if is_cut else box.y
        across = np.linspace(0, 1, 24)
        bend = across**2 * (3 - 2 * across)
        x = source.x + source.width + across * (box.x - source.x - source.width)
        below = source.y + bend * (low - source.y)
        above = source.y + source.height + bend * (high - source.y - source.height)
        colour = tint(source) if len(box.sources) > 1 else tint(box)
        axes.fill_between(x, below, above, color=colour, alpha=0.25, linewidth=0, zorder=2)
        if is_cut:
            size = (box.width, source.height)
            axes.add_patch(Rectangle((box.x, low), *size, facecolor=colour, linewidth=0, zorder=4))
            high = low
    if not is_cut:
        style = {"facecolor": tint(box), "alpha": 1 if box.shape else 0.25, "linewidth": 0, "zorder": 4}
        axes.add_patch(Rectangle((box.x, box.y), box.width, max(0.02, box.height), **style))
