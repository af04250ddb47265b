"""The same training on one replica, on several of one machine, and on several machines; and after a kill."""

import re

import numpy as np
import pytest
from forks import Forks

CODE = """
    import numpy as np
    import tensorflow as tf

    from course_lib import training
    from course_lib.backend import keras

    class Kill(keras.callbacks.Callback):
        def __init__(self, step):
            super().__init__()
            self.step = step

        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == self.step:
                os.kill(os.getpid(), signal.SIGKILL)

    def run(
        number, *, replicas=1, synchronized=True, dropout=0.0, orders=(0, 0), directory=None, kills=(0, 0),
        broken=None, inside=True, early=False, apart=False,
    ):
        devices = tuple(f"CPU:{index}" for index in range(replicas))
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
        if early:
            tf.ones(2)
        strategy = training.strategy(devices if replicas > 1 else None)
        keras.utils.set_random_seed(number)  # the first worker's weights are those of all
        scope = strategy.scope() if inside else tf.distribute.get_strategy().scope()
        with scope:
            layers = keras.layers
            model = keras.Sequential(name="tiny")
            model.add(keras.Input((6, 6, 1)))
            model.add(layers.Conv2D(4, 3, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.01)))
            model.add(layers.BatchNormalization(center=False, scale=False, synchronized=synchronized))
            model.add(layers.ReLU())
            model.add(layers.Flatten())
            model.add(layers.Dropout(dropout))
            model.add(layers.Dense(2, "softmax"))
            loss = "sparse_categorical_crossentropy"
            model.compile(keras.optimizers.SGD(0.02, 0.9), loss, metrics=["accuracy"])
        x = np.random.default_rng(0).normal(size=(48, 6, 6, 1)).astype("float32")
        if broken is not None:
            x[broken] = np.nan
        pictures = tf.data.Dataset.from_tensor_slices((x, (x.sum((1, 2, 3)) > 0).astype(int)))
        keras.utils.set_random_seed(orders[number])
        data = pictures.shuffle(48, seed=1).batch(8, drop_remainder=True), pictures.take(23).batch(8)
        callbacks = [
            Kill(kills[number]),
            keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=10),
            keras.callbacks.EarlyStopping("loss", patience=4, min_delta=10),
        ]
        if apart:
            directory = f"{directory}/{number}"
        history = training.fit(model, data, epochs=9, directory=directory, callbacks=callbacks)
        if directory:
            variables = [*model.variables, *model.optimizer.variables]
            np.savez(f"{directory}/{number}.npz", *[np.asarray(variable) for variable in variables])
        averages = strategy.experimental_local_results(model.layers[1].moving_mean.value)
        return {
            "history": history.history,
            "epochs": history.epoch,
            "evaluated": training.evaluate(model, data[1]),
            "averages": [copy.numpy().tolist() for copy in averages],
            "rate": float(model.optimizer.learning_rate.numpy()),
        }
"""


@pytest.fixture(scope="module")
def forks():
    """Yield a process that forks trainings."""
    forks = Forks(CODE)
    yield forks
    forks.close()


def endings(directory, number):
    with np.load(directory / f"{number}.npz") as file:
        return [file[name] for name in file.files]


def results(answers):
    assert all("result" in answer for answer in answers), answers
    return [answer["result"] for answer in answers]


@pytest.fixture(scope="module")
def single(forks):
    """Return what training on one replica gives: the callbacks end it after five epochs."""
    found = results(forks.run())[0]
    assert found["epochs"] == [0, 1, 2, 3, 4]
    assert found["rate"] == pytest.approx(0.02 * 0.1**4)
    return found


def same(found, expected):
    for log in ("history", "evaluated"):
        for name, values in expected[log].items():
            np.testing.assert_allclose(found[log][name], values, rtol=1e-5, err_msg=name)
    assert (found["epochs"], found["rate"]) == (expected["epochs"], expected["rate"])


@pytest.mark.parametrize("replicas", [2, 4])
def test_replicas_train_as_one_does(forks, single, replicas):
    found = results(forks.run(replicas=replicas))[0]
    same(found, single)
    assert len(found["averages"]) == replicas


def test_two_workers_train_as_one_process_does_and_the_first_alone_writes(forks, single, tmp_path):
    options = {"workers": 2, "directory": str(tmp_path), "apart": True}
    for found in results(forks.run(**options)):
        same(found, single)
    assert sorted(path.name for path in tmp_path.glob("0/*.keras")) == ["best.keras", "last.keras"]
    assert not list(tmp_path.glob("1/*.keras"))
    for answer in forks.run(**options):  # now the second one would begin anew
        assert answer["raised"] == "ValueError"
        assert "a `directory` that all of them see. Received: epochs_done 9, 0" in answer["text"]


def test_batchnorm_by_itself_trains_otherwise_but_all_replicas_end_with_the_same_averages(forks, single):
    found = results(forks.run(replicas=2, synchronized=False))[0]
    assert abs(found["history"]["loss"][0] / single["history"]["loss"][0] - 1) > 1e-3
    np.testing.assert_array_equal(*found["averages"])
    assert found["evaluated"]["loss"] == pytest.approx(found["history"]["val_loss"][-1], rel=1e-5)


def test_a_worker_that_is_killed_stops_the_other_and_both_go_on_to_the_weights_of_undisturbed_ones(
    forks, tmp_path
):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    options = {"workers": 2, "dropout": 0.5, "synchronized": False}
    expected = results(forks.run(directory=str(undisturbed), **options))
    first, second = forks.run(
        directory=str(killed), kills=(0, 15), **options
    )  # in the third epoch of six steps
    assert second == {"raised": "killed"}
    assert first["raised"] == "ConnectionError"
    assert "in epoch 3 of 9: " in first["text"]
    assert " is lost. Start all workers again. The same call goes on" in first["text"]
    assert sorted(path.name for path in killed.iterdir()) == ["best.keras", "last.keras"]
    assert results(forks.run(directory=str(killed), **options)) == expected
    for number in (0, 1):
        for one, two in zip(endings(undisturbed, number), endings(killed, number), strict=True):
            np.testing.assert_array_equal(two, one)
    first, second = (endings(killed, number) for number in (0, 1))
    differ = [not np.array_equal(*pair) for pair in zip(first, second, strict=True)]
    assert sum(differ) == 1  # dropout's seed
    assert first[differ.index(True)].dtype == np.int64


@pytest.mark.parametrize(
    ("job", "raised", "message"),
    [
        ({"orders": (1, 2)}, "ValueError", "make the same call on the same batches .*Received: first_batch "),
        ({"broken": 47}, "FloatingPointError", r"became nan in step \d of epoch 1.*\(now 0.02\)"),
        ({"early": True}, "RuntimeError", r"call `training.strategy\(\)` first of all"),
        ({"inside": False}, "ValueError", "must be built within `training.strategy"),
    ],
)
def test_workers_stop_together(forks, job, raised, message):
    for answer in forks.run(workers=2, **job):
        assert answer["raised"] == raised
        assert re.search(message, answer["text"])
