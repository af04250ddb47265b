"""ResNet: each block learns what to add to its input, so that more depth no longer means more error.

He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016.

| name here  | name in table 1    | output shape, 18 and 34 layers | 50, 101 and 152 layers |
|------------|--------------------|--------------------------------|------------------------|
| input      | (image)            | 224, 224, 3                    | 224, 224, 3            |
| stem_conv  | conv1: 7x7, 64     | 112, 112, 64                   | 112, 112, 64           |
| stem_pool  | 3x3 max pool       | 56, 56, 64                     | 56, 56, 64             |
| stage1_*   | conv2_x            | 56, 56, 64                     | 56, 56, 256            |
| stage2_*   | conv3_x            | 28, 28, 128                    | 28, 28, 512            |
| stage3_*   | conv4_x            | 14, 14, 256                    | 14, 14, 1024           |
| stage4_*   | conv5_x            | 7, 7, 512                      | 7, 7, 2048             |
| head_pool  | average pool       | 512                            | 2048                   |
| head_dense | 1000-d fc, softmax | 1000                           | 1000                   |

For CIFAR-10 (section 4.2) the stem is one 3x3 convolution, and three stages have 16, 32 and 64 maps of 32x32,
16x16 and 8x8. No convolution has a bias, BatchNorm follows each, and the weights start as in He et al. 2015.

What the paper doesn't say: strided 3x3 and 7x7 windows are padded alike on all sides and BatchNorm's epsilon
is 1e-5, as in the weights that Keras publishes; its momentum is 0.9, since Keras's 0.99 spoils short
trainings.
"""

import functools

from course_lib.architectures._residual import (
    activate,
    cifar_network,
    convolve,
    equal_stages,
    imagenet_network,
    normalize,
)
from course_lib.backend import keras
from course_lib.checks import require

__all__ = [
    "cifar_plain",
    "cifar_resnet",
    "plain18",
    "plain34",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "stage",
]

BASIC, BOTTLENECK = (3, 3), (1, 3, 1)  # the kernels of a block, figure 5
# Table 1: kernels and filters of conv2_x (each later stage has twice as many); blocks in conv2_x to conv5_x.
TABLE_1 = {
    18: (BASIC, (64, 64), (2, 2, 2, 2)),
    34: (BASIC, (64, 64), (3, 4, 6, 3)),
    50: (BOTTLENECK, (64, 64, 256), (3, 4, 6, 3)),
    101: (BOTTLENECK, (64, 64, 256), (3, 4, 23, 3)),
    152: (BOTTLENECK, (64, 64, 256), (3, 8, 36, 3)),
}


def residual_branch(x, filters, strides=1, *, kernels, groups=1, stride_in_3x3=False, name):
    """Apply a block's convolutions, one for each of its kernels and filters: F(x) of equation 1."""
    strided = kernels.index(3) if stride_in_3x3 else 0
    for i, (kernel, channels) in enumerate(zip(kernels, filters, strict=True)):
        if i > 0:
            x = activate(x, name=name, number=i)
        x = convolve(
            x,
            channels,
            kernel,
            strides if i == strided else 1,
            groups=groups if kernel == 3 else 1,
            name=f"{name}_conv{i + 1}",
        )
    return normalize(x, name=f"{name}_bn{len(kernels)}")


def shortcut_path(x, filters, strides=1, *, shortcut, name):
    """Carry a block's input past it, in the shape of its branch (section 3.3).

    Option A takes every second position and appends maps of zeros; B projects where the shape changes; C
    always.
    """
    is_option = shortcut in ("A", "B", "C")
    require(is_option, 'shortcut must be "A", "B", "C" or None.', f"shortcut={shortcut!r}")
    if shortcut == "C" or (shortcut == "B" and (strides > 1 or x.shape[-1] != filters)):
        x = convolve(x, filters, 1, strides, name=f"{name}_shortcut_conv")
        return normalize(x, name=f"{name}_shortcut_bn")
    if strides > 1:
        x = keras.layers.AveragePooling2D(1, strides, name=f"{name}_shortcut_pool")(x)
    if x.shape[-1] != filters:
        x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))
    return x


def residual_block(x, filters, strides=1, *, shortcut="B", name, **branch):
    """Add branch and shortcut, then apply ReLU (figure 2); without a shortcut, None, the block is plain."""
    y = residual_branch(x, filters, strides, name=name, **branch)
    if shortcut is not None:
        x = shortcut_path(x, filters[-1], strides, shortcut=shortcut, name=name)
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def resnet(depth, *, shortcut="B", stride_in_3x3=False, name="resnet", **options):
    """Build a column of table 1.

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        shortcut: "A", without parameters; "B", projections where the shape changes; "C", projections
            everywhere; None for a plain network.
        stride_in_3x3: True halves the map in a bottleneck's 3x3 convolution, as later code does, instead of
            in its first 1x1, as the paper does.
        name: name of the model.
        **options: `input_shape` (any size works), `classes`, `width` (multiplies the channels of every
            layer), `classifier_activation` (None for logits).

    Raises:
        ValueError: if there is no such depth or shortcut.
    """
    require(depth in TABLE_1, f"depth must be one of {', '.join(map(str, TABLE_1))}.", f"depth={depth!r}")
    kernels, filters, depths = TABLE_1[depth]
    block = functools.partial(residual_block, kernels=kernels, shortcut=shortcut, stride_in_3x3=stride_in_3x3)
    return imagenet_network(block, depths, filters, name=name, **options)


def resnet18(*, name="resnet18", **options):
    """Build ResNet-18: 11,689,512 parameters; options as for `resnet`."""
    return resnet(18, name=name, **options)


def resnet34(*, name="resnet34", **options):
    """Build ResNet-34: 21,797,672 parameters; options as for `resnet`."""
    return resnet(34, name=name, **options)


def resnet50(*, name="resnet50", **options):
    """Build ResNet-50: 25,557,032 parameters; options as for `resnet`."""
    return resnet(50, name=name, **options)


def resnet101(*, name="resnet101", **options):
    """Build ResNet-101: 44,549,160 parameters; options as for `resnet`."""
    return resnet(101, name=name, **options)


def resnet152(*, name="resnet152", **options):
    """Build ResNet-152: 60,192,808 parameters; options as for `resnet`."""
    return resnet(152, name=name, **options)


def plain18(*, name="plain18", **options):
    """Build ResNet-18 without its shortcuts: 11,515,688 parameters; the other options as for `resnet`."""
    return resnet(18, shortcut=None, name=name, **options)


def plain34(*, name="plain34", **options):
    """Build ResNet-34 without its shortcuts: 21,623,848 parameters; the other options as for `resnet`."""
    return resnet(34, shortcut=None, name=name, **options)


def cifar_resnet(depth=20, *, shortcut="A", name="cifar_resnet", **options):
    """Build a network of 6n + 2 layers for CIFAR-10 (paper: 20, 32, 44, 56, 110).

    The options are those of `resnet` without `stride_in_3x3`: the blocks have no 1x1.
    """
    block = functools.partial(residual_block, kernels=BASIC, shortcut=shortcut)
    return cifar_network(block, equal_stages(depth, 2), (16, 16), name=name, **options)


def cifar_plain(depth=20, *, name="cifar_plain", **options):
    """Build `cifar_resnet` without its shortcuts."""
    return cifar_resnet(depth, shortcut=None, name=name, **options)


def stage(model, number):
    """Return a stage of `resnet` as table 1 prints it: `[3x3,64; 3x3,64] x 2`.

    These are the kernels and filters of the convolutions of a block, and the number of blocks.
    """
    blocks = {}
    for layer in model.layers:
        block, _, part = layer.name.removeprefix(f"stage{number}_").partition("_")
        if block.startswith("block") and part in ("conv1", "conv2", "conv3"):
            height, width = layer.kernel_size
            blocks.setdefault(block, []).append(f"{height}x{width},{layer.filters}")
    require(blocks, "number must be that of a stage of the model.", f"number={number!r}, {model.name}")
    return f"[{'; '.join(blocks['block1'])}] x {len(blocks)}"
