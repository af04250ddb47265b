"""Ask for AlexNet: its table, towers, normalisation, error, update and impostors."""

import math
from itertools import product

from course_lib.arithmetic import output_size
from course_lib.grading.question import Chapter

alexnet = Chapter(
    "alexnet",
    title="AlexNet",
    about=(
        "They rebuild the network of Krizhevsky, Sutskever and Hinton (2012) from its "
        "sections 3 and 5: its table, its two towers, its normalisation, its error and "
        "its update. At the end you can tell it from its impostors."
    ),
    offers=("output_size",),
    given=(
        "From the foundations you have `output_size`; the library's is imported here:"
    ),
    imports=("import math", "from itertools import product"),
)


def draw_grouped_row(rng):
    """Return a case in which the last window does not fit and each zero counts."""
    while True:
        kernel, stride, groups = rng.randint(2, 7), rng.randint(2, 4), rng.randint(2, 4)
        size, padding = rng.randint(8, 64), rng.randint(1, kernel // 2)
        room = size + 2 * padding - kernel
        if room % stride and (room - padding) // stride < room // stride:
            channels = [groups * rng.randint(2, 32) for _ in range(2)]
            return [size, kernel, stride, padding, *channels, groups]


@alexnet.question(
    "A convolution in groups",
    points=2,
    returns="a list `[output, parameters, macs]` of whole numbers",
    visible=(
        [227, 11, 4, 0, 3, 96, 1],
        [27, 5, 1, 2, 96, 256, 2],
        [224, 11, 4, 2, 3, 96, 1],
    ),
    draw=draw_grouped_row,
    slips={
        "(in_channels // groups) -> in_channels": (
            "The groups are left out: a kernel reads `in_channels // groups` maps."
        ),
        "output**2 * weights -> output**2 * weights * groups": (
            "The groups are left out of the MACs; each weight is one at each place."
        ),
        (
            "groups) * filters -> groups) * (filters // groups)",
            "weights + filters -> weights + filters // groups",
        ): (
            "The groups divide twice: each kernel reads fewer maps, but there are "
            "still `filters` kernels."
        ),
        "groups) * filters -> groups) * (filters // groups)": (
            "The groups divide twice: each kernel reads fewer maps, but there are "
            "still `filters` kernels."
        ),
        "weights + filters, -> weights,": (
            "The biases are missing: each filter has one, in whatever group."
        ),
        "output**2 * weights -> output**2 * (weights + filters)": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        "weights + filters, -> weights + filters // groups,": (
            "The biases are divided among the groups; every filter has its own."
        ),
        "weights + filters, -> weights + filters * groups,": (
            "The biases are counted once a group; every filter has one."
        ),
        "weights + filters, -> weights + groups,": (
            "That is one bias a group; every filter has its own."
        ),
        "weights + filters, -> weights + 1,": (
            "That is one bias for the whole layer; every filter has its own."
        ),
        "output**2 -> output": (
            "The MACs are counted along one side; the map is `output` high and "
            "`output` wide."
        ),
        "output**2 * weights -> size**2 * weights": (
            "The MACs are counted at each pixel of the input; the output has fewer "
            "places."
        ),
        "output_size(size, kernel, stride, padding=padding) -> -(-(size + 2 * "
        "padding - kernel) // stride) + 1": (
            "The side is rounded up; a last window that does not fit is dropped."
        ),
        "output_size(size, kernel, stride, padding=padding) -> (size + padding - "
        "kernel) // stride + 1": (
            "The padding is added once; it is added on both sides."
        ),
    },
    hints=(
        "The side is `output_size(size, kernel, stride, padding=padding)`. Groups "
        "change only the number of maps that a kernel reads: `in_channels // groups`.",
        "`filters` kernels have `kernel * kernel * (in_channels // groups)` weights, "
        "each with a bias.",
        "Each weight, but no bias, is one MAC at each of the `output * output` "
        "positions.",
    ),
)
def grouped_row(size, kernel, stride, padding, in_channels, filters, groups):
    """
    A convolution in groups cuts its input maps and its kernels into `groups` equal
    parts; a kernel reads the maps of its own part only. Return `[output, parameters,
    macs]`: the side of the output, the weights and biases, and the multiply-adds (a
    bias multiplies nothing).

    The cases are conv1, conv2, and conv1 on 224 pixels with two zeros around them,
    where the last window does not fit. On two graphics cards, two groups meant half the
    weights and nothing to send.
    """
    output = output_size(size, kernel, stride, padding=padding)
    weights = kernel**2 * (in_channels // groups) * filters
    return [output, weights + filters, output**2 * weights]


@alexnet.question(
    "From 227 pixels to 9,216 values",
    points=2,
    returns="a list `[conv1, pool1, pool2, pool5, flatten]` of whole numbers",
    visible=([227], [224], [131]),
    draw=lambda rng: [rng.randint(80, 320)],
    slips={
        "output_size(size, 11, 4) -> -(-(size - 11) // 4) + 1": (
            "conv1 rounds up. The authors' code did, so that 224 pixels gave 55; "
            "here a window must fit."
        ),
        "output_size(size, 11, 4) -> -(-size // 4)": (
            "conv1 is padded with `same`; it has no padding."
        ),
        "11, 4) -> 11, 4, padding=2)": (
            "conv1 is padded with 2 zeros, as in later versions; it has no padding."
        ),
        "output_size(sides[-1], 3, 2) -> sides[-1] // 2": (
            "The pools are 2x2, or round up; AlexNet's are 3x3 with stride 2, and "
            "each window must fit."
        ),
        "3, 2) -> 3, 3)": (
            "The pools have a stride of 3; their windows overlap: the stride is 2."
        ),
        "256 * sides -> 384 * sides": (
            "The flattened vector has conv4's 384 maps; conv5 has 256."
        ),
        "256 * sides -> sides": "The flattened vector is missing its 256 maps.",
        "256 * sides[-1] ** 2 -> 256 * sides[-1]": (
            "The flattened vector has a line of each map; a map is as high as wide."
        ),
        "return -> return [*sides[:3], sides[2], 256 * sides[2] ** 2] or": (
            "Two pools are counted. There are three: after conv1, after conv2 and "
            "after conv5."
        ),
        "256 * sides[-1] -> 256 * sides[2]": (
            "pool2 is flattened; the dense layers read pool5."
        ),
        "256 * sides[-1] -> 256 * sides[0]": (
            "conv1's side is flattened; the dense layers read pool5."
        ),
        "256 * sides[-1] ** 2 -> 9216": (
            "The dense layers do not always read 9,216 values; they follow from the "
            "side of pool5."
        ),
        "output_size(sides[-1], 3, 2) -> output_size(sides[-1] - (4 if len(sides) == "
        "2 else 0), 3, 2)": (
            "conv2 takes 4 from the side; it is padded, and keeps it."
        ),
        "output_size(sides[-1], 3, 2) -> output_size(sides[-1] - [0, 0, 4, "
        "6][len(sides)], 3, 2)": (
            "conv2 to conv5 take something from the side; they are padded, and keep it."
        ),
    },
    hints=(
        "Use `output_size`: conv1 is 11x11 with stride 4, every pool 3x3 with stride "
        "2, none is padded.",
        "conv2 to conv5 are padded so that they keep the side.",
        "conv5 has 256 maps, and pool5 is what is flattened.",
    ),
)
def alexnet_sides(size):
    """
    For a picture of `size` by `size` pixels, return `[conv1, pool1, pool2, pool5,
    flatten]`: four sides, and the values that the dense layers read. conv1 is 11x11
    with stride 4 and no padding, each pool is 3x3 with stride 2; conv2 to conv5 keep
    the side, and conv5 has 256 maps.

    The paper says 224. Then a window hangs over the edge, or 9,216 becomes 6,400: a
    popular textbook has 6,400.
    """
    sides = [output_size(size, 11, 4)]
    for _ in range(3):
        sides.append(output_size(sides[-1], 3, 2))
    return [*sides, 256 * sides[-1] ** 2]


@alexnet.question(
    "The table of AlexNet",
    points=3,
    returns="a list of eight whole numbers, conv1 to fc8,",
    visible=([227, 1000, 2], [227, 1000, 1], [224, 10, 2]),
    draw=lambda rng: [
        rng.randint(80, 320),
        rng.randint(2, 2000),
        rng.choice([1, 2, 4, 8]),
    ],
    slips={
        "(3, 256, 384, 1) -> (3, 256, 384, groups)": (
            "conv3 is split too; it is where the towers meet, and reads all 256 maps."
        ),
        "filters, parts)[1] -> filters, 1)[1]": (
            "The groups are left out: conv2, conv4 and conv5 read `1 / groups` of "
            "the maps."
        ),
        "inputs = alexnet_sides(size)[-1] -> inputs = 9216": (
            "fc6 always has 9,216 inputs; they follow from the size of the picture."
        ),
        "inputs = alexnet_sides(size)[-1] -> inputs = 256": (
            "fc6 reads one value a map; all of pool5's places are flattened."
        ),
        "inputs = alexnet_sides(size)[-1] -> inputs = 4096": (
            "fc6 reads 4,096 values; it reads pool5, flattened."
        ),
        ("parts)[1] -> parts)[1] - filters", "(inputs + 1) -> inputs"): (
            "The biases are missing: one a filter, one a unit."
        ),
        "(inputs + 1) -> inputs": (
            "The biases of the dense layers are missing: one a unit."
        ),
        "(inputs + 1) * units -> inputs * units + 1": (
            "The dense layers have one bias each; every unit has its own."
        ),
        "(inputs + 1) * units -> inputs * (units + 1)": (
            "The dense layers have a bias for each input; it is one for each unit."
        ),
        "(3, 384, 384, groups) -> (3, 384, 384, 1)": (
            "conv4 is not split; only conv3 and the dense layers read both towers."
        ),
        "(3, 384, 256, groups) -> (3, 256, 256, groups)": (
            "conv5 reads 256 maps; conv4, which it reads, has 384."
        ),
        "(3, 384, 384, groups) -> (3, 256, 384, groups)": (
            "conv4 reads 256 maps; conv3, which it reads, has 384."
        ),
        "(3, 256, 384, 1) -> (3, 384, 384, 1)": (
            "conv3 reads 384 maps; conv2, which it reads, has 256."
        ),
        "(3, 384, 256, groups) -> (3, 384, 384, groups)": (
            "conv5 has 384 maps; it has 256."
        ),
        "(5, 96, 256, groups) -> (3, 96, 256, groups)": (
            "conv2's kernels are 3x3; they are 5x5."
        ),
        "(3, 256, 384, 1) -> (5, 256, 384, 1)": (
            "conv3's kernels are 5x5; they are 3x3."
        ),
        "inputs = units -> pass": (
            "Every dense layer reads pool5; fc7 and fc8 read the 4,096 units before "
            "them."
        ),
        "(4096, 4096, classes) -> (4096, 4096, 1000)": (
            "fc8 always has 1,000 units; it has one a class."
        ),
        "(4096, 4096, classes) -> (4096, classes)": (
            "There are three dense layers: fc6, fc7 and fc8."
        ),
        "(inputs + 1) * units -> (inputs // groups + 1) * units": (
            "The dense layers are split, too; they read both towers."
        ),
    },
    hints=(
        "Five rows of your `grouped_row`, and three dense layers: `(inputs + 1) * "
        "units`.",
        "The maps are 3, 96, 256, 384, 384, 256; the kernels 11, 5, 3, 3, 3. conv1 "
        "and conv3 have one group.",
        "fc6 reads your `alexnet_sides(size)[-1]` values; fc6 and fc7 have 4,096 "
        "units, fc8 `classes`.",
    ),
)
def alexnet_parameters(size, classes, groups):
    """
    Return the parameters of the eight layers, conv1 to fc8. Kernels: 96 of 11x11, 256
    of 5x5, 384, 384 and 256 of 3x3; fc6 and fc7 have 4,096 units. conv2, conv4 and
    conv5 are split into `groups`; conv1 and conv3 read everything. Use your two
    functions.

    With two groups they add up to the 60,965,224 of the paper's network; with one, to
    62,378,344.
    """
    convolutions = [
        (11, 3, 96, 1),
        (5, 96, 256, groups),
        (3, 256, 384, 1),
        (3, 384, 384, groups),
        (3, 384, 256, groups),
    ]
    table = []
    for kernel, maps, filters, parts in convolutions:
        table.append(grouped_row(size, kernel, 1, 0, maps, filters, parts)[1])
    inputs = alexnet_sides(size)[-1]
    for units in (4096, 4096, classes):
        table.append((inputs + 1) * units)
        inputs = units
    return table


@alexnet.question(
    "What crosses",
    points=1,
    returns="a list `[conv3, fc6, fc7]` of whole numbers",
    visible=([227], [131]),
    draw=lambda rng: [rng.randint(80, 320)],
    slips={
        "[256 * pool2**2, flatten, 4096] -> [128 * pool2**2, flatten // 2, 2048]": (
            "That is one direction; each card sends its half to the other."
        ),
        "256 * pool2**2, flatten, -> 384 * pool2**2, 4096,": (
            "Those are the outputs; what crosses is what the layer reads."
        ),
        "4096] -> 1000]": "Those are fc8's 1,000; fc7 reads the 4,096 values of fc6.",
        "_, _, pool2, -> _, pool2, _,": (
            "conv3 reads pool2, not conv2: only what is left after pooling crosses."
        ),
        "_, _, pool2, _, -> _, _, _, pool2,": "conv3 reads pool2, not pool5.",
        "pool2**2 -> pool2": "The side is not squared: a map is as high as wide.",
        "256 * pool2**2 -> pool2**2": (
            "Those are the places of one map; all of pool2's 256 maps cross."
        ),
        "[256 * pool2**2, flatten, 4096] -> [128 * 256 * pool2**2, 128 * flatten, "
        "128 * 4096]": ("Those are the values of a batch of 128; count one picture's."),
    },
    hints=(
        "Each card needs the half that the other has computed, so both halves cross "
        "once.",
        "conv3 reads pool2 (256 maps), fc6 reads pool5, fc7 reads fc6.",
    ),
)
def crossing(size):
    """
    Each of two cards computes half of every layer's maps, up to fc7. Before conv3, fc6
    and fc7 a card needs the other card's half of what that layer reads. Count the
    values that cross for one picture, in both directions together, as `[conv3, fc6,
    fc7]`.

    Multiply by 128 pictures and four bytes: 22 MB before conv3, in every step.
    """
    _, _, pool2, _, flatten = alexnet_sides(size)
    return [256 * pool2**2, flatten, 4096]


def draw_activities(rng):
    return [round(rng.uniform(0, 300), 1) for _ in range(rng.randint(8, 14))]


WHOLE_BRACKET = "The exponent belongs to the whole bracket, not to the sum alone."
ENDS_EARLY = (
    "The window ends one too early; the end of a slice, or of a range, is not a part "
    "of it."
)


@alexnet.question(
    "Local response normalisation",
    points=2,
    returns="a list of numbers, as long as `values`,",
    visible=([[50, 50, 50, 200, 50, 50, 50], 5], [[10.0, 100.0, 0.0], 3]),
    draw=lambda rng: [draw_activities(rng), rng.choice([3, 5, 7])],
    slips={
        "1e-4 * total -> 1e-4 / n * total": (
            "alpha is divided by n, as Caffe does; the paper's formula does not."
        ),
        "1e-4 * total -> 1e-4 / len(window) * total": (
            "The squares are averaged over the window; the paper's formula adds them."
        ),
        ("i - n // 2 -> i - n", "i + n // 2 -> i + n"): (
            "The window takes n maps on each side; it is n maps wide in all, with "
            "the own one in the middle."
        ),
        "values[max(0, i - n // 2) : i + n // 2 + 1] -> values": (
            "All maps are in the window; it holds the n nearest only."
        ),
        "in window) -> in window) - value**2": (
            "The own value is missing from the sum: j runs over i too."
        ),
        "sum(neighbour**2 for neighbour in window) -> value**2": (
            "The own value alone is in the sum; the neighbours' squares are, too."
        ),
        "neighbour**2 -> neighbour": "The values are not squared in the sum.",
        "sum(neighbour**2 for neighbour in window) -> sum(window) ** 2": (
            "The sum is squared; each value is squared before they are added."
        ),
        " ** 0.75 -> ": "The exponent beta = 0.75 is missing.",
        " ** 0.75 -> ** 0.5": "That is the square root; the exponent beta is 0.75.",
        "(2 + 1e-4 * total) ** 0.75 -> (2 + 1e-4 * total**0.75)": WHOLE_BRACKET,
        "(2 + 1e-4 * total) ** 0.75 -> (2 + (1e-4 * total) ** 0.75)": WHOLE_BRACKET,
        "(2 + -> (1 +": "k is 1; in the paper it is 2.",
        "(2 + -> (": "k = 2 is missing from the bracket.",
        "1e-4 -> 1e-3": "alpha is ten times too large; it is 0.0001.",
        "1e-4 -> 1e-5": "alpha is ten times too small; it is 0.0001.",
        "1e-4 * total -> total": "alpha is missing: the sum is multiplied by 0.0001.",
        "value / (2 -> value * (2": (
            "The value is multiplied by the bracket; it is divided by it."
        ),
        "value / (2 -> 1 / (2": (
            "That is the factor alone; the value is divided by the bracket."
        ),
        "max(0, i - n // 2) -> i - n // 2": (
            "The window begins at a negative index; that counts from the end: "
            "`max(0, i - n // 2)`."
        ),
        "i + n // 2 + 1 -> i + n // 2": ENDS_EARLY,
        "i + n // 2 + 1] -> min(i + n // 2, len(values) - 1)]": ENDS_EARLY,
        (
            "outputs.append(value -> values[i] = (value",
            "return outputs -> return values",
        ): (
            "The results are written into the list that is still read; later windows "
            "then hold values that are normalised already."
        ),
        "i - n // 2) -> i - n // 2 + 1)": (
            "The window begins one too late; n // 2 maps lie on each side."
        ),
        "values[max(0, i - n // 2) : i + n // 2 + 1] -> values[max(0, i - n + 1) : i "
        "+ 1]": ("The window ends at i; i stands in its middle."),
        "values[max(0, i - n // 2) : i + n // 2 + 1] -> values[i : i + n]": (
            "The window begins at i; i stands in its middle."
        ),
    },
    hints=(
        "For each place i: add the squares of the values from `i - n // 2` to `i + n "
        "// 2`.",
        "At the ends there are fewer: `values[max(0, i - n // 2) : i + n // 2 + 1]`.",
        "The answer is `value / (2 + 1e-4 * sum) ** 0.75`.",
    ),
)
def local_response(values, n):
    """
    Normalise the activities of one pixel, one value a map: divide `values[i]` by (2 +
    0.0001 times the sum of the squares)^0.75. The sum runs over the `n` maps around i,
    i itself in the middle; at the ends there are fewer (section 3.3).

    In the first case the peak was 4 times its neighbours, and is so afterwards. The
    text shows six digits of a result; return yours as it is computed, not rounded.
    """
    outputs = []
    for i, value in enumerate(values):
        window = values[max(0, i - n // 2) : i + n // 2 + 1]
        total = sum(neighbour**2 for neighbour in window)
        outputs.append(value / (2 + 1e-4 * total) ** 0.75)
    return outputs


def normalised(values, n, divided):
    """Return what a normalisation makes of the values, with alpha or with alpha / n."""
    alpha = 1e-4 / n if divided else 1e-4
    outputs = []
    for i, value in enumerate(values):
        total = sum(other**2 for other in values[max(0, i - n // 2) : i + n // 2 + 1])
        outputs.append(value / (2 + alpha * total) ** 0.75)
    return outputs


def draw_normalised(rng, most):
    """Return a case whose first and last value tell little: they are 0."""
    values = [round(rng.uniform(20, most), 1) for _ in range(rng.randint(10, 14))]
    values[0] = values[-1] = 0.0
    divided = rng.random() < 0.7
    return [values, normalised(values, rng.choice([3, 5, 7, 9, 9]), divided)]


def distances(values, outputs, normalise):
    """Return how far each pair of constants is from the outputs, a dict."""
    errors = {}
    for n, divided in product([3, 5, 7, 9], [False, True]):
        pairs = zip(normalise(values, n, divided), outputs, strict=True)
        errors[n, divided] = sum(abs(one - other) for one, other in pairs)
    return errors


def divided_outputs(values, outputs):
    """Answer as one who divides the outputs by n, and takes the nearest."""

    def normalise(values, n, divided):
        factor = 1 / n if divided else 1
        return [factor * value for value in normalised(values, n, False)]

    errors = distances(values, outputs, normalise)
    return list(min(errors, key=errors.get))


def last_below_first(values, outputs):
    """Answer as one who takes the last distance that is below the first one."""
    errors = distances(values, outputs, normalised)
    return list([key for key in errors if errors[key] <= errors[3, False]][-1])


ALWAYS_5 = "The window is always taken to be 5; try 3, 7 and 9 too."
SAME_ANSWER = (
    "Most cases get the same answer: are the differences added with their signs (take "
    "`abs`), or is the smallest one never stored?"
)
SINGLE_VALUE = (
    "A single value decides: where it is 0, or rounded, several constants fit. All "
    "pairs must agree."
)
PEAKS = [90, 30, 250, 60, 120, 20, 180, 70, 40, 110]


@alexnet.question(
    "Which normalisation was it?",
    points=2,
    returns="a list `[n, divided]` of a whole number and a truth value",
    visible=(
        [PEAKS, normalised(PEAKS, 5, False)],
        [PEAKS, normalised(PEAKS, 5, True)],
        [PEAKS, normalised(PEAKS, 9, False)],
    ),
    draw=(
        lambda rng: draw_normalised(rng, most=300),
        lambda rng: draw_normalised(rng, most=60),  # where all constants are close
    ),
    slips={
        "return [n, divided] -> return [n // 2, divided]": (
            "n is the whole window, not the reach to one side."
        ),
        "return [n, divided] -> return [n, False]": (
            "The division of alpha is never seen: compare with both, alpha and alpha "
            "/ n."
        ),
        "return [n, divided] -> return [n, not divided]": (
            "True and False are exchanged: True says that alpha was divided by n."
        ),
        "return [n, divided] -> return [5, divided]": ALWAYS_5,
        "return [n, divided] -> return [5, [n, divided] != [5, False]]": ALWAYS_5,
        "return [n, divided] -> return [min(n, 7), divided]": (
            "A window of 9 is never found: try it, too; `range(3, 9, 2)` ends before 9."
        ),
        divided_outputs: (
            "The outputs are divided by n; it is alpha that is divided, inside the "
            "bracket."
        ),
        "return [n, divided] -> return [9, False]": SAME_ANSWER,
        "return [n, divided] -> return [3, True]": SAME_ANSWER,
        last_below_first: SAME_ANSWER,
        "return [n, divided] -> return [3, False]": (
            "The first possibility always matches: the comparison must fail where "
            "one pair differs."
        ),
        "if all( -> if math.isclose(found[0], outputs[0]) or all(": SINGLE_VALUE,
        "if all( -> if math.isclose(found[-1], outputs[-1]) or all(": SINGLE_VALUE,
        "if all( -> if any(": SINGLE_VALUE,
        "if all( -> if round(found[0]) == round(outputs[0]) or all(": SINGLE_VALUE,
        (
            "n, divided in product([3, 5, 7, 9], [False, True]) -> divided, n in "
            "product([False, True], [3, 5, 7, 9])",
            "if all( -> if round(found[0]) == round(outputs[0]) or all(",
        ): SINGLE_VALUE,
    },
    hints=(
        "There are eight possibilities: four windows, each with alpha or with alpha "
        "/ n.",
        "Normalise `values` with each by a copy of your `local_response` that takes "
        "alpha too, and compare.",
        "Compare floats with `math.isclose(a, b, rel_tol=1e-4)`, for all pairs of "
        "`zip(found, outputs)`.",
    ),
)
def lrn_constants(values, outputs):
    """
    Public code often has other constants. From the `values` of a pixel and the
    `outputs` of a normalisation, find `[n, divided]`: the window (3, 5, 7 or 9 maps)
    and whether alpha = 0.0001 was divided by n first. Here k = 2 and beta = 0.75, as in
    the paper.

    The outputs are not rounded: those of the right constants agree with all of them to
    nine digits, while a value of 0 agrees with any. Neither shapes nor totals show
    this. The paper's formula does not divide; Caffe, PyTorch and the authors' own code
    of 2012 do.
    """

    def normalise(n, alpha):
        found = []
        for i, value in enumerate(values):
            total = sum(
                other**2 for other in values[max(0, i - n // 2) : i + n // 2 + 1]
            )
            found.append(value / (2 + alpha * total) ** 0.75)
        return found

    for n, divided in product([3, 5, 7, 9], [False, True]):
        found = normalise(n, 1e-4 / n if divided else 1e-4)
        pairs = zip(found, outputs, strict=True)
        if all(math.isclose(a, b, rel_tol=1e-6) for a, b in pairs):
            return [n, divided]


def draw_top_k(rng):
    classes, count = rng.randint(8, 12), rng.randint(6, 10)
    rows = [
        [rng.randint(0, 999) / 10 + index / 1000 for index in range(classes)]
        for _ in range(count)
    ]
    return [rows, [rng.randrange(classes) for _ in range(count)], rng.choice([2, 3, 5])]


@alexnet.question(
    "Top-5 error",
    points=2,
    returns="a number from 0 to 1",
    visible=(
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [2, 3, 0], 2],
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [2, 3, 0], 3],
        [[[7, 1, 4, 2, 3], [5, 1, 4, 3, 2], [1, 9, 3, 4, 2]], [0, 3, 1], 2],
    ),
    draw=draw_top_k,
    slips={
        "wrong / len(labels) -> 1 - wrong / len(labels)": (
            "That is the share that is right; the error is the rest."
        ),
        "wrong / len(labels) -> len(labels) - wrong": (
            "That is how many are right; the error is the share that is wrong."
        ),
        "[:k] -> [:1]": "That is the top-1 error: only the best guess is counted.",
        "-row[index] -> row[index]": "The smallest scores are taken for the best.",
        " / len(labels) -> ": "That is how many are wrong; the error is their share.",
        " / len(labels) -> // len(labels)": "`//` drops the fraction: divide with `/`.",
        " / len(labels) -> / len(scores[0])": (
            "The errors are divided by the classes; divide by the pictures."
        ),
        " / len(labels) -> / k": "The errors are divided by k; divide by the pictures.",
        "[:k] -> [: k - 1]": "That is one guess too few: the k-th best still counts.",
        "[:k] -> [:5]": "The five best are taken in every case; take the `k` best.",
        "[:k] -> [k - 1 : k]": (
            "Only the k-th best class is compared; all of the k best count."
        ),
        "sorted(range(len(row)), key=lambda index: -row[index])[:k] -> range(k)": (
            "The first k classes are taken; take those with the largest scores."
        ),
        "sorted(range(len(row)), key=lambda index: -row[index])[:k] -> "
        "sorted(row)[-k:]": (
            "The label is compared with scores; it is the place of a class in its row."
        ),
        "label not in best -> label not in [place - sum(p < place for p in "
        "best[:rank]) for rank, place in enumerate(best)]": (
            "The best score is taken out of the row, and the places behind it move up: "
            "remember places of the whole row."
        ),
        "label not in -> label - 1 not in": (
            "The classes are counted from 1; the first one is 0."
        ),
    },
    hints=(
        "For each picture, find the k classes with the largest scores: is the label "
        "among them?",
        "`sorted(range(len(row)), key=lambda index: -row[index])[:k]` are the k best "
        "classes of a row.",
        "Count the pictures whose label is not among them, and divide by the number "
        "of pictures.",
    ),
)
def top_k_error(scores, labels, k):
    """
    Return the top-k error: the share of pictures whose label is not among their `k`
    best classes. `scores` has a row a picture, with a number for each class; `labels`
    has the right classes. No two scores of a row are equal.

    ImageNet's rule was k = 5: a photograph of a dog on a sofa should not count as wrong
    because the label says sofa.
    """
    wrong = 0
    for row, label in zip(scores, labels, strict=True):
        best = sorted(range(len(row)), key=lambda index: -row[index])[:k]
        if label not in best:
            wrong += 1
    return wrong / len(labels)


@alexnet.question(
    "A step of the paper's training",
    points=2,
    returns="a list `[weight, velocity]` of two numbers",
    visible=([1.0, 0.0, 0.0, 0.01], [2.0, -0.5, 3.0, 0.1]),
    draw=lambda rng: [
        rng.uniform(1, 9),
        rng.uniform(-1, 1),
        rng.uniform(-3, 3),
        rng.uniform(0.01, 0.5),
    ],
    slips={
        " - 0.0005 * rate * weight -> ": (
            "The weight decay is missing: - 0.0005 * rate * weight."
        ),
        "0.0005 * rate * weight -> 0.0005 * weight": (
            "The weight decay is not multiplied by the learning rate."
        ),
        "- 0.0005 * rate -> + 0.0005 * rate": (
            "The weight decay has the wrong sign: it pulls the weight to 0."
        ),
        "0.0005 * rate * weight -> 0.0005 * rate": (
            "The decay is not multiplied by the weight."
        ),
        "0.0005 -> 0.005": "The decay is ten times too strong; it is 0.0005.",
        "0.0005 -> 0.001": (
            "The decay is twice as strong as the paper's, as if from a penalty "
            "without the 1/2."
        ),
        (
            " - 0.0005 * rate * weight -> ",
            "[weight + -> [weight - 0.0005 * rate * weight +",
        ): (
            "The decay goes past the velocity. In the paper it is a part of it; a "
            "later step feels it too."
        ),
        "- rate * gradient -> - 0.1 * rate * gradient": (
            "The gradient is scaled by 1 - 0.9; the paper does not average it."
        ),
        "- rate * gradient -> - gradient": (
            "The gradient is not multiplied by the learning rate."
        ),
        "- rate * gradient -> + rate * gradient": (
            "The gradient has the wrong sign: the weight must go downhill."
        ),
        " - rate * gradient -> ": "The gradient is missing.",
        "0.9 * velocity -> velocity": (
            "The momentum 0.9 is missing: the old velocity is taken whole."
        ),
        "0.9 * velocity -> 0": "The old velocity is missing: nine tenths of it stay.",
        "0.9 * velocity -> 0.9 * rate * velocity": (
            "The old velocity is multiplied by the learning rate; only decay and "
            "gradient are."
        ),
        ("velocity = 0.9 -> new = 0.9", ", velocity] -> , new]"): (
            "The weight moves by the old velocity; it moves by the new one."
        ),
        "[weight + velocity -> [weight - velocity": (
            "The velocity is taken from the weight; it is added, as its signs are "
            "those of the step."
        ),
        (
            "velocity = 0.9 * velocity - 0.0005 * rate * weight - rate * gradient -> "
            "velocity = 0.9 * velocity + 0.0005 * weight + gradient",
            "[weight + velocity -> [weight - rate * velocity",
        ): (
            "The rate multiplies the whole velocity, as in PyTorch; in the paper, "
            "decay and gradient alone."
        ),
        (
            "velocity = 0.9 * velocity - 0.0005 * rate * weight - rate * gradient -> "
            "velocity = 0.9 * velocity + 0.0005 * rate * weight + rate * gradient",
            "[weight + velocity -> [weight - velocity",
        ): "The velocity has the other sign: it is the step itself, which is added.",
        "[weight + velocity -> [weight + 0.9 * velocity - rate * gradient": (
            "That looks ahead, as Nesterov's momentum does; the weight moves by the "
            "velocity."
        ),
        "[weight + velocity -> [weight + rate * velocity": (
            "The velocity is multiplied by the rate again; the weight moves by the "
            "velocity itself."
        ),
    },
    hints=(
        "The new velocity has three terms: the old one, the decay and the gradient. "
        "Then the weight moves.",
        "v = 0.9 v - 0.0005 rate w - rate g, with the old v and the old w on the "
        "right.",
        "w = w + v, with the new v.",
    ),
)
def momentum_step(weight, velocity, gradient, rate):
    """
    Take one step of section 5 for a single weight. The new velocity is 0.9 times the
    old one, minus 0.0005 times `rate` times the weight, minus `rate` times the
    gradient; the weight then moves by the new velocity. Return `[weight, velocity]`.

    The decay goes into the velocity and is felt ten times over. Keras's `weight_decay`
    does not do that; an L2 penalty does.
    """
    velocity = 0.9 * velocity - 0.0005 * rate * weight - rate * gradient
    return [weight + velocity, velocity]


@alexnet.question(
    "The memory of a step",
    points=1,
    returns="a whole number",
    visible=([60_965_224, 1_421_539, 128], [60_000, 8_000, 1]),
    draw=lambda rng: [
        rng.randint(10**5, 10**8),
        rng.randint(10**4, 10**7),
        rng.randint(2, 256),
    ],
    slips={
        "4 * ( -> (": "The bytes are missing: a value takes 4.",
        "4 * ( -> 32 * (": "Those are bits; a value takes 4 bytes.",
        "4 * ( -> 8 * (": (
            "A value takes 8 bytes here, as Python's floats do; a float32 takes 4."
        ),
        "4 * (3 * parameters + batch * activations) -> 4 * 3 * parameters + batch * "
        "activations": ("The activations' bytes are missing: they take 4 each, too."),
        "4 * (3 * parameters + batch * activations) -> 3 * parameters + 4 * batch * "
        "activations": ("The parameters' bytes are missing: they take 4 each, too."),
        "3 * parameters -> 2 * parameters": (
            "The velocities are missing: momentum keeps one value a parameter."
        ),
        "3 * parameters -> parameters": (
            "The gradients are missing: there is one a parameter."
        ),
        "3 * parameters + -> ": (
            "The parameters are missing, with their gradients and velocities."
        ),
        " + batch * activations -> ": (
            "The activations are missing: the backward pass needs them."
        ),
        "batch * activations -> activations": (
            "The activations are counted once; the backward pass needs those of "
            "every picture of the batch."
        ),
        "3 * parameters -> 3 * batch * parameters": (
            "The parameters are counted for every picture; the whole batch shares them."
        ),
        "batch * activations -> 2 * batch * activations": (
            "Each activation gets a gradient; here only what the layers write is "
            "counted."
        ),
        "3 * parameters -> (2 + batch) * parameters": (
            "A gradient is counted for every picture; the batch has one a parameter."
        ),
    },
    hints=(
        "Three values a parameter: the weight, its gradient and its velocity.",
        "The activations are kept for every picture of the batch; each value takes 4 "
        "bytes.",
    ),
)
def training_bytes(parameters, activations, batch):
    """
    A training step holds, in four bytes each: every parameter, its gradient and its
    velocity, and the values that the layers write, for each picture of the batch.
    `activations` are the values for one picture. Return the bytes.

    The first case is AlexNet: 1.46 GB, half of the paper's card. With a gradient beside
    each activation it is 2.19 GB.
    """
    return 4 * (3 * parameters + batch * activations)


def network(cropped, padded, joined, split, classes=1000):
    """Return the case of an AlexNet with each of the four departures made or not."""
    size = 224 if cropped else 227
    conv1 = -(-size // 4) if padded else output_size(size, 11, 4)
    rows = alexnet_parameters(224 if conv1 == 54 else 227, classes, 1 if joined else 2)
    return [conv1, sum(rows) - (3 * 3 * 128 * 384 if split else 0), classes]


def impostor(cropped, padded):
    """Return what draws an AlexNet of this side; most have one tower, and a split."""

    def draw(rng):
        joined, split = rng.random() < 0.65, rng.random() < 0.65
        return network(cropped, padded, joined, split, rng.randint(2, 3000))

    return draw


NOTHING_FOUND = (
    "return [cropped, padded, joined, split] -> "
    "return [cropped, padded, joined, split]\n    return [False] * 4"
)


ALWAYS_6400 = (
    "fc6 gets 6,400 inputs for every 224 pixels; padded, they come back to 9,216."
)
SIDE_57 = "A side of 57 is padded, too: it comes from 227 pixels."


@alexnet.question(
    "Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        network(False, False, False, False),
        network(True, False, True, False),
        network(False, True, False, True),
        network(True, True, True, True, 10),
    ),
    draw=(
        impostor(cropped=True, padded=False),
        impostor(cropped=True, padded=True),
        impostor(cropped=False, padded=True),
        impostor(cropped=True, padded=True),
        impostor(cropped=False, padded=True),
        impostor(cropped=False, padded=False),
    ),
    slips={
        "[cropped, padded, -> [side == 54, False,": (
            "The padding of conv1 is overlooked: it keeps the 9,216, and only the "
            "side of conv1 shows it."
        ),
        ("128 * 384 -> 128 * 384 + 192", NOTHING_FOUND): (
            "A split conv3 saves 442,368 weights; its 384 biases all stay."
        ),
        (
            "if sum(rows) == total -> if sum(rows) == total and cropped + padded + "
            "joined + split < 2",
            NOTHING_FOUND,
        ): ("Only single departures are tried; an impostor may combine several."),
        "[cropped, padded, joined, split] -> [not cropped, not padded, not joined, "
        "not split]": (
            "True and False are exchanged: True says that the network departs from "
            "the paper there."
        ),
        "joined, split] -> split, joined]": (
            "One tower and a split conv3 are exchanged: the first adds 1,413,120, "
            "the second takes 442,368."
        ),
        ("224 if side == 54 -> 224 if cropped", NOTHING_FOUND): ALWAYS_6400,
        (
            "224 if side == 54 -> 224 if cropped",
            "return [cropped, padded, joined, split] -> return [cropped, padded, "
            "joined, split]\n    return [cropped, padded, total > 61_000_000, False]",
        ): ALWAYS_6400,
        "[cropped, padded, joined, split] -> [cropped, padded, total > 61_000_000, "
        "split]": (
            "One tower is told by a threshold, and at a side of 54 all totals lie "
            "below: compare sums."
        ),
        "[cropped, padded, joined, split] -> [cropped, padded, total > 61_000_000, "
        "total in (60_522_856, 61_935_976)]": (
            "One tower and conv3 are told by the totals that are shown; there are "
            "others: compare sums."
        ),
        "joined, split] -> joined, total in (60_522_856, 61_935_976)]": (
            "conv3's split is told by the totals that are shown; there are others: "
            "compare sums."
        ),
        ("size, classes, 1 if -> size, 1000, 1 if", NOTHING_FOUND): (
            "fc8 always has 1,000 units in your answer; it has `classes`."
        ),
        "side in (54, 56) -> side == 54": (
            "A side of 56 comes from 224 pixels, too: those that are padded."
        ),
        "side in (56, 57) -> side == 57": (
            "A side of 56 is padded, too: it comes from 224 pixels."
        ),
        "side in (56, 57) -> side == 56": SIDE_57,
        "joined, split] -> joined, split] if side != 57 else [False] * 4": SIDE_57,
        "joined, split] -> joined and not split, split and not joined]": (
            "One tower and a split conv3 are never tried together; an impostor may "
            "have both."
        ),
        "joined, split] -> not joined, split]": (
            "The third value is the wrong way round: True says that every kernel "
            "reads all maps."
        ),
    },
    hints=(
        "There are 16 networks, and each has another pair of side and total.",
        "conv1's side tells the first two: 55, 54 (224 pixels), 57 (`same`), 56 "
        "(both). fc6 reads 6x6x256 values, but 5x5x256 at 54.",
        "Take the sum of your `alexnet_parameters`, with 224 for the size at 54 and "
        "with groups 1 or 2; a split conv3 has 442,368 weights less. If nothing "
        "matches, compare your sum for 1,000 classes with 60,965,224.",
    ),
)
def alexnet_impostor(side, total, classes):
    """
    Networks called AlexNet read 224 pixels whose windows must fit (227 otherwise), pad
    conv1 with `same`, let every kernel read all maps, or split conv3 in two as well.
    From the side of conv1's output and the total of parameters for `classes` classes,
    tell which were done: four truth values in this order.

    All four are found in public code. A padded conv1 alone changes no total: look at
    the side.
    """
    cropped = side in (54, 56)
    padded = side in (56, 57)  # 55 is the paper's, 56 is both
    size = 224 if side == 54 else 227
    for joined, split in product([False, True], repeat=2):
        rows = alexnet_parameters(size, classes, 1 if joined else 2)
        if split:
            rows[2] -= 3 * 3 * 128 * 384
        if sum(rows) == total:
            return [cropped, padded, joined, split]
