"""The rules: each against the inputs that outputs really depend on, and against the weights that are used."""

import importlib
import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

from course_lib import costs
from course_lib.backend import keras
from course_lib.ledger import ledger

layers, ops = keras.layers, keras.ops
DOCUMENT = Path(__file__).parents[1] / "docs" / "ledger.md"


def last(x, y):
    """Return the last row of the ledger of a model from x to y."""
    return ledger(keras.Model(x, y)).rows[-1]


def reached(function, shape=(3, 3, 2), low=0.2):
    """Return which positions of the output (rows) each position of the input (columns) reaches.

    The images differ from the first one in all channels of one position.
    """
    *sides, channels = shape
    positions = math.prod(sides)
    values = np.random.default_rng(0).uniform(low, low + 0.6, (positions, channels))
    images = np.stack([values] * (positions + 1))
    images[1 + np.arange(positions), np.arange(positions)] += 0.1
    results = np.asarray(function(images.reshape(-1, *shape).astype("float32"))).astype("float32")
    results = results.reshape(positions + 1, -1, results.shape[-1])
    return ~np.isclose(results[1:], results[:1], rtol=1e-5, atol=1e-6, equal_nan=True).all(-1).T


# What works on each value


def functions_by_operation():
    """Return operation's name -> a function of one tensor, for all of keras.ops and keras.activations."""
    found = {
        "Cast": lambda x: ops.cast(x, "float16"),
        "Clip": lambda x: ops.clip(x, 0.1, 0.7),
        "Threshold": lambda x: ops.threshold(x, 0.5, 0.0),
        "TrueDivide": lambda x: x / (x + 1),
        "Where": lambda x: ops.where(x > 0.5, x, -x),
    }
    for space in (ops, keras.activations):
        for function in vars(space).values():
            for many in (1, 2):
                try:
                    spec = function(*[keras.KerasTensor((10, 3, 3, 2))] * many)
                    name = type(spec._keras_history.operation).__name__
                except Exception:
                    continue
                found.setdefault(name, lambda x, f=function, n=many: f(*[x] * n))
    return found


FUNCTIONS = functions_by_operation()


def test_operations_on_each_value_see_their_own_position_alone():
    names = [key for key, rule in costs.RULES.items() if rule is costs._by_position and str(key).isalnum()]
    assert len(names) > 80
    for name in names:
        low = 1.2 if name == "Arccosh" else 0.2
        seen = reached(FUNCTIONS[name], low=low)
        assert not (seen & ~np.eye(9, dtype=bool)).any(), name


def activations():
    """Return the names in keras.activations that Keras can call on a symbolic tensor of a model."""
    callable_ = []
    for name, function in vars(keras.activations).items():
        try:
            function(keras.KerasTensor((None, 4, 3, 2)))._keras_history  # noqa: B018
        except Exception:
            continue
        callable_.append(name)
    return callable_


@pytest.mark.parametrize("name", activations())
def test_an_activation_may_be_called_as_a_function(name):
    x = keras.Input((4, 3, 2))
    y = getattr(keras.activations, name)(x)
    rows = ledger(keras.Model(x, y)).rows
    if y is not x:  # keras.activations.linear
        assert (rows[-1].parameters, rows[-1].macs, rows[-1].receptive_field) == (0, 0, (1, 1))


def test_the_activations_are_found():
    assert {"relu", "gelu", "silu", "relu6", "softmax", "tanh", "hard_sigmoid"} < set(activations())


BY_POSITION = [
    *(layers.Activation("gelu"), layers.ELU(), layers.LeakyReLU(), layers.PReLU(), layers.ReLU()),
    *(layers.ActivityRegularization(), layers.AlphaDropout(0.1), layers.Dropout(0.1)),
    *(layers.GaussianDropout(0.1), layers.GaussianNoise(0.1), layers.SpatialDropout2D(0.1)),
    *(layers.BatchNormalization(), layers.Identity(), layers.Masking(), layers.Rescaling(2.0)),
    *(layers.Normalization(mean=0.5, variance=2.0), layers.LayerNormalization(), layers.UnitNormalization()),
    *(layers.RMSNormalization(), layers.Softmax(), layers.Dense(3), layers.Conv2D(3, 1)),
    layers.SpectralNormalization(layers.Conv2D(3, 1)),
]


@pytest.mark.parametrize("layer", BY_POSITION, ids=lambda layer: type(layer).__name__)
def test_layers_by_position_see_their_own_position_alone(layer):
    x = keras.Input((3, 3, 2))
    assert last(x, layer(x)).receptive_field == (1, 1)
    assert not (reached(lambda images: layer(images, training=False)) & ~np.eye(9, dtype=bool)).any()


def arguments_of(kind):
    numbers = {"RandomRotation": (0.2,), "RandomTranslation": (0.2, 0.2), "RandomPosterization": (4,)}
    factor = ("Brightness", "Contrast", "Zoom", "Hue", "Saturation", "Sharpness", "ColorDegeneration")
    return numbers.get(kind.__name__, (0.2,) if kind.__name__.endswith(factor) else ())


def test_random_changes_leave_images_as_they_are_outside_of_training():
    kinds = costs.RANDOM_CHANGES
    images = np.random.default_rng(0).uniform(0, 255, (2, 6, 6, 3)).astype("float32")
    x = keras.Input((6, 6, 3))
    for kind in kinds:
        layer = kind(*arguments_of(kind))
        assert np.array_equal(layer(images, training=False), images), kind
        assert last(x, layer(x)).receptive_field == (1, 1)
    assert len(kinds) >= 15


def test_classes_and_packages_that_are_named_by_their_path_are_there():
    paths = [key for key in costs.RULES if "." in str(key) and isinstance(key, str)]
    assert len(paths) == 5
    for path in paths:
        package, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(package), name), path


# What widens the field


def extents(x, y):
    """Return for each dimension how much of x, in a row of positions, one position of y sees at most."""
    sides = x.shape[1:-1]
    seen = reached(keras.Model(x, y), (*sides, x.shape[-1])).reshape(-1, *sides)
    others = [tuple(set(range(1, 1 + len(sides))) - {axis}) for axis in range(1, 1 + len(sides))]
    lines = [seen.any(axis=axes) for axes in others]
    return tuple(max(np.ptp(np.flatnonzero(row)) + 1 for row in rows if row.any()) for rows in lines)


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ((12, 2), lambda x: layers.Conv1D(2, 3, strides=2)(layers.Conv1D(3, 3, dilation_rate=2)(x))),
        ((9, 2), lambda x: layers.Conv1D(2, 3, padding="causal")(x[:, 2:])),
        ((9, 2), lambda x: layers.MaxPooling1D(2)(layers.DepthwiseConv1D(3, depth_multiplier=2)(x))),
        ((9, 2), lambda x: layers.AveragePooling1D(3)(layers.SeparableConv1D(3, 2)(x))),
        ((9, 2), lambda x: layers.Cropping1D((1, 2))(layers.Conv1D(2, 3)(layers.ZeroPadding1D(1)(x)))),
        ((9, 2), lambda x: x * layers.GlobalAveragePooling1D(keepdims=True)(x)),
        ((7, 6, 2), lambda x: layers.SeparableConv2D(3, (3, 2), depth_multiplier=2)(x)),
        ((7, 6, 2), lambda x: layers.CenterCrop(3, 4)(layers.Conv2D(2, 3)(x))),
        ((5, 6, 2), lambda x: layers.LayerNormalization(axis=(1, 3))(x)),
        ((5, 6, 2), lambda x: layers.Softmax(axis=2)(x)),
        ((5, 6, 4), lambda x: layers.GroupNormalization(2)(x)),
        ((5, 6, 2), lambda x: x * ops.mean(x, axis=(1, 2), keepdims=True)),
        ((5, 6, 2), lambda x: x - ops.max(x, axis=1, keepdims=True)),
        ((5, 6, 2), lambda x: ops.sum(x, axis=[1, 2])),
        ((5, 6, 2), lambda x: ops.mean(x, axis=-1, keepdims=True)),
        ((5, 4, 4, 2), lambda x: layers.Conv3D(2, (3, 2, 1))(x)),
        ((5, 4, 6, 2), lambda x: layers.AveragePooling3D((1, 2, 3))(layers.Cropping3D(1)(x))),
        ((5, 4, 4, 2), lambda x: layers.TimeDistributed(layers.Conv2D(2, 3))(x)),
        ((5, 4, 4, 2), lambda x: layers.GlobalMaxPooling3D()(x)),
    ],
)
def test_the_receptive_field_is_what_an_output_depends_on_in_any_number_of_dimensions(shape, path):
    x = keras.Input(shape)
    y = path(x)
    for weight in keras.Model(x, y).weights:
        weight.assign(np.ones(weight.shape))  # what a unit sees reaches it
    assert last(x, y).receptive_field == extents(x, y)


@pytest.mark.parametrize(
    "path",
    [
        *(layers.UpSampling2D(), layers.Conv2DTranspose(2, 3, strides=2), layers.Resizing(3, 3)),
        *(layers.Permute((2, 1, 3)), layers.Concatenate(axis=2), layers.CenterCrop(9, 9)),
        *(lambda x: ops.mean(x, axis=1), lambda x: ops.mean(x, axis=-1)),
        *(lambda x: ops.transpose(x, (0, 2, 1, 3)), lambda x: layers.Reshape((30, 2))(x)),
    ],
)
def test_the_field_is_not_defined_where_positions_are_moved_or_stretched(path):
    x = keras.Input((5, 6, 2))
    y = path([x, x]) if isinstance(path, layers.Concatenate) else path(x)
    assert last(x, y).receptive_field is None


def test_channels_may_be_shuffled_between_groups():
    x = keras.Input((5, 6, 4))
    y = ops.reshape(layers.Conv2D(4, 3, groups=2)(x), (-1, 3, 4, 2, 2))
    y = ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, 3, 4, 4))
    assert last(x, layers.Conv2D(4, 3, groups=2)(y)).receptive_field == (5, 5)


def test_the_parts_of_a_split_have_a_row_each():
    x = keras.Input((5, 6, 4), name="x")
    parts = ops.split(layers.Conv2D(4, 3, name="conv")(x), 2, axis=-1)
    rows = ledger(keras.Model(x, parts)).rows
    assert [(row.layer, row.output_shape, row.receptive_field) for row in rows[2:]] == [
        ("split", (3, 4, 2), (3, 3)),
        ("split (2)", (3, 4, 2), (3, 3)),
    ]


# Costs


@pytest.mark.parametrize(
    ("shape", "layer", "macs", "biases"),
    [
        ((9, 4), layers.Conv1D(6, 3, groups=2), 7 * 3 * 2 * 6, 7 * 6),
        ((9, 4), layers.DepthwiseConv1D(3, depth_multiplier=2), 7 * 3 * 8, 7 * 8),
        ((9, 4), layers.SeparableConv1D(5, 3), 7 * (3 * 4 + 4 * 5), 7 * 5),
        ((9, 8, 4), layers.SeparableConv2D(5, 3, depth_multiplier=2), 7 * 6 * (9 * 8 + 8 * 5), 7 * 6 * 5),
        ((5, 6, 7, 2), layers.Conv3D(3, 2, use_bias=False), 4 * 5 * 6 * 8 * 2 * 3, 0),
        ((5, 6, 2), layers.Conv2DTranspose(3, 4, strides=2, padding="same"), 30 * 16 * 2 * 3, 120 * 3),
        ((5, 2), layers.Conv1DTranspose(3, 2, strides=2), 5 * 2 * 2 * 3, 10 * 3),
        ((3, 5, 6, 2), layers.TimeDistributed(layers.Conv2D(4, 3)), 3 * 12 * 9 * 2 * 4, 3 * 12 * 4),
        ((5, 6, 2), layers.SpectralNormalization(layers.Conv2D(4, 3)), 12 * 9 * 2 * 4, 12 * 4),
    ],
)
def test_macs_are_uses_of_weights_and_connections_those_and_of_biases(shape, layer, macs, biases):
    x = keras.Input(shape)
    model = keras.Model(x, layer(x))
    row = ledger(model).rows[-1]
    assert (row.macs, row.connections) == (macs, macs + biases)
    assert row.parameters == sum(math.prod(weight.shape) for weight in model.trainable_weights)


def test_an_embedding_has_weights_and_no_macs():
    x = keras.Input((7,))
    row = last(x, layers.Embedding(10, 4)(x))
    assert (row.parameters, row.macs, row.output_shape, row.receptive_field) == (40, 0, (7, 4), None)


# Sizes that are not known


def open_model():
    x = keras.Input((None, None, 3), name="image")
    y = layers.Conv2D(4, 3, name="conv")(x)
    y = layers.MaxPooling2D(2, padding="same", name="pool")(y)
    return keras.Model(x, layers.Dense(5, name="dense")(layers.GlobalAveragePooling2D(name="mean")(y)))


def test_an_open_size_leaves_question_marks_and_no_false_number():
    table = ledger(open_model())
    assert (table.parameters, table.macs, table.connections, table.activations) == (137, None, None, None)
    assert table["conv"][2:] == ((None, None, 4), 112, 0, None, None, None, (3, 3))
    assert table["pool"].receptive_field == table["mean"].receptive_field == (None, None)
    assert (table["mean"].connections, table["dense"].macs, table["dense"].activations) == (None, 20, 5)
    lines = [line.split() for line in str(table).splitlines()]
    assert lines[3] == ["conv", "Conv2D", "?x?x4", "112", "?", "?", "?", "3x3"]
    assert lines[-1] == ["total", "137", "?", "?", "?"]


def test_a_model_of_open_size_is_counted_inside_one_of_a_fixed_size():
    x = keras.Input((10, 9, 3))
    table = ledger(keras.Model(x, open_model()(x)))
    assert table.macs == 8 * 7 * 27 * 4 + 20


def test_what_depends_on_an_open_size_is_unknown_but_a_slice_from_the_front_is_not():
    x = keras.Input((None, 8, 2))
    assert last(x, layers.Conv2D(2, 3, padding="same")(x[:, 1:])).receptive_field == (3, 3)
    assert last(x, layers.Conv2D(2, 3)(x[:, -4:])).receptive_field == (None, 3)
    assert last(x, ops.max(x, axis=(1, 2), keepdims=True)).receptive_field == (None, 8)


# Refusals


@pytest.mark.parametrize(
    "operation",
    [
        *(lambda x: ops.mean(x), lambda x: ops.sum(x, axis=0), lambda x: ops.softmax(x, axis=0)),
        *(lambda x: ops.reshape(x, (-1, 2)), lambda x: ops.transpose(x), lambda x: ops.expand_dims(x, 0)),
        *(lambda x: ops.concatenate([x, x], axis=0), lambda x: ops.pad(x, [[1, 1], [0, 0], [0, 0], [0, 0]])),
        *(
            lambda x: ops.stack([x, x]),
            lambda x: ops.einsum("bhwc,bhwc->bhw", x, x),
            lambda x: ops.flip(x, axis=1),
        ),
        *(layers.Lambda(lambda x: x), layers.Dot(1), layers.Attention()),
    ],
)
def test_what_mixes_images_or_has_no_rule_is_refused(operation):
    x = keras.Input((4, 4, 2))
    y = operation([x, x]) if isinstance(operation, (layers.Dot, layers.Attention)) else operation(x)
    with pytest.raises(ValueError, match=r"ledger .*Received: "):
        ledger(keras.Model(x, y))


def test_a_lambda_is_refused_with_what_to_do_instead():
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x, name="odd")])
    with pytest.raises(
        ValueError, match=r"ledger\.rule adds one\. A Lambda may .*: make it a layer, or call keras\.ops"
    ):
        ledger(model)


class Add(keras.Operation):
    """An operation of somebody else that has the name of one of Keras's."""

    def call(self, x):
        return x[:, ::-1]

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape)


def test_an_operation_that_is_not_keras_own_is_not_taken_for_it():
    x = keras.Input((4, 4, 2))
    with pytest.raises(ValueError, match="a rule for Add"):
        ledger(keras.Model(x, Add()(x)))


# The examples


def test_the_example_of_the_document_prints_what_stands_below_it(capsys, monkeypatch):
    monkeypatch.setattr(costs, "RULES", dict(costs.RULES))
    text = DOCUMENT.read_text(encoding="utf-8")
    code, printed = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", text, re.DOTALL).groups()
    exec(code, {"__name__": "document"})
    assert capsys.readouterr().out == printed


def test_the_example_of_rule_works(monkeypatch):
    monkeypatch.setattr(costs, "RULES", dict(costs.RULES))
    code = costs.rule.__doc__.split(":\n\n", 1)[1]
    names = {
        "keras": keras,
        "rule": costs.rule,
        "Count": costs.Count,
        "receptive_field": costs.arithmetic.receptive_field,
    }
    exec(inspect.cleandoc(code), names)
    x = keras.Input((10, 2))
    row = last(x, names["Smooth"]()(x))
    assert (row.parameters, row.macs, row.connections, row.receptive_field) == (3, 60, 60, (3,))
