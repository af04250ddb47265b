"""The files of a training: where it goes on after a kill, and its best epoch."""

import filecmp
import inspect
import json
import os
import re
import shutil
import warnings
import zipfile

import numpy as np

from course_lib.backend import keras
from course_lib.training import replicas

__all__ = ["Checkpoint"]


class Checkpoint(keras.callbacks.Callback):
    """Keeps last.keras and best.keras: the model as Keras saves it, and beside it `training.json`.

    A file gets its name only when it is whole, and the archive's checksums show a damaged one. What other
    callbacks remember is kept with it: the attributes that training changed, if JSON can hold them.
    """

    def __init__(self, directory, model, batches, epochs, monitor, history, callbacks, writes):
        super().__init__()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.epochs, self.monitor, self.history = directory, epochs, monitor, history
        self.callbacks, self.writes = callbacks, writes  # of several workers, one writes
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
        self.fresh = [_memory(callback) for callback in self.callbacks]  # they began before this one
        if self.state is not None:
            self.load("last.keras", self.model)
            self.history.history = self.state["history"]
            _remind(self.callbacks, self.state.get("callbacks", ()))
            last, best = self.directory / "last.keras", self.directory / "best.keras"
            if not (best.exists() and filecmp.cmp(last, best, shallow=False)):
                self._keep_best()  # a kill may have come between the two files

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of {', '.join(logs)}. Received: monitor={self.monitor!r}"
            )
        if not self.writes:
            return
        state = {
            "recipe": self.recipe,
            "history": self.history.history,
            "epochs": self.epochs,
            "stopped": self.model.stop_training,  # early, by another callback
            "seeds": [seed.numpy().tolist() for seed in replicas.drawn(self.model)],
            "callbacks": [
                [type(callback).__name__, *_changes(before, _memory(callback))]
                for callback, before in zip(self.callbacks, self.fresh, strict=True)
            ],
        }
        partial = self.directory / "partial.keras"
        try:
            self.model.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr("training.json", json.dumps(state))
            self._name(partial, "last.keras")
            self._keep_best()
        except OSError as error:
            partial.unlink(missing_ok=True)  # a full disk may have room again
            raise OSError(
                error.errno,
                f"{error.strerror or error}: {self.directory} could not keep epoch {epoch + 1}; the same "
                "call goes on after the epoch before it",
            ) from error

    def load(self, name, model):
        """Give the model the weights, optimizer and seeds of a file. Raise ValueError if it is damaged."""
        state = self._read(name)
        with replicas.scope(model), warnings.catch_warnings():
            warnings.filterwarnings("error", "Skipping variable")  # what Keras cannot load, it skips
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)
            model.load_weights(self.directory / name)
            for seed, value in zip(replicas.drawn(model), state["seeds"], strict=True):
                seed.assign(value)

    def _keep_best(self):
        if not self.writes:
            return
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


def _memory(callback):
    """Return name -> JSON of what a callback may remember, None for what JSON cannot hold.

    That is its public attributes, without functions and what its constructor was given: Keras's callbacks
    turn the sign of `min_delta` round as they start.
    """
    given, memory = inspect.signature(type(callback)).parameters, {}
    for name, value in vars(callback).items():
        if not (name.startswith("_") or name in given or name in ("model", "params") or callable(value)):
            try:
                memory[name] = json.dumps(value, default=_number)
            except (TypeError, ValueError):
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
    kept = list(kept)
    for callback in callbacks:
        entry = next((entry for entry in kept if entry[0] == type(callback).__name__), None)
        if entry is None:
            continue
        kept.remove(entry)
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
