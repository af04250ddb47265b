"""Train plain-32 and ResNet-32 on the digits at seven rates each: is it the rate that makes a plain net slow?

    .venv/bin/python benchmarks/resnet_rates.py    # prints the table: some 5 minutes on two idle cores

Everything but the rate is as in chapter 07: 132 steps of 32 digits, momentum 0.9, a rate that falls to 0
along half a cosine. The table that it printed stands in README.md.
"""

import numpy as np

from course_lib import datasets, training
from course_lib.architectures import cifar_plain, cifar_resnet
from course_lib.backend import keras

RATES = (0.003, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2)
SEEDS = (2015, 1)


def training_error(network, rate, seed, data):
    """Return the error in % on all training digits after 132 steps."""
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        model = network(32, input_shape=data.image_shape)
    part = data.train.take(11)
    training.train(model, (part, None), epochs=12, rate=rate, momentum=0.9, verbose=False)
    x, y = data.arrays("train")
    return 100 * np.mean(model.predict_on_batch(x).argmax(axis=1) != y)


def main():
    data = datasets.load("digits", batch_size=32)
    print("| rate |", " | ".join(f"{rate:g}" for rate in RATES), "|")
    print("|---|" + "---:|" * len(RATES))
    for network in (cifar_plain, cifar_resnet):
        for seed in SEEDS:
            errors = [training_error(network, rate, seed, data) for rate in RATES]
            print(f"| {network.__name__}(32), seed {seed} |", end=" ")
            print(" | ".join(f"{error:.1f} %" for error in errors), "|", flush=True)


if __name__ == "__main__":
    main()
