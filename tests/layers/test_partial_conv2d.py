import numpy as np
import pytest

from course_lib.backend import keras
from course_lib.layers import LENET_TABLE, FanInUniform, PartialConv2D

RANDOM_TABLE = (np.random.default_rng(1).random((7, 5)) < 0.4) | np.eye(7, 5, dtype=bool)
RANDOM_TABLE[5:, 0] = True
RECTANGLE = np.random.default_rng(0).normal(size=(3, 9, 8, 7)).astype("float32")


def _random_layer(table, kernel_size=3, **kwargs):
    layer = PartialConv2D(kernel_size, table, bias_initializer="random_normal", **kwargs)
    layer.build((None, 16, 16, len(table)))
    return layer


def _masked_conv2d(layer, table, x, **kwargs):
    """Compute the same with a dense `Conv2D` whose unconnected weights are set to zero by hand."""
    table = np.array(table)
    compact, bias = layer.get_weights()
    dense = np.zeros((*compact.shape[:2], *table.shape), dtype="float32")
    connection = 0
    for output in range(table.shape[1]):
        for input_map in range(table.shape[0]):
            if table[input_map, output]:
                dense[:, :, input_map, output] = compact[:, :, connection]
                connection += 1
    assert connection == compact.shape[2]
    conv = keras.layers.Conv2D(table.shape[1], compact.shape[:2], **kwargs)
    conv.build((None, *x.shape[1:]))
    conv.set_weights([dense, bias])
    return conv(x)


@pytest.mark.parametrize("strides", [1, 2, (2, 1)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [1, 3, (2, 4)])
def test_it_equals_a_masked_dense_convolution(kernel_size, padding, strides):
    keras.utils.set_random_seed(0)
    if padding == "same" and strides == (2, 1):
        strides = (2, 2)  # TensorFlow's convolution on a CPU takes one stride for "same"
    layer = _random_layer(RANDOM_TABLE, kernel_size, padding=padding, strides=strides)
    expected = _masked_conv2d(layer, RANDOM_TABLE, RECTANGLE, padding=padding, strides=strides)
    np.testing.assert_allclose(layer(RECTANGLE), expected, rtol=1e-4, atol=1e-5)


def test_a_full_table_is_conv2d():
    layer = _random_layer(np.ones((7, 5), dtype=bool))
    conv = keras.layers.Conv2D(5, 3)
    conv.build((None, 9, 8, 7))
    conv.set_weights([keras.ops.convert_to_numpy(layer.dense_kernel()), layer.get_weights()[1]])
    np.testing.assert_allclose(layer(RECTANGLE), conv(RECTANGLE), rtol=1e-4, atol=1e-5)


def test_a_changed_input_map_changes_exactly_the_output_maps_that_read_it():
    layer = _random_layer(LENET_TABLE, 5)
    x = np.random.default_rng(0).normal(size=(1, 14, 14, 6)).astype("float32")
    before = np.asarray(layer(x))
    for input_map, row in enumerate(LENET_TABLE):
        changed = x.copy()
        changed[..., input_map] += 1
        assert tuple(np.any(np.asarray(layer(changed)) != before, axis=(0, 1, 2))) == row


def test_lenets_table_is_the_papers():
    table = np.array(LENET_TABLE)
    columns = [tuple(np.flatnonzero(column)) for column in table.T]
    assert columns[:6] == [tuple(sorted((i + k) % 6 for k in range(3))) for i in range(6)]
    assert columns[6:12] == [tuple(sorted((i + k) % 6 for k in range(4))) for i in range(6)]
    assert columns[12:] == [(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)]


def test_only_connected_pairs_have_parameters():
    assert _random_layer(LENET_TABLE, 5).count_params() == 1516
    assert _random_layer(LENET_TABLE, 5).kernel.shape == (5, 5, 60)
    assert PartialConv2D(5, LENET_TABLE, use_bias=False).compute_output_shape((None, 14, 14, 6)) == (
        None,
        10,
        10,
        16,
    )


def test_without_bias_there_is_none():
    layer = PartialConv2D(5, LENET_TABLE, use_bias=False)
    layer.build((None, 14, 14, 6))
    assert layer.count_params() == 1500


def test_each_output_map_starts_within_the_limits_of_its_own_fan_in():
    keras.utils.set_random_seed(0)
    layer = _random_layer(LENET_TABLE, 5, kernel_initializer=FanInUniform())
    dense = np.abs(keras.ops.convert_to_numpy(layer.dense_kernel()))
    for output, column in enumerate(np.array(LENET_TABLE).T):
        limit = 2.4 / (25 * column.sum())
        assert 0.9 * limit < dense[..., output].max() <= limit


def test_no_two_output_maps_start_alike_even_with_a_seed():
    layer = _random_layer(LENET_TABLE, 5, kernel_initializer=FanInUniform(seed=7))
    values = np.unique(layer.get_weights()[0])
    assert values.size > 1490


def test_a_plain_function_can_draw_the_initial_weights():
    layer = PartialConv2D(
        5, LENET_TABLE, kernel_initializer=lambda shape, dtype: keras.ops.ones(shape, dtype)
    )
    layer.build((None, 14, 14, 6))
    np.testing.assert_array_equal(layer.kernel, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "rows of booleans. Received: table=None"),
        ([True], "rows of booleans"),
        ([], "equally long"),
        ([[]], "equally long"),
        ([[True, False], [True]], "equally long"),
        ([[1, 0], [0, 1]], "booleans. Received: 1"),
        ([[True, False], [True, False]], r"every output map.*\[1\]"),
        ([[True, True], [False, False]], r"every input map.*\[1\]"),
    ],
)
def test_a_bad_table_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        PartialConv2D(3, table)


def test_an_input_with_other_maps_than_the_table_is_refused():
    with pytest.raises(
        ValueError, match=r"the table has rows, 6\. Received: input_shape=\(None, 14, 14, 5\)"
    ):
        PartialConv2D(5, LENET_TABLE).build((None, 14, 14, 5))


def test_a_kernel_larger_than_its_input_is_refused():
    with pytest.raises(ValueError, match="kernel must fit"):
        PartialConv2D(5, LENET_TABLE).build((None, 4, 14, 6))


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="Received: padding='full'"):
        PartialConv2D(5, LENET_TABLE, padding="full")


def test_images_of_unknown_size_are_convolved():
    layer = PartialConv2D(5, LENET_TABLE)
    assert layer(keras.Input((None, None, 6))).shape == (None, None, None, 16)
    assert layer(np.zeros((1, 7, 6, 6))).shape == (1, 3, 2, 16)
