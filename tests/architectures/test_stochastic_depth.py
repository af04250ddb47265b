import numpy as np
import pytest

from course_lib.architectures import cifar_resnet, outline, stochastic_depth_resnet
from course_lib.backend import keras
from course_lib.layers import StochasticDepth

IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
SMALL = {"input_shape": (8, 8, 1), "width": 0.25, "classes": 4}


def _gates(model):
    return [layer for layer in model.layers if isinstance(layer, StochasticDepth)]


def test_survival_falls_linearly_to_one_half_in_54_blocks():
    model = outline(stochastic_depth_resnet)
    survivals = [gate.survival for gate in _gates(model)]
    np.testing.assert_allclose(survivals, 1 - np.arange(1, 55) / 54 * 0.5)
    assert round(sum(survivals)) == 40  # the paper's expected number of blocks in a step (section 3)


def test_but_for_the_gates_it_is_resnet_110(full_size):
    rows = full_size("stochastic_depth_resnet").rows
    found = [row for row in rows if row.kind != "StochasticDepth"]
    expected = full_size("cifar_resnet", depth=110).rows
    assert [row[:7] for row in found] == [row[:7] for row in expected]
    assert len(rows) == len(expected) + 54


def test_at_survival_1_it_is_the_plain_resnet():
    keras.utils.set_random_seed(0)
    stochastic, plain = stochastic_depth_resnet(20, survival=1, **SMALL), cifar_resnet(20, **SMALL)
    for weight in stochastic.weights:  # the moving statistics and the scales too
        weight.assign(weight + 0.1)
    plain.set_weights(stochastic.get_weights())
    for training in (False, True):
        np.testing.assert_array_equal(stochastic(IMAGES, training=training), plain(IMAGES, training=training))


def test_at_test_each_branch_counts_with_its_probability():
    model, plain = stochastic_depth_resnet(8, survival=0.4, **SMALL), cifar_resnet(8, **SMALL)
    weights = iter(model.get_weights())
    for layer in plain.layers:
        values = [next(weights) for _ in layer.weights]
        if layer.name.endswith("bn2"):  # the last of a branch: its output is multiplied
            survival = model.get_layer(layer.name.replace("bn2", "gate")).survival
            values[:2] = [survival * value for value in values[:2]]
        layer.set_weights(values)
    np.testing.assert_allclose(model(IMAGES), plain(IMAGES), rtol=1e-5)
    assert [gate.survival for gate in _gates(model)] == pytest.approx([0.8, 0.6, 0.4])


def test_a_dropped_block_is_its_shortcut():
    model = stochastic_depth_resnet(8, **SMALL)
    names = [f"stage1_block1_{part}" for part in ("gate", "add")]
    parts = keras.Model(model.input, [model.get_layer(name).output for name in ("stem_relu", *names)])
    kept = set()
    for _ in range(40):
        stem, gate, added = parts(IMAGES, training=True)
        np.testing.assert_array_equal(added, stem + gate)
        kept.add(bool(np.any(gate)))
    assert kept == {False, True}


def test_per_sample_is_an_option_of_all_gates():
    assert not any(gate.per_sample for gate in _gates(stochastic_depth_resnet(8, **SMALL)))
    assert all(gate.per_sample for gate in _gates(stochastic_depth_resnet(8, per_sample=True, **SMALL)))


@pytest.mark.parametrize("arguments", [{"depth": 21}, {"depth": 8, "survival": 2}])
def test_a_depth_that_does_not_exist_and_a_survival_that_is_no_probability_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        stochastic_depth_resnet(**arguments)
