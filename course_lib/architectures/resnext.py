"""ResNeXt: many thin paths in a block do more, at the same cost, than one that is wider.

Xie, Girshick, Dollár, Tu, He: Aggregated residual transformations for deep neural networks, CVPR 2017, table
1.

| name here  | name in table 1 (32x4d)                     | output shape  |
|------------|---------------------------------------------|---------------|
| input      | (image)                                     | 224, 224, 3   |
| stem_conv  | conv1: 7x7, 64, stride 2                    | 112, 112, 64  |
| stem_pool  | 3x3 max pool, stride 2                      | 56, 56, 64    |
| stage1_*   | conv2: 1x1, 128; 3x3, 128, C=32; 1x1, 256   | 56, 56, 256   |
| stage2_*   | conv3: 1x1, 256; 3x3, 256, C=32; 1x1, 512   | 28, 28, 512   |
| stage3_*   | conv4: 1x1, 512; 3x3, 512, C=32; 1x1, 1024  | 14, 14, 1024  |
| stage4_*   | conv5: 1x1, 1024; 3x3, 1024, C=32; 1x1, 2048| 7, 7, 2048    |
| head_pool  | global average pool                         | 2048          |
| head_dense | 1000-d fc, softmax                          | 1000          |

The paths are computed as a grouped convolution (figure 3c), which also has the stride (section 4). For CIFAR
(section 5.3): a 3x3 stem of 64 maps, three stages of three blocks, of 256, 512 and 1024 maps.
"""

import functools

from course_lib.architectures._common import scaled
from course_lib.architectures._residual import cifar_network, imagenet_network
from course_lib.architectures.resnet import BOTTLENECK, residual_block

__all__ = ["cifar_resnext29", "resnext50"]


def resnext_block(x, filters, strides=1, *, cardinality, name):
    """Apply a bottleneck whose 3x3 convolution, with the stride, is split into `cardinality` groups.

    Inside, the number of channels is rounded to a multiple of `cardinality`.
    """
    *inner, outer = filters
    filters = [*(scaled(channels, 1, cardinality) for channels in inner), outer]
    options = {"kernels": BOTTLENECK, "groups": cardinality, "stride_in_3x3": True}
    return residual_block(x, filters, strides, **options, name=name)


def resnext50(*, name="resnext50", **options):
    """Build ResNeXt-50 (32x4d): 25,028,904 parameters.

    The options are `input_shape` (any size works), `classes`, `width` (multiplies the channels of every
    layer), `classifier_activation` (None for logits).
    """
    block = functools.partial(resnext_block, cardinality=32)
    return imagenet_network(block, (3, 4, 6, 3), (128, 128, 256), name=name, **options)


def cifar_resnext29(cardinality=8, group_width=64, *, name="cifar_resnext29", **options):
    """Build ResNeXt-29 for CIFAR: 8x64d, 34,426,698 parameters; 16x64d, 68,155,210.

    Args:
        cardinality: number of groups.
        group_width: channels of a group in the first stage.
        name: name of the model.
        **options: as for `resnext50`.
    """
    block = functools.partial(resnext_block, cardinality=cardinality)
    inner = cardinality * group_width
    return cifar_network(block, (3, 3, 3), (inner, inner, 256), stem_filters=64, name=name, **options)
