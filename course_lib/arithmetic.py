"""Count shapes, parameters, multiply-adds, connections and memory on plain integers.

Each function is one formula. Only the standard library is used, so the exercises load without TensorFlow.

A size along two dimensions (`kernel`, `pool`, `output`) is an int or a pair `(height, width)`; `output` is
the size of the map that a layer writes. A window that hangs over the border counts whole, with its zeros.

A connection is one use of a weight or of a bias by one output unit (LeCun et al. 1998, section II.B). A MAC
is one multiplication by a weight and the addition of the product; a bias is only added, so it is none.
"""

from numbers import Integral, Number
from typing import NamedTuple

__all__ = [
    "ReceptiveField",
    "activations",
    "conv2d_connections",
    "conv2d_macs",
    "conv2d_parameters",
    "dense_connections",
    "dense_macs",
    "dense_parameters",
    "locally_connected2d_connections",
    "locally_connected2d_macs",
    "locally_connected2d_parameters",
    "normalization_parameters",
    "output_size",
    "partial_conv2d_connections",
    "partial_conv2d_macs",
    "partial_conv2d_parameters",
    "pooling2d_connections",
    "rbf_connections",
    "receptive_field",
    "same_padding",
    "subsampling2d_connections",
    "subsampling2d_parameters",
    "training_memory",
]


# Shapes


def output_size(size, kernel, stride=1, *, padding="valid", dilation=1, rounding="floor"):
    """Count the positions of a sliding window along one dimension.

    Args:
        size: number of inputs.
        kernel: number of inputs that the window multiplies.
        stride: step between two windows.
        padding: "valid" (none), "same" (ceil(size / stride) windows, as TensorFlow pads), or the zeros added
            on each side: an int or a pair `(before, after)`.
        dilation: step between two inputs of one window, which so spans `dilation * (kernel - 1) + 1`.
        rounding: "floor" drops a last window that does not fit; "ceil" keeps it as long as it starts before
            the padding that follows. "same" comes to the same number either way.

    Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", relationships 6
    and 15; "ceil" as `torch.nn.MaxPool2d(ceil_mode=True)` defines it.

    Raises:
        ValueError: a size is not a positive integer, or the window is wider than its padded input.
    """
    size, kernel, stride, dilation = _positive(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if rounding not in ("floor", "ceil"):
        raise ValueError(f'rounding must be "floor" or "ceil". Received: rounding={rounding!r}')
    if isinstance(padding, str) and padding == "same":
        return -(-size // stride)
    before, after = _padding(padding)
    span = dilation * (kernel - 1) + 1
    room = before + size + after - span
    if room < 0:
        raise ValueError(
            f"the kernel must fit in its padded input: it spans {span}, the input {before + size + after}. "
            f"Received: size={size}, kernel={kernel}, padding={padding!r}, dilation={dilation}"
        )
    if rounding == "floor":
        return room // stride + 1
    return min(-(-room // stride) + 1, -(-(before + size) // stride))


def same_padding(size, kernel, stride=1, *, dilation=1):
    """Return the zeros `(before, after)` that "same" adds along one dimension; an odd zero goes after.

    Source: TensorFlow's documentation of `tf.nn`, "Notes on padding".
    """
    size, kernel, stride, dilation = _positive(size=size, kernel=kernel, stride=stride, dilation=dilation)
    windows = -(-size // stride)
    total = max((windows - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


class ReceptiveField(NamedTuple):
    """What units see along one dimension: unit i sees `size` inputs, from input `offset + i * jump` on.

    Inputs are counted from 0; those below 0 are padding.
    """

    size: int = 1
    jump: int = 1
    offset: int = 0


def receptive_field(stack, *, start=ReceptiveField()):  # noqa: B008 (an immutable tuple)
    """Return the `ReceptiveField` of a unit above a stack of sliding windows, along one dimension.

    Each window widens the field by (span - 1) jumps, moves it back by its padding, and multiplies the jump.

    Args:
        stack: one tuple a layer, from the input on: `(kernel, stride, padding, dilation)`, of which the last
            ones may be left out. The padding is "valid" (the default), an int or a pair `(before, after)`;
            for "same", whose zeros depend on the size, give what `same_padding` returns.
        start: the field of the units that the first layer reads; by default the inputs themselves.

    Source: Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    if (
        not isinstance(start, (tuple, list))
        or len(start) != 3
        or not all(isinstance(n, Integral) for n in start)
    ):
        raise ValueError(f"start must be a size, a jump and an offset. Received: start={start!r}")
    if not isinstance(stack, (tuple, list)):
        raise ValueError(f"stack must be a list of layers. Received: stack={stack!r}")
    size, jump, offset = start
    for layer in stack:
        if not isinstance(layer, (tuple, list)) or not 1 <= len(layer) <= 4:
            raise ValueError(
                "a layer of the stack must be a tuple of a kernel and at most stride, padding and dilation. "
                f"Received: {layer!r}"
            )
        kernel, stride, padding, dilation = (*layer, *(1, 0, 1)[len(layer) - 1 :])
        kernel, stride, dilation = _positive(kernel=kernel, stride=stride, dilation=dilation)
        before, _ = _padding(padding)
        size += dilation * (kernel - 1) * jump
        offset -= before * jump
        jump *= stride
    return ReceptiveField(size, jump, offset)


# Convolutions


def conv2d_parameters(kernel, in_channels, filters, *, groups=1, bias=True):
    """Return `kernel area * in_channels / groups * filters` weights plus one bias a filter.

    Source: LeCun et al. 1998, section II.B (C1: 5x5, 1 to 6 maps, 156); for groups, Krizhevsky et al. 2012,
    section 3.5.

    Raises:
        ValueError: `groups` does not divide both `in_channels` and `filters`.
    """
    in_channels, filters, groups = _grouped(in_channels, filters, groups)
    return _area(kernel=kernel) * (in_channels // groups) * filters + bool(bias) * filters


def conv2d_macs(output, kernel, in_channels, filters, *, groups=1):
    """Return `output area * kernel area * in_channels / groups * filters`: each weight once a position.

    Source: He and Sun 2015, "Convolutional Neural Networks at Constrained Time Cost", equation 1.
    """
    return _area(output=output) * conv2d_parameters(kernel, in_channels, filters, groups=groups, bias=False)


def conv2d_connections(output, kernel, in_channels, filters, *, groups=1, bias=True):
    """Return `output area * parameters`: each weight and each bias once a position.

    Source: LeCun et al. 1998, section II.B (C1: 28x28 * 156 = 122,304).
    """
    return _area(output=output) * conv2d_parameters(kernel, in_channels, filters, groups=groups, bias=bias)


def partial_conv2d_parameters(kernel, table, *, bias=True):
    """Return `kernel area * connected pairs` weights plus one bias an output map.

    `table[input_map][output_map]` says whether the output map reads the input map.

    Source: LeCun et al. 1998, section II.B and table I (C3: 5x5, 60 pairs, 16 maps: 1,516).
    """
    pairs, out_maps = _pairs(table)
    return _area(kernel=kernel) * pairs + bool(bias) * out_maps


def partial_conv2d_macs(output, kernel, table):
    """Return `output area * kernel area * connected pairs` (as `conv2d_macs`, for the pairs that exist)."""
    return _area(output=output) * partial_conv2d_parameters(kernel, table, bias=False)


def partial_conv2d_connections(output, kernel, table, *, bias=True):
    """Return `output area * parameters`.

    Source: LeCun et al. 1998, section II.B (C3: 10x10 * 1,516 = 151,600).
    """
    return _area(output=output) * partial_conv2d_parameters(kernel, table, bias=bias)


def locally_connected2d_parameters(output, kernel, in_channels, filters, *, bias=True):
    """Return `output area * (kernel area * in_channels + 1) * filters`: no two units share a parameter.

    Source: LeCun 1989, "Generalization and Network Design Strategies" (Net-3: local, without sharing).
    """
    return conv2d_connections(output, kernel, in_channels, filters, bias=bias)


def locally_connected2d_macs(output, kernel, in_channels, filters):
    """Return the multiply-adds of the convolution of the same shape: sharing saves memory, not work."""
    return conv2d_macs(output, kernel, in_channels, filters)


def locally_connected2d_connections(output, kernel, in_channels, filters, *, bias=True):
    """Return the connections of the convolution of the same shape, each with a parameter of its own."""
    return conv2d_connections(output, kernel, in_channels, filters, bias=bias)


# Dense layers


def dense_parameters(inputs, units, *, bias=True):
    """Return `inputs * units` weights plus one bias a unit.

    Source: LeCun et al. 1998, section II.B (F6: 120 to 84, 10,164).
    """
    inputs, units = _positive(inputs=inputs, units=units)
    return inputs * units + bool(bias) * units


def dense_macs(inputs, units):
    """Return `inputs * units`: each weight once."""
    return dense_parameters(inputs, units, bias=False)


def dense_connections(inputs, units, *, bias=True):
    """Return the number of parameters: without sharing, each is used once."""
    return dense_parameters(inputs, units, bias=bias)


def rbf_connections(inputs, units):
    """Return `inputs * units`: a Euclidean RBF unit compares each input with one value of its prototype.

    Source: LeCun et al. 1998, section II.B, equation 7 (84 to 10: 840).
    """
    inputs, units = _positive(inputs=inputs, units=units)
    return inputs * units


# Pooling and normalisation


def subsampling2d_parameters(channels):
    """Return `2 * channels`: a map has one coefficient and one bias.

    Source: LeCun et al. 1998, section II.B (S2: 12).
    """
    (channels,) = _positive(channels=channels)
    return 2 * channels


def subsampling2d_connections(output, pool, channels):
    """Return `(pool area + 1)` a unit: its inputs and the bias.

    Source: LeCun et al. 1998, section II.B (S2: 14x14x6 units * 5 = 5,880).
    """
    (channels,) = _positive(channels=channels)
    return _area(output=output) * channels * (_area(pool=pool) + 1)


def pooling2d_connections(output, pool, channels):
    """Return `pool area` a unit: its inputs; maximum and average have neither weight nor bias."""
    (channels,) = _positive(channels=channels)
    return _area(output=output) * channels * _area(pool=pool)


def normalization_parameters(channels):
    """Return `2 * channels`: the scale and the shift that are trained (the moving statistics are not).

    Source: Ioffe and Szegedy 2015, "Batch Normalization", algorithm 1 and section 3.2.
    """
    (channels,) = _positive(channels=channels)
    return 2 * channels


# Memory


def activations(shape):
    """Return how many values a shape `(H, W, C)` or `(units,)` holds, for one image.

    Source: Radosavovic et al. 2020, "Designing Network Design Spaces" (the size of the output tensors).
    """
    if not isinstance(shape, (tuple, list)):
        raise ValueError(f"shape must be a tuple of positive integers. Received: shape={shape!r}")
    count = 1
    for size in shape:
        count *= _positive(shape=size)[0]
    return count


def training_memory(parameters, activations, *, batch_size=1, optimizer_slots=2, value_bytes=4):
    """Return the bytes that a training step keeps.

    Each trainable parameter is held with its gradient and the optimizer's slots (SGD 0, momentum 1, Adam 2),
    each activation once an image for the backward pass. Scratch space and the gradients of activations, which
    are freed on the way back, are not in it.

    Args:
        parameters: number of trainable parameters.
        activations: number of values that the layers write for one image.
        batch_size: images a step.
        optimizer_slots: values that the optimizer keeps for each parameter.
        value_bytes: bytes a value (float32: 4).

    Source: Sohoni et al. 2019, "Low-Memory Neural Network Training: A Technical Report" (model, optimizer and
    activation memory).
    """
    parameters = _count(parameters=parameters)
    activations = _count(activations=activations)
    optimizer_slots = _count(optimizer_slots=optimizer_slots)
    batch_size, value_bytes = _positive(batch_size=batch_size, value_bytes=value_bytes)
    return value_bytes * (parameters * (2 + optimizer_slots) + batch_size * activations)


# Checks of the arguments (not those of `course_lib.checks`: nothing but the standard library is imported)


def _is_integer(value, minimum):
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= minimum


def _positive(**sizes):
    """Return the named sizes as ints of at least 1, or raise a ValueError that names the wrong one."""
    for name, value in sizes.items():
        if not _is_integer(value, 1):
            raise ValueError(f"{name} must be a positive integer. Received: {name}={value!r}")
    return [int(value) for value in sizes.values()]


def _count(**named):
    """Return one named integer of at least 0."""
    ((name, value),) = named.items()
    if not _is_integer(value, 0):
        raise ValueError(f"{name} must be an integer of at least 0. Received: {name}={value!r}")
    return int(value)


def _area(**named):
    """Return height times width of one named size: an int (a square) or a pair."""
    ((name, value),) = named.items()
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(_is_integer(side, 1) for side in pair):
        raise ValueError(f"{name} must be a positive integer or a pair of them. Received: {name}={value!r}")
    return int(pair[0]) * int(pair[1])


def _padding(padding):
    """Return the zeros `(before, after)` along one dimension."""
    if isinstance(padding, str) and padding == "valid":  # an array would compare each entry
        return 0, 0
    pair = tuple(padding) if isinstance(padding, (tuple, list)) else (padding, padding)
    if len(pair) != 2 or not all(_is_integer(side, 0) for side in pair):
        raise ValueError(
            "padding must be a name, an integer of at least 0 or a pair of them; the names are "
            f'"valid" and, for an output size, "same". Received: padding={padding!r}'
        )
    return int(pair[0]), int(pair[1])


def _grouped(in_channels, filters, groups):
    in_channels, filters, groups = _positive(in_channels=in_channels, filters=filters, groups=groups)
    if in_channels % groups or filters % groups:
        raise ValueError(
            "groups must divide the input channels and the filters. "
            f"Received: groups={groups}, in_channels={in_channels}, filters={filters}"
        )
    return in_channels, filters, groups


def _pairs(table):
    """Return the number of connected pairs and of output maps of a table of booleans."""
    try:
        rows = [[_boolean(entry) for entry in row] for row in table]
    except (TypeError, ValueError):  # no rows, or an entry that is no boolean
        rows = []
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(
            "table must be rows of booleans, one row an input map and one column an output map. "
            f"Received: table={table!r}"
        )
    return sum(map(sum, rows)), len(rows[0])


def _boolean(entry):
    """Return False or True, Python's own for NumPy's, which is no `Number`; raise for anything else."""
    if isinstance(entry, Number) and not isinstance(entry, bool):
        raise TypeError
    return bool((False, True).index(entry))
