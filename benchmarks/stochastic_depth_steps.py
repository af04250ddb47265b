"""Time training steps of ResNet-56: all blocks, gates that compute all the same, and active blocks alone.

    .venv/bin/python benchmarks/stochastic_depth_steps.py    # prints the table: some 4 minutes

Stochastic depth drops blocks with the survival line from 1 to 0.5. `layers.StochasticDepth` computes a
dropped branch and multiplies it by 0; the authors' code computes nothing of it. Here each of DRAWS networks
has only the blocks that a mini-batch drew, as that code would run them. A step is forward, backward and the
update, at learning rate 0, on 32 pictures of 32x32. All networks are timed in turns, ROUNDS times; a ratio is
taken within its round.
"""

import functools
import time

import numpy as np

from course_lib import architectures
from course_lib.architectures._residual import cifar_network
from course_lib.architectures.resnet import BASIC, residual_block, shortcut_path
from course_lib.backend import keras
from course_lib.ledger import ledger

import tensorflow as tf  # isort: skip

DEPTH, BLOCKS = 56, 27
DRAWS, ROUNDS = 6, 9


def drawn_network(lamps):
    """Return ResNet-56 with the blocks alone whose lamp is lit; of the others the shortcuts are left."""
    lit = iter(lamps)

    def block(x, filters, strides, *, name):
        if next(lit):
            return residual_block(x, filters, strides, kernels=BASIC, shortcut="A", name=name)
        return shortcut_path(x, filters[-1], strides, shortcut="A", name=name)

    return cifar_network(block, (BLOCKS // 3,) * 3, (16, 16), name="drawn")


def step_of(network):
    """Return a function that makes one training step, after three calls that are not counted."""
    x = tf.constant(np.random.default_rng(0).random((32, 32, 32, 3), dtype="float32"))
    y = tf.constant(np.arange(32) % 10)
    optimizer = keras.optimizers.SGD(0.0, momentum=0.9)
    optimizer.build(network.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss(y, network(x, training=True))
        optimizer.apply(tape.gradient(value, network.trainable_variables))
        return value

    for _ in range(3):
        step()
    return step


def seconds(step):
    """Return how long a step takes."""
    start = time.perf_counter()
    float(step())
    return time.perf_counter() - start


def main():
    random = np.random.default_rng(2016)
    survivals = 1 - np.arange(1, BLOCKS + 1) / BLOCKS * 0.5
    networks = {
        "all 27 blocks": architectures.cifar_resnet(DEPTH),
        "27 blocks with our gates": architectures.stochastic_depth_resnet(DEPTH),
    }
    for number in range(1, DRAWS + 1):
        lamps = random.random(BLOCKS) < survivals
        networks[f"drawn network {number}, {lamps.sum()} blocks"] = drawn_network(lamps)
    steps = {name: step_of(network) for name, network in networks.items()}
    rounds = [{name: seconds(step) for name, step in steps.items()} for _ in range(ROUNDS)]
    first = "all 27 blocks"
    macs = {name: ledger(network).macs / ledger(networks[first]).macs for name, network in networks.items()}
    ratio = {name: [row[name] / row[first] for row in rounds] for name in networks}
    print("| network | ms a step | time | quartiles | multiply-adds |")
    print("|---|---:|---:|---:|---:|")
    for name in networks:
        milliseconds = 1000 * np.median([row[name] for row in rounds])
        low, middle, high = np.percentile(ratio[name], (25, 50, 75))
        print(f"| {name} | {milliseconds:.0f} | {middle:.2f} | {low:.2f} to {high:.2f} | {macs[name]:.2f} |")
    drawn = [name for name in networks if name.startswith("drawn")]
    mean = functools.partial(np.mean, axis=0)
    per_round = mean([ratio[name] for name in drawn])
    low, middle, high = np.percentile(per_round, (25, 50, 75))
    share = mean([macs[name] for name in drawn])
    print(f"| mean of the drawn | | {middle:.2f} | {low:.2f} to {high:.2f} | {share:.2f} |")


if __name__ == "__main__":
    main()
