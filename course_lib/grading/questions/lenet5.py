"""Ask for LeNet-5: subsampling, Table I, the RBF layer, equation 9, and impostors."""

import math
from itertools import product

from course_lib.arithmetic import conv2d_parameters, output_size
from course_lib.grading.question import Chapter

lenet5 = Chapter(
    "lenet5",
    title="LeNet-5",
    about=(
        "They rebuild the network of LeCun, Bottou, Bengio and Haffner (1998) from its "
        "section II: 60,000 parameters, 340,908 connections, and the loss. At the end "
        "you can tell it from its impostors."
    ),
    offers=("output_size", "conv2d_parameters"),
    given=(
        "From the foundations you have `output_size` and `conv2d_parameters`; the "
        "library's are imported here:"
    ),
    enough="Plain Python is enough, except for number 9, which is a Keras model.",
    imports=(
        "import math",
        "from itertools import product",
        "from course_lib.backend import keras",
    ),
    data=("TABLE_I",),
)

# Table I of the paper: a row for each map of S2, a column for each map of C3, an X
# where they are connected.
TABLE_I = [
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
]


@lenet5.question(
    "S2 and S4: subsampling",
    points=2,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([28, 6], [10, 16]),
    draw=lambda rng: [2 * rng.randint(3, 32), rng.randint(2, 64)],
    slips={
        ("[2 * channels -> [0", "5 * (size -> 4 * (size"): (
            "That is today's pooling, without parameters; here each map has a "
            "coefficient and a bias."
        ),
        ("[2 * channels -> [channels", "5 * (size -> 4 * (size"): (
            "The bias is missing: each map has a coefficient and a bias, each unit "
            "four pixels and the bias."
        ),
        "[2 * channels -> [channels": (
            "Each map has two parameters: its coefficient and its bias."
        ),
        "5 * (size -> 4 * (size": (
            "The connections to the bias are missing: each unit has five, its four "
            "pixels and the bias."
        ),
        "[2 * channels -> [5 * channels": (
            "The four pixels share one coefficient: they are added first and "
            "multiplied once."
        ),
        "[2 * channels -> [4 * channels": (
            "The four pixels share one coefficient: they are added first and "
            "multiplied once."
        ),
        ("[2 * channels -> [4 * channels", "5 * (size -> 4 * (size"): (
            "The four pixels share one coefficient: they are added first and "
            "multiplied once."
        ),
        "(size // 2) ** 2 -> size**2": (
            "The connections are counted on the input map; the output map is half as "
            "high and half as wide."
        ),
        "[2 * channels -> [2 * (size // 2) ** 2 * channels": (
            "All units of a map share the coefficient and the bias; they are not "
            "counted at each position."
        ),
        "[2 * channels -> [2": (
            "The coefficient and the bias are those of one map; each map has its own."
        ),
        " ** 2 * channels -> ** 2": (
            "The connections are those of one map; there are `channels` of them."
        ),
        "(size // 2) ** 2 -> (size // 2)": (
            "The units are counted along one side; a map is as high as wide."
        ),
        "(size // 2) ** 2 -> (size - 1) ** 2": (
            "The windows overlap; subsampling moves them by their own width."
        ),
        "5 * (size -> 2 * (size": (
            "Those are the uses of two parameters; each of a unit's four pixels is a "
            "connection."
        ),
        "5 * (size -> 6 * (size": (
            "The coefficient is counted as a connection; a unit's five are its "
            "pixels and the bias."
        ),
    },
    hints=(
        "A unit adds the four pixels of a 2x2 window, multiplies by a coefficient, "
        "and adds a bias.",
        "Coefficient and bias belong to the map: two parameters for each, whatever "
        "its size.",
        "A unit has five connections, and there are `(size // 2) ** 2 * channels` "
        "units.",
    ),
)
def subsampling_counts(size, channels):
    """
    A unit of S2 adds the four pixels of a 2x2 window, multiplies by a trainable
    coefficient and adds a trainable bias; windows do not overlap, and each map has its
    own two parameters. For an input of `channels` maps of an even side `size`, return
    `[parameters, connections]`.

    The cases are S2 and S4 (section II.B). Today's average and maximum pooling have no
    parameters at all.
    """
    return [2 * channels, 5 * (size // 2) ** 2 * channels]


@lenet5.question(
    "C3, group by group",
    points=2,
    returns="a list of four whole numbers",
    slips={
        "conv2d_parameters(5, inputs, 1) -> 25 * inputs": (
            "The biases are missing: each map of C3 has one."
        ),
        "[maps * conv2d_parameters -> [conv2d_parameters": (
            "Those are the parameters of one map in each group; the groups have 6, "
            "6, 3 and 1 maps."
        ),
        "(5, inputs, 1) -> (5, 6, 1)": (
            "Every map reads all six maps of S2; the groups read 3, 4, 4 and 6."
        ),
        "(3, 4) -> (3, 3)": (
            "The third group reads four maps as well, though not four in a row."
        ),
        "conv2d_parameters(5, inputs, 1) -> 26 * inputs": (
            "That is one bias for each connected pair; a map of C3 has a single bias."
        ),
        "conv2d_parameters(5, inputs, 1) -> 25 * inputs + 1": (
            "That is one bias a group; each of its maps has its own."
        ),
        "conv2d_parameters(5, inputs, 1) -> (5 * inputs + 1)": (
            "A kernel is counted as a line; it is 5 by 5."
        ),
        "(5, inputs, 1) -> (3, inputs, 1)": "Those are kernels of 3x3; C3's are 5x5.",
        "maps * conv2d_parameters(5, inputs, 1) -> inputs * conv2d_parameters(5, "
        "maps, 1)": (
            "The maps of a group and the maps that each of them reads are exchanged."
        ),
        "[maps * conv2d -> [100 * maps * conv2d": (
            "Those are the connections; each parameter is used at 10x10 places, and "
            "counts once."
        ),
        ("[maps * -> sum(maps *", "in groups] -> in groups)"): (
            "Those are all of C3's parameters; the four groups are asked for, in a "
            "list."
        ),
    },
    hints=(
        "A map that reads `n` maps of S2 has `n` kernels of 5x5, and one bias.",
        "The groups have 6, 6, 3 and 1 maps; each map of a group reads 3, 4, 4 and 6 "
        "maps of S2.",
    ),
)
def c3_groups():
    """
    The first six maps of C3 read three neighbouring maps of S2 each, the next six read
    four, the next three read four that are not neighbours, and the last one reads all
    six. Kernels are 5x5. Return the parameters of each of the four groups.

    Together they are the 1,516 parameters of the paper. The authors wanted fewer
    connections, and maps that are forced to differ because they read different inputs.
    """
    groups = [
        (6, 3),
        (6, 4),
        (3, 4),
        (1, 6),
    ]  # maps, and how many of S2 each of them reads
    return [maps * conv2d_parameters(5, inputs, 1) for maps, inputs in groups]


def draw_table(rng):
    rows, columns = rng.randint(2, 5), rng.randint(6, 9)
    table = [
        ["X" if rng.random() < 0.5 else "." for _ in range(columns)]
        for _ in range(rows)
    ]
    table[rng.randrange(rows)][rng.randrange(columns)] = "."  # never full, never empty
    table[0][0] = "X"
    return ["".join(row) for row in table]


def draw_partial_counts(rng):
    table = draw_table(rng)
    return [rng.randint(2, 5), table, rng.randint(3, 12)]


@lenet5.question(
    "A layer connected by a table",
    points=2,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([3, ["XX.", ".XX"], 4], [5, TABLE_I, 10]),
    draw=draw_partial_counts,
    slips={
        'row.count("X") -> len(row)': (
            "That is the full connection; kernels exist only where the table has an X."
        ),
        " + len(table[0]) -> ": "The bias is missing: each output map has one.",
        "len(table[0]) -> kernels": (
            "That is one bias for each X; an output map has a single bias, however "
            "many maps it reads."
        ),
        "len(table[0]) -> len(table)": (
            "The table is read the wrong way round: a row is an input map, a column "
            "an output map."
        ),
        "size**2 * parameters -> size**2 * kernel**2 * kernels": (
            "The biases are not among the connections: each unit uses its map's bias "
            "once."
        ),
        "size**2 * parameters -> size * parameters": (
            "The positions are counted along one side; the map is `size` high and "
            "`size` wide."
        ),
        "size**2 * parameters -> size**2 * kernel**2 * kernels + len(table[0])": (
            "The biases are connected once a map; each unit uses its map's bias."
        ),
        "size**2 * parameters -> (size - kernel + 1) ** 2 * parameters": (
            "`size` is the side of the output maps already; no window takes anything "
            "from it."
        ),
        "kernel**2 * kernels -> kernel * kernels": (
            "A kernel is counted as a line; it is `kernel` by `kernel`."
        ),
        "len(table[0]) -> 1": (
            "That is one bias for the whole layer; each output map has its own."
        ),
        "len(table[0]) -> len(table[0]) + len(table)": (
            "The input maps have no bias here; a column is an output map, a row is not."
        ),
        'count("X") -> count(".")': (
            "Those are the pairs without a kernel; an X stands where there is one."
        ),
    },
    hints=(
        "Count the X: each stands for one kernel of `kernel * kernel` weights.",
        'Add one bias for each column. `row.count("X")` counts the X of a row, '
        "`len(table[0])` the columns.",
        "Each of the `size * size` positions uses all the parameters once.",
    ),
)
def partial_counts(kernel, table, size):
    """
    Now from the table itself: a row for each input map, a column for each output map,
    an `X` where a kernel connects the two. Each output map has one bias, and `size` by
    `size` units. Return `[parameters, connections]`.

    The second case is C3, where the paper connects 60 of the 96 pairs. Connecting all
    of them is the first departure of `lenet5_modern`.
    """
    kernels = sum(row.count("X") for row in table)
    parameters = kernel**2 * kernels + len(table[0])
    return [parameters, size**2 * parameters]


@lenet5.question(
    "All of LeNet-5",
    points=3,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([32], [36]),
    draw=lambda rng: [4 * rng.randint(10, 250)],
    slips={
        "[0, c5**2 * 84 * 10] -> [0, 0]": (
            "The RBF layer is missing: its 840 values are fixed, but they are "
            "connections all the same."
        ),
        "[0, c5**2 -> [840, c5**2": (
            "The RBF layer's 840 values are counted as parameters; they are fixed."
        ),
        "partial_counts(5, TABLE_I, c3) -> counts(conv2d_parameters(5, 6, 16), c3)": (
            "C3 is fully connected; in the paper, Table I leaves out 36 of its 96 "
            "kernels."
        ),
        (
            "subsampling_counts(c1, 6) -> [0, 4 * (c1 // 2) ** 2 * 6]",
            "subsampling_counts(c3, 16) -> [0, 4 * (c3 // 2) ** 2 * 16]",
        ): (
            "S2 and S4 are plain pooling; in the paper, each map has a coefficient "
            "and a bias."
        ),
        (
            "subsampling_counts(c1, 6) -> [0, 0]",
            "subsampling_counts(c3, 16) -> [0, 0]",
        ): "S2 and S4 are missing; they have parameters and connections, too.",
        (
            "counts(conv2d_parameters(5, 16, 120), c5) -> counts(((c3 // 2) ** 2 * "
            "16 + 1) * 120, 1)",
            "84), c5) -> 84), 1)",
            "c5**2 * 84 -> 84",
        ): (
            "C5 is a dense layer on all of S4; it is a 5x5 convolution, which does "
            "not grow with the input."
        ),
        ("120), c5) -> 120), 1)", "84), c5) -> 84), 1)", "c5**2 * 84 -> 84"): (
            "C5, F6 and the RBF layer are counted once; a larger input repeats them "
            "at each position of C5."
        ),
        ("84), c5) -> 84), 1)", "c5**2 * 84 -> 84"): (
            "F6 and the RBF layer are counted once; a larger input repeats them with "
            "C5."
        ),
        "84), c5) -> 84), 1)": (
            "F6 is counted once; a larger input repeats it at each position of C5."
        ),
        "c5**2 * 84 -> 84": (
            "The RBF layer is counted once; a larger input repeats it at each "
            "position of C5."
        ),
        "120), c5) -> 120), 1)": (
            "C5 is counted once; a larger input has more positions of it."
        ),
        "[0, c5**2 * 84 * 10] -> counts(85 * 10, c5)": (
            "The last layer is a softmax layer with weights and biases; the RBF "
            "layer trains nothing."
        ),
        "84 * 10 -> 85 * 10": "An RBF unit has no bias: it has 84 connections.",
        "counts(conv2d_parameters(1, 120, 84), c5) -> [0, 0]": "F6 is missing.",
        (
            "subsampling_counts(c1, 6) -> subsampling_counts(c1 // 2, 6)",
            "subsampling_counts(c3, 16) -> subsampling_counts(c3 // 2, 16)",
        ): "`subsampling_counts` takes the side of what S2 reads; it halves it itself.",
        "TABLE_I, c3 -> TABLE_I, c1 // 2": (
            "C3's connections are counted on S2's side; `partial_counts` takes the "
            "side of C3."
        ),
        "c1 = output_size(size, 5) -> c1 = size": (
            "C1 is padded; without padding it takes 4 from the side."
        ),
        (
            "c3 = output_size(c1 // 2, 5) -> c3 = output_size(c1, 5)",
            "c5 = output_size(c3 // 2, 5) -> c5 = output_size(c3, 5)",
        ): (
            "The sides are not halved; S2 and S4 are half as high and half as wide "
            "as what they read."
        ),
        "side**2 * parameters -> side * parameters": (
            "The positions are counted along one side; a map is as high as wide."
        ),
        "side**2 * parameters -> parameters": (
            "Connections are counted once; each position has its own."
        ),
    },
    hints=(
        "Follow the side: a 5x5 convolution takes 4 from it, subsampling halves it. "
        "C5 is a convolution too.",
        "Use your `subsampling_counts` and `partial_counts`. Elsewhere, connections "
        "are parameters times positions; F6 and the RBF layer stand at each position "
        "of C5.",
        "For an input of 32, the connections are 122,304 + 5,880 + 151,600 + 2,000 + "
        "48,120 + 10,164 + 840.",
    ),
)
def lenet5_totals(size):
    """
    Return `[parameters, connections]` of the whole network for `size` by `size` pixels
    (a multiple of 4, from 32 on): C1, S2, C3, S4, C5 (5x5, 120 maps), F6 (dense, 84
    units) and the RBF layer (10 units of 84 connections, nothing to train). C5 grows
    with the input; F6 and the RBF layer stand at each of its positions.

    The parameters never change. That is how the authors ran the network over whole
    words in one pass (section VII).
    """

    def counts(parameters, side):
        return [parameters, side**2 * parameters]

    c1 = output_size(size, 5)
    c3 = output_size(c1 // 2, 5)
    c5 = output_size(c3 // 2, 5)
    layers = [
        counts(conv2d_parameters(5, 1, 6), c1),
        subsampling_counts(c1, 6),
        partial_counts(5, TABLE_I, c3),
        subsampling_counts(c3, 16),
        counts(conv2d_parameters(5, 16, 120), c5),
        counts(conv2d_parameters(1, 120, 84), c5),  # F6
        [0, c5**2 * 84 * 10],  # the RBF layer
    ]
    return [sum(column) for column in zip(*layers, strict=True)]


@lenet5.question(
    "The squashing function",
    points=1,
    returns="a number",
    visible=([0.0], [1.0], [-2.5]),
    draw=lambda rng: [rng.uniform(-4, 4)],
    slips={
        "2 / 3 * x -> x": (
            "The slope S is missing: the paper has S = 2/3 inside the tanh."
        ),
        "1.7159 * -> ": (
            "The amplitude A is missing: the paper has A = 1.7159 in front of the tanh."
        ),
        ("1.7159 * -> ", "2 / 3 * x -> x"): (
            "That is the plain tanh; the paper has A = 1.7159 in front and S = 2/3 "
            "inside."
        ),
        "2 / 3 -> 3 / 2": "S is upside down: it is 2/3, not 3/2.",
        ("1.7159 -> 2 / 3", "(2 / 3 -> (1.7159"): (
            "A and S are exchanged: A = 1.7159 stands in front, S = 2/3 inside."
        ),
        "math.tanh(2 / 3 * x) -> 2 / 3 * math.tanh(x)": (
            "S stands in front of the tanh; it multiplies a, inside."
        ),
        "1.7159 * math.tanh(2 / 3 * x) -> math.tanh(1.7159 * 2 / 3 * x)": (
            "A stands inside the tanh; it multiplies its result."
        ),
        "2 / 3 -> 2 // 3": "`2 // 3` is 0: divide with `/`.",
        "math.tanh -> math.tan": (
            "That is the tangent; the hyperbolic one is `math.tanh`."
        ),
        "math.tanh -> math.atan": (
            "That is the arc tangent; the hyperbolic tangent is `math.tanh`."
        ),
        "math.tanh(2 / 3 * x) -> 1 / (1 + math.exp(-2 / 3 * x))": (
            "That is the logistic function; the paper's is the hyperbolic tangent, "
            "`math.tanh`."
        ),
        "2 / 3 -> 0.67": "S is rounded; write `2 / 3`.",
        "2 / 3 -> 0.667": "S is rounded; write `2 / 3`.",
        "2 / 3 -> 0.6667": "S is rounded; write `2 / 3`.",
        "2 / 3 -> 0.66": "S is rounded; write `2 / 3`.",
        "2 / 3 -> 0.666": "S is rounded; write `2 / 3`.",
        "1.7159 -> 1.716": "A is rounded; it is 1.7159.",
        "1.7159 -> 1.72": "A is rounded; it is 1.7159.",
        "math.tanh(2 / 3 * x) -> 2 / 3 * (1 - math.tanh(2 / 3 * x) ** 2)": (
            "That is the slope of the function, not the function."
        ),
    },
    hints=(
        "The paper writes f(a) = A tanh(S a), with A = 1.7159 and S = 2/3.",
        "`import math` brings `math.tanh`.",
    ),
)
def scaled_tanh(x):
    """
    Up to F6, each unit's sum passes through f(a) = A tanh(S a), with A = 1.7159 and S =
    2/3 (equation 6 and appendix A).

    With these values f(1) is 1 and f(-1) is -1, to five digits: the targets of +1 and
    -1 lie where the curve bends most, not on its flat ends.
    """
    return 1.7159 * math.tanh(2 / 3 * x)


def draw_rbf(rng):
    length = rng.randint(6, 12)
    codes = rng.sample(
        range(2**length), rng.randint(4, 10)
    )  # no two prototypes are the same
    prototypes = [
        [1 if code >> bit & 1 else -1 for bit in range(length)] for code in codes
    ]
    return [[rng.uniform(-1.7, 1.7) for _ in range(length)], prototypes]


@lenet5.question(
    "The RBF layer decides",
    points=2,
    returns="a list `[digit, distance]` of a whole number and a number",
    visible=(
        [[1.0, -1.0, 0.5], [[-1, -1, -1], [1, -1, 1], [1, 1, 1]]],
        [[0.5, 0.5, -1.5, 0.0], [[1, -1, -1, 1], [-1, -1, 1, 1], [1, 1, -1, -1]]],
    ),
    draw=draw_rbf,
    slips={
        ("index(min( -> index(max(", ", min( -> , max("): (
            "The largest output is taken. An RBF's output is a distance: the "
            "smallest one wins."
        ),
        "index(min( -> index(max(": (
            "The digit is that of the largest output; the smallest distance wins."
        ),
        ", min( -> , max(": "The distance is the largest one; the smallest wins.",
        ", min(distances)] -> , min(distances) ** 0.5]": (
            "The root is taken; equation 7 is the squared distance."
        ),
        "(x - w) ** 2 -> abs(x - w)": (
            "The differences are not squared; equation 7 adds their squares."
        ),
        "(x - w) ** 2 -> (x - w)": (
            "The differences are not squared; equation 7 adds their squares."
        ),
        ("(x - w) ** 2 -> x * w", "index(min( -> index(max(", ", min( -> , max("): (
            "That is the dot product of a softmax layer; an RBF subtracts, squares "
            "and adds."
        ),
        "(x - w) ** 2 -> x * w": (
            "That is the dot product of a softmax layer; an RBF subtracts, squares "
            "and adds."
        ),
        ", min(distances)] -> , min(distances) / len(features)]": (
            "That is the mean of the squares; equation 7 is their sum."
        ),
        "distances.index(min(distances)), -> distances.index(min(distances)) + 1,": (
            "The digits are counted from 1; the first prototype is digit 0."
        ),
        ("(x - w) ** 2 for -> (x - w) for", "strict=True)) -> strict=True)) ** 2"): (
            "The sum is squared; each difference is squared first."
        ),
        "(x - w) ** 2 -> x**2 - w**2": (
            "The squares are subtracted; each difference is squared."
        ),
        "(x - w) ** 2 -> (x + w) ** 2": (
            "Features and prototype are added; the distance is between them."
        ),
        "return [ -> return [0, 0] or [": (
            "The search for the smallest begins with 0, and no distance lies below; "
            "begin with the first one."
        ),
        "return -> return [0, 1] if min(distances) >= 1 else": (
            "The search for the smallest begins with too small a number; begin with "
            "the first distance."
        ),
        "return -> return [0, 10] if min(distances) >= 10 else": (
            "The search for the smallest begins with too small a number; begin with "
            "the first distance."
        ),
        "return [ -> return distances or [": (
            "Those are all the distances; return the digit with the smallest, and "
            "that distance."
        ),
    },
    hints=(
        "One output a prototype: subtract, square, add.",
        "`zip(features, prototype)` pairs the values; the output is the sum of `(x - "
        "w) ** 2`.",
        "`distances.index(min(distances))` is the position of the smallest.",
    ),
)
def rbf_decision(features, prototypes):
    """
    Each digit has a prototype of +1 and -1, a small bitmap. An RBF unit answers with
    the squared Euclidean distance between the features and its prototype (equation 7),
    and the digit with the smallest answer wins. Return `[digit, distance]`.

    The output is a penalty, not a score: an `argmax`, as after a softmax, picks the
    digit that fits worst.
    """
    distances = [
        sum((x - w) ** 2 for x, w in zip(features, prototype, strict=True))
        for prototype in prototypes
    ]
    return [distances.index(min(distances)), min(distances)]


def draw_map_loss(rng):
    distances = [rng.uniform(0.2, 4) for _ in range(rng.randint(3, 10))]
    return [distances, rng.randrange(len(distances)), rng.uniform(0.5, 3)]


@lenet5.question(
    "Equation 9",
    points=2,
    returns="a number",
    visible=([[1.0, 4.0, 9.0], 0, 2.0], [[3.0, 0.5], 0, 1.0]),
    draw=draw_map_loss,
    slips={
        " + math.log(total) -> ": (
            "The second term is missing; without it, nothing pushes the wrong "
            "classes away."
        ),
        "distances[label] + -> ": (
            "The first term is missing: the distance of the right class."
        ),
        "math.exp(-j) + -> ": (
            "The constant exp(-j) is missing from the sum: that is the cross-entropy "
            "of a softmax over -y."
        ),
        "in distances) -> in distances[:label] + distances[label + 1 :])": (
            "The right class is missing from the sum: it runs over all classes."
        ),
        "math.exp(-j) -> j": "j itself is in the sum; the paper has exp(-j).",
        "math.exp(-j) -> math.exp(j)": (
            "j enters with the wrong sign: the paper has exp(-j)."
        ),
        "math.exp(-y) -> math.exp(y)": (
            "The outputs enter the sum with the wrong sign: a small distance must "
            "weigh much, so exp(-y)."
        ),
        "distances[label] + math -> distances[label] - math": (
            "The second term is subtracted; it is added."
        ),
        ("math.exp(-j) + sum -> sum", "math.log(total) -> (-j + total)"): (
            "The logarithm closes too early: it is taken of the whole sum."
        ),
        (
            "math.exp(-j) + sum -> sum",
            "math.log(total) -> (math.exp(-j) + math.log(total))",
        ): ("exp(-j) stands outside the logarithm; it is a part of the sum."),
        ("math.exp(-j) + sum -> sum", "math.log(total) -> (math.log(total) - j)"): (
            "j stands outside the logarithm; exp(-j) is a part of the sum."
        ),
        "math.exp(-j) + sum(math.exp(-y) -> sum(math.exp(-j) + math.exp(-y)": (
            "exp(-j) is added once for every class; it is added once."
        ),
        "in distances) -> in distances) / len(distances)": (
            "The sum is divided by the number of classes; it is a sum, not a mean."
        ),
        "math.log(total) -> total": "The logarithm of the sum is missing.",
        "math.log(total) -> math.log10(total)": (
            "That is the logarithm to base 10; the natural one is `math.log`."
        ),
        "math.log(total) -> math.log2(total)": (
            "That is the logarithm to base 2; the natural one is `math.log`."
        ),
        "return distances[label] -> return -distances[label]": (
            "The right class's distance enters with the wrong sign: the loss grows "
            "with it."
        ),
        "distances[label] -> min(distances)": (
            "The smallest distance is taken; the right class's counts, whichever is "
            "smallest."
        ),
        "distances[label] -> math.exp(-distances[label])": (
            "The right class's distance itself is the first term, not its exponential."
        ),
    },
    hints=(
        "Two terms: the distance of the right class, and the logarithm of a sum.",
        "The sum is exp(-j) plus exp(-y) of every class, the right one too.",
        "`import math` brings `math.log` and `math.exp`; `label` picks the right "
        "class: `distances[label]`.",
    ),
)
def map_loss(distances, label, j):
    """
    Write equation 9 for a single image: the output of the right class, plus the
    logarithm of exp(-j) plus the sum of exp(-y) over all outputs y. `distances` are the
    outputs of the RBF layer, `label` is the right class, `j` a positive constant.

    The first term alone is equation 8, in which the classes do not compete. The second
    pushes the wrong ones away, and j stops it from pushing those that are far already.
    """
    total = math.exp(-j) + sum(math.exp(-y) for y in distances)
    return distances[label] + math.log(total)


def draw_balance_sheet(rng):
    _, table, _ = draw_partial_counts(rng)
    return [rng.randint(2, 5), table, rng.randint(20, 120), rng.randint(2, 20)]


@lenet5.question(
    "The balance sheet",
    points=2,
    returns="a list `[full_c3, softmax, pooling]` of whole numbers",
    visible=([5, TABLE_I, 84, 10], [3, ["XX.", ".XX"], 20, 4]),
    draw=draw_balance_sheet,
    slips={
        "(features + 1) -> features": (
            "The softmax layer's biases are missing: each class has one."
        ),
        "(features + 1) * classes -> features * classes + 1": (
            "The softmax layer has a single bias; each class has its own."
        ),
        "(features + 1) * classes -> (features + 1) * classes - features * classes": (
            "The RBF layer's prototypes are taken away; they were never parameters."
        ),
        "-2 * maps -> 2 * maps": (
            "The pooling has the wrong sign: plain pooling takes parameters away."
        ),
        "-2 * maps -> 0": (
            "Plain pooling has no parameters, but S2 and S4 had: the difference is "
            "asked for."
        ),
        "kernel**2 * missing -> kernel**2 * len(table) * len(table[0]) + "
        "len(table[0])": (
            "The first number is all of a full C3; only the kernels that the table "
            "leaves out are new."
        ),
        "kernel**2 * missing -> kernel**2 * len(table) * len(table[0])": (
            "The first number is all of a full C3; only the kernels that the table "
            "leaves out are new."
        ),
        'count(".") -> count("X")': (
            "Those are the kernels that the paper has; new are those that the table "
            "leaves out."
        ),
        "kernel**2 * missing -> (kernel**2 + 1) * missing": (
            "The new kernels come with new biases; the maps had their biases already."
        ),
        "kernel**2 * missing -> kernel**2 * missing + len(table[0])": (
            "The new kernels come with new biases; the maps had their biases already."
        ),
        "-2 * maps -> -maps": (
            "Each map of S2 and S4 loses two parameters, its coefficient and its bias."
        ),
        "-2 * maps -> -2 * len(table) * len(table[0])": (
            "The maps of S2 and S4 are multiplied; they are added."
        ),
        "-2 * maps -> -2 * len(table[0])": (
            "Only one of the two subsampling layers is counted: S2 has a map a row, "
            "S4 a map a column."
        ),
        "-2 * maps -> -2 * len(table)": (
            "Only one of the two subsampling layers is counted: S2 has a map a row, "
            "S4 a map a column."
        ),
        ("return [ -> return sum([", "* maps] -> * maps])"): (
            "The three are added up; they are asked for one by one."
        ),
    },
    hints=(
        "Each entry is a difference: parameters of the departure minus those of the "
        "paper's layer.",
        "C3 gains a kernel for each place that the table leaves empty, and no bias.",
        "The RBF layer has no trainable parameter, a softmax unit a weight for each "
        "feature and a bias; each map of S2 and S4 loses two.",
    ),
)
def balance_sheet(kernel, table, features, classes):
    """
    How many parameters does each of three habits of today add to LeNet-5? Return
    `[full_c3, softmax, pooling]`: C3 connected to all maps; a dense softmax layer of
    `classes` units on `features` features, instead of the RBF layer; plain pooling
    instead of S2 (a map for each row of the table) and S4 (one for each column).

    For LeNet-5 they add up to 1,706: from 60,000 parameters to the 61,706 of
    `lenet5_modern`.
    """
    missing = sum(row.count(".") for row in table)
    maps = len(table) + len(table[0])
    return [kernel**2 * missing, (features + 1) * classes, -2 * maps]


@lenet5.question(
    "The LeNet-5 of most tutorials",
    points=2,
    returns="a Keras model that begins with `keras.Input`",
    needs="keras",
    visible=([32, 10], [28, 10], [32, 26]),
    draw=lambda rng: [rng.randint(20, 48), rng.randint(2, 40)],
    answer="""
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            keras.layers.Conv2D(6, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(16, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="tanh"),
            keras.layers.Dense(84, activation="tanh"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    """,
    slips={
        "side = output_size(side, 5) -> side = side if filters == 6 else "
        "output_size(side, 5)": (
            "The first convolution is padded; without padding it takes 4 from the side."
        ),
        "side = output_size(side, 5) -> pass": (
            "The convolutions are padded; without padding each takes 4 from the side."
        ),
        "AveragePooling2D -> MaxPooling2D": (
            "The pooling takes the maximum; here it takes the average."
        ),
        (
            "inputs = side**2 * maps -> inputs = maps",
            'rows.append(["Flatten", [inputs], 0]) -> pass',
            '"Dense", [units] -> "Dense", [side, side, units]',
        ): "The maps are not flattened: the dense layers stand at each position.",
        (
            "inputs = side**2 * maps -> inputs = maps",
            "Flatten -> GlobalAveragePooling2D",
        ): (
            "Global pooling keeps a single number of each map; flattening keeps them "
            "all."
        ),
        ("inputs = side**2 * maps -> inputs = maps", "Flatten -> GlobalMaxPooling2D"): (
            "Global pooling keeps a single number of each map; flattening keeps them "
            "all."
        ),
        (
            "output_size(side, 5) -> output_size(side, 3)",
            "conv2d_parameters(5, -> conv2d_parameters(3,",
        ): ("The kernels are 3x3; LeNet's are 5x5."),
        (
            "conv2d_parameters(5, maps, filters) -> 25 * maps * filters",
            "(inputs + 1) -> inputs",
        ): (
            "The biases are missing: each map has one, and each unit of a dense layer."
        ),
        "conv2d_parameters(5, maps, filters) -> 25 * maps * filters": (
            "The convolutions have no biases; each map has one."
        ),
        (
            "inputs = side -> side, maps = side - 4, 120; rows.append(['Conv2D', "
            "[side, side, 120], 48_120]); inputs = side",
            "(120, 84, classes) -> (84, classes)",
            "return rows -> return rows if side > 0 else None",
        ): (
            "The third convolution is the paper's C5; here the maps are flattened, "
            "and a dense layer follows."
        ),
        (
            'rows.append(["AveragePooling2D", [side, side, filters], 0]) -> pass',
            "side = side // 2 -> pass",
        ): "The pooling is missing: each convolution is followed by one.",
        (
            'rows.append(["AveragePooling2D", [side, side, filters], 0]) -> '
            'rows.append(["AveragePooling2D", [side, side, filters], 0]) if filters '
            "== 6 else None",
            "side = side // 2 -> side = side // 2 if filters == 6 else side",
        ): "The second pooling is missing: each convolution is followed by one.",
        "side = side // 2 -> side = -(-side // 2)": (
            "The pooling is padded; a last line that fills no window is dropped."
        ),
        "side = side // 2 -> side = side - 1": (
            "The pooling has a stride of 1; its windows do not overlap."
        ),
        "(120, 84, classes) -> (84, 120, classes)": (
            "The dense layers are exchanged: 120 units come first."
        ),
        "(120, 84, classes) -> (84, classes)": (
            "The dense layer of 120 units is missing."
        ),
        "(120, 84, classes) -> (120, classes)": (
            "The dense layer of 84 units is missing."
        ),
        "(120, 84, classes) -> (120, 84)": (
            "The last layer is missing: `classes` units."
        ),
        "(120, 84, classes) -> (120, 84, 10)": (
            "The last layer always has 10 units; it has one a class."
        ),
        "rows, side, maps = [], size, 1 -> rows, side, maps = [], size, 3": (
            "The pictures have three colours; these are grey, one number a pixel."
        ),
    },
    hints=(
        "`keras.Sequential([keras.Input((size, size, 1)), ...])` lists the layers in "
        "order.",
        "In `keras.layers` you find `Conv2D(6, 5)`, `AveragePooling2D(2)`, "
        "`Flatten()` and `Dense(120)`.",
        "Eight layers: convolution, pooling, convolution, pooling, flatten, and "
        "three dense ones.",
    ),
)
def tutorial_lenet5(size, classes):
    """
    Build in Keras what most tutorials call LeNet-5, for grey pictures of `size` by
    `size` pixels: 5x5 convolutions of 6 and of 16 maps, without padding, each followed
    by 2x2 average pooling; then flatten, dense layers of 120 and 84 units, and a
    softmax over `classes`. The activation is tanh. Begin with `keras.Input`; return the
    model.

    The check compares a row `[kind, output shape, parameters]` for each layer that has
    weights or changes the shape; it doesn't see the activations. At 32 the first dense
    layer is the paper's C5 in another form. At 28 it is not: it reads 4x4 maps, and is
    17,280 weights smaller.
    """
    rows, side, maps = [], size, 1
    for filters in (6, 16):
        side = output_size(side, 5)
        rows.append(
            ["Conv2D", [side, side, filters], conv2d_parameters(5, maps, filters)]
        )
        side = side // 2
        rows.append(["AveragePooling2D", [side, side, filters], 0])
        maps = filters
    inputs = side**2 * maps
    rows.append(["Flatten", [inputs], 0])
    for units in (120, 84, classes):
        rows.append(["Dense", [units], (inputs + 1) * units])
        inputs = units
    return rows


CHOICES = tuple(product([False, True], repeat=4))


def departed(made, features, classes):
    """Return the case of a network with each of the four departures made or not."""
    amounts = (900, (features + 1) * classes, -44, -17_280)
    added = sum(
        amount for amount, departs in zip(amounts, made, strict=True) if departs
    )
    return [60_000 + 121 * (features - 84) + added, features, classes]


def draw_impostor(rng):
    """Return a network whose total no other departures explain."""
    while True:
        sizes = rng.randint(40, 160), rng.randint(2, 60)
        if len({departed(made, *sizes)[0] for made in CHOICES}) == len(CHOICES):
            return departed([rng.random() < 0.6 for _ in range(4)], *sizes)


def greedy_impostor(total, features, classes):
    rest = total - 60_000 - 121 * (features - 84)
    smaller_input = rest < -10_000
    rest += 17_280 if smaller_input else 0
    full_c3 = rest >= 900
    rest -= 900 if full_c3 else 0
    added = (features + 1) * classes
    softmax = rest >= added
    rest -= added if softmax else 0
    return [full_c3, softmax, rest < 0, smaller_input]


OTHER_FEATURES = (
    "60,000 is the paper's total with 84 features; F6 has 120 weights and a bias, 121 "
    "parameters, for each more or less."
)
NOTHING_FOUND = "return list(choice) -> return list(choice)\n    return [False] * 4"


@lenet5.question(
    "Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=([61_706, 84, 10], [44_426, 84, 10], [60_850, 84, 10], [67_458, 120, 26]),
    draw=draw_impostor,
    slips={
        "[900, (features + 1) * classes, -> [(features + 1) * classes, 900,": (
            "Full C3 and softmax are exchanged: full C3 adds 900, softmax the weights "
            "and biases of `classes` units."
        ),
        ("if paper + -> if sum(choice) < 2 and paper +", NOTHING_FOUND): (
            "Only single departures are tried; an impostor may combine several."
        ),
        (
            "if paper + -> if sum(choice) in (0, 1, 4) and paper +",
            "return list(choice) -> return list(choice)\n    return [True, True, "
            "True, False]",
        ): "Only single departures are tried; an impostor may combine several.",
        greedy_impostor: (
            "The departures are taken off one after another, and pooling makes the "
            "rest too small for one: try all 16."
        ),
        ("-44 -> 44", NOTHING_FOUND): (
            "Plain pooling is taken to add 44 parameters; it takes them away."
        ),
        ("-17_280 -> 0", NOTHING_FOUND): (
            "The smaller input is left out: without padding, 28x28 pixels shrink C5 "
            "by 17,280 weights."
        ),
        ("(features + 1) * classes -> features * classes", NOTHING_FOUND): (
            "The softmax layer is taken to add weights alone; it adds its biases, too."
        ),
        ("(features + 1) * classes -> 850", NOTHING_FOUND): (
            "850 is the softmax layer of 84 features and ten classes; other layers add "
            "another number."
        ),
        ("60_000 + 121 * (features - 84) -> 60_000", NOTHING_FOUND): OTHER_FEATURES,
        (
            "121 * (features - 84) -> 120 * (features - 84)",
            NOTHING_FOUND,
        ): OTHER_FEATURES,
        "return list(choice) -> return list(choice) if total in (61_706, 44_426, "
        "60_850, 67_458) else [False] * 4": (
            "Only the totals that are shown are known: try all 16 networks."
        ),
        "return list(choice) -> return [not made for made in choice]": (
            "True and False are exchanged: True says that the network departs from "
            "the paper there."
        ),
    },
    hints=(
        "Each departure is made or not: there are 16 networks, and each has a total "
        "of its own.",
        "Try all 16: four nested loops over `(False, True)`, or `itertools.product`.",
        "`False * 900` is 0, so compare `paper + a * 900 + b * softmax - c * 44 - d * "
        "17_280` with the total. `paper` is 60,000 and 121 for each feature above 84, "
        "`softmax` is `(features + 1) * classes`.",
    ),
)
def impostor(total, features, classes):
    """
    Four departures: full C3 (+900), a dense softmax layer of `classes` units (+850 for
    ten), plain pooling (-44), and 28x28 pixels without padding, so that C5 reads 4x4
    (-17,280). The paper's LeNet-5, with 84 `features` in F6, has 60,000 parameters.
    From the `total` of another, tell which were made: four truth values in this order.
    Each total has one explanation.

    The first total is `lenet5_modern`, the second the same network on digits without
    padding. A parameter count is a fingerprint, if you know what to compare it with.
    """
    paper = 60_000 + 121 * (features - 84)
    amounts = [900, (features + 1) * classes, -44, -17_280]
    for choice in product([False, True], repeat=4):
        changes = zip(amounts, choice, strict=True)
        if paper + sum(amount for amount, made in changes if made) == total:
            return list(choice)
