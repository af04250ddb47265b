"""Network in network: a small multilayer perceptron slides over the image instead of a linear filter.

Lin, Chen, Yan: Network in network, ICLR 2014, sections 3.1 (mlpconv), 3.2 (global average pooling) and 4.1.

| name here | name in the paper                | nin_cifar10 | nin_imagenet |
|-----------|----------------------------------|-------------|--------------|
| input     | input                            | 32, 32, 3   | 224, 224, 3  |
| mlpconv1  | mlpconv layer                    | 32, 32, 96  | 54, 54, 96   |
| pool1     | spatial max pooling, 3x3/2       | 16, 16, 96  | 27, 27, 96   |
| mlpconv2  | mlpconv layer                    | 16, 16, 192 | 27, 27, 256  |
| pool2     | spatial max pooling, 3x3/2       | 8, 8, 192   | 13, 13, 256  |
| mlpconv3  | mlpconv layer                    | 8, 8, 10    | 13, 13, 384  |
| pool3     | spatial max pooling, 3x3/2       |             | 6, 6, 384    |
| mlpconv4  | mlpconv layer                    |             | 6, 6, 1000   |
| average   | global average pooling           | 10          | 1000         |
| softmax   | softmax                          | 10          | 1000         |

An mlpconv layer is a convolution and two 1x1 convolutions ("cascaded cross channel parametric pooling",
cccp), all with ReLU. 966,986 and 7,595,176 parameters; the pools round up.

The paper prints no kernel sizes or widths and has no ImageNet network: both tables are the authors' published
models. It gives no numbers for the initial weights; ours are He's, but for `nin_cifar10`'s class maps.
"""

from course_lib.architectures._common import max_pool_up, names_smallest_input, scaled
from course_lib.backend import keras

__all__ = ["mlpconv", "nin_cifar10", "nin_imagenet"]

# The authors' models: filters of the three layers, kernel, strides, padding, dropout after the pool.
# None stands for the number of classes; that block is not followed by a pool.
CIFAR10 = (
    ("mlpconv1", (192, 160, 96), 5, 1, "same", 0.5),
    ("mlpconv2", (192, 192, 192), 5, 1, "same", 0.5),
    ("mlpconv3", (192, 192, None), 3, 1, "same", 0),
)
IMAGENET = (
    ("mlpconv1", (96, 96, 96), 11, 4, "valid", 0),
    ("mlpconv2", (256, 256, 256), 5, 1, "same", 0),
    ("mlpconv3", (384, 384, 384), 3, 1, "same", 0.5),
    ("mlpconv4", (1024, 1024, None), 3, 1, "same", 0),
)


def mlpconv(x, filters, kernel_size, *, strides=1, padding="same", name, **last):
    """Slide a perceptron of three layers over `x`: a convolution, then two 1x1 convolutions; all with ReLU.

    `filters` has the three layers' widths. `(N, H, W, C)` to `(N, H', W', filters[2])`. Further arguments are
    the last layer's, such as `bias_initializer`.
    """
    first, second, third = filters
    unit = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = keras.layers.Conv2D(
        first, kernel_size, strides=strides, padding=padding, **unit, name=f"{name}_conv"
    )(x)
    x = keras.layers.Conv2D(second, 1, **unit, name=f"{name}_cccp1")(x)
    return keras.layers.Conv2D(third, 1, **{**unit, **last}, name=f"{name}_cccp2")(x)


@names_smallest_input
def nin(
    table,
    *,
    input_shape=(224, 224, 3),
    classes=1000,
    width=1,
    alive=False,
    classifier_activation="softmax",
    name="nin",
):
    """Build the network in network of a table.

    Args:
        table: `CIFAR10`, `IMAGENET` or another of that form.
        input_shape: `(H, W, C)`, at least 4x4 for CIFAR's, 39x39 for ImageNet's.
        classes: number of outputs.
        width: multiplies the channels of every layer but the last.
        alive: start the class maps near 1, from small weights (deviation 0.01) and biases of 1. From He's
            weights and biases of 0, maps may be 0 behind their ReLU for every picture: they have no gradient
            then, and the others follow them down until the loss is ln(classes) for good.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """
    inputs = x = keras.Input(input_shape, name="input")
    for number, (block, filters, kernel, strides, padding, rate) in enumerate(table, start=1):
        filters = [classes if maps is None else scaled(maps, width) for maps in filters]
        start = {}
        if alive and number == len(table):
            small = keras.initializers.RandomNormal(stddev=0.01)
            start = {"kernel_initializer": small, "bias_initializer": "ones"}
        x = mlpconv(x, filters, kernel, strides=strides, padding=padding, name=block, **start)
        if number < len(table):
            x = max_pool_up(x, name=f"pool{number}")
        if rate:
            x = keras.layers.Dropout(rate, name=f"drop{number}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    outputs = keras.layers.Activation(classifier_activation, dtype="float32", name="softmax")(x)
    return keras.Model(inputs, outputs, name=name)


def nin_cifar10(*, input_shape=(32, 32, 3), classes=10, alive=True, name="nin_cifar10", **options):
    """Build the network for CIFAR-10, 966,986 parameters; options as for `nin`."""
    return nin(CIFAR10, input_shape=input_shape, classes=classes, alive=alive, name=name, **options)


def nin_imagenet(*, name="nin_imagenet", **options):
    """Build the authors' network for ImageNet, 7,595,176 parameters; options as for `nin`."""
    return nin(IMAGENET, name=name, **options)
