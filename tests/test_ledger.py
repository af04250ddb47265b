"""The ledger against the paper, the layers' own weights, and the inputs that outputs really depend on."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib import costs
from course_lib import ledger as module
from course_lib.architectures import lenet5, lenet5_modern
from course_lib.backend import keras
from course_lib.layers import LENET_TABLE, EuclideanRBF, LocallyConnected2D, PartialConv2D, Subsampling2D
from course_lib.ledger import Call, Count, balance, ledger, main, rule

layers, ops = keras.layers, keras.ops


def branches():
    """Build a model of branches, shared layers, operations that are no layers and nested models."""
    inputs = keras.Input((23, 20, 4), name="image")
    shared = layers.Conv2D(4, (3, 2), padding="same", name="shared")
    x = shared(shared(inputs))
    shortcut = ops.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, 2)))
    x = layers.Conv2D(6, 3, strides=2, padding="same", groups=2, use_bias=False, name="grouped")(x)
    x = ops.relu(layers.BatchNormalization(name="norm")(x) + shortcut)
    nested_input = keras.Input((None, None, 6))
    y = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", name="depthwise")(nested_input)
    y = layers.Concatenate(name="both")([y, nested_input])
    nested = keras.Model(nested_input, layers.Conv2D(6, 1, name="project")(y), name="nested")
    x = nested(nested(x))
    x = layers.MaxPooling2D(3, 2, name="pool")(layers.ZeroPadding2D(((1, 0), (0, 2)), name="border")(x))
    x = layers.Dropout(0.5, name="drop")(x, training=True)
    x = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            Subsampling2D(2, name="subsample"),
            LocallyConnected2D(6, 2, name="local"),
        ],
        name="sequence",
    )(x)
    x = PartialConv2D(1, LENET_TABLE, padding="same", name="partial")(x)
    vector = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(
        inputs,
        [
            EuclideanRBF(np.eye(16), name="rbf")(vector),
            layers.Dense(3, name="dense")(layers.Flatten(name="flat")(x)),
        ],
        name="branches",
    )


# LeNet-5


def test_lenet5_has_the_parameters_and_connections_that_the_paper_prints():
    printed = {
        "C1": (156, 122_304),
        "S2": (12, 5_880),
        "C3": (1_516, 151_600),
        "S4": (32, 2_000),
        "C5": (48_120, 48_120),
        "F6": (10_164, 10_164),
        "output": (0, 840),
    }
    found = ledger(lenet5())
    assert {name: (found[name].parameters, found[name].connections) for name in printed} == printed
    assert (found.parameters, found.connections, found.non_trainable) == (60_000, 340_908, 840)
    assert found["output"].non_trainable == 840


def test_lenet5_sees_the_whole_image_from_c5_on():
    fields = {row.layer: row.receptive_field for row in ledger(lenet5()).rows}
    assert fields == {
        "input": (1, 1),
        "C1": (5, 5),
        "S2": (6, 6),
        "C3": (14, 14),
        "S4": (16, 16),
        **dict.fromkeys(["C5", "flatten", "F6", "output"], (32, 32)),
    }


def test_the_modern_lenet5_has_other_parameters_and_macs():
    found = ledger(lenet5_modern())
    assert (found.parameters, found.non_trainable, found.macs) == (61_706, 0, 416_520)


def test_the_balance_of_the_modern_lenet5_adds_up_layer_by_layer():
    found = balance(lenet5_modern(), ledger(lenet5()))
    assert {row.layer: row.difference for row in found.rows} == {
        "S2": -12,
        "C3": 900,
        "S4": -32,
        "output": 850,
    }
    assert found.difference == sum(row.difference for row in found.rows) == 1_706
    assert repr(found) == "\n".join(
        (
            "layer       lenet5_modern  lenet5  difference",
            "---------------------------------------------",
            "S2                      0      12         -12",
            "C3                  2,416   1,516        +900",
            "S4                      0      32         -32",
            "output                850       0        +850",
            "all others         58,440  58,440           0",
            "---------------------------------------------",
            "total              61,706  60,000      +1,706",
        )
    )


def test_the_balance_shows_a_layer_that_only_one_model_has():
    def model(*names):
        return keras.Sequential(
            [keras.Input((2,)), *(layers.Dense(2, name=name) for name in names)], name="m"
        )

    found = balance(model("a", "b"), model("b", "c", "d"))
    assert found.rows == (("a", 6, None, 6), ("c", None, 6, -6), ("d", None, 6, -6))
    assert (found.names, found.ours, found.theirs, found.difference) == (("ours", "theirs"), 12, 18, -6)
    assert [line.split() for line in repr(found).splitlines()[2:4]] == [
        ["a", "6", "-", "+6"],
        ["c", "-", "6", "-6"],
    ]


# Counts


def test_every_parameter_of_a_model_is_counted_once():
    model = branches()
    found = ledger(model)
    assert found.parameters == sum(np.size(weight) for weight in model.trainable_weights)
    assert found.non_trainable == sum(np.size(weight) for weight in model.non_trainable_weights)
    assert found["norm"].non_trainable == found["norm"].parameters == 12


def test_a_shared_layer_has_its_parameters_once_and_its_macs_at_every_call():
    found = ledger(branches())
    for name in ("shared", "nested/depthwise", "nested/project"):
        first, second = found[name], found[f"{name} (2)"]
        assert first.parameters > second.parameters == 0
        assert first.macs == second.macs > 0
        assert first.connections == second.connections > first.macs


def test_macs_and_connections_are_the_uses_of_the_weights():
    model = branches()
    owners = {layer.name: layer for layer in model._flatten_layers()}
    uses = 0
    for row in ledger(model).rows:
        layer = owners.get(row.layer.split("/")[-1].removesuffix(" (2)"))
        positions = int(np.prod(row.output_shape[:-1]))
        match layer:
            case layers.Conv2D() | layers.DepthwiseConv2D() | PartialConv2D() | layers.Dense():
                expected = positions * np.size(layer.kernel), positions * layer.count_params()
            case LocallyConnected2D():
                expected = np.size(layer.kernel), layer.count_params()
            case EuclideanRBF():
                expected = 0, np.size(layer.centers)
            case Subsampling2D() | layers.MaxPooling2D():
                window = np.prod(layer.pool_size) + isinstance(layer, Subsampling2D)
                expected = 0, positions * row.output_shape[-1] * window
            case layers.GlobalAveragePooling2D():
                expected = 0, np.prod(layer.input.shape[1:])
            case _:
                expected = 0, 0
        assert (row.macs, row.connections) == expected, row.layer
        uses += any(expected)
    assert uses == 14


def test_activations_are_the_values_that_layers_write():
    found = ledger(branches())
    assert found["image"].activations == 23 * 20 * 4
    assert found["flat"].activations == 0
    for row in found.rows:
        if row.layer != "flat":
            assert row.activations == np.prod(row.output_shape)
    assert found.activations == sum(row.activations for row in found.rows)


def test_rows_stand_branch_after_branch():
    inputs = keras.Input((8, 8, 3), name="input")

    def branch(name):
        x = layers.Conv2D(2, 1, name=f"{name}_reduce")(inputs)
        return layers.Conv2D(2, 3, name=name)(x)

    joined = layers.Concatenate(name="joined")([branch("left"), branch("right")])
    names = [row.layer for row in ledger(keras.Model(inputs, joined)).rows]
    assert names == ["input", "left_reduce", "left", "right_reduce", "right", "joined"]


def test_rows_have_the_shapes_of_the_tensors():
    found = ledger(branches())
    names = [row.layer for row in found.rows]
    assert names[:3] == ["image", "shared", "shared (2)"]
    assert names[-4:] == ["mean", "rbf", "flat", "dense"]
    assert {"get_item", "pad", "add", "relu", "nested/project (2)", "sequence/subsample"} < set(names)
    assert found["nested/both (2)"].output_shape == (12, 10, 12)
    assert found["sequence/local"].output_shape == (2, 1, 6)


def test_nested_models_name_their_layers_by_the_whole_path():
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="dense")], name="inner")
    outer = keras.Sequential([keras.Input((2,)), inner], name="outer")
    inputs = keras.Input((2,), name="input")
    found = ledger(keras.Model(inputs, inner(outer(inputs))))
    assert [row.layer for row in found.rows] == ["input", "outer/inner/dense", "inner/dense"]
    assert [row.parameters for row in found.rows] == [0, 6, 0]


def two_inputs(structure):
    """Build a model of a, 8x8x1, under a 3x3 convolution, and b, 8x8x3, under a 5x5 one."""
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((8, 8, 3), name="b")
    convolved = [layers.Conv2D(2, 3, name="small")(a), layers.Conv2D(2, 5, name="large")(b)]
    return keras.Model(structure(a, b), convolved, name="inner")


@pytest.mark.parametrize(
    ("built", "called"),
    [
        (lambda a, b: [a, b], lambda a, b: {"a": a, "b": b}),
        (lambda a, b: [b, a], lambda a, b: {"a": a, "b": b}),
        (lambda a, b: [b, a], lambda a, b: {"b": b, "a": a, "z": b}),
        (lambda a, b: [b, a], lambda a, b: (b, a)),
        (lambda a, b: {"b": b, "a": a}, lambda a, b: {"a": a, "b": b}),
        (lambda a, b: {"a": b, "b": a}, lambda a, b: {"a": b, "b": a}),  # keys that are the other one's name
        (lambda a, b: {"a": a, "b": b}, lambda a, b: [a, b]),
        (lambda a, b: {"z": {"b": b}, "y": [a]}, lambda a, b: {"y": [a], "z": {"b": b}}),
        (lambda a, b: [{"b": b}, a], lambda a, b: [{"b": b}, a]),
        (lambda a, b: [[a], [b]], lambda a, b: [a, b]),
    ],
)
def test_a_nested_model_is_counted_on_the_inputs_that_keras_gives_it(built, called):
    p, q = keras.Input((8, 8, 3), name="p"), keras.Input((8, 8, 1), name="q")
    table = ledger(keras.Model([p, q], two_inputs(built)(called(q, p))))
    assert [table[f"inner/{name}"].macs for name in ("small", "large")] == [
        6 * 6 * 3 * 3 * 1 * 2,
        4 * 4 * 5 * 5 * 3 * 2,
    ]
    assert table.parameters == (3 * 3 * 1 + 1) * 2 + (5 * 5 * 3 + 1) * 2


def test_a_nested_model_called_on_other_keys_or_ranks_than_its_own_is_refused_in_words():
    p, q = keras.Input((8, 8, 3), name="p"), keras.Input((8, 8, 1), name="q")
    inner = two_inputs(lambda a, b: {"a": a, "b": b})
    with pytest.raises(ValueError, match=r"its own inputs, a, b\. Received: inner with a, b, z"):
        ledger(keras.Model([p, q], inner({"a": q, "b": p, "z": p})))
    x = keras.Input((4,), name="x")
    vector = keras.Model(x, layers.ReLU()(x), name="vector")
    y = keras.Input((4, 1))
    with pytest.raises(ValueError, match=r"shape it was built for\. Received: vector, whose input x is "):
        ledger(keras.Model(y, vector(y)))
    with pytest.raises(ValueError, match=r"its own inputs, a, b\. Received: inner with 2 values"):
        ledger(keras.Model([p, q], two_inputs(lambda a, b: {"b": b, "a": a})([p, q])))


def test_a_frozen_layer_has_parameters_that_are_not_trained():
    model = lenet5()
    model.get_layer("C1").trainable = False
    found = ledger(model)
    assert (found["C1"].parameters, found["C1"].non_trainable) == (0, 156)
    assert (found.parameters, found.non_trainable) == (60_000 - 156, 840 + 156)


def test_a_model_called_twice_within_models_counts_once_what_the_whole_trains():
    inner = two_inputs(lambda a, b: [b, a])
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((8, 8, 3), name="b")
    middle = keras.Model({"a": a, "b": b}, inner(inputs={"b": b, "a": a}), name="middle")
    p, q = keras.Input((8, 8, 3), name="p"), keras.Input((8, 8, 1), name="q")
    model = keras.Model([p, q], [*middle({"b": p, "a": q}), *inner([p, q])])
    inner.trainable = False
    inner.get_layer("large").trainable = True  # the outer model trains it, though its own does not
    table = ledger(model)
    counts = {row.layer: (row.parameters, row.non_trainable, row.macs) for row in table.rows if row.macs}
    assert counts == {
        "middle/inner/small": (0, 20, 648),
        "middle/inner/large": (152, 0, 2400),
        "inner/small": (0, 0, 648),
        "inner/large": (0, 0, 2400),
    }
    assert sum(np.size(weight) for weight in model.trainable_weights) == table.parameters
    model.trainable = False
    inner.get_layer("large").trainable = True
    assert (ledger(model).parameters, ledger(model).non_trainable) == (0, 172)


def test_a_part_of_a_model_has_the_rows_of_that_part():
    model = lenet5()
    part = ledger(keras.Model(model.input, model.get_layer("C3").output))
    assert part.rows == ledger(model).rows[:4]


def test_models_with_several_inputs_and_of_vectors_are_counted():
    left, right = keras.Input((3,), name="left"), keras.Input((4,), name="right")
    joined = layers.Concatenate(name="joined")([layers.Dense(2, name="dense")(left), right])
    found = ledger(keras.Model([left, right], layers.Softmax(name="softmax")(joined)))
    assert [row.layer for row in found.rows] == ["left", "right", "dense", "joined", "softmax"]
    assert found["joined"].output_shape == (6,)
    assert {row.receptive_field for row in found.rows} == {None}


def test_a_dense_layer_on_a_map_works_on_every_position():
    inputs = keras.Input((5, 4, 3))
    row = ledger(keras.Model(inputs, layers.Dense(2, name="dense")(inputs)))["dense"]
    assert (row.parameters, row.macs, row.connections, row.receptive_field) == (8, 120, 160, (1, 1))


# Receptive fields


def extents(model, axis):
    """Return for each output of the model the most rows (or columns) of the input that one of its units sees.

    All weights are positive and the images are black but for one line, so that what a unit sees reaches it.
    """
    for weight in model.weights:
        if "moving" not in weight.path:
            weight.assign(np.ones(weight.shape))
    shape = model.input.shape[1:]
    images = np.moveaxis(np.zeros((shape[axis], *shape)), axis + 1, 1)
    images[np.arange(shape[axis]), np.arange(shape[axis])] = 1.0
    images = np.moveaxis(images, 1, axis + 1)
    black, lines = (keras.tree.flatten(model(x)) for x in (np.zeros((1, *shape)), images))
    seen = [np.asarray(y) != np.asarray(y0) for y, y0 in zip(lines, black, strict=True)]
    return [
        max(np.ptp(at) + 1 for at in map(np.flatnonzero, units.reshape(len(units), -1).T) if at.size)
        for units in seen
    ]


def test_the_receptive_field_is_what_an_output_depends_on_in_branches_strides_and_slices():
    inputs = x = keras.Input((41, 37, 2))
    outputs = []

    def keep(x):
        outputs.append(x)
        return x

    x = keep(layers.Conv2D(2, (5, 3), name="c1")(x))
    left = keep(layers.Conv2D(2, 3, padding="same", dilation_rate=(1, 2), name="left")(x))
    right = keep(layers.DepthwiseConv2D((1, 5), padding="same", name="right")(x))
    x = keep(layers.Add(name="sum")([left, right, x]))
    x = keep(layers.AveragePooling2D((2, 3), name="pool")(x))
    x = keep(layers.Concatenate(name="both")([layers.Conv2D(2, 3, padding="same", name="c2")(x), x]))
    # The two paths see windows of the same size in different places: together they see more.
    x = keep(layers.Maximum(name="shifted")([x[:, 1:, :-1], x[:, :-1, 1:]]))
    x = keep(x[..., ::2, 1::2, :])
    keep(layers.Cropping2D(((1, 0), (0, 1)), name="crop")(x))
    model = keras.Model(inputs, outputs)
    found = {row.layer: row for row in ledger(model).rows}
    names = [x._keras_history.operation.name.split("_")[0] for x in outputs]
    fields = [found["get_item (3)" if name == "get" else name].receptive_field for name in names]
    assert fields == list(zip(extents(model, 0), extents(model, 1), strict=True))
    assert fields[0] == (5, 3)


def test_the_receptive_field_of_mobilenet_is_the_published_one():
    model = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    assert ledger(model).rows[-1].receptive_field == (315, 315)  # Araujo, Norris and Sim 2019, table 1


def test_a_vector_sees_what_all_of_its_map_saw():
    inputs = keras.Input((11, 9, 1))
    x = layers.AveragePooling2D((2, 3), name="pool")(layers.Conv2D(1, 3, name="conv")(inputs))
    y = layers.Flatten(name="flat")(x), layers.GlobalMaxPooling2D(name="top")(x)
    model = keras.Model(inputs, [*y, layers.Dense(1, name="dense")(y[0])])
    found = ledger(model)
    fields = [found[name].receptive_field for name in ("flat", "top", "dense")]
    # Flatten's values each come from one position; as a vector they have none, so it counts as a whole.
    assert fields == [(10, 8)] * 3
    assert fields[1:] == list(zip(extents(model, 0), extents(model, 1), strict=True))[1:]


def test_padding_counts_as_seen():
    inputs = keras.Input((4, 4, 1))
    x = layers.Conv2D(1, 3, padding="same", name="same")(layers.ZeroPadding2D(2)(inputs))
    found = ledger(keras.Model(inputs, layers.Flatten(name="flat")(x)))
    assert (found["same"].receptive_field, found["flat"].receptive_field) == ((3, 3), (10, 10))


@pytest.mark.parametrize(
    "path",
    [
        lambda x: layers.Conv2D(1, 3)(layers.ZeroPadding2D(((2, 0), (0, 2)))(x)),
        lambda x: layers.Conv2D(1, 3)(ops.pad(x, ((0, 0), (0, 2), (2, 0), (0, 0)))),
        lambda x: layers.ZeroPadding2D(((0, 3), (2, 0)))(
            layers.Conv2D(1, (2, 1))(layers.Cropping2D(((2, 0), (0, 2)))(x))
        ),
        lambda x: layers.MaxPooling2D((2, 4), 1, padding="same")(x),
    ],
)
def test_paths_that_see_different_places_see_more_together(path):
    inputs = keras.Input((12, 12, 1))
    model = keras.Model(
        inputs, [layers.Add(name="sum")([layers.Conv2D(1, 3, padding="same")(inputs), path(inputs)])]
    )
    assert ledger(model)["sum"].receptive_field == (*extents(model, 0), *extents(model, 1))


@pytest.mark.parametrize(
    "squeeze", [layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(2, 9), layers.Flatten()]
)
def test_a_gate_that_saw_everything_shows_it_to_every_position_that_it_multiplies(squeeze):
    inputs = keras.Input((9, 9, 2))
    gate = layers.Reshape((1, 1, 2))(layers.Dense(2)(squeeze(inputs)))
    x = layers.Multiply(name="gated")([inputs, gate])
    found = ledger(keras.Model(inputs, layers.Conv2D(1, 3, name="conv")(x)))
    assert found["gated"].receptive_field == found["conv"].receptive_field == (9, 9)


def test_the_receptive_field_is_not_defined_after_positions_were_rearranged():
    inputs = keras.Input((4, 6, 2))
    x = layers.Conv2D(2, 3, name="conv")(layers.Reshape((6, 4, 2), name="turned")(inputs))
    found = ledger(keras.Model(inputs, x))
    assert [row.receptive_field for row in found.rows] == [(1, 1), None, None]
    assert repr(found).splitlines()[-3].endswith(" -")
    stacked = layers.Concatenate(axis=1, name="stacked")([inputs, inputs])
    assert ledger(keras.Model(inputs, stacked))["stacked"].receptive_field is None


# Rules


@pytest.mark.parametrize(
    "operation",
    [
        *(lambda x: x + x, lambda x: 1 - x, lambda x: 2 * x, lambda x: x / 2, lambda x: -x),
        *(lambda x: ops.divide(x, x), lambda x: ops.maximum(x, 0), lambda x: ops.minimum(x, 0)),
        *(ops.relu, ops.sigmoid, ops.tanh, ops.softmax),
        *(ops.relu6, ops.leaky_relu, ops.elu, ops.selu, ops.gelu, ops.silu, ops.softplus, ops.hard_sigmoid),
        keras.activations.relu,
        lambda x: ops.concatenate([x, x], axis=-1),
        lambda x: ops.reshape(x, (-1, 4, 3, 1, 2)),
        lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0))),
        *(lambda x: x[:, 1:, ..., :2], lambda x: x[:, 1:], lambda x: x[..., None]),
    ],
)
def test_operations_that_are_no_layers_have_a_row_and_cost_nothing(operation):
    inputs = keras.Input((4, 3, 2))
    _, row = ledger(keras.Model(inputs, operation(inputs))).rows
    assert (row.parameters, row.macs, row.connections) == (0, 0, 0)
    assert row.receptive_field == (1, 1)


@pytest.mark.parametrize(
    "layer",
    [
        *(layers.Activation("tanh"), layers.ELU(), layers.Identity(), layers.LeakyReLU(), layers.ReLU()),
        *(
            layers.Rescaling(1 / 255),
            layers.Softmax(),
            layers.GaussianNoise(0.1),
            layers.SpatialDropout2D(0.1),
        ),
        *(layers.Dropout(0.1), layers.PReLU(), layers.BatchNormalization()),
        *(layers.AlphaDropout(0.1), layers.GaussianDropout(0.1)),
    ],
)
def test_layers_that_work_on_each_value_cost_no_macs(layer):
    inputs = keras.Input((4, 3, 2))
    _, row = ledger(keras.Model(inputs, layer(inputs))).rows
    assert (row.macs, row.connections, row.activations, row.receptive_field) == (0, 0, 24, (1, 1))
    assert row.parameters == sum(np.size(weight) for weight in layer.trainable_weights)


@pytest.mark.parametrize("merge", [layers.Average, layers.Subtract, layers.Minimum, layers.Multiply])
def test_merging_layers_cost_no_macs(merge):
    inputs = keras.Input((4, 3, 2))
    _, row = ledger(keras.Model(inputs, merge()([inputs, inputs]))).rows
    assert (row.macs, row.connections, row.activations) == (0, 0, 24)


def test_a_softmax_over_positions_sees_them_all():
    inputs = keras.Input((4, 3, 2))
    assert ledger(keras.Model(inputs, layers.Softmax(axis=(1, 2))(inputs))).rows[1].receptive_field == (4, 3)


class Convolution(layers.Conv2D):
    """A subclass, which may compute anything."""


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (layers.Lambda(lambda x: x, name="odd"), "Lambda"),
        (Convolution(2, 3, name="odd"), "Convolution"),
    ],
)
def test_a_layer_without_a_rule_is_named_with_those_that_have_one(layer, kind):
    inner = keras.Sequential([keras.Input((4, 4, 1)), layer], name="inner")
    inputs = keras.Input((4, 4, 1))
    with pytest.raises(ValueError, match=rf"a rule for {kind} .*Conv2D, .*Received: inner/odd"):
        ledger(keras.Model(inputs, inner(inputs)))


def test_an_operation_without_a_rule_is_named():
    inputs = keras.Input((4, 4, 1))
    with pytest.raises(ValueError, match=r"a rule for Flip .*Received: flip"):
        ledger(keras.Model(inputs, ops.flip(inputs, axis=1)))


@pytest.mark.parametrize(
    "operation",
    [lambda x: x[:, ::-1], lambda x: x[:, 0], lambda x: x[:1, :], lambda x: ops.pad(x, 1)],
)
def test_a_slice_or_a_padding_that_the_ledger_cannot_follow_is_refused(operation):
    inputs = keras.Input((4, 4, 1), batch_size=2)
    with pytest.raises(ValueError, match=r"ledger .* Received: (get_item|pad)"):
        ledger(keras.Model(inputs, operation(inputs)))


def test_channels_first_is_refused():
    inputs = keras.Input((1, 4, 4))
    model = keras.Model(inputs, layers.ZeroPadding2D(data_format="channels_first", name="pad")(inputs))
    with pytest.raises(ValueError, match=r"needs channels_last\. Received: pad"):
        ledger(model)


def test_a_rule_teaches_the_ledger_a_new_layer(monkeypatch):
    monkeypatch.setattr(costs, "RULES", dict(costs.RULES))

    @rule(Convolution)
    def _(call: Call):
        return Count(macs=7, connections=call.shape[0] + call.output[-1], sees="map")

    inputs = keras.Input((4, 5, 1))
    _, row = ledger(keras.Model(inputs, Convolution(2, 3)(inputs))).rows
    assert (row.macs, row.connections, row.receptive_field) == (7, 6, (4, 5))


# Models without a ledger


class Subclassed(keras.Model):
    """A model without a graph."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Subclassed(), "needs a functional model.* Received: Subclassed"),
        ("lenet5", "needs a functional model.* Received: str"),
        (keras.Sequential([layers.Dense(3)], name="bare"), "needs a built model.* Received: bare"),
    ],
)
def test_a_model_whose_layers_cannot_be_walked_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        ledger(model)


def test_a_sequential_built_by_its_first_images_has_a_ledger():
    model = keras.Sequential([layers.Conv2D(2, 3, name="conv")])
    model(np.zeros((1, 5, 5, 1)))
    assert ledger(model)["conv"].macs == 9 * 9 * 2


# Tables


def test_the_text_has_a_header_a_row_for_each_layer_and_totals():
    lines = str(ledger(lenet5())).splitlines()
    assert lines[0].split() == [
        *("layer", "kind", "output", "parameters", "non-trainable", "MACs", "connections", "activations"),
        *("receptive", "field"),
    ]
    assert lines[3].split() == ["C1", "Conv2D", "28x28x6", "156", "0", "117,600", "122,304", "4,704", "5x5"]
    assert lines[-1].split() == ["total", "60,000", "840", "325,680", "340,908", "9,118"]
    assert len(lines) == 13


def test_the_column_of_parameters_that_are_not_trained_is_shown_only_if_there_are_some():
    assert "non-trainable" not in str(ledger(lenet5_modern()))


def test_the_table_does_not_depend_on_what_was_built_before():
    first = ledger(branches())
    again = ledger(branches())
    assert str(again) == str(first)
    assert again._repr_html_() == first._repr_html_()


class Cells(HTMLParser):
    """Collect the cells of a table with their attributes, and check that every tag is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open[-1][0] in ("td", "th"):
            self.cells.append((data, self.open[-1][1]["align"]))


@pytest.mark.parametrize("table", [ledger(lenet5()), balance(lenet5_modern(), lenet5())])
def test_the_html_has_the_cells_of_the_text_with_its_numbers_to_the_right(table):
    parser = Cells()
    parser.feed(table._repr_html_())
    assert parser.open == []
    assert " ".join(cell for cell, _ in parser.cells).split() == [
        word for line in str(table).splitlines() if not line.startswith("--") for word in line.split()
    ]
    assert {align for cell, align in parser.cells if cell.lstrip("+-")[:1].isdigit()} == {"right"}
    assert dict(parser.cells)["layer"] == "left"


def test_names_are_escaped_in_html():
    found = module.Ledger("model", (module.Row("<b>", "Dense", (1,), 0, 0, 0, 0, 0, None),))
    assert "<b>" not in found._repr_html_()
    assert "&lt;b&gt;" in found._repr_html_()


def test_an_unknown_row_is_answered_with_the_names():
    with pytest.raises(KeyError, match=r"C1, S2, C3.*Received: C2"):
        ledger(lenet5())["C2"]


# Command line


def test_the_command_line_prints_a_ledger(capsys):
    main(["lenet5"])
    assert capsys.readouterr().out == f"{ledger(lenet5())}\n"


def test_the_command_line_lists_the_models_that_are_exported_and_no_blocks(capsys, monkeypatch):
    exported = SimpleNamespace(lenet5=lenet5, lenet5_modern=lenet5_modern, a_block=lambda x: x)
    monkeypatch.setattr("course_lib.architectures", exported)
    main([])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["model", "parameters", "MACs"],
        ["lenet5", "60,000", "325,680"],
        ["lenet5_modern", "61,706", "416,520"],
    ]


def test_the_command_line_answers_an_unknown_name_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        main(["lenet6"])
    assert re.search(
        r"must be one of: .*lenet5_modern.* Received: lenet6", capsys.readouterr().err, re.DOTALL
    )
