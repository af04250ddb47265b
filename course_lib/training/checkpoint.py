"""The files of a training: where it goes on after a kill, and its best epoch."""

import filecmp
import inspect
import json
import os
import re
import shutil
import tempfile
import warnings
import zipfile

import numpy as np

from course_lib.backend import keras
from course_lib.checks import require
from course_lib.training import replicas

__all__ = ["Checkpoint", "read"]

FILES = ("last.keras", "best.keras", "partial.keras")
DAMAGE = (zipfile.BadZipFile, EOFError, KeyError, ValueError)


def read(path):
    """Return what a file knows of its training. Raise OSError, or one of DAMAGE, if it cannot be read."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"{damaged} does not match its checksum")
        return json.loads(archive.read("training.json"))


class Checkpoint(keras.callbacks.Callback):
    """Keeps last.keras and best.keras: the model as Keras saves it, and beside it `training.json`.

    A file gets its name only when it is whole, and the archive's checksums show a damaged one. What other
    callbacks remember is kept with it: the attributes that training changed, if JSON can hold them.
    """

    def __init__(self, directory, model, run, epochs, monitor, history, callbacks, writes):
        super().__init__()
        self.directory = directory
        self._partial = directory / "partial.keras"
        self.epochs = epochs
        self.monitor = monitor
        self.history = history
        self.callbacks = callbacks
        self.writes = writes  # of several workers, one does
        plain = json.loads(json.dumps(run))
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
        self.run = dict(_leaves(plain))
        self.recipe = dict(_leaves({**config, **plain}))
        self.state = self._read_last() if (directory / "last.keras").exists() else None
        self.largest = self.state and self.state.get("largest", "acc" in monitor)

    def epochs_done(self):
        """Return how many epochs need no training. Raise ValueError if they are of another run."""
        if self.state is None:
            self._require_writable()
            return 0
        done = len(self.state["history"]["loss"])
        different = self._differences()
        more = f"; and {len(different) - 3} more" if len(different) > 3 else ""
        require(
            not different,
            "`directory` must be new or hold a run of the same model, compiled alike, on the same data, in "
            "equal batches, with the same `monitor`.",
            f"{self.directory}, where {'; '.join(different[:3])}{more}",
        )
        required = f"`epochs` must be {done} or more, as {self.directory} holds {done} already."
        require(done <= self.epochs, required, f"epochs={self.epochs}")
        if self.state["stopped"] and self.state["epochs"] == self.epochs:
            return self.epochs
        swaps = any(getattr(callback, "swap_on_epoch", False) for callback in self.callbacks)
        lost = swaps and self.state["epochs"] == done < self.epochs
        required = f"`epochs` must be {done}: SwapEMAWeights left the averages alone at the end."
        require(not lost, required, f"epochs={self.epochs}")
        if done < self.epochs:
            self._require_writable()
        return done

    def _differences(self):
        """Say in what the run of the files is another one."""
        theirs, ours = self.state["recipe"], self.recipe
        sentences = []
        for key in {**theirs, **ours}:
            left_out = key not in theirs and key in self.run  # by version 0.1.0
            any_seed = key == "seed" and key not in ours
            moved = key.endswith("module")  # where a class stands; its registered name is what counts
            # A class of Keras that has become ours has the same weights; its name and arguments are compared.
            is_now_ours = key.endswith("registered_name") and str(ours.get(key)).startswith("course_lib>")
            adopted = is_now_ours and theirs.get(key) is None
            if theirs.get(key) != ours.get(key) and not (left_out or any_seed or moved or adopted):
                sentences.append(f"{key} was {theirs.get(key)!r}, is {ours.get(key)!r}")
        return sentences

    def on_train_begin(self, logs=None):
        self.fresh = [_memory(callback) for callback in self.callbacks]  # they began before this one
        if self.state is not None:
            self.load("last.keras", self.model)
            self.history.history = self.state["history"]
            _remind(self.callbacks, self.state.get("callbacks", ()))
            last, best = self.directory / "last.keras", self.directory / "best.keras"
            if not (best.exists() and filecmp.cmp(last, best, shallow=False)):
                self._keep_best()  # a kill may have come between the two files
            if self.writes and self._epochs_in("best.keras") is None:
                warnings.warn(f"{self._lost()}. A later epoch is kept if it is better", stacklevel=2)

    def on_epoch_end(self, epoch, logs=None):
        required = f"`monitor` must be one of {', '.join(logs)}."
        require(self.monitor in logs, required, f"monitor={self.monitor!r}")
        is_number = np.ndim(logs[self.monitor]) == 0
        required = '`monitor` must be one number: give the metric an `average`, such as "macro".'
        require(is_number, required, f"monitor={self.monitor!r}")
        if self.largest is None:
            self.largest = _largest(self.model, self.monitor)
        if self.writes:
            try:
                self._write()
            except OSError as error:
                self._partial.unlink(missing_ok=True)  # a full disk may have room again
                reason = error.strerror or error
                raise OSError(
                    error.errno,
                    f"{reason}: {self.directory} could not keep epoch {epoch + 1}; the same call goes on "
                    "after the epoch before it",
                ) from error

    def load_best(self, model):
        """Give the model the best epoch's state. Raise ValueError if its file is missing or damaged."""
        if self._epochs_in("best.keras") is None:
            raise ValueError(
                "`restore_best_weights` needs the file of the best epoch; last.keras holds the last one's. "
                f"Received: {self._lost()}"
            )
        self.load("best.keras", model)

    def load(self, name, model):
        """Give the model the weights, optimizer and seeds of a file."""
        state = read(self.directory / name)
        with replicas.scope(model), warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping variable")  # what Keras cannot load, it skips
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(self.directory / name)
            for seed, value in zip(replicas.drawn(model), state["seeds"], strict=True):
                seed.assign(value)

    def _write(self):
        """Keep the epoch that has just ended, and if it is the best, keep it as that, too."""
        remembered = []
        for callback, before in zip(self.callbacks, self.fresh, strict=True):
            if isinstance(callback, keras.callbacks.TensorBoard):
                for writer in callback._writers.values():
                    writer.flush()  # it would wait two minutes, and a kill lose what it holds
            remembered.append([type(callback).__name__, *_changes(before, _memory(callback))])
        state = {
            "recipe": self.recipe,
            "history": self.history.history,
            "largest": self.largest,
            "epochs": self.epochs,
            "stopped": self.model.stop_training,  # early, by another callback
            "seeds": [seed.numpy().tolist() for seed in replicas.drawn(self.model)],
            "callbacks": remembered,
        }
        self.model.save(self._partial)
        with zipfile.ZipFile(self._partial, "a") as archive:
            archive.writestr("training.json", json.dumps(state))
        self._name_partial("last.keras")
        self._keep_best()

    def _keep_best(self):
        if self.writes and self._best() == len(self.history.history[self.monitor]):
            shutil.copyfile(self.directory / "last.keras", self._partial)
            self._name_partial("best.keras")

    def _name_partial(self, name):
        with open(self._partial, "rb+") as file:
            os.fsync(file.fileno())  # the bytes reach the disk before the name does
        os.replace(self._partial, self.directory / name)

    def _best(self):
        """Return the number of the best epoch."""
        values = self.history.history[self.monitor]
        return values.index((max if self.largest else min)(values)) + 1

    def _lost(self):
        best = self.directory / "best.keras"
        how = "damaged" if best.exists() else "missing"
        return f"{best} is {how}: the weights of epoch {self._best()}, the best, are lost"

    def _require_writable(self):
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if self.writes:
                tempfile.TemporaryFile(dir=self.directory).close()
        except OSError as error:
            raise ValueError(f"`directory` must be writable. Received: {self.directory} ({error})") from error

    def _epochs_in(self, name):
        """Return how many epochs a file has behind it; None if it is missing or damaged."""
        try:
            return len(read(self.directory / name)["history"]["loss"])
        except (OSError, *DAMAGE):
            return None

    def _read_last(self):
        path = self.directory / "last.keras"
        try:
            return read(path)
        except DAMAGE as error:
            epochs = self._epochs_in("best.keras")
            advice = f"best.keras holds epoch {epochs}: copy it to last.keras, and the call goes on from it"
            if epochs is None:
                advice = f"move {self.directory} away to train from the start"
            raise ValueError(
                f"{path} must be a file of `training.fit`, undamaged; {advice}. Received: {error}"
            ) from error


def _largest(model, monitor):
    """Return whether the largest value is the best one. Raise ValueError if nothing tells."""
    name = monitor.removeprefix("val_")
    if "acc" in name or "loss" in name or "error" in name:
        return "acc" in name
    metrics = [inner for metric in model.metrics for inner in getattr(metric, "metrics", [metric])]
    for metric in metrics:
        direction = getattr(metric, "_direction", None)  # what Keras's own callbacks look at
        if direction and (name == metric.name or name.endswith(f"_{metric.name}")):
            return direction == "up"
    raise ValueError(
        '`monitor` must have "acc", "loss" or "error" in its name, or be a Keras metric that knows whether '
        f"it should rise. Received: monitor={monitor!r}"
    )


def _memory(callback):
    """Return name -> JSON of what a callback may remember, None for what JSON cannot hold.

    That is its attributes, without functions and what its constructor was given: Keras's callbacks turn the
    sign of `min_delta` round as they start. What JSON cannot hold of Keras's own, or of what is private, are
    tools, such as writers.
    """
    not_its_own = {*inspect.signature(type(callback)).parameters, "model", "_model", "params"}
    is_of_keras = type(callback).__module__.startswith("keras.")
    memory = {}
    for name, value in vars(callback).items():
        if name in not_its_own or callable(value):
            continue
        try:
            memory[name] = json.dumps(value, default=_number)
        except (TypeError, ValueError):
            if not (is_of_keras or name.startswith("_")):
                memory[name] = None
    return memory


def _number(value):
    if getattr(value, "ndim", None) != 0:
        raise TypeError(f"{type(value)} is no number")
    return value.item() if isinstance(value, np.generic | np.ndarray) else float(value)


def _changes(before, after):
    """Return name -> value of what changed and JSON can hold, and the names of what it cannot."""
    changed = {name: text for name, text in after.items() if before.get(name) != text}
    kept = {name: json.loads(text) for name, text in changed.items() if text is not None}
    return kept, [name for name, text in changed.items() if text is None]


def _remind(callbacks, kept):
    """Give callbacks what those of the same class, in the same order, remembered; say what is forgotten."""
    waiting = list(kept)
    for callback in callbacks:
        entry = next((entry for entry in waiting if entry[0] == type(callback).__name__), None)
        if entry is None:
            continue
        waiting.remove(entry)
        kind, values, lost = entry
        for name, value in values.items():
            setattr(callback, name, value)
        if lost:
            warnings.warn(f"{kind} goes on without what no file keeps: {', '.join(lost)}", stacklevel=2)


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
