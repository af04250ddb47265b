"""Ask for ZFNet and its deconvnet: sizes that round up, switches, the way back to pixels, impostors."""

import itertools
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

OFFERS = (
    "conv2d_parameters",
    "dense_parameters",
    "output_size",
)  # of `arithmetic`: the exercises import them

zfnet = partial(Question, chapter="zfnet")


# Pooling that rounds up


def pooled_up(size, kernel, stride):
    return -(-(size - kernel) // stride) + 1


def _draw_pooled_up(rng):
    stride = rng.randint(2, 4)
    return [rng.randint(12, 240), rng.randint(stride, 7), stride]


POOLED_UP = zfnet(
    name="pooled_up",
    title="Pooling that rounds up",
    points=1,
    returns="a whole number",
    visible=([110, 3, 2], [55, 3, 2], [16, 3, 3], [13, 5, 2]),
    draw=_draw_pooled_up,
    reference=pooled_up,
    mistakes={
        "That rounds down: a last window that hangs over the edge is dropped; here it is kept.": (
            lambda n, k, s: (n - k) // s + 1
        ),
        "That is `same`: one window for each step that begins inside. Here a window is added only if "
        "values are left over.": (lambda n, k, s: -(-n // s)),
        "The side is divided by the stride, which is right for 3x3 with stride 2 only.": (
            lambda n, k, s: n // s
        ),
        "The first window is missing: the steps are counted, and there is one window more.": (
            lambda n, k, s: -(-(n - k) // s)
        ),
        "One window is always added, also where the last one fits.": lambda n, k, s: (n - k) // s + 2,
    },
    hints=(
        "The first window takes `kernel` values, `size - kernel` are left.",
        "Each further window moves by `stride`: divide what is left by the stride, and round up.",
        "`-(-a // b)` is `a / b`, rounded up.",
    ),
)


# Sizes from the picture to the dense layers


def zfnet_sides(size):
    return _sides(size)


def _sides(size, padding=1, pool=lambda n: pooled_up(n, 3, 2), conv2=(2, 0), maps=256):
    conv1 = arithmetic.output_size(size, 7, 2, padding=padding)
    pool1 = pool(conv1)
    stride, around = conv2
    second = arithmetic.output_size(pool1, 5, stride, padding=around)
    pool2 = pool(second)
    pool5 = pool(pool2)
    return [conv1, pool1, second, pool2, pool5, maps * pool5**2]


def _down(size):
    return (size - 3) // 2 + 1


ZFNET_SIDES = zfnet(
    name="zfnet_sides",
    title="From 224 pixels to 9,216 values",
    points=2,
    returns="a list `[conv1, pool1, conv2, pool2, pool5, flatten]` of whole numbers",
    visible=([224], [99], [130]),
    draw=lambda rng: [rng.randint(100, 320)],
    reference=zfnet_sides,
    mistakes={
        "The pools round down; figure 3's 55, 13 and 6 need pools that round up.": (
            lambda n: _sides(n, pool=_down)
        ),
        "conv1 is not padded; figure 3's 110 needs one zero on each side.": lambda n: _sides(n, padding=0),
        "conv2 has stride 1 and padding 2, as in AlexNet; here it is stride 2, without padding.": (
            lambda n: _sides(n, conv2=(1, 2))
        ),
        "conv2 is padded by 2; here it is not padded.": lambda n: _sides(n, conv2=(2, 2)),
        "The flattened vector has conv4's 384 maps; conv5 has 256.": lambda n: _sides(n, maps=384),
        "The flattened vector is missing its 256 maps.": lambda n: _sides(n, maps=1),
    },
    hints=(
        "conv1 is `output_size(size, 7, 2, padding=1)`; every pool is 3x3 with stride 2 and rounds up.",
        "conv2 is 5x5 with stride 2 and no padding; conv3 to conv5 keep the side.",
        "pool5 is your `pooled_up` of pool2; flattened it has 256 values a position.",
    ),
)


# What the change of conv1 costs


def conv1_change(size, filters):
    return _change(size, filters)


def _change(size, filters, colours=3, power=2, bias=0, side=None):
    new, old = _conv1_sides(size) if side is None else (side(size), side(size))
    weights = [kernel**2 * colours * filters for kernel in (7, 11)]
    parameters = weights[0] - weights[1]
    return [
        parameters,
        new**power * (weights[0] + bias * filters) - old**power * (weights[1] + bias * filters),
    ]


def _conv1_sides(size):
    return arithmetic.output_size(size, 7, 2, padding=1), arithmetic.output_size(size, 11, 4)


CONV1_CHANGE = zfnet(
    name="conv1_change",
    title="Smaller windows, more of them",
    points=1,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=([227, 96], [99, 12]),
    draw=lambda rng: [rng.randint(60, 320), rng.randint(2, 128)],
    reference=conv1_change,
    mistakes={
        "The signs are exchanged: it is ZFNet less AlexNet.": (
            lambda n, f: [-value for value in conv1_change(n, f)]
        ),
        "The three colours are left out: a kernel reads all of them.": lambda n, f: _change(n, f, colours=1),
        "The positions are counted along one side; a map is as high as wide.": (
            lambda n, f: _change(n, f, power=1)
        ),
        "Both are counted at AlexNet's positions; stride 2 has about four times as many.": (
            lambda n, f: _change(n, f, side=lambda size: _conv1_sides(size)[1])
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": lambda n, f: _change(
            n, f, bias=1
        ),
    },
    hints=(
        "The biases cancel: a filter has one in either network.",
        "MACs are output side squared, times window squared, times 3, times filters.",
        "The sides are `output_size(size, 7, 2, padding=1)` and `output_size(size, 11, 4)`.",
    ),
)


# The table


def zfnet_parameters(size, classes, widths):
    flat = zfnet_sides(size)[4] ** 2 * widths[2]
    maps = [3, 96, 256, *widths]
    rows = [
        arithmetic.conv2d_parameters(kernel, maps[i], maps[i + 1]) for i, kernel in enumerate((7, 5, 3, 3, 3))
    ]
    units = [(flat, 4096), (4096, 4096), (4096, classes)]
    return rows + [arithmetic.dense_parameters(*pair) for pair in units]


def _table(row, value):
    """Return the table with one row, conv1 = 1 to fc8 = 8, replaced by a function of the arguments."""

    def wrong(size, classes, widths):
        rows = zfnet_parameters(size, classes, widths)
        rows[row - 1] = value(size, classes, widths)
        return rows

    return wrong


FIGURE_3, WIDE = [384, 384, 256], [512, 1024, 512]

ZFNET_PARAMETERS = zfnet(
    name="zfnet_parameters",
    title="The table of ZFNet",
    points=2,
    returns="a list of eight whole numbers, conv1 to fc8,",
    visible=([224, 1000, FIGURE_3], [224, 1000, WIDE], [130, 10, FIGURE_3]),
    draw=lambda rng: [
        rng.randint(100, 320),
        rng.randint(2, 2000),
        [8 * rng.randint(8, 128) for _ in range(3)],
    ],
    reference=zfnet_parameters,
    mistakes={
        "fc6 always reads 6x6 positions; they follow from the size of the picture.": _table(
            6, lambda n, classes, widths: arithmetic.dense_parameters(36 * widths[2], 4096)
        ),
        "fc6 always reads 256 maps; it reads those of conv5, the last of `widths`.": _table(
            6, lambda n, classes, widths: arithmetic.dense_parameters(zfnet_sides(n)[5], 4096)
        ),
        "conv2 reads 48 maps, as with AlexNet's two cards; here every kernel reads all maps.": _table(
            2, lambda n, classes, widths: arithmetic.conv2d_parameters(5, 48, 256)
        ),
        "conv1 is AlexNet's, 11x11; here it is 7x7.": _table(
            1, lambda n, classes, widths: arithmetic.conv2d_parameters(11, 3, 96)
        ),
        "The biases are missing: one a filter, one a unit.": lambda n, classes, widths: [
            row - bias
            for row, bias in zip(
                zfnet_parameters(n, classes, widths), (96, 256, *widths, 4096, 4096, classes), strict=True
            )
        ],
        "fc8 always has 1,000 units; it has one a class.": _table(
            8, lambda n, classes, widths: arithmetic.dense_parameters(4096, 1000)
        ),
    },
    hints=(
        "The maps are 3, 96, 256, then the three of `widths`; the windows 7, 5, 3, 3, 3.",
        "Five times `conv2d_parameters(kernel, maps before, maps after)`, three times `dense_parameters`.",
        "fc6 reads `zfnet_sides(size)[4] ** 2 * widths[2]` values.",
    ),
)


# Switches


def switches(rows):
    return _switches(rows)


def _switches(rows, best=max, count=pooled_up, place=lambda i, j, r, c: [r, c]):
    side, found = len(rows), []
    for i, j in itertools.product(range(count(side, 3, 2)), repeat=2):
        window = itertools.product(range(2 * i, min(2 * i + 3, side)), range(2 * j, min(2 * j + 3, side)))
        row, column = best(window, key=lambda at: rows[at[0]][at[1]])
        found.append(place(i, j, row, column))
    return found


def _draw_map(rng, low=5, high=8):
    side = rng.randint(low, high)
    values = rng.sample(range(100), side**2)  # no two are the same
    return [values[side * row : side * row + side] for row in range(side)]


MAP_5 = [[3, 9, 1, 8, 0], [4, 2, 7, 5, 6], [10, 11, 20, 12, 13], [14, 15, 16, 24, 18], [19, 17, 21, 22, 23]]
MAP_4 = [[5, 1, 0, 4], [2, 3, 15, 6], [8, 9, 10, 7], [11, 12, 13, 14]]

SWITCHES = zfnet(
    name="switches",
    title="Switches: where a maximum came from",
    points=2,
    returns="a list of pairs `[row, column]` of whole numbers",
    visible=([MAP_5], [MAP_4]),
    draw=lambda rng: [_draw_map(rng)],
    reference=switches,
    mistakes={
        "Those are positions inside the windows; a switch is the position in the whole map.": (
            lambda rows: _switches(rows, place=lambda i, j, r, c: [r - 2 * i, c - 2 * j])
        ),
        "Row and column are exchanged.": lambda rows: _switches(rows, place=lambda i, j, r, c: [c, r]),
        "Windows that hang over the edge are left out; these pools round up.": (
            lambda rows: _switches(rows, count=lambda n, k, s: (n - k) // s + 1)
        ),
        "Those are the places of the smallest values.": lambda rows: _switches(rows, best=min),
        "Rows and columns are counted from 1; the first is 0.": (
            lambda rows: _switches(rows, place=lambda i, j, r, c: [r + 1, c + 1])
        ),
    },
    hints=(
        "Go through the windows in reading order: rows `2 * i` to `2 * i + 2`, columns alike, as far as the "
        "map goes.",
        "There are `pooled_up(len(rows), 3, 2)` windows along each side.",
        "`max(places, key=lambda place: rows[place[0]][place[1]])` is the place of the largest value.",
    ),
)


# Unpooling


def unpool(values, places, size):
    return _unpool(values, places, size)


def _unpool(values, places, size, combine=lambda old, new: old + new, at=lambda r, c: (r, c)):
    rows = [[None] * size for _ in range(size)]
    for value, (row, column) in zip(values, places, strict=True):
        r, c = at(row, column)
        rows[r][c] = value if rows[r][c] is None else combine(rows[r][c], value)
    return [[0 if value is None else value for value in row] for row in rows]


def _draw_unpool(rng):
    rows = _draw_map(rng)
    places = switches(rows)
    return [[rng.randint(1, 99) for _ in places], places, len(rows)]


UNPOOL = zfnet(
    name="unpool",
    title="Unpooling",
    points=2,
    returns="a list of `size` lists of `size` numbers",
    visible=([[1, 20, 300, 4000], switches(MAP_5), 5], [[7, 5, 3, 9], switches(MAP_4), 4]),
    draw=_draw_unpool,
    reference=unpool,
    floats=True,
    mistakes={
        "Where several windows chose one place, the last value is kept; they add up.": (
            lambda v, places, n: _unpool(v, places, n, combine=lambda old, new: new)
        ),
        "Where several windows chose one place, the first value is kept; they add up.": (
            lambda v, places, n: _unpool(v, places, n, combine=lambda old, new: old)
        ),
        "Where several windows chose one place, the largest value is kept; they add up.": (
            lambda v, places, n: _unpool(v, places, n, combine=max)
        ),
        "Row and column are exchanged.": (
            lambda v, places, n: _unpool(v, places, n, at=lambda row, column: (column, row))
        ),
        "Each place counts how often it was chosen; it should get the values.": (
            lambda v, places, n: _unpool([1] * len(v), places, n)
        ),
    },
    hints=(
        "Begin with `[[0] * size for _ in range(size)]`.",
        "`zip(values, places)` pairs each value with its place.",
        "Windows overlap, so a place may be chosen twice: add the value to what is there.",
    ),
)


# The size of a transposed convolution


def transposed_size(size, kernel, stride, padding):
    return _back(size, kernel, stride, padding)


def _back(size, kernel, stride, padding, back=lambda n, k, s, p: (n - 1) * s + k - 2 * p, sign=1):
    output = arithmetic.output_size(size, kernel, stride, padding=padding)
    grown = back(output, kernel, stride, padding)
    return [grown, sign * (size - grown)]


def _draw_transposed_size(rng):
    kernel = rng.randint(2, 9)
    return [rng.randint(20, 240), kernel, rng.randint(1, 4), rng.randint(0, kernel // 2)]


TRANSPOSED_SIZE = zfnet(
    name="transposed_size",
    title="The size on the way back",
    points=2,
    returns="a list `[back, missing]` of whole numbers",
    visible=([224, 7, 2, 1], [55, 5, 2, 0], [13, 3, 1, 1], [224, 11, 4, 0]),
    draw=_draw_transposed_size,
    reference=transposed_size,
    mistakes={
        "The maps' side is multiplied by the stride; but from the first window to the last there is one "
        "step less than windows.": (
            lambda n, k, s, p: _back(n, k, s, p, back=lambda n, k, s, p: n * s + k - 2 * p)
        ),
        "The padding is still there: it was added on both sides, and is cut off on the way back.": (
            lambda n, k, s, p: _back(n, k, s, p, back=lambda n, k, s, p: (n - 1) * s + k)
        ),
        "The padding is cut off once; there is some on both sides.": (
            lambda n, k, s, p: _back(n, k, s, p, back=lambda n, k, s, p: (n - 1) * s + k - p)
        ),
        "The window is left out: the last step is followed by `kernel` values.": (
            lambda n, k, s, p: _back(n, k, s, p, back=lambda n, k, s, p: (n - 1) * s + 1 - 2 * p)
        ),
        "The sign of `missing` is wrong: it is the size of the picture less what comes back.": (
            lambda n, k, s, p: _back(n, k, s, p, sign=-1)
        ),
        "That is the convolution again, applied to its own output; it should be undone.": (
            lambda n, k, s, p: _back(n, k, s, p, back=lambda n, k, s, p: (n + 2 * p - k) // s + 1)
        ),
    },
    hints=(
        "First the maps' side: `output_size(size, kernel, stride, padding=padding)`.",
        "The windows together reach over `(side - 1) * stride + kernel` values, the padding among them.",
        "`missing` is `size - back`: what was left over when the convolution divided by the stride.",
    ),
)


# A transposed convolution by hand


def transposed_row(values, kernel, stride):
    return _placed(values, kernel, stride)


def _placed(values, kernel, stride, combine=lambda old, new: old + new):
    row = [0] * ((len(values) - 1) * stride + len(kernel))
    for index, value in enumerate(values):
        for offset, weight in enumerate(kernel):
            at = index * stride + offset
            row[at] = combine(row[at], value * weight)
    return row


def _gathered(values, kernel, stride):
    count = (len(values) - len(kernel)) // stride + 1
    return [sum(k * values[i * stride + j] for j, k in enumerate(kernel)) for i in range(max(count, 0))]


def _draw_transposed_row(rng):
    kernel = [rng.randint(-9, 9) or 1 for _ in range(rng.randint(2, 5))]
    return [[rng.randint(-9, 9) or 2 for _ in range(rng.randint(3, 7))], kernel, rng.randint(1, 3)]


TRANSPOSED_ROW = zfnet(
    name="transposed_row",
    title="Transposed filters, by hand",
    points=2,
    returns="a list of numbers",
    visible=([[1, 2, 3], [1, 10, 100], 2], [[1, 2, 3], [1, 10, 100], 1], [[5, 0, -1, 2], [2, 3], 3]),
    draw=_draw_transposed_row,
    reference=transposed_row,
    floats=True,
    mistakes={
        "Where two windows overlap, the last one is kept; they add up.": (
            lambda v, k, s: _placed(v, k, s, combine=lambda old, new: new)
        ),
        "The filter is reversed. Each value lays it down as it is; in the picture of a sliding window it "
        "appears reversed by itself.": lambda v, k, s: _placed(v, k[::-1], s),
        "The stride is left out: the windows of two neighbours are `stride` apart.": (
            lambda v, k, s: _placed(v, k, 1)
        ),
        "The row is too long: it ends with the last window.": (
            lambda v, k, s: _placed(v, k, s) + [0] * max(s - 1, 1)
        ),
        "That is the convolution itself: it gathers values into windows. Here each value is spread.": (
            _gathered
        ),
    },
    hints=(
        "The row has `(len(values) - 1) * stride + len(kernel)` places; begin with zeros.",
        "Value number i adds `value * kernel[j]` to the place `i * stride + j`.",
    ),
)


# Three rules for ReLU


def relu_rules(signal, activity):
    return [_forward_mask(signal, activity), _positive(signal), _forward_mask(_positive(signal), activity)]


def _positive(signal):
    return [max(s, 0) for s in signal]


def _forward_mask(signal, activity):
    return [s if a > 0 else 0 for s, a in zip(signal, activity, strict=True)]


RELU_RULES = zfnet(
    name="relu_rules",
    title="Three rules for one ReLU",
    points=1,
    returns="a list `[gradient, deconvnet, guided]` of three lists of numbers",
    visible=([[4, -3, 2, -1, 6], [5, 7, 0, 0, 1]], [[-2, 3], [0, 0]]),
    draw=lambda rng: [
        [rng.randint(-9, 9) for _ in range(8)],
        [max(0, rng.randint(-5, 9)) for _ in range(8)],
    ],
    reference=relu_rules,
    floats=True,
    mistakes={
        "The gradient and the deconvnet are exchanged: the gradient asks where the unit was active, the "
        "deconvnet where the signal is positive.": lambda s, a: [
            _positive(s),
            _forward_mask(s, a),
            relu_rules(s, a)[2],
        ],
        "A unit whose activity is 0 is silent: the gradient does not pass there.": (
            lambda s, a: [list(s), _positive(s), _positive(s)]
        ),
        "The guided rule needs both, an active unit and a positive signal.": lambda s, a: [
            *relu_rules(s, a)[:2],
            [max(x, y) for x, y in zip(_forward_mask(s, a), _positive(s), strict=True)],
        ],
        "The activities are passed on; it is the signal that comes back.": lambda s, a: [
            [y if y > 0 else 0 for y in a],
            [y if x > 0 else 0 for x, y in zip(s, a, strict=True)],
            [y if x > 0 and y > 0 else 0 for x, y in zip(s, a, strict=True)],
        ],
    },
    hints=(
        "The gradient passes where the activity is above 0, whatever the sign of the signal.",
        "The deconvnet passes `max(value, 0)`, whatever the activity; the guided rule asks for both.",
    ),
)


# Which pixels a unit sees


def pixels_seen(stack, index, size):
    return _seen(stack, index, size)


def _seen(stack, index, size, clip=True, padded=True, wide=lambda k, jump, next_jump: (k - 1) * jump, end=1):
    extent, jump, first = 1, 1, 0
    for kernel, stride, padding in stack:
        extent += wide(kernel, jump, jump * stride)
        first -= padding * jump if padded else 0
        jump *= stride
    first += index * jump
    last = first + extent - end
    return [max(first, 0), min(last, size - 1)] if clip else [first, last]


def _draw_seen(rng):
    """Draw a unit that reads all of its field in the picture: no layer leaves over a value of it."""
    while True:
        stack, sides = [], [rng.randint(200, 320)]
        for _ in range(rng.randint(3, 5)):
            kernel, stride = rng.choice([3, 5, 7]), rng.randint(1, 2)
            stack.append([kernel, stride, rng.randint(0, kernel // 2)])
            sides.append(arithmetic.output_size(sides[-1], kernel, stride, padding=stack[-1][2]))
        from_edge, units = rng.randint(0, 2), sides.pop()
        index = last = rng.choice([from_edge, units - 1 - from_edge]) % units
        for (kernel, stride, padding), side in zip(reversed(stack), reversed(sides), strict=True):
            last = min(last * stride - padding + kernel, side) - 1
        if last == pixels_seen(stack, index, sides[0])[1]:
            return [stack, index, sides[0]]


CONV2_STACK = [[7, 2, 1], [3, 2, 0], [5, 2, 0]]
CONV5_STACK = [*CONV2_STACK, [3, 2, 0], [3, 1, 1], [3, 1, 1], [3, 1, 1]]

PIXELS_SEEN = zfnet(
    name="pixels_seen",
    title="What a unit sees",
    points=2,
    returns="a list `[first, last]` of whole numbers",
    visible=([CONV2_STACK, 3, 224], [CONV2_STACK, 0, 224], [CONV5_STACK, 6, 224], [CONV5_STACK, 12, 224]),
    draw=_draw_seen,
    reference=pixels_seen,
    mistakes={
        "Pixels outside the picture are counted; the first is 0, the last `size - 1`.": (
            lambda stack, i, n: _seen(stack, i, n, clip=False)
        ),
        "The padding is left out: it moves the field back by `padding` steps of the layer's input.": (
            lambda stack, i, n: _seen(stack, i, n, padded=False)
        ),
        "The strides of the layers before are left out: a window widens the field by (kernel - 1) jumps.": (
            lambda stack, i, n: _seen(stack, i, n, wide=lambda k, jump, after: k - 1)
        ),
        "A layer's own stride widens its field already; it counts from the next layer on.": (
            lambda stack, i, n: _seen(stack, i, n, wide=lambda k, jump, after: (k - 1) * after)
        ),
        "The last pixel is one too far: a field of 3 from pixel 0 on ends at pixel 2.": (
            lambda stack, i, n: _seen(stack, i, n, end=0)
        ),
    },
    hints=(
        "Keep three numbers from layer to layer: the extent (1), the jump (1) and the first pixel (0).",
        "A layer adds `(kernel - 1) * jump` to the extent, takes `padding * jump` from the first pixel, and "
        "then multiplies the jump by its stride.",
        "Unit `index` begins at `first + index * jump`. Clip at the picture's edges at the very end: in all "
        "cases here, every pixel of the field is read.",
    ),
)


# An occlusion map


def occlusion_runs(size, square, step):
    places = (size - square) // step + 1
    middle = size // 2
    over = sum(step * place <= middle < step * place + square for place in range(places))
    return [places**2, over**2]


def _draw_occlusion(rng):
    step = rng.randint(2, 6)
    return [rng.randint(60, 240), rng.randint(3 * step, 40), step]


OCCLUSION_RUNS = zfnet(
    name="occlusion_runs",
    title="The price of an occlusion map",
    points=1,
    returns="a list `[runs, over]` of whole numbers",
    visible=([99, 27, 6], [224, 50, 5], [64, 16, 8]),
    draw=_draw_occlusion,
    reference=occlusion_runs,
    mistakes={
        "The positions are counted along one side; the square moves in both directions.": lambda n, k, s: [
            (n - k) // s + 1,
            round(occlusion_runs(n, k, s)[1] ** 0.5),
        ],
        "The square may not hang over the edge: the last place begins at `size - square` or before.": (
            lambda n, k, s: [(-(-n // s)) ** 2, occlusion_runs(n, k, s)[1]]
        ),
        "The first place is missing: the steps are counted, and there is one place more.": lambda n, k, s: [
            ((n - k) // s) ** 2,
            occlusion_runs(n, k, s)[1],
        ],
        "`over` counts the squares that cover the middle pixel, not its distance in steps.": (
            lambda n, k, s: [occlusion_runs(n, k, s)[0], (n // 2 // s) ** 2]
        ),
    },
    hints=(
        "Along one side the square has `(size - square) // step + 1` places, like a window without padding.",
        "A square at `step * place` covers the pixels up to `step * place + square - 1`.",
        "Count the places that cover pixel `size // 2`, and square both counts.",
    ),
)


# The impostors


def zfnet_impostor(side, total):
    return _explained(side, total)


def _built(unpadded, rounded_down, stride_1, wide):
    """Return `[side of conv1, parameters]` of ZFNet with each of the four departures made or not."""
    widths = WIDE if wide else FIGURE_3
    sides = _sides(
        224,
        padding=0 if unpadded else 1,
        pool=_down if rounded_down else lambda n: pooled_up(n, 3, 2),
        conv2=(1, 2) if stride_1 else (2, 0),
    )
    rows = zfnet_parameters(224, 1000, widths)
    rows[5] = arithmetic.dense_parameters(sides[4] ** 2 * widths[2], 4096)
    return [sides[0], sum(rows)]


CHOICES = tuple(itertools.product([False, True], repeat=4))
FINGERPRINTS = {tuple(_built(*choice)): list(choice) for choice in CHOICES}


def _explained(side, total):
    return list(FINGERPRINTS.get((side, total), [False] * 4))


IMPOSTOR_CASES = (
    (False, False, False, False),
    (True, False, False, False),
    (False, True, False, False),
    (True, False, True, True),
    (False, False, True, False),
)

ZFNET_IMPOSTOR = zfnet(
    name="zfnet_impostor",
    title="Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=tuple(_built(*case) for case in IMPOSTOR_CASES),
    draw=lambda rng: _built(*rng.choice(CHOICES)),
    reference=zfnet_impostor,
    mistakes={
        "The missing padding of conv1 is overlooked: it leaves the total as it is, and only the side shows "
        "it.": lambda side, total: [False, *_explained(side, total)[1:]],
        "Only single departures are tried; an impostor may combine several.": (
            lambda side, total: _explained(side, total) if sum(_explained(side, total)) < 2 else [False] * 4
        ),
        "True and False are exchanged: True says that the network departs from figure 3 there.": (
            lambda side, total: [not departs for departs in _explained(side, total)]
        ),
        "Rounding down and the stride of conv2 are exchanged: rounded down, fc6 reads less; with stride 1, "
        "much more.": lambda side, total: [_explained(side, total)[index] for index in (0, 2, 1, 3)],
        "The wide layers are overlooked: 512-1024-512 maps change conv3, conv4, conv5 and fc6.": (
            lambda side, total: [*_explained(side, total)[:3], False]
        ),
    },
    hints=(
        "conv1's side is 110 with padding and 109 without.",
        "Write `built(unpadded, rounded_down, stride_1, wide)`: the sides give fc6, your "
        "`zfnet_parameters` the rest. Rounded down, a pool is `output_size(side, 3, 2)`.",
        "Try all 16 with `itertools.product([False, True], repeat=4)`.",
    ),
)

QUESTIONS = (
    POOLED_UP,
    ZFNET_SIDES,
    CONV1_CHANGE,
    ZFNET_PARAMETERS,
    SWITCHES,
    UNPOOL,
    TRANSPOSED_SIZE,
    TRANSPOSED_ROW,
    RELU_RULES,
    PIXELS_SEEN,
    OCCLUSION_RUNS,
    ZFNET_IMPOSTOR,
)
