"""Of a notebook's statements, those that an answer needs are run, and no others."""

import json

import pytest

from course_lib.grading import slicer


def chosen(name, source):
    return [statement.source for statement in slicer.program(name, slicer.statements(source))]


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("x = 1\ny = 2\ndef f():\n    return x", ["x = 1", "def f():\n    return x"]),
        ("def f(x):\n    return x\nx = 1 / 0", ["def f(x):\n    return x"]),  # that x is the function's own
        ("f = 1\nfor i in f:\n    print(i)", ["f = 1"]),
        ("T = []\nT.append(1)\nU = []\nU.append(1)\ndef f():\n    return T", [0, 1, 4]),
        ("T = {}\ndef fill(d):\n    d[0] = 1\nfill(T)\ndef f():\n    return T", [0, 1, 2, 3]),
        ("from m import a, b\ndef f():\n    return b", ["from m import b", "def f():\n    return b"]),
        (
            "from m import *\ndef f(n):\n    return g(n)",
            ["from m import *", "def f(n):\n    return g(n)"],
        ),
        ("from m import *\ndef f(n):\n    return len(n)", ["def f(n):\n    return len(n)"]),
        ("from m import f\ndef f():\n    return 1", ["def f():\n    return 1"]),
        ("def f():\n    return 1\ncheck('f', f)\ndef f():\n    return 2", ["def f():\n    return 2"]),
        ("def f():\n    return 1\ng = f\ndef f():\n    return g()", [0, 1, 2]),
        ("def f():\n    raise NotImplementedError()\ndef f():\n    return 2", ["def f():\n    return 2"]),
        ("def f():\n    return 2\ndef f():\n    raise NotImplementedError()", ["def f():\n    return 2"]),
        ("x = 1\nfrom __future__ import annotations\ndef f():\n    return x", [1, 0, 2]),
        ("@decorated\ndef f():\n    return 1\nimport decorated", [0, 1]),
        ("def f(): return 1; x = 2", ["def f(): return 1; x = 2"]),
        ("é = 'ü'; f = é", ["é = 'ü'", "f = é"]),
        # A list that has a second name, or lies in another one, is changed under that name, too.
        ("T = [1]\nU = T\nU.append(2)\ndef f():\n    return T", [0, 1, 2, 3]),
        ("T = [[1]]\nfor row in T:\n    row.append(2)\ndef f():\n    return T", [0, 1, 2]),
        ("T = [1]\nW = {0: T}\ndef g(t):\n    t.append(1)\ng(W[0])\nf = T", [0, 1, 2, 3, 4]),
        ("T = [1]\nU = T\nU += [2]\ndef f():\n    return T", [0, 1, 2, 3]),
        ("T = [1]\nU = len(T)\nU.append(2)\ndef f():\n    return T", [0, 3]),
        ("x = 1\nx += 1\ndef f():\n    return x", [0, 1, 2]),
        # What was called before it was written anew is needed as it was.
        ("T = []\ndef g(t):\n    t.append(1)\ng(T)\ndef g():\n    pass\nf = [T, g]", [0, 1, 2, 3, 4]),
        ("def g(a):\n    return a\n@g\ndef f():\n    return h\ndef g():\n    pass\nh = g", [0, 1, 2, 3]),
    ],
)
def test_an_answer_takes_the_statements_that_it_needs(source, needed):
    every = [statement.source for statement in slicer.statements(source)]
    assert chosen("f", source) == [every[line] if isinstance(line, int) else line for line in needed]


def test_lines_that_only_ipython_understands_do_nothing():
    source = "%matplotlib inline\nfiles = !ls\ndef f():\n    return 1\n"
    assert chosen("f", source) == ["def f():\n    return 1"]
    assert chosen("f", "%%time\nf = 1") == ["f = 1"]
    assert chosen("f", "%%bash\nf = 1") == []


def test_a_long_cell_is_read_in_time_that_grows_with_its_length():
    # 20,000 statements: read one by one from the whole source, they would take minutes.
    assert len(slicer.statements("x = 1\n" * 20_000)) == 20_000


def read(*cells, names=("f", "g"), heavy=("keras",), numbers=()):
    cells = [{"cell_type": "code", "source": source} for source in cells]
    for cell, number in zip(cells, numbers, strict=False):
        cell["execution_count"] = number
    content = json.dumps({"cells": cells})
    return slicer.read(content.encode(), names, heavy, "✔ Right</b>")


def test_an_answer_says_what_it_uses_and_how_often_it_is_defined():
    twice = "import keras.ops\ndef g():\n    return keras\n"
    answers = read(twice, ["def f():\n", "    return g()"], twice)["found"]
    assert [answers[name]["uses"] for name in "fg"] == [["g"], []]
    assert [answers[name]["definitions"] for name in "fg"] == [1, 2]
    assert answers["f"]["heavy"]
    assert ["def f():\n    return g()", True] in answers["f"]["program"]


@pytest.mark.parametrize("module", ["keras", "keras.ops"])
def test_a_module_that_is_imported_by_its_name_in_a_string_counts_as_imported(module):
    source = f"import importlib\ndef f():\n    return importlib.import_module({module!r})"
    assert read(source)["found"]["f"]["heavy"]
    assert not read(source.replace(module, "numpy"))["found"]["f"]["heavy"]


def test_a_stub_has_no_definition_and_a_broken_cell_says_what_is_wrong():
    stub = "def f():\n    raise NotImplementedError()"
    assert read(stub)["found"]["f"]["definitions"] == 0
    broken = read(stub, "def f(:\n    return 1")["found"]["f"]
    assert list(broken) == ["broken"]
    assert "`def f(:`" in broken["broken"]
    assert read("def f(:\n    return 1", "f = 1")["found"]["f"]["definitions"] == 1


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("f = 1 + \0", "it cannot be read as Python"),
        ("f = '\ud800'", "it cannot be read as Python"),
        ("f = " + "1 + " * 50_000 + "1", "it is nested too deeply"),
        ("f = " + "-" * 50_000 + "1", "it is nested too deeply"),
    ],
)
def test_a_cell_that_no_reader_understands_costs_no_other(source, why, monkeypatch):
    def parse(cell):
        if cell.endswith("\0"):  # as `tokenize` does from Python 3.12 on
            raise SystemError("returned a result with an exception set")
        return original(cell)

    original = slicer._parse
    monkeypatch.setattr(slicer, "_parse", parse)
    answers = read(source, "def g():\n    return 1")["found"]
    assert answers["f"] == {"broken": why}
    assert answers["g"]["definitions"] == 1


def test_a_file_that_is_no_notebook_says_why():
    for content, why in (
        (b"{", "not JSON"),
        (b"[" * 10**5, "too deeply nested"),
        (b"{}", "no list of cells"),
    ):
        assert why in slicer.read(content, ["f"], (), "✔")["unreadable"]


def test_a_stored_check_that_said_right_is_found():
    cell = {"cell_type": "code", "source": "", "outputs": []}
    for markup in (["<b>✔ Right</b> · f · 2", " of 2"], "<b>✘ Not yet</b> · g · 0 of 2"):
        cell["outputs"].append({"data": {"text/html": markup}})
    content = json.dumps({"cells": [cell]}).encode()
    assert slicer.read(content, ["f", "g"], (), "✔ Right</b>")["said_right"] == ["f"]


OLD, NEW = "bias = 1", "bias = 2"
F, CHECK = "def f():\n    return bias", "check('f', f)"
G = "def f():\n    return bias + 1"


@pytest.mark.parametrize(
    ("cells", "needed", "why"),
    [
        ([OLD, F, CHECK, NEW], [OLD, F], None),
        ([OLD, F, "show(course.check(question='f', answer=f))", NEW], [OLD, F], None),
        ([OLD, F, f"if bias:\n    {CHECK}", NEW], [OLD, F], None),
        ([OLD, F, CHECK, "f = f()"], [OLD, F], "defined below"),
        ([OLD, F, CHECK, G], [OLD, F], "defined below"),
        ([OLD, F, CHECK, G, CHECK, NEW], [OLD, G], "several checks"),
        ([OLD, F, CHECK, CHECK, NEW], [OLD, F], None),
        ([OLD, F, CHECK, NEW, CHECK], [OLD, NEW, F], "several checks"),
        ([OLD, F, NEW], [OLD, F, NEW], "unchecked"),
        ([OLD, F], [OLD, F], None),
        ([OLD, CHECK, F, NEW], [OLD, F, NEW], "unchecked"),
        ([OLD, F, f"def all_of_them():\n    {CHECK}", NEW], [OLD, F, NEW], "unchecked"),
        ([OLD, F, "for name in 'fg':\n    check(name, f)", NEW], [OLD, F, NEW], "unchecked"),
        ([F, CHECK, OLD, NEW], [F, OLD, NEW], "late"),
        (["from m import *", F, CHECK, NEW], ["from m import *", F], None),
        (["def f():\n    return sum", CHECK, "sum = 3"], ["def f():\n    return sum"], None),
        (["def f():\n    raise NotImplementedError()", CHECK, OLD, F], [OLD, F], None),
        ([OLD, "def mine():\n    return bias", "check('f', mine)", NEW], [OLD, 1, "f = mine"], None),
        ([OLD, "check('f', lambda: bias)", NEW], [OLD, 1, "f = lambda: bias"], None),
    ],
)
def test_an_answer_stands_as_it_stood_at_its_check_and_says_where_it_does_not(cells, needed, why):
    found = read(*cells)["found"]["f"]
    needed = [cells[line] if isinstance(line, int) else line for line in needed]
    assert sorted(source for source, _ in found["program"]) == sorted(needed)
    assert found["standing"] == why
    assert bool(slicer.standing(found)) == bool(why)


@pytest.mark.parametrize(
    ("numbers", "needed", "why"),
    [
        ([1, 2, 3, 4], [OLD, F], None),
        ([None, None, None, 4], [OLD, F], None),
        ([1, 3, 4, 2], [OLD, F], "another order"),
        ([1, 3, 2, 4], [OLD, F], "another order"),
        ([5, 2, 3, 4], [OLD, F], "another order"),
        (["x", [], {}, 4], [OLD, F], None),
    ],
)
def test_cells_that_were_run_in_another_order_are_told_by_their_numbers(numbers, needed, why):
    found = read(OLD, F, CHECK, NEW, numbers=numbers)["found"]["f"]
    assert [source for source, _ in found["program"]] == needed
    assert found["standing"] == why


def test_a_definition_below_the_check_counts_if_it_was_run_before_it():
    found = read(F, CHECK, OLD, G, numbers=[1, 4, 2, 3])["found"]["f"]
    assert [source for source, _ in found["program"]] == [OLD, G]
    found = read(OLD, F, CHECK, G, numbers=[1, 2, 4, 3])["found"]["f"]
    assert [source for source, _ in found["program"]] == [OLD, G]
    assert found["standing"] == "another order"
    assert found["definitions"] == 2


def test_a_check_that_gives_no_answer_is_none():
    for call in (
        "check('f', *rest)",
        "check(*'fg')",
        "check('f')",
        "check()",
        "check(f, 'f')",
        "check(1, 2)",
    ):
        assert read(OLD, call)["found"] == {}
    assert read(OLD, F, "check('f')", NEW)["found"]["f"]["standing"] == "unchecked"


def test_a_standing_that_is_none_says_nothing():
    for standing in (None, "other", ["late"], {}):
        assert slicer.standing({"standing": standing}) == ""
