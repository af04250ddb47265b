"""Say in words, and with the layer's name, that a training goes wrong, while it does.

    probe = next(iter(data.test))
    model.fit(data.train, epochs=10, shuffle=False, callbacks=[canaries.Canaries(probe)])

A `TrainingWarning` tells of a loss that stays at chance, a dead layer, numbers that are not finite, and
gradients that explode or vanish; each once a training.
"""

import dataclasses
import math
import warnings

import numpy as np

from course_lib.backend import keras

import tensorflow as tf  # isort: skip

__all__ = ["Canaries", "TrainingWarning"]

PICTURES = 16  # of the probe: a layer that is silent on all of them is called dead
AT_CHANCE, STEPS = 0.98, 100  # a loss above this part of ln(classes) is at chance; stuck after so many steps
GROWTH = 10  # a loss this many times the first one explodes
EXPLODING, VANISHING = 1e3, 1e-6  # norm of a layer's gradient divided by that of its weights


class TrainingWarning(UserWarning):
    """A training goes wrong."""


class Canaries(keras.callbacks.Callback):
    """Warn as soon as a training goes wrong. It costs a look at the loss each step, and a probe each epoch.

    - The loss, a cross-entropy, is still above 98 % of ln(classes) after `patience` epochs and 100 steps.
    - A ReLU gives only zeros on the probe.
    - The loss, an output or a gradient is not finite; the first layer of which this holds is named.
    - A gradient explodes: its norm is over 1,000 times that of the layer's weights, or the loss is 10 times
      that of the first step (10 ln(classes), if a cross-entropy starts below ln(classes)).
    - A gradient vanishes: its norm is under a millionth of the weights', while the loss is over half of
      ln(classes), or, if it is no cross-entropy, over half of the first step's. (Zero is no vanishing
      gradient: stochastic depth closes layers on purpose.)

    The probe is computed as in training, before the first step and after each epoch, but without a trace:
    dropout draws, and BatchNorm counts, as if it hadn't been. Of several replicas it sees the first.

    Args:
        probe: a batch (x, y) as the model is fitted to, of which the first 16 are used. Take it from a
            pipeline that doesn't shuffle: one that does goes on in another order. None watches the loss
            alone, and names no layer.
        patience: epochs, 1 or more.

    Raises:
        ValueError: if an argument is not as above; at the start of a training, if there is a probe and the
            model is neither functional nor sequential.
    """

    def __init__(self, probe=None, *, patience=2):
        super().__init__()
        if probe is not None and not (isinstance(probe, tuple | list) and len(probe) == 2):
            raise ValueError(f"`probe` must be a batch (x, y) or None. Received: {type(probe).__name__}")
        if not isinstance(patience, int) or patience < 1:
            raise ValueError(f"`patience` must be a whole number, 1 or more. Received: patience={patience!r}")
        self.probe, self.patience = probe, patience

    def on_train_begin(self, logs=None):
        self.told, self.epoch, self.steps, self.first = [], 0, 0, None
        self.look = (lambda: []) if self.probe is None else _Probe(self.model, *self.probe)
        self.classes = self.model.outputs[0].shape[-1] if _is_cross_entropy(self.model) else None
        self._check("before the first step", finite=_not_finite)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.total = epoch + 1, 0.0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        total = logs["loss"] * (batch + 1)  # Keras reports the mean since the epoch began
        self.loss, self.total = total - self.total, total
        where = f"in step {batch + 1} of epoch {self.epoch}"
        if self.first is None:  # a network that has learnt before may start low: there, chance counts
            self.first = max(self.loss, math.log(self.classes)) if self.classes else self.loss
        if not math.isfinite(self.loss):
            self._check(where, finite=_not_finite)
            self._tell("finite", f"The loss is {self.loss} {where}.")
        elif self.loss > GROWTH * self.first and "explodes" not in self.told:
            most = _largest(self._check(where, finite=_not_finite))
            layer = "" if most is None else f"; the gradient is largest in layer {most.name!r}"
            grown = f"from {self.first:.3g} to {self.loss:.3g}"
            self._tell("explodes", f"The loss grows {grown} {where}{layer}. Lower the learning rate.")

    def on_epoch_end(self, epoch, logs=None):
        checks = {"finite": _not_finite, "dead": _dead, "explodes": _explodes}
        if self.loss > (math.log(self.classes) if self.classes else self.first) / 2:
            checks["vanishes"] = _vanishes  # below that loss, a small gradient is as it should be
        self._check(f"after epoch {self.epoch}", **checks)
        if self.classes and self.epoch >= self.patience and self.steps >= STEPS:
            heads = getattr(self.model, "output_names", [None])  # a Sequential has none
            loss, chance = logs.get(f"{heads[0]}_loss", logs["loss"]), math.log(self.classes)
            if AT_CHANCE * chance < loss < math.inf:
                self._tell(
                    "chance",
                    f"The loss is {loss:.3f} after epoch {self.epoch}, no better than guessing among "
                    f"{self.classes} classes (ln {self.classes} = {chance:.3f}). Try other learning rates, "
                    "and look at the pictures, their scale and their labels.",
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
        if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
            raise ValueError(f"The model must be functional or sequential. Received: {type(model).__name__}")
        self.model = model
        self.x, self.y = keras.tree.map_structure(lambda part: part[:PICTURES], (x, y))
        operations = keras.Model(model.inputs, model.outputs).operations  # a Sequential has none of its own
        order = {operation: place for place, operation in enumerate(operations)}
        nodes, waiting = {}, list(model.outputs)
        while waiting:  # a layer can have other nodes too, of models that share it
            operation, index, _ = waiting.pop()._keras_history
            if operation in order and (order[operation], index) not in nodes:
                nodes[order[operation], index] = operation._inbound_nodes[index]
                waiting += operation._inbound_nodes[index].input_tensors
        self.nodes = [nodes[key] for key in sorted(nodes)]
        self.places = {id(node.output_tensors[0]): place for place, node in enumerate(self.nodes)}
        self.function = keras.Model(model.inputs, [node.output_tensors[0] for node in self.nodes])
        if any(getattr(operation, "groups", 1) > 1 for operation in operations):
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
        for place, node in enumerate(self.nodes):
            pairs = [own[id(variable)] for variable in getattr(node.operation, "trainable_variables", ())]
            fronts = [seen[self.places[id(x)]] for x in node.input_tensors if id(x) in self.places]
            seen.append(_Seen(node.operation, fronts, outputs[place], gradients[place], pairs))
        return seen


def _losses(model):
    """Return the loss of each head."""
    if isinstance(model.loss, dict):
        return [model.loss[name] for name in model.output_names]
    losses = keras.tree.flatten(model.loss)
    return losses * (len(model.outputs) // len(losses))


def _is_cross_entropy(model):
    loss = keras.losses.get(_losses(model)[0])
    return "categorical_crossentropy" in getattr(loss, "name", getattr(loss, "__name__", ""))


def _is_finite(*tensors):
    known = (tf.cast(tensor, tf.float32) for tensor in tensors if tensor is not None)
    return all(bool(tf.reduce_all(tf.math.is_finite(tensor))) for tensor in known)


def _not_finite(layers):
    """Name the first layer whose output, or else, from the loss on, whose gradient is not finite."""
    for seen in layers:
        sound = _is_finite(*(weight for weight, _ in seen.weights))
        if not _is_finite(seen.output):
            too = "" if sound else ", nor are its weights"
            return f"The output of layer {seen.name!r} is not finite {{where}}{too}."
        if not sound:  # a ReLU can hide it
            return f"The weights of layer {seen.name!r} are not finite {{where}}."
    for seen in reversed(layers):
        passed = [*(pair[1] for pair in seen.weights), *(front.gradient for front in seen.inputs)]
        if _is_finite(seen.gradient) and not _is_finite(*passed):
            return f"The gradient of layer {seen.name!r} is not finite {{where}}."
    return None


def _dead(layers):
    for seen in layers:
        relu = getattr(seen.layer, "activation", None) is keras.activations.relu
        if (relu or isinstance(seen.layer, keras.layers.ReLU)) and not np.any(seen.output):
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
