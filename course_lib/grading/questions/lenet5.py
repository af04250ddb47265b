"""Ask for LeNet-5 as published: subsampling, Table I, the RBF layer, equation 9, and its impostors."""

import itertools
import math
from functools import partial

from course_lib import arithmetic
from course_lib.grading.question import Question

lenet5 = partial(Question, chapter="lenet5")

OFFERS = ("conv2d_parameters", "output_size")  # of `arithmetic`: these exercises import them

# Table I of LeCun et al. 1998: a row for each map of S2, a column for each map of C3.
TABLE_I = [
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
]


# Subsampling


def subsampling_counts(size, channels):
    return [
        arithmetic.subsampling2d_parameters(channels),
        arithmetic.subsampling2d_connections(size // 2, 2, channels),
    ]


SUBSAMPLING_COUNTS = lenet5(
    name="subsampling_counts",
    title="S2 and S4: subsampling",
    points=2,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([28, 6], [10, 16]),
    draw=lambda rng: [2 * rng.randint(3, 32), rng.randint(2, 64)],
    reference=subsampling_counts,
    mistakes={
        "That is today's pooling, without parameters; here each map has a coefficient and a bias.": (
            lambda n, c: [0, 4 * (n // 2) ** 2 * c]
        ),
        "The bias is missing: each map has a coefficient and a bias, each unit four pixels and the bias.": (
            lambda n, c: [c, 4 * (n // 2) ** 2 * c]
        ),
        "The connections to the bias are missing: each unit has five, its four pixels and the bias.": (
            lambda n, c: [2 * c, 4 * (n // 2) ** 2 * c]
        ),
        "The four pixels share one coefficient: they are added first and multiplied once.": (
            lambda n, c: [5 * c, 5 * (n // 2) ** 2 * c]
        ),
        "The connections are counted on the input map; the output map is half as high and half as wide.": (
            lambda n, c: [2 * c, 5 * n**2 * c]
        ),
        "All units of a map share the coefficient and the bias; they are not counted at each position.": (
            lambda n, c: [2 * (n // 2) ** 2 * c, 5 * (n // 2) ** 2 * c]
        ),
    },
    hints=(
        "A unit adds the four pixels of a 2x2 window, multiplies by a coefficient, and adds a bias.",
        "Coefficient and bias belong to the map: two parameters for each, whatever its size.",
        "A unit has five connections, and there are `(size // 2) ** 2 * channels` units.",
    ),
)


# C3 by groups


def c3_groups():
    maps, inputs = (6, 6, 3, 1), (3, 4, 4, 6)
    return [m * arithmetic.conv2d_parameters(5, i, 1) for m, i in zip(maps, inputs, strict=True)]


C3_GROUPS = lenet5(
    name="c3_groups",
    title="C3, group by group",
    points=2,
    returns="a list of four whole numbers",
    reference=c3_groups,
    mistakes={
        "The biases are missing: each map of C3 has one.": lambda: [450, 600, 300, 150],
        "Those are the parameters of one map in each group; the groups have 6, 6, 3 and 1 maps.": (
            lambda: [76, 101, 101, 151]
        ),
        "Every map reads all six maps of S2; the groups read 3, 4, 4 and 6.": lambda: [906, 906, 453, 151],
        "The third group reads four maps as well, though not four in a row.": lambda: [456, 606, 228, 151],
        "That is one bias for each connected pair; a map of C3 has a single bias.": lambda: [
            468,
            624,
            312,
            156,
        ],
    },
    hints=(
        "A map that reads `n` maps of S2 has `n` kernels of 5x5, and one bias.",
        "The groups have 6, 6, 3 and 1 maps; each map of a group reads 3, 4, 4 and 6 maps of S2.",
    ),
)


# A layer connected by a table


def partial_counts(kernel, table, size):
    connected = [[mark == "X" for mark in row] for row in table]
    return [
        arithmetic.partial_conv2d_parameters(kernel, connected),
        arithmetic.partial_conv2d_connections(size, kernel, connected),
    ]


def _counted(parameters):
    """Return the counts in which `parameters(area, pairs, rows, columns)` replaced the parameters."""

    def wrong(kernel, table, size):
        pairs = sum(row.count("X") for row in table)
        count = parameters(kernel**2, pairs, len(table), len(table[0]))
        return [count, size**2 * count]

    return wrong


def _draw_partial_counts(rng):
    rows, columns = rng.randint(2, 5), rng.randint(6, 9)
    table = [["X" if rng.random() < 0.5 else "." for _ in range(columns)] for _ in range(rows)]
    table[rng.randrange(rows)][rng.randrange(columns)] = "."  # never full, never empty
    table[0][0] = "X"
    return [rng.randint(2, 5), ["".join(row) for row in table], rng.randint(3, 12)]


PARTIAL_COUNTS = lenet5(
    name="partial_counts",
    title="A layer connected by a table",
    points=2,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([3, ["XX.", ".XX"], 4], [5, TABLE_I, 10]),
    draw=_draw_partial_counts,
    reference=partial_counts,
    mistakes={
        "That is the full connection; kernels exist only where the table has an X.": _counted(
            lambda area, pairs, rows, columns: area * rows * columns + columns
        ),
        "The bias is missing: each output map has one.": _counted(
            lambda area, pairs, rows, columns: area * pairs
        ),
        "That is one bias for each X; an output map has a single bias, however many maps it reads.": _counted(
            lambda area, pairs, rows, columns: (area + 1) * pairs
        ),
        "The table is read the wrong way round: a row is an input map, a column an output map.": _counted(
            lambda area, pairs, rows, columns: area * pairs + rows
        ),
        "The biases are not among the connections: each unit uses its map's bias once.": (
            lambda k, table, n: [
                partial_counts(k, table, n)[0],
                n**2 * k**2 * sum(row.count("X") for row in table),
            ]
        ),
        "The positions are counted along one side; the map is `size` high and `size` wide.": (
            lambda k, table, n: [partial_counts(k, table, n)[0], n * partial_counts(k, table, n)[0]]
        ),
    },
    hints=(
        "Count the X: each stands for one kernel of `kernel * kernel` weights.",
        'Add one bias for each column. `row.count("X")` counts the X of a row, `len(table[0])` the columns.',
        "Each of the `size * size` positions uses all the parameters once.",
    ),
)


# The whole network


def _sides(size):
    """Return the sides of C1, S2, C3, S4 and C5 for an input of `size`."""
    c1 = arithmetic.output_size(size, 5)
    c3 = arithmetic.output_size(c1 // 2, 5)
    return c1, c1 // 2, c3, c3 // 2, arithmetic.output_size(c3 // 2, 5)


def _layers(size):
    """Return `[parameters, connections]` of C1, S2, C3, S4, C5, F6 and the RBF layer, in order."""
    c1, _, c3, _, c5 = _sides(size)

    def shared(side, parameters):
        return [parameters, side**2 * parameters]

    return [
        shared(c1, arithmetic.conv2d_parameters(5, 1, 6)),
        subsampling_counts(c1, 6),
        partial_counts(5, TABLE_I, c3),
        subsampling_counts(c3, 16),
        shared(c5, arithmetic.conv2d_parameters(5, 16, 120)),
        shared(c5, arithmetic.dense_parameters(120, 84)),
        [0, c5**2 * arithmetic.rbf_connections(84, 10)],
    ]


def lenet5_totals(size):
    return _summed(_layers(size))


def _summed(layers):
    return [sum(column) for column in zip(*layers, strict=True)]


def _totals_full_c3(size):
    layers, side = _layers(size), _sides(size)[2]
    full = arithmetic.conv2d_parameters(5, 6, 16)
    return _summed([*layers[:2], [full, side**2 * full], *layers[3:]])


def _totals_pooling(size):
    layers, (_, s2, _, s4, _) = _layers(size), _sides(size)
    plain = {1: [0, 4 * s2**2 * 6], 3: [0, 4 * s4**2 * 16]}
    return _summed(plain.get(index, layer) for index, layer in enumerate(layers))


def _totals_dense_c5(size):
    layers, s4 = _layers(size), _sides(size)[3]
    dense = arithmetic.dense_parameters(s4**2 * 16, 120)
    return _summed([*layers[:4], [dense, dense], [10_164, 10_164], [0, 840]])


def _totals_one_position(size):
    return _summed([*_layers(size)[:4], [48_120, 48_120], [10_164, 10_164], [0, 840]])


def _totals_trained_rbf(size):
    parameters, connections = lenet5_totals(size)
    return [parameters + 840, connections]


LENET5_TOTALS = lenet5(
    name="lenet5_totals",
    title="All of LeNet-5",
    points=3,
    returns="a list `[parameters, connections]` of whole numbers",
    visible=([32], [36]),
    draw=lambda rng: [4 * rng.randint(10, 64)],
    reference=lenet5_totals,
    mistakes={
        "The RBF layer is missing: its 840 values are fixed, but they are connections all the same.": (
            lambda n: _summed(_layers(n)[:-1])
        ),
        "The RBF layer's 840 values are counted as parameters; they are fixed.": _totals_trained_rbf,
        "C3 is fully connected; in the paper, Table I leaves out 36 of its 96 kernels.": _totals_full_c3,
        "S2 and S4 are plain pooling; in the paper, each map has a coefficient and a bias.": _totals_pooling,
        "C5 is a dense layer on all of S4; it is a 5x5 convolution, which does not grow with the input.": (
            _totals_dense_c5
        ),
        "C5, F6 and the RBF layer are counted once; a larger input repeats them at each position of C5.": (
            _totals_one_position
        ),
    },
    hints=(
        "Follow the side: a 5x5 convolution takes 4 from it, subsampling halves it. C5 is a convolution too.",
        "Use your `subsampling_counts` and `partial_counts`. Elsewhere, connections are parameters times "
        "positions; F6 and the RBF layer stand at each position of C5.",
        "For an input of 32, the connections are 122,304 + 5,880 + 151,600 + 2,000 + 48,120 + 10,164 + 840.",
    ),
)


# Scaled tanh


def scaled_tanh(x):
    return 1.7159 * math.tanh(2 / 3 * x)


SCALED_TANH = lenet5(
    name="scaled_tanh",
    title="The squashing function",
    points=1,
    returns="a number",
    visible=([0.0], [1.0], [-2.5]),
    draw=lambda rng: [rng.uniform(-4, 4)],
    reference=scaled_tanh,
    mistakes={
        "The slope S is missing: the paper has S = 2/3 inside the tanh.": lambda x: 1.7159 * math.tanh(x),
        "The amplitude A is missing: the paper has A = 1.7159 in front of the tanh.": lambda x: math.tanh(
            2 / 3 * x
        ),
        "That is the plain tanh; the paper has A = 1.7159 in front and S = 2/3 inside.": math.tanh,
        "S is upside down: it is 2/3, not 3/2.": lambda x: 1.7159 * math.tanh(3 / 2 * x),
        "A and S are exchanged: A = 1.7159 stands in front, S = 2/3 inside.": lambda x: (
            2 / 3 * math.tanh(1.7159 * x)
        ),
    },
    hints=(
        "The paper writes f(a) = A tanh(S a), with A = 1.7159 and S = 2/3.",
        "`import math` brings `math.tanh`.",
    ),
)


# The RBF layer


def _distances(features, prototypes):
    return [sum((x - w) ** 2 for x, w in zip(features, prototype, strict=True)) for prototype in prototypes]


def _smallest(values):
    return [values.index(min(values)), min(values)]


def _largest(values):
    return [values.index(max(values)), max(values)]


def rbf_decision(features, prototypes):
    return _smallest(_distances(features, prototypes))


def _absolute(features, prototypes):
    return [sum(abs(x - w) for x, w in zip(features, prototype, strict=True)) for prototype in prototypes]


def _products(features, prototypes):
    return [sum(x * w for x, w in zip(features, prototype, strict=True)) for prototype in prototypes]


def _draw_rbf(rng):
    length = rng.randint(6, 12)
    codes = rng.sample(range(2**length), rng.randint(4, 10))  # no two prototypes are the same
    prototypes = [[1 if code >> bit & 1 else -1 for bit in range(length)] for code in codes]
    return [[rng.uniform(-1.7, 1.7) for _ in range(length)], prototypes]


RBF_DECISION = lenet5(
    name="rbf_decision",
    title="The RBF layer decides",
    points=2,
    returns="a list `[digit, distance]` of a whole number and a number",
    visible=(
        [[1.0, -1.0, 0.5], [[-1, -1, -1], [1, -1, 1], [1, 1, 1]]],
        [[0.5, 0.5, -1.5, 0.0], [[1, -1, -1, 1], [-1, -1, 1, 1], [1, 1, -1, -1]]],
    ),
    draw=_draw_rbf,
    reference=rbf_decision,
    mistakes={
        "The largest output is taken. An RBF's output is a distance: the smallest one wins.": (
            lambda x, w: _largest(_distances(x, w))
        ),
        "The root is taken; equation 7 is the squared distance.": (
            lambda x, w: [rbf_decision(x, w)[0], math.sqrt(rbf_decision(x, w)[1])]
        ),
        "The differences are not squared; equation 7 adds their squares.": lambda x, w: _smallest(
            _absolute(x, w)
        ),
        "That is the dot product of a softmax layer; an RBF subtracts, squares and adds.": (
            lambda x, w: _largest(_products(x, w))
        ),
        "That is the mean of the squares; equation 7 is their sum.": (
            lambda x, w: [rbf_decision(x, w)[0], rbf_decision(x, w)[1] / len(x)]
        ),
        "The digits are counted from 1; the first prototype is digit 0.": (
            lambda x, w: [rbf_decision(x, w)[0] + 1, rbf_decision(x, w)[1]]
        ),
    },
    hints=(
        "One output a prototype: subtract, square, add.",
        "`zip(features, prototype)` pairs the values; the output is the sum of `(x - w) ** 2`.",
        "`distances.index(min(distances))` is the position of the smallest.",
    ),
)


# Equation 9


def map_loss(distances, label, j):
    return distances[label] + math.log(math.exp(-j) + sum(math.exp(-y) for y in distances))


def _draw_map_loss(rng):
    distances = [rng.uniform(0.2, 4) for _ in range(rng.randint(3, 10))]
    return [distances, rng.randrange(len(distances)), rng.uniform(0.5, 3)]


def _competitors(distances, label):
    return sum(math.exp(-y) for digit, y in enumerate(distances) if digit != label)


MAP_LOSS = lenet5(
    name="map_loss",
    title="Equation 9",
    points=2,
    returns="a number",
    visible=([[1.0, 4.0, 9.0], 0, 2.0], [[3.0, 0.5], 0, 1.0]),
    draw=_draw_map_loss,
    reference=map_loss,
    mistakes={
        "The second term is missing; without it, nothing pushes the wrong classes away.": lambda y, d, j: y[
            d
        ],
        "The constant exp(-j) is missing from the sum: that is the cross-entropy of a softmax over -y.": (
            lambda y, d, j: y[d] + math.log(sum(math.exp(-v) for v in y))
        ),
        "The right class is missing from the sum: it runs over all classes.": (
            lambda y, d, j: y[d] + math.log(math.exp(-j) + _competitors(y, d))
        ),
        "j itself is in the sum; the paper has exp(-j).": (
            lambda y, d, j: y[d] + math.log(j + sum(math.exp(-v) for v in y))
        ),
        "The outputs enter the sum with the wrong sign: a small distance must weigh much, so exp(-y).": (
            lambda y, d, j: y[d] + math.log(math.exp(-j) + sum(math.exp(v) for v in y))
        ),
        "The second term is subtracted; it is added.": lambda y, d, j: 2 * y[d] - map_loss(y, d, j),
    },
    hints=(
        "Two terms: the distance of the right class, and the logarithm of a sum.",
        "The sum is exp(-j) plus exp(-y) of every class, the right one too.",
        "`import math` brings `math.log` and `math.exp`; `label` picks the right class: `distances[label]`.",
    ),
)


# The balance sheet


def balance_sheet(kernel, table, features, classes):
    rows, columns = len(table), len(table[0])
    full = arithmetic.conv2d_parameters(kernel, rows, columns)
    pooling = arithmetic.subsampling2d_parameters(rows) + arithmetic.subsampling2d_parameters(columns)
    return [
        full - partial_counts(kernel, table, 1)[0],
        arithmetic.dense_parameters(features, classes),
        -pooling,
    ]


def _sheet(change):
    """Return the balance sheet after `change(full, softmax, pooling, case)`."""
    return lambda *case: change(*balance_sheet(*case), case)


def _missing(table):
    return sum(row.count(".") for row in table)


def _draw_balance_sheet(rng):
    _, table, _ = _draw_partial_counts(rng)
    return [rng.randint(2, 5), table, rng.randint(20, 120), rng.randint(2, 20)]


BALANCE_SHEET = lenet5(
    name="balance_sheet",
    title="The balance sheet",
    points=2,
    returns="a list `[full_c3, softmax, pooling]` of whole numbers",
    visible=([5, TABLE_I, 84, 10], [3, ["XX.", ".XX"], 20, 4]),
    draw=_draw_balance_sheet,
    reference=balance_sheet,
    mistakes={
        "The softmax layer's biases are missing: each class has one.": _sheet(
            lambda full, softmax, pooling, case: [full, case[2] * case[3], pooling]
        ),
        "The pooling has the wrong sign: plain pooling takes parameters away.": _sheet(
            lambda full, softmax, pooling, case: [full, softmax, -pooling]
        ),
        "The first number is all of a full C3; only the kernels that the table leaves out are new.": _sheet(
            lambda full, softmax, pooling, case: [partial_counts(*case[:2], 1)[0] + full, softmax, pooling]
        ),
        "The new kernels come with new biases; the maps had their biases already.": _sheet(
            lambda full, softmax, pooling, case: [full + _missing(case[1]), softmax, pooling]
        ),
        "Each map of S2 and S4 loses two parameters, its coefficient and its bias.": _sheet(
            lambda full, softmax, pooling, case: [full, softmax, pooling // 2]
        ),
        "Only one of the two subsampling layers is counted: S2 has a map a row, S4 a map a column.": _sheet(
            lambda full, softmax, pooling, case: [full, softmax, -2 * len(case[1][0])]
        ),
    },
    hints=(
        "Each entry is a difference: parameters of the departure minus those of the paper's layer.",
        "C3 gains a kernel for each place that the table leaves empty, and no bias.",
        "The RBF layer has no trainable parameter, a softmax unit a weight for each feature and a bias; each "
        "map of S2 and S4 loses two.",
    ),
)


# The LeNet-5 of most tutorials: the rows of its Keras model, by hand


def tutorial_lenet5(size, classes):
    return _network(size, classes)


def _network(size, classes, *, kernel=5, c1="valid", pooling="AveragePooling2D", head="Flatten", bias=True):
    rows, side, maps = [], size, 1
    for filters, padding in ((6, c1), (16, "valid")):
        side = arithmetic.output_size(side, kernel, padding=padding)
        parameters = arithmetic.conv2d_parameters(kernel, maps, filters, bias=bias)
        rows.append(["Conv2D", [side, side, filters], parameters])
        side, maps = side // 2, filters
        rows.append([pooling, [side, side, filters], 0])
    shape = {"Flatten": [side**2 * maps], "GlobalAveragePooling2D": [maps], None: [side, side, maps]}[head]
    return rows + [[head, shape, 0]] * bool(head) + _dense(shape, (120, 84, classes), bias)


def _dense(shape, layers, bias=True):
    """Return the rows of dense layers, which work on the last axis of `shape`."""
    *positions, inputs = shape
    return [
        ["Dense", [*positions, units], arithmetic.dense_parameters(before, units, bias=bias)]
        for before, units in itertools.pairwise((inputs, *layers))
    ]


def _network_with_c5(size, classes):
    rows = _network(size, classes)[:4]
    side = rows[-1][1][0] - 4
    if side < 1:
        return None  # Keras refuses to build it
    c5 = ["Conv2D", [side, side, 120], arithmetic.conv2d_parameters(5, 16, 120)]
    return [*rows, c5, ["Flatten", [side**2 * 120], 0], *_dense([side**2 * 120], (84, classes))]


TUTORIAL_LENET5 = lenet5(
    name="tutorial_lenet5",
    title="The LeNet-5 of most tutorials",
    points=2,
    returns="a Keras model that begins with `keras.Input`",
    needs="keras",
    visible=([32, 10], [28, 10], [32, 26]),
    draw=lambda rng: [rng.randint(20, 48), rng.randint(2, 40)],
    reference=tutorial_lenet5,
    mistakes={
        "The first convolution is padded; without padding it takes 4 from the side.": (
            lambda n, k: _network(n, k, c1="same")
        ),
        "The pooling takes the maximum; here it takes the average.": (
            lambda n, k: _network(n, k, pooling="MaxPooling2D")
        ),
        "The maps are not flattened: the dense layers stand at each position.": (
            lambda n, k: _network(n, k, head=None)
        ),
        "Global pooling keeps a single number of each map; flattening keeps them all.": (
            lambda n, k: _network(n, k, head="GlobalAveragePooling2D")
        ),
        "The kernels are 3x3; LeNet's are 5x5.": lambda n, k: _network(n, k, kernel=3),
        "The biases are missing: each map has one, and each unit of a dense layer.": (
            lambda n, k: _network(n, k, bias=False)
        ),
        "The third convolution is the paper's C5; here the maps are flattened, and a dense layer follows.": (
            _network_with_c5
        ),
    },
    hints=(
        "`keras.Sequential([keras.Input((size, size, 1)), ...])` lists the layers in order.",
        "In `keras.layers` you find `Conv2D(6, 5)`, `AveragePooling2D(2)`, `Flatten()` and `Dense(120)`.",
        "Eight layers: convolution, pooling, convolution, pooling, flatten, and three dense ones.",
    ),
)


# The impostor

LENET5 = 60_000
DEPARTURES = (900, 850, -44, -17_280)


def impostor(total):
    return _explain(total, DEPARTURES)


def _explain(total, amounts):
    """Return which of the amounts lie between LeNet-5 and `total`; none if no choice of them does."""
    for choice in itertools.product([False, True], repeat=len(amounts)):
        if LENET5 + sum(itertools.compress(amounts, choice)) == total:
            return list(choice)
    return [False] * len(amounts)


def _draw_impostor(rng):
    return [LENET5 + sum(amount for amount in DEPARTURES if rng.random() < 0.5)]


IMPOSTOR = lenet5(
    name="impostor",
    title="Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=([61_706], [44_426], [60_850], [59_956]),
    draw=_draw_impostor,
    reference=impostor,
    mistakes={
        "Full C3 and softmax are exchanged: full C3 adds 900, softmax 850.": (
            lambda total: _explain(total, (850, 900, -44, -17_280))
        ),
        "Only single departures are tried; an impostor may combine several.": (
            lambda total: [total - LENET5 == amount for amount in DEPARTURES]
        ),
        "Plain pooling is taken to add 44 parameters; it takes them away.": (
            lambda total: _explain(total, (900, 850, 44, -17_280))
        ),
        "The smaller input is left out: without padding, 28x28 pixels shrink C5 by 17,280 weights.": (
            lambda total: [*_explain(total, DEPARTURES[:3]), False]
        ),
        "True and False are exchanged: True says that the network departs from the paper there.": (
            lambda total: [not departs for departs in impostor(total)]
        ),
    },
    hints=(
        "Each departure is made or not: there are 16 networks, and each has a total of its own.",
        "Try all 16: four nested loops over `(False, True)`, or `itertools.product`.",
        "`False * 900` is 0, so compare `60_000 + a * 900 + b * 850 - c * 44 - d * 17_280` with the total.",
    ),
)

QUESTIONS = (
    SUBSAMPLING_COUNTS,
    C3_GROUPS,
    PARTIAL_COUNTS,
    LENET5_TOTALS,
    SCALED_TANH,
    RBF_DECISION,
    MAP_LOSS,
    BALANCE_SHEET,
    TUTORIAL_LENET5,
    IMPOSTOR,
)
