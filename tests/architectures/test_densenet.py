import re

import numpy as np
import pytest

from course_lib import architectures
from course_lib.architectures import cifar_densenet, dense_block, transition
from course_lib.backend import keras

# Growth rate, layers in each block.
TABLE_1 = {
    "densenet121": (32, (6, 12, 24, 16)),
    "densenet169": (32, (6, 12, 32, 32)),
    "densenet201": (32, (6, 12, 48, 32)),
    "densenet161": (48, (6, 12, 36, 24)),
}


def _layers(found):
    return len([row for row in found.rows if row.kind in ("Conv2D", "Dense")])


@pytest.mark.parametrize("name", TABLE_1)
def test_each_block_and_transition_has_the_shape_of_table_1(name, full_size):
    found, (growth, depths) = full_size(name), TABLE_1[name]
    assert f"densenet{_layers(found)}" == name
    maps = 2 * growth
    assert found["stem_conv"].output_shape == (112, 112, maps)
    assert found["stem_pool"].output_shape == (56, 56, maps)
    for block, (layers, side) in enumerate(zip(depths, (56, 28, 14, 7), strict=True), 1):
        for layer in range(1, layers + 1):
            assert found[f"block{block}_layer{layer}_conv1"].output_shape == (side, side, 4 * growth)
            assert found[f"block{block}_layer{layer}_conv2"].output_shape == (side, side, growth)
            maps += growth
            assert found[f"block{block}_layer{layer}_concat"].output_shape == (side, side, maps)
        if block < 4:
            maps //= 2
            assert found[f"transition{block}_pool"].output_shape == (side // 2, side // 2, maps)
    assert found["head_pool"].output_shape == (maps,)


@pytest.mark.parametrize(
    ("depth", "bottleneck", "layers", "maps"),
    [(40, False, 12, (160, 304, 448)), (100, True, 16, (216, 300, 342))],
)
def test_the_networks_for_cifar_have_three_equal_blocks(depth, bottleneck, layers, maps, full_size):
    found = full_size("cifar_densenet", depth=depth, bottleneck=bottleneck)
    shapes = [found[f"block{block}_layer{layers}_concat"].output_shape for block in (1, 2, 3)]
    assert shapes == [(side, side, channels) for side, channels in zip((32, 16, 8), maps, strict=True)]
    assert _layers(found) == depth


def test_every_layer_of_a_block_reads_the_maps_of_all_before_it():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 5, 3))
    model = keras.Model(inputs, dense_block(inputs, 4, 2, bottleneck=False, name="b"))
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 3)).astype("float32")
    output = np.asarray(model(x))
    assert output.shape == (1, 5, 5, 3 + 4 * 2)
    np.testing.assert_array_equal(output[..., :3], x)
    for layer in range(1, 5):
        seen = 3 + (layer - 1) * 2
        values = model.get_layer(f"b_layer{layer}_conv1")(
            np.maximum(output[..., :seen] / np.sqrt(1 + 1e-5), 0)
        )
        np.testing.assert_allclose(output[..., seen : seen + 2], values, atol=1e-5)


def test_a_transition_rounds_down():
    inputs = keras.Input((7, 6, 5))
    assert transition(inputs, name="t").shape == (None, 3, 3, 2)
    assert transition(inputs, 1.0, name="u").shape == (None, 3, 3, 5)


def _copy(theirs, ours):
    weights = {layer.name: layer.get_weights() for layer in theirs.layers}
    for layer in ours.layers:
        if not layer.weights:
            continue
        name = layer.name.replace("stem_", "conv1_").replace("head_dense", "predictions").replace("head_", "")
        name = re.sub(r"transition(\d)_", lambda match: f"pool{int(match[1]) + 1}_", name)
        name = re.sub(r"block(\d)_layer", lambda match: f"conv{int(match[1]) + 1}_block", name)
        name = re.sub(r"_bn(\d)$", lambda match: f"_{int(match[1]) - 1}_bn", name)
        name = re.sub(r"_conv(\d)$", r"_\1_conv", name)
        values = weights[name]
        if isinstance(layer, keras.layers.BatchNormalization):
            values[3] = values[3] + 1.001e-5 - layer.epsilon
        layer.set_weights(values)


@pytest.mark.parametrize("depth", [121, 169, 201])
def test_with_the_weights_of_keras_applications_the_outputs_are_the_same(depth):
    options = {"input_shape": (64, 64, 3), "classes": 10}
    network = getattr(architectures, f"densenet{depth}")(**options)
    theirs = getattr(keras.applications, f"DenseNet{depth}")(weights=None, **options)
    rng = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, size=weight.shape) for weight in layer.weights])
    _copy(theirs, network)
    image = rng.normal(size=(1, 64, 64, 3)).astype("float32")
    results = []
    for model, last in ((theirs, "relu"), (network, "head_relu")):
        maps = keras.Model(model.input, [model.get_layer(last).output, model.output])
        results.append([np.asarray(output) for output in maps(image)])
    (expected, expected_probabilities), (found, found_probabilities) = results
    scale = expected.max()
    assert expected.std(axis=(1, 2)).max() > 0.01 * scale  # the maps depend on the image
    np.testing.assert_allclose(found, expected, atol=1e-4 * scale)
    np.testing.assert_allclose(found_probabilities, expected_probabilities, atol=1e-4)


def test_a_depth_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"3n \+ 4. Received: depth=41"):
        cifar_densenet(41)
    with pytest.raises(ValueError, match=r"6n \+ 4. Received: depth=99"):
        cifar_densenet(99, bottleneck=True)
