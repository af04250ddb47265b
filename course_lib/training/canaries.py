"""Say in words, and with the layer's name, that a training goes wrong, while it does.

    probe = next(iter(data.test))
    training.fit(model, data, epochs=10, callbacks=[canaries.Canaries(probe)])

A `TrainingWarning` tells of a loss that stays at chance, a dead layer, numbers that are not finite, and
gradients that explode or vanish; each once a training. `training.fit` brings one without a probe itself,
which stops where numbers are not finite.
"""

import dataclasses
import math
import warnings

import numpy as np

from course_lib import graph
from course_lib.backend import keras
from course_lib.checks import whole
from course_lib.training.watch import Watch

import tensorflow as tf  # isort: skip

__all__ = ["Canaries", "TrainingWarning"]

PICTURES = 16  # of the probe: a layer that is silent on all of them is called dead
AT_CHANCE = 0.98  # a loss above this part of ln(classes) is at chance
NEAR = 1.3  # an accuracy below this many times 1 / classes is at chance
GROWTH, FEW = 10, 5  # a loss this many times the largest of the first few steps explodes
SPREAD = ": a step has spread what is not finite, and any layer may be the cause"
EXPLODING, VANISHING = 1e3, 1e-6  # norm of a layer's gradient divided by that of its weights


class TrainingWarning(UserWarning):
    """A training goes wrong."""


class Canaries(Watch):
    """Warn as soon as a training goes wrong. It costs a look at the loss each step, and a probe each epoch.

    - After `patience` epochs and `steps` steps it still guesses: the loss, a cross-entropy, is above 98 % of
      ln(classes), and the accuracy below 1.3 / classes. Without a logged accuracy, that loss must be without
      penalties, and above 98 % of the first epoch's; of a `MAPLoss`, the accuracy alone tells.
    - A ReLU gives only zeros on the probe.
    - The loss, an output or a gradient is not finite; the first layer of which this holds is named. (Once a
      step has been taken with such numbers, all layers may have them.)
    - A gradient explodes: its norm is over 1,000 times that of the layer's weights, or the loss is 10 times
      that of the first step, if a cross-entropy, or else the largest of the first 5, if above 0. (A
      cross-entropy or `MAPLoss` that starts below ln(classes) may grow up to 10 ln(classes).)
    - A gradient vanishes: its norm is under a millionth of the weights', while the loss is over half of
      ln(classes), or, if it is no cross-entropy, over half of the largest of the first 5 steps. (Zero is no
      vanishing gradient: stochastic depth closes layers on purpose.)

    The probe is computed as in training, before the first step and after each epoch, but without a trace:
    dropout draws, and BatchNorm counts, as if it hadn't been. Of several replicas it sees the first. A model
    within the model is one layer to it. The loss of a step is looked at when the next one has been started.

    Args:
        probe: a batch (x, y) as the model is fitted to, of which the first 16 are used. Take it from a
            pipeline that doesn't shuffle: one that does goes on in another order. None watches the loss
            alone, and names no layer.
        patience, steps: how long a training may guess, each 1 or more. `training.fit`'s own waits for 1,000
            steps.
        stop: True raises FloatingPointError, as `Watch` does, where the loss or a weight is not finite.

    Raises:
        ValueError: if an argument is not as above; at the start of a training, if there is a probe and the
            model is neither functional nor sequential.
    """

    def __init__(self, probe=None, *, patience=2, steps=100, stop=False):
        super().__init__()
        if probe is not None and not (isinstance(probe, tuple | list) and len(probe) == 2):
            raise ValueError(f"`probe` must be a batch (x, y) or None. Received: {type(probe).__name__}")
        self.probe = probe
        self.patience = whole("`patience`", patience)
        self.wait = whole("`steps`", steps)
        self.stop = stop

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self.told = []
        self.first = None  # loss, against which a later one is said to explode
        self.begun = None  # loss of the first epoch
        self.look = (lambda: []) if self.probe is None else _Probe(self.model, *self.probe)
        kind, self.classes = _kind(self.model)
        self.least = math.log(self.classes) if kind else 0.0
        self.chance = self.least if kind == "cross-entropy" else None
        self._check("before the first step", finite=_not_finite)

    def not_finite(self, why, where):
        self._check(where, finite=_not_finite)  # which may name a layer
        if self.stop:
            super().not_finite(why, where)
        self._tell("finite", f"{why[0].upper()}{why[1:]}.")

    def finite_loss(self, where):
        if self.first is None:  # a network that has learnt before may start low: there, chance counts
            self.first = max(self.loss, self.least)
        if self.taken <= FEW and not self.chance:
            self.first = max(self.first, self.loss)
        elif 0 < GROWTH * self.first < self.loss and "explodes" not in self.told:
            most = _largest(self._check(where, finite=_not_finite))
            layer = "" if most is None else f"; the gradient is largest in layer {most.name!r}"
            grown = f"from {self.first:.3g} to {self.loss:.3g}"
            self._tell("explodes", f"The loss grows {grown} {where}{layer}. Lower the learning rate.")

    def on_epoch_end(self, epoch, logs=None):
        self._look_back()
        checks = {"finite": _not_finite, "dead": _dead, "explodes": _explodes}
        high = self.chance or self.first
        if high is not None and self.loss > high / 2:
            checks["vanishes"] = _vanishes  # below that loss, a small gradient is as it should be
        self._check(f"after epoch {self.epoch}", **checks)
        super().on_epoch_end(epoch, logs)
        if self.classes:
            self._compare_with_guessing(logs)

    def _compare_with_guessing(self, logs):
        head = (getattr(self.model, "output_names", None) or [None])[0]  # a Sequential has none
        names = (f"{head}_accuracy", f"{head}_acc", "accuracy", "acc")
        accuracy = next((logs[name] for name in names if name in logs), None)
        loss = logs.get(f"{head}_loss", logs["loss"])
        self.begun = loss if self.begun is None else self.begun
        if self.chance:
            what, at = f"loss is {loss:.3f}", f"ln {self.classes} = {self.chance:.3f}"
            guesses = AT_CHANCE * self.chance < loss < math.inf
            if accuracy is None:  # the total loss is all there is, and weights and penalties are in it
                guesses = guesses and loss > AT_CHANCE * self.begun and not self.model.losses
        else:
            what, at = f"accuracy is {accuracy or 0:.3f}", f"1 / {self.classes} = {1 / self.classes:.3g}"
            guesses = accuracy is not None
        if accuracy is not None:
            guesses = guesses and accuracy < NEAR / self.classes
        if guesses and self.epoch >= self.patience and self.taken >= self.wait:
            self._tell(
                "chance",
                f"The {what} after epoch {self.epoch}, no better than guessing among {self.classes} classes "
                f"({at}). Try other learning rates, and look at the pictures, their scale and their labels.",
            )

    def _check(self, where, **checks):
        if "finite" in self.told:  # once one number isn't, many others are not
            return []
        layers = self.look()
        for kind, check in checks.items():
            if sentence := check(layers):
                self._tell(kind, sentence.format(where=where))
        return layers

    def _tell(self, kind, sentence):
        if kind not in self.told:
            self.told.append(kind)
            # Not `warn`, which shows the same sentence once: a cell that is run again would look healthy.
            warnings.warn_explicit(sentence, TrainingWarning, filename=self.model.name, lineno=self.epoch)


@dataclasses.dataclass(eq=False)
class _Seen:
    """What a probe shows of a layer: `gradient` is the loss's with respect to its output."""

    layer: keras.Operation
    inputs: list  # of the layers in front, each a _Seen
    output: tf.Tensor
    gradient: tf.Tensor | None
    weights: list  # of pairs (weight, gradient)

    @property
    def name(self):
        return self.layer.name

    @property
    def ratio(self):
        """The norm of the gradient divided by that of the weights, of kernels alone; 0 without any."""
        kernels = [pair for pair in self.weights if len(pair[0].shape) > 1 and pair[1] is not None]
        norms = [float(tf.linalg.global_norm(part)) for part in zip(*kernels, strict=True)]
        return norms[1] / norms[0] if norms and norms[0] else 0.0


class _Probe:
    """Computes a batch as in training, with gradients, and leaves the model as it is."""

    def __init__(self, model, x, y):
        self.model = model
        self.x, self.y = keras.tree.map_structure(lambda part: part[:PICTURES], (x, y))
        self.steps = graph.steps_by_depth(model)
        self.places = {id(step.outputs[0]): place for place, step in enumerate(self.steps)}
        self.function = keras.Model(model.inputs, [step.outputs[0] for step in self.steps])
        if any(getattr(step.operation, "groups", 1) > 1 for step in self.steps):
            self._compute = tf.function(self._compute)  # otherwise Keras compiles them in each call

    def _compute(self):
        """Return the outputs and the weights, and the loss's gradients with respect to both."""
        variables = self.model.trainable_variables
        weights = [tf.convert_to_tensor(variable.value) for variable in variables]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            # What dropout and BatchNorm write is forgotten at the end of this scope.
            with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
                outputs = keras.tree.flatten(self.function(keras.tree.flatten(self.x), training=True))
            heads = [outputs[self.places[id(tensor)]] for tensor in self.model.outputs]
            labels = keras.tree.flatten(self.y)
            labels = labels * (len(heads) // len(labels))
            losses = map(keras.losses.get, _losses(self.model))
            loss = sum(
                tf.reduce_mean(compare(truth, head))
                for compare, truth, head in zip(losses, labels, heads, strict=True)
            )
        return outputs, weights, *tape.gradient(loss, [outputs, weights])

    def __call__(self):
        outputs, weights, gradients, weight_gradients = self._compute()
        own = {
            id(variable): pair
            for variable, *pair in zip(self.model.trainable_variables, weights, weight_gradients, strict=True)
        }
        seen = []
        for place, step in enumerate(self.steps):
            pairs = [own[id(variable)] for variable in getattr(step.operation, "trainable_variables", ())]
            fronts = [seen[self.places[id(x)]] for x in step.inputs if id(x) in self.places]
            seen.append(_Seen(step.operation, fronts, outputs[place], gradients[place], pairs))
        return seen


def _losses(model):
    """Return the loss of each head."""
    if isinstance(model.loss, dict):
        return [model.loss.get(name) for name in model.output_names]
    losses = keras.tree.flatten(model.loss)
    return losses * (len(model.outputs) // len(losses))


def _kind(model):
    """Return what the first head's loss is, and its number of classes; (None, None) if neither is known."""
    outputs = getattr(model, "outputs", None)  # a subclassed model has none
    losses = _losses(model) if outputs else None
    classes = outputs[0].shape[-1] if losses and outputs[0].shape else None
    if classes is None or classes < 2:
        return None, None
    loss = keras.losses.get(losses[0])
    name = getattr(loss, "name", getattr(loss, "__name__", ""))
    if "categorical_crossentropy" in name:
        return "cross-entropy", classes
    return ("distances", classes) if name == "map_loss" else (None, None)


def _is_finite(*tensors):
    known = (tf.cast(tensor, tf.float32) for tensor in tensors if tensor is not None)
    return all(bool(tf.reduce_all(tf.math.is_finite(tensor))) for tensor in known)


def _not_finite(layers):
    """Name the first layer whose output, or else, from the loss on, whose gradient is not finite."""
    for seen in layers:
        sound = _is_finite(*(weight for weight, _ in seen.weights))
        if not _is_finite(seen.output):
            too = "" if sound else f", nor are its weights{SPREAD}"
            return f"The output of layer {seen.name!r} is not finite {{where}}{too}."
        if not sound:  # a ReLU can hide it
            return f"The weights of layer {seen.name!r} are not finite {{where}}{SPREAD}."
    for seen in reversed(layers):
        passed = [*(pair[1] for pair in seen.weights), *(front.gradient for front in seen.inputs)]
        if _is_finite(seen.gradient) and not _is_finite(*passed):
            return f"The gradient of layer {seen.name!r} is not finite {{where}}."
    return None


def _dead(layers):
    for seen in layers:
        relu = getattr(seen.layer, "activation", None) in (keras.activations.relu, keras.activations.relu6)
        relu = relu or isinstance(seen.layer, keras.layers.ReLU)
        operation = type(seen.layer).__name__ in ("ReLU", "Relu", "Relu6")  # of `keras.ops` and `activations`
        if (relu or operation) and not np.any(seen.output):
            return (
                f"Layer {seen.name!r} is dead {{where}}: its ReLU gives only zeros, and no gradient passes. "
                "Train anew, at a lower learning rate or from weights that start as in He et al. 2015."
            )
    return None


def _largest(layers):
    """Return the layer whose gradient is largest in proportion to its weights; None without any gradient."""
    most = max(layers, key=lambda seen: seen.ratio, default=None)
    return most if most is not None and most.ratio > 0 else None


def _explodes(layers):
    most = _largest(layers)
    if most is None or most.ratio < EXPLODING:
        return None
    return (
        f"The gradient explodes {{where}}: in layer {most.name!r} its norm is {most.ratio:.2g} times that of "
        "the weights. Lower the learning rate, or normalise."
    )


def _vanishes(layers):
    for seen in layers:
        if 0 < seen.ratio < VANISHING:
            return (
                f"The gradient vanishes {{where}}: in layer {seen.name!r} its norm is {seen.ratio:.2g} times "
                "that of the weights. Shortcuts, BatchNorm or other initial weights let it pass."
            )
    return None
