import numpy as np
import pytest

from course_lib.architectures import cifar_resnext29, outline, resnext50
from course_lib.backend import keras


def test_the_network_for_imagenet_has_the_shapes_of_table_1(full_size):
    found = full_size("resnext50")
    assert found["stem_pool"].output_shape == (56, 56, 64)
    for stage, (blocks, side, maps) in enumerate(((3, 56, 128), (4, 28, 256), (6, 14, 512), (3, 7, 1024)), 1):
        for block in (f"stage{stage}_block{number}" for number in range(1, blocks + 1)):
            assert found[f"{block}_conv2"].output_shape == (side, side, maps)
            assert found[f"{block}_conv2"].parameters == 9 * maps * maps / 32
            assert found[f"{block}_relu"].output_shape == (side, side, 2 * maps)
    assert found["stage2_block1_conv1"].output_shape == (56, 56, 256)  # the stride is in the 3x3


@pytest.mark.parametrize("cardinality", [8, 16])
def test_each_network_for_cifar_has_29_layers_in_three_stages(cardinality, full_size):
    found = full_size("cifar_resnext29", cardinality=cardinality)
    assert found["stem_conv"].output_shape == (32, 32, 64)
    for stage, (side, maps) in enumerate(((32, 256), (16, 512), (8, 1024)), 1):
        inner = 64 * cardinality * 2 ** (stage - 1)
        assert found[f"stage{stage}_block3_conv2"].output_shape == (side, side, inner)
        assert found[f"stage{stage}_block3_relu"].output_shape == (side, side, maps)
    layers = [row.layer for row in found.rows if row.kind in ("Conv2D", "Dense")]
    assert len([layer for layer in layers if "shortcut" not in layer]) == 29


def test_the_groups_are_the_papers_paths_added_up():
    """Figure 3: (a), the sum of paths of a 1x1, 3x3 and 1x1 convolution, is (c), the grouped convolution."""
    keras.utils.set_random_seed(0)
    model = cifar_resnext29(4, 2, input_shape=(5, 5, 3), width=0.25)
    first, grouped, last = (model.get_layer(f"stage1_block2_conv{i}") for i in (1, 2, 3))
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 64)).astype("float32")
    cardinality, channels = grouped.groups, first.filters // grouped.groups
    total = 0
    for path in range(cardinality):
        own = slice(path * channels, (path + 1) * channels)
        y = keras.ops.conv(x, first.kernel[..., own], padding="same")
        y = keras.ops.conv(y, grouped.kernel[..., own], padding="same")
        total += keras.ops.conv(y, last.kernel[:, :, own], padding="same")
    assert cardinality == 4
    np.testing.assert_allclose(last(grouped(first(x))), total, atol=1e-5)


@pytest.mark.parametrize("width", [0.001, 0.3, 1.7])
def test_at_any_width_the_cardinality_stays(width):
    models = [
        outline(resnext50, width=width),
        outline(cifar_resnext29, width=width),
        outline(cifar_resnext29, 3, 5, width=width),
    ]
    for model, groups in zip(models, (32, 8, 3), strict=True):
        assert {layer.groups for layer in model.layers if layer.name.endswith("conv2")} == {groups}
