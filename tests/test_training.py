"""Strategy, fit, resume and progress."""

import json
import os
import re
import resource
import sys
import textwrap
import time
import zipfile

import jupyter_client
import numpy as np
import pytest
from forks import Forks

from course_lib import training
from course_lib.backend import keras
from course_lib.layers import FractalJoin, StochasticDepth
from course_lib.training import progress, replicas, workers

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
        model.compile(
            keras.optimizers.Adam(rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            run_eagerly=devices is None,  # a few steps need less time than their graph
        )
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


class Draws(keras.layers.Layer):
    """Keeps, in each replica, what a random layer last made of ones."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, shape):
        self.seen = self.add_weight(shape=(16, 4), dtype="int32", initializer="zeros", trainable=False)

    def call(self, inputs, training=False):
        drawn = self.layer(keras.ops.ones_like(inputs), training=training)
        if training:
            self.seen.assign(keras.ops.cast(drawn > 0, "int32"))
        return inputs * drawn


def test_replicas_draw_apart_but_for_layers_that_draw_for_the_whole_batch():
    keras.utils.set_random_seed(0)
    place = training.strategy(TWO)
    with place.scope():
        x = inputs = keras.Input((4,))
        for layer in (
            keras.layers.Dropout(0.5),
            StochasticDepth(0.5, per_sample=True),
            StochasticDepth(0.5),
            Joined(2, drop_path=0.5),
        ):
            x = Draws(layer)(x)
        model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(x))
        model.compile("sgd", "sparse_categorical_crossentropy")

    def copies(variables):
        return [
            [copy.numpy().tolist() for copy in place.experimental_local_results(v.value)] for v in variables
        ]

    begun = [first for first, _ in copies(replicas.drawn(model))]
    for _ in range(2):  # the second call must not move the replicas' seeds further
        training.fit(model, (pipelines(64, 32)[0], None), epochs=1, verbose=False)
    seen = copies(layer.seen for layer in model.layers if isinstance(layer, Draws))
    assert [first == second for first, second in seen] == [False, False, True, True]
    seeds, apart = copies(replicas.drawn(model)), [replicas.APART] * 2 + [0] * 3  # a join has two
    assert seeds == [[[number, 4], [number + far, 4]] for (number, _), far in zip(begun, apart, strict=True)]


class Joined(FractalJoin):
    """Joins the input with itself."""

    def call(self, inputs, training=False):
        return super().call([inputs, inputs * 2], training=training)

    def build(self, shape):
        pass

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("option", [{"clipnorm": 1.0}, {"global_clipnorm": 2.0}, {"clipvalue": 0.5}])
def test_an_optimizer_that_clips_is_refused_on_several_replicas(option):
    model = build(devices=TWO)
    model.compile(keras.optimizers.SGD(0.1, **option), "sparse_categorical_crossentropy")
    name, value = next(iter(option.items()))
    with pytest.raises(ValueError, match=f"without clipping.*Received: {name}={value}"):
        training.fit(model, pipelines(), epochs=1)


def test_loss_scaling_is_refused_on_several_replicas():
    model = build(devices=TWO)
    with training.strategy(TWO).scope():
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
        model.compile(optimizer, "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"mixed_bfloat16\. Received: mixed_float16"):
        training.fit(model, pipelines(), epochs=1)


def test_the_precision_is_that_of_the_gpus_if_all_have_bfloat16_units(monkeypatch):
    assert training.precision() == "float32" or tf.config.list_physical_devices("GPU")
    for capabilities, policy in (([8, 9], "mixed_bfloat16"), ([9, 7], "float32"), ([], "float32")):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind, found=capabilities: found)
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": (gpu, 0)}
        )
        assert training.precision() == policy


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:2"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_a_tf_config_that_names_no_task_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"TF_CONFIG must be like .*Received: TF_CONFIG="):
        workers.expected()


def test_workers_need_pipelines():
    workers.require_pipelines(pipelines()[0], None)
    with pytest.raises(ValueError, match=r"tf.data or arrays\. Received: list"):
        workers.require_pipelines(pipelines()[0], [1])


def test_the_first_worker_or_the_chief_writes(monkeypatch):
    assert training.is_chief()
    for kind, index, cluster, chief in (
        ("worker", 0, {"worker": ["a:1", "b:2"]}, True),
        ("worker", 1, {"worker": ["a:1", "b:2"]}, False),
        ("worker", 0, {"chief": ["c:3"], "worker": ["a:1"]}, False),
        ("chief", 0, {"chief": ["c:3"], "worker": ["a:1"]}, True),
    ):
        config = {"cluster": cluster, "task": {"type": kind, "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        assert training.is_chief() == chief


@pytest.mark.parametrize("batch", [1, 5, 8])
def test_a_test_batch_of_any_size_is_evaluated_whole_on_two_replicas(batch):
    test = pipelines(examples=19, test_batch=batch)[1]
    one, two = (training.evaluate(build(devices=devices), test) for devices in (("CPU:0",), TWO))
    assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pipelines(batch=3), "2 divides.*Received: batches of 3"),
        (([[1.0]], None), "training data must be .*Received: list"),
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
    for epochs in (0, True, 1.0, np.int64(0)):
        with pytest.raises(ValueError, match=r"`epochs` must be .*Received: epochs="):
            training.fit(build(), pipelines(), epochs=epochs)


def test_epochs_may_be_a_number_of_numpys(tmp_path):
    found = training.fit(build(), pipelines(), epochs=np.int64(2), directory=tmp_path)
    assert found.epoch == [0, 1]


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


def test_weights_that_are_no_numbers_stop_training_although_the_loss_looks_well(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(24, 4)).astype("float32"), np.arange(24) % 2
    x[20, 1] = np.nan
    relu = keras.layers.Lambda(lambda x: tf.where(x > 0, x, 0.0))  # as on a CPU: NaN becomes 0
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="first"), relu], name="tiny")
    model.add(keras.layers.Dense(2, "softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    message = r"the weights 'tiny/first/kernel' are not finite after epoch 1, though the loss.*NaN in"
    with pytest.raises(FloatingPointError, match=message):
        training.fit(model, ((x, y), None), epochs=2, batch_size=8, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_says_where_it_stopped_and_goes_on(tmp_path):
    message = (
        r"in epoch 3 of 4\. The same call goes on .*\. In this process, build model and data anew first\."
    )
    with pytest.raises(KeyboardInterrupt, match=message) as caught:
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
    monkeypatch.setattr(progress, "time", clock)
    line = progress.Progress("net", steps=4, test_steps=6, epochs=3, done=0, verbose=False)
    left = []
    for epoch in range(3):
        line.on_epoch_begin(epoch)
        for batch in range(4):
            line.on_train_batch_begin(batch)
            clock.now += 50 if (epoch, batch) == (0, 0) else 2  # the first includes tracing
            line.on_train_batch_end(batch, {"loss": 1.0})
            left.append(line.seconds_left())
        clock.now += 10  # validation
        line.on_epoch_end(epoch, {"loss": 1.0})
    # A test step counts as a third of a training step, 4 s for the six, until a validation has taken 10 s.
    assert left[:4] == [None, 4 + 4 + 2 * 12, 2 + 4 + 2 * 12, 4 + 2 * 12]
    assert left[4:8] == [6 + 10 + 18, 4 + 10 + 18, 2 + 10 + 18, 10 + 18]
    assert left[8:] == [6 + 10, 4 + 10, 2 + 10, 10]
    assert line.seconds_left() == 0


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
        begun = time.monotonic()
        reply = client.execute_interactive(cell, output_hook=messages.append, timeout=120)
        seconds = time.monotonic() - begun
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
    assert 2 <= len(between) <= 1 + seconds / 0.2
    for bundle in between:
        assert re.match(r'<div><progress value="[01]\.\d+"></progress> epoch \d/4', bundle["text/html"])
    assert re.fullmatch(r"epoch [34]/4, loss .*, accuracy .*, 0:0\d left", between[-1]["text/plain"])


def test_the_training_step_is_traced_once():
    traced = []

    class Counted(keras.layers.Layer):
        def call(self, x, training=False):
            traced.append(training)
            return x

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(Counted()(inputs)))
    traced.clear()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    training.fit(model, pipelines(), epochs=2, verbose=False)
    assert traced.count(True) == 1
