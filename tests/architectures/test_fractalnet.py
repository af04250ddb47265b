import numpy as np
import pytest

from course_lib.architectures import fractalnet, fractalnet_column, outline
from course_lib.backend import keras
from course_lib.layers import FractalJoin
from course_lib.ledger import ledger

BLOCKS = ((4, 0.0), (8, 0.5))
IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")


def _small(**options):
    keras.utils.set_random_seed(0)
    return fractalnet(**{"blocks": BLOCKS, "input_shape": (8, 8, 1), "classes": 3, **options})


def _convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def test_each_block_has_the_parameters_and_shape_of_the_authors_network(full_size):
    found = full_size("fractalnet")
    blocks = [
        sum(row.parameters for row in found.rows if row.layer.startswith(f"block{number}"))
        for number in range(1, 6)
    ]
    assert blocks == [153_536, 812_800, 3_247_616, 12_983_296, 16_522_240]
    shapes = [found[f"pool{number}"].output_shape for number in range(1, 6)]
    assert shapes == [(16, 16, 64), (8, 8, 128), (4, 4, 256), (2, 2, 512), (1, 1, 512)]


def test_dropout_and_drop_path_have_the_papers_rates():
    network = outline(fractalnet)
    for number, rate in enumerate((0.0, 0.1, 0.2, 0.3, 0.4), 1):
        dropouts = [
            layer.rate
            for layer in network.layers
            if isinstance(layer, keras.layers.Dropout) and layer.name.startswith(f"block{number}")
        ]
        assert dropouts == ([rate] * 7 if rate else [])
    joins = [layer for layer in network.layers if isinstance(layer, FractalJoin)]
    assert {(join.drop_path, join.global_ratio, join.columns) for join in joins} == {(0.15, 0.5, 3)}
    assert len({join.global_seed for join in joins}) == 1
    assert len(joins) == 5 * 2


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_a_block_of_c_columns_has_one_convolution_less_than_2_to_the_c(columns):
    model = _small(columns=columns)
    assert len(_convolutions(model)) == len(BLOCKS) * (2**columns - 1)
    # The longest way through a block: 2^(C-1) convolutions of 3x3, each widens the field by two.
    field = ledger(model)["pool1"].receptive_field
    assert field == (2 + 2 * 2 ** (columns - 1),) * 2


def test_the_columns_meet_where_figure_1_joins_them():
    model = _small(columns=3)
    joins = {layer.name: layer for layer in model.layers if isinstance(layer, FractalJoin)}
    inputs = {
        name: [tensor._keras_history.operation.name for tensor in join.input] for name, join in joins.items()
    }
    assert inputs["block1_join2"] == ["block1_column2_1_relu", "block1_column3_2_relu"]
    assert inputs["block1_join4"] == [
        "block1_column1_1_relu",
        "block1_column2_2_relu",
        "block1_column3_4_relu",
    ]
    assert list(inputs) == ["block1_join2", "block1_join4", "block2_join2", "block2_join4"]


@keras.saving.register_keras_serializable(package="test")
class Pick(keras.layers.Layer):
    """Pass one column on; among fewer columns, the last of them meet."""

    def __init__(self, column, **kwargs):
        super().__init__(**kwargs)
        self.column = column

    def call(self, inputs):
        return inputs[max(self.column - 3 + len(inputs) - 1, 0)]


@pytest.mark.parametrize("column", [1, 2, 3])
def test_each_column_runs_alone_with_the_networks_own_weights(column):
    model = _small()
    for weight in model.weights:
        weight.assign(weight + 0.1)
    alone = fractalnet_column(model, column)
    assert len(_convolutions(alone)) == len(BLOCKS) * 2 ** (column - 1)
    assert not any(isinstance(layer, FractalJoin) for layer in alone.layers)
    assert {id(weight) for weight in alone.weights} < {id(weight) for weight in model.weights}

    def replace(layer):
        if isinstance(layer, FractalJoin):
            return Pick(column, name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    forced = keras.models.clone_model(model, clone_function=replace)
    forced.set_weights(model.get_weights())
    np.testing.assert_allclose(alone(IMAGES), forced(IMAGES), rtol=1e-5)


def test_the_first_column_is_a_network_of_one_column():
    model, single = _small(), _small(columns=1)
    alone = fractalnet_column(model, 1)
    single.set_weights(alone.get_weights())
    np.testing.assert_array_equal(single(IMAGES), alone(IMAGES))


def test_a_global_mini_batch_trains_one_column_alone():
    trained = set()
    for seed in range(6):
        model = _small(global_ratio=1.0, seed=seed)
        before = {layer.name: layer.get_weights()[0] for layer in _convolutions(model)}
        model.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy", run_eagerly=True)
        model.train_on_batch(IMAGES, np.array([0, 1, 2, 0]))
        moved = {
            layer.name
            for layer in _convolutions(model)
            if not np.array_equal(before[layer.name], layer.get_weights()[0])
        }
        (column,) = (c for c in (1, 2, 3) if f"block1_column{c}_1_conv" in moved)
        assert moved == {layer.name for layer in _convolutions(fractalnet_column(model, column))}
        trained.add(column)
    assert len(trained) > 1


def test_columns_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="Received: columns=0"):
        fractalnet(columns=0)
    with pytest.raises(ValueError, match="Received: column=4"):
        fractalnet_column(_small(), 4)


def test_a_larger_input_works():
    model = fractalnet(input_shape=(40, 65, 1), width=0.01, classes=3)
    np.testing.assert_allclose(np.sum(model(np.ones((2, 40, 65, 1))), axis=1), 1, rtol=1e-5)
