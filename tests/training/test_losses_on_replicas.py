"""Losses, optimizers and models on one, two and four replicas: the same training, or a refusal in words."""

import numpy as np
import pytest

from course_lib import training
from course_lib.backend import keras

import tensorflow as tf  # isort: skip

layers, losses, ops = keras.layers, keras.losses, keras.ops
FEW = [f"CPU:{index}" for index in range(4)]
ONE_VALUE = r"Several replicas need a loss that returns one value an example.*Received: loss="
X = np.random.default_rng(0).uniform(size=(16, 1)).astype("float32")
WEIGHTS = np.random.default_rng(1).uniform(size=16).astype("float32")


def one_weight(x=None, **options):
    return layers.Dense(1, use_bias=False, kernel_initializer="ones", **options)


def penalised():
    return [one_weight(kernel_regularizer=keras.regularizers.L2(0.1))]


class Penalty(layers.Layer):
    """Adds the mean or the sum of the squares of a weight times its inputs to the loss."""

    def __init__(self, reduce):
        super().__init__()
        self.reduce = reduce
        self.weight = one_weight()

    def build(self, shape):
        self.weight.build(shape)

    def call(self, x):
        x = self.weight(x)
        self.add_loss(self.reduce(ops.square(x)))
        return x


def trained(
    replicas,
    loss="mse",
    *,
    net=lambda: [one_weight()],
    weights=None,
    test=True,
    x=X,
    y=None,
    batch=8,
    eager=True,
    optimizer=None,
    within=False,
    **options,
):
    """Return the history of two steps and a validation, and the weights."""
    keras.utils.set_random_seed(0)
    place = training.strategy(FEW[:replicas])
    with place.scope():
        model = keras.Sequential([keras.Input(x.shape[1:]), *net()])
        optimizer = keras.optimizers.SGD(0.1, **(optimizer or {}))
        model.compile(optimizer, loss, run_eagerly=eager, **options)
    y = np.zeros((len(x), 1), "float32") if y is None else y
    arrays = (x, y) if weights is None else (x, y, weights)
    data = tf.data.Dataset.from_tensor_slices(arrays).batch(batch, drop_remainder=True)
    test = {True: data, False: None}.get(test, test)
    if within:
        with place.scope():
            history = training.fit(model, (data, test), epochs=1, verbose=False).history
    else:
        history = training.fit(model, (data, test), epochs=1, verbose=False).history
    return {**history, "weights": np.concatenate([np.ravel(weight) for weight in model.get_weights()])}


def same(one, several):
    assert one.keys() == several.keys()
    for name, values in one.items():
        np.testing.assert_allclose(values, several[name], rtol=1e-5, atol=1e-6)


def mean_of_squares(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def mean_of_squares_in_its_type(y_true, y_pred):
    return ops.mean(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred))


def sum_of_errors(y_true, y_pred):
    return ops.sum(ops.abs(y_true - y_pred))


def test_a_scalar_loss_is_refused_where_it_would_double_loss_and_step():
    ones = {"x": np.ones((4, 1), "float32"), "batch": 4, "test": False}
    alone = trained(1, mean_of_squares, **ones)
    assert alone["loss"] == [1.0]
    assert alone["weights"] == pytest.approx(0.8)
    same(trained(1, "mse", **ones), alone)
    same(trained(2, "mse", **ones), alone)
    with pytest.raises(ValueError, match=rf"{ONE_VALUE}.*mean_of_squares.*1 on one replica and 2 on 2$"):
        trained(2, mean_of_squares, **ones)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"])
def test_four_replicas_train_as_one_with_every_reduction_to_one_number(reduction):
    one, *several = (
        trained(n, losses.MeanSquaredError(reduction=reduction), eager=False, metrics=["mae"])
        for n in (1, 2, 4)
    )
    for found in several:
        same(one, found)


@pytest.mark.parametrize("replicas", [2, 4])
@pytest.mark.parametrize("reduction", ["none", None])
def test_a_loss_that_is_not_reduced_is_refused(reduction, replicas):
    with pytest.raises(ValueError, match=ONE_VALUE):
        trained(replicas, losses.MeanSquaredError(reduction=reduction))


RAGGED = tf.data.Dataset.from_tensor_slices((X[:14], np.zeros((14, 1), "float32"))).batch(8)
TOKENS = np.array([[1, 2, 1, 0], [1, 0, 0, 0], [2, 2, 0, 0], [1, 1, 1, 2]]).repeat(4, axis=0)[
    np.arange(16) * 7 % 16
]


def masked():
    return [layers.Embedding(3, 2, mask_zero=True), layers.LSTM(2, return_sequences=True), one_weight()]


@pytest.mark.parametrize(
    "options",
    [
        {"loss": losses.MeanSquaredError(reduction="mean_with_sample_weight"), "weights": WEIGHTS},
        {"loss": losses.MeanSquaredError(reduction="mean_with_sample_weight"), "weights": WEIGHTS * 0 + 1},
        {"loss": losses.MeanSquaredError(reduction="sum"), "test": RAGGED},
        {"net": lambda: [Penalty(ops.sum), one_weight()]},
        {"net": masked, "x": TOKENS, "y": X[:, :, None].repeat(4, axis=1)},
        {"loss": mean_of_squares, "within": True},
    ],
    ids=["weighted mean", "weights by chance equal", "sum of a ragged batch", "sum added", "mask", "within"],
)
def test_what_is_no_mean_over_the_examples_is_refused(options):
    assert trained(1, **options)
    with pytest.raises(ValueError, match=ONE_VALUE):
        trained(2, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"weights": WEIGHTS, "weighted_metrics": ["mae"], "loss_weights": [0.5]},
        {"test": RAGGED, "metrics": ["mae"]},
        {"net": penalised},
        {"net": lambda: [Penalty(ops.mean), one_weight()]},
        {"metrics": [mean_of_squares]},
        {"within": True},
        {"steps_per_execution": 2, "eager": False},
        {"optimizer": {"use_ema": True, "ema_momentum": 0.5}, "eager": False},
    ],
    ids=["weights", "ragged", "regularizer", "mean added", "scalar metric", "within", "steps", "average"],
)
def test_what_is_a_mean_over_the_examples_trains_two_replicas_as_one(options):
    same(trained(1, **options), trained(2, **options))


def test_a_mean_that_bfloat16_rounds_otherwise_in_parts_is_not_refused():
    x, y = np.random.default_rng(0).normal(size=(2, 32, 1)).astype("float32")
    options = {"x": x, "y": y, "batch": 32, "test": False, "metrics": [mean_of_squares_in_its_type]}
    assert trained(2, net=lambda: [one_weight(dtype="mixed_bfloat16")], **options)


def test_a_metric_that_depends_on_the_size_of_a_part_is_refused():
    assert trained(1, metrics=[sum_of_errors])
    with pytest.raises(ValueError, match=r"need metrics that count.*Received: sum_of_errors, .* on 2$"):
        trained(2, metrics=[sum_of_errors])


@pytest.mark.parametrize("replicas", [1, 2])
def test_accumulated_gradients_are_refused_under_any_strategy(replicas):
    with pytest.raises(ValueError, match=r"step a batch.*Received: gradient_accumulation_steps=2"):
        trained(replicas, optimizer={"gradient_accumulation_steps": 2})


@pytest.mark.parametrize("outside", ["layer", "optimizer", "metric"])
def test_what_was_made_outside_the_scope_is_refused(outside):
    made = {"layer": one_weight(), "optimizer": keras.optimizers.SGD(), "metric": keras.metrics.AUC()}
    made["layer"].build((None, 1))
    with training.strategy(FEW[:2]).scope():
        layer = made["layer"] if outside == "layer" else one_weight()
        model = keras.Sequential([keras.Input((1,)), layer])
        optimizer = made["optimizer"] if outside == "optimizer" else "sgd"
        model.compile(optimizer, "mse", metrics=[made["metric"]] if outside == "metric" else None)
    data = tf.data.Dataset.from_tensors((X, X))
    words = r"within one `strategy\(\).scope\(\)`.*Received: '.*made elsewhere"
    with pytest.raises(ValueError, match=words):
        training.fit(model, (data, None), epochs=1)
    with pytest.raises(ValueError, match=words):
        training.evaluate(model, data)


def test_an_optimizer_made_in_a_scope_does_not_train_a_model_made_without():
    model = keras.Sequential([keras.Input((1,)), one_weight()])
    with training.strategy(FEW[:2]).scope():
        model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"within one `strategy.*Received: 'sgd.*made elsewhere"):
        training.fit(model, ((X, X), None), epochs=1)


def test_a_model_compiled_for_xla_is_refused_on_two_replicas_alone():
    trained(1, eager=False, test=False, jit_compile=True)
    with pytest.raises(ValueError, match=r"without XLA.*Received: jit_compile=True"):
        trained(2, eager=False, test=False, jit_compile=True)


def test_a_model_that_takes_its_own_steps_is_left_to_it():
    class Own(keras.Model):
        def train_step(self, data):
            return {"loss": ops.zeros(())}

    with training.strategy(FEW[:2]).scope():
        inputs = keras.Input((1,))
        model = Own(inputs, one_weight()(inputs))
        model.compile("sgd")
    data = tf.data.Dataset.from_tensor_slices((X, X)).batch(8, drop_remainder=True)
    assert training.fit(model, (data, None), epochs=1, verbose=False).history["loss"] == [0.0]


def test_evaluation_on_two_replicas_refuses_what_would_be_another_loss():
    with training.strategy(FEW[:2]).scope():
        model = keras.Sequential([layers.Dense(1)])  # built by its first batch
        model.compile("sgd", mean_of_squares)
    with pytest.raises(ValueError, match=ONE_VALUE):
        training.evaluate(model, (X, X), batch_size=4)


@pytest.mark.parametrize("devices", [None, FEW[:2]])
def test_a_model_without_an_input_is_built_by_its_data_and_goes_on_after_a_kill(devices, tmp_path):
    def model():
        keras.utils.set_random_seed(0)
        with training.strategy(devices).scope():
            model = keras.Sequential([layers.Dense(8), layers.Dense(1)], name="open")
            model.compile("adam", "mse")
        return model

    whole, part = model(), model()
    data = (X, X), None
    training.fit(whole, data, epochs=2, batch_size=8, verbose=False)
    training.fit(part, data, epochs=1, batch_size=8, directory=tmp_path, verbose=False)
    part = model()
    training.fit(part, data, epochs=2, batch_size=8, directory=tmp_path, verbose=False)
    for one, other in zip(whole.get_weights(), part.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    whole.fit(X, X, verbose=0)  # Keras's own goes on


def test_a_metric_of_several_values_is_shown_kept_and_returned_and_decides_nothing(tmp_path, capsys):
    def fit(epochs, **options):
        model = keras.Sequential([keras.Input((1,)), layers.Dense(3, "softmax")], name="f")
        model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score()])
        data = (X, np.eye(3, dtype="float32")[np.arange(16) % 3])
        return training.fit(model, (data, data), epochs=epochs, batch_size=8, **options).history

    fit(1, directory=tmp_path / "a", verbose=False)
    history = fit(2, directory=tmp_path / "a")
    assert np.shape(history["f1_score"]) == np.shape(history["val_f1_score"]) == (2, 3)
    assert f"val_f1_score {np.mean(history['val_f1_score'][1]):.4f}" in capsys.readouterr().err
    never = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: pytest.fail("a step was taken"))
    with pytest.raises(ValueError, match=r"`monitor` must be one number.*Received: monitor='val_f1_score'"):
        fit(1, directory=tmp_path / "b", monitor="val_f1_score", callbacks=[never])
