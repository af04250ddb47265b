"""Count what every layer of a Keras model costs: one row a layer, as in the papers' tables.

    ledger(lenet5())                            a table, in a notebook and as text
    balance(lenet5_modern(), lenet5())          where the parameters of two models differ
    python -m course_lib.ledger lenet5_modern   the table on a command line; without a name, all models

Everything is counted for one image, by the formulas of `course_lib.arithmetic`:

- Parameters: the layer's weights that training changes. Those that it doesn't (BatchNorm's moving statistics,
  the RBF units' prototypes, frozen layers) have their own column. A shared weight counts at its first use.
- MACs: multiply-adds of convolutions and dense layers, at every call. Subsampling multiplies a sum and an RBF
  unit squares differences: they have none.
- Connections: uses of a weight or bias by an output unit, at every call (LeCun et al. 1998, section II.B).
  Pooling has one for each pixel of its window, subsampling one more for the bias, an RBF unit one an input.
  Normalisation, activations, sums and copies have none.
- Activations: the values that a layer writes, and those of the input. Flatten and Reshape write nothing.
- Receptive field: what one position of the output sees of the input and of the padding around it; the largest
  over all paths. A vector is one position that sees all that its map saw. "-" where it is not defined: in a
  model of vectors, and after positions were rearranged.
"""

import argparse
import html
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from course_lib import arithmetic, layers
from course_lib.arithmetic import ReceptiveField
from course_lib.backend import keras

__all__ = ["Balance", "BalanceRow", "Call", "Count", "Ledger", "Row", "balance", "ledger", "rule"]


class Row(NamedTuple):
    """One call of a layer. The shape is without the batch, the receptive field `(height, width)` or None."""

    layer: str
    kind: str
    output_shape: tuple
    parameters: int
    non_trainable: int
    macs: int
    connections: int
    activations: int
    receptive_field: tuple | None


class BalanceRow(NamedTuple):
    """A layer whose trainable parameters differ; None where a model has no such layer."""

    layer: str
    ours: int | None
    theirs: int | None
    difference: int


class _Table:
    """A table as text and as HTML: the first line of `_cells` is the header, the last one the totals."""

    left_columns = 1  # the others stand to the right

    def _cells(self):
        raise NotImplementedError

    def __repr__(self):
        lines = self._cells()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        header, *body, totals = (
            "  ".join(
                cell.ljust(width) if column < self.left_columns else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        bar = "-" * (sum(widths) + 2 * len(widths) - 2)
        return "\n".join((header, bar, *body, bar, totals))

    def _repr_html_(self):
        # Colours are the page's own, light or dark. GitHub drops styles and JupyterLab overrules `align`.
        def line(tag, cells):
            sides = ("left" if column < self.left_columns else "right" for column in range(len(cells)))
            return "".join(
                f'<{tag} align="{side}" style="text-align: {side}">{html.escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )

        header, *body, totals = self._cells()
        lines = "\n".join(f"<tr>{line('td', cells)}</tr>" for cells in body)
        return (
            f"<table>\n<thead>\n<tr>{line('th', header)}</tr>\n</thead>\n<tbody>\n{lines}\n</tbody>\n"
            f"<tfoot>\n<tr>{line('th', totals)}</tr>\n</tfoot>\n</table>"
        )


@dataclass(frozen=True, repr=False)
class Ledger(_Table):
    """The rows of a model, and their totals for the trainable `parameters`, `non_trainable`, `macs`, ..."""

    name: str
    rows: tuple[Row, ...]

    left_columns = 2

    @property
    def parameters(self):
        return sum(row.parameters for row in self.rows)

    @property
    def non_trainable(self):
        return sum(row.non_trainable for row in self.rows)

    @property
    def macs(self):
        return sum(row.macs for row in self.rows)

    @property
    def connections(self):
        return sum(row.connections for row in self.rows)

    @property
    def activations(self):
        return sum(row.activations for row in self.rows)

    def __getitem__(self, layer):
        """Return the row of that name; a KeyError lists the names."""
        rows = {row.layer: row for row in self.rows}
        if layer not in rows:
            raise KeyError(f"layer must be one of: {', '.join(rows)}. Received: {layer}")
        return rows[layer]

    def _cells(self):
        counts = ["parameters", "non_trainable", "macs", "connections", "activations"]
        if not self.non_trainable:
            counts.remove("non_trainable")
        titles = {"non_trainable": "non-trainable", "macs": "MACs"}
        return [
            ["layer", "kind", "output", *(titles.get(count, count) for count in counts), "receptive field"],
            *(
                [row.layer, row.kind, _by(row.output_shape)]
                + [f"{getattr(row, count):,}" for count in counts]
                + [_by(row.receptive_field)]
                for row in self.rows
            ),
            ["total", "", "", *(f"{getattr(self, count):,}" for count in counts), ""],
        ]


@dataclass(frozen=True, repr=False)
class Balance(_Table):
    """The layers in which two models' trainable parameters differ, and the models' totals."""

    names: tuple[str, str]
    rows: tuple[BalanceRow, ...]
    ours: int
    theirs: int

    @property
    def difference(self):
        return self.ours - self.theirs

    def _cells(self):
        equal = self.ours - sum(row.ours or 0 for row in self.rows)
        lines = [*self.rows, BalanceRow("all others", equal, equal, 0)]
        lines.append(BalanceRow("total", self.ours, self.theirs, self.difference))
        return [
            ["layer", *self.names, "difference"],
            *(
                [
                    layer,
                    *("-" if n is None else f"{n:,}" for n in both),
                    f"{difference:+,}" if difference else "0",
                ]
                for layer, *both, difference in lines
            ),
        ]


def _by(sizes):
    """Write (28, 28, 6) as 28x28x6."""
    return "-" if sizes is None else "x".join(map(str, sizes))


def ledger(model):
    """Return the `Ledger` of a functional model, with its branches, nested models and shared layers.

    Rows stand branch after branch. A layer of a nested model is named `model/layer`, the second call
    of a shared one `layer (2)`. An operation that is no layer (a sum, a slice) is named by its kind.

    Args:
        model: functional, or a built `Sequential`, with inputs of a fixed size.

    Raises:
        ValueError: the model is not functional, not built or not of a fixed size, or there is no `rule` for
            one of its layers.
    """
    if not isinstance(model, (keras.Function, keras.Sequential)):
        raise ValueError(
            "ledger needs a functional model, since only that has a graph to walk. "
            f"Received: {type(model).__name__}"
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            "ledger needs a built model: begin it with keras.Input(shape). "
            f"Received: {model.name}, which is not built"
        )
    for x in model.inputs:
        if None in x.shape[1:]:
            raise ValueError(
                "ledger needs inputs of a fixed size: the MACs depend on it. "
                f"Received: {model.name} with an input of shape {tuple(x.shape)}"
            )
    walk = _Walk()
    values = [_Value(x, ((ReceptiveField(),),) * 2 if len(x.shape) == 4 else None) for x in model.inputs]
    for value in values:
        walk.add_row(value.tensor._keras_history.operation, Count(), value)
    walk.through(model, values)
    return Ledger(model.name, tuple(walk.rows))


def balance(ours, theirs):
    """Return the `Balance` of two models (or ledgers): where their trainable parameters differ.

    Layers are matched by name. One that a model does not have counts as 0 there.
    """
    ours, theirs = (side if isinstance(side, Ledger) else ledger(side) for side in (ours, theirs))
    left, right = ({row.layer: row.parameters for row in side.rows} for side in (ours, theirs))
    rows = (
        BalanceRow(layer, left.get(layer), right.get(layer), left.get(layer, 0) - right.get(layer, 0))
        for layer in left | right
    )
    names = ("ours", "theirs") if ours.name == theirs.name else (ours.name, theirs.name)
    return Balance(names, tuple(row for row in rows if row.difference), ours.parameters, theirs.parameters)


# The rules: what a call costs. Only the exact class counts, since a subclass may compute something else.


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


_RULES = {}


def rule(*kinds):
    """Decorate a function from `Call` to `Count` as the rule for these classes of layers.

    An operation of Keras that is no layer is named by a string: "Add", "GetItem".
    """

    def register(function):
        _RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


@rule(keras.layers.Conv2D)
def _conv2d(call):
    layer = call.layer
    sizes = call.output[:2], layer.kernel_size, call.shape[-1], layer.filters
    return Count(
        arithmetic.conv2d_macs(*sizes, groups=layer.groups),
        arithmetic.conv2d_connections(*sizes, groups=layer.groups, bias=layer.use_bias),
        _windows(call.shape, layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate),
    )


@rule(keras.layers.DepthwiseConv2D)
def _depthwise_conv2d(call):
    layer, channels = call.layer, call.shape[-1]
    sizes = call.output[:2], layer.kernel_size, channels, channels * layer.depth_multiplier
    return Count(
        arithmetic.conv2d_macs(*sizes, groups=channels),
        arithmetic.conv2d_connections(*sizes, groups=channels, bias=layer.use_bias),
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
    *positions, inputs = call.shape
    return Count(
        math.prod(positions) * arithmetic.dense_macs(inputs, call.layer.units),
        math.prod(positions)
        * arithmetic.dense_connections(inputs, call.layer.units, bias=call.layer.use_bias),
    )


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
    keras.layers.Average,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.ELU,
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
    *("Relu", "Sigmoid", "Tanh"),
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
    if len(width) != len(call.output) + 1:
        raise ValueError(
            f"ledger needs a pad_width for each dimension. Received: {call.layer.name} with pad_width={width}"
        )
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


# The walk: the graph is run again, on symbolic tensors that carry their receptive fields along.


def _nodes(model):
    """Yield the calls in a model: branch after branch, each call after those whose results it takes.

    (`model.layers` leaves out operations that are no layers; `model.operations` mixes the branches.)
    """
    done = set(map(id, model.inputs))
    waiting = list(reversed(model.outputs))
    while waiting:
        operation, index, _ = waiting[-1]._keras_history
        node = operation._inbound_nodes[index]
        missing = next((x for x in node.input_tensors if id(x) not in done), None)
        if missing is not None:
            waiting.append(missing)
        elif id(waiting.pop()) not in done:
            done.update(map(id, node.outputs))
            yield node


@dataclass(frozen=True)
class _Value:
    """A symbolic tensor, and for height and width the fields of its first position (None: not defined).

    There is one field for each jump among the paths; 0 is the jump of a path that joined all positions.
    """

    tensor: keras.KerasTensor
    fields: tuple | None

    @property
    def shape(self):
        return tuple(self.tensor.shape[1:])


class _Walk:
    def __init__(self):
        self.rows = []
        self._uses = {}  # how often each name was used
        self._counted = set()  # ids of the weights that were counted

    def through(self, model, values, prefix=""):
        """Call every layer of the model on these values; return the values that come out."""
        found = dict(zip(map(id, model.inputs), values, strict=True))
        for node in _nodes(model):
            args, kwargs = node.arguments.fill_in(found)
            results = keras.tree.flatten(self._call(node.operation, args, kwargs, prefix))
            found.update(zip(map(id, node.outputs), results, strict=True))
        return [found[id(x)] for x in model.outputs]

    def _call(self, layer, args, kwargs, prefix):
        leaves = keras.tree.flatten((args, kwargs))
        values = [leaf for leaf in leaves if isinstance(leaf, _Value)]
        if isinstance(layer, (keras.Function, keras.Sequential)):
            return self.through(layer, values, f"{prefix}{layer.name}/")
        kind = type(layer) if isinstance(layer, keras.Layer) else type(layer).__name__
        if kind not in _RULES:
            known = sorted({kind if isinstance(kind, str) else kind.__name__ for kind in _RULES})
            raise ValueError(
                f"ledger needs a rule for {type(layer).__name__} and does not guess; course_lib.ledger.rule "
                f"adds one. It has rules for {', '.join(known)}. Received: {prefix}{layer.name}"
            )
        if getattr(layer, "data_format", None) == "channels_first":
            raise ValueError(
                f"ledger needs channels_last. Received: {prefix}{layer.name} with channels_first"
            )
        args, kwargs = keras.tree.map_structure(
            lambda leaf: leaf.tensor if isinstance(leaf, _Value) else leaf, (args, kwargs)
        )
        tensor = layer.compute_output_spec(*args, **kwargs)
        constants = [leaf for leaf in leaves if not isinstance(leaf, _Value)]
        count = _RULES[kind](
            Call(layer, [value.shape for value in values], constants, tuple(tensor.shape[1:]))
        )
        value = _Value(tensor, _fields(values, count.sees, tensor.shape[1:]))
        self.add_row(layer, count, value, prefix)
        return value

    def add_row(self, layer, count, value, prefix=""):
        """Append the row of a call that resulted in `value`."""
        # Keras numbers the operations of the whole process; the row's name depends on this model alone.
        name = prefix + (layer.name if isinstance(layer, keras.Layer) else re.sub(r"_\d+$", "", layer.name))
        uses = self._uses[name] = self._uses.get(name, 0) + 1
        self.rows.append(
            Row(
                layer=name if uses == 1 else f"{name} ({uses})",
                kind=type(layer).__name__,
                output_shape=value.shape,
                parameters=self._count_once(getattr(layer, "trainable_weights", ())),
                non_trainable=self._count_once(getattr(layer, "non_trainable_weights", ())),
                macs=count.macs,
                connections=count.connections,
                activations=arithmetic.activations(value.shape) if count.writes else 0,
                receptive_field=value.fields and tuple(max(paths).size for paths in value.fields),
            )
        )

    def _count_once(self, weights):
        new = {id(weight): math.prod(weight.shape) for weight in weights if id(weight) not in self._counted}
        self._counted.update(new)
        return sum(new.values())


def _fields(values, sees, output_shape):
    """Return the fields of a call's output."""
    if sees is None or any(value.fields is None for value in values):
        return None
    both = []
    for axis in range(2):
        fields = []
        for value in values:
            positions = value.shape[axis] if len(value.shape) > 1 else 1
            # Positions end in a vector, in what sees the whole map, and where a single one is broadcast.
            is_joined = sees == "map" or len(output_shape) == 1
            if is_joined or (sees == "position" and positions < output_shape[axis]):
                fields += [_joined(field, positions) for field in value.fields[axis]]
            else:
                fields += value.fields[axis]
        both.append(_merged(map(sees[axis], fields) if isinstance(sees, tuple) else fields))
    return tuple(both)


def _joined(field, positions):
    """Return the field of all positions together."""
    return ReceptiveField(field.size + (positions - 1) * field.jump, 0, field.offset)


def _merged(fields):
    """Return one field for each jump: the smallest that holds all fields of that jump."""
    merged = {}
    for field in fields:
        other = merged.get(field.jump, field)
        first = min(field.offset, other.offset)
        end = max(field.offset + field.size, other.offset + other.size)
        merged[field.jump] = ReceptiveField(end - first, field.jump, first)
    return tuple(merged.values())


def main(arguments=None):
    """Print the ledger of a model that `course_lib.architectures` exports, or list the models."""
    from course_lib import architectures  # the command line may look up from here, the library may not

    builders = {
        name: builder
        for name, builder in vars(architectures).items()
        if inspect.isfunction(builder) and _works_without_arguments(builder)
    }
    parser = argparse.ArgumentParser(prog="python -m course_lib.ledger", description=main.__doc__)
    parser.add_argument("name", nargs="?", help="a model; without it, all are listed")
    name = parser.parse_args(arguments).name
    if name in builders:
        print(ledger(builders[name]()))
    elif name is not None:
        parser.error(f"name must be one of: {', '.join(builders)}. Received: {name}")
    else:
        print(f"{'model':<28}{'parameters':>14}{'MACs':>18}")
        for name, builder in builders.items():
            found = ledger(builder())
            print(f"{name:<28}{found.parameters:>14,}{found.macs:>18,}", flush=True)


def _works_without_arguments(builder):
    try:
        inspect.signature(builder).bind()
    except TypeError:
        return False
    return True


if __name__ == "__main__":
    main()
