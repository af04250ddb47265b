"""Measure the library side by side with what it stands beside: `.venv/bin/python benchmarks/run.py`.

Each row of the table compares two ways to do the same work. Both run in one process, in turns, so that
whatever else the machine does meets both; each row has a process of its own. benchmarks/README.md says more.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import importlib.metadata
import io
import math
import multiprocessing
import os
import platform
import re
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib import architectures, layers, training
from course_lib.backend import keras
from course_lib.data import Augmentation, load

import tensorflow as tf  # isort: skip

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"
LEAST_SECONDS = 0.25  # each timing repeats the work for about this long


class Comparison(NamedTuple):
    """Two functions that do the same work, and the goal: a bound of ours against the other.

    "at least 2" bounds how many times as fast ours is, "at most 1" how many times as long it takes.
    """

    ours: object
    other: object
    goal: str
    images: int = 0  # in a call, to show images a second; 0 shows milliseconds


def fit():
    """`training.fit`, showing progress, against a silent `keras.Model.fit`: LeNet-5, five epochs of digits"""
    data = load("digits", image_size=20, pad=6)
    models = [_compiled(architectures.lenet5(), layers.MAPLoss()) for _ in range(2)]

    def ours():
        with contextlib.redirect_stderr(io.StringIO()):  # away from the table
            training.fit(models[0], data, epochs=5)

    def plain():
        models[1].fit(data.train, validation_data=data.test, epochs=5, shuffle=False, verbose=0)

    images = 5 * int(data.train.cardinality()) * data.train.element_spec[0].shape[0]
    return Comparison(ours, plain, "at least 0.98", images)


def vgg16():
    """Training step of `vgg16` against `keras.applications`, which has no dropout; 2 images of 224x224"""
    return _beside_applications(architectures.vgg16, keras.applications.VGG16, batch=2)


def resnet50():
    """Training step of `resnet50` against `keras.applications`, which adds biases; 4 images of 224x224"""
    return _beside_applications(architectures.resnet50, keras.applications.ResNet50, batch=4)


def densenet121():
    """Training step of `densenet121` against `keras.applications`; 4 images of 224x224"""
    return _beside_applications(architectures.densenet121, keras.applications.DenseNet121, batch=4)


def lrn1():
    """`LocalResponseNormalization`, forward and backward, against TensorFlow's; 16 x AlexNet's norm1"""
    return _beside_tensorflow((16, 55, 55, 96))


def lrn2():
    """The same at 16 x AlexNet's norm2"""
    return _beside_tensorflow((16, 27, 27, 256))


def groups1():
    """`layers.Conv2D`, forward and backward, against Keras's; 64 filters of 3x3 on 32x8x8x64"""
    return _beside_conv2d(1, "at most 1.05")


def groups2():
    """The same in 2 groups"""
    return _beside_conv2d(2, "at least 8")


def groups8():
    """The same in 8 groups"""
    return _beside_conv2d(8, "at least 15")


def groups32():
    """The same in 32 groups"""
    return _beside_conv2d(32, "at least 30")


def alexnet():
    """Training step of `alexnet`, half as wide, against that with Keras's `Conv2D`; 8 images of 227x227"""
    return _beside_keras_groups(architectures.alexnet(width=0.5), 8)


def resnext29():
    """Training step of `cifar_resnext29`, a quarter as wide, against the same; 4 images of 32x32"""
    return _beside_keras_groups(architectures.cifar_resnext29(width=0.25), 4)


def lenet5():
    """Training step of LeNet-5 as published against `lenet5_modern`; 64 images of 32x32"""
    ours = _step(architectures.lenet5(), 64, layers.MAPLoss())
    return Comparison(ours, _step(architectures.lenet5_modern(), 64), "at most 1.15", 64)


def pipeline_digits():
    """Pipeline of digits, shifted, scaled, squeezed and sheared, against the training step of LeNet-5"""
    changes = Augmentation(shift=2, scale=0.2, squeeze=0.2, shear=0.3)
    data = load("digits", image_size=20, pad=6, augmentation=changes)
    return _beside_step(data, architectures.lenet5(), layers.MAPLoss())


def pipeline_shapes():
    """Pipeline of shapes 32x32, flipped, cropped and coloured, against the training step of ResNet-20"""
    changes = Augmentation(flip="horizontal", crop=0.875, color=0.2)
    data = load("shapes", image_size=32, augmentation=changes, train_count=512, test_count=64)
    return _beside_step(data, architectures.cifar_resnet(20))


ROWS = {
    row.__name__: row
    for row in (
        *(fit, vgg16, resnet50, densenet121),
        *(lrn1, lrn2),
        *(groups1, groups2, groups8, groups32, alexnet, resnext29),
        *(lenet5, pipeline_digits, pipeline_shapes),
    )
}


def _compiled(model, loss="sparse_categorical_crossentropy"):
    # No learning: the work is the same, and no weight can run away while it is repeated.
    model.compile(keras.optimizers.SGD(0.0, momentum=0.9), loss=loss, jit_compile=False)
    return model


def _step(model, batch, *loss):
    """Return a function that makes one training step, as `keras.Model.fit` compiles it, on a fixed batch."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(batch, *model.input_shape[1:])).astype("float32")
    labels = rng.integers(model.output_shape[-1], size=batch)
    batches = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    _compiled(model, *loss).make_train_function()
    return lambda: model.train_function(batches)


def _beside_applications(ours, other, batch):
    return Comparison(_step(ours(), batch), _step(other(weights=None), batch), "at most 1.00")


def _beside_step(data, model, *loss):
    batches, batch = int(data.train.cardinality()), data.train.element_spec[0].shape[0]
    step = _step(model, batch, *loss)

    def read():  # a whole epoch: what the pipeline prefetched during the other's turn would cost nothing
        for _ in data.train:
            pass

    def train():
        for _ in range(batches):
            step()

    return Comparison(read, train, "at least 1", batches * batch)


def _beside_tensorflow(shape):
    def other(x):
        return tf.nn.local_response_normalization(x, 2, bias=2.0, alpha=1e-4, beta=0.75)

    images = np.random.default_rng(0).normal(scale=50, size=shape)
    return _both_ways(layers.LocalResponseNormalization(), other, images, 1e-6, "at least 2")


def _beside_conv2d(groups, goal):
    images = np.random.default_rng(0).normal(size=(32, 8, 8, 64))
    ours, other = (
        kind(64, 3, padding="same", groups=groups) for kind in (layers.Conv2D, keras.layers.Conv2D)
    )
    for layer in (ours, other):
        layer.build(images.shape)
    other.set_weights(ours.get_weights())
    return _both_ways(ours, other, images, 1e-5, goal)


def _beside_keras_groups(model, batch):
    """Compare the step of a model with that of the same one whose convolutions are all Keras's."""

    def copy(layer):
        kind = keras.layers.Conv2D if isinstance(layer, layers.Conv2D) else type(layer)
        return kind.from_config(layer.get_config())

    other = keras.models.clone_model(model, clone_function=copy)
    return Comparison(_step(model, batch), _step(other, batch), "at least 1", batch)


def _both_ways(ours, other, images, most, goal):
    """Compare two layers, forward and backward, once their results differ by less than `most`."""
    images = tf.constant(images, tf.float32)
    upstream = tf.constant(np.random.default_rng(1).normal(size=ours(images).shape), tf.float32)

    def step_of(layer):
        weights = [weight.value for weight in getattr(layer, "trainable_variables", ())]

        @tf.function(jit_compile=False)
        def step():
            with tf.GradientTape() as tape:
                tape.watch(images)
                outputs = layer(images)
            return outputs, *tape.gradient(outputs, [images, *weights], upstream)

        return step

    ours, other = step_of(ours), step_of(other)
    for one, two in zip(ours(), other(), strict=True):
        error = float(tf.reduce_max(tf.abs(one - two)) / tf.reduce_max(tf.abs(two)))
        if not error < most:
            raise ArithmeticError(
                f"The error must be less than {most} of the largest value. Received: {error}"
            )
    return Comparison(ours, other, goal)


def measure(name, rounds):
    """Return the seconds that a call takes, of ours and of the other, one pair a round, and images a call."""
    comparison = ROWS[name]()
    pair = comparison.ours, comparison.other
    for call in pair:  # the first call traces, later ones fill caches
        call()
    longest = max(_seconds(call, 2) for call in pair)
    repeat = math.ceil(LEAST_SECONDS / longest)
    timings = []
    for turn in range(rounds):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        seconds = {side: _seconds(pair[side], repeat) for side in order}
        timings.append((seconds[0], seconds[1]))
    return timings, comparison.goal, comparison.images


def _seconds(call, repeat):
    begun = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - begun) / repeat


def line(what, timings, goal, images=0):
    """Return a line of the table: medians of both sides, median and quartiles of the rounds' ratios, verdict.

    Args:
        what: what is compared.
        timings: pairs of seconds (ours, other), one a round, two or more.
        goal: "at least" or "at most" and a number; see `Comparison`.
        images: in a call; 0 shows milliseconds.
    """
    bound = float(goal.split()[-1])
    is_speed = goal.startswith("at least")
    ratios = [other / ours if is_speed else ours / other for ours, other in timings]
    # The figures that are printed decide.
    low, middle, high = (round(q, 2) for q in statistics.quantiles(ratios, n=4, method="inclusive"))
    if middle >= bound if is_speed else middle <= bound:
        verdict = "met"
    else:
        verdict = "within the spread" if low <= bound <= high else "missed"
    medians = [statistics.median(side) for side in zip(*timings, strict=True)]
    sides = [
        f"{images / seconds:,.0f} images/s" if images else f"{1e3 * seconds:,.1f} ms" for seconds in medians
    ]
    return f"| {what} | {' | '.join(sides)} | {middle:.2f} ({low:.2f} to {high:.2f}) | {goal} | {verdict} |"


def write(table, path):
    """Put the table between the two marks of a Markdown file.

    Raises:
        ValueError: if the file has no such marks.
    """
    old = path.read_text(encoding="utf-8")
    new, count = re.subn(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table}\n{END}", old, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{path.name} must have one pair of marks {BEGIN} and {END}. Received: {count}")
    path.write_text(new, encoding="utf-8")


def _circumstances(rounds, loads):
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("tensorflow", "keras", "numpy")
    )
    return (
        f"{datetime.date.today()}, {rounds} rounds a row; Python {platform.python_version()}, {versions}; "
        f"{os.cpu_count()} cores, {platform.machine()}; load {min(loads):.1f} to {max(loads):.1f}, of which "
        f"this command makes up to {os.cpu_count()}. Printed by `python {' '.join(sys.argv)}`."
    )


def main():
    """Print the table; with --write, put it into benchmarks/README.md too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS)
    )
    parser.add_argument("--rounds", type=int, default=9, help="timings of each side; 2 or more")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    if options.rounds < 2:
        parser.error(f"--rounds must be 2 or more. Received: {options.rounds}")
    if options.write and options.only != list(ROWS):
        parser.error("--write needs the whole table, without --only")
    lines, loads = (
        ["| what | ours | other | ratio (quartiles) | goal | verdict |", "|---|---:|---:|---:|---|---|"],
        [],
    )
    print("\n".join(lines), flush=True)
    for name in options.only:
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, spawn) as process:
            result = process.submit(measure, name, options.rounds).result()
        lines.append(line(ROWS[name].__doc__, *result))
        loads.append(os.getloadavg()[0])
        print(lines[-1], flush=True)
    lines += ["", _circumstances(options.rounds, loads)]
    print("\n".join(lines[-2:]))
    if options.write:
        write("\n".join(lines), README)


if __name__ == "__main__":
    main()
