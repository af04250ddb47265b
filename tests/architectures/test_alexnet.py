import numpy as np
import pytest

from course_lib.architectures import alexnet
from course_lib.backend import keras

# Section 3.5 and figure 2.
TABLE = {
    "input": ((227, 227, 3), 0),
    "conv1": ((55, 55, 96), 34_944),
    "norm1": ((55, 55, 96), 0),
    "pool1": ((27, 27, 96), 0),
    "conv2": ((27, 27, 256), 307_456),
    "norm2": ((27, 27, 256), 0),
    "pool2": ((13, 13, 256), 0),
    "conv3": ((13, 13, 384), 885_120),
    "conv4": ((13, 13, 384), 663_936),
    "conv5": ((13, 13, 256), 442_624),
    "pool5": ((6, 6, 256), 0),
    "flatten": ((9216,), 0),
    "fc6": ((4096,), 37_752_832),
    "drop6": ((4096,), 0),
    "fc7": ((4096,), 16_781_312),
    "drop7": ((4096,), 0),
    "fc8": ((1000,), 4_097_000),
}


def _small(**options):
    keras.utils.set_random_seed(0)
    return alexnet(input_shape=(67, 67, 3), classes=10, width=0.125, **options)


def test_each_layer_has_the_papers_maps_and_parameters(full_size):
    assert {row.layer: (row.output_shape, row.parameters) for row in full_size("alexnet").rows} == TABLE


def test_conv2_conv4_and_conv5_read_their_own_tower_and_conv3_reads_both():
    model = _small()
    images = np.random.default_rng(0).normal(size=(2, 9, 9, 48)).astype("float32")
    for layer, filters, crosses in (
        ("conv2", 32, False),
        ("conv3", 48, True),
        ("conv4", 48, False),
        ("conv5", 32, False),
    ):
        convolution = model.get_layer(layer)
        x = images[..., : convolution.input.shape[-1]].copy()
        before = np.asarray(convolution(x))
        x[..., x.shape[-1] // 2 :] = 0  # silence the second tower
        changed = (np.asarray(convolution(x)) != before).any(axis=(0, 1, 2))
        assert changed[filters // 2 :].all()
        assert changed[: filters // 2].any() == crosses


def test_caffenet_pools_before_it_normalises():
    names = [layer.name for layer in _small(normalize_first=False).layers]
    assert names[1:7] == ["conv1", "pool1", "norm1", "conv2", "pool2", "norm2"]


@pytest.mark.parametrize("width", [1 / 8, 1 / 4])
def test_weights_start_as_in_section_5_and_after_conv1_larger_in_a_narrower_network(width):
    keras.utils.set_random_seed(0)
    model = alexnet(input_shape=(67, 67, 3), width=width)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            expected = 0.01 if layer.name == "conv1" else 0.01 / width**0.5
            np.testing.assert_allclose(kernel.std(), expected, rtol=0.05)
            ones = layer.name in ("conv2", "conv4", "conv5", "fc6", "fc7")
            np.testing.assert_array_equal(bias, float(ones))


@pytest.mark.parametrize(("scale", "learns"), [(255, True), (1, False)])
def test_it_learns_from_pixels_of_the_papers_scale_and_hardly_starts_on_pixels_of_0_to_1(scale, learns):
    model = _small()
    model.compile(keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
    images = np.random.default_rng(0).uniform(-0.5, 0.5, size=(10, 67, 67, 3)) * scale
    losses = model.fit(images, np.arange(10), epochs=80, verbose=0).history["loss"]
    assert (min(losses) < 1.6) == learns  # log 10 is 2.3
