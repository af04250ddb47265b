import numpy as np
import pytest

from course_lib.architectures import (
    googlenet,
    googlenet_inference,
    inception_module,
    naive_inception_module,
)
from course_lib.architectures.googlenet import TABLE_1
from course_lib.backend import keras
from course_lib.ledger import ledger

# Table 1: output size, and parameters (K = 1024) and operations (M) as printed.
ROWS = {
    "conv1": ((112, 112, 64), 2.7, 34),
    "pool1": ((56, 56, 64), 0, 0),
    "conv2": ((56, 56, 192), 112, 360),
    "pool2": ((28, 28, 192), 0, 0),
    "inception_3a": ((28, 28, 256), 159, 128),
    "inception_3b": ((28, 28, 480), 380, 304),
    "pool3": ((14, 14, 480), 0, 0),
    "inception_4a": ((14, 14, 512), 364, 73),
    "inception_4b": ((14, 14, 512), 437, 88),
    "inception_4c": ((14, 14, 512), 463, 100),
    "inception_4d": ((14, 14, 528), 580, 119),
    "inception_4e": ((14, 14, 832), 840, 170),
    "pool4": ((7, 7, 832), 0, 0),
    "inception_5a": ((7, 7, 832), 1072, 54),
    "inception_5b": ((7, 7, 1024), 1388, 71),
}


def _row(full, name):
    """Return the last output shape, the parameters and the MACs of a row of table 1."""
    rows = [row for row in full.rows if row.layer == name or row.layer.startswith(f"{name}_")]
    last = next(row for row in rows if row.layer in (name, f"{name}_join"))
    return last.output_shape, sum(row.parameters for row in rows), sum(row.macs for row in rows)


def _small():
    keras.utils.set_random_seed(0)
    return googlenet(input_shape=(79, 79, 3), classes=10, width=0.125)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(size=(2, 79, 79, 3)).astype("float32")


def test_each_row_has_the_output_size_of_table_1(full_size):
    full = full_size("googlenet")
    assert {name: _row(full, name)[0] for name in ROWS} == {name: size for name, (size, *_) in ROWS.items()}
    assert full["average"].output_shape == (1024,)
    assert full["softmax2"].parameters == 1_025_000


def test_the_rows_that_table_1_misprints_are_those_that_the_docstring_names(full_size):
    full, differ = full_size("googlenet"), {}
    for name, (_, kilo, mega) in ROWS.items():
        _, parameters, macs = _row(full, name)
        if abs(parameters / 1024 - kilo) > 0.025 * kilo:
            differ[name, "parameters"] = kilo
        if abs(macs / 1e6 - mega) > 0.04 * mega:
            differ[name, "operations"] = mega
    assert differ == {
        ("conv1", "parameters"): 2.7,
        ("conv1", "operations"): 34,
        ("inception_4c", "parameters"): 463,
        ("inception_5a", "parameters"): 1072,
        ("inception_5a", "operations"): 54,
    }


def test_the_auxiliary_heads_are_those_of_section_5(full_size):
    full = full_size("googlenet")
    for name, pooled, parameters in (
        ("softmax0", (4, 4, 512), 3_188_840),
        ("softmax1", (4, 4, 528), 3_190_888),
    ):
        head = [row for row in full.rows if row.layer.startswith(name)]
        assert [(row.kind, row.output_shape) for row in head] == [
            ("AveragePooling2D", pooled),
            ("Conv2D", (4, 4, 128)),
            ("Flatten", (2048,)),
            ("Dense", (1024,)),
            ("Dropout", (1024,)),
            ("Dense", (1000,)),
        ]
        assert sum(row.parameters for row in head) == parameters
    model = _small()
    assert model.get_layer("softmax0_dropout").rate == model.get_layer("softmax1_dropout").rate == 0.7
    assert [output.shape for output in model.outputs] == [(None, 10)] * 3


def test_the_heads_are_attached_to_4a_and_4d():
    model = _small()
    assert model.get_layer("softmax0_pool").input is model.get_layer("inception_4a_join").output
    assert model.get_layer("softmax1_pool").input is model.get_layer("inception_4d_join").output


def test_inference_is_the_first_output_with_the_same_weights(images):
    model = _small()
    inference = googlenet_inference(model)
    assert len(inference.outputs) == 1
    for layer in inference.layers:
        assert layer is model.get_layer(layer.name)
    np.testing.assert_array_equal(inference(images), model(images)[0])


def test_a_5x5_branch_has_5x5_kernels(full_size):
    full = full_size("googlenet")
    for name, *filters in TABLE_1:
        if filters:
            *_, reduced, maps, _ = filters
            assert full[f"{name}_5x5"].parameters == 25 * reduced * maps + maps


def test_reductions_cut_the_operations_of_a_module_to_less_than_half():
    inputs = keras.Input((28, 28, 256))
    naive = keras.Model(inputs, naive_inception_module(inputs, (128, 192, 96), name="naive"))
    reduced = keras.Model(inputs, inception_module(inputs, (128, 64, 192, 64, 96, 64), name="reduced"))
    assert (naive.output_shape, reduced.output_shape) == ((None, 28, 28, 672), (None, 28, 28, 480))
    assert (ledger(naive).macs, ledger(reduced).macs) == (854_196_224, 271_351_808)


def test_a_naive_module_passes_its_input_on_through_the_pool():
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, naive_inception_module(inputs, (2, 4, 5), name="naive"))
    constant = np.ones((1, 6, 6, 3), "float32")
    outputs = np.asarray(model(constant))
    assert outputs.shape == (1, 6, 6, 14)
    np.testing.assert_array_equal(outputs[..., -3:], constant)
