"""Training on arrays and PyDatasets, which need no tf.data: on the TensorFlow and on the JAX backend."""

import os

# JAX makes its devices when it first computes: two of them here, as conftest.py makes two for TensorFlow.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"

import numpy as np
import pytest

from course_lib import training
from course_lib.backend import keras
from course_lib.training import batches

TWO = ("CPU:0", "CPU:1")


def arrays(examples=26):
    """Return x and y: points labelled by the sign of their sum."""
    x = np.random.default_rng(0).normal(size=(examples, 4)).astype("float32")
    return x, (x.sum(1) > 0).astype("int32")


def build(devices=None, dropout=0.0):
    """Return a compiled network, the same weights each time."""
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        model = keras.Sequential(name="tiny")
        model.add(keras.Input((4,)))
        model.add(keras.layers.Dense(3, "tanh"))
        model.add(keras.layers.Dropout(dropout))
        model.add(keras.layers.Dense(2, "softmax"))
        model.compile(
            keras.optimizers.Adam(0.1),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            run_eagerly=devices is None
            and keras.backend.backend() == "tensorflow",  # it needs less time here
        )
    return model


class Batches(keras.utils.PyDataset):
    """Deals out arrays in batches, as they come."""

    def __init__(self, x, y, size):
        super().__init__()
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        return self.x[part], self.y[part]


def test_two_devices_give_the_losses_of_one():
    data = arrays(), arrays(10)
    options = {"epochs": 3, "batch_size": 8, "verbose": False}
    one = training.fit(build(("CPU:0",)), data, **options).history
    two = training.fit(build(TWO), data, **options).history
    assert one.keys() == two.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(set(one["loss"])) == 3
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=1e-5, err_msg=name)


def test_a_run_on_arrays_goes_on_to_the_weights_of_an_undisturbed_one(tmp_path):
    data = arrays(), arrays(10)
    options = {"batch_size": 8, "verbose": False}
    undisturbed, resumed = build(dropout=0.5), build(dropout=0.5)
    history = training.fit(undisturbed, data, epochs=4, **options).history
    training.fit(build(dropout=0.5), data, epochs=2, directory=tmp_path, **options)
    again = training.fit(resumed, data, epochs=4, directory=tmp_path, **options).history
    assert again == history
    for one, two in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(two, one)


@pytest.mark.parametrize("part", ["train", "test"])
def test_other_arrays_in_a_used_directory_are_refused(tmp_path, part):
    data, options = {"train": arrays(), "test": arrays(10)}, {"directory": tmp_path, "verbose": False}
    training.fit(build(), tuple(data.values()), epochs=1, batch_size=8, **options)
    x, y = data[part]
    data[part] = x, 1 - y
    with pytest.raises(ValueError, match=rf"where batches.{part}_crc32 was \d+, is \d+$"):
        training.fit(build(), tuple(data.values()), epochs=2, batch_size=8, **options)


def test_training_arrays_come_in_a_new_order_in_each_epoch_without_the_incomplete_batch():
    examples = np.arange(26)
    data, count, size = batches.train_batches((examples[:, None], examples), 8, replicas=1)
    assert (count, size) == (3, 8)
    orders = []
    for _ in range(2):
        epoch = data if batches.is_pipeline(data) else [data[index] for index in range(3)]
        orders.append(np.concatenate([np.asarray(y) for _, y in epoch]).tolist())
        batches.skip(data, epochs=not batches.is_pipeline(data))
    assert [len(set(order)) for order in orders] == [24, 24]
    assert orders[0] != orders[1]


def test_a_pydataset_is_trained_on_and_evaluated_as_its_arrays():
    x, y = arrays(24)
    model = build(("CPU:0",))
    history = training.fit(model, (Batches(x, y, 8), Batches(x, y, 8)), epochs=2, verbose=False).history
    assert history["loss"][1] < history["loss"][0]
    expected = training.evaluate(model, (x, y), batch_size=12)
    assert training.evaluate(model, Batches(x, y, 7)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("data", "batch_size", "message"),
    [
        ((arrays()[:1], None), None, r"arrays must be x and y.*Received: shapes \(26, 4\)"),
        (
            ((arrays()[0], arrays(5)[1]), None),
            None,
            r"one entry an example. Received: shapes \(26, 4\), \(5,\)",
        ),
        (arrays(), None, "training data must be .*Received: ndarray"),
        ((arrays(), None), 0, "Received: batch_size=0"),
        ((arrays(), None), True, "Received: batch_size=True"),
        ((arrays(0), None), None, "training arrays must have an example or more. Received: 0 examples"),
        ((arrays(), arrays(0)), 8, "test arrays must have an example or more. Received: 0 examples"),
        ((arrays(), None), 32, "Received: cardinality=0"),
        ((Batches(*arrays(), 8), None), 8, "belongs to arrays.*Received: batch_size=8"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(data, batch_size, message):
    with pytest.raises(ValueError, match=message):
        training.fit(build(), data, epochs=1, batch_size=batch_size)


def test_batches_that_two_devices_cannot_share_are_refused():
    with pytest.raises(ValueError, match=r"2 replicas need equal parts.*Received: batches of 5"):
        training.fit(build(TWO), (arrays(), None), epochs=1, batch_size=5)
    with pytest.raises(ValueError, match=r"2 replicas need .*every test batch"):
        training.evaluate(build(TWO), Batches(*arrays(9), 3))
