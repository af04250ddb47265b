import pytest

from course_lib.architectures import wide_resnet, wide_resnet50_2
from course_lib.backend import keras


@pytest.mark.parametrize(("depth", "widen"), [(16, 8), (28, 10)])
def test_each_network_for_cifar_has_the_shapes_of_table_1(depth, widen, full_size):
    found, last = full_size("wide_resnet", depth=depth, widen=widen), (depth - 4) // 6
    assert found["stem_conv"].output_shape == (32, 32, 16)
    shapes = [found[f"stage{stage}_block{last}_add"].output_shape for stage in (1, 2, 3)]
    assert shapes == [(32, 32, 16 * widen), (16, 16, 32 * widen), (8, 8, 64 * widen)]
    assert len([row for row in found.rows if row.kind == "Conv2D"]) == depth


def test_widening_by_one_leaves_the_first_shape_alone():
    names = [layer.name for layer in wide_resnet(10, 1).layers]
    assert [name for name in names if "shortcut" in name] == [
        "stage2_block1_shortcut_conv",
        "stage3_block1_shortcut_conv",
    ]


def test_dropout_lies_between_the_convolutions_of_a_block():
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in wide_resnet(10, 1).layers)
    model = wide_resnet(10, 1, dropout=0.3)
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in dropouts] == [0.3] * 3
    for layer in dropouts:
        (reader,) = (node.operation.name for node in layer._outbound_nodes)
        assert reader == layer.name.replace("dropout2", "conv2")


def test_the_network_for_imagenet_is_resnet_50_twice_as_wide_inside(full_size):
    found, thin = full_size("wide_resnet50_2"), full_size("resnet50")
    assert [row[:2] for row in found.rows if "_pad" not in row.layer] == [
        row[:2] for row in thin.rows if "_pad" not in row.layer
    ]
    for stage, side, maps in ((1, 56, 128), (2, 28, 256), (3, 14, 512), (4, 7, 1024)):
        assert found[f"stage{stage}_block1_conv2"].output_shape == (side, side, maps)
        assert found[f"stage{stage}_block1_relu"].output_shape == (side, side, 2 * maps)
    model = wide_resnet50_2(input_shape=(8, 8, 3), width=0.1)
    strides = [model.get_layer(f"stage2_block1_conv{i}").strides[0] for i in (1, 2, 3)]
    assert strides == [1, 2, 1]


def test_a_depth_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"6n \+ 4. Received: depth=20"):
        wide_resnet(20)
