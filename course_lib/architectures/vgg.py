"""VGG: depth alone, by stacking the smallest filter that knows left from right.

Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, ICLR 2015, table 1.

| name here         | name in the paper (column D)   | output shape  | parameters  |
|-------------------|--------------------------------|---------------|------------:|
| input             | input (224 x 224 RGB image)    | 224, 224, 3   |             |
| conv1_1, conv1_2  | conv3-64, conv3-64             | 224, 224, 64  |      38,720 |
| pool1             | maxpool                        | 112, 112, 64  |             |
| conv2_1, conv2_2  | conv3-128, conv3-128           | 112, 112, 128 |     221,440 |
| pool2             | maxpool                        | 56, 56, 128   |             |
| conv3_1 - conv3_3 | conv3-256, three times         | 56, 56, 256   |   1,475,328 |
| pool3             | maxpool                        | 28, 28, 256   |             |
| conv4_1 - conv4_3 | conv3-512, three times         | 28, 28, 512   |   5,899,776 |
| pool4             | maxpool                        | 14, 14, 512   |             |
| conv5_1 - conv5_3 | conv3-512, three times         | 14, 14, 512   |   7,079,424 |
| pool5             | maxpool                        | 7, 7, 512     |             |
| fc6, drop6        | FC-4096                        | 4096          | 102,764,544 |
| fc7, drop7        | FC-4096                        | 4096          |  16,781,312 |
| fc8               | FC-1000, soft-max              | 1000          |   4,097,000 |

138,357,544 parameters. The weights start as Glorot and Bengio's, which the authors recommend in hindsight
(section 3.1); the paper's own runs started the deep columns from a trained column A.
"""

from course_lib.architectures._common import names_smallest_input, scaled
from course_lib.backend import keras
from course_lib.checks import require
from course_lib.layers import LocalResponseNormalization

__all__ = ["vgg16", "vgg19", "vgg_a", "vgg_a_lrn", "vgg_b", "vgg_c", "vgg_d", "vgg_e"]

# Table 1: the block's channels, then the kernel sizes of its convolutions in each column.
COLUMNS = ("A", "A-LRN", "B", "C", "D", "E")
TABLE_1 = (
    (64, ((3,), (3,), (3, 3), (3, 3), (3, 3), (3, 3))),
    (128, ((3,), (3,), (3, 3), (3, 3), (3, 3), (3, 3))),
    (256, ((3, 3), (3, 3), (3, 3), (3, 3, 1), (3, 3, 3), (3, 3, 3, 3))),
    (512, ((3, 3), (3, 3), (3, 3), (3, 3, 1), (3, 3, 3), (3, 3, 3, 3))),
    (512, ((3, 3), (3, 3), (3, 3), (3, 3, 1), (3, 3, 3), (3, 3, 3, 3))),
)


@names_smallest_input
def vgg(
    column,
    *,
    input_shape=(224, 224, 3),
    classes=1000,
    width=1,
    classifier_activation="softmax",
    name="vgg",
):
    """Build a column of table 1.

    Args:
        column: one of `COLUMNS`.
        input_shape: `(H, W, C)`, at least 32x32.
        classes: number of outputs.
        width: multiplies the channels of every layer.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if there is no such column; if the input is too small (the message says the smallest).
    """
    require(column in COLUMNS, f"column must be one of {', '.join(COLUMNS)}.", f"column={column!r}")
    inputs = x = keras.Input(input_shape, name="input")
    for block, (filters, kernels) in enumerate(TABLE_1, start=1):
        for number, kernel in enumerate(kernels[COLUMNS.index(column)], start=1):
            x = keras.layers.Conv2D(
                scaled(filters, width),
                kernel,
                padding="same",
                activation="relu",
                name=f"conv{block}_{number}",
            )(x)
        if column == "A-LRN" and block == 1:
            x = LocalResponseNormalization(name="norm1")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = keras.layers.Dense(scaled(4096, width), activation="relu", name=f"fc{number}")(x)
        x = keras.layers.Dropout(0.5, name=f"drop{number}")(x)
    outputs = keras.layers.Dense(classes, activation=classifier_activation, dtype="float32", name="fc8")(x)
    return keras.Model(inputs, outputs, name=name)


def vgg_a(*, name="vgg_a", **options):
    """Build column A, 11 layers with weights, 132,863,336 parameters; options as for `vgg`."""
    return vgg("A", name=name, **options)


def vgg_a_lrn(*, name="vgg_a_lrn", **options):
    """Build column A with AlexNet's response normalisation after conv1_1; options as for `vgg`."""
    return vgg("A-LRN", name=name, **options)


def vgg_b(*, name="vgg_b", **options):
    """Build column B, 13 layers with weights, 133,047,848 parameters; options as for `vgg`."""
    return vgg("B", name=name, **options)


def vgg_c(*, name="vgg_c", **options):
    """Build column C, three of its 16 layers 1x1, 133,638,952 parameters; options as for `vgg`."""
    return vgg("C", name=name, **options)


def vgg_d(*, name="vgg_d", **options):
    """Build column D, 16 layers with weights, 138,357,544 parameters; options as for `vgg`."""
    return vgg("D", name=name, **options)


def vgg_e(*, name="vgg_e", **options):
    """Build column E, 19 layers with weights, 143,667,240 parameters; options as for `vgg`."""
    return vgg("E", name=name, **options)


def vgg16(*, name="vgg16", **options):
    """Build column D under its usual name; options as for `vgg`."""
    return vgg("D", name=name, **options)


def vgg19(*, name="vgg19", **options):
    """Build column E under its usual name; options as for `vgg`."""
    return vgg("E", name=name, **options)
