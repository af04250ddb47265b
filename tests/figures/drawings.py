"""Small networks to draw, and what was drawn, read back from a picture."""

from matplotlib.patches import Rectangle

from course_lib.architectures import inception_module
from course_lib.backend import keras


def residual():
    """Return a small network with a branch that passes two columns and one that is projected."""
    layers = keras.layers
    inputs = x = keras.Input((8, 8, 3), name="input")
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="stem")(x)))
    y = layers.Conv2D(4, 3, padding="same", name="a")(x)
    y = layers.Conv2D(4, 3, padding="same", name="b")(layers.ZeroPadding2D(0, name="pad")(y))
    x = layers.Add(name="add")([x, y])
    x = layers.Dense(2, name="head")(
        layers.Flatten(name="flat")(layers.MaxPooling2D(3, 1, "same", name="pool")(x))
    )
    return keras.Model(inputs, x, name="residual")


def grouped(groups=2):
    """Return a chain with a convolution in groups, one that reads everything, and two dense layers."""
    layers = keras.layers
    inputs = x = keras.Input((16, 16, 3), name="input")
    x = layers.MaxPooling2D(2, name="pool1")(layers.Conv2D(8, 3, padding="same", name="conv1")(x))
    x = layers.Conv2D(8, 3, padding="same", groups=groups, name="conv2")(x)
    x = layers.Conv2D(12, 3, padding="same", name="conv3")(x)
    x = layers.Dense(20, name="fc4")(layers.Flatten(name="flatten")(x))
    return keras.Model(inputs, layers.Dense(5, name="fc5")(x), name="grouped")


def module():
    """Return an inception module of 2 + 6 + 3 + 5 maps on 8, with reductions to 4 and to 1."""
    inputs = keras.Input((6, 6, 8), name="input")
    return keras.Model(inputs, inception_module(inputs, (2, 4, 6, 1, 3, 5), name="m"), name="m")


def axes_of(picture, number=0):
    return picture.figure.axes[number]


def words_of(picture, number=0):
    return [text.get_text() for text in axes_of(picture, number).texts if text.get_text()]


def fronts_of(picture):
    """Return the filled rectangles, as (width, height) in inches."""
    patches = [
        patch for patch in axes_of(picture).patches if isinstance(patch, Rectangle) and patch.get_fill()
    ]
    return [(round(patch.get_width(), 6), round(patch.get_height(), 6)) for patch in patches]
