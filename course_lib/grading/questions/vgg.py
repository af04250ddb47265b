"""Ask for VGG's ledger, written from a line of text a column, for its small windows and its impostors."""

from itertools import pairwise, product

from course_lib.arithmetic import conv2d_parameters, output_size, receptive_field
from course_lib.grading.question import Chapter

vgg = Chapter(
    "vgg",
    title="VGG",
    about="They rebuild the six columns of Simonyan and Zisserman (2015) from a line of text each: shapes, "
    "parameters, multiply-adds and memory. At the end you can tell VGG-16 from its "
    "impostors.",
    offers=("conv2d_parameters", "output_size", "receptive_field"),
    given="From the foundations you have these, imported here:",
    imports=("from itertools import pairwise, product",),
)

# Table 1 of Simonyan and Zisserman 2015: a word is a block, a digit a convolution and the side of its kernel.
COLUMNS = {
    "A": "3 3 33 33 33",
    "B": "33 33 33 33 33",
    "C": "33 33 331 331 331",
    "D": "33 33 333 333 333",
    "E": "33 33 3333 3333 3333",
}


def draw_column(rng, blocks=None, kernels="1335"):
    """Return a column of its own, of so many blocks; None: of two to five."""
    count = blocks or rng.randint(2, 5)
    return " ".join("".join(rng.choice(kernels) for _ in range(rng.randint(1, 4))) for _ in range(count))


def draw_deep(rng):
    while True:
        column = draw_column(rng)
        if "1" in column and max(map(len, column.split())) > 1:
            return [column]


@vgg.question(
    "How deep is it?",
    points=1,
    returns="a whole number",
    visible=(
        [COLUMNS["A"]],
        [COLUMNS["C"]],
        [COLUMNS["E"]],
        ["33 33 33 33 33"],
        ["33 33 333 333 3333"],
    ),
    draw=draw_deep,
    slips={
        " + 3 -> ": "The three dense layers are missing; they have weights too.",
        " + 3 ->  + 3 + len(column.split())": ("The pools are counted; they have no weights."),
        'column.replace(" ", "") -> column.split()': "The blocks are counted; each digit is a layer.",
        '.replace(" ", "") -> .replace(" ", "").replace("1", "")': (
            "The 1x1 convolutions are left out; they have weights too."
        ),
        '.replace(" ", "") -> ': "The spaces are counted, too; only the digits are layers.",
        " + 3 ->  + 3 * len(column.split())": (
            "Three dense layers are counted for each block; they follow the last block alone."
        ),
        ('len(column.replace(" ", "")) -> column.count("3")',): (
            "Only the digits 3 are counted; each digit is a layer, whatever its kernel."
        ),
        " + 3 ->  + 1": "A single dense layer is counted; there are three.",
        'len(column.replace(" ", "")) -> sum(map(int, column.replace(" ", "")))': (
            "The digits are added up; each of them is one layer, whatever its kernel."
        ),
    },
    hints=(
        "Convolutions and dense layers have weights, pools have none.",
        '`column.replace(" ", "")` has a digit a convolution; three dense layers follow.',
    ),
)
def weight_layers(column):
    """
    A column of table 1 is spelled as words, five in the paper: a word is a block, a digit
    a convolution and the side of its kernel. Each block ends in a pool, and three dense
    layers follow the last one. Return the number of layers with weights, for any number
    of words and any digits.

    The first three are A, C and E. The last two are D and E as one lecture prints them,
    under the headings 16 and 19 layers.
    """
    return len(column.replace(" ", "")) + 3


def draw_stack(rng):
    channels, maps = rng.sample(range(2, 97), 2)
    return [rng.randint(2, 4), rng.choice([3, 5, 5, 7]), channels, maps]


@vgg.question(
    "Three small windows or a large one",
    points=2,
    returns="a list `[stack, one]` of whole numbers",
    visible=([3, 3, 64, 64], [3, 3, 3, 64], [2, 3, 64, 128]),
    draw=draw_stack,
    slips={
        "(channels + (layers - 1) * maps) -> layers * channels": (
            "Every layer of the stack reads `channels` maps; from the second on, it reads `maps`."
        ),
        "layers * (kernel - 1) + 1 -> layers * kernel": (
            "The large window is as wide as all kernels side by side; they overlap, each adds `kernel - 1`."
        ),
        (
            "* maps) -> * maps) + layers * maps",
            "side**2 * channels * maps -> side**2 * channels * maps + maps",
        ): "The biases are counted; only weights are asked for.",
        "* maps * (channels + (layers - 1) * maps) -> * layers": (
            "The stack is counted for a single map; each layer has `maps` kernels as deep as what it reads."
        ),
        "(channels + (layers - 1) * maps) -> maps": ("That is the stack's last layer; add up all of them."),
        "(channels + (layers - 1) * maps) -> layers * maps": (
            "Every layer of the stack reads `maps` maps; the first one reads `channels`."
        ),
        "layers * (kernel - 1) + 1 -> layers * (kernel - 1)": (
            "The one window is a pixel too narrow: a stack of no layers already sees one."
        ),
        "layers * (kernel - 1) + 1 -> 2 * layers + 1": (
            "The window's side is `2 * layers + 1`, which is right for kernels of 3 alone."
        ),
    },
    hints=(
        "The first layer goes from `channels` to `maps` maps, all others from `maps` to `maps`.",
        "A layer has `kernel * kernel * inputs * maps` weights.",
        "Each further layer of the stack sees `kernel - 1` pixels more: the one "
        "window has the side "
        "`layers * (kernel - 1) + 1`.",
    ),
)
def stack_or_one(layers, kernel, channels, maps):
    """
    Compare a stack of `layers` convolutions, `kernel` wide, with a single one that sees
    as much. Both read `channels` maps and write `maps` maps; inside the stack there are
    `maps` as well. Count weights without biases, and return `[stack, one]`.

    For equal maps the stack has 27 weights to 49. In the second case, the first layers of
    a network, it has eight times as many as the window; in the third, VGG's own second
    block, it has more, too.
    """
    stack = kernel**2 * maps * (channels + (layers - 1) * maps)
    side = layers * (kernel - 1) + 1
    return [stack, side**2 * channels * maps]


def pascal(layers, kernel):
    line = [1]
    for _ in range(layers * (kernel - 1)):
        line = [left + right for left, right in zip([0, *line], [*line, 0], strict=True)]
    return line if kernel != 2 else [1] * (layers + 1)


def spread_evenly(layers, kernel):
    return footprint(layers, 2 * (kernel // 2) + 1)


def adding_in_place(layers, kernel):
    size = layers * (kernel - 1) + 1
    ways = [1] * kernel + [0] * (size - kernel)
    for _ in range(layers - 1):
        for place in range(size):
            ways[place] = sum(ways[max(0, place - kernel + 1) : place + 1])
    return ways


RISING = (
    "The counts rise by one from pixel to pixel, which is right for two layers alone; go on layer by layer."
)


@vgg.question(
    "How often is a pixel read?",
    points=2,
    returns="a list of whole numbers",
    visible=([1, 3], [2, 3], [3, 3], [2, 5]),
    draw=lambda rng: [rng.randint(2, 9), rng.randint(2, 12)],
    slips={
        "+= count -> = 1": (
            "Each pixel is counted once; those in the middle are reached through many windows."
        ),
        "range(layers) -> range(layers - 1)": "That is one layer too few.",
        "range(layers) -> range(layers + 1)": "That is one layer too many.",
        "return ways -> return [count / kernel**layers for count in ways]": (
            "The counts are divided by their sum; whole numbers are asked for."
        ),
        "return ways -> return [min(p + 1, len(ways) - p, kernel) for p in range(len(ways))]": RISING,
        "return ways -> return [min(p + 1, len(ways) - p) for p in range(len(ways))]": RISING,
        "return ways -> return [min(p + 1, len(ways) - p, layers) for p in range(len(ways))]": RISING,
        "return ways -> return ways if layers == 1 else [min(p + 1, len(ways) - p) for p in range(len(ways))]": (
            RISING
        ),
        (
            "return ways -> return ways if layers == 1 else [min(p + 1, len(ways) - p, kernel) "
            "for p in range(len(ways))]"
        ): (
            "Those are the windows of the first layer over a pixel; each of its units is read "
            "in several ways, too."
        ),
        adding_in_place: (
            "The numbers are changed while they are still read; add them into a new list."
        ),
        "(len(ways) + kernel - 1) -> (len(ways) + kernel)": (
            "The list is too long: a window of `kernel` adds `kernel - 1` pixels."
        ),
        "return ways -> return [a * b for a in ways for b in ways]": (
            "Those are the counts of a square; one line is asked for."
        ),
        "return ways -> return sum(ways)": ("The counts are added up; one number a pixel is asked for."),
        spread_evenly: (
            "The kernel is taken as odd: to both sides by `kernel // 2`. It reads "
            "`kernel` pixels, even or odd."
        ),
        pascal: ("Those are Pascal's numbers, for windows of two; each layer's window has `kernel` pixels."),
        "return ways -> return ways[: (len(ways) + 1) // 2]": (
            "The list ends in the middle; the field has a right half, too."
        ),
    },
    hints=(
        "Begin with `[1]`, the output itself. A layer adds each number to `kernel` places of a longer list.",
        "The list grows by `kernel - 1` a layer: `new = [0] * (len(old) + kernel - 1)`.",
        "For each place and each `step` in `range(kernel)`: `new[place + step] += old[place]`.",
    ),
)
def footprint(layers, kernel):
    """
    How often does a unit above a stack of `layers` windows, each `kernel` wide, read each
    pixel of its field? Count the ways from the pixel to the unit along one line, without
    padding, and return these whole numbers from the first pixel to the last.

    In a square the numbers multiply: the middle pixel of three 3x3 is read 49 times, a
    corner once. One 7x7 reads each pixel once.
    """
    ways = [1]
    for _ in range(layers):
        wider = [0] * (len(ways) + kernel - 1)
        for place, count in enumerate(ways):
            for step in range(kernel):
                wider[place + step] += count
        ways = wider
    return ways


def field_with_doubling_pools(column):
    size, jump, fields = 1, 1, []
    for block in column.split():
        for kernel in map(int, block):
            size += (kernel - 1) * jump
        size, jump = 2 * size, 2 * jump
        fields.append(size)
    return fields


def field_with_whole_kernels(column):
    size, jump, fields = 1, 1, []
    for block in column.split():
        for kernel in map(int, block):
            size += kernel * jump
        size, jump = size + jump, 2 * jump
        fields.append(size)
    return fields


@vgg.question(
    "What a unit sees",
    points=2,
    returns="a list of whole numbers, one a block,",
    visible=([COLUMNS["A"]], [COLUMNS["D"]], [COLUMNS["E"]]),
    draw=lambda rng: [draw_column(rng)],
    slips={
        "[(2, 2)] -> [(1, 2)]": ("The pools' own windows are left out: each adds one step of its own."),
        "[(2, 2)] -> [(2, 1)]": (
            "The pools' strides are left out: above a pool, a step covers twice as many pixels."
        ),
        "stack += -> stack =": ("Each block is counted by itself; a later block sees through all before it."),
        field_with_doubling_pools: "A pool doubles the step, not the field.",
        field_with_whole_kernels: ("The kernels are added up; each adds `kernel - 1` steps."),
        "int(kernel) -> 3": ("Every convolution is taken as 3x3; each digit is a kernel."),
        "(int(kernel), 1) -> (int(kernel), 2)": (
            "The convolutions have stride 2 in your answer; they have 1."
        ),
        "[(int(kernel), 1) for kernel in block] -> [(int(block[0]), 1)]": (
            "A block has one convolution in your answer; it has one a digit."
        ),
        ("fields.append(receptive_field(stack).size) -> fields.append(receptive_field(stack[:-1]).size)"): (
            "That is what a unit in front of the pool sees; the pool sees one step more."
        ),
        ".size -> .jump": (
            "That is the step from unit to unit; the pixels that one unit sees are asked for."
        ),
        "    return fields ->     return fields[-1]": (
            "That is the last pool alone; a number for each block is asked for."
        ),
        (
            "        fields.append(receptive_field(stack).size) ->         pass",
            "    return fields ->     return [receptive_field(stack[: n + 1]).size "
            "for n in range(len(stack))]",
        ): ("There is a number for each layer; one for each block is asked for, at its pool."),
        "[(2, 2)] -> [(3, 2)]": (
            "A pool's stride widens its own window; it only matters to the layers above."
        ),
    },
    hints=(
        "`receptive_field(stack).size` is the field above a list of layers; or carry "
        "two numbers along: size "
        "and jump, both 1 at first.",
        "A convolution is `(kernel, 1)`, a pool `(2, 2)`. The list grows from block to block.",
        "For each layer `size += (kernel - 1) * jump`; after each pool `jump *= 2`. Note the size there.",
    ),
)
def pool_fields(column):
    """
    How many pixels, along one side, does a unit of each pool see? Pools are 2x2 with
    stride 2; convolutions have stride 1 and the kernels that the column spells. Return a
    number for each block. `receptive_field(stack).size` is the field above a list of
    layers.

    The columns are A, D and E. C, for all its 16 layers, sees no further than B: its 1x1
    kernels add nothing.
    """
    fields, stack = [], []
    for block in column.split():
        stack += [(int(kernel), 1) for kernel in block] + [(2, 2)]
        fields.append(receptive_field(stack).size)
    return fields


def draw_rows(rng):
    return [draw_column(rng, 5, "133"), 32 * rng.randint(2, 8), rng.randint(2, 1000)]


def draw_small(rng):
    """Return a column on a picture so small that dense layers have the peak."""
    column = f"{rng.choice('13')} {draw_column(rng, rng.randint(1, 2), '133')}"
    return [column, rng.randint(9, 10), rng.randint(2, 1000)]


def draw_odd_rows(rng):
    """Return a case in which the first pool meets an odd side, of five blocks or of few."""
    size = 32 * rng.randint(2, 8) + rng.randrange(1, 32, 2)
    column = draw_column(rng, rng.choice([2, 3, 5, 5]), "133")
    return [column, size, rng.randint(2, 1000)]


@vgg.question(
    "The ledger of any column",
    points=3,
    returns="a list of rows `[side, maps, parameters, macs]`",
    visible=(["3 33", 10, 10], [COLUMNS["A"], 224, 100], [COLUMNS["C"], 64, 10]),
    draw=draw_odd_rows,
    slips={
        (
            "[size, filters, parameters, -> [size, filters, parameters - filters,",
            "(inputs + 1) * units -> inputs * units",
        ): "The biases are missing: each filter and each unit has one.",
        (
            "size**2 * (parameters - filters) -> size**2 * parameters",
            ", inputs * units] -> , (inputs + 1) * units]",
        ): "The biases are counted as MACs; adding a bias multiplies nothing.",
        "size**2 * (parameters -> size * (parameters": (
            "The MACs are counted along one side; a map is as high as wide."
        ),
        "in map(int, block) -> in [3] * len(block)": (
            "Every convolution is 3x3; a digit 1 stands for a kernel of 1x1."
        ),
        "min(2 * filters, 512) -> 2 * filters": ("The maps double in every block; from 512 on they stay."),
        "parameters = conv2d -> size += 3 - kernel\n            parameters = conv2d": (
            "Every convolution is padded by 1, and a 1x1 kernel makes the map larger; each keeps the side."
        ),
        "output_size(size, 2, 2) -> -(-size // 2)": (
            "The pools round up; each halves the side and drops what is left over."
        ),
        "inputs = size**2 * channels -> inputs = channels": (
            "fc6 reads a single value a map; all of the last pool's places are flattened."
        ),
        "inputs = size**2 * channels -> inputs = 7 * 7 * 512": (
            "fc6's inputs are those of the paper's pictures; they follow from the last pool."
        ),
        "inputs = size**2 * channels -> inputs = size**2 * 512": (
            "fc6 reads 512 maps in every case; it reads those of the last block."
        ),
        (
            "size = output_size(size, 2, 2) -> pass",
            "[size, channels, 0, 0]) -> [size, channels, 0, 0]); size //= 2",
        ): ("A pool's row has the side that the pool reads; it is the side that the pool leaves."),
        "            channels = filters\n -> ": (
            "Every convolution reads three maps; from the second on it reads those of the one before."
        ),
        (
            "            channels = filters\n -> ",
            "        size = output_size(size, 2, 2) ->         size, channels = size // 2, filters",
        ): ("Every convolution of a block reads the maps of the block before; only its first one does."),
        "filters = min(2 * filters, 512) -> pass": ("Every block has 64 maps; they double up to 512."),
        "size**2 * (parameters - filters) -> (parameters - filters)": (
            "The MACs are those of a single place; each kernel works at `size * size` places."
        ),
        "size**2 * (parameters - filters) -> 2 * size**2 * (parameters - filters)": (
            "Those are FLOPs, two for a multiply-add; MACs are asked for, one each."
        ),
        "(4096, 4096, classes) -> (4096, 4096, 1000)": (
            "fc8 has 1,000 units in every case; it has one a class."
        ),
        "(4096, 4096, classes) -> (4096, classes)": ("A dense layer is missing: fc6, fc7 and fc8."),
        "        inputs = units -> ": (
            "All dense layers read the last pool; fc7 and fc8 read the layer before them."
        ),
        "output_size(size, 2, 2) -> size // 2 + 1": (
            "The pools leave a place too many; each halves the side and drops what is left over."
        ),
        "kernel in map(int, block): -> kernel in map(int, block[:1]):": (
            "A block has one convolution in your answer; it has one a digit."
        ),
        "rows.append([size, channels, 0, 0]) -> pass": (
            "The pools are missing; they have a row, with zeros for parameters and MACs."
        ),
    },
    hints=(
        "Carry three numbers along: `size`, `channels` (3 at first) and `filters` (64 at first).",
        "Convolutions are padded and keep `size`; `conv2d_parameters` counts their "
        "weights and biases, and "
        "each weight is one MAC at each of the `size * size` places.",
        "After a pool: `size //= 2` and `filters = min(2 * filters, 512)`. fc6 has "
        "`size * size * channels` "
        "inputs, then 4,096 units, 4,096 units, `classes` units.",
    ),
)
def vgg_rows(column, size, classes):
    """
    Write the ledger of any column, for pictures of `size` by `size` pixels in three
    colours: a row `[side, maps, parameters, macs]` for each convolution, each pool and
    each of the three dense layers. Blocks have 64, 128, 256, 512 and 512 maps; fc6 and
    fc7 have 4,096 units.

    Convolutions are padded and keep the side; pools halve it and drop what is left over,
    so that 5 becomes 2. A pool's row has two zeros, for parameters and MACs. A dense
    layer has the side 1. Biases are parameters, but no MACs.
    """
    rows, channels, filters = [], 3, 64
    for block in column.split():
        for kernel in map(int, block):
            parameters = conv2d_parameters(kernel, channels, filters)
            rows.append([size, filters, parameters, size**2 * (parameters - filters)])
            channels = filters
        size = output_size(size, 2, 2)
        rows.append([size, channels, 0, 0])
        filters = min(2 * filters, 512)
    inputs = size**2 * channels
    for units in (4096, 4096, classes):
        rows.append([1, units, (inputs + 1) * units, inputs * units])
        inputs = units
    return rows


@vgg.question(
    "Columns A to E",
    points=1,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=tuple([column, 224, 1000] for column in COLUMNS.values()),
    draw=draw_rows,
    slips={
        "vgg_rows(column, size, classes) -> vgg_rows(column, size, classes)[:-3]": (
            "The dense layers are left out; nine tenths of the parameters are there."
        ),
        ", sum(row[3] for row in rows)] -> , sum(row[3] for row in rows[:-3])]": (
            "The MACs of the dense layers are left out; their weights multiply, too."
        ),
        "vgg_rows(column, size, classes) -> vgg_rows(column, size, classes)[-3:]": (
            "Those are the dense layers alone; nearly all of the MACs are in the convolutions."
        ),
        "vgg_rows(column, size, classes) -> vgg_rows(column, size, classes)[:-1]": (
            "The last layer is left out."
        ),
        ", sum(row[3] for row in rows)] -> , 2 * sum(row[3] for row in rows)]": (
            "Those are FLOPs, two for a multiply-add; MACs are asked for, one each."
        ),
        (", sum(row[3] for row in rows)] -> , sum(row[0] ** 2 * row[3] for row in rows)]"): (
            "The MACs are multiplied by the places once more; the rows hold the MACs of all places."
        ),
        (", sum(row[3] for row in rows)] -> , sum(row[0] ** 2 * row[2] for row in rows)]"): (
            "Parameters times places count the biases, too; the rows hold the MACs."
        ),
        "vgg_rows(column, size, classes) -> vgg_rows(column, size, classes)[1:]": (
            "The first layer is left out."
        ),
        (
            "sum(row[2] -> sum(row[3]",
            ", sum(row[3] for row in rows)] -> , sum(row[2] for row in rows)]",
        ): "Parameters and MACs are exchanged.",
    },
    hints=(
        "Your `vgg_rows` has all the numbers.",
        "Add up the third entry of every row, then the fourth.",
    ),
)
def vgg_totals(column, size, classes):
    """
    Add up your ledger: return `[parameters, macs]` of a column. The five cases are
    columns A to E as published; the paper gives their parameters in table 2, rounded to
    millions: 133, 133, 134, 138 and 144.

    From A to E the work grows to two and a half times as much, the parameters by 8 %.
    """
    rows = vgg_rows(column, size, classes)
    return [sum(row[2] for row in rows), sum(row[3] for row in rows)]


@vgg.question(
    "Memory for one picture",
    points=2,
    returns="a list `[kept, peak]` of whole numbers",
    visible=([COLUMNS["D"], 224, 1000], [COLUMNS["A"], 224, 1000], ["3 33", 8, 10]),
    draw=(draw_small, draw_rows),
    slips={
        "[4 * sum(values), 4 * max( -> [sum(values), max(": ("Those are values; a float32 has four bytes."),
        "4 * sum(values) -> 4 * sum(values[1:])": ("The picture itself is left out; conv1_1 reads it."),
        "for row in rows] -> for row in rows if row[3]]": (
            "The pools' outputs are left out; they are written, too."
        ),
        ("4 * sum(values) -> 4 * (values[0] + sum(row[0] ** 2 * row[1] for row in rows if row[3]))"): (
            "The pools' outputs are left out of `kept`; they are written, too."
        ),
        "max(map(sum, pairwise(values))) -> max(values)": (
            "The peak is one map's; a layer needs what it reads and what it writes at the same time."
        ),
        "max(map(sum, pairwise(values))) -> 2 * max(values)": (
            "The peak is twice the largest output; a layer may write less than it reads, or more."
        ),
        "max(map(sum, pairwise(values))) -> max(map(sum, pairwise(values[:-3])))": (
            "The dense layers are left out of the peak; for small pictures they need the most."
        ),
        "max(map(sum, pairwise(values))) -> (values[0] + values[1])": (
            "The peak is the first layer's; look at all of them."
        ),
        "max(map(sum, pairwise(values))) -> sum(sorted(values)[-2:])": (
            "Those are the two largest outputs; the peak is of two neighbours, what a "
            "layer reads and what it writes."
        ),
        "max(map(sum, pairwise(values))) -> sum(values)": (
            "The peak is all of it; a layer needs what it reads and what it writes, all else is let go."
        ),
        "[3 * size**2] -> [size**2]": "The picture has three colours.",
        ("4 * sum(values) -> sum(row[2] for row in rows)",): (
            "`kept` holds parameters; what is kept are the picture and the outputs."
        ),
        "4 * sum(values) -> 4 * sum(values) + 4 * sum(row[2] for row in rows)": (
            "The parameters are counted, too; only the picture and the outputs are asked for."
        ),
        (
            "[4 * sum(values), 4 * max(map(sum, pairwise(values)))] -> [8 * "
            "sum(values), 8 * max(map(sum, pairwise(values)))]"
        ): ("A value has eight bytes in your answer; a float32 has four."),
        ("[row[0] ** 2 * row[1] for row in rows] -> [row[0] ** 2 * row[1] for row in rows[:-3]]"): (
            "The dense layers' outputs are left out; they are written, too."
        ),
        "4 * sum(values) -> 4 * (3 * size + sum(row[0] * row[1] for row in rows))": (
            "The maps are counted as lines; they are as high as wide."
        ),
    },
    hints=(
        "Make the list of values first: the picture's `3 * size * size`, then `side * side * maps` a row.",
        "`kept` is four times their sum. For `peak`, go through neighbours: what a layer reads and writes.",
        "`pairwise(values)` pairs them.",
    ),
)
def forward_bytes(column, size, classes):
    """
    How much memory does one picture take, at four bytes a value? Return `[kept, peak]`:
    `kept` is the picture and every output of convolutions, pools and dense layers; `peak`
    is the most that any layer reads and writes, if all else is let go.

    61 MB for column D, not the 93 of popular notes. The peak is conv1_2's, in every
    column that has one.
    """
    rows = vgg_rows(column, size, classes)
    values = [3 * size**2] + [row[0] ** 2 * row[1] for row in rows]
    return [4 * sum(values), 4 * max(map(sum, pairwise(values)))]


@vgg.question(
    "Dense layers that slide",
    points=2,
    returns="a list `[side, macs]` of whole numbers",
    visible=([224], [256], [384], [500]),
    draw=lambda rng: [rng.randint(290, 1200)],
    slips={
        " - 6 -> ": ("That is pool5; fc6 is a window of 7x7 that slides over it without padding."),
        "size // 32 - 6 -> size // 32 // 7": (
            "The windows are laid side by side; fc6 moves by one place at a time."
        ),
        "side**2 * ( -> (": "The MACs are those of a single place.",
        "side**2 -> side": ("The MACs are counted along one side; the map of answers is as high as wide."),
        " - 6 ->  - 7": ("The first window is missing: a window of 7 fits `n - 6` times into n places."),
        (
            "side**2 * (7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000) -> side**2 * "
            "7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000"
        ): ("fc7 and fc8 are counted once; they stand at every place, as fc6 does."),
        "(7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000) -> 7 * 7 * 512 * 4096": (
            "Only fc6 is counted; fc7 and fc8 stand at every place, too."
        ),
        (
            "7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000 -> (7 * 7 * 512 + 1) * "
            "4096 + 4097 * 4096 + 4097 * 1000"
        ): ("The biases are counted as MACs; adding a bias multiplies nothing."),
        "(7 * 7 * 512 * 4096 + -> 2 * (7 * 7 * 512 * 4096 +": (
            "Those are FLOPs, two for a multiply-add; MACs are asked for, one each."
        ),
        "size // 32 - 6 -> (size - 224) // 32 + 2": (
            "There is a place too many: at 224 pixels there is one."
        ),
        "side = size // 32 - 6 -> side = size - 223": (
            "The window slides over the picture's pixels; it slides over pool5, a place for 32 pixels."
        ),
        "4096 * 1000 -> 4096": "fc8 has 1,000 units.",
        "7 * 7 * 512 * 4096 -> 7 * 512 * 4096": (
            "fc6's window is counted along one side; it is 7 high and 7 wide."
        ),
        "7 * 7 * 512 -> 512": "fc6's window is 7x7x512, not 1x1x512.",
        "size // 32 -> -(-size // 32)": ("The pools round up; each halves and drops what is left over."),
    },
    hints=(
        "Five pools halve the side and round down: `size // 32` places remain.",
        "fc6 becomes a 7x7 convolution with 4,096 filters, fc7 and fc8 become 1x1 convolutions.",
        "A window of 7 fits `size // 32 - 6` times. Each place costs the MACs of the three dense layers.",
    ),
)
def class_map(size):
    """
    For testing, the paper slides the dense layers over larger pictures: fc6 becomes
    a 7x7 convolution without padding, fc7 and fc8 (1,000 classes) become 1x1
    convolutions. The five pools round down. For a picture of `size` pixels return
    `[side, macs]`: of the map of answers, and of the three layers together.

    One answer at 224 pixels, four at 256, and all of them share the work of the
    convolutions.
    """
    side = size // 32 - 6
    return [side, side**2 * (7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000)]


@vgg.question(
    "Does the signal arrive?",
    points=1,
    returns="a number",
    visible=([COLUMNS["A"], 0.01], [COLUMNS["D"], 0.01], [COLUMNS["D"], 0.0001]),
    draw=lambda rng: [draw_column(rng, rng.choice([3, 5])), rng.choice([0.001, 0.002, 0.005, 0.01])],
    slips={
        " / 2 -> ": "The factor 1/2 is missing: ReLU keeps half of the power.",
        "* channels * -> * filters *": "A kernel's inputs count, not its outputs.",
        "kernel**2 * channels -> channels": (
            "Only the channels are counted; a kernel reads `kernel * kernel` places of each."
        ),
        "* variance -> * variance**0.5": ("The standard deviation is taken; powers go with the variance."),
        ("    return gain ->     return gain * 2 ** (len(column.replace(' ', '')) - 1)"): (
            "The half of ReLU is taken once; it comes after each convolution."
        ),
        "    return gain ->     return gain / 2": (
            "There is a factor 1/2 too many: one for each convolution."
        ),
        "    return gain ->     return gain**0.5": ("That is the amplitude; the power is its square."),
        " / 2 ->  * 2": "ReLU halves the power; it does not double it.",
        "kernel**2 * channels -> kernel * channels": (
            "A kernel's places are counted along one side; it is as high as wide."
        ),
        "kernel**2 -> 9": "Every kernel is taken as 3x3; each digit is a kernel.",
        "            channels = filters\n -> ": (
            "Every convolution reads three maps; from the second on it reads those of the one before."
        ),
        "* channels * -> * (channels if channels == 3 else filters) *": (
            "From the second convolution on, the maps that it writes are counted; it reads those before it."
        ),
        "filters = min(2 * filters, 512) -> pass": ("Every block has 64 maps; they double up to 512."),
        "min(2 * filters, 512) -> 2 * filters": ("The maps double in every block; from 512 on they stay."),
        "* variance -> * variance**2": ("The variance is squared; powers go with the variance."),
        (
            "gain, channels, filters = 1.0, -> gain, channels, filters = 0.0,",
            "gain *= -> gain +=",
        ): ("The factors are added; a signal that passes layer after layer is multiplied."),
    },
    hints=(
        "A weighted sum of `n` inputs with weights of variance v has n * v times their power.",
        "`n` is `kernel * kernel * channels`, and ReLU halves the power. Multiply over all convolutions.",
    ),
)
def signal_gain(column, variance):
    """
    Random weights of a given `variance` multiply the mean square of a signal by
    inputs times variance, and ReLU halves it. `inputs` are the values that a kernel
    reads: its places times its channels (first 3, then 64, ...). Return the factor
    over all convolutions; leave padding and pools aside.

    With the paper's printed variance of 0.01 a signal explodes; with a deviation of
    0.01, as in AlexNet, it dies in column D before it arrives (results are shown
    with six digits).
    """
    gain, channels, filters = 1.0, 3, 64
    for block in column.split():
        for kernel in map(int, block):
            gain *= kernel**2 * channels * variance / 2
            channels = filters
        filters = min(2 * filters, 512)
    return gain


SUSPECTS = tuple(product("ABCDE", (5, 4), (False, True)))
# Sides that do not halve evenly; most are even, and odd only after some pools.
ODD_SIDES = [side for side in range(100, 400) if side % 16 and (side % 2 == 0 or side % 5 == 0)]


def suspect(size, column, pools, rounds_up):
    """Return the parameters of a column whose last pool may be missing and whose pools may round up."""
    convolutions = sum(row[2] for row in vgg_rows(COLUMNS[column], 32, 1000)[:-3])
    side = -(-size // 2**pools) if rounds_up else size // 2**pools
    dense = [side**2 * 512, 4096, 4096, 1000]
    return convolutions + sum((inputs + 1) * units for inputs, units in pairwise(dense))


def impostor(letter, pools, rounds_up, halves=False):
    """Return what draws a suspect, whose picture halves evenly or does not."""

    def draw(rng):
        size = 32 * rng.randint(4, 12) if halves else rng.choice(ODD_SIDES)
        return [size, suspect(size, letter, pools, rounds_up)]

    return draw


READ_OFF_SIZE = "Rounding up is read off the size; only the total tells whether it was done."
MILLIONS = "Totals are compared in rounded millions; then other columns fit, too. Compare them exactly."
FIVE_POOLS = "All have five pools in your answer; one may be missing, and fc6 is then four times as large."
NO_LETTER = "The number of weight layers is given in place of the column's letter."


@vgg.question(
    "Find the impostor",
    points=4,
    returns="a list `[column, pools, rounds_up]` of a letter, a whole number and a truth value",
    visible=(
        [224, suspect(224, "D", 5, False)],
        [224, suspect(224, "C", 5, False)],
        [224, suspect(224, "D", 4, False)],
        [200, suspect(200, "E", 5, True)],
        [100, suspect(100, "B", 4, True)],
    ),
    draw=(  # A and C are mistaken most
        impostor("A", 4, True),
        impostor("C", 5, False),
        impostor("B", 4, True),
        impostor("A", 4, False),
        impostor("C", 4, True),
        impostor("D", 5, True),
        impostor("A", 5, False, halves=True),
        impostor("C", 4, False, halves=True),
        impostor("B", 4, True),
        impostor("A", 5, True),
        impostor("C", 4, False),
        impostor("E", 4, False),
    ),
    slips={
        "[letter, pools, up] -> [letter, pools, False]": (
            "The pools' rounding is never seen: try both, `//` and rounding up."
        ),
        ("[letter, pools, up] -> [{'C': 'D', 'D': 'C'}.get(letter, letter), pools, up]"): (
            "C and D are exchanged: C's 1x1 kernels have fewer weights."
        ),
        "[letter, pools, up] -> [letter, 5, up]": FIVE_POOLS,
        "[letter, pools, up] -> [letter, pools, not up]": (
            "True and False are exchanged: True says that the pools round up."
        ),
        "[letter, pools, up] -> [letter, 5 - pools, up]": (
            "The number of missing pools is given; the pools that are there are asked for."
        ),
        "[letter, pools, up] -> [letter, pools, bool(size % 32)]": READ_OFF_SIZE,
        "[letter, pools, up] -> [letter, pools, up] if up == (size % 32 > 0) else ['D', 5, True]": READ_OFF_SIZE,
        (
            "if up else size -> if up and size % 2 else size",
            "[letter, pools, up] -> [letter, pools, up]\n    return ['D', 5, False]",
        ): "Only the picture's own side is looked at; it may become odd after some pools.",
        "== total: -> == total and not (up and pools == 4):": (
            "A missing pool is never tried together with rounding up; a network may do both."
        ),
        "[letter, pools, up] -> [letter, pools, up or not size % 2**pools]": (
            "Where rounding makes no difference, nothing rounds up: try rounding down first."
        ),
        "convolutions + dense == total -> round(convolutions + dense, -6) == round(total, -6)": MILLIONS,
        "convolutions + dense == total -> abs(convolutions + dense - total) < 500_000": MILLIONS,
        "[5, 4] -> [5]": FIVE_POOLS,
        "[letter, pools, up] -> ['VGG-' + str(weight_layers(column)), pools, up]": NO_LETTER,
        "columns.items() -> [pair for pair in columns.items() if pair[0] in 'DE']": (
            "Only D and E are tried; A, B and C are suspects, too."
        ),
        "columns.items() -> [pair for pair in columns.items() if pair[0] != 'A']": (
            "Column A is left out; it is not among the examples, but a suspect, too."
        ),
        "columns.items() -> [pair for pair in columns.items() if pair[0] != 'C']": (
            "Column C is left out; it has 16 weight layers, as D has."
        ),
        "[letter, pools, up] -> [letter, up, pools]": ("Pools and rounding are exchanged."),
        "[letter, pools, up] -> [letter.lower(), pools, up]": ("The column's letter is a capital."),
        "[letter, pools, up] -> [str(weight_layers(column)), pools, up]": NO_LETTER,
    },
    hints=(
        "There are 20 suspects: five columns, four or five pools, rounding down or up. Total each.",
        "The convolutions' parameters do not depend on the size: take them from "
        "`vgg_rows`. fc6 reads "
        "`side * side * 512` values.",
        "`size // 2**pools` is the side after pools that round down, `-(-size // "
        "2**pools)` after pools that "
        "round up. Try rounding down first: where it makes no difference, nothing "
        "rounds up.",
    ),
)
def vgg_impostor(size, total):
    """
    Networks called VGG-16 are other columns, miss the last pool, or round up in
    pooling (`same`), which shows at odd sides only. From the side of the pictures
    and the total of parameters, for 1,000 classes, tell `[column, pools,
    rounds_up]`. Where rounding makes no difference, nothing rounds up.

    The second exists: C passes for D, as both have 16 layers. `total` counts
    everything, biases too. At 224 pixels rounding up goes unnoticed; at 200 it
    costs 27 million parameters.
    """
    columns = {"A": "3 3 33 33 33", "B": "33 33 33 33 33", "C": "33 33 331 331 331"}
    columns |= {"D": "33 33 333 333 333", "E": "33 33 3333 3333 3333"}
    for (letter, column), pools, up in product(columns.items(), [5, 4], [False, True]):
        convolutions = sum(row[2] for row in vgg_rows(column, 32, 1000)[:-3])
        side = -(-size // 2**pools) if up else size // 2**pools
        dense = (512 * side**2 + 1) * 4096 + 4097 * 4096 + 4097 * 1000
        if convolutions + dense == total:
            return [letter, pools, up]
