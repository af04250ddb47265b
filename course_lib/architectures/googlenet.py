"""GoogLeNet: filters of several sizes side by side, made affordable by 1x1 convolutions in front of them.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich: Going deeper with convolutions,
CVPR 2015, table 1, figures 2 and 3, section 5 (auxiliary classifiers).

| name here            | name in the paper            | output shape  | parameters |
|----------------------|------------------------------|---------------|-----------:|
| input                | input                        | 224, 224, 3   |            |
| conv1                | convolution 7x7/2            | 112, 112, 64  |      9,472 |
| pool1, norm1         | max pool 3x3/2; norm (fig 3) | 56, 56, 64    |            |
| conv2_reduce, conv2  | convolution 3x3/1, #3x3 red. | 56, 56, 192   |    114,944 |
| norm2, pool2         | norm (fig 3); max pool 3x3/2 | 28, 28, 192   |            |
| inception_3a, _3b    | inception (3a), (3b)         | 28, 28, 480   |    552,432 |
| pool3                | max pool 3x3/2               | 14, 14, 480   |            |
| inception_4a ... _4e | inception (4a) ... (4e)      | 14, 14, 832   |  2,809,064 |
| pool4                | max pool 3x3/2               | 7, 7, 832     |            |
| inception_5a, _5b    | inception (5a), (5b)         | 7, 7, 1024    |  2,487,640 |
| average, dropout     | avg pool 7x7/1, dropout 40 % | 1024          |            |
| softmax2             | linear, softmax              | 1000          |  1,025,000 |
| softmax0 (after 4a)  | auxiliary classifier         | 1000          |  3,188,840 |
| softmax1 (after 4d)  | auxiliary classifier         | 1000          |  3,190,888 |

6,998,552 parameters for inference, 13,378,280 in training. Train with `loss_weights=[1, 0.3, 0.3]`.

Table 1 prints some counts that its own columns contradict: conv1 (2.7K and 34M), 4c (463K), 5a (1072K and
54M). Where we depart from the paper: it gives no constants for the normalisation, we use AlexNet's, and no
initial weights, ours are He's.
"""

from course_lib.architectures._common import max_pool_up, names_smallest_input, scaled
from course_lib.backend import keras
from course_lib.layers import LocalResponseNormalization

__all__ = ["googlenet", "googlenet_inference", "inception_module", "naive_inception_module"]

# Table 1 from row "inception (3a)": #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
TABLE_1 = (
    ("inception_3a", 64, 96, 128, 16, 32, 32),
    ("inception_3b", 128, 128, 192, 32, 96, 64),
    ("pool3",),
    ("inception_4a", 192, 96, 208, 16, 48, 64),
    ("inception_4b", 160, 112, 224, 24, 64, 64),
    ("inception_4c", 128, 128, 256, 24, 64, 64),
    ("inception_4d", 112, 144, 288, 32, 64, 64),
    ("inception_4e", 256, 160, 320, 32, 128, 128),
    ("pool4",),
    ("inception_5a", 256, 160, 320, 32, 128, 128),
    ("inception_5b", 384, 192, 384, 48, 128, 128),
)
AUXILIARY = {"inception_4a": "softmax0", "inception_4d": "softmax1"}  # figure 3
UNIT = {"activation": "relu", "kernel_initializer": "he_normal"}


def _convolve(x, filters, kernel_size, *, strides=1, name):
    return keras.layers.Conv2D(filters, kernel_size, strides=strides, padding="same", **UNIT, name=name)(x)


def inception_module(x, filters, *, name):
    """Join four views of `x` (figure 2b): 1x1; 3x3 and 5x5, each behind a 1x1; a max pool in front of a 1x1.

    `filters` is a row of `TABLE_1`: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj. `(N, H, W, C)` to
    `(N, H, W, #1x1 + #3x3 + #5x5 + pool proj)`.
    """
    f1, r3, f3, r5, f5, projection = filters
    one = _convolve(x, f1, 1, name=f"{name}_1x1")
    three = _convolve(x, r3, 1, name=f"{name}_3x3_reduce")
    three = _convolve(three, f3, 3, name=f"{name}_3x3")
    five = _convolve(x, r5, 1, name=f"{name}_5x5_reduce")
    five = _convolve(five, f5, 5, name=f"{name}_5x5")
    pool = keras.layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    pool = _convolve(pool, projection, 1, name=f"{name}_pool_proj")
    return keras.layers.Concatenate(name=f"{name}_join")([one, three, five, pool])


def naive_inception_module(x, filters, *, name):
    """Join four views of `x` without reductions (figure 2a): 1x1, 3x3, 5x5 and a max pool.

    `filters` is (#1x1, #3x3, #5x5). `(N, H, W, C)` to `(N, H, W, C + sum of filters)`: it can only grow.
    """
    views = [
        _convolve(x, maps, size, name=f"{name}_{size}x{size}")
        for size, maps in zip((1, 3, 5), filters, strict=True)
    ]
    views.append(keras.layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x))
    return keras.layers.Concatenate(name=f"{name}_join")(views)


@names_smallest_input
def googlenet(
    *, input_shape=(224, 224, 3), classes=1000, width=1, classifier_activation="softmax", name="googlenet"
):
    """Build the network for training, with three outputs: softmax2, then the auxiliary softmax0 and softmax1.

    Args:
        input_shape: `(H, W, C)`, at least 79x79.
        classes: number of outputs of each classifier.
        width: multiplies the channels of every layer.
        classifier_activation: of the outputs; None for logits.
        name: name of the model.

    Raises:
        ValueError: if the input is too small; the message says the smallest that works.
    """

    def classify(x, name):
        return keras.layers.Dense(classes, activation=classifier_activation, dtype="float32", name=name)(x)

    def auxiliary(x, name):
        x = keras.layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
        x = _convolve(x, scaled(128, width), 1, name=f"{name}_conv")
        x = keras.layers.Flatten(name=f"{name}_flatten")(x)
        x = keras.layers.Dense(scaled(1024, width), **UNIT, name=f"{name}_fc")(x)
        x = keras.layers.Dropout(0.7, name=f"{name}_dropout")(x)
        return classify(x, name)

    inputs = keras.Input(input_shape, name="input")
    x = _convolve(inputs, scaled(64, width), 7, strides=2, name="conv1")
    x = max_pool_up(x, name="pool1")
    x = LocalResponseNormalization(name="norm1")(x)
    x = _convolve(x, scaled(64, width), 1, name="conv2_reduce")
    x = _convolve(x, scaled(192, width), 3, name="conv2")
    x = LocalResponseNormalization(name="norm2")(x)
    x = max_pool_up(x, name="pool2")
    auxiliaries = []
    for row, *filters in TABLE_1:
        if filters:
            x = inception_module(x, [scaled(maps, width) for maps in filters], name=row)
        else:
            x = max_pool_up(x, name=row)
        if row in AUXILIARY:
            auxiliaries.append(auxiliary(x, AUXILIARY[row]))
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = keras.layers.Dropout(0.4, name="dropout")(x)
    return keras.Model(inputs, [classify(x, "softmax2"), *auxiliaries], name=name)


def googlenet_inference(model=None, *, name="googlenet_inference"):
    """Return `model` (a new `googlenet()` if None) without its auxiliary heads; the weights are shared."""
    model = googlenet() if model is None else model
    return keras.Model(model.input, model.outputs[0], name=name)
