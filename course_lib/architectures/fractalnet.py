"""FractalNet: one rule of expansion makes deep networks with short paths, and none that skips all weights.

Larsson, Maire, Shakhnarovich: FractalNet: ultra-deep neural networks without residuals, ICLR 2017, figure 1.

| name here          | name in the paper                | output shape | parameters |
|--------------------|----------------------------------|--------------|-----------:|
| input              | (image)                          | 32, 32, 3    |            |
| block1_*, pool1    | block 1, pool                    | 16, 16, 64   |    153,536 |
| block2_*, pool2    | block 2, pool                    | 8, 8, 128    |    812,800 |
| block3_*, pool3    | block 3, pool                    | 4, 4, 256    |  3,247,616 |
| block4_*, pool4    | block 4, pool                    | 2, 2, 512    | 12,983,296 |
| block5_*, pool5    | block 5, pool                    | 1, 1, 512    | 16,522,240 |
| head_pool          | (the map is a single position)   | 512          |            |
| head_dense         | prediction                       | 10           |      5,130 |

33,724,618 parameters. Column c of a block has 2^(c-1) convolutions, so three columns and five blocks are 20
layers deep. Filters and the rates of dropout and drop-path are the authors' for CIFAR.

Where we depart from the authors' code: convolutions have no bias (the BatchNorm that follows has gamma and
beta, theirs neither), and a block joins its columns before the pool, as in figure 1, where the code pools
each column first. Larger images end in an average over positions.
"""

import random

from course_lib.architectures._common import names_smallest_input, scaled
from course_lib.backend import keras
from course_lib.checks import require, whole
from course_lib.layers import FractalJoin

__all__ = ["fractalnet", "fractalnet_column"]

BLOCKS = ((64, 0.0), (128, 0.1), (256, 0.2), (512, 0.3), (512, 0.4))  # filters and dropout of each block


def convolve(x, filters, *, dropout, name):
    """Apply convolution, dropout, BatchNorm and ReLU; the weights start as in Glorot and Bengio 2010.

    BatchNorm's momentum is 0.9, since Keras's 0.99 spoils the evaluation of short trainings.
    """
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def fractal_block(x, filters, *, columns, dropout, name, **join):
    """Apply the fractal of `columns` columns row by row (figure 1, right).

    A convolution of column c is 2^(columns - c) rows high; the columns that end one in the same row are
    joined.
    """
    heads = dict.fromkeys(range(1, columns + 1), x)
    for row in range(1, 2 ** (columns - 1) + 1):
        ending = [column for column in heads if row % 2 ** (columns - column) == 0]
        for column in ending:
            number = row // 2 ** (columns - column)
            heads[column] = convolve(
                heads[column], filters, dropout=dropout, name=f"{name}_column{column}_{number}"
            )
        if len(ending) > 1:
            joined = FractalJoin(columns, **join, name=f"{name}_join{row}")([heads[c] for c in ending])
            heads.update(dict.fromkeys(ending, joined))
    return heads[columns]


@names_smallest_input
def fractalnet(
    *,
    columns=3,
    blocks=BLOCKS,
    drop_path=0.15,
    global_ratio=0.5,
    seed=None,
    input_shape=(32, 32, 3),
    classes=10,
    width=1,
    classifier_activation="softmax",
    name="fractalnet",
):
    """Build FractalNet for CIFAR.

    After a short training, evaluate it once `training.evaluation.recompute_batch_statistics` has gone over
    the training data: BatchNorm's averages are those of networks that drop-path thinned.

    Args:
        columns: number of columns of a block, the paper's C; 4 makes 40 layers.
        blocks: filters and dropout rate of each block. The pool after each halves the map.
        drop_path: probability with which a join drops a path in a local mini-batch.
        global_ratio: share of global mini-batches, where one column alone is trained (section 3).
        seed: an integer for the column that all joins choose, or None for another one in each process.
        input_shape: `(H, W, C)`, for five blocks at least 32x32.
        classes: number of outputs.
        width: multiplies the channels of every layer.
        classifier_activation: of the output; None for logits.
        name: name of the model.

    Raises:
        ValueError: if `columns`, or the size of the input (the message says the smallest that works), is too
            small.
    """
    whole("columns", columns, words="a positive integer")
    seed = random.randrange(2**31) if seed is None else seed
    join = {"drop_path": drop_path, "global_ratio": global_ratio, "global_seed": seed}
    inputs = x = keras.Input(input_shape, name="input")
    for number, (filters, dropout) in enumerate(blocks, 1):
        options = {"columns": columns, "dropout": dropout, "name": f"block{number}", **join}
        x = fractal_block(x, scaled(filters, width), **options)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
    outputs = keras.layers.Dense(
        classes, activation=classifier_activation, dtype="float32", name="head_dense"
    )(x)
    return keras.Model(inputs, outputs, name=name)


def fractalnet_column(model, column):
    """Return one column of a `fractalnet` as a plain network; the weights are shared.

    Args:
        model: a `fractalnet`.
        column: from 1, the shallowest, to the deepest.

    Raises:
        ValueError: if the model has no such column.
    """
    has_column = any(f"_column{column}_" in layer.name for layer in model.layers)
    require(has_column, "column must be one of the model's.", f"column={column!r}")
    x = model.input
    for layer in model.layers[1:]:
        if f"_column{column}_" in layer.name or not layer.name.startswith("block"):
            x = layer(x)
    return keras.Model(model.input, x, name=f"{model.name}_column{column}")
