"""Several machines that train as one: Keras's loop, run by each worker of a `MultiWorkerMirroredStrategy`.

Keras 3's own `fit` fails under that strategy ("PerReplica ... unsupported type"); TensorFlow's strategy and
Keras's `train_step`, metrics and callbacks work. Each worker reads the whole pipeline and keeps its share of
every batch (TensorFlow's policy DATA), so that together they see the batches that one process would.
"""

import faulthandler
import json
import math
import os
import re
import sys

import numpy as np
import tensorflow as tf

from course_lib.backend import keras

__all__ = ["evaluate", "expected", "fit", "is_chief", "join", "lost", "means", "require_pipelines"]

PATIENCE = 600  # seconds
EXAMPLE = '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'


def expected():
    """Return how many workers TF_CONFIG names; 1 without it."""
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        config = json.loads(text)
        cluster = config.get("cluster", {})
        addresses = [*cluster.get("chief", ()), *cluster.get("worker", ())]
        task = config["task"] if addresses else {"type": "worker", "index": 0}
        known = len(cluster.get(task["type"], ())) if addresses else 1
        if not 0 <= task["index"] < known:
            raise ValueError("no such task")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"TF_CONFIG must be like {EXAMPLE}. Received: TF_CONFIG={text}") from error
    return max(1, len(addresses))


def join():
    """Return the strategy of this worker as soon as all of them have come; end the process if some do not."""
    config = json.loads(os.environ["TF_CONFIG"])
    names = "; ".join(f"{kind} {', '.join(places)}" for kind, places in config["cluster"].items())
    print(f"Waiting up to {PATIENCE // 60} minutes for all of {names}", file=sys.stderr, flush=True)
    # TensorFlow waits for an hour, deaf to Python's threads and signals; this timer is neither.
    faulthandler.dump_traceback_later(PATIENCE, exit=True, file=sys.__stderr__)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise RuntimeError(
            "With TF_CONFIG set, call `training.strategy()` first of all: before data are loaded or anything "
            f"is computed. Received: {error}"
        ) from error
    finally:
        faulthandler.cancel_dump_traceback_later()


def is_chief():
    """Return whether this worker writes the files and shows the progress; True without TF_CONFIG."""
    if expected() == 1:
        return True
    config = json.loads(os.environ["TF_CONFIG"])
    first = "chief" if "chief" in config["cluster"] else "worker"
    return (config["task"]["type"], config["task"]["index"]) == (first, 0)


def require_pipelines(*batches):
    """Raise ValueError if these are no tf.data, which TensorFlow deals out to the workers."""
    for data in batches:
        if not isinstance(data, (tf.data.Dataset, type(None))):
            raise ValueError(f"Several workers need tf.data or arrays. Received: {type(data).__name__}")


def fit(model, feed, first_batch, epochs, initial_epoch, callbacks):
    """Train as `keras.Model.fit` does. Every worker runs every callback, on equal logs.

    Args:
        model, epochs, initial_epoch, callbacks: as there.
        feed: `batches.Feed` of pipelines.
        first_batch: of the pass before; all workers must have the same.
    """
    run = {"epochs": epochs, "epochs_done": initial_epoch, "steps": feed.steps, "batch": feed.size}
    _agree(model, **run, first_batch=_fingerprint(first_batch))
    strategy = model.distribute_strategy
    with strategy.scope():
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
    train_pass = _Pass(model, feed.train, model.train_step, "train")
    test_pass = None if feed.test is None else _Pass(model, feed.test, model.test_step, "test")
    told = keras.callbacks.CallbackList(callbacks, model=model, epochs=epochs, steps=feed.steps, verbose=0)
    model.stop_training = False
    logs = {}
    done = initial_epoch
    told.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        told.on_epoch_begin(epoch)
        logs = train_pass.run(told)
        if test_pass:
            told.on_test_begin()
            test_logs = test_pass.run(told)
            told.on_test_end(test_logs)
            logs |= {f"val_{name}": value for name, value in test_logs.items()}
        told.on_epoch_end(epoch, logs)
        done = epoch + 1
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)
    told.on_train_end(logs)
    _agree(model, epochs_done=done)  # the files are written now


def evaluate(model, test):
    """Return the loss and metrics over all batches, as `keras.Model.evaluate` does."""
    return _Pass(model, test, model.test_step, "test").run(keras.callbacks.CallbackList(model=model))


class _Pass:
    """Runs one step of the model on each batch of a pipeline."""

    def __init__(self, model, batches, step, mode):
        strategy = model.distribute_strategy
        self.model = model
        self.mode = mode
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
        self.batches = strategy.experimental_distribute_dataset(batches.with_options(options))

        @tf.function
        def everywhere(batch):
            logs = strategy.run(step, args=(batch,))
            names = sorted(logs)
            # of a metric of several values the mean, as the line of progress shows it
            numbers = strategy.run(lambda logs: [tf.reduce_mean(logs[name]) for name in names], args=(logs,))
            values = strategy.run(tf.stack, args=(numbers,))
            values = tf.unstack(strategy.reduce("MEAN", values, axis=None), len(names))
            return dict(zip(names, values, strict=True))

        self.step = everywhere

    def run(self, callbacks):
        """Return the loss and metrics over the whole pass."""
        begin = getattr(callbacks, f"on_{self.mode}_batch_begin")
        end = getattr(callbacks, f"on_{self.mode}_batch_end")
        self.model.reset_metrics()
        for number, batch in enumerate(self.batches):
            begin(number)
            end(number, self.step(batch))
            if self.mode == "train" and self.model.stop_training:
                break
        results = {name: np.asarray(value) for name, value in self.model.get_metrics_result().items()}
        return {name: value if value.ndim else value.item() for name, value in results.items()}


def means(strategy, variables):
    """Return a function that returns the mean over all replicas of each variable."""

    def replica():
        values = [tf.identity(variable.value) for variable in variables]
        return tf.distribute.get_replica_context().all_reduce("MEAN", values)

    everywhere = tf.function(lambda: strategy.run(replica))
    return lambda: [strategy.experimental_local_results(value)[0] for value in everywhere()]


def _agree(model, **numbers):
    """Wait for all workers. Raise ValueError unless each of them has the same numbers."""
    strategy = model.distribute_strategy
    mine = np.array([list(numbers.values())], "float64")
    rows = strategy.gather(strategy.run(lambda: tf.constant(mine)), axis=0).numpy()
    for name, values in zip(numbers, rows.T, strict=True):
        if not np.allclose(values, values[0], rtol=1e-5, atol=0):
            raise ValueError(
                "All workers must make the same call on the same batches (seed what shuffles), with a "
                f"`directory` that all of them see. Received: {name} {', '.join(f'{v:.9g}' for v in values)}"
            )


def lost(error):
    """Return the name of the worker that TensorFlow misses, "another worker", or None for any other error."""
    if not isinstance(error, tf.errors.UnavailableError | tf.errors.AbortedError | tf.errors.CancelledError):
        return None
    named = re.findall(r"/job:(\w+)/(?:replica:0/)?task:(\d+)(?!\d|/device)", str(error))
    task = json.loads(os.environ["TF_CONFIG"])["task"]
    names = {f"{kind} {index}" for kind, index in named} - {f"{task['type']} {task['index']}"}
    return " and ".join(sorted(names)) or "another worker"


def _fingerprint(batch):
    """Return a number that differs between batches, but hardly by a rounding error in one."""
    total = 0.0
    for tensor in tf.nest.flatten(batch):
        if tensor.dtype.is_floating or tensor.dtype.is_integer:
            values = tensor.numpy().astype("float64").ravel()
            total += float(values @ np.sqrt(np.arange(1, len(values) + 1)))
    return total if math.isfinite(total) else 0.0
