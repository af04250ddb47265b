"""Train figure 4's five orders, and more networks, on the digits: which of them bear a high rate, and why?

    .venv/bin/python benchmarks/preact_rates.py    # prints two tables: some 8 minutes on two idle cores

He et al. 2016 (ECCV), figure 4. The networks of 38 layers and their training are those of chapter 08: 132
steps of 32 digits, momentum 0.9, a rate that falls to 0 along half a cosine. A network is a stem, the order
of the layers in its blocks, and a head; BN0 is a BatchNorm whose factor begins at 0, /5 divides by 5. The
second table has what was changed to find the causes. The tables that it printed stand in README.md.
"""

import numpy as np

from course_lib import datasets, training
from course_lib.architectures.resnet import shortcut_path
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

RATES = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2)
ORIGINAL, FULL = "conv BN ReLU conv BN + ReLU", "BN ReLU conv BN ReLU conv +"
NETWORKS = {
    "a original": ("conv BN ReLU", ORIGINAL, ""),
    "b BN after addition": ("conv BN ReLU", "conv BN ReLU conv + BN ReLU", ""),
    "c ReLU before addition": ("conv BN ReLU", "conv BN ReLU conv BN ReLU +", ""),
    "d ReLU-only pre-activation": ("conv BN", "ReLU conv BN ReLU conv BN +", "ReLU"),
    "e full pre-activation": ("conv", FULL, "BN ReLU"),
    "a with a last BN": ("conv BN ReLU", ORIGINAL, "BN"),
    "e without a last BN": ("conv", FULL, "ReLU"),
    "e without BN and ReLU at the end": ("conv", FULL, ""),
}
ONLY_BN = "ReLU conv BN ReLU conv + BN"  # of b's two layers on the way, BatchNorm alone
CAUSES = {  # the last number is that of the blocks a stage
    "a original": ("conv BN ReLU", ORIGINAL, ""),
    "a, last sum divided by 5": ("conv BN ReLU", ORIGINAL, "/5"),
    "a, branches that begin at 0": ("conv BN ReLU", "conv BN ReLU conv BN0 + ReLU", ""),
    "c with a last BN": ("conv BN ReLU", "conv BN ReLU conv BN ReLU +", "BN"),
    "b BN after addition": ("conv BN ReLU", "conv BN ReLU conv + BN ReLU", ""),
    "b with BN alone after addition": ("conv BN", ONLY_BN, "ReLU"),
    "b of 14 layers": ("conv BN ReLU", "conv BN ReLU conv + BN ReLU", "", 2),
}
SEEDS = (2015, 1, 2)


def chain(x, order, filters=None, strides=1, shortcut=None):
    """Apply the layers that `order` names; + adds the shortcut."""
    for kind in order.split():
        if kind == "conv":
            options = {"use_bias": False, "kernel_initializer": "he_normal"}
            x = keras.layers.Conv2D(filters, 3, strides, "same", **options)(x)
            strides = 1
        elif kind in ("BN", "BN0"):
            gamma = "zeros" if kind == "BN0" else "ones"
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma)(x)
        elif kind == "/5":
            x = keras.layers.Rescaling(0.2)(x)
        elif kind == "ReLU":
            x = keras.layers.ReLU()(x)
        else:
            x = keras.layers.Add()([shortcut, x])
    return x


def network(stem, order, head, blocks=6):
    """Return a network for digits, with so many blocks in each of three stages."""
    inputs = keras.Input((8, 8, 1))
    x = chain(inputs, stem, 16)
    for block in range(3 * blocks):
        filters = 16 * 2 ** (block // blocks)
        strides = 2 if block in (blocks, 2 * blocks) else 1
        shortcut = shortcut_path(x, filters, strides, shortcut="A", name=f"block{block}")
        x = chain(x, order, filters, strides, shortcut)
    x = keras.layers.GlobalAveragePooling2D()(chain(x, head))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def training_error(parts, rate, seed=2015):
    """Return the error in % on all training digits after 132 steps, or NaN if the loss is no number."""
    data = datasets.load("digits", batch_size=32)  # anew: the same batches in each run
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        model = network(*parts)
    steps = data.train.take(11)
    try:
        training.train(model, (steps, None), epochs=12, rate=rate, momentum=0.9, verbose=False)
    except FloatingPointError:
        return np.nan
    x, y = data.arrays("train")
    return 100 * np.mean(model.predict_on_batch(x).argmax(axis=1) != y)


def main():
    print("| rate |", " | ".join(f"{rate:g}" for rate in RATES), "|")
    print("|---|" + "---:|" * len(RATES))
    for name, parts in NETWORKS.items():
        print(f"| {name} |", end=" ")
        for rate in RATES:
            print(f"{training_error(parts, rate):.1f} %", end=" | ", flush=True)
        print(flush=True)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as in the chapter
    print("\n| rate 0.1 |", " | ".join(f"seed {seed}" for seed in SEEDS), "|")
    print("|---|" + "---:|" * len(SEEDS))
    for name, parts in CAUSES.items():
        errors = (f"{training_error(parts, 0.1, seed):.1f} %" for seed in SEEDS)
        print(f"| {name} |", " | ".join(errors), "|", flush=True)


if __name__ == "__main__":
    main()
