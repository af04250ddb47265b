"""What names a mistake without a sentence of the question's own, and what must not."""

import json
import math
import sys
import threading
import time

import pytest

from course_lib.arithmetic import conv2d_parameters
from course_lib.grading import candidates, questions
from course_lib.grading.answer import attempt
from course_lib.grading.judge import judge
from course_lib.grading.mutants import mutants
from course_lib.grading.question import Chapter
from course_lib.grading.relations import relation

chapter = Chapter("tiles")


def add(**options):
    return chapter.question(
        options.pop("title", "Tiles"),
        points=2,
        hints=("Count.",),
        **options,
    )


@add(
    returns="a list `[weights, macs]` of whole numbers",
    visible=([3, 4, 8, 10], [5, 1, 6, 28]),
    draw=lambda rng: [rng.randint(1, 7), rng.randint(2, 9), rng.randint(10, 40), rng.randint(50, 90)],
    slips={
        "kernel**2 -> kernel": "The kernel is counted along one side.",
        ("maps * filters -> maps * filters + filters",): "The biases are counted.",
    },
)
def tiled(kernel, maps, filters, side):
    """Count."""
    weights = kernel**2 * maps * filters
    return [weights, side**2 * weights]


@add(
    returns="a whole number",
    visible=([3, 4, 8, 10], [5, 1, 6, 28]),
    draw=lambda rng: [rng.randint(1, 7), rng.randint(2, 9), rng.randint(10, 40), rng.randint(50, 90)],
    slips={"[1] -> [0]": "Those are the weights."},
)
def tiled_macs(kernel, maps, filters, side):
    """Count."""
    return tiled(kernel, maps, filters, side)[1]


@add(
    returns="a whole number",
    visible=([7], [12]),
    draw=lambda rng: [rng.randint(20, 99)],
    slips={
        "size > 1 -> size > 0": "A single one is not halved.",
        "size //= 2 -> size = max(size // 2, 1)": "Halves are rounded down.",  # with the other, it never ends
        "steps += 1 -> steps += 2": "Each halving counts once.",
    },
)
def halvings(size):
    """Count."""
    steps = 0
    while size > 1:
        size //= 2
        steps += 1
    return steps


@add(
    returns="a list of two truth values",
    visible=([3, 4], [5, 1], [8, 3]),
    draw=lambda rng: [rng.randint(1, 70), rng.randint(2, 90)],
    slips={},
)
def departures(size, steps):
    """Tell."""
    return [size % 2 == 1, steps % 2 == 1]


@add(
    returns="a truth value",
    visible=([3, 4], [5, 1], [8, 3]),
    draw=lambda rng: [rng.randint(8, 70), rng.randint(2, 90)],
    slips={},
)
def is_odd(size, steps):
    """Tell."""
    return size % 2 == 1


@add(
    returns="a list `[weights, macs]` of whole numbers",
    visible=([3, 4, 8, 10], [5, 1, 6, 28]),
    draw=lambda rng: [rng.randint(1, 7), rng.randint(2, 9), rng.randint(10, 40), rng.randint(50, 90)],
    slips={"weights, macs = -> macs, weights =": "The two are exchanged."},
)
def tiled_again(kernel, maps, filters, side):
    """Count."""
    weights, macs = tiled(kernel, maps, filters, side)
    return [weights, macs]


@add(
    returns="a whole number",
    visible=([3, [8, 0]], [5, [6, 0]]),
    draw=lambda rng: [rng.randint(1, 7), [rng.randint(1, 9), 0]],
    slips={
        "count or 10 -> count": "The 0 stands for ten.",
        "widths[1] -> widths[2]": "That is one width too far.",
    },
)
def last_weights(kernel, widths):
    """Count."""
    maps, count = widths[0], widths[1]
    return conv2d_parameters(kernel, maps, count or 10, bias=False)


QUESTIONS = {question.name: question for question in chapter.questions}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(questions._own, "tiles", chapter)


def said(name, answer):
    question = QUESTIONS[name]
    return judge(question, question.cases(), [attempt(answer, case) for case in question.cases()])


def changed(change):
    return lambda *case: change(tiled(*case), *case)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (changed(lambda r, *_: r[::-1]), "`weights` and `macs` are exchanged."),
        (changed(lambda r, *_: [r[0], 2 * r[1]]), "`macs` is twice what is required."),
        (
            changed(lambda r, *_: [r[0], r[1] / 1e6]),
            "`macs` is a millionth of what is required: another unit.",
        ),
        (
            changed(lambda r, *_: [r[0], round(r[1] / 1e6, 1)]),
            "`macs` is a millionth of what is required: another unit, and rounded.",
        ),
        (changed(lambda r, *_: [r[0], r[0]]), "`macs` holds what belongs into `weights`."),
        (
            changed(lambda r, *_: [r[0], r[0] + r[1]]),
            "`weights` is added to `macs`; they",
        ),
        (changed(lambda r, *_: [r[0] + 1, r[1]]), "`weights` is 1 too large in every case."),
        (changed(lambda r, k, m, f, n: [r[0] - 2 * f, r[1]]), "`weights` is too small by 2 times `filters`."),
        (
            changed(lambda r, k, m, f, n: [r[0], r[1] // n]),
            "`macs` is what is required without a factor",
        ),
        (changed(lambda r, *_: [r[0], float(r[1])]), "The value is right, but it is a float"),
        (changed(lambda r, *_: r[:1]), "The last entry is missing."),
        (changed(lambda r, *_: [r]), "The values are right, and not nested as they should be"),
        (changed(lambda r, *_: [432, 4320]), "The result is the same in every case"),
        (lambda k, m, f, n: tiled(3, m, f, n), "`kernel` seems to be fixed at 3"),
        (lambda k, m, f, n: tiled(3, 4, f, n), "`kernel` and `maps` seem to be fixed"),
        (lambda k, m, f, n: tiled(k, m, f - 1, n), "`filters` is taken 1 too small."),
        (lambda k, m, f, n: tiled(n, m, f, k), "`kernel` and `side` are exchanged."),
        (lambda k, m, f, n: [tiled(k, m, f, n)[0], tiled(k, m, 3, n)[1]], "In `macs`: `filters` is left out"),
        (lambda k, m, f, n: [k * m * f, n * n * k * k * m * f], "In `weights`: The kernel is"),
        (lambda k, m, f, n: [k * k * m * f + f, n * n * (k * k * m * f + f)], "The biases are counted."),
        (
            lambda k, m, f, n: [k * m * f + f, n * n * (k * m * f + f)],
            "Two things. The kernel is counted along one side. The biases are counted.",
        ),
    ],
)
def test_what_no_sentence_of_the_question_says_is_named_all_the_same(answer, sentence):
    verdict = said("tiled", answer)
    assert verdict.sentence.startswith(sentence)
    assert verdict.mistake


def test_a_slip_of_a_function_that_the_answer_builds_on_is_named_as_that_function_s():
    verdict = said("tiled_macs", lambda k, m, f, n: n * n * k * m * f)
    assert verdict.mistake == "As in `tiled`: The kernel is counted along one side."


def test_a_slip_of_another_function_is_not_named_where_an_entry_that_it_would_spoil_is_right():
    verdict = said("tiled_again", lambda k, m, f, n: [k * k * m * f, n * n * k * m * f])
    assert "As in `tiled`" not in verdict.sentence


def test_where_a_search_finds_nothing_the_other_cases_tell_the_mistake():
    verdict = said("tiled", lambda k, m, f, n: None if k == 3 else [k * m * f, n * n * k * m * f])
    assert verdict.mistake == "The kernel is counted along one side."


def test_an_answer_that_fails_everywhere_is_named_by_a_slip_that_the_course_refuses_alike(monkeypatch):
    def zero_kept(kernel, widths):
        return conv2d_parameters(kernel, widths[-2], widths[-1])

    assert said("last_weights", zero_kept).mistake == ""  # a slip of one's own may never end
    monkeypatch.setattr("course_lib.grading.mistakes.CHAPTERS", ["tiles"])
    assert said("last_weights", zero_kept).mistake == "The 0 stands for ten."
    elsewhere = said("last_weights", lambda k, widths: conv2d_parameters(k, widths[-1], widths[-2]))
    assert elsewhere.mistake == ""  # refused too, but for `in_channels`
    assert said("last_weights", lambda k, widths: widths[2]).mistake == ""  # an IndexError may mean anything


@pytest.mark.parametrize(
    "answer",
    [
        lambda *_: None,
        lambda k, m, f, n: tiled(k, m, f, n) if k != 3 else None,
        lambda k, m, f, n: [k * 7 + m, n * 31 + f],
        lambda k, m, f, n: tiled(k, m, f, n) if n % 2 else [n, k],
    ],
)
def test_what_fits_no_mistake_is_not_named(answer):
    assert said("tiled", answer).mistake == ""


def test_slips_that_never_end_are_stopped_by_counting_lines():
    start = time.process_time()
    verdict = said("halvings", lambda size: size // 3)
    assert verdict.mistake == ""
    assert time.process_time() - start < 1


def test_a_slip_that_catches_errors_is_stopped_all_the_same():
    def endless(size):
        while True:
            try:
                size += 1
            except Exception:
                size -= 1

    slip = candidates.Candidate(QUESTIONS["halvings"], "endless", "It never ends.", lambda: endless)
    budget = candidates.Budget()
    assert slip.result([7], budget) is candidates.NOTHING
    assert 0 < budget.steps < candidates.STEPS


def test_the_trace_of_a_debugger_or_of_coverage_is_put_back():
    def trace(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        said("halvings", lambda size: size // 3)
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after is trace


def test_threads_that_judge_at_once_say_what_one_alone_says(monkeypatch):
    monkeypatch.setattr(candidates, "REMEMBERED", 3)  # so that one forgets what another remembers

    def answer(k, m, f, n):
        return [k * m * f + f, n * n * (k * m * f + f)]

    alone = said("tiled", answer)
    verdicts = []
    threads = [threading.Thread(target=lambda: verdicts.append(said("tiled", answer))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [alone] * 4


def test_a_spent_budget_gives_no_result_though_it_is_remembered():
    question = QUESTIONS["tiled"]
    slip = next(candidates.slips(question))
    budget = candidates.Budget()
    assert slip.result([3, 4, 8, 10], budget) is not candidates.NOTHING
    budget.steps = 0
    assert slip.result([3, 4, 8, 10], budget) is candidates.NOTHING


@pytest.mark.parametrize("shown", [True, False])
def test_a_distance_that_is_found_in_hidden_cases_alone_is_not_said(shown):
    visible = QUESTIONS["tiled"].visible

    def answer(*case):
        return [tiled(*case)[0] + 3_141, tiled(*case)[1]] if shown or list(case) not in visible else None

    assert ("3,141" in said("tiled", answer).sentence) == shown


@pytest.mark.parametrize("skipped", [[0], [1], [0, 1]])
@pytest.mark.parametrize(
    "left_out",
    [{"value": None}, {"raised": "ValueError", "message": "", "within": ""}, {"type": "set"}],
)
def test_no_number_made_of_hidden_cases_is_said_where_a_class_is_graded(skipped, left_out):
    question = QUESTIONS["tiled_macs"]
    cases = question.cases()
    outcomes = []
    for index, case in enumerate(cases):
        is_left_out = index in skipped or index in (5, 6)
        outcomes.append(left_out if is_left_out else {"value": tiled_macs(*case) + 2_718})
    verdict = judge(question, cases, outcomes, private=True)
    assert "2,718" not in verdict.sentence
    assert not verdict.mistake


def test_a_large_distance_is_named_without_its_digits():
    verdict = said("tiled_macs", lambda *case: tiled_macs(*case) + 123_456)
    assert verdict.mistake == "The result is too large by the same amount in every case."


def test_entries_that_never_change_are_named_as_that():
    verdict = said("tiled", lambda *case: [432, tiled(*case)[1]])
    assert verdict.mistake == "`weights` is the same in every case."


def test_entries_of_another_form_are_not_said_to_be_the_same():
    assert said("tiled", lambda *case: [True, False]).mistake == ""


def test_numbers_in_place_of_truth_values_are_told_what_to_write():
    assert "write True and False" in said("departures", lambda size, steps: [size % 2, steps % 2]).sentence
    verdict = said("departures", lambda size, steps: [bool(size % 2), steps % 2 == 0])
    assert "write True and False" not in verdict.sentence


def test_truth_values_of_which_few_are_wrong_fit_no_rule_by_chance():
    def answer(size, steps):
        return size % 2 == 1 if size != 5 else False

    verdict = said("is_odd", answer)
    assert verdict.status == "partly"
    assert verdict.mistake == ""


def test_a_candidate_s_large_result_is_not_kept():
    question = QUESTIONS["halvings"]
    large = candidates.Candidate(question, "large", "It is large.", lambda: lambda size: [size] * 10**6)
    budget = candidates.Budget()
    assert large.result([7], budget) is candidates.NOTHING
    assert question.slipped["parts"] < candidates.REMEMBERED


def test_what_is_remembered_is_bounded_by_its_size(monkeypatch):
    question = QUESTIONS["halvings"]
    monkeypatch.setattr(candidates, "REMEMBERED", 100)
    for number in range(20):
        key = ("wide", number)
        wide = candidates.Candidate(question, key, "It is wide.", lambda: lambda size: [size] * 30)
        assert wide.result([7], candidates.Budget()) == [7] * 30
        kept = question.slipped["results"].values()
        assert sum(len(value) for value, *_ in kept if isinstance(value, list)) <= 100


def every_number(value, change):
    return [every_number(entry, change) for entry in value] if isinstance(value, list) else change(value)


@pytest.mark.parametrize("name", ["tiled", "tiled_macs", "halvings"])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x * 10**2900,
        lambda x: x + 10**2900,
        lambda x: -math.inf,
        lambda x: math.nan if x % 2 else x,
        lambda x: x / 7 if x % 2 else 10**2900 + x,
        lambda x: str(x),
        lambda x: x % 2 == 0,
        lambda x: None if x % 2 else [],
        lambda x: [[x], []],
        lambda x: "\ud800" * (x % 5),
        lambda x: list(range(x % 7)),
    ],
)
def test_odd_values_are_judged_and_nothing_is_made_of_them(name, change):
    question = QUESTIONS[name]
    cases = question.cases()
    for changed_cases in (cases, cases[1:], cases[::2]):
        outcomes = [
            attempt(every_number(question.reference(*case), change) if case in changed_cases else None, [])
            for case in cases
        ]
        verdict = judge(question, cases, outcomes, private=True)
        assert verdict.status != "right"
        assert len(verdict.sentence) < 500


def test_lists_in_lists_are_judged_however_deep_they_are():
    for depth in (90, 110, *range(470, 510)):
        value = '["x", ' * depth + "1" + "]" * depth
        verdict = said("tiled", lambda *case, text=value: [json.loads(text), case[0]])
        assert verdict.status == "wrong"
        assert verdict.mistake == ""


def test_what_is_remembered_of_one_answer_does_not_change_what_is_said_of_the_next():
    def answer(k, m, f, n):
        return [k * m * f + f, n * n * (k * m * f + f)]

    first = said("tiled", answer)
    assert said("tiled", answer) == first


@pytest.mark.parametrize(
    ("expected", "values", "words"),
    [
        ([0, 2, 3], [0, 4, 6], "twice what is required"),
        ([2, 3, 5], [4, 9, 25], "the square of what is required"),
        ([0.25, 0.5, 0.75], [0.75, 0.5, 0.25], "1 minus what is required"),
        ([4, 9], [2, 3], "the square root of what is required"),
        ([10, 20], [850, 860], "840 too large in every case"),
        ([3, 4, 5], [3, 4, 5], None),
        ([3, 4, 5], [4, 4, 6], None),
        ([10], [850], None),
        ([True], [2], None),
        ([0.5, 0.25, 0.75], [10**2900, 10**2901, 10**2902], None),
        ([2, 3, 5], [math.inf] * 3, None),
        ([2, 3, 5], [math.nan] * 3, None),
        ([2, 3, 5], [2 + 10**2900, 3 + 10**2900, 5 + 10**2900], None),
    ],
)
def test_a_relation_must_hold_everywhere(expected, values, words):
    assert relation([{}] * len(expected), expected, values, 1e-6) == words


def test_a_change_in_one_place_compiles_and_gives_no_answer_away():
    head = "def f(size, kernel, steps):"
    body = (
        "    total = 0\n    for step in range(steps):\n        size = (size - kernel) // 2 + 1\n"
        "        total += size**2 * (kernel + 3)\n    return max(total, size) if steps else total"
    )
    found = list(mutants(head, body, {"size": int, "kernel": int, "steps": int}))
    assert len({source for _, source in found}) == len(found) > 30
    for sentence, source in found:
        compile(source, "change", "exec")
        assert not any(part in sentence for part in ("+ 3", "// 2", "size**2"))
    assert "A factor belongs to a whole sum" in " ".join(sentence for sentence, _ in found)


def test_a_list_does_not_take_the_place_of_a_number():
    kinds = {"size": int, "kernel": int, "steps": list}
    found = list(mutants("def f(size, kernel, steps):", "    return kernel * size", kinds))
    assert any("`size` is used" in sentence for sentence, _ in found)
    assert not any("`steps`" in sentence for sentence, _ in found)
