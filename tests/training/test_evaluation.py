"""Top-k errors and ten crops against a few lines of numpy, for every kind of output."""

import numpy as np
import pytest

from course_lib import training
from course_lib.architectures import fractalnet, googlenet, lenet5
from course_lib.backend import keras
from course_lib.layers import MAPLoss, NearestAccuracy
from course_lib.training import replicas
from course_lib.training.evaluation import (
    evaluate,
    predict_ten_crop,
    recompute_batch_statistics,
    ten_crop,
    top_k_error,
)

import tensorflow as tf  # isort: skip

RNG = np.random.default_rng(0)


def batches(x, y, size=8):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size)


def average(classes=6, activation="softmax", devices=None):
    """Return a network that sees only the mean colour of a picture, whatever its size."""
    keras.utils.set_random_seed(0)
    with training.strategy(devices).scope():
        inputs = keras.Input((None, None, 3))
        x = keras.layers.GlobalAveragePooling2D()(inputs)
        return keras.Model(inputs, keras.layers.Dense(classes, activation=activation)(x))


def test_a_top_k_error_counts_the_classes_that_the_k_best_miss():
    labels, scores = RNG.integers(0, 7, 200), RNG.normal(size=(200, 7))
    for k in range(1, 8):
        best = np.argsort(-scores, axis=1)[:, :k]
        expected = 1 - np.mean([label in row for label, row in zip(labels, best, strict=True)])
        assert top_k_error(labels, scores, k) == pytest.approx(expected)
    assert top_k_error(labels[:, None], scores, 7) == 0


def test_equal_scores_count_against_the_network():
    assert [top_k_error([1], [[0.2, 0.4, 0.4, 0.0]], k) for k in (1, 2)] == [1, 0]
    assert top_k_error([0, 1, 2], np.ones((3, 3)), 2) == 1


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (([0, 1], np.ones((2, 4)), 5), "k must be from 1 to 4, .*Received: k=5"),
        (([0, 1], np.ones((2, 4)), 0), "Received: k=0"),
        (([0, 1], np.ones((2, 4)), 1.0), "Received: k=1.0"),
        (([0, 4], np.ones((2, 4))), "labels must be from 0 to 3. Received: 0 to 4"),
        (([0, -1], np.ones((2, 4))), "Received: -1 to 0"),
        (([0, 1, 2], np.ones((2, 4))), r"labels int64 \(3,\), scores \(2, 4\)"),
        ((np.eye(4)[:2], np.ones((2, 4))), "labels float64"),
        (([0, 1], np.ones(2)), r"scores \(2,\)"),
        (([], np.ones((0, 4))), r"scores \(0, 4\)"),
        (([0, 1], np.full((2, 4), np.nan)), "scores must be numbers"),
    ],
)
def test_what_cannot_be_counted_is_refused(arguments, received):
    with pytest.raises(ValueError, match=received):
        top_k_error(*arguments)


def test_a_model_is_evaluated_over_all_batches_an_incomplete_last_one_too():
    model = average()
    x, y = RNG.random((27, 5, 5, 3), "float32"), RNG.integers(0, 6, 27)
    scores = model(x).numpy()
    assert evaluate(model, batches(x, y)) == {1: top_k_error(y, scores, 1), 5: top_k_error(y, scores, 5)}
    assert evaluate(model, batches(x, y), k=2) == {2: top_k_error(y, scores, 2)}
    with pytest.raises(ValueError, match="k must be from 1 to 3"):
        evaluate(average(classes=3), batches(x, y % 3))
    with pytest.raises(ValueError, match="a batch or more"):
        evaluate(model, batches(x, y).take(0))


def test_on_two_replicas_the_errors_are_those_on_one():
    x, y = RNG.random((27, 5, 5, 3), "float32"), RNG.integers(0, 6, 27)
    mirrored = average(devices=("CPU:0", "CPU:1"))
    assert evaluate(mirrored, batches(x, y)) == evaluate(average(), batches(x, y))
    assert evaluate(mirrored, batches(x, y), crop_size=3) == evaluate(average(), batches(x, y), crop_size=3)


def test_the_smallest_distance_wins():
    keras.utils.set_random_seed(0)
    model = lenet5()
    model.compile(loss=MAPLoss(), metrics=[NearestAccuracy()])
    x, y = RNG.random((20, 32, 32, 1), "float32"), RNG.integers(0, 10, 20)
    y[:10] = np.argmin(model(x).numpy(), axis=1)[:10]
    accuracy = model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    assert evaluate(model, batches(x, y), k=1) == {1: pytest.approx(1 - accuracy)}
    assert accuracy >= 0.5
    with pytest.raises(ValueError, match=r"outputs must be probabilities .*Received: from"):
        predict_ten_crop(model, np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)]), 32)


def test_of_googlenets_three_heads_the_main_one_counts():
    keras.utils.set_random_seed(0)
    model = googlenet(input_shape=(79, 79, 3), classes=6, width=0.1)
    x, y = RNG.random((4, 79, 79, 3), "float32"), RNG.integers(0, 6, 4)
    main, first, _ = (output.numpy() for output in model(x))
    y[0] = np.argmax(main[0])
    assert not np.allclose(main, first)
    triple = tf.data.Dataset.from_tensors((x, (y, y, y)))
    assert evaluate(model, triple, k=(1, 2)) == {k: top_k_error(y, main, k) for k in (1, 2)}


def test_ten_crops_are_the_corners_the_centre_and_their_mirror_images():
    x = RNG.random((2, 7, 10, 3), "float32")
    crops = np.asarray(ten_crop(x, 4))
    assert crops.shape == (2, 10, 4, 4, 3)
    corners = [x[:, :4, :4], x[:, :4, 6:], x[:, 3:, :4], x[:, 3:, 6:], x[:, 1:5, 3:7]]
    for i, crop in enumerate(corners):
        np.testing.assert_array_equal(crops[:, i], crop)
        np.testing.assert_array_equal(crops[:, 5 + i], crop[:, :, ::-1])


def test_predictions_over_ten_crops_are_the_mean_of_the_probabilities():
    model = average()
    x = RNG.random((70, 6, 6, 3), "float32")  # more than go through the network at once
    expected = np.mean([model(ten_crop(x, 4)[:, i]).numpy() for i in range(10)], axis=0)
    np.testing.assert_allclose(predict_ten_crop(model, x, 4), expected, atol=1e-6)
    y = RNG.integers(0, 6, 70)
    assert evaluate(model, batches(x, y), k=1, crop_size=4) == {1: top_k_error(y, expected)}


@pytest.mark.parametrize("size", [7, 0, 2.5])
def test_crops_that_do_not_fit_are_refused(size):
    with pytest.raises(ValueError, match=rf"at least `size` high and wide. Received: .*size={size}"):
        ten_crop(np.zeros((1, 6, 8, 3)), size)


def test_logits_are_not_averaged():
    with pytest.raises(ValueError, match="outputs must be probabilities"):
        predict_ten_crop(average(activation=None), RNG.random((2, 6, 6, 3), "float32"), 4)


def test_recomputed_batch_statistics_are_those_of_all_pictures_and_nothing_else_moves():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    shared = keras.layers.BatchNormalization(momentum=0.7, name="shared")
    frozen = keras.layers.BatchNormalization(trainable=False, name="frozen")
    x = keras.layers.Dropout(0.5)(frozen(inputs))
    x = keras.layers.add([shared(x), shared(-2 * x)])
    layers = [keras.Input((3,)), keras.layers.BatchNormalization(name="inner")]
    inner = keras.Sequential(layers, name="sequential")
    model = keras.Model(inputs, inner(x))
    first, second = RNG.normal(3, 2, (6, 3)).astype("float32"), RNG.normal(size=(2, 3)).astype("float32")
    model.set_weights([RNG.random(weight.shape) for weight in model.get_weights()])
    before = {weight.path: weight.numpy() for weight in model.variables}
    recompute_batch_statistics(model, [(first, None), (second, None)])
    moved = {weight.path for weight in model.variables if not np.array_equal(weight, before[weight.path])}
    statistics = ("moving_mean", "moving_variance")
    assert moved == {f"{name}/{which}" for name in ("shared", "sequential/inner") for which in statistics}
    assert shared.momentum == 0.7
    seen = [frozen(part).numpy() for part in (first, second)]
    # Six pictures and two, each of which comes once as it is and once times -2.
    shares = np.array([6, 6, 2, 2]) / 16
    parts = [sign * part for part in seen for sign in (1, -2)]
    expected = [shares @ [part.mean(0) for part in parts], shares @ [part.var(0) for part in parts]]
    np.testing.assert_allclose(shared.moving_mean, expected[0], rtol=1e-5)
    np.testing.assert_allclose(shared.moving_variance, expected[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [(average(), [], "a batch or more"), (keras.layers.Dense(2), [], "functional or sequential")],
)
def test_statistics_of_nothing_are_refused(model, data, message):
    with pytest.raises(ValueError, match=message):
        recompute_batch_statistics(model, data)


def test_after_drop_path_a_fractalnet_evaluates_as_with_all_paths_open():
    keras.utils.set_random_seed(0)
    options = {"columns": 3, "blocks": ((8, 0.1),), "input_shape": (4, 4, 1), "classes": 10}
    model = fractalnet(**options, drop_path=0.5, seed=3)
    x = RNG.normal(size=(64, 4, 4, 1)).astype("float32")
    for _ in range(20):  # as a training leaves its averages
        model(x, training=True)
    options["blocks"] = ((8, 0.0),)
    control = fractalnet(**options, drop_path=0.0, global_ratio=0.0)
    control.set_weights(model.get_weights())
    expected = control(x, training=True)  # by this batch's own statistics
    seeds = [seed.numpy() for seed in replicas.drawn(model)]
    assert np.abs(model(x) - expected).max() > 0.02
    recompute_batch_statistics(model, batches(x, np.zeros(64), 64))
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(seeds, [seed.numpy() for seed in replicas.drawn(model)])
