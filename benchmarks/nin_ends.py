"""Train three ends of a small NiN on digits that wander, and on digits that stand still, at three rates each.

    .venv/bin/python benchmarks/nin_ends.py    # prints the table: some 4 minutes on two idle cores

Everything but the rate and the second seed is as in chapter 04: 500 digits on canvases of 24x24 pixels, 30
passes with Adam in batches of 32, the rate divided by 10 for the last six. The table that it
printed stands in README.md.
"""

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
ENDS = ("average", "dense", "dropout, dense")


def on_canvas(digits, seed, *, wander):
    """Return the digits of 8x8 pixels on canvases of 24x24: at random places, or all in the middle."""
    places = np.random.default_rng(seed).integers(0, 17, (len(digits), 2)) if wander else None
    canvases = np.zeros((len(digits), 24, 24, 1), "float32")
    for number, digit in enumerate(digits):
        row, column = places[number] if wander else (8, 8)
        canvases[number, row : row + 8, column : column + 8] = digit
    return canvases


def build(end):
    """Return the network with one of the ends, its class maps averaged or read by a dense layer."""
    network = nin(SMALL, input_shape=(24, 24, 1), classes=10)
    last = network.get_layer("mlpconv3_cccp2")
    last.bias.assign(np.ones(10))  # begun at 0, a class's map may be dead behind its ReLU
    if end == "average":
        return network
    values = keras.layers.Flatten()(last.output)
    if end == "dropout, dense":
        values = keras.layers.Dropout(0.5)(values)
    return keras.Model(network.input, keras.layers.Dense(10, activation="softmax")(values))


def errors(end, rate, seed, train, test):
    """Return the errors in % on the training and the test digits."""
    keras.utils.set_random_seed(seed)
    with training.strategy().scope():
        network = build(end)
        fall = keras.optimizers.schedules.PiecewiseConstantDecay([24 * 15], [rate, rate / 10])
        network.compile(keras.optimizers.Adam(fall), "sparse_categorical_crossentropy")
    training.fit(network, (train, None), epochs=30, batch_size=32, verbose=False)
    return [100 * np.mean(network.predict_on_batch(x).argmax(axis=1) != y) for x, y in (train, test)]


def main():
    data = datasets.load("digits", batch_size=32)
    (x_train, y_train), (x_test, y_test) = data.arrays("train"), data.arrays("test")
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


if __name__ == "__main__":
    main()
