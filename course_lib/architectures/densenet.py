"""DenseNet: every layer reads the maps of all layers before it, so that each adds only a few.

Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks, CVPR 2017, table 1.

| name here       | name in table 1             | output shape, DenseNet-121 (k = 32) |
|-----------------|-----------------------------|-------------------------------------|
| input           | (image)                     | 224, 224, 3                         |
| stem_conv       | Convolution: 7x7, stride 2  | 112, 112, 64                        |
| stem_pool       | Pooling: 3x3 max, stride 2  | 56, 56, 64                          |
| block1_*        | Dense Block (1)             | 56, 56, 256                         |
| transition1_*   | Transition Layer (1)        | 28, 28, 128                         |
| block2_*        | Dense Block (2)             | 28, 28, 512                         |
| transition2_*   | Transition Layer (2)        | 14, 14, 256                         |
| block3_*        | Dense Block (3)             | 14, 14, 1024                        |
| transition3_*   | Transition Layer (3)        | 7, 7, 512                           |
| block4_*        | Dense Block (4)             | 7, 7, 1024                          |
| head_bn, _relu  | (BatchNorm, ReLU)           | 7, 7, 1024                          |
| head_pool       | 7x7 global average pool     | 1024                                |
| head_dense      | 1000D fully-connected       | 1000                                |

For CIFAR (section 3) the stem is a 3x3 convolution and there are three equal blocks. BatchNorm and ReLU come
before each convolution but the first; the weights start as in He et al. 2015.

Where we depart from the paper: no dropout, which it adds for data that is not augmented.
"""

import functools

from course_lib.architectures._common import names_smallest_input, scaled
from course_lib.architectures._residual import activate, classify, convolve, equal_stages, imagenet_stem
from course_lib.backend import keras

__all__ = [
    "cifar_densenet",
    "dense_block",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "transition",
]

# Table 1: growth rate, layers in each block; 161 from the authors' code.
TABLE_1 = {
    121: (32, (6, 12, 24, 16)),
    169: (32, (6, 12, 32, 32)),
    201: (32, (6, 12, 48, 32)),
    161: (48, (6, 12, 36, 24)),
}


def dense_block(x, layers, growth, *, bottleneck=True, name):
    """Append `growth` maps in each layer: `(N, H, W, C)` to `(N, H, W, C + layers * growth)`.

    With `bottleneck`, a 1x1 convolution to `4 * growth` maps goes before each 3x3 one (DenseNet-B).
    """
    for layer in range(1, layers + 1):
        y = x
        for number, kernel in enumerate((1, 3) if bottleneck else (3,), 1):
            y = activate(y, name=f"{name}_layer{layer}", number=number)
            filters = 4 * growth if kernel == 1 else growth
            y = convolve(y, filters, kernel, name=f"{name}_layer{layer}_conv{number}")
        x = keras.layers.Concatenate(name=f"{name}_layer{layer}_concat")([x, y])
    return x


def transition(x, compression=0.5, *, name):
    """Keep a share of the maps, rounded down, at half the size.

    `(N, H, W, C)` to `(N, H // 2, W // 2, C * compression)`.
    """
    x = activate(x, name=name)
    x = convolve(x, int(x.shape[-1] * compression), 1, name=f"{name}_conv")
    return keras.layers.AveragePooling2D(2, name=f"{name}_pool")(x)


@names_smallest_input
def densenet(
    growth,
    depths,
    *,
    stem=imagenet_stem,
    stem_filters=None,
    bottleneck=True,
    compression=0.5,
    input_shape=(224, 224, 3),
    classes=1000,
    width=1,
    classifier_activation="softmax",
    name="densenet",
):
    """Build dense blocks with transitions between them.

    Args:
        growth: maps that each layer adds, the paper's k.
        depths: layers in each block.
        stem: function of the image and `stem_filters`.
        stem_filters: channels of the stem; None for `2 * growth`.
        bottleneck: whether a 1x1 convolution goes before each 3x3 one.
        compression: share of the maps that a transition keeps.
        input_shape: `(H, W, C)`, at least 29x29.
        classes: number of outputs.
        width: multiplies the channels of every layer, through `growth` and `stem_filters`.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """
    inputs = keras.Input(input_shape, name="input")
    x = stem(inputs, scaled(stem_filters or 2 * growth, width))
    growth = scaled(growth, width)
    for number, layers in enumerate(depths, 1):
        x = dense_block(x, layers, growth, bottleneck=bottleneck, name=f"block{number}")
        if number < len(depths):
            x = transition(x, compression, name=f"transition{number}")
    outputs = classify(activate(x, name="head"), classes, classifier_activation)
    return keras.Model(inputs, outputs, name=name)


def densenet121(*, name="densenet121", **options):
    """Build DenseNet-121: 7,978,856 parameters; options as for `densenet`."""
    return densenet(*TABLE_1[121], name=name, **options)


def densenet169(*, name="densenet169", **options):
    """Build DenseNet-169: 14,149,480 parameters; options as for `densenet`."""
    return densenet(*TABLE_1[169], name=name, **options)


def densenet201(*, name="densenet201", **options):
    """Build DenseNet-201: 20,013,928 parameters; options as for `densenet`."""
    return densenet(*TABLE_1[201], name=name, **options)


def densenet161(*, name="densenet161", **options):
    """Build DenseNet-161: 28,681,000 parameters; options as for `densenet`."""
    return densenet(*TABLE_1[161], name=name, **options)


def cifar_densenet(
    depth=40,
    growth=12,
    bottleneck=False,
    *,
    name="cifar_densenet",
    **options,
):
    """Build a DenseNet for CIFAR: 40-12, 1,019,722 parameters, or DenseNet-BC: 100-12, 769,162.

    Args:
        depth: number of layers, 3n + 4, or 6n + 4 with bottlenecks.
        growth: maps that each layer adds.
        bottleneck: True for bottlenecks, transitions that halve the number of maps, and a stem of `2 *
            growth` maps; False for none, transitions that keep it, and 16 maps.
        name: name of the model.
        **options: as for `densenet`; `input_shape` is at least 4x4.

    Raises:
        ValueError: if there is no network of that depth; if the input is too small.
    """
    depths = equal_stages(depth, 2 if bottleneck else 1, others=4)
    options = {"input_shape": (32, 32, 3), "classes": 10, **options}
    return densenet(
        growth,
        depths,
        stem=functools.partial(convolve, kernel=3, name="stem_conv"),
        stem_filters=None if bottleneck else 16,
        bottleneck=bottleneck,
        compression=0.5 if bottleneck else 1.0,
        name=name,
        **options,
    )
