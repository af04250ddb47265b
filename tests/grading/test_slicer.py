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


def read(*cells, names=("f", "g"), heavy=("keras",)):
    content = json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells]})
    return slicer.read(content.encode(), names, heavy, "✔ Right</b>")


def test_an_answer_says_what_it_uses_and_how_often_it_is_defined():
    twice = "import keras.ops\ndef g():\n    return keras\n"
    answers = read(twice, ["def f():\n", "    return g()"], twice)["found"]
    assert [answers[name]["uses"] for name in "fg"] == [["g"], []]
    assert [answers[name]["definitions"] for name in "fg"] == [1, 2]
    assert answers["f"]["heavy"]
    assert ["def f():\n    return g()", True] in answers["f"]["program"]


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
