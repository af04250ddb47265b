"""SqueezeNet: AlexNet's accuracy with fifty times fewer parameters, by squeezing the input of every 3x3.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and < 0.5 MB model size, 2016, table 1. Version 1.1 is the authors' later release.

| name here      | name in the paper    | squeezenet1_0 | squeezenet1_1       |
|----------------|----------------------|---------------|---------------------|
| input          | input image          | 227, 227, 3   | 227, 227, 3         |
| conv1          | conv1                | 111, 111, 96  | 113, 113, 64        |
| maxpool1       | maxpool1             | 55, 55, 96    | 56, 56, 64          |
| fire2, fire3   | fire2, fire3         | 55, 55, 128   | 56, 56, 128         |
| fire4          | fire4                | 55, 55, 256   | 28, 28, 256         |
| maxpool4       | maxpool4             | 27, 27, 256   | (3) 28, 28, 128     |
| fire5          | fire5                | 27, 27, 256   | 28, 28, 256         |
| fire6, fire7   | fire6, fire7         | 27, 27, 384   | 14, 14, 384         |
| fire8          | fire8                | 27, 27, 512   | 14, 14, 512         |
| maxpool8       | maxpool8             | 13, 13, 512   | (5) 14, 14, 256     |
| fire9, dropout | fire9, dropout 50 %  | 13, 13, 512   | 14, 14, 512         |
| conv10         | conv10               | 13, 13, 1000  | 14, 14, 1000        |
| avgpool10      | avgpool10            | 1000          | 1000                |

1,248,424 and 1,235,496 parameters. Version 1.1 pools after conv1, fire3 and fire5. The table's 111x111 needs
an input of 227, where it prints 224; the authors' file pads the 1x1 of conv10 by 1 (15x15), their table
doesn't. Pools round up, which at these sizes matters in version 1.1 alone. As in the authors' files, conv10
has a ReLU. The paper gives no initial weights; ours are He's.
"""

from course_lib.architectures._common import max_pool_up, names_smallest_input, scaled
from course_lib.backend import keras

__all__ = ["fire_module", "squeezenet1_0", "squeezenet1_1"]

# Table 1 up to fire9. A convolution: filters, kernel. A fire module: s1x1, e1x1, e3x3. A pool: nothing.
VERSION_1_0 = (
    ("conv1", 96, 7),
    ("maxpool1",),
    ("fire2", 16, 64, 64),
    ("fire3", 16, 64, 64),
    ("fire4", 32, 128, 128),
    ("maxpool4",),
    ("fire5", 32, 128, 128),
    ("fire6", 48, 192, 192),
    ("fire7", 48, 192, 192),
    ("fire8", 64, 256, 256),
    ("maxpool8",),
    ("fire9", 64, 256, 256),
)
VERSION_1_1 = (
    ("conv1", 64, 3),
    ("maxpool1",),
    ("fire2", 16, 64, 64),
    ("fire3", 16, 64, 64),
    ("maxpool3",),
    ("fire4", 32, 128, 128),
    ("fire5", 32, 128, 128),
    ("maxpool5",),
    ("fire6", 48, 192, 192),
    ("fire7", 48, 192, 192),
    ("fire8", 64, 256, 256),
    ("fire9", 64, 256, 256),
)
UNIT = {"activation": "relu", "kernel_initializer": "he_normal"}


def fire_module(x, squeeze, expand1x1, expand3x3, *, name):
    """Squeeze `x` to few channels by a 1x1, then expand them by a 1x1 and a 3x3 side by side; all with ReLU.

    `(N, H, W, C)` to `(N, H, W, expand1x1 + expand3x3)`.
    """
    x = keras.layers.Conv2D(squeeze, 1, **UNIT, name=f"{name}_squeeze1x1")(x)
    one = keras.layers.Conv2D(expand1x1, 1, **UNIT, name=f"{name}_expand1x1")(x)
    three = keras.layers.Conv2D(expand3x3, 3, padding="same", **UNIT, name=f"{name}_expand3x3")(x)
    return keras.layers.Concatenate(name=f"{name}_join")([one, three])


@names_smallest_input
def squeezenet(
    table,
    *,
    input_shape=(227, 227, 3),
    classes=1000,
    width=1,
    classifier_activation="softmax",
    name="squeezenet",
):
    """Build the SqueezeNet of a table.

    Args:
        table: `VERSION_1_0`, `VERSION_1_1` or another of that form.
        input_shape: `(H, W, C)`, at least 21x21 for 1.0, 17x17 for 1.1.
        classes: number of outputs.
        width: multiplies the channels of every layer but the last.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """
    inputs = x = keras.Input(input_shape, name="input")
    for row in table:
        match row:
            case (layer,):
                x = max_pool_up(x, name=layer)
            case (layer, filters, kernel):
                x = keras.layers.Conv2D(scaled(filters, width), kernel, strides=2, **UNIT, name=layer)(x)
            case (layer, *filters):
                x = fire_module(x, *(scaled(maps, width) for maps in filters), name=layer)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    x = keras.layers.Conv2D(classes, 1, **UNIT, name="conv10")(x)
    x = keras.layers.GlobalAveragePooling2D(name="avgpool10")(x)
    outputs = keras.layers.Activation(classifier_activation, dtype="float32", name="softmax")(x)
    return keras.Model(inputs, outputs, name=name)


def squeezenet1_0(*, name="squeezenet1_0", **options):
    """Build the network of table 1, 1,248,424 parameters; options as for `squeezenet`."""
    return squeezenet(VERSION_1_0, name=name, **options)


def squeezenet1_1(*, name="squeezenet1_1", **options):
    """Build the authors' faster release, 1,235,496 parameters; options as for `squeezenet`."""
    return squeezenet(VERSION_1_1, name=name, **options)
