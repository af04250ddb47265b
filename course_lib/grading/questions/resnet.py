"""Ask for ResNet: block, shortcuts, bottleneck, the five columns, impostors."""

import math

from course_lib.arithmetic import output_size
from course_lib.grading.question import Chapter

resnet = Chapter(
    "resnet",
    title="ResNet",
    about="They rebuild the networks of He, Zhang, Ren and Sun (2016) from their "
    "sections 3 and 4: the block, its three shortcuts, the bottleneck, and the five "
    "columns of table 1, parameters and multiply-adds. At the end you can tell a "
    "ResNet-50 from its impostors.",
    offers=("output_size",),
    given="From the foundations you have this, imported here:",
    imports=("import math",),
)

BASIC, BOTTLENECK = [3, 3], [1, 3, 1]

PROJECTIONS = (
    "The projections of the shortcuts are counted; the number is that of the longest "
    "path."
)


def draw_depth(rng):
    return [rng.choice([BASIC, BOTTLENECK]), [rng.randint(2, 12) for _ in range(4)]]


@resnet.question(
    "The number in the name",
    points=1,
    returns="a whole number",
    visible=([BASIC, [2, 2, 2, 2]], [BOTTLENECK, [3, 4, 23, 3]]),
    draw=draw_depth,
    slips={
        ("1 + len -> len", "+ 1 -> "): (
            "The stem and the dense layer are missing; both have weights and count."
        ),
        "+ 1 -> ": "One layer is missing: the stem's convolution and the dense layer "
        "both count.",
        "+ 1 -> + 3": "Pooling is counted; only layers with weights are.",
        "+ 1 -> + 1 + len(blocks) - (len(kernels) == 2)": PROJECTIONS,
        "+ 1 -> + len(blocks)": PROJECTIONS,
        "len(kernels) -> 2": "Every block has two layers; a bottleneck has three.",
        "len(kernels) * sum(blocks) -> sum(blocks)": (
            "That is the number of blocks; each has one layer for each of its kernels."
        ),
        "len(kernels) -> sum(kernel > 1 for kernel in kernels)": (
            "The 1x1 convolutions are left out; each has weights and counts."
        ),
        "len(kernels) -> sum(kernels)": (
            "The kernels' sides are added up; each of them is one layer."
        ),
        "sum(blocks) -> len(blocks)": (
            "Those are the stages; each has as many blocks as `blocks` says."
        ),
        "+ 1 -> + 1 + len(blocks)": PROJECTIONS,
        "len(kernels) * sum(blocks) -> len(kernels) + sum(blocks)": (
            "The layers of one block and the number of blocks are added; each block "
            "has these layers."
        ),
        "+ 1 -> + 1 + sum(blocks)": (
            "The shortcuts are counted; the number is that of the longest path."
        ),
        "len(kernels) -> 2 * len(kernels)": (
            "The BatchNorms are counted; convolutions and the dense layer make the "
            "number."
        ),
    },
    hints=(
        "Count layers with weights on the longest path from the picture to the "
        "classes.",
        "`sum(blocks)` blocks of `len(kernels)` convolutions, the stem in front, the "
        "dense layer behind.",
    ),
)
def resnet_depth(kernels, blocks):
    """
    The number in a ResNet's name counts the layers with weights on the longest path:
    the stem's convolution, the convolutions of all blocks and the dense layer.
    `kernels` are those of one block, `blocks` the number of blocks in each stage.
    Return that number.

    Pooling has no weights; a projection stands on the shortcut, beside the path.
    """
    return 1 + len(kernels) * sum(blocks) + 1


def draw_block(rng, sign):
    values = [round(rng.uniform(-3, 3), 2) for _ in range(rng.randint(4, 9))]
    return [values, sign * rng.uniform(0.2, 2), -sign * rng.uniform(0.2, 2)]


@resnet.question(
    "A residual block",
    points=2,
    returns="a list of numbers, as long as `x`,",
    visible=(
        [[1.0, -2.0, 3.0], 0.5, -0.5],
        [[1.0, -2.0, 3.0], 0.0, 0.0],
        [[1.0, -2.0, 3.0], -1.0, 2.0],
    ),
    draw=(lambda rng: draw_block(rng, 1), lambda rng: draw_block(rng, -1)),
    slips={
        "max(value + branch -> max(branch": (
            "That is a plain block; the shortcut adds x to what the branch makes."
        ),
        "max(value + branch, 0.0) -> value + branch": (
            "The ReLU after the addition is missing (figure 2)."
        ),
        "max(value + branch, 0.0) -> value + max(branch, 0.0)": (
            "The second ReLU comes before the addition; in figure 2 it comes after."
        ),
        "max(w1 * value, 0.0) -> w1 * value": (
            "The ReLU between the two weights is missing; without it, the branch is "
            "linear."
        ),
        "value + branch -> value - branch": "The branch is subtracted; it is added.",
        "value + branch -> value * branch": (
            "Branch and shortcut are multiplied; they are added."
        ),
        "max(value + branch -> max(max(value, 0.0) + branch": (
            "The shortcut passes ReLU(x); it passes x as it is."
        ),
        "max(w1 * value, 0.0) -> w1 * max(value, 0.0)": (
            "The first ReLU comes before `w1`; it comes after."
        ),
        "max(value + branch, 0.0) -> branch": (
            "That is the branch alone; the shortcut adds x, and a ReLU follows."
        ),
        ("w2 * max(w1 * value, 0.0) -> max(w2 * max(w1 * value, 0.0), 0.0)"): (
            "A ReLU too many: there is one between the weights and one after the "
            "addition, none in front of it."
        ),
        "max(w1 * value, 0.0) -> abs(w1 * value)": (
            "The ReLU between the weights turns negative values round; it sets them to "
            "0."
        ),
        "max(value + branch, 0.0) -> abs(value + branch)": (
            "The last ReLU turns negative values round; it sets them to 0."
        ),
        "value + branch -> 1 + branch": "The shortcut adds 1; it adds x.",
        "value + branch -> w1 * value + branch": (
            "The shortcut adds what `w1` made of x; it adds x as it is."
        ),
    },
    hints=(
        "Three steps: the branch F(x), the sum F(x) + x, and a ReLU of the sum.",
        "The branch of a value v is `w2 * max(w1 * v, 0)`.",
        "Return `max(v + w2 * max(w1 * v, 0), 0)` for each v of x.",
    ),
)
def residual_block(x, w1, w2):
    """
    Write the block of figure 2 for one map and 1x1 kernels without BatchNorm: the
    branch multiplies by `w1`, applies ReLU and multiplies by `w2`. Then the shortcut
    adds x, and a second ReLU follows. `x` is a list of values, each treated alike.

    In the second case the branch is zero: what was not negative passes unchanged. In
    the third, |x| needs no more than this one block.
    """
    results = []
    for value in x:
        branch = w2 * max(w1 * value, 0.0)
        results.append(max(value + branch, 0.0))
    return results


def shortcut(option, before, after, stride):
    """Return what draws a shortcut from `before` to `after` times as many maps."""

    def draw(rng):
        maps = 8 * rng.randint(3, 64)
        return [option, before * maps, after * maps, stride]

    return draw


@resnet.question(
    "Shortcuts A, B and C",
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
    draw=(
        shortcut("A", 1, 2, 2),
        shortcut("B", 1, 1, 1),
        shortcut("B", 1, 4, 1),
        shortcut("B", 4, 1, 1),
        shortcut("B", 1, 1, 2),
        shortcut("C", 1, 1, 1),
    ),
    slips={
        '(option == "B" and changes) -> option == "B"': (
            "B projects in every block; it projects where the shape changes. "
            "Projecting always is C."
        ),
        'option == "C" or (option == "B" and changes) -> option != "A" and changes': (
            "C projects where the shape changes only; that is B."
        ),
        '(option == "B" and changes) -> changes': (
            "A projects too; it pads with maps of zeros and has nothing to train."
        ),
        "stride > 1 or in_channels != filters -> stride > 1": (
            "B projects where the stride is 2 only. More filters change the shape, "
            "too: 64 to 256 at stride 1."
        ),
        "stride > 1 or in_channels != filters -> in_channels != filters": (
            "B projects where the maps grow only. A stride of 2 changes the shape, "
            "too: it halves the side."
        ),
        " + 2 * filters -> ": (
            "BatchNorm is missing: it follows the projection, with two parameters a "
            "map."
        ),
        "2 * filters -> 3 * filters": (
            "The projection has biases; no convolution in front of a BatchNorm has."
        ),
        "return in_channels -> return 9 * in_channels": "The projection is 3x3; it is "
        "1x1.",
        "in_channels != filters -> in_channels < filters": (
            "Fewer filters than channels are overlooked; they change the shape, too."
        ),
        "return in_channels -> return stride**2 * in_channels": (
            "The projection's kernel is as wide as the stride; it is 1x1 and skips "
            "places."
        ),
        "2 * filters -> 4 * filters": (
            "BatchNorm counts four values a map; two of them, the moving ones, are not "
            "trained."
        ),
        "2 * filters -> 2 * in_channels": (
            "BatchNorm follows the projection; it has `filters` maps."
        ),
    },
    hints=(
        "First decide whether the shortcut projects: never, where the shape changes, "
        "or always.",
        "The shape changes if `stride > 1` or `in_channels != filters`.",
        "A projection has `in_channels * filters` weights; its BatchNorm has `2 * "
        "filters` parameters.",
    ),
)
def shortcut_parameters(option, in_channels, filters, stride):
    """
    Return the parameters of a block's shortcut. Option A has none: it skips places and
    appends maps of zeros. B projects where the shape changes, C in every block. A
    projection is a 1x1 convolution without bias, and its BatchNorm with two parameters
    a map.

    The third case is the first block of ResNet-50: the map keeps its side and the shape
    changes all the same. In the fourth, only the side changes.
    """
    changes = stride > 1 or in_channels != filters
    if option == "C" or (option == "B" and changes):
        return in_channels * filters + 2 * filters
    return 0


@resnet.question(
    "The bottleneck",
    points=2,
    returns="a list `[two_3x3, bottleneck]` of whole numbers",
    visible=([56, 256], [14, 1024]),
    draw=lambda rng: [rng.randint(4, 64), 4 * rng.randint(4, 256)],
    slips={
        "9 * quarter**2 -> 9 * channels * quarter": (
            "The 3x3 in the middle reads all the maps; it reads a quarter."
        ),
        " + quarter * channels -> ": (
            "A 1x1 is missing: the first reduces the number of maps, the last restores "
            "it."
        ),
        ("2 * 9 * -> 2 *", "9 * quarter -> quarter"): (
            "The kernels' area is missing: a 3x3 has nine weights for each pair of "
            "maps."
        ),
        "// 4 -> // 2": "The maps are halved in the middle; they are divided by four.",
        "2 * 9 -> 9": "A single 3x3 is counted in the first number; a basic block has "
        "two.",
        "[side**2 * two, side**2 * bottleneck] -> [two, bottleneck]": (
            "Those are weights; each works at `side * side` positions."
        ),
        "channels // 4 -> 64": (
            "The bottleneck is always 64 wide, as in figure 5; it is a quarter of "
            "`channels`."
        ),
        ("2 * 9 -> 2 * 3", "9 * quarter -> 3 * quarter"): (
            "The kernels are counted along one side; a 3x3 has nine weights for each "
            "pair of maps."
        ),
        (
            "9 * channels**2 -> (9 * channels + 1) * channels",
            "channels * quarter + 9 * quarter**2 + quarter * channels -> (channels + "
            "1) * quarter + (9 * quarter + 1) * quarter + (quarter + 1) * channels",
        ): "Biases are counted; there are none here, and they multiply nothing.",
        "9 * quarter**2 -> 9 * channels**2": (
            "The 3x3 in the middle is as wide as the block; it has a quarter of the "
            "maps."
        ),
        "+ quarter * channels -> + quarter * quarter": (
            "The last 1x1 writes a quarter of the maps; it restores their number."
        ),
        "9 * quarter**2 -> 9 * 2 * quarter**2": (
            "The bottleneck has a single 3x3, between the two 1x1."
        ),
    },
    hints=(
        "A convolution has `side**2 * kernel**2 * maps_in * maps_out` MACs.",
        "The first number: two 3x3, from `channels` to `channels`.",
        "The second number: 1x1 to `channels // 4`, 3x3 from there to as many, 1x1 "
        "back to `channels`.",
    ),
)
def bottleneck_macs(side, channels):
    """
    On maps of `side` by `side`, `channels` of them, compare two branches: two 3x3
    convolutions from `channels` to `channels`, a basic block as wide as that; or figure
    5's bottleneck, a 1x1 to a quarter, a 3x3 there, and a 1x1 back. Return the
    multiply-adds of both. There are no biases.

    17 times less. That is what pays for 50, 101 and 152 layers.
    """
    quarter = channels // 4
    two = 2 * 9 * channels**2
    bottleneck = channels * quarter + 9 * quarter**2 + quarter * channels
    return [side**2 * two, side**2 * bottleneck]


EVERY_STRIDE = "Every convolution has the stride; only the first of a block has."


def draw_block_counts(rng, option, changes):
    """Return a block on a map of an odd side, with a change of its shape or without."""
    maps = 8 * rng.randint(1, 16)
    forms = [(BASIC, [maps, maps]), (BOTTLENECK, [maps, maps, 4 * maps])]
    kernels, filters = rng.choice(forms)
    last = filters[-1]
    in_channels, stride = last, 1
    if changes:
        in_channels, stride = rng.choice(
            [(2 * maps, 1), (last, 2), (last // 2, 2), (2 * last, 2)]
        )
    size = 2 * rng.randint(4, 28) + 1
    return [kernels, filters, in_channels, size, stride, option]


@resnet.question(
    "What a block costs",
    points=3,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=(
        [BASIC, [64, 64], 64, 56, 1, "B"],
        [BASIC, [128, 128], 64, 56, 2, "B"],
        [BOTTLENECK, [128, 128, 512], 256, 56, 2, "B"],
    ),
    draw=(
        lambda rng: draw_block_counts(rng, "A", changes=True),
        lambda rng: draw_block_counts(rng, "B", changes=True),
        lambda rng: draw_block_counts(rng, "C", changes=False),
        lambda rng: draw_block_counts(rng, "B", changes=False),
        lambda rng: draw_block_counts(rng, "C", changes=True),
        lambda rng: draw_block_counts(rng, "A", changes=True),
    ),
    slips={
        (" + 2 * filters[layer] -> ", "+= projection -> += in_channels * maps"): (
            "BatchNorm is missing: it follows each convolution, with two parameters a "
            "map."
        ),
        (
            "2 * filters[layer] -> 4 * filters[layer]",
            "+= projection -> += projection + 2 * maps",
        ): (
            "BatchNorm counts four values a map; two of them, the moving ones, are not "
            "trained."
        ),
        (
            "2 * filters[layer] -> 3 * filters[layer]",
            "+= projection -> += projection + maps",
        ): ("The convolutions have biases; in front of a BatchNorm they have none."),
        "layer == 0 -> layer == 1": (
            "The first convolution works at every place of the map: it has the stride "
            "(in later code the second has it), and MACs are counted at the places "
            "that are written."
        ),
        (
            "stride if layer == 0 else 1 -> stride",
            "side**2 * in_channels -> output_size(size, 1, stride) ** 2 * in_channels",
        ): EVERY_STRIDE,
        "stride if layer == 0 else 1 -> stride": EVERY_STRIDE,
        "if projection -> if projection < 0": (
            "The shortcut is left out: option B projects where the shape changes, C "
            "always."
        ),
        (
            "side**2 * weights -> size**2 * weights",
            "side**2 * in_channels -> size**2 * in_channels",
        ): (
            "The MACs are counted on the map that comes in; with stride 2, the block "
            "writes a smaller one."
        ),
        "side = output_size(side, kernel, step, padding=kernel // 2) -> side = side // "
        "step": (
            "The side is divided by the stride and rounded down; a padded window also "
            "begins at the last place of an odd side."
        ),
        (
            "side**2 * weights -> side**2 * (weights + 2 * filters[layer])",
            "side**2 * in_channels * maps -> side**2 * projection",
        ): (
            "BatchNorm's parameters are counted as MACs; only convolutions have MACs "
            "here."
        ),
        "macs += side**2 * in_channels * maps -> pass": "The projection's MACs are "
        "missing.",
        "parameters += projection -> pass": "The projection's parameters are missing.",
        "        macs += side**2 * in_channels ->     if stride > 1 or in_channels != "
        "maps:\n        macs += side**2 * in_channels": (
            "The projection's MACs follow from the shape alone; with option A there "
            "are none, with C always."
        ),
        "        macs += side**2 * in_channels ->     macs += side**2 * in_channels": (
            "The projection's MACs are counted in every block; they are there where it "
            "projects."
        ),
        "(shortcut, -> ('C',": (
            "The block always projects; A never does, B where the shape changes."
        ),
        "kernel**2 * maps -> kernel**2 * in_channels": (
            "Every convolution reads `in_channels` maps; from the second on, those of "
            "the one before."
        ),
        "side**2 * in_channels -> kernels[0] ** 2 * side**2 * in_channels": (
            "The projection's MACs are those of a larger kernel; it is 1x1."
        ),
        "side**2 * in_channels -> size**2 * in_channels": (
            "The projection's MACs are counted on the map that it reads; it has the "
            "stride, too."
        ),
        (
            "side**2 * weights -> side * weights",
            "side**2 * in_channels -> side * in_channels",
        ): ("The positions are counted along one side; a map is as high as wide."),
    },
    hints=(
        "The first convolution has the stride, so the whole block works on maps of one "
        "side: `output_size(size, 1, stride)`.",
        "Add up the weights `kernel**2 * maps_in * maps_out`, the projection's too; "
        "MACs are weights times positions.",
        "Parameters are the weights, `2 * out` for each convolution of the branch, and "
        "your `shortcut_parameters`.",
    ),
)
def block_counts(kernels, filters, in_channels, size, stride, shortcut):
    """
    Return `[parameters, macs]` of one block on maps of `size` by `size`: its
    convolutions, of these `kernels` and `filters`, the first with the stride; a
    BatchNorm after each; and its shortcut. Windows are padded by `kernel // 2`, and
    nothing has a bias.

    MACs are of convolutions only; parameters are those that training changes.
    """
    parameters, macs = 0, 0
    side, maps = size, in_channels
    for layer, kernel in enumerate(kernels):
        step = stride if layer == 0 else 1
        side = output_size(side, kernel, step, padding=kernel // 2)
        weights = kernel**2 * maps * filters[layer]
        parameters += weights + 2 * filters[layer]
        macs += side**2 * weights
        maps = filters[layer]
    projection = shortcut_parameters(shortcut, in_channels, maps, stride)
    if projection:
        parameters += projection
        macs += side**2 * in_channels * maps
    return [parameters, macs]


READS_FOURFOLD = (
    "A bottleneck's last 1x1 writes four times as many maps, and the next block reads "
    "them."
)
ROUNDED_DOWN = (
    "Odd sides are halved and rounded down; a padded window also begins at their last "
    "place."
)


def draw_totals(rng, kernels):
    """Return a column on a picture in which some side is odd before it is halved."""
    blocks = [rng.randint(2, 6) for _ in range(4)]
    size = 32 * rng.randint(4, 9) + rng.randint(1, 31)
    return [kernels, blocks, size, rng.choice("ABC")]


@resnet.question(
    "The five columns of table 1",
    points=4,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=(
        [BASIC, [2, 2, 2, 2], 224, "B"],
        [BASIC, [3, 4, 6, 3], 224, "A"],
        [BOTTLENECK, [3, 4, 6, 3], 224, "B"],
    ),
    draw=(
        lambda rng: draw_totals(rng, BOTTLENECK),
        lambda rng: draw_totals(rng, BASIC),
    ),
    slips={
        "filters[-1] *= 4 -> filters[-1] *= 1": (
            "The last 1x1 of a bottleneck has as many filters as the others; it has "
            "four times as many."
        ),
        "stage > 0 and number == 0 -> stage > 0": (
            "Every block has stride 2; only the first of a stage has."
        ),
        "stage > 0 and number == 0 -> number == 0": (
            "conv2_x halves the map, too; the pooling in front of it has done so."
        ),
        "output_size(side, 3, 2, padding=1) -> side": (
            "The pooling is missing: the blocks begin at a quarter of the picture's "
            "side."
        ),
        " + 2 * 64 -> ": "The BatchNorm of the stem is missing.",
        "(maps + 1) * 1000 -> maps * 1000": (
            "The dense layer's biases are missing: no BatchNorm follows it, and it has "
            "1,000."
        ),
        "macs + maps * 1000 -> macs": "The dense layer has multiply-adds, too.",
        "output_size(size, 7 -> output_size(224, 7": (
            "`size` is not used: 112 and 56 are the sides for 224 pixels."
        ),
        "maps = filters[-1] -> maps = filters[-1 if number == count - 1 else 0]": (
            READS_FOURFOLD
        ),
        "maps = filters[-1] -> maps = filters[0]": READS_FOURFOLD,
        "            maps = filters[-1] ->         maps = filters[-1]": (
            "The maps that blocks read change after a stage only; each block reads "
            "what the one before it wrote."
        ),
        "output_size(side, 1, stride) -> side // stride": ROUNDED_DOWN,
        (
            "output_size(size, 7, 2, padding=3) -> size // 2",
            "output_size(side, 3, 2, padding=1) -> side // 2",
            "output_size(side, 1, stride) -> side // stride",
        ): ROUNDED_DOWN,
        "[parameters + (maps + 1) * 1000, macs + maps * 1000] -> [parameters + 513 * "
        "1000, macs + 512 * 1000]": (
            "The dense layer reads 512 maps; behind bottlenecks there are 2,048."
        ),
        "2 * 64 -> 3 * 64": "The stem's convolution has biases; a BatchNorm follows "
        "it.",
        "macs = side**2 * 49 * 3 * 64 -> macs = 0": "The stem's MACs are missing.",
        ", padding=3 -> ": "The stem is not padded; 7x7 windows are padded by 3.",
        (
            "(maps + 1) * 1000 -> (side**2 * maps + 1) * 1000",
            "macs + maps -> macs + side**2 * maps",
        ): ("The last maps are flattened; ResNet averages each of them to one value."),
        "64 * 2**stage -> 64 * 2 ** (stage + 1)": (
            "The maps double too early: stage 0 has 64."
        ),
        (
            "[parameters + (maps + 1) * 1000, macs + maps * 1000] -> [parameters, macs]"
        ): ("The dense layer is missing."),
        "macs + maps * 1000 -> macs + (maps + 1) * 1000": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        "filters[-1] *= 4 -> filters = [4 * count for count in filters]": (
            "All of a bottleneck's convolutions are four times as wide; only the last "
            "one is."
        ),
    },
    hints=(
        "Stem: 7x7, 64 filters, stride 2, and its BatchNorm. Then pooling, stride 2. "
        "Each halves the side.",
        "Stage i, from 0, has `64 * 2**i` filters a convolution, the last of a "
        "bottleneck four times as many. Its first block has stride 2, except in stage "
        "0. Use your `block_counts`.",
        "The end: `maps * 1000` weights, which are its MACs, and 1,000 biases.",
    ),
)
def resnet_totals(kernels, blocks, size, shortcut):
    """
    Return `[parameters, macs]` of a column of table 1: the 7x7 stem (stride 2, padded
    by 3), 3x3 pooling (stride 2, padded by 1), four stages of `blocks`, and 1,000
    classes. Stages 0 to 3 have 64, 128, 256 and 512 filters a convolution, a
    bottleneck's last four times as many; stages 1 to 3 begin with stride 2.

    With [3, 4, 23, 3] and [3, 8, 36, 3] you have the other two columns. The paper's
    table says FLOPs; it counts MACs.
    """
    side, maps = output_size(size, 7, 2, padding=3), 64
    parameters = 49 * 3 * 64 + 2 * 64
    macs = side**2 * 49 * 3 * 64
    side = output_size(side, 3, 2, padding=1)
    for stage, count in enumerate(blocks):
        filters = [64 * 2**stage] * len(kernels)
        if len(kernels) == 3:
            filters[-1] *= 4
        for number in range(count):
            stride = 2 if stage > 0 and number == 0 else 1
            block = block_counts(kernels, filters, maps, side, stride, shortcut)
            parameters += block[0]
            macs += block[1]
            side = output_size(side, 1, stride)
            maps = filters[-1]
    return [parameters + (maps + 1) * 1000, macs + maps * 1000]


def draw_power(rng, scheme):
    """Return an odd number of layers: the maps' numbers do not cancel."""
    channels = [8 * count for count in rng.sample(range(4, 17), 2)]
    layers = 2 * rng.randint(1, 6) + 1
    return [scheme, layers, rng.choice([3, 5]), *channels]


@resnet.question(
    "He against Xavier",
    points=2,
    returns="a number",
    visible=(
        ["xavier", 3, 3, 64, 128],
        ["xavier", 34, 3, 64, 64],
        ["he", 34, 3, 64, 64],
    ),
    draw=(lambda rng: draw_power(rng, "he"), lambda rng: draw_power(rng, "xavier")),
    slips={
        "* variance / 2 -> * variance": "The ReLU is left out: it takes half of the "
        "power.",
        "2 / fan_in if -> 1 / fan_in if": (
            "He's variance is 2 / fan-in; 1 / fan-in does not make up for the ReLU."
        ),
        (
            "fan_in, fan_out = kernel**2 * reads, kernel**2 * writes -> fan_in, "
            "fan_out = reads, writes",
            "*= fan_in -> *= kernel**2 * fan_in",
        ): (
            "The kernel's area is missing from the fan: a unit reads `kernel**2` "
            "values of each map."
        ),
        "2 / (fan_in + fan_out) -> 1 / fan_in": (
            "Xavier's variance is 2 / (fan-in + fan-out), not 1 / fan-in."
        ),
        "reads, writes = writes, reads -> pass": (
            "The layers do not alternate: the second goes back from `filters` to "
            "`channels` maps."
        ),
        "return power -> return math.sqrt(power)": "That is the amplitude, the root of "
        "the power.",
        "2 / fan_in if -> 2 / fan_out if": "He's variance has the fan-in; yours has "
        "the fan-out.",
        "kernel**2 * reads, kernel -> reads, kernel": (
            "The fan-in lacks the kernel's area: a unit reads `kernel**2` values of "
            "each map."
        ),
        "kernel**2 * reads, kernel**2 * -> kernel**2 * reads, ": (
            "The fan-out lacks the kernel's area: `kernel**2` for each map."
        ),
        "2 / fan_in if -> 2 / (kernel**2 * channels) if": (
            "The variance is always that of the first layer; fan-in changes from layer "
            "to layer."
        ),
        "reads, writes = channels, filters -> reads, writes = filters, channels": (
            "`channels` and `filters` are exchanged: the first layer reads `channels` "
            "maps."
        ),
        "range(layers) -> range(layers // 2 * 2)": (
            "Layers are counted in pairs: the last of an odd number is left out."
        ),
        "2 / (fan_in + fan_out) -> 1 / (fan_in + fan_out)": (
            "Xavier's variance is 2 / (fan-in + fan-out), not 1 over them."
        ),
        "2 / (fan_in + fan_out) -> 1 / fan_out": (
            "Xavier's variance is 2 / (fan-in + fan-out), not 1 / fan-out."
        ),
        "* variance / -> * variance**0.5 /": (
            "The standard deviation is taken; powers go with the variance."
        ),
        "*= fan_in -> *= fan_out": "A unit adds up what it reads: fan-in products, not "
        "fan-out.",
        'weights == "he" -> weights != "he"': "He's and Xavier's variances are "
        "exchanged.",
    },
    hints=(
        "Each layer multiplies the power by `fan_in * variance / 2`.",
        "fan-in is `kernel**2` times the maps that are read, fan-out times the maps "
        "that are written.",
        "With He's weights the factor is 1; with Xavier's, `fan_in / (fan_in + "
        "fan_out)`.",
    ),
)
def signal_power(weights, layers, kernel, channels, filters):
    """
    A signal of power 1 passes `layers` convolutions without BatchNorm, each followed by
    ReLU, which leaves half of the power. The first goes from `channels` to `filters`
    maps, the second back, and so on. Weights have variance 2 / fan-in (`"he"`) or 2 /
    (fan-in + fan-out) (`"xavier"`). Return the power that is left.

    A unit adds fan-in products, so that each layer multiplies by fan-in times the
    variance, and by a half. Zeros at the borders, left out here, take some more.
    """
    power = 1.0
    reads, writes = channels, filters
    for _ in range(layers):
        fan_in, fan_out = kernel**2 * reads, kernel**2 * writes
        variance = 2 / fan_in if weights == "he" else 2 / (fan_in + fan_out)
        power *= fan_in * variance / 2
        reads, writes = writes, reads
    return power


@resnet.question(
    "Paths",
    points=1,
    returns="a list of whole numbers",
    visible=([3], [5]),
    draw=lambda rng: [rng.randint(6, 54)],
    slips={
        "range(blocks + 1) -> range(1, blocks + 1)": (
            "The path that takes every shortcut is missing: it passes 0 branches."
        ),
        "range(blocks + 1) -> range(blocks)": "The path through every branch is "
        "missing.",
        "[math.comb(blocks, length) for length in range(blocks + 1)] -> [2**blocks - "
        "1, 1]": (
            "All paths that take any shortcut are put together; tell them apart by "
            "their length."
        ),
        "math.comb -> math.perm": (
            "The order in which a path meets the blocks is fixed; count which blocks "
            "it passes through."
        ),
        "comb(blocks -> comb(2 * blocks": (
            "Each block has two ways, so the numbers add up to 2 ** blocks, not to its "
            "square."
        ),
        "comb(blocks, length) -> comb(blocks + length - 1, length)": (
            "Numbers that have changed already are added again: go from right to left, "
            "or make a new list for each block."
        ),
        "math.comb(blocks, length) -> 2**length": (
            "Those are powers of 2; count the choices of `length` blocks out of all."
        ),
        "math.comb(blocks, length) -> 1": (
            "Each length is counted once; there are many paths that pass as many "
            "branches."
        ),
        "[math.comb(blocks, length) for length in range(blocks + 1)] -> 2**blocks": (
            "That is the number of all paths; tell them apart by their length."
        ),
        "math.comb(blocks, length) -> math.comb(blocks, length) * length": (
            "The branches of all these paths are counted; the paths are asked for."
        ),
    },
    hints=(
        "At each block a path takes the branch or the shortcut: 2 ** blocks paths in "
        "all.",
        "A path of length k has chosen k of the blocks: `math.comb(blocks, k)`, for k "
        "from 0 to `blocks`.",
    ),
)
def residual_paths(blocks):
    """
    At each of `blocks` residual blocks a signal may take the branch or the shortcut, so
    there are many paths from the picture to the classes. Return how many of them pass
    through 0, 1, 2 and so on up to all of the branches, as a list.

    Deleting a block leaves half of the paths. Deleting a layer of a plain network
    leaves none: it had one path.
    """
    return [math.comb(blocks, length) for length in range(blocks + 1)]


def departed(blocks, projects, biased, moved, epsilon):
    """Return the case of a network with each of the four departures made or not."""
    parameters, macs = resnet_totals(BOTTLENECK, blocks, 224, "C" if projects else "B")
    parameters += 64 if biased else 0  # the stem's
    for stage, count in enumerate(blocks):
        filters = 64 * 2**stage
        if biased:
            projections = count if projects else 1
            parameters += (
                count * (2 * filters + 4 * filters) + projections * 4 * filters
            )
        if moved and stage > 0:  # a first 1x1 at four times the places
            macs += 3 * (56 // 2**stage) ** 2 * 2 * filters**2
    spread = math.sqrt(1 / (1 + (64 if epsilon else 1e-5)))
    return [blocks, parameters, macs, round(spread, 4)]


BIASES_MISSED = (
    "Networks with biases are not found: every convolution has them, the stem and the "
    "projections, too."
)
OPTION_B_MACS = (
    "The MACs are compared with option B's; where every block projects, C's count."
)


def draw_impostor(rng, *made):
    """Return a network with the first three departures made or not, and any spread."""
    blocks = [rng.randint(2, 6) for _ in range(4)]
    *case, spread = departed(blocks, *made, rng.random() < 0.5)
    if spread == 1:
        spread = rng.choice([0.999995, 0.9995])  # of an epsilon of 1e-5, of 1e-3
    return [*case, spread]


@resnet.question(
    "Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        departed([3, 4, 6, 3], False, False, False, False),
        departed([3, 4, 6, 3], False, True, True, False),
        departed([3, 4, 23, 3], True, False, False, True),
        departed([3, 8, 36, 3], False, False, True, True),
    ),
    draw=(
        lambda rng: draw_impostor(rng, True, False, True),
        lambda rng: draw_impostor(rng, False, True, True),
        lambda rng: draw_impostor(rng, True, False, False),
        lambda rng: draw_impostor(rng, True, True, True),
        lambda rng: draw_impostor(rng, False, True, False),
        lambda rng: draw_impostor(rng, True, True, False),
    ),
    slips={
        "macs > totals[1] -> False": (
            "The stride is overlooked: moving it to the 3x3 changes no parameter, but "
            "the MACs."
        ),
        "spread < 0.5 -> False": (
            "The spread is overlooked: an epsilon of 64 leaves a map of variance 1 at "
            "0.12."
        ),
        "parameters > totals[0] -> False": (
            "Biases in front of BatchNorm are overlooked: they add parameters, but no "
            "MACs."
        ),
        "return departs -> return departs if blocks == [3, 4, 6, 3] else [False] * 3 + "
        "departs[3:]": (
            "Only ResNet-50's totals are compared; `blocks` says which network it is."
        ),
        "return departs -> return departs if sum(departs) < 2 else [False] * 4": (
            "Only single departures are tried; an impostor may combine several."
        ),
        "return departs -> return [not answer for answer in departs]": (
            "True and False are exchanged: True says that the network departs from the "
            "paper there."
        ),
        "parameters > totals[0] -> parameters == totals[0] + 26560": (
            "26,560 biases are those of ResNet-50; other `blocks` have others."
        ),
        "macs > totals[1] -> macs > paper[1]": OPTION_B_MACS,
        "macs > totals[1] -> macs - paper[1] == 231211008": OPTION_B_MACS,
        "return departs -> return departs if not departs[1] else [False, False, macs > "
        "paper[1], departs[3]]": BIASES_MISSED,
        "return departs -> return departs if not departs[1] else [False] * 3 + "
        "departs[3:]": BIASES_MISSED,
        "return departs -> return departs if not (projects and departs[1]) else "
        "[False] * 3 + departs[3:]": (
            "Biases are overlooked where every block projects: each projection has its "
            "own."
        ),
        "spread < 0.5 -> spread != 1": (
            "Every trace below 1 is taken for a wrong epsilon; a usual one leaves it, "
            "too."
        ),
        "parameters > totals[0] -> parameters > paper[0]": (
            "The biases are looked for above option B's total; where every block "
            "projects, C's counts."
        ),
        "parameters >= projecting[0] -> parameters == projecting[0]": (
            "Projections are seen only where the total is C's exactly; biases may come "
            "on top."
        ),
        "parameters >= projecting[0] -> False": (
            "Blocks that all project are overlooked: that is option C."
        ),
        "parameters >= projecting[0] -> parameters > paper[0]": (
            "Biases are taken for projections: C adds far more parameters, and MACs."
        ),
        "spread < 0.5 -> spread > 0.5": (
            "The last truth value is the wrong way round: BatchNorm should leave a "
            "spread of 1."
        ),
    },
    hints=(
        "What are the paper's totals for these blocks? Your `resnet_totals` tells, and "
        "with option C, too.",
        "Biases change the parameters alone, the stride the MACs alone, projections "
        "both. The spread must be 1 after BatchNorm.",
        "It is C if there are at least C's parameters. More than the option's own "
        "parameters: biases. More than its own MACs: the moved stride. A spread of "
        "0.12: the epsilon.",
    ),
)
def resnet_impostor(blocks, parameters, macs, spread):
    """
    Networks called ResNet-50, -101 or -152 project in every block, keep biases before
    BatchNorm, have the stride in the 3x3, or give BatchNorm the channel count as
    epsilon. From `blocks` (bottlenecks), the totals at 224 pixels and the spread
    (standard deviation) of a map of variance 1 behind BatchNorm of 64 maps, tell which:
    four truth values in this order.

    All four are found in public code. The last shows in no count at all: look at what
    comes out, which a usual epsilon leaves a trace below 1. Cases that are not shown
    have other blocks.
    """
    paper = resnet_totals([1, 3, 1], blocks, 224, "B")
    projecting = resnet_totals([1, 3, 1], blocks, 224, "C")
    projects = parameters >= projecting[0]
    totals = projecting if projects else paper
    departs = [projects, parameters > totals[0], macs > totals[1], spread < 0.5]
    return departs
