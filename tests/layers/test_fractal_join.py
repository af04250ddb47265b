import inspect

import numpy as np
import pytest
import tensorflow as tf

from course_lib.backend import keras
from course_lib.layers import FractalJoin

# The join of the rows of an identity matrix is the list of their weights.
PATHS = list(np.eye(3, dtype="float32")[:, None])


def _train(layer, paths=PATHS, times=60):
    """Return the weights of the paths in some training steps: (times, paths)."""
    steps = [keras.ops.convert_to_numpy(layer(paths, training=True))[0] for _ in range(times)]
    return np.stack(steps)


def test_at_test_all_paths_are_averaged():
    np.testing.assert_allclose(FractalJoin(3)(PATHS), [[1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(FractalJoin(3)(PATHS[:2]), [[1 / 2, 1 / 2, 0]])


def test_without_drop_path_training_averages_too():
    np.testing.assert_allclose(_train(FractalJoin(3, drop_path=0), times=3), 1 / 3, rtol=1e-6)


def test_the_paths_that_are_left_are_averaged_and_at_least_one_is():
    weights = _train(FractalJoin(3, drop_path=0.8, seed=0), times=100)
    kept = weights > 0
    assert kept.sum(axis=1).min() == 1
    np.testing.assert_allclose(weights, kept / kept.sum(axis=1, keepdims=True), rtol=1e-6)
    assert len(np.unique(kept, axis=0)) == 7  # every set of paths but the empty one


def test_if_all_paths_drop_a_random_one_stays():
    weights = _train(FractalJoin(3, drop_path=1, seed=0))
    assert set(weights.ravel()) == {0.0, 1.0}
    assert (weights.sum(axis=1) == 1).all()
    assert weights.any(axis=0).all()


def test_paths_are_dropped_with_their_probability():
    drop, times = 0.4, 200
    weights = _train(FractalJoin(3, drop_path=drop, seed=0), times=times)
    expected = drop - drop**3 / 3  # less those that stay because all would be dropped
    assert abs((weights == 0).mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / (3 * times))


def test_in_a_global_mini_batch_all_joins_choose_one_column():
    whole, half = (FractalJoin(3, global_ratio=1.0, global_seed=1) for _ in range(2))
    columns = _train(whole).argmax(axis=1)
    paths = list(np.eye(2, dtype="float32")[:, None])
    passed = _train(half, paths)
    assert set(columns) == {0, 1, 2}
    for column, weights in zip(columns, passed, strict=True):
        if column > 0:  # the columns of a join of two are the second and the third
            np.testing.assert_array_equal(weights, np.eye(2)[column - 1])
        else:
            assert weights.sum() == 1


def test_global_mini_batches_have_their_share():
    weights = _train(FractalJoin(3, drop_path=0, global_ratio=0.3, global_seed=1), times=200)
    share = (weights.max(axis=1) == 1).mean()
    assert abs(share - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 200)


def test_the_local_draws_of_two_joins_differ():
    one, other = (_train(FractalJoin(3, drop_path=0.5, global_seed=1)) for _ in range(2))
    assert (one != other).any()


def test_the_dropped_paths_get_no_gradient():
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((1,)) for _ in range(3)]
    paths = [keras.layers.Dense(1, kernel_initializer="ones")(x) for x in inputs]
    model = keras.Model(inputs, FractalJoin(3, global_ratio=1, global_seed=0)(paths))
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    model.train_on_batch([np.ones((2, 1))] * 3, np.zeros((2, 1)))
    moved = [not np.array_equal(weight, [[1]]) for weight in model.get_weights()[::2]]
    assert sum(moved) == 1


def test_all_replicas_draw_alike():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        layer = FractalJoin(3, drop_path=0.5, global_ratio=0.5, global_seed=0)
    step = tf.function(
        lambda: strategy.experimental_local_results(strategy.run(layer, (PATHS,), {"training": True}))
    )
    for _ in range(20):
        np.testing.assert_array_equal(*step())


def test_the_configuration_holds_exactly_the_arguments():
    layer = FractalJoin(4, drop_path=0.2, global_ratio=0.5, global_seed=1, seed=2, name="join")
    arguments = set(inspect.signature(FractalJoin).parameters) - {"kwargs"}
    assert set(layer.get_config()) == arguments | {"name", "trainable", "dtype"}
    assert FractalJoin.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_saved_model_loads_without_custom_objects_and_computes_the_same(tmp_path):
    inputs = [keras.Input((3,)) for _ in range(3)]
    join = FractalJoin(3, drop_path=0.5, global_ratio=0.5, global_seed=1, seed=2)
    model = keras.Model(inputs, join(inputs))
    first = _train(model, times=20)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(PATHS), model(PATHS))
    np.testing.assert_array_equal(
        _train(loaded, times=20), first
    )  # Keras doesn't save how many draws there were


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_the_output_is_of_the_compute_type(policy):
    layer = FractalJoin(3, dtype=policy)
    for training in (True, False):
        output = layer(PATHS, training=training)
        assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    assert layer([keras.Input((4, 4, 2))] * 3).shape == (None, 4, 4, 2)


def test_compiled_by_xla_it_still_drops_at_random():
    layer = FractalJoin(3, drop_path=0.5, global_ratio=0.5, global_seed=1, seed=0)
    step = tf.function(lambda: layer(PATHS, training=True), jit_compile=True)
    steps = [tuple(np.ravel(step())) for _ in range(40)]
    assert len(set(steps)) > 3
    np.testing.assert_allclose(np.sum(steps, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"columns": 1},
        {"columns": 2.5},
        {"columns": 3, "drop_path": 1.5},
        {"columns": 3, "global_ratio": -0.5, "global_seed": 1},
        {"columns": 3, "global_ratio": 0.5},
    ],
)
def test_a_wrong_argument_is_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        FractalJoin(**arguments)


@pytest.mark.parametrize(
    "paths", [PATHS[:1], [*PATHS, PATHS[0]], [PATHS[0], PATHS[0][:, :2]], PATHS[0]], ids=len
)
def test_one_path_more_paths_than_columns_and_unequal_paths_are_refused(paths):
    with pytest.raises(ValueError, match="Received: input_shape="):
        FractalJoin(3)(paths)
