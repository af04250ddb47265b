"""What `keras.callbacks.BackupAndRestore` does not keep, and why `fit` has a checkpoint of its own.

With both of its safeguards on: the files stay at the end, and the ones before are kept. The day on which one
of these tests fails, Keras has learnt it.
"""

import shutil

import numpy as np
import pytest

from course_lib.backend import keras

import tensorflow as tf  # isort: skip

X = np.arange(32, dtype="float32").reshape(8, 4) / 32
Y = np.arange(8) % 2


def build(units=3):
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(units), keras.layers.Dropout(0.5, name="drop")]
    model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, directory, epochs, *callbacks, data=None, **options):
    options = {"double_checkpoint": True, "delete_checkpoint": False, **options}
    backup = keras.callbacks.BackupAndRestore(str(directory), **options)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4) if data is None else data
    return model.fit(data, epochs=epochs, shuffle=False, verbose=0, callbacks=[backup, *callbacks])


def drawn(model):
    """Return how far the dropout's generator is."""
    return model.get_layer("drop").seed_generator.state.numpy().tolist()


def test_it_deletes_its_files_at_the_end_but_only_by_default(tmp_path):
    fit(build(), tmp_path / "kept", 1)
    assert (tmp_path / "kept" / "latest.weights.h5").exists()
    fit(build(), tmp_path / "deleted", 1, delete_checkpoint=True)
    assert not (tmp_path / "deleted").exists()


def test_the_history_begins_anew(tmp_path):
    fit(build(), tmp_path, 2)
    history = fit(build(), tmp_path, 5)
    assert len(history.history["loss"]) == 3


def test_dropout_begins_anew(tmp_path):
    first, again = build(), build()
    begun = drawn(first)
    fit(first, tmp_path, 2)
    assert drawn(first) != begun
    fit(again, tmp_path, 2)  # restores, and trains no more
    np.testing.assert_array_equal(again.get_weights()[0], first.get_weights()[0])
    assert drawn(again) == begun


def test_a_seeded_pipeline_begins_anew(tmp_path):
    def orders(epochs):
        seen = []

        def note(row, label):
            tf.py_function(lambda value: seen.append(float(value)), [row[0]], [])
            return row, label

        rows = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(8, seed=1).map(note).batch(4)
        fit(build(), tmp_path / "orders", epochs, data=rows)
        return [seen[start : start + 8] for start in range(0, len(seen), 8)]

    first, second = orders(2)[:2]
    assert first != second
    assert orders(3)[0] == first  # the third epoch gets the order of the first


def test_other_callbacks_forget_what_they_have_seen(tmp_path):
    stops = [keras.callbacks.EarlyStopping("loss", patience=9, min_delta=9) for _ in range(2)]
    fit(build(), tmp_path, 3, stops[0])
    fit(build(), tmp_path, 4, stops[1])
    assert (stops[0].wait, stops[1].wait) == (2, 0)


def test_a_kill_between_its_two_files_trains_an_epoch_twice(tmp_path):
    fit(build(), tmp_path, 1)
    before = shutil.copy(tmp_path / "training_metadata.json", tmp_path / "before")
    fit(build(), tmp_path, 2)
    shutil.copy(before, tmp_path / "training_metadata.json")  # the weights are those of the second epoch
    history = fit(build(), tmp_path, 2)
    assert history.epoch == [1]


@pytest.mark.parametrize("double", [True, False])
def test_half_a_file_stops_it_unless_the_one_before_is_kept(tmp_path, double):
    fit(build(), tmp_path, 2, double_checkpoint=double)
    path = tmp_path / "latest.weights.h5"
    path.write_bytes(path.read_bytes()[:1000])
    if double:
        assert fit(build(), tmp_path, 2, double_checkpoint=True).epoch == [1]
    else:
        with pytest.raises(OSError, match="truncated"):
            fit(build(), tmp_path, 2, double_checkpoint=False)


def test_weights_of_another_model_are_an_error_but_another_optimizer_or_other_data_are_not(tmp_path):
    fit(build(), tmp_path, 1)
    with pytest.raises(ValueError, match="shape"):
        fit(build(units=5), tmp_path, 2)
    model = build()
    model.compile(keras.optimizers.SGD(0.7), "sparse_categorical_crossentropy")
    other = tf.data.Dataset.from_tensor_slices((-X, Y)).batch(2)
    assert fit(model, tmp_path, 2, data=other).epoch == [1]
