"""What `fit` and `evaluate` take, refuse and return."""

import numpy as np
import pytest
from small import TWO, At, build, interrupt, pipelines

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip


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
