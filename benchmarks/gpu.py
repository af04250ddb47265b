"""Measure training on one GPU, on Keras's JAX backend, where no TensorFlow need be installed.

    pip install "jax[cuda12]" keras numpy
    PYTHONPATH=. python benchmarks/gpu.py resnet50                 # images a second, share of the peak
    PYTHONPATH=. python benchmarks/gpu.py cifar PIECE.npz ...      # test error of ResNet-20 on CIFAR-10
    PYTHONPATH=. python benchmarks/gpu.py widths                   # steps of thin and wide networks

`resnet50` trains in mixed precision (bfloat16) on random images that lie on the GPU already: it measures the
network, not a pipeline. Its work is three times the multiply-adds that `ledger` counts, 2 FLOPs each.

`cifar` is section 4.2 of He et al. 2015: batches of 128, SGD with momentum 0.9, L2 decay 0.0001 of all
weights, rate 0.1, a tenth of it from half of the steps on and a hundredth from three quarters; padded by 4,
cropped at random, flipped; the mean picture subtracted. With 64,000 steps the paper's error is 8.75 %; fewer,
by --steps, move the drops of the rate. The last incomplete batch of an epoch is left out.

`widths` times training steps of Wide ResNets of about equal multiply-adds, many thin layers against few wide
ones, on random 32x32 images in float32: chapter 10 has the times of a CPU (`wide_resnet_steps.py`).

A piece holds some of the arrays `train_images` (uint8, N x 32 x 32 x 3), `train_labels` (N), `test_images`
and `test_labels`; pieces are joined in the order given:

    np.savez_compressed("piece1.npz", train_images=images[:25_000], train_labels=labels[:25_000])

What was run so far: all commands on a CPU, at a tiny size, to see that they work.
"""

import argparse
import functools
import os
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np

from course_lib import architectures, ledger
from course_lib.backend import keras


def training_step(model, optimizer, decay=0.0):
    """Return a function (state, images, labels) -> (state, loss), and the state: lists of arrays."""
    optimizer.build(model.trainable_variables)

    @functools.partial(jax.value_and_grad, has_aux=True)
    def gradient(weights, others, images, labels):
        outputs, others = model.stateless_call(weights, others, images, training=True)
        entropy = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, outputs))
        return entropy + decay / 2 * sum(jnp.sum(weight**2) for weight in weights), (others, entropy)

    def step(state, images, labels):
        weights, others, slots = state
        (_, (others, entropy)), slopes = gradient(weights, others, images, labels)
        weights, slots = optimizer.stateless_apply(slots, slopes, weights)
        return (weights, others, slots), entropy

    variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    return step, tuple([jnp.array(variable.value) for variable in group] for group in variables)


def resnet50(options):
    """Print images a second and the share of the peak, of the training step of ResNet-50."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = architectures.resnet50(input_shape=(options.size, options.size, 3))
    step, state = training_step(model, keras.optimizers.SGD(0.1, momentum=0.9))
    step = jax.jit(step, donate_argnums=0)
    images = jax.random.uniform(jax.random.key(0), (options.batch, options.size, options.size, 3))
    labels = jax.random.randint(jax.random.key(1), (options.batch,), 0, 1000)
    rates = []
    for _turn in range(6):  # the first one compiles
        begun = time.perf_counter()
        for _ in range(options.steps):
            state, entropy = step(state, images, labels)
        jax.block_until_ready(state)
        rates.append(options.steps * options.batch / (time.perf_counter() - begun))
    flops, middle = 6 * ledger.ledger(model).macs, sorted(rates[1:])[2]
    print(
        f"ResNet-50, {jax.devices()[0].device_kind}, jax {jax.__version__}, keras {keras.__version__}: "
        f"batches of {options.batch}, {options.size}x{options.size}, bfloat16: {middle:,.1f} images/s "
        f"({min(rates[1:]):,.1f} to {max(rates[1:]):,.1f}), {flops * middle / options.peak / 1e10:.2f} % of "
        f"{options.peak:g} TFLOPS; loss {float(entropy):.2f}"
    )


def widths(options):
    """Print the milliseconds of a training step of Wide ResNets, in turns, and of a billion multiply-adds."""
    shape = (options.batch, options.size, options.size, 3)
    images = jax.random.uniform(jax.random.key(0), shape)
    labels = jax.random.randint(jax.random.key(1), (options.batch,), 0, 10)
    steps, states, times = {}, {}, {}
    for name in options.networks:
        depth, widen = (int(part) for part in name.split("-"))
        model = architectures.wide_resnet(depth, widen, input_shape=shape[1:])
        step, states[name] = training_step(model, keras.optimizers.SGD(0.0, momentum=0.9))
        steps[name] = jax.jit(step, donate_argnums=0), ledger.ledger(model).macs
        times[name] = []
    for _turn in range(6):  # the first one compiles
        for name, (step, _) in steps.items():
            state = states[name]
            begun = time.perf_counter()
            for _ in range(options.steps):
                state, _ = step(state, images, labels)
            jax.block_until_ready(state)
            times[name].append(1e3 * (time.perf_counter() - begun) / options.steps)
            states[name] = state
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}, batches of {options.batch}, float32")
    for name, (_, macs) in steps.items():
        low, _, middle, _, high = sorted(times[name][1:])
        work = options.batch * macs / 1e9
        print(
            f"WRN-{name}: {macs / 1e6:.0f}M multiply-adds a picture, {middle:.2f} ms a step "
            f"({low:.2f} to {high:.2f}), {middle / work:.2f} ms a billion"
        )


def cifar(options):
    """Print the test error of ResNet-20 while it trains."""
    pieces = [np.load(path) for path in options.pieces]
    names = ("train_images", "train_labels", "test_images", "test_labels")
    data = [np.concatenate([piece[name] for piece in pieces if name in piece]) for name in names]
    mean = data[0].mean(axis=0, dtype="float64").astype("float32")
    train_images, train_labels, test_images, test_labels = map(jnp.asarray, data)
    keras.utils.set_random_seed(options.seed)
    model = architectures.cifar_resnet(20)
    drops = options.steps // 2, options.steps * 3 // 4
    rate = keras.optimizers.schedules.PiecewiseConstantDecay(drops, (0.1, 0.01, 0.001))
    step, state = training_step(model, keras.optimizers.SGD(rate, momentum=0.9), decay=1e-4)
    count, batch = len(train_images), options.batch

    def augmented(images, key):
        crop, flip = jax.random.split(key)
        padded = jnp.pad((images - mean) / 255, ((0, 0), (4, 4), (4, 4), (0, 0)))
        cut = jax.vmap(lambda image, at: jax.lax.dynamic_slice(image, (*at, 0), (32, 32, 3)))
        images = cut(padded, jax.random.randint(crop, (batch, 2), 0, 9))
        return jnp.where(jax.random.bernoulli(flip, shape=(batch, 1, 1, 1)), images[:, :, ::-1], images)

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(state, images, labels, places, keys):
        def one(state, batch):
            places, key = batch
            return step(state, augmented(images[places], key), labels[places])

        return jax.lax.scan(one, state, (places, keys))

    @jax.jit
    def errors(state, images, labels):
        outputs, _ = model.stateless_call(*state[:2], (images - mean) / 255, training=False)
        return jnp.sum(jnp.argmax(outputs, axis=-1) != labels)

    done, key, begun = 0, jax.random.key(options.seed), time.perf_counter()
    while done < options.steps:
        key, order, changes = jax.random.split(key, 3)
        batches = min(count // batch, options.steps - done)
        places = jax.random.permutation(order, count)[: batches * batch].reshape(batches, batch)
        state, losses = epoch(state, train_images, train_labels, places, jax.random.split(changes, batches))
        done += batches
        parts = range(0, len(test_images), 1000)
        wrong = sum(int(errors(state, test_images[i : i + 1000], test_labels[i : i + 1000])) for i in parts)
        error, seconds = wrong / len(test_images), time.perf_counter() - begun
        print(f"step {done}, {seconds:.0f} s: loss {losses.mean():.4f}, test error {error:.2%}", flush=True)


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("resnet50")
    one.add_argument("--size", type=int, default=224)
    one.add_argument("--batch", type=int, default=256)
    one.add_argument("--steps", type=int, default=20, help="in each of five timings")
    one.add_argument("--peak", type=float, default=989.0, help="TFLOPS; NVIDIA's H100 and H200: 989 dense")
    one.set_defaults(command=resnet50)
    other = commands.add_parser("cifar")
    other.add_argument("pieces", nargs="+")
    other.add_argument("--batch", type=int, default=128)
    other.add_argument("--steps", type=int, default=64_000)
    other.add_argument("--seed", type=int, default=0)
    other.set_defaults(command=cifar)
    third = commands.add_parser("widths")
    networks = ["46-1", "16-2", "10-3", "100-1", "28-2", "16-3", "40-4", "28-10"]
    third.add_argument("--networks", nargs="+", default=networks, help="depth-k")
    third.add_argument("--size", type=int, default=32)
    third.add_argument("--batch", type=int, default=32)
    third.add_argument("--steps", type=int, default=20, help="in each of five timings")
    third.set_defaults(command=widths)
    options = parser.parse_args()
    options.command(options)


if __name__ == "__main__":
    main()
