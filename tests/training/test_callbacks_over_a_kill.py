"""Every callback that Keras exports: over a kill its files and its memory stay whole, or it is refused."""

import inspect
import shutil
import types

import numpy as np
import pytest
from small import At, build, pipelines

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

EXPORTED = sorted(name for name, value in vars(keras.callbacks).items() if inspect.isclass(value))
POSTED = []  # what RemoteMonitor sends

# Each makes its callback for a folder, in which it may write.
KEPT = {
    "Callback": [lambda folder: keras.callbacks.Callback()],
    "CSVLogger": [lambda folder: keras.callbacks.CSVLogger(folder / "log.csv", append=True)],
    "EarlyStopping": [lambda folder: keras.callbacks.EarlyStopping("val_loss", min_delta=9, patience=2)],
    "History": [lambda folder: keras.callbacks.History()],
    "LambdaCallback": [
        lambda folder: keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: (folder / f"epoch{epoch}.txt").write_text(str(logs))
        )
    ],
    "LearningRateScheduler": [
        lambda folder: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    ],
    "ModelCheckpoint": [
        lambda folder: keras.callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
        lambda folder: keras.callbacks.ModelCheckpoint(folder / "{epoch}_{batch}.keras", save_freq=2),
    ],
    "ProgbarLogger": [lambda folder: keras.callbacks.ProgbarLogger()],
    "ReduceLROnPlateau": [
        lambda folder: keras.callbacks.ReduceLROnPlateau("val_loss", min_delta=9, patience=2)
    ],
    "RemoteMonitor": [lambda folder: keras.callbacks.RemoteMonitor(send_as_json=True)],
    "SwapEMAWeights": [
        lambda folder: keras.callbacks.SwapEMAWeights(swap_on_epoch=False),
        lambda folder: keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
    ],
    "TensorBoard": [
        lambda folder: keras.callbacks.TensorBoard(folder / "board"),
        lambda folder: keras.callbacks.TensorBoard(folder / "steps", update_freq=1, histogram_freq=1),
    ],
    "TerminateOnNaN": [lambda folder: keras.callbacks.TerminateOnNaN()],
}

# Each makes its callback for `fit`'s own folder, and the words of the refusal.
REFUSED = {
    "BackupAndRestore": [
        (lambda folder: keras.callbacks.BackupAndRestore(folder / "backup"), "goes on after a kill: leave")
    ],
    "CallbackList": [(lambda folder: keras.callbacks.CallbackList(), "must be a list of Keras callbacks")],
    "CSVLogger": [
        (lambda folder: keras.callbacks.CSVLogger(folder / "log.csv"), r"Received: CSVLogger\(append=False\)")
    ],
    "EarlyStopping": [
        (
            lambda folder: keras.callbacks.EarlyStopping(restore_best_weights=True),
            r"Received: EarlyStopping\(restore_best_weights=True\)",
        )
    ],
    "ModelCheckpoint": [
        (
            lambda folder: keras.callbacks.ModelCheckpoint(folder / "best.keras"),
            r"`fit`'s own.*Received: ModelCheckpoint\(.*best.keras'\)",
        )
    ],
    "OrbaxCheckpoint": [  # its `__init__` wants a package that the course does not need
        (lambda folder: object.__new__(keras.callbacks.OrbaxCheckpoint), "goes on after a kill: leave")
    ],
}


# These change the training, each in a run of its own; all others look on, in one run together.
ACTING = ("EarlyStopping", "LearningRateScheduler", "ReduceLROnPlateau", "SwapEMAWeights")


def cases(table):
    """Return a parameter for each entry of a table that this Keras exports."""
    return [
        pytest.param(entry, id=f"{name}{number}")
        for name in EXPORTED
        for number, entry in enumerate(table.get(name, ()))
    ]


def runs():
    """Return a parameter for each run: what makes its callbacks."""
    onlookers = [make for name in EXPORTED if name not in ACTING for make in KEPT.get(name, ())]
    acting = [(f"{name}{number}", [make]) for name in ACTING for number, make in enumerate(KEPT[name])]
    return [pytest.param(makes, id=name) for name, makes in [("onlookers", onlookers), *acting]]


def contents(folder):
    """Return what files hold, by name; of all of TensorBoard's together, each value at its step."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if "tfevents" in path.name:
            for record in tf.data.TFRecordDataset(str(path)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                for value in event.summary.value:
                    if not value.tag.endswith("per_second"):
                        found[*path.parent.parts[-2:], value.tag, event.step] = (
                            value.tensor.SerializeToString()
                        )
        elif path.suffix == ".keras":
            found[path.name] = keras.saving.load_model(path).get_weights()
        elif path.is_file():
            found[path.name] = path.read_text()
    return found


def train(folder, makes, *callbacks, epochs=4):
    """Train four epochs, of which the third and fourth are worse; return all that is left of it."""
    keras.utils.clear_session()  # which numbers the names of layers anew
    model = build()
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.9),
        "sparse_categorical_crossentropy",
        run_eagerly=True,
    )
    worse = At(2, lambda model: model.optimizer.learning_rate.assign(5.0))
    tried = [make(folder) for make in makes]
    history = training.fit(
        model,
        pipelines(examples=16),
        epochs=epochs,
        directory=folder / "run",
        callbacks=[*callbacks, worse, *tried],
        verbose=False,
    )
    state = [np.asarray(variable) for variable in [*model.variables, *model.optimizer.variables]]
    names = ("history", "epoch", "wait", "best")
    memory = [{name: vars(callback)[name] for name in names if name in vars(callback)} for callback in tried]
    return history.history, state, memory


@pytest.fixture
def stand_ins(monkeypatch):
    """Take the place of two packages that the course does not need: requests, and tensorboard's summaries."""
    requests = types.SimpleNamespace(post=lambda path, json, headers: POSTED.append(json["epoch"]))
    requests.exceptions = types.SimpleNamespace(RequestException=OSError)
    monkeypatch.setattr(inspect.getmodule(keras.callbacks.RemoteMonitor), "requests", requests)
    summary = keras.callbacks.TensorBoard().summary
    for kind in ("scalar", "histogram"):
        monkeypatch.setattr(summary, kind, lambda name, data, step: tf.summary.write(name, data, step))
    POSTED.clear()


@pytest.mark.parametrize("makes", runs())
@pytest.mark.usefixtures("stand_ins")
@pytest.mark.filterwarnings("error:.*goes on without what no file keeps", "ignore:.*explode")
def test_over_a_kill_a_callback_loses_nothing(tmp_path, makes):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    # What is on the disk when the third epoch begins is what a kill would leave.
    expected = train(whole, makes, At(2, lambda model: shutil.copytree(whole, killed)))
    for _ in range(2):  # it goes on; and finds that all is done
        np.testing.assert_equal(train(killed, makes), expected)
        np.testing.assert_equal(contents(killed), contents(whole))
    assert POSTED in ([], [0, 1, 2, 3, 2, 3])


@pytest.mark.parametrize("entry", cases(REFUSED))
def test_a_callback_that_would_lose_something_is_refused_before_the_first_step(tmp_path, entry):
    make, message = entry
    with pytest.raises(ValueError, match=message):
        train(tmp_path, [lambda folder: make(folder / "run")])
    assert not (tmp_path / "run").exists()


def test_averages_that_have_taken_the_place_of_the_weights_are_not_trained_on(tmp_path):
    makes = KEPT["SwapEMAWeights"][-1:]
    train(tmp_path, makes, epochs=1)
    with pytest.raises(ValueError, match=r"`epochs` must be 1: .*Received: epochs=2"):
        train(tmp_path, makes, epochs=2)


def test_every_callback_that_keras_exports_is_tried():
    assert {*EXPORTED} <= {*KEPT, *REFUSED}
