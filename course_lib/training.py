"""Train a model on every GPU there is, watch it, and go on after a kill.

    with training.strategy().scope():
        model = lenet5()
        model.compile(optimizer="adam", loss=layers.MAPLoss(), metrics=["accuracy"])
    history = training.fit(model, data, epochs=training.choose(quick=12, full=20), directory="lenet5_run")

`fit` is `keras.Model.fit` with a line of progress and, given a directory, two files: `last.keras`, where the
run goes on, and `best.keras`. `keras.callbacks.BackupAndRestore` would not do: it keeps neither the history
nor the states of dropout's generators, its files can be caught half written, and it deletes them at the end.
"""

import functools
import html
import json
import math
import os
import re
import shutil
import sys
import time
import warnings
import zipfile
from pathlib import Path

from course_lib.backend import keras

import tensorflow as tf  # isort: skip

__all__ = ["choose", "evaluate", "fit", "profile", "strategy"]

# Open notebooks share a GPU: TensorFlow takes memory as it needs it, not all of it at once.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


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


def strategy(devices=None):
    """Return the strategy for these devices, the same one whenever it is asked for.

    Args:
        devices: names such as ("CPU:0", "CPU:1") to mirror over. None: all GPUs; without one, TensorFlow's
            default strategy, because tracing under `MirroredStrategy` takes two to three times as long.
    """
    return _strategy(tuple(devices or ()))


@functools.cache
def _strategy(devices):
    tf.get_logger().setLevel("ERROR")  # names of devices, logged as INFO, differ between machines
    if devices:
        # With the default reduction, a second strategy in the same process crashes.
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())
    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def fit(
    model,
    data,
    *,
    epochs,
    directory=None,
    monitor=None,
    restore_best_weights=False,
    callbacks=(),
    verbose=True,
):
    """Train a compiled model and return its `keras.callbacks.History`, the epochs of an earlier run included.

    With a directory, the same call after a kill goes on where the last whole epoch ended: weights, optimizer,
    dropout, and the order in which a seeded `tf.data` pipeline shuffles. In a new process on the same CPU, if
    callbacks have no memory of their own, it ends with the weights of an undisturbed run. When all epochs are
    done, it loads the weights and returns the stored history at once.

    Args:
        model: compiled, and built within `strategy().scope()`.
        data: a `datasets.Dataset`, or a pair (train, test) of batched `tf.data.Dataset`; test may be None.
        epochs: passes over the training data, those of an earlier run included.
        directory: where `last.keras` and `best.keras` are kept, as `keras.saving.load_model` reads them.
        monitor: what decides `best.keras`: the largest if its name contains "acc", otherwise the smallest.
            None: "val_loss", or "loss" without test data. Needs a directory.
        restore_best_weights: end with the weights of `best.keras`, not the last. Needs a directory.
        callbacks: further Keras callbacks.
        verbose: False shows nothing.

    Raises:
        ValueError: if an argument is not as above; if a replica would get no example; if `directory` holds
            another run or a damaged file.
        FloatingPointError: if the loss is no longer a finite number.
    """
    pair = (
        data if isinstance(data, tuple | list) else [getattr(data, name, None) for name in ("train", "test")]
    )
    if len(pair) != 2 or pair[0] is None:
        raise ValueError(
            f"`data` must be a Dataset or a pair (train, test) of tf.data. Received: data={data!r}"
        )
    train, test = pair
    if not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"`epochs` must be a whole number, 1 or more. Received: epochs={epochs!r}")
    if (restore_best_weights or monitor is not None) and directory is None:
        raise ValueError("`restore_best_weights` and `monitor` need a directory. Received: directory=None")
    if directory is not None and not (
        isinstance(directory, str | os.PathLike)
        and (Path(directory).is_dir() or not Path(directory).exists())
    ):
        raise ValueError(
            f"`directory` must be a folder, or a path for a new one. Received: directory={directory!r}"
        )
    if not isinstance(callbacks, tuple | list) or not all(
        isinstance(callback, keras.callbacks.Callback) for callback in callbacks
    ):
        raise ValueError(f"`callbacks` must be a list of Keras callbacks. Received: callbacks={callbacks!r}")
    replicas = model.distribute_strategy.num_replicas_in_sync
    steps, batch = _check("training", train, replicas)
    test = None if test is None else _test_batches(test, replicas)
    test_steps = 0 if test is None else int(test.cardinality())
    history, checkpoint, done = keras.callbacks.History(), None, 0
    if directory is not None:
        monitor = monitor or ("loss" if test is None else "val_loss")
        batches = {"of": getattr(data, "name", None), "size": batch, "steps": steps}
        checkpoint = _Checkpoint(Path(directory), model, batches, epochs, monitor, history)
        done = checkpoint.epochs_done()
    with model.distribute_strategy.scope():
        peeks = tf.distribute.has_strategy()  # Keras then begins a pass to look at a batch
    # Each pass takes the next order from the pipeline's seed. Use up those of the epochs done, and without a
    # strategy one more: on any number of replicas the same order follows.
    for _ in range(done + (not peeks)):
        next(iter(train))
    progress = _Progress(model.name, steps, test_steps, epochs, done, verbose)
    last = [_StopAtNaN(), checkpoint] if checkpoint else [_StopAtNaN()]  # what is not finite is not kept
    try:
        model.fit(
            train,
            steps_per_epoch=steps,  # or Keras would begin two passes in each epoch
            validation_data=test,
            epochs=epochs,
            initial_epoch=done,
            callbacks=[history, progress, *callbacks, *last],
            shuffle=False,  # the pipeline shuffles, and Keras would warn that it doesn't
            verbose=0,
        )
    except BaseException as error:
        where = f"epoch {progress.epoch + 1} of {epochs}"
        progress.close(f"{model.name}: stopped in {where}")
        if isinstance(error, KeyboardInterrupt):  # without a hundred lines from inside TensorFlow
            advice = " The same call goes on after the last whole epoch." if directory is not None else ""
            raise KeyboardInterrupt(f"Training was interrupted in {where}.{advice}") from None
        raise
    history.epoch = list(range(len(history.history["loss"])))
    if restore_best_weights:
        checkpoint.load("best.keras", model)
    return history


def evaluate(model, batches):
    """Return the loss and metrics of a model on a test pipeline, as a dict, on any number of replicas.

    Raises:
        ValueError: if there are fewer examples than replicas.
    """
    batches = _test_batches(batches, model.distribute_strategy.num_replicas_in_sync)
    return model.evaluate(batches, verbose=0, return_dict=True)


def _check(name, batches, replicas=1):
    """Return the number and size of the batches. Raise ValueError if they do not split among the replicas."""
    if not isinstance(batches, tf.data.Dataset):
        raise ValueError(f"The {name} data must be batches of tf.data. Received: {type(batches).__name__}")
    count, size = int(batches.cardinality()), _first(batches.element_spec).shape[0]
    if count < 1:
        raise ValueError(
            f"The {name} data must have a known number of batches, 1 or more (`.repeat()` never ends; "
            f"`drop_remainder` leaves none of a batch larger than the data). Received: cardinality={count}"
        )
    if replicas > 1 and (size is None or size % replicas):
        raise ValueError(
            f"The {replicas} replicas need equal parts of every {name} batch: a batch size that {replicas} "
            f"divides, and `drop_remainder=True`. Received: batches of {size or 'varying size'}"
        )
    return count, size


def _test_batches(batches, replicas):
    """Return the same examples in batches that leave no replica empty; Keras splits the first evenly, too."""
    count, size = _check("test", batches)
    if replicas == 1 or (size and size % replicas == 0):
        return batches
    examples = size * count if size else sum(len(_first(batch)) for batch in batches)
    for new in range(min(max(size or 0, 64), examples) // replicas * replicas, 0, -replicas):
        if examples % new == 0 or examples % new >= replicas:
            return batches.rebatch(new).apply(tf.data.experimental.assert_cardinality(-(-examples // new)))
    raise ValueError(
        f"The {replicas} replicas need an example each of every test batch. Received: {examples} examples"
    )


def _first(batch):
    return tf.nest.flatten(batch)[0]


class _StopAtNaN(keras.callbacks.Callback):
    """Raises FloatingPointError, in words, as soon as the loss is not a finite number."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs["loss"], f"step {batch + 1} of epoch {self.epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs.get("val_loss", 0.0), f"the validation after epoch {self.epoch}")

    def _check(self, loss, where):
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"Training stopped: the loss became {loss} in {where}. Most often the learning rate "
                f"(now {float(self.model.optimizer.learning_rate):.3g}) is too high; otherwise look for a "
                "division by zero, the logarithm of zero, or NaN in the data."
            )


class _Checkpoint(keras.callbacks.Callback):
    """Keeps last.keras and best.keras: the model as Keras saves it, and beside it `training.json`.

    A file gets its name only when it is whole, and the archive's checksums show a damaged one.
    """

    def __init__(self, directory, model, batches, epochs, monitor, history):
        super().__init__()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.epochs, self.monitor, self.history = directory, epochs, monitor, history
        config = {**keras.saving.serialize_keras_object(model), "batches": batches}
        self.recipe = dict(_leaves(json.loads(json.dumps(config))))
        self.state = self._read("last.keras") if (directory / "last.keras").exists() else None

    def epochs_done(self):
        """Return how many epochs need no training. Raise ValueError if they are of another run."""
        if self.state is None:
            return 0
        done, theirs, ours = len(self.state["history"]["loss"]), self.state["recipe"], self.recipe
        different = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
        if different:
            shown = "; ".join(f"{key} was {theirs.get(key)!r}, is {ours.get(key)!r}" for key in different[:3])
            more = f"; and {len(different) - 3} more" if len(different) > 3 else ""
            raise ValueError(
                "`directory` must be new or hold a run of the same model, compiled alike, on equal batches. "
                f"Received: {self.directory}, where {shown}{more}"
            )
        if done > self.epochs:
            raise ValueError(
                f"`epochs` must be {done} or more, as {self.directory} holds {done} already. "
                f"Received: epochs={self.epochs}"
            )
        return self.epochs if self.state["stopped"] and self.state["epochs"] == self.epochs else done

    def on_train_begin(self, logs=None):
        if self.state is not None:
            self.load("last.keras", self.model)
            self.history.history = self.state["history"]
            self._keep_best()  # a kill may have come between the two files

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of {', '.join(logs)}. Received: monitor={self.monitor!r}"
            )
        state = {
            "recipe": self.recipe,
            "history": self.history.history,
            "epochs": self.epochs,
            "stopped": self.model.stop_training,  # early, by another callback
            "seeds": [seed.numpy().tolist() for seed in _seeds(self.model)],
        }
        partial = self.directory / "partial.keras"
        self.model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr("training.json", json.dumps(state))
        self._name(partial, "last.keras")
        self._keep_best()

    def load(self, name, model):
        """Give the model the weights, optimizer and seeds of a file. Raise ValueError if it is damaged."""
        state = self._read(name)
        with model.distribute_strategy.scope(), warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping variable")  # what Keras cannot load, it skips
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(self.directory / name)
            for seed, value in zip(_seeds(model), state["seeds"], strict=True):
                seed.assign(value)

    def _keep_best(self):
        values = self.history.history[self.monitor]
        best = max(values) if "acc" in self.monitor else min(values)
        if values.index(best) == len(values) - 1:
            partial = shutil.copyfile(self.directory / "last.keras", self.directory / "partial.keras")
            self._name(partial, "best.keras")

    def _name(self, partial, name):
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # the bytes reach the disk before the name does
        os.replace(partial, self.directory / name)

    def _read(self, name):
        path = self.directory / name
        try:
            with zipfile.ZipFile(path) as archive:
                if damaged := archive.testzip():
                    raise zipfile.BadZipFile(f"{damaged} does not match its checksum")
                return json.loads(archive.read("training.json"))
        except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
            raise ValueError(
                f"{path} must be a file of `training.fit`, undamaged; delete it to train from the start. "
                f"Received: {error}"
            ) from error


def _seeds(model):
    """Return the states of random generators (dropout's), which Keras counts as variables but never saves."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


def _leaves(value, path=""):
    """Yield (path, value) of what makes a run, without the numbers that Keras appends to repeated names."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ("build_config", "run_eagerly", "jit_compile", "steps_per_execution"):
                yield from _leaves(item, path if key == "config" else f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            config = item.get("config") if isinstance(item, dict) else None
            name = f" {_plain(config['name'])}" if isinstance(config, dict) and "name" in config else ""
            yield from _leaves(item, f"{path}[{index}{name}]")
    else:
        yield path, _plain(value) if isinstance(value, str) else value


def _plain(name):
    return re.sub(r"_\d+$", "", name)


class _Progress(keras.callbacks.Callback):
    """Shows epoch, loss, metrics and the time left in a line: in a notebook, on a terminal, or once an epoch.

    A notebook shows the title first and last, whatever happens between: a test of the notebook compares the
    first text with the stored last one, so they are equal, and the same on every machine.
    """

    def __init__(self, name, steps, test_steps, epochs, done, verbose):
        super().__init__()
        self.name, self.steps, self.test_steps, self.epochs = name, steps, test_steps, epochs
        self.title = f"{name}: {_count(epochs, 'epoch')} of {_count(steps, 'step')}"
        self.title += f", {done} of them done before" if done else ""
        self.epoch, self.step, self.timed_steps, self.step_seconds = done, 0, 0, 0.0
        self.pause_seconds = None  # from one epoch's last step to the next one's first: validation and files
        self.logs, self.begun, self.stepped, self.shown = {}, time.monotonic(), None, 0.0
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        self.notebook = verbose and hasattr(shell, "kernel")
        self.terminal = verbose and not self.notebook and sys.stderr.isatty()
        self.log = verbose and not self.notebook and not self.terminal
        if self.notebook:
            from IPython.display import display

            self.handle = display(_bundle(self.title), raw=True, display_id=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.step = epoch, 0
        self._show()

    def on_train_batch_begin(self, batch, logs=None):
        self.step_begun = time.monotonic()
        if batch == 0 and self.stepped is not None:
            pause = self.step_begun - self.stepped
            # The first pause includes tracing, so the shortest counts.
            self.pause_seconds = min(pause, self.pause_seconds or pause)

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self.stepped is not None:  # the very first step is tracing for the most part
            self.step_seconds += now - self.step_begun
            self.timed_steps += batch + 1 - self.step
        self.step, self.logs, self.stepped = batch + 1, logs, now
        self._show()

    def on_test_batch_end(self, batch, logs=None):
        self._show()

    def on_epoch_end(self, epoch, logs=None):
        self.logs = logs
        if self.log:
            print(f"{self.name}: {self._words()}", file=sys.stderr, flush=True)

    def on_train_end(self, logs=None):
        self.close(f"{self.title}: {self._words()}, {_clock(time.monotonic() - self.begun)}")

    def close(self, text):
        """Take the bar away: a notebook shows the title again, a terminal this text."""
        if self.notebook:
            self.handle.update(_bundle(self.title), raw=True)
        elif self.terminal:
            self._write("")
            print(f"\r{text}", file=sys.stderr)

    def seconds_left(self):
        """Return the seconds until all epochs are done; None until a step after the first has been timed."""
        if not self.timed_steps:
            return None
        step = self.step_seconds / self.timed_steps
        # Until a pause has been timed: a step forward takes a third of one forward and back.
        pause = step * self.test_steps / 3 if self.pause_seconds is None else self.pause_seconds
        spent = time.monotonic() - self.stepped if self.step == self.steps else 0.0
        later = (self.epochs - self.epoch - 1) * (self.steps * step + pause)
        return (self.steps - self.step) * step + max(0.0, pause - spent) + later

    def _show(self):
        now = time.monotonic()
        if self.log or now - self.shown < 0.2:
            return
        self.shown, left = now, self.seconds_left()
        text = f"{self._words()}, {'starting' if left is None else f'{_clock(left)} left'}"
        fraction = (self.epoch * self.steps + self.step) / (self.epochs * self.steps)
        if self.notebook:
            self.handle.update(_bundle(text, f'<progress value="{fraction:.3f}"></progress> '), raw=True)
        elif self.terminal:
            self._write(f"[{'=' * round(20 * fraction):<20}] {text}")

    def _words(self):
        names = sorted(self.logs, key=lambda name: "loss" not in name)
        values = [f"{name} {self.logs[name]:.4f}" for name in names]
        return ", ".join([f"epoch {min(self.epoch + 1, self.epochs)}/{self.epochs}", *values])

    def _write(self, text):
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be written over
        print(f"\r{text:<{width}.{width}}", end="", file=sys.stderr, flush=True)


def _bundle(text, bar=""):
    return {"text/plain": text, "text/html": f"<div>{bar}{html.escape(text)}</div>"}


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _count(number, noun):
    return f"{number} {noun}{'s' * (number != 1)}"
