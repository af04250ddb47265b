"""The formulas against live Keras layers, against loops that count one by one, and against the paper."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_lib.arithmetic import (
    ReceptiveField,
    activations,
    conv2d_connections,
    conv2d_macs,
    conv2d_parameters,
    dense_connections,
    dense_macs,
    dense_parameters,
    locally_connected2d_connections,
    locally_connected2d_macs,
    locally_connected2d_parameters,
    normalization_parameters,
    output_size,
    partial_conv2d_connections,
    partial_conv2d_macs,
    partial_conv2d_parameters,
    pooling2d_connections,
    rbf_connections,
    receptive_field,
    same_padding,
    subsampling2d_connections,
    subsampling2d_parameters,
    training_memory,
)
from course_lib.backend import keras
from course_lib.layers import LENET_TABLE, LocallyConnected2D, PartialConv2D, Subsampling2D

layers = keras.layers
sizes = st.integers(1, 24)
small = st.integers(1, 4)
zeros = st.integers(0, 4)
# A busy machine must not fail a test: no deadlines. Building a layer takes milliseconds: fewer examples.
cheap = settings(deadline=None)
live = settings(cheap, max_examples=40)


# Shapes


@live
@given(size=sizes, kernel=small, stride=small, padding=st.sampled_from(["valid", "same"]), dilation=small)
def test_a_convolution_has_the_output_size_that_keras_gives_it(size, kernel, stride, padding, dilation):
    assume(stride == 1 or dilation == 1)  # Keras has no layer with both
    assume(padding == "same" or dilation * (kernel - 1) < size)
    layer = layers.Conv2D(1, (kernel, 1), strides=(stride, 1), padding=padding, dilation_rate=(dilation, 1))
    expected = layer(keras.Input((size, 1, 1))).shape[1]
    assert output_size(size, kernel, stride, padding=padding, dilation=dilation) == expected


@live
@given(size=sizes, kernel=small, stride=small, before=zeros, after=zeros)
def test_explicit_padding_gives_the_size_of_a_padding_layer_and_a_pool(size, kernel, stride, before, after):
    assume(kernel <= before + size + after)
    x = layers.ZeroPadding2D(((before, after), (0, 0)))(keras.Input((size, 1, 1)))
    expected = layers.MaxPooling2D((kernel, 1), strides=(stride, 1))(x).shape[1]
    assert output_size(size, kernel, stride, padding=(before, after)) == expected
    if before == after:
        assert output_size(size, kernel, stride, padding=before) == expected


@cheap
@given(size=sizes, kernel=small, stride=st.integers(1, 6), before=zeros, after=zeros, dilation=small)
def test_rounding_up_adds_the_windows_that_start_inside_until_one_reaches_the_end(
    size, kernel, stride, before, after, dilation
):
    span, end = dilation * (kernel - 1) + 1, before + size + after
    assume(span <= end)
    starts = [0]
    while starts[-1] + span < end and starts[-1] + stride < before + size:
        starts.append(starts[-1] + stride)
    padding = (before, after)
    up = output_size(size, kernel, stride, padding=padding, dilation=dilation, rounding="ceil")
    assert up == len(starts)
    whole = [start for start in range(0, end, stride) if start + span <= end]
    assert output_size(size, kernel, stride, padding=padding, dilation=dilation) == len(whole)


@live
@given(size=sizes, kernel=small, stride=small, dilation=small)
def test_same_padding_puts_the_zeros_where_keras_puts_them(size, kernel, stride, dilation):
    assume(stride == 1 or dilation == 1)
    x = np.arange(1.0, size + 1).reshape(1, size, 1, 1)
    weights = np.arange(1.0, kernel + 1).reshape(kernel, 1, 1, 1)

    def convolve(x, padding):
        return np.ravel(
            keras.ops.conv(
                x, weights, (stride, 1), padding, data_format="channels_last", dilation_rate=(dilation, 1)
            )
        )

    before, after = same_padding(size, kernel, stride, dilation=dilation)
    padded = np.pad(x, ((0, 0), (before, after), (0, 0), (0, 0)))
    np.testing.assert_allclose(convolve(padded, "valid"), convolve(x, "same"))


def test_a_kernel_larger_than_its_input_is_refused():
    with pytest.raises(ValueError, match=r"must fit .* spans 9, the input 8\. Received: size=6, kernel=5"):
        output_size(6, 5, padding=1, dilation=2)
    with pytest.raises(ValueError, match="must fit"):
        output_size(4, 5, rounding="ceil")


# Receptive field


@cheap
@given(
    size=st.integers(20, 40),
    stack=st.lists(st.tuples(small, st.integers(1, 3), st.tuples(zeros, zeros), small), max_size=4),
)
def test_the_receptive_field_is_the_set_of_inputs_that_a_unit_depends_on(size, stack):
    units = [{i} for i in range(size)]  # the inputs that each unit depends on
    for kernel, stride, (before, after), dilation in stack:
        padded = [set()] * before + units + [set()] * after
        span = dilation * (kernel - 1) + 1
        starts = range(0, len(padded) - span + 1, stride)
        units = [set().union(*padded[start : start + span : dilation]) for start in starts]
    field = receptive_field(stack)
    for index, seen in enumerate(units):
        first = field.offset + index * field.jump
        last = first + field.size - 1
        assert all(first <= i <= last for i in seen)
        if first >= 0 and last < size:  # no padding in sight
            assert (min(seen), max(seen)) == (first, last)


def test_the_receptive_field_of_lenet5_grows_to_the_whole_image():
    stack = [(5,), (2, 2), (5,), (2, 2), (5,)]
    fields = [receptive_field(stack[:depth]) for depth in range(6)]
    assert [field.size for field in fields] == [1, 5, 6, 14, 16, 32]
    assert [field.jump for field in fields] == [1, 1, 2, 2, 4, 4]
    assert receptive_field(stack[3:], start=fields[3]) == fields[5]


def test_padding_moves_the_receptive_field_back():
    assert receptive_field([(3, 2, 1), (3, 1, (1, 0), 2)]) == ReceptiveField(size=11, jump=2, offset=-3)


@pytest.mark.parametrize(
    "layer", [3, (), (3, 1, 0, 1, 1), (0,), (3, 0), (3, 1, -1), (3, 1, "same"), (3, 1, 0, 0)]
)
def test_a_stack_with_a_wrong_layer_is_refused(layer):
    with pytest.raises(ValueError, match="Received: "):
        receptive_field([layer])


@pytest.mark.parametrize("stack", [None, 5, "valid"])
def test_a_stack_that_is_no_list_is_refused(stack):
    with pytest.raises(ValueError, match=r"stack must be .*Received: stack="):
        receptive_field(stack)


@pytest.mark.parametrize("start", [None, (5,), (5, 1, None), 5])
def test_a_start_that_is_no_receptive_field_is_refused(start):
    with pytest.raises(ValueError, match=r"start must be .*Received: start="):
        receptive_field([(5, 1)], start=start)


# Convolutions


@live
@given(kernel=st.tuples(small, small), groups=small, reads=small, writes=small, bias=st.booleans())
def test_a_convolution_has_the_parameters_that_keras_gives_it(kernel, groups, reads, writes, bias):
    layer = layers.Conv2D(groups * writes, kernel, groups=groups, use_bias=bias)
    layer.build((None, 4, 4, groups * reads))
    found = conv2d_parameters(kernel, groups * reads, groups * writes, groups=groups, bias=bias)
    assert found == layer.count_params()


@cheap
@given(
    output=st.tuples(small, small), kernel=st.tuples(small, small), groups=small, reads=small, writes=small
)
def test_the_macs_of_a_convolution_are_those_of_its_loops(output, kernel, groups, reads, writes):
    in_channels, filters, macs, biases = groups * reads, groups * writes, 0, 0
    for _position in np.ndindex(output):
        for f in range(filters):
            biases += 1
            for _pixel in np.ndindex(kernel):
                macs += sum(c // reads == f // writes for c in range(in_channels))
    arguments = output, kernel, in_channels, filters
    assert conv2d_macs(*arguments, groups=groups) == macs
    assert conv2d_connections(*arguments, groups=groups) == macs + biases
    assert conv2d_connections(*arguments, groups=groups, bias=False) == macs


def test_one_number_stands_for_a_square():
    assert conv2d_connections(7, 3, 2, 4) == conv2d_connections((7, 7), (3, 3), 2, 4)


@pytest.mark.parametrize(("in_channels", "filters"), [(6, 4), (4, 6)])
def test_groups_that_do_not_divide_the_channels_are_refused(in_channels, filters):
    with pytest.raises(ValueError, match=r"groups must divide .* Received: groups=4"):
        conv2d_parameters(3, in_channels, filters, groups=4)


tables = st.tuples(small, small).flatmap(
    lambda shape: st.lists(
        st.lists(st.booleans(), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


@cheap
@given(table=tables, output=small, kernel=st.tuples(small, small))
def test_a_partial_convolution_counts_only_the_pairs_of_its_table(table, output, kernel):
    weights = 0
    for row, _pixel in itertools.product(table, np.ndindex(kernel)):
        weights += row.count(True)
    biases = len(table[0])
    assert partial_conv2d_parameters(kernel, table) == weights + biases
    assert partial_conv2d_parameters(kernel, np.array(table), bias=False) == weights
    assert partial_conv2d_macs(output, kernel, table) == output**2 * weights
    assert partial_conv2d_connections(output, kernel, table) == output**2 * (weights + biases)


def test_a_partial_convolution_has_the_parameters_of_the_layer():
    layer = PartialConv2D((3, 2), LENET_TABLE)
    layer.build((None, 4, 4, 6))
    assert partial_conv2d_parameters((3, 2), LENET_TABLE) == layer.count_params()


@pytest.mark.parametrize(
    "table", [[], [[]], [[True], [True, False]], [[0.5]], [["X"]], [None], 3, [[1, 0]], np.eye(2)]
)
def test_a_table_that_is_not_rectangular_or_not_of_booleans_is_refused(table):
    with pytest.raises(ValueError, match=r"table must .* Received: "):
        partial_conv2d_parameters(5, table)


@live
@given(size=st.integers(4, 6), kernel=small, in_channels=small, filters=small, bias=st.booleans())
def test_a_locally_connected_layer_has_the_parameters_of_the_layer_and_the_macs_of_a_convolution(
    size, kernel, in_channels, filters, bias
):
    layer = LocallyConnected2D(filters, kernel, use_bias=bias)
    layer.build((None, size, size, in_channels))
    arguments = size - kernel + 1, kernel, in_channels, filters
    assert locally_connected2d_parameters(*arguments, bias=bias) == layer.count_params()
    assert locally_connected2d_connections(*arguments, bias=bias) == layer.count_params()
    assert locally_connected2d_macs(*arguments) == conv2d_macs(*arguments)


# Dense layers, pooling, normalisation


@live
@given(inputs=sizes, units=sizes, bias=st.booleans())
def test_a_dense_layer_has_the_parameters_that_keras_gives_it(inputs, units, bias):
    layer = layers.Dense(units, use_bias=bias)
    layer.build((None, inputs))
    assert dense_parameters(inputs, units, bias=bias) == layer.count_params()
    assert dense_connections(inputs, units, bias=bias) == layer.count_params()
    assert dense_macs(inputs, units) == np.size(layer.kernel)


@cheap
@given(output=st.tuples(small, small), pool=st.tuples(small, small), channels=small)
def test_pooling_connects_a_unit_to_the_pixels_of_its_window_and_subsampling_to_a_bias_too(
    output, pool, channels
):
    pooled, subsampled = 0, 0
    for _unit in np.ndindex(*output, channels):
        pixels = len(list(np.ndindex(pool)))
        pooled += pixels
        subsampled += pixels + 1
    assert pooling2d_connections(output, pool, channels) == pooled
    assert subsampling2d_connections(output, pool, channels) == subsampled


def test_subsampling_and_normalisation_train_two_values_a_map():
    for layer, formula in (
        (Subsampling2D(2), subsampling2d_parameters),
        (layers.BatchNormalization(), normalization_parameters),
    ):
        layer.build((None, 4, 4, 7))
        assert formula(7) == sum(np.size(weight) for weight in layer.trainable_weights) == 14


@pytest.mark.parametrize(
    ("found", "printed"),
    [
        (conv2d_parameters(5, 1, 6), 156),
        (conv2d_connections(28, 5, 1, 6), 122_304),
        (subsampling2d_parameters(6), 12),
        (subsampling2d_connections(14, 2, 6), 5_880),
        (partial_conv2d_parameters(5, LENET_TABLE), 1_516),
        (partial_conv2d_connections(10, 5, LENET_TABLE), 151_600),
        (subsampling2d_parameters(16), 32),
        (subsampling2d_connections(5, 2, 16), 2_000),
        (conv2d_connections(1, 5, 16, 120), 48_120),
        (dense_parameters(120, 84), 10_164),
        (rbf_connections(84, 10), 840),
    ],
)
def test_the_counts_of_lenet5_are_the_papers(found, printed):
    assert found == printed


# Memory


def test_activations_are_the_values_of_a_shape():
    assert activations((28, 28, 6)) == 4_704
    assert activations([84]) == 84


@pytest.mark.parametrize(
    ("optimizer", "slots"), [("SGD", 0), (keras.optimizers.SGD(momentum=0.9), 1), ("Adam", 2)]
)
def test_training_memory_is_that_of_the_weights_their_gradients_and_the_optimizer(optimizer, slots):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3)])
    optimizer = keras.optimizers.get(optimizer)
    optimizer.build(model.trainable_weights)
    weights = [np.asarray(weight) for weight in model.trainable_weights]
    kept = [
        np.asarray(v) for v in optimizer.variables if np.asarray(v).ndim
    ]  # neither step nor learning rate
    held = 2 * sum(w.nbytes for w in weights) + sum(v.nbytes for v in kept)
    images = np.zeros((7, 5), "float32")
    written = images.nbytes + np.asarray(model(images)).nbytes
    found = training_memory(model.count_params(), 5 + 3, batch_size=7, optimizer_slots=slots)
    assert found == held + written


# Arguments


@pytest.mark.parametrize("wrong", [True, 0, -1, 2.5, 2.0, "3", None, np.bool_(True)])
@pytest.mark.parametrize(
    "call",
    [
        lambda n: output_size(n, 3),
        lambda n: output_size(9, n),
        lambda n: output_size(9, 3, n),
        lambda n: output_size(9, 3, dilation=n),
        lambda n: same_padding(9, n),
        lambda n: receptive_field([(n, 2)]),
        lambda n: conv2d_parameters((3, n), 1, 6),
        lambda n: conv2d_parameters(3, n, 6),
        lambda n: conv2d_macs(n, 3, 1, 6),
        lambda n: conv2d_connections(4, 3, 4, 4, groups=n),
        lambda n: partial_conv2d_parameters(n, [[True]]),
        lambda n: locally_connected2d_parameters(4, 3, 1, n),
        lambda n: dense_parameters(n, 3),
        lambda n: dense_macs(3, n),
        lambda n: rbf_connections(n, 10),
        lambda n: subsampling2d_parameters(n),
        lambda n: subsampling2d_connections(4, n, 6),
        lambda n: pooling2d_connections(4, 2, n),
        lambda n: normalization_parameters(n),
        lambda n: activations((4, n)),
        lambda n: activations(n),
        lambda n: training_memory(10, 10, batch_size=n),
    ],
)
def test_a_size_that_is_no_positive_integer_is_refused_and_shown(call, wrong):
    with pytest.raises(ValueError, match=r"must .*Received: ") as refused:
        call(wrong)
    assert repr(wrong) in str(refused.value)


@pytest.mark.parametrize("wrong", [-1, True, 0.5, "full", (1, -1), (1, 1, 1), None, np.ones(2, int)])
def test_a_padding_that_is_neither_a_name_nor_a_number_of_zeros_is_refused(wrong):
    with pytest.raises(ValueError, match=r"padding must be .* Received: padding="):
        output_size(9, 3, padding=wrong)


@pytest.mark.parametrize("name", ["parameters", "activations", "optimizer_slots"])
def test_a_negative_number_of_values_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name} must be .* Received: {name}=-1"):
        training_memory(**{"parameters": 10, "activations": 10, name: -1})


def test_an_unknown_rounding_is_refused():
    with pytest.raises(ValueError, match="Received: rounding='up'"):
        output_size(9, 3, rounding="up")


def test_integers_of_numpy_are_integers():
    found = output_size(np.int64(9), np.int32(3))
    assert found == 7
    assert type(found) is int


def test_it_loads_at_once_from_the_standard_library_alone():
    code = (
        "import sys, time; before = set(sys.modules); start = time.perf_counter()\n"
        "import course_lib.arithmetic\n"
        "print(time.perf_counter() - start, *{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True).split() for _ in range(3)]
    assert min(float(seconds) for seconds, *_ in runs) < 0.2
    for _, *modules in runs:
        assert set(modules) <= {"course_lib", *sys.stdlib_module_names}
