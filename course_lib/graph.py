"""Walk the graph of a functional Keras model: the one place that reads Keras's private fields.

Keras keeps the calls that made a model as nodes: `_keras_history` leads from a tensor to the operation that
made it and to the number of that call, `_inbound_nodes` from an operation to its calls. `model.layers` leaves
out operations that are no layers, and neither it nor `model.operations` tells a shared layer's calls apart.

Nothing is imported: where nobody has imported Keras, there is no model to walk.
"""

import sys
from typing import NamedTuple

__all__ = ["Step", "depth", "given_inputs", "is_model", "source", "steps", "steps_by_depth"]


class Step(NamedTuple):
    """One call of a layer or of an operation that is no layer.

    `inputs` and `outputs` are the symbolic tensors that it reads and writes; `path` has the names of the
    nested models in which it stands, the outermost first.
    """

    operation: object
    inputs: list
    outputs: list
    node: object  # Keras's own record of the call
    path: tuple = ()

    def arguments(self, values):
        """Return `(args, kwargs)` of the call with `values[id(tensor)]` in the place of each tensor."""
        return self.node.arguments.fill_in(values)


def is_model(value):
    """Return whether `value` is of a class of Keras models that have a graph: functional or sequential."""
    keras = sys.modules.get("keras")
    return issubclass(type(value), (getattr(keras, "Function", ()), getattr(keras, "Sequential", ())))


def source(tensor):
    """Return the layer or operation that made a symbolic tensor."""
    return tensor._keras_history.operation


def steps(model, *, nested=False, visit=None, path=()):
    """Yield the calls from the model's inputs to its outputs, without the inputs' own.

    They come branch after branch, each after those whose results it takes; a shared layer comes once a call.

    Args:
        model: functional, or a built `Sequential`.
        nested: whether the calls within a model inside stand in its place, with the tensors of its own graph.
        visit: called without arguments at each tensor that is looked at; what it raises ends the walk.
        path: names of the models around this one.
    """
    done = set(map(id, model.inputs))
    waiting = list(reversed(model.outputs))
    while waiting:
        if visit is not None:
            visit()
        operation, index, _ = waiting[-1]._keras_history
        node = operation._inbound_nodes[index]
        missing = next((tensor for tensor in node.input_tensors if id(tensor) not in done), None)
        if missing is not None:
            waiting.append(missing)
            continue
        tensor = waiting.pop()
        if id(tensor) in done:
            continue
        done.update(map(id, node.outputs))
        if nested and is_model(operation):
            yield from steps(operation, nested=True, visit=visit, path=(*path, operation.name))
        else:
            yield Step(operation, node.input_tensors, node.outputs, node, path)


def depth(model, *, pools=False):
    """Return the number of layers with a kernel on the longest path from an input to an output.

    So the papers count: convolutions and dense layers, without those of a side path such as a shortcut.

    Args:
        model: functional, or a built `Sequential`. A model inside counts as its own longest path.
        pools: whether pooling layers count, too.
    """
    longest = {}
    for step in steps(model):
        before = max((longest.get(id(tensor), 0) for tensor in step.inputs), default=0)
        if is_model(step.operation):
            own = depth(step.operation, pools=pools)
        else:
            is_pool = "Pooling" in type(step.operation).__name__
            own = int(hasattr(step.operation, "kernel") or (pools and is_pool))
        longest.update({id(tensor): before + own for tensor in step.outputs})
    return max(longest.get(id(tensor), 0) for tensor in model.outputs)


def steps_by_depth(model):
    """Return a list of the calls, the inputs' own among them: those farthest from the outputs first.

    Raises:
        ValueError: the model is neither functional nor sequential, or not built.
    """
    layers = getattr(_functional(model), "_nodes_by_depth", None)
    if layers is None:
        raise ValueError(f"model must be a built functional or sequential model. Received: {model!r}")
    nodes = [node for depth in sorted(layers, reverse=True) for node in layers[depth]]
    return [Step(node.operation, node.input_tensors, node.outputs, node) for node in nodes]


def given_inputs(model, args, kwargs):
    """Return what a call of `model` with these arguments gives to each of `model.inputs`, in their order.

    As Keras does it: a dict is matched by the inputs' names, unless the model was built with a dict; then the
    keys must be the same. Any other structure is taken in its order, which a dict has only if its keys are
    sorted.

    Raises:
        ValueError: an input is given nothing, or something is given to no input.
    """
    given = args[0] if args else kwargs["inputs"]
    built_with = _functional(model)._inputs_struct
    names = [tensor.name for tensor in model.inputs]
    has_order = not isinstance(built_with, dict) or list(built_with) == sorted(built_with)
    if not isinstance(given, dict):
        values = sys.modules["keras"].tree.flatten(given)
    elif not isinstance(built_with, dict):
        values = [given.get(name) for name in names]  # other keys go nowhere
    elif given.keys() == built_with.keys():
        values = sys.modules["keras"].tree.flatten(given)
    else:
        values = []
    is_lost = not (isinstance(given, dict) or has_order)
    if is_lost or len(values) != len(names) or any(value is None for value in values):
        received = ", ".join(map(str, given)) if isinstance(given, dict) else f"{len(values)} values"
        raise ValueError(
            f"A model inside must be called with its own inputs, {', '.join(names)}. "
            f"Received: {model.name} with {received}"
        )
    return values


def _functional(model):
    """Return the functional model that a `Sequential` keeps once it is built; any other one itself."""
    return getattr(model, "_functional", None) or model
