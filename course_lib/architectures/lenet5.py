"""LeNet-5: convolution, subsampling and shared weights, trained as one system from the pixels to the answer.

LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, Proc. IEEE, 1998,
section II.B.

| name here | name in the paper                  | output shape | parameters |
|-----------|------------------------------------|--------------|-----------:|
| input     | INPUT 32x32                        | 32, 32, 1    |            |
| C1        | C1: feature maps 6@28x28           | 28, 28, 6    |        156 |
| S2        | S2: feature maps 6@14x14           | 14, 14, 6    |         12 |
| C3        | C3: feature maps 16@10x10, table I | 10, 10, 16   |      1,516 |
| S4        | S4: feature maps 16@5x5            | 5, 5, 16     |         32 |
| C5        | C5: layer 120, a convolution       | 1, 1, 120    |     48,120 |
| flatten   | (C5's maps are single units)       | 120          |            |
| F6        | F6: layer 84                       | 84           |     10,164 |
| output    | OUTPUT 10, RBF                     | 10           |  840 fixed |

60,000 trainable parameters. Every unit up to F6, those of S2 and S4 included, is squashed by 1.7159
tanh(2x/3); the weights start uniformly within +-2.4 / fan-in (appendix A). The paper scales pixels to -0.1
(paper) and 1.175 (ink).

Where we depart from the paper: biases start at zero (it doesn't say); the ten bitmaps are our own drawing
of its figure 3, for digits only.
"""

from course_lib.backend import keras
from course_lib.checks import require
from course_lib.layers import (
    DIGIT_BITMAPS,
    LENET_TABLE,
    EuclideanRBF,
    FanInUniform,
    PartialConv2D,
    Subsampling2D,
    scaled_tanh,
)

__all__ = ["lenet5", "lenet5_modern"]


def lenet5(
    *,
    table=LENET_TABLE,
    pooling="trainable",
    output="rbf",
    activation=scaled_tanh,
    kernel_initializer=None,
    name="lenet5",
):
    """Build LeNet-5 as published, or with the departures of later code one by one.

    Args:
        table: which maps of S2 each map of C3 reads, `table[input_map][output_map]`, 6 rows;
            None connects all of them (+900 parameters).
        pooling: "trainable", a coefficient and a bias a map, then squashed; or "average" (-44 parameters).
        output: "rbf", squared distances to ten bitmaps, the smallest wins, for `layers.MAPLoss`;
            or "softmax", probabilities (+850 parameters).
        activation: the squashing function of every layer up to F6.
        kernel_initializer: draws the initial weights, as in any Keras layer; the coefficients of S2 and S4
            then start at the average. None is the paper's rule, for both.
        name: name of the model.

    Returns:
        An uncompiled model from `(N, 32, 32, 1)` to `(N, 10)`. No other size: C5 needs maps of 5x5.

    Raises:
        ValueError: if `pooling` or `output` is none of the above, or if `table` doesn't have six rows.
    """
    is_pooling = pooling in ("trainable", "average")
    require(is_pooling, 'pooling must be "trainable" or "average".', f"pooling={pooling!r}")
    require(output in ("rbf", "softmax"), 'output must be "rbf" or "softmax".', f"output={output!r}")
    initial = FanInUniform() if kernel_initializer is None else kernel_initializer
    units = {"activation": activation, "kernel_initializer": initial}
    # FanInUniform's rule, which a weight of shape (maps,) cannot tell: four inputs.
    coefficients = keras.initializers.RandomUniform(-2.4 / 4, 2.4 / 4) if kernel_initializer is None else None

    def convolve(x, filters, name):
        return keras.layers.Conv2D(filters, 5, **units, name=name)(x)

    def subsample(x, name):
        if pooling == "average":
            return keras.layers.AveragePooling2D(2, name=name)(x)
        return Subsampling2D(2, activation=activation, coefficient_initializer=coefficients, name=name)(x)

    inputs = keras.Input((32, 32, 1), name="input")
    x = convolve(inputs, 6, name="C1")
    x = subsample(x, name="S2")
    x = convolve(x, 16, name="C3") if table is None else PartialConv2D(5, table, **units, name="C3")(x)
    x = subsample(x, name="S4")
    x = convolve(x, 120, name="C5")
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(84, **units, name="F6")(x)
    if output == "rbf":
        outputs = EuclideanRBF(DIGIT_BITMAPS, name="output")(x)
    else:
        outputs = keras.layers.Dense(
            10, activation="softmax", kernel_initializer=initial, dtype="float32", name="output"
        )(x)
    return keras.Model(inputs, outputs, name=name)


def lenet5_modern(*, activation=scaled_tanh, name="lenet5_modern"):
    """Build what later code calls LeNet-5: full C3, average pooling, softmax; 61,706 parameters."""
    return lenet5(table=None, pooling="average", output="softmax", activation=activation, name=name)
