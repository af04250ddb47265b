"""Every question: its cases are data, its mistakes can be told apart, its reference is the library's."""

import itertools
import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from course_lib import arithmetic, grading
from course_lib.grading.answer import attempt
from course_lib.grading.judge import judge
from course_lib.grading.question import CHECK_SEED, edited
from course_lib.grading.questions import (
    CHAPTERS,
    alexnet,
    find,
    foundations,
    googlenet,
    lenet5,
    nin,
    preact_resnet,
    resnet,
    squeezenet,
    stochastic_depth,
    vgg,
    wide_resnet,
    zfnet,
)

QUESTIONS = list(grading.all_questions().values())
SEEDS = (0, 1, 20_240_229)
CLASS_SEEDS = tuple(7_310_598_246_117_903_411 + 982_451_653_777 * number for number in range(10))
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


def judged(question, answer, seed=0):
    cases = question.cases(seed)
    return judge(question, cases, [attempt(answer, case) for case in question.cases(seed)])


def results(function, cases):
    """Return what a function makes of each case; the name of the error where it fails."""
    found = []
    for case in json.loads(json.dumps(cases)):
        try:
            found.append(json.loads(json.dumps(function(*case))))
        except Exception as error:
            found.append(type(error).__name__)
    return found


def wrong_functions(question):
    return [wrong for _, wrong in question.mistakes]


def test_every_chapter_has_its_questions_and_twenty_points():
    for chapter in CHAPTERS:
        asked = grading.chapter_questions(chapter)
        assert all(question.chapter == chapter for question in asked)
        assert len(asked) >= 8
        assert sum(question.points for question in asked) == 20


def test_no_two_questions_share_a_name():
    assert len(QUESTIONS) == sum(len(grading.chapter_questions(chapter)) for chapter in CHAPTERS)


@each_question
def test_a_question_knows_three_mistakes_and_gives_hints(question):
    assert len(question.mistakes) >= 3
    assert len(question.hints) >= 2
    assert question.visible or question.draw is None
    assert question.needs in ("", "keras")


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_cases_and_results_are_plain_json_data(question, seed):
    for case in question.cases(seed):
        assert json.loads(json.dumps(case)) == case
        result = question.reference(*case)
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        assert result is not None


@each_question
def test_the_cases_follow_from_the_seed(question):
    assert question.cases(7) == question.cases(7)
    if question.draw:
        assert question.cases(7) != question.cases(8)
        assert question.cases(7)[: len(question.visible)] == question.cases(8)[: len(question.visible)]


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_no_case_is_asked_twice(question, seed):
    cases = [json.dumps(case) for case in question.cases(seed)]
    assert len(set(cases)) == len(cases)
    assert question.draw is None or len(cases) >= len(question.visible) + 11


def earned(question, cases, table):
    """Return the points of an answer that looks its results up in a table, and knows nothing else."""
    outcomes = [{"value": table.get(json.dumps(case))} for case in cases]
    return judge(question, cases, outcomes).points


def table_of(question, seed):
    return {json.dumps(case): question.reference(*case) for case in question.cases(seed)}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_table_of_what_check_asks_earns_a_class_no_more_than_the_shown_cases(chapter, monkeypatch):
    monkeypatch.setattr(
        "course_lib.grading.judge.named", lambda *found, **options: None
    )  # names take a while
    for question in grading.chapter_questions(chapter):
        if question.draw is None:
            continue  # it asks for one value, which is the answer
        table, last_year = table_of(question, CHECK_SEED), table_of(question, 2**63)
        shown = {json.dumps(case): table[json.dumps(case)] for case in question.visible}
        for seed in CLASS_SEEDS:
            cases = question.cases(seed)
            assert len(cases) == len(question.visible) + 12
            assert earned(question, cases, table) == earned(question, cases, shown) < question.points / 2
            assert earned(question, cases, last_year) < 0.6 * question.points, question.name
            in_order = dict(zip(map(json.dumps, cases), table.values(), strict=True))  # who counts the calls
            assert earned(question, cases, in_order) <= 0.7 * question.points, question.name


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_is_right(question, seed):
    verdict = judged(question, question.reference, seed)
    assert (verdict.status, verdict.points) == ("right", question.points)


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_every_known_mistake_gets_its_own_sentence(question, seed):
    for sentence, wrong in question.mistakes:
        verdict = judged(question, wrong, seed)
        assert verdict.sentence.startswith(sentence)
        assert verdict.points < question.points


@each_question
def test_every_slip_is_wrong_somewhere_and_no_two_sentences_stand_for_one_answer(question):
    cases = question.cases()  # who is right in all that is shown needs a name for the mistake most
    right = results(question.reference, cases)
    said = {}
    for sentence, wrong in question.mistakes:
        assert results(wrong, cases) != right, sentence
        assert said.setdefault(json.dumps(results(wrong, cases)), sentence) == sentence


@each_question
def test_a_picture_is_a_picture_in_the_hints_too(question):
    said = " ".join((question.title, *question.hints, *question.slips.values()))
    assert question.chapter == "foundations" or "image" not in said


@each_question
def test_a_constant_answer_earns_little(question):
    if question.draw:
        constant = question.reference(*question.visible[0])
        assert judged(question, lambda *case: constant).points <= question.points / 4


@each_question
def test_an_answer_that_knows_the_visible_cases_alone_earns_less_than_half(question):
    if question.draw:
        shown = {json.dumps(case): question.reference(*case) for case in question.visible}
        first = question.reference(*question.visible[0])
        answer = judged(question, lambda *case: shown.get(json.dumps(case), first))
        assert answer.points < question.points / 2
        assert answer.status == "partly"


def floats(value):
    if isinstance(value, list):
        return [floats(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@each_question
def test_activities_and_weights_may_be_floats_and_counts_may_not(question):
    verdict = judged(question, lambda *case: floats(question.reference(*case)))
    results = [question.reference(*case) for case in question.cases()]
    if question.needs or json.dumps(floats(results)) == json.dumps(results):
        return  # a model, or no whole number anywhere
    assert question.floats == ("number" in question.returns and "whole" not in question.returns)
    assert (verdict.status == "right") == question.floats
    assert question.floats or "but it is a float" in verdict.sentence


def to_four_digits(value):
    if isinstance(value, list):
        return [to_four_digits(entry) for entry in value]
    return round(value, 4) if isinstance(value, float) else value


@each_question
def test_what_is_required_and_what_came_never_look_the_same(question):
    def slightly_wrong(*case):
        return json.loads(json.dumps(question.reference(*case)), parse_float=lambda x: float(x) * (1 + 2e-6))

    for answer in (slightly_wrong, lambda *case: to_four_digits(question.reference(*case))):
        verdict = judged(question, answer)
        shown = re.findall("`([^`]*)`", verdict.sentence)
        assert verdict.status == "right" or "but it is rounded" in verdict.sentence or shown[-1] != shown[-2]


@each_question
def test_a_change_anywhere_in_a_list_is_shown_where_it_is(question):
    if not question.draw or question.needs or not isinstance(question.reference(*question.visible[-1]), list):
        return
    case = question.visible[-1]
    wanted = question.reference(*case)
    for index in range(len(wanted)):
        changed = json.loads(json.dumps(wanted))
        changed[index] = -77 if not isinstance(wanted[index], list) else [*wanted[index][:-1], -77]
        sentence = judge(question, [case], [{"value": changed}]).sentence
        assert sentence in question.slips.values() or "-77" in sentence


def test_the_questions_load_fast_and_without_tensorflow_or_numpy():
    code = (
        "import sys, time; start = time.process_time(); import course_lib.grading as g; g.all_questions();"
        "print(time.process_time() - start, *{'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    seconds, *heavy = printed.split()
    assert float(seconds) < 0.2
    assert heavy == []


# The references against the library's layers and the network itself


def test_the_table_is_the_library_s_table_i():
    from course_lib.layers import LENET_TABLE

    assert [[mark == "X" for mark in row] for row in lenet5.TABLE_I] == np.array(LENET_TABLE, bool).tolist()


def test_the_totals_are_those_of_the_built_network():
    from course_lib.architectures import lenet5 as build
    from course_lib.architectures import lenet5_modern
    from course_lib.ledger import ledger

    assert lenet5.lenet5_totals(32) == [ledger(build()).parameters, ledger(build()).connections]
    assert lenet5.lenet5_totals(32)[0] + sum(lenet5.balance_sheet(5, lenet5.TABLE_I, 84, 10)) == (
        ledger(lenet5_modern()).parameters
    )


def test_the_formulas_are_those_of_the_layers():
    from course_lib import layers

    distances, x = [[1.0, 4.0, 9.0]], np.linspace(-3, 3, 13)
    loss = layers.MAPLoss(j=2.0)(np.array([1]), np.array(distances))
    assert math.isclose(loss, lenet5.map_loss(distances[0], 1, 2.0), rel_tol=1e-5)
    np.testing.assert_allclose(layers.scaled_tanh(x), [lenet5.scaled_tanh(value) for value in x], rtol=1e-5)
    prototypes = np.array([[1, -1, 1], [-1, 1, 1]], "float32")
    answer = np.array(layers.EuclideanRBF(prototypes)(np.array([[0.5, -0.2, 1.0]], "float32")))[0]
    digit, distance = lenet5.rbf_decision([0.5, -0.2, 1.0], prototypes.tolist())
    assert digit == answer.argmin()
    assert math.isclose(distance, answer.min(), rel_tol=1e-5)


def test_the_groups_of_c3_add_up_to_1516():
    assert sum(lenet5.c3_groups()) == lenet5.partial_counts(5, lenet5.TABLE_I, 10)[0] == 1516


def test_the_impostors_of_lenet5_depart_as_the_balance_sheet_says():
    def total(*made, features=84, classes=10):
        return lenet5.departed(made, features, classes)[0]

    for features, classes in ((84, 10), (120, 26), (41, 59)):
        f6 = arithmetic.conv2d_parameters(1, 120, features) - arithmetic.conv2d_parameters(1, 120, 84)
        paper = lenet5.lenet5_totals(32)[0] + f6
        habits = lenet5.balance_sheet(5, lenet5.TABLE_I, features, classes)
        changes = [*habits, (4 * 4 - 5 * 5) * 16 * 120]  # a smaller input shrinks C5
        for choice in lenet5.CHOICES:
            expected = paper + sum(itertools.compress(changes, choice))
            assert total(*choice, features=features, classes=classes) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_every_total_of_a_lenet5_has_one_explanation(seed):
    for total, *sizes in find("impostor").cases(seed):
        made = [choice for choice in lenet5.CHOICES if lenet5.departed(choice, *sizes)[0] == total]
        assert made == [tuple(lenet5.impostor(total, *sizes))]


def test_the_table_of_alexnet_is_that_of_the_built_networks():
    from course_lib.architectures import alexnet as build
    from course_lib.ledger import ledger

    names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
    for groups, size in ((2, 227), (1, 131)):
        book = ledger(build(groups=groups, input_shape=(size, size, 3), classes=10))
        assert alexnet.alexnet_parameters(size, 10, groups) == [book[name].parameters for name in names]
        rows = [book[name].output_shape[0] for name in ("conv1", "pool1", "pool2", "pool5", "flatten")]
        assert alexnet.alexnet_sides(size) == rows
        conv2 = alexnet.grouped_row(rows[1], 5, 1, 2, 96, 256, groups)
        assert conv2 == [book["conv2"].output_shape[0], book["conv2"].parameters, book["conv2"].macs]


def test_the_normalisations_are_those_of_the_layer():
    from course_lib.layers import LocalResponseNormalization

    for n, divided in ((5, False), (5, True), (9, False)):
        layer = LocalResponseNormalization(n=n, divide_alpha_by_n=divided)
        outputs = np.array(layer(np.array([alexnet.PEAKS], "float32")))[0]
        np.testing.assert_allclose(outputs, alexnet.normalised(alexnet.PEAKS, n, divided), rtol=1e-5)
    np.testing.assert_allclose(outputs, alexnet.local_response(alexnet.PEAKS, 9), rtol=1e-5)


def test_a_step_of_training_is_keras_s_with_an_l2_penalty():
    from course_lib.backend import keras

    weight, rate = keras.Variable(2.0), 0.1
    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    expected = [2.0, 0.0]
    for gradient in (3.0, -1.0, 0.5):
        optimizer.apply([gradient + 0.0005 * weight.value], [weight])
        expected = alexnet.momentum_step(*expected, gradient, rate)
    assert math.isclose(float(weight.numpy()), expected[0], rel_tol=1e-5)


def test_the_top_k_error_is_what_keras_leaves_of_the_accuracy():
    from course_lib.backend import keras

    generator = np.random.default_rng(0)
    scores, labels = generator.random((40, 12), "float32"), generator.integers(0, 12, 40)
    for k in (1, 3, 5):
        accuracy = np.mean(keras.metrics.sparse_top_k_categorical_accuracy(labels, scores, k=k))
        assert math.isclose(
            alexnet.top_k_error(scores.tolist(), labels.tolist(), k), 1 - accuracy, abs_tol=1e-6
        )


def test_all_sixteen_impostors_of_alexnet_have_a_side_and_a_total_of_their_own():
    cases = list(itertools.product([False, True], repeat=4))
    for classes in (2, 10, 1000, 3000):
        assert len({tuple(alexnet.network(*case, classes)) for case in cases}) == 16
    assert alexnet.network(*cases[0]) == [55, 60_965_224, 1000]
    assert alexnet.network(False, False, True, False) == [55, 62_378_344, 1000]
    assert alexnet.network(True, False, True, False) == [54, 50_844_008, 1000]
    fewer = sum(alexnet.alexnet_parameters(227, 10, 2))
    assert alexnet.network(*cases[0], 10) == [55, fewer, 10]


def test_the_ledger_of_a_column_is_that_of_the_built_network():
    from course_lib import architectures
    from course_lib.ledger import ledger

    for letter, size in (("A", 32), ("C", 64)):
        build = getattr(architectures, f"vgg_{letter.lower()}")
        book = ledger(build(input_shape=(size, size, 3), classes=10))
        rows = [row for row in book.rows if row.kind in ("Conv2D", "MaxPooling2D", "Dense")]
        built = [[row.output_shape[0], row.output_shape[-1], row.parameters, row.macs] for row in rows]
        built[-3:] = [[1, *row[1:]] for row in built[-3:]]
        column = vgg.COLUMNS[letter]
        assert vgg.vgg_rows(column, size, 10) == built
        assert vgg.vgg_totals(column, size, 10) == [book.parameters, book.macs]
        kept = [row.activations for row in book.rows if row.kind != "Dropout"]
        assert vgg.forward_bytes(column, size, 10)[0] == 4 * sum(kept)
        fields = [row.receptive_field[0] for row in rows if row.kind == "MaxPooling2D"]
        assert vgg.pool_fields(column) == fields
        assert vgg.weight_layers(column) == sum(row.parameters > 0 for row in rows)


def test_the_footprint_is_numpy_s_convolution_of_windows_of_ones():
    for layers, kernel in ((1, 3), (3, 3), (4, 2), (2, 5)):
        ways = np.ones(1, int)
        for _ in range(layers):
            ways = np.convolve(ways, np.ones(kernel, int))
        assert vgg.footprint(layers, kernel) == ways.tolist()


def test_no_two_suspects_of_vgg_share_a_total_unless_rounding_makes_no_difference():
    for size in (100, 200, 224, 250):
        explained = {}
        for column, pools, rounds_up in vgg.SUSPECTS:
            total = vgg.suspect(size, column, pools, rounds_up)
            explained.setdefault(total, set()).add((column, pools))
        assert all(len(suspects) == 1 for suspects in explained.values())


def test_the_rows_of_googlenet_are_those_of_the_built_modules():
    from course_lib.architectures import googlenet as build
    from course_lib.architectures.googlenet import TABLE_1
    from course_lib.ledger import ledger

    assert [row[3] for row in googlenet.TABLE_1] == [filters for _, *filters in TABLE_1 if filters]
    book = ledger(build())
    for name, side, channels, filters, _, _ in googlenet.TABLE_1:
        rows = [row for row in book.rows if row.layer.startswith(f"inception_{name}_")]
        assert googlenet.inception_maps(channels, filters)[1] == rows[-1].output_shape[-1]
        assert googlenet.inception_parameters(channels, filters) == sum(row.parameters for row in rows)
        products = [row.macs for row in rows if row.kind == "Conv2D"]
        assert sorted(googlenet.inception_products(side, channels, filters)) == sorted(products)
    heads = [row.parameters for row in book.rows if row.layer.startswith(("softmax0", "softmax1"))]
    assert sum(heads) == sum(googlenet.auxiliary_parameters(14, maps, 1000) for maps in (512, 528))
    assert googlenet.head_parameters(7, 1024, 1000)[1] == book["softmax2"].parameters
    assert [book.parameters, 1000] == googlenet.departed(False, False, False, False)
    fewer = ledger(build(classes=10)).parameters
    assert [fewer, 10] == googlenet.departed(False, False, False, False, 10)


def test_all_sixteen_impostors_of_googlenet_have_a_total_of_their_own():
    for classes in (2, 10, 1000, 3000):
        cases = itertools.product([False, True], repeat=4)
        totals = {googlenet.departed(*case, classes)[0] for case in cases}
        assert len(totals) == 16
        assert classes != 1000 or {6_998_552, 13_378_280, 13_378_280 - 380_928} < totals


def test_the_table_of_zfnet_is_that_of_the_built_networks():
    from course_lib.architectures import alexnet_one_tower
    from course_lib.architectures import zfnet as build
    from course_lib.ledger import ledger

    names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
    for widths, size in ((zfnet.FIGURE_3, 224), (zfnet.WIDE, 130)):
        book = ledger(build(widths=widths, input_shape=(size, size, 3), classes=10))
        assert zfnet.zfnet_parameters(size, 10, widths) == [book[name].parameters for name in names]
        rows = [book[name].output_shape[0] for name in ("conv1", "pool1", "conv2", "pool2", "pool5")]
        assert zfnet.zfnet_sides(size)[:5] == rows
        first, last = zfnet.pixels_seen(zfnet.CONV5_STACK, 6, 224)
        assert last - first + 1 == book["conv5"].receptive_field[0]
        old, new = ledger(alexnet_one_tower(input_shape=(size, size, 3)))["conv1"], book["conv1"]
        assert zfnet.conv1_change(size, 96) == [new.parameters - old.parameters, new.macs - old.macs]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_of_zfnet_reads_every_pixel_that_it_is_said_to_see(seed):
    for stack, index, size in find("pixels_seen").cases(seed, drawn=100):
        read = []
        for rounding in ("floor", "ceil"):  # of windows that do not fit
            sides = [size]
            for kernel, stride, padding in stack:
                sides.append(
                    arithmetic.output_size(sides[-1], kernel, stride, padding=padding, rounding=rounding)
                )
            units = {index} & set(range(sides[-1]))
            for (kernel, stride, padding), side in zip(stack[::-1], sides[-2::-1], strict=True):
                reached = {unit * stride - padding + step for unit in units for step in range(kernel)}
                units = reached & set(range(side))
            read.append(units)
        first, last = zfnet.pixels_seen(stack, index, size)
        assert set(range(first, last + 1)) in read
        assert [stack, index, size] in find("pixels_seen").visible or read[0] == read[1]


def test_what_is_missing_on_the_way_back_is_what_the_stride_left_over():
    for size, kernel, stride, padding in find("transposed_size").cases():
        missing = (size + 2 * padding - kernel) % stride
        assert zfnet.transposed_size(size, kernel, stride, padding)[1] == missing


def test_a_side_of_alexnet_that_is_rounded_up_or_padded_once_earns_next_to_nothing():
    def side(round_up, pads):
        def answer(size, kernel, stride, padding, in_channels, filters, groups):
            room = size + pads * padding - kernel
            output = (-(-room // stride) if round_up else room // stride) + 1
            weights = kernel**2 * in_channels // groups * filters
            return [output, weights + filters, output**2 * weights]

        return answer

    question = find("grouped_row")
    assert judged(question, side(False, 2)).status == "right"
    for answer in (side(True, 2), side(False, 1)):
        assert judged(question, answer).points <= question.points / 5


def test_the_way_back_of_zfnet_is_tensorflow_s_gradient():
    import tensorflow as tf

    for rows, padding in ((zfnet.MAP_5, "VALID"), (zfnet.MAP_4, "SAME")):
        x = tf.constant(rows, "float32")[None, :, :, None]
        signal = tf.reshape(tf.constant([1.0, 20.0, 300.0, 4000.0]), (1, 2, 2, 1))
        with tf.GradientTape() as tape:
            tape.watch(x)
            pooled = tf.nn.max_pool(x, 3, 2, padding)
        expected = np.squeeze(tape.gradient(pooled, x, output_gradients=signal)).tolist()
        assert zfnet.unpool([1, 20, 300, 4000], zfnet.switches(rows), len(rows)) == expected
    for values, kernel, stride in find("transposed_row").cases(0):
        size = (len(values) - 1) * stride + len(kernel)
        assert zfnet.transposed_size(size, len(kernel), stride, 0) == [size, 0]
        signal, weights = np.reshape(values, (1, -1, 1)), np.reshape(kernel, (-1, 1, 1))
        back = tf.nn.conv1d_transpose(
            signal.astype("float32"), weights.astype("float32"), (1, size, 1), stride, "VALID"
        )
        assert zfnet.transposed_row(values, kernel, stride) == np.ravel(back).tolist()


def test_all_sixteen_impostors_of_zfnet_have_a_side_and_a_total_of_their_own():
    for classes in (2, 10, 1000, 3000):
        assert len({tuple(zfnet.departed(*choice, classes)) for choice in zfnet.CHOICES}) == 16
    assert zfnet.departed(False, False, False, False) == [110, 62_357_608, 1000]
    assert zfnet.departed(False, False, False, True) == [110, 107_627_624, 1000]
    assert zfnet.departed(False, True, False, False) == [110, 50_823_272, 1000]
    fewer = sum(zfnet.zfnet_parameters(224, 10, zfnet.FIGURE_3))
    assert zfnet.departed(False, False, False, False, 10) == [110, fewer, 10]


@pytest.mark.parametrize(("name", "size"), [("nin_cifar10", 32), ("nin_cifar10", 30), ("nin_imagenet", 96)])
def test_the_totals_of_nin_are_those_of_the_built_networks(name, size):
    from course_lib import architectures
    from course_lib.ledger import ledger

    book = ledger(
        architectures.outline(getattr(architectures, name), input_shape=(size, size, 3), classes=10)
    )
    table = nin.CIFAR10 if name == "nin_cifar10" else nin.IMAGENET
    assert nin.nin_totals(table, size, 10) == [book.parameters, book.macs]
    rows = [book[f"mlpconv2_{layer}"].parameters for layer in ("conv", "cccp1", "cccp2")]
    assert nin.mlpconv_parameters(5, table[0][3][2], table[1][3]) == rows


def test_the_head_of_nin_is_keras_s_1x1_average_and_softmax():
    from course_lib.backend import keras

    random = np.random.default_rng(0)
    pixels, kernel, biases = random.normal(size=(3, 4, 2)), random.normal(size=(2, 5)), random.normal(size=5)
    layer = keras.layers.Conv2D(5, 1, activation="relu")
    layer.build((None, 3, 4, 2))
    layer.set_weights([kernel[None, None], biases])
    maps = layer(pixels[None])
    expected = nin.one_by_one(pixels.tolist(), kernel.T.tolist(), biases.tolist())
    np.testing.assert_allclose(maps[0], expected, atol=1e-5)
    scores = keras.ops.softmax(keras.layers.GlobalAveragePooling2D()(maps))
    per_class = np.moveaxis(np.array(maps[0]), -1, 0).tolist()
    np.testing.assert_allclose(scores[0], nin.class_scores(per_class), atol=1e-5)


@pytest.mark.parametrize(("size", "classes"), [(32, 10), (18, 28), (64, 29), (80, 300)])
def test_all_sixteen_impostors_of_nin_are_told_apart(size, classes):
    cases = list(itertools.product([False, True], repeat=4))
    networks = [nin.departed(size, classes, *case) for case in cases]
    assert [nin.nin_impostor(*network) for network in networks] == [list(case) for case in cases]


@pytest.mark.parametrize("option", "ABC")
def test_the_totals_of_resnet_are_those_of_the_built_networks(option):
    from course_lib.architectures import resnet18, resnet50
    from course_lib.ledger import ledger

    for build, column in (
        (resnet18, (resnet.BASIC, [2, 2, 2, 2])),
        (resnet50, (resnet.BOTTLENECK, [3, 4, 6, 3])),
    ):
        book = ledger(build(shortcut=option, input_shape=(64, 64, 3)))
        assert resnet.resnet_totals(*column, 64, option) == [book.parameters, book.macs]
    block = [row for row in book.rows if row.layer.startswith("stage2_block1_")]
    counts = [sum(row.parameters for row in block), sum(row.macs for row in block)]
    assert resnet.block_counts(resnet.BOTTLENECK, [128, 128, 512], 256, 16, 2, option) == counts
    shortcut = sum(row.parameters for row in block if "_shortcut_" in row.layer)
    assert resnet.shortcut_parameters(option, 256, 512, 2) == shortcut


@pytest.mark.parametrize(("depth", "kernels"), [(20, preact_resnet.BASIC), (29, preact_resnet.BOTTLENECK)])
def test_the_parameters_of_preact_resnet_are_those_of_the_built_network(depth, kernels):
    from course_lib.architectures import cifar_resnet
    from course_lib.architectures import preact_resnet as build
    from course_lib.ledger import ledger

    book = ledger(build(depth, bottleneck=len(kernels) == 3))
    norms = [row.parameters for row in book.rows if row.kind == "BatchNormalization"]
    blocks = [preact_resnet.units_a_stage(depth, kernels)] * 3
    assert preact_resnet.preact_parameters(kernels, blocks, [16, 32, 64]) == [book.parameters, sum(norms)]
    if kernels == preact_resnet.BASIC:
        original = ledger(cifar_resnet(depth)).parameters
        assert book.parameters - original == sum(preact_resnet.norm_balance([16, 32, 64])) == 0


@pytest.mark.parametrize("order", preact_resnet.ORDERS)
def test_a_residual_unit_and_what_comes_back_are_those_of_keras_layers(order):
    import numpy as np
    import tensorflow as tf

    weights = iter([0.5, -2.0])
    x = y = tf.constant([[1.0], [-2.0], [3.0], [0.5]])
    normalize = tf.keras.layers.BatchNormalization(epsilon=0.0)
    steps = {
        "BN": lambda y: normalize(y, training=True),
        "ReLU": tf.keras.layers.ReLU(),
        "conv": lambda y: next(weights) * y,
        "+": lambda y: y + x,
    }
    for name in order.split():
        y = steps[name](y)
    expected = preact_resnet.residual_unit([1.0, -2.0, 3.0, 0.5], order, [0.5, -2.0])
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-5, atol=1e-6)
    if preact_resnet.on_the_way(order) == ["ReLU"]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.relu(x)
        gradient = tape.gradient(y, x, output_gradients=tf.constant([[1.0], [2.0], [3.0], [4.0]]))
        sums = [[1.0, -2.0, 3.0, 0.5]]
        assert preact_resnet.passed_back([1.0, 2.0, 3.0, 4.0], sums, [order]) == np.ravel(gradient).tolist()


def test_all_sixteen_impostors_of_preact_resnet_are_told_apart():
    cases = list(itertools.product([False, True], repeat=4))
    for blocks, widths in (([18] * 3, [16, 32, 64]), ([2] * 4, [64, 128, 256, 512])):
        for *made, rectified in cases:
            network = preact_resnet.departed(blocks, widths, *made, 0.0 if rectified else -1.5)
            assert preact_resnet.preact_impostor(*network) == [*made, rectified]
    assert preact_resnet.departed([111] * 3, [16, 32, 64], False, False, False, 0.0)[2] == 10_327_706


@pytest.mark.parametrize(("depth", "k"), [(28, 1), (16, 2), (10, 3)])
def test_the_counts_of_wide_resnet_are_those_of_the_built_network(depth, k):
    from course_lib.architectures import outline
    from course_lib.architectures import wide_resnet as build
    from course_lib.ledger import ledger

    book = ledger(outline(build, depth, k))
    blocks = (depth - 4) // 6
    convolutions = sum(row.kind == "Conv2D" for row in book.rows)
    assert wide_resnet.layers_counted([blocks] * 3, 2, k) == [depth, convolutions, depth - 2]
    assert wide_resnet.wrn_parameters(depth, k, 10) == book.parameters
    maps = wide_resnet.wide_widths(16, k, 3)
    stage2 = [row for row in book.rows if row.layer.startswith("stage2_block1_")]
    assert wide_resnet.block_parameters(*maps[1:3], [3, 3]) == sum(row.parameters for row in stage2)
    second = [row for row in book.rows if re.fullmatch(r"stage1_block[^1]_conv\d", row.layer)]
    costs = [sum(getattr(row, name) for row in second) for name in ("parameters", "macs", "activations")]
    assert wide_resnet.stage_costs(32, 16, blocks - 1, k) == [*costs, len(second)]


def test_dropout_of_wide_resnet_stands_where_the_builder_has_it():
    from course_lib.architectures import outline
    from course_lib.architectures import wide_resnet as build

    kinds = {"BatchNormalization": "BN", "Conv2D": "conv", "Add": "+", "Dropout": "dropout"}
    layers = [layer for layer in outline(build, 16, 2, dropout=0.3).layers if "stage2_block2_" in layer.name]
    order = " ".join(kinds.get(type(layer).__name__, "ReLU") for layer in layers)
    assert order == wide_resnet.with_dropout("BN ReLU conv BN ReLU conv +")


def test_the_two_causes_are_those_of_least_squares():
    table = [wide_resnet.CONVOLUTIONS, wide_resnet.MACS]
    expected, *_ = np.linalg.lstsq(np.transpose(table), wide_resnet.MILLISECONDS, rcond=None)
    np.testing.assert_allclose(wide_resnet.two_causes(*table, wide_resnet.MILLISECONDS), expected)


def test_the_survival_line_and_the_macs_of_stochastic_depth_are_those_of_the_built_network():
    from course_lib.architectures import outline, stochastic_depth_resnet
    from course_lib.ledger import ledger

    network = outline(stochastic_depth_resnet, 20, survival=0.3, input_shape=(16, 16, 3))
    gates = [layer.survival for layer in network.layers if layer.name.endswith("_gate")]
    assert stochastic_depth.survival_line(9, 0.3) == pytest.approx(gates)
    everything, _ = stochastic_depth.step_macs(3, [16, 32, 64], 16, 0.3)
    assert everything == ledger(network).macs


@pytest.mark.parametrize("mode", ["dropped", "kept", "test"])
def test_a_gated_block_of_stochastic_depth_is_that_of_the_layer(mode):
    from course_lib.backend import keras
    from course_lib.layers import StochasticDepth

    branch = np.array([[-3.0, 1.5, 0.5]], "float32")
    drawn = {
        float(np.asarray(StochasticDepth(0.5, seed=seed)(branch, training=True))[0, 1]) for seed in range(20)
    }
    assert drawn == {0.0, 1.5}
    seed = next(
        seed
        for seed in range(20)
        if np.any(StochasticDepth(0.5, seed=seed)(branch, training=True)) == (mode == "kept")
    )
    gated = StochasticDepth(0.5, seed=seed)(branch, training=mode != "test")
    y = keras.ops.relu(np.array([[1.0, 0.0, 2.0]], "float32") + gated)
    block = [[1.0, 0.0, 2.0], branch[0].tolist(), 0.5, "paper", mode]
    assert stochastic_depth.gated_block(*block) == np.ravel(y).tolist()


def test_the_gates_of_stochastic_depth_are_told_apart_with_each_line_and_factor():
    faults = {"paper": False, "inverted": False, "never": True, "twice": True, "same": True}
    for blocks, last in ((3, 0.2), (54, 0.8)):
        for shifted, swapped in itertools.product([False, True], repeat=2):
            for factors, fault in faults.items():
                case = stochastic_depth.departed(blocks, last, shifted, swapped, factors)
                assert stochastic_depth.depth_impostor(*case) == [shifted, swapped, fault]


def test_all_sixteen_impostors_of_resnet_are_told_apart():
    cases = list(itertools.product([False, True], repeat=4))
    for blocks in ([3, 4, 6, 3], [2, 2, 2, 2]):
        networks = [resnet.departed(blocks, *case) for case in cases]
        assert [resnet.resnet_impostor(*network) for network in networks] == [list(case) for case in cases]
    assert resnet.departed([3, 4, 6, 3], *cases[0])[1:] == [25_557_032, 3_857_973_248, 1.0]


def test_a_feature_map_is_numpy_s_sum_over_windows():
    generator = np.random.default_rng(0)
    image, kernel = generator.integers(0, 9, (6, 5)), generator.integers(-3, 4, (3, 2))
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    expected = (windows * kernel).sum(axis=(2, 3)).tolist()
    assert foundations.correlate(image.tolist(), kernel.tolist()) == expected


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_every_known_mistake_fails_in_a_case_that_is_not_shown(question, seed):
    hidden = question.cases(seed)[len(question.visible) :]
    for wrong in wrong_functions(question) if question.draw else ():
        assert results(wrong, hidden) != results(question.reference, hidden)


@pytest.mark.parametrize("seed", SEEDS)
def test_pools_that_round_up_cost_most_of_the_points_and_are_named(seed):
    def rows_rounded_up(column, size, classes):
        rows = vgg.vgg_rows(column, 2 ** len(column.split()) * size, classes)
        sides = [size]
        for row in rows[:-3]:
            sides.append(sides[-1] if row[2] else -(-sides[-1] // 2))
        wrong = [
            [n, f, p, n * n * (p - f) if p else 0] for n, (_, f, p, _) in zip(sides[1:], rows, strict=False)
        ]
        inputs = sides[-1] ** 2 * wrong[-1][1]
        fc6 = [1, 4096, (inputs + 1) * 4096, inputs * 4096]
        return [*wrong, fc6, *rows[-2:]]

    def auxiliary_rounded_up(side, channels, classes):
        values = 128 * math.ceil((side - 5) / 3 + 1) ** 2
        return (channels + 1) * 128 + (values + 1) * 1024 + 1025 * classes

    for question, answer in (
        (find("vgg_rows"), rows_rounded_up),
        (find("auxiliary_parameters"), auxiliary_rounded_up),
    ):
        verdict = judged(question, answer, seed)
        assert verdict.points < question.points / 4
        assert "round" in verdict.mistake


def test_memory_without_the_pools_is_named_although_both_numbers_change():
    def without_pools(column, size, classes):
        values = [3 * size**2] + [
            n * n * maps for n, maps, _, macs in vgg.vgg_rows(column, size, classes) if macs
        ]
        return [4 * sum(values), 4 * max(map(sum, itertools.pairwise(values)))]

    verdict = judged(find("forward_bytes"), without_pools)
    assert verdict.mistake == "The pools' outputs are left out; they are written, too."


@pytest.mark.parametrize("seed", SEEDS)
def test_totals_that_are_right_are_among_the_miscounted_ones(seed):
    hidden = find("miscounted").cases(seed)[3:]
    kinds = [googlenet.miscounted(*case)[1] for case in hidden]
    assert set(kinds) == {0, 1, 2}
    assert kinds.count(1) >= 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("word", "slip"),
    [
        ("FLOPs", "/ 1e6 -> / 1e6 * 2"),
        ("one side", "/ 1e6 -> / 1e6 / side"),
        ("10**6", "/ 1e6 -> / 2**20"),
        ("1,024", "/ 1024 -> / 1000"),
        ("smaller differences", "0.04 -> 0.01"),
        ("All operations", "/ 1e6 -> / 1e6 / side**2"),
    ],
)
def test_a_wrong_unit_or_threshold_finds_no_misprints_and_is_named(word, slip, seed):
    verdict = judged(find("misprints"), edited(googlenet.misprints, slip), seed)
    assert verdict.points <= find("misprints").points / 4
    assert word in verdict.mistake


@pytest.mark.parametrize("seed", SEEDS)
def test_the_drawn_shortcuts_change_each_part_of_the_shape_alone(seed):
    hidden = find("shortcut_parameters").cases(seed)[6:]
    shapes = {(filters > maps, stride) for option, maps, filters, stride in hidden if option == "B"}
    assert shapes == {(False, 1), (True, 1), (False, 2)}


@pytest.mark.parametrize("seed", SEEDS)
def test_thresholds_read_off_the_shown_totals_do_not_find_the_impostors_of_resnet(seed):
    def by_thresholds(blocks, parameters, macs, spread):
        biased = parameters not in (25_557_032, 60_192_808, 76_981_288)
        return [parameters > 70e6, biased, macs not in (3_857_973_248, 13_530_300_416), spread < 0.5]

    verdict = judged(find("resnet_impostor"), by_thresholds, seed)
    assert verdict.sentence.startswith("The cases that are shown are right, others are not.")
    assert verdict.points < 0.6 * find("resnet_impostor").points


@pytest.mark.parametrize(
    ("name", "size"), [("squeezenet1_0", 227), ("squeezenet1_0", 90), ("squeezenet1_1", 91)]
)
def test_the_totals_of_squeezenet_are_those_of_the_built_networks(name, size):
    from course_lib import architectures
    from course_lib.ledger import ledger

    book = ledger(
        architectures.outline(getattr(architectures, name), input_shape=(size, size, 3), classes=10)
    )
    table = squeezenet.VERSION_1_0 if name == "squeezenet1_0" else squeezenet.VERSION_1_1
    assert squeezenet.squeezenet_totals(table, size, 10) == [book.parameters, book.macs]
    rows = [book[f"fire9_{layer}"].parameters for layer in ("squeeze1x1", "expand1x1", "expand3x3")]
    assert squeezenet.fire_parameters(512, 64, 256, 256) == rows
    assert ["fire", *squeezenet.fire_table(8, 128, 128, 2, 0.125, 0.5)[-1]] == table[-1]


def test_indices_lead_back_to_the_positions_as_the_authors_decoder_reads_them():
    positions = sorted(set(np.random.default_rng(0).integers(0, 900, 60).tolist()))
    for bits in (1, 3, 4):
        indices = squeezenet.gap_indices(positions, bits)
        assert max(indices) < 2**bits
        assert set(positions) <= set((np.cumsum(np.array(indices) + 1) - 1).tolist())
    assert squeezenet.file_bytes(squeezenet.ENTRIES, squeezenet.FILTERS, 8, 4) == 675_763


def test_huffman_s_bits_lie_between_the_entropy_and_one_bit_more_an_entry():
    counts = np.array([3, 90, 14, 1, 7, 7, 25, 60])
    entropy = -(counts * np.log2(counts / counts.sum())).sum()
    assert entropy <= squeezenet.huffman_bits(counts.tolist()) <= entropy + counts.sum()
    assert squeezenet.huffman_bits([1] * 16) == 4 * 16


@pytest.mark.parametrize(("size", "classes"), [(227, 1000), (96, 5), (151, 1200), (224, 10)])
def test_all_sixteen_impostors_of_squeezenet_are_told_apart(size, classes):
    cases = list(itertools.product([False, True], repeat=4))
    networks = [squeezenet.departed(size, classes, *case) for case in cases]
    assert [squeezenet.squeezenet_impostor(*network) for network in networks] == [
        list(case) for case in cases
    ]
    assert networks[8][2] == squeezenet.squeezenet_totals(squeezenet.VERSION_1_1, size, classes)[0]
