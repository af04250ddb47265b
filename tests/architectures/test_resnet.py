import functools
import re

import numpy as np
import pytest

from course_lib.architectures import cifar_plain, plain18, resnet18, resnet50
from course_lib.architectures.resnet import TABLE_1, residual_block, resnet, shortcut_path, stage
from course_lib.backend import keras

NETWORKS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "plain18", "plain34")


@functools.cache
def _tiny(build=resnet18, **options):
    return build(**{"input_shape": (32, 32, 3), "width": 0.1, "classes": 4, **options})


@pytest.mark.parametrize("name", NETWORKS)
def test_each_stage_has_the_shapes_and_blocks_of_table_1(name, full_size):
    found, depth = full_size(name), int(re.sub(r"\D", "", name))
    blocks, expansion = TABLE_1[depth][2], 4 if depth >= 50 else 1
    assert found["stem_conv"].output_shape == (112, 112, 64)
    assert found["stem_pool"].output_shape == (56, 56, 64)
    for place, (count, side) in enumerate(zip(blocks, (56, 28, 14, 7), strict=True)):
        outputs = [row for row in found.rows if re.fullmatch(rf"stage{place + 1}_block\d+_relu", row.layer)]
        assert [row.output_shape for row in outputs] == [(side, side, 64 * 2**place * expansion)] * count
    assert found["head_dense"].output_shape == (1000,)
    layers = [row.layer for row in found.rows if row.kind in ("Conv2D", "Dense")]
    assert len([layer for layer in layers if "shortcut" not in layer]) == depth


@pytest.mark.parametrize("name", ["cifar_resnet", "cifar_plain"])
@pytest.mark.parametrize("depth", [20, 56])
def test_the_networks_for_cifar_have_three_equal_stages(name, depth, full_size):
    found, last = full_size(name, depth=depth), (depth - 2) // 6
    shapes = [found[f"stage{stage}_block{last}_relu"].output_shape for stage in (1, 2, 3)]
    assert shapes == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]
    assert len([row for row in found.rows if row.kind in ("Conv2D", "Dense")]) == depth


def test_option_a_adds_no_parameters_and_option_c_projects_in_every_block(full_size):
    plain, a, b, c = (full_size("resnet18", shortcut=option) for option in (None, "A", "B", "C"))
    changed = sum(inputs * 2 * inputs + 2 * 2 * inputs for inputs in (64, 128, 256))
    unchanged = sum(maps**2 + 2 * maps for maps in (64, 64, 128, 256, 512))
    assert (a.parameters, a.macs) == (plain.parameters, plain.macs) == (11_515_688, 1_794_805_760)
    assert b.parameters == a.parameters + changed == 11_689_512
    assert c.parameters == b.parameters + unchanged == 12_043_816


def test_option_a_takes_every_second_position_and_appends_zeros():
    x = np.random.default_rng(0).normal(size=(2, 7, 8, 3)).astype("float32")
    found = shortcut_path(x, 5, 2, shortcut="A", name="block")
    np.testing.assert_array_equal(found[..., :3], x[:, ::2, ::2])
    np.testing.assert_array_equal(found[..., 3:], np.zeros((2, 4, 4, 2)))


def test_a_plain_network_is_option_a_without_its_shortcuts():
    plain, residual = _tiny(plain18), _tiny(shortcut="A")
    names = [[layer.name for layer in model.layers] for model in (plain, residual)]
    assert [name for name in names[1] if "add" not in name and "shortcut" not in name] == names[0]
    shapes = [[weight.shape for weight in model.weights] for model in (plain, residual)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("shortcut", ["A", "B", None])
def test_a_block_whose_branch_is_zero_passes_its_input_on(shortcut):
    inputs = keras.Input((6, 6, 4))
    block = keras.Model(inputs, residual_block(inputs, (4, 4), kernels=(3, 3), shortcut=shortcut, name="b"))
    block.get_layer("b_conv2").set_weights([np.zeros((3, 3, 4, 4))])
    x = np.random.default_rng(0).uniform(size=(2, 6, 6, 4)).astype("float32")
    np.testing.assert_allclose(block(x), 0 * x if shortcut is None else x)


def test_the_kernels_start_with_the_scale_of_he():
    keras.utils.set_random_seed(0)
    model = resnet18(input_shape=(32, 32, 3), width=0.5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            (kernel,) = layer.get_weights()
            expected = np.sqrt(2 / np.prod(kernel.shape[:3]))
            assert abs(kernel.std() / expected - 1) < 5 / np.sqrt(2 * kernel.size)


def test_no_convolution_has_a_bias_and_batch_normalisation_follows_each():
    layers = _tiny(resnet50).layers
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert not any(layer.use_bias for layer in convolutions)
    for layer in convolutions:
        (node,) = layer._outbound_nodes
        assert isinstance(node.operation, keras.layers.BatchNormalization)
        assert (node.operation.momentum, node.operation.epsilon) == (0.9, 1e-5)


def test_the_stride_is_in_the_first_1x1_convolution_or_in_the_3x3_one(full_size):
    names = ("stage1_block1_conv1", *(f"stage2_block1_conv{i}" for i in (1, 2, 3)))
    for options, expected in (({}, [1, 2, 1, 1]), ({"stride_in_3x3": True}, [1, 1, 2, 1])):
        model = _tiny(resnet50, **options)
        assert [model.get_layer(name).strides[0] for name in names] == expected
    found = full_size("resnet50", stride_in_3x3=True)
    assert (found.parameters, found.macs) == (25_557_032, 4_089_184_256)


def _copy(theirs, ours):
    """Give our network the weights of one of Keras, which has biases in front of BatchNorm."""
    weights = {layer.name: layer.get_weights() for layer in theirs.layers}
    for layer in ours.layers:
        if not layer.weights:
            continue
        name = layer.name.replace("stem_", "conv1_").replace("head_dense", "predictions")
        name = re.sub(r"stage(\d)", lambda stage: f"conv{int(stage[1]) + 1}", name)
        name = re.sub(r"shortcut_(\w+)", r"0_\1", re.sub(r"_(conv|bn)(\d)$", r"_\2_\1", name))
        values = weights[name]
        if isinstance(layer, keras.layers.Conv2D):
            values = values[:1]
        elif isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = values
            bias = weights[name.replace("_bn", "_conv")][1]
            values = [gamma, beta, mean - bias, variance + 1.001e-5 - layer.epsilon]
        layer.set_weights(values)


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_with_the_weights_of_keras_applications_the_outputs_are_the_same(depth):
    options = {"input_shape": (64, 64, 3), "classes": 10}
    network = resnet(depth, **options)
    theirs = getattr(keras.applications, f"ResNet{depth}")(weights=None, **options)
    rng = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, size=weight.shape) for weight in layer.weights])
        elif layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(size=bias.shape)])
    _copy(theirs, network)
    image = rng.normal(size=(1, 64, 64, 3)).astype("float32")
    results = []
    for model, last in ((theirs, "conv5_block3_out"), (network, "stage4_block3_relu")):
        maps = keras.Model(model.input, [model.get_layer(last).output, model.output])
        results.append([np.asarray(output) for output in maps(image)])
    (expected, expected_probabilities), (found, found_probabilities) = results
    scale = expected.max()
    assert expected.std(axis=(1, 2)).max() > 0.01 * scale  # the maps depend on the image
    np.testing.assert_allclose(found, expected, atol=1e-4 * scale)
    np.testing.assert_allclose(found_probabilities, expected_probabilities, atol=1e-4)


def test_a_network_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="Received: depth=20"):
        resnet(20)
    with pytest.raises(ValueError, match="Received: shortcut='D'"):
        resnet18(shortcut="D")
    for depth in (2, 21):
        with pytest.raises(ValueError, match=rf"6n \+ 2. Received: depth={depth}"):
            cifar_plain(depth)


def test_a_stage_reads_as_table_1_prints_it():
    tiny = {"input_shape": (32, 32, 3), "width": 0.25}
    assert stage(_tiny(resnet50, width=0.25), 1) == "[1x1,16; 3x3,16; 1x1,64] x 3"
    assert stage(plain18(**tiny), 4) == "[3x3,128; 3x3,128] x 2"
    with pytest.raises(ValueError, match="Received: number=5, resnet18"):
        stage(_tiny(), 5)
