"""Ten public reports of this field, each as the smallest input that shows it; found, tried and read for this.

Each test says where the report is, the smallest input, what came of it here, and what is right and why.
"""

import asyncio
import json
import textwrap

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_lib import training
from course_lib.backend import keras
from course_lib.data import load
from course_lib.grading import sandbox, slicer
from course_lib.grading.grader import Grader
from course_lib.ledger import ledger

# isort: split
import tensorflow as tf
import tensorflow_datasets as tfds

LACKS = sandbox.problem()
ONE = ("CPU:0",)
TWO = ("CPU:0", "CPU:1")  # conftest.py makes the second
DOUBLE = "def double(x):\n    return 2 * x"
X = np.arange(1, 13, dtype="float32").reshape(12, 1) / 12
Y = np.zeros((12, 1), "float32")


# Grading


def notebook(*sources):
    cells = [{"cell_type": "code", "source": source, "outputs": []} for source in sources]
    return json.dumps({"cells": cells})


def program(content):
    """Return the statements that `double` needs in the bytes of a notebook."""
    answer = slicer.read(content, ["double"], [], "Right")["found"]["double"]
    return [source for source, _ in answer["program"]]


def test_a_notebook_that_powershell_wrote_in_utf_16_is_read():
    """Windows' PowerShell 5 turns what `>` writes into UTF-16, with a byte order mark.

    Source: github.com/marimo-team/marimo, issue 897. Smallest input: a notebook of one cell, so
    encoded. Came: "it is not JSON", and all its answers were lost. Right: RFC 4627 lets JSON be UTF-16,
    and Python's own `json.loads` reads these bytes; the answer is the one that stands there.
    """
    content = notebook(DOUBLE).encode("utf-16")
    assert content[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert program(content) == [DOUBLE]
    assert program(notebook(DOUBLE).encode("utf-16-le")) == [DOUBLE]


@pytest.mark.parametrize("magic", ["capture", "debug", "prun", "time", "timeit"])
def test_a_cell_magic_of_ipython_that_runs_python_in_the_notebook_keeps_its_answer(magic):
    """Of the cell magics that IPython brings, these run the cell in the notebook's own namespace.

    Source: github.com/nbQA-dev/nbQA, issue 421, which lists all of them. Smallest input: each, above an
    answer. Came: below `%%debug` the answer was "not defined". Right: it counts, as it does in the
    notebook. All others run another program or write a file, and define nothing.
    """
    assert program(notebook(f"%%{magic}\n{DOUBLE}").encode()) == [DOUBLE]
    there = InteractiveShell.instance().magics_manager.magics["cell"]
    assert magic in there
    for other in there.keys() - {"capture", "debug", "prun", "time", "timeit"}:
        assert slicer.read(notebook(f"%%{other}\n{DOUBLE}").encode(), ["double"], [], "Right")["found"] == {}


@pytest.mark.skipif(LACKS is not None, reason=f"Nothing can be confined here. {LACKS}")
def test_a_value_that_a_cell_awaits_is_there_for_the_answer():
    """In a notebook, `await` may stand outside of functions.

    Source: github.com/microsoft/vscode-jupyter, issue 8847. Smallest input: `factor = await ...`, which
    the answer uses. Came: "SyntaxError: 'await' outside function". Right: 14 of 7, as in a coroutine.
    """
    cell = """
        import asyncio
        async def slowly(factor):
            await asyncio.sleep(0)
            return factor
        factor = await slowly(2)
        def double(x):
            return factor * x
    """
    found = slicer.read(notebook(textwrap.dedent(cell)).encode(), ["double"], [], "Right")["found"]
    grader = Grader()
    try:
        assert grader.ask(found["double"]["program"], "double", [[7]]) == [{"value": 14}]
    finally:
        grader.close()
    assert 7 * asyncio.run(asyncio.sleep(0, 2)) == 14


# Ledger


def chain(shape, *layers):
    inputs = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def test_a_transposed_convolution_uses_its_weights_once_a_position_of_its_input():
    """Several counters multiply by the positions of the output: four times too much at stride 2.

    Source: github.com/sovrasov/flops-counter.pytorch, issue 149. Smallest input: 2 x 2 pixels of 3
    channels, a kernel of 2 x 2, stride 2, one filter: 208 there. Came: 48 multiply-adds and 16 biases.
    Right: the same; a loop over the pixels that adds the scaled kernel makes Keras's output.
    """
    layer = keras.layers.Conv2DTranspose(1, 2, strides=2, bias_initializer="ones")
    model = chain((2, 2, 3), layer)
    x = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")
    kernel = np.asarray(layer.kernel)[:, :, 0]
    output, multiply_adds = np.ones((4, 4)), 0
    for (i, j, channel), value in np.ndenumerate(x):
        for (down, right), weight in np.ndenumerate(kernel[:, :, channel]):
            output[2 * i + down, 2 * j + right] += value * weight
            multiply_adds += 1
    np.testing.assert_allclose(np.asarray(model(x[None]))[0, :, :, 0], output, rtol=1e-4)
    row = ledger(model)[layer.name]
    assert (row.macs, row.connections, row.parameters) == (multiply_adds, 48 + 16, 13) == (48, 64, 13)


def test_a_stack_of_dilated_causal_convolutions_sees_1024_steps():
    """WaveNet's stack has windows of two, dilated by 1, 2, 4 to 512.

    Source: github.com/ibab/tensorflow-wavenet, issue 259 (1,024 or 1,025?). Smallest input: these ten
    layers, "causal". Came: 1,024. Right: the same; with ones for weights the last output counts what it
    sees. (The 1,025th step there is another layer's, in front.)
    """
    layers = [
        keras.layers.Conv1D(1, 2, dilation_rate=2**power, padding="causal", kernel_initializer="ones")
        for power in range(10)
    ]
    model = chain((1100, 1), *layers)
    assert np.asarray(model(np.ones((1, 1100, 1), "float32")))[0, -1, 0] == 1024
    assert ledger(model)[layers[-1].name].receptive_field == (1024,)


def test_a_model_around_a_part_of_itself_counts_its_weights_once():
    """A model is called on the output of its own layer.

    Source: github.com/keras-team/keras, issue 3661. Smallest input: a dense layer of 10 by 10, and the
    model of it on its output: 220 parameters there. Came: 110, and 200 multiply-adds. Right: the same:
    one kernel and one bias, used twice.
    """
    inputs = keras.Input((10,))
    hidden = keras.layers.Dense(10)(inputs)
    model = keras.Model(inputs, keras.Model(inputs, hidden)(hidden))
    assert sum(np.prod(weight.shape) for weight in model.weights) == 110
    table = ledger(model)
    assert (table.parameters, table.macs) == (110, 200)


# Training


def compiled(optimizer, devices=None, **options):
    with training.strategy(devices).scope():
        layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", **options)
        model = keras.Sequential([keras.Input((1,)), layer])
        model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", run_eagerly=devices is None)
    return model


def test_an_optimizer_made_outside_the_scope_is_refused_as_each_replica_would_count_its_steps():
    """An optimizer has a counter of its steps, from when it is made.

    Source: github.com/keras-team/keras, issue 17187. Smallest input: SGD with a rate that halves in
    each step, made in front of `with strategy.scope()`, on two replicas. Came: it trained in silence,
    and the rate fell twice as fast; Adam, on one GPU too: "Mixing different tf.distribute.Strategy
    objects". Right: refused before the first step; made inside, two replicas take numpy's steps, with
    rates 0.1, 0.05 and 0.025.
    """

    def halving():
        return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))

    for optimizer, devices in ((halving(), TWO), (keras.optimizers.Adam(), ONE)):
        model = compiled(optimizer, devices)
        with pytest.raises(ValueError, match=r"must all be made within one.*made elsewhere"):
            training.fit(model, ((X, Y), None), epochs=1, batch_size=4, verbose=False)
    with training.strategy(TWO).scope():
        optimizer = halving()
    model = compiled(optimizer, TWO)
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4, drop_remainder=True)
    training.fit(model, (data, None), epochs=1, verbose=False)
    weight = 1.0
    for rate, x in zip((0.1, 0.05, 0.025), np.split(X, 3), strict=True):
        weight -= rate * np.mean(2 * weight * x * x)
    assert model.get_weights()[0].item() == pytest.approx(weight, rel=1e-6)


def test_two_replicas_add_the_penalty_of_a_weight_once():
    """A regularizer looks at the weights alone, so each replica would add the same.

    Source: github.com/keras-team/keras, pull request 20609. Smallest input: one weight of 1 with L2(0.5),
    one step of SGD(0.1) on two replicas: the penalty was added twice there. Came: the right weight and
    loss. Right: numpy's step, on one replica and on two.
    """
    x, y = X[:4], Y[:4]
    loss = np.mean(x * x) + 0.5
    weight = 1 - 0.1 * (np.mean(2 * x * x) + 2 * 0.5)
    for devices in (None, TWO):
        model = compiled(None, devices, kernel_regularizer=keras.regularizers.L2(0.5))
        history = training.fit(model, ((x, y), None), epochs=1, batch_size=4, verbose=False)
        assert history.history["loss"] == pytest.approx([loss], rel=1e-6)
        assert model.get_weights()[0].item() == pytest.approx(weight, rel=1e-6)


class Reordered(keras.utils.PyDataset):
    """Three batches, in another order from each beginning of an epoch on."""

    epoch = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = np.random.default_rng(self.epoch).permutation(12)[4 * index : 4 * index + 4]
        return X[rows], Y[rows]

    def on_epoch_begin(self):
        self.epoch += 1


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_data_that_are_shuffled_at_the_beginning_of_an_epoch_go_on_in_their_order(tmp_path):
    """Keras tells a PyDataset when an epoch begins, and when it ends.

    Source: github.com/keras-team/keras, pull request 19958. Smallest input: a PyDataset that shuffles in
    `on_epoch_begin`, four epochs, and the same interrupted after two. Came: what went on saw the orders of
    the first epochs again, and ended elsewhere. Right: the weights of the run that nothing stopped.
    """

    def run(*callbacks, directory=None):
        model = compiled(keras.optimizers.SGD(0.9))
        options = {"epochs": 4, "verbose": False, "directory": directory, "callbacks": callbacks}
        training.fit(model, (Reordered(), None), **options)
        return model.get_weights()[0].item()

    with pytest.raises(KeyboardInterrupt):
        run(Stop(), directory=tmp_path)
    assert run(directory=tmp_path) == run()


# Data


class TinyCars(tfds.core.GeneratorBasedBuilder):
    """Pictures of two classes, with a test split whose labels nobody gave away."""

    VERSION = tfds.core.Version("1.0.0")
    classes = 2

    def _info(self):
        label = tfds.features.ClassLabel(num_classes=self.classes)
        features = {"image": tfds.features.Image(shape=(4, 4, 3)), "label": label}
        features = tfds.features.FeaturesDict(features)
        return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples([0, 1] * 5), "test": self._generate_examples([2, 2])}

    def _generate_examples(self, labels):
        for number, label in enumerate(labels):
            yield number, {"image": np.full((4, 4, 3), number, "uint8"), "label": label}


def test_a_test_split_whose_labels_are_no_classes_is_not_taken_for_one(tmp_path, monkeypatch, capfd):
    """Where the labels of a test split are secret, the number of the classes stood in their place.

    Source: github.com/tensorflow/datasets, issue 1218: all labels of cars196's test split were 196, of
    classes 0 to 195. Smallest input: two classes, test labels 2. Came: they were taken, and their loss
    is an error on a CPU and not a number on a GPU. Right: the split is passed over, or refused if it is
    asked for.
    """
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    tfds.disable_progress_bar()
    with monkeypatch.context() as older:
        older.setattr(TinyCars, "classes", 3)  # or TFDS would not write them, today
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        TinyCars(data_dir=tmp_path).download_and_prepare(download_config=config)
    tfds.enable_progress_bar()
    capfd.readouterr()
    data = load("tiny_cars", batch_size=2)
    assert (data.train_count, data.test_count) == (8, 2)  # 80 and 20 % of the training split
    assert set(data.arrays("test")[1]) <= {0, 1}
    with pytest.raises(ValueError, match=r"must have labels\. Received: split 'test', with 2 for a label"):
        load("tiny_cars", batch_size=2, splits=("train", "test"))
