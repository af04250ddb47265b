"""Ask for sizes, parameters, connections, multiply-adds and receptive fields."""

from course_lib.grading.question import Chapter

foundations = Chapter(
    "foundations",
    title="Foundations",
    about=(
        "Together they are the ledger of a convolutional network: shapes, "
        "parameters, connections, multiply-adds and receptive fields. Later "
        "exercises call earlier ones."
    ),
)


def draw_output_size(rng, leftover):
    """Return a case in which the last window fits exactly, or misses by one pixel."""
    while True:
        kernel, stride = rng.randint(4, 11), rng.randint(3, 4)
        size, padding = rng.randint(12, 64), rng.randint(2, kernel // 2)
        if (size + 2 * padding - kernel) % stride == (stride - 1 if leftover else 0):
            return [size, kernel, stride, padding]


@foundations.question(
    "Output size",
    points=2,
    returns="a whole number",
    visible=([32, 5, 1, 0], [14, 3, 2, 1], [224, 11, 4, 2]),
    draw=(
        lambda rng: draw_output_size(rng, leftover=True),
        lambda rng: draw_output_size(rng, leftover=False),
    ),
    slips={
        "room // stride -> -(-room // stride)": (
            "That is ceil, not floor: a last window that does not fit is dropped."
        ),
        "// stride -> / stride": (
            "The quotient is not rounded down: a window either fits or it does not, "
            "so divide with `//`."
        ),
        " + 1 -> ": (
            "The + 1 is missing: the first window stands before any step is made."
        ),
        "2 * padding -> padding": (
            "The padding is added once; it is added on both sides."
        ),
        " + 2 * padding -> ": "The padding is left out.",
        " // stride -> ": "The stride is left out.",
        "room // stride -> round(room / stride)": (
            "The quotient is rounded to the nearest whole number; a window that fits "
            "by half does not fit."
        ),
        "room // stride + 1 -> -(-room // stride)": (
            "A last window that fits exactly is not counted; it stands at the very end."
        ),
        "room // stride + 1 -> (room + 1) // stride": (
            "The 1 is added before the division; it is the first window, which needs "
            "no stride."
        ),
        " - kernel -> ": (
            "The window's own width is left out: its left edge cannot move over the "
            "whole size."
        ),
        "+ 2 * padding -> - 2 * padding": (
            "The padding is taken away; it makes the image larger."
        ),
        (
            "size + 2 * padding - kernel -> size - kernel",
            "stride + 1 -> stride + 1 + 2 * padding",
        ): (
            "The zeros are added to the result; they make the image larger, before "
            "the division."
        ),
        "room // stride + 1 -> -(-size // stride)": (
            "That is the size for `same` padding; here `padding` says how many zeros "
            "there are."
        ),
    },
    hints=(
        "How far can the window's left edge move before its right edge leaves the "
        "padded input?",
        "The padded input has `size + 2 * padding` pixels; the window takes `kernel` "
        "of them.",
        "Count the whole strides in that room with `//`, and add the first window.",
    ),
)
def output_size(size, kernel, stride, padding):
    """
    Write how many positions a window of `kernel` pixels has along an image of `size`
    pixels, when it moves by `stride` and `padding` zeros are added on both sides
    (Dumoulin and Visin 2016, relationship 6). A last window that does not fit is
    dropped.

    Every shape in this course follows from this line. The last case is the first layer
    of AlexNet, on an image of 224 pixels with two zeros around it.
    """
    room = size + 2 * padding - kernel
    return room // stride + 1


def draw_same_padding(rng, leftover):
    """Return a case in which an odd pixel is added, or the windows fit with room."""
    while True:
        size, kernel, stride = rng.randint(8, 64), rng.randint(2, 7), rng.randint(2, 4)
        total = (-(-size // stride) - 1) * stride + kernel - size
        if total < 0 if leftover else total % 2 and total > 0 and size % stride > 1:
            return [size, kernel, stride]


@foundations.question(
    "Padding that keeps the size",
    points=2,
    returns="a list `[before, after]` of whole numbers",
    visible=([32, 5, 1], [10, 4, 1], [224, 3, 2], [8, 1, 2]),
    draw=(
        lambda rng: draw_same_padding(rng, leftover=True),
        lambda rng: draw_same_padding(rng, leftover=False),
    ),
    slips={
        "before = total // 2 -> before = total - total // 2": (
            "The odd pixel goes before; TensorFlow puts it after."
        ),
        "max((windows - 1) * stride + kernel - size, 0) -> kernel - 1": (
            "The stride is left out: with a stride, fewer windows need fewer pixels."
        ),
        "[before, total - before] -> [kernel // 2, kernel // 2]": (
            "That is half the kernel on each side, as other libraries pad; `same` "
            "adds no more than it needs."
        ),
        "[before, total - before] -> [(kernel - 1) // 2, (kernel - 1) // 2]": (
            "That is half the kernel on each side, as other libraries pad; `same` "
            "adds no more than it needs."
        ),
        "max((windows - 1) * stride + kernel - size, 0) -> (windows - 1) * stride + "
        "kernel - size": (
            "The padding must not be negative: where the windows leave pixels over, "
            "add none."
        ),
        "[before, total - before] -> [total, total]": (
            "That is all the padding on each side; the two sides share it."
        ),
        "-(-size // stride) -> size // stride": (
            "The windows are rounded down; `same` makes ceil(size / stride) of them."
        ),
        "-(-size // stride) -> (size - kernel) // stride + 1": (
            "No zeros are added: those are the windows that fit without; `same` "
            "makes ceil(size / stride)."
        ),
        "(windows - 1) * stride -> windows * stride": (
            "That is one stride too many: from the first window to the last there "
            "are `windows - 1`."
        ),
        "total - before -> before": (
            "Both sides get the smaller half; an odd pixel is lost."
        ),
        "[before, -> [total - before,": (
            "Both sides get the larger half; an odd pixel goes after the image only."
        ),
        "before = total // 2 -> before = total / 2": (
            "Half of an odd number is no whole number of pixels: one side gets the "
            "odd one."
        ),
        "max((windows - 1) * stride + kernel - size, 0) -> kernel - stride": (
            "`kernel - stride` is right only where the stride divides the size: "
            "count the windows."
        ),
        "max((windows - 1) * stride + kernel - size, 0) -> max(kernel - stride, 0)": (
            "`kernel - stride` is right only where the stride divides the size: "
            "count the windows."
        ),
    },
    hints=(
        "First count the windows: `same` makes ceil(size / stride) of them.",
        "From the first pixel of the first window to the last pixel of the last one "
        "there are `(windows - 1) * stride + kernel` pixels; what exceeds `size` is "
        "padding, and it is at least 0.",
        "`before` is half of it, rounded down; `after` is the rest.",
    ),
)
def same_padding(size, kernel, stride):
    """
    With `same`, TensorFlow makes ceil(size / stride) windows and adds just the zeros
    that they need: none if the windows fit, and the odd one after the image rather than
    before it. Return how many zeros go on each side, as `[before, after]`.

    Weights published for another library expect its padding. With stride 2, the two
    differ by one pixel, and no error tells you.
    """
    windows = -(-size // stride)
    total = max((windows - 1) * stride + kernel - size, 0)
    before = total // 2
    return [before, total - before]


def draw_correlate(rng):
    height, width = rng.randint(4, 6), rng.randint(4, 6)
    rows, columns = rng.choice([(2, 3), (3, 2)])
    image = [[rng.randint(0, 9) for _ in range(width)] for _ in range(height)]
    return [image, [[rng.randint(-3, 3) for _ in range(columns)] for _ in range(rows)]]


@foundations.question(
    "One feature map",
    points=3,
    returns="a list of rows of numbers, one number a position of the kernel,",
    visible=(
        [[[0, 0, 1, 1], [0, 0, 1, 1]], [[-1, 1]]],
        [[[1, 2, 0], [0, 1, 3], [2, 0, 1]], [[1, 0], [2, -1]]],
    ),
    draw=draw_correlate,
    floats=True,
    slips={
        "kernel[i][j] -> kernel[-1 - i][-1 - j]": (
            "The kernel is flipped, as in mathematics; networks multiply it as it "
            "stands."
        ),
        "kernel[i][j] -> kernel[i][-1 - j]": (
            "The kernel is mirrored; networks multiply it as it stands."
        ),
        "kernel[i][j] -> kernel[-1 - i][j]": (
            "The kernel is upside down; networks multiply it as it stands."
        ),
        (
            "height, width = -> width, height =",
            "kernel[i][j] -> kernel[j][i]",
        ): "The kernel is transposed: its rows lie along the image's rows.",
        (
            "len(image[0]) - width + 1 -> len(image[0]) - width",
            "len(image) - height + 1 -> len(image) - height",
        ): (
            "The last row and column are missing: the kernel has `size - kernel + 1` "
            "positions."
        ),
        "len(image[0]) - width + 1 -> len(image[0]) - width": (
            "The last column is missing: the kernel has `size - kernel + 1` positions."
        ),
        "len(image) - height + 1 -> len(image) - height": (
            "The last row is missing: the kernel has `size - kernel + 1` positions."
        ),
        (
            "len(image[0]) - width + 1 -> len(image[0])",
            "len(image) - height + 1 -> len(image)",
            "total += -> if y + i < len(image) and x + j < len(image[0]): total +=",
        ): (
            "The kernel runs over the border; only positions where all of it lies on "
            "the image count."
        ),
        (
            "len(image[0]) - width + 1 -> len(image[0])",
            "len(image) - height + 1 -> len(image)",
            "image[y + i][x + j] -> image[y + i - height // 2][x + j - width // 2]",
            "total += -> if 0 <= y + i - height // 2 < len(image) and 0 <= x + j - "
            "width // 2 < len(image[0]): total +=",
        ): (
            "The kernel runs over the border; only positions where all of it lies on "
            "the image count."
        ),
        "= len(kernel), len(kernel[0]) -> = len(kernel), len(kernel)": (
            "The kernel is taken to be as wide as high; its width is `len(kernel[0])`."
        ),
        "= len(kernel), len(kernel[0]) -> = len(kernel[0]), len(kernel[0])": (
            "The kernel is taken to be as high as wide; its height is `len(kernel)`."
        ),
        (
            "len(image[0]) - width + 1 -> len(image) - height + 1",
            "total += -> if x + j < len(image[0]): total +=",
        ): "The image is taken to be as wide as high; its width is `len(image[0])`.",
        (
            "len(image) - height + 1 -> len(image[0]) - width + 1",
            "total += -> if y + i < len(image): total +=",
        ): "The image is taken to be as high as wide; its height is `len(image)`.",
        (
            "total = 0 -> pass",
            "row = [] -> row, total = [], 0",
        ): "The sum goes on from position to position; each one begins with 0.",
        (
            "total = 0 -> pass",
            "result = [] -> result, total = [], 0",
        ): "The sum goes on from position to position; each one begins with 0.",
        "return result -> return [result[-1]] * len(result)": (
            "All rows are one and the same list, as `[row] * height` makes them; make "
            "each row anew."
        ),
        "total += -> total =": (
            "That is the last product alone; all of a position's products are added up."
        ),
        "row.append(total) -> row.append(max(total, 0))": (
            "Negative sums are cut off; that is ReLU, which comes after the "
            "convolution."
        ),
        "row.append(total) -> row.append(total / (height * width))": (
            "The products are averaged; they are added up."
        ),
        (
            "- width + 1) -> - width + 1, width)",
            "range(len(image) -> range(0, len(image)",
            "- height + 1) -> - height + 1, height)",
            "range(len(image[0]) -> range(0, len(image[0])",
        ): "The windows lie side by side; the kernel moves by one pixel at a time.",
        "image[y + i][x + j] -> image[i][j]": (
            "The kernel stays in the corner; at row y and column x it lies on other "
            "pixels."
        ),
    },
    hints=(
        "Four loops: two over the positions of the kernel, two over its entries.",
        "With the kernel's corner on row y and column x, `kernel[i][j]` lies on "
        "`image[y + i][x + j]`.",
        "y runs over `range(len(image) - len(kernel) + 1)`, x likewise; the value is "
        "the sum of products.",
    ),
)
def correlate(image, kernel):
    """
    Slide the kernel over the image, to each position where all of it lies on the image;
    multiply each of its entries by the pixel under it, and add up. Images and kernels
    are lists of rows. The result is one feature map (LeCun et al. 1998, section II.A).

    The first kernel finds an edge. Networks call this operation a convolution, although
    they leave the kernel as it is.
    """
    height, width = len(kernel), len(kernel[0])
    result = []
    for y in range(len(image) - height + 1):
        row = []
        for x in range(len(image[0]) - width + 1):
            total = 0
            for i in range(height):
                for j in range(width):
                    total += kernel[i][j] * image[y + i][x + j]
            row.append(total)
        result.append(row)
    return result


@foundations.question(
    "Parameters of a convolution",
    points=2,
    returns="a whole number",
    visible=([5, 1, 6], [3, 64, 128]),
    draw=lambda rng: [rng.randint(2, 7), rng.randint(2, 64), rng.randint(2, 64)],
    slips={
        " + 1 -> ": "The bias is missing: each filter has one.",
        "kernel * in_channels + 1) -> kernel + 1) * in_channels": (
            "That is one bias for each input channel; a filter has a single bias."
        ),
        "+ 1) * filters -> ) * filters + in_channels": (
            "That is one bias for each input channel; a filter has a single bias."
        ),
        "+ 1) * filters -> ) * filters + 1": (
            "That is one bias for the whole layer; each filter has its own."
        ),
        "kernel * kernel -> kernel": (
            "The kernel is not squared: it is `kernel` pixels high and `kernel` wide."
        ),
        "kernel * kernel -> 2 * kernel": (
            "The kernel is not squared: it is `kernel` pixels high and `kernel` wide."
        ),
        " * in_channels -> ": (
            "The input channels are left out: a filter has a kernel for each of them."
        ),
        " * filters -> ": "That is a single filter; the layer has `filters` of them.",
        "+ 1) * filters -> + filters)": (
            "The weights are those of a single filter; each of the `filters` has its "
            "own."
        ),
        "+ 1) -> + filters)": "Every filter has the biases of all filters; it has one.",
        "in_channels + 1) * filters -> (in_channels + 1)) * filters": (
            "The bias is as large as a kernel; it is a single number."
        ),
    },
    hints=(
        "How many numbers does one filter hold?",
        "One filter has a kernel of `kernel * kernel` weights for each input "
        "channel, and one bias.",
    ),
)
def conv2d_parameters(kernel, in_channels, filters):
    """
    A filter has a kernel of `kernel` by `kernel` weights for each input channel, and
    one bias. Count the parameters of a layer of `filters` filters. The first case is C1
    of LeNet-5 (LeCun et al. 1998, section II.B).

    The image's size is not among the arguments: that is what sharing the weights means.
    """
    return (kernel * kernel * in_channels + 1) * filters


def draw_ledger_row(rng):
    kernel = rng.randint(2, 7)
    padding = rng.randint(0, kernel // 2)
    return [
        rng.randint(8, 64),
        kernel,
        rng.randint(1, 4),
        padding,
        rng.randint(2, 64),
        rng.randint(2, 64),
    ]


@foundations.question(
    "A row of the ledger",
    points=3,
    returns="a list `[output, parameters, connections, macs]` of whole numbers",
    visible=([32, 5, 1, 0, 1, 6], [227, 11, 4, 0, 3, 96], [14, 3, 2, 1, 8, 16]),
    draw=draw_ledger_row,
    slips={
        "connections, connections -> connections - output**2 * filters, connections": (
            "The biases are not among the connections: each output unit uses its "
            "filter's bias once."
        ),
        " - output**2 * filters -> ": (
            "The biases are counted as MACs; adding a bias multiplies nothing."
        ),
        ", connections - output -> , 2 * connections - 2 * output": (
            "Those are FLOPs: a MAC is one multiplication together with one addition."
        ),
        (
            "connections = output**2 -> connections = output",
            "- output**2 -> - output",
        ): (
            "The positions are counted along one side; the map is `output` high and "
            "`output` wide."
        ),
        (
            "connections = output**2 -> connections = size**2",
            "- output**2 -> - size**2",
        ): (
            "The positions are those of the input; each unit of the output has its "
            "connections."
        ),
        (
            "channels, filters) -> channels, filters) - filters",
            " - output**2 * filters -> ",
        ): (
            "The bias is missing: each filter has one, in the parameters and in the "
            "connections."
        ),
        "connections, connections -> connections - output**2 * filters + filters, "
        "connections": (
            "The biases are connected once a filter; each output unit uses its "
            "filter's bias once."
        ),
        "- output**2 * filters -> - filters": (
            "One bias a filter is taken off the MACs; there is one for each output "
            "unit."
        ),
    },
    hints=(
        "Use your `output_size` and your `conv2d_parameters`.",
        "Every unit uses all parameters of its filter once: there are `output * "
        "output` positions.",
        "MACs are the connections without those to the biases: `output * output * "
        "filters` fewer.",
    ),
)
def ledger_row(size, kernel, stride, padding, in_channels, filters):
    """
    Return `[output, parameters, connections, macs]` of a convolution. A connection is
    one use of a weight or of a bias by one output unit (LeCun et al. 1998, section
    II.B); a MAC is a multiplication together with an addition, so biases are none.

    Parameters are memory, MACs are time. C1 of LeNet-5 has 122,304 connections on 156
    parameters; the second case is conv1 of AlexNet.
    """
    output = output_size(size, kernel, stride, padding)
    parameters = conv2d_parameters(kernel, in_channels, filters)
    connections = output**2 * parameters
    return [output, parameters, connections, connections - output**2 * filters]


def draw_three_ways(rng):
    kernel = rng.randint(2, 7)
    return [rng.randint(kernel + 1, 40), kernel, rng.randint(1, 16)]


@foundations.question(
    "Dense, local, shared",
    points=3,
    returns="a list `[dense, local, shared]` of whole numbers",
    visible=([32, 5, 6], [8, 3, 1]),
    draw=draw_three_ways,
    slips={
        (
            "(size**2 + 1) -> size**2",
            "(kernel**2 + 1) -> kernel**2",
            "1, filters)] -> 1, filters) - filters]",
        ): (
            "The biases are missing: a dense and a local unit each have one, a "
            "shared filter has one."
        ),
        ("(size**2 + 1) -> size**2", "(kernel**2 + 1) -> kernel**2"): (
            "The biases are missing: a dense and a local unit each have one, a "
            "shared filter has one."
        ),
        "(size**2 + 1) -> size**2": (
            "The dense units' biases are missing: each unit has one."
        ),
        "(kernel**2 + 1) -> kernel**2": (
            "The local units' biases are missing: each unit has one."
        ),
        "(kernel**2 + 1) * units -> kernel**2 * units + filters": (
            "The local units share their biases; without sharing, each has its own."
        ),
        "(kernel**2 + 1) * units -> kernel**2 * units + units // filters": (
            "The local units of a place share their biases; without sharing, each "
            "has its own."
        ),
        "(size**2 + 1) * units -> size**2 * units + filters": (
            "The dense layer has one bias a map; each of its units has its own."
        ),
        "(size**2 + 1) * units -> size**2 * units + 1": (
            "The dense layer has a single bias; each of its units has its own."
        ),
        "output_size(size, kernel, 1, 0) ** 2 -> size**2": (
            "The units are counted at every pixel; without padding, a map has `size "
            "- kernel + 1` a side."
        ),
        "(size**2 + 1) * units -> (size**2 + 1) * filters": (
            "The dense layer has as many units as the maps together, not one a map."
        ),
        "(size**2 + 1) * units -> (size**2 + 1) * units // filters": (
            "The dense layer is counted for a single map; its units are those of all "
            "maps."
        ),
        "(kernel**2 + 1) * units -> (kernel**2 + 1) * units // filters": (
            "The local layer is counted for a single map; its units are those of all "
            "maps."
        ),
        "(size**2 + 1) -> (size + 1)": (
            "A dense unit reads a single line of pixels; it reads `size` by `size`."
        ),
        "(kernel**2 + 1) -> (kernel + 1)": (
            "A local unit's window is a line; it is `kernel` by `kernel` pixels."
        ),
        "0) ** 2 -> 0)": (
            "The units are counted along one side; a map is as high as wide."
        ),
    },
    hints=(
        "Count the output units first: `filters` maps of `size - kernel + 1` a side.",
        "A dense unit has `size * size` weights and a bias; a local one `kernel * "
        "kernel` and a bias.",
        "Local over shared is the number of positions of a map: that is what sharing "
        "saves.",
    ),
)
def parameters_three_ways(size, kernel, filters):
    """
    Three layers turn a `size` by `size` image of one channel into maps as large as a
    convolution without padding makes them. Return their parameters `[dense, local,
    shared]`: a unit reads all pixels; only its window; or its window, with the weights
    and the bias that its whole map shares.

    On LeCun's digits (1989), a local network generalised better than a dense one, and
    one with shared weights better still. Divide local by shared: it is the number of
    positions.
    """
    units = output_size(size, kernel, 1, 0) ** 2 * filters
    dense = (size**2 + 1) * units
    local = (kernel**2 + 1) * units
    return [dense, local, conv2d_parameters(kernel, 1, filters)]


def draw_receptive_field(rng):
    return [[[rng.randint(1, 7), rng.randint(1, 3)] for _ in range(rng.randint(2, 6))]]


@foundations.question(
    "Receptive field",
    points=2,
    returns="a list `[size, jump]` of whole numbers",
    visible=(
        [[[3, 1], [3, 1]]],
        [[[5, 1], [2, 2], [5, 1], [2, 2]]],
        [[[7, 2], [3, 2], [3, 1], [3, 1]]],
    ),
    draw=draw_receptive_field,
    slips={
        " * jump -> ": (
            "The strides are left out of the size: after a stride of 2, a step "
            "covers two pixels."
        ),
        ("size, jump = 1, 1 -> size, jump = 0, 1", "(kernel - 1) * jump -> kernel"): (
            "The kernels are added up; windows overlap, so each adds `kernel - 1` "
            "jumps to one pixel."
        ),
        ("size, jump = 1, 1 -> size, jump = 0, 1", "(kernel - 1) -> kernel"): (
            "The kernels are added up; windows overlap, so each adds `kernel - 1` "
            "jumps to one pixel."
        ),
        "(kernel - 1) -> kernel": (
            "The kernels are added up; windows overlap, so each adds `kernel - 1` "
            "jumps to one pixel."
        ),
        "* jump -> * jump * stride": (
            "A layer's own stride widens its window; it only matters to the layers "
            "above."
        ),
        "* jump -> * stride": (
            "A layer's own stride widens its window; it only matters to the layers "
            "above."
        ),
        (
            "size, jump = 1, 1 -> size, jump, below = 1, 1, 1",
            "* jump -> * below",
            "jump *= stride -> jump, below = jump * stride, stride",
        ): (
            "Only the stride just below is counted; the strides of all layers below "
            "multiply."
        ),
        "jump *= stride -> jump = stride": (
            "Only the stride just below is counted; the strides of all layers below "
            "multiply."
        ),
        "size += (kernel - 1) * jump -> size *= kernel": (
            "The kernels are multiplied; windows overlap, so each adds `kernel - 1` "
            "jumps."
        ),
        "[size, jump] -> [size, sum(stride for _, stride in layers)]": (
            "The size is right, but the strides are added up in the jump: they "
            "multiply."
        ),
        "jump *= stride -> jump += stride": (
            "The strides are added up; from layer to layer they multiply."
        ),
        "jump *= stride -> jump += stride - 1": (
            "The strides are added up; from layer to layer they multiply."
        ),
        "size += (kernel - 1) * jump -> size = (size - 1) * stride + kernel": (
            "That rule goes from the top down; from the image up, each window adds "
            "`kernel - 1` jumps."
        ),
        "size, jump = 1, 1 -> size, jump = 0, 1": (
            "The field begins with 0; before any layer, a unit is one pixel."
        ),
        "[size, jump] -> [size, stride]": (
            "The jump is the last layer's stride; the strides of all layers multiply."
        ),
        "[size, jump] -> [size, jump // stride]": (
            "The last layer's stride is missing from the jump; it moves its own "
            "units apart."
        ),
        "(kernel - 1) * jump -> (kernel // 2) * jump": (
            "The field grows to one side only; a window reaches `kernel - 1` units "
            "further in all."
        ),
    },
    hints=(
        "Keep two numbers: the pixels that a unit sees, and the pixels from one unit "
        "to the next (the jump).",
        "Both begin at 1. A window of `kernel` units reaches `kernel - 1` jumps "
        "further than a single unit.",
        "For each layer: first `size += (kernel - 1) * jump`, then `jump *= stride`.",
    ),
)
def receptive_field(layers):
    """
    Each layer is `[kernel, stride]`, the first one next to the image. Return `[size,
    jump]` of a unit at the top: how many pixels of the image it sees along a side, and
    how many pixels lie between two neighbours (Araujo, Norris and Sim 2019).

    Two 3x3 layers see what one 5x5 sees: VGG is built on the first case. The second is
    LeNet-5 up to S4.
    """
    size, jump = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return [size, jump]


def draw_stack(rng):
    layers = []
    for _ in range(rng.randint(2, 4)):
        kernel = rng.randint(2, 5)
        layers.append(
            [kernel, rng.randint(1, 2), rng.randint(0, kernel // 2), rng.randint(2, 64)]
        )
    return [rng.randint(80, 160), rng.choice([1, 3]), layers]


@foundations.question(
    "A stack of convolutions",
    points=3,
    returns="a list `[size, parameters]` of whole numbers",
    visible=(
        [32, 1, [[5, 1, 0, 6], [5, 1, 0, 16]]],
        [224, 3, [[3, 1, 1, 64], [3, 1, 1, 64], [3, 2, 1, 128]]],
    ),
    draw=draw_stack,
    slips={
        "channels = filters -> pass": (
            "Every layer reads the image's channels; from the second on, it reads "
            "the maps before it."
        ),
        "parameters += -> parameters =": (
            "Those are the parameters of the last layer; add up all of them."
        ),
        "channels, filters) -> channels, filters) - filters": (
            "The biases are missing: each filter has one."
        ),
        "padding) -> 0)": "The padding is left out of the size.",
        "(size, kernel, stride -> (size, kernel, 1": (
            "The stride is left out of the size."
        ),
        "channels, filters) -> filters, filters)": (
            "A layer's own filters are taken for its inputs; it reads the maps "
            "before it."
        ),
        (
            "size = output_size -> last = output_size",
            "[size, -> [last,",
        ): "Each layer starts from the image's size; it reads the map before it.",
        "parameters += -> parameters += size**2 *": (
            "Each position is counted; the positions share the parameters."
        ),
        "parameters = 0 -> parameters, channels = 0, layers[-1][3]": (
            "The first layer reads the filters of `layers[-1]`, which is the last "
            "layer; it reads `channels`."
        ),
        "parameters = 0 -> parameters = channels": (
            "The image is counted; it has no parameters."
        ),
    },
    hints=(
        "Walk through the layers once, and carry the size and the channels along.",
        "Use your `output_size` and your `conv2d_parameters` for each layer.",
        "At the end of each step, `channels = filters`: the maps of this layer are "
        "what the next one reads.",
    ),
)
def stack_totals(size, channels, layers):
    """
    Each layer is `[kernel, stride, padding, filters]`. The image has `size` by `size`
    pixels and `channels` channels. Walk through the stack and return `[size,
    parameters]`: the side of the last map, and the parameters of all layers together.

    This loop is half of the ledger with which every chapter compares a network to its
    paper.
    """
    parameters = 0
    for kernel, stride, padding, filters in layers:
        size = output_size(size, kernel, stride, padding)
        parameters += conv2d_parameters(kernel, channels, filters)
        channels = filters
    return [size, parameters]
