"""Look at the loss of every step, and stop a training whose numbers are not finite."""

import math

import numpy as np

from course_lib.backend import keras

__all__ = ["Watch"]


class Watch(keras.callbacks.Callback):
    """Raise FloatingPointError, in words, when the loss or, after an epoch, a weight is not finite.

    `loss` is that of the last step looked at, or the mean of the steps that Keras runs at once. A step is
    looked at when the next one has been started: to ask earlier would make a GPU wait.
    """

    def on_train_begin(self, logs=None):
        self.epoch = 0
        self.taken = 0  # steps
        self._waiting = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1
        self.batches = 0
        self.total = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self._look_back()
        self._waiting = batch + 1, logs["loss"]

    def on_test_begin(self, logs=None):
        self._look_back()

    def on_epoch_end(self, epoch, logs=None):
        self._look_back()
        self._require_finite(logs.get("val_loss", 0.0), f"in the validation after epoch {self.epoch}")
        weights = self.model.trainable_variables
        finite = [keras.ops.all(keras.ops.isfinite(weight)) for weight in weights]
        finite = np.asarray(keras.ops.stack(finite)) if finite else np.array([True])
        if not finite.all():  # a ReLU makes zeros of their NaN, and the loss looks well
            name = weights[int(finite.argmin())].path
            where = f"after epoch {self.epoch}"
            self.not_finite(f"the weights {name!r} are not finite {where}, though the loss is", where)

    def finite_loss(self, where):
        """Look at the `loss` of a step, where it is finite; there is nothing to do here."""

    def not_finite(self, why, where):
        """End the training and say why."""
        rate = self.model.optimizer.learning_rate
        rate = float(rate.numpy() if hasattr(rate, "numpy") else rate)  # mirrored ones are no numbers
        raise FloatingPointError(
            f"Training stopped: {why}. Most often the learning rate (now {rate:.3g}) is too high; otherwise "
            "look for a division by zero, the logarithm of zero, or NaN in the data."
        )

    def _look_back(self):
        if self._waiting is None:
            return
        batches, mean = self._waiting
        self._waiting = None
        total = float(mean) * batches  # the mean is of the epoch so far
        steps = batches - self.batches
        self.loss = (total - self.total) / steps
        self.taken += steps
        self.batches = batches
        self.total = total
        where = f"in step {batches} of epoch {self.epoch}"
        if self._require_finite(self.loss, where):
            self.finite_loss(where)

    def _require_finite(self, loss, where):
        if math.isfinite(loss):
            return True
        self.not_finite(f"the loss became {float(loss)} {where}", where)
        return False
