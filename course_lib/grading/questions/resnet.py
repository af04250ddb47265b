"""Ask for ResNet: the block, its shortcuts, the bottleneck, the five columns, He's weights, its impostors."""

import itertools
import math
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

OFFERS = ("output_size",)  # of `arithmetic`: these exercises import it

resnet = partial(Question, chapter="resnet")

BASIC, BOTTLENECK = [3, 3], [1, 3, 1]


# Depth


def resnet_depth(kernels, blocks):
    return 2 + len(kernels) * sum(blocks)


def _draw_depth(rng):
    return [rng.choice([BASIC, BOTTLENECK]), [rng.randint(2, 12) for _ in range(4)]]


RESNET_DEPTH = resnet(
    name="resnet_depth",
    title="The number in the name",
    points=1,
    returns="a whole number",
    visible=([BASIC, [2, 2, 2, 2]], [BOTTLENECK, [3, 4, 23, 3]]),
    draw=_draw_depth,
    reference=resnet_depth,
    mistakes={
        "The stem and the dense layer are missing; both have weights and count.": (
            lambda kernels, blocks: len(kernels) * sum(blocks)
        ),
        "The dense layer at the end is missing; it counts.": (
            lambda kernels, blocks: 1 + len(kernels) * sum(blocks)
        ),
        "Pooling is counted; only layers with weights are.": (
            lambda kernels, blocks: 4 + len(kernels) * sum(blocks)
        ),
        "The projections of the shortcuts are counted; the number is that of the longest path.": (
            lambda kernels, blocks: (
                2 + len(kernels) * sum(blocks) + len(blocks) - (kernels == BASIC)
            )
        ),
        "Every block has two layers; a bottleneck has three.": lambda kernels, blocks: (
            2 + 2 * sum(blocks)
        ),
        "That is the number of blocks; each has one layer for each of its kernels.": (
            lambda kernels, blocks: 2 + sum(blocks)
        ),
    },
    hints=(
        "Count layers with weights on the longest path from the picture to the classes.",
        "`sum(blocks)` blocks of `len(kernels)` convolutions, the stem in front, the dense layer behind.",
    ),
)


# The block


def residual_block(x, w1, w2):
    return [_relu(value + w2 * _relu(w1 * value)) for value in x]


def _relu(value):
    return max(value, 0.0)


def _draw_block(rng):
    values = [round(rng.uniform(-3, 3), 2) for _ in range(rng.randint(4, 9))]
    return [values, *(rng.choice([-1, 1]) * rng.uniform(0.2, 2) for _ in range(2))]


RESIDUAL_BLOCK = resnet(
    name="residual_block",
    title="A residual block",
    points=2,
    returns="a list of numbers, as long as `x`,",
    visible=(
        [[1.0, -2.0, 3.0], 0.5, -0.5],
        [[1.0, -2.0, 3.0], 0.0, 0.0],
        [[1.0, -2.0, 3.0], -1.0, 2.0],
    ),
    draw=_draw_block,
    reference=residual_block,
    mistakes={
        "That is a plain block; the shortcut adds x to what the branch makes.": (
            lambda x, w1, w2: [_relu(w2 * _relu(w1 * v)) for v in x]
        ),
        "The ReLU after the addition is missing (figure 2).": (
            lambda x, w1, w2: [v + w2 * _relu(w1 * v) for v in x]
        ),
        "The second ReLU comes before the addition; in figure 2 it comes after.": (
            lambda x, w1, w2: [v + _relu(w2 * _relu(w1 * v)) for v in x]
        ),
        "The ReLU between the two weights is missing; without it, the branch is linear.": (
            lambda x, w1, w2: [_relu(v + w2 * w1 * v) for v in x]
        ),
        "The branch is subtracted; it is added.": (
            lambda x, w1, w2: [_relu(v - w2 * _relu(w1 * v)) for v in x]
        ),
        "Branch and shortcut are multiplied; they are added.": (
            lambda x, w1, w2: [_relu(v * w2 * _relu(w1 * v)) for v in x]
        ),
    },
    hints=(
        "Three steps: the branch F(x), the sum F(x) + x, and a ReLU of the sum.",
        "The branch of a value v is `w2 * max(w1 * v, 0)`.",
        "Return `max(v + w2 * max(w1 * v, 0), 0)` for each v of x.",
    ),
)


# Shortcuts


def shortcut_parameters(option, in_channels, filters, stride):
    changes = stride > 1 or in_channels != filters
    if option == "C" or (option == "B" and changes):
        projection = arithmetic.conv2d_parameters(1, in_channels, filters, bias=False)
        return projection + arithmetic.normalization_parameters(filters)
    return 0


def _projected(change):
    """Return the shortcut's parameters where it projects, changed by `change(parameters, c, f)`."""

    def wrong(option, in_channels, filters, stride):
        parameters = shortcut_parameters(option, in_channels, filters, stride)
        return change(parameters, in_channels, filters) if parameters else 0

    return wrong


def _by_stride(option, in_channels, filters, stride):
    overlooked = option == "B" and stride == 1
    return (
        0 if overlooked else shortcut_parameters(option, in_channels, filters, stride)
    )


def _by_maps(option, in_channels, filters, stride):
    overlooked = option == "B" and in_channels == filters
    return (
        0 if overlooked else shortcut_parameters(option, in_channels, filters, stride)
    )


def _draw_shortcut(rng):
    """Return one of 15 cases: as none is drawn twice, twelve of them hold all five kinds."""
    maps = rng.choice([128, 256, 512])
    same, wider, smaller, both = (maps, 1), (4 * maps, 1), (maps, 2), (2 * maps, 2)
    kinds = [("A", both), ("B", same), ("B", wider), ("B", smaller), ("C", same)]
    option, shape = rng.choice(kinds)
    return [option, maps, *shape]


SHORTCUT_PARAMETERS = resnet(
    name="shortcut_parameters",
    title="Shortcuts A, B and C",
    points=2,
    returns="a whole number",
    visible=(
        ["B", 64, 128, 2],
        ["B", 64, 64, 1],
        ["B", 64, 256, 1],
        ["B", 64, 64, 2],
        ["C", 64, 64, 1],
        ["A", 64, 128, 2],
    ),
    draw=_draw_shortcut,
    reference=shortcut_parameters,
    mistakes={
        "B projects in every block; it projects where the shape changes. Projecting always is C.": (
            lambda o, c, f, s: shortcut_parameters("C" if o == "B" else o, c, f, s)
        ),
        "C projects where the shape changes only; that is B.": (
            lambda o, c, f, s: shortcut_parameters("B" if o == "C" else o, c, f, s)
        ),
        "A projects too; it pads with maps of zeros and has nothing to train.": (
            lambda o, c, f, s: shortcut_parameters("B" if o == "A" else o, c, f, s)
        ),
        "B projects where the stride is 2 only. More filters change the shape, too: 64 to 256 at stride 1.": (
            _by_stride
        ),
        "B projects where the maps grow only. A stride of 2 changes the shape, too: it halves the side.": (
            _by_maps
        ),
        "BatchNorm is missing: it follows the projection, with two parameters a map.": _projected(
            lambda p, c, f: c * f
        ),
        "The projection has biases; no convolution in front of a BatchNorm has.": _projected(
            lambda p, c, f: p + f
        ),
        "The projection is 3x3; it is 1x1.": _projected(lambda p, c, f: p + 8 * c * f),
    },
    hints=(
        "First decide whether the shortcut projects: never, where the shape changes, or always.",
        "The shape changes if `stride > 1` or `in_channels != filters`.",
        "A projection has `in_channels * filters` weights; its BatchNorm has `2 * filters` parameters.",
    ),
)


# The bottleneck


def bottleneck_macs(side, channels):
    reduced = channels // 4
    two = 2 * arithmetic.conv2d_macs(side, 3, channels, channels)
    steps = ((1, channels, reduced), (3, reduced, reduced), (1, reduced, channels))
    return [two, sum(arithmetic.conv2d_macs(side, *step) for step in steps)]


def _bottleneck(change):
    """Return both counts, the second changed by `change(positions, channels, channels // 4)`."""
    return lambda side, c: [bottleneck_macs(side, c)[0], change(side**2, c, c // 4)]


BOTTLENECK_MACS = resnet(
    name="bottleneck_macs",
    title="The bottleneck",
    points=2,
    returns="a list `[two_3x3, bottleneck]` of whole numbers",
    visible=([56, 256], [14, 1024]),
    draw=lambda rng: [rng.randint(4, 64), 4 * rng.randint(4, 256)],
    reference=bottleneck_macs,
    mistakes={
        "The 3x3 in the middle reads all the maps; it reads a quarter.": _bottleneck(
            lambda area, c, r: area * (c * r + 9 * c * r + r * c)
        ),
        "The last 1x1 is missing: it restores the number of maps.": _bottleneck(
            lambda area, c, r: area * (c * r + 9 * r * r)
        ),
        "The kernels' area is missing: a 3x3 has nine weights for each pair of maps.": lambda side, c: [
            side**2 * 2 * c * c,
            side**2 * (2 * c * (c // 4) + (c // 4) ** 2),
        ],
        "The maps are halved in the middle; they are divided by four.": _bottleneck(
            lambda area, c, r: area * (2 * c * (c // 2) + 9 * (c // 2) ** 2)
        ),
        "A single 3x3 is counted in the first number; a basic block has two.": lambda side, c: [
            bottleneck_macs(side, c)[0] // 2,
            bottleneck_macs(side, c)[1],
        ],
        "Those are weights; each works at `side * side` positions.": lambda side, c: (
            bottleneck_macs(1, c)
        ),
    },
    hints=(
        "A convolution has `side**2 * kernel**2 * maps_in * maps_out` MACs.",
        "The first number: two 3x3, from `channels` to `channels`.",
        "The second number: 1x1 to `channels // 4`, 3x3 from there to as many, 1x1 back to `channels`.",
    ),
)


# A block's counts


def block_counts(kernels, filters, in_channels, size, stride, shortcut):
    return _block(kernels, filters, in_channels, size, stride, shortcut)


def _block(
    kernels,
    filters,
    in_channels,
    size,
    stride,
    shortcut,
    *,
    strided=0,
    bias=False,
    norm=2,
):
    """Return `[parameters, macs]`; the stride is in the convolution `strided`, a map's norm has `norm`."""
    parameters = macs = 0
    side, maps = size, in_channels
    for i, (kernel, out) in enumerate(zip(kernels, filters, strict=True)):
        side = arithmetic.output_size(
            side, kernel, stride if i == strided else 1, padding=kernel // 2
        )
        parameters += (
            arithmetic.conv2d_parameters(kernel, maps, out, bias=bias) + norm * out
        )
        macs += arithmetic.conv2d_macs(side, kernel, maps, out)
        maps = out
    if shortcut_parameters(shortcut, in_channels, maps, stride):
        parameters += (
            arithmetic.conv2d_parameters(1, in_channels, maps, bias=bias) + norm * maps
        )
        macs += arithmetic.conv2d_macs(side, 1, in_channels, maps)
    return [parameters, macs]


def _draw_block_counts(rng):
    maps = 8 * rng.randint(1, 16)
    kernels, filters = rng.choice(
        [(BASIC, [maps, maps]), (BOTTLENECK, [maps, maps, 4 * maps])]
    )
    in_channels, stride = rng.choice(
        [(filters[-1], 1), (filters[-1] // 2, 2), (maps, 1)]
    )
    return [
        kernels,
        filters,
        in_channels,
        rng.randint(8, 57),
        stride,
        rng.choice("ABC"),
    ]


BLOCK_COUNTS = resnet(
    name="block_counts",
    title="What a block costs",
    points=3,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=(
        [BASIC, [64, 64], 64, 56, 1, "B"],
        [BASIC, [128, 128], 64, 56, 2, "B"],
        [BOTTLENECK, [128, 128, 512], 256, 56, 2, "B"],
    ),
    draw=_draw_block_counts,
    reference=block_counts,
    mistakes={
        "BatchNorm is missing: it follows each convolution, with two parameters a map.": (
            lambda *case: _block(*case, norm=0)
        ),
        "BatchNorm counts four values a map; two of them, the moving ones, are not trained.": (
            lambda *case: _block(*case, norm=4)
        ),
        "The convolutions have biases; in front of a BatchNorm they have none.": (
            lambda *case: _block(*case, bias=True)
        ),
        "The stride is in the second convolution, as in later code; in the paper it is in the first.": (
            lambda *case: _block(*case, strided=1)
        ),
        "The shortcut is left out: option B projects where the shape changes, C always.": (
            lambda k, f, c, size, stride, option: _block(k, f, c, size, stride, "A")
        ),
        "The MACs are counted on the map that comes in; with stride 2, the block writes a smaller one.": (
            lambda k, f, c, size, stride, option: [
                _block(k, f, c, size, stride, option)[0],
                _block(
                    k, f, c, size, 1, option if stride == 1 or option != "B" else "C"
                )[1],
            ]
        ),
    },
    hints=(
        "The first convolution has the stride, so the whole block works on maps of one side: "
        "`output_size(size, 1, stride)`.",
        "Add up the weights `kernel**2 * maps_in * maps_out`, the projection's too; MACs are weights times "
        "positions.",
        "Parameters are the weights, `2 * out` for each convolution of the branch, and your "
        "`shortcut_parameters`.",
    ),
)


# Table 1


def resnet_totals(kernels, blocks, size, shortcut):
    return _totals(kernels, blocks, size, shortcut)


def _totals(
    kernels,
    blocks,
    size,
    shortcut,
    *,
    strided=0,
    bias=False,
    every=False,
    first=1,
    pool=2,
    expansion=4,
    head_bias=True,
    head_macs=True,
    norm=2,
):
    """Return `[parameters, macs]` of a column of table 1; the keywords are the mistakes."""
    side = arithmetic.output_size(size, 7, 2, padding=3)
    parameters = arithmetic.conv2d_parameters(7, 3, 64, bias=bias) + norm * 64
    macs = arithmetic.conv2d_macs(side, 7, 3, 64)
    side, maps = arithmetic.output_size(side, 3, pool, padding=1), 64
    for stage, count in enumerate(blocks):
        filters = [64 * 2**stage] * len(kernels)
        if kernels == BOTTLENECK:
            filters[-1] *= expansion
        for number in range(count):
            stride = (2 if stage else first) if number == 0 or every else 1
            found = _block(
                kernels,
                filters,
                maps,
                side,
                stride,
                shortcut,
                strided=strided,
                bias=bias,
            )
            parameters, macs = parameters + found[0], macs + found[1]
            side, maps = arithmetic.output_size(side, 1, stride), filters[-1]
    parameters += arithmetic.dense_parameters(maps, 1000, bias=head_bias)
    return [parameters, macs + head_macs * arithmetic.dense_macs(maps, 1000)]


def _draw_totals(rng):
    blocks = [rng.randint(2, 6) for _ in range(4)]
    return [
        rng.choice([BASIC, BOTTLENECK]),
        blocks,
        32 * rng.randint(4, 10),
        rng.choice("ABC"),
    ]


RESNET_TOTALS = resnet(
    name="resnet_totals",
    title="The five columns of table 1",
    points=4,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=(
        [BASIC, [2, 2, 2, 2], 224, "B"],
        [BASIC, [3, 4, 6, 3], 224, "A"],
        [BOTTLENECK, [3, 4, 6, 3], 224, "B"],
    ),
    draw=_draw_totals,
    reference=resnet_totals,
    mistakes={
        "The last 1x1 of a bottleneck has as many filters as the others; it has four times as many.": (
            lambda *case: _totals(*case, expansion=1)
        ),
        "Every block has stride 2; only the first of a stage has.": lambda *case: (
            _totals(*case, every=True)
        ),
        "conv2_x halves the map, too; the pooling in front of it has done so.": (
            lambda *case: _totals(*case, first=2)
        ),
        "The pooling is missing: the blocks begin at a quarter of the picture's side.": (
            lambda *case: _totals(*case, pool=1)
        ),
        "The BatchNorm of the stem is missing.": lambda *case: _totals(*case, norm=0),
        "The dense layer's biases are missing: no BatchNorm follows it, and it has 1,000.": (
            lambda *case: _totals(*case, head_bias=False)
        ),
        "The dense layer has multiply-adds, too.": lambda *case: _totals(
            *case, head_macs=False
        ),
    },
    hints=(
        "Stem: 7x7, 64 filters, stride 2, and its BatchNorm. Then pooling, stride 2. Each halves the side.",
        "Stage i, from 0, has `64 * 2**i` filters a convolution, the last of a bottleneck four times as "
        "many. Its first block has stride 2, except in stage 0. Use your `block_counts`.",
        "The end: `maps * 1000` weights, which are its MACs, and 1,000 biases.",
    ),
)


# He against Xavier


def signal_power(weights, layers, kernel, channels, filters):
    return _power(weights, layers, kernel, channels, filters)


def _power(
    weights,
    layers,
    kernel,
    channels,
    filters,
    *,
    he=2,
    relu=2,
    area=True,
    only_in=False,
):
    """Return the power after layers from `channels` to `filters` and back; the keywords are the mistakes."""
    power = 1.0
    for number in range(layers):
        maps = (channels, filters) if number % 2 == 0 else (filters, channels)
        fan_in, fan_out = (kernel**2 * count if area else count for count in maps)
        variance = (
            he / fan_in
            if weights == "he"
            else 2 / (2 * fan_in if only_in else fan_in + fan_out)
        )
        power *= kernel**2 * maps[0] * variance / relu
    return power


def _draw_power(rng):
    channels = [8 * count for count in rng.sample(range(4, 17), 2)]
    return [
        rng.choice(["xavier", "xavier", "xavier", "he"]),
        rng.randint(3, 12),
        rng.choice([3, 5]),
        *channels,
    ]


SIGNAL_POWER = resnet(
    name="signal_power",
    title="He against Xavier",
    points=2,
    returns="a number",
    visible=(
        ["xavier", 3, 3, 64, 128],
        ["xavier", 34, 3, 64, 64],
        ["he", 34, 3, 64, 64],
    ),
    draw=_draw_power,
    reference=signal_power,
    mistakes={
        "The ReLU is left out: it takes half of the power.": lambda *case: _power(
            *case, relu=1
        ),
        "He's variance is 2 / fan-in; 1 / fan-in does not make up for the ReLU.": (
            lambda *case: _power(*case, he=1)
        ),
        "The kernel's area is missing from the fan: a unit reads `kernel**2` values of each map.": (
            lambda *case: _power(*case, area=False)
        ),
        "Xavier's variance is 2 / (fan-in + fan-out), not 1 / fan-in.": (
            lambda *case: _power(*case, only_in=True)
        ),
        "The layers do not alternate: the second goes back from `filters` to `channels` maps.": (
            lambda w, n, k, c, f: _power(w, 1, k, c, f) ** n
        ),
        "That is the amplitude, the root of the power.": lambda *case: (
            math.sqrt(_power(*case)) * (1 if case[0] == "xavier" else 1 - 1e-3)
        ),
    },
    hints=(
        "Each layer multiplies the power by `fan_in * variance / 2`.",
        "fan-in is `kernel**2` times the maps that are read, fan-out times the maps that are written.",
        "With He's weights the factor is 1; with Xavier's, `fan_in / (fan_in + fan_out)`.",
    ),
)


# Paths


def residual_paths(blocks):
    return [math.comb(blocks, length) for length in range(blocks + 1)]


RESIDUAL_PATHS = resnet(
    name="residual_paths",
    title="Paths",
    points=1,
    returns="a list of whole numbers",
    visible=([3], [5]),
    draw=lambda rng: [rng.randint(6, 54)],
    reference=residual_paths,
    mistakes={
        "The path that takes every shortcut is missing: it passes 0 branches.": (
            lambda blocks: residual_paths(blocks)[1:]
        ),
        "The path through every branch is missing.": lambda blocks: residual_paths(
            blocks
        )[:-1],
        "All paths that take any shortcut are put together; tell them apart by their length.": (
            lambda blocks: [2**blocks - 1, 1]
        ),
        "The order in which a path meets the blocks is fixed; count which blocks it passes through.": (
            lambda blocks: [math.perm(blocks, length) for length in range(blocks + 1)]
        ),
        "Each block has two ways, so the numbers add up to 2 ** blocks, not to its square.": (
            lambda blocks: [
                math.comb(2 * blocks, length) for length in range(blocks + 1)
            ]
        ),
    },
    hints=(
        "At each block a path takes the branch or the shortcut: 2 ** blocks paths in all.",
        "A path of length k has chosen k of the blocks: `math.comb(blocks, k)`, for k from 0 to `blocks`.",
    ),
)


# The impostors

RESNET50 = (BOTTLENECK, [3, 4, 6, 3], 224)
WIDEST_SPREAD = 0.5


def resnet_impostor(blocks, parameters, macs, spread):
    return _explained(blocks, parameters, macs, spread)


def _built(blocks, projects, biased, later, epsilon):
    """Return the case of a network of bottlenecks with each of the four departures made or not."""
    option = "C" if projects else "B"
    totals = _totals(
        BOTTLENECK, blocks, 224, option, bias=biased, strided=1 if later else 0
    )
    return [blocks, *totals, round(math.sqrt(1 / (1 + (64 if epsilon else 1e-5))), 4)]


def _explained(blocks, parameters, macs, spread, *, like=None):
    """Return which departures explain the totals, of a network of the blocks `like` if they are given."""
    for choice in itertools.product([False, True], repeat=3):
        if _built(like or blocks, *choice, False)[1:3] == [parameters, macs]:
            return [*choice, spread < WIDEST_SPREAD]
    return [False] * 3 + [spread < WIDEST_SPREAD]


def _by_parameters(*case):
    projects, biased, _, epsilon = _explained(*case)
    return [projects, biased, False, epsilon]


def _draw_impostor(rng):
    blocks = [rng.randint(2, 6) for _ in range(4)]
    return _built(blocks, *(rng.random() < 0.5 for _ in range(4)))


RESNET_IMPOSTOR = resnet(
    name="resnet_impostor",
    title="Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        _built([3, 4, 6, 3], False, False, False, False),
        _built([3, 4, 6, 3], False, True, True, False),
        _built([3, 4, 23, 3], True, False, False, True),
        _built([3, 8, 36, 3], False, False, True, True),
    ),
    draw=_draw_impostor,
    reference=resnet_impostor,
    mistakes={
        "The stride is overlooked: moving it to the 3x3 changes no parameter, but the MACs.": _by_parameters,
        "The spread is overlooked: an epsilon of 64 leaves a map of variance 1 at 0.12.": (
            lambda *case: [*_explained(*case)[:3], False]
        ),
        "Biases in front of BatchNorm are overlooked: they add parameters, but no MACs.": (
            lambda *case: [_explained(*case)[0], False, *_explained(*case)[2:]]
        ),
        "Only ResNet-50's totals are compared; `blocks` says which network it is.": (
            lambda *case: _explained(*case, like=RESNET50[1])
        ),
        "Only single departures are tried; an impostor may combine several.": (
            lambda *case: (
                _explained(*case) if sum(_explained(*case)) < 2 else [False] * 4
            )
        ),
        "True and False are exchanged: True says that the network departs from the paper there.": (
            lambda *case: [not departs for departs in _explained(*case)]
        ),
    },
    hints=(
        "What are the paper's totals for these blocks? Your `resnet_totals` tells, and with option C, too.",
        "Biases change the parameters alone, the stride the MACs alone, projections both. The spread must be "
        "1 after BatchNorm.",
        "It is C if there are at least C's parameters. More than the option's own parameters: biases. More "
        "than its own MACs: the moved stride. A spread of 0.12: the epsilon.",
    ),
)

QUESTIONS = (
    RESNET_DEPTH,
    RESIDUAL_BLOCK,
    SHORTCUT_PARAMETERS,
    BOTTLENECK_MACS,
    BLOCK_COUNTS,
    RESNET_TOTALS,
    SIGNAL_POWER,
    RESIDUAL_PATHS,
    RESNET_IMPOSTOR,
)
