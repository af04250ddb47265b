"""Compute the claims of chapter 07 that its lesson does not need: table 1, row by row, and the block."""

import re
from functools import cache

import numpy as np
import pytest

from course_lib import arithmetic, datasets, facts, graph
from course_lib.architectures import (
    cifar_plain,
    cifar_resnet,
    outline,
    plain34,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    vgg19,
)
from course_lib.architectures.resnet import residual_block
from course_lib.backend import keras
from course_lib.ledger import ledger
from course_lib.training import recipes

layers = keras.layers
COLUMNS = {18: resnet18, 34: resnet34, 50: resnet50, 101: resnet101, 152: resnet152}
DIGIT = (8, 8, 1)


@cache
def column(depth):
    """Return a column of table 1, with shortcuts of option B, without its weights."""
    return outline(COLUMNS[depth])


@cache
def book(depth):
    return ledger(column(depth))


def convolutions(network):
    return [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]


def stage(depth, number):
    """Return the kernels and filters of a block, which are those of all blocks of the stage, and how many."""
    blocks = {}
    for layer in convolutions(column(depth)):
        if place := re.fullmatch(rf"stage{number}_(block\d+)_conv\d", layer.name):
            height, width = layer.kernel_size
            blocks.setdefault(place[1], []).append(f"{height}x{width},{layer.filters}")
    assert len(set(map(tuple, blocks.values()))) == 1
    return blocks["block1"], len(blocks)


def words(depth, number):
    """Return what table 1 prints of a stage: kernels and filters, and the number of blocks."""
    block, blocks = stage(depth, number)
    return (*block, blocks)


def test_every_stage_is_as_table_1_prints_it():
    facts.require("RES-67", words(18, 1))
    facts.require("RES-68", words(18, 2))
    facts.require("RES-69", words(18, 3))
    facts.require("RES-70", words(18, 4))
    facts.require("RES-71", words(34, 1))
    facts.require("RES-72", words(34, 2))
    facts.require("RES-73", words(34, 3))
    facts.require("RES-74", words(34, 4))
    facts.require("RES-75", words(50, 1))
    facts.require("RES-76", words(50, 2))
    facts.require("RES-77", words(50, 3))
    facts.require("RES-78", words(50, 4))
    facts.require("RES-79", words(101, 1))
    facts.require("RES-80", words(101, 2))
    facts.require("RES-81", words(101, 3))
    facts.require("RES-82", words(101, 4))
    facts.require("RES-83", words(152, 1))
    facts.require("RES-84", words(152, 2))
    facts.require("RES-85", words(152, 3))
    facts.require("RES-86", words(152, 4))


def sum_of_layers(depth):
    """Return the numbers of `1 + 2 x (3 + 4 + 6 + 3) + 1 = 34`, of which the last is counted on the graph."""
    blocks = [stage(depth, number)[1] for number in (1, 2, 3, 4)]
    convolutions = len(stage(depth, 1)[0])
    total = graph.depth(column(depth))
    assert total == 1 + convolutions * sum(blocks) + 1
    return (convolutions, *blocks, total)


def test_the_number_in_a_name_follows_from_the_blocks():
    facts.require("RES-56", sum_of_layers(18))
    facts.require("RES-57", sum_of_layers(34))
    facts.require("RES-58", sum_of_layers(50))
    facts.require("RES-59", sum_of_layers(101))
    facts.require("RES-60", sum_of_layers(152))


def test_the_deepest_column_has_152_layers_and_none_has_100():
    depths = [graph.depth(column(depth)) for depth in COLUMNS]
    facts.require("RES-03", max(depths))
    facts.require("RES-29", tuple(depths[1:]))


def kernels_of_a_block(depth):
    return [convolution.split(",")[0] for convolution in stage(depth, 1)[0]]


def test_blocks_are_of_two_kinds():
    basic, bottleneck = kernels_of_a_block(18), kernels_of_a_block(152)
    assert kernels_of_a_block(34) == basic
    assert kernels_of_a_block(50) == kernels_of_a_block(101) == bottleneck
    facts.require("RES-34", (*basic, *bottleneck))
    facts.require("RES-46", tuple(bottleneck))
    deep = {depth for depth in COLUMNS if kernels_of_a_block(depth) == bottleneck}
    small = cifar_resnet(56, input_shape=DIGIT)
    kernels = [layer.kernel_size for layer in convolutions(small) if "stage1_block1" in layer.name]
    facts.require("RES-30", (deep, len(kernels), kernels[0]))


def test_a_bottleneck_reduces_convolves_and_restores():
    rows = [book(50)[f"stage1_block2_conv{number}"] for number in (1, 2, 3)]
    block, _ = stage(50, 1)
    facts.require("RES-31", tuple(block))
    facts.require("RES-32", tuple(row.output_shape for row in rows))


def test_a_bottleneck_takes_a_seventeenth_of_two_3x3():
    narrow = sum(book(50)[f"stage1_block2_conv{number}"].macs for number in (1, 2, 3))
    wide = 2 * arithmetic.conv2d_macs(56, 3, 256, 256)
    facts.require("RES-33", (narrow, wide, round(wide / narrow)))


def test_the_stem_is_a_7x7_convolution_and_a_3x3_pooling():
    conv, pool = (column(50).get_layer(name) for name in ("stem_conv", "stem_pool"))
    side = book(50)["stem_conv"].output_shape[:2]
    facts.require("RES-61", (conv.kernel_size, conv.filters, conv.strides[0], side))
    facts.require("RES-62", (pool.pool_size, pool.strides[0]))
    assert isinstance(pool, layers.MaxPooling2D)


def end_of(stage_number):
    """Return the shape of a stage's maps in ResNet-34, whose sides are those of all columns."""
    _, last = stage(34, stage_number)
    shape = book(34)[f"stage{stage_number}_block{last}_relu"].output_shape
    assert book(152)[f"stage{stage_number}_block1_relu"].output_shape[:2] == shape[:2]
    return shape


def test_maps_halve_in_side_and_double_in_number_at_equal_cost():
    shapes = [end_of(number) for number in (1, 2, 3, 4)]
    facts.require("RES-63", shapes[0][:2])
    facts.require("RES-64", shapes[1][:2])
    facts.require("RES-65", shapes[2][:2])
    facts.require("RES-66", shapes[3][:2])
    costs = {arithmetic.conv2d_macs(side, 3, maps, maps) for side, _, maps in shapes}
    assert len(costs) == 1
    facts.require("RES-51", tuple(shapes))


def test_the_end_is_an_average_and_one_dense_layer():
    average, dense = column(50).layers[-2:]
    kinds = [type(layer).__name__ for layer in column(50).layers]
    facts.require("RES-35", (kinds.count("Dense"), dense.units))
    facts.require("RES-36", (type(average).__name__, tuple(average.input.shape[1:])))
    facts.require("RES-87", (type(average).__name__, dense.units, dense.activation.__name__))
    facts.require("RES-40", sum("Dropout" in kind for kind in kinds))


def test_batchnorm_follows_every_convolution():
    network = column(50)
    normalized = {
        layer.input._keras_history.operation.name for layer in network.layers if "_bn" in layer.name
    }
    followed = [layer.name in normalized for layer in convolutions(network)]
    facts.require("RES-37", (sum(followed), len(followed)))


def test_the_last_row_of_table_1_counts_multiply_adds():
    option_a = ledger(outline(resnet34, shortcut="A"))
    facts.require("RES-88", book(18).macs)
    facts.require("RES-89", (option_a.macs, book(34).macs))
    facts.require("RES-90", (book(50).macs, f"{book(50).macs / 1e9:.1f}"))
    facts.require("RES-91", book(101).macs)
    facts.require("RES-92", book(152).macs)
    facts.require("RES-93", (book(50).macs, 2 * book(50).macs))


def maps_by_side(network):
    """Return side -> maps of a network's 3x3 convolutions."""
    rows = [row for row in network.rows if row.kind == "Conv2D" and "stem" not in row.layer]
    return {row.output_shape[0]: row.output_shape[2] for row in rows}


def test_resnet_34_follows_vgg_19_without_containing_it():
    theirs, plain = ledger(outline(vgg19)), ledger(outline(plain34))
    facts.require("RES-47", f"{100 * plain.macs / theirs.macs:.1f}")
    maps = [(maps_by_side(plain)[side], maps_by_side(theirs)[side]) for side in (56, 28, 14)]
    facts.require("RES-48", tuple(number for pair in maps for number in pair))
    assert all(ours != number for ours, number in maps)


def test_plain_34_is_resnet_34_without_shortcuts():
    plain, residual = outline(plain34), outline(resnet34, shortcut="A")
    names = [[layer.name for layer in convolutions(network)] for network in (plain, residual)]
    assert names[0] == names[1]
    facts.require("RES-49", (ledger(plain).parameters, ledger(residual).parameters))
    kernels = [layer.kernel_size[0] for layer in convolutions(column(34))]
    facts.require("RES-50", tuple(map(kernels.count, (7, 3, 1))))


def test_plain_and_residual_networks_of_a_seed_start_alike_and_see_the_same_batches():
    starts = []
    for network in (cifar_plain, cifar_resnet):
        keras.utils.set_random_seed(2015)
        batches = datasets.load("digits", batch_size=32).train.take(2)
        model = network(20, input_shape=DIGIT)
        pictures = [x for _ in range(2) for x, _ in batches.as_numpy_iterator()]
        starts.append(model.get_weights() + pictures)
    assert all(map(np.array_equal, *starts))


def layers_with_weights(depth):
    kinds = [type(layer).__name__ for layer in cifar_plain(depth, input_shape=DIGIT).layers]
    return kinds.count("Conv2D"), kinds.count("Dense")


def test_a_plain_network_has_one_dense_layer():
    facts.require("RES-10", layers_with_weights(20))
    facts.require("RES-11", layers_with_weights(56))


@pytest.fixture(scope="module")
def block():
    """Return a block's model with drawn weights, its parts' outputs, and inputs as a ReLU leaves them."""
    keras.utils.set_random_seed(0)
    maps = keras.Input((8, 8, 16))
    options = {"kernels": (3, 3), "name": "block"}
    model = keras.Model(maps, residual_block(maps, (16, 16), shortcut="A", **options))
    plain = keras.Model(maps, residual_block(maps, (16, 16), shortcut=None, **options))
    plain.set_weights(model.get_weights())
    parts = keras.Model(maps, [model.get_layer(f"block_{name}").output for name in ("bn2", "add", "relu")])
    x = np.abs(np.random.default_rng(0).normal(size=(4, 8, 8, 16))).astype("float32")
    return model, plain, parts, x


def test_a_block_adds_its_input_to_what_its_branch_makes(block):
    _, plain, parts, x = block
    branch, total, y = (value.numpy() for value in parts(x))
    is_sum = np.allclose(total, branch + x, atol=1e-6)
    facts.require("RES-13", is_sum)
    facts.require("RES-16", np.allclose(y, np.maximum(branch + x, 0), atol=1e-6))
    is_difference = np.allclose(total - x, branch, atol=1e-5)
    facts.require("RES-15", is_difference)
    facts.require("RES-28", is_difference)
    # Without a shortcut, H is the branch itself.
    facts.require("RES-14", np.allclose(plain(x), np.maximum(branch, 0), atol=1e-6))
    assert not np.allclose(total, branch, atol=0.1)


def test_a_smaller_branch_changes_the_input_by_less(block):
    model, _, parts, x = block
    weights = model.get_weights()
    lengths = []
    for factor in (1, 0.5, 0.25):
        model.get_layer("block_bn2").gamma.assign(factor * np.ones(16))
        branch, total, _ = (value.numpy() for value in parts(x))
        lengths.append((np.linalg.norm(branch), np.linalg.norm(total - x)))
    model.set_weights(weights)
    facts.require("RES-23", np.allclose(*zip(*lengths, strict=True), rtol=1e-3))
    assert lengths[0] > lengths[1] > lengths[2]


def test_a_silent_block_returns_its_input_if_that_is_not_negative(block):
    model, _, _, x = block
    weights = model.get_weights()
    model.get_layer("block_bn2").gamma.assign(np.zeros(16))
    same, cut = np.array_equal(model(x), x), np.array_equal(model(-x), 0 * x)
    model.set_weights(weights)
    facts.require("RES-18", (same, cut))
    facts.require("RES-22", (same, cut))


def test_the_paper_trains_by_sgd_with_momentum():
    optimizer = recipes.recipe("resnet50").optimizer(steps_per_epoch=10)
    assert isinstance(optimizer, keras.optimizers.SGD)
    facts.require("RES-39", str(optimizer.momentum))
