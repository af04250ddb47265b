import math

import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import MAPLoss

DISTANCES = np.random.default_rng(0).uniform(0, 20, size=(6, 10)).astype("float32")
LABELS = np.array([3, 1, 4, 1, 5, 9])


@pytest.mark.parametrize("j", [0.1, 1.0, 10.0])
def test_it_is_equation_9(j):
    expected = np.mean(
        [
            y[d] + math.log(math.exp(-j) + sum(math.exp(-v) for v in y))
            for y, d in zip(DISTANCES, LABELS, strict=True)
        ]
    )
    np.testing.assert_allclose(MAPLoss(j=j)(LABELS, DISTANCES), expected, rtol=1e-5)


def test_it_is_the_cross_entropy_of_a_softmax_with_one_more_class():
    logits = np.concatenate([-DISTANCES, np.full((6, 1), -7.0, "float32")], axis=1)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, logits)
    np.testing.assert_allclose(MAPLoss(j=7.0)(LABELS, DISTANCES), expected, rtol=1e-5)


def test_distances_that_would_overflow_an_exponential_give_a_finite_loss():
    distances = np.array([[1e4, 2e4], [0.0, 1e4]], dtype="float32")
    loss = MAPLoss(j=10.0, reduction=None)([0, 0], distances)
    np.testing.assert_allclose(loss, [1e4 - 10, math.log1p(math.exp(-10))], rtol=1e-3)


def test_a_wrong_class_much_further_away_than_j_is_not_pushed_further():
    inputs = keras.Input((10,))
    shift = keras.layers.Dense(10, kernel_initializer="identity")
    model = keras.Model(inputs, shift(inputs))
    model.compile(keras.optimizers.SGD(1.0), loss=MAPLoss(j=5.0))
    distances = np.array([[1, 2, 50] + [100] * 7], dtype="float32")
    model.train_on_batch(distances, np.array([0]))
    pull, push, far = -np.asarray(shift.bias)[:3]
    assert pull > 0.2  # the true class comes nearer
    assert push < -0.2  # a close competitor moves away
    assert abs(far) < 1e-6


def test_labels_may_be_a_column():
    np.testing.assert_array_equal(MAPLoss()(LABELS[:, None], DISTANCES), MAPLoss()(LABELS, DISTANCES))


@pytest.mark.parametrize("j", [0, -1.0, float("nan"), None, "10"])
def test_a_j_that_is_no_positive_number_is_refused(j):
    with pytest.raises(ValueError, match=f"Received: j={j!r}"):
        MAPLoss(j=j)
