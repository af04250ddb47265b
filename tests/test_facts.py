"""Test what `record`, `band`, `report` and `store` accept, and that facts.csv and the chapters agree."""

import ast
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib import facts, lesson

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

CSV = """id,chapter,claim,claimed,found,values,verdict,how,source
NET-1,net,It has 60000 parameters.,"60,000",{},"60,000",right,ledger,
NET-2,net,Glyph size,7x2,"{} = {}, <b>not</b> 14",7 x 12; 84,typo,drawing,the paper
NET-3,net,Sharing gives invariance,invariance,equivariance,yes,wrong,a shifted image,the paper
NET-4,net,Was first,first,no,,wrong,cited,Fukushima 1980
NET-5,net,Test error,1 %,{} over three seeds,0.90 to 2.10 %,rounded,three seeds,
NET-6,net,Layers,"C1, C3",{},"C1, C3",right,tests/test_net.py::test_the_layers,
OTHER-1,other,Depth,8,{},8,right,count,
OLD-1,old,Depth,8,8 layers,,right,count,
"""


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """Put eight claims in the place of facts.csv."""
    path = tmp_path / "facts.csv"
    path.write_text(CSV, encoding="utf-8")
    monkeypatch.setattr(facts, "FACTS_FILE", path)
    return path


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Put a file that does not exist yet in the place of results.json."""
    path = tmp_path / "results.json"
    monkeypatch.setattr(facts, "RESULTS_FILE", path)
    return path


def found():
    """Return what the cells of the chapter `net` compute."""
    return {
        "NET-1": 60_000,
        "NET-2": ((7, 12), 84),
        "NET-3": True,
        "NET-5": lesson.band(1.5, 0.9, 2.1, "%", digits=2),
    }


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (60_000, "60,000"),
        (np.int64(156), "156"),
        ((28, 28, 6), "28 x 28 x 6"),
        ([84], "84"),
        (True, "yes"),
        (np.bool_(False), "no"),
        ("0.90 to 2.10 %", "0.90 to 2.10 %"),
        (lesson.band(1.5, 0.9, 2.1, "%", digits=2), "0.90 to 2.10 %"),
        ({"C3", "C1"}, "C1, C3"),
        ({11, 3}, "3, 11"),
    ],
)
def test_a_found_value_has_one_written_form(found, written):
    assert facts.text(found) == written


@pytest.mark.parametrize(
    "found", [0.83, np.float32(1), None, (), (None, 28), (0.5, 2), set(), {"a": 1}, np.ones(3)]
)
def test_a_value_without_one_written_form_is_refused(found):
    with pytest.raises(ValueError, match=r"band\(.*Received: found="):
        facts.text(found)


def test_a_report_compares_every_value_with_its_row(claims):
    assert facts.report("net", found()).holding[0].id == "NET-5"


@pytest.mark.parametrize(
    ("id", "value", "message"),
    [
        ("NET-1", 61_706, r"NET-1 .*'60,000'.*Received: '61,706'"),
        ("NET-1", 60_000.0, r"NET-1: .*Received: found=60000\.0"),
        ("NET-2", (84, (7, 12)), r"NET-2 .*'7 x 12; 84'.*Received: '84; 7 x 12'"),
        ("NET-2", 84, r"NET-2 .*Received: '84'"),
        ("NET-2", ((7, 12), 84, 1), r"NET-2 .*Received: '7 x 12; 84; 1'"),
        ("NET-3", False, r"NET-3 .*'yes'.*Received: 'no'"),
        ("NET-5", "1 to 2 %", r"NET-5 .*Received: '1 to 2 %'"),
        ("NET-4", True, "NET-4 is no claim that a cell of this chapter computes"),
        ("NET-6", {"C1", "C3"}, "NET-6 is no claim that a cell of this chapter computes"),
        ("OTHER-1", 8, "OTHER-1 is no claim that a cell of this chapter computes"),
        ("NET-9", 8, "NET-9 is no claim that a cell of this chapter computes"),
    ],
)
def test_a_report_refuses_a_value_that_differs_or_has_no_claim(claims, id, value, message):
    with pytest.raises(ValueError, match=message):
        facts.report("net", {**found(), id: value})


def test_a_report_names_every_claim_without_a_value(claims):
    with pytest.raises(ValueError, match="NET-2 is missing\nNET-3 is missing\nNET-5 is missing") as error:
        facts.report("net", {"NET-1": 60_000})
    assert "NET-1" not in str(error.value)
    assert "OTHER-1" not in str(error.value)


def test_a_test_hands_its_values_to_require(claims):
    assert facts.require("NET-6", {"C3", "C1"}).words == "C1, C3"
    with pytest.raises(ValueError, match=r"NET-6 .*Received: 'C1'"):
        facts.require("NET-6", {"C1"})


@pytest.mark.parametrize("id", ["NET-99", None, []])
def test_an_unknown_claim_is_refused(claims, id):
    with pytest.raises(ValueError, match="Received: id="):
        facts.require(id, 1)


def test_a_claim_shows_its_words_and_verdict(claims):
    assert (
        repr(facts.facts()["NET-2"]) == "NET-2: Glyph size. Found: 7 x 12 = 84, <b>not</b> 14. Verdict: typo."
    )
    assert facts.facts()["NET-3"].words == "equivariance"
    assert facts.facts()["OLD-1"].words == "8 layers"


def test_the_band_of_version_0_1_0_is_its_words_and_refuses_a_value_outside(monkeypatch):
    monkeypatch.delenv("COURSE_STRICT")
    assert facts.band(1.5, 0.9, 2.1, "%", digits=2) == "0.90 to 2.10 %"
    assert facts.band(1.5, 0.95, 2, "%") == "0.95 to 2.00 %"
    assert facts.band(30_000, 20_000, 40_000) == "20,000 to 40,000"
    assert facts.band(np.float32(0.5), -1, 1) == "-1 to 1"
    with pytest.raises(ValueError, match=r"within 0\.9 to 2\.1 %\. Received: value=2\.11"):
        facts.band(2.11, 0.9, 2.1, "%")


def test_a_claim_that_is_cited_needs_a_source_and_no_cell(claims):
    claims.write_text(CSV.replace("Fukushima 1980", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="NET-4 must name its source"):
        facts.report("net", found())


def test_a_chapter_without_claims_is_refused(claims):
    with pytest.raises(ValueError, match="Received: chapter='nte'"):
        facts.report("nte", {})


def test_a_report_shows_corrections_first_and_escapes_them(claims):
    report = facts.report("net", found())
    for shown in (repr(report), report._repr_html_()):
        places = [shown.index(word) for word in ("NET-3", "NET-4", "NET-2", "NET-5", "NET-1", "NET-6")]
        assert places == sorted(places)
        assert "3 of 6 claims corrected: 2 wrong, 1 typo" in shown
        assert "3 of 6 claims confirmed: 1 rounded, 2 right" in shown
        assert "OTHER-1" not in shown
        assert "0.90 to 2.10 % over three seeds" in shown
    assert "&lt;b&gt;not&lt;/b&gt;" in report._repr_html_()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,chapter", "chapter,id", "columns"),
        ("NET-2,net", "NET-1,net", "an id of its own"),
        (",right,ledger,", ",right,ledger", "9 values"),
        (",right,ledger,", ",correct,ledger,", "verdict"),
        ("7 x 12; 84", "84", "must fill the 2 places"),
        ("equivariance,yes", "equivariance,no", "must fill the 0 places"),
    ],
)
def test_a_broken_row_is_refused(claims, old, new, message):
    claims.write_text(CSV.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        facts.facts()


def test_a_stored_result_comes_back_with_what_made_it(results):
    facts.store("b", {"errors": np.array([0.5, 0.25]), "seeds": (1, 2)}, command="python b.py")
    facts.store("a", 1, command="python a.py")
    entry = facts.stored("b")
    assert entry["result"] == {"errors": [0.5, 0.25], "seeds": [1, 2]}
    assert entry["command"] == "python b.py"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", entry["date"])
    assert set(entry["versions"]) == {"python", "tensorflow", "keras", "course_lib"}
    assert list(json.loads(results.read_text())) == ["a", "b"]
    assert list(results.parent.iterdir()) == [results]


def test_a_result_that_json_cannot_hold_leaves_the_file_as_it_was(results):
    facts.store("a", 1, command="python a.py")
    before = results.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        facts.store("b", float("nan"), command="python b.py")
    with pytest.raises(TypeError, match="Received: <object"):
        facts.store("b", object(), command="python b.py")
    with pytest.raises(ValueError, match="command=''"):
        facts.store("b", 1, command="")
    assert results.read_bytes() == before


def test_a_result_that_was_never_stored_is_refused(results):
    with pytest.raises(ValueError, match=r"\(nothing\)\. Received: name='mnist'"):
        facts.stored("mnist")


def test_every_claim_of_facts_csv_says_what_was_found_and_how():
    for fact in facts.facts().values():
        assert fact.id == fact.id.strip(), fact
        assert fact.claim, fact
        assert fact.found, fact
        assert fact.how, fact
        assert fact.source or not fact.cited, fact
        assert fact.cited or fact.verdict != "history", fact


def chapters():
    """Return the path and the cells of each chapter's notebook by the stem that its claims have."""
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    return {path.stem[3:]: (path, nbformat.read(path, as_version=4).cells) for path in paths}


def report_call(cells):
    """Return the call of `facts.report` in a chapter, as a syntax tree, and its cell."""
    calls = []
    for cell in cells:
        if cell.cell_type == "code" and "facts.report(" in cell.source:
            tree = ast.parse(cell.source)
            calls += [(node, cell) for node in ast.walk(tree) if is_call(node, "report")]
    (call,) = calls
    return call


def is_call(node, name):
    """Return whether a node of a syntax tree calls `facts.name`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == f"facts.{name}"


def handed_over(cells):
    """Return the expression of each claim's value that the chapter's last cell hands over, by id."""
    call, _ = report_call(cells)
    if len(call.args) == 1:  # a chapter that still records its claims in its cells
        return {}
    values = call.args[1]
    return {ast.literal_eval(key): value for key, value in zip(values.keys, values.values, strict=True)}


def recorded(cells):
    """Return the ids of the claims that a chapter records in its cells, each with its heading."""
    return {
        id: heading
        for heading, cell in under_headings(cells)
        for id in re.findall(r"""\brecord\(\s*["']([^"']*)["']""", cell.source)
    }


def under_headings(cells):
    """Yield each code cell with the last heading above it, without its number."""
    heading = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = ([heading, *re.findall(r"^##+ (?:\d+\. )?(.*)", cell.source, flags=re.M)])[-1]
        else:
            yield heading, cell


def names(tree):
    """Return the names that an expression reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def bindings(tree):
    """Yield each name that a cell binds, with the expressions from which it comes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, sources = node.targets, [node.value]
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            targets, sources = [node.target], [node.value]
        elif isinstance(node, ast.For | ast.comprehension):
            targets, sources = [node.target], [node.iter]
        elif isinstance(node, ast.With):
            targets = [item.optional_vars for item in node.items if item.optional_vars]
            sources = [item.context_expr for item in node.items]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):  # log.append(error)
            targets, sources = [node.func.value], node.args
        else:
            continue
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    yield name.id, sources


def computed_names(trees):
    """Return the names that come from what is imported or defined, or from such names."""
    roots, bound = set(), []
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                roots |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                roots.add(node.name)
        bound += bindings(tree)
    roots -= {"facts", "band", "predict", "show"}  # these compute nothing
    computed = set()
    while True:
        known = roots | computed
        new = {name for name, sources in bound if any(names(source) & known for source in sources)} - roots
        if new <= computed:
            return computed
        computed |= new


def test_every_value_of_a_chapters_report_is_computed_and_never_a_literal():
    for stem, (_, cells) in chapters().items():
        trees = [ast.parse(plain(cell)) for cell in cells if cell.cell_type == "code"]
        known = computed_names(trees)
        for id, value in handed_over(cells).items():
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            for part in parts:
                assert names(part) & known, f"{stem}, {id}: {ast.unparse(part)} is not computed"


@pytest.mark.parametrize(
    "source",
    [
        "found = 'a literal'",
        "found = 60_000; found += 1",
        "wanted = [3, 5]; found = max(wanted)",
        "words = 'yes'; found = f'{words}'",
        "found = facts.text(60_000)",
        "found = band(25, 20, 30)",
        "for found in [1, 2]: pass",
    ],
)
def test_a_literal_under_a_name_does_not_count_as_computed(source):
    imports = "from course_lib import facts; from course_lib.lesson import band\n"
    assert "found" not in computed_names([ast.parse(imports + source)])


def test_a_value_that_comes_from_a_computation_counts_as_computed():
    source = """
import ledger
book = ledger.read()
rows = []
for row in book:
    rows.append(row.parameters)
first, *rest = rows
found = f"{first:,}"
"""
    computed = computed_names([ast.parse(source)])
    assert {"book", "rows", "first", "found"} <= computed
    assert "ledger" not in computed


def plain(cell):
    """Return a cell's source without the lines that only IPython understands."""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.M)


def test_every_chapter_finds_each_of_its_claims_and_no_other():
    known, found = facts.facts(), chapters()
    assert {fact.chapter for fact in known.values()} <= set(found), "claims need a chapter's notebook"
    for stem, (path, cells) in found.items():
        call, _ = report_call(cells)
        assert ast.literal_eval(call.args[0]) == stem, path.name
        rows = [fact for fact in known.values() if fact.chapter == stem]
        computed = {fact.id for fact in rows if not fact.cited and not fact.tested}
        assert computed <= {*handed_over(cells), *recorded(cells)}, path.name
        assert {*handed_over(cells), *recorded(cells)} <= set(known), path.name


def test_each_claim_names_the_heading_under_which_its_value_gets_a_name():
    known = facts.facts()
    for path, cells in chapters().values():
        chapter = f"chapter {path.name[:2]}, "
        for id, heading in recorded(cells).items():
            assert known[id].how == chapter + heading, id
        headings = {}
        for heading, cell in under_headings(cells):
            for name, _ in bindings(ast.parse(plain(cell))):
                headings.setdefault(name, set()).add(chapter + heading)
        for id, value in handed_over(cells).items():
            places = set().union(*(headings.get(name, set()) for name in names(value)))
            assert known[id].how in places, f"{id} must name one of {places}"


def test_each_claim_that_a_test_computes_names_the_test():
    for fact in facts.facts().values():
        if fact.tested:
            name, test = fact.how.split("::")
            tree = ast.parse((NOTEBOOKS.parent / name).read_text(encoding="utf-8"))
            (function,) = [node for node in ast.walk(tree) if getattr(node, "name", "") == test]
            calls = [node for node in ast.walk(function) if is_call(node, "require")]
            requirements = [call for call in calls if fact.id in ast.unparse(call.args[0])]
            assert requirements, f"{fact.how} never requires {fact.id}"
            assert all(names(call.args[1]) for call in requirements), f"{fact.id} must be computed"


def test_the_cell_that_hands_the_claims_over_is_the_last_one_and_folded():
    for path, cells in chapters().values():
        if not handed_over(cells):
            continue
        _, cell = report_call(cells)
        assert cell.metadata["jupyter"]["source_hidden"], path.name
        assert {"facts", "hide-input"} <= set(cell.metadata["tags"]), path.name
        assert cell is [cell for cell in cells if cell.cell_type == "code"][-1], path.name
        assert not recorded(cells), path.name


def test_each_chapters_stored_report_is_the_one_of_the_file():
    for stem, (path, cells) in chapters().items():
        _, cell = report_call(cells)
        rows = [fact for fact in facts.facts().values() if fact.chapter == stem]
        assert cell.outputs[0].data["text/html"] == facts.Report(rows)._repr_html_(), path.name
