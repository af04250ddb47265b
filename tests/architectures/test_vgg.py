import numpy as np
import pytest

from course_lib.architectures import vgg16, vgg19
from course_lib.architectures.vgg import vgg
from course_lib.backend import keras

# Table 1, column D.
COLUMN_D = {
    "input": ((224, 224, 3), 0),
    "conv1_1": ((224, 224, 64), 1_792),
    "conv1_2": ((224, 224, 64), 36_928),
    "pool1": ((112, 112, 64), 0),
    "conv2_1": ((112, 112, 128), 73_856),
    "conv2_2": ((112, 112, 128), 147_584),
    "pool2": ((56, 56, 128), 0),
    "conv3_1": ((56, 56, 256), 295_168),
    "conv3_2": ((56, 56, 256), 590_080),
    "conv3_3": ((56, 56, 256), 590_080),
    "pool3": ((28, 28, 256), 0),
    "conv4_1": ((28, 28, 512), 1_180_160),
    "conv4_2": ((28, 28, 512), 2_359_808),
    "conv4_3": ((28, 28, 512), 2_359_808),
    "pool4": ((14, 14, 512), 0),
    "conv5_1": ((14, 14, 512), 2_359_808),
    "conv5_2": ((14, 14, 512), 2_359_808),
    "conv5_3": ((14, 14, 512), 2_359_808),
    "pool5": ((7, 7, 512), 0),
    "flatten": ((25_088,), 0),
    "fc6": ((4096,), 102_764_544),
    "drop6": ((4096,), 0),
    "fc7": ((4096,), 16_781_312),
    "drop7": ((4096,), 0),
    "fc8": ((1000,), 4_097_000),
}


def test_each_layer_of_column_d_has_the_papers_maps_and_parameters(full_size):
    assert {row.layer: (row.output_shape, row.parameters) for row in full_size("vgg_d").rows} == COLUMN_D


@pytest.mark.parametrize(
    ("column", "weight_layers", "millions"),
    [
        ("vgg_a", 11, 133),
        ("vgg_a_lrn", 11, 133),
        ("vgg_b", 13, 133),
        ("vgg_c", 16, 134),
        ("vgg_d", 16, 138),
        ("vgg_e", 19, 144),
    ],
)
def test_the_columns_have_the_depths_of_table_1_and_the_parameters_of_table_2(
    column, weight_layers, millions, full_size
):
    found = full_size(column)
    assert sum(row.parameters > 0 for row in found.rows) == weight_layers
    assert round(found.parameters / 1e6) == millions


def test_column_c_ends_three_blocks_with_a_1x1_convolution(full_size):
    column = full_size("vgg_c")
    for layer, channels in (("conv3_3", 256), ("conv4_3", 512), ("conv5_3", 512)):
        assert column[layer].parameters == channels * channels + channels


def test_column_a_lrn_normalises_after_the_first_convolution(full_size):
    assert [row.layer for row in full_size("vgg_a_lrn").rows][1:4] == ["conv1_1", "norm1", "pool1"]


@pytest.mark.parametrize(
    ("build", "published"),
    [(vgg16, keras.applications.VGG16), (vgg19, keras.applications.VGG19)],
    ids=["vgg16", "vgg19"],
)
def test_with_the_same_weights_the_outputs_are_those_of_keras_applications(build, published):
    shape = (32, 64, 3)  # not square; no size of the papers', which would take seconds
    ours = build(input_shape=shape, classes=10)
    theirs = published(weights=None, input_shape=shape, classes=10)
    rng = np.random.default_rng(0)
    theirs.set_weights(
        [rng.normal(scale=(2 / np.prod(w.shape[:-1])) ** 0.5, size=w.shape) for w in theirs.weights]
    )
    ours.set_weights(theirs.get_weights())
    images = rng.uniform(size=(2, *shape)).astype("float32")
    expected = np.asarray(theirs(images))
    assert expected.std() > 0.001  # not all classes alike
    np.testing.assert_allclose(ours(images), expected, rtol=1e-5, atol=1e-7)


def test_an_unknown_column_is_refused():
    with pytest.raises(ValueError, match="Received: column='F'"):
        vgg("F")
