"""Ask for VGG's ledger, written from a line of text a column, for its small windows and its impostors."""

import itertools
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

OFFERS = ("conv2d_parameters", "output_size", "receptive_field")  # of `arithmetic`: imported there

vgg = partial(Question, chapter="vgg")

# Table 1 of Simonyan and Zisserman 2015: a word is a block, a digit a convolution and the side of its kernel.
COLUMNS = {
    "A": "3 3 33 33 33",
    "B": "33 33 33 33 33",
    "C": "33 33 331 331 331",
    "D": "33 33 333 333 333",
    "E": "33 33 3333 3333 3333",
}
UNITS = 4096
DENSE = 3


def _kernels(column):
    """Return the kernels of each block as lists of integers."""
    return [[int(digit) for digit in block] for block in column.split()]


def _draw_column(rng, blocks=5, kernels="1335"):
    """Return a column of its own, of up to `blocks` blocks."""
    return " ".join(
        "".join(rng.choice(kernels) for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(2, blocks))
    )


# How deep


def weight_layers(column):
    return sum(map(len, _kernels(column))) + DENSE


def _draw_deep(rng):
    while True:
        column = _draw_column(rng)
        if "1" in column and max(map(len, column.split())) > 1:
            return [column]


WEIGHT_LAYERS = vgg(
    name="weight_layers",
    title="How deep is it?",
    points=1,
    returns="a whole number",
    visible=(
        [COLUMNS["A"]],
        [COLUMNS["C"]],
        [COLUMNS["E"]],
        ["33 33 33 33 33"],
        ["33 33 333 333 3333"],
    ),
    draw=_draw_deep,
    reference=weight_layers,
    mistakes={
        "The three dense layers are missing; they have weights too.": lambda column: (
            weight_layers(column) - DENSE
        ),
        "The pools are counted; they have no weights.": lambda column: (
            weight_layers(column) + len(column.split())
        ),
        "The blocks are counted; each digit is a layer.": lambda column: len(column.split()) + DENSE,
        "The 1x1 convolutions are left out; they have weights too.": (
            lambda column: weight_layers(column) - column.count("1")
        ),
        "The digits are added up; each of them is one layer, whatever its kernel.": (
            lambda column: sum(map(sum, _kernels(column))) + DENSE
        ),
    },
    hints=(
        "Convolutions and dense layers have weights, pools have none.",
        '`column.replace(" ", "")` has a digit a convolution; three dense layers follow.',
    ),
)


# Stacks against single windows


def stack_or_one(layers, kernel, channels, maps):
    stack = kernel**2 * maps * (channels + (layers - 1) * maps)
    side = layers * (kernel - 1) + 1
    return [stack, side**2 * channels * maps]


def _stack(weights):
    return lambda n, k, c, m: [weights(n, k, c, m), stack_or_one(n, k, c, m)[1]]


def _draw_stack(rng):
    channels, maps = rng.sample(range(2, 97), 2)
    return [rng.randint(2, 4), rng.choice([3, 5]), channels, maps]


STACK_OR_ONE = vgg(
    name="stack_or_one",
    title="Three small windows or a large one",
    points=2,
    returns="a list `[stack, one]` of whole numbers",
    visible=([3, 3, 64, 64], [3, 3, 3, 64], [2, 3, 64, 128]),
    draw=_draw_stack,
    reference=stack_or_one,
    mistakes={
        "Every layer of the stack reads `channels` maps; from the second on, it reads `maps`.": _stack(
            lambda n, k, c, m: n * k * k * c * m
        ),
        "The large window is as wide as all kernels side by side; they overlap, each adds `kernel - 1`.": (
            lambda n, k, c, m: [stack_or_one(n, k, c, m)[0], (n * k) ** 2 * c * m]
        ),
        "The biases are counted; only weights are asked for.": lambda n, k, c, m: [
            stack_or_one(n, k, c, m)[0] + n * m,
            stack_or_one(n, k, c, m)[1] + m,
        ],
        "The stack is counted for a single map; each layer has `maps` kernels as deep as what it reads.": (
            _stack(lambda n, k, c, m: n * k * k)
        ),
        "That is the stack's last layer; add up all of them.": _stack(lambda n, k, c, m: k * k * m * m),
        "Every layer of the stack reads `maps` maps; the first one reads `channels`.": _stack(
            lambda n, k, c, m: n * k * k * m * m
        ),
    },
    hints=(
        "The first layer goes from `channels` to `maps` maps, all others from `maps` to `maps`.",
        "A layer has `kernel * kernel * inputs * maps` weights.",
        "Each further layer of the stack sees `kernel - 1` pixels more: the one window has the side "
        "`layers * (kernel - 1) + 1`.",
    ),
)


# What a stack makes of its field


def footprint(layers, kernel):
    line = [1]
    for _ in range(layers):
        line = _widened(line, kernel)
    return line


def _widened(line, kernel):
    """Return in how many ways each input is reached through one more window."""
    ways = [0] * (len(line) + kernel - 1)
    for place, count in enumerate(line):
        for step in range(kernel):
            ways[place + step] += count
    return ways


def _binomial(layers, kernel):
    line = [1]
    for _ in range(layers * (kernel - 1)):
        line = _widened(line, 2)
    return line


FOOTPRINT = vgg(
    name="footprint",
    title="How often is a pixel read?",
    points=2,
    returns="a list of whole numbers",
    visible=([1, 3], [2, 3], [3, 3], [2, 5]),
    draw=lambda rng: [rng.randint(2, 6), rng.choice([2, 3, 4, 5])],
    reference=footprint,
    mistakes={
        "Each pixel is counted once; those in the middle are reached through many windows.": (
            lambda n, k: [1] * (n * (k - 1) + 1)
        ),
        "That is one layer too few.": lambda n, k: footprint(n - 1, k),
        "That is one layer too many.": lambda n, k: footprint(n + 1, k),
        "The counts are divided by their sum; whole numbers are asked for.": (
            lambda n, k: [count / k**n for count in footprint(n, k)]
        ),
        "Those are Pascal's numbers, for windows of two; each layer's window has `kernel` pixels.": (
            lambda n, k: _binomial(n, k) if k != 2 else [1] * (n + 1)
        ),
        "The list ends in the middle; the field has a right half, too.": (
            lambda n, k: footprint(n, k)[: (n * (k - 1)) // 2 + 1]
        ),
    },
    hints=(
        "Begin with `[1]`, the output itself. A layer adds each number to `kernel` places of a longer list.",
        "The list grows by `kernel - 1` a layer: `new = [0] * (len(old) + kernel - 1)`.",
        "For each place and each `step` in `range(kernel)`: `new[place + step] += old[place]`.",
    ),
)


# What a unit of each pool sees


def pool_fields(column):
    fields, stack = [], []
    for block in _kernels(column):
        stack += [(kernel,) for kernel in block] + [(2, 2)]
        fields.append(arithmetic.receptive_field(stack).size)
    return fields


def _pool_fields(grow):
    """Return the fields from a wrong step `(size, jump, kernel, is_pool) -> size`."""

    def wrong(column):
        size, jump, fields = 1, 1, []
        for block in _kernels(column):
            for kernel in block:
                size = grow(size, jump, kernel, False)
            size = grow(size, jump, 2, True)
            jump *= 2
            fields.append(size)
        return fields

    return wrong


def _separate_blocks(column):
    return [pool_fields(block)[0] for block in column.split()]


POOL_FIELDS = vgg(
    name="pool_fields",
    title="What a unit sees",
    points=2,
    returns="a list of whole numbers, one a block,",
    visible=([COLUMNS["A"]], [COLUMNS["D"]], [COLUMNS["E"]]),
    draw=lambda rng: [_draw_column(rng)],
    reference=pool_fields,
    mistakes={
        "The pools' own windows are left out: each adds one step of its own.": _pool_fields(
            lambda size, jump, k, pool: size + (0 if pool else (k - 1) * jump)
        ),
        "The pools' strides are left out: above a pool, a step covers twice as many pixels.": _pool_fields(
            lambda size, jump, k, pool: size + k - 1
        ),
        "Each block is counted by itself; a later block sees through all before it.": _separate_blocks,
        "A pool doubles the step, not the field.": _pool_fields(
            lambda size, jump, k, pool: 2 * size if pool else size + (k - 1) * jump
        ),
        "The kernels are added up; each adds `kernel - 1` steps.": _pool_fields(
            lambda size, jump, k, pool: size + (1 if pool else k) * jump
        ),
        "A pool's stride widens its own window; it only matters to the layers above.": _pool_fields(
            lambda size, jump, k, pool: size + (2 if pool else k - 1) * jump
        ),
    },
    hints=(
        "`receptive_field(stack).size` is the field above a list of layers; or carry two numbers along: size "
        "and jump, both 1 at first.",
        "A convolution is `(kernel, 1)`, a pool `(2, 2)`. The list grows from block to block.",
        "For each layer `size += (kernel - 1) * jump`; after each pool `jump *= 2`. Note the size there.",
    ),
)


# The ledger


def vgg_rows(column, size, classes):
    return _rows(column, size, classes)


def _rows(column, size, classes, *, most=512, pooled=lambda side: side // 2):
    """Return the rows; channels double in every block up to `most`, and a pool leaves `pooled(side)`."""
    rows, channels, filters = [], 3, 64
    for block in _kernels(column):
        for kernel in block:
            parameters = arithmetic.conv2d_parameters(kernel, channels, filters)
            rows.append([size, filters, parameters, size**2 * (parameters - filters)])
            channels = filters
        size = pooled(size)
        rows.append([size, channels, 0, 0])
        filters = min(2 * filters, most)
    inputs = size**2 * channels
    for units in (UNITS, UNITS, classes):
        rows.append([1, units, (inputs + 1) * units, inputs * units])
        inputs = units
    return rows


def _changed_rows(change):
    """Return the rows after `change(index, row, rows)`; `rows` are the right ones."""

    def wrong(column, size, classes):
        rows = vgg_rows(column, size, classes)
        return [change(index, list(row), rows) for index, row in enumerate(rows)]

    return wrong


def _fc6_on_maps(index, row, rows):
    if index == len(rows) - DENSE:
        maps = rows[index - 1][1]
        return [1, UNITS, (maps + 1) * UNITS, maps * UNITS]
    return row


def _draw_rows(rng):
    while True:
        column = _draw_column(rng, kernels="133")
        if len(column.split()) == 5:
            return [column, 32 * rng.randint(2, 8), rng.randint(2, 1000)]


def _draw_odd_rows(rng):
    """Return a case in which a pool meets an odd side."""
    column, size, classes = _draw_rows(rng)
    return [column, size + rng.randint(1, 31), classes]


VGG_ROWS = vgg(
    name="vgg_rows",
    title="The ledger of any column",
    points=3,
    returns="a list of rows `[side, maps, parameters, macs]`",
    visible=(["3 33", 10, 10], [COLUMNS["A"], 224, 100], [COLUMNS["C"], 64, 10]),
    draw=_draw_odd_rows,
    reference=vgg_rows,
    mistakes={
        "The biases are missing: each filter and each unit has one.": _changed_rows(
            lambda index, row, rows: [*row[:2], row[2] - row[1] if row[3] else 0, row[3]]
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": _changed_rows(
            lambda index, row, rows: [*row[:3], row[0] ** 2 * row[2]]
        ),
        "The MACs are counted along one side; a map is as high as wide.": _changed_rows(
            lambda index, row, rows: [*row[:3], row[3] // row[0]]
        ),
        "Every convolution is 3x3; a digit 1 stands for a kernel of 1x1.": (
            lambda column, size, classes: vgg_rows(column.replace("1", "3"), size, classes)
        ),
        "The maps double in every block; from 512 on they stay.": partial(_rows, most=10**6),
        "The pools round up; each halves the side and drops what is left over.": partial(
            _rows, pooled=lambda side: -(-side // 2)
        ),
        "fc6 reads a single value a map; all of the last pool's places are flattened.": _changed_rows(
            _fc6_on_maps
        ),
        "The pools are missing; they have a row, with zeros for parameters and MACs.": (
            lambda column, size, classes: [row for row in vgg_rows(column, size, classes) if row[3]]
        ),
    },
    hints=(
        "Carry three numbers along: `size`, `channels` (3 at first) and `filters` (64 at first).",
        "Convolutions are padded and keep `size`; `conv2d_parameters` counts their weights and biases, and "
        "each weight is one MAC at each of the `size * size` places.",
        "After a pool: `size //= 2` and `filters = min(2 * filters, 512)`. fc6 has `size * size * channels` "
        "inputs, then 4,096 units, 4,096 units, `classes` units.",
    ),
)


# Totals


def vgg_totals(column, size, classes):
    rows = vgg_rows(column, size, classes)
    return [sum(row[2] for row in rows), sum(row[3] for row in rows)]


def _totals(part):
    return lambda *case: [sum(row[at] for row in part(vgg_rows(*case))) for at in (2, 3)]


VGG_TOTALS = vgg(
    name="vgg_totals",
    title="Columns A to E",
    points=1,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=tuple([column, 224, 1000] for column in COLUMNS.values()),
    draw=_draw_rows,
    reference=vgg_totals,
    mistakes={
        "The dense layers are left out; nine tenths of the parameters are there.": _totals(
            lambda rows: rows[:-DENSE]
        ),
        "Those are the dense layers alone; nearly all of the MACs are in the convolutions.": _totals(
            lambda rows: rows[-DENSE:]
        ),
        "The last layer is left out.": _totals(lambda rows: rows[:-1]),
        "Parameters and MACs are exchanged.": lambda *case: vgg_totals(*case)[::-1],
    },
    hints=(
        "Your `vgg_rows` has all the numbers.",
        "Add up the third entry of every row, then the fourth.",
    ),
)


# Memory


def forward_bytes(column, size, classes):
    return _needed(_values(column, size, classes))


def _needed(values):
    """Return the bytes of all values together, and of the two neighbours that have the most."""
    return [4 * sum(values), 4 * max(a + b for a, b in itertools.pairwise(values))]


def _values(column, size, classes):
    """Return the values of the picture and of every layer's output."""
    return [3 * size**2, *(side**2 * maps for side, maps, _, _ in vgg_rows(column, size, classes))]


def _bytes(kept=None, peak=None):
    """Return the two numbers with one of them from the list of values."""

    def wrong(column, size, classes):
        values, right = _values(column, size, classes), forward_bytes(column, size, classes)
        return [4 * kept(values) if kept else right[0], 4 * peak(values) if peak else right[1]]

    return wrong


def _without_pools(column, size, classes):
    rows = [row for row in vgg_rows(column, size, classes) if row[3]]
    return _needed([3 * size**2, *(side**2 * maps for side, maps, _, _ in rows)])


def _kept_without_pools(*case):
    return [_without_pools(*case)[0], forward_bytes(*case)[1]]


FORWARD_BYTES = vgg(
    name="forward_bytes",
    title="Memory for one picture",
    points=2,
    returns="a list `[kept, peak]` of whole numbers",
    visible=([COLUMNS["D"], 224, 1000], [COLUMNS["A"], 224, 1000], ["3 33", 8, 10]),
    draw=_draw_rows,
    reference=forward_bytes,
    mistakes={
        "Those are values; a float32 has four bytes.": lambda *case: [
            number // 4 for number in forward_bytes(*case)
        ],
        "The picture itself is left out; conv1_1 reads it.": _bytes(kept=lambda values: sum(values[1:])),
        "The pools' outputs are left out; they are written, too.": _without_pools,
        "The pools' outputs are left out of `kept`; they are written, too.": _kept_without_pools,
        "The peak is one map's; a layer needs what it reads and what it writes at the same time.": _bytes(
            peak=max
        ),
        "The peak is the first layer's; look at all of them.": _bytes(
            peak=lambda values: values[0] + values[1]
        ),
        "The maps are counted as lines; they are as high as wide.": lambda column, size, classes: [
            4 * (3 * size + sum(side * maps for side, maps, _, _ in vgg_rows(column, size, classes))),
            forward_bytes(column, size, classes)[1],
        ],
    },
    hints=(
        "Make the list of values first: the picture's `3 * size * size`, then `side * side * maps` a row.",
        "`kept` is four times their sum. For `peak`, go through neighbours: what a layer reads and writes.",
        "`pairwise(values)` pairs them.",
    ),
)


# Dense layers that slide


def class_map(size):
    side = size // 32 - 6
    return [side, side**2 * (7 * 7 * 512 * UNITS + UNITS * UNITS + UNITS * 1000)]


def _class_map(side, inputs=7 * 7 * 512):
    return lambda size: [
        side(size),
        side(size) ** 2 * (inputs * UNITS + UNITS * UNITS + UNITS * 1000),
    ]


CLASS_MAP = vgg(
    name="class_map",
    title="Dense layers that slide",
    points=2,
    returns="a list `[side, macs]` of whole numbers",
    visible=([224], [256], [384], [500]),
    draw=lambda rng: [rng.randint(290, 1200)],
    reference=class_map,
    mistakes={
        "That is pool5; fc6 is a window of 7x7 that slides over it without padding.": _class_map(
            lambda size: size // 32
        ),
        "The windows are laid side by side; fc6 moves by one place at a time.": _class_map(
            lambda size: size // 32 // 7
        ),
        "The MACs are those of a single place.": lambda size: [class_map(size)[0], class_map(224)[1]],
        "The MACs are counted along one side; the map of answers is as high as wide.": (
            lambda size: [class_map(size)[0], class_map(size)[0] * class_map(224)[1]]
        ),
        "fc6's window is 7x7x512, not 1x1x512.": _class_map(lambda size: size // 32 - 6, inputs=512),
        "The pools round up; each halves and drops what is left over.": _class_map(
            lambda size: -(-size // 32) - 6
        ),
    },
    hints=(
        "Five pools halve the side and round down: `size // 32` places remain.",
        "fc6 becomes a 7x7 convolution with 4,096 filters, fc7 and fc8 become 1x1 convolutions.",
        "A window of 7 fits `size // 32 - 6` times. Each place costs the MACs of the three dense layers.",
    ),
)


# Does the signal arrive?


def signal_gain(column, variance):
    gain, channels, filters = 1.0, 3, 64
    for block in _kernels(column):
        for kernel in block:
            gain *= kernel**2 * channels * variance / 2
            channels = filters
        filters = min(2 * filters, 512)
    return gain


def _gain(factor):
    def wrong(column, variance):
        gain, channels, filters = 1.0, 3, 64
        for block in _kernels(column):
            for kernel in block:
                gain *= factor(kernel, channels, filters, variance)
                channels = filters
            filters = min(2 * filters, 512)
        return gain

    return wrong


SIGNAL_GAIN = vgg(
    name="signal_gain",
    title="Does the signal arrive?",
    points=1,
    returns="a number",
    visible=([COLUMNS["A"], 0.01], [COLUMNS["D"], 0.01], [COLUMNS["D"], 0.0001]),
    draw=lambda rng: [_draw_column(rng), rng.choice([0.001, 0.002, 0.005, 0.01])],
    reference=signal_gain,
    mistakes={
        "The factor 1/2 is missing: ReLU keeps half of the power.": _gain(lambda k, c, f, v: k * k * c * v),
        "A kernel's inputs count, not its outputs.": _gain(lambda k, c, f, v: k * k * f * v / 2),
        "Only the channels are counted; a kernel reads `kernel * kernel` places of each.": _gain(
            lambda k, c, f, v: c * v / 2
        ),
        "The standard deviation is taken; powers go with the variance.": _gain(
            lambda k, c, f, v: k * k * c * v**0.5 / 2
        ),
        "The factors are added; a signal that passes layer after layer is multiplied.": lambda column, v: sum(
            k * k * c * v / 2 for k, c in _reads(column)
        ),
    },
    hints=(
        "A weighted sum of `n` inputs with weights of variance v has n * v times their power.",
        "`n` is `kernel * kernel * channels`, and ReLU halves the power. Multiply over all convolutions.",
    ),
)


def _reads(column):
    """Yield the kernel and the input channels of each convolution."""
    channels, filters = 3, 64
    for block in _kernels(column):
        for kernel in block:
            yield kernel, channels
            channels = filters
        filters = min(2 * filters, 512)


# The impostor

SUSPECTS = tuple(itertools.product("ABCDE", (5, 4), (False, True)))


def vgg_impostor(size, total):
    for column, pools, rounds_up in SUSPECTS:
        if _suspect(size, column, pools, rounds_up) == total:
            return [column, pools, rounds_up]
    return ["", 0, False]


def _suspect(size, column, pools, rounds_up):
    """Return the parameters of a column whose last pool may be missing and whose pools may round up."""
    convolutions = sum(row[2] for row in vgg_rows(COLUMNS[column], 32, 1000)[:-DENSE])
    side = -(-size // 2**pools) if rounds_up else size // 2**pools
    dense = [side**2 * 512, UNITS, UNITS, 1000]
    return convolutions + sum((inputs + 1) * units for inputs, units in itertools.pairwise(dense))


def _draw_impostor(rng):
    size = rng.choice([side for side in range(100, 400) if side % 16])
    return [size, _suspect(size, *rng.choice(SUSPECTS))]


def _wrong_impostor(change):
    return lambda size, total: change(*vgg_impostor(size, total))


VGG_IMPOSTOR = vgg(
    name="vgg_impostor",
    title="Find the impostor",
    points=4,
    returns="a list `[column, pools, rounds_up]` of a letter, a whole number and a truth value",
    visible=(
        [224, _suspect(224, "D", 5, False)],
        [224, _suspect(224, "C", 5, False)],
        [224, _suspect(224, "D", 4, False)],
        [200, _suspect(200, "E", 5, True)],
        [100, _suspect(100, "B", 4, True)],
    ),
    draw=_draw_impostor,
    reference=vgg_impostor,
    mistakes={
        "The pools' rounding is never seen: try both, `//` and rounding up.": _wrong_impostor(
            lambda column, pools, up: [column, pools, False]
        ),
        "C and D are exchanged: C's 1x1 kernels have fewer weights.": _wrong_impostor(
            lambda column, pools, up: [{"C": "D", "D": "C"}.get(column, column), pools, up]
        ),
        "All have five pools in your answer; one may be missing, and fc6 is then four times as large.": (
            _wrong_impostor(lambda column, pools, up: [column, 5, up])
        ),
        "True and False are exchanged: True says that the pools round up.": _wrong_impostor(
            lambda column, pools, up: [column, pools, not up]
        ),
        "The number of missing pools is given; the pools that are there are asked for.": _wrong_impostor(
            lambda column, pools, up: [column, 5 - pools, up]
        ),
        "The number of weight layers is given in place of the column's letter.": _wrong_impostor(
            lambda column, pools, up: [str(weight_layers(COLUMNS[column])), pools, up]
        ),
    },
    hints=(
        "There are 20 suspects: five columns, four or five pools, rounding down or up. Total each.",
        "The convolutions' parameters do not depend on the size: take them from `vgg_rows`. fc6 reads "
        "`side * side * 512` values.",
        "`size // 2**pools` is the side after pools that round down, `-(-size // 2**pools)` after pools that "
        "round up. Try rounding down first: where it makes no difference, nothing rounds up.",
    ),
)

QUESTIONS = (
    WEIGHT_LAYERS,
    STACK_OR_ONE,
    FOOTPRINT,
    POOL_FIELDS,
    VGG_ROWS,
    VGG_TOTALS,
    FORWARD_BYTES,
    CLASS_MAP,
    SIGNAL_GAIN,
    VGG_IMPOSTOR,
)
