"""Every loss and metric of Keras, on one replica and on several: alike, or refused in words."""

import functools
import inspect

import numpy as np
import pytest
from small import TWO

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

NEEDED = {  # what a constructor cannot do without
    "fn": keras.losses.mean_absolute_error,
    "num_classes": 3,
    "target_class_ids": [1],
    "precision": 0.5,
    "recall": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
}
NO_MORE_THAN_A_BASE = ("Loss", "Metric")


def exported(module, base):
    """Return name -> class or function that Keras exports, without its helpers and other names of the same."""
    things = {}
    for name, thing in vars(module).items():
        is_class = inspect.isclass(thing) and issubclass(thing, base) and thing is not base
        is_function = inspect.isfunction(thing) and "y_true" in inspect.signature(thing).parameters
        if (is_class or is_function) and thing not in things.values():
            things[name] = thing
    return things


LOSSES = exported(keras.losses, keras.losses.Loss)
METRICS = exported(keras.metrics, keras.metrics.Metric)


def made(thing):
    """Return an instance of a class, a function as it is."""
    if inspect.isfunction(thing):
        return thing
    parameters = inspect.signature(thing).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD]
    return thing(**{name: NEEDED[name] for name in needed})


def kind(name):
    name = name.lower()
    if "ctc" in name:
        return "sequences"
    if "sparse" in name or "circle" in name:
        return "labels"
    return "one-hot" if "categorical" in name or "f1" in name or "fbeta" in name else "numbers"


@functools.cache
def data(kind):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(16, 2)).astype("float32")
    labels = np.arange(16) % 3
    y = {
        "numbers": rng.uniform(0.1, 0.9, size=(16, 3)).astype("float32"),
        "one-hot": np.eye(3, dtype="float32")[labels],
        "labels": labels,
        "sequences": rng.integers(1, 3, (16, 2)),
    }[kind]
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(8, drop_remainder=True)


def trained(devices, kind, loss, metrics=(), eager=True):
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        layers = [keras.Input((2,)), keras.layers.Dense(3, "sigmoid" if kind == "numbers" else "softmax")]
        if kind == "sequences":
            layers[1:] = [keras.layers.Dense(12), keras.layers.Reshape((4, 3))]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.SGD(0.1), loss, metrics=list(metrics), run_eagerly=eager)
    history = training.fit(model, (data(kind), data(kind)), epochs=1, verbose=False).history
    return [*history.values(), *model.get_weights()]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains_alike(name):
    k = kind(name)
    one = trained(None, k, made(LOSSES[name]))
    two = trained(TWO, k, made(LOSSES[name]))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric(name):
    k = kind(name)
    loss = {"numbers": "mse", "one-hot": "categorical_crossentropy", "labels": "sparse_categorical_crossentropy", "sequences": "ctc"}[k]
    one = trained(None, k, loss, [made(METRICS[name])])
    two = trained(TWO, k, loss, [made(METRICS[name])])
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
