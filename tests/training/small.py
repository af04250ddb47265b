"""A tiny network and its data, for the tests of a training."""

import numpy as np

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

ONE = ("CPU:0",)
TWO = ("CPU:0", "CPU:1")  # conftest.py makes the second


def pipelines(examples=24, batch=8, test_batch=8):
    """Return (train, test) pipelines of points labelled by the sign of their sum."""
    x = np.random.default_rng(0).normal(size=(examples, 4)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, (x.sum(1) > 0).astype(int)))
    return data.shuffle(examples, seed=1).batch(batch, drop_remainder=True), data.batch(test_batch)


def build(units=3, rate=0.1, dropout=0.1, devices=None):
    """Return a compiled dense network, the same weights each time."""
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        model = keras.Sequential(name="tiny")
        model.add(keras.Input((4,)))
        model.add(keras.layers.Dense(units, "tanh"))
        model.add(keras.layers.Dropout(dropout))
        model.add(keras.layers.Dense(2, "softmax"))
        model.compile(
            keras.optimizers.Adam(rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            run_eagerly=devices is None,  # a few steps need less time than their graph
        )
    return model


class At(keras.callbacks.Callback):
    """Calls `action` at the start of an epoch."""

    def __init__(self, epoch, action):
        super().__init__()
        self.epoch, self.action = epoch, action

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.action(self.model)


def interrupt(model):
    raise KeyboardInterrupt


def same_weights(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
