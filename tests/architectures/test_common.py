import numpy as np
import pytest

from course_lib.architectures import (
    alexnet,
    cifar_densenet,
    cifar_resnet,
    cifar_resnext29,
    fractalnet,
    stochastic_depth_resnet,
    wide_resnet,
    zfnet,
)
from course_lib.architectures._common import max_pool_up, scaled
from course_lib.backend import keras


def test_channels_are_rounded_to_the_nearest_multiple_and_never_to_zero():
    assert [scaled(96, 0.1), scaled(96, 0.5), scaled(96, 2), scaled(96, 1e-9)] == [10, 48, 192, 1]
    assert [scaled(96, 0.1, 4), scaled(96, 1e-9, 4)] == [8, 4]


@pytest.mark.parametrize("side", [3, 4, 13, 54, 55])
def test_a_pool_that_rounds_up_has_a_window_for_every_pixel(side):
    inputs = keras.Input((side, side, 1))
    model = keras.Model(inputs, max_pool_up(inputs, name="pool"))
    image = np.random.default_rng(0).normal(size=(side, side)).astype("float32")
    starts = range(0, side - 1, 2)
    expected = [[image[row : row + 3, column : column + 3].max() for column in starts] for row in starts]
    np.testing.assert_array_equal(model(image[None, :, :, None])[0, :, :, 0], expected)


def test_the_smallest_input_is_named_for_images_that_are_not_square_too():
    with pytest.raises(ValueError, match=r"at least 67x67\. Received: input_shape=\(200, 30, 1\)"):
        alexnet(input_shape=(200, 30, 1), width=0.1)


def test_an_error_that_has_another_cause_is_not_blamed_on_the_size():
    with pytest.raises(ValueError, match="no such activation"):
        alexnet(input_shape=(67, 67, 3), width=0.1, classifier_activation="no such activation")


@pytest.mark.parametrize("shape", [None, 224, (8, 8), (None, None, 3), (224.0, 224, 3)])
def test_an_input_shape_that_is_not_three_integers_is_refused(shape):
    with pytest.raises(ValueError, match=r"input_shape must be \(H, W, C\), three integers\. Received: "):
        alexnet(input_shape=shape, width=0.1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: alexnet(groups=0), "groups must be a positive integer. Received: groups=0"),
        (lambda: alexnet(width=0), "width must be positive. Received: width=0"),
        (lambda: cifar_resnext29(0, 64), "must be"),
        (lambda: cifar_resnext29(8, 0), "channels must be positive"),
        (lambda: wide_resnet(16, 0), "channels must be positive. Received: 0"),
        (lambda: cifar_densenet(40, 0), "channels must be positive"),
        (lambda: cifar_resnet(20.0), "depth must be 6n + 2. Received: depth=20.0"),
        (lambda: fractalnet(columns=2.0), "columns must be a positive integer. Received: columns=2.0"),
        (lambda: stochastic_depth_resnet(20, survival=1.5), "Received: survival=1.5"),
        (lambda: fractalnet(blocks=((4, 0.0),) * 6), "must be at least 64x64"),
    ],
)
def test_a_number_that_makes_no_network_is_refused_with_what_came(build, message):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 (the message is compared below, without a pattern)
        build()
    assert message in str(refusal.value)


@pytest.mark.parametrize("build", [alexnet, zfnet])
def test_the_size_of_the_activations_does_not_depend_on_the_width(build):
    image = np.random.default_rng(0).normal(0, 60, (1, 127, 127, 3)).astype("float32")
    sizes = []
    for width in (0.25, 0.5):
        keras.utils.set_random_seed(0)
        model = build(width=width, input_shape=(127, 127, 3), classes=2)
        maps = keras.Model(model.input, [model.get_layer(name).output for name in ("conv1", "conv3")])(image)
        sizes.append([float(np.std(x)) for x in maps])
    np.testing.assert_allclose(sizes[0], sizes[1], rtol=0.35)
