"""Ask for AlexNet as published: its table, its two towers, its normalisation, its update, its impostors."""

import itertools
import math
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

alexnet = partial(Question, chapter="alexnet")
OFFERS = ("output_size",)  # of `arithmetic`: these exercises import it


# A convolution in groups


def grouped_row(size, kernel, stride, padding, in_channels, filters, groups):
    output = arithmetic.output_size(size, kernel, stride, padding=padding)
    return [
        output,
        arithmetic.conv2d_parameters(kernel, in_channels, filters, groups=groups),
        arithmetic.conv2d_macs(output, kernel, in_channels, filters, groups=groups),
    ]


def _row(parameters, macs):
    """Return the row with other parameters and MACs, from (k, c, f, g) and from the positions as well."""

    def wrong(size, kernel, stride, padding, in_channels, filters, groups):
        output = arithmetic.output_size(size, kernel, stride, padding=padding)
        case = (kernel, in_channels, filters, groups)
        return [output, parameters(*case), macs(output**2, *case)]

    return wrong


def _at(side):
    """Return the row with another side, a function of the padded size less the kernel, stride and padding."""

    def wrong(size, kernel, stride, padding, in_channels, filters, groups):
        output = side(size + 2 * padding - kernel, stride, padding)
        parameters = arithmetic.conv2d_parameters(kernel, in_channels, filters, groups=groups)
        return [output, parameters, output**2 * (parameters - filters)]

    return wrong


def _draw_grouped_row(rng):
    """Draw a case in which the last window does not fit and each zero counts."""
    while True:
        kernel, stride, groups = rng.randint(2, 7), rng.randint(2, 4), rng.randint(2, 4)
        size, padding = rng.randint(8, 64), rng.randint(1, kernel // 2)
        room = size + 2 * padding - kernel
        if room % stride and (room - padding) // stride < room // stride:
            channels = [groups * rng.randint(2, 32) for _ in range(2)]
            return [size, kernel, stride, padding, *channels, groups]


GROUPED_ROW = alexnet(
    name="grouped_row",
    title="A convolution in groups",
    points=2,
    returns="a list `[output, parameters, macs]` of whole numbers",
    visible=([227, 11, 4, 0, 3, 96, 1], [27, 5, 1, 2, 96, 256, 2], [224, 11, 4, 2, 3, 96, 1]),
    draw=_draw_grouped_row,
    reference=grouped_row,
    mistakes={
        "The groups are left out: a kernel reads `in_channels // groups` maps.": _row(
            lambda k, c, f, g: k * k * c * f + f, lambda area, k, c, f, g: area * k * k * c * f
        ),
        "The groups divide twice: each kernel reads fewer maps, but there are still `filters` kernels.": _row(
            lambda k, c, f, g: k * k * (c // g) * (f // g) + f // g,
            lambda area, k, c, f, g: area * k * k * (c // g) * (f // g),
        ),
        "The biases are missing: each filter has one, in whatever group.": _row(
            lambda k, c, f, g: k * k * (c // g) * f, lambda area, k, c, f, g: area * k * k * (c // g) * f
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": _row(
            lambda k, c, f, g: k * k * (c // g) * f + f,
            lambda area, k, c, f, g: area * (k * k * (c // g) + 1) * f,
        ),
        "The biases are divided among the groups; every filter has its own.": _row(
            lambda k, c, f, g: (k * k * c * f + f) // g, lambda area, k, c, f, g: area * k * k * (c // g) * f
        ),
        "The MACs are counted along one side; the map is `output` high and `output` wide.": _row(
            lambda k, c, f, g: k * k * (c // g) * f + f,
            lambda area, k, c, f, g: math.isqrt(area) * k * k * (c // g) * f,
        ),
        "The side is rounded up; a last window that does not fit is dropped.": _at(
            lambda room, stride, padding: -(-room // stride) + 1
        ),
        "The padding is added once; it is added on both sides.": _at(
            lambda room, stride, padding: (room - padding) // stride + 1
        ),
    },
    hints=(
        "The side is `output_size(size, kernel, stride, padding=padding)`. Groups change only the number of "
        "maps that a kernel reads: `in_channels // groups`.",
        "`filters` kernels have `kernel * kernel * (in_channels // groups)` weights, each with a bias.",
        "Each weight, but no bias, is one MAC at each of the `output * output` positions.",
    ),
)


# Sizes from the picture to the dense layers


def alexnet_sides(size):
    conv1 = arithmetic.output_size(size, 11, 4)
    pool1 = arithmetic.output_size(conv1, 3, 2)
    pool2 = arithmetic.output_size(pool1, 3, 2)
    pool5 = arithmetic.output_size(pool2, 3, 2)
    return [conv1, pool1, pool2, pool5, 256 * pool5**2]


def _sides(first, pool):
    """Return the sides with another first convolution or another pooling, `side -> side`."""

    def wrong(size):
        sides = [first(size)]
        for _ in range(3):
            sides.append(max(pool(sides[-1]), 0))
        return [*sides, 256 * sides[-1] ** 2]

    return wrong


def _conv1(size):
    return (size - 11) // 4 + 1


def _pool(size):
    return (size - 3) // 2 + 1


ALEXNET_SIDES = alexnet(
    name="alexnet_sides",
    title="From 227 pixels to 9,216 values",
    points=2,
    returns="a list `[conv1, pool1, pool2, pool5, flatten]` of whole numbers",
    visible=([227], [224], [131]),
    draw=lambda rng: [rng.randint(80, 320)],
    reference=alexnet_sides,
    mistakes={
        "conv1 rounds up. The authors' code did, so that 224 pixels gave 55; here a window must fit.": _sides(
            lambda n: -(-(n - 11) // 4) + 1, _pool
        ),
        "conv1 is padded with `same`; it has no padding.": _sides(lambda n: -(-n // 4), _pool),
        "The pools are 2x2, or round up; AlexNet's are 3x3 with stride 2, and each window must fit.": _sides(
            _conv1, lambda n: n // 2
        ),
        "The flattened vector has conv4's 384 maps; conv5 has 256.": lambda n: [
            *alexnet_sides(n)[:4],
            384 * alexnet_sides(n)[3] ** 2,
        ],
        "The flattened vector is missing its 256 maps.": lambda n: [
            *alexnet_sides(n)[:4],
            alexnet_sides(n)[3] ** 2,
        ],
        "Two pools are counted. There are three: after conv1, after conv2 and after conv5.": lambda n: [
            *alexnet_sides(n)[:3],
            alexnet_sides(n)[2],
            256 * alexnet_sides(n)[2] ** 2,
        ],
    },
    hints=(
        "Use `output_size`: conv1 is 11x11 with stride 4, every pool 3x3 with stride 2, none is padded.",
        "conv2 to conv5 are padded so that they keep the side.",
        "conv5 has 256 maps, and pool5 is what is flattened.",
    ),
)


# The table


def alexnet_parameters(size, classes, groups):
    flat = alexnet_sides(size)[-1]
    return [
        arithmetic.conv2d_parameters(11, 3, 96),
        arithmetic.conv2d_parameters(5, 96, 256, groups=groups),
        arithmetic.conv2d_parameters(3, 256, 384),
        arithmetic.conv2d_parameters(3, 384, 384, groups=groups),
        arithmetic.conv2d_parameters(3, 384, 256, groups=groups),
        arithmetic.dense_parameters(flat, 4096),
        arithmetic.dense_parameters(4096, 4096),
        arithmetic.dense_parameters(4096, classes),
    ]


def _table(**changes):
    """Return the table with some rows, `conv3=...`, replaced by functions of (size, classes, groups)."""

    def wrong(size, classes, groups):
        rows = alexnet_parameters(size, classes, groups)
        for name, change in changes.items():
            rows[int(name[-1]) - 1] = change(size, classes, groups)
        return rows

    return wrong


BIASES = (96, 256, 384, 384, 256, 4096, 4096)

ALEXNET_PARAMETERS = alexnet(
    name="alexnet_parameters",
    title="The table of AlexNet",
    points=3,
    returns="a list of eight whole numbers, conv1 to fc8,",
    visible=([227, 1000, 2], [227, 1000, 1], [224, 10, 2]),
    draw=lambda rng: [rng.randint(80, 320), rng.randint(2, 2000), rng.choice([1, 2, 4, 8])],
    reference=alexnet_parameters,
    mistakes={
        "conv3 is split too; it is where the towers meet, and reads all 256 maps.": _table(
            conv3=lambda n, classes, g: arithmetic.conv2d_parameters(3, 256, 384, groups=g)
        ),
        "The groups are left out: conv2, conv4 and conv5 read `1 / groups` of the maps.": (
            lambda n, classes, g: alexnet_parameters(n, classes, 1)
        ),
        "fc6 always has 9,216 inputs; they follow from the size of the picture.": _table(
            fc6=lambda n, classes, g: arithmetic.dense_parameters(9216, 4096)
        ),
        "The biases are missing: one a filter, one a unit.": lambda n, classes, g: [
            row - bias
            for row, bias in zip(alexnet_parameters(n, classes, g), (*BIASES, classes), strict=True)
        ],
        "The biases of the dense layers are missing: one a unit.": lambda n, classes, g: [
            *alexnet_parameters(n, classes, g)[:5],
            *(
                row - units
                for row, units in zip(
                    alexnet_parameters(n, classes, g)[5:], (4096, 4096, classes), strict=True
                )
            ),
        ],
        "conv4 is not split; only conv3 and the dense layers read both towers.": _table(
            conv4=lambda n, classes, g: arithmetic.conv2d_parameters(3, 384, 384)
        ),
        "fc8 always has 1,000 units; it has one a class.": _table(
            fc8=lambda n, classes, g: arithmetic.dense_parameters(4096, 1000)
        ),
    },
    hints=(
        "Five rows of your `grouped_row`, and three dense layers: `(inputs + 1) * units`.",
        "The maps are 3, 96, 256, 384, 384, 256; the kernels 11, 5, 3, 3, 3. conv1 and conv3 have one group.",
        "fc6 reads your `alexnet_sides(size)[-1]` values; fc6 and fc7 have 4,096 units, fc8 `classes`.",
    ),
)


# What crosses between the graphics cards


def crossing(size):
    _, _, pool2, _, flat = alexnet_sides(size)
    return [pool2**2 * 256, flat, 4096]


CROSSING = alexnet(
    name="crossing",
    title="What crosses",
    points=1,
    returns="a list `[conv3, fc6, fc7]` of whole numbers",
    visible=([227], [131]),
    draw=lambda rng: [rng.randint(80, 320)],
    reference=crossing,
    mistakes={
        "That is one direction; each card sends its half to the other.": (
            lambda n: [values // 2 for values in crossing(n)]
        ),
        "Those are the outputs; what crosses is what the layer reads.": (
            lambda n: [alexnet_sides(n)[2] ** 2 * 384, 4096, 4096]
        ),
        "conv3 reads pool2, not conv2: only what is left after pooling crosses.": (
            lambda n: [alexnet_sides(n)[1] ** 2 * 256, *crossing(n)[1:]]
        ),
        "The side is not squared: a map is as high as wide.": (
            lambda n: [alexnet_sides(n)[2] * 256, *crossing(n)[1:]]
        ),
    },
    hints=(
        "Each card needs the half that the other has computed, so both halves cross once.",
        "conv3 reads pool2 (256 maps), fc6 reads pool5, fc7 reads fc6.",
    ),
)


# Local response normalisation

K, ALPHA, BETA = 2.0, 1e-4, 0.75


def local_response(values, n):
    return _normalised(values, n, ALPHA)


def _normalised(values, n, alpha, k=K, beta=BETA):
    squares = [value**2 for value in values]
    return [
        value / (k + alpha * sum(squares[max(0, i - n // 2) : i + n // 2 + 1])) ** beta
        for i, value in enumerate(values)
    ]


def _without_own(values, n):
    squares = [value**2 for value in values]
    return [
        value / (K + ALPHA * (sum(squares[max(0, i - n // 2) : i + n // 2 + 1]) - squares[i])) ** BETA
        for i, value in enumerate(values)
    ]


def _not_squared(values, n):
    return [
        value / (K + ALPHA * sum(values[max(0, i - n // 2) : i + n // 2 + 1])) ** BETA
        for i, value in enumerate(values)
    ]


def _draw_activities(rng):
    return [round(rng.uniform(0, 300), 1) for _ in range(rng.randint(8, 14))]


LOCAL_RESPONSE = alexnet(
    name="local_response",
    title="Local response normalisation",
    points=2,
    returns="a list of numbers, as long as `values`,",
    visible=([[50, 50, 50, 200, 50, 50, 50], 5], [[10.0, 100.0, 0.0], 3]),
    draw=lambda rng: [_draw_activities(rng), rng.choice([3, 5, 7])],
    reference=local_response,
    mistakes={
        "alpha is divided by n, as Caffe does; the paper's formula does not.": (
            lambda values, n: _normalised(values, n, ALPHA / n)
        ),
        "The window takes n maps on each side; it is n maps wide in all, with the own one in the middle.": (
            lambda values, n: _normalised(values, 2 * n + 1, ALPHA)
        ),
        "All maps are in the window; it holds the n nearest only.": (
            lambda values, n: _normalised(values, 2 * len(values) + 1, ALPHA)
        ),
        "The own value is missing from the sum: j runs over i too.": _without_own,
        "The values are not squared in the sum.": _not_squared,
        "The exponent beta = 0.75 is missing.": lambda values, n: _normalised(values, n, ALPHA, beta=1),
    },
    hints=(
        "For each place i: add the squares of the values from `i - n // 2` to `i + n // 2`.",
        "At the ends there are fewer: `values[max(0, i - n // 2) : i + n // 2 + 1]`.",
        "The answer is `value / (2 + 1e-4 * sum) ** 0.75`.",
    ),
)


# Which normalisation was it?


def lrn_constants(values, outputs):
    for n in (3, 5, 7, 9):
        for divided in (False, True):
            found = _normalised(values, n, ALPHA / n if divided else ALPHA)
            if all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(found, outputs, strict=True)):
                return [n, divided]
    return [0, False]


def _lrn_case(values, n, divided):
    return [values, _normalised(values, n, ALPHA / n if divided else ALPHA)]


def _draw_lrn_case(rng):
    values = [round(rng.uniform(20, 300), 1) for _ in range(rng.randint(10, 14))]
    return _lrn_case(values, rng.choice([3, 5, 7, 9]), rng.random() < 0.5)


def _lrn_window(change):
    def wrong(values, outputs):
        n, divided = lrn_constants(values, outputs)
        return [change(n), divided]

    return wrong


PEAKS = [90, 30, 250, 60, 120, 20, 180, 70, 40, 110]

LRN_CONSTANTS = alexnet(
    name="lrn_constants",
    title="Which normalisation was it?",
    points=2,
    returns="a list `[n, divided]` of a whole number and a truth value",
    visible=(_lrn_case(PEAKS, 5, False), _lrn_case(PEAKS, 5, True), _lrn_case(PEAKS, 9, False)),
    draw=_draw_lrn_case,
    reference=lrn_constants,
    mistakes={
        "n is the whole window, not the reach to one side.": _lrn_window(lambda n: n // 2),
        "The division of alpha is never seen: compare with both, alpha and alpha / n.": (
            lambda values, outputs: [lrn_constants(values, outputs)[0], False]
        ),
        "True and False are exchanged: True says that alpha was divided by n.": (
            lambda values, outputs: [
                lrn_constants(values, outputs)[0],
                not lrn_constants(values, outputs)[1],
            ]
        ),
        "The window is always taken to be 5; try 3, 7 and 9 too.": (
            lambda values, outputs: [5, lrn_constants(values, outputs)[1]]
        ),
    },
    hints=(
        "There are eight possibilities: four windows, each with alpha or with alpha / n.",
        "Normalise `values` with each by a copy of your `local_response` that takes alpha too, and compare.",
        "Compare floats with `math.isclose(a, b, rel_tol=1e-4)`, for all pairs of `zip(found, outputs)`.",
    ),
)


# Top-k error


def top_k_error(scores, labels, k):
    wrong = 0
    for row, label in zip(scores, labels, strict=True):
        best = sorted(range(len(row)), key=lambda index: -row[index])[:k]
        wrong += label not in best
    return wrong / len(labels)


def _ranked(scores, labels, k, *, smallest=False):
    for row, label in zip(scores, labels, strict=True):
        order = sorted(range(len(row)), key=lambda index: row[index] if smallest else -row[index])
        yield label in order[:k]


def _draw_top_k(rng):
    classes, count = rng.randint(8, 12), rng.randint(6, 10)
    rows = [[rng.randint(0, 999) / 10 + index / 1000 for index in range(classes)] for _ in range(count)]
    return [rows, [rng.randrange(classes) for _ in range(count)], rng.choice([2, 3, 5])]


TOP_K_ERROR = alexnet(
    name="top_k_error",
    title="Top-5 error",
    points=2,
    returns="a number from 0 to 1",
    visible=(
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [2, 3, 0], 2],
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [2, 3, 0], 3],
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [0, 3, 1], 2],
    ),
    draw=_draw_top_k,
    reference=top_k_error,
    mistakes={
        "That is the share that is right; the error is the rest.": (
            lambda scores, labels, k: sum(_ranked(scores, labels, k)) / len(labels)
        ),
        "That is the top-1 error: only the best guess is counted.": (
            lambda scores, labels, k: top_k_error(scores, labels, 1)
        ),
        "The smallest scores are taken for the best.": (
            lambda scores, labels, k: 1 - sum(_ranked(scores, labels, k, smallest=True)) / len(labels)
        ),
        "That is how many are wrong; the error is their share.": (
            lambda scores, labels, k: len(labels) - sum(_ranked(scores, labels, k))
        ),
        "That is one guess too few: the k-th best still counts.": (
            lambda scores, labels, k: 1 - sum(_ranked(scores, labels, k - 1)) / len(labels)
        ),
    },
    hints=(
        "For each picture, find the k classes with the largest scores: is the label among them?",
        "`sorted(range(len(row)), key=lambda index: -row[index])[:k]` are the k best classes of a row.",
        "Count the pictures whose label is not among them, and divide by the number of pictures.",
    ),
)


# One step of training


def momentum_step(weight, velocity, gradient, rate):
    velocity = 0.9 * velocity - 0.0005 * rate * weight - rate * gradient
    return [weight + velocity, velocity]


def _step(change):
    """Return `[weight, velocity]` from a function of (w, v, g, rate) that returns the new velocity."""

    def wrong(weight, velocity, gradient, rate):
        new = change(weight, velocity, gradient, rate)
        return [weight + new, new]

    return wrong


MOMENTUM_STEP = alexnet(
    name="momentum_step",
    title="A step of the paper's training",
    points=2,
    returns="a list `[weight, velocity]` of two numbers",
    visible=([1.0, 0.0, 0.0, 0.01], [2.0, -0.5, 3.0, 0.1]),
    draw=lambda rng: [rng.uniform(1, 9), rng.uniform(-1, 1), rng.uniform(-3, 3), rng.uniform(0.01, 0.5)],
    reference=momentum_step,
    mistakes={
        "The weight decay is missing: - 0.0005 * rate * weight.": _step(
            lambda w, v, g, rate: 0.9 * v - rate * g
        ),
        "The weight decay is not multiplied by the learning rate.": _step(
            lambda w, v, g, rate: 0.9 * v - 0.0005 * w - rate * g
        ),
        "The weight decay has the wrong sign: it pulls the weight to 0.": _step(
            lambda w, v, g, rate: 0.9 * v + 0.0005 * rate * w - rate * g
        ),
        "The decay goes past the velocity. In the paper it is a part of it; a later step feels it too.": (
            lambda w, v, g, rate: [
                w - 0.0005 * rate * w + 0.9 * v - rate * g,
                0.9 * v - rate * g,
            ]
        ),
        "The gradient is scaled by 1 - 0.9; the paper does not average it.": _step(
            lambda w, v, g, rate: 0.9 * v - 0.0005 * rate * w - 0.1 * rate * g
        ),
        "The weight moves by the old velocity; it moves by the new one.": lambda w, v, g, rate: [
            w + v,
            momentum_step(w, v, g, rate)[1],
        ],
    },
    hints=(
        "The new velocity has three terms: the old one, the decay and the gradient. Then the weight moves.",
        "v = 0.9 v - 0.0005 rate w - rate g, with the old v and the old w on the right.",
        "w = w + v, with the new v.",
    ),
)


# Memory


def training_bytes(parameters, activations, batch):
    return arithmetic.training_memory(parameters, activations, batch_size=batch, optimizer_slots=1)


TRAINING_BYTES = alexnet(
    name="training_bytes",
    title="The memory of a step",
    points=1,
    returns="a whole number",
    visible=([60_965_224, 1_421_539, 128], [60_000, 8_000, 1]),
    draw=lambda rng: [rng.randint(10**5, 10**8), rng.randint(10**4, 10**7), rng.randint(2, 256)],
    reference=training_bytes,
    mistakes={
        "The bytes are missing: a value takes 4.": lambda p, a, b: 3 * p + a * b,
        "The velocities are missing: momentum keeps one value a parameter.": lambda p, a, b: (
            4 * (2 * p + a * b)
        ),
        "The gradients are missing: there is one a parameter.": lambda p, a, b: 4 * (p + a * b),
        "The activations are counted once; the backward pass needs those of every picture of the batch.": (
            lambda p, a, b: 4 * (3 * p + a)
        ),
        "The parameters are counted for every picture; the whole batch shares them.": lambda p, a, b: (
            4 * b * (3 * p + a)
        ),
    },
    hints=(
        "Three values a parameter: the weight, its gradient and its velocity.",
        "The activations are kept for every picture of the batch; each value takes 4 bytes.",
    ),
)


# The impostors


CONV3_SAVED = 384 * 9 * 128


def alexnet_impostor(side, total):
    return _explained(side, total)


def _built(cropped, padded, joined, split, *, saved=CONV3_SAVED):
    """Return `[side of conv1, parameters]` of AlexNet with each of the four departures made or not."""
    size = 224 if cropped else 227
    conv1 = -(-size // 4) if padded else (size - 11) // 4 + 1
    pool5 = conv1
    for _ in range(3):
        pool5 = arithmetic.output_size(pool5, 3, 2)
    rows = alexnet_parameters(227, 1000, 1 if joined else 2)
    rows[5] = arithmetic.dense_parameters(256 * pool5**2, 4096)
    return [conv1, sum(rows) - (saved if split else 0)]


def _explained(side, total, **options):
    for choice in itertools.product([False, True], repeat=4):
        if _built(*choice, **options) == [side, total]:
            return list(choice)
    return [False] * 4


def _by_total(side, total):
    for choice in itertools.product([False, True], repeat=4):
        if _built(*choice)[1] == total:
            return list(choice)
    return [False] * 4


IMPOSTOR_CASES = (
    (False,) * 4,
    (True, False, True, False),
    (False, True, False, True),
    (True, True, True, True),
)

ALEXNET_IMPOSTOR = alexnet(
    name="alexnet_impostor",
    title="Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=tuple(_built(*case) for case in IMPOSTOR_CASES),
    draw=lambda rng: _built(*(rng.random() < 0.5 for _ in range(4))),
    reference=alexnet_impostor,
    mistakes={
        "The padding of conv1 is overlooked: it keeps the 9,216, and only the side of conv1 shows it.": (
            _by_total
        ),
        "A split conv3 saves 442,368 weights; its 384 biases all stay.": (
            lambda side, total: _explained(side, total, saved=CONV3_SAVED + 192)
        ),
        "Only single departures are tried; an impostor may combine several.": (
            lambda side, total: _explained(side, total) if sum(_explained(side, total)) < 2 else [False] * 4
        ),
        "True and False are exchanged: True says that the network departs from the paper there.": (
            lambda side, total: [not departs for departs in _explained(side, total)]
        ),
        "One tower and a split conv3 are exchanged: the first adds 1,413,120, the second takes 442,368.": (
            lambda side, total: [
                *_explained(side, total)[:2],
                *_explained(side, total)[:1:-1],
            ]
        ),
    },
    hints=(
        "There are 16 networks, and each has another pair of side and total.",
        "conv1's side tells the first two: 55, 54 (224 pixels), 57 (`same`), 56 (both). fc6 reads 6x6x256 "
        "values, but 5x5x256 at 54.",
        "Take the sum of your `alexnet_parameters`, with 224 for the size at 54 and with groups 1 or 2; a "
        "split conv3 has 442,368 weights less. If nothing matches, compare your sum with 60,965,224.",
    ),
)

QUESTIONS = (
    GROUPED_ROW,
    ALEXNET_SIDES,
    ALEXNET_PARAMETERS,
    CROSSING,
    LOCAL_RESPONSE,
    LRN_CONSTANTS,
    TOP_K_ERROR,
    MOMENTUM_STEP,
    TRAINING_BYTES,
    ALEXNET_IMPOSTOR,
)
