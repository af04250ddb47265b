"""Pre-activation ResNet: within a stage, nothing but additions on the way from sum to sum.

He, Zhang, Ren, Sun: Identity mappings in deep residual networks, ECCV 2016; networks for CIFAR.

| name here            | in the authors' code      | output shape, 110 layers | 164 and 1,001 layers |
|----------------------|---------------------------|--------------------------|----------------------|
| input                | (image)                   | 32, 32, 3                | 32, 32, 3            |
| stem_conv            | 3x3 convolution           | 32, 32, 16               | 32, 32, 16           |
| stage1_*             | stage 1, stride 1         | 32, 32, 16               | 32, 32, 64           |
| stage2_*             | stage 2, stride 2         | 16, 16, 32               | 16, 16, 128          |
| stage3_*             | stage 3, stride 2         | 8, 8, 64                 | 8, 8, 256            |
| head_bn, head_relu   | BatchNorm, ReLU           | 8, 8, 64                 | 8, 8, 256            |
| head_pool            | average pool 8x8          | 64                       | 256                  |
| head_dense           | linear                    | 10                       | 10                   |

BatchNorm and ReLU come before each convolution (figure 4e). In the first block, and where the shape changes,
the first of them comes before the shortcut branches off too (appendix). A changed shape is reached by option
A of ResNet with two 3x3 convolutions a block, and by a bare projection with bottlenecks, whose stride is in
the first 1x1.
"""

import functools

from course_lib.architectures._common import scaled
from course_lib.architectures._residual import activate, classify, convolve, equal_stages, stack
from course_lib.architectures.resnet import BASIC, BOTTLENECK, shortcut_path
from course_lib.backend import keras

__all__ = ["preact_resnet"]


def preact_block(x, filters, strides=1, *, kernels, shortcut, dropout=0.0, name):
    """Add a branch of BatchNorm, ReLU and convolution, once for each kernel, to the input.

    `shortcut` is "A" or "B" as in ResNet, B without BatchNorm; `dropout` acts between the convolutions.
    """
    y = activate(x, name=name, number=1)
    is_changed = strides > 1 or x.shape[-1] != filters[-1]
    if is_changed or name == "stage1_block1":
        x = y
    for i, (kernel, channels) in enumerate(zip(kernels, filters, strict=True), 1):
        if i > 1:
            y = activate(y, name=name, number=i)
            if dropout:
                y = keras.layers.Dropout(dropout, name=f"{name}_dropout{i}")(y)
        y = convolve(y, channels, kernel, strides if i == 1 else 1, name=f"{name}_conv{i}")
    if is_changed and shortcut == "B":
        x = convolve(x, filters[-1], 1, strides, name=f"{name}_shortcut_conv")
    else:
        x = shortcut_path(x, filters[-1], strides, shortcut="A", name=name)
    return keras.layers.Add(name=f"{name}_add")([x, y])


def preact_network(
    depths,
    filters,
    *,
    input_shape=(32, 32, 3),
    classes=10,
    width=1,
    classifier_activation="softmax",
    name,
    **block,
):
    """Build three stages of `preact_block` between a convolution of 16 maps and a last BatchNorm and ReLU."""
    inputs = keras.Input(input_shape, name="input")
    x = convolve(inputs, scaled(16, width), 3, name="stem_conv")
    x = stack(x, functools.partial(preact_block, **block), depths, filters, width=width)
    outputs = classify(activate(x, name="head"), classes, classifier_activation)
    return keras.Model(inputs, outputs, name=name)


def preact_resnet(depth=110, *, bottleneck=None, name="preact_resnet", **options):
    """Build a pre-activation ResNet for CIFAR.

    Args:
        depth: number of layers, 6n + 2, or 9n + 2 with bottlenecks; 110, 164 and 1001 in the paper.
        bottleneck: whether blocks are bottlenecks; None for the paper's choice, from 164 layers on.
        name: name of the model.
        **options: `input_shape` (any size works), `classes`, `width` (multiplies the channels of every
            layer), `classifier_activation` (None for logits).

    Raises:
        ValueError: if there is no network of that depth.
    """
    if bottleneck is None:
        bottleneck = depth >= 164
    kernels, filters, shortcut = (BOTTLENECK, (16, 16, 64), "B") if bottleneck else (BASIC, (16, 16), "A")
    depths = equal_stages(depth, len(kernels))
    return preact_network(depths, filters, kernels=kernels, shortcut=shortcut, name=name, **options)
