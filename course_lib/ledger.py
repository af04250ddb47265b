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
  model of vectors, and after positions were rearranged or stretched.

Dropout and layers that change images at random count as they are outside of training. What depends on a size
that the model leaves open is "?", in a row None.
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
    """One call of a layer. The shape is without the batch, the receptive field `(height, width)` or None.

    None stands for a size that is not known, and for each number that depends on one. Each of several outputs
    has a row; the costs stand in the first.
    """

    layer: str
    kind: str
    output_shape: tuple
    parameters: int
    non_trainable: int
    macs: int | None
    connections: int | None
    activations: int | None
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
    """Return a property: the sum of a column over the rows, None if one of them is."""

    def total(table):
        numbers = [getattr(row, column) for row in table.rows]
        return None if None in numbers else sum(numbers)

    return property(total)


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
            numbers = [_number(getattr(row, count)) for count in counts]
            lines.append([row.layer, row.kind, _by(row.output_shape), *numbers, _by(row.receptive_field)])
        lines.append(["total", "", "", *(_number(getattr(self, count)) for count in counts), ""])
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


def _number(count):
    return "?" if count is None else f"{count:,}"


def _by(sizes):
    """Write (28, 28, 6) as 28x28x6, an unknown size as ?, a single value as 1."""
    return "-" if sizes is None else "x".join("?" if size is None else str(size) for size in sizes or (1,))


def ledger(model):
    """Return the `Ledger` of a functional model, with its branches, nested models and shared layers.

    Rows stand branch after branch. A layer of a nested model is named `model/layer`, the second call
    of a shared one `layer (2)`. An operation that is no layer (a sum, a slice) is named by its kind.

    Args:
        model: functional, or a built `Sequential`.

    Raises:
        ValueError: the model is not functional or not built, or there is no `rule` for one of its layers.
    """
    required = "ledger needs a functional model, since only that has a graph to walk."
    checks.require(graph.is_model(model), required, type(model).__name__)
    is_built = model.built or not isinstance(model, keras.Sequential)
    required = "ledger needs a built model: begin it with keras.Input(shape)."
    checks.require(is_built, required, f"{model.name}, which is not built")
    walk = _Walk(model)
    values = []
    for tensor in model.inputs:
        dimensions = len(tensor.shape) - 2  # without batch and channels
        values.append(_Value(tensor, ((ReceptiveField(),),) * dimensions if dimensions > 0 else None))
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
    """A symbolic tensor, and the fields of its first position along the input's dimensions, which come first.

    Along each there is one field for each jump among the paths; 0 is the jump of a path that joined all
    positions. There is none if it depends on an unknown size. `fields` is None where they are not defined.
    """

    tensor: keras.KerasTensor
    fields: tuple | None

    @property
    def shape(self):
        return tuple(self.tensor.shape[1:])


class _Walk:
    def __init__(self, model):
        self.rows = []
        self._trained = set(map(id, model.trainable_weights))
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
                results = self._call(step, args, kwargs, prefix)
            value_of.update(zip(map(id, step.outputs), results, strict=True))
        return [value_of[id(tensor)] for tensor in model.outputs]

    def _given(self, model, args, kwargs, prefix):
        """Return the values that a model inside is called on, in the order of its inputs."""
        values = graph.given_inputs(model, args, kwargs)
        for value, tensor in zip(values, model.inputs, strict=True):
            fits = isinstance(value, _Value) and _fits(value.tensor.shape, tensor.shape)
            required = "ledger needs a model inside to be called on tensors of the shape it was built for."
            received = f"{prefix}{model.name}, whose input {tensor.name} is {tuple(tensor.shape)}"
            checks.require(fits, required, received)
        return values

    def _call(self, step, args, kwargs, prefix):
        """Call one layer; add its rows and return its values."""
        layer = step.operation
        count_of = costs.rule_for(layer, f"{prefix}{layer.name}")
        leaves = keras.tree.flatten((args, kwargs))
        values = [leaf for leaf in leaves if isinstance(leaf, _Value)]
        constants = [leaf for leaf in leaves if not isinstance(leaf, _Value)]
        tensors = step.outputs
        if [value.tensor.shape for value in values] != [tensor.shape for tensor in step.inputs]:
            args, kwargs = keras.tree.map_structure(
                lambda leaf: leaf.tensor if isinstance(leaf, _Value) else leaf, (args, kwargs)
            )
            tensors = keras.tree.flatten(layer.compute_output_spec(*args, **kwargs))
        for tensor in tensors:
            required = "ledger counts for one image, so a layer must keep the batch."
            received = f"{prefix}{layer.name}, from {values[0].tensor.shape} to {tensor.shape}"
            checks.require(tensor.shape[:1] == values[0].tensor.shape[:1], required, received)
        count = count_of(
            Call(layer, [value.shape for value in values], constants, tuple(tensors[0].shape[1:]))
        )
        results = []
        for tensor in tensors:
            value = _Value(tensor, _fields(values, count.sees, tuple(tensor.shape[1:])))
            self.add_row(layer, count, value, prefix)
            results.append(value)
            count = Count(writes=count.writes)
        return results

    def add_row(self, layer, count, value, prefix=""):
        """Append the row of a call that resulted in `value`."""
        # Keras numbers the operations of the whole process; the row's name depends on this model alone.
        name = prefix + (layer.name if isinstance(layer, keras.Layer) else re.sub(r"_\d+$", "", layer.name))
        self._uses[name] += 1
        uses = self._uses[name]
        parameters, non_trainable = self._count_once(getattr(layer, "weights", ()))
        activations = None if None in value.shape else arithmetic.activations(value.shape)
        fields = value.fields
        self.rows.append(
            Row(
                layer=name if uses == 1 else f"{name} ({uses})",
                kind=type(layer).__name__,
                output_shape=value.shape,
                parameters=parameters,
                non_trainable=non_trainable,
                macs=count.macs,
                connections=count.connections,
                activations=activations if count.writes else 0,
                receptive_field=fields and tuple(max(paths).size if paths else None for paths in fields),
            )
        )

    def _count_once(self, weights):
        """Return how many values the weights have that are trained, and that aren't; each counts once."""
        new = {id(weight): math.prod(weight.shape) for weight in weights if id(weight) not in self._counted}
        self._counted.update(new)
        trained = sum(size for key, size in new.items() if key in self._trained)
        return trained, sum(new.values()) - trained


def _fits(shape, built_for):
    """Return whether a shape is one that an input was built for: None leaves a size open."""
    sizes = zip(shape, built_for, strict=False)
    return len(shape) == len(built_for) and all(None in pair or pair[0] == pair[1] for pair in sizes)


def _fields(values, sees, output):
    """Return the fields of an output of this shape."""
    if any(value.fields is None for value in values) or len({len(value.fields) for value in values}) > 1:
        return None
    first = values[0].fields
    if len(values) == 1 and not any(field.jump for paths in first for field in paths):
        return first  # what saw everything keeps it, wherever it goes
    dimensions = len(first)
    ways = (sees,) * dimensions if isinstance(sees, str) else sees or ()
    is_open = any(callable(way) for way in ways[dimensions:])  # windows over what are channels to the input
    is_lost = 1 < len(output) <= dimensions
    if sees is None or is_open or is_lost or None in ways[:dimensions]:
        return None
    ways += ("position",) * (dimensions - len(ways))
    return tuple(_along(axis, values, way, output) for axis, way in enumerate(ways[:dimensions]))


def _along(axis, values, way, output):
    """Return the fields of an output along one dimension; none if they depend on an unknown size."""
    merged = []
    for value in values:
        fields = value.fields[axis]
        positions = value.shape[axis] if axis < len(value.shape) - 1 else 1
        # Positions end in a vector, in what sees the whole map, and where a single one is broadcast.
        is_joined = way == "map" or len(output) <= 1 or (way == "position" and positions == 1 != output[axis])
        may_be_joined = way == "position" and positions is None and output[axis] is not None
        if positions is None and (is_joined or may_be_joined) and any(field.jump for field in fields):
            return ()
        if is_joined:
            fields = [_joined(field, positions or 1) for field in fields]
        elif callable(way):
            fields = [way(field) for field in fields]
        if not fields or None in fields:
            return ()
        merged += fields
    return _merged(merged)


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
