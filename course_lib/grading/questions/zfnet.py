"""Ask for ZFNet and its deconvnet: sizes, switches, the way back, impostors."""

from itertools import product

from course_lib.arithmetic import conv2d_parameters, dense_parameters, output_size
from course_lib.grading.question import Chapter

zfnet = Chapter(
    "zfnet",
    title="ZFNet",
    about="They rebuild the network of Zeiler and Fergus (2014) from its figure 3, and "
    "the way back from an activity to the pixels: switches, unpooling, transposed "
    "filters, and the rule at each ReLU. At the end you can tell the network from its "
    "impostors.",
    offers=("conv2d_parameters", "dense_parameters", "output_size"),
    given="From the foundations you have `output_size` and `conv2d_parameters`; the "
    "library's are imported here, and a third one:",
    imports=("from itertools import product",),
)


def draw_pooled_up(rng, leftover):
    """Return a side that windows fill, or that leaves over two values or three."""
    stride = rng.randint(4, 6)
    kernel, rest = rng.randint(stride, 9), 0
    if leftover:
        rest = rng.randint(2, stride // 2)
    return [kernel + rng.randint(5, 60) * stride + rest, kernel, stride]


@zfnet.question(
    "Pooling that rounds up",
    points=1,
    returns="a whole number",
    visible=([110, 3, 2], [55, 3, 2], [16, 3, 3], [13, 5, 2]),
    draw=(
        lambda rng: draw_pooled_up(rng, leftover=True),
        lambda rng: draw_pooled_up(rng, leftover=False),
    ),
    slips={
        "-(-(size - kernel) // stride) -> (size - kernel) // stride": (
            "That rounds down: a last window that hangs over the edge is dropped; here "
            "it is kept."
        ),
        "-(-(size - kernel) // stride) + 1 -> -(-size // stride)": (
            "That is `same`: one window for each step that begins inside. Here a "
            "window is added only if values are left over."
        ),
        "-(-(size - kernel) // stride) + 1 -> size // stride": (
            "The side is divided by the stride, which is right for 3x3 with stride 2 "
            "only."
        ),
        " + 1 -> ": (
            "The first window is missing: the steps are counted, and there is one "
            "window more."
        ),
        "-(-(size - kernel) // stride) + 1 -> (size - kernel) // stride + 2": (
            "One window is always added, also where the last one fits."
        ),
        "-(-(size - kernel) // stride) -> sum(divmod(size - kernel, stride))": (
            "As many windows are added as values are left over; one is added."
        ),
        "-(-(size - kernel) // stride) -> (size - kernel + 1) // stride": (
            "Some rests add no window in your answer; one is added wherever values are "
            "left over."
        ),
        "-(-(size - kernel) // stride) -> round((size - kernel) / stride)": (
            "Some rests add no window in your answer; one is added wherever values are "
            "left over."
        ),
        "(size - kernel) -> size": (
            "The kernel is left out: the first window takes `kernel` values."
        ),
    },
    hints=(
        "The first window takes `kernel` values, `size - kernel` are left.",
        "Each further window moves by `stride`: divide what is left by the stride, and "
        "round up.",
        "`-(-a // b)` is `a / b`, rounded up.",
    ),
)
def pooled_up(size, kernel, stride):
    """
    Return how many windows of `kernel` values, `stride` apart, pooling takes along a
    side of `size` values, if the last one may hang over the edge: one more window
    wherever values are left over.

    ZFNet's sides, 110, 55, 26, 13 and 6, come from pools that round up. `kernel` is
    never smaller than `stride`.
    """
    return -(-(size - kernel) // stride) + 1


@zfnet.question(
    "From 224 pixels to 9,216 values",
    points=2,
    returns="a list `[conv1, pool1, conv2, pool2, pool5, flatten]` of whole numbers",
    visible=([224], [99], [130]),
    draw=lambda rng: [2 * rng.randint(50, 160) + rng.choice([0, 0, 1, 1, 1])],
    slips={
        (
            "pooled_up(conv1 -> output_size(conv1",
            "pooled_up(conv2 -> output_size(conv2",
            "pooled_up(pool2 -> output_size(pool2",
        ): "The pools round down; figure 3's 55, 13 and 6 need pools that round up.",
        ", padding=1 -> ": (
            "conv1 is not padded; figure 3's 110 needs one zero on each side."
        ),
        "output_size(pool1, 5, 2) -> output_size(pool1, 5, 1, padding=2)": (
            "conv2 has stride 1 and padding 2, as in AlexNet; here it is stride 2, "
            "without padding."
        ),
        "output_size(pool1, 5, 2) -> output_size(pool1, 5, 2, padding=2)": (
            "conv2 is padded by 2; here it is not padded."
        ),
        "256 * -> 384 *": "The flattened vector has conv4's 384 maps; conv5 has 256.",
        "256 * pool5**2 -> pool5**2": "The flattened vector is missing its 256 maps.",
        (
            "pooled_up(conv2 -> output_size(conv2",
            "pooled_up(pool2 -> output_size(pool2",
        ): ("Not all of the pools round up; all three do."),
        ", padding=1 -> , padding=3": "conv1 is padded by 3; figure 3's 110 needs 1.",
        "output_size(size, 7, 2, padding=1) -> output_size(size, 11, 4)": (
            "conv1 is AlexNet's, 11x11 with stride 4; here it is 7x7 with stride 2."
        ),
        "output_size(size, 7, 2, padding=1) -> pooled_up(size + 2, 7, 2)": (
            "A convolution rounds up; only the pools do."
        ),
        "output_size(pool1, 5, 2) -> pooled_up(pool1, 5, 2)": (
            "A convolution rounds up; only the pools do."
        ),
        "(pool1, 5, 2) -> (pool1, 5)": "conv2's stride is left out; it is 2.",
        "pool5**2 -> pool2**2": "pool2 is flattened; fc6 reads pool5.",
        "pooled_up(pool2, 3, 2) -> pooled_up(pool2 - 6, 3, 2)": (
            "conv3 to conv5 shrink the maps in your answer; they keep the side."
        ),
    },
    hints=(
        "conv1 is `output_size(size, 7, 2, padding=1)`; every pool is 3x3 with stride "
        "2 and rounds up.",
        "conv2 is 5x5 with stride 2 and no padding; conv3 to conv5 keep the side.",
        "pool5 is your `pooled_up` of pool2; flattened it has 256 values a position.",
    ),
)
def zfnet_sides(size):
    """
    For a picture of `size` by `size` pixels, return `[conv1, pool1, conv2, pool2,
    pool5, flatten]`: five sides, and the values that fc6 reads. conv1 is 7x7 with
    stride 2 and one zero around the picture, conv2 5x5 with stride 2 and none; pools
    are 3x3/2 and round up; conv3 to conv5 keep the side; conv5 has 256 maps.

    Figure 3 prints the first line. The chapter's small network is the second.
    """
    conv1 = output_size(size, 7, 2, padding=1)
    pool1 = pooled_up(conv1, 3, 2)
    conv2 = output_size(pool1, 5, 2)
    pool2 = pooled_up(conv2, 3, 2)
    pool5 = pooled_up(pool2, 3, 2)
    return [conv1, pool1, conv2, pool2, pool5, 256 * pool5**2]


@zfnet.question(
    "Smaller windows, more of them",
    points=1,
    returns="a list `[parameters, macs]` of whole numbers",
    visible=([227, 96], [99, 12]),
    draw=lambda rng: [rng.randint(60, 320), rng.randint(2, 128)],
    slips={
        (
            "[new_weights - old_weights, -> [old_weights - new_weights,",
            "new**2 * new_weights - old**2 * old_weights] -> old**2 * old_weights - "
            "new**2 * new_weights]",
        ): "The signs are exchanged: it is ZFNet less AlexNet.",
        ("7 * 7 * 3 * -> 7 * 7 *", "11 * 11 * 3 * -> 11 * 11 *"): (
            "The three colours are left out: a kernel reads all of them."
        ),
        ("new**2 -> new", "old**2 -> old"): (
            "The positions are counted along one side; a map is as high as wide."
        ),
        "new**2 -> old**2": (
            "Both are counted at AlexNet's positions; stride 2 has about four times as "
            "many."
        ),
        (
            "new**2 * new_weights -> new**2 * (new_weights + filters)",
            "old**2 * old_weights -> old**2 * (old_weights + filters)",
        ): "The biases are counted as MACs; adding a bias multiplies nothing.",
        (
            "new_weights - old_weights, -> new_weights + old_weights,",
            "- old**2 -> + old**2",
        ): ("The two are added; ZFNet's less AlexNet's is asked for."),
        "11, 4) -> 11, 4, padding=2)": "AlexNet's conv1 is padded; here it is not.",
        "output_size(size, 11, 4) -> 55": (
            "AlexNet's side is always 55, as for 227 pixels; it follows from `size`."
        ),
        "old**2 -> new**2": (
            "Both are counted at ZFNet's positions; stride 4 has about a quarter of "
            "them."
        ),
        ("7 * 7 * -> 7 *", "11 * 11 * -> 11 *"): (
            "The windows are counted along one side; they are as high as wide."
        ),
        ("new_weights - old_weights, -> new_weights,", " - old**2 * old_weights -> "): (
            "Those are ZFNet's numbers alone; take AlexNet's away."
        ),
        ("(size, 7 -> (224, 7", "(size, 11 -> (227, 11"): (
            "Those are the published pictures of 224 and 227 pixels; here both have "
            "`size`."
        ),
        "(size, 7 -> (size - 3, 7": (
            "Those are the published pictures of 224 and 227 pixels; here both have "
            "`size`."
        ),
    },
    hints=(
        "The biases cancel: a filter has one in either network.",
        "MACs are output side squared, times window squared, times 3, times filters.",
        "The sides are `output_size(size, 7, 2, padding=1)` and `output_size(size, 11, "
        "4)`.",
    ),
)
def conv1_change(size, filters):
    """
    ZFNet's conv1 has 7x7 windows, stride 2 and one zero around the picture; AlexNet's
    has 11x11 windows, stride 4 and no padding. Both read three colours. Return
    `[parameters, macs]` of ZFNet's less AlexNet's, for `filters` filters on a picture
    of `size` pixels (a bias multiplies nothing).

    Fewer weights, more work: each weight is used at four times as many places. (Both
    read the same picture here. The published ones read 224 and 227 pixels: their
    difference is 65,340,000.)
    """
    new = output_size(size, 7, 2, padding=1)
    old = output_size(size, 11, 4)
    new_weights = 7 * 7 * 3 * filters
    old_weights = 11 * 11 * 3 * filters
    return [new_weights - old_weights, new**2 * new_weights - old**2 * old_weights]


FIGURE_3, WIDE = [384, 384, 256], [512, 1024, 512]


@zfnet.question(
    "The table of ZFNet",
    points=2,
    returns="a list of eight whole numbers, conv1 to fc8,",
    visible=([224, 1000, FIGURE_3], [224, 1000, WIDE], [130, 10, FIGURE_3]),
    draw=lambda rng: [
        rng.randint(100, 320),
        rng.randint(2, 2000),
        [8 * rng.randint(8, 128) for _ in range(3)],
    ],
    slips={
        "zfnet_sides(size)[4] ** 2 -> 6**2": (
            "fc6 always reads 6x6 positions; they follow from the size of the picture."
        ),
        "zfnet_sides(size)[4] ** 2 * maps -> zfnet_sides(size)[5]": (
            "fc6 always reads 256 maps; it reads those of conv5, the last of `widths`."
        ),
        "(kernel, maps, filters) -> (kernel, 48 if kernel == 5 else maps, filters)": (
            "conv2 reads 48 maps, as with AlexNet's two cards; here every kernel reads "
            "all maps."
        ),
        "maps, filters) -> maps // (1 + (len(rows) in (1, 3, 4))), filters)": (
            "conv2, conv4 and conv5 read half of the maps, as with AlexNet's two "
            "cards; here every kernel reads all maps."
        ),
        "[7, -> [11,": "conv1 is AlexNet's, 11x11; here it is 7x7.",
        (
            "(kernel, maps, filters) -> (kernel, maps, filters, bias=False)",
            "(inputs, units) -> (inputs, units, bias=False)",
        ): "The biases are missing: one a filter, one a unit.",
        "4096, classes) -> 4096, 1000)": "fc8 always has 1,000 units; it has one a "
        "class.",
        (
            "maps = filters -> maps = 96 if kernel == 7 else 256",
            "** 2 * maps -> ** 2 * filters",
        ): ("conv3 to conv5 all read 256 maps; each reads those of the layer before."),
        "(kernel, maps, filters) -> (kernel, filters, filters)": (
            "A kernel is taken as deep as its own layer; it reads the maps of the "
            "layer before."
        ),
        (
            "(kernel, maps, filters) -> (kernel, maps, filters, bias=False) + 1",
            "(inputs, units) -> (inputs, units, bias=False) + 1",
        ): "A layer has a single bias in your answer; there is one a filter and one a "
        "unit.",
        "inputs = units -> inputs += 0": (
            "fc7 and fc8 read the flattened maps; each reads the units of the layer "
            "before."
        ),
        "[7, 5, -> [7, 3,": "conv2 is counted with 3x3 kernels; they are 5x5.",
    },
    hints=(
        "The maps are 3, 96, 256, then the three of `widths`; the windows 7, 5, 3, 3, "
        "3.",
        "Five times `conv2d_parameters(kernel, maps before, maps after)`, three times "
        "`dense_parameters`.",
        "fc6 reads `zfnet_sides(size)[4] ** 2 * widths[2]` values.",
    ),
)
def zfnet_parameters(size, classes, widths):
    """
    Return the parameters of the eight layers, conv1 to fc8. Kernels: 96 of 7x7, 256 of
    5x5, then `widths` of 3x3; fc6 and fc7 have 4,096 units. Every kernel reads all
    maps. Use your `zfnet_sides`.

    They add up to 62,357,608 for figure 3, and to 107,627,624 for the widest layers of
    table 3.
    """
    rows, maps = [], 3
    for kernel, filters in zip([7, 5, 3, 3, 3], [96, 256, *widths], strict=True):
        rows.append(conv2d_parameters(kernel, maps, filters))
        maps = filters
    inputs = zfnet_sides(size)[4] ** 2 * maps
    for units in (4096, 4096, classes):
        rows.append(dense_parameters(inputs, units))
        inputs = units
    return rows


def draw_map(rng):
    side = rng.choice([5, 6, 6, 7, 8, 8])
    values = rng.sample(range(-99, 10), side**2)  # no two are the same, few above 0
    return [values[side * row : side * row + side] for row in range(side)]


MAP_5 = [
    [3, 9, 1, 8, 0],
    [4, 2, 7, 5, 6],
    [10, 11, 20, 12, 13],
    [14, 15, 16, 24, 18],
    [19, 17, 21, 22, 23],
]
MAP_4 = [[5, 1, 0, 4], [2, 3, 15, 6], [8, 9, 10, 7], [11, 12, 13, 14]]


@zfnet.question(
    "Switches: where a maximum came from",
    points=2,
    returns="a list of pairs `[row, column]` of whole numbers",
    visible=([MAP_5], [MAP_4]),
    draw=lambda rng: [draw_map(rng)],
    slips={
        "[row, column] -> [row - 2 * i, column - 2 * j]": (
            "Those are positions inside the windows; a switch is the position in the "
            "whole map."
        ),
        "[row, column] -> [column, row]": "Row and column are exchanged.",
        "pooled_up(size -> output_size(size": (
            "Windows that hang over the edge are left out; these pools round up."
        ),
        "max(product -> min(product": "Those are the places of the smallest values.",
        "[row, column] -> [row + 1, column + 1]": (
            "Rows and columns are counted from 1; the first is 0."
        ),
        "rows[at[0]][at[1]] -> max(rows[at[0]][at[1]], 0)": (
            "The search begins at 0, which no value below 0 exceeds; begin with one of "
            "the window."
        ),
        "rows[at[0]][at[1]] -> abs(rows[at[0]][at[1]])": (
            "The largest amount is taken; the maximum is the largest value, sign and "
            "all."
        ),
        (
            "(size, 3, 2) -> (size, 3, 3)",
            "range(2 * i, min(2 * i -> range(3 * i, min(3 * i",
            "range(2 * j, min(2 * j -> range(3 * j, min(3 * j",
        ): "The windows are laid side by side; they move by 2 and overlap.",
        ("2 * i + 3 -> 2 * i + 2", "2 * j + 3 -> 2 * j + 2"): (
            "The windows are 2x2; they are 3x3 and overlap."
        ),
        (
            "range(2 * i -> range(min(2 * i, size - 3)",
            "range(2 * j -> range(min(2 * j, size - 3)",
        ): ("The last window is moved back until it fits; it hangs over the edge."),
        (
            "row, column = -> first, second =",
            "        places.append -> "
            "        at = (first - 2 * i) * len(across) + second - 2 * j\n"
            "        row, column = 2 * i + at // 3, 2 * j + at % 3\n"
            "        places.append",
        ): (
            "The window is read as if each row had three values; at the right edge it "
            "is cut off and has fewer."
        ),
        "for i, j in -> for j, i in": (
            "The windows go down column by column; reading order is line by line."
        ),
        "append([row, column]) -> append(rows[row][column])": (
            "Those are the maxima themselves; a switch says where one came from."
        ),
        "[row, column] -> row * size + column": (
            "The places are counted through the map; a switch is `[row, column]`."
        ),
        "places.append([row, column]) -> places += [[row, column]] * ([row, column] "
        "not in places)": (
            "A place that two windows chose is listed once; there is a switch for each "
            "window."
        ),
        "        places.append([row, column])\n    return places ->         "
        "places.append([row, column])\n        return places": (
            "The function ends with the first window: `return` stands inside the loop."
        ),
    },
    hints=(
        "Go through the windows in reading order: rows `2 * i` to `2 * i + 2`, columns "
        "alike, as far as the map goes.",
        "There are `pooled_up(len(rows), 3, 2)` windows along each side.",
        "`max(places, key=lambda place: rows[place[0]][place[1]])` is the place of the "
        "largest value.",
    ),
)
def switches(rows):
    """
    Max pooling, 3x3 with stride 2, rounding up, of one square map of different values,
    positive or negative: return where each maximum came from, as `[row, column]` in the
    map, for the windows in reading order. Use your `pooled_up`.

    In the first map two windows chose the same place; that happens all the time, since
    windows overlap.
    """
    size, places = len(rows), []
    for i, j in product(range(pooled_up(size, 3, 2)), repeat=2):
        down = range(2 * i, min(2 * i + 3, size))
        across = range(2 * j, min(2 * j + 3, size))
        row, column = max(product(down, across), key=lambda at: rows[at[0]][at[1]])
        places.append([row, column])
    return places


def draw_unpool(rng):
    rows = draw_map(rng)
    places = switches(rows)
    return [[rng.randint(1, 99) for _ in places], places, len(rows)]


@zfnet.question(
    "Unpooling",
    points=2,
    returns="a list of `size` lists of `size` numbers",
    visible=(
        [[1, 20, 300, 4000], switches(MAP_5), 5],
        [[7, 5, 3, 9], switches(MAP_4), 4],
    ),
    draw=draw_unpool,
    floats=True,
    slips={
        "+= value -> = value": (
            "Where several windows chose one place, the last value is kept; they add "
            "up."
        ),
        "+= value -> = rows[row][column] or value": (
            "Where several windows chose one place, the first value is kept; they add "
            "up."
        ),
        "+= value -> = max(rows[row][column], value)": (
            "Where several windows chose one place, the largest value is kept; they "
            "add up."
        ),
        "rows[row][column] -> rows[column][row]": "Row and column are exchanged.",
        "+= value -> += 1": (
            "Each place counts how often it was chosen; it should get the values."
        ),
        "[[0] * size for _ in range(size)] -> [[0] * size] * size": (
            "All rows are one and the same list: `[[0] * size] * size` repeats it. "
            "Make a new one for each row."
        ),
        "rows[row][column] -> rows[row - 1][column - 1]": (
            "Rows and columns are counted from 1; the first is 0."
        ),
        "\n    return rows -> \n        return rows": (
            "The function ends with the first value: `return` stands inside the loop."
        ),
        "+= value -> = (rows[row][column] or value) / 2 + value / 2": (
            "Where several windows chose one place, the mean is kept; they add up."
        ),
        "+= value -> += -value if rows[row][column] else value": (
            "Where several windows chose one place, the difference is kept; they add "
            "up."
        ),
    },
    hints=(
        "Begin with `[[0] * size for _ in range(size)]`.",
        "`zip(values, places)` pairs each value with its place.",
        "Windows overlap, so a place may be chosen twice: add the value to what is "
        "there.",
    ),
)
def unpool(values, places, size):
    """
    Put each of the `values` back to its place, `[row, column]`, in a map of `size` by
    `size` zeros. Where several windows chose the same place, their values add up.

    The paper does not say what happens to a place that was chosen twice. The gradient
    adds; so does the chapter.
    """
    rows = [[0] * size for _ in range(size)]
    for value, (row, column) in zip(values, places, strict=True):
        rows[row][column] += value
    return rows


def draw_transposed_size(rng, least=0):
    """Return a convolution whose padding changes the `least` or more left over."""
    stride, kernel = rng.randint(3, 5), rng.randint(4, 9)
    paddings = [count for count in range(1, kernel // 2 + 1) if 2 * count % stride]
    padding = rng.choice(paddings)
    size = rng.randint(20, 240)
    while (size + 2 * padding - kernel) % stride < least:
        size += 1
    return [size, kernel, stride, padding]


@zfnet.question(
    "The size on the way back",
    points=2,
    returns="a list `[back, missing]` of whole numbers",
    visible=([224, 7, 2, 1], [55, 5, 2, 0], [13, 3, 1, 1], [224, 11, 4, 0]),
    draw=(lambda rng: draw_transposed_size(rng, least=2), draw_transposed_size),
    slips={
        "(side - 1) * stride -> side * stride": (
            "The maps' side is multiplied by the stride; but from the first window to "
            "the last there is one step less than windows."
        ),
        " - 2 * padding -> ": (
            "The padding is still there: it was added on both sides, and is cut off on "
            "the way back."
        ),
        " - 2 * padding ->  - padding": (
            "The padding is cut off once; there is some on both sides."
        ),
        "+ kernel -> + 1": (
            "The window is left out: the last step is followed by `kernel` values."
        ),
        "size - back -> back - size": (
            "The sign of `missing` is wrong: it is the size of the picture less what "
            "comes back."
        ),
        "(side - 1) * stride + kernel - 2 * padding -> (side + 2 * padding - kernel) "
        "// stride + 1": (
            "That is the convolution again, applied to its own output; it should be "
            "undone."
        ),
        "(side - 1) -> (size - 1)": (
            "The picture's side goes in; the way back begins with the maps, which are "
            "smaller."
        ),
        ("(side - 1) -> (size - 1)", "size - back -> abs(size - back)"): (
            "The picture's side goes in; the way back begins with the maps, which are "
            "smaller."
        ),
        "(side - 1) * stride + kernel - 2 * padding -> side * stride": (
            "The maps' side is multiplied by the stride; but from the first window to "
            "the last there is one step less than windows."
        ),
        "size - back -> int(size != back)": (
            "`missing` says whether something is left over; how much is asked for."
        ),
        "size - back -> 2 * padding": "`missing` is what was left over, not the "
        "padding.",
    },
    hints=(
        "First the maps' side: `output_size(size, kernel, stride, padding=padding)`.",
        "The windows together reach over `(side - 1) * stride + kernel` values, the "
        "padding among them.",
        "`missing` is `size - back`: what was left over when the convolution divided "
        "by the stride.",
    ),
)
def transposed_size(size, kernel, stride, padding):
    """
    A convolution reads `size` values along a side. Its transpose goes back from the
    maps to the picture, and lays down one window for each value of a map; the padding
    is cut off. Return `[back, missing]`: the side that comes back, and how much is
    missing to `size`: what was left over when the convolution divided by its stride.

    In the first case the last window reads the last pixel, but as if it were padding,
    which is cut off; in the last case no window reaches it. PyTorch calls the second
    number `output_padding`; TensorFlow asks for the picture's shape instead.
    """
    side = output_size(size, kernel, stride, padding=padding)
    back = (side - 1) * stride + kernel - 2 * padding
    return [back, size - back]


TOO_LONG = "The row is too long: it ends with the last window."


def draw_transposed_row(rng, gap):
    """Return windows that overlap, or that leave a gap."""
    kernel = [rng.randint(-9, 9) or 1 for _ in range(rng.randint(2, 5))]
    values = [rng.randint(-9, 9) or 2 for _ in range(rng.randint(3, 7))]
    stride = rng.randint(1, len(kernel) - 1)
    if gap:
        stride = len(kernel) + rng.randint(1, 2)
    return [values, kernel, stride]


@zfnet.question(
    "Transposed filters, by hand",
    points=2,
    returns="a list of numbers",
    visible=(
        [[1, 2, 3], [1, 10, 100], 2],
        [[1, 2, 3], [1, 10, 100], 1],
        [[5, 0, -1, 2], [2, 3], 3],
    ),
    draw=(
        lambda rng: draw_transposed_row(rng, gap=True),
        lambda rng: draw_transposed_row(rng, gap=False),
    ),
    floats=True,
    slips={
        "+= value -> = value": "Where two windows overlap, the last one is kept; they "
        "add up.",
        "enumerate(kernel) -> enumerate(kernel[::-1])": (
            "The filter is reversed. Each value lays it down as it is; in the picture "
            "of a sliding window it appears reversed by itself."
        ),
        ("* stride + len -> + len", "i * stride -> i"): (
            "The stride is left out: the windows of two neighbours are `stride` apart."
        ),
        "return row -> return row + [0] * max(stride - 1, 1)": TOO_LONG,
        (
            "(len(values) - 1) * stride + len(kernel) -> max((len(values) - "
            "len(kernel)) // stride + 1, 0)",
            "i, value in enumerate(values) -> i in range(len(row))",
            "row[i * stride + j] += value -> row[i] += values[i * stride + j]",
        ): "That is the convolution itself: it gathers values into windows. Here each "
        "value is spread.",
        "+= value * weight -> = max(row[i * stride + j], value * weight)": (
            "Where two windows overlap, the larger value is kept; they add up."
        ),
        "+= value * weight -> = row[i * stride + j] or value * weight": (
            "Where two windows overlap, the first one is kept; they add up."
        ),
        "(len(values) - 1) * stride -> len(values) * stride": TOO_LONG,
        "(len(values) - 1) * stride + len(kernel) -> len(values) * stride + "
        "max(len(kernel) - stride, 0)": TOO_LONG,
        (
            "(len(values) - 1) * stride + len(kernel) -> (len(kernel) - 1) * stride + "
            "len(values)",
            "i * stride + j -> i + j * stride",
        ): "The stride spreads the kernel; it moves the kernel from one value to the "
        "next.",
        (
            "(len(values) - 1) * stride + len(kernel) -> len(values) * len(kernel)",
            "i * stride -> i * len(kernel)",
        ): ("The windows are laid side by side; they are `stride` apart."),
    },
    hints=(
        "The row has `(len(values) - 1) * stride + len(kernel)` places; begin with "
        "zeros.",
        "Value number i adds `value * kernel[j]` to the place `i * stride + j`.",
    ),
)
def transposed_row(values, kernel, stride):
    """
    A transposed convolution along a row: each value lays down the kernel, multiplied by
    the value, and moves by `stride` for the next one. Where windows overlap they add
    up. There is no padding.

    In the second case every place but the outer ones belongs to several windows.
    """
    row = [0] * ((len(values) - 1) * stride + len(kernel))
    for i, value in enumerate(values):
        for j, weight in enumerate(kernel):
            row[i * stride + j] += value * weight
    return row


def draw_relu(rng):
    signal = [rng.randint(-9, 9) for _ in range(8)]
    return [signal, [max(0, rng.randint(-5, 9)) for _ in range(8)]]


@zfnet.question(
    "Three rules for one ReLU",
    points=1,
    returns="a list `[gradient, deconvnet, guided]` of three lists of numbers",
    visible=([[4, -3, 2, -1, 6], [5, 7, 0, 0, 1]], [[-2, 3], [0, 0]]),
    draw=draw_relu,
    floats=True,
    slips={
        "[gradient, deconvnet, guided] -> [deconvnet, gradient, guided]": (
            "The gradient and the deconvnet are exchanged: the gradient asks where the "
            "unit was active, the deconvnet where the signal is positive."
        ),
        ("[s if a > 0 -> [s if a >= 0", "and a > 0 -> and a >= 0"): (
            "A unit whose activity is 0 is silent: the gradient does not pass there."
        ),
        "s > 0 and a > 0 -> s > 0": "The guided rule needs both, an active unit and a "
        "positive signal.",
        (
            "[s if a > 0 -> [a if a > 0",
            "max(s, 0) for s, _ -> a if s > 0 else 0 for s, a",
            "[s if s > 0 -> [a if s > 0",
        ): ("The activities are passed on; it is the signal that comes back."),
        "max(s, 0) -> abs(s)": "The deconvnet turns signals round; it sets negative "
        "ones to 0.",
        (
            "[s if a > 0 -> [1 if a > 0",
            "max(s, 0) -> int(s > 0)",
            "[s if s > 0 -> [1 if s > 0",
        ): ("Those are masks of ones; the signal passes as it is."),
        (
            "[s if a > 0 else 0 -> [s * a",
            "[s if s > 0 and a > 0 else 0 -> [max(s, 0) * a",
        ): ("The signal is multiplied by the activity; it passes as it is."),
        (
            "[s if a > 0 else 0 for s, a in pairs] -> [s for s, a in pairs if a > 0]",
            "[max(s, 0) for s, _ in pairs] -> [s for s in signal if s > 0]",
            "[s if s > 0 and a > 0 else 0 for s, a in pairs] -> [s for s, a in pairs "
            "if s > 0 < a]",
        ): "What does not pass is left out; it is 0 and keeps its place.",
        (
            "[s if a > 0 -> [s if a < 0",
            "max(s, 0) -> min(s, 0)",
            "if s > 0 and a > 0 -> if s < 0 and a < 0",
        ): ("The signs are the wrong way round: what is positive passes."),
    },
    hints=(
        "The gradient passes where the activity is above 0, whatever the sign of the "
        "signal.",
        "The deconvnet passes `max(value, 0)`, whatever the activity; the guided rule "
        "asks for both.",
    ),
)
def relu_rules(signal, activity):
    """
    On the way back a `signal` arrives at a ReLU, whose units had the `activity` on the
    way up. Return what passes by three rules: the gradient (where the unit was active),
    the deconvnet (where the signal is positive) and guided back-propagation (both);
    elsewhere it is 0.

    The rest of the way is the same for all three.
    """
    pairs = list(zip(signal, activity, strict=True))
    gradient = [s if a > 0 else 0 for s, a in pairs]
    deconvnet = [max(s, 0) for s, _ in pairs]
    guided = [s if s > 0 and a > 0 else 0 for s, a in pairs]
    return [gradient, deconvnet, guided]


CONV2_STACK = [[7, 2, 1], [3, 2, 0], [5, 2, 0]]
CONV5_STACK = [*CONV2_STACK, [3, 2, 0], [3, 1, 1], [3, 1, 1], [3, 1, 1]]


def draw_seen(rng):
    """Return a unit at an edge that reads all of its field: no layer leaves any."""
    at_start = rng.random() < 0.6
    while True:
        stack, sides = [], [rng.randint(200, 320)]
        for _ in range(rng.randint(3, 5)):
            kernel, stride = rng.choice([3, 5, 7]), rng.randint(1, 2)
            stack.append([kernel, stride, rng.randint(0, kernel // 2)])
            sides.append(output_size(sides[-1], kernel, stride, padding=stack[-1][2]))
        from_edge, units = rng.randint(0, 1), sides.pop()
        index = last = (from_edge if at_start else units - 1 - from_edge) % units
        for (kernel, stride, padding), side in zip(
            reversed(stack), reversed(sides), strict=True
        ):
            last = min(last * stride - padding + kernel, side) - 1
        first, seen = pixels_seen(stack, index, sides[0])
        cut = first == 0 if at_start else last == sides[0] - 1
        if cut and last == seen:
            return [stack, index, sides[0]]


@zfnet.question(
    "What a unit sees",
    points=2,
    returns="a list `[first, last]` of whole numbers",
    visible=(
        [CONV2_STACK, 3, 224],
        [CONV2_STACK, 0, 224],
        [CONV5_STACK, 6, 224],
        [CONV5_STACK, 12, 224],
    ),
    draw=draw_seen,
    slips={
        "max(first, 0), min(first + extent, size) - 1 -> first, first + extent - 1": (
            "Pixels outside the picture are counted; the first is 0, the last `size - "
            "1`."
        ),
        "padding * jump -> 0": (
            "The padding is left out: it moves the field back by `padding` steps of "
            "the layer's input."
        ),
        "(kernel - 1) * jump -> kernel - 1": (
            "The strides of the layers before are left out: a window widens the field "
            "by (kernel - 1) jumps."
        ),
        "(kernel - 1) * jump -> (kernel - 1) * jump * stride": (
            "A layer's own stride widens its field already; it counts from the next "
            "layer on."
        ),
        "min(first + extent, size) - 1 -> min(first + extent, size - 1)": (
            "The last pixel is one too far: a field of 3 from pixel 0 on ends at pixel "
            "2."
        ),
        "padding * jump -> padding": (
            "The padding is taken off as it is; a step of the layer's input is `jump` "
            "pixels."
        ),
        "[max(first, 0), min(first + extent, size) - 1] -> [max(first, 0), "
        "min(max(first, 0) + extent, size) - 1]": (
            "The first pixel is cut off, in the end or in each layer, and the last one "
            "counted from there; cut off once, when both are known."
        ),
        "in stack -> in stack[::-1]": (
            "The layers are taken in the wrong order: extent and jump grow from the "
            "picture on; a way back from the unit begins with the last layer."
        ),
        "(kernel - 1) * jump -> kernel * jump": (
            "Each window widens the field by its whole kernel; one of its values was "
            "there before."
        ),
        "padding * jump -> 2 * padding * jump": (
            "The padding is taken off twice; on the left there is `padding`."
        ),
    },
    hints=(
        "Keep three numbers from layer to layer: the extent (1), the jump (1) and the "
        "first pixel (0).",
        "A layer adds `(kernel - 1) * jump` to the extent, takes `padding * jump` from "
        "the first pixel, and then multiplies the jump by its stride.",
        "Unit `index` begins at `first + index * jump`. Clip at the picture's edges at "
        "the very end: in all cases here, every pixel of the field is read.",
    ),
)
def pixels_seen(stack, index, size):
    """
    Return `[first, last]`, the pixels along one side that a unit sees: its field,
    counted as if the picture went on, then cut off once at the picture's edges, 0 and
    `size - 1`. `stack` has a `[kernel, stride, padding]` for each layer from the
    picture on, and the unit is number `index` of the last layer, from 0.

    The first two are of ZFNet's conv2, the last two of its conv5 (the middle unit and
    the last): a patch of 27 pixels, and one of 139. In all cases, shown or not, the
    unit reads each pixel of its field that lies in the picture; elsewhere a layer may
    leave over values at the right edge, which nobody reads.
    """
    extent, jump, first = 1, 1, 0
    for kernel, stride, padding in stack:
        extent += (kernel - 1) * jump
        first -= padding * jump
        jump *= stride
    first += index * jump
    return [max(first, 0), min(first + extent, size) - 1]


COVERED = (
    "A square covers the pixels `start` to `start + square - 1`, both of them and no "
    "more."
)


def draw_occlusion(rng, begins, fits):
    """Return a square that begins at the middle pixel, or one that ends before it.

    If it fits, the last square ends with the last pixel.
    """
    step = rng.randint(3, 6)
    rest, odd = rng.randint(1, step - 1), rng.choice([0, 1])
    if fits:
        rest, odd = 1 if begins else step - 1, 1
    square = step * rng.randint(3, 6) + rest
    middle = step * rng.randint(8, 20) + (0 if begins else rest)
    return [2 * middle + odd, square, step]


@zfnet.question(
    "The price of an occlusion map",
    points=1,
    returns="a list `[runs, over]` of whole numbers",
    visible=([99, 27, 6], [224, 50, 5], [64, 16, 8]),
    draw=(
        lambda rng: draw_occlusion(rng, begins=True, fits=True),
        lambda rng: draw_occlusion(rng, begins=False, fits=True),
        lambda rng: draw_occlusion(rng, begins=True, fits=False),
        lambda rng: draw_occlusion(rng, begins=False, fits=False),
    ),
    slips={
        "[places**2, over**2] -> [places, over]": (
            "The positions are counted along one side; the square moves in both "
            "directions."
        ),
        "[places**2 -> [(-(-size // step)) ** 2": (
            "The square may not hang over the edge: the last place begins at `size - "
            "square` or before."
        ),
        "[places**2 -> [(places - 1) ** 2": (
            "The first place is missing: the steps are counted, and there is one place "
            "more."
        ),
        "over**2] -> (middle // step) ** 2]": (
            "`over` counts the squares that cover the middle pixel, not its distance "
            "in steps."
        ),
        "over**2] -> (-(-square // step)) ** 2]": (
            "`over` is taken from the square and the step alone; where the middle lies "
            "counts, too."
        ),
        "over**2] -> (square // step) ** 2]": (
            "`over` is taken from the square and the step alone; where the middle lies "
            "counts, too."
        ),
        "over**2] -> (square // step + 1) ** 2]": (
            "`over` is taken from the square and the step alone; where the middle lies "
            "counts, too."
        ),
        "start <= middle -> start < middle": COVERED,
        "middle < start + square -> middle <= start + square": COVERED,
        "[places**2 -> [(-(-(size - square) // step)) ** 2": (
            "A last square that ends with the last pixel is left out; it fits."
        ),
    },
    hints=(
        "Along one side the square has `(size - square) // step + 1` places, like a "
        "window without padding.",
        "A square at `step * place` covers the pixels up to `step * place + square - "
        "1`.",
        "Count the places that cover pixel `size // 2`, and square both counts.",
    ),
)
def occlusion_runs(size, square, step):
    """
    For an occlusion map a `square` moves over a picture of `size` pixels a side, `step`
    pixels at a time, from the upper left corner, as long as it fits. Return `[runs,
    over]`: how often the network runs, and in how many of these runs the square covers
    the middle pixel, number `size // 2` in both directions.

    The first case is the chapter's.
    """
    places = (size - square) // step + 1
    middle = size // 2
    starts = [step * place for place in range(places)]
    over = sum(start <= middle < start + square for start in starts)
    return [places**2, over**2]


CHOICES = tuple(product([False, True], repeat=4))


def departed(unpadded, rounded_down, stride_1, wide, classes=1000):
    """Return the case of a ZFNet with each of the four departures made or not."""
    pool = output_size if rounded_down else pooled_up
    widths = WIDE if wide else FIGURE_3
    conv1 = output_size(224, 7, 2, padding=0 if unpadded else 1)
    pool1 = pool(conv1, 3, 2)
    conv2 = pool1 if stride_1 else output_size(pool1, 5, 2)
    pool5 = pool(pool(conv2, 3, 2), 3, 2)
    rows = zfnet_parameters(224, classes, widths)
    fc6 = dense_parameters(pool5**2 * widths[-1], 4096)
    return [conv1, sum(rows) - rows[5] + fc6, classes]


SHOWN = (
    (False, False, False, False),
    (True, False, False, False),
    (False, True, False, False),
    (True, False, True, True),
    (False, False, True, False),
)


def impostor(choice):
    """Return what draws a network with these departures."""
    return lambda rng: departed(*choice, rng.randint(2, 3000))


def added_up(side, total, classes):
    """Take the departures' differences one by one, as if none changed another."""
    paper = departed(False, False, False, False, classes)[1]
    networks = [departed(*(n == m for m in range(4)), classes) for n in range(4)]
    alone = [network[1] - paper for network in networks]
    for choice in CHOICES:
        added = sum(change for change, made in zip(alone, choice, strict=True) if made)
        if choice[0] == (side == 109) and paper + added == total:
            return list(choice)
    return [False] * 4


SEARCHES = {  # slips after which the search finds nothing for some totals
    "pool(conv1) if stride_1 -> output_size(pool(conv1), 5) if stride_1": (
        "conv2's padding of 2 goes with its stride of 1: the side stays as it is."
    ),
    "rows[5] = -> _ =": (
        "fc6 stays as it is; rounding and conv2's stride change how many values it "
        "reads."
    ),
    "** 2 * widths[-1] -> ** 2 * 256": "fc6 reads 256 maps, also where conv5 has 512.",
    "224, classes, -> 224, 1000,": (
        "fc8 always has 1,000 units in your answer; it has `classes`."
    ),
}
NONE = "return [False] * 4 -> return None"  # instead of the answer's last line


@zfnet.question(
    "Find the impostor",
    points=2,
    returns="a list of four truth values",
    visible=tuple(
        departed(*choice, classes)
        for choice, classes in zip(SHOWN, [1000, 1000, 1000, 1000, 10], strict=True)
    ),
    draw=tuple(impostor(choice) for choice in CHOICES if choice not in SHOWN),
    slips={
        "return list(choice) -> return [False, *choice[1:]]": (
            "The missing padding of conv1 is overlooked: it leaves the total as it is, "
            "and only the side shows it."
        ),
        "return list(choice) -> return list(choice) if sum(choice) < 2 else [False] * "
        "4": ("Only single departures are tried; an impostor may combine several."),
        "return list(choice) -> return [not departs for departs in choice]": (
            "True and False are exchanged: True says that the network departs from "
            "figure 3 there."
        ),
        "return list(choice) -> return [choice[index] for index in (0, 2, 1, 3)]": (
            "Rounding down and the stride of conv2 are exchanged: rounded down, fc6 "
            "reads less; with stride 1, much more."
        ),
        "return list(choice) -> return [*choice[:3], False]": (
            "The wide layers are overlooked: 512-1024-512 maps change conv3, conv4, "
            "conv5 and fc6."
        ),
        "return list(choice) -> return [not choice[0], *choice[1:]]": (
            "The first truth value is the wrong way round: conv1's side is 109 without "
            "padding."
        ),
        "return list(choice) -> return [choice[0], False, *choice[2:]]": (
            "Pools that round down are overlooked: fc6 then reads 5x5 positions."
        ),
        "return list(choice) -> return [*choice[:2], False, choice[3]]": (
            "conv2's stride is overlooked: with stride 1, fc6 reads about four times "
            "as much."
        ),
        (
            "return list(choice) -> pass",
            "return [False] * 4 -> paper = 62357608 + 4097 * (classes - 1000)\n    "
            "return [side == 109, total < paper, total > 15e7, paper < total < 15e7]",
        ): (
            "Each departure has a limit of its own for the total; made together, they "
            "hide each other."
        ),
        added_up: (
            "The departures' differences are added up; in fc6 they multiply: positions "
            "times maps."
        ),
        **SEARCHES,
        **{(slip, NONE): sentence for slip, sentence in SEARCHES.items()},
    },
    hints=(
        "conv1's side is 110 with padding and 109 without.",
        "Write `built(unpadded, rounded_down, stride_1, wide)`: the sides give fc6, "
        "your `zfnet_parameters` the rest. Rounded down, a pool is `output_size(side, "
        "3, 2)`.",
        "Try all 16 with `itertools.product([False, True], repeat=4)`.",
    ),
)
def zfnet_impostor(side, total, classes):
    """
    Networks called ZFNet leave out the padding of conv1, round down in the pools, give
    conv2 AlexNet's stride 1 and padding 2, or have 512-1024-512 maps in conv3 to conv5.
    From the side of conv1's output and the total of parameters, for 224 pixels and
    `classes` classes, tell which were done: four truth values in this order.

    All are found in public code, the fourth network whole, with three of them at once:
    it has six times the parameters of the paper's. A missing padding changes no total:
    look at the side.
    """

    def built(unpadded, rounded_down, stride_1, wide):
        def pool(side):
            return output_size(side, 3, 2) if rounded_down else pooled_up(side, 3, 2)

        conv1 = output_size(224, 7, 2, padding=0 if unpadded else 1)
        if conv1 != side:
            return None
        conv2 = pool(conv1) if stride_1 else output_size(pool(conv1), 5, 2)
        widths = [512, 1024, 512] if wide else [384, 384, 256]
        rows = zfnet_parameters(224, classes, widths)
        rows[5] = dense_parameters(pool(pool(conv2)) ** 2 * widths[-1], 4096)
        return sum(rows)

    for choice in product([False, True], repeat=4):
        if built(*choice) == total:
            return list(choice)
    return [False] * 4
