"""Train small SqueezeNets at three rates each: starts of conv10, squeeze ratios, shares of 3x3 filters.

    .venv/bin/python benchmarks/squeezenet_sweeps.py starts    # or ratios, or shares: a minute or two each

Everything else is as in chapter 14: 500 digits of 8x8 pixels, 15 passes with Adam in batches of 32, the rate
falling to 0 along a cosine. Test errors in %, of each seed; one thread. The tables that it printed stand in
README.md.
"""

import sys

import numpy as np

from course_lib import datasets, training
from course_lib.architectures import fire_module
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

RATES = (0.0015, 0.003, 0.006)
SEEDS = (2016, 1)
SMALL = {"ratio": 1 / 6, "share": 0.5, "widths": (48, 96), "start": "biases 1"}
STARTS = ("authors", "He", "biases 1", "no ReLU")
RATIOS = (1 / 24, 1 / 12, 1 / 6, 1 / 3, 2 / 3, 1)
SHARES = {0: (88, 168), 0.25: (56, 120), 0.5: (48, 96), 0.75: (40, 84), 1: (40, 72)}


def build(ratio, share, widths, start):
    """Return the network: per width two Fire modules, a pool between the widths.

    Args:
        ratio: filters of the squeeze layer to those of both expands.
        share: of the expand filters that are 3x3.
        widths: expand filters of the first two modules and of the last two.
        start: of conv10: "authors" (deviation 0.01, biases 0), "He", "biases 1" (He) or "no ReLU" (He).
    """
    relu = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(32, 3, padding="same", **relu, name="conv1")(x)
    for number in range(4):
        if number == 2:
            x = keras.layers.MaxPooling2D(2, name="maxpool3")(x)
        expand = widths[number // 2]
        wide, squeeze = round(share * expand), max(1, round(ratio * expand))
        x = fire(x, squeeze, expand - wide, wide, name=f"fire{number + 2}")
    small = keras.initializers.RandomNormal(stddev=0.01)
    last = {
        "activation": None if start == "no ReLU" else "relu",
        "kernel_initializer": small if start == "authors" else "he_normal",
        "bias_initializer": "ones" if start == "biases 1" else "zeros",
    }
    x = keras.layers.Conv2D(10, 1, **last, name="conv10")(x)
    x = keras.layers.GlobalAveragePooling2D(name="avgpool10")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="softmax")(x))


def fire(x, squeeze, expand1x1, expand3x3, *, name):
    """Return a Fire module, which may have filters of one kind alone."""
    if expand1x1 and expand3x3:
        return fire_module(x, squeeze, expand1x1, expand3x3, name=name)
    relu = {"activation": "relu", "kernel_initializer": "he_normal", "padding": "same"}
    x = keras.layers.Conv2D(squeeze, 1, **relu, name=f"{name}_squeeze1x1")(x)
    kernel = 3 if expand3x3 else 1
    return keras.layers.Conv2D(expand1x1 + expand3x3, kernel, **relu, name=f"{name}_expand")(x)


def run(rate, seed, train, test, **changes):
    """Return the parameters, the test error in % and the classes whose map is 0 for all training digits."""
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        model = build(**{**SMALL, **changes})
    training.train(model, (train, None), epochs=15, rate=rate, batch_size=32, verbose=False)
    maps = keras.Model(model.input, model.get_layer("conv10").output).predict_on_batch(train[0])
    dead = int(np.sum(np.abs(maps).max(axis=(0, 1, 2)) == 0))
    missed = model.predict_on_batch(test[0]).argmax(axis=1) != test[1]
    return model.count_params(), 100 * np.mean(missed), dead


def main(sweep):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    data = datasets.load("digits", batch_size=32)
    (x_train, y_train), test = data.arrays("train"), data.arrays("test")
    train = x_train[:500], y_train[:500]
    rows = {
        "starts": {start: {"start": start} for start in STARTS},
        "ratios": {f"{ratio:.3f}": {"ratio": ratio} for ratio in RATIOS},
        "shares": {f"{share:.0%}": {"share": share, "widths": w} for share, w in SHARES.items()},
    }[sweep]
    print(f"| {sweep} | parameters |", " | ".join(f"{rate:g}" for rate in RATES), "|")
    print("|---|---:|" + "---:|" * len(RATES))
    for name, changes in rows.items():
        cells = []
        for rate in RATES:
            runs = [run(rate, seed, train, test, **changes) for seed in SEEDS]
            cells.append(", ".join(f"{error:.1f}" + f" ({dead})" * (dead > 0) for _, error, dead in runs))
        print(f"| {name} | {runs[0][0]:,} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
