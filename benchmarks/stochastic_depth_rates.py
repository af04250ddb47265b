"""Train the networks of chapter 09 on right and on wrong labels, at other rates and for other epochs.

    .venv/bin/python benchmarks/stochastic_depth_rates.py    # prints three tables: some 10 minutes

Everything else is as in the chapter: 20 layers, batches of 32, SGD with momentum 0.9, a rate that falls to 0
along a cosine. p_L = 1 is constant depth. The tables that it printed, on one thread, stand in README.md.
"""

import numpy as np

from course_lib import datasets, training
from course_lib.architectures import stochastic_depth_resnet
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

SEEDS = (0, 1)


def error(survival, rate, seed, epochs, given, right):
    """Return the errors in % on the digits whose labels were given, and on the others."""
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        model = stochastic_depth_resnet(20, survival=survival, input_shape=(8, 8, 1))
    count = len(given[1])
    batches = tf.data.Dataset.from_tensor_slices(given)
    batches = batches.shuffle(count, seed=seed).batch(32, drop_remainder=True)
    training.train(model, (batches, None), epochs=epochs, rate=rate, momentum=0.9, verbose=False)
    x, y = right
    answers = model.predict_on_batch(x).argmax(axis=1)
    return 100 * (answers[:count] != given[1]).mean(), 100 * (answers[count:] != y[count:]).mean()


def table(world, survivals, columns, run):
    """Print a table with a row for each p_L and seed; `run` returns the errors in a column's cell."""
    print(f"| {world}: p_L, seed |", " | ".join(f"{column:g}" for column in columns), "|")
    print("|---|" + "---:|" * len(columns))
    for survival in survivals:
        for seed in SEEDS:
            pairs = [run(survival, column, seed) for column in columns]
            cells = " | ".join(f"{test:.1f} % ({given:.1f})" for given, test in pairs)
            print(f"| {survival:g}, {seed} | {cells} |", flush=True)
    print()


def main():
    data = datasets.load("digits")
    parts = [data.arrays(split) for split in ("train", "test")]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    random = np.random.default_rng(5)  # as in the chapter
    is_wrong = random.random(500) < 0.4
    wrong = y[:500].copy()
    wrong[is_wrong] = (wrong[is_wrong] + random.integers(1, 10, is_wrong.sum())) % 10
    rates = (0.0125, 0.025, 0.05, 0.1)

    def on_right(survival, rate, seed):
        return error(survival, rate, seed, 30, (x[:300], y[:300]), (x, y))

    def on_wrong(survival, rate, seed, epochs=20):
        return error(survival, rate, seed, epochs, (x[:500], wrong), (x, y))

    table("300 right labels, by rate", (1, 0.8, 0.5), rates, on_right)
    table("500, 40 % wrong, by rate", (1, 0.5), rates, on_wrong)
    epochs = (6, 8, 10, 14, 20, 40)
    table("by epochs", (1, 0.5), epochs, lambda p, count, seed: on_wrong(p, 0.05, seed, count))


if __name__ == "__main__":
    main()
