"""Train a network that names classes, as the chapters do in their small experiments."""

import os

from course_lib.backend import keras
from course_lib.checks import require, whole
from course_lib.layers import EuclideanRBF, MAPLoss, NearestAccuracy
from course_lib.training import batches, replicas
from course_lib.training.fitting import fit

__all__ = ["profile", "train"]


def profile():
    """Return the value of COURSE_PROFILE: "quick" (minutes on two CPU cores) or "full" (the paper's recipe).

    Raises:
        ValueError: if COURSE_PROFILE is something else.
    """
    name = os.environ.get("COURSE_PROFILE", "quick")
    is_known = name in ("quick", "full")
    require(is_known, "COURSE_PROFILE must be quick or full.", f"COURSE_PROFILE={name}")
    return name


def train(model, data, *, epochs, rate=1e-3, momentum=None, metrics=(), loss_weights=None, **options):
    """Compile a model for whole-number labels, train it, and return the history of `fit`.

    Probabilities get cross-entropy and accuracy, the distances of `EuclideanRBF` get `MAPLoss` and
    `NearestAccuracy`. A model that was trained before goes on from its weights, with a new optimizer.

    Args:
        model: built within `strategy().scope()`.
        data, epochs: see `fit`; several heads need labels each.
        rate: the learning rate, which falls to 0 along half a cosine (Loshchilov and Hutter 2017, without
            restarts); or a Keras schedule, which is taken as it is.
        momentum: of SGD; None for Adam with Keras's constants.
        metrics: further ones, of the first head.
        loss_weights: of the heads, the main one first; None for a model with one.
        **options: as for `fit`.

    Raises:
        ValueError, FloatingPointError, ConnectionError, OSError: as `fit` does.
    """
    schedule = rate
    if isinstance(rate, int | float):
        feed = batches.feed(data, options.get("batch_size"), replicas.count(model))
        schedule = keras.optimizers.schedules.CosineDecay(rate, whole("`epochs`", epochs) * feed.steps)
    with replicas.scope(model):
        _compile(model, schedule, momentum, metrics, loss_weights)
    return fit(model, data, epochs=epochs, **options)


def _compile(model, schedule, momentum, metrics, loss_weights):
    adam = momentum is None
    optimizer = keras.optimizers.Adam(schedule) if adam else keras.optimizers.SGD(schedule, momentum)
    if isinstance(model.layers[-1], EuclideanRBF):
        model.compile(optimizer, loss=MAPLoss(), metrics=[NearestAccuracy(), *metrics])
        return
    # Objects: a metric that is called "accuracy" would be traced twice.
    accuracies = [[keras.metrics.SparseCategoricalAccuracy(name="accuracy")] for _ in model.outputs]
    accuracies[0] += metrics
    losses = ["sparse_categorical_crossentropy"] * len(model.outputs)
    model.compile(optimizer, loss=losses, loss_weights=loss_weights, metrics=accuracies)
