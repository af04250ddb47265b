"""What one call of a layer costs, and how it widens what its outputs see: a rule for each kind of layer.

The ledger walks a model and asks here; the formulas are those of `course_lib.arithmetic`. A rule is a
function from a `Call` to a `Count`, for the exact class alone, since a subclass may compute something else.
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
    output: tuple

    @property
    def shape(self):
        """Return the shape of the first input."""
        return self.shapes[0]


class Count(NamedTuple):
    """What a call costs.

    `sees` says how the receptive field grows: "position" if an output sees its own position of each input,
    "map" if it sees all positions, None if neither; or two functions, for height and width, from the
    `ReceptiveField` of the input to that of the output. `writes` is False if values only get another shape.
    """

    macs: int = 0
    connections: int = 0
    sees: tuple[Callable, Callable] | str | None = "position"
    writes: bool = True


RULES = {}  # a class, or the name of an operation that is no layer -> its rule


def rule(*kinds):
    """Decorate a function from `Call` to `Count` as the rule for these classes of layers.

    An operation of Keras that is no layer is named by a string: "Add", "GetItem".
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
    kind = type(layer) if isinstance(layer, keras.Layer) else type(layer).__name__
    if kind not in RULES:
        known = sorted({known if isinstance(known, str) else known.__name__ for known in RULES})
        raise ValueError(
            f"ledger needs a rule for {type(layer).__name__} and does not guess; course_lib.ledger.rule "
            f"adds one. It has rules for {', '.join(known)}. Received: {name}"
        )
    is_last = getattr(layer, "data_format", None) != "channels_first"
    checks.require(is_last, "ledger needs channels_last.", f"{name} with channels_first")
    return RULES[kind]


@rule(keras.layers.Conv2D, layers.Conv2D)
def _conv2d(call):
    return _convolution(call, call.layer.filters, call.layer.groups)


@rule(keras.layers.DepthwiseConv2D)
def _depthwise_conv2d(call):
    channels = call.shape[-1]
    return _convolution(call, channels * call.layer.depth_multiplier, channels)


def _convolution(call, filters, groups):
    layer = call.layer
    sizes = call.output[:2], layer.kernel_size, call.shape[-1], filters
    return Count(
        arithmetic.conv2d_macs(*sizes, groups=groups),
        arithmetic.conv2d_connections(*sizes, groups=groups, bias=layer.use_bias),
        _windows(call.shape, layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate),
    )


@rule(layers.PartialConv2D)
def _partial_conv2d(call):
    layer = call.layer
    sizes = call.output[:2], layer.kernel_size, layer.table
    return Count(
        arithmetic.partial_conv2d_macs(*sizes),
        arithmetic.partial_conv2d_connections(*sizes, bias=layer.use_bias),
        _windows(call.shape, layer.kernel_size, layer.strides, layer.padding),
    )


@rule(layers.LocallyConnected2D)
def _locally_connected2d(call):
    layer = call.layer
    sizes = call.output[:2], layer.kernel_size, call.shape[-1], layer.filters
    return Count(
        arithmetic.locally_connected2d_macs(*sizes),
        arithmetic.locally_connected2d_connections(*sizes, bias=layer.use_bias),
        _windows(call.shape, layer.kernel_size, layer.strides),
    )


@rule(keras.layers.Dense)
def _dense(call):
    # On a map, a dense layer works on each position by itself.
    *sides, inputs = call.shape
    positions = math.prod(sides)
    macs = arithmetic.dense_macs(inputs, call.layer.units)
    connections = arithmetic.dense_connections(inputs, call.layer.units, bias=call.layer.use_bias)
    return Count(positions * macs, positions * connections)


@rule(layers.EuclideanRBF)
def _euclidean_rbf(call):
    *positions, inputs = call.shape
    return Count(connections=math.prod(positions) * arithmetic.rbf_connections(inputs, call.output[-1]))


@rule(layers.Subsampling2D)
def _subsampling2d(call):
    pool = call.layer.pool_size
    return Count(
        connections=arithmetic.subsampling2d_connections(call.output[:2], pool, call.output[-1]),
        sees=_windows(call.shape, pool, pool),
    )


@rule(keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
def _pooling2d(call):
    layer = call.layer
    return Count(
        connections=arithmetic.pooling2d_connections(call.output[:2], layer.pool_size, call.output[-1]),
        sees=_windows(call.shape, layer.pool_size, layer.strides, layer.padding),
    )


@rule(keras.layers.GlobalMaxPooling2D, keras.layers.GlobalAveragePooling2D)
def _global_pooling2d(call):
    *pool, channels = call.shape
    return Count(connections=arithmetic.pooling2d_connections(1, pool, channels), sees="map")


@rule(
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AlphaDropout,
    keras.layers.Average,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ELU,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Rescaling,
    keras.layers.SpatialDropout2D,
    keras.layers.Subtract,
    layers.FractalJoin,
    layers.LocalResponseNormalization,
    layers.StochasticDepth,
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Negative"),
    *("Elu", "Gelu", "HardSigmoid", "LeakyRelu", "ReLU", "Relu", "Relu6", "Selu", "Sigmoid", "Silu"),
    *("Softplus", "Tanh"),
)
def _by_position(call):
    return Count()


@rule(keras.layers.Softmax, "Softmax")
def _softmax(call):
    return Count(sees="position" if call.layer.axis in (-1, len(call.output)) else "map")


@rule(keras.layers.Concatenate, "Concatenate")
def _concatenate(call):
    return Count(sees="position" if call.layer.axis in (-1, len(call.output)) else None)


@rule(keras.layers.Flatten, keras.layers.Reshape, "Reshape")
def _reshape(call):
    # A position of a map made from a vector sees what the vector saw.
    keeps_positions = 1 in (len(call.shape), len(call.output)) or call.shape[:2] == call.output[:2]
    return Count(sees="position" if keeps_positions else None, writes=False)


@rule(keras.layers.ZeroPadding2D)
def _zero_padding2d(call):
    return Count(sees=tuple(_shift(-before) for before, _ in call.layer.padding))


@rule(keras.layers.Cropping2D)
def _cropping2d(call):
    return Count(sees=tuple(_shift(before) for before, _ in call.layer.cropping))


@rule("Pad")
def _pad(call):
    width = call.layer.pad_width
    received = f"{call.layer.name} with pad_width={width}"
    is_complete = len(width) == len(call.output) + 1
    checks.require(is_complete, "ledger needs a pad_width for each dimension.", received)
    return Count(sees=tuple(_shift(-before) for before, _ in width[1:3]))


@rule("GetItem")
def _get_item(call):
    key = list(call.constants)
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key[place : place + 1] = [slice(None)] * (len(call.shape) + 2 - len(key))
    if key[0] != slice(None) or not all(isinstance(part, slice) and (part.step or 1) > 0 for part in key):
        raise ValueError(
            "ledger knows slices with a positive step, of the whole batch. "
            f"Received: {call.layer.name} with {', '.join(map(str, call.constants))}"
        )
    key += [slice(None)] * (3 - len(key))
    ranges = [part.indices(size) for part, size in zip(key[1:3], call.shape, strict=False)]
    return Count(sees=tuple(_shift(start, step) for start, _, step in ranges))


def _windows(shape, kernel, strides, padding="valid", dilation=(1, 1)):
    """Return how a sliding window changes a field, for the height and for the width."""

    def move(size, kernel, stride, dilation):
        zeros = arithmetic.same_padding(size, kernel, stride, dilation=dilation) if padding == "same" else 0
        return lambda field: arithmetic.receptive_field([(kernel, stride, zeros, dilation)], start=field)

    return tuple(map(move, shape[:2], kernel, strides, dilation))


def _shift(start, step=1):
    """Return how a field changes if every `step`-th position is kept from `start` on (negative: zeros)."""
    return lambda field: ReceptiveField(field.size, field.jump * step, field.offset + start * field.jump)
