"""Every loss and metric that Keras exports, on one replica and on two: alike, or refused in words."""

import inspect
from types import MappingProxyType

import numpy as np
import pytest
from small import TWO

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

NEEDED = {  # by a constructor
    "fn": keras.losses.mean_absolute_error,
    "num_classes": 3,
    "target_class_ids": [1],
    "precision": 0.5,
    "recall": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "q": 0.5,
}
NOT_OF_LABELS = {"Mean", "Sum"}  # Keras's own `fit` fails with them: they take values, not labels
REFUSED = {"Circle", "Dice", "Tversky", "circle", "dice", "tversky"}  # scalars, or they compare examples
WORDS = r"Several replicas need a loss that returns one value an example.*Received: loss="


def exported(module, base):
    """Return name -> loss or metric, ready for `compile`, of all that a module of Keras exports once."""
    things = {}
    for name, thing in vars(module).items():
        is_class = inspect.isclass(thing) and issubclass(thing, base) and thing is not base
        is_function = inspect.isfunction(thing) and "y_true" in inspect.signature(thing).parameters
        if (is_class or is_function) and thing not in things.values() and name not in NOT_OF_LABELS:
            things[name] = thing
    return things


def made(name, thing):
    parameters = inspect.signature(thing).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD}
    given = {key: NEEDED[key] for key in needed - {"y_true", "y_pred"}}
    if inspect.isclass(thing):
        return thing(**given, name=name)

    def function(y_true, y_pred):
        return thing(y_true, y_pred, **given)

    function.__name__ = f"{name}_function"
    return function


LOSSES = exported(keras.losses, keras.losses.Loss)
METRICS = exported(keras.metrics, keras.metrics.Metric)
RNG = np.random.default_rng(0)
LABELS = np.arange(16) % 3
TARGETS = {
    "numbers": RNG.uniform(0.1, 0.9, size=(16, 3)).astype("float32"),
    "one-hot": np.eye(3, dtype="float32")[LABELS],
    "labels": LABELS,
    "sequences": RNG.integers(1, 3, (16, 2)),
}
LOSS = {"numbers": "mse", "one-hot": "categorical_crossentropy", "labels": "sparse_categorical_crossentropy"}
X = RNG.uniform(size=(16, 2)).astype("float32")


def kind(name):
    """Return what labels a loss or metric of this name takes."""
    name = name.lower()
    if "ctc" in name:
        return "sequences"
    if any(word in name for word in ("sparse", "generalized", "circle")):
        return "labels"
    return "one-hot" if any(word in name for word in ("categorical", "f1", "fbeta")) else "numbers"


def trained(devices, heads, metrics=MappingProxyType({})):
    """Return name -> values: the history, and the weights of a head each for these losses.

    Args:
        devices: the replicas.
        heads: name -> (kind, loss).
        metrics: name of a head -> the names of its metrics.
    """
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        inputs = keras.Input((2,))
        outputs = {}
        for name, (what, _) in heads.items():
            units, activation = (12, None) if what == "sequences" else (3, "softmax")
            activation = "sigmoid" if what == "numbers" else activation
            outputs[name] = keras.layers.Dense(units, activation, name=f"dense_{name}")(inputs)
            if what == "sequences":
                outputs[name] = keras.layers.Reshape((4, 3))(outputs[name])
        model = keras.Model(inputs, outputs)
        losses = {name: loss for name, (_, loss) in heads.items()}
        of_heads = {head: [made(name, METRICS[name]) for name in names] for head, names in metrics.items()}
        model.compile(
            keras.optimizers.SGD(0.1), losses, metrics=of_heads, run_eagerly=True
        )  # no time to trace
    y = {name: TARGETS[what] for name, (what, _) in heads.items()}
    data = tf.data.Dataset.from_tensor_slices((X, y)).batch(8, drop_remainder=True)
    history = training.fit(model, (data, data), epochs=1, verbose=False).history
    values = {layer.name: np.ravel(layer.kernel) for layer in model.layers if "dense" in layer.name}
    return {**{name: np.ravel(value) for name, value in history.items()}, **values}


@pytest.fixture(scope="module")
def with_losses():
    """Return what a model with a head for each loss that is not refused learns on one replica and on two."""
    heads = {name: (kind(name), made(name, thing)) for name, thing in LOSSES.items() if name not in REFUSED}
    return [trained(devices, heads) for devices in (None, TWO)]


@pytest.fixture(scope="module")
def with_metrics():
    """Return what models with all metrics of a kind of labels measure on one replica and on two."""
    values = {}, {}
    for what, loss in LOSS.items():
        metrics = [name for name in METRICS if kind(name) == what]
        for found, devices in zip(values, (None, TWO), strict=True):
            found.update(trained(devices, {what: (what, loss)}, {what: metrics}))
    return values


def same(one, two):
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    assert np.isfinite(one).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_trains_two_replicas_as_one_or_is_refused_in_words(name, request):
    if name in REFUSED:
        with pytest.raises(ValueError, match=WORDS):
            trained(TWO, {name: (kind(name), made(name, LOSSES[name]))})
        return
    one, two = request.getfixturevalue("with_losses")
    for key in (f"{name}_loss", f"val_{name}_loss", f"dense_{name}"):
        same(one[key], two[key])


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_measures_on_two_replicas_as_on_one(name, with_metrics):
    one, two = with_metrics
    shown = name if inspect.isclass(METRICS[name]) else f"{name}_function"
    for key in (shown, f"val_{shown}"):
        same(one[key], two[key])
