"""Train a model on what there is, a laptop, GPUs or several machines, watch it, and go on after a kill.

    with training.strategy().scope():
        model = lenet5()
        model.compile(optimizer="adam", loss=layers.MAPLoss(), metrics=["accuracy"])
    history = training.fit(model, data, epochs=training.choose(quick=12, full=20), directory="lenet5_run")

`fit` is `keras.Model.fit` with a line of progress and, given a directory, two files: `last.keras`, where the
run goes on, and `best.keras`. `keras.callbacks.BackupAndRestore` would not do: it keeps neither the history
nor the states of dropout's generators, its files can be caught half written, and it deletes them at the end.

**Scale.** The batch of the pipeline is the global one: each of N replicas gets 1/N of it, wherever it runs.
The learning rate belongs to the global batch, so it stays as it is when replicas are added; who makes the
batch k times as large multiplies it by k, after a warm-up (Goyal et al. 2017, sections 2.1 and 2.2).
Losses and metrics are over the global batch and mean the same on any number of replicas. 1, 2 and 4 of them
train alike to the accuracy of the floating point, with two exceptions: BatchNormalization normalises each
replica's part by itself unless it is `synchronized`, and random layers draw other numbers for each part. (On
the JAX backend, whose replicas run one program, neither is one.)

**Several machines.** The same program on each, with TensorFlow's TF_CONFIG to name them all, trains on all of
them; the first writes the files, in a directory that all of them see. When a worker is lost, the others stop
with an error in about ten seconds; start all again, and they go on after the last whole epoch.
`python -m course_lib.training` is such a program, and starts several workers on one machine to try it.
"""

import math
import os
from pathlib import Path

import numpy as np

from course_lib.backend import keras
from course_lib.training import batches, replicas
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.progress import Progress
from course_lib.training.replicas import precision, strategy

if keras.backend.backend() == "tensorflow":
    from course_lib.canaries import Canaries
    from course_lib.training import workers

__all__ = ["choose", "evaluate", "fit", "is_chief", "precision", "profile", "strategy"]


def profile():
    """Return the value of COURSE_PROFILE: "quick" (minutes on two CPU cores) or "full" (the paper's recipe).

    Raises:
        ValueError: if COURSE_PROFILE is something else.
    """
    name = os.environ.get("COURSE_PROFILE", "quick")
    if name not in ("quick", "full"):
        raise ValueError(f"COURSE_PROFILE must be quick or full. Received: COURSE_PROFILE={name}")
    return name


def choose(*, quick, full):
    """Return the value that belongs to the profile, e.g. `epochs = choose(quick=12, full=20)`."""
    return {"quick": quick, "full": full}[profile()]


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
        model: compiled, and built within `strategy().scope()`.
        data: a `datasets.Dataset`, or a pair (train, test); each a batched `tf.data.Dataset`, a
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
            would not train as one (an optimizer that clips, float16); if `directory` is not writable, or
            holds another run or a damaged file.
        FloatingPointError: if the loss, or a weight at the end of an epoch, is no longer a finite number.
        ConnectionError: if another worker is lost.
        OSError: if an epoch could not be written.
    """
    train, test = batches.pair(data)
    epochs = batches.whole("epochs", epochs)
    _require_directory(directory, monitor is not None or restore_best_weights)
    _require_callbacks(callbacks, directory)
    several, parts = replicas.several_workers(model), replicas.count(model)
    if parts > 1 and keras.backend.backend() == "tensorflow":
        replicas.require_one_step(model.optimizer)
    arrays = {"train": train, "test": test}
    train, steps, size = batches.train_batches(train, batch_size, parts)
    test, test_steps = (None, 0) if test is None else batches.test_batches(test, batch_size, parts)
    if several:
        workers.require_pipelines(train, test)
    history, checkpoint, done = keras.callbacks.History(), None, 0
    # Patient, as a chapter shows networks that stay at chance.
    watch = []
    if keras.backend.backend() == "tensorflow" and not any(isinstance(each, Canaries) for each in callbacks):
        watch = [Canaries(steps=1000)]
    if directory is not None:
        run = {"of": getattr(data, "name", None), "size": size, "steps": steps}
        arrays = {name: each for name, each in arrays.items() if isinstance(each, tuple)}
        run |= {f"{name}_crc32": batches.checksum(each) for name, each in arrays.items()}
        monitor = monitor or ("loss" if test is None else "val_loss")
        run = {"batches": run, "monitor": monitor} | ({} if seed is None else {"seed": seed})
        remember = [*callbacks, *watch]
        checkpoint = Checkpoint(Path(directory), model, run, epochs, monitor, history, remember, is_chief())
        done = checkpoint.epochs_done()
    # Each pass takes the next order from the pipeline's seed. Use up those of the epochs done, and one more
    # where Keras doesn't begin a pass to look at a batch: on any number of replicas the same order follows.
    first = batches.skip(train, done, more=not replicas.peeks(model))
    progress = Progress(model.name, steps, test_steps, epochs, done, verbose and is_chief())
    # The canary comes after the error for a loss that is no number, and so doesn't tell of it, too.
    callbacks = [history, progress, replicas.Replicas(), *callbacks, _StopAtNaN(), *watch]
    callbacks += [checkpoint] if checkpoint else []  # last: what is not finite is not kept
    try:
        if several:
            seen = workers.fingerprint(first)
            workers.agree(model, epochs=epochs, epochs_done=done, steps=steps, batch=size, first_batch=seen)
            workers.fit(model, train, test, steps, epochs, done, callbacks)
            workers.agree(model, epochs_done=len(history.history["loss"]))  # the files are written now
        else:
            with replicas.scope(model):
                if model.train_function is None and not (replicas.peeks(model) or model.run_eagerly):
                    _make_variables(model, test)
                model.fit(
                    train,
                    # or Keras would begin two passes of a pipeline in each epoch
                    steps_per_epoch=steps if batches.is_pipeline(train) else None,
                    validation_data=test,
                    epochs=epochs,
                    initial_epoch=done,
                    callbacks=callbacks,
                    shuffle=False,  # the pipeline shuffles, and Keras would warn that it doesn't
                    verbose=0,
                )
    except BaseException as error:
        where = f"epoch {progress.epoch + 1} of {epochs}"
        progress.close(f"{model.name}: stopped in {where}")
        advice = " The same call goes on after the last whole epoch." if directory is not None else ""
        if isinstance(error, KeyboardInterrupt):  # without a hundred lines from inside TensorFlow
            if advice:  # the pipeline doesn't know what was drawn of it
                advice += " In this process, build model and data anew first."
            raise KeyboardInterrupt(f"Training was interrupted in {where}.{advice}") from None
        if several and (name := workers.lost(error)):
            raise ConnectionError(
                f"Training stopped in {where}: {name} is lost. Start all workers again.{advice}"
            ) from error
        raise
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
        ValueError: if the data are not as above, or there are fewer examples than replicas.
    """
    test, _ = batches.test_batches(test, batch_size, replicas.count(model))
    if replicas.several_workers(model):
        workers.require_pipelines(test)
        return workers.evaluate(model, test)
    with replicas.scope(model):
        return model.evaluate(test, verbose=0, return_dict=True)


def _make_variables(model, test):
    """Make those of optimizer, loss and metrics, which the first step would make and be traced twice for."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if test is not None:
        model.evaluate(test, steps=1, verbose=0)


def _require_directory(directory, needed):
    if needed and directory is None:
        raise ValueError("`restore_best_weights` and `monitor` need a directory. Received: directory=None")
    if directory is not None and not (
        isinstance(directory, str | os.PathLike)
        and (Path(directory).is_dir() or not Path(directory).exists())
    ):
        raise ValueError(
            f"`directory` must be a folder, or a path for a new one. Received: directory={directory!r}"
        )


def _require_callbacks(callbacks, directory):
    if not isinstance(callbacks, tuple | list) or not all(
        isinstance(callback, keras.callbacks.Callback) for callback in callbacks
    ):
        raise ValueError(f"`callbacks` must be a list of Keras callbacks. Received: callbacks={callbacks!r}")
    for callback in callbacks:
        if directory is not None and getattr(callback, "restore_best_weights", False):
            raise ValueError(
                "With a directory, `fit` itself restores the best weights, as a kill would lose a "
                "callback's: fit(restore_best_weights=True). Received: "
                f"{type(callback).__name__}(restore_best_weights=True)"
            )


class _StopAtNaN(keras.callbacks.Callback):
    """Raises FloatingPointError, in words, when the loss or, after an epoch, a weight is not finite."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.before = epoch + 1, None

    def on_train_batch_end(self, batch, logs=None):
        # The loss of the step before: to ask for this one's would make a GPU wait for the next step.
        if self.before is not None:
            self._check(*self.before)
        self.before = logs["loss"], f"step {batch + 1} of epoch {self.epoch}"

    def on_test_begin(self, logs=None):
        self._check(*self.before)

    def on_epoch_end(self, epoch, logs=None):
        self._check(*self.before)
        self._check(logs.get("val_loss", 0.0), f"the validation after epoch {self.epoch}")
        weights = self.model.trainable_variables  # a ReLU makes zeros of their NaN, and the loss looks well
        finite = [keras.ops.all(keras.ops.isfinite(weight)) for weight in weights]
        if finite and not (finite := np.asarray(keras.ops.stack(finite))).all():
            name = weights[int(finite.argmin())].path
            self._stop(f"the weights {name!r} are not finite after epoch {self.epoch}, though the loss is")

    def _check(self, loss, where):
        if not math.isfinite(loss):
            self._stop(f"the loss became {float(loss)} in {where}")

    def _stop(self, why):
        rate = self.model.optimizer.learning_rate
        rate = float(rate.numpy() if hasattr(rate, "numpy") else rate)  # mirrored ones are no numbers
        raise FloatingPointError(
            f"Training stopped: {why}. Most often the learning rate (now {rate:.3g}) is too high; otherwise "
            "look for a division by zero, the logarithm of zero, or NaN in the data."
        )
