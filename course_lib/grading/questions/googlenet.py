"""Ask for GoogLeNet: what a module makes and costs, depth, misprints, impostors."""

from itertools import product

from course_lib.arithmetic import conv2d_parameters, output_size
from course_lib.grading.question import Chapter

googlenet = Chapter(
    "googlenet",
    title="GoogLeNet",
    about="They rebuild Table 1 of Szegedy and others (2015): what a module makes and "
    "costs, where the lectures' 358 million come from, what is misprinted. At the end "
    "you can tell the network from its impostors.",
    offers=("conv2d_parameters", "output_size"),
    given="From the foundations you have these, imported here:",
    imports=("from itertools import product",),
    data=("TABLE_1",),
)

# Table 1 as printed: name, side, input maps, [#1x1, #3x3 reduce, #3x3, #5x5 reduce,
# #5x5, pool proj], parameters in K (1,024), operations in M.
TABLE_1 = [
    ["3a", 28, 192, [64, 96, 128, 16, 32, 32], 159, 128],
    ["3b", 28, 256, [128, 128, 192, 32, 96, 64], 380, 304],
    ["4a", 14, 480, [192, 96, 208, 16, 48, 64], 364, 73],
    ["4b", 14, 512, [160, 112, 224, 24, 64, 64], 437, 88],
    ["4c", 14, 512, [128, 128, 256, 24, 64, 64], 463, 100],
    ["4d", 14, 512, [112, 144, 288, 32, 64, 64], 580, 119],
    ["4e", 14, 528, [256, 160, 320, 32, 128, 128], 840, 170],
    ["5a", 7, 832, [256, 160, 320, 32, 128, 128], 1072, 54],
    ["5b", 7, 832, [384, 192, 384, 48, 128, 128], 1388, 71],
]
ROW_3A = TABLE_1[0][3]
LECTURE = [128, 64, 192, 64, 96, 64]  # the module of the lectures, on 28x28x256

REDUCTIONS = (
    "The reductions are among the maps; they are read by the larger kernels and by "
    "nothing else."
)
SOME_BIASES = (
    "Some biases are missing: each of the six convolutions has one for each of its "
    "maps."
)
READS_REDUCTION = "The 3x3 and the 5x5 read their reductions, not the input."
READS_OTHER = "The 5x5 reads the 3x3's reduction; it has one of its own."
PROJECTION = (
    "The projection reads what the pool passes on: all maps of the input, not those of "
    "the other branches."
)
EXCHANGED = (
    "The two reductions are exchanged: the order is #3x3 reduce, #3x3, #5x5 reduce, "
    "#5x5."
)


def draw_filters(rng):
    """Return a row of six numbers like those of Table 1."""
    steps = [(8, 24), (6, 12), (13, 24), (1, 3), (4, 10), (11, 16)]
    return [8 * rng.randint(*step) for step in steps]


@googlenet.question(
    "What a module puts out",
    points=1,
    returns="a list `[naive, reduced]` of whole numbers",
    visible=([192, ROW_3A], [256, LECTURE]),
    draw=lambda rng: [8 * rng.randint(24, 64), draw_filters(rng)],
    slips={
        "one + three + five -> one + three + five + filters[1] + filters[3]": (
            REDUCTIONS
        ),
        " + in_channels -> ": (
            "The pool of the naive module is missing: it passes on every map that it "
            "reads."
        ),
        "+ projection -> + in_channels": (
            "In the reduced module a projection follows the pool; its maps are joined, "
            "not those of the input."
        ),
        "[joined + in_channels, joined + projection] -> [joined + projection, joined + "
        "in_channels]": (
            "The two are exchanged: the naive module has the larger output."
        ),
        "one + three + five -> one + filters[1] + filters[3]": REDUCTIONS,
        "joined + in_channels -> joined + in_channels + projection": (
            "The naive module has no projection: its pool passes on every map that it "
            "reads."
        ),
    },
    hints=(
        "Four branches are joined; a pool with stride 1 neither makes nor loses maps.",
        "Without reductions: #1x1 + #3x3 + #5x5 + the maps of the input. With them, "
        "pool proj takes the place of the last.",
    ),
)
def inception_maps(in_channels, filters):
    """
    A module reads `in_channels` maps. `filters` is a row of Table 1: #1x1, #3x3 reduce,
    #3x3, #5x5 reduce, #5x5, pool proj. How many maps does it put out without the
    reductions and the projection (Figure 2a), and with them (Figure 2b)? Return
    `[naive, reduced]`.

    The cases are 3a and the module of the lectures. A naive module can only grow.
    """
    one, _, three, _, five, projection = filters
    joined = one + three + five
    return [joined + in_channels, joined + projection]


@googlenet.question(
    "Parameters of a module",
    points=2,
    returns="a whole number",
    visible=([192, ROW_3A], [256, LECTURE]),
    draw=lambda rng: [8 * rng.randint(24, 64), draw_filters(rng)],
    slips={
        (
            "in_channels, maps) -> in_channels, maps, bias=False)",
            "reduce3, three) -> reduce3, three, bias=False)",
            "reduce5, five) -> reduce5, five, bias=False)",
        ): "The biases are missing: each of the six convolutions has one for each of "
        "its maps.",
        (
            "(3, reduce3 -> (3, in_channels",
            "(5, reduce5 -> (5, in_channels",
        ): READS_REDUCTION,
        "(5, reduce5 -> (5, reduce3": READS_OTHER,
        "(5, reduce5 -> (3, reduce5": "The 5x5 is counted with 3x3 kernels.",
        "reduce5, projection] -> reduce5]": "The projection behind the pool is "
        "missing.",
        "[one, reduce3, reduce5, projection] -> [one, projection]": (
            "The two reductions are missing; they have weights of their own."
        ),
        (
            "reduce3, three) -> reduce3, three, bias=False)",
            "reduce5, five) -> reduce5, five, bias=False)",
        ): SOME_BIASES,
        "return total -> return total - reduce3 - reduce5": SOME_BIASES,
        (
            "[one, reduce3, reduce5, projection] -> [one, reduce3]",
            "return total -> return total + conv2d_parameters(1, three, reduce5) + "
            "conv2d_parameters(1, five, projection)",
        ): (
            "Each convolution reads the one before it in the row; the 1x1 all read the "
            "input."
        ),
        (
            "reduce5, projection] -> reduce5]",
            "return total -> return total + conv2d_parameters(1, five, projection)",
        ): PROJECTION,
        (
            "reduce5, projection] -> reduce5]",
            "return total -> return total + conv2d_parameters(1, one + three + five, "
            "projection)",
        ): PROJECTION,
        (
            "reduce5, projection] -> reduce5]",
            "return total -> return total + conv2d_parameters(3, in_channels, "
            "projection)",
        ): (
            "The projection is counted as 3x3; that is the pool, which has no weights. "
            "It is 1x1."
        ),
        (
            "[one, reduce3, reduce5, projection] -> [one]",
            "(3, reduce3 -> (3, in_channels",
            "(5, reduce5 -> (5, in_channels",
        ): ("That is the naive module; its reductions and its projection are missing."),
        "[one, reduce3 -> [reduce3": "The first branch, #1x1, is missing.",
        ("(3, reduce3 -> (3, reduce5", "(5, reduce5 -> (5, reduce3"): EXCHANGED,
    },
    hints=(
        "Six convolutions: `conv2d_parameters(kernel, in_channels, filters)` for each.",
        "Four 1x1 read the input: #1x1, both reductions, and pool proj, since a pool "
        "keeps the maps.",
        "The 3x3 reads #3x3 reduce maps, the 5x5 reads #5x5 reduce maps.",
    ),
)
def inception_parameters(in_channels, filters):
    """
    Return the parameters of a module with reductions: six convolutions, with biases.
    Four of them are 1x1 and read all `in_channels` maps, one of these behind the pool;
    the 3x3 and the 5x5 read what their reductions leave.

    Table 1 prints 159 K for the first case. Divide by 1,024.
    """
    one, reduce3, three, reduce5, five, projection = filters
    small = [one, reduce3, reduce5, projection]
    total = sum(conv2d_parameters(1, in_channels, maps) for maps in small)
    total += conv2d_parameters(3, reduce3, three)
    return total + conv2d_parameters(5, reduce5, five)


def draw_naive(rng):
    side, in_channels = 7 * rng.randint(1, 8), 8 * rng.randint(24, 64)
    return [side, in_channels, [8 * rng.randint(2, 24) for _ in "135"]]


@googlenet.question(
    "The naive module, written out",
    points=2,
    returns="a list of three whole numbers",
    visible=([28, 256, [128, 192, 96]], [14, 480, [48, 208, 48]]),
    draw=draw_naive,
    slips={
        "kernel**2 -> kernel": "The kernel is not squared: it is as high as wide.",
        "side**2 -> side": (
            "The positions are counted along one side; the map is `side` high and "
            "`side` wide."
        ),
        " * in_channels -> ": (
            "The input maps are left out: a filter has a kernel for each of them."
        ),
        "[side**2 -> [2 * side**2": (
            "Those are FLOPs: a MAC is one multiplication together with one addition."
        ),
        "kernel**2 * in_channels -> (kernel**2 * in_channels + 1)": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        "side**2 -> output_size(side, kernel) ** 2": (
            "The maps shrink in your answer; every convolution is padded and keeps the "
            "side."
        ),
        "in_channels * maps for kernel, maps in pairs -> reads * maps for (kernel, "
        "maps), reads in zip(pairs, [in_channels, *filters])": (
            "Each convolution reads the one before; side by side, all three read the "
            "input."
        ),
        "[1, 3, 5] -> [3, 3, 3]": "All kernels are counted as 3x3; they are 1x1, 3x3 "
        "and 5x5.",
        "* in_channels * maps -> * (in_channels + maps)": (
            "Input maps and filters are added; every filter has a kernel for every map."
        ),
    },
    hints=(
        "Every weight is used once at each position.",
        "positions * kernel * kernel * input maps * filters, for the kernels 1, 3 and "
        "5.",
    ),
)
def naive_products(side, in_channels, filters):
    """
    Write out what the naive module costs: for maps of `side` by `side`, return the
    multiply-adds of the 1x1, the 3x3 and the 5x5. `filters` holds their three numbers;
    all read `in_channels` maps and keep the side.

    The first three add up to the 854 million of the lectures. The last number of the
    second case is their 112.9 million.
    """
    pairs = zip([1, 3, 5], filters, strict=True)
    return [side**2 * kernel**2 * in_channels * maps for kernel, maps in pairs]


@googlenet.question(
    "The reduced module, written out",
    points=3,
    returns="a list of six whole numbers",
    visible=([28, 256, LECTURE], [14, 480, TABLE_1[2][3]]),
    draw=lambda rng: [
        7 * rng.randint(1, 8),
        8 * rng.randint(24, 64),
        draw_filters(rng),
    ],
    slips={
        (
            "9 * reduce3 -> 9 * in_channels",
            "25 * reduce5 -> 25 * in_channels",
        ): READS_REDUCTION,
        "25 * reduce5 -> 25 * reduce3": READS_OTHER,
        "25 * reduce5 -> 9 * reduce5": "The 5x5 is counted with 3x3 kernels.",
        "in_channels * projection -> five * projection": PROJECTION,
        "in_channels * projection -> (one + three + five) * projection": PROJECTION,
        "in_channels * projection -> 9 * in_channels * projection": (
            "The pool is counted as a 3x3 convolution: it has no weights; a 1x1 "
            "follows it."
        ),
        "side**2 * count for count in weights -> side**2 * (count + maps) for count, "
        "maps in zip(weights, filters)": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        "side**2 -> 2 * side**2": (
            "Those are FLOPs: a MAC is one multiplication together with one addition."
        ),
        "[side**2 * count for count in weights] -> [side**2 * count for count in "
        "weights[:5]] + [(side // 2) ** 2 * weights[5]]": (
            "The pool shrinks the maps in your answer; its stride is 1, and it keeps "
            "the side."
        ),
        "[side**2 * count for count in weights] -> [side**2 * count for count in "
        "weights[:5]] + [(side - 2) ** 2 * weights[5]]": (
            "The pool shrinks the maps in your answer; its stride is 1, and it keeps "
            "the side."
        ),
        "[side**2 * count for count in weights] -> [output_size(side, k) ** 2 * count "
        "for k, count in zip([1, 1, 3, 1, 5, 1], weights)]": (
            "The maps shrink in your answer; every convolution is padded and keeps the "
            "side."
        ),
        ("9 * reduce3 -> 3 * reduce3", "25 * reduce5 -> 5 * reduce5"): (
            "The kernels are not squared; they are as high as wide."
        ),
        ("9 * reduce3 * -> reduce3 *", "25 * reduce5 * -> reduce5 *"): (
            "The kernels are left out: a 3x3 has 9 weights for each pair of maps, a "
            "5x5 25."
        ),
        ("9 * reduce3 -> 9 * reduce5", "25 * reduce5 -> 25 * reduce3"): EXCHANGED,
        (
            "9 * reduce3 * three -> 9 * in_channels * reduce3",
            "25 * reduce5 * five -> 25 * in_channels * reduce5",
        ): (
            "The larger kernels are counted for their reductions' maps; they write "
            "#3x3 and #5x5."
        ),
    },
    hints=(
        "The order is that of Table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, "
        "pool proj.",
        "Four products are `side * side * in_channels * maps`.",
        "The other two: `side * side * 9 * reduce * maps` and `side * side * 25 * "
        "reduce * maps`.",
    ),
)
def inception_products(side, in_channels, filters):
    """
    The same with reductions: return six products, in the order of Table 1 (#1x1, #3x3
    reduce, #3x3, #5x5 reduce, #5x5, pool proj). The pool itself has none, and keeps the
    side and the maps.

    Add up the first case. The lectures say 358 million; what do you get?
    """
    one, reduce3, three, reduce5, five, projection = filters
    weights = [
        in_channels * one,
        in_channels * reduce3,
        9 * reduce3 * three,
        in_channels * reduce5,
        25 * reduce5 * five,
        in_channels * projection,
    ]
    return [side**2 * count for count in weights]


RIGHT, LEFT_OUT, TWICE = 0, 1, 7  # where the sums of each kind begin


def draw_miscounted(rng, kind, down):
    """Return a total that is rounded down, or up and behind a near miss.

    Rounded down, it is right or off by the first product.
    """
    while True:
        pairs = [(count, count + 1) for count in rng.sample(range(11, 240, 4), 3)]
        millions = rng.sample([count for pair in pairs for count in pair], 6)
        products = [1_000_000 * count + rng.randint(1, 899_999) for count in millions]
        right = sum(products)
        counted = [
            right,
            *(right - one for one in products),
            *(right + one for one in products),
        ]
        totals = [round(value / 1e6) for value in counted]
        chosen = kind if down or kind == RIGHT else rng.randint(kind, kind + 5)
        near = any(abs(value / 1e6 - totals[chosen]) < 1 for value in counted[:chosen])
        rounded_down = totals[chosen] < counted[chosen] / 1e6
        wanted = rounded_down == down and (down or near or chosen == RIGHT)
        if wanted and len(set(totals)) == 13:
            return [products, totals[chosen]]


PRODUCTS = inception_products(28, 256, LECTURE)


CUT_OFF = "The millions are cut off; the total is rounded."
ONLY_TWICE = "Only double counting is tried; a product may also have been left out."
NEVER_TWICE = (
    "A product that was counted twice is never found: it is in the total once more "
    "than it should be."
)
RIGHT_TOTAL = "A total that is right has no product to name: the index is -1."
NO_MATCH = "[-1, 1] -> [-1, 1] if round(sum(products) / 1e6) == total else None"


@googlenet.question(
    "Where 358 million comes from",
    points=2,
    returns="a list `[index, times]` of two whole numbers",
    visible=([PRODUCTS, 358], [PRODUCTS, 151], [PRODUCTS, 271]),
    draw=(
        lambda rng: draw_miscounted(rng, RIGHT, down=True),
        lambda rng: draw_miscounted(rng, LEFT_OUT, down=False),
        lambda rng: draw_miscounted(rng, TWICE, down=False),
        lambda rng: draw_miscounted(rng, RIGHT, down=False),
        lambda rng: draw_miscounted(rng, LEFT_OUT, down=True),
        lambda rng: draw_miscounted(rng, TWICE, down=True),
    ),
    slips={
        "[0, 2] -> [2]": ONLY_TWICE,
        "[0, 2] -> [0]": NEVER_TWICE,
        "[index, times] -> [index + 1, times]": (
            "The products are counted from 1; the first has index 0."
        ),
        "[index, times] -> [index, 2 - times]": (
            "Twice and left out are exchanged: `times` says how often the product is "
            "in the total."
        ),
        "[-1, 1] -> [0, 1]": RIGHT_TOTAL,
        "[index, times] -> [-1, 1]": (
            "The total is in millions: round the sum before you compare."
        ),
        "round(counted / 1e6) -> counted // 1_000_000": CUT_OFF,
        "round(counted / 1e6) -> -(-counted // 1_000_000)": (
            "The millions are rounded up; the total is rounded to the nearest."
        ),
        "return [-1, 1] -> return list(min(product(range(len(products)), [0, 2]), "
        "key=lambda it: abs(sum(products) + (it[1] - 1) * products[it[0]] - 1e6 * "
        "total)))": RIGHT_TOTAL,
        (
            "sum(products) -> 1e6 * sum(round(one / 1e6) for one in products)",
            "* products[index] -> * 1e6 * round(products[index] / 1e6)",
        ): ("Each product is rounded before they are added; round the sum."),
        (
            "    for index -> "
            "    if abs(sum(products) / 1e6 - total) < 1:\n"
            "        return [-1, 1]\n"
            "    for index",
            "round(counted / 1e6) == total -> abs(counted / 1e6 - total) < 1",
        ): (
            "Sums that are off by almost a million are accepted; rounded, they should "
            "be the total."
        ),
        "sum(products) + -> sum(products) + sum(products[:index]) +": (
            "What was added for one product is still there when the next is tried."
        ),
        "[-1, 1] -> [-1, 0]": "If the total is right, every product is in it once: "
        "`times` is 1.",
        "[index, times] -> [products[index], times]": (
            "The product itself is returned; its index is asked for."
        ),
        "[index, times] -> [index, times - 1]": (
            "`times` says how often the product is in the total, 0 or 2; not by how "
            "much that is off."
        ),
        ("[0, 2] -> [2]", NO_MATCH): ONLY_TWICE,
        ("[0, 2] -> [0]", NO_MATCH): NEVER_TWICE,
        ("round(counted / 1e6) -> counted // 1_000_000", NO_MATCH): CUT_OFF,
    },
    hints=(
        "Twelve totals are possible beside the right one: each product counted twice, "
        "or not at all.",
        "Compare `round(sum / 1e6)` with the total.",
        "For the lecture's module, 358 - 271 = 87: which product is nearest to 87 "
        "million?",
    ),
)
def miscounted(products, total):
    """
    A publication adds up `products` to `total` millions, rounded. Either that is right,
    or one product was left out, or one was counted twice. Return `[index, times]`:
    which product, and 0 or 2; if the total is right, `[-1, 1]`. Every total that you
    are given has one explanation.

    The first total is the one of the lectures. Counting again is the cheapest way to
    check a number that everybody copies.
    """
    for index, times in product(range(len(products)), [0, 2]):
        counted = sum(products) + (times - 1) * products[index]
        if round(counted / 1e6) == total:
            return [index, times]
    return [-1, 1]


SIDE_BY_SIDE = (
    "Those are all layers with weights; branches stand side by side, so count along "
    "one path."
)


def draw_layers(rng):
    """Return a chain of modules as in Figure 2b, with a branch that leads nowhere."""
    layers = [[False, []]]
    for _ in range(rng.randint(1, 3)):
        layers.append([rng.random() < 0.7, [len(layers) - 1]])
        start = len(layers) - 1
        ends = []
        for length in rng.sample([1, 2, 3, 4], 3):
            source = start
            for _ in range(length):
                layers.append([rng.random() < (0.3 if length == 4 else 0.9), [source]])
                source = len(layers) - 1
            ends.append(source)
        layers.append([False, ends])
    join = len(layers) - 1
    layers.append([True, [join]])
    layers += [[True, [join + 1 + step]] for step in range(3)]  # the side branch
    return [[*layers, [True, [join]]]]


@googlenet.question(
    "How deep is it?",
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
    draw=draw_layers,
    slips={
        "depths[-1] -> sum(weighted for weighted, _ in layers)": SIDE_BY_SIDE,
        (
            "max([depths[source] for source in sources], default=0) -> "
            "set().union(*[depths[source] for source in sources])",
            "before + weighted -> before | set([len(depths)] * weighted)",
            "depths[-1] -> len(depths[-1])",
        ): SIDE_BY_SIDE,
        "+ weighted -> + 1": (
            "Layers without weights are counted too: only `True` adds to the depth."
        ),
        "max( -> min(": "That is the shortest path; the depth is that of the longest.",
        "in sources] -> in sources[:1]]": "Only the first source of a layer is "
        "followed.",
        "depths[-1] -> max(depths)": (
            "That is the deepest of all layers; the path must end with the last one, "
            "not in a side branch."
        ),
        (
            "max([depths[source] for source in sources], default=0) -> "
            "max([depths[source] for source in sources], key=len, default=[])",
            "before + weighted -> [*before, weighted]",
            "depths[-1] -> sum(depths[-1])",
        ): (
            "The way with the most layers is taken; the one with the most layers that "
            "have weights is asked for."
        ),
        "return depths[-1] -> return max(depths[source] for source in layers[-1][1])": (
            "The last layer is left out; it counts, too, if it has weights."
        ),
        "in sources] -> in sources[-1:]]": "Only the last source of a layer is "
        "followed.",
        "max([depths[source] for source in sources], default=0) -> sum(depths[source] "
        "for source in sources)": (
            "The depths of all sources are added; only the deepest counts."
        ),
        "depths[-1] -> len(layers)": (
            "Those are all layers; count the ones with weights, along one path."
        ),
        "before + weighted -> before + (not weighted)": (
            "The layers without weights are counted; `True` says that a layer has "
            "weights."
        ),
    },
    hints=(
        "Go through the layers in order and keep a depth for each: sources always come "
        "earlier.",
        "A layer's depth is the largest depth of its sources, plus 1 if it has "
        "weights.",
        "`max([depths[source] for source in sources], default=0)` also works for the "
        "input.",
    ),
)
def network_depth(layers):
    """
    `layers` lists a graph from the input to the classifier: for each layer whether it
    has weights, and the places of the layers that it reads, which come earlier. The
    depth is the largest number of layers with weights on one way from the input to the
    last layer. Return it.

    The first two cases are a naive module and one with reductions; the third has a side
    branch, which does not count. Nine modules of 2, two stages of 1 and 2, and the
    classifier make 22.
    """
    depths = []
    for weighted, sources in layers:
        before = max([depths[source] for source in sources], default=0)
        depths.append(before + weighted)
    return depths[-1]


@googlenet.question(
    "Flatten or average",
    points=1,
    returns="a list `[flatten, average]` of whole numbers",
    visible=([7, 1024, 1000], [6, 256, 10]),
    draw=lambda rng: [rng.randint(3, 14), rng.randint(32, 1024), rng.randint(5, 1000)],
    slips={
        ("(values + 1) -> values", "(channels + 1) -> channels"): (
            "The biases are missing: each class has one."
        ),
        "side**2 -> side": "The side is not squared: flattening keeps every pixel of a "
        "map.",
        "(channels + 1) -> (values + 1)": (
            "Averaging leaves a single number of each map, whatever its side."
        ),
        "[(values + 1) * classes, (channels + 1) * classes] -> [(channels + 1) * "
        "classes, (values + 1) * classes]": ("The two are exchanged."),
        "(values + 1) -> side**2 * (channels + 1)": (
            "The biases are multiplied by the positions; a class has one, however much "
            "it reads."
        ),
        (
            "(values + 1) * classes -> values * classes + 1",
            "(channels + 1) * classes -> channels * classes + 1",
        ): ("A single bias is counted; each class has one."),
        (
            "(values + 1) * classes -> values * (classes + 1)",
            "(channels + 1) * classes -> channels * (classes + 1)",
        ): (
            "There is a bias for each input in your answer; there is one for each "
            "class."
        ),
        "(channels + 1) * classes -> (channels + 1) * classes + values": (
            "Averaging is counted; it has no weights."
        ),
        "(channels + 1) -> (side**2 + 1)": (
            "Averaged over the maps, one number a position is left; average each map "
            "to one number."
        ),
    },
    hints=(
        "Flattened, there are `side * side * channels` inputs; averaged, `channels`.",
        "A dense layer has a weight for each input and class, and a bias for each "
        "class.",
    ),
)
def head_parameters(side, channels, classes):
    """
    `channels` maps of `side` by `side` go into one dense layer of `classes` units.
    Return its parameters `[flatten, average]`: if the maps are flattened first, and if
    each map is averaged first (global average pooling).

    The first case is GoogLeNet's. Averaged, the classifier also fits pictures of any
    size.
    """
    values = side**2 * channels
    return [(values + 1) * classes, (channels + 1) * classes]


def draw_auxiliary(rng):
    """Return a side in which the pool leaves something over: rounding up shows."""
    side = rng.choice([side for side in range(9, 30) if (side - 5) % 3])
    return [side, 8 * rng.randint(8, 70), rng.randint(5, 1000)]


@googlenet.question(
    "An auxiliary classifier",
    points=2,
    returns="a whole number",
    visible=([14, 512, 1000], [14, 528, 1000], [13, 64, 10]),
    draw=draw_auxiliary,
    slips={
        "output_size(side, 5, 3) -> -(-side // 3)": (
            "The pool is padded; its windows must fit, and (14 - 5) // 3 + 1 is 4."
        ),
        "output_size(side, 5, 3) -> -(-(side - 5) // 3) + 1": (
            "The pool rounds up; a last window that does not fit is dropped: (13 - 5) "
            "// 3 + 1 is 3."
        ),
        "5, 3) -> 5)": "The pool's stride is left out: it is 3.",
        (
            "channels, 128) -> channels, 128, bias=False)",
            "(values + 1) -> values",
            "(1024 + 1) -> 1024",
        ): "The biases are missing: the 1x1 convolution and both dense layers have "
        "them.",
        ("* 128 -> * channels", "conv2d_parameters(1, channels, 128) -> 0"): (
            "The 128 1x1 filters are missing."
        ),
        "pooled**2 * 128 -> 128": (
            "The maps are averaged as in the main classifier; here they are flattened."
        ),
        "(values + 1) * 1024 + (1024 + 1) * classes -> (values + 1) * classes": (
            "The dense layer of 1,024 units is missing."
        ),
        "pooled**2 * 128 -> pooled**2 * channels": (
            "The first dense layer reads all `channels` maps; the 1x1 convolution "
            "leaves 128."
        ),
        "output_size(side, 5, 3) -> side": "The pool is left out: it leaves fewer "
        "positions.",
        ("(values + 1) -> values", "(1024 + 1) -> 1024"): (
            "The biases are missing: the 1x1 convolution and both dense layers have "
            "them."
        ),
        "conv2d_parameters(1, -> conv2d_parameters(5,": (
            "The convolution is counted as 5x5; that is the pool's window. It is 1x1."
        ),
        "return convolution -> return 5 * 5 * channels + convolution": (
            "The pool is counted; it has no weights."
        ),
        "(1024 + 1) * classes -> (values + 1) * classes": (
            "The last layer reads the 1,024 units before it, not the flattened maps."
        ),
    },
    hints=(
        "Pooling has no weights; it only leaves `output_size(side, 5, 3)` places along "
        "a side.",
        "Three layers have weights: the 1x1 convolution to 128 maps, dense layers of "
        "1,024 and of `classes`.",
        "The first dense layer reads `places * places * 128` values.",
    ),
)
def auxiliary_parameters(side, channels, classes):
    """
    An auxiliary classifier reads `channels` maps of `side` by `side`: average pooling
    5x5 with stride 3 and without padding, 128 filters of 1x1, flatten, a dense layer of
    1,024 units, and one of `classes`. Return its parameters.

    A window that does not fit is dropped. The first two cases stand on 4a and 4d:
    6,379,728 parameters, gone when the network is used.
    """
    pooled = output_size(side, 5, 3)
    values = pooled**2 * 128
    convolution = conv2d_parameters(1, channels, 128)
    return convolution + (values + 1) * 1024 + (1024 + 1) * classes


def misprinted(rng, thousands, millions):
    """Return a row that prints its numbers times `thousands` and `millions`."""
    side, in_channels = rng.choice([7, 14, 28]), 8 * rng.randint(24, 64)
    filters = draw_filters(rng)
    parameters = inception_parameters(in_channels, filters) / 1024
    operations = sum(inception_products(side, in_channels, filters)) / 1e6
    printed = [round(thousands * parameters, 2), round(millions * operations, 3)]
    return ["N", side, in_channels, filters, *printed]


def draw_misprints(rng):
    """Return rows with errors a little below and above 4 %, of either number."""
    thousands = [
        0.97,
        1.055,
        1.0395,
        rng.choice([0.961, 1.041]),
        rng.choice([0.85, 1.2]),
    ]
    millions = [1, 0.945, rng.choice([0.97, 1.03]), rng.choice([0.961, 1.041]), 2]
    rng.shuffle(thousands)
    rng.shuffle(millions)
    rows = [misprinted(rng, *off) for off in zip(thousands, millions, strict=True)]
    return [rows]


@googlenet.question(
    "The misprints of Table 1",
    points=3,
    returns="a list of pairs of truth values, one pair a row,",
    visible=(
        [[TABLE_1[0], TABLE_1[4]]],
        [[TABLE_1[7], TABLE_1[8]]],
        [[["P", 28, 192, ROW_3A, 156, 256.1], ["Q", 28, 192, ROW_3A, 168, 121.0]]],
        [[["R", 28, 192, ROW_3A, 163, 4.6]]],
    ),
    draw=draw_misprints,
    slips={
        "> 0.04 * -> <= 0.04 *": "True and False are exchanged: True says that a "
        "number is misprinted.",
        "[(parameters, thousands), (operations, millions)] -> [(operations, millions), "
        "(parameters, thousands)]": (
            "The pairs are the wrong way round: parameters first, then operations."
        ),
        "/ 1e6 -> / 1e6 / side": (
            "The positions are counted along one side; the map is `side` high and "
            "`side` wide."
        ),
        "/ 1e6 -> / 1e6 * 2": (
            "Those are FLOPs; the table's operations are MACs, although it does not "
            "say so."
        ),
        "/ 1e6 -> / 2**20": (
            "A million is 10**6; only the parameters are in powers of two, a K of "
            "1,024."
        ),
        "/ 1024 -> / 1000": "The table's K is 1,024, not 1,000.",
        "/ 1e6 -> ": (
            "All operations are off in your answer: compare `side * side` times the "
            "weights, in millions."
        ),
        "> 0.04 * -> > 0.01 *": "Up to 4 % is no misprint; smaller differences are "
        "called so.",
        (
            "parameters = -> changed = 16 * filters[3] * filters[4]\n        "
            "parameters =",
            " / 1024 ->  / 1024 - changed / 1024",
            "/ 1e6 -> / 1e6 - side**2 * changed / 1e6",
        ): "The 5x5 is counted with 3x3 kernels.",
        "(operations, millions)] -> (parameters, thousands)]": (
            "A row has two numbers of its own: one may be misprinted and the other "
            "right."
        ),
        "> 0.04 * -> > 0 *": (
            "Rounded numbers are never equal: call misprinted what is more than 4 % "
            "off."
        ),
        "0.04 * value -> 0.04 * printed": (
            "4 % of the printed number are allowed; the computed one is the measure."
        ),
        "inception_parameters(in_channels, filters) -> sum(inception_products(1, "
        "in_channels, filters))": (
            "The biases are left out of the parameters; they count."
        ),
        "0.04 * value -> 4": (
            "4 is taken for a number of K or M; 4 % of the computed number are meant."
        ),
        "0.04 -> 0.4": "That is 40 %; 4 % is 0.04.",
        "abs(value - printed) -> value - printed": (
            "Misprints are found in one direction only; too large and too small are "
            "both wrong."
        ),
        "abs(value - printed) -> printed - value": (
            "Misprints are found in one direction only; too large and too small are "
            "both wrong."
        ),
        "(operations, millions)] -> (operations, millions)]\n        pairs = "
        "[pairs[1], pairs[1]]": (
            "A row has two numbers of its own: one may be misprinted and the other "
            "right."
        ),
        "sum(inception_products(side, in_channels, filters)) -> side**2 * "
        "inception_parameters(in_channels, filters)": (
            "The biases are counted as operations; adding a bias multiplies nothing."
        ),
    },
    hints=(
        "The sum of your `inception_products` is what the row's operations should be, "
        "in millions.",
        "Your `inception_parameters`, divided by 1,024, is what its parameters should "
        "be.",
        "A number is misprinted if `abs(found - printed) > 0.04 * found`.",
    ),
)
def misprints(rows):
    """
    Table 1 prints parameters, in units of 1,024, and operations, in millions. A row
    here is a name, side, input maps, the six numbers, and those two. For each row
    return whether the printed `[parameters, operations]` are off by more than 4 % of
    what you compute from the six numbers: parameters with their biases, operations
    without.

    `TABLE_1` above has all nine modules as printed: run your function on it. 4c is a
    misprint; in 5a the two wrong numbers fit each other, so somebody counted another
    module. P, Q and R are 3a with other numbers, some of them less than 4 % off.
    """
    flags = []
    for _, side, in_channels, filters, thousands, millions in rows:
        parameters = inception_parameters(in_channels, filters) / 1024
        operations = sum(inception_products(side, in_channels, filters)) / 1e6
        pairs = [(parameters, thousands), (operations, millions)]
        flags.append([abs(value - printed) > 0.04 * value for value, printed in pairs])
    return flags


def departed(small, normalised, bare, flattened, classes=1000):
    """Return the case of a GoogLeNet with each of the four departures made or not."""
    rows = [filters for _, _, _, filters, _, _ in TABLE_1]
    total = 13_378_280 + 3 * 1025 * (classes - 1000)
    if small:
        total -= sum(16 * filters[3] * filters[4] for filters in rows)
    if normalised:  # two parameters a map in place of its bias
        total += 64 + 64 + 192 + sum(map(sum, rows)) + (0 if bare else 2 * 128)
    if bare:
        total -= sum(
            auxiliary_parameters(14, channels, classes) for channels in (512, 528)
        )
    return [total + (48 * 1024 * classes if flattened else 0), classes]


def draw_impostor(rng):
    """Return a network; most are normalised: the heads' 256 count for those alone."""
    made = [rng.random() < share for share in (0.5, 0.8, 0.5, 0.6)]
    return departed(*made, rng.randint(2, 3000))


FLATTENED = (
    "Flattening is never found: it takes the place of the averaged maps' weights, and "
    "brings 48 * 1,024 more for each of the `classes`."
)
OTHER_CLASSES = (
    "13,378,280 is the total for 1,000 classes; another number changes three layers: "
    "the last one, and one in each auxiliary head."
)
SEARCHES = {  # slips after which the search finds nothing for some totals
    "16 * filters[3] -> 9 * filters[3]": (
        "The 5x5 branches lose 16 of 25 weights: 380,928 in all, not 9 of 25."
    ),
    "normalised * 2 * 128 -> 0": (
        "The maps of the auxiliary heads are normalised too: 256 more, if the heads "
        "are there."
    ),
    "normalised * maps -> normalised * 2 * maps": (
        "BatchNorm is never found: a map gains one parameter, not two, as the bias "
        "goes, and the maps are those of all convolutions: the stem's 64, 64 and 192, "
        "the reductions."
    ),
    "-heads if bare else normalised * 2 * 128 -> normalised * 2 * 128 - bare * heads": (
        "Where the heads are gone, so is their BatchNorm: those 256 belong to the "
        "heads."
    ),
    " + auxiliary_parameters(14, 528, classes) -> ": (
        "There are two heads: one reads 4a's 512 maps, one 4d's 528."
    ),
    "(flatten - average) -> flatten": FLATTENED,
    "3 * 1025 * -> 0 * ": OTHER_CLASSES,
    "3 * 1025 * -> 1025 * ": OTHER_CLASSES,
    "7, 1024, classes -> 7, 1024, 1000": FLATTENED,
}
NONE = "return [False] * 4 -> return None"  # instead of the answer's last line


@googlenet.question(
    "Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=(
        departed(False, False, True, False),
        departed(True, True, False, False),
        departed(True, False, True, False),
        departed(False, True, True, True, 10),
    ),
    draw=draw_impostor,
    slips={
        "return list(choice) -> return list(choice) if sum(choice) < 2 else [False] * "
        "4": ("Only single departures are tried; an impostor may combine several."),
        "return list(choice) -> return [not departs for departs in choice]": (
            "True and False are exchanged: True says that the network departs there."
        ),
        "return list(choice) -> return [*choice[:2], not bare, flattened]": (
            "The heads are taken for missing when they are there: without them "
            "6,379,728 are gone for 1,000 classes."
        ),
        "return list(choice) -> return [False, *choice[1:]]": (
            "The small kernels are overlooked: 3x3 for 5x5 takes 380,928 weights away."
        ),
        "return list(choice) -> return [small, False, *choice[2:]]": (
            "BatchNorm is overlooked: it brings 7,280 parameters, and 256 in the heads."
        ),
        "return list(choice) -> return [*choice[:2], False, flattened]": (
            "The heads that are gone are overlooked: for 1,000 classes they have "
            "6,379,728 parameters."
        ),
        "return list(choice) -> return [*choice[:3], False]": (
            "The flattened maps are overlooked: for 1,000 classes they bring "
            "49,152,000 weights."
        ),
        **SEARCHES,
        **{(slip, NONE): sentence for slip, sentence in SEARCHES.items()},
    },
    hints=(
        "Each departure is made or not: there are 16 networks, and each has a total of "
        "its own.",
        "3x3 for 5x5 takes 16 * #5x5 reduce * #5x5 weights from each module: 380,928. "
        "BatchNorm brings two parameters a map and takes the bias: 7,280 more, and 256 "
        "in the heads.",
        "The heads are two of your `auxiliary_parameters`: for 1,000 classes, "
        "6,379,728. Flattening adds the difference of your `head_parameters`: "
        "49,152,000.",
        "For other classes, 13,378,280 changes by 1,025 a class in each of three "
        "layers: the last one, and one in each auxiliary head.",
    ),
)
def googlenet_impostor(total, classes):
    """
    Networks called GoogLeNet have 3x3 kernels in the 5x5 branch, BatchNorm (two
    parameters a map) in place of every convolution's bias, no auxiliary heads, or
    flatten before the last layer. From the paper's 13,378,280 for 1,000 classes and
    your functions, tell from the total for `classes` classes which were done: four
    truth values in this order.

    The second total is a widely used one. Its authors know that the 5x5 branch is wrong
    and keep it, because weights were trained with it.
    """
    rows = [filters for _, _, _, filters, _, _ in TABLE_1]
    kernels = sum(16 * filters[3] * filters[4] for filters in rows)  # 25 - 9 weights
    maps = (
        64 + 64 + 192 + sum(sum(filters) for filters in rows)
    )  # conv1, conv2, modules
    heads = auxiliary_parameters(14, 512, classes)
    heads = heads + auxiliary_parameters(14, 528, classes)
    flatten, average = head_parameters(7, 1024, classes)
    paper = 13_378_280 + 3 * 1025 * (classes - 1000)
    for choice in product([False, True], repeat=4):
        small, normalised, bare, flattened = choice
        built = paper - small * kernels + normalised * maps
        built += flattened * (flatten - average)
        built += -heads if bare else normalised * 2 * 128
        if built == total:
            return list(choice)
    return [False] * 4
