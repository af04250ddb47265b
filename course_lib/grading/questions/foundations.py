"""Ask for sizes, parameters, connections, MACs and receptive fields: the arithmetic of every chapter."""

from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

foundations = partial(Question, chapter="foundations")


# Output size


def output_size(size, kernel, stride, padding):
    return arithmetic.output_size(size, kernel, stride, padding=padding)


def _draw_output_size(rng):
    kernel = rng.randint(2, 7)
    return [rng.randint(8, 64), kernel, rng.randint(1, 4), rng.randint(1, kernel // 2)]


OUTPUT_SIZE = foundations(
    name="output_size",
    title="Output size",
    points=2,
    returns="a whole number",
    visible=([32, 5, 1, 0], [14, 3, 2, 1], [224, 11, 4, 2]),
    draw=_draw_output_size,
    reference=output_size,
    mistakes={
        "That is ceil, not floor: a last window that does not fit is dropped.": (
            lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1
        ),
        "The quotient is not rounded down: a window either fits or it does not, so divide with `//`.": (
            lambda n, k, s, p: (n + 2 * p - k) / s + 1
        ),
        "The + 1 is missing: the first window stands before any step is made.": lambda n, k, s, p: (
            (n + 2 * p - k) // s
        ),
        "The padding is added once; it is added on both sides.": lambda n, k, s, p: (n + p - k) // s + 1,
        "The padding is left out.": lambda n, k, s, p: (n - k) // s + 1,
        "The stride is left out.": lambda n, k, s, p: n + 2 * p - k + 1,
    },
    hints=(
        "How far can the window's left edge move before its right edge leaves the padded input?",
        "The padded input has `size + 2 * padding` pixels; the window takes `kernel` of them.",
        "Count the whole strides in that room with `//`, and add the first window.",
    ),
)


# Same padding


def same_padding(size, kernel, stride):
    return list(arithmetic.same_padding(size, kernel, stride))


def _total_padding(size, kernel, stride):
    return (-(-size // stride) - 1) * stride + kernel - size


def _draw_same_padding(rng):
    return [rng.randint(8, 64), rng.randint(1, 7), rng.randint(1, 4)]


SAME_PADDING = foundations(
    name="same_padding",
    title="Padding that keeps the size",
    points=2,
    returns="a list `[before, after]` of whole numbers",
    visible=([32, 5, 1], [10, 4, 1], [224, 3, 2], [8, 1, 2]),
    draw=_draw_same_padding,
    reference=same_padding,
    mistakes={
        "The odd pixel goes before; TensorFlow puts it after.": lambda n, k, s: same_padding(n, k, s)[::-1],
        "The stride is left out: with a stride, fewer windows need fewer pixels.": lambda n, k, s: (
            same_padding(n, k, 1)
        ),
        "That is half the kernel on each side, as other libraries pad; `same` adds no more than it needs.": (
            lambda n, k, s: [k // 2, k // 2]
        ),
        "The padding must not be negative: where the windows leave pixels over, add none.": (
            lambda n, k, s: [
                _total_padding(n, k, s) // 2,
                _total_padding(n, k, s) - _total_padding(n, k, s) // 2,
            ]
        ),
        "That is all the padding on each side; the two sides share it.": lambda n, k, s: (
            [sum(same_padding(n, k, s))] * 2
        ),
    },
    hints=(
        "First count the windows: `same` makes ceil(size / stride) of them.",
        "From the first pixel of the first window to the last pixel of the last one there are "
        "`(windows - 1) * stride + kernel` pixels; what exceeds `size` is padding, and it is at least 0.",
        "`before` is half of it, rounded down; `after` is the rest.",
    ),
)


# Correlation


def correlate(image, kernel):
    height, width = len(kernel), len(kernel[0])
    return [
        [
            sum(kernel[i][j] * image[y + i][x + j] for i in range(height) for j in range(width))
            for x in range(len(image[0]) - width + 1)
        ]
        for y in range(len(image) - height + 1)
    ]


def _padded(image, kernel):
    below, right = len(kernel) - 1, len(kernel[0]) - 1
    rows = [[*row, *[0] * right] for row in image]
    return rows + [[0] * len(rows[0]) for _ in range(below)]


def _draw_correlate(rng):
    height, width = rng.randint(4, 6), rng.randint(4, 6)
    rows, columns = rng.randint(2, 3), rng.randint(2, 3)
    image = [[rng.randint(0, 9) for _ in range(width)] for _ in range(height)]
    return [image, [[rng.randint(-3, 3) for _ in range(columns)] for _ in range(rows)]]


CORRELATE = foundations(
    name="correlate",
    title="One feature map",
    points=3,
    returns="a list of rows of numbers, one number a position of the kernel,",
    visible=(
        [[[0, 0, 1, 1], [0, 0, 1, 1]], [[-1, 1]]],
        [[[1, 2, 0], [0, 1, 3], [2, 0, 1]], [[1, 0], [2, -1]]],
    ),
    draw=_draw_correlate,
    reference=correlate,
    floats=True,
    mistakes={
        "The kernel is flipped, as in mathematics; networks multiply it as it stands.": (
            lambda image, kernel: correlate(image, [row[::-1] for row in kernel[::-1]])
        ),
        "The kernel is transposed: its rows lie along the image's rows.": (
            lambda image, kernel: correlate(image, [list(column) for column in zip(*kernel, strict=True)])
        ),
        "The last row and column are missing: the kernel has `size - kernel + 1` positions.": (
            lambda image, kernel: [row[:-1] for row in correlate(image, kernel)[:-1]]
        ),
        "The kernel runs over the border; only positions where all of it lies on the image count.": (
            lambda image, kernel: correlate(_padded(image, kernel), kernel)
        ),
    },
    hints=(
        "Four loops: two over the positions of the kernel, two over its entries.",
        "With the kernel's corner on row y and column x, `kernel[i][j]` lies on `image[y + i][x + j]`.",
        "y runs over `range(len(image) - len(kernel) + 1)`, x likewise; the value is the sum of products.",
    ),
)


# Parameters


def conv2d_parameters(kernel, in_channels, filters):
    return arithmetic.conv2d_parameters(kernel, in_channels, filters)


def _draw_parameters(rng):
    return [rng.randint(2, 7), rng.randint(2, 64), rng.randint(2, 64)]


CONV2D_PARAMETERS = foundations(
    name="conv2d_parameters",
    title="Parameters of a convolution",
    points=2,
    returns="a whole number",
    visible=([5, 1, 6], [3, 64, 128]),
    draw=_draw_parameters,
    reference=conv2d_parameters,
    mistakes={
        "The bias is missing: each filter has one.": lambda k, c, f: k * k * c * f,
        "That is one bias for each input channel; a filter has a single bias.": lambda k, c, f: (
            (k * k + 1) * c * f
        ),
        "That is one bias for the whole layer; each filter has its own.": lambda k, c, f: k * k * c * f + 1,
        "The kernel is not squared: it is `kernel` pixels high and `kernel` wide.": lambda k, c, f: (
            (k * c + 1) * f
        ),
        "The input channels are left out: a filter has a kernel for each of them.": lambda k, c, f: (
            (k * k + 1) * f
        ),
    },
    hints=(
        "How many numbers does one filter hold?",
        "One filter has a kernel of `kernel * kernel` weights for each input channel, and one bias.",
    ),
)


# A row of the ledger


def ledger_row(size, kernel, stride, padding, in_channels, filters):
    output = arithmetic.output_size(size, kernel, stride, padding=padding)
    return [
        output,
        arithmetic.conv2d_parameters(kernel, in_channels, filters),
        arithmetic.conv2d_connections(output, kernel, in_channels, filters),
        arithmetic.conv2d_macs(output, kernel, in_channels, filters),
    ]


def _changed(change):
    """Return the ledger row with its last entries from `change(row, size, kernel, in_channels, filters)`."""

    def wrong(size, kernel, stride, padding, in_channels, filters):
        row = ledger_row(size, kernel, stride, padding, in_channels, filters)
        new = change(row, size, kernel, in_channels, filters)
        return row[: 4 - len(new)] + new

    return wrong


def _draw_ledger_row(rng):
    kernel = rng.randint(2, 7)
    padding = rng.randint(0, kernel // 2)
    return [rng.randint(8, 64), kernel, rng.randint(1, 4), padding, rng.randint(2, 64), rng.randint(2, 64)]


LEDGER_ROW = foundations(
    name="ledger_row",
    title="A row of the ledger",
    points=3,
    returns="a list `[output, parameters, connections, macs]` of whole numbers",
    visible=([32, 5, 1, 0, 1, 6], [227, 11, 4, 0, 3, 96], [14, 3, 2, 1, 8, 16]),
    draw=_draw_ledger_row,
    reference=ledger_row,
    mistakes={
        "The biases are not among the connections: each output unit uses its filter's bias once.": _changed(
            lambda row, n, k, c, f: [row[3], row[3]]
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": _changed(
            lambda row, n, k, c, f: [row[2]]
        ),
        "Those are FLOPs: a MAC is one multiplication together with one addition.": _changed(
            lambda row, n, k, c, f: [2 * row[3]]
        ),
        "The positions are counted along one side; the map is `output` high and `output` wide.": _changed(
            lambda row, n, k, c, f: [row[0] * row[1], row[0] * (row[1] - f)]
        ),
        "The positions are those of the input; each unit of the output has its connections.": _changed(
            lambda row, n, k, c, f: [n * n * row[1], n * n * (row[1] - f)]
        ),
        "The bias is missing: each filter has one, in the parameters and in the connections.": _changed(
            lambda row, n, k, c, f: [row[1] - f, row[3], row[3]]
        ),
    },
    hints=(
        "Use your `output_size` and your `conv2d_parameters`.",
        "Every unit uses all parameters of its filter once: there are `output * output` positions.",
        "MACs are the connections without those to the biases: `output * output * filters` fewer.",
    ),
)


# Three ways


def parameters_three_ways(size, kernel, filters):
    output = arithmetic.output_size(size, kernel)
    return [
        arithmetic.dense_parameters(size**2, output**2 * filters),
        arithmetic.locally_connected2d_parameters(output, kernel, 1, filters),
        arithmetic.conv2d_parameters(kernel, 1, filters),
    ]


def _three_ways_without_bias(size, kernel, filters):
    units = (size - kernel + 1) ** 2 * filters
    return [size**2 * units, kernel**2 * units, kernel**2 * filters]


def _three_ways_shared_bias(size, kernel, filters):
    dense, local, shared = parameters_three_ways(size, kernel, filters)
    return [dense, local - (size - kernel + 1) ** 2 * filters + filters, shared]


def _three_ways_on_the_input(size, kernel, filters):
    units = size**2 * filters
    return [(size**2 + 1) * units, (kernel**2 + 1) * units, (kernel**2 + 1) * filters]


def _three_ways_one_unit(size, kernel, filters):
    _, local, shared = parameters_three_ways(size, kernel, filters)
    return [(size**2 + 1) * filters, local, shared]


def _draw_three_ways(rng):
    kernel = rng.randint(2, 7)
    return [rng.randint(kernel + 1, 40), kernel, rng.randint(1, 16)]


THREE_WAYS = foundations(
    name="parameters_three_ways",
    title="Dense, local, shared",
    points=3,
    returns="a list `[dense, local, shared]` of whole numbers",
    visible=([32, 5, 6], [8, 3, 1]),
    draw=_draw_three_ways,
    reference=parameters_three_ways,
    mistakes={
        "The biases are missing: a dense and a local unit each have one, a shared filter has one.": (
            _three_ways_without_bias
        ),
        "The local units share their biases; without sharing, each has its own.": _three_ways_shared_bias,
        "The units are counted at every pixel; without padding, a map has `size - kernel + 1` a side.": (
            _three_ways_on_the_input
        ),
        "The dense layer has as many units as the maps together, not one a map.": _three_ways_one_unit,
    },
    hints=(
        "Count the output units first: `filters` maps of `size - kernel + 1` a side.",
        "A dense unit has `size * size` weights and a bias; a local one `kernel * kernel` and a bias.",
        "Local over shared is the number of positions of a map: that is what sharing saves.",
    ),
)


# Receptive field


def receptive_field(layers):
    return list(arithmetic.receptive_field(layers)[:2])


def _field(widen):
    """Return the field that grows by `widen(size, jump, previous_stride, kernel, stride)`."""

    def wrong(layers):
        size, jump, previous = 1, 1, 1
        for kernel, stride in layers:
            size = widen(size, jump, previous, kernel, stride)
            jump, previous = jump * stride, stride
        return [size, jump]

    return wrong


def _added_jumps(layers):
    size, _ = receptive_field(layers)
    return [size, sum(stride for _, stride in layers)]


def _draw_receptive_field(rng):
    return [[[rng.randint(1, 7), rng.randint(1, 3)] for _ in range(rng.randint(2, 6))]]


RECEPTIVE_FIELD = foundations(
    name="receptive_field",
    title="Receptive field",
    points=2,
    returns="a list `[size, jump]` of whole numbers",
    visible=([[[3, 1], [3, 1]]], [[[5, 1], [2, 2], [5, 1], [2, 2]]], [[[7, 2], [3, 2], [3, 1], [3, 1]]]),
    draw=_draw_receptive_field,
    reference=receptive_field,
    mistakes={
        "The strides are left out of the size: after a stride of 2, a step covers two pixels.": _field(
            lambda size, jump, previous, k, s: size + k - 1
        ),
        "The kernels are added up; windows overlap, so each adds `kernel - 1` jumps to one pixel.": (
            lambda layers: [sum(kernel for kernel, _ in layers), receptive_field(layers)[1]]
        ),
        "A layer's own stride widens its window; it only matters to the layers above.": _field(
            lambda size, jump, previous, k, s: size + (k - 1) * jump * s
        ),
        "Only the stride just below is counted; the strides of all layers below multiply.": _field(
            lambda size, jump, previous, k, s: size + (k - 1) * previous
        ),
        "The kernels are multiplied; windows overlap, so each adds `kernel - 1` jumps.": _field(
            lambda size, jump, previous, k, s: size * k
        ),
        "The size is right, but the strides are added up in the jump: they multiply.": _added_jumps,
    },
    hints=(
        "Keep two numbers: the pixels that a unit sees, and the pixels from one unit to the next (the jump).",
        "Both begin at 1. A window of `kernel` units reaches `kernel - 1` jumps further than a single unit.",
        "For each layer: first `size += (kernel - 1) * jump`, then `jump *= stride`.",
    ),
)


# A stack


def stack_totals(size, channels, layers):
    parameters = 0
    for kernel, stride, padding, filters in layers:
        size = arithmetic.output_size(size, kernel, stride, padding=padding)
        parameters += arithmetic.conv2d_parameters(kernel, channels, filters)
        channels = filters
    return [size, parameters]


def _stack_first_channels(size, channels, layers):
    return [
        stack_totals(size, channels, layers)[0],
        sum(arithmetic.conv2d_parameters(kernel, channels, filters) for kernel, _, _, filters in layers),
    ]


def _stack_last(size, channels, layers):
    inputs = [channels, *(filters for *_, filters in layers)]
    kernel, _, _, filters = layers[-1]
    final = arithmetic.conv2d_parameters(kernel, inputs[-2], filters)
    return [stack_totals(size, channels, layers)[0], final]


def _stack_without_bias(size, channels, layers):
    size, parameters = stack_totals(size, channels, layers)
    return [size, parameters - sum(filters for *_, filters in layers)]


def _stack_without_padding(size, channels, layers):
    _, parameters = stack_totals(size, channels, layers)
    for kernel, stride, _, _ in layers:
        size = (size - kernel) // stride + 1
    return [size, parameters]


def _draw_stack(rng):
    layers = []
    for _ in range(rng.randint(2, 4)):
        kernel = rng.randint(2, 5)
        layers.append([kernel, rng.randint(1, 2), rng.randint(0, kernel // 2), rng.randint(2, 64)])
    return [rng.randint(80, 160), rng.choice([1, 3]), layers]


STACK_TOTALS = foundations(
    name="stack_totals",
    title="A stack of convolutions",
    points=3,
    returns="a list `[size, parameters]` of whole numbers",
    visible=(
        [32, 1, [[5, 1, 0, 6], [5, 1, 0, 16]]],
        [224, 3, [[3, 1, 1, 64], [3, 1, 1, 64], [3, 2, 1, 128]]],
    ),
    draw=_draw_stack,
    reference=stack_totals,
    mistakes={
        "Every layer reads the image's channels; from the second on, it reads the maps before it.": (
            _stack_first_channels
        ),
        "Those are the parameters of the last layer; add up all of them.": _stack_last,
        "The biases are missing: each filter has one.": _stack_without_bias,
        "The padding is left out of the size.": _stack_without_padding,
    },
    hints=(
        "Walk through the layers once, and carry the size and the channels along.",
        "Use your `output_size` and your `conv2d_parameters` for each layer.",
        "At the end of each step, `channels = filters`: the maps of this layer are what the next one reads.",
    ),
)

QUESTIONS = (
    OUTPUT_SIZE,
    SAME_PADDING,
    CORRELATE,
    CONV2D_PARAMETERS,
    LEDGER_ROW,
    THREE_WAYS,
    RECEPTIVE_FIELD,
    STACK_TOTALS,
)
