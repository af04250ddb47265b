"""Strategy, fit, resume and progress."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import jupyter_client
import numpy as np
import pytest

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

TWO = ("CPU:0", "CPU:1")  # conftest.py makes the second


def pipelines(examples=24, batch=8, test_batch=8):
    """Return (train, test) pipelines of points labelled by the sign of their sum."""
    x = np.random.default_rng(0).normal(size=(examples, 4)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, (x.sum(1) > 0).astype(int)))
    return data.shuffle(examples, seed=1).batch(batch, drop_remainder=True), data.batch(test_batch)


def build(units=3, rate=0.1, dropout=0.1, devices=None):
    """Return a compiled dense network, the same weights each time."""
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        model = keras.Sequential(name="tiny")
        model.add(keras.Input((4,)))
        model.add(keras.layers.Dense(units, "tanh"))
        model.add(keras.layers.Dropout(dropout))
        model.add(keras.layers.Dense(2, "softmax"))
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class At(keras.callbacks.Callback):
    """Calls `action` at the start of an epoch."""

    def __init__(self, epoch, action):
        super().__init__()
        self.epoch, self.action = epoch, action

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.action(self.model)


def interrupt(model):
    raise KeyboardInterrupt


def same_weights(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))


def test_the_profile_is_quick_unless_the_environment_says_full(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    assert (training.profile(), training.choose(quick=1, full=2)) == ("quick", 1)
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert (training.profile(), training.choose(quick=1, full=2)) == ("full", 2)


def test_another_profile_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    with pytest.raises(ValueError, match="Received: COURSE_PROFILE=fast"):
        training.profile()


def test_a_strategy_is_made_once_and_spans_the_devices_asked_for():
    assert training.strategy() is training.strategy()
    assert training.strategy(TWO) is training.strategy(list(TWO))
    gpus = len(tf.config.list_physical_devices("GPU"))
    assert training.strategy().num_replicas_in_sync == max(1, gpus)
    assert training.strategy(TWO).num_replicas_in_sync == 2


def test_training_on_two_replicas_is_training_on_one():
    runs = []
    for devices in (None, TWO):
        model = build(dropout=0, devices=devices)
        history = training.fit(model, pipelines(test_batch=3), epochs=3, verbose=False).history
        runs.append((history, model.get_weights()))
    (history, weights), (mirrored_history, mirrored_weights) = runs
    assert history.keys() == mirrored_history.keys()
    for (
        name,
        values,
    ) in history.items():  # the same shuffled batches in each epoch, or the losses would differ
        np.testing.assert_allclose(mirrored_history[name], values, rtol=1e-5, err_msg=name)
    for one, two in zip(weights, mirrored_weights, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 5, 8])
def test_a_test_batch_of_any_size_is_evaluated_whole_on_two_replicas(batch):
    test = pipelines(examples=19, test_batch=batch)[1]
    one, two = (training.evaluate(build(devices=devices), test) for devices in (("CPU:0",), TWO))
    assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pipelines(batch=3), "2 divides.*Received: batches of 3"),
        (([[1.0]], None), "batches of tf.data. Received: list"),
        (pipelines(batch=32), "Received: cardinality=0"),
        ((pipelines()[0].repeat(), None), "Received: cardinality=-1"),
        (
            (pipelines()[0], pipelines(examples=1)[1]),
            "Received: 1 examples",
        ),
    ],
)
def test_data_that_would_leave_a_replica_empty_is_refused_before_training(data, message):
    with pytest.raises(ValueError, match=message):
        training.fit(build(devices=TWO), data, epochs=1)


@pytest.mark.parametrize("data", [None, 5, pipelines()[0], pipelines()[:1], (*pipelines(), None)])
def test_data_that_is_no_dataset_and_no_pair_is_refused(data):
    with pytest.raises(ValueError, match=r"`data` must be .*Received: data="):
        training.fit(build(), data, epochs=1)


@pytest.mark.parametrize("callbacks", [At(0, interrupt), [At], None])
def test_callbacks_that_are_no_list_of_callbacks_are_refused(callbacks):
    with pytest.raises(ValueError, match=r"`callbacks` must be .*Received: callbacks="):
        training.fit(build(), pipelines(), epochs=1, callbacks=callbacks)


@pytest.mark.parametrize("directory", [5, __file__])
def test_a_directory_that_is_no_folder_is_refused(directory):
    with pytest.raises(ValueError, match=rf"`directory` must be .*Received: directory={directory!r}"):
        training.fit(build(), pipelines(), epochs=1, directory=directory)


@pytest.mark.parametrize("option", [{"monitor": "val_los"}, {"restore_best_weights": True}])
def test_what_chooses_the_best_epoch_is_refused_without_a_directory(option):
    with pytest.raises(ValueError, match=r"need a directory. Received: directory=None"):
        training.fit(build(), pipelines(), epochs=1, **option)


def test_a_run_without_a_whole_epoch_is_refused():
    with pytest.raises(ValueError, match="Received: epochs=0"):
        training.fit(build(), pipelines(), epochs=0)


RUN = """
    import os, signal, sys
    import numpy as np
    from course_lib import datasets, training
    from course_lib.backend import keras

    directory, kill = sys.argv[1], int(sys.argv[2])

    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == kill:
                os.kill(os.getpid(), signal.SIGKILL)

    keras.utils.set_random_seed(1)
    augmentation = datasets.Augmentation(shift=1, rotation=10)
    data = datasets.load("digits", batch_size=32, train_count=128, test_count=64, augmentation=augmentation)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(),
        keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(10, "softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = training.fit(model, data, epochs=4, directory=directory, callbacks=[Kill()]).history
    state = [np.asarray(variable) for variable in [*model.variables, *model.optimizer.variables]]
    np.savez(f"{directory}/end.npz", *state, history=[history[name] for name in sorted(history)])
"""


def test_a_killed_run_goes_on_to_the_weights_of_an_undisturbed_one(tmp_path):
    def start(name, kill):
        command = [sys.executable, "-c", textwrap.dedent(RUN), str(tmp_path / name), str(kill)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    undisturbed, killed = start("undisturbed", -1), start("killed", 10)  # in the third epoch of four steps
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    resumed = start("killed", -1)
    lines = resumed.communicate()[1].splitlines()
    assert [line.split(",")[0].split()[-1] for line in lines] == ["3/4", "4/4"]
    undisturbed.communicate()
    with np.load(tmp_path / "undisturbed/end.npz") as expected, np.load(tmp_path / "killed/end.npz") as found:
        assert expected["history"].shape == (4, 4)
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_a_finished_run_returns_its_history_and_its_weights_at_once(tmp_path):
    model = build()
    first = training.fit(model, pipelines(), epochs=3, directory=tmp_path)
    again = build()
    second = training.fit(again, pipelines(), epochs=3, directory=tmp_path, callbacks=[At(0, interrupt)])
    assert (second.history, second.epoch) == (first.history, [0, 1, 2])
    assert same_weights(again, model)
    assert same_weights(keras.saving.load_model(tmp_path / "last.keras"), model)


def test_a_run_that_another_callback_stopped_is_finished(tmp_path):
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=10, patience=1)
    first = training.fit(build(), pipelines(), epochs=9, directory=tmp_path, callbacks=[stop])
    again = training.fit(build(), pipelines(), epochs=9, directory=tmp_path, callbacks=[At(2, interrupt)])
    assert first.epoch == [0, 1]
    assert again.history == first.history


def test_the_best_weights_are_those_of_the_epoch_with_the_best_value(tmp_path):
    class Judge(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights())

    seen, model, judge = [], build(), Judge()
    spoil = At(3, lambda model: model.optimizer.learning_rate.assign(20.0))
    options = {"directory": tmp_path, "restore_best_weights": True}
    history = training.fit(model, pipelines(), epochs=6, callbacks=[judge, spoil], **options)
    best = int(np.argmin(history.history["val_loss"]))
    assert best == 2
    for found, expected in zip(model.get_weights(), seen[best], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_largest_accuracy_is_the_best(tmp_path):
    model = build()
    spoil = At(3, lambda model: model.optimizer.learning_rate.assign(20.0))
    options = {"directory": tmp_path, "monitor": "val_accuracy", "restore_best_weights": True}
    values = training.fit(model, pipelines(), epochs=6, callbacks=[spoil], **options).history["val_accuracy"]
    assert training.evaluate(model, pipelines()[1])["accuracy"] == max(values) > values[-1]


def test_a_kill_between_the_two_files_does_not_lose_the_best(tmp_path):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    (tmp_path / "best.keras").unlink()
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    assert (tmp_path / "best.keras").read_bytes() == (tmp_path / "last.keras").read_bytes()


def test_a_full_disk_leaves_the_last_whole_epoch(tmp_path, monkeypatch):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    before = (tmp_path / "last.keras").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    assert (tmp_path / "last.keras").read_bytes() == before
    assert training.fit(build(), pipelines(), epochs=2, directory=tmp_path).epoch == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.keras", "last.keras"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": lambda: build(units=5)}, r"layers\[1 dense\].units was 3, is 5"),
        ({"model": lambda: build(rate=0.2)}, "learning_rate was 0.1.*, is 0.2"),
        ({"data": pipelines(batch=6)}, "batches.size was 8, is 6; batches.steps was 3, is 4"),
        ({"epochs": 1}, "2 or more.*Received: epochs=1"),
    ],
)
def test_the_directory_of_another_run_is_refused_with_the_difference(tmp_path, change, message):
    training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    call = {"model": build, "data": pipelines(), "epochs": 2} | change
    with pytest.raises(ValueError, match=message):
        training.fit(call["model"](), call["data"], epochs=call["epochs"], directory=tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flip", "foreign"])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    path = tmp_path / "last.keras"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        weights = archive.getinfo("model.weights.h5")
    content[weights.header_offset + weights.file_size // 2] ^= 1
    path.write_bytes({"cut": content[: len(content) // 2], "flip": content, "foreign": b"text"}[damage])
    with pytest.raises(
        ValueError, match=r"last.keras must be a file of `training.fit`, undamaged.*Received: \w+"
    ):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path)


def test_an_unknown_monitor_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(
        ValueError, match=r"accuracy, loss, val_accuracy, val_loss.*Received: monitor='error'"
    ):
        training.fit(build(), pipelines(), epochs=1, directory=tmp_path, monitor="error")


def test_without_test_data_the_training_loss_decides(tmp_path):
    history = training.fit(build(), (pipelines()[0], None), epochs=2, directory=tmp_path)
    assert sorted(history.history) == ["accuracy", "loss"]
    assert (tmp_path / "best.keras").exists()


def test_a_loss_that_is_not_a_number_stops_training_in_words():
    broken = pipelines()[0].map(lambda x, y: (x / 0, y))
    with pytest.raises(
        FloatingPointError, match=r"became nan in step 1 of epoch 1.*learning rate \(now 0.1\)"
    ):
        training.fit(build(), (broken, None), epochs=2)


def test_an_interrupted_run_says_where_it_stopped_and_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt, match=r"in epoch 3 of 4. The same call goes on") as caught:
        training.fit(build(), pipelines(), epochs=4, directory=tmp_path, callbacks=[At(2, interrupt)])
    assert caught.value.__suppress_context__
    assert training.fit(build(), pipelines(), epochs=4, directory=tmp_path).epoch == [0, 1, 2, 3]


def test_a_log_has_one_line_an_epoch(capsys):
    history = training.fit(build(), pipelines(), epochs=2).history
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"tiny: epoch {epoch + 1}/2, "
        + ", ".join(
            f"{name} {history[name][epoch]:.4f}" for name in ("loss", "val_loss", "accuracy", "val_accuracy")
        )
        for epoch in range(2)
    ]


def test_nothing_is_shown_when_verbose_is_off(capfd):
    training.fit(build(), pipelines(), epochs=1, verbose=False)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_keeps_one_line_that_never_wraps(monkeypatch):
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("COLUMNS", "40")
        pause = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.1))
        training.fit(build(), pipelines(), epochs=2, callbacks=[pause])
        shown = ""
        while not shown.endswith("\n"):
            shown += os.read(ours, 4096).decode()
    os.close(ours)
    *bars, blank, last = shown.removeprefix("\r").replace("\r\n", "\n").split("\r")
    assert len(bars) >= 3
    assert {len(bar) for bar in [*bars, blank]} == {39}
    assert bars[-1].startswith("[========")
    assert all("\n" not in bar for bar in bars)
    assert last.startswith("tiny: 2 epochs of 3 steps: epoch 2/2, loss ")
    assert last.endswith("\n")


class Clock:
    """Stands in for `time`: it passes only when told."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


def test_the_time_left_counts_steps_validation_and_the_epochs_to_come(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    progress = training._Progress("net", steps=4, test_steps=6, epochs=3, done=0, verbose=False)
    left = []
    for epoch in range(3):
        progress.on_epoch_begin(epoch)
        for batch in range(4):
            progress.on_train_batch_begin(batch)
            clock.now += 50 if (epoch, batch) == (0, 0) else 2  # the first includes tracing
            progress.on_train_batch_end(batch, {"loss": 1.0})
            left.append(progress.seconds_left())
        clock.now += 10  # validation
        progress.on_epoch_end(epoch, {"loss": 1.0})
    # A test step counts as a third of a training step, 4 s for the six, until a validation has taken 10 s.
    assert left[:4] == [None, 4 + 4 + 2 * 12, 2 + 4 + 2 * 12, 4 + 2 * 12]
    assert left[4:8] == [6 + 10 + 18, 4 + 10 + 18, 2 + 10 + 18, 10 + 18]
    assert left[8:] == [6 + 10, 4 + 10, 2 + 10, 10]
    assert progress.seconds_left() == 0


CELL = """
    import sys, time
    sys.path.insert(0, {folder!r})
    from test_training import At, build, interrupt, keras, pipelines, training
    pause = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.05))
    training.fit(build(), pipelines(), epochs=4, callbacks=[pause]).epoch
"""


def test_a_notebook_shows_the_same_sentence_first_and_last_and_a_bar_between():
    messages = []
    with jupyter_client.run_kernel(kernel_name="python3") as client:
        cell = textwrap.dedent(CELL.format(folder=os.path.dirname(__file__)))
        reply = client.execute_interactive(cell, output_hook=messages.append, timeout=120)
    assert reply["content"]["status"] == "ok"
    assert {message["msg_type"] for message in messages} == {
        "status",
        "execute_input",
        "display_data",
        "update_display_data",
        "execute_result",
    }  # fmt: skip  (no stream: TensorFlow is quiet)
    shown = [m["content"] for m in messages if "display_data" in m["msg_type"]]
    title = {"text/plain": "tiny: 4 epochs of 3 steps", "text/html": "<div>tiny: 4 epochs of 3 steps</div>"}
    assert shown[0]["data"] == shown[-1]["data"] == title
    assert len({message["transient"]["display_id"] for message in shown}) == 1
    between = [message["data"] for message in shown[1:-1]]
    assert 2 <= len(between) <= 10
    for bundle in between:
        assert re.match(r'<div><progress value="[01]\.\d+"></progress> epoch \d/4', bundle["text/html"])
    assert re.fullmatch(r"epoch [34]/4, loss .*, accuracy .*, 0:0\d left", between[-1]["text/plain"])
