"""A convolution that is Keras's in all but how it is computed."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from course_lib.backend import keras
from course_lib.layers import Conv2D, conv2d

# Input channels and arguments: groups alone, partly together, all together, with other widths in and out.
CASES = {
    "no groups": (3, {"filters": 4, "kernel_size": 3}),
    "one by one": (48, {"filters": 32, "kernel_size": 3, "groups": 2, "padding": "same"}),
    "two together": (32, {"filters": 64, "kernel_size": (3, 2), "groups": 8, "strides": (2, 1)}),
    "all together": (
        12,
        {"filters": 6, "kernel_size": 3, "groups": 6, "dilation_rate": 2, "padding": "same"},
    ),
    "a projection": (9, {"filters": 6, "kernel_size": 1, "strides": (2, 3), "groups": 3, "padding": "same"}),
}
each_case = pytest.mark.parametrize(("channels", "arguments"), CASES.values(), ids=CASES)


def _pair(**arguments):
    return [kind(**arguments, kernel_initializer=_initial(), name="conv") for kind in _KINDS]


_KINDS = (Conv2D, keras.layers.Conv2D)


def _initial():
    return keras.initializers.HeNormal(seed=7)


def _images(channels, count=2):
    return np.random.default_rng(0).normal(size=(count, 9, 10, channels)).astype("float32")


def _step(layer, images):
    """Return the outputs, and the gradients in the images and the weights."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = layer(images)
        loss = tf.reduce_sum(outputs**2)
    return outputs, *tape.gradient(loss, [images, *(weight.value for weight in layer.weights)])


@each_case
def test_weights_configuration_results_and_gradients_are_those_of_keras(channels, arguments):
    ours, keras_layer = _pair(**arguments, use_bias=True, bias_initializer="ones", activation="tanh")
    found, expected = (_step(layer, _images(channels)) for layer in (ours, keras_layer))
    assert ours.get_config() == keras_layer.get_config()
    assert [weight.path for weight in ours.weights] == [weight.path for weight in keras_layer.weights]
    for one, other in zip(ours.get_weights(), keras_layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


def _operations(layer, channels):
    """Return the names of the operations of a call in a graph, whose number of pictures and size are open."""
    layer.build((None, None, None, channels))
    call = tf.function(layer).get_concrete_function(tf.TensorSpec((None, None, None, channels)))
    return [operation.type for operation in call.graph.get_operations()]


@pytest.mark.parametrize(
    ("channels", "filters", "groups", "convolutions"),
    [
        (64, 64, 2, 2),
        (64, 64, 8, 4),
        (64, 64, 32, 4),
        (6, 6, 3, 1),
        (34, 17, 17, 17),
        (15, 30, 5, 5),
        (8, 8, 1, 1),
    ],
)
def test_narrow_groups_are_computed_together_and_none_by_xla(channels, filters, groups, convolutions):
    """Keras's slow way is one convolution in a function of its own, which XLA compiles."""
    operations = _operations(Conv2D(filters, 3, groups=groups), channels)
    assert operations.count("Conv2D") == convolutions
    assert not [name for name in operations if "PartitionedCall" in name]


def test_beside_a_gpu_the_operations_are_those_of_keras(monkeypatch):
    devices = [*tf.config.get_visible_devices(), tf.config.PhysicalDevice("GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda: devices)
    for arguments in ({"groups": 2, "kernel_size": 3}, {"strides": 2, "kernel_size": 1}):
        ours, keras_layer = (_operations(layer, 8) for layer in _pair(filters=8, **arguments))
        assert ours == keras_layer


def test_in_a_graph_a_projection_is_computed_by_the_operations_of_keras():
    ours, keras_layer = (_operations(layer, 8) for layer in _pair(filters=8, kernel_size=1, strides=2))
    assert ours == keras_layer


@pytest.mark.parametrize(
    ("groups", "channels", "together"), [(32, 2, 8), (6, 3, 3), (7, 2, 7), (9, 5, 3), (4, 17, 1)]
)
def test_as_many_groups_are_put_together_as_divide_them_and_have_16_channels(groups, channels, together):
    assert conv2d._most_together(groups, channels) == together


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match=r'"channels_last"\. Received: .*channels_first'):
        Conv2D(4, 3, groups=2, data_format="channels_first")(_images(10))


SALIENCY = """
import tensorflow as tf
from course_lib.architectures import cifar_resnet
from course_lib.backend import keras

for pictures in (1, 3):
    for width in (0.5, 0.75):
        model = cifar_resnet(8, shortcut="B", width=width)
        images = tf.random.uniform((pictures, 32, 32, 3))
        for _ in range(5):
            with tf.GradientTape() as tape:
                tape.watch(images)
                answer = model(images)[:, 0]
            assert float(tf.norm(tape.gradient(answer, images))) > 0
print("alive")
"""


def test_the_gradient_in_one_picture_of_a_narrow_network_with_projections_does_not_end_the_process():
    """In a process of its own, as `keras.layers.Conv2D` ends it in most runs."""
    run = subprocess.run([sys.executable, "-c", SALIENCY], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "alive\n"), run.stderr[-500:]
