"""ZFNet: AlexNet, corrected after looking at what its features see: smaller windows and strides at the start.

Zeiler, Fergus: Visualizing and understanding convolutional networks, ECCV 2014, figure 3 (and table 3 for the
wide one).

| name here        | name in the paper: figure 3              | output shape  | parameters |
|------------------|------------------------------------------|---------------|-----------:|
| input            | input image 224                          | 224, 224, 3   |            |
| conv1            | layer 1: 96 filters 7x7, stride 2        | 110, 110, 96  |     14,208 |
| pool1, norm1     | 3x3 max pool, stride 2; contrast norm    | 55, 55, 96    |            |
| conv2            | layer 2: 256 filters 5x5, stride 2       | 26, 26, 256   |    614,656 |
| pool2, norm2     | 3x3 max pool, stride 2; contrast norm    | 13, 13, 256   |            |
| conv3            | layer 3: 384 filters 3x3, stride 1       | 13, 13, 384   |    885,120 |
| conv4            | layer 4: 384 filters 3x3, stride 1       | 13, 13, 384   |  1,327,488 |
| conv5            | layer 5: 256 filters 3x3, stride 1       | 13, 13, 256   |    884,992 |
| pool5            | 3x3 max pool, stride 2                   | 6, 6, 256     |            |
| fc6, drop6       | layer 6: 4096 units                      | 4096          | 37,752,832 |
| fc7, drop7       | layer 7: 4096 units                      | 4096          | 16,781,312 |
| fc8              | C-class softmax                          | 1000          |  4,097,000 |

62,357,608 parameters. Figure 3's sizes follow if conv1 is padded by 1, conv2 not at all and pools round up.
All kernels read all maps, and here pooling does come before normalisation (section 3). The weights start at
random with standard deviation 0.01, the biases at 0, which goes with pixels of 0 to 255 less their mean.

Where we depart from the paper: it gives no constants for the contrast normalisation, we use AlexNet's; its
clipping of the convolutions' filters to an RMS of 0.1 belongs to training and is left out; with another
`width`, the standard deviation after conv1 is 0.01 / sqrt(width), which leaves the size of the activations as
it is.
"""

from course_lib.architectures._common import max_pool_up, names_smallest_input, scaled
from course_lib.backend import keras
from course_lib.layers import LocalResponseNormalization

__all__ = ["zfnet", "zfnet_wide"]


@names_smallest_input
def zfnet(
    *,
    widths=(384, 384, 256),
    input_shape=(224, 224, 3),
    classes=1000,
    width=1,
    classifier_activation="softmax",
    name="zfnet",
):
    """Build the network of figure 3.

    Args:
        widths: the filters of conv3, conv4 and conv5.
        input_shape: `(H, W, C)`, at least 47x47.
        classes: number of outputs.
        width: multiplies the channels of every layer.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """
    units = scaled(4096, width)
    image_weights = keras.initializers.RandomNormal(stddev=0.01)
    weights = keras.initializers.RandomNormal(stddev=0.01 / width**0.5)

    def convolve(x, filters, kernel, name, **options):
        return keras.layers.Conv2D(
            scaled(filters, width),
            kernel,
            activation="relu",
            kernel_initializer=image_weights if name == "conv1" else weights,
            name=name,
            **options,
        )(x)

    def connect(x, units, name, activation="relu", **options):
        return keras.layers.Dense(
            units, activation=activation, kernel_initializer=weights, name=name, **options
        )(x)

    inputs = keras.Input(input_shape, name="input")
    x = keras.layers.ZeroPadding2D(1, name="conv1_pad")(inputs)
    x = convolve(x, 96, 7, strides=2, name="conv1")
    x = max_pool_up(x, name="pool1")
    x = LocalResponseNormalization(name="norm1")(x)
    x = convolve(x, 256, 5, strides=2, name="conv2")
    x = max_pool_up(x, name="pool2")
    x = LocalResponseNormalization(name="norm2")(x)
    for number, filters in zip((3, 4, 5), widths, strict=True):
        x = convolve(x, filters, 3, padding="same", name=f"conv{number}")
    x = max_pool_up(x, name="pool5")
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = connect(x, units, name=f"fc{number}")
        x = keras.layers.Dropout(0.5, name=f"drop{number}")(x)
    outputs = connect(x, classes, activation=classifier_activation, dtype="float32", name="fc8")
    return keras.Model(inputs, outputs, name=name)


def zfnet_wide(*, name="zfnet_wide", **options):
    """Build table 3's best network, 512-1024-512 filters in conv3 to conv5; 107,627,624 parameters."""
    return zfnet(widths=(512, 1024, 512), name=name, **options)
