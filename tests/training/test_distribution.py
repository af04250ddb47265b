"""Layers and networks on two replicas: two logical CPU devices, set up in conftest.py."""

import numpy as np
import pytest
import tensorflow as tf

from course_lib.architectures import lenet5, lenet5_modern
from course_lib.backend import keras
from course_lib.layers import Conv2D, LocallyConnected2D, MAPLoss, NearestAccuracy


def locally_connected():
    """Build the one layer that LeNet-5 lacks."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            LocallyConnected2D(2, 5, strides=3),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def grouped():
    """Build a convolution in groups, of which two are computed together."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            Conv2D(16, 3, strides=8),
            Conv2D(32, 3, groups=4),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


@pytest.mark.parametrize("build", [lenet5, lenet5_modern, locally_connected, grouped])
def test_a_training_step_on_two_replicas_is_a_step_on_one(build):
    rng = np.random.default_rng(0)
    images, labels = rng.uniform(size=(8, 32, 32, 1)).astype("float32"), rng.integers(0, 10, 8)
    # The default reduction crashes when one process makes several strategies.
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    assert strategy.num_replicas_in_sync == 2
    trained = []
    for scope in (tf.distribute.get_strategy().scope, strategy.scope):
        with scope():
            keras.utils.set_random_seed(0)
            model = build()
            model.compile(keras.optimizers.SGD(0.01), loss=MAPLoss(), metrics=[NearestAccuracy()])
        model.fit(
            tf.data.Dataset.from_tensor_slices((images, labels)).batch(8), epochs=2, shuffle=False, verbose=0
        )
        trained.append(model.get_weights())
    for one, two in zip(*trained, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
