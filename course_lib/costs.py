"""What one call of a layer costs, and how it widens what its outputs see: a rule for each kind of layer.

The ledger walks a model and asks here; the formulas are those of `course_lib.arithmetic`. A rule is a
function from a `Call` to a `Count`, for the exact class alone, since a subclass may compute something else.
A size that is not known is None, and so is a count that depends on it.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from course_lib import arithmetic, checks, layers
from course_lib.arithmetic import ReceptiveField
from course_lib.backend import keras

__all__ = ["Call", "Count", "rule", "rule_for"]


class Call(NamedTuple):
    """A call of a layer or operation, with the shapes that go in and come out, without the batch."""

    layer: object
    shapes: list
    constants: list  # arguments that are not tensors
    output: tuple  # of the first one, if several tensors come out

    @property
    def shape(self):
        """Return the shape of the first input."""
        return self.shapes[0]


class Count(NamedTuple):
    """What a call costs.

    `sees` says how the receptive field grows: "position" if an output sees its own position of each input,
    "map" if it sees all positions, None if neither; or a tuple that says it for each dimension (height and
    width of an image), in these words or by a function from the `ReceptiveField` of the input to that of the
    output. `writes` is False if values only get another shape.
    """

    macs: int | None = 0
    connections: int | None = 0
    sees: tuple[Callable | str | None, ...] | str | None = "position"
    writes: bool = True


RULES = {}  # a class, an operation's name, or the path of a class or package that is Keras's own -> its rule


def rule(*kinds):
    """Decorate a function from `Call` to `Count` as the rule for these classes of layers or operations.

    An operation of Keras that is no layer may be named: "Add", "GetItem". Weights are counted without a rule;
    it says how often they are used, and what an output sees:

        class Smooth(keras.layers.Layer):
            "Average each value with its two neighbours, by three weights that all channels share."

            def build(self, shape):
                self.kernel = self.add_weight(shape=(3, 1, 1))

            def call(self, x):
                kernel = keras.ops.tile(self.kernel, (1, x.shape[-1], 1))
                return keras.ops.depthwise_conv(x, kernel, padding="same")

        @rule(Smooth)
        def smooth(call):
            steps, channels = call.output
            uses = steps * channels * 3

            def widen(field):
                return receptive_field([(3, 1, 1)], start=field)

            return Count(macs=uses, connections=uses, sees=(widen,))
    """

    def register(function):
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


def rule_for(layer, name):
    """Return the rule for a layer or operation, which an error calls `name`.

    Raises:
        ValueError: there is none, or the layer is channels_first.
    """
    kind = type(layer)
    keys = [kind, f"{kind.__module__}.{kind.__name__}", kind.__module__.rpartition(".")[0]]
    if not isinstance(layer, keras.Layer) and kind.__module__.startswith("keras."):
        keys.append(kind.__name__)
    key = next((key for key in keys if key in RULES), None)
    if key is None:
        known = sorted(key.__name__ for key in RULES if isinstance(key, type))
        anything = "A Lambda may compute anything: make it a layer, or call keras.ops. "
        raise ValueError(
            f"ledger needs a rule for {kind.__name__} and does not guess; course_lib.ledger.rule adds one. "
            f"{anything if kind is keras.layers.Lambda else ''}It has rules for {', '.join(known)}, "
            f"and for what works on each value. Received: {name}"
        )
    is_last = getattr(layer, "data_format", None) != "channels_first"
    checks.require(is_last, "ledger needs channels_last.", f"{name} with channels_first")
    return RULES[key]


# Layers with weights


@rule(keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, layers.Conv2D)
def _convolution(call):
    layer = call.layer
    uses = _window_uses(layer, call.shape[-1], layer.filters, groups=layer.groups, bias=layer.use_bias)
    return Count(*_at_each(call.output, *uses), _windows(call, layer.kernel_size))


@rule(keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
def _depthwise_convolution(call):
    layer, channels = call.layer, call.shape[-1]
    filters = channels * layer.depth_multiplier
    uses = _window_uses(layer, channels, filters, groups=channels, bias=layer.use_bias)
    return Count(*_at_each(call.output, *uses), _windows(call, layer.kernel_size))


@rule(keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
def _separable_convolution(call):
    layer, channels = call.layer, call.shape[-1]
    between = channels * layer.depth_multiplier
    macs, connections = _window_uses(layer, channels, between, groups=channels)
    macs += arithmetic.dense_macs(between, layer.filters)
    connections += arithmetic.dense_connections(between, layer.filters, bias=layer.use_bias)
    return Count(*_at_each(call.output, macs, connections), _windows(call, layer.kernel_size))


@rule(keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
def _transposed_convolution(call):
    # Each weight is used once a position of the input; what falls over the border counts whole.
    layer = call.layer
    macs, connections = _at_each(call.shape, *_window_uses(layer, call.shape[-1], layer.filters))
    (biases,) = _at_each(call.output, layer.filters if layer.use_bias else 0)
    return Count(macs, None if None in (connections, biases) else connections + biases, sees=None)


def _window_uses(layer, channels, filters, *, groups=1, bias=False):
    """Return the MACs and the connections of one position of a convolution."""
    sizes = 1, (math.prod(layer.kernel_size), 1), channels, filters  # in one line, whatever its dimensions
    return (
        arithmetic.conv2d_macs(*sizes, groups=groups),
        arithmetic.conv2d_connections(*sizes, groups=groups, bias=bias),
    )


def _at_each(shape, *numbers):
    """Return numbers that each position of a map costs for the whole of it; None if its size is unknown."""
    *sides, _ = shape
    return [None if number and None in sides else number and number * math.prod(sides) for number in numbers]


@rule(layers.PartialConv2D)
def _partial_conv2d(call):
    layer = call.layer
    sizes = 1, layer.kernel_size, layer.table
    macs = arithmetic.partial_conv2d_macs(*sizes)
    connections = arithmetic.partial_conv2d_connections(*sizes, bias=layer.use_bias)
    return Count(*_at_each(call.output, macs, connections), _windows(call, layer.kernel_size))


@rule(layers.LocallyConnected2D)
def _locally_connected2d(call):
    layer = call.layer
    sizes = call.output[:2], layer.kernel_size, call.shape[-1], layer.filters
    return Count(
        arithmetic.locally_connected2d_macs(*sizes),
        arithmetic.locally_connected2d_connections(*sizes, bias=layer.use_bias),
        _windows(call, layer.kernel_size),
    )


@rule(keras.layers.Dense)
def _dense(call):
    # On a map, a dense layer works on each position by itself.
    inputs, units = call.shape[-1], call.layer.units
    connections = arithmetic.dense_connections(inputs, units, bias=call.layer.use_bias)
    return Count(*_at_each(call.output, arithmetic.dense_macs(inputs, units), connections))


@rule(layers.EuclideanRBF)
def _euclidean_rbf(call):
    (connections,) = _at_each(call.shape, arithmetic.rbf_connections(call.shape[-1], call.output[-1]))
    return Count(connections=connections)


@rule(keras.layers.TimeDistributed)
def _time_distributed(call):
    time, *_ = call.output
    inner = _within(call, [shape[1:] for shape in call.shapes], call.output[1:])
    counts = (number and (None if time is None else time * number) for number in inner[:2])
    sees = ("position", *inner.sees) if isinstance(inner.sees, tuple) else inner.sees
    return Count(*counts, None if sees == "map" else sees, inner.writes)


@rule(keras.layers.SpectralNormalization)
def _spectral_normalization(call):
    return _within(call, call.shapes, call.output)


def _within(call, shapes, output):
    """Return what the layer inside a wrapper costs on these shapes."""
    inner = call.layer.layer
    count_of = rule_for(inner, f"{call.layer.name}/{inner.name}")
    return count_of(call._replace(layer=inner, shapes=shapes, output=output))


# Pooling and normalisation


@rule(layers.Subsampling2D)
def _subsampling2d(call):
    pool = call.layer.pool_size
    (connections,) = _at_each(call.output, arithmetic.subsampling2d_connections(1, pool, call.output[-1]))
    return Count(connections=connections, sees=_windows(call, pool))


@rule(
    *(keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D),
    *(keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D),
)
def _pooling(call):
    pool = call.layer.pool_size
    (connections,) = _at_each(call.output, math.prod(pool) * call.output[-1])
    return Count(connections=connections, sees=_windows(call, pool))


@rule(
    *(keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, keras.layers.GlobalMaxPooling3D),
    keras.layers.GlobalAveragePooling1D,
    *(keras.layers.GlobalAveragePooling2D, keras.layers.GlobalAveragePooling3D),
)
def _global_pooling(call):
    (connections,) = _at_each(call.shape, call.shape[-1])
    return Count(connections=connections, sees="map")


@rule(keras.layers.GroupNormalization)
def _group_normalization(call):
    is_last = call.layer.axis in (-1, len(call.shape))
    return Count(sees="map" if is_last else None)


@rule(
    *(keras.layers.LayerNormalization, keras.layers.RMSNormalization, keras.layers.UnitNormalization),
    *(keras.layers.Softmax, "Softmax", "LogSoftmax", "Normalize"),
)
def _along_axes(call):
    return Count(sees=_joins(call))


@rule(
    *("All", "Amax", "Amin", "Any", "CountNonzero", "Logsumexp", "Max", "Mean", "Median", "Min", "Prod"),
    *("Std", "Sum", "Var"),
)
def _reduction(call):
    keeps_axes = len(call.output) in (len(call.shape), 0, 1)
    sees = _joins(call)
    return Count(sees=sees if keeps_axes else None)


def _joins(call):
    """Return what outputs see of a layer that brings together all positions along its axes."""
    axes = call.layer.axis
    axes = range(len(call.shape) + 1) if axes is None else axes
    axes = [_axis(call, axis) for axis in (axes if isinstance(axes, (list, tuple, range)) else [axes])]
    return tuple("map" if axis in axes else "position" for axis in range(1, len(call.shape) + 1))


def _axis(call, axis):
    """Return the number of a dimension, counted from the front; the batch is 0 and refused."""
    axis %= len(call.shape) + 1
    checks.require(
        axis, "ledger counts for one image, apart from the others.", f"{call.layer.name} over the batch"
    )
    return axis


# What works on each value, or moves values


RANDOM_CHANGES = [  # outside of training they leave an image as it is
    layer
    for name, layer in vars(keras.layers).items()
    if name.startswith("Random") and name not in ("RandomCrop", "RandomElasticTransform")
]


@rule(
    *("keras.src.layers.activations", "keras.src.layers.regularization"),
    *("keras.src.applications.convnext.LayerScale", "keras.src.applications.convnext.StochasticDepth"),
    "keras.src.applications.inception_resnet_v2.CustomScaleLayer",
    *(keras.layers.Add, keras.layers.Average, keras.layers.Maximum, keras.layers.Minimum),
    *(keras.layers.Multiply, keras.layers.Subtract),
    *(keras.layers.BatchNormalization, keras.layers.Embedding, keras.layers.Identity, keras.layers.Masking),
    *(keras.layers.Normalization, keras.layers.RepeatVector, keras.layers.Rescaling),
    *(layers.FractalJoin, layers.LocalResponseNormalization, layers.StochasticDepth),
    *RANDOM_CHANGES,
    *("Absolute", "Add", "Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan", "Arctan2", "Arctanh", "Cast"),
    *("Ceil", "Celu", "Clip", "Cos", "Cosh", "Divide", "DivideNoNan", "Elu", "Equal", "Erf", "Exp", "Exp2"),
    *("Expm1", "Floor", "FloorDivide", "Gelu", "Greater", "GreaterEqual", "HardShrink", "HardSigmoid"),
    *("HardSilu", "HardTanh", "LeakyRelu", "Less", "LessEqual", "Log", "Log10", "Log1p", "Log2"),
    *("LogSigmoid", "Logaddexp", "LogicalAnd", "LogicalNot", "LogicalOr", "Maximum", "Minimum", "Mod"),
    *("Multiply", "Negative", "NotEqual", "Power", "ReLU", "Reciprocal", "Relu", "Relu6", "Round", "Rsqrt"),
    *("Selu", "Sigmoid", "Sign", "Silu", "Sin", "Sinc", "Sinh", "SoftShrink", "Softplus", "Softsign"),
    *("SparsePlus", "SparseSigmoid", "Sqrt", "Square", "Squareplus", "StopGradient", "Subtract", "Tan"),
    *("Tanh", "TanhShrink", "Threshold", "TrueDivide", "Trunc", "Where"),
)
def _by_position(call):
    return Count()


@rule(
    *(keras.layers.UpSampling1D, keras.layers.UpSampling2D, keras.layers.UpSampling3D),
    *(keras.layers.Resizing, keras.layers.RandomCrop, "Resize"),
)
def _stretched(call):
    return Count(sees=None)


@rule(keras.layers.Concatenate, "Concatenate", "Split", "Glu", "Stack")
def _by_channel(call):
    axis = _axis(call._replace(shapes=[call.output]), call.layer.axis)
    return Count(sees="position" if axis == len(call.output) else None)


@rule(keras.layers.Flatten, keras.layers.Reshape, "Reshape", "ExpandDims", "Squeeze")
def _reshape(call):
    known = [None if None in shape else math.prod(shape) for shape in (call.shape, call.output)]
    required = "ledger needs a shape that keeps each image's values together."
    checks.require(known[0] == known[1], required, f"{call.layer.name} from {call.shape} to {call.output}")
    if min(len(call.shape), len(call.output)) <= 1:
        return Count(writes=False)  # a position of a map made from a vector sees what the vector saw
    sees = []
    for before, after in zip(call.shape[:-1], call.output, strict=False):
        stays = None not in sees and before is not None and before == after
        sees.append("position" if stays else None)
    return Count(sees=tuple(sees), writes=False)


@rule(keras.layers.Permute, "Transpose")
def _transpose(call):
    rank = len(call.shape) + 1
    order = (0, *call.layer.dims) if isinstance(call.layer, keras.Layer) else call.layer.axes
    order = [axis % rank for axis in order or range(rank - 1, -1, -1)]
    checks.require(not order[0], "ledger needs the batch to stay in front.", f"{call.layer.name} to {order}")
    return Count(
        sees=tuple("position" if axis == place else None for place, axis in list(enumerate(order))[1:])
    )


@rule(keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D)
def _zero_padding(call):
    return Count(sees=tuple(_shift(-before) for before, _ in _pairs(call.layer.padding)))


@rule(keras.layers.Cropping1D, keras.layers.Cropping2D, keras.layers.Cropping3D)
def _cropping(call):
    return Count(sees=tuple(_shift(before) for before, _ in _pairs(call.layer.cropping)))


def _pairs(widths):
    """Return the widths before and after for each dimension; where there is one, Keras has a bare pair."""
    return [widths] if isinstance(widths[0], int) else widths


@rule(keras.layers.CenterCrop)
def _center_crop(call):
    sizes = list(zip(call.shape[:2], (call.layer.height, call.layer.width), strict=True))
    if not all(size is not None and size >= kept for size, kept in sizes):
        return Count(sees=None)  # Keras enlarges what is too small
    return Count(sees=tuple(_shift((size - kept) // 2) for size, kept in sizes))


@rule("Pad")
def _pad(call):
    width = call.layer.pad_width
    received = f"{call.layer.name} with pad_width={width}"
    is_complete = len(width) == len(call.output) + 1 and tuple(width[0]) == (0, 0)
    checks.require(is_complete, "ledger needs a pad_width for each dimension, none for the batch.", received)
    return Count(sees=tuple(_shift(-before) for before, _ in width[1:-1]))


@rule("GetItem")
def _get_item(call):
    key = list(call.constants)
    while key[-1] is None:
        key.pop()  # x[..., None] has one channel more, or one dimension more of them
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key[place : place + 1] = [slice(None)] * (len(call.shape) + 2 - len(key))
    if key[0] != slice(None) or not all(isinstance(part, slice) and (part.step or 1) > 0 for part in key):
        raise ValueError(
            "ledger knows slices with a positive step, of the whole batch. "
            f"Received: {call.layer.name} with {', '.join(map(str, call.constants))}"
        )
    parts = zip(key[1:], call.shape[:-1], strict=False)
    return Count(
        sees=tuple("position" if part == slice(None) else _slice(part, size) for part, size in parts)
    )


def _slice(part, size):
    """Return how a slice changes a field; None, unknown, if it starts at the end of an unknown size."""
    if size is None and (part.start or 0) < 0:
        return _unknown
    start = (part.start or 0) if size is None else part.indices(size)[0]
    return _shift(start, part.step or 1)


def _windows(call, window):
    """Return how a sliding window changes a field, for each dimension."""
    layer = call.layer
    strides = getattr(layer, "strides", window)  # subsampling moves by its window
    dilation = getattr(layer, "dilation_rate", (1,) * len(window))
    padding = getattr(layer, "padding", "valid")

    def move(size, kernel, stride, dilation):
        zeros = 0
        if padding == "causal":
            zeros = (dilation * (kernel - 1), 0)
        elif padding == "same":
            if size is None and stride > 1:
                return _unknown  # the zeros depend on the size
            zeros = arithmetic.same_padding(size or 1, kernel, stride, dilation=dilation)
        return lambda field: arithmetic.receptive_field([(kernel, stride, zeros, dilation)], start=field)

    return tuple(map(move, call.shape[:-1], window, strides, dilation))


def _unknown(field):
    """Return None for the field, which depends on a size that is not known."""


def _shift(start, step=1):
    """Return how a field changes if every `step`-th position is kept from `start` on (negative: zeros)."""
    return lambda field: ReceptiveField(field.size, field.jump * step, field.offset + start * field.jump)
