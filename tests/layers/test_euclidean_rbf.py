import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import DIGIT_BITMAPS, EuclideanRBF


def test_the_outputs_are_squared_distances_to_the_prototypes():
    x = np.random.default_rng(0).normal(size=(5, 84)).astype("float32")
    expected = ((x[:, None] - DIGIT_BITMAPS) ** 2).sum(-1)
    np.testing.assert_allclose(EuclideanRBF(DIGIT_BITMAPS)(x), expected, rtol=1e-5)


def test_a_prototype_is_at_distance_zero_from_itself_alone():
    distances = np.asarray(EuclideanRBF(DIGIT_BITMAPS)(DIGIT_BITMAPS.astype("float32")))
    assert np.array_equal(distances == 0, np.eye(10, dtype=bool))


def test_the_prototypes_are_840_values_that_no_training_changes():
    layer = EuclideanRBF(DIGIT_BITMAPS)
    layer.build((None, 84))
    assert layer.count_params() == 840
    assert layer.trainable_weights == []


def test_the_gradient_passes_through_to_the_input():
    """One step of size 1 on the sum of the distances moves F6's bias by -2 * sum(x - prototype)."""
    x = np.random.default_rng(0).normal(size=(1, 84)).astype("float32")
    inputs = keras.Input((84,))
    shift = keras.layers.Dense(84, kernel_initializer="identity")
    shift.build((None, 84))
    shift.kernel.trainable = False
    model = keras.Model(inputs, EuclideanRBF(DIGIT_BITMAPS)(shift(inputs)))
    model.compile(keras.optimizers.SGD(1.0), loss=lambda _, distances: keras.ops.sum(distances, axis=-1))
    model.train_on_batch(x, np.zeros((1, 10)))
    np.testing.assert_allclose(shift.bias, -2 * (x - DIGIT_BITMAPS).sum(0), rtol=1e-5)


def test_large_inputs_in_float16_do_not_overflow():
    x = np.full((1, 84), 1000, dtype="float16")
    distances = np.asarray(EuclideanRBF(DIGIT_BITMAPS, dtype="mixed_float16")(x))
    np.testing.assert_allclose(distances, ((1000.0 - DIGIT_BITMAPS) ** 2).sum(-1)[None], rtol=1e-6)


def test_a_map_of_vectors_gives_a_map_of_distances():
    assert EuclideanRBF(DIGIT_BITMAPS).compute_output_shape((None, 3, 4, 84)) == (None, 3, 4, 10)
    assert EuclideanRBF(DIGIT_BITMAPS)(np.zeros((2, 3, 4, 84))).shape == (2, 3, 4, 10)


def test_an_input_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"as long as a prototype, 84\. Received: input_shape=\(None, 83\)"):
        EuclideanRBF(DIGIT_BITMAPS).build((None, 83))


@pytest.mark.parametrize(
    "prototypes", [[], [1, 2], [[1, 2], [3]], [[1, float("nan")]], 3, [["a"]], {}, [[object()]], None]
)
def test_prototypes_that_are_no_table_of_finite_numbers_are_refused(prototypes):
    with pytest.raises(ValueError, match="Received: prototypes="):
        EuclideanRBF(prototypes)
