"""Each way in which a training goes wrong is told in words, with the layer; a healthy one says nothing."""

import re
import warnings

import numpy as np
import pytest

from course_lib import datasets, training
from course_lib.architectures import cifar_resnet, googlenet, lenet5, stochastic_depth_resnet
from course_lib.backend import keras
from course_lib.layers import MAPLoss
from course_lib.training.canaries import Canaries, TrainingWarning

import tensorflow as tf  # isort: skip

DIGITS = datasets.load("digits", batch_size=32)


def dense(*layers, hidden=1, rate=0.1, devices=None, **units):
    """Return a compiled network: hidden layers of 16 units, `layers`, and a classifier."""
    keras.utils.set_random_seed(0)
    units = {"activation": "relu", "kernel_initializer": "he_normal", **units}
    with training.strategy(devices).scope():
        model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(name="flatten")])
        for number in range(1, hidden + 1):
            model.add(keras.layers.Dense(16, **units, name=f"hidden{number}"))
        for layer in layers:
            model.add(layer)
        model.add(keras.layers.Dense(10, "softmax", name="head"))
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    return model


def told(model, data=DIGITS, *, epochs=1, probe=True, **options):
    """Train, and return the sentences of the canaries."""
    canaries = Canaries(next(iter(data.test)) if probe else None, **options)
    with warnings.catch_warnings(record=True, action="always") as caught:
        model.fit(data.train, epochs=epochs, shuffle=False, verbose=0, callbacks=[canaries])
    assert {warning.category for warning in caught} <= {TrainingWarning}
    return [str(warning.message) for warning in caught]


def layer(function, name):
    return keras.layers.Lambda(function, name=name)


def test_a_healthy_training_says_nothing():
    field = datasets.load("digits", batch_size=32, image_size=20, pad=6, value_range=(-0.1, 1.175))
    keras.utils.set_random_seed(0)
    original = lenet5()
    original.compile(keras.optimizers.Adam(4e-3), MAPLoss())
    assert told(original, field, epochs=3) == []
    normalized = cifar_resnet(8, input_shape=(8, 8, 1), width=0.5)
    normalized.compile(keras.optimizers.SGD(0.1, 0.9), "sparse_categorical_crossentropy")
    assert told(normalized, epochs=3) == []
    assert told(dense(hidden=2), epochs=3) == []


def test_a_loss_that_stays_at_chance_is_told_once_after_patience():
    (sentence,) = told(dense(rate=1e-9), epochs=5, patience=4)
    assert sentence.startswith("The loss is 2.")
    assert "after epoch 4, no better than guessing among 10 classes (ln 10 = 2.303)" in sentence
    assert told(dense(rate=1e-9), epochs=3, patience=4) == []
    assert "after epoch 3" in told(dense(rate=1e-9), epochs=4, patience=1)[0]  # 44 steps each: not before 100


def test_a_loss_that_is_no_cross_entropy_has_no_chance():
    model = dense(rate=0.0)
    model.compile("sgd", lambda labels, outputs: 9 + 0 * outputs[:, 0])
    assert told(model, epochs=3) == []


def test_a_dead_layer_is_named_with_the_epoch():
    dead = keras.layers.Dense(
        8, activation="relu", bias_initializer=keras.initializers.Constant(-1e6), name="dead"
    )
    sentences = told(dense(dead, hidden=2))
    assert [sentence.split(":")[0] for sentence in sentences] == ["Layer 'dead' is dead after epoch 1"]


@pytest.mark.parametrize("name", ["ReLU", "Activation"])
def test_a_relu_may_be_a_layer_of_its_own(name):
    relu = keras.layers.ReLU(name="gate") if name == "ReLU" else keras.layers.Activation("relu", name="gate")
    sentences = told(dense(layer(lambda x: x - 1e6, "low"), relu))
    assert sentences[0].startswith("Layer 'gate' is dead")


@pytest.mark.parametrize(
    "relu", [keras.ops.relu, keras.ops.relu6, keras.activations.relu, keras.activations.relu6]
)
def test_a_relu_may_be_an_operation(relu):
    inputs = keras.Input((8, 8, 1))
    x = relu(keras.layers.Flatten()(inputs) - 1e6)
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert "is dead after epoch 1: its ReLU gives only zeros" in told(model)[0]


def test_zeros_of_a_layer_without_relu_are_no_death():
    assert told(dense(layer(lambda x: 0 * x, "zero")), epochs=1) == []


def test_the_first_layer_whose_output_is_not_finite_is_named_before_the_first_step():
    sentences = told(dense(layer(lambda x: tf.math.log(x - 1.0), "log"), layer(tf.abs, "abs")))
    assert sentences == ["The output of layer 'log' is not finite before the first step."]


def test_a_layer_whose_gradient_alone_is_not_finite_is_named():
    root = layer(lambda x: tf.sqrt(0 * x), "root")
    sentences = told(dense(layer(tf.identity, "before"), root, layer(tf.identity, "after")))
    assert sentences == ["The gradient of layer 'root' is not finite before the first step."]


def test_weights_that_become_not_finite_are_named_in_the_step_that_shows_it():
    sentences = told(dense(hidden=2, rate=float("nan")))
    assert sentences == [
        "The output of layer 'hidden1' is not finite in step 2 of epoch 1, nor are its weights: a step has "
        "spread what is not finite, and any layer may be the cause."
    ]


def test_an_exploding_loss_names_the_layer_of_the_largest_gradient():
    sentences = told(dense(layer(lambda x: 1e3 * x, "large"), rate=0.003, activation="linear"))
    expected = (
        r"The loss grows from \S+ to \S+ in step \d of epoch 1; the gradient is largest in layer 'hidden1'\."
    )
    assert re.match(expected, sentences[0])


def test_a_loss_that_starts_low_may_grow_up_to_chance():
    canaries = Canaries()
    canaries.set_model(dense())
    canaries.on_train_begin()
    canaries.on_epoch_begin(0)
    with warnings.catch_warnings(action="error"):
        canaries.on_train_batch_end(0, {"loss": 0.01})
        canaries.on_train_batch_end(1, {"loss": (0.01 + 5) / 2})
        canaries.on_train_batch_end(2, {"loss": (0.01 + 5 + 24) / 3})
    with pytest.warns(TrainingWarning, match=r"The loss grows from 2\.3 to 24 in step 3 of epoch 1\. Lower"):
        canaries.on_test_begin()


def watched(model, losses=(2.3,) * 50, epochs=3, steps=1, **logs):
    """Return what a canary says to these losses of steps and these logs of epochs, without training."""
    canaries = Canaries()
    canaries.set_model(model)
    canaries.on_train_begin()
    with warnings.catch_warnings(record=True, action="always") as caught:
        for epoch in range(epochs):
            canaries.on_epoch_begin(epoch)
            for batch in range(steps - 1, len(losses), steps):
                canaries.on_train_batch_end(batch, {"loss": np.mean(losses[: batch + 1])})
            canaries.on_epoch_end(epoch, {"loss": np.mean(losses), **logs})
    return [str(warning.message) for warning in caught]


def compiled(loss, **units):
    model = dense(**units)
    model.compile("sgd", loss)
    return model


def test_a_high_loss_is_no_guessing_while_the_accuracy_is_above_chance():
    model = dense()  # weights and penalties are in the loss
    assert watched(model, accuracy=0.9, loss=9.0) == []
    (sentence,) = watched(model, accuracy=0.1, loss=9.0)
    assert sentence.startswith("The loss is 9.000 after epoch 2, no better than guessing among 10 classes")


def test_without_an_accuracy_neither_a_loss_with_penalties_nor_one_that_has_fallen_is_guessing():
    assert len(watched(dense())) == 1
    assert watched(dense(kernel_regularizer=keras.regularizers.L2(1e-4))) == []
    canaries = Canaries(patience=1)
    canaries.set_model(dense())
    canaries.on_train_begin()
    with warnings.catch_warnings(action="error"):
        for epoch, loss in enumerate((23.0, 9.0)):  # as sample weights make it
            canaries.on_epoch_begin(epoch)
            canaries.on_train_batch_end(60, {"loss": loss})
            canaries.on_epoch_end(epoch, {"loss": loss})


def test_distances_are_guesses_if_the_accuracy_is_at_chance():
    model = compiled(MAPLoss())
    (sentence,) = watched(model, accuracy=0.1)
    assert sentence.startswith(
        "The accuracy is 0.100 after epoch 2, no better than guessing among 10 classes"
    )
    assert watched(model, accuracy=0.14) == watched(model) == []
    assert watched(compiled("mse"), accuracy=0.1) == []


@pytest.mark.parametrize("first", [-0.03, 0.0])
def test_a_loss_that_begins_at_zero_or_below_does_not_explode(first):
    assert watched(compiled("mse"), [first] * 5 + [6.25, 6.25], epochs=1) == []


def test_a_loss_that_is_no_cross_entropy_explodes_above_the_first_few_steps():
    losses = [0.1, 5.0, 3.0, 4.0, 1.0, 49.0]
    assert watched(compiled("mse"), losses, epochs=1) == []
    (sentence,) = watched(compiled("mse"), [*losses, 51.0], epochs=1)
    assert sentence.startswith("The loss grows from 5 to 51 in step 7 of epoch 1.")


def test_the_loss_of_several_steps_in_an_execution_is_their_mean():
    (sentence,) = watched(compiled("mse"), [1.0] * 20 + [11.0] * 20, epochs=1, steps=20)
    assert sentence.startswith("The loss grows from 1 to 11 in step 40 of epoch 1.")


def test_an_exploding_gradient_is_told_after_the_epoch_though_the_loss_is_not():
    @tf.custom_gradient
    def enlarge(x):
        return tf.identity(x), lambda gradient: 1e6 * gradient

    sentences = told(dense(layer(tf.identity, "before"), layer(enlarge, "enlarge"), hidden=2, rate=1e-12))
    assert sentences[0].startswith("The gradient explodes after epoch 1: in layer 'hidden")


def test_a_vanishing_gradient_is_named():
    sentences = told(dense(hidden=12, activation="sigmoid", kernel_initializer="glorot_uniform"))
    assert sentences[0].startswith("The gradient vanishes after epoch 1: in layer 'hidden1' its norm is ")


def test_a_small_gradient_is_none_that_vanishes_once_the_loss_is_small():
    def shrink(x):
        return 1e-9 * x + tf.stop_gradient(x - 1e-9 * x)

    model = dense(layer(shrink, "shrink"), rate=1e-3)
    assert "vanishes after epoch 1: in layer 'hidden1'" in told(model)[0]
    model.optimizer.learning_rate = 0.3
    model.fit(DIGITS.train, epochs=15, shuffle=False, verbose=0)
    assert told(model) == []


def test_without_a_probe_the_loss_alone_is_watched():
    assert told(dense(rate=float("nan")), probe=False) == ["The loss became nan in step 2 of epoch 1."]
    sentences = told(dense(layer(lambda x: 1e3 * x, "large"), rate=0.03), probe=False)
    assert sentences[0].endswith("in step 2 of epoch 1. Lower the learning rate.")
    dead = keras.layers.ReLU(max_value=0.0)
    assert told(dense(dead), probe=False) == []


def test_the_canaries_leave_the_training_as_it_is_and_closed_gates_say_nothing():
    def train(callbacks):
        keras.utils.set_random_seed(3)
        model = stochastic_depth_resnet(8, survival=0.3, input_shape=(8, 8, 1), width=0.5)
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        data = datasets.load("digits", train_count=320)
        model.fit(data.train, epochs=3, shuffle=False, verbose=0, callbacks=callbacks)
        return [variable.numpy() for variable in model.variables]

    alone = train([])
    with warnings.catch_warnings(action="error", category=TrainingWarning):
        watched = train([Canaries(next(iter(DIGITS.test)))])
    for one, other in zip(alone, watched, strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_replicas_and_three_heads_are_watched_too():
    assert told(dense(devices=("CPU:0", "CPU:1"))) == []
    sentences = told(dense(layer(lambda x: x / 0.0, "bad"), devices=("CPU:0", "CPU:1")))
    assert sentences == ["The output of layer 'bad' is not finite before the first step."]
    keras.utils.set_random_seed(0)
    model = googlenet(input_shape=(79, 79, 1), classes=10, width=0.05)
    model.compile(
        keras.optimizers.SGD(0.0), ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3]
    )
    x, y = np.random.default_rng(0).random((100, 79, 79, 1), "float32"), np.arange(100) % 10
    batches = tf.data.Dataset.from_tensor_slices((x, (y, y, y))).batch(1)
    canaries = Canaries(next(iter(batches)), patience=1)
    with warnings.catch_warnings(record=True) as caught:
        model.fit(batches, shuffle=False, verbose=0, callbacks=[canaries])
    assert re.match(r"The loss is 2\.\d+ after epoch 1, .* \(ln 10 = 2\.303\)", str(caught[-1].message))


def test_the_same_trouble_is_told_again_in_another_training_and_other_filters_hold():
    def train():
        model = dense(layer(lambda x: tf.math.log(x - 1.0), "log"))
        model.fit(DIGITS.train, verbose=0, shuffle=False, callbacks=[Canaries(next(iter(DIGITS.test)))])
        return model

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")  # Python's own: once for each sentence and place
        train()
        model = train()
    assert ["'log' is not finite" in str(warning.message) for warning in caught] == [True, True]
    assert (caught[1].filename, caught[1].lineno) == (model.name, 0)
    with warnings.catch_warnings(action="error"), pytest.raises(TrainingWarning):
        train()


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"probe": np.zeros((2, 8, 8, 1))}, "Received: ndarray"),
        ({"patience": 0}, "Received: patience=0"),
        ({"patience": 1.5}, "Received: patience=1.5"),
        ({"steps": 0}, "Received: steps=0"),
    ],
)
def test_an_invalid_argument_is_refused(arguments, received):
    with pytest.raises(ValueError, match=f"must be .*{received}"):
        Canaries(**arguments)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(10, "softmax")

    def call(self, x):
        return self.head(keras.ops.reshape(x, (-1, 64)))


def test_a_subclassed_model_is_watched_without_a_probe():
    model = Own()
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert told(model, probe=False) == []


def test_a_subclassed_model_is_refused_with_a_probe():
    canaries = Canaries(next(iter(DIGITS.test)))
    canaries.set_model(Own())
    with pytest.raises(ValueError, match="functional or sequential model"):
        canaries.on_train_begin()


def test_fit_brings_a_canary_unless_one_is_given():
    with pytest.warns(TrainingWarning, match="no better than guessing") as caught:
        training.fit(dense(rate=1e-9), DIGITS, epochs=23, verbose=False)  # 44 steps each
    assert [str(each.message).split(",")[0][-14:] for each in caught] == ["after epoch 23"]
    with warnings.catch_warnings(action="error", category=TrainingWarning):
        training.fit(dense(rate=1e-9), DIGITS, epochs=23, callbacks=[Canaries(patience=24)], verbose=False)
        training.fit(dense(), DIGITS, epochs=4, verbose=False)
