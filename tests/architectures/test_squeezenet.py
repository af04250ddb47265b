import numpy as np
import pytest

from course_lib.architectures import fire_module
from course_lib.backend import keras

# Table 1: output size and parameters; version 1.1 from the authors' release.
TABLES = {
    "squeezenet1_0": {
        "conv1": ((111, 111, 96), 14_208),
        "maxpool1": ((55, 55, 96), 0),
        "fire2": ((55, 55, 128), 11_920),
        "fire3": ((55, 55, 128), 12_432),
        "fire4": ((55, 55, 256), 45_344),
        "maxpool4": ((27, 27, 256), 0),
        "fire5": ((27, 27, 256), 49_440),
        "fire6": ((27, 27, 384), 104_880),
        "fire7": ((27, 27, 384), 111_024),
        "fire8": ((27, 27, 512), 188_992),
        "maxpool8": ((13, 13, 512), 0),
        "fire9": ((13, 13, 512), 197_184),
        "conv10": ((13, 13, 1000), 513_000),
        "avgpool10": ((1000,), 0),
    },
    "squeezenet1_1": {
        "conv1": ((113, 113, 64), 1_792),
        "maxpool1": ((56, 56, 64), 0),
        "fire2": ((56, 56, 128), 11_408),
        "fire3": ((56, 56, 128), 12_432),
        "maxpool3": ((28, 28, 128), 0),
        "fire4": ((28, 28, 256), 45_344),
        "fire5": ((28, 28, 256), 49_440),
        "maxpool5": ((14, 14, 256), 0),
        "fire6": ((14, 14, 384), 104_880),
        "fire7": ((14, 14, 384), 111_024),
        "fire8": ((14, 14, 512), 188_992),
        "fire9": ((14, 14, 512), 197_184),
        "conv10": ((14, 14, 1000), 513_000),
        "avgpool10": ((1000,), 0),
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_each_row_has_the_output_size_and_the_parameters_of_the_table(name, full_size):
    found = {}
    for row in full_size(name).rows:
        layer = row.layer.split("_")[0]
        found[layer] = (row.output_shape, row.parameters + found.get(layer, (None, 0))[1])
    assert {layer: found[layer] for layer in TABLES[name]} == TABLES[name]


def test_a_fire_module_squeezes_and_expands_twice():
    inputs = keras.Input((5, 5, 7))
    model = keras.Model(inputs, fire_module(inputs, 2, 3, 4, name="fire"))
    assert [layer.kernel.shape for layer in model.layers if layer.weights] == [
        (1, 1, 7, 2),
        (1, 1, 2, 3),
        (3, 3, 2, 4),
    ]
    outputs = np.asarray(model(np.random.default_rng(0).normal(size=(2, 5, 5, 7))))
    assert outputs.shape == (2, 5, 5, 7)
    assert (outputs >= 0).all()
