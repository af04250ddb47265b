"""AlexNet: LeNet's idea at the scale of a million photographs, with ReLU, dropout and two GPUs.

Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, NIPS 2012,
section 3.5 and figure 2.

| name here    | name in the paper                           | output shape  | parameters |
|--------------|---------------------------------------------|---------------|-----------:|
| input        | 224 x 224 x 3; its arithmetic needs 227     | 227, 227, 3   |            |
| conv1        | 96 kernels of 11 x 11 x 3, stride 4         | 55, 55, 96    |     34,944 |
| norm1, pool1 | response-normalized and pooled, 3x3/2       | 27, 27, 96    |            |
| conv2        | 256 kernels of 5 x 5 x 48                   | 27, 27, 256   |    307,456 |
| norm2, pool2 | response-normalized and pooled, 3x3/2       | 13, 13, 256   |            |
| conv3        | 384 kernels of 3 x 3 x 256 (both towers)    | 13, 13, 384   |    885,120 |
| conv4        | 384 kernels of 3 x 3 x 192                  | 13, 13, 384   |    663,936 |
| conv5        | 256 kernels of 3 x 3 x 192                  | 13, 13, 256   |    442,624 |
| pool5        | pooled, 3x3/2                               | 6, 6, 256     |            |
| fc6, drop6   | 4096 neurons, half of them dropped          | 4096          | 37,752,832 |
| fc7, drop7   | 4096 neurons, half of them dropped          | 4096          | 16,781,312 |
| fc8          | 1000-way softmax                            | 1000          |  4,097,000 |

60,965,224 parameters. The two GPUs' towers are the two groups of conv2, conv4 and conv5; conv3 and the dense
layers read both. The weights start from a normal distribution of standard deviation 0.01, the biases of
conv2, conv4, conv5, fc6 and fc7 at 1, the others at 0 (section 5).

These constants go with the paper's pixels, 0 to 255 less their mean; on pixels in [0, 1] the network hardly
starts to learn.

Where we depart from the paper: the towers stand side by side in one map, so at the four maps where they meet
the response normalisation reads across; with another `width`, the standard deviation after conv1 is 0.01 /
sqrt(width), which leaves the size of the activations as it is.
"""

from course_lib.architectures._common import names_smallest_input, scaled
from course_lib.backend import keras
from course_lib.layers import Conv2D, LocalResponseNormalization

__all__ = ["alexnet", "alexnet_one_tower"]

# Section 3.5: kernels, their size and stride, whether each tower reads itself alone, what follows.
CONVOLUTIONS = (
    ("conv1", 96, 11, 4, False, ("norm1", "pool1")),
    ("conv2", 256, 5, 1, True, ("norm2", "pool2")),
    ("conv3", 384, 3, 1, False, ()),
    ("conv4", 384, 3, 1, True, ()),
    ("conv5", 256, 3, 1, True, ("pool5",)),
)


@names_smallest_input
def alexnet(
    *,
    groups=2,
    normalize_first=True,
    input_shape=(227, 227, 3),
    classes=1000,
    width=1,
    classifier_activation="softmax",
    name="alexnet",
):
    """Build AlexNet as published.

    Args:
        groups: the towers of conv2, conv4 and conv5; 1 lets every kernel read all maps (+1,413,120).
        normalize_first: False pools before it normalises, as the later CaffeNet does.
        input_shape: `(H, W, C)`, at least 67x67.
        classes: number of outputs.
        width: multiplies the channels of every layer; rounded to a multiple of `groups` in convolutions.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """
    units = scaled(4096, width)
    image_weights = keras.initializers.RandomNormal(stddev=0.01)
    weights = keras.initializers.RandomNormal(stddev=0.01 / width**0.5)
    inputs = x = keras.Input(input_shape, name="input")
    for layer, filters, kernel, strides, own_tower, steps in CONVOLUTIONS:
        x = Conv2D(
            scaled(filters, width, groups),
            kernel,
            strides=strides,
            padding="valid" if layer == "conv1" else "same",
            groups=groups if own_tower else 1,
            activation="relu",
            kernel_initializer=image_weights if layer == "conv1" else weights,
            bias_initializer="ones" if own_tower else "zeros",
            name=layer,
        )(x)
        for step in steps if normalize_first else reversed(steps):
            if step.startswith("norm"):
                x = LocalResponseNormalization(name=step)(x)
            else:
                x = keras.layers.MaxPooling2D(3, 2, name=step)(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=weights,
            bias_initializer="ones",
            name=f"fc{number}",
        )(x)
        x = keras.layers.Dropout(0.5, name=f"drop{number}")(x)
    outputs = keras.layers.Dense(
        classes,
        activation=classifier_activation,
        kernel_initializer=weights,
        dtype="float32",
        name="fc8",
    )(x)
    return keras.Model(inputs, outputs, name=name)


def alexnet_one_tower(*, name="alexnet_one_tower", **options):
    """Build AlexNet with every kernel reading all maps, as most later code has it; 62,378,344 parameters."""
    return alexnet(groups=1, name=name, **options)
