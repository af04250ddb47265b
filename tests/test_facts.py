"""Test what `record`, `band`, `report` and `store` accept, and that facts.csv and the chapters agree."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib import facts

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

CSV = """id,chapter,claim,claimed,found,verdict,how,source
NET-1,net,It has 60000 parameters.,"60,000","60,000",right,ledger,
NET-2,net,Glyph size,7x2,7 x 12,typo,"7 * 12 = 84, <b>not</b> 14",the paper
NET-3,net,Sharing gives invariance,invariance,equivariance,wrong,a shifted image,the paper
NET-4,net,Was first,first,no,wrong,cited,Fukushima 1980
NET-5,net,Test error,1 %,0.90 to 2.10 %,rounded,three seeds,
OTHER-1,other,Depth,8,8,right,count,
"""


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """Put six claims in the place of facts.csv, none of them recorded yet."""
    path = tmp_path / "facts.csv"
    path.write_text(CSV, encoding="utf-8")
    monkeypatch.setattr(facts, "FACTS_FILE", path)
    monkeypatch.setattr(facts, "_recorded", set())
    return path


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Put a file that does not exist yet in the place of results.json."""
    path = tmp_path / "results.json"
    monkeypatch.setattr(facts, "RESULTS_FILE", path)
    return path


def record_all():
    facts.record("NET-1", 60_000)
    facts.record("NET-2", (7, 12))
    facts.record("NET-3", "equivariance")
    facts.record("NET-5", facts.band(1.5, 0.9, 2.1, "%", digits=2))


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
    ],
)
def test_a_found_value_has_one_written_form(found, written):
    assert facts.text(found) == written


@pytest.mark.parametrize("found", [0.83, np.float32(1), None, (), (None, 28), (0.5, 2), {"a": 1}, np.ones(3)])
def test_a_value_without_one_written_form_is_refused(found):
    with pytest.raises(ValueError, match=r"facts\.band.*Received: found="):
        facts.text(found)


def test_a_recorded_value_shows_its_claim_and_verdict(claims):
    assert (
        repr(facts.record("NET-1", 60_000))
        == "NET-1: It has 60000 parameters. Found: 60,000. Verdict: right."
    )


def test_a_value_that_differs_from_the_stored_one_is_refused(claims):
    with pytest.raises(ValueError, match=r"NET-1 .*'60,000'.*Received: '61,706'"):
        facts.record("NET-1", 61_706)


@pytest.mark.parametrize("id", ["NET-9", None, []])
def test_an_unknown_claim_is_refused(claims, id):
    with pytest.raises(ValueError, match="Received: id="):
        facts.record(id, 1)


def test_a_claim_that_fails_when_run_again_no_longer_counts(claims):
    record_all()
    with pytest.raises(ValueError, match="NET-1"):
        facts.record("NET-1", 61_706)
    with pytest.raises(ValueError, match="NET-1"):
        facts.report("net")


def test_a_band_is_written_with_the_digits_that_its_ends_need():
    assert facts.band(1.5, 0.9, 2.1, "%", digits=2) == "0.90 to 2.10 %"
    assert facts.band(1.5, 0.95, 2, "%") == "0.95 to 2.00 %"
    assert facts.band(30_000, 20_000, 40_000) == "20,000 to 40,000"
    assert facts.band(np.float32(0.5), -1, 1) == "-1 to 1"


def test_both_ends_belong_to_the_band():
    assert facts.band(0.9, 0.9, 2.1) == facts.band(2.1, 0.9, 2.1) == "0.9 to 2.1"


@pytest.mark.parametrize("value", [0.89, 2.11, float("nan"), float("inf"), None, "many", np.ones(3)])
def test_a_value_outside_its_band_is_refused(value):
    with pytest.raises(ValueError, match=r"within 0\.9 to 2\.1 %\. Received: value="):
        facts.band(value, 0.9, 2.1, "%")


@pytest.mark.parametrize(("low", "high"), [(2, 1), (1, 1), (0, float("inf")), (float("nan"), 1), ("0", 1)])
def test_a_band_without_two_finite_ends_in_order_is_refused(low, high):
    with pytest.raises(ValueError, match="Received: low="):
        facts.band(1, low, high)


def test_a_report_names_every_claim_that_was_not_recorded(claims):
    facts.record("NET-1", 60_000)
    with pytest.raises(ValueError, match=r"NET-2.*NET-3.*NET-5") as error:
        facts.report("net")
    assert "NET-1" not in str(error.value)
    assert "OTHER-1" not in str(error.value)


def test_a_claim_that_is_cited_needs_a_source_and_no_cell(claims):
    record_all()
    claims.write_text(CSV.replace("Fukushima 1980", ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"source.*NET-4"):
        facts.report("net")


def test_a_chapter_without_claims_is_refused(claims):
    with pytest.raises(ValueError, match="Received: chapter='nte'"):
        facts.report("nte")


def test_a_report_shows_corrections_first_and_escapes_them(claims):
    record_all()
    report = facts.report("net")
    for shown in (repr(report), report._repr_html_()):
        places = [shown.index(word) for word in ("NET-3", "NET-4", "NET-2", "NET-5", "NET-1")]
        assert places == sorted(places)
        assert "3 of 5 claims corrected: 2 wrong, 1 typo" in shown
        assert "2 of 5 claims confirmed: 1 rounded, 1 right" in shown
        assert "OTHER-1" not in shown
    assert "&lt;b&gt;not&lt;/b&gt;" in report._repr_html_()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,chapter", "chapter,id", "columns"),
        ("NET-2,net", "NET-1,net", "an id of its own"),
        (",right,ledger,", ",right,ledger", "8 values"),
        (",right,ledger,", ",correct,ledger,", "verdict"),
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


def test_every_chapter_records_each_of_its_claims_and_reports_them():
    known = facts.facts()
    for chapter in {fact.chapter for fact in known.values()}:
        paths = list(NOTEBOOKS.glob(f"[0-9][0-9]_{chapter}.ipynb"))
        assert len(paths) == 1, f"{chapter} has claims and must have one notebook"
        cells = nbformat.read(paths[0], as_version=4).cells
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        recorded = set(re.findall(r"""\brecord\(\s*["']([^"']*)["']""", source))
        computed = {fact.id for fact in known.values() if fact.chapter == chapter and not fact.cited}
        assert computed <= recorded, f"{paths[0].name} never records {sorted(computed - recorded)}"
        assert recorded <= set(known), f"{paths[0].name} records {sorted(recorded - set(known))}, unknown"
        assert re.search(rf"""\breport\(\s*["']{chapter}["']""", source), f"{paths[0].name} never reports"


def test_each_computed_claim_names_the_heading_under_which_it_is_recorded():
    headings = {}
    for path in NOTEBOOKS.glob("*.ipynb"):
        heading = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                heading = ([heading, *re.findall(r"^##+ (?:\d+\. )?(.*)", cell.source, flags=re.M)])[-1]
            else:
                for id in re.findall(r"""\brecord\(\s*["']([^"']*)["']""", cell.source):
                    headings[id] = f"chapter {path.name[:2]}, {heading}"
    computed = {fact.id: fact.how for fact in facts.facts().values() if not fact.cited}
    assert computed == headings


def test_each_chapters_stored_report_is_the_one_of_the_file():
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        (report,) = [cell for cell in cells if cell.source.startswith("facts.report(")]
        chapter = re.search(r'"(.*)"', report.source)[1]
        rows = [fact for fact in facts.facts().values() if fact.chapter == chapter]
        assert report.outputs[0].data["text/html"] == facts.Report(rows)._repr_html_(), path.name
