"""Ask for SqueezeNet: Fire modules, its networks, shared values, files, impostors."""

import itertools
import math
import operator

from course_lib.arithmetic import conv2d_parameters, output_size
from course_lib.grading.question import Chapter

squeezenet = Chapter(
    "squeezenet",
    title="SqueezeNet",
    about="They rebuild the network of Iandola and others (2016) and what made its "
    "file small: Fire modules, both published versions, values that weights share, "
    "indices of what was kept, Huffman's code, and the bytes of the authors' file. At "
    "the end you can tell SqueezeNet from its impostors.",
    offers=("conv2d_parameters", "output_size"),
    given="From the foundations you have these, imported here (`output_size` rounds up "
    'with `rounding="ceil"`):',
    data=("VERSION_1_0", "VERSION_1_1", "ENTRIES", "FILTERS"),
)

# A convolution: filters, kernel, stride. A fire module: s1x1, e1x1, e3x3.
VERSION_1_0 = [
    *[["conv", 96, 7, 2], ["pool"], ["fire", 16, 64, 64], ["fire", 16, 64, 64]],
    *[["fire", 32, 128, 128], ["pool"], ["fire", 32, 128, 128], ["fire", 48, 192, 192]],
    *[["fire", 48, 192, 192], ["fire", 64, 256, 256], ["pool"], ["fire", 64, 256, 256]],
]
VERSION_1_1 = [
    *[["conv", 64, 3, 2], ["pool"], ["fire", 16, 64, 64], ["fire", 16, 64, 64]],
    *[["pool"], ["fire", 32, 128, 128], ["fire", 32, 128, 128], ["pool"]],
    *[["fire", 48, 192, 192], ["fire", 48, 192, 192]],
    *[["fire", 64, 256, 256], ["fire", 64, 256, 256]],
]
ENTRIES = [
    *[13902, 1528, 1020, 3073, 2038, 1023, 3081, 4085, 4071, 12288, 8160, 4067, 12343],
    *[12161, 4602, 27558, 9205, 9132, 27564, 24388, 8190, 44919, 16371, 16303, 45038],
    105973,
]
FILTERS = [96, *(n for row in VERSION_1_0 if row[0] == "fire" for n in row[1:]), 1000]


def draw_fire(rng):
    return [8 * rng.randint(3, 70), *(4 * n for n in rng.sample(range(2, 80), 3))]


ONE_BIAS = "Each filter has a bias of its own; count one a filter."


@squeezenet.question(
    "The parameters of a Fire module",
    points=2,
    returns="a list `[squeeze1x1, expand1x1, expand3x3]` of whole numbers",
    visible=([96, 16, 64, 64], [512, 64, 256, 256]),
    draw=draw_fire,
    slips={
        "conv2d_parameters(3, s1x1, e3x3) -> conv2d_parameters(3, e1x1, e3x3)": (
            "The 3x3 filters read what the squeeze layer wrote; the two expands stand "
            "side by side."
        ),
        (
            "(1, s1x1, e1x1) -> (1, in_channels, e1x1)",
            "(3, s1x1, e3x3) -> (3, in_channels, e3x3)",
        ): "The expands read the squeezed maps, not the module's input.",
        "conv2d_parameters(1, s1x1, e1x1) -> conv2d_parameters(1, in_channels, e1x1)": (
            "The 1x1 expand reads the squeezed maps, too."
        ),
        "conv2d_parameters(3, s1x1, e3x3) -> conv2d_parameters(1, s1x1, e3x3)": (
            "The last layer is 3x3: nine weights for each map that it reads."
        ),
        "conv2d_parameters(3, s1x1, e3x3) -> 3 * s1x1 * e3x3 + e3x3": (
            "The window is counted along one side; it has 3 * 3 places."
        ),
        (
            "1, in_channels, s1x1) -> 1, in_channels, s1x1, bias=False)",
            "1, s1x1, e1x1) -> 1, s1x1, e1x1, bias=False)",
            "3, s1x1, e3x3) -> 3, s1x1, e3x3, bias=False)",
        ): "The biases are missing: one a filter.",
        (
            "1, in_channels, s1x1) -> 1, in_channels, s1x1, bias=False)",
            "1, s1x1, e1x1) -> 1, s1x1, e1x1, bias=False)",
        ): "The 1x1 filters have biases, too.",
        (
            "conv2d_parameters(1, in_channels, s1x1) -> in_channels * s1x1 + 1",
            "conv2d_parameters(1, s1x1, e1x1) -> s1x1 * e1x1 + 1",
            "conv2d_parameters(3, s1x1, e3x3) -> 9 * s1x1 * e3x3 + 1",
        ): ONE_BIAS,
        ("return [ -> return sum([", "e3x3),\n    ] -> e3x3),\n    ])"): (
            "That is the whole module; return a number for each of its three layers."
        ),
        "conv2d_parameters(1, in_channels, s1x1) -> conv2d_parameters(3, in_channels, "
        "s1x1)": "The squeeze layer is 1x1.",
        "conv2d_parameters(3, s1x1, e3x3) -> conv2d_parameters(3, s1x1 + e1x1, e3x3)": (
            "The 3x3 expand reads the squeezed maps alone; the maps are joined behind "
            "both expands."
        ),
    },
    hints=(
        "`conv2d_parameters(kernel, in_channels, filters)`, three times.",
        "Both expands read the `s1x1` maps of the squeeze layer.",
    ),
)
def fire_parameters(in_channels, s1x1, e1x1, e3x3):
    """
    A Fire module squeezes `in_channels` maps into `s1x1` by a 1x1 convolution. Two
    convolutions, side by side, expand these: one of 1x1 with `e1x1` filters, one of 3x3
    with `e3x3`. Return the parameters of each of the three, biases too.
    """
    return [
        conv2d_parameters(1, in_channels, s1x1),
        conv2d_parameters(1, s1x1, e1x1),
        conv2d_parameters(3, s1x1, e3x3),
    ]


def draw_knobs(rng):
    return [
        rng.randint(3, 9),
        64 * rng.randint(1, 6),
        64 * rng.randint(1, 5),
        rng.randint(1, 4),
        rng.choice([0.125, 0.25, 0.375, 0.625, 0.75]),
        rng.choice([0.25, 0.375, 0.625, 0.75]),
    ]


@squeezenet.question(
    "Five numbers make all modules",
    points=2,
    returns="a list of lists `[s1x1, e1x1, e3x3]` of whole numbers",
    visible=([8, 128, 128, 2, 0.125, 0.5], [4, 64, 32, 3, 0.5, 0.25]),
    draw=draw_knobs,
    slips={
        "number // freq -> number": (
            "The filters grow with every module; they grow after every `freq` modules."
        ),
        "number // freq -> (number + 1) // freq": (
            "The growth comes one module early; modules are counted from 0."
        ),
        "number // freq -> -(-number // freq)": (
            "The number of steps is rounded up; the first `freq` modules are alike."
        ),
        "base_e + incr_e * (number // freq) -> base_e * (1 + number // freq)": (
            "The filters grow by `base_e`; they grow by `incr_e`."
        ),
        "base_e + incr_e * (number // freq) -> base_e": (
            "All modules are alike; after every `freq` of them the expands grow."
        ),
        "int(sr * expand) -> int(sr * e3x3)": (
            "The squeeze ratio is that to all expand filters, 1x1 and 3x3 together."
        ),
        "int(sr * expand) -> int(sr * (expand - e3x3))": (
            "The squeeze ratio is that to all expand filters, 1x1 and 3x3 together."
        ),
        "int(sr * expand) -> int(sr * base_e)": (
            "Each module's squeeze layer follows its own expands, not the first ones."
        ),
        "[int(sr * expand), expand - e3x3, e3x3] -> [int(sr * expand), e3x3, expand - "
        "e3x3]": "The share is that of the 3x3 filters; yours is that of the 1x1.",
        "[int(sr * expand), expand - e3x3, e3x3] -> [int(sr * expand), expand, e3x3]": (
            "The 3x3 filters are part of the expand filters; the others are 1x1."
        ),
        "expand - e3x3, e3x3] -> expand, expand]": (
            "Both kinds have all expand filters; they share them."
        ),
    },
    hints=(
        "Module number n, counted from 0, has `base_e + incr_e * (n // freq)` expand "
        "filters.",
        "`pct3x3` of them are 3x3, the others 1x1; the squeeze layer has `sr` times "
        "all of them.",
        "`int(...)` makes whole numbers of the products.",
    ),
)
def fire_table(modules, base_e, incr_e, freq, sr, pct3x3):
    """
    The first Fire module has `base_e` expand filters; after every `freq` modules there
    are `incr_e` more. The share `pct3x3` of them is 3x3, the others are 1x1. The
    squeeze layer has `sr` times as many filters as both expands together. Return
    `[s1x1, e1x1, e3x3]` for each of the first `modules`.

    So section 5.1 of the paper makes all modules from five numbers. The ratios are such
    that all products are whole; return them as 16, not 16.0. The first case is
    SqueezeNet.
    """
    rows = []
    for number in range(modules):
        expand = base_e + incr_e * (number // freq)
        e3x3 = int(pct3x3 * expand)
        rows.append([int(sr * expand), expand - e3x3, e3x3])
    return rows


def draw_network(rng):
    """Return a network of its own with a pool that has to round up."""
    while True:
        kernel = rng.choice([3, 5, 7])
        size = rng.randint(60, 240)
        table = [["conv", 8 * rng.randint(3, 14), kernel, 2]]
        side = output_size(size, kernel, 2)
        sides = []
        for _ in range(rng.randint(2, 3)):
            sides.append(side)
            table.append(["pool"])
            side = output_size(side, 3, 2, rounding="ceil")
            for _ in range(rng.randint(1, 2)):
                table.append(["fire", *(4 * n for n in rng.sample(range(2, 40), 3))])
        if any(side % 2 == 0 for side in sides):
            return [table, size, rng.choice([10, 20, 100, 1000]) + rng.randint(0, 9)]


@squeezenet.question(
    "Both versions, whole",
    points=2,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=(
        [VERSION_1_0, 227, 1000],
        [VERSION_1_1, 227, 1000],
        [VERSION_1_0, 224, 10],
    ),
    draw=draw_network,
    slips={
        ', rounding="ceil" -> ': (
            "The pools round down; these keep a last window that hangs over the edge."
        ),
        "side, 3, 2, rounding -> side, 2, 2, rounding": (
            "The pools are 3x3 with stride 2; yours are 2x2."
        ),
        '[*table, ["conv", classes, 1, 1]] -> table': (
            "conv10 is left out: a 1x1 convolution with a filter a class."
        ),
        '["conv", classes, 1, 1] -> ["conv", 1000, 1, 1]': (
            "conv10 has `classes` filters."
        ),
        "macs += side**2 * (layer - filters) -> macs += side**2 * layer": (
            "Biases are counted as MACs; adding a bias multiplies nothing."
        ),
        (
            "macs += side**2 * (layer - filters) -> macs += side**2 * layer",
            "macs += side**2 * (layer - sum(numbers)) -> macs += side**2 * layer",
        ): "Biases are counted as MACs; adding a bias multiplies nothing.",
        "maps = numbers[1] + numbers[2] -> maps = numbers[2]": (
            "The next layer reads the maps of both expands."
        ),
        "maps = numbers[1] + numbers[2] -> maps = sum(numbers)": (
            "The squeezed maps do not leave the module; its output has both expands'."
        ),
        "side, maps = size, 3 -> side, maps = size, 1": (
            "The picture has three channels."
        ),
        "side = output_size(side, kernel, stride) -> side = output_size(side, kernel, "
        "stride, padding=kernel // 2)": "The convolutions outside of Fire modules have "
        "no padding.",
        "macs += side**2 * (layer - filters) -> macs += (side**2 if kernel > 1 else 1) "
        "* (layer - filters)": (
            "conv10 stands before the average: it multiplies at every place."
        ),
        "conv2d_parameters(kernel, maps, filters) -> conv2d_parameters(kernel, maps if "
        "kernel > 1 else 512, filters)": (
            "conv10 reads the maps of the last module, which need not be 512."
        ),
        "output_size(side, kernel, stride) -> output_size(side, kernel, 1)": (
            "conv1 has stride 2."
        ),
        (
            "filters)\n            parameters += layer -> filters)\n            "
            "parameters += layer - filters",
            "*numbers))\n            parameters += layer -> *numbers))\n            "
            "parameters += layer - sum(numbers)",
        ): "The biases are missing: each filter has one.",
    },
    hints=(
        "Keep the side and the number of maps. A pool sets `side = output_size(side, "
        '3, 2, rounding="ceil")` and costs nothing.',
        "A Fire module has `sum(fire_parameters(maps, s1x1, e1x1, e3x3))` parameters "
        "and hands on `e1x1 + e3x3` maps of the same side.",
        "MACs: at each of `side * side` places the parameters without the biases. At "
        "the end a 1x1 convolution with `classes` filters.",
    ),
)
def squeezenet_totals(table, size, classes):
    """
    Return `[parameters, macs]` for pictures of `size` by `size` with three channels.
    `table` has a row for each layer up to conv10, which is a 1x1 convolution with
    `classes` filters. Behind it comes an average. The average, the pools and the biases
    multiply nothing.

    The rows: `["conv", filters, kernel, stride]`, without padding; `["fire", s1x1,
    e1x1, e3x3]`, whose 3x3 is padded so that the side stays; `["pool"]`, a 3x3 max
    pooling with stride 2 that rounds up.
    """
    side, maps = size, 3
    parameters, macs = 0, 0
    for kind, *numbers in [*table, ["conv", classes, 1, 1]]:
        if kind == "pool":
            side = output_size(side, 3, 2, rounding="ceil")
        elif kind == "conv":
            filters, kernel, stride = numbers
            side = output_size(side, kernel, stride)
            layer = conv2d_parameters(kernel, maps, filters)
            parameters += layer
            macs += side**2 * (layer - filters)
            maps = filters
        else:
            layer = sum(fire_parameters(maps, *numbers))
            parameters += layer
            macs += side**2 * (layer - sum(numbers))
            maps = numbers[1] + numbers[2]
    return [parameters, macs]


def draw_weights(rng):
    weights = [rng.randint(-60, 60) / 8 for _ in range(rng.randint(4, 9))]
    return [weights, rng.randint(1, 4)] if len({*weights}) > 2 else draw_weights(rng)


def rounded_to_levels(weights, bits):
    """Return the level of each weight."""
    levels = uniform_levels(weights, bits)
    return [min(levels, key=lambda level: abs(w - level)) for w in weights]


@squeezenet.question(
    "Levels at equal distances",
    points=1,
    returns="a list of numbers",
    visible=([[-1.5, 0.25, 4.5, 1.0], 2], [[3.0, -1.0, 0.5], 1]),
    draw=draw_weights,
    floats=True,
    slips={
        "count = 2**bits -> count = bits": (
            "`bits` bits tell `2**bits` levels apart; yours are `bits` levels."
        ),
        rounded_to_levels: (
            "Those are the weights, rounded; return the levels, in ascending order."
        ),
        "count = 2**bits -> count = 2 * bits": (
            "Each bit doubles the levels: `2**bits` of them."
        ),
        "count = 2**bits -> count = 2**bits - 1": "One level is missing.",
        "count = 2**bits -> count = 2**bits + 1": "There is one level too many.",
        "(high - low) / (count - 1) -> (high - low) / count": (
            "The steps are too short: the last level is the largest weight."
        ),
        "low + step * number -> low + step * (number + 0.5)": (
            "Those are the middles between levels; the first level is the smallest "
            "weight."
        ),
        "min(weights), max(weights) -> weights[0], weights[-1]": (
            "The weights are in no order: take the smallest and the largest."
        ),
        "min(weights), max(weights) -> -max(map(abs, weights)), max(map(abs, "
        "weights))": (
            "The levels lie around 0; they go from the smallest weight to the largest."
        ),
        "min(weights), max(weights) -> 0, max(weights)": (
            "The levels begin at 0; they begin at the smallest weight."
        ),
    },
    hints=(
        "There are `2**bits` levels, and one step fewer.",
        "Level n is the smallest weight plus n steps.",
    ),
)
def uniform_levels(weights, bits):
    """
    A layer's weights are each to be rounded to the nearest of a few levels; `bits` bits
    say which. Return `2**bits` levels at equal distances, in ascending order, the first
    of them at the smallest weight and the last at the largest.
    """
    count = 2**bits
    low, high = min(weights), max(weights)
    step = (high - low) / (count - 1)
    return [low + step * number for number in range(count)]


def draw_means(rng):
    """Return weights whose centres move in each round, and in the next one.

    No weight comes near the middle of two centres.
    """
    while True:
        weights = [rng.randint(-80, 80) / 16 for _ in range(rng.randint(10, 14))]
        count, rounds = rng.randint(3, 4), rng.randint(2, 3)
        low, high = min(weights), max(weights)
        step = (high - low) / (count - 1)
        start = [low + step * number for number in range(count)]
        if rng.random() < 0.6:
            start.append(high + 10 / 3)  # no weight may come here
        steps = [start]
        for _ in range(rounds + 1):
            steps.append(shared_values(weights, steps[-1], 1))
        is_moving = all(one != other for one, other in itertools.pairwise(steps))
        if is_moving and all(clear(weights, centres) for centres in steps):
            return [weights, steps[0], rounds]


def clear(weights, centres):
    """Say whether each weight is nearer to one of the centres than to all others."""
    for weight in weights:
        first, second, *_ = sorted(abs(weight - centre) for centre in centres)
        if second - first < 1e-6:
            return False
    return True


def sorted_by_size(weights, centres, rounds):
    """Cut the sorted weights into parts of equal size."""
    ordered, parts = sorted(weights), len(centres)
    size = -(-len(ordered) // parts)
    groups = [ordered[size * n : size * (n + 1)] for n in range(parts)]
    return [sum(g) / len(g) if g else c for g, c in zip(groups, centres, strict=True)]


def one_after_the_other(weights, centres, rounds):
    """Move each centre before the weights join the next."""
    centres = list(centres)
    for place in list(range(len(centres))) * rounds:
        group = [w for w in weights if nearest(w, centres) == place]
        centres[place] = sum(group) / len(group) if group else centres[place]
    return centres


def nearest(weight, centres):
    """Return the place of the nearest centre."""
    return min(range(len(centres)), key=lambda place: abs(weight - centres[place]))


def rounded_weights(weights, centres, rounds):
    """Return the centre of each weight."""
    centres = shared_values(weights, centres, rounds)
    return [centres[nearest(w, centres)] for w in weights]


@squeezenet.question(
    "Shared values",
    points=2,
    returns="a list of numbers",
    visible=(
        [[-1.0, -0.5, 0.25, 3.0, 4.0], [-1.0, 4.0], 1],
        [[-1.0, 0.0, 0.5, 2.0, 5.0, 6.0], [-1.0, 2.5, 6.0], 2],
        [[-2.0, -1.0, 4.0], [-2.0, 1.5, 5.0], 1],
    ),
    draw=draw_means,
    floats=True,
    slips={
        "range(rounds) -> range(1)": "Only one round is made; make `rounds` of them.",
        "range(rounds) -> range(rounds - 1)": "One round is missing.",
        "range(rounds) -> range(rounds + 1)": (
            "There are too many rounds; make `rounds` of them."
        ),
        "range(rounds) -> range(50)": (
            "There are too many rounds; make `rounds` of them."
        ),
        "sum(group) / len(group) -> sorted(group)[len(group) // 2]": (
            "A centre moves to the mean of its weights; yours moves to their median."
        ),
        "sum(group) / len(group) -> (min(group) + max(group)) / 2": (
            "A centre moves to the mean of its weights; yours moves to the middle "
            "between the smallest and the largest."
        ),
        "sum(group) / len(group) -> sum(group) / len(weights)": (
            "Divide by how many weights the centre has, not by all."
        ),
        "sum(group) / len(group) if group else centre -> (sum(group) + centre) / "
        "(len(group) + 1)": "The old centre is counted as one of its weights.",
        "sum(group) / len(group) if group else centre -> min(group, key=lambda w: abs("
        "w - centre)) if group else centre": (
            "A centre moves to the mean of its weights, not to the nearest of them."
        ),
        "abs(weight - centre) -> weight - centre": (
            "The distances have a sign; the nearest centre may lie on either side."
        ),
        "abs(weight - centre) -> abs(abs(weight) - abs(centre))": (
            "The signs of weights and centres are dropped."
        ),
        "distances.index(min(distances)) -> distances.index(max(distances))": (
            "Each weight goes to the farthest centre; the nearest is wanted."
        ),
        "group else centre -> group else 0": "A centre without weights stays.",
        "in zip(groups, centres, strict=True) -> in zip(groups, centres, strict=True) "
        "if group": "A centre without weights stays.",
        one_after_the_other: (
            "All weights join first, then all centres move; yours move one after the "
            "other."
        ),
        rounded_weights: (
            "Those are the weights' new values; return the centres, one for each."
        ),
        sorted_by_size: (
            "The weights are cut into parts of equal size; each belongs to the centre "
            "that is nearest."
        ),
    },
    hints=(
        "Keep a list for each centre. Put each weight into that of the nearest centre, "
        "which has the smallest `abs(weight - centre)`.",
        "Then each centre becomes the mean of its list, `sum(group) / len(group)`. Do "
        "both `rounds` times.",
    ),
)
def shared_values(weights, centres, rounds):
    """
    k-means on a line. In each round, each weight joins the centre that is nearest to
    it; then each centre moves to the mean of its weights. A centre without weights
    stays. Return the centres after `rounds` rounds, in the order given.

    These are the values that the weights of a layer share. No weight in the cases lies
    in the middle between two centres.
    """
    for _ in range(rounds):
        groups = [[] for _ in centres]
        for weight in weights:
            distances = [abs(weight - centre) for centre in centres]
            groups[distances.index(min(distances))].append(weight)
        centres = [
            sum(group) / len(group) if group else centre
            for group, centre in zip(groups, centres, strict=True)
        ]
    return centres


def draw_positions(rng):
    bits = rng.choice([1, 3, 5])  # bits**2 is none of 2**bits
    full = 2**bits
    gaps = [rng.choice([1, 2, full, rng.randint(1, 4 * full)]) for _ in range(6)]
    gaps[rng.randint(1, 5)] = rng.randint(2 * full + 1, 5 * full)
    return [[sum(gaps[: n + 1]) - 1 for n in range(6)], bits]


def one_filler(positions, bits):
    """Bridge a gap of any size by one filler."""
    indices = []
    for last, position in zip([-1, *positions], positions, strict=False):
        gap = position - last
        indices += [2**bits - 1] if gap > 2**bits else []
        indices.append((gap - 1) % 2**bits)
    return indices


@squeezenet.question(
    "Where the kept weights stand",
    points=2,
    returns="a list of whole numbers",
    visible=([[0, 1, 5, 20], 4], [[2, 40, 56], 4], [[5, 6, 14], 3]),
    draw=draw_positions,
    slips={
        "last = -1 -> last = 0": (
            "The first gap is counted from position 0; a weight there has a gap of 1, "
            "which is stored as 0."
        ),
        "indices.append(gap - 1) -> indices.append(gap)": (
            "A gap is never 0, so gap - 1 is stored: 4 bits reach 16 places."
        ),
        "    last = position -> pass": (
            "The gaps are counted from the beginning; each is counted from the weight "
            "before."
        ),
        (
            "while gap > 2**bits -> while gap > 2**bits - 1",
            "gap -= 2**bits -> gap -= 2**bits - 1",
        ): "Fillers come too early: with gap - 1, `bits` bits reach `2**bits` places.",
        "while gap > 2**bits -> while gap >= 2**bits": (
            "A gap of exactly `2**bits` needs no filler: it is stored as `2**bits - 1`."
        ),
        "while gap > 2**bits -> while False": (
            "There are no fillers; `bits` bits cannot hold so large a gap."
        ),
        "while gap > 2**bits -> if gap > 2**bits": (
            "A very large gap needs more than one filler."
        ),
        one_filler: ("There is one filler at most; a very large gap needs several."),
        "indices.append(2**bits - 1) -> indices.append(0)": (
            "A filler bridges as many places as `bits` bits can say: it stores "
            "`2**bits - 1`."
        ),
        "indices.append(2**bits - 1) -> pass": (
            "The fillers are missing from the list; they are stored as all others."
        ),
        "indices.append(2**bits - 1) -> indices.append(2**bits)": (
            "A filler's `2**bits` does not fit into `bits` bits; it stores one less."
        ),
        (
            "while gap > 2**bits -> while gap > 2 * bits",
            "indices.append(2**bits - 1) -> indices.append(2 * bits - 1)",
            "gap -= 2**bits -> gap -= 2 * bits",
        ): "`bits` bits have `2**bits` values.",
        (
            "while gap > 2**bits -> while gap > bits**2",
            "indices.append(2**bits - 1) -> indices.append(bits**2 - 1)",
            "gap -= 2**bits -> gap -= bits**2",
        ): "`bits` bits have `2**bits` values, not `bits**2`.",
    },
    hints=(
        "The gap of a weight is its position minus that of the weight before; the "
        "first one counts from position -1.",
        "While a gap is larger than `2**bits`, store a filler, `2**bits - 1`, and take "
        "`2**bits` off the gap. Then store gap - 1.",
    ),
)
def gap_indices(positions, bits):
    """
    Of a pruned layer, the weights at these `positions` (ascending, counted from 0) are
    kept. For each, its gap is stored: its position minus that of the kept weight before
    it; the first counts from position -1. As no gap is 0, gap - 1 is stored, in `bits`
    bits, so that gaps up to `2**bits` fit.

    A larger gap is bridged by fillers, weights of 0 that are stored, too: each stores
    `2**bits - 1`, and leaves a gap that is `2**bits` smaller. As few fillers as
    possible are used. (A weight with a gap of `2**bits` stores `2**bits - 1`, too; its
    value, which is not 0, tells it from a filler.) Return all that is stored, in order.
    """
    indices = []
    last = -1
    for position in positions:
        gap = position - last
        while gap > 2**bits:
            indices.append(2**bits - 1)
            gap -= 2**bits
        indices.append(gap - 1)
        last = position
    return indices


def draw_file(rng):
    layers = rng.randint(2, 5)
    entries = [rng.randint(50, 5000) for _ in range(layers)]
    filters = [8 * rng.randint(1, 40) for _ in range(layers)]
    return [entries, filters, rng.randint(2, 7), rng.randint(2, 7)]


@squeezenet.question(
    "The authors' file, to the byte",
    points=2,
    returns="a whole number",
    visible=(
        [ENTRIES, FILTERS, 8, 4],
        [ENTRIES, FILTERS, 6, 4],
        [[1001, 33], [16, 8], 3, 5],
    ),
    draw=draw_file,
    slips={
        "2**code_bits * 4 -> code_bits * 4": (
            "The codebook has a value for each of `2**code_bits` codes."
        ),
        "4 + 2**code_bits * 4 -> 4": "The codebooks are missing.",
        "4 + 2**code_bits * 4 -> 2**code_bits * 4": (
            "The number of entries is missing: four bytes a layer."
        ),
        "2**code_bits * 4 -> 2**code_bits": (
            "A value of the codebook takes four bytes."
        ),
        "4 * count -> count": "A bias takes four bytes.",
        " + 4 * count -> ": "The biases are missing: four bytes a filter.",
        "-(-kept * code_bits // 8) - (-kept * index_bits // 8) -> -(-kept * "
        "(code_bits + index_bits) // 8)": (
            "Codes and indices are two streams; each is rounded up to whole bytes."
        ),
        "-(-kept * code_bits // 8) - (-kept * index_bits // 8) -> kept * code_bits // "
        "8 + kept * index_bits // 8": "A part of a byte takes a whole byte: round up.",
        "- (-kept * index_bits // 8) -> ": "The indices are missing.",
        "-(-kept * code_bits // 8) - (-kept * index_bits // 8) -> kept * (code_bits + "
        "index_bits)": "Those are bits; a byte has eight.",
        "-(-kept * code_bits // 8) - (-kept * index_bits // 8) -> -(-kept * 32 // 8) - "
        "(-kept * index_bits // 8)": (
            "The entries are stored as values of 32 bits; each is a code into the "
            "codebook."
        ),
        (
            "total = 0 -> total = 2**code_bits * 4",
            "4 + 2**code_bits * 4 + -> 4 +",
        ): "There is one codebook for all layers; each has its own.",
        "zip(entries, filters, strict=True) -> [(sum(entries), sum(filters))]": (
            "There is one codebook and one count for all layers; each has its own."
        ),
    },
    hints=(
        "For each layer add up five parts: 4 bytes, the codebook's `4 * 2**code_bits`, "
        "the biases', the codes', the indices'.",
        "Round up to whole bytes with `-(-bits // 8)`, codes and indices each.",
    ),
)
def file_bytes(entries, filters, code_bits, index_bits):
    """
    For each layer, a compressed file has: the number of entries (kept weights and
    fillers) in 4 bytes; a codebook, with a value of 4 bytes for each of the
    `2**code_bits` codes; a bias of 4 bytes for each filter; the entries' codes,
    rounded up to whole bytes; their indices, likewise. Return the
    bytes of the file.

    `ENTRIES` and `FILTERS` are those of the authors' file: the first case is its length
    exactly. They call it 660 KB.
    """
    total = 0
    for kept, count in zip(entries, filters, strict=True):
        total += 4 + 2**code_bits * 4 + 4 * count
        total += -(-kept * code_bits // 8) - (-kept * index_bits // 8)
    return total


def draw_counts(rng):
    while True:
        counts = [rng.randint(1, 60) for _ in range(rng.randint(5, 8))]
        fixed = (len(counts) - 1).bit_length() * sum(counts)
        ordered = sorted(counts, reverse=True)
        steps = [min(place, len(counts) - 1) for place in range(1, len(counts) + 1)]
        one_by_one = sum(map(operator.mul, ordered, steps))  # 0, 10, 110, 1110, ...
        if huffman_bits(counts) < min(fixed, one_by_one) and len({*counts}) > 2:
            return [counts]


def entropy(counts):
    """Return the entropy of all entries, in bits, rounded up."""
    total = sum(counts)
    return math.ceil(sum(count * math.log2(total / count) for count in counts))


@squeezenet.question(
    "Huffman's code",
    points=2,
    returns="a whole number",
    visible=([[50, 25, 13, 12]], [[1, 1, 2, 3, 5, 8]], [[7, 40]]),
    draw=draw_counts,
    slips={
        "rest = sorted([*rest[2:], merged]) -> rest = [*rest[2:], merged]": (
            "The sums are not put in order again; each time the two smallest are taken."
        ),
        "rest = sorted([*rest[2:], merged]) -> rest = [merged, *rest[2:]]": (
            "Each sum is taken again at once; each time the two smallest are taken."
        ),
        (
            "rest = sorted(counts) -> rest = sorted(counts, reverse=True)",
            "sorted([*rest[2:], merged]) -> sorted([*rest[2:], merged], reverse=True)",
        ): "The two largest are taken each time; the rarest get the longest codes.",
        "rest = sorted(counts) -> rest = list(counts)": (
            "The first two of the list are taken; the two smallest are wanted."
        ),
        "bits += merged -> bits = merged": (
            "That is the last sum alone, all entries; add the sums of all steps."
        ),
        "return bits -> return (len(counts) - 1).bit_length() * sum(counts)": (
            "All codes have one length; frequent ones get shorter codes."
        ),
        entropy: (
            "That is the entropy, below which no code can get; Huffman's codes have "
            "whole bits."
        ),
        "return bits -> return bits - sum(counts)": (
            "The last step is left out: its sum counts, too."
        ),
        "return bits -> return -(-bits // 8)": "Return bits, not bytes.",
        "bits += merged -> bits += 1": (
            "The steps are counted; each adds a bit to every entry below it."
        ),
        "bits += merged -> bits += rest[0]": (
            "Both of the two smallest get one bit longer, not the smaller one alone."
        ),
        "bits += merged -> bits += rest[1]": (
            "Both of the two smallest get one bit longer, not the larger one alone."
        ),
    },
    hints=(
        "Joining two groups makes the code of every entry in both one bit longer: add "
        "the sum of their counts to the bits.",
        "Sort, take the first two, put their sum back, sort again, until one group is "
        "left.",
    ),
)
def huffman_bits(counts):
    """
    `counts` says how often each code is used. Huffman gives frequent ones few bits: as
    long as there are two groups or more, the two with the smallest counts are joined
    into one with the sum of their counts, and each entry in them gets one bit more.
    Return the bits of all entries together.

    There are two codes at least. Which of equal counts are taken first does not change
    the total.
    """
    rest = sorted(counts)
    bits = 0
    while len(rest) > 1:
        merged = rest[0] + rest[1]
        bits += merged
        rest = sorted([*rest[2:], merged])
    return bits


def draw_curve(rng):
    """Return curves that come within the limit, leave it again, and come back.

    At the last place outside, one seed is above the limit, and often not the mean.
    """
    while True:
        bits = list(range(2, rng.randint(7, 10)))
        plain = [rng.randint(12, 40) / 4 for _ in range(rng.randint(2, 4))]
        most = rng.randint(2, 6) / 4
        bad, worst = rng.randint(1, len(bits) - 3), rng.randrange(len(plain))
        errors, is_better = [], rng.random() < 0.4
        for base in plain:
            rises = [rng.choice([-11, -5, -1, 0, 1, 2, 4 * most]) / 4 for _ in bits]
            if is_better:
                rises[bad + 1] = rng.choice([-11, -5, -1]) / 4
            if len(errors) == worst:
                rises[bad] = rng.randint(int(4 * most) + 1, rng.choice([10, 90])) / 4
            errors.append([base + rise for rise in rises])
        case = [bits, errors, plain, most]
        fewest, rise = fewest_bits(*case) or (0, 0)
        if bits[bad] < fewest < bits[-1] and len({*plain}) > 1 and rise != 0:
            return case


BITS = [2, 3, 4, 5, 6, 8]
CURVES = [
    [58.5, 17.25, 6.5, 3.25, 3.0, 2.5],
    [71.0, 9.75, 4.25, 4.5, 3.75, 3.75],
    [44.25, 22.0, 3.5, 4.75, 2.75, 3.0],
]


@squeezenet.question(
    "How few bits will do?",
    points=2,
    returns="a list `[bits, rise]` of numbers",
    visible=(
        [BITS, CURVES, [2.5, 3.75, 2.75], 2.0],
        [BITS, CURVES, [2.5, 3.75, 2.75], 0.5],
        [[3, 4, 5], [[9.0, 4.0, 4.5]], [4.0], 0.75],
    ),
    draw=draw_curve,
    floats=True,
    slips={
        "if max(rises) > most -> if max(rises) >= most": (
            "A rise of exactly `most` is allowed."
        ),
        "if max(rises) > most -> if min(rises) > most": (
            "One seed is enough in yours; every seed has to stay within `most`."
        ),
        "if max(rises) > most -> if sum(rises) / len(rises) > most": (
            "The mean of the seeds is taken; every seed has to stay within `most`."
        ),
        "break -> continue": (
            "All numbers of bits above yours have to stay within `most`, too."
        ),
        "run[place] - base for -> run[place] - sum(plain) / len(plain) for": (
            "Each seed is compared with its own network, not with the seeds' mean."
        ),
        "run[place] - base for -> run[place] - min(plain) for": (
            "Each seed is compared with its own network, not with the best one."
        ),
        "run[place] - base for -> run[place] for": (
            "The errors themselves are compared with `most`; the rise above the plain "
            "network's error is meant."
        ),
        "run[place] - base for -> abs(run[place] - base) for": (
            "A seed that errs less than before is no rise."
        ),
        "run[place] - base for run, base in zip(errors, plain, strict=True) -> "
        "run[place] - run[-1] for run in errors": (
            "The rise is counted from the most bits; it is that above the plain "
            "network's error."
        ),
        "[bits[place], max(rises)] -> [bits[place], sum(rises) / len(rises)]": (
            "The rise is that of the worst seed, not the mean."
        ),
        "[bits[place], max(rises)] -> [bits[place], max(0, *rises)]": (
            "A largest rise below 0 stays below 0: every seed errs less."
        ),
        "[bits[place], max(rises)] -> [place, max(rises)]": (
            "That is the place in the list; return the number of bits."
        ),
        "[bits[place], max(rises)] -> [bits[place], min(rises)]": (
            "The rise is that of the worst seed, not of the best."
        ),
    },
    hints=(
        "The rise of a seed at a place is `errors[seed][place] - plain[seed]`; the "
        "largest over the seeds decides.",
        "Go from the most bits down, and stop at the first number of bits that rises "
        "by more than `most`.",
    ),
)
def fewest_bits(bits, errors, plain, most):
    """
    `errors[seed][place]` is an error in % with `bits[place]` bits a weight. Return the
    smallest number of bits such that, with it and with all larger ones, no seed's error
    rises by more than `most` points above its `plain[seed]`; and the largest rise over
    the seeds, in points, at that number of bits.

    `plain[seed]` is the error of the same network before its weights shared values.
    `bits` ascend. A rise of exactly `most` is allowed; the most bits always are within
    it. The curves are of the kind that the chapter draws.
    """
    found = []
    for place in reversed(range(len(bits))):
        rises = [run[place] - base for run, base in zip(errors, plain, strict=True)]
        if max(rises) > most:
            break
        found = [bits[place], max(rises)]
    return found


def departed(size, classes, newer, biasless, padded, linear):
    """Return the case of a SqueezeNet with each departure made or not."""
    table = VERSION_1_1 if newer else VERSION_1_0
    parameters, macs = squeezenet_totals(table, size, classes)
    if biasless:
        parameters -= classes
        for kind, *numbers in table:
            parameters -= sum(numbers) if kind == "fire" else sum(numbers[:1])
    side = size
    for row in table:
        if row[0] == "conv":
            side = output_size(side, row[2], row[3])
        elif row[0] == "pool":
            side = output_size(side, 3, 2, rounding="ceil")
    if padded:
        macs += ((side + 2) ** 2 - side**2) * 512 * classes
    places = (side + 2) ** 2 if padded else side**2
    score = 2 / places - 1 if linear else 1 / places
    return [size, classes, parameters, macs, round(score, 6)]


def draw_impostor(rng):
    made = [rng.random() < share for share in (0.5, 0.8, 0.4, 0.6)]
    return departed(rng.randint(96, 320), rng.randint(5, 1200), *made)


@squeezenet.question(
    "Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        departed(227, 1000, False, False, False, False),
        departed(227, 1000, True, False, False, False),
        departed(227, 1000, False, True, True, False),
        departed(224, 10, True, True, True, True),
    ),
    draw=draw_impostor,
    slips={
        "score < 0 -> False": (
            "The missing ReLU is overlooked: it shows in no count, but in the score."
        ),
        "score < 0 -> score >= 0": (
            "The last truth value is the wrong way round: ReLU leaves nothing below 0."
        ),
        "macs > old[1] if not newer else macs > new[1] -> macs > old[1]": (
            "The MACs are compared with version 1.0's, whichever version it is."
        ),
        "macs > old[1] if not newer else macs > new[1] -> False": (
            "The padding of conv10 is overlooked: it shows in the MACs."
        ),
        "padded = macs > old[1] if not newer else macs > new[1] -> padded = score < 0 "
        "or (macs > old[1] if not newer else macs > new[1])": (
            "Without a ReLU the score is another one, padded or not; the MACs tell the "
            "padding."
        ),
        (
            "parameters in (new[0], new[0] - biases + 32) -> macs < 500000000",
            "parameters not in (old[0], new[0]) -> parameters < (new if newer else "
            "old)[0]",
        ): (
            "The version is told by a fixed number of multiply-adds; these depend on "
            "the size, and the parameters do not."
        ),
        (
            "parameters in (new[0], new[0] - biases + 32) -> parameters != 1248424",
            "not in (old[0], new[0]) -> not in (1248424, 1235496)",
            "macs > old[1] if not newer else macs > new[1] -> macs != (new if newer "
            "else old)[1]",
        ): "The parameters are compared with those for 1,000 classes.",
        "macs > old[1] if not newer else macs > new[1] -> macs != old[1]": (
            "Other MACs are taken for padding; version 1.1 has others, too."
        ),
        "newer = parameters in (new[0], new[0] - biases + 32) -> newer = parameters < "
        "old[0]": (
            "Fewer parameters than version 1.0's are taken for version 1.1; missing "
            "biases take parameters away, too."
        ),
        "newer = parameters in (new[0], new[0] - biases + 32) -> newer = parameters == "
        "new[0]": "Version 1.1 may lack its biases, too.",
        "newer = parameters in (new[0], new[0] - biases + 32) -> newer = False": (
            "Version 1.1 is overlooked: it has other parameters."
        ),
        "parameters not in (old[0], new[0]) -> parameters < old[0]": (
            "Fewer parameters than version 1.0's are taken for missing biases; version "
            "1.1 has fewer, too."
        ),
        "biasless = parameters not in (old[0], new[0]) -> biasless = False": (
            "Missing biases are overlooked: they take parameters away, but no MACs."
        ),
        "biasless = parameters not in (old[0], new[0]) -> biasless = parameters < "
        "min(old[0], new[0])": (
            "A version 1.0 without biases may have more parameters than version 1.1."
        ),
        (
            "(VERSION_1_0, size, classes) -> (VERSION_1_0, 227, 1000)",
            "(VERSION_1_1, size, classes) -> (VERSION_1_1, 227, 1000)",
        ): "The totals are compared with those for 227 pixels and 1,000 classes.",
        (
            "(VERSION_1_0, size, classes) -> (VERSION_1_0, 227, classes)",
            "(VERSION_1_1, size, classes) -> (VERSION_1_1, 227, classes)",
        ): "The MACs are compared with those for 227 pixels; `size` says how many.",
        "return [newer, biasless, -> return [biasless, newer,": (
            "The first two truth values are exchanged."
        ),
        "return [newer, biasless, -> return [not newer, biasless,": (
            "The first truth value is the wrong way round: True says version 1.1."
        ),
    },
    hints=(
        "`squeezenet_totals` of both tables gives four possible numbers of parameters: "
        "each version with and without its biases.",
        "Version 1.0 has `2976 + classes` biases, version 1.1 32 fewer.",
        "Padding adds multiply-adds to those of the version that it is. ReLU leaves no "
        "score below 0.",
    ),
)
def squeezenet_impostor(size, classes, parameters, macs, score):
    """
    Networks sold as SqueezeNet 1.0 may be version 1.1, have no biases, pad conv10 by
    one place on each side, or have no ReLU behind conv10. From the totals for a picture
    of `size`, and the `score`, tell which were done: four truth values in this order.
    MACs leave biases out, as in `squeezenet_totals`.

    The authors' own file of 1.0 pads conv10; their table 1 does not. The score is what
    ReLU, where there is one, and the average make of a map of conv10 that is 1 at one
    place and -1 at all others: with it, 1/169 = 0.005917 where the map is 13x13. A
    missing ReLU shows in no count at all.
    """
    old = squeezenet_totals(VERSION_1_0, size, classes)
    new = squeezenet_totals(VERSION_1_1, size, classes)
    biases = 2976 + classes
    newer = parameters in (new[0], new[0] - biases + 32)
    biasless = parameters not in (old[0], new[0])
    padded = macs > old[1] if not newer else macs > new[1]
    return [newer, biasless, padded, score < 0]
