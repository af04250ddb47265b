"""Whether a batch's loss and metrics are what the replicas make of them, which have a part of it each.

Keras divides a mean by the number of replicas, sums their gradients and the variables of their metrics, and
averages the losses that it shows. That is right for a loss of one value an example, and for metrics that
count; a loss that is a scalar already, or is divided by the weights of the examples, would train otherwise in
silence. So both ways are tried on a batch, whatever the loss is made of.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from course_lib.backend import keras
from course_lib.checks import require

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

__all__ = ["require_sums"]

ROWS = 32  # examples of a replica that are tried, or all that it has
LOSS = (
    "Several replicas need a loss that returns one value an example, of which Keras makes the mean: not a "
    'scalar, not one that compares examples, no reduction "none" or "mean_with_sample_weight", no mask, no '
    '`add_loss` of a sum; no "sum" if the test batches are not all of one size that the replicas divide.'
)
METRIC = "Several replicas need metrics that count over the examples, or are a mean over them."


def require_sums(model, batch, test_sizes=None):
    """Raise ValueError if a model's replicas would make another loss or metric of a batch than one alone.

    A model with a `train_step` of its own is left to it.

    Args:
        model: compiled and built, loss and metrics included, for the replicas of a TensorFlow strategy.
        batch: as the pipeline gives it, with an example or more for each replica.
        test_sizes: of the test batches, as `batches.test_batches` says; None without test data.
    """
    if type(model).train_step is not keras.Model.train_step:
        return
    _require(model, batch, ragged=False, metrics=True)
    if test_sizes in ("new", "ragged"):  # only a mean is the same for batches of any size
        _require(model, batch, ragged=True, metrics=test_sizes == "ragged")


def _require(model, batch, *, ragged, metrics):
    place = model.distribute_strategy
    count = place.num_replicas_in_sync
    model.reset_metrics()
    begun = [keras.ops.convert_to_numpy(variable) for variable in model.metrics_variables]
    parts = _parts(batch, count, ragged)
    with place.scope():  # where Keras's losses know that there are several
        several = [_Outcome(model, begun, *part) for part in parts]
    x, y, weights = (_joined(values) for values in zip(*parts, strict=True))
    outputs = None if any(part.adds for part in several) else _joined([part.outputs for part in several])
    one = _elsewhere(lambda: _Outcome(model, begun, x, y, weights, outputs))
    dtypes = {keras.backend.standardize_dtype(t.dtype) for t in keras.tree.flatten(several[0].outputs)}
    tolerance = 1e-2 if dtypes & {"bfloat16", "float16"} else 1e-3  # these round to 8 or 11 bits
    sizes = [part.size for part in several]
    shown = np.average([count * part.shown for part in several], weights=sizes)
    losses = [(one.shown, shown)]
    if not ragged:  # nothing learns from test batches
        losses.append((one.minimised, sum(part.minimised for part in several)))
    for alone, together in losses:
        received = f"loss={model.loss!r}, {alone:.6g} on one replica and {together:.6g} on {count}"
        require(_equal(alone, together, tolerance), LOSS, received)
    if not metrics:
        return
    ours = _results(model, one.variables)
    theirs = _results(model, [sum(values) for values in zip(*(p.variables for p in several), strict=True)])
    for name, alone in ours.items():
        received = f"{name}, {alone} on one replica and {theirs[name]} on {count}"
        require(_equal(alone, theirs[name], tolerance), METRIC, received)


class _Outcome:
    """What Keras makes of some examples: loss, and the variables of metrics. The model stays as it is."""

    def __init__(self, model, begun, x, y, weights, outputs=None):
        with keras.StatelessScope(state_mapping=_state(model, begun), collect_losses=True) as scope:
            self.outputs = model(x) if outputs is None else outputs
            self.adds = bool(scope.losses)  # by `add_loss`
            loss = model.compute_loss(x=x, y=y, y_pred=self.outputs, sample_weight=weights)
            model.compute_metrics(x, y, self.outputs, sample_weight=weights)
            values = [scope.get_current_value(variable) for variable in model.metrics_variables]
        self.size = keras.tree.flatten(x)[0].shape[0]
        self.minimised = float(keras.ops.sum(loss))
        self.shown = float(keras.ops.mean(loss))
        self.variables = [keras.ops.convert_to_numpy(value) for value in values]


def _results(model, variables):
    """Return name -> number or array of the metrics of these variables."""
    with keras.StatelessScope(state_mapping=_state(model, variables)):
        return {name: np.asarray(value) for name, value in model.get_metrics_result().items()}


def _state(model, metrics):
    """Return (variable, value) of the metrics, as given, and of the weights, which regularizers look up."""
    values = [*metrics, *model.trainable_variables]
    variables = [*model.metrics_variables, *model.trainable_variables]
    return [(v, keras.ops.convert_to_tensor(value)) for v, value in zip(variables, values, strict=True)]


def _parts(batch, count, ragged):
    """Return (x, y, weights) of each replica, eager tensors; None for what is not there."""
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    if weights is not None:  # those of this batch may be equal by chance
        batch = x, y, keras.tree.map_structure(_spread, weights)
    size = min(keras.tree.flatten(batch)[0].shape[0] // count, ROWS)
    examples = size * (count - 1) + 1 if ragged else size * count
    rows = tf.data.Dataset.from_tensors(batch).unbatch().take(examples).batch(size)
    return [keras.utils.unpack_x_y_sample_weight(part) for part in rows]


def _spread(weights):
    """Return weights of examples that differ."""
    weights = tf.convert_to_tensor(weights)
    factors = np.linspace(1, 2, weights.shape[0]).reshape(-1, *[1] * (len(weights.shape) - 1))
    return tf.cast(factors, weights.dtype) * weights


def _joined(values):
    """Return nested tensors, one after the other along the first axis, with their masks."""
    return keras.tree.map_structure(_concatenated, *values)


def _concatenated(*tensors):
    if tensors[0] is None:
        return None
    whole = tf.concat(tensors, axis=0)
    if getattr(tensors[0], "_keras_mask", None) is not None:
        whole._keras_mask = tf.concat([tensor._keras_mask for tensor in tensors], axis=0)
    return whole


def _elsewhere(function):
    """Return what a function returns outside of any strategy's scope: in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()


def _equal(one, several, tolerance):
    return np.allclose(one, several, rtol=tolerance, atol=1e-7, equal_nan=True)
