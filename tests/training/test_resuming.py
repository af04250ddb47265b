"""After a kill a training goes on and loses nothing; what cannot go on is refused in words."""

import json
import resource
import zipfile

import numpy as np
import pytest
from forks import Forks
from small import At, build, interrupt, pipelines, same_weights

from course_lib import training
from course_lib.backend import keras
from course_lib.layers import Conv2D

KILLS = """
    import zipfile
    import numpy as np
    from course_lib import datasets, training
    from course_lib.backend import keras

    class Kill(keras.callbacks.Callback):
        def __init__(self, step, at):
            super().__init__()
            self.step, self.at = step, at

        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == self.step:
                if self.at == "names":
                    kill_at_call(os, "replace", 2)
                elif self.at == "writing":
                    kill_at_call(zipfile.ZipFile, "close", 1)
                else:
                    os.kill(os.getpid(), signal.SIGKILL)

    def kill_at_call(owner, name, count):
        original, calls = getattr(owner, name), []

        def counting(*arguments, **options):
            calls.append(1)
            if len(calls) == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        setattr(owner, name, counting)

    def run(number, *, directory, step=-1, at=None):
        keras.utils.set_random_seed(1)
        augmentation = datasets.Augmentation(shift=1)
        counts = {"train_count": 128, "test_count": 64}
        data = datasets.load("digits", batch_size=32, augmentation=augmentation, **counts)
        model = keras.Sequential([
            keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5), keras.layers.Dense(10, "softmax"),
        ])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = training.fit(model, data, epochs=5, directory=directory, callbacks=[Kill(step, at)]).history
        state = [np.asarray(variable) for variable in [*model.variables, *model.optimizer.variables]]
        np.savez(f"{directory}/end.npz", *state)
        return history
"""


def test_a_run_that_is_killed_at_every_bad_moment_ends_with_the_weights_of_an_undisturbed_one(tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    forks, dead = Forks(KILLS), [{"raised": "killed"}]
    expected = forks.run(directory=str(undisturbed))
    assert forks.run(directory=str(killed), step=10) == dead  # in the third epoch of four steps
    last, best = killed / "last.keras", killed / "best.keras"
    second_epoch = last.read_bytes()
    assert forks.run(directory=str(killed), step=12, at="writing") == dead
    assert not zipfile.is_zipfile(killed / "partial.keras")  # half of the third epoch's file
    assert last.read_bytes() == second_epoch
    assert forks.run(directory=str(killed), step=12, at="names") == dead  # last.keras is the third, best not
    assert last.read_bytes() != second_epoch == best.read_bytes()
    assert forks.run(directory=str(killed)) == expected
    assert len(expected[0]["result"]["loss"]) == 5
    forks.close()
    with np.load(undisturbed / "end.npz") as one, np.load(killed / "end.npz") as two:
        for name in one.files:
            np.testing.assert_array_equal(two[name], one[name], err_msg=name)


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


def judged(metric, monitor, epochs, directory, callbacks=()):
    """Train a network of one output, judged by a metric; return it, its data and its history."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=[metric], run_eagerly=True)
    data = [batches.map(lambda x, y: (x, y[:, None])) for batches in pipelines()]
    options = {"directory": directory, "monitor": monitor, "restore_best_weights": True, "verbose": False}
    return model, data, training.fit(model, data, epochs=epochs, callbacks=callbacks, **options).history


def test_a_metric_without_acc_in_its_name_is_best_where_keras_says(tmp_path):
    worse = At(2, lambda model: model.optimizer.learning_rate.assign(-20.0))
    metric = keras.metrics.AUC(name="AUC")
    model, data, history = judged(metric, "val_AUC", 3, tmp_path, [worse])
    values = history["val_AUC"]
    assert training.evaluate(model, data[1])["AUC"] == max(values) > values[-1]


def test_a_metric_that_neither_rises_nor_falls_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"knows whether it should rise\. Received: monitor='val_alarms'"):
        judged(keras.metrics.FalsePositives(name="alarms"), "val_alarms", 1, tmp_path)


def test_a_kill_between_the_two_files_does_not_lose_the_best(tmp_path):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    (tmp_path / "best.keras").unlink()
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    assert (tmp_path / "best.keras").read_bytes() == (tmp_path / "last.keras").read_bytes()


def test_a_full_disk_leaves_the_last_whole_epoch(tmp_path):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    before = (tmp_path / "last.keras").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))  # no file may grow larger
    try:
        with pytest.raises(OSError, match=r"File too large: .* could not keep epoch 2; the same call"):
            training.fit(build(), pipelines(), epochs=2, directory=tmp_path, verbose=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "last.keras").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.keras", "last.keras"]
    assert training.fit(build(), pipelines(), epochs=2, directory=tmp_path).epoch == [0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": lambda: build(units=5)}, r"layers\[1 dense\].units was 3, is 5"),
        ({"model": lambda: build(rate=0.2)}, "learning_rate was 0.1.*, is 0.2"),
        ({"data": pipelines(batch=6)}, "batches.size was 8, is 6; batches.steps was 3, is 4"),
        ({"epochs": 1}, "2 or more.*Received: epochs=1"),
        ({"monitor": "val_accuracy"}, "where monitor was 'val_loss', is 'val_accuracy'$"),
        ({"seed": 1}, "where seed was 0, is 1$"),
    ],
)
def test_the_directory_of_another_run_is_refused_with_the_difference(tmp_path, change, message):
    call = {"model": build, "data": pipelines(), "epochs": 2, "seed": 0, "directory": tmp_path}
    training.fit(**call | {"model": build()})
    call |= change
    with pytest.raises(ValueError, match=message):
        training.fit(**call | {"model": call["model"]()})


def test_a_run_goes_on_without_its_seed_and_if_its_file_is_of_version_0_1_0(tmp_path):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path, seed=0)
    training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    last, old = tmp_path / "last.keras", tmp_path / "old.keras"
    with zipfile.ZipFile(last) as archive, zipfile.ZipFile(old, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "training.json":
                state = json.loads(content)
                del state["largest"], state["recipe"]["monitor"]
                content = json.dumps(state)
            copy.writestr(name, content)
    old.rename(last)
    assert training.fit(build(), pipelines(), epochs=3, directory=tmp_path, seed=0).epoch == [0, 1, 2]


def test_a_run_goes_on_when_a_convolution_of_keras_has_become_ours(tmp_path):
    """As those of AlexNet and ResNeXt did after version 0.1.0; not with other arguments, nor turned back."""

    def network(kind, filters=4):
        keras.utils.set_random_seed(0)
        x = np.random.default_rng(0).normal(size=(8, 3, 3, 4)).astype("float32")
        layers = [kind(filters, 2, name="conv"), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
        model = keras.Sequential([keras.Input((3, 3, 4)), *layers], name="run")
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
        return {"model": model, "data": ((x, np.arange(8) % 2),) * 2, "batch_size": 4}

    trained = []
    for name, first in (("moved", keras.layers.Conv2D), ("same", Conv2D)):
        for epochs, kind in ((1, first), (2, Conv2D)):
            call = network(kind)
            done = training.fit(**call, epochs=epochs, directory=tmp_path / name, seed=0).epoch
            assert done == list(range(epochs))
        trained.append(call["model"])
    assert same_weights(*trained)
    for kind, filters, message in ((keras.layers.Conv2D, 4, "registered_name"), (Conv2D, 6, "filters")):
        with pytest.raises(ValueError, match=message):
            training.fit(**network(kind, filters), epochs=3, directory=tmp_path / "moved", seed=0)


@pytest.mark.parametrize("damage", ["cut", "flip", "foreign"])
def test_a_damaged_file_is_refused_by_name(tmp_path, damage):
    training.fit(build(), pipelines(), epochs=1, directory=tmp_path)
    path = tmp_path / "last.keras"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        weights = archive.getinfo("model.weights.h5")
    content[weights.header_offset + weights.file_size // 2] ^= 1
    damaged = {"cut": content[: len(content) // 2], "flip": content, "foreign": b"text"}[damage]
    path.write_bytes(damaged)
    message = r"last.keras must be a file of `training.fit`, undamaged; {}.*\. Received: \w+"
    best = (tmp_path / "best.keras").read_bytes()
    with pytest.raises(ValueError, match=message.format("best.keras holds epoch 1: copy it to last.keras")):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    (tmp_path / "best.keras").write_bytes(damaged)
    with pytest.raises(ValueError, match=message.format("move .* away to train from the start")):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    path.write_bytes(best)
    assert training.fit(build(), pipelines(), epochs=2, directory=tmp_path).epoch == [0, 1]


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_best_epoch_whose_file_is_lost_is_named(tmp_path, how):
    spoil = At(1, lambda model: model.optimizer.learning_rate.assign(20.0))
    training.fit(build(), pipelines(), epochs=2, directory=tmp_path, callbacks=[spoil])
    best = tmp_path / "best.keras"
    assert best.read_bytes() != (tmp_path / "last.keras").read_bytes()
    best.unlink() if how == "missing" else best.write_bytes(b"text")
    lost = f"best.keras is {how}: the weights of epoch 1, the best, are lost"
    with pytest.warns(UserWarning, match=lost):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path)
    with (
        pytest.warns(UserWarning, match=lost),
        pytest.raises(ValueError, match=f"`restore_best_weights` needs.*{lost}"),
    ):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path, restore_best_weights=True)


@pytest.mark.parametrize("directory", ["/dev/null/run", "/proc"])
def test_a_directory_that_cannot_be_written_is_refused_before_the_first_epoch(directory):
    with pytest.raises(ValueError, match=f"`directory` must be writable. Received: {directory}"):
        training.fit(build(), pipelines(), epochs=1, directory=directory, callbacks=[At(0, pytest.fail)])


def test_a_callback_that_would_restore_what_a_kill_loses_is_refused(tmp_path):
    stop = keras.callbacks.EarlyStopping(restore_best_weights=True)
    with pytest.raises(ValueError, match=r"Received: EarlyStopping\(restore_best_weights=True\)"):
        training.fit(build(), pipelines(), epochs=1, directory=tmp_path, callbacks=[stop])


def test_a_callback_that_remembers_what_no_file_keeps_says_so(tmp_path):
    class Sums(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.steps, self.weights = 0, None

        def on_train_batch_end(self, batch, logs=None):
            self.steps, self.weights = self.steps + 1, self.model.get_weights()

    training.fit(build(), pipelines(), epochs=1, directory=tmp_path, callbacks=[Sums()])
    sums = Sums()
    with pytest.warns(UserWarning, match="Sums goes on without what no file keeps: weights"):
        training.fit(build(), pipelines(), epochs=2, directory=tmp_path, callbacks=[sums])
    assert sums.steps == 6


def test_an_unknown_monitor_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(
        ValueError, match=r"accuracy, loss, val_accuracy, val_loss.*Received: monitor='error'"
    ):
        training.fit(build(), pipelines(), epochs=1, directory=tmp_path, monitor="error")


def test_an_interrupted_run_says_where_it_stopped_and_goes_on(tmp_path):
    message = (
        r"in epoch 3 of 4\. The same call goes on .*\. In this process, build model and data anew first\."
    )
    with pytest.raises(KeyboardInterrupt, match=message) as caught:
        training.fit(build(), pipelines(), epochs=4, directory=tmp_path, callbacks=[At(2, interrupt)])
    assert caught.value.__suppress_context__
    assert training.fit(build(), pipelines(), epochs=4, directory=tmp_path).epoch == [0, 1, 2, 3]
