"""Wide ResNet: few but wide blocks, which a GPU computes faster than many thin ones.

Zagoruyko, Komodakis: Wide residual networks, BMVC 2016, table 1.

| name here           | name in table 1      | output shape   | k = 8, 16 layers |
|---------------------|----------------------|----------------|------------------|
| input               | (image)              | 32, 32, 3      | 32, 32, 3        |
| stem_conv           | conv1: 3x3, 16       | 32, 32, 16     | 32, 32, 16       |
| stage1_*            | conv2: 3x3, 16k      | 32, 32, 16k    | 32, 32, 128      |
| stage2_*            | conv3: 3x3, 32k      | 16, 16, 32k    | 16, 16, 256      |
| stage3_*            | conv4: 3x3, 64k      | 8, 8, 64k      | 8, 8, 512        |
| head_bn, head_relu  | (last block's end)   | 8, 8, 64k      | 8, 8, 512        |
| head_pool           | avg-pool 8x8         | 64k            | 512              |
| head_dense          | (classifier)         | 10             | 10               |

The blocks are pre-activated; the first of stage 1 projects its activated input, and with k = 1, where nothing
is to be projected, adds it (the authors' code adds the raw input there). For ImageNet (section 3) it is
ResNet-50 with twice the channels inside of each bottleneck, whose stride is in the 3x3, as in the authors'
code.
"""

import functools

from course_lib.architectures._residual import equal_stages, imagenet_network
from course_lib.architectures.preact_resnet import preact_network
from course_lib.architectures.resnet import BASIC, BOTTLENECK, residual_block

__all__ = ["wide_resnet", "wide_resnet50_2"]


def wide_resnet(depth=16, widen=8, *, dropout=0.0, name="wide_resnet", **options):
    """Build WRN-`depth`-`widen` for CIFAR: 16-8, 10,961,370 parameters; 28-10, 36,479,194.

    Args:
        depth: number of convolutions, those of the shortcuts included: 6n + 4.
        widen: the paper's k, a multiplier on the channels of the blocks.
        dropout: rate between the convolutions of a block; the paper also tries 0.3.
        name: name of the model.
        **options: `input_shape` (any size works), `classes`, `width` (multiplies the channels of every
            layer), `classifier_activation` (None for logits).

    Raises:
        ValueError: if there is no network of that depth.
    """
    depths = equal_stages(depth, len(BASIC), others=4)
    block = {"kernels": BASIC, "shortcut": "B", "dropout": dropout}
    return preact_network(depths, (16 * widen, 16 * widen), **block, name=name, **options)


def wide_resnet50_2(*, name="wide_resnet50_2", **options):
    """Build WRN-50-2-bottleneck for ImageNet: 68,883,240 parameters.

    The options are `input_shape`, `classes`, `width` and `classifier_activation`, as for `wide_resnet`.
    """
    block = functools.partial(residual_block, kernels=BOTTLENECK, stride_in_3x3=True)
    return imagenet_network(block, (3, 4, 6, 3), (128, 128, 256), name=name, **options)
