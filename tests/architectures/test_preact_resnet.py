import numpy as np
import pytest

from course_lib.architectures import preact_resnet
from course_lib.backend import keras


@pytest.mark.parametrize(
    ("depth", "convolutions", "maps"),
    [(110, 2, (16, 32, 64)), (164, 3, (64, 128, 256)), (1001, 3, (64, 128, 256))],
)
def test_each_depth_has_three_equal_stages(depth, convolutions, maps, full_size):
    found = full_size("preact_resnet", depth=depth)
    last = (depth - 2) // (3 * convolutions)
    shapes = [found[f"stage{stage}_block{last}_add"].output_shape for stage in (1, 2, 3)]
    assert shapes == [(side, side, channels) for side, channels in zip((32, 16, 8), maps, strict=True)]
    layers = [row.layer for row in found.rows if row.kind in ("Conv2D", "Dense")]
    assert len([layer for layer in layers if "shortcut" not in layer]) == depth


def test_bottlenecks_can_be_chosen():
    names = [layer.name for layer in preact_resnet(11, bottleneck=True).layers]
    assert "stage1_block1_conv3" in names
    assert "stage1_block1_conv3" not in [layer.name for layer in preact_resnet(8).layers]


def test_nothing_but_additions_lie_between_the_first_block_and_the_last():
    model = preact_resnet(20, input_shape=(8, 8, 3))
    for layer in model.layers:
        if layer.name.endswith("conv2"):  # the branches end here
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    way = keras.Model(
        model.input,
        [model.get_layer(name).output for name in ("stage1_block1_relu1", "stage3_block3_add")],
    )
    start, end = way(np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32"))
    # In front of stages 2 and 3 there is an activation too: it changes no value that isn't negative.
    shrink = 1 / np.sqrt(1 + 1e-5) ** 2
    np.testing.assert_allclose(end[..., :16], start[:, ::4, ::4] * shrink, rtol=1e-5)
    assert not np.any(end[..., 16:])


@pytest.mark.parametrize(
    ("block", "is_shared"), [("stage1_block1", True), ("stage1_block2", False), ("stage2_block1", True)]
)
def test_the_shortcut_starts_behind_the_activation_in_the_first_block_and_where_the_shape_changes(
    block, is_shared
):
    model = preact_resnet(14, input_shape=(8, 8, 1))
    readers = [node.operation.name for node in model.get_layer(f"{block}_relu1")._outbound_nodes]
    assert len(readers) == 1 + is_shared


def test_a_bottleneck_has_its_stride_in_the_first_1x1_and_a_bare_projection():
    model = preact_resnet(11, bottleneck=True)
    strides = [model.get_layer(f"stage2_block1_conv{i}").strides[0] for i in (1, 2, 3)]
    assert strides == [2, 1, 1]
    names = [layer.name for layer in model.layers]
    for stage in (1, 2, 3):
        assert f"stage{stage}_block1_shortcut_conv" in names
        assert f"stage{stage}_block1_shortcut_bn" not in names


def test_a_depth_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"6n \+ 2. Received: depth=21"):
        preact_resnet(21)
    with pytest.raises(ValueError, match=r"9n \+ 2. Received: depth=201"):
        preact_resnet(201)
