"""Ask for GoogLeNet: what a module makes and costs, depth, heads, the misprints of Table 1, its impostors."""

import itertools
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

googlenet = partial(Question, chapter="googlenet")

OFFERS = (
    "conv2d_parameters",
    "output_size",
)  # of `arithmetic`: these exercises import them

# Szegedy et al. 2015, Table 1: side, input maps; #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
TABLE_1 = {
    "3a": [28, 192, [64, 96, 128, 16, 32, 32]],
    "3b": [28, 256, [128, 128, 192, 32, 96, 64]],
    "4a": [14, 480, [192, 96, 208, 16, 48, 64]],
    "4b": [14, 512, [160, 112, 224, 24, 64, 64]],
    "4c": [14, 512, [128, 128, 256, 24, 64, 64]],
    "4d": [14, 512, [112, 144, 288, 32, 64, 64]],
    "4e": [14, 528, [256, 160, 320, 32, 128, 128]],
    "5a": [7, 832, [256, 160, 320, 32, 128, 128]],
    "5b": [7, 832, [384, 192, 384, 48, 128, 128]],
}
LECTURE = [128, 64, 192, 64, 96, 64]  # the module of the lectures, on 28x28x256


def _draw_filters(rng):
    """Return a row of six numbers like those of Table 1."""
    steps = [(8, 24), (6, 12), (13, 24), (1, 3), (4, 10), (11, 16)]
    return [8 * rng.randint(*step) for step in steps]


# What a module puts out


def inception_maps(in_channels, filters):
    one, _, three, _, five, projection = filters
    return [one + three + five + in_channels, one + three + five + projection]


INCEPTION_MAPS = googlenet(
    name="inception_maps",
    title="What a module puts out",
    points=1,
    returns="a list `[naive, reduced]` of whole numbers",
    visible=([192, [64, 96, 128, 16, 32, 32]], [256, LECTURE]),
    draw=lambda rng: [8 * rng.randint(24, 64), _draw_filters(rng)],
    reference=inception_maps,
    mistakes={
        "The reductions are among the maps; they are read by the larger kernels and by nothing else.": (
            lambda c, f: [sum(f) - f[5] + c, sum(f)]
        ),
        "The pool of the naive module is missing: it passes on every map that it reads.": (
            lambda c, f: [f[0] + f[2] + f[4], inception_maps(c, f)[1]]
        ),
        "In the reduced module a projection follows the pool; its maps are joined, not those of the input.": (
            lambda c, f: [inception_maps(c, f)[0]] * 2
        ),
        "The two are exchanged: the naive module has the larger output.": lambda c, f: (
            inception_maps(c, f)[::-1]
        ),
    },
    hints=(
        "Four branches are joined; a pool with stride 1 neither makes nor loses maps.",
        "Without reductions: #1x1 + #3x3 + #5x5 + the maps of the input. With them, pool proj takes the "
        "place of the last.",
    ),
)


# Parameters of a module


def inception_parameters(in_channels, filters):
    return _parameters(in_channels, filters)


def _convolutions(in_channels, filters):
    """Return (kernel, input maps, maps) of the six convolutions, in the order of Table 1."""
    one, reduce3, three, reduce5, five, projection = filters
    return [
        (1, in_channels, one),
        (1, in_channels, reduce3),
        (3, reduce3, three),
        (1, in_channels, reduce5),
        (5, reduce5, five),
        (1, in_channels, projection),
    ]


def _parameters(in_channels, filters, *, bias=True, skipped=(), changed=None):
    convolutions = dict(enumerate(_convolutions(in_channels, filters))) | (
        changed or {}
    )
    return sum(
        arithmetic.conv2d_parameters(*sizes, bias=bias)
        for index, sizes in convolutions.items()
        if index not in skipped
    )


INCEPTION_PARAMETERS = googlenet(
    name="inception_parameters",
    title="Parameters of a module",
    points=2,
    returns="a whole number",
    visible=([192, [64, 96, 128, 16, 32, 32]], [256, LECTURE]),
    draw=lambda rng: [8 * rng.randint(24, 64), _draw_filters(rng)],
    reference=inception_parameters,
    mistakes={
        "The biases are missing: each of the six convolutions has one for each of its maps.": (
            lambda c, f: _parameters(c, f, bias=False)
        ),
        "The 3x3 and the 5x5 read their reductions, not the input.": (
            lambda c, f: _parameters(c, f, changed={2: (3, c, f[2]), 4: (5, c, f[4])})
        ),
        "The 5x5 is counted with 3x3 kernels.": lambda c, f: _parameters(
            c, f, changed={4: (3, f[3], f[4])}
        ),
        "The projection behind the pool is missing.": lambda c, f: _parameters(
            c, f, skipped=[5]
        ),
        "The two reductions are missing; they have weights of their own.": (
            lambda c, f: _parameters(c, f, skipped=[1, 3])
        ),
    },
    hints=(
        "Six convolutions: `conv2d_parameters(kernel, in_channels, filters)` for each.",
        "Four 1x1 read the input: #1x1, both reductions, and pool proj, since a pool keeps the maps.",
        "The 3x3 reads #3x3 reduce maps, the 5x5 reads #5x5 reduce maps.",
    ),
)


# The naive module's products


def naive_products(side, in_channels, filters):
    return _naive(lambda area, k, c, f: area * k * k * c * f)(
        side, in_channels, filters
    )


def _naive(product):
    """Return the question's function for another product of (positions, kernel, input maps, filters)."""
    return lambda n, c, filters: [
        product(n * n, k, c, f) for k, f in zip((1, 3, 5), filters, strict=True)
    ]


NAIVE_PRODUCTS = googlenet(
    name="naive_products",
    title="The naive module, written out",
    points=2,
    returns="a list of three whole numbers",
    visible=([28, 256, [128, 192, 96]], [14, 480, [48, 208, 48]]),
    draw=lambda rng: [
        7 * rng.randint(1, 8),
        8 * rng.randint(24, 64),
        [8 * rng.randint(2, 24) for _ in "135"],
    ],
    reference=naive_products,
    mistakes={
        "The kernel is not squared: it is as high as wide.": _naive(
            lambda area, k, c, f: area * k * c * f
        ),
        "The positions are counted along one side; the map is `side` high and `side` wide.": (
            lambda n, c, filters: [
                product // n for product in naive_products(n, c, filters)
            ]
        ),
        "The input maps are left out: a filter has a kernel for each of them.": _naive(
            lambda area, k, c, f: area * k * k * f
        ),
        "Those are FLOPs: a MAC is one multiplication together with one addition.": _naive(
            lambda area, k, c, f: 2 * area * k * k * c * f
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": _naive(
            lambda area, k, c, f: area * (k * k * c + 1) * f
        ),
    },
    hints=(
        "Every weight is used once at each position.",
        "positions * kernel * kernel * input maps * filters, for the kernels 1, 3 and 5.",
    ),
)


# The reduced module's products


def inception_products(side, in_channels, filters):
    return _products(side, _convolutions(in_channels, filters))


def _products(side, convolutions):
    return [arithmetic.conv2d_macs(side, *sizes) for sizes in convolutions]


def _products_changed(change):
    """Return the products after `change(convolutions, in_channels, filters)` replaced some by index."""

    def wrong(side, in_channels, filters):
        convolutions = dict(enumerate(_convolutions(in_channels, filters)))
        return _products(side, (convolutions | change(in_channels, filters)).values())

    return wrong


INCEPTION_PRODUCTS = googlenet(
    name="inception_products",
    title="The reduced module, written out",
    points=3,
    returns="a list of six whole numbers",
    visible=([28, 256, LECTURE], [14, 480, [192, 96, 208, 16, 48, 64]]),
    draw=lambda rng: [
        7 * rng.randint(1, 8),
        8 * rng.randint(24, 64),
        _draw_filters(rng),
    ],
    reference=inception_products,
    mistakes={
        "The 3x3 and the 5x5 read their reductions, not the input.": _products_changed(
            lambda c, f: {2: (3, c, f[2]), 4: (5, c, f[4])}
        ),
        "The 5x5 is counted with 3x3 kernels.": _products_changed(
            lambda c, f: {4: (3, f[3], f[4])}
        ),
        "The projection reads what the pool passes on: all maps of the input, not those of the 5x5.": (
            _products_changed(lambda c, f: {5: (1, f[4], f[5])})
        ),
        "The pool is counted as a 3x3 convolution: it has no weights; a 1x1 follows it.": _products_changed(
            lambda c, f: {5: (3, c, f[5])}
        ),
        "The biases are counted as MACs; adding a bias multiplies nothing.": (
            lambda n, c, f: [
                product + n * n * maps
                for product, (_, _, maps) in zip(
                    inception_products(n, c, f), _convolutions(c, f), strict=True
                )
            ]
        ),
        "Those are FLOPs: a MAC is one multiplication together with one addition.": (
            lambda n, c, f: [2 * product for product in inception_products(n, c, f)]
        ),
    },
    hints=(
        "The order is that of Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.",
        "Four products are `side * side * in_channels * maps`.",
        "The other two: `side * side * 9 * reduce * maps` and `side * side * 25 * reduce * maps`.",
    ),
)


# Where a published total comes from


def miscounted(products, total):
    return _explain(products, total, (0, 2))


def _explain(products, total, times):
    if round(sum(products) / 1e6) == total:
        return [-1, 1]
    for index, product in enumerate(products):
        for count in times:
            if round((sum(products) + (count - 1) * product) / 1e6) == total:
                return [index, count]
    return [-1, 1]


def _miscounted_case(products, index, count):
    return [products, round((sum(products) + (count - 1) * products[index]) / 1e6)]


def _draw_miscounted(rng):
    millions = rng.sample(range(11, 240, 2), 6)  # 2 M apart: no two explanations
    products = [1_000_000 * number + rng.randint(1, 99_999) for number in millions]
    return _miscounted_case(products, rng.randrange(6), rng.choice([0, 1, 2]))


PRODUCTS = inception_products(28, 256, LECTURE)

MISCOUNTED = googlenet(
    name="miscounted",
    title="Where 358 million comes from",
    points=2,
    returns="a list `[index, times]` of two whole numbers",
    visible=(
        [PRODUCTS, 358],
        [PRODUCTS, 151],
        [PRODUCTS, 271],
    ),
    draw=_draw_miscounted,
    reference=miscounted,
    mistakes={
        "Only double counting is tried; a product may also have been left out.": (
            lambda products, total: _explain(products, total, (2,))
        ),
        "Only a missing product is tried; one may also have been counted twice.": (
            lambda products, total: _explain(products, total, (0,))
        ),
        "The products are counted from 1; the first has index 0.": lambda products, total: [
            max(miscounted(products, total)[0] + 1, 0)
            if miscounted(products, total)[0] >= 0
            else -1,
            miscounted(products, total)[1],
        ],
        "Twice and left out are exchanged: `times` says how often the product is in the total.": (
            lambda products, total: [
                miscounted(products, total)[0],
                2 - miscounted(products, total)[1],
            ]
        ),
        "A total that is right has no product to name: the index is -1.": lambda products, total: [
            max(miscounted(products, total)[0], 0),
            miscounted(products, total)[1],
        ],
        "The total is in millions: round the sum before you compare.": (
            lambda products, total: [-1, 1]
        ),
    },
    hints=(
        "Twelve totals are possible beside the right one: each product counted twice, or not at all.",
        "Compare `round(sum / 1e6)` with the total.",
        "For the lecture's module, 358 - 271 = 87: which product is nearest to 87 million?",
    ),
)


# Depth


def network_depth(layers):
    return _depths(layers)[-1]


def _depths(layers, *, counted=bool, best=max, read=list):
    """Return for each layer the most (or fewest) counted layers on a path that ends with it."""
    depths = []
    for weighted, sources in layers:
        depths.append(
            best([depths[source] for source in read(sources)], default=0)
            + counted(weighted)
        )
    return depths


def _draw_layers(rng):
    """Return a chain of modules of four branches, as in Figure 2b, with a side branch that ends nowhere."""
    layers = [[False, []]]
    for _ in range(rng.randint(1, 3)):
        layers.append([rng.random() < 0.7, [len(layers) - 1]])
        start = len(layers) - 1
        ends = []
        for length in rng.sample([1, 2, 3, 4], 3):
            source = start
            for _ in range(length):
                layers.append([rng.random() < 0.75, [source]])
                source = len(layers) - 1
            ends.append(source)
        layers.append([False, ends])
    join = len(layers) - 1
    layers += [[True, [join]]] + [
        [True, [join + 1 + step]] for step in range(3)
    ]  # the side branch
    return [[*layers, [True, [join]]]]


NETWORK_DEPTH = googlenet(
    name="network_depth",
    title="How deep is it?",
    points=2,
    returns="a whole number",
    visible=(
        [[[False, []], [True, [0]], [True, [0]], [False, [0]], [False, [1, 2, 3]]]],
        [
            [
                [False, []],
                [True, [0]],
                [True, [0]],
                [True, [2]],
                [False, [0]],
                [True, [4]],
                [False, [1, 3, 5]],
            ]
        ],
        [
            [
                [False, []],
                [True, [0]],
                [True, [1]],
                [True, [2]],
                [True, [3]],
                [True, [1]],
            ]
        ],
    ),
    draw=_draw_layers,
    reference=network_depth,
    mistakes={
        "Those are all layers with weights; branches stand side by side, so count along one path.": (
            lambda layers: sum(weighted for weighted, _ in layers)
        ),
        "Layers without weights are counted too: only `True` adds to the depth.": (
            lambda layers: _depths(layers, counted=lambda weighted: 1)[-1]
        ),
        "That is the shortest path; the depth is that of the longest.": (
            lambda layers: _depths(layers, best=min)[-1]
        ),
        "Only the first source of a layer is followed.": (
            lambda layers: _depths(layers, read=lambda sources: sources[:1])[-1]
        ),
        "That is the deepest of all layers; the path must end with the last one, not in a side branch.": (
            lambda layers: max(_depths(layers))
        ),
    },
    hints=(
        "Go through the layers in order and keep a depth for each: sources always come earlier.",
        "A layer's depth is the largest depth of its sources, plus 1 if it has weights.",
        "`max([depths[source] for source in sources], default=0)` also works for the input.",
    ),
)


# Average or flatten


def head_parameters(side, channels, classes):
    return [
        arithmetic.dense_parameters(side**2 * channels, classes),
        arithmetic.dense_parameters(channels, classes),
    ]


HEAD_PARAMETERS = googlenet(
    name="head_parameters",
    title="Flatten or average",
    points=1,
    returns="a list `[flatten, average]` of whole numbers",
    visible=([7, 1024, 1000], [6, 256, 10]),
    draw=lambda rng: [rng.randint(3, 14), rng.randint(32, 1024), rng.randint(5, 1000)],
    reference=head_parameters,
    mistakes={
        "The biases are missing: each class has one.": lambda n, c, k: [
            n * n * c * k,
            c * k,
        ],
        "The side is not squared: flattening keeps every pixel of a map.": (
            lambda n, c, k: [(n * c + 1) * k, (c + 1) * k]
        ),
        "Averaging leaves a single number of each map, whatever its side.": (
            lambda n, c, k: [(n * n * c + 1) * k] * 2
        ),
        "The two are exchanged.": lambda n, c, k: head_parameters(n, c, k)[::-1],
    },
    hints=(
        "Flattened, there are `side * side * channels` inputs; averaged, `channels`.",
        "A dense layer has a weight for each input and class, and a bias for each class.",
    ),
)


# An auxiliary classifier


def auxiliary_parameters(side, channels, classes):
    return _auxiliary(arithmetic.output_size(side, 5, 3), channels, classes)


def _auxiliary(
    pooled, channels, classes, *, conv=True, bias=True, averaged=False, fc=True
):
    maps = 128 if conv else channels
    values = maps if averaged else pooled**2 * maps
    total = arithmetic.conv2d_parameters(1, channels, 128, bias=bias) if conv else 0
    for inputs, units in (
        ((values, 1024), (1024, classes)) if fc else ((values, classes),)
    ):
        total += arithmetic.dense_parameters(inputs, units, bias=bias)
    return total


def _draw_auxiliary(rng):
    """Return a side in which the pool's windows leave something over: rounding up shows."""
    side = rng.choice([side for side in range(9, 30) if (side - 5) % 3])
    return [side, 8 * rng.randint(8, 70), rng.randint(5, 1000)]


AUXILIARY_PARAMETERS = googlenet(
    name="auxiliary_parameters",
    title="An auxiliary classifier",
    points=2,
    returns="a whole number",
    visible=([14, 512, 1000], [14, 528, 1000], [13, 64, 10]),
    draw=_draw_auxiliary,
    reference=auxiliary_parameters,
    mistakes={
        "The pool is padded; its windows must fit, and (14 - 5) // 3 + 1 is 4.": (
            lambda n, c, k: _auxiliary(-(-n // 3), c, k)
        ),
        "The pool rounds up; a last window that does not fit is dropped: (13 - 5) // 3 + 1 is 3.": (
            lambda n, c, k: _auxiliary(-(-(n - 5) // 3) + 1, c, k)
        ),
        "The pool's stride is left out: it is 3.": lambda n, c, k: _auxiliary(
            n - 4, c, k
        ),
        "The biases are missing: the 1x1 convolution and both dense layers have them.": (
            lambda n, c, k: _auxiliary((n - 5) // 3 + 1, c, k, bias=False)
        ),
        "The 128 1x1 filters are missing.": lambda n, c, k: _auxiliary(
            (n - 5) // 3 + 1, c, k, conv=False
        ),
        "The maps are averaged as in the main classifier; here they are flattened.": (
            lambda n, c, k: _auxiliary((n - 5) // 3 + 1, c, k, averaged=True)
        ),
        "The dense layer of 1,024 units is missing.": (
            lambda n, c, k: _auxiliary((n - 5) // 3 + 1, c, k, fc=False)
        ),
    },
    hints=(
        "Pooling has no weights; it only leaves `output_size(side, 5, 3)` places along a side.",
        "Three layers have weights: the 1x1 convolution to 128 maps, dense layers of 1,024 and of `classes`.",
        "The first dense layer reads `places * places * 128` values.",
    ),
)


# The misprints


def misprints(rows):
    return _compared(rows)


def _compared(
    rows, *, tolerance=0.04, side=lambda n: n * n, kilo=1024, million=1e6, change=None
):
    """Return for each row whether the printed parameters and operations are further off than `tolerance`."""
    flags = []
    for _, size, in_channels, filters, thousands, millions in rows:
        convolutions = _convolutions(in_channels, filters)
        if change:
            convolutions = change(convolutions)
        weights = sum(k * k * c * f for k, c, f in convolutions)
        found = weights / kilo, side(size) * weights / million
        printed = thousands, millions
        flags.append(
            [abs(f - p) > tolerance * f for f, p in zip(found, printed, strict=True)]
        )
    return flags


def _row(name, thousands, millions):
    return [name, *TABLE_1[name], thousands, millions]


def _draw_misprints(rng):
    """Return four rows with errors a little below and above 4 %, and with operations in a wrong unit."""
    thousands = [0.975, 1.055, rng.choice([1, 1.025]), rng.choice([0.85, 0.945, 1.15])]
    millions = [
        1,
        0.945,
        rng.choice([0.975, 1.025]),
        rng.choice([2, 0]),
    ]  # 0: along one side
    rng.shuffle(thousands)
    rng.shuffle(millions)
    rows = []
    for name in "abcd":
        size, in_channels, filters = (
            rng.choice([7, 14, 28]),
            8 * rng.randint(24, 64),
            _draw_filters(rng),
        )
        off = thousands.pop(), millions.pop() or 1 / size
        rows.append(_misprinted(name, size, in_channels, filters, *off))
    return [rows]


def _misprinted(name, size, in_channels, filters, thousands, millions):
    """Return a row whose printed numbers are what they should be, times `thousands` and `millions`."""
    weights = sum(k * k * c * f for k, c, f in _convolutions(in_channels, filters))
    printed = [
        round(thousands * weights / 1024),
        round(millions * size * size * weights / 1e6, 1),
    ]
    return [name, size, in_channels, filters, *printed]


MISPRINTS = googlenet(
    name="misprints",
    title="The misprints of Table 1",
    points=3,
    returns="a list of pairs of truth values, one pair a row,",
    visible=(
        [[_row("3a", 159, 128), _row("4c", 463, 100)]],
        [[_row("5a", 1072, 54), _row("5b", 1388, 71)]],
        [
            [
                _misprinted("P", *TABLE_1["3a"], 0.975, 2),
                _misprinted("Q", *TABLE_1["3a"], 1.055, 0.945),
            ]
        ],
        [[_misprinted("R", *TABLE_1["3a"], 1.025, 1 / 28)]],
    ),
    draw=_draw_misprints,
    reference=misprints,
    mistakes={
        "True and False are exchanged: True says that a number is misprinted.": (
            lambda rows: [[not flag for flag in pair] for pair in misprints(rows)]
        ),
        "The pairs are the wrong way round: parameters first, then operations.": (
            lambda rows: [pair[::-1] for pair in misprints(rows)]
        ),
        "The positions are counted along one side; the map is `side` high and `side` wide.": (
            lambda rows: _compared(rows, side=lambda n: n)
        ),
        "Those are FLOPs; the table's operations are MACs, although it does not say so.": (
            lambda rows: _compared(rows, side=lambda n: 2 * n * n)
        ),
        "A million is 10**6; only the parameters are in powers of two, a K of 1,024.": (
            lambda rows: _compared(rows, million=2**20)
        ),
        "The table's K is 1,024, not 1,000.": lambda rows: _compared(rows, kilo=1000),
        "All operations are off in your answer: compare `side * side` times the weights, in millions.": (
            lambda rows: [[parameters, True] for parameters, _ in misprints(rows)]
        ),
        "Up to 4 % is no misprint; smaller differences are called so.": (
            lambda rows: _compared(rows, tolerance=0.01)
        ),
        "The 5x5 is counted with 3x3 kernels.": lambda rows: _compared(
            rows, change=lambda convs: [*convs[:4], (3, *convs[4][1:]), convs[5]]
        ),
        "A row has two numbers of its own: one may be misprinted and the other right.": (
            lambda rows: [[parameters, parameters] for parameters, _ in misprints(rows)]
        ),
        "Rounded numbers are never equal: call misprinted what is more than 4 % off.": (
            lambda rows: _compared(rows, tolerance=0)
        ),
    },
    hints=(
        "The sum of your `inception_products` is what the row's operations should be, in millions.",
        "Your `inception_parameters`, divided by 1,024, is what its parameters should be.",
        "A number is misprinted if `abs(found - printed) > 0.04 * found`.",
    ),
)


# The impostors

TRAINING = 13_378_280
HEADS = sum(auxiliary_parameters(14, channels, 1000) for channels in (512, 528))
SMALL_KERNELS = -sum(16 * filters[3] * filters[4] for _, _, filters in TABLE_1.values())
BATCH_NORM = (
    64 + 64 + 192 + sum(sum(filters) for _, _, filters in TABLE_1.values())
)  # a map: 2 - its bias
FLATTENED = 48 * 1024 * 1000


def googlenet_impostor(total):
    return _explained(total)


def _built(
    small,
    normalised,
    bare,
    flattened,
    *,
    small_kernels=SMALL_KERNELS,
    head_maps=2 * 128,
):
    """Return the parameters of a GoogLeNet with each of the four departures made or not."""
    total = (
        TRAINING
        + small * small_kernels
        + normalised * BATCH_NORM
        + flattened * FLATTENED
    )
    return total - HEADS if bare else total + normalised * head_maps


def _explained(total, **options):
    for choice in itertools.product([False, True], repeat=4):
        if _built(*choice, **options) == total:
            return list(choice)
    return [False] * 4


GOOGLENET_IMPOSTOR = googlenet(
    name="googlenet_impostor",
    title="Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=(
        [_built(False, False, True, False)],
        [_built(True, True, False, False)],
        [_built(True, False, True, False)],
        [_built(False, True, True, True)],
    ),
    draw=lambda rng: [_built(*(rng.random() < 0.5 for _ in range(4)))],
    reference=googlenet_impostor,
    mistakes={
        "The 5x5 branches lose 16 of 25 weights: 380,928 in all, not 9 of 25.": (
            lambda total: _explained(total, small_kernels=SMALL_KERNELS * 9 // 16)
        ),
        "The maps of the auxiliary heads are normalised too: 256 more, if the heads are there.": (
            lambda total: _explained(total, head_maps=0)
        ),
        "Only single departures are tried; an impostor may combine several.": (
            lambda total: (
                _explained(total) if sum(_explained(total)) < 2 else [False] * 4
            )
        ),
        "True and False are exchanged: True says that the network departs there.": (
            lambda total: [not departs for departs in googlenet_impostor(total)]
        ),
        "The heads are taken for missing when they are there: without them 6,379,728 are gone.": (
            lambda total: [
                departs != (place == 2)
                for place, departs in enumerate(googlenet_impostor(total))
            ]
        ),
    },
    hints=(
        "Each departure is made or not: there are 16 networks, and each has a total of its own.",
        "3x3 for 5x5 takes 16 * #5x5 reduce * #5x5 weights from each module: 380,928. BatchNorm brings two "
        "parameters a map and takes the bias: 7,280 more, and 256 in the heads.",
        "The heads are two of your `auxiliary_parameters`: 6,379,728. Flattening adds the difference of your "
        "`head_parameters`: 49,152,000.",
    ),
)

QUESTIONS = (
    INCEPTION_MAPS,
    INCEPTION_PARAMETERS,
    NAIVE_PRODUCTS,
    INCEPTION_PRODUCTS,
    MISCOUNTED,
    NETWORK_DEPTH,
    HEAD_PARAMETERS,
    AUXILIARY_PARAMETERS,
    MISPRINTS,
    GOOGLENET_IMPOSTOR,
)
