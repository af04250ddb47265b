"""Ask for NiN: a perceptron at every place, its networks, the average, class maps."""

import math

from course_lib.arithmetic import conv2d_parameters, output_size
from course_lib.grading.question import Chapter

nin = Chapter(
    "nin",
    title="NiN",
    about="They rebuild the network in network of Lin, Chen and Yan (2014): the "
    "perceptron that slides, both networks of the authors, the average in place of "
    "dense layers, and what its maps tell. At the end you can tell the network from "
    "its impostors.",
    offers=("conv2d_parameters", "output_size"),
    given="From the foundations you have these, imported here (`output_size` rounds up "
    'with `rounding="ceil"`):',
    imports=("import math",),
    data=("CIFAR10", "IMAGENET"),
)

# The authors' networks: for each mlpconv layer the kernel, stride and padding of its
# convolution, and the filters of its three layers; 0 stands for the number of classes.
CIFAR10 = [
    [5, 1, 2, [192, 160, 96]],
    [5, 1, 2, [192, 192, 192]],
    [3, 1, 1, [192, 192, 0]],
]
IMAGENET = [
    [11, 4, 0, [96, 96, 96]],
    [5, 1, 2, [256, 256, 256]],
    [3, 1, 1, [384, 384, 384]],
    [3, 1, 1, [1024, 1024, 0]],
]


def draw_pixels(rng, more=(-1, 1, 2)):
    """Return a map that is wider than high, and `more` units than channels."""
    height, channels = rng.randint(1, 2), rng.randint(2, 3)
    width, units = height + rng.randint(1, 2), channels + rng.choice(more)

    def values(count, low=-4):
        return [rng.randint(low, 5) for _ in range(count)]

    rows = [[values(channels, 0) for _ in range(width)] for _ in range(height)]
    return [rows, [values(channels) for _ in range(units)], values(units)]


def draw_square(rng):
    """Return as many units as channels: weights that are read across run through."""
    return draw_pixels(rng, more=(0,))


def read_across(rows, weights, biases):
    """Read weight number u of list number c; what is too long is cut off."""
    units = list(zip(*weights, strict=False))
    return [
        [
            [
                max(sum(w * v for w, v in zip(unit, pixel, strict=False)) + bias, 0)
                for unit, bias in zip(units, biases, strict=False)
            ]
            for pixel in row
        ]
        for row in rows
    ]


def maps_first(rows, weights, biases):
    """Return the units' maps one after the other."""
    places = one_by_one(rows, weights, biases)
    units = range(len(weights))
    return [[[place[unit] for place in row] for row in places] for unit in units]


def place_by_place(rows, weights, biases):
    """Return the places in one list, without rows."""
    return [place for row in one_by_one(rows, weights, biases) for place in row]


@nin.question(
    "A dense layer at every place",
    points=2,
    returns="a list of rows, each a list of places, each a list of numbers,",
    visible=(
        [[[[1, 0], [0, 2], [3, 1]]], [[1, 1], [-1, 2], [2, -3]], [0, -1, 1]],
        [[[[5, 5]], [[2, 7]]], [[1, -1], [-1, 1]], [0, 0]],
    ),
    draw=(draw_pixels, draw_square),
    floats=True,
    slips={
        "+ bias, -> ,": "The bias is missing; each unit has one.",
        ("max(sum -> (sum", "+ bias, 0) -> + bias)"): (
            "The ReLU is missing: what is below 0 becomes 0."
        ),
        "strict=True)) + bias, 0) -> strict=True)), 0) + bias": (
            "The bias is added after the ReLU; it belongs to the sum."
        ),
        "bias, 0) -> bias, -math.inf) if bias > 0 else 0": (
            "Units with a bias below 0 are silent; the whole sum decides."
        ),
        ("max(sum -> abs(sum", "+ bias, 0) -> + bias)"): (
            "ReLU does not turn values round; what is below 0 becomes 0."
        ),
        "pixel, strict=True)) + bias -> pixel, strict=True)) - bias": (
            "The bias is subtracted; it is added."
        ),
        "w * v for -> w * v + bias for": (
            "The bias is added for each channel; a unit adds it once."
        ),
        "max(sum(w * v -> max(sum(max(w * v, 0)": (
            "Each product passes a ReLU; it is applied once, to the sum."
        ),
        "zip(weights, biases -> zip([weights[0]] * len(weights), biases": (
            "All units have the weights of the first; each has its own."
        ),
        "for pixel in row -> for pixel in [[sum(c) for c in zip(*row)]] * len(row)": (
            "The places of a row are added; a 1x1 reads each place alone."
        ),
        "for row in rows -> for row in zip(*rows)": "Rows and columns are exchanged.",
        "for w, v in zip(unit, pixel -> for w, v in zip(unit, sorted(pixel)": (
            "The channels are taken in another order; weight number c is channel c's."
        ),
        read_across: (
            "The weights are read across, `weights[channel][unit]`: `weights` has a "
            "list for each unit."
        ),
        maps_first: (
            "The units' maps stand one after the other; here each place has the list "
            "of its units."
        ),
        place_by_place: "The places stand in one list; keep a list for each row.",
    },
    hints=(
        "Three loops, one in the other: rows, places of a row, units.",
        "A unit adds its weights times the place's values, and its bias; then ReLU, "
        "`max(..., 0)`.",
        "`zip(weights, biases)` gives each unit's weights and bias, `zip(unit, "
        "pixel)` its weights and values.",
    ),
)
def one_by_one(rows, weights, biases):
    """
    Write a 1x1 convolution with ReLU. `rows` is a map, line by line, and each place is
    the list of its channels' values. `weights` has a list for each unit, a weight a
    channel; `biases` has a number for each unit. Return the map of the units' outputs,
    in the same form.

    In the second case two units find the difference of two channels, whatever its
    sign. No single linear unit can.
    """
    return [
        [
            [
                max(sum(w * v for w, v in zip(unit, pixel, strict=True)) + bias, 0)
                for unit, bias in zip(weights, biases, strict=True)
            ]
            for pixel in row
        ]
        for row in rows
    ]


def draw_filters(rng):
    filters = [8 * count for count in rng.sample(range(2, 25), 3)]
    return [rng.randint(2, 11), rng.randint(2, 15), filters]


ALIKE = (
    "All three layers have as many filters as the first; `filters` has a number for "
    "each."
)


@nin.question(
    "The parameters of an mlpconv layer",
    points=2,
    returns="a list `[conv, cccp1, cccp2]` of whole numbers",
    visible=([5, 3, [192, 160, 96]], [3, 192, [192, 192, 10]]),
    draw=draw_filters,
    slips={
        "[kernel, 1, 1] -> [kernel, kernel, kernel]": (
            "All three have the large kernel; the second and third are 1x1."
        ),
        "(k, m, f) -> (k, m, f, bias=k > 1)": (
            "The 1x1 convolutions have biases, too: one a filter."
        ),
        "(k, m, f) -> (k, m, f, bias=False)": "The biases are missing: one a filter.",
        "(k, m, f) -> (k, m, f, bias=k == 1)": (
            "The first convolution has biases, too: one a filter."
        ),
        "[in_channels, *filters[:-1]] -> [in_channels] * 3": (
            "Each layer reads `in_channels` maps; the second and third read those of "
            "the layer before."
        ),
        "*filters[:-1]] -> *filters[1:]]": (
            "The 1x1s read as many maps as they write; each reads those of the layer "
            "before."
        ),
        "conv2d_parameters(k, m, f) -> k**2 * m * f + 1": (
            "One bias a layer is counted; each filter has one."
        ),
        "conv2d_parameters(k, m, f) -> k * m * f + f": (
            "The window is counted along one side; it has `kernel * kernel` places."
        ),
        "conv2d_parameters(k, m, f) -> k**2 * f + f": (
            "The maps that are read are left out: a filter has weights for each."
        ),
        "conv2d_parameters(k, m, f) -> k**2 * m * f + m": (
            "There is a bias for each map that is read; each filter has one."
        ),
        "*filters[:-1]] -> filters[0], filters[0]]": (
            "cccp2 reads the convolution's maps; each layer reads those of the layer "
            "before."
        ),
        (
            "[in_channels, *filters[:-1]] -> [in_channels, filters[0], filters[0]]",
            "reads, filters -> reads, [filters[0]] * 3",
        ): ALIKE,
        (
            "[in_channels, *filters[:-1]] -> [in_channels, *filters[1:]]",
            "reads, filters -> reads, [filters[0], *filters[:-1]]",
        ): (
            "What is read and what is written are mixed up: cccp1 reads the first "
            "number of filters and writes the second."
        ),
        ("return [ -> return sum([", "strict=True)\n    ] -> strict=True)\n    ])"): (
            "That is the whole mlpconv layer; return a number for each of its three."
        ),
    },
    hints=(
        "`conv2d_parameters(kernel, in_channels, filters)`, three times.",
        "The second and third have kernel 1 and read what the layer before wrote.",
    ),
)
def mlpconv_parameters(kernel, in_channels, filters):
    """
    An mlpconv layer is a convolution, then two 1x1 convolutions, which the authors call
    cccp. `filters` has how many each of them has. Return the parameters of each, biases
    too.
    """
    reads = [in_channels, *filters[:-1]]
    kernels = [kernel, 1, 1]
    return [
        conv2d_parameters(k, m, f)
        for k, m, f in zip(kernels, reads, filters, strict=True)
    ]


ONE_MORE = "One filter too many: with it, the plain convolution has more multiply-adds."


@nin.question(
    "Plain filters for the same multiply-adds",
    points=1,
    returns="a whole number",
    visible=([5, 3, [192, 160, 96]], [5, 96, [192, 192, 192]]),
    draw=draw_filters,
    slips={
        "// window -> // window + 1": ONE_MORE,
        "third) // window -> third + window - 1) // window": ONE_MORE,
        (
            "return (window -> return round((window",
            "third) // window -> third) / window)",
        ): (
            "The result is rounded to the nearest; rounded up, the plain convolution "
            "has more multiply-adds."
        ),
        "// window -> // kernel**2": (
            "The maps that are read are left out of the divisor: a plain filter has "
            "weights for each."
        ),
        (
            "kernel**2 * in_channels -> kernel**2 * in_channels + 1",
            "window * first + first * second + second * third -> window * first + "
            "(first + 1) * second + (second + 1) * third",
        ): "Parameters are counted: biases multiply nothing.",
        "second + second * third -> second": (
            "The last 1x1 is left out; the perceptron has three layers."
        ),
        "window * first + first -> first": (
            "The first convolution is left out; it is part of the mlpconv layer."
        ),
        "kernel**2 * in_channels -> kernel * in_channels": (
            "The window is counted along one side; it has `kernel * kernel` places."
        ),
        "kernel**2 * in_channels -> kernel**2": (
            "The maps that are read are left out: a window has values of each."
        ),
        "(window * first + first * second + second * third) -> (window * first + "
        "first + first * second + second + second * third + third)": (
            "Biases are counted; they multiply nothing."
        ),
        "(window * first + first * second + second * third) -> (window * (first + "
        "second + third))": (
            "That is the filters' sum: the 1x1s are counted with the large window."
        ),
        "(window * first + first * second + second * third) -> (window * first + "
        "kernel**2 * (first * second + second * third))": (
            "The 1x1s are counted with the large window; they read one place."
        ),
        "first * second + second * third -> second + third": (
            "A 1x1 convolution has a weight for each pair of maps."
        ),
        "+ first * second + second * third -> ": (
            "The 1x1s are left out: then it is as many filters as before."
        ),
    },
    hints=(
        "At one place: `kernel**2 * in_channels * first`, `first * second`, `second * "
        "third`.",
        "Each filter of a plain convolution costs `kernel**2 * in_channels`: divide, "
        "and round down.",
    ),
)
def plain_filters(kernel, in_channels, filters):
    """
    How many filters may a plain convolution with this kernel have, if it takes no more
    multiply-adds at a place than the mlpconv layer of three with these `filters`?

    On the picture itself, 192 filters with their perceptron cost as much as 806
    without: there a window has only 75 values. Further on the perceptron is nearly
    free.
    """
    first, second, third = filters
    window = kernel**2 * in_channels
    return (window * first + first * second + second * third) // window


def draw_table(rng):
    """Return a network of its own with a pool that has to round up."""
    while True:
        table, sides = [], [rng.randint(130, 250)]
        for number in range(rng.randint(2, 4)):
            kernel = rng.choice([3, 5, 7])
            stride = rng.randint(1, 2) if number == 0 else 1
            padding = kernel // 2 if number else rng.randint(0, kernel // 2)
            filters = [8 * rng.randint(1, 12) for _ in range(3)]
            table.append([kernel, stride, padding, filters])
            if number:
                sides.append(output_size(sides[-1], 3, 2, rounding="ceil"))
            sides.append(output_size(sides[-1], kernel, stride, padding=padding))
        table[-1][3][2] = 0
        if any(side % 2 == 0 for side in sides[1:-2:2]):
            return [table, sides[0], rng.randint(2, 200)]


@nin.question(
    "Both networks of the authors",
    points=3,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=([CIFAR10, 32, 10], [IMAGENET, 224, 1000], [CIFAR10, 32, 100]),
    draw=draw_table,
    slips={
        ', rounding="ceil" -> ': (
            "The pools round down; these keep a last window that hangs over the edge."
        ),
        "number > 0 -> number >= 0": (
            "There is a pool in front of the first mlpconv layer; pools stand between "
            "them."
        ),
        "number > 0 -> number < 0": (
            "The pools are missing: each halves the side between two mlpconv layers."
        ),
        "side = output_size(side, 3, 2 -> side = output_size(side, 2, 2": (
            "The pools are 2x2; they are 3x3 and overlap, so that some sides differ."
        ),
        "(layer - count) -> layer": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        "parameters += layer -> parameters += layer - count": (
            "The biases are missing: each filter has one."
        ),
        "parameters += layer -> parameters += layer - (count if k == 1 else 0)": (
            "The 1x1 convolutions have biases, too: one a filter."
        ),
        "count = count or classes -> ": (
            "The 0 of the table is taken as no filters; it stands for `classes`."
        ),
        "count or classes -> count or 10": "There are `classes` maps at the end.",
        "count or classes -> count or 1000": "There are `classes` maps at the end.",
        "macs += side**2 * -> macs += side *": (
            "The places are counted along one side; a map is as high as wide."
        ),
        "macs += side**2 * -> macs += size**2 *": (
            "The MACs are counted on the whole picture; the maps get smaller."
        ),
        "side, maps = size, 3 -> side, maps = size, 1": (
            "The picture has three channels."
        ),
        "[kernel, 1, 1] -> [kernel, kernel, kernel]": (
            "All layers have the large kernel; the second and third are 1x1."
        ),
        "return [parameters, macs] -> return [parameters + (classes + 1) * classes, "
        "macs + classes**2]": (
            "There is a dense layer behind the average; NiN has none."
        ),
        "return [parameters, macs] -> return [parameters + (side**2 * classes + 1) * "
        "classes, macs + side**2 * classes**2]": (
            "The last maps go into a dense layer; NiN averages them."
        ),
        ", padding=padding) -> )": (
            "The padding is left out: the convolutions make the maps smaller."
        ),
        "            maps = count ->         maps = count": (
            "All three layers of a block read the maps of the block before; a 1x1 "
            "reads those of the layer in front of it."
        ),
        "[kernel, 1, 1], filters, -> [kernel], filters[2:],": (
            "The 1x1 convolutions are left out."
        ),
    },
    hints=(
        "Keep the side and the number of maps; from the second mlpconv layer on, a "
        'pool comes first: `output_size(side, 3, 2, rounding="ceil")`.',
        "`filters[2] or classes` is the number of classes where the table has 0.",
        "MACs: at each of `side * side` places, the parameters without the biases.",
    ),
)
def nin_totals(table, size, classes):
    """
    Return `[parameters, macs]` for pictures of `size` by `size` with three channels.
    `table` has a row for each mlpconv layer: kernel, stride and padding of its
    convolution, and the filters of its three layers, 0 for one map a class. Between two
    mlpconv layers stands a 3x3 max pooling with stride 2 that rounds up.

    The last maps are averaged, which has no parameters and no multiply-adds. `CIFAR10`
    and `IMAGENET` are the authors' published networks.
    """
    side, maps = size, 3
    parameters, macs = 0, 0
    for number, (kernel, stride, padding, filters) in enumerate(table):
        if number > 0:
            side = output_size(side, 3, 2, rounding="ceil")
        side = output_size(side, kernel, stride, padding=padding)
        for k, count in zip([kernel, 1, 1], filters, strict=True):
            count = count or classes
            layer = conv2d_parameters(k, maps, count)
            parameters += layer
            macs += side**2 * (layer - count)
            maps = count
    return [parameters, macs]


@nin.question(
    "Three ends",
    points=2,
    returns="a list `[average, dense_on_classes, dense_on_maps]` of whole numbers",
    visible=([8, 192, 10], [6, 1024, 1000]),
    draw=lambda rng: [rng.randint(3, 20), 8 * rng.randint(2, 60), rng.randint(3, 90)],
    slips={
        "return [one, one -> return [one + side**2 * classes, one": (
            "The average has parameters in your answer; it has none."
        ),
        "return [one, one + dense -> return [one + (classes + 1) * classes, one + "
        "dense": "A dense layer stands behind the average; there is none.",
        "return [one, one + dense -> return [0, dense": (
            "The last 1x1 is left out of the first two ends; it makes the class maps."
        ),
        "return [one, one + -> return [one, ": (
            "The last 1x1 is left out of the second end; the class maps that are "
            "flattened come from it."
        ),
        "return [one, -> return [0, ": (
            "The last 1x1 is left out of the first end; it makes the maps that are "
            "averaged."
        ),
        (
            "one = (maps + 1) * classes -> one = maps * classes",
            "+ 1) * classes\n    on -> ) * classes\n    on",
            "(side**2 * maps + 1) -> (side**2 * maps)",
        ): "The biases are missing: one for each output.",
        "one = (maps + 1) * classes -> one = maps * classes": (
            "The last 1x1 has biases, too: one a class."
        ),
        ("(side**2 * classes -> (side * classes", "(side**2 * maps -> (side * maps"): (
            "The places are counted along one side; a map is as high as wide."
        ),
        ("(side**2 * classes -> (classes", "(side**2 * maps -> (maps"): (
            "Only one value a map is read; flattened, a map has `side * side`."
        ),
        "(side**2 * classes -> (side**2 * maps": (
            "The second end flattens the class maps, of which there are `classes`."
        ),
        "on_maps = -> on_maps = one +": (
            "The third end has no 1x1: the dense layer takes its place, too."
        ),
    },
    hints=(
        "The last 1x1 has `maps * classes` weights and `classes` biases.",
        "Flattened, n maps have `side * side * n` values; a dense layer of `classes` "
        "units reads them all.",
    ),
)
def end_parameters(side, maps, classes):
    """
    NiN's last 1x1 convolution reads `maps` maps of `side` by `side` and writes one map
    a class. Return the parameters of three ends of the network, biases too: that 1x1,
    and the average; that 1x1, and its maps flattened into a dense layer of `classes`
    units; no such 1x1, and the `maps` maps flattened into that dense layer.

    The first case is CIFAR-10's network, which has 966,986 parameters in all.
    """
    one = (maps + 1) * classes
    dense = (side**2 * classes + 1) * classes
    on_maps = (side**2 * maps + 1) * classes
    return [one, one + dense, on_maps]


def draw_maps(rng, lowest=0):
    """Return maps that are wider than high, many of their values 0."""
    height, count = rng.randint(2, 3), rng.randint(3, 5)
    width = height + rng.randint(1, 2)

    def value():
        return rng.choice([0, 0, rng.randint(lowest, 9), rng.randint(1, 9)])

    return [
        [[value() for _ in range(width)] for _ in range(height)] for _ in range(count)
    ]


def softmax_first(maps):
    """Take the softmax over the classes at each place, and average that."""
    places = [
        class_scores([[[rows[i][j]]] for rows in maps])
        for i in range(len(maps[0]))
        for j in range(len(maps[0][0]))
    ]
    return [sum(scores) / len(places) for scores in zip(*places, strict=True)]


@nin.question(
    "From class maps to probabilities",
    points=2,
    returns="a list of numbers, one a map,",
    visible=(
        [[[[3, 0], [0, 1]], [[0, 2], [0, 0]], [[1, 0], [0, 0]]]],
        [[[[0, 4, 0]], [[1, 1, 1]], [[2, 0, 0]]]],
    ),
    draw=lambda rng: [draw_maps(rng)],
    slips={
        "sum(map(sum, rows)) / (len(rows) * len(rows[0])) -> max(map(max, rows))": (
            "That is the largest value of each map: global max pooling. NiN averages."
        ),
        "/ (len(rows) * len(rows[0])) -> ": (
            "The values of each map are added; they are averaged."
        ),
        "(len(rows) * len(rows[0])) -> len(rows)": (
            "The sum is divided by the number of rows; a map has rows times columns "
            "values."
        ),
        "(len(rows) * len(rows[0])) -> len(rows[0])": (
            "The sum is divided by the number of columns; a map has rows times columns "
            "values."
        ),
        "(len(rows) * len(rows[0])) -> len(rows) ** 2": (
            "The sum is divided by the square of the number of rows; the maps are "
            "wider than high."
        ),
        "(len(rows) * len(rows[0])) -> (sum(v > 0 for row in rows for v in "
        "row) or 1)": ("Only values above 0 are averaged; the zeros count, too."),
        softmax_first: (
            "The softmax comes first, at each place, and then the average; NiN "
            "averages first."
        ),
        "return [power / sum(powers) for power in powers] -> return means": (
            "The softmax is missing: those are the averages."
        ),
        "return [power / sum(powers) for power in powers] -> return powers": (
            "The powers are not divided by their sum; probabilities add up to 1."
        ),
        "return [power / sum(powers) for power in powers] -> return [math.exp(mean) "
        "for mean in means]": (
            "The powers are not divided by their sum; probabilities add up to 1."
        ),
        "math.exp(mean - max(means)) -> mean": (
            "The averages are divided by their sum; softmax takes powers of e first."
        ),
        "math.exp(mean - max(means)) -> 2**mean": (
            "Softmax takes powers of e, not of 2."
        ),
        "math.exp(mean - max(means)) -> math.exp(-mean)": (
            "The sign is the wrong way round: a high average makes a probable class."
        ),
        "return [power / sum(powers) for power in powers] -> return [float(mean == "
        "max(means)) for mean in means]": (
            "The best class gets all; softmax gives each its share."
        ),
    },
    hints=(
        "First the average of each map: its sum divided by how many values it has.",
        "Then softmax: `math.exp` of each average, divided by the sum of them all.",
    ),
)
def class_scores(maps):
    """
    NiN's last mlpconv layer writes one map a class, each a list of rows. Return what
    the network answers: the softmax of the maps' averages.
    """
    means = [sum(map(sum, rows)) / (len(rows) * len(rows[0])) for rows in maps]
    powers = [math.exp(mean - max(means)) for mean in means]
    return [power / sum(powers) for power in powers]


def draw_read(rng):
    """Return maps of which the one with the highest value seldom wins."""
    while True:
        maps, stride, offset = draw_maps(rng), rng.randint(2, 8), rng.randint(1, 15)
        for rows in maps:
            rows[rng.randrange(len(rows))][rng.randrange(len(rows[0]))] = 9.5
        rows = rng.choice(maps)
        spot = rng.randrange(len(rows)), rng.randrange(len(rows[0]))
        rows[spot[0]][spot[1]] = 12
        sums = sorted(sum(map(sum, rows)) for rows in maps)
        single = all(
            sum(v == max(map(max, rows)) for row in rows for v in row) == 1
            for rows in maps
        )
        label, row, column = read_maps(maps, 1, 0)
        loudest = max(range(len(maps)), key=lambda n: max(map(max, maps[n])))
        wanted = loudest != label or rng.random() < 0.2
        if single and sums[-1] > sums[-2] and wanted and row != column:
            return [maps, stride, offset]


def draw_tied(rng):
    """Return maps of which the winner has its highest value at two places."""
    while True:
        maps, stride, offset = draw_read(rng)
        label, row, column = read_maps(maps, 1, 0)
        rows = maps[label]
        places = [(i, j) for i in range(len(rows)) for j in range(len(rows[0]))]
        later = [place for place in places if place > (row, column)]
        filled = [sum(v > 0 for row in one for v in row) for one in maps]
        if later and filled[label] < max(filled):
            i, j = rng.choice(later)
            rows[i][j] = rows[row][column]
            return [maps, stride, offset]


PICTURE = [
    [[0, 0, 0], [0, 2, 0]],
    [[0, 0, 5], [0, 4, 3]],
    [[9, 0, 0], [0, 0, 0]],
]


@nin.question(
    "Read the maps",
    points=2,
    returns="a list `[label, row, column]` of whole numbers",
    visible=([PICTURE, 4, 5], [PICTURE[:1] + PICTURE[2:], 8, 0]),
    draw=(draw_read, draw_tied, draw_tied),
    slips={
        "sums = [sum(map(sum, rows)) -> sums = [max(map(max, rows))": (
            "The class is that of the highest single value; the averages decide."
        ),
        "return [label, offset + stride * row, offset + stride * column] -> return "
        "[label, row, column]": (
            "Those are places in the map; each stands for a place in the picture."
        ),
        "return [label, offset + stride * row, offset + stride * column] -> return "
        "[label, stride * row, stride * column]": (
            "The offset is missing: place 0 looks at pixel `offset`."
        ),
        "return [label, offset + stride * row, offset + stride * column] -> return "
        "[label, offset + row, offset + column]": (
            "The stride is missing: neighbours in the map are `stride` pixels apart."
        ),
        "return [label, offset + stride * row, offset + stride * column] -> return "
        "[label, stride * (offset + row), stride * (offset + column)]": (
            "The offset is multiplied by the stride; it is in pixels already."
        ),
        "return [label, offset + stride * row, offset + stride * column] -> return "
        "[label, offset + stride * column, offset + stride * row]": (
            "Row and column are exchanged."
        ),
        "return [label, -> return [label + 1,": "Classes are counted from 0.",
        "index(max(values)) -> index(min(values))": (
            "That is the place of the lowest value; the highest is asked for."
        ),
        "values.index(max(values)) -> len(values) - 1 - "
        "values[::-1].index(max(values))": (
            "Of equal peaks the last is taken; the first counts, row by row."
        ),
        "sums.index(max(sums)) -> sums.index(min(sums))": (
            "That is the class with the lowest average."
        ),
        "sums = [sum(map(sum, rows)) -> sums = [sum(v > 0 for row in rows for v in "
        "row)": "The places above 0 are counted; the averages decide.",
        "rows = maps[label] -> rows = max(maps, key=lambda rows: max(map(max, "
        "rows)))": (
            "The peak is that of all maps; it is asked for in the winner's map."
        ),
        "len(rows[0])) -> len(rows))": (
            "The width of the map is taken for its height: the maps are wider than "
            "high."
        ),
        "index(max(values)) -> index(next(v for v in values if v > 0))": (
            "That is the first place above 0; the highest value is asked for."
        ),
    },
    hints=(
        "The class with the largest average is that with the largest sum: all maps "
        "have one size.",
        "In that class's map, find the row and column of the highest value.",
        "Place n of the map looks at pixel `offset + stride * n`.",
    ),
)
def read_maps(maps, stride, offset):
    """
    Which class's map has the largest average, and where does it peak? Of equal peaks
    the first counts, row by row. Each map is a list of rows; row or column n stands for
    pixel `offset + stride * n` of the picture, the middle of what it sees. Return the
    class, from 0, and the pixel's row and column.

    No two averages are equal. The highest value of all may stand in another map: one
    loud place does not win against many.
    """
    sums = [sum(map(sum, rows)) for rows in maps]
    label = sums.index(max(sums))
    rows = maps[label]
    values = [value for row in rows for value in row]
    row, column = divmod(values.index(max(values)), len(rows[0]))
    return [label, offset + stride * row, offset + stride * column]


def draw_errors(rng):
    """Return two tables whose best rates differ, and some runs that are equal."""
    while True:
        rates, seeds = rng.randint(2, 4), rng.randint(5, 6)
        tables = [
            [[rng.randint(20, 240) / 4 for _ in range(seeds)] for _ in range(rates)]
            for _ in range(2)
        ]
        first, second = (
            min(range(rates), key=lambda rate: sum(table[rate])) for table in tables
        )
        equal = rng.randrange(seeds)
        tables[1][second][equal] = tables[0][first][equal]
        best = [sum(row) for table in tables for row in table]
        chosen = [
            min(range(rates), key=lambda rate: sum(table[rate])) for table in tables
        ]
        if (
            chosen == [first, second]
            and first != second
            and len({*best}) == len(best)
            and best[first] != best[rates + second]
        ):
            return tables


AVERAGED = [[8.25, 21.5, 12.0, 15.5], [8.5, 20.0, 10.5, 11.0]]
DENSE = [[50.5, 61.5, 47.0, 52.0], [39.25, 45.0, 41.5, 36.0]]
CENTRED = [[4.25, 11.5, 5.0, 6.5], [4.0, 4.25, 3.5, 5.0]]


@nin.question(
    "A fair comparison",
    points=2,
    returns="a list `[rate_a, rate_b, difference, wins]` of numbers",
    visible=([AVERAGED, DENSE], [CENTRED, AVERAGED]),
    draw=draw_errors,
    floats=True,
    slips={
        "rate_b = min(range(len(b)), key=lambda rate: sum(b[rate])) -> rate_b = "
        "rate_a": (
            "Both networks are taken at the first one's best rate; each gets its own."
        ),
        (
            "key=lambda rate: sum(a[rate]) -> key=lambda rate: min(a[rate])",
            "key=lambda rate: sum(b[rate]) -> key=lambda rate: min(b[rate])",
        ): ("The rate of the luckiest run is taken; the mean over the seeds decides."),
        (
            "rate_a = min -> rate_a = max",
            "rate_b = min -> rate_b = max",
        ): "The worst rates are taken: a small error is good.",
        "[y - x for -> [x - y for": (
            "The difference is the wrong way round: what `b` misses more than `a`."
        ),
        "[y - x for -> [abs(y - x) for": (
            "The differences lose their sign; a seed that says the opposite counts "
            "against it."
        ),
        "for d in differences) -> for d in differences) / len(differences)": (
            "The wins are a share; return how many there are."
        ),
        "sum(d > 0 -> sum(d >= 0": "Equal errors are counted as wins.",
        "sum(d > 0 -> sum(d < 0": "Those are the seeds that `b` wins.",
        "in zip(a[rate_a], b[rate_b], strict=True) -> in zip(sorted(a[rate_a]), "
        "sorted(b[rate_b]), strict=True)": (
            "The runs are sorted before they are compared; run n of both has seed n."
        ),
        "sum(differences) / len(differences) -> sum(differences)": (
            "The differences are added; their mean is asked for."
        ),
        "sum(differences) / len(differences) -> sum(differences) / len(a)": (
            "The sum is divided by the number of rates; there is a difference a seed."
        ),
        "sum(differences) / len(differences) -> min(b[rate_b]) - min(a[rate_a])": (
            "The best runs are compared; compare run by run, and take the mean."
        ),
        "return [rate_a, rate_b, -> return [rate_a + 1, rate_b + 1,": (
            "Rates are counted from 0."
        ),
    },
    hints=(
        "The best rate of a table is that with the smallest sum over its seeds: "
        "`min(range(len(a)), key=lambda rate: sum(a[rate]))`.",
        "Then subtract seed by seed: `zip(a[rate_a], b[rate_b])`.",
        "The mean of the differences, and how many are above 0.",
    ),
)
def fair_comparison(a, b):
    """
    `a[rate][seed]` and `b[rate][seed]` are errors of two networks, trained at the same
    rates from the same seeds. Take each at its best rate, that with the smallest mean
    (no two are equal). Return both rates (counted from 0), the mean over the seeds of
    what `b` misses more than `a`, and how many seeds `a` wins.

    A win is a smaller error; equal ones are no win. The first case is of the kind that
    the chapter measures: an average against a dense layer.
    """
    rate_a = min(range(len(a)), key=lambda rate: sum(a[rate]))
    rate_b = min(range(len(b)), key=lambda rate: sum(b[rate]))
    differences = [y - x for x, y in zip(a[rate_a], b[rate_b], strict=True)]
    wins = sum(d > 0 for d in differences)
    return [rate_a, rate_b, sum(differences) / len(differences), wins]


def draw_about(rng):
    """Return a size printed in tens, to which neither of the two sizes rounds."""
    while True:
        parameters = rng.randint(20_000_000, 90_000_000)
        sizes = [4 * parameters / 10**6, 4 * parameters / 2**20]
        printed = 10 * round(rng.choice(sizes) / 10)
        if printed not in map(round, sizes):
            return [parameters, printed]


def draw_small(rng):
    """Return a small file: both sizes round to what is printed, and one is nearer."""
    while True:
        parameters = rng.randint(700_000, 5_000_000)
        printed = round(4 * parameters / 10**6)
        if printed == round(4 * parameters / 2**20):
            return [parameters, printed]


@nin.question(
    "Which megabytes?",
    points=1,
    returns='a list `[mb, mib, unit]`: two numbers and `"MB"` or `"MiB"`',
    visible=([7_595_176, 29], [60_965_224, 230], [60_965_224, 244]),
    draw=(draw_about, draw_small),
    slips={
        (
            "= 4 * parameters / 10 -> = parameters / 10",
            "4 * parameters / 2 -> parameters / 2",
        ): ("A parameter takes four bytes; yours takes one."),
        (
            "= 4 * parameters / 10 -> = 8 * parameters / 10",
            "4 * parameters / 2 -> 8 * parameters / 2",
        ): ("A parameter takes four bytes; yours takes eight."),
        (
            "= 4 * parameters / 10 -> = 32 * parameters / 10",
            "4 * parameters / 2 -> 32 * parameters / 2",
        ): ("Those are bits; a byte has eight."),
        (
            "mb = 4 * parameters / 10**6 -> mb = 4 * parameters / 2**20",
            "mib = 4 * parameters / 2**20 -> mib = 4 * parameters / 10**6",
        ): "The two units are exchanged: a MB has a million bytes, a MiB more.",
        "mb = 4 * parameters / 10**6 -> mb = 4 * parameters / 2**20": (
            "A MB has a million bytes."
        ),
        "mib = 4 * parameters / 2**20 -> mib = 4 * parameters / 10**6": (
            "A MiB has 1,024 times 1,024 bytes."
        ),
        "2**20 -> 1024": "A MiB has 1,024 times 1,024 bytes.",
        "2**20 -> 1024 / 1000": (
            "Thousands and 1,024 are mixed; a MiB has 1,024 times 1,024 bytes."
        ),
        "2**20 -> 2**10 / 10**3": (
            "Thousands and 1,024 are mixed; a MiB has 1,024 times 1,024 bytes."
        ),
        "abs(mb - printed) < abs(mib - printed) -> abs(mb - printed) > abs(mib - "
        "printed)": "The unit is the wrong way round: the nearer one was meant.",
        "[mb, mib, -> [mib, mb,": "The two sizes are exchanged: MB first.",
        "abs(mb - printed) < abs(mib - printed) -> mb <= printed": (
            "The unit is not the nearer one: compare both distances from the printed "
            "size."
        ),
        "abs(mb - printed) < abs(mib - printed) -> round(mb) == printed": (
            "The unit is MB only where the MB round to what is printed; both sizes may "
            "round to it, or neither. The nearer one counts."
        ),
        "abs(mb - printed) < abs(mib - printed) -> round(mib) != printed": (
            "The unit is MiB only where the MiB round to what is printed; both sizes "
            "may round to it, or neither. The nearer one counts."
        ),
        "abs(mb - printed) < abs(mib - printed) -> True": (
            "The unit is always MB; sometimes the printed size is nearer to the MiB."
        ),
        "abs(mb - printed) < abs(mib - printed) -> False": (
            "The unit is always MiB; sometimes the printed size is nearer to the MB."
        ),
        "[mb, mib, -> [round(mb), round(mib),": "Return the sizes without rounding.",
        (
            "mb = 4 * parameters / 10**6 -> mb = round(4 * parameters / 10**6)",
            "mib = 4 * parameters / 2**20 -> mib = round(4 * parameters / 2**20)",
        ): "Return the sizes without rounding.",
    },
    hints=(
        "Four bytes a parameter. A MB has `10**6` bytes, a MiB `2**20`.",
        "The unit is that whose size is nearer to `printed`.",
    ),
)
def file_size(parameters, printed):
    """
    A file holds the parameters of a network, four bytes each. A page gives its size as
    the number `printed`. Return the size in MB (a million bytes), the size in MiB
    (1,024 times 1,024 bytes), and the unit of the one that is nearer to `printed`.

    In the first two cases the authors' page calls NiN's file 29 MB and AlexNet's about
    230 MB.
    """
    mb = 4 * parameters / 10**6
    mib = 4 * parameters / 2**20
    unit = "MB" if abs(mb - printed) < abs(mib - printed) else "MiB"
    return [mb, mib, unit]


def departed(size, classes, rounded_down, biasless, dense, maximum):
    """Return the case of CIFAR-10's network with each departure made or not."""
    side, maps, parameters, macs = size, 3, 0, 0
    for number, (kernel, _, _, filters) in enumerate(CIFAR10):
        if number:
            side = output_size(side, 3, 2, rounding="floor" if rounded_down else "ceil")
        widths = [count or classes for count in filters]
        layers = mlpconv_parameters(kernel, maps, widths)
        parameters += sum(layers) - (sum(widths[1:]) if biasless else 0)
        macs += side**2 * (sum(layers) - sum(widths))
        maps = widths[-1]
    if dense:
        parameters += (classes + 1) * classes
        macs += classes**2
    return [size, classes, parameters, macs, 1.0 if maximum else round(side**-2, 6)]


def draw_impostor(rng):
    """Return an impostor for a picture of an even side: there rounding shows.

    With up to 28 classes a dense layer adds less than the missing biases take away; up
    to a side of 28, the last maps are smaller than 8x8.
    """
    made = [rng.random() < share for share in (0.5, 0.75, 0.75, 0.5)]
    classes = rng.choice([rng.randint(11, 28), rng.randint(29, 300)])
    size = 2 * rng.choice([rng.randint(9, 14), rng.randint(15, 40)])
    return departed(size, classes, *made)


ALONE = (
    "Each change is judged as if it were the only one; missing biases and a dense "
    "layer may hide each other."
)
TENS = "The totals are compared with those for 32 pixels and ten classes."


@nin.question(
    "Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        departed(32, 10, False, False, False, False),
        departed(32, 10, True, False, False, False),
        departed(32, 10, False, True, True, False),
        departed(64, 100, False, False, True, True),
    ),
    draw=draw_impostor,
    slips={
        "spot == 1 -> False": (
            "The maximum is overlooked: it shows in no count, but in the spot."
        ),
        "spot == 1 -> spot != 1": (
            "The last truth value is the wrong way round: a maximum makes the spot 1."
        ),
        "spot == 1 -> spot > 1 / 64": (
            "The spot is compared with that of an 8x8 map; other pictures end in "
            "other maps."
        ),
        "spot == 1 -> spot != 1 / 64": (
            "The spot is compared with that of an 8x8 map; other pictures end in "
            "other maps."
        ),
        "macs < paper[1] -> False": (
            "Pools that round down are overlooked: they change no parameter, but the "
            "MACs."
        ),
        "macs < paper[1] -> macs != paper[1]": (
            "Every change of the MACs is taken for rounding; a dense layer adds some."
        ),
        "parameters < total -> False": (
            "Missing biases are overlooked: they take parameters away, but no MACs."
        ),
        "parameters < total -> parameters < paper[0]": (
            "The biases are looked for below the paper's total; a dense layer may "
            "have added more than they take."
        ),
        "dense = parameters - paper[0] in gains -> dense = parameters > paper[0]": (
            "The dense layer is looked for above the paper's total; missing biases "
            "take parameters away again."
        ),
        "dense = parameters - paper[0] in gains -> dense = False": (
            "The dense layer is overlooked: it adds parameters and MACs."
        ),
        "gains = [added, added - biases] -> gains = [added]": (
            "A dense layer is seen only where the biases are there; both may be "
            "changed."
        ),
        (
            "dense = parameters - paper[0] in gains -> dense = parameters > paper[0]",
            "parameters < total -> parameters < paper[0]",
        ): ALONE,
        (
            "macs < paper[1] -> macs != paper[1]",
            "dense = parameters - paper[0] in gains -> dense = parameters > paper[0]",
            "parameters < total -> parameters < paper[0]",
        ): ALONE,
        (
            "gains = [added, added - biases] -> gains = [added]",
            "parameters < total -> parameters == paper[0] - biases",
        ): ALONE,
        "dense = parameters - paper[0] in gains -> dense = macs > paper[1]": (
            "The dense layer is looked for in the MACs alone; pools that round down "
            "take more away than it adds."
        ),
        "(CIFAR10, size, classes) -> (CIFAR10, 32, 10)": TENS,
        (
            "(CIFAR10, size, classes) -> (CIFAR10, 32, 10)",
            "parameters < total -> parameters + biases in [paper[0], paper[0] + added]",
        ): TENS,
        "(CIFAR10, size, classes) -> (CIFAR10, size, 10)": TENS,
        "(CIFAR10, size, classes) -> (CIFAR10, 32, classes)": (
            "The totals are compared with those for 32 pixels; `size` says how large "
            "the picture is."
        ),
        "return [rounded_down, -> return [not rounded_down,": (
            "The first truth value is the wrong way round: rounded down, there are "
            "fewer MACs."
        ),
        "return [rounded_down, parameters < total, dense, spot == 1] -> return [not "
        "rounded_down, parameters >= total, not dense, spot != 1]": (
            "True and False are exchanged: True says that the network departs from "
            "the authors' there."
        ),
        "return [rounded_down, parameters < total, dense, spot == 1] -> return "
        "[parameters < total, rounded_down, dense, spot == 1]": (
            "The first two truth values are exchanged."
        ),
    },
    hints=(
        "The authors' totals are `nin_totals(CIFAR10, size, classes)`. Pools that "
        "round down take far more MACs away than a dense layer adds.",
        "A dense layer adds `(classes + 1) * classes` parameters; the biases of the "
        "1x1s are `160 + 96 + 192 + 192 + 192 + classes`.",
        "The spot is 1 if the maximum is taken, and 1 over the places if the average "
        "is.",
    ),
)
def nin_impostor(size, classes, parameters, macs, spot):
    """
    A network is `CIFAR10` with none, one or several of four changes: pools round down;
    the 1x1 convolutions have no biases; a dense layer of `classes` units follows the
    average; the maximum of each map replaces its average. Tell from its totals for
    pictures of `size` (even), and from its `spot`, which were made: four truth values
    in order.

    The `spot` is what the pooling at the end makes of a map that is 1 at one place and
    0 elsewhere. It is there because a maximum in place of the average changes neither
    the parameters nor the multiply-adds.
    """
    paper = nin_totals(CIFAR10, size, classes)
    rounded_down = macs < paper[1]
    added = (classes + 1) * classes
    biases = 160 + 96 + 192 + 192 + 192 + classes
    gains = [added, added - biases]
    dense = parameters - paper[0] in gains
    total = paper[0] + (added if dense else 0)
    return [rounded_down, parameters < total, dense, spot == 1]
