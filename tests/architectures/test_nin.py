import numpy as np
import pytest

from course_lib.architectures import mlpconv, nin_cifar10
from course_lib.backend import keras

# The authors' published models.
MAPS = {
    "nin_cifar10": {
        "mlpconv1_conv": (32, 32, 192),
        "mlpconv1_cccp1": (32, 32, 160),
        "mlpconv1_cccp2": (32, 32, 96),
        "pool1": (16, 16, 96),
        "mlpconv2_cccp2": (16, 16, 192),
        "pool2": (8, 8, 192),
        "mlpconv3_cccp2": (8, 8, 10),
        "average": (10,),
    },
    "nin_imagenet": {
        "mlpconv1_cccp2": (54, 54, 96),
        "pool1": (27, 27, 96),
        "mlpconv2_cccp2": (27, 27, 256),
        "pool2": (13, 13, 256),
        "mlpconv3_cccp2": (13, 13, 384),
        "pool3": (6, 6, 384),
        "mlpconv4_conv": (6, 6, 1024),
        "mlpconv4_cccp2": (6, 6, 1000),
        "average": (1000,),
    },
}


@pytest.mark.parametrize("name", MAPS)
def test_the_maps_shrink_as_in_the_authors_models(name, full_size):
    assert {layer: full_size(name)[layer].output_shape for layer in MAPS[name]} == MAPS[name]


def test_dropout_follows_all_pools_for_cifar_and_the_last_one_for_imagenet(full_size):
    def drops(name):
        return [row.layer for row in full_size(name).rows if row.kind == "Dropout"]

    assert drops("nin_cifar10") == ["drop1", "drop2"]
    assert drops("nin_imagenet") == ["drop3"]


def test_an_mlpconv_layer_is_a_perceptron_of_three_layers_at_every_position():
    inputs = keras.Input((5, 5, 2))
    model = keras.Model(inputs, mlpconv(inputs, (4, 6, 3), 3, padding="valid", name="mlpconv"))
    images = np.random.default_rng(0).normal(size=(2, 5, 5, 2)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    x = windows.transpose(0, 1, 2, 4, 5, 3).reshape(2, 3, 3, 18)
    weights = model.get_weights()
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        x = np.maximum(x @ kernel.reshape(-1, kernel.shape[-1]) + bias, 0)
    np.testing.assert_allclose(model(images), x, rtol=1e-4, atol=1e-5)


def test_the_class_maps_of_cifar_are_alive_at_every_place_and_those_of_a_table_may_be_dead():
    pictures = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    positive = {}
    for start, options in (("default", {}), ("He's", {"alive": False})):
        keras.utils.set_random_seed(1)
        network = nin_cifar10(input_shape=(16, 16, 3), width=0.25, **options)
        maps = keras.Model(network.input, network.get_layer("mlpconv3_cccp2").output)(pictures)
        positive[start] = np.mean(maps > 0, axis=(0, 1, 2))
    assert positive["default"].min() == 1
    assert positive["He's"].min() < 0.1
