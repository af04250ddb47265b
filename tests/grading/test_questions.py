"""Every question: its cases are data, its mistakes can be told apart, its reference is the library's."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from course_lib import grading
from course_lib.grading.answer import attempt
from course_lib.grading.question import judge
from course_lib.grading.questions import CHAPTERS, foundations, lenet5

QUESTIONS = list(grading.questions().values())
SEEDS = (0, 1, 20_240_229)
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


def judged(question, answer, seed=0):
    cases = question.cases(seed)
    return judge(question, cases, [attempt(answer, case) for case in question.cases(seed)])


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
def test_the_reference_is_right(question, seed):
    verdict = judged(question, question.reference, seed)
    assert (verdict.status, verdict.points) == ("right", question.points)


@each_question
@pytest.mark.parametrize("seed", SEEDS)
def test_every_known_mistake_gets_its_own_sentence(question, seed):
    for sentence, wrong in question.mistakes.items():
        verdict = judged(question, wrong, seed)
        assert verdict.sentence.startswith(sentence)
        assert verdict.points < question.points


@each_question
def test_the_visible_cases_alone_tell_every_mistake_apart(question):
    cases = question.cases(drawn=0)

    def results(function):
        return json.dumps([function(*case) for case in cases])

    kinds = [results(function) for function in (question.reference, *question.mistakes.values())]
    assert len(set(kinds)) == len(kinds)


@each_question
def test_a_constant_answer_earns_little(question):
    if question.draw:
        constant = question.reference(*question.visible[0])
        assert judged(question, lambda *case: constant).points <= question.points / 4


def test_the_questions_load_fast_and_without_tensorflow_or_numpy():
    code = (
        "import sys, time; start = time.process_time(); import course_lib.grading as g; g.questions();"
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


def test_a_smaller_input_takes_17280_weights_from_c5():
    assert lenet5.DEPARTURES[-1] == (4 * 4 - 5 * 5) * 16 * 120


def test_all_sixteen_impostors_have_a_total_of_their_own():
    totals = {
        lenet5.LENET5 + sum(a for bit, a in enumerate(lenet5.DEPARTURES) if n >> bit & 1) for n in range(16)
    }
    assert len(totals) == 16


def test_a_feature_map_is_numpy_s_sum_over_windows():
    generator = np.random.default_rng(0)
    image, kernel = generator.integers(0, 9, (6, 5)), generator.integers(-3, 4, (3, 2))
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    expected = (windows * kernel).sum(axis=(2, 3)).tolist()
    assert foundations.correlate(image.tolist(), kernel.tolist()) == expected
