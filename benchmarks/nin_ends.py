"""Train three ends of a small NiN on digits that wander, and on digits that stand still, at three rates each.

    .venv/bin/python benchmarks/nin_ends.py    # both tables: some 5 minutes on two idle cores
    .venv/bin/python benchmarks/nin_ends.py 0  # the second alone: some 1 minute

Everything but the rate and the second seed is as in chapter 04: 500 digits on canvases of 24x24 pixels, 30
passes with Adam in batches of 32, the rate divided by 10 for the last six. The second table begins the class
maps at biases of 0, at a rate of 0.003, and shows the dense end digits at new places in each pass, too. What
it printed stands in README.md.
"""

import sys

import numpy as np

from course_lib import datasets, training
from course_lib.architectures.nin import nin
from course_lib.backend import keras

SMALL = (
    ("mlpconv1", (24, 16, 16), 5, 1, "same", 0),
    ("mlpconv2", (32, 32, 32), 3, 1, "same", 0),
    ("mlpconv3", (32, 32, None), 3, 1, "same", 0),
)
RATES = (0.001, 0.003, 0.006)
SEEDS = (2014, 1)
MORE_SEEDS = (2014, 1, 2, 3, 4, 5, 6, 7, 8)
STEPS = 450  # 30 passes of 15 batches
ENDS = ("average", "dense", "dropout, dense")


def on_canvas(digits, seed, *, wander):
    """Return the digits of 8x8 pixels on canvases of 24x24: at random places, or all in the middle."""
    places = np.random.default_rng(seed).integers(0, 17, (len(digits), 2)) if wander else None
    canvases = np.zeros((len(digits), 24, 24, 1), "float32")
    for number, digit in enumerate(digits):
        row, column = places[number] if wander else (8, 8)
        canvases[number, row : row + 8, column : column + 8] = digit
    return canvases


def build(end, bias):
    """Return the network with one of the ends, its class maps averaged or read by a dense layer."""
    network = nin(SMALL, input_shape=(24, 24, 1), classes=10)
    last = network.get_layer("mlpconv3_cccp2")
    last.bias.assign(np.full(10, bias))  # begun at 0, a class's map may be dead behind its ReLU
    if end == "average":
        return network
    values = keras.layers.Flatten()(last.output)
    if end == "dropout, dense":
        values = keras.layers.Dropout(0.5)(values)
    return keras.Model(network.input, keras.layers.Dense(10, activation="softmax")(values))


def errors(end, rate, seed, train, test, *, bias=1, epochs=30):
    """Return the errors in % on the first 500 training digits and on the test digits."""
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        network = build(end, bias)
        fall = keras.optimizers.schedules.PiecewiseConstantDecay([24 * 15], [rate, rate / 10])
        network.compile(keras.optimizers.Adam(fall), "sparse_categorical_crossentropy")
    training.fit(network, (train, None), epochs=epochs, batch_size=32, verbose=False)
    first = [part[:500] for part in train]
    return [100 * np.mean(network.predict_on_batch(x).argmax(axis=1) != y) for x, y in (first, test)]


def rates(x_train, y_train, x_test, y_test):
    """Print what all ends miss at each rate."""
    print("| digits, end, seed |", " | ".join(f"{rate:g}" for rate in RATES), "|")
    print("|---|" + "---:|" * len(RATES))
    for world, wander in (("wandering", True), ("still", False)):
        train = on_canvas(x_train[:500], 1, wander=wander), y_train[:500]
        test = on_canvas(x_test, 2, wander=wander), y_test
        for end in ENDS:
            for seed in SEEDS:
                pairs = [errors(end, rate, seed, train, test) for rate in RATES]
                cells = " | ".join(f"{test:.1f} % ({train:.1f})" for train, test in pairs)
                print(f"| {world}, {end}, {seed} | {cells} |", flush=True)


def from_0(x_train, y_train, x_test, y_test):
    """Print what the ends that read the class maps miss on wandering digits from biases of 0."""
    train, test = on_canvas(x_train, 1, wander=True), on_canvas(x_test, 2, wander=True)
    order = np.arange(STEPS * 32) % len(x_train)
    anew = on_canvas(x_train[order], 3, wander=True), y_train[order]
    runs = [(end, end, seed, (train, y_train), 30) for end in ENDS[1:] for seed in SEEDS]
    runs += [("dense, new places", "dense", seed, anew, 1) for seed in MORE_SEEDS]
    print("| from biases of 0, seed | 0.003 |")
    print("|---|---:|")
    for name, end, seed, shown, epochs in runs:
        known, unseen = errors(end, 0.003, seed, shown, (test, y_test), bias=0, epochs=epochs)
        print(f"| {name}, {seed} | {unseen:.1f} % ({known:.1f}) |", flush=True)


def main(tables):
    data = datasets.load("digits", batch_size=32)
    (x_train, y_train), (x_test, y_test) = data.arrays("train"), data.arrays("test")
    if tables != ["0"]:
        rates(x_train, y_train, x_test, y_test)
    from_0(x_train[:500], y_train[:500], x_test, y_test)


if __name__ == "__main__":
    main(sys.argv[1:])
