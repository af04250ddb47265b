"""Ask for pre-activation ResNets: orders, ways, parameters, rates, impostors."""

import itertools
import math

from course_lib.grading.question import Chapter

preact_resnet = Chapter(
    "preact_resnet",
    title="Pre-activation ResNet",
    about="They follow He, Zhang, Ren and Sun (ECCV 2016): the five orders of "
    "figure 4, what lies on the way from sum to sum, what comes back along it, and the "
    "networks of 110, 164 and 1,001 layers. At the end you can tell a pre-activation "
    "ResNet from its impostors.",
    enough="Plain Python is enough; products are `math.prod`.",
    imports=("import itertools", "import math"),
    data=("RATES", "ORIGINAL", "NEW"),
)

BASIC, BOTTLENECK = [3, 3], [1, 3, 1]

ORDERS = (  # of figure 4, a to e
    "conv BN ReLU conv BN + ReLU",
    "conv BN ReLU conv + BN ReLU",
    "conv BN ReLU conv BN ReLU +",
    "ReLU conv BN ReLU conv BN +",
    "BN ReLU conv BN ReLU conv +",
)

# Training errors in % after 132 steps, of the chapter's networks of 38 layers, one seed
RATES = [0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2]
ORIGINAL = [0.4, 0.4, 1.1, 1.5, 21.4, 69.5]
NEW = [2.4, 0.6, 0.5, 0.3, 0.4, 0.3]


def draw_order(rng):
    """Return one of figure 4's orders, or another one of the same layers."""
    if rng.random() < 0.4:
        return rng.choice(ORDERS[:2])
    names = ["BN", "ReLU", "BN", "ReLU"][: rng.randint(2, 4)]
    rng.shuffle(names)
    for _ in range(2):
        names.insert(rng.randint(0, len(names)), "conv")
    last = max(place for place, name in enumerate(names) if name == "conv")
    names.insert(rng.randint(last + 1, len(names)), "+")
    return " ".join(names)


def draw_way(rng):
    names = [rng.choice(["conv", "BN", "ReLU"]) for _ in range(rng.randint(5, 9))]
    names.insert(rng.randint(1, len(names) - 2), "+")
    return [" ".join(names)]


@preact_resnet.question(
    "What stands on the way",
    points=1,
    returns="a list of strings",
    visible=([ORDERS[0]], [ORDERS[1]], [ORDERS[4]]),
    draw=draw_way,
    slips={
        "[1] -> [0]": (
            "Those are the layers of the branch; the shortcut goes round them."
        ),
        "[1].split() -> [1].split()[::-1]": (
            "The order is turned round; begin behind the sum."
        ),
        "[1].split() -> [1].split()[:1]": (
            "Only the first layer behind the sum is named; all of them are on the way."
        ),
        "[1].split() -> [1].split()[-1:]": (
            "Only the last layer is named; all those behind the sum are on the way."
        ),
        "[1].split() -> [1]": "That is a string; split it into a list of names.",
        'order.split("+")[1].split() -> order.split()': (
            "The whole unit is named; the branch stands beside the way."
        ),
        'order.split("+")[1].split() -> [name for name in order.split("+")[1].split() '
        'if name == "ReLU"]': (
            "Only ReLU is taken for something on the way; any layer behind the sum is."
        ),
        'order.split("+")[1].split() -> order[order.index("+") :].split()': (
            "The sum itself is named; only the layers behind it are asked for."
        ),
        '[1].split() -> [1].split() + order.split("conv")[0].split()': (
            "The next unit's layers in front of its first convolution are named, too; "
            "they stand on its branch."
        ),
        'order.split("+")[1].split() -> order[order.rindex("conv") + 4 :].replace("+", '
        '"").split()': (
            "What stands between the last convolution and the sum is named, too; it "
            "belongs to the branch."
        ),
        'order.split("+")[1].split() -> ["ReLU"] if "ReLU" in order.split("+")[1] else '
        "[]": (
            "Only ReLU is taken for something on the way; any layer behind the sum is."
        ),
        'order.split("+")[1].split() -> sorted(set(order.split("+")[1].split()))': (
            "Each layer is to be named as often as it stands there, in its order."
        ),
    },
    hints=(
        "The next unit begins where this one ends. What lies between sum and end?",
        '`order.split("+")` gives what stands before and behind the sum.',
    ),
)
def on_the_way(order):
    """
    A unit's `order` names its layers, `+` the sum with the unit's input: in the
    original `"conv BN ReLU conv BN + ReLU"`. The next unit, of the same order, takes
    its shortcut where this one ends. Return the names of the layers that a signal
    passes between one sum and the next shortcut, in their order.

    The paper calls them f (equation 2). None is left in the third case: a signal can
    reach any later sum unchanged.
    """
    return order.split("+")[1].split()


def draw_unit(rng):
    x = [round(rng.uniform(-3, 3), 2) for _ in range(rng.randint(4, 7))]
    sign = rng.choice([-1, 1])
    weights = [round(sign * rng.uniform(0.3, 2), 2), round(rng.uniform(-2, 2), 2)]
    return [x, draw_order(rng), weights]


BN_WRONG = "BatchNorm takes the mean away and divides by the deviation."


@preact_resnet.question(
    "One unit in any order",
    points=3,
    returns="a list of numbers, as long as `x`,",
    visible=(
        [[1.0, -2.0, 3.0, 0.0], ORDERS[0], [0.5, 2.0]],
        [[1.0, -2.0, 3.0, 0.0], ORDERS[4], [0.5, 2.0]],
        [[1.0, -2.0, 3.0, 0.0], ORDERS[3], [-1.0, 1.0]],
    ),
    draw=draw_unit,
    slips={
        "value + start for -> value for": (
            "The sum is missing: at `+` the unit's input x is added."
        ),
        "zip(y, x, strict=True) -> zip(y, y, strict=True)": (
            "At `+` the branch is added to itself; keep the unit's input x for it."
        ),
        "value + start -> value + max(start, 0.0)": (
            "The shortcut passes ReLU(x); it passes x as it is."
        ),
        "(value - mean) / deviation -> value - mean": (
            BN_WRONG + " The division is missing."
        ),
        "(value - mean) / deviation -> value / deviation": (
            BN_WRONG + " The mean stays in yours."
        ),
        "for value in y) / len(y)) -> for value in y) / (len(y) - 1))": (
            "The deviation is that of a sample, divided by one less; BatchNorm divides "
            "the sum of squares by the number of values."
        ),
        "math.sqrt(sum((value - mean) ** 2 for value in y) / len(y)) -> "
        "sum((value - mean) ** 2 for value in y) / len(y)": (
            "The variance is divided by; BatchNorm divides by its root, the deviation."
        ),
        "weights[done] * value -> weights[0] * value": (
            "Both convolutions have the first weight; the second has its own."
        ),
        "weights[done] * value -> weights[-1 - done] * value": (
            "The weights are taken in the wrong order; the first belongs to the first "
            "`conv`."
        ),
        "max(value, 0.0) for value in y -> abs(value) for value in y": (
            "ReLU turns negative values round; it sets them to 0."
        ),
        "order.split() -> order.split('+')[0].split() + ['+']": (
            "The layers behind the sum are left out."
        ),
        "order.split() -> order.replace('+', '').split() + ['+']": (
            "The sum always comes last in yours; it stands where `order` has its `+`."
        ),
        "order.split() -> 'BN ReLU conv BN ReLU conv +'.split()": (
            "The order is always that of the new unit; follow `order`."
        ),
        "order.split() -> 'conv BN ReLU conv BN + ReLU'.split()": (
            "The order is always that of the original unit; follow `order`."
        ),
        "y = [weights[done] * value -> x = x if done else list(y)\n            y = "
        "[weights[done] * value": (
            "The shortcut leaves behind the first BatchNorm and ReLU; it takes the "
            "unit's input x."
        ),
        "y = list(x) -> y = [max(value, 0.0) for value in x]": (
            "A ReLU too many: it stands in front of all the others."
        ),
    },
    hints=(
        "Go through `order.split()` and change a list y that begins as x.",
        "BatchNorm: `(value - mean) / deviation`, both over the list that comes in. If "
        "the deviation is 0, all values become 0.",
        "At `+` add x to y, entry by entry. Count the convolutions to find their "
        "weight.",
    ),
)
def residual_unit(x, order, weights):
    """
    Send the list `x`, a map's values, through one unit of this `order`: `conv`
    multiplies by the next of the two `weights` (a 1x1 kernel), `ReLU` sets negative
    values to 0, `BN` subtracts the mean of the values and divides by their deviation,
    and `+` adds `x`.

    The deviation is the root of the mean squared distance from the mean; where it is 0,
    `BN` makes zeros. There is no epsilon, factor or shift. The orders of figure 4 have
    the same layers; cases that are not shown have other orders, too.
    """
    y = list(x)
    done = 0
    for name in order.split():
        if name == "conv":
            y = [weights[done] * value for value in y]
            done += 1
        elif name == "ReLU":
            y = [max(value, 0.0) for value in y]
        elif name == "BN":
            mean = sum(y) / len(y)
            deviation = math.sqrt(sum((value - mean) ** 2 for value in y) / len(y))
            deviation = deviation or 1.0
            y = [(value - mean) / deviation for value in y]
        else:
            y = [value + start for value, start in zip(y, x, strict=True)]
    return y


def draw_back(rng):
    """Return a gradient and sums in which most entries are positive, and some zero."""
    size = rng.randint(4, 8)
    gradient = [round(rng.uniform(-2, 2), 2) for _ in range(size)]
    values = [-1.5, -0.5, 0.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0]
    sums = [[rng.choice(values) for _ in range(size)] for _ in range(rng.randint(2, 4))]
    clear, original = ORDERS[2:], ORDERS[0]
    orders = [rng.choice([original, original, rng.choice(clear)]) for _ in sums]
    return [gradient, sums, orders]


@preact_resnet.question(
    "What comes back",
    points=2,
    returns="a list of numbers, as long as `gradient`,",
    visible=(
        [[0.5, -1.0, 2.0], [[1.0, 2.0, -1.0], [3.0, -0.5, -2.0]], [ORDERS[0]] * 2],
        [[0.5, -1.0, 2.0], [[1.0, 2.0, 0.0], [3.0, 1.5, 2.0]], [ORDERS[0]] * 2],
        [
            [0.5, -1.0, 2.0],
            [[1.0, 2.0, -1.0], [3.0, -0.5, -2.0]],
            [ORDERS[4], ORDERS[0]],
        ],
    ),
    draw=draw_back,
    slips={
        "if value > 0 -> if value >= 0": (
            "ReLU's slope at 0 counts as 1; TensorFlow and others take 0 there."
        ),
        "if value > 0 -> if entry > 0": (
            "The gradient's own sign decides; it is the sign of the sum, which ReLU "
            "saw."
        ),
        "if value > 0 -> if value < 0": (
            "ReLU lets the gradient back where the sum was positive."
        ),
        '"ReLU" in on_the_way(order) -> True': (
            "A ReLU is taken for granted behind each sum; `orders` say if there is one."
        ),
        '"ReLU" in on_the_way(order) -> False': (
            "Nothing is stopped; where a ReLU stands behind the sums, it is."
        ),
        "in units -> in units[-1:]": (
            "Only the last sum is looked at; the gradient passes all of them."
        ),
        "in units -> in units[:1]": (
            "Only the first sum is looked at; the gradient passes all of them."
        ),
        "in units -> in units[:-1]": (
            "The last sum is left out; the gradient meets it first."
        ),
        "entry if value > 0 else 0.0 -> entry * value if value > 0 else 0.0": (
            "The gradient is multiplied by the sum; ReLU's slope is 1 or 0."
        ),
        "entry if value > 0 else 0.0 -> 1.0 if value > 0 else 0.0": (
            "That is the mask; the entries of the gradient are asked for."
        ),
        "on_the_way(order): -> on_the_way(orders[0]):": (
            "The first unit's order is taken for all; each has its own."
        ),
        "on_the_way(order): -> on_the_way(orders[-1]):": (
            "The last unit's order is taken for all; each has its own."
        ),
    },
    hints=(
        "Without a ReLU on the way nothing is changed: your `on_the_way` tells.",
        "A ReLU lets an entry back where its input, the sum, was above 0.",
    ),
)
def passed_back(gradient, sums, orders):
    """
    No gradient comes back through the branches, as if all their weights were 0.
    `gradient` is the loss's behind the last of some units; `sums` holds the values of
    each unit's sum, from first to last, and `orders` the units' orders, as above.
    Return the gradient in front of the first unit.

    No BatchNorm is on the way here. The slope of ReLU at 0 is 0, as in TensorFlow.
    Equation 5 is exact where all orders leave the gradient as it is.
    """
    result = list(gradient)
    units = list(zip(orders, sums, strict=True))
    for order, block in units:
        if "ReLU" in on_the_way(order):
            pairs = zip(result, block, strict=True)
            result = [entry if value > 0 else 0.0 for entry, value in pairs]
    return result


def draw_scales(rng):
    count = rng.randint(3, 30)
    scales = [round(rng.uniform(0.4, 1.3), 2) for _ in range(count)]
    slopes = [round(rng.uniform(-0.3, 0.6), 2) for _ in range(count)]
    return [scales, slopes]


@preact_resnet.question(
    "Scaled shortcuts",
    points=2,
    returns="a list `[shortcuts, whole]` of numbers",
    visible=(
        [[1.0, 1.0, 1.0], [0.5, 0.5, 0.5]],
        [[0.5] * 8, [0.5] * 8],
        [[0.5, 0.8, 1.2], [0.25, -0.5, 0.1]],
    ),
    draw=draw_scales,
    slips={
        "scale + slope for -> 1 + slope for": (
            "The shortcut of the second number passes x unchanged; it is scaled, too."
        ),
        "scale + slope for -> slope for": (
            "The second number is that of the branches alone; the shortcut adds its "
            "scale."
        ),
        "scale + slope for -> scale * slope for": (
            "Shortcut and branch are multiplied; their slopes are added."
        ),
        "scale + slope for -> scale * (1 + slope) for": (
            "The branch's slope is multiplied by its shortcut's scale; the two are "
            "added."
        ),
        "math.prod(scales) -> sum(scales)": (
            "The scales of units that follow each other are multiplied, not added."
        ),
        "math.prod(scale + slope -> sum(scale + slope": (
            "The slopes of units that follow each other are multiplied, not added."
        ),
        "math.prod(scales) -> scales[0] ** len(scales)": (
            "The first scale stands for all; each unit has its own."
        ),
        "math.prod(scales) -> 1.0": (
            "The shortcuts are taken for unscaled; then nothing would be lost."
        ),
        "math.prod(scale + slope for scale, slope in units) -> math.prod(scales) + "
        "math.prod(slopes)": (
            "There are more ways back than all shortcuts and all branches: each unit "
            "adds both."
        ),
        "math.prod(scale + slope for scale, slope in units) -> math.prod(scales) + "
        "sum(slopes)": (
            "Each branch's slope is multiplied by what the other units make of it."
        ),
        "math.prod(scales) -> math.prod(scales[:-1])": (
            "The last unit's shortcut is left out."
        ),
        "scale + slope for -> scale - slope for": (
            "The branch is subtracted; it is added."
        ),
    },
    hints=(
        "One unit has the slope `scale + slope`; slopes of a chain are multiplied.",
        "The way through the shortcuts alone is the product of the scales.",
    ),
)
def shortcut_slopes(scales, slopes):
    """
    Some units compute `scale * x + slope * x`: a scaled shortcut (equation 6) and a
    branch of that slope. Return how many times as large a change at the end comes back
    through all of them: by way of the shortcuts alone, the first term of equation 8;
    and by all ways.

    In the second case shortcuts are halved. Eight of them leave 0.4 %; the 54 of
    ResNet-110 some 10^-17. (In table 1 such a network fails, and has 12.35 % error
    where its branches are halved, too; 6.61 unscaled.)
    """
    units = zip(scales, slopes, strict=True)
    return [math.prod(scales), math.prod(scale + slope for scale, slope in units)]


OUTSIDE = (
    "Two layers are in no unit, the first convolution and the dense one: depth - 2."
)


def draw_depth(rng):
    """Return a depth that one kind of units has, for that kind or for the other."""
    kernels = rng.choice([BASIC, BASIC, BOTTLENECK])
    depth = rng.choice([6, 9]) * rng.randint(1, 200) + rng.choice([2, 2, 2, 3])
    return [depth, kernels]


@preact_resnet.question(
    "Depths that exist",
    points=1,
    returns="a whole number",
    visible=([110, BASIC], [164, BOTTLENECK], [1001, BOTTLENECK], [100, BASIC]),
    draw=draw_depth,
    slips={
        "3 * len(kernels) -> 6": (
            "6n + 2 holds for units of two layers; with bottlenecks it is 9n + 2."
        ),
        "3 * len(kernels) -> 9": (
            "9n + 2 holds for bottlenecks; with two layers a unit it is 6n + 2."
        ),
        "depth - 2 -> depth": OUTSIDE,
        "depth - 2 -> depth - 1": OUTSIDE,
        "0 if rest else blocks -> blocks": (
            "Where no network has that depth, the answer is 0."
        ),
        "3 * len(kernels) -> len(kernels)": (
            "Those are the units of the whole network; they stand in three stages."
        ),
        "depth - 2, 3 * len(kernels) -> depth - 2, 3 * sum(kernels)": (
            "The kernels' sides are added up; each kernel is one layer."
        ),
        "depth - 2, 3 * len(kernels) -> depth - 2, 4 * len(kernels)": (
            "That is four stages, as on ImageNet; the networks for CIFAR have three."
        ),
        "0 if rest else blocks -> 0 if not rest else blocks": (
            "It is turned round: 0 where a network of that depth does not exist."
        ),
    },
    hints=(
        "Three stages of n units, each of `len(kernels)` layers, and two layers more.",
        "`divmod(depth - 2, 3 * len(kernels))` gives n and what is left over.",
    ),
)
def units_a_stage(depth, kernels):
    """
    A network for CIFAR has one convolution, three stages of equally many units and one
    dense layer. `kernels` are the sides of a unit's convolutions, one layer each.
    Return the number of units in a stage for a network of `depth` layers, or 0 if there
    is no such network.
    """
    blocks, rest = divmod(depth - 2, 3 * len(kernels))
    return 0 if rest else blocks


def draw_widths(rng, most=4):
    widths = itertools.accumulate(
        rng.randint(3, 40) for _ in range(rng.randint(3, most))
    )
    return [4 * width for width in widths]


@preact_resnet.question(
    "The balance of BatchNorms",
    points=2,
    returns="a list of whole numbers, one longer than `widths`,",
    visible=([[16, 32, 64]], [[16, 64, 128]]),
    draw=lambda rng: [draw_widths(rng, 6)],
    slips={
        "[-2 * widths[0], -> [-widths[0],": (
            "The first entry counts one parameter a map; BatchNorm trains two."
        ),
        "-2 * widths[0] -> 0": (
            "Behind the first convolution a BatchNorm has gone; the first unit brings "
            "its own."
        ),
        "2 * widths[-1]] -> 0]": (
            "The BatchNorm in front of the average pooling is missing."
        ),
        "2 * (before - after) -> 2 * (after - before)": (
            "The sign of the stages is turned round: the first BatchNorm of a stage "
            "now reads the fewer maps of the stage before."
        ),
        "2 * (before - after) -> -2 * after": (
            "No BatchNorm is lost in a stage's first unit: one of `after` maps becomes "
            "one of `before`."
        ),
        "2 * (before - after) -> 0": (
            "The first BatchNorm of a later stage reads the maps of the stage before; "
            "there are fewer of them."
        ),
        (
            "-2 * widths[0] -> -4 * widths[0]",
            "2 * (before - after) -> 4 * (before - after)",
            "2 * widths[-1]] -> 4 * widths[-1]]",
        ): (
            "BatchNorm counts four values a map; two of them, the averages, are not "
            "trained."
        ),
        (
            "-2 * widths[0] -> -widths[0]",
            "2 * (before - after) -> before - after",
            "2 * widths[-1]] -> widths[-1]]",
        ): "One parameter a map is counted; BatchNorm trains a factor and a shift.",
        (
            "-2 * widths[0] -> 2 * widths[0]",
            "2 * (before - after) -> 2 * (after - before)",
            "2 * widths[-1]] -> -2 * widths[-1]]",
        ): "All signs are turned round: what the new network has more is positive.",
        "*stages -> 0, *stages": (
            "The first stage has an entry of its own; the later stages alone are asked "
            "for."
        ),
        "2 * (before - after) for -> 4 * (before - after) for": (
            "Both BatchNorms of a stage's first unit are taken for changed; the second "
            "stands between the convolutions, as before."
        ),
    },
    hints=(
        "A BatchNorm in front of a convolution is as wide as what that convolution "
        "reads.",
        "Gone: the one behind the first convolution. Narrower: the first one in each "
        "later stage. New: the one behind the last sum.",
        "The numbers add up to 0.",
    ),
)
def norm_balance(widths):
    """
    `widths` are the maps of each stage; units have two 3x3 convolutions, shortcuts no
    parameters. Return by how many parameters the new network's BatchNorms differ from
    the original's: behind the first convolution; in the first unit of each later stage;
    and in front of the average pooling.

    A BatchNorm trains two parameters a map. In the original one follows each
    convolution; in the new network one stands before each convolution of a unit, and
    one more behind the last sum.
    """
    steps = itertools.pairwise(widths)
    stages = [2 * (before - after) for before, after in steps]
    return [-2 * widths[0], *stages, 2 * widths[-1]]


def draw_network(rng):
    widths = draw_widths(rng)
    blocks = [rng.randint(2, 12) for _ in widths]
    return [rng.choice([BASIC, BOTTLENECK]), blocks, widths]


@preact_resnet.question(
    "110, 164 and 1,001 layers",
    points=4,
    returns="a list `[parameters, norms]` of whole numbers",
    visible=(
        [BASIC, [18] * 3, [16, 32, 64]],
        [BOTTLENECK, [18] * 3, [16, 32, 64]],
        [BOTTLENECK, [111] * 3, [16, 32, 64]],
    ),
    draw=draw_network,
    slips={
        "norms += 2 * maps\n    return -> return": (
            "The last BatchNorm is missing, in front of the average pooling."
        ),
        "norms += 2 * maps\n                weights -> norms += 2 * channels\n"
        "                weights": (
            "A BatchNorm is as wide as what its convolution writes in yours; it stands "
            "in front and is as wide as what the convolution reads."
        ),
        "weights, norms = 27 * maps, 0 -> weights, norms = 27 * maps, 2 * maps": (
            "A BatchNorm stands behind the first convolution in yours; the first "
            "unit's own is the first."
        ),
        "filters[-1] *= 4 -> filters[-1] *= 1": (
            "A bottleneck's last 1x1 has as many filters as the others; it has four "
            "times as many."
        ),
        "weights += maps * filters[-1] -> pass": (
            "The projections are missing: with bottlenecks each stage begins with one."
        ),
        "weights += maps * filters[-1] -> weights += (maps + 2) * filters[-1]": (
            "A BatchNorm follows the projection in yours; here it is bare."
        ),
        "maps != filters[-1]: -> maps != filters[-1] and width != widths[0]:": (
            "The first stage's projection is missing: its first unit changes the "
            "number of maps, too."
        ),
        "len(kernels) == 3 and maps != filters[-1] -> maps != filters[-1]": (
            "Units of two layers project, too; their shortcuts have no parameters."
        ),
        "len(kernels) == 3 and maps != filters[-1] -> len(kernels) == 3": (
            "Every unit projects; only the first of a stage has another shape."
        ),
        "(maps + 1) * 10 -> maps * 10": "The dense layer's ten biases are missing.",
        "weights + norms + (maps + 1) * 10 -> weights + norms": (
            "The dense layer is missing."
        ),
        "weights + norms + (maps + 1) * 10 -> weights + (maps + 1) * 10": (
            "The first number leaves the BatchNorms out; it has all parameters."
        ),
        "(maps + 1) * 10 -> (widths[-1] + 1) * 10": (
            "The dense layer reads `widths[-1]` maps; behind bottlenecks there are "
            "four times as many."
        ),
        "kernel**2 * maps -> kernel**2 * (maps + 1)": (
            "The convolutions have biases in yours; only the dense layer has."
        ),
        "27 * maps -> 9 * maps": "The first convolution reads three colours: 27 "
        "weights a map.",
        (
            "norms += 2 * maps\n    return -> norms += 4 * maps\n    return",
            "norms += 2 * maps\n                weights -> norms += 4 * maps\n"
            "                weights",
        ): (
            "BatchNorm counts four values a map; two of them, the averages, are not "
            "trained."
        ),
        "            maps = channels ->             maps = filters[0]": (
            "Every convolution is taken to write the first width; the last of a "
            "bottleneck writes four times as many maps."
        ),
        "27 * maps -> 28 * maps": "The first convolution has no biases.",
    },
    hints=(
        "Keep the number of maps that comes in, from `widths[0]` behind the first "
        "convolution on.",
        "Each convolution adds `kernel**2 * maps_in * maps_out` weights, and in front "
        "of it `2 * maps_in` for BatchNorm.",
        "With bottlenecks the first unit of a stage projects: `maps_in * 4 * width` "
        "weights, no BatchNorm. At the end a BatchNorm, and a dense layer with biases.",
    ),
)
def preact_parameters(kernels, blocks, widths):
    """
    Return `[parameters, norms]`, all trainable parameters of a pre-activation ResNet
    for ten classes, and those of its BatchNorms. A 3x3 convolution reads three colours
    and writes `widths[0]` maps. Stage i has `blocks[i]` units of these `kernels`, with
    `widths[i]` filters each, a bottleneck's last four times as many.

    A BatchNorm stands before each convolution of a unit, and behind the last sum; only
    the dense layer has biases. Where a bottleneck changes the number of maps, its
    shortcut is a bare 1x1 convolution; round two 3x3, shortcuts have no parameters. The
    paper says 1.7M for 164 layers and 10.2M for 1,001 (table 4), without BatchNorms.
    """
    maps = widths[0]
    weights, norms = 27 * maps, 0
    for width, count in zip(widths, blocks, strict=True):
        filters = [width] * len(kernels)
        if len(kernels) == 3:
            filters[-1] *= 4
        for _ in range(count):
            if len(kernels) == 3 and maps != filters[-1]:
                weights += maps * filters[-1]
            for kernel, channels in zip(kernels, filters, strict=True):
                norms += 2 * maps
                weights += kernel**2 * maps * channels
                maps = channels
    norms += 2 * maps
    return [weights + norms + (maps + 1) * 10, norms]


def draw_sweep(rng):
    """Return a sweep over uneven rates, with several runs that train."""
    rates, rate = [], 0.001
    for _ in range(rng.randint(10, 16)):
        rate *= rng.uniform(1.1, 3)
        rates.append(round(rate, 4))
    limit = float(rng.choice([2, 5, 10, 20]))
    fine = [rng.random() < 0.6 for _ in rates]
    errors = [
        round(rng.uniform(0.1, limit - 0.1) if good else rng.uniform(limit, 90), 1)
        for good in fine
    ]
    if rng.random() < 0.8:
        errors[rng.randrange(len(errors))] = limit
    return [rates, errors, limit]


@preact_resnet.question(
    "Which rates train?",
    points=2,
    returns="a list `[lowest, highest]` of two rates, or `[]`,",
    visible=(
        [RATES, ORIGINAL, 5.0],
        [RATES, NEW, 5.0],
        [[0.01, 0.02, 0.04, 0.08], [60.0, 4.0, 70.0, 3.0], 5.0],
        [[0.01, 0.1], [60.0, 70.0], 5.0],
    ),
    draw=draw_sweep,
    slips={
        "error < limit -> error <= limit": (
            "An error that equals the limit is taken for one below it."
        ),
        "error < limit -> error > limit": (
            "The rates that fail are taken; those below the limit train."
        ),
        "run[-1] / run[0] > best[1] / best[0] -> True": (
            "The last run of rates is taken; the widest is asked for."
        ),
        "run[-1] / run[0] > best[1] / best[0] -> run[0] == best[0]": (
            "The first run of rates is taken; the widest is asked for."
        ),
        "else [] -> else run": (
            "A gap is passed over: only rates that follow each other count as one run."
        ),
        "run[-1] / run[0] > best[1] / best[0] -> run[-1] - run[0] > best[1] - "
        "best[0]": (
            "The runs are compared by differences; compare highest divided by lowest."
        ),
        "run[-1] / run[0] > best[1] / best[0] -> len(run) > rates.index(best[1]) - "
        "rates.index(best[0]) + 1": (
            "The run of most rates is taken; the widest is that whose highest rate "
            "divided by its lowest is largest."
        ),
        "return best -> return best[::-1]": (
            "The two rates are exchanged: the lowest comes first."
        ),
        "return best -> return best[1] / best[0] if best else best": (
            "That is the quotient; the two rates are asked for."
        ),
        "return best -> return [rates[errors.index(min(errors))]] * 2": (
            "That is the rate with the least error; the widest run of rates that train "
            "is asked for."
        ),
    },
    hints=(
        "Keep the run that is going on as a list, and empty it where an error is too "
        "large.",
        "At each rate that trains, compare `run[-1] / run[0]` with that of the best.",
    ),
)
def widest_range(rates, errors, limit):
    """
    `errors` are training errors in % for `rates`, which rise. A rate trains if its
    error is below `limit`. Of the runs of neighbouring rates that all train, find the
    widest, whose highest rate divided by its lowest is largest, and return these two;
    if no rate trains, `[]`.

    A single rate is both. Of equally wide runs take the first. `ORIGINAL` and `NEW` are
    two networks of 38 layers, one seed: the first two cases.
    """
    best = []
    run = []
    for rate, error in zip(rates, errors, strict=True):
        run = [*run, rate] if error < limit else []
        if run and (not best or run[-1] / run[0] > best[1] / best[0]):
            best = [run[0], run[-1]]
    return best


HEADLESS = (
    "Networks without the last BatchNorm are not found: it has 2 parameters for each "
    "of the 4 * widths[-1] maps of the last sum."
)
NORMED = (
    "BatchNorms behind the projections are not found: each has 2 parameters for each "
    "of 4 * width maps."
)
PROJECTING = (
    "Units that all project are not found: each but the first of a stage then has "
    "(4 * width)**2 weights more."
)
FITS_NONE = (
    "No combination fits the count in yours; begin with that of `preact_parameters`, "
    "the dense layer's biases included."
)
RECTIFIED = (
    "A ReLU behind the sums is overlooked: behind it no value is below 0, and the "
    "lowest is 0."
)


def departed(blocks, widths, headless, normed, projecting, lowest):
    """Return the case of a network with each departure made or not."""
    parameters, _ = preact_parameters(BOTTLENECK, blocks, widths)
    if headless:
        parameters -= 8 * widths[-1]
    for width, count in zip(widths, blocks, strict=True):
        if projecting:
            parameters += (count - 1) * 16 * width**2
        if normed:
            parameters += 8 * width * (count if projecting else 1)
    return [blocks, widths, parameters, lowest]


def draw_impostor(rng):
    widths = draw_widths(rng)
    blocks = [rng.randint(2, 12) for _ in widths]
    made = [rng.random() < share for share in (0.5, 0.8, 0.55)]
    lowest = rng.choice([0.0, round(rng.uniform(-4, -0.01), 2)])
    return departed(blocks, widths, *made, lowest)


@preact_resnet.question(
    "Find the impostor",
    points=3,
    returns="a list of four truth values",
    visible=(
        departed([18] * 3, [16, 32, 64], False, False, False, -2.31),
        departed([18] * 3, [16, 32, 64], True, False, False, -1.75),
        departed([3, 4, 6, 3], [64, 128, 256, 512], True, True, False, 0.0),
        departed([111] * 3, [16, 32, 64], False, True, True, -3.02),
    ),
    draw=draw_impostor,
    slips={
        "lowest >= 0 -> False": RECTIFIED,
        "lowest >= 0 -> lowest > 0": RECTIFIED,
        "lowest >= 0 -> lowest <= 0": (
            "The last truth value holds for negative values, too; behind a ReLU there "
            "are none."
        ),
        "lowest >= 0 -> lowest < 0": (
            "The last truth value is turned round: a sum in the new unit may be "
            "negative."
        ),
        "total - 8 * widths[-1] if headless else total -> total": HEADLESS,
        "8 * widths[-1] -> 2 * widths[-1]": HEADLESS,
        "(count - 1) * 16 -> count * 16": PROJECTING,
        "16 * width**2 -> width**2": PROJECTING,
        "16 * width**2 -> 4 * width**2": PROJECTING,
        "16 * width**2 -> 4 * width * width": PROJECTING,
        "if projecting: -> if False:": PROJECTING,
        "count if projecting else 1 -> 1": (
            "Where every unit projects, each projection has its BatchNorm."
        ),
        "count if projecting else 1 -> count": (
            "Where only the first unit of a stage projects, there is one BatchNorm a "
            "stage more."
        ),
        "if normed -> if False": NORMED,
        "8 * width * -> 2 * width *": NORMED,
        "[headless, normed, projecting, -> [projecting, normed, headless,": (
            "The truth values stand in another order: head, BatchNorms, projections, "
            "ReLU."
        ),
        (
            "expected == parameters -> False",
            "return [False, False, False, rectified] -> return [False] * 4",
        ): FITS_NONE,
        "expected == parameters -> False": FITS_NONE,
        "expected == parameters -> expected == parameters and headless + normed + "
        "projecting < 2": (
            "Only single departures are tried; an impostor may combine several."
        ),
    },
    hints=(
        "Your `preact_parameters` gives the paper's total for these blocks and widths.",
        "Three departures change the total, each on or off: try all eight cases.",
        "Without the last BatchNorm: `8 * widths[-1]` less. A projection in every "
        "unit: `16 * width**2` more for each but the first of a stage. A BatchNorm "
        "behind a projection: `8 * width` more.",
    ),
)
def preact_impostor(blocks, widths, parameters, lowest):
    """
    Networks called pre-activation ResNet leave out the last BatchNorm and ReLU, put a
    BatchNorm behind each projection, project in every unit, or keep a ReLU behind each
    sum. From `blocks` and `widths`, all parameters, and the `lowest` value behind a
    unit, tell which: four truth values in this order.

    They have bottlenecks, and two or more units in each stage. The first departure is
    found in much-used code. The last shows in no count.
    """
    rectified = lowest >= 0
    total, _ = preact_parameters([1, 3, 1], blocks, widths)
    combinations = itertools.product([False, True], repeat=3)
    for headless, normed, projecting in combinations:
        expected = total - 8 * widths[-1] if headless else total
        for width, count in zip(widths, blocks, strict=True):
            if projecting:
                expected += (count - 1) * 16 * width**2
            if normed:
                expected += 8 * width * (count if projecting else 1)
        if expected == parameters:
            return [headless, normed, projecting, rectified]
    return [False, False, False, rectified]
