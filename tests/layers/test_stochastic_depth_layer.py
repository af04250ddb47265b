import inspect

import numpy as np
import pytest
import tensorflow as tf

from course_lib.backend import keras
from course_lib.layers import StochasticDepth

ONES = np.ones((4, 2, 2, 3), "float32")


def _train(layer, inputs=ONES, times=1):
    """Return the layer's outputs of some training steps, one after another."""
    return np.stack([keras.ops.convert_to_numpy(layer(inputs, training=True)) for _ in range(times)])


def test_a_mini_batch_is_kept_or_dropped_as_a_whole():
    steps = _train(StochasticDepth(0.5, seed=0), times=40)
    assert set(steps.min(axis=(1, 2, 3, 4))) == set(steps.max(axis=(1, 2, 3, 4))) == {0.0, 1.0}
    assert (steps.min(axis=(1, 2, 3, 4)) == steps.max(axis=(1, 2, 3, 4))).all()


def test_per_sample_each_example_is_kept_or_dropped_by_itself():
    examples = _train(StochasticDepth(0.5, per_sample=True, seed=0), np.ones((40, 2, 2, 3), "float32"))[0]
    assert set(examples.min(axis=(1, 2, 3))) == {0.0, 1.0}
    assert (examples.min(axis=(1, 2, 3)) == examples.max(axis=(1, 2, 3))).all()


@pytest.mark.parametrize("survival", [0.2, 0.9])
def test_the_share_that_is_kept_is_the_survival_probability(survival):
    count = 10_000
    kept = _train(StochasticDepth(survival, per_sample=True, seed=0), np.ones((count, 1), "float32")).mean()
    assert abs(kept - survival) < 5 * np.sqrt(survival * (1 - survival) / count)


def test_at_test_the_output_is_the_expectation():
    layer = StochasticDepth(0.7)
    np.testing.assert_allclose(layer(3 * ONES), 2.1 * ONES, rtol=1e-6)
    np.testing.assert_array_equal(layer(ONES), layer(ONES, training=False))


def test_survival_1_changes_nothing_and_survival_0_leaves_nothing():
    inputs = np.random.default_rng(0).normal(size=ONES.shape).astype("float32")
    for training in (True, False):
        np.testing.assert_array_equal(StochasticDepth(1)(inputs, training=training), inputs)
        np.testing.assert_array_equal(StochasticDepth(0)(inputs, training=training), 0 * inputs)


def test_the_seed_decides_the_draws():
    one, same, other = (_train(StochasticDepth(0.5, seed=seed), times=30) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_all_replicas_draw_alike():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        layer = StochasticDepth(0.5, seed=0)
    step = tf.function(
        lambda: strategy.experimental_local_results(strategy.run(layer, (ONES,), {"training": True}))
    )
    pairs = [step() for _ in range(20)]
    assert {float(tf.reduce_max(one)) for one, _ in pairs} == {0.0, 1.0}
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("per_sample", [True, False])
def test_the_configuration_holds_exactly_the_arguments(per_sample):
    layer = StochasticDepth(0.3, per_sample=per_sample, seed=1, name="gate")
    arguments = set(inspect.signature(StochasticDepth).parameters) - {"kwargs"}
    assert set(layer.get_config()) == arguments | {"name", "trainable", "dtype"}
    assert StochasticDepth.from_config(layer.get_config()).get_config() == layer.get_config()


def test_a_saved_model_loads_without_custom_objects_and_computes_the_same(tmp_path):
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, StochasticDepth(0.5, seed=1)(inputs))
    first = _train(model, times=20)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(ONES), model(ONES))
    np.testing.assert_array_equal(
        _train(loaded, times=20), first
    )  # Keras doesn't save how many draws there were


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_the_output_is_of_the_compute_type(policy):
    layer = StochasticDepth(0.5, dtype=policy)
    for training in (True, False):
        output = layer(ONES, training=training)
        assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    assert layer(keras.Input((2, 2, 3))).shape == (None, 2, 2, 3)


@pytest.mark.parametrize("per_sample", [True, False])
def test_compiled_by_xla_it_still_drops_at_random(per_sample):
    layer = StochasticDepth(0.5, per_sample=per_sample, seed=0)
    step = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    assert {float(value) for _ in range(20) for value in np.ravel(step(ONES))} == {0.0, 1.0}


@pytest.mark.parametrize("survival", [1.5, -0.1, float("nan")])
def test_a_survival_that_is_no_probability_is_refused(survival):
    with pytest.raises(ValueError, match="Received: survival="):
        StochasticDepth(survival)
