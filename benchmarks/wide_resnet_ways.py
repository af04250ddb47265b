"""Train the small networks of chapter 10, one way deeper and one way wider, at several rates and seeds.

    .venv/bin/python benchmarks/wide_resnet_ways.py                     # the table of rates: some 5 minutes
    .venv/bin/python benchmarks/wide_resnet_ways.py --run 2016 0        # one run at 0.2, kept for the chapter
    .venv/bin/python benchmarks/wide_resnet_ways.py --run 2016 1        # the same with one thread (0: all)

Wide ResNets with a quarter of the maps on 2,048 drawn shapes of 16x16 pixels, ten epochs of 32 batches,
momentum 0.9, a rate that falls to 0 along half a cosine: all as in the chapter. 22-1 and 10-2 have about the
same multiply-adds and parameters, and so have 46-1 and 10-3. The table that it printed stands in README.md.
"""

import argparse

import numpy as np

from course_lib import architectures, datasets, facts, training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

NETWORKS = ((10, 1), (22, 1), (10, 2), (46, 1), (10, 3))
RATES = (0.05, 0.1, 0.2, 0.4)
SEEDS = (2016, 1)
SHAPES = {"image_size": 16, "train_count": 2048, "test_count": 1000, "batch_size": 64}
STORED = "wide_resnet_ways"


def missed(depth, widen, rate, seed, epochs=10):
    """Return the error in % on 1,000 test shapes."""
    keras.utils.set_random_seed(seed)
    data = datasets.load("shapes", **SHAPES)
    with training.strategy().scope():
        model = architectures.wide_resnet(depth, widen, width=0.25, input_shape=(16, 16, 3))
    training.train(model, (data.train, None), epochs=epochs, rate=rate, momentum=0.9, verbose=False)
    x, y = data.arrays("test")
    error = 100 * np.mean(model.predict(x, batch_size=500, verbose=0).argmax(axis=1) != y)
    keras.backend.clear_session()
    return error


def keep(seed, threads):
    """Train all networks at a rate of 0.2 and keep their errors beside those of other runs."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    errors = {f"{d}-{k}": round(float(missed(d, k, 0.2, seed)), 1) for d, k in NETWORKS}
    runs = facts.stored(STORED)["result"]
    others = [run for run in runs if (run["seed"], run["threads"]) != (seed, threads)]
    run = {"seed": seed, "threads": threads, "errors": errors}
    command = "python benchmarks/wide_resnet_ways.py --run SEED THREADS"
    facts.store(STORED, [*others, run], command=command)
    print(run)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", nargs=2, type=int, metavar=("SEED", "THREADS"))
    parser.add_argument("--epochs", type=int, default=10, help="of the table")
    options = parser.parse_args()
    if options.run:
        keep(*options.run)
        return
    columns = [(rate, seed) for rate in RATES for seed in SEEDS]
    print("| rate, seed |", " | ".join(f"{rate:g}, {seed}" for rate, seed in columns), "|")
    print("|---|" + "---:|" * len(columns))
    for depth, widen in NETWORKS:
        print(f"| {depth}-{widen} |", end=" ")
        for rate, seed in columns:
            print(f"{missed(depth, widen, rate, seed, options.epochs):.1f} %", end=" | ", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
