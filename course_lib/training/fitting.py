"""Train and evaluate as Keras does, on any number of replicas, and go on after a kill."""

import contextlib
import os
from pathlib import Path

import numpy as np

from course_lib.backend import keras
from course_lib.checks import require, whole
from course_lib.training import batches, replicas
from course_lib.training.checkpoint import FILES, Checkpoint
from course_lib.training.progress import History, Progress
from course_lib.training.watch import Watch

if keras.backend.backend() == "tensorflow":
    from course_lib.training import parts, workers
    from course_lib.training.canaries import Canaries

__all__ = ["evaluate", "fit", "is_chief"]

RIVALS = ("BackupAndRestore", "OrbaxCheckpoint")  # callbacks of Keras that go on in their own way


def is_chief():
    """Return whether this process writes the files and shows the progress: the only one, or the first."""
    return keras.backend.backend() != "tensorflow" or workers.is_chief()


def fit(
    model,
    data,
    *,
    epochs,
    batch_size=None,
    directory=None,
    monitor=None,
    restore_best_weights=False,
    seed=None,
    callbacks=(),
    verbose=True,
):
    """Train a compiled model and return its `keras.callbacks.History`, the epochs of an earlier run included.

    With a directory, the same call after a kill goes on where the last whole epoch ended: weights, optimizer,
    dropout, what callbacks remember, and the order in which a seeded `tf.data` pipeline shuffles. In a new
    process on the same CPUs it ends with the weights of an undisturbed run. When all epochs are done, it
    loads the weights and returns the stored history at once.

    On TensorFlow a `canaries.Canaries` watches the loss and warns when it explodes, or is at chance after
    1,000 steps; to have it name the layer, give one with a probe among the callbacks.

    Args:
        model: compiled, and made within `strategy().scope()`; without an Input it is built for the data.
        data: a `data.Dataset`, or a pair (train, test); each a batched `tf.data.Dataset`, a
            `keras.utils.PyDataset` or a tuple (x, y) of arrays. Test may be None.
        epochs: passes over the training data, those of an earlier run included.
        batch_size: examples in a batch of arrays, over all replicas; None is 64. Training arrays come in a
            new order in each epoch, without the incomplete last batch.
        directory: where `last.keras` and `best.keras` are kept, as `keras.saving.load_model` reads them.
        monitor: what decides `best.keras`: the largest if its name contains "acc", the smallest if it
            contains "loss" or "error", and otherwise as the Keras metric of that name has it. None:
            "val_loss", or "loss" without test data. Needs a directory.
        restore_best_weights: end with the weights of `best.keras`, not the last. Needs a directory.
        seed: the number that weights and data were made from, if the directory is to refuse another one's.
            (Arrays are known by their checksums; of a pipeline nothing but batches and name is compared.)
        callbacks: further Keras callbacks.
        verbose: False shows nothing.

    Raises:
        ValueError: if an argument is not as above; if the replicas would get unequal parts of a batch, or
            would not train as one (an optimizer that clips or accumulates, float16; a loss that is a scalar,
            not reduced, masked or divided by weights; a metric that neither counts nor is a mean; they are
            tried on a batch before the first step; XLA); if layers, optimizer and metrics were not made in
            the model's scope; if `directory` is not writable, or holds another run or a damaged file; if
            `monitor` has several values; if a kill would cost what a callback keeps or writes.
        FloatingPointError: if the loss, or a weight at the end of an epoch, is no longer a finite number.
        ConnectionError: if another worker is lost.
        OSError: if an epoch could not be written.
    """
    epochs = whole("`epochs`", epochs)
    _require_directory(directory, monitor is not None or restore_best_weights)
    _require_callbacks(callbacks, directory)
    several = replicas.several_workers(model)
    replicas.require_one_step(model)
    replicas.require_one_scope(model)
    feed = batches.feed(data, batch_size, replicas.count(model))
    if several:
        workers.require_pipelines(feed.train, feed.test)
    replicas.build(model, batches.like(feed.train))
    # A pass takes the next order from the pipeline's seed, and Keras's `fit` on JAX begins one more than
    # there are epochs, to look at a batch. So does this one: any number of replicas gets the same order.
    first_batch = None if keras.backend.backend() == "jax" else batches.first(feed.train)
    _make(model, first_batch, feed.test_sizes)
    _require_number(model, monitor, batches.like(feed.train))
    history = History()
    watch = _watch(callbacks)
    checkpoint = None
    done = 0
    if directory is not None:
        judge = monitor or ("loss" if feed.test is None else "val_loss")
        run = {"batches": batches.fingerprint(data, feed), "monitor": judge}
        run |= {} if seed is None else {"seed": seed}
        memory = [*callbacks, watch]
        checkpoint = Checkpoint(Path(directory), model, run, epochs, judge, history, memory, is_chief())
        done = checkpoint.epochs_done()
    batches.skip(feed.train, done)
    progress = Progress(model.name, feed.steps, feed.test_steps, epochs, done, verbose and is_chief())
    team = [history, progress, replicas.Replicas(), *callbacks, watch]
    if checkpoint:
        team.append(checkpoint)  # last: what is not finite is not kept
    with _stopping_in_words(progress, several, goes_on=directory is not None):
        if several:
            workers.fit(model, feed, first_batch, epochs, done, team)
        else:
            _fit_here(model, feed, epochs, done, team)
    history.epoch = list(range(len(history.history["loss"])))
    if restore_best_weights:
        checkpoint.load_best(model)
    return history


def evaluate(model, test, *, batch_size=None):
    """Return the loss and metrics of a model on test data, as a dict, on any number of replicas.

    Args:
        model: compiled, and built within `strategy().scope()`.
        test: a batched `tf.data.Dataset`, a `keras.utils.PyDataset` or a tuple (x, y) of arrays.
        batch_size: examples in a batch of arrays; None is 64.

    Raises:
        ValueError: if the data are not as above, or there are fewer examples than replicas; if these would
            show another loss or metric than one alone, see `fit`.
    """
    test, _, sizes = batches.test_batches(test, batch_size, replicas.count(model))
    several = replicas.several_workers(model)
    replicas.require_one_scope(model)
    if several:
        workers.require_pipelines(test)
    replicas.build(model, batches.like(test))
    if replicas.distributed(model):
        _make(model, batches.first(test), sizes)
    if several:
        return workers.evaluate(model, test)
    with replicas.scope(model):
        return model.evaluate(test, verbose=0, return_dict=True)


def _make(model, batch, test_sizes):
    """Make what a model under a strategy lacks. Raise ValueError if replicas would not train as one does."""
    if replicas.distributed(model):
        replicas.make(model, batch)
        replicas.require_one_scope(model)  # once more: only now is it known which metrics there are
        if replicas.count(model) > 1:
            parts.require_sums(model, batch, test_sizes)


def _require_number(model, monitor, batch):
    """Raise ValueError if a metric that should decide has several values."""
    if monitor in (None, "loss", "val_loss") or model.run_eagerly:
        return  # an eager metric may compute what has no symbols
    replicas.make(model, batch)
    with replicas.scope(model):
        shown = model.get_metrics_result()
    is_number = np.ndim(shown.get(monitor.removeprefix("val_"), 0)) == 0
    required = '`monitor` must be one number: give the metric an `average`, such as "macro".'
    require(is_number, required, f"monitor={monitor!r}")


def _watch(callbacks):
    """Return what stops at numbers that are not finite: a canary, unless one is among the callbacks."""
    if keras.backend.backend() != "tensorflow":
        return Watch()
    if any(isinstance(callback, Canaries) for callback in callbacks):
        return Watch()
    return Canaries(steps=1000, stop=True)  # patient, as a chapter shows networks that stay at chance


def _fit_here(model, feed, epochs, done, callbacks):
    """Train by Keras's own loop, in this process alone."""
    with replicas.scope(model), replicas.unpeeking(model):
        traces = keras.backend.backend() == "tensorflow" and not model.run_eagerly
        if traces and model.train_function is None and not replicas.distributed(model):
            _make_variables(model, feed.test)
        model.fit(
            feed.train,
            # or Keras would begin two passes of a pipeline in each epoch
            steps_per_epoch=feed.steps if batches.is_pipeline(feed.train) else None,
            validation_data=feed.test,
            epochs=epochs,
            initial_epoch=done,
            callbacks=callbacks,
            shuffle=False,  # the pipeline shuffles, and Keras would warn that it doesn't
            verbose=0,
        )


def _make_variables(model, test):
    """Make those of optimizer, loss and metrics, which the first step would make and be traced twice for."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if test is not None:
        model.evaluate(test, steps=1, verbose=0)


@contextlib.contextmanager
def _stopping_in_words(progress, several, goes_on):
    """Take the line of progress away where training stops, and say what is lost and how it goes on."""
    try:
        yield
    except BaseException as error:
        where = f"epoch {progress.epoch + 1} of {progress.epochs}"
        progress.close(f"{progress.name}: stopped in {where}")
        advice = " The same call goes on after the last whole epoch." if goes_on else ""
        if isinstance(error, KeyboardInterrupt):  # without a hundred lines from inside TensorFlow
            if goes_on:  # the pipeline doesn't know what was drawn of it
                advice += " In this process, build model and data anew first."
            raise KeyboardInterrupt(f"Training was interrupted in {where}.{advice}") from None
        if several and (name := workers.lost(error)):
            raise ConnectionError(
                f"Training stopped in {where}: {name} is lost. Start all workers again.{advice}"
            ) from error
        raise


def _require_directory(directory, needed):
    required = "`restore_best_weights` and `monitor` need a directory."
    require(directory is not None or not needed, required, "directory=None")
    if directory is None:
        return
    is_path = isinstance(directory, str | os.PathLike)
    is_folder = is_path and (Path(directory).is_dir() or not Path(directory).exists())
    required = "`directory` must be a folder, or a path for a new one."
    require(is_folder, required, f"directory={directory!r}")


def _require_callbacks(callbacks, directory):
    are_callbacks = isinstance(callbacks, tuple | list) and all(
        isinstance(callback, keras.callbacks.Callback)
        and not isinstance(callback, keras.callbacks.CallbackList)  # whose members no checkpoint would see
        for callback in callbacks
    )
    require(are_callbacks, "`callbacks` must be a list of Keras callbacks.", f"callbacks={callbacks!r}")
    for callback in callbacks if directory is not None else ():
        _require_lossless(callback, Path(directory))


def _require_lossless(callback, directory):
    """Raise ValueError if a kill, or the same call again, would cost what a callback has kept or written."""
    name = type(callback).__name__
    require(
        not getattr(callback, "restore_best_weights", False),
        "With a directory, `fit` itself restores the best weights, as a kill would lose a callback's: "
        "fit(restore_best_weights=True).",
        f"{name}(restore_best_weights=True)",
    )
    empties = isinstance(callback, keras.callbacks.CSVLogger) and not callback.append
    appends = "With a directory, a CSVLogger must append, as it would empty its file where `fit` goes on."
    require(not empties, appends, f"{name}(append=False)")
    rivals = tuple(getattr(keras.callbacks, rival) for rival in RIVALS if hasattr(keras.callbacks, rival))
    alone = "With a directory, `fit` itself keeps the epochs and goes on after a kill: leave others out."
    require(not isinstance(callback, rivals), alone, name)
    path = getattr(callback, "filepath", None)
    is_ours = path is not None and Path(path).resolve() in [directory.resolve() / file for file in FILES]
    required = f"A callback must not write to `fit`'s own files, {', '.join(FILES)}."
    require(not is_ours, required, f"{name}({str(path)!r})")
