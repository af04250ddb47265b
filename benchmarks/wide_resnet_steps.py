"""Time training steps of Wide ResNets, many thin layers against few wide ones, and fit three causes.

    .venv/bin/python benchmarks/wide_resnet_steps.py            # prints the table: some 5 minutes
    .venv/bin/python benchmarks/wide_resnet_steps.py --write    # and keeps it, here and for chapter 10

The first six networks are two sets of three that have, within 6 % of each other, the same multiply-adds and
the same parameters. A step is forward, backward and the update by SGD with momentum, on one fixed batch,
compiled as `fit` compiles it on CPUs. All networks are in one process and take turns, forwards and backwards,
so that a load meets all of them; the table has medians and quartiles.

The fit says, for both sizes of pictures at once: time = a x convolutions + b x values that they write + c x
multiply-adds, the last two of the whole batch. It makes the sum of the squared relative errors smallest.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np

from course_lib import architectures, facts
from course_lib.backend import keras
from course_lib.ledger import ledger

import tensorflow as tf  # isort: skip

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- wide_resnet -->", "<!-- /wide_resnet -->"
NETWORKS = ((46, 1), (16, 2), (10, 3), (100, 1), (28, 2), (16, 3), (28, 1), (16, 1), (10, 1), (10, 2))
INPUTS = ((8, 8, 1), (32, 32, 3))
BATCH = 32
LEAST_SECONDS = 0.25  # each timing repeats the step for about this long


def training_step(model):
    """Return a function that makes one training step on a fixed batch."""
    # No learning: the work is the same, and no weight can run away while it is repeated.
    optimizer = keras.optimizers.SGD(0.0, momentum=0.9)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(BATCH, *model.input_shape[1:])).astype("float32")
    labels = rng.integers(model.output_shape[-1], size=BATCH)
    batches = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    model.make_train_function()
    return lambda: model.train_function(batches)


def seconds(call, repeat):
    """Return how long a call takes, the mean of `repeat` calls."""
    begun = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - begun) / repeat


def measure(input_shape, rounds):
    """Return a row for each network: name, its counts, and the quartiles of the milliseconds of a step."""
    rows, steps, repeats = [], [], []
    for depth, widen in NETWORKS:
        model = architectures.wide_resnet(depth, widen, input_shape=input_shape)
        book = ledger(model)
        written = [row.activations for row in book.rows if row.kind == "Conv2D"]
        counts = {"macs": book.macs, "parameters": book.parameters}
        rows.append({"network": f"{depth}-{widen}", "input": list(input_shape), **counts})
        rows[-1] |= {"convolutions": len(written), "values": sum(written)}
        step = training_step(model)
        seconds(step, 3)  # the first call traces, later ones fill caches
        steps.append(step)
        repeats.append(max(1, round(LEAST_SECONDS / seconds(step, 2))))
    times = [[] for _ in rows]
    for turn in range(rounds):
        places = range(len(rows)) if turn % 2 == 0 else reversed(range(len(rows)))
        for place in places:
            times[place].append(1e3 * seconds(steps[place], repeats[place]))
    for row, milliseconds in zip(rows, times, strict=True):
        quartiles = statistics.quantiles(milliseconds, n=4, method="inclusive")
        row["milliseconds"] = [round(value, 1) for value in quartiles]
    return rows


def causes(rows):
    """Return milliseconds a convolution, a million values, a billion multiply-adds; the largest error."""
    medians = np.array([row["milliseconds"][1] for row in rows])
    units = np.array([1, BATCH / 1e6, BATCH / 1e9])
    work = units * [[row["convolutions"], row["values"], row["macs"]] for row in rows]
    prices, *_ = np.linalg.lstsq(work / medians[:, None], np.ones(len(rows)), rcond=None)
    return prices.tolist(), float(np.max(np.abs(work @ prices / medians - 1)))


def table(rows):
    """Return the table's lines: a network, its counts, and the times with quartiles of both inputs."""
    lines = [
        "| WRN | convolutions | parameters | MACs, 8x8 | step, 8x8 | MACs, 32x32 | step, 32x32 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    groups = [[row for row in rows if row["input"] == list(shape)] for shape in INPUTS]
    for small, large in zip(*groups, strict=True):
        cells = [small["network"], f"{small['convolutions']}", f"{small['parameters']:,}"]
        for row in (small, large):
            low, middle, high = row["milliseconds"]
            cells += [f"{row['macs'] / 1e6:.1f}M", f"{middle:.1f} ms ({low:.1f} to {high:.1f})"]
        lines.append(f"| {' | '.join(cells)} |")
    (layer, value, mac), error = causes(rows)
    fit = (
        f"Fitted to all {len(rows)} times, within {100 * error:.0f} % of each: {layer:.2f} ms a convolution, "
        f"{value:.1f} ms a million values written, {mac:.0f} ms a billion multiply-adds."
    )
    return [*lines, "", fit]


def main():
    """Print the table; with --write, keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11, help="timings of each network; 2 or more")
    parser.add_argument("--write", action="store_true", help="keep the table")
    options = parser.parse_args()
    rows = []
    for shape in INPUTS:
        rows += measure(shape, options.rounds)
    load = os.getloadavg()[0]
    entry = {"rows": rows, "batch": BATCH, "rounds": options.rounds, "cores": os.cpu_count(), "load": load}
    lines = table(rows)
    print("\n".join(lines), f"\nload {load:.1f}")
    if options.write:
        stored = facts.store(
            "wide_resnet_steps", entry, command="python benchmarks/wide_resnet_steps.py --write"
        )
        lines += ["", circumstances(stored)]
        before, rest = README.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        README.write_text("\n".join([before + BEGIN, *lines, END + after]), encoding="utf-8")


def circumstances(stored):
    """Return when, with what and on what a stored table was measured."""
    versions, entry = stored["versions"], stored["result"]
    return (
        f"{stored['date']}, batches of {entry['batch']}, {entry['rounds']} rounds; "
        f"Python {versions['python']}, tensorflow {versions['tensorflow']}, keras {versions['keras']}; "
        f"{entry['cores']} cores; load {entry['load']:.1f} at the end."
    )


if __name__ == "__main__":
    main()
