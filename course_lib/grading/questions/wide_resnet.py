"""Ask for Wide ResNets: widths, layers, blocks, costs, times, gaps, impostors."""

import itertools
import math

from course_lib.grading.question import Chapter

wide_resnet = Chapter(
    "wide_resnet",
    title="Wide ResNet",
    about="They follow Zagoruyko and Komodakis (BMVC 2016): how wide the stages are, "
    "which layers the name counts, what a block and a whole network cost, and where "
    "the time of a step goes. At the end you can tell WRN-28-10 from its impostors.",
    enough="Plain Python is enough; a whole root is `math.isqrt`.",
    imports=("import itertools", "import math"),
    data=("CONVOLUTIONS", "MACS", "MILLISECONDS"),
)

# Five networks of an example, not the chapter's: convolutions, millions of
# multiply-adds a picture, milliseconds of a training step
CONVOLUTIONS = [100, 52, 28, 16, 10]
MACS = [240, 130, 230, 110, 250]
MILLISECONDS = [130.0, 69.0, 81.0, 42.0, 71.0]


@wide_resnet.question(
    "How wide is each stage?",
    points=1,
    returns="a list of whole numbers",
    visible=([16, 1, 3], [16, 10, 3], [16, 8, 4]),
    draw=lambda rng: [rng.randint(4, 40), rng.randint(2, 12), rng.randint(2, 6)],
    slips={
        "[maps, -> [maps * k,": (
            "The first convolution is widened, too; it keeps its maps whatever k is."
        ),
        "[maps, *(maps -> [*(maps": (
            "The first convolution is missing; its maps come first."
        ),
        "2**stage -> 2 * stage": "Each stage has twice the maps of the one before.",
        "2**stage -> (stage + 1)": "Each stage has twice the maps of the one before.",
        "2**stage -> 2 ** (stage + 1)": (
            "The first stage has k times the first convolution's maps; only the later "
            "ones double."
        ),
        "2**stage -> k**stage": "From stage to stage the maps double, whatever k is.",
        "k * 2**stage -> 2**stage": "The stages are not widened; k multiplies each.",
        "(maps * k -> (16 * k": (
            "The stages begin with 16 * k maps in yours, whatever `maps` is."
        ),
        "k * 2**stage -> k": "The maps don't grow from stage to stage; they double.",
        "k * 2**stage -> k // 2**stage": (
            "The maps are halved from stage to stage; they double."
        ),
        "* k * 2**stage -> + k * 2**stage": "k multiplies the maps; it is not added.",
        "k * 2**stage -> k * k * 2**stage": (
            "Maps grow with k; what grows with k squared are the weights."
        ),
    },
    hints=(
        "The first convolution has `maps` maps for any k.",
        "Stage 1 has `maps * k`, and each later stage twice as many as the one before.",
    ),
)
def wide_widths(maps, k, stages):
    """
    Return the numbers of maps of WRN's first convolution, `maps`, and then of each of
    its `stages` (table 1): k times those of a thin ResNet, whose first stage has as
    many maps as the first convolution and each later one twice those before.

    WRN-28-10 has 16, then 160, 320 and 640.
    """
    return [maps, *(maps * k * 2**stage for stage in range(stages))]


def draw_layers(rng):
    blocks = [rng.randint(1, 12) for _ in range(rng.randint(2, 5))]
    return [blocks, rng.randint(1, 4), rng.choice([1, 1, 2, 4, 10])]


@wide_resnet.question(
    "Which layers does the name count?",
    points=2,
    returns="a list `[name, built, thin]` of whole numbers",
    visible=([[4, 4, 4], 2, 10], [[6, 6, 6], 2, 1], [[2, 2, 2], 3, 2]),
    draw=draw_layers,
    slips={
        "if k > 1 else stages - 1 -> if k > 1 else stages": (
            "With k = 1 stage 1 does not project: its maps are those that come in."
        ),
        "if k > 1 else stages - 1 -> if k > 1 else 0": (
            "With k = 1 the later stages still project: they double the maps."
        ),
        "stages if k > 1 else stages - 1 -> stages - 1": (
            "With k > 1 stage 1 projects, too: its maps are not those that come in."
        ),
        "1 + inner + stages, -> 2 + inner,": (
            "The name counts as ResNet does, with the dense layer and no shortcut; "
            "WRN's counts convolutions, with one shortcut a stage."
        ),
        "1 + inner + stages, -> 1 + inner + projections,": (
            "The name is 6n + 4 for any k, even where a projection is not needed."
        ),
        "1 + inner + stages, -> 2 + inner + stages,": (
            "The name counts convolutions alone, not the dense layer."
        ),
        "1 + inner + projections -> 2 + inner + projections": (
            "The dense layer is no convolution."
        ),
        "1 + inner + projections -> inner + projections": (
            "The first convolution is missing among those that are built."
        ),
        "inner + stages, -> inner + stages - 1,": (
            "The first convolution is missing in the name's count."
        ),
        "2 + inner] -> 1 + inner]": ("ResNet's count has the dense layer, too."),
        "2 + inner] -> 2 + inner + stages]": ("ResNet's count has no shortcuts."),
        "2 + inner] -> 2 + inner + projections - stages]": (
            "ResNet's count has no shortcuts; where stage 1 has none, none comes off."
        ),
        "convolutions * sum(blocks) -> 2 * sum(blocks)": (
            "Two convolutions a block are taken for granted; `convolutions` says how "
            "many there are."
        ),
        "convolutions * sum(blocks) -> sum(blocks)": (
            "Each block is counted once; it has `convolutions` layers."
        ),
        "convolutions * sum(blocks) -> convolutions * blocks[0] * stages": (
            "All stages are taken to be like the first; each has its own number."
        ),
        "len(blocks) -> 3": "There are as many stages as `blocks` has numbers.",
    },
    hints=(
        "The blocks' convolutions are `convolutions * sum(blocks)`; all three counts "
        "contain them and the first convolution.",
        "The name adds one projection a stage, even where k = 1 needs none in stage 1; "
        "`built` has those that are there; `thin` has the dense layer instead.",
    ),
)
def layers_counted(blocks, convolutions, k):
    """
    A network has a first convolution, stages of `blocks[i]` blocks with `convolutions`
    layers each, a 1x1 projection where a stage changes the number of maps, and a dense
    layer. Return its depth by the paper's name, the convolutions built, and the depth
    as ResNet's authors count.

    The name counts the first convolution, those of the blocks, and one projection for
    each stage, whether it is built or not: 6n + 4 where n blocks a stage have two
    convolutions. Stage 1 reads the first convolution's maps and writes k times as many:
    where k = 1, no projection is built there. ResNet counts the first convolution, the
    blocks' and the dense layer, no shortcuts.
    """
    stages = len(blocks)
    inner = convolutions * sum(blocks)
    projections = stages if k > 1 else stages - 1
    return [1 + inner + stages, 1 + inner + projections, 2 + inner]


KERNELS = [[3, 3], [3, 1, 3], [1, 3, 1], [1, 3], [3, 1], [3, 1, 1], [3, 3, 3], [3]]


def draw_block(rng):
    maps = rng.randint(8, 320)
    maps_in = rng.choice([maps, rng.randint(7, maps - 1), rng.randint(maps + 1, 321)])
    return [maps_in, maps, rng.choice(KERNELS)]


@wide_resnet.question(
    "A block of any kernels",
    points=2,
    returns="a whole number",
    visible=([160, 160, [3, 3]], [16, 160, [3, 3]], [32, 32, [3, 1, 3]]),
    draw=draw_block,
    slips={
        "maps_in * maps if maps_in != maps else 0 -> 0": (
            "The projection is missing, where the number of maps changes."
        ),
        "maps_in * maps if maps_in != maps else 0 -> maps_in * maps": (
            "Every block projects; only one that changes the number of maps does."
        ),
        "if maps_in != maps -> if maps_in < maps": (
            "A block that gets narrower projects, too: wherever the numbers differ."
        ),
        "maps_in * maps if -> (maps_in + 2) * maps if": (
            "A BatchNorm follows the projection in yours; it is bare."
        ),
        "maps_in * maps if -> 9 * maps_in * maps if": (
            "The projection is a 1x1 convolution."
        ),
        "2 * maps_in + kernel -> kernel": "The BatchNorms are missing.",
        "2 * maps_in + kernel -> 2 * maps + kernel": (
            "A BatchNorm stands in front of its convolution and is as wide as what "
            "that reads."
        ),
        "2 * maps_in + kernel -> 4 * maps_in + kernel": (
            "BatchNorm counts four values a map; two of them, the averages, are not "
            "trained."
        ),
        "2 * maps_in + kernel -> maps_in + kernel": (
            "BatchNorm trains two parameters a map: a factor and a shift."
        ),
        "kernel**2 * maps_in * maps -> kernel * maps_in * maps": (
            "A kernel is as high as wide."
        ),
        "kernel**2 * maps_in * maps -> (kernel**2 * maps_in + 1) * maps": (
            "The convolutions have biases in yours; BatchNorm makes them superfluous."
        ),
        "kernel**2 * maps_in * maps -> kernel**2 * maps * maps": (
            "Each convolution is taken to read `maps` maps; the first reads `maps_in`."
        ),
        "        maps_in = maps ->         pass": (
            "Each convolution is taken to read `maps_in` maps; after the first they "
            "read what the one before wrote."
        ),
        "kernel**2 -> 9": "Each kernel is taken for 3x3; some are 1x1.",
    },
    hints=(
        "Keep the number of maps that comes in; after a convolution it is `maps`.",
        "Before each convolution stands a BatchNorm with `2 * maps_in` parameters.",
    ),
)
def block_parameters(maps_in, maps, kernels):
    """
    Return the trainable parameters of a block B(M) of section 3: one convolution for
    each side in `kernels`, all of `maps` filters, without biases. The block reads
    `maps_in` maps.

    In front of each convolution stand a BatchNorm, which trains a factor and a shift a
    map, and a ReLU. Where `maps_in` and `maps` differ, the shortcut is a bare 1x1
    convolution.
    """
    total = maps_in * maps if maps_in != maps else 0
    for kernel in kernels:
        total += 2 * maps_in + kernel**2 * maps_in * maps
        maps_in = maps
    return total


STEM = (
    "A BatchNorm follows the first convolution in yours; the first block's own is the "
    "first."
)
NO_NETWORK = "Where no WRN has that depth, the answer is 0."


def draw_name(rng):
    depth = 6 * rng.randint(1, 9) + rng.choice([4, 4, 4, 4, 2, 6, 7])
    k = rng.choice([1, rng.randint(2, 12), rng.randint(2, 12)])
    return [depth, k, rng.choice([10, rng.randint(2, 200), rng.randint(2, 200)])]


@wide_resnet.question(
    "WRN-28-10, to the parameter",
    points=3,
    returns="a whole number",
    visible=([28, 10, 10], [28, 10, 100], [40, 1, 10], [29, 10, 10]),
    draw=draw_name,
    slips={
        "return 0 -> blocks += 1": NO_NETWORK,
        "return 0 -> pass": NO_NETWORK,
        "if rest or blocks < 1 -> if depth % 2": NO_NETWORK,
        "total + 2 * maps + -> total + 256 * (k == 1) + 2 * maps +": (
            "With k = 1 stage 1 has no projection: its maps are those that come in."
        ),
        "divmod(depth - 4, 6) -> divmod(depth - 2, 6)": (
            "6n + 2 is ResNet's count; the depth of a WRN is 6n + 4."
        ),
        "27 * maps -> 9 * maps": (
            "The first convolution reads three colours: 27 weights a map."
        ),
        "27 * maps -> 28 * maps": "The first convolution has no biases.",
        "27 * maps -> 27 * maps + 2 * maps": STEM,
        "27 * maps -> 0": "The first convolution is missing.",
        "2 * maps + (maps + 1) * classes -> (maps + 1) * classes": (
            "The last BatchNorm is missing, in front of the average pooling."
        ),
        "2 * maps + (maps + 1) * classes -> 4 * maps + (maps + 1) * classes": (
            "The last BatchNorm counts four values a map; two of them, the averages, "
            "are not trained."
        ),
        "(maps + 1) * classes -> maps * classes": (
            "The dense layer's biases are missing."
        ),
        "2 * maps + (maps + 1) * classes -> 2 * maps": "The dense layer is missing.",
        "(maps + 1) * classes -> (maps + 1) * 10": (
            "Ten classes are taken for granted; there are `classes`."
        ),
        "            maps = width ->             pass": (
            "Every block is taken to read what the first convolution wrote."
        ),
        "for _ in range(blocks) -> for _ in range(2 * blocks)": (
            "n blocks a stage have two convolutions each; in yours there are 2n blocks."
        ),
        "wide_widths(16, k, 3) -> [16 * k, 16 * k, 32 * k, 64 * k]": (
            "The first convolution is widened, too; it has 16 maps whatever k is."
        ),
        "[3, 3] -> [1, 3, 1]": "The blocks are B(3,3), not bottlenecks.",
    },
    hints=(
        "`blocks, rest = divmod(depth - 4, 6)`; if something is left over, there is no "
        "such network.",
        "Your `wide_widths(16, k, 3)` and `block_parameters` do most of it: each block "
        "reads what the one before wrote.",
        "Before the blocks 27 weights for each of 16 maps, behind them a BatchNorm and "
        "a dense layer with biases.",
    ),
)
def wrn_parameters(depth, k, classes):
    """
    Return the trainable parameters of WRN-`depth`-`k` for colour pictures, or 0 if no
    WRN has that depth, 8 or more: 6n + 4. A 3x3 convolution of 16 maps; three stages of
    n blocks B(3,3), as above; BatchNorm and ReLU behind the last sum; averages; a dense
    layer.

    Only the dense layer has biases. The paper says 36.5M for WRN-28-10 and 8.9M for
    WRN-40-4.
    """
    blocks, rest = divmod(depth - 4, 6)
    if rest or blocks < 1:
        return 0
    maps, *widths = wide_widths(16, k, 3)
    total = 27 * maps
    for width in widths:
        for _ in range(blocks):
            total += block_parameters(maps, width, [3, 3])
            maps = width
    return total + 2 * maps + (maps + 1) * classes


def draw_stage(rng):
    k = rng.randint(2, 12)
    return [rng.randint(4, 40), rng.randint(4, 64), rng.randint(1, 12), k]


@wide_resnet.question(
    "What grows with k?",
    points=2,
    returns="a list `[weights, macs, values, steps]` of whole numbers",
    visible=([32, 16, 4, 1], [32, 16, 4, 10], [8, 64, 1, 2]),
    draw=draw_stage,
    slips={
        "18 * blocks * (maps * k) ** 2 -> 18 * blocks * maps**2 * k": (
            "Weights grow with k squared: k times the maps read, k times those written."
        ),
        "18 * blocks * (maps * k) ** 2 -> 18 * blocks * (maps * k) ** 2 - 9 * maps * k "
        "* maps * (k - 1)": (
            "All convolutions of the stage read `maps * k` maps, the first one, too."
        ),
        "18 * blocks * (maps * k) ** 2 -> 9 * blocks * (maps * k) ** 2": (
            "A block has two convolutions; one is counted in yours."
        ),
        "18 * blocks * (maps * k) ** 2 -> 18 * (maps * k) ** 2": (
            "One block is counted; there are `blocks`."
        ),
        "weights * side**2, -> weights * side,": (
            "The map is as high as wide: each weight is used side * side times."
        ),
        "weights * side**2, -> 2 * weights * side**2,": (
            "A MAC, a product and its addition, counts once."
        ),
        "2 * blocks * side**2 * maps * k -> 2 * blocks * side**2 * maps * k**2": (
            "The values written grow with k, not with its square: k times the maps."
        ),
        "2 * blocks * side**2 * maps * k -> blocks * side**2 * maps * k": (
            "Each of a block's two convolutions writes its maps."
        ),
        "2 * blocks * side**2 * maps * k -> 2 * side**2 * maps * k": (
            "The values of one block are counted; there are `blocks`."
        ),
        "2 * blocks * side**2 * maps * k -> 2 * blocks * side**2 * maps": (
            "Each convolution writes k times as many maps."
        ),
        "2 * blocks] -> 2 * blocks * k]": (
            "Width adds no steps: a wider convolution is still one."
        ),
        "2 * blocks] -> blocks]": "A block's two convolutions wait for each other.",
        "2 * blocks] -> 1]": "Each convolution waits for the one before it.",
        "18 * blocks * (maps * k) ** 2 -> 2 * blocks * (9 * maps * k + 1) * maps * k": (
            "The convolutions have no biases."
        ),
        "2 * blocks * side**2 * maps * k -> 2 * blocks * side**2": (
            "The values of one map are counted."
        ),
    },
    hints=(
        "One 3x3 convolution that reads and writes `maps * k` maps has "
        "`9 * (maps * k) ** 2` weights.",
        "Each weight is used once at every place. Each convolution writes "
        "`side**2 * maps * k` values, and waits for the one before.",
    ),
)
def stage_costs(side, maps, blocks, k):
    """
    A stage has `blocks` blocks B(3,3) that read and write `maps * k` maps of `side` x
    `side` places, without projections. Of its convolutions alone, without biases,
    return the weights, the multiply-adds for one picture, the values that they write
    for one, and the steps, one for each convolution: they wait for each other in turn.

    Look at k = 1 and k = 10: two numbers grow a hundredfold, one tenfold, one not at
    all.
    """
    weights = 18 * blocks * (maps * k) ** 2
    return [weights, weights * side**2, 2 * blocks * side**2 * maps * k, 2 * blocks]


def draw_exchange(rng):
    """Return stages of which most lie just below a whole root: rounding shows."""
    while True:
        few = rng.randint(1, 8)
        blocks, maps = rng.randint(few + 1, 40), rng.randint(4, 200)
        if math.sqrt(blocks * maps**2 / few) % 1 > 0.5 or rng.random() < 0.3:
            return [blocks, maps, few]


@wide_resnet.question(
    "The same cost with fewer blocks",
    points=2,
    returns="a whole number",
    visible=([16, 16, 1], [16, 16, 4], [6, 16, 1], [9, 64, 4]),
    draw=draw_exchange,
    slips={
        "math.isqrt(blocks * maps**2 // few) -> blocks * maps // few": (
            "Multiply-adds grow with the square of the maps: half of the blocks don't "
            "allow twice the maps."
        ),
        "return math -> return 1 + math": (
            "That costs more; the root is to be rounded down."
        ),
        "math.isqrt(blocks * maps**2 // few) -> round(maps * math.sqrt(blocks / "
        "few))": ("The root is rounded to the nearest number, which may cost more."),
        "math.isqrt(blocks * maps**2 // few) -> maps * math.isqrt(blocks // few)": (
            "The factor is rounded before it is multiplied by the maps."
        ),
        "math.isqrt(blocks * maps**2 // few) -> math.isqrt(blocks * maps // few)": (
            "The root of the maps is taken, too; only blocks / few stands below it."
        ),
        "math.isqrt(blocks * maps**2 // few) -> math.isqrt(blocks * maps**2 // few) "
        "// 16 * 16": "Any number of maps will do, not multiples of 16 alone.",
        "math.isqrt(blocks * maps**2 // few) -> math.isqrt(few * maps**2 // blocks)": (
            "Blocks are exchanged: with fewer of them the maps become more."
        ),
        "math.isqrt(blocks * maps**2 // few) -> math.ceil(maps * math.sqrt(blocks / "
        "few))": ("The root is rounded up; that may cost more."),
        "math.isqrt(blocks * maps**2 // few) -> maps * blocks": (
            "Multiply-adds grow with the square of the maps."
        ),
        "math.isqrt(blocks * maps**2 // few) -> blocks * maps**2 // few": (
            "That is the square of the maps; take its root."
        ),
        "math.isqrt(blocks * maps**2 // few) -> maps": (
            "The maps stay as they are; then the smaller network costs less."
        ),
    },
    hints=(
        "A block's multiply-adds are the square of its maps, times what is the same "
        "for both.",
        "`blocks * maps**2` may not be exceeded by `few * wide**2`: a whole root.",
    ),
)
def equal_cost_maps(blocks, maps, few):
    """
    A stage has `blocks` blocks B(3,3) of `maps` maps. Make it of `few` blocks instead:
    return the largest number of maps with which its convolutions have no more
    multiply-adds than before.

    All of them read and write that number of maps, on maps of the same size; there are
    no projections.
    """
    return math.isqrt(blocks * maps**2 // few)


def draw_times(rng):
    """Return networks whose times follow the two causes, with some noise."""
    each, slope = rng.uniform(0.2, 3), rng.uniform(0.05, 0.6)
    count = rng.randint(3, 6)
    layers = rng.sample(range(8, 120), count)
    macs = rng.sample(range(20, 400), count)
    pairs = zip(layers, macs, strict=True)
    times = [(each * n + slope * m) * rng.uniform(0.9, 1.1) for n, m in pairs]
    return [layers, macs, [round(time, 1) for time in times]]


def averaged(layers, macs, times):
    """Solve each pair of networks, and average the solutions: a mistake."""
    networks = zip(layers, macs, times, strict=True)
    solutions = []
    for (n, m, t), (other_n, other_m, other_t) in itertools.combinations(networks, 2):
        det = n * other_m - other_n * m
        if det:
            each = (t * other_m - other_t * m) / det
            solutions.append((each, (n * other_t - other_n * t) / det))
    return [sum(values) / len(solutions) for values in zip(*solutions, strict=True)]


@wide_resnet.question(
    "Two causes of time",
    points=3,
    returns="a list `[layer, mac]` of numbers",
    visible=(
        [[100, 10], [100, 100], [60.0, 15.0]],
        [CONVOLUTIONS, MACS, MILLISECONDS],
    ),
    draw=draw_times,
    slips={
        "nm**2 -> 0": (
            "The causes are fitted one without the other; a deep network may have many "
            "MACs, too, so both must be found together."
        ),
        "(nt * mm - mt * nm) / det, (mt * nn - nt * nm) / det -> nt / nn, mt / mm": (
            "The causes are fitted one without the other; each then takes the other's "
            "time, too."
        ),
        "[(nt * mm - mt * nm) / det, (mt * nn - nt * nm) / det] -> [(mt * nn - nt * "
        "nm) / det, (nt * mm - mt * nm) / det]": (
            "The two numbers are exchanged: time a layer comes first."
        ),
        "(nt * mm - mt * nm) / det, (mt * nn - nt * nm) / det -> sum(times) / "
        "sum(layers), sum(times) / sum(macs)": (
            "All of the time is given to each cause; they share it."
        ),
        "(nt * mm - mt * nm) / det, (mt * nn - nt * nm) / det -> sum(t / n for n, t in "
        "zip(layers, times)) / len(times), sum(t / m for m, t in zip(macs, times)) / "
        "len(times)": "All of the time is given to each cause; they share it.",
        "zip(layers, macs, times, strict=True) -> ((n / t, m / t, 1) for n, m, t in "
        "zip(layers, macs, times))": (
            "The squares of the relative errors are made smallest; those of the "
            "differences in milliseconds are to be."
        ),
        averaged: (
            "Pairs of networks are solved and the solutions averaged; least squares "
            "fit all networks at once."
        ),
        "(nt * mm - mt * nm) / det -> (nt * mm + mt * nm) / det": (
            "A sign is turned round in the first number."
        ),
        "(mt * nn - nt * nm) / det -> (mt * nn + nt * nm) / det": (
            "A sign is turned round in the second number."
        ),
        "nn * mm - nm**2 -> nn * mm + nm**2": "A sign is turned round in what divides.",
        "zip(layers, macs, times, strict=True) -> "
        "zip(layers[:2], macs[:2], times[:2])": (
            "Only two networks are used; all of them count."
        ),
        "zip(layers, macs, times, strict=True) -> "
        "list(zip(layers, macs, times))[-2:]": (
            "Only two networks are used; all of them count."
        ),
        "zip(layers, macs, times, strict=True) -> [(layers[0], macs[0], times[0]), "
        "(layers[-1], macs[-1], times[-1])]": (
            "Only two networks are used; all of them count."
        ),
    },
    hints=(
        "With sums over the networks, the least squares solve "
        "`a * Σnn + b * Σnm = Σnt` and `a * Σnm + b * Σmm = Σmt`, where n are the "
        "layers, m the MACs and t the times.",
        "Their determinant is `Σnn * Σmm - Σnm**2`; then "
        "`a = (Σnt * Σmm - Σmt * Σnm) / determinant`.",
        "And `b = (Σmt * Σnn - Σnt * Σnm) / determinant`.",
    ),
)
def two_causes(layers, macs, times):
    """
    A step takes `layer` for each layer that waits for another, and `mac` for each
    million multiply-adds: time = layer * layers + mac * macs. Find both for the given
    networks by least squares: of all pairs of numbers, they make the sum of the squared
    differences between `times` and this formula smallest.

    There the sum's derivative by each of the two is 0: two equations. There is no
    constant term. Times are in milliseconds, so that the answers are
    milliseconds a layer and a million. In the first case two networks fit exactly: 90
    layers more take 45 ms more.
    """
    nn = nm = mm = nt = mt = 0
    for n, m, t in zip(layers, macs, times, strict=True):
        nn, nm, mm = nn + n * n, nm + n * m, mm + m * m
        nt, mt = nt + n * t, mt + m * t
    det = nn * mm - nm**2
    return [(nt * mm - mt * nm) / det, (mt * nn - nt * nm) / det]


def draw_order(rng):
    """Return the order of a block of one to four convolutions, each behind anything."""
    fronts = ["BN ReLU", "BN ReLU", "BN", "ReLU", "ReLU BN", ""]
    names = [f"{rng.choice(fronts)} conv" for _ in range(rng.choice([1, 2, 2, 3, 4]))]
    ends = ["+", "+", "BN +", "BN + ReLU", "+ BN ReLU"]
    return [" ".join(" ".join([*names, rng.choice(ends)]).split())]


def last_alone(order):
    """Put one dropout in front of the last convolution, even if alone: a mistake."""
    head, conv, tail = order.rpartition("conv")
    return f"{head}dropout {conv}{tail}"


def replaced(order):
    """Replace one text, which occurs only in one order, and not twice in a row."""
    return order.replace("conv BN ReLU conv", "conv BN ReLU dropout conv")


@wide_resnet.question(
    "Where dropout stands",
    points=1,
    returns="a string",
    visible=(
        ["BN ReLU conv BN ReLU conv +"],
        ["BN ReLU conv BN ReLU conv BN ReLU conv +"],
        ["BN ReLU conv +"],
    ),
    draw=draw_order,
    slips={
        'seen and name == "conv" -> name == "conv"': (
            "Dropout stands in front of the first convolution, too; it stands between "
            "convolutions."
        ),
        'if seen and name == "conv" -> if name == "+"': (
            "Dropout stands in front of the sum; it stands between convolutions."
        ),
        'if seen and name == "conv" -> rest = order.split()[len(result) - '
        'result.count("dropout") :]\n        if result[-1:] == ["conv"] and "conv" in '
        "rest": (
            "Dropout stands right behind a convolution, before BatchNorm and ReLU; it "
            "stands right in front of the next convolution."
        ),
        'if seen and name == "conv" -> if seen and name == "conv" and result[-1] == '
        '"ReLU"': (
            "A dropout is missing where no ReLU stands in front of the convolution; it "
            "belongs in front of each but the first."
        ),
        last_alone: (
            "One dropout stands in front of the last convolution in yours; there is "
            "one between each two, and none where there is one convolution."
        ),
        'return " ".join(result) -> return " ".join(order.split() + ["dropout"])': (
            "Dropout stands on the way, behind the sum; the paper keeps it off the "
            "shortcut."
        ),
        "result.append(name) -> result += [name, 'dropout'] if name == '+' else "
        "[name]": ("Dropout stands behind the sum, too, on the way."),
        replaced: (
            "`replace` finds no overlapping texts and no other order of layers: go "
            "through the names one by one."
        ),
        "result.append(name) -> result += [name, 'dropout'] if name == 'ReLU' else "
        "[name]": "Not every ReLU has a dropout behind it.",
        'return " ".join(result) -> return result': (
            "That is a list; join the names into a string."
        ),
        'return " ".join(result) -> return " ".join(result).replace("dropout", "", '
        'max(0, result.count("dropout") - 1)).replace("  ", " ")': (
            "Of several places only one gets a dropout; between any two convolutions "
            "stands one."
        ),
        'seen = seen or name == "conv" -> seen = name == "conv"': (
            "A dropout is missing where other layers stand between two convolutions."
        ),
    },
    hints=(
        "Go through `order.split()` and note whether a convolution has been passed.",
        "Put `dropout` right in front of each `conv` but the first.",
    ),
)
def with_dropout(order):
    """
    A block's `order` names its layers, `+` the sum. Return the order with `dropout`
    between each two neighbouring convolutions, right in front of the second of them, as
    in section 2.4; everything else stays, with one blank between names.

    A block of one convolution has no such place.
    """
    result = []
    seen = False
    for name in order.split():
        if seen and name == "conv":
            result.append("dropout")
        result.append(name)
        seen = seen or name == "conv"
    return " ".join(result)


def draw_gap(rng):
    pictures = rng.choice([1000, 5000, 10_000, 26_032, 50_000])
    first, second = (rng.randint(pictures // 2, pictures) for _ in range(2))
    return [100 * first / pictures, 100 * second / pictures, pictures]


@wide_resnet.question(
    "How many pictures apart?",
    points=1,
    returns="a list `[apart, error]`, a whole number and a number,",
    visible=([78.468, 78.312, 50_000], [95.0, 95.5, 10_000]),
    draw=draw_gap,
    slips={
        "abs(right - other) -> (right - other)": (
            "The number of pictures apart has no sign."
        ),
        "* pictures / 100) -> * pictures)": (
            "Per cent are not divided by 100 in the number of pictures."
        ),
        "100 * math.sqrt -> math.sqrt": "The error is asked for in points of per cent.",
        "share * (1 - share) / pictures -> share * (1 - share)": (
            "That is the spread of one picture; the more pictures, the smaller the "
            "error of their mean."
        ),
        "share * (1 - share) / pictures -> share / pictures": (
            "The share of wrong ones is left out: the variance is share * (1 - share)."
        ),
        "math.sqrt(share * (1 - share) / pictures) -> share * (1 - share) / pictures": (
            "That is the variance; the standard error is its root."
        ),
        "share * (1 - share) / pictures -> share * (1 - share) / (pictures - 1)": (
            "One picture is taken off; divide by all of them."
        ),
        "share = right / 100 -> share = other / 100": (
            "The error is that of the second network; the first one's is asked for."
        ),
        "share = right / 100 -> share = 0.5": (
            "The share is taken for a half; it is that of the first network."
        ),
        "share * (1 - share) / pictures -> (share * (1 - share) + other / 100 * (1 - "
        "other / 100)) / pictures": (
            "That is the error of a difference; that of the first number is asked for."
        ),
        "* math.sqrt(share -> * math.sqrt(2 * share": (
            "That is the error of a difference; that of the first number is asked for."
        ),
        "share = right / 100 -> share = abs(right - other) / 100": (
            "The error of the gap's share is taken; that of the first number is asked "
            "for."
        ),
        "round(abs(right - other) * pictures / 100) -> int(abs(right - other) * "
        "pictures / 100)": ("The number of pictures is cut off; round it."),
        "round(abs(right - other) * pictures / 100) -> int(abs(right - other) / 100 * "
        "pictures)": "The number of pictures is cut off; round it.",
    },
    hints=(
        "The first number is the gap's share of the pictures, rounded.",
        "A share p of n pictures has the standard error `sqrt(p * (1 - p) / n)`; times "
        "100 in points.",
    ),
)
def pictures_apart(right, other, pictures):
    """
    Two networks have `right` and `other` per cent of `pictures` test pictures right.
    Return by how many pictures they differ, and the standard error of the first
    percentage, in points: that of the share of heads if a coin that falls on heads in
    `right` per cent of all throws is thrown `pictures` times.

    The first case is WRN-50-2 and ResNet-152 by torchvision: is the gap larger than the
    error?
    """
    share = right / 100
    apart = round(abs(right - other) * pictures / 100)
    return [apart, 100 * math.sqrt(share * (1 - share) / pictures)]


DEPTHS = "Impostors of another depth are not found: try other numbers of blocks, too."
BARE = (
    "Networks without projections are not found: each of the three stages has one, a "
    "bare 1x1: the maps that it reads times those that it writes."
)
THREE = (
    "itertools.product([True, False], repeat=2) -> [(True, True), (False, True), "
    "(False, False)]"
)
UNHEADED = (
    "Networks with their projections, but without the last BatchNorm, are not found."
)
HEADLESS = (
    "Networks without the last BatchNorm are not found: it has 2 parameters for each "
    "of 64 * k maps."
)


def departed(depth, k, classes, projected, headed):
    """Return the case of a network, with its projections and last BatchNorm or not."""
    maps = wide_widths(16, k, 3)
    total = wrn_parameters(depth, k, classes)
    if not projected:
        total -= sum(one * two for one, two in itertools.pairwise(maps))
    if not headed:
        total -= 2 * maps[-1]
    return [k, classes, total]


def draw_impostor(projected, headed):
    """Return a function that draws a network of any depth with these parts."""

    def draw(rng):
        classes = rng.choice([10, 100, rng.randint(2, 50)])
        depth = rng.choice(
            [100, 6 * rng.randint(1, 16) + 4, 6 * rng.randint(1, 16) + 4]
        )
        return departed(depth, rng.randint(2, 12), classes, projected, headed)

    return draw


BOTH, HEAD = draw_impostor(False, False), draw_impostor(True, False)  # left out


@wide_resnet.question(
    "Find the impostor",
    points=3,
    returns="a list `[depth, projected, headed]`, a whole number and two truth values,",
    visible=(
        [10, 10, 36_479_194],
        [10, 10, 84_885_594],
        [10, 10, 45_901_914],
        departed(16, 8, 100, False, False),
    ),
    draw=(BOTH, BOTH, HEAD, HEAD, draw_impostor(False, True)),
    slips={
        "range(10, 101, 6) -> [28]": DEPTHS,
        "range(10, 101, 6) -> range(10, 41, 6)": (
            "Only depths up to 40 are tried; there are deeper impostors."
        ),
        "range(10, 101, 6) -> range(10, 100, 6)": "A depth of 100 is possible, too.",
        (
            "range(10, 101, 6) -> range(10, 100, 6)",
            "return [] -> return [0, False, False]",
        ): "A depth of 100 is possible, too.",
        "range(10, 101, 6) -> range(1, 16)": (
            "The blocks a stage are returned; the depth is 6n + 4."
        ),
        "[depth, projected, headed] -> [(depth - 4) // 6, projected, headed]": (
            "The blocks a stage are returned; the depth is 6n + 4."
        ),
        "[depth, projected, headed] -> [depth if projected else depth - 3, projected, "
        "headed]": (
            "The layers that are left are returned; the depth is that of the same "
            "network with its projections."
        ),
        THREE: UNHEADED,
        (THREE, "return [] -> return [0, False, False]"): UNHEADED,
        "itertools.product([True, False], repeat=2) -> [(True, True)]": (
            "Networks that leave something out are not found: the projections, the "
            "last BatchNorm, or both."
        ),
        "[depth, projected, headed] -> [depth - 2, projected, headed]": (
            "The depth is counted as ResNet does; WRN's is 6n + 4, projections and all."
        ),
        "[depth, projected, headed] -> [depth, headed, projected]": (
            "The truth values are exchanged: projections come first."
        ),
        "[depth, projected, headed] -> [depth, not projected, not headed]": (
            "The truth values say what is left out; they are to say what is there."
        ),
        "if not projected: -> if False:": BARE,
        "if not headed: -> if False:": HEADLESS,
        "2 * maps[-1] -> 2 * 64": HEADLESS,
        "2 * maps[-1] -> 4 * maps[-1]": HEADLESS,
        "one * two -> one * two if one * k != two else 0": BARE,
        "one * two -> one * two * 9": BARE,
        "one * two -> one * two + 2 * two": BARE,
        "itertools.pairwise(maps) -> itertools.pairwise(maps[1:])": BARE,
        "expected == parameters -> expected == parameters and (projected or headed)": (
            "Only one part left out is tried; both may be."
        ),
        "wrn_parameters(depth, k, classes) -> wrn_parameters(depth, k, 10)": (
            "Ten classes are taken for granted; there are `classes`."
        ),
    },
    hints=(
        "Your `wrn_parameters` gives the honest total of every depth: try 10, 16, 22 "
        "and so on.",
        "Without projections `maps_in * maps` less for each of three stages; without "
        "the last BatchNorm 2 for each of 64 * k maps less.",
    ),
)
def wrn_impostor(k, classes, parameters):
    """
    A network called WRN has `parameters` trainable parameters. Tell what was built: a
    depth of 10 to 100 layers, 6n + 4; whether the stages have their projections; and
    whether the last BatchNorm is there. k is 2 or more.

    A network without projections has the depth that it would have with all three. The
    first three cases were called WRN-28-10, and the first is it: the second has as many
    blocks as a comment in an old model collection asked for, the third was counted in
    the code of a well-known contest.
    """
    maps = wide_widths(16, k, 3)
    for depth in range(10, 101, 6):
        for projected, headed in itertools.product([True, False], repeat=2):
            expected = wrn_parameters(depth, k, classes)
            if not projected:
                expected -= sum(one * two for one, two in itertools.pairwise(maps))
            if not headed:
                expected -= 2 * maps[-1]
            if expected == parameters:
                return [depth, projected, headed]
    return []
