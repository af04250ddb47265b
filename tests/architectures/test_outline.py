"""Networks without weights, and the depth to which Python may recurse for the deepest ones."""

import random
import subprocess
import sys

import numpy as np
import pytest

from course_lib.architectures import cifar_resnet, fractalnet, lenet5, outline, squeezenet1_1, vgg16
from course_lib.backend import keras
from course_lib.ledger import ledger


@pytest.mark.parametrize("build", [lenet5, squeezenet1_1, cifar_resnet])
def test_an_outline_has_the_ledger_of_the_network(build):
    assert repr(ledger(outline(build))) == repr(ledger(build()))


def test_the_weights_of_an_outline_have_shapes_and_no_values():
    network = outline(vgg16)
    assert sum(int(np.prod(weight.shape)) for weight in network.weights) == 138_357_544
    assert all(weight._value is None for weight in network.weights)


def test_positions_and_keywords_go_to_the_builder():
    assert (
        ledger(outline(cifar_resnet, 8, classes=3, name="small")).rows
        == ledger(cifar_resnet(8, classes=3, name="small")).rows
    )
    assert outline(cifar_resnet, name="small").name == "small"


def test_a_network_that_is_built_after_an_outline_has_its_weights_and_the_outline_still_none():
    network = outline(fractalnet, width=0.05)
    dense = keras.layers.Dense(3)
    dense(keras.Input((4,)))  # opens and closes a scope in which Keras makes what waits for its values
    assert dense.kernel.numpy().shape == (4, 3)
    assert all(weight._value is None for weight in network.weights)


def test_an_outline_changes_neither_draws_nor_names_that_follow():
    def weights(first):
        keras.utils.clear_session()
        keras.utils.set_random_seed(3)
        first()
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        return layer.name, layer.kernel.numpy().tolist(), random.random(), keras.random.uniform(()).numpy()

    assert weights(lambda: outline(cifar_resnet, 8)) == weights(lambda: None)


def test_an_outline_has_the_precision_of_the_caller():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = outline(cifar_resnet, 8)
    finally:
        keras.config.set_dtype_policy(before)
    assert network.get_layer("stem_conv").compute_dtype == "float16"


def test_what_the_builder_refuses_is_refused():
    with pytest.raises(ValueError, match="depth must be 6n"):
        outline(cifar_resnet, 9)


# Recursion


def limits(*statements):
    """Return Python's recursion limit at first and after each statement, in a fresh process."""
    shown = "print(sys.getrecursionlimit());"
    code = "import sys;" + shown + shown.join(f"{statement};" for statement in statements) + shown
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return [int(limit) for limit in printed.split()]


def test_an_import_and_the_usual_depths_leave_the_recursion_limit_as_it_is():
    first, *others = limits(
        "from course_lib import architectures as a, figures",
        "a.outline(a.preact_resnet, 164); a.outline(a.cifar_resnet, 110); a.outline(a.resnet152)",
    )
    assert others == [first] * 2


def test_a_network_of_1001_layers_can_be_made_copied_and_counted_with_or_without_shortcuts():
    limits(
        "from course_lib.architectures import cifar_plain, outline, preact_resnet",
        "from course_lib.backend import keras",
        "from course_lib.ledger import ledger",
        "models = outline(preact_resnet, 1001, width=0.1), outline(cifar_plain, 1004, width=0.1)",
        "copies = [keras.Model(model.inputs, model.outputs) for model in models]",
        "clones = [outline(keras.Model.from_config, model.get_config()) for model in models]",
        "(sys.exit('ledgers differ') if ledger(clones[1]).rows != ledger(models[1]).rows else None)",
    )
