"""What names a mistake without a sentence of the question's own, and what must not."""

import time

import pytest

from course_lib.grading import questions
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


def test_where_a_search_finds_nothing_the_other_cases_tell_the_mistake():
    verdict = said("tiled", lambda k, m, f, n: None if k == 3 else [k * m * f, n * n * k * m * f])
    assert verdict.mistake == "The kernel is counted along one side."


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
    assert time.process_time() - start < 2


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
    found = list(mutants(head, body, ["size", "kernel", "steps"]))
    assert len({source for _, source in found}) == len(found) > 30
    for sentence, source in found:
        compile(source, "change", "exec")
        assert not any(part in sentence for part in ("+ 3", "// 2", "size**2"))
    assert "A factor belongs to a whole sum" in " ".join(sentence for sentence, _ in found)
