# Figure 3, and what it leaves to arithmetic: conv1 padded by 1, conv2 not at all, pools that round up.
TABLE = {
    "input": ((224, 224, 3), 0),
    "conv1_pad": ((226, 226, 3), 0),
    "conv1": ((110, 110, 96), 14_208),
    "pool1": ((55, 55, 96), 0),
    "norm1": ((55, 55, 96), 0),
    "conv2": ((26, 26, 256), 614_656),
    "pool2": ((13, 13, 256), 0),
    "norm2": ((13, 13, 256), 0),
    "conv3": ((13, 13, 384), 885_120),
    "conv4": ((13, 13, 384), 1_327_488),
    "conv5": ((13, 13, 256), 884_992),
    "pool5": ((6, 6, 256), 0),
    "flatten": ((9216,), 0),
    "fc6": ((4096,), 37_752_832),
    "drop6": ((4096,), 0),
    "fc7": ((4096,), 16_781_312),
    "drop7": ((4096,), 0),
    "fc8": ((1000,), 4_097_000),
}


def test_each_layer_has_the_maps_of_figure_3_and_their_parameters(full_size):
    assert {row.layer: (row.output_shape, row.parameters) for row in full_size("zfnet").rows} == TABLE


def test_the_wide_network_of_table_3_has_512_1024_and_512_maps(full_size):
    wide = full_size("zfnet_wide")
    assert [wide[f"conv{number}"].output_shape[-1] for number in (3, 4, 5)] == [512, 1024, 512]
    assert wide["fc6"].parameters == (6 * 6 * 512 + 1) * 4096
