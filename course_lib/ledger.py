"""Count what every layer of a Keras model costs: one row a layer, as in the papers' tables.

    ledger(lenet5())                            a table, in a notebook and as text
    balance(lenet5_modern(), lenet5())          where the parameters of two models differ
    python -m course_lib.ledger lenet5_modern   the table on a command line; without a name, all models

Everything is counted for one image, by the rules of `course_lib.costs`:

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
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from course_lib import arithmetic, checks, costs, graph
from course_lib.arithmetic import ReceptiveField
from course_lib.backend import keras
from course_lib.costs import Call, Count, rule

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


def _total(column):
    """Return a property: the sum of a column over the rows."""
    return property(lambda table: sum(getattr(row, column) for row in table.rows))


@dataclass(frozen=True, repr=False)
class Ledger(_Table):
    """The rows of a model, and their totals for the trainable `parameters`, `non_trainable`, `macs`, ..."""

    name: str
    rows: tuple[Row, ...]

    left_columns = 2

    parameters = _total("parameters")
    non_trainable = _total("non_trainable")
    macs = _total("macs")
    connections = _total("connections")
    activations = _total("activations")

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
        headings = [titles.get(count, count) for count in counts]
        lines = [["layer", "kind", "output", *headings, "receptive field"]]
        for row in self.rows:
            numbers = [f"{getattr(row, count):,}" for count in counts]
            lines.append([row.layer, row.kind, _by(row.output_shape), *numbers, _by(row.receptive_field)])
        lines.append(["total", "", "", *(f"{getattr(self, count):,}" for count in counts), ""])
        return lines


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
        others = BalanceRow("all others", equal, equal, 0)
        total = BalanceRow("total", self.ours, self.theirs, self.difference)
        lines = [["layer", *self.names, "difference"]]
        for layer, *both, difference in (*self.rows, others, total):
            numbers = ["-" if number is None else f"{number:,}" for number in both]
            lines.append([layer, *numbers, f"{difference:+,}" if difference else "0"])
        return lines


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
    required = "ledger needs a functional model, since only that has a graph to walk."
    checks.require(graph.is_model(model), required, type(model).__name__)
    is_built = model.built or not isinstance(model, keras.Sequential)
    required = "ledger needs a built model: begin it with keras.Input(shape)."
    checks.require(is_built, required, f"{model.name}, which is not built")
    for tensor in model.inputs:
        required = "ledger needs inputs of a fixed size: the MACs depend on it."
        received = f"{model.name} with an input of shape {tuple(tensor.shape)}"
        checks.require(None not in tensor.shape[1:], required, received)
    walk = _Walk()
    pixel = (ReceptiveField(),)
    values = [_Value(tensor, (pixel, pixel) if len(tensor.shape) == 4 else None) for tensor in model.inputs]
    for value in values:
        walk.add_row(graph.source(value.tensor), Count(), value)
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


# The walk: the graph is run again, on symbolic tensors that carry their receptive fields along.


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
        self._uses = Counter()  # how often each name was used
        self._counted = set()  # ids of the weights that were counted

    def through(self, model, values, prefix=""):
        """Call every layer of the model on these values; return the values that come out."""
        value_of = dict(zip(map(id, model.inputs), values, strict=True))
        for step in graph.steps(model):
            args, kwargs = step.arguments(value_of)
            if graph.is_model(step.operation):
                given = self._given(step.operation, args, kwargs, prefix)
                results = self.through(step.operation, given, f"{prefix}{step.operation.name}/")
            else:
                results = [self._call(step.operation, args, kwargs, prefix)]
            value_of.update(zip(map(id, step.outputs), results, strict=True))
        return [value_of[id(tensor)] for tensor in model.outputs]

    def _given(self, model, args, kwargs, prefix):
        """Return the values that a model inside is called on, in the order of its inputs."""
        values = graph.given_inputs(model, args, kwargs)
        for value, tensor in zip(values, model.inputs, strict=True):
            fits = isinstance(value, _Value) and len(value.tensor.shape) == len(tensor.shape)
            required = "ledger needs a model inside to be called on tensors of the rank it was built for."
            received = f"{prefix}{model.name}, whose input {tensor.name} is {tuple(tensor.shape)}"
            checks.require(fits, required, received)
        return values

    def _call(self, layer, args, kwargs, prefix):
        """Call one layer; add its row and return its value."""
        count_of = costs.rule_for(layer, f"{prefix}{layer.name}")
        leaves = keras.tree.flatten((args, kwargs))
        values = [leaf for leaf in leaves if isinstance(leaf, _Value)]
        constants = [leaf for leaf in leaves if not isinstance(leaf, _Value)]
        args, kwargs = keras.tree.map_structure(
            lambda leaf: leaf.tensor if isinstance(leaf, _Value) else leaf, (args, kwargs)
        )
        tensor = layer.compute_output_spec(*args, **kwargs)
        output = tuple(tensor.shape[1:])
        count = count_of(Call(layer, [value.shape for value in values], constants, output))
        value = _Value(tensor, _fields(values, count.sees, output))
        self.add_row(layer, count, value, prefix)
        return value

    def add_row(self, layer, count, value, prefix=""):
        """Append the row of a call that resulted in `value`."""
        # Keras numbers the operations of the whole process; the row's name depends on this model alone.
        name = prefix + (layer.name if isinstance(layer, keras.Layer) else re.sub(r"_\d+$", "", layer.name))
        self._uses[name] += 1
        uses = self._uses[name]
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
    # The command line may look up from here, the library may not.
    from course_lib import architectures
    from course_lib.architectures import outline

    builders = {
        name: builder
        for name, builder in vars(architectures).items()
        if inspect.isfunction(builder) and _works_without_arguments(builder)
    }
    parser = argparse.ArgumentParser(prog="python -m course_lib.ledger", description=main.__doc__)
    parser.add_argument("name", nargs="?", help="a model; without it, all are listed")
    name = parser.parse_args(arguments).name
    if name in builders:
        print(ledger(outline(builders[name])))
    elif name is not None:
        parser.error(f"name must be one of: {', '.join(builders)}. Received: {name}")
    else:
        print(f"{'model':<28}{'parameters':>14}{'MACs':>18}")
        for name, builder in builders.items():
            table = ledger(outline(builder))
            print(f"{name:<28}{table.parameters:>14,}{table.macs:>18,}", flush=True)


def _works_without_arguments(builder):
    try:
        inspect.signature(builder).bind()
    except TypeError:
        return False
    return True


if __name__ == "__main__":
    main()
