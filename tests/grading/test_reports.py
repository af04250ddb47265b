"""Every report holds the same points, survives any name, and says when nothing held the code."""

import csv
import io
import json
import os
import random
import re
import time
import tomllib
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading import questions, reports
from course_lib.grading.answer import attempt
from course_lib.grading.feedback import LOOKS, number
from course_lib.grading.judge import judge
from course_lib.grading.own import include
from course_lib.grading.release import ROOT
from course_lib.grading.reports import slug, write

BIAS = "The bias is missing: each filter has one."
FLIPPED = "The kernel is flipped, as in mathematics."
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "line\nbreak\r\n,comma",
    "undecodable \udcff\ud800 bytes",
    "=1+1",
    "../../etc/passwd",
    "/absolute",
    "\x1b[31mred\x1b[0m\x00",
    "\u202eesrever",
    "",
    " ",
    ".",
    "..",
    "con",
    "Nul.txt",
    "a" * 300,
    "`code` & </td></table>",
]


def asked(question, status="right", points=0, possible=2, mistake="", **more):
    points = possible if status == "right" else points
    feedback = more.pop("feedback", mistake or "A sentence.")
    fields = {"question": question, "title": question.title(), "status": status, "feedback": feedback}
    amounts = {"points": points, "possible": possible}
    return {**fields, **amounts, "mistake": mistake, "hint": "Count.", "flags": [], **more}


def chapter(name, *questions, notebook="a.ipynb", notes=()):
    return {"chapter": name, "notebook": notebook, "notes": list(notes), "questions": list(questions)}


def learner(name, *chapters, notes=(), skipped=()):
    return {"learner": name, "notes": list(notes), "skipped": list(skipped), "chapters": list(chapters)}


def unreadable(sentence="The file is empty."):
    return chapter("", asked("", "unreadable", possible=0, title="", feedback=sentence, hint=""))


def batch(*learners, safe=True):
    chapters = {"lenet5": {"possible": 4, "number": "01"}, "foundations": {"possible": 5, "number": "00"}}
    sandbox = "Landlock held the code." if safe else "Nothing held the code."
    about = {"sandbox": sandbox, "safe": safe, "facts": {}, "warnings": [], "skipped": []}
    return {**about, "chapters": chapters, "learners": list(learners)}


def class_of_four(safe=True):
    return batch(
        learner(
            "bela",
            chapter("lenet5", asked("c3", "wrong", mistake=BIAS), asked("s2", "timeout")),
            chapter("foundations", asked("size", "partly", 0.1), asked("field", "partly", 0.2, 3, FLIPPED)),
        ),
        learner("ada", chapter("foundations", asked("size"), asked("field", possible=3)), notes=["Late."]),
        learner("chen", unreadable(), chapter("lenet5", asked("c3", "wrong", mistake=BIAS), asked("s2"))),
        learner(
            "dora",
            chapter("foundations", asked("size", "not attempted"), asked("field", "wrong", 0, 3, FLIPPED)),
            chapter("lenet5", asked("c3", "error"), asked("s2", "crashed"), notes=["Said `2`, is 0."]),
        ),
        safe=safe,
    )


def hostile_class(safe=True):
    """Return a class in which every text, also a chapter's, is hostile."""
    learners = [
        learner(
            name,
            chapter("foundations", asked(name, "wrong", 0, 2, name, title=name, hint=name), notes=[name]),
            chapter("lenet5", asked(name, "partly", 0.5, feedback=name, title=name), notebook=name),
            unreadable(name),
            notes=[name],
            skipped=[{"path": name, "why": name}],
        )
        for name in HOSTILE
    ]
    learners[0]["chapters"][0]["questions"][0]["flags"] = HOSTILE
    everything = {"sandbox": HOSTILE[0], "facts": {name: name for name in HOSTILE}, "warnings": HOSTILE}
    return {**batch(*learners, safe=safe), **everything}


def read(path):
    return path.read_bytes().decode()


def table(path):
    return list(csv.DictReader(io.StringIO(read(path), newline="")))


def files(directory):
    """Return the files that hold text, by their names."""
    found = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if name != reports.ARCHIVE}


def archived(directory):
    """Return what the archive of the learners' pages holds, by name."""
    with zipfile.ZipFile(directory / reports.ARCHIVE) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


class Page(HTMLParser):
    """Parse a page, and fail where a tag is not closed in its order."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        is_layout = data.startswith("\n") and not data.strip()  # between two tags of a template
        if self.open[-1:] != ["style"] and not is_layout:
            self.text += data


def pages(directory):
    return {name: Page(read(path)) for name, path in files(directory).items() if name.endswith(".html")}


def rows(page, caption):
    """Return the cells' text of the body rows of the table with this caption, in the page's source."""
    body = page.split(f">{caption}</caption>")[1].split("</table>")[0].split("</thead>")[1]
    return [
        [re.sub("<[^>]*>", " ", cell).split() for cell in re.findall("<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall("<tr.*?</tr>", body, re.DOTALL)
    ]


def test_every_file_is_there(tmp_path):
    write(tmp_path / "new" / "out", class_of_four())
    expected = {"report.csv", "report.json", "gradebook.csv", "index.html"}
    for name in ("ada", "bela", "chen", "dora"):
        expected |= {f"learners/{name}.csv", f"learners/{name}.html", f"gradescope/{name}.json"}
    assert set(files(tmp_path / "new" / "out")) == expected
    assert (tmp_path / "new" / "out" / "learners.zip").is_file()


def test_the_archive_to_hand_back_holds_each_learner_s_page_and_nothing_else(tmp_path):
    write(tmp_path, hostile_class())
    pages = {path.name: read(path) for path in (tmp_path / "learners").glob("*.html")}
    assert len(pages) == len(HOSTILE)
    assert archived(tmp_path) == pages


def test_the_points_add_up_in_every_report(tmp_path):
    write(tmp_path, class_of_four())
    totals = {"ada": 5, "bela": 0.3, "chen": 2, "dora": 0}
    for line in table(tmp_path / "gradebook.csv"):
        total = totals[line["learner"]]
        assert (float(line["total"]), float(line["possible"])) == (total, 9)
        assert sum(float(line[name] or 0) for name in ("foundations", "lenet5")) == total
    for name, total in totals.items():
        for lines in (table(tmp_path / "report.csv"), table(tmp_path / "learners" / f"{name}.csv")):
            points = [float(line["points"]) for line in lines if line["submission"] == name]
            assert round(sum(points), 9) == total
        scope = json.loads(read(tmp_path / "gradescope" / f"{name}.json"))
        assert scope["score"] == total
        assert round(sum(test["score"] for test in scope["tests"]), 9) == total
        assert f"{number(total)} of 9 points" in Page(read(tmp_path / f"learners/{name}.html")).text
    index = read(tmp_path / "index.html")
    assert {row[0][0]: float(row[3][0]) for row in rows(index, "Learners and their points")} == totals
    assert "<dd>1.8</dd><dt>mean of 9 points</dt>" in index
    assert re.search(r"<dd>1\.[12]</dd><dt>median</dt>", index)  # 1.15, between 0.3 and 2


def test_the_table_has_its_columns_and_the_lines_of_rfc_4180(tmp_path):
    write(tmp_path, class_of_four())
    text = read(tmp_path / "report.csv")
    assert text.startswith("submission,chapter,question,points,possible,status,feedback,flags\r\n")
    assert text.count("\n") == text.count("\r\n") == 1 + 13 + 2  # two learners have a note
    assert 'bela,foundations,field,0.2,3,partly,"The kernel is flipped, as in mathematics.",\r\n' in text
    header = "submission,chapter,question,points,possible,status,feedback\r\n"
    assert read(tmp_path / "learners" / "bela.csv").startswith(header)
    assert read(tmp_path / "gradebook.csv").startswith("learner,foundations,lenet5,total,possible\r\n")


def test_a_chapter_that_was_not_handed_in_is_empty_not_zero(tmp_path):
    write(tmp_path, class_of_four())
    lines = {line["learner"]: line for line in table(tmp_path / "gradebook.csv")}
    assert (lines["ada"]["foundations"], lines["ada"]["lenet5"]) == ("5", "")
    assert (lines["dora"]["foundations"], lines["dora"]["lenet5"]) == ("0", "0")
    assert "01 lenet5not handed in" in Page(read(tmp_path / "learners" / "ada.html")).text


def test_a_chapter_without_a_notebook_is_one_step_and_no_part_of_the_statistics(tmp_path):
    questions = [
        asked(name, "not attempted", feedback="No notebook was found.") for name in ("size", "field")
    ]
    late = learner("late", chapter("foundations", *questions, notebook=None))
    write(tmp_path, batch(late, learner("ada", chapter("foundations", asked("size"), asked("field")))))
    found = rows(read(tmp_path / "index.html"), "Exercises")
    assert [row[2] for row in found[1:]] == [["100", "%"], ["100", "%"]]
    assert "mistake has no name" not in read(tmp_path / "index.html")
    assert table(tmp_path / "gradebook.csv")[1]["foundations"] == ""
    page = read(tmp_path / "learners" / "late.html")
    assert page.split('<ol class="steps">')[1].split("</ol>")[0].count("<li>") == 1
    assert "Hand in 00 foundations" in page


def test_an_instructor_s_own_chapter_comes_after_those_of_the_course(tmp_path):
    own = batch(learner("ada", chapter("own", asked("q"))))
    own["chapters"]["own"] = {"possible": 2, "number": ""}
    write(tmp_path, own)
    assert read(tmp_path / "gradebook.csv").startswith("learner,foundations,lenet5,own,total,possible")
    assert "<h2>own</h2>" in read(tmp_path / "learners" / "ada.html")


def test_the_json_report_holds_all_of_the_batch(tmp_path):
    given_batch = class_of_four()
    write(tmp_path, given_batch)
    found = json.loads(read(tmp_path / "report.json"))
    learners = {one["learner"]: one for one in found["learners"]}
    for one in given_batch["learners"]:
        written = learners[one["learner"]]
        assert written["notes"] == one["notes"]
        assert sorted(written["chapters"], key=str) == sorted(one["chapters"], key=str)
        assert (written["slug"], written["possible"]) == (slug(one["learner"]), 9)
    assert [found[key] for key in ("sandbox", "safe", "chapters")] == [
        given_batch[key] for key in ("sandbox", "safe", "chapters")
    ]


@pytest.mark.parametrize("made", [class_of_four, hostile_class])
def test_every_file_says_that_nothing_held_the_code_and_none_says_so_otherwise(tmp_path, made):
    write(tmp_path / "held", made())
    write(tmp_path / "free", made(safe=False))
    for name, path in files(tmp_path / "free").items():
        assert "graded without a sandbox" in read(path).lower(), name
    for name, path in files(tmp_path / "held").items():
        assert "graded without a sandbox" not in read(path).lower(), name
    assert {line["graded without a sandbox"] for line in table(tmp_path / "free" / "gradebook.csv")} == {
        "yes"
    }


def test_what_held_the_code_is_said_once(tmp_path):
    for sandbox in ("Graded without a sandbox: anything goes.", "Anything goes."):
        write(tmp_path, {**class_of_four(safe=False), "sandbox": sandbox})
        text = Page(read(tmp_path / "index.html")).text.lower()
        assert (text.count("graded without a sandbox"), text.count("anything goes.")) == (1, 1)


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("made", [class_of_four, hostile_class, lambda safe: batch(safe=safe)])
def test_every_page_is_well_formed_alone_and_accessible(tmp_path, made, safe):
    write(tmp_path, made(safe=safe))
    for name, page in pages(tmp_path).items():
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "img", "link", "iframe", "object", "form", "base", "svg"}, name
        for tag, attributes in page.tags:
            assert not {"src", "onerror", "onclick"} & set(attributes)
            if tag == "th":
                assert attributes["scope"] in ("row", "col", "rowgroup")
            if tag == "a":
                assert re.fullmatch(r"learners/[A-Za-z0-9_.-]+\.html", attributes["href"])
                assert (tmp_path / attributes["href"]).is_file()
        tables = [tag for tag, _ in page.tags if tag == "table"]
        assert len(tables) == len([tag for tag, _ in page.tags if tag == "caption"])
        assert ("html", {"lang": "en"}) in page.tags


def test_a_bar_never_stands_without_its_value(tmp_path):
    write(tmp_path, class_of_four())
    for path in (tmp_path / "index.html", tmp_path / "learners" / "bela.html"):
        bare = [row for row in re.findall("<tr.*?</tr>", read(path), re.DOTALL) if 'class="bar"' in row]
        assert bare
        assert all(re.search(r"\d", re.sub("<[^>]*>", "", row)) for row in bare)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_in_every_report(tmp_path, name):
    write(tmp_path, batch(learner(name, chapter("foundations", asked("size", "wrong", feedback=name)))))
    shown = reports._clean(name)
    assert json.loads(read(tmp_path / "report.json"))["learners"][0]["learner"] == shown
    assert table(tmp_path / "report.csv")[0]["submission"].removeprefix("'") == shown
    assert set(files(tmp_path)) == {
        "report.csv",
        "report.json",
        "gradebook.csv",
        "index.html",
        f"learners/{slug(name)}.csv",
        f"learners/{slug(name)}.html",
        f"gradescope/{slug(name)}.json",
    }
    assert list(archived(tmp_path)) == [f"{slug(name)}.html"]
    index = Page(read(tmp_path / "index.html"))
    assert (shown if shown.strip() else repr(shown)).replace("\r\n", "\n") in index.text.replace("\r\n", "\n")


def test_no_report_holds_the_control_characters_of_a_terminal(tmp_path):
    write(tmp_path, hostile_class())
    for name, path in files(tmp_path).items():
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", read(path)), name
    assert r"\x1b[31mred" in read(tmp_path / "report.csv")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("x;=1", "x;'=1"),
        ('x;"=1', "x;'\"=1"),
        ("x\n=1", "x\n'=1"),
        ("x=1, y - 1; then", "x=1, y - 1; then"),
        ("ada", "ada"),
        ("", ""),
    ],
)
def test_a_spreadsheet_runs_no_text_of_a_learner(tmp_path, text, cell):
    write(tmp_path, batch(learner(f"{text}.", chapter("foundations", asked("q", "wrong", feedback=text)))))
    line = table(tmp_path / "report.csv")[0]
    assert line["feedback"] == cell
    assert line["submission"] == table(tmp_path / "gradebook.csv")[0]["learner"] == f"{cell}."
    assert line["points"] == "0"


def test_a_plain_name_is_its_own_file_name():
    for name in ("ada", "ada.lovelace", "s1234567", "lovelace_ada-2"):
        assert slug(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *HOSTILE,
        "Ada",
        "ADA",
        "ada lovelace",
        "Dörte",
        "李",
        "-rf",
        ".hidden",
        "aux",
        "com1.x",
        "con.txt.gz",
        "\uff43\uff4f\uff4e",
    ],
)
def test_any_other_name_ends_in_a_hash(name):
    found = slug(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}-[0-9a-f]{20}", found)
    assert found.lower() not in reports.RESERVED


def test_a_name_cannot_take_the_file_of_another():
    names = {*HOSTILE, "ada", "Ada", "ADA", "aDa", "a/da", "a\\da", "ada ", "\u00e9", "e\u0301"}
    names |= {"a" * 40 + "\udcff", "a" * 40 + r"\udcff", "a" * 41, "a" * 80, "a" * 81}
    for _ in range(2):  # a learner may bear the name of another's file
        names |= set(map(slug, names))
    assert len({slug(name).lower() for name in names}) == len(names)


NAMES = st.text("aA.- /\\\udcff\n\u00e9", max_size=6)


@given(NAMES, NAMES)
def test_two_names_share_no_file_name_whatever_they_are(one, other):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", slug(one))
    assert (slug(one).lower() == slug(other).lower()) == (one == other)


def test_mistakes_are_counted_by_question_and_sentence(tmp_path):
    write(tmp_path, class_of_four())
    index = read(tmp_path / "index.html")
    named = rows(index, "Mistakes that have a name")
    assert [(" ".join(row[0]), " ".join(row[2]), row[3][0]) for row in named] == [
        ("2 of 3", FLIPPED, "Field"),
        ("2 of 3", BIAS, "C3"),
    ]
    unnamed = rows(index, "Answers whose mistake has no name")
    assert sorted((" ".join(row[0]), " ".join(row[2]), row[3][0]) for row in unnamed) == [
        ("1 of 1", "The notebook could not be read.", "A"),
        ("1 of 3", "Ended its process.", "S2"),
        ("1 of 3", "Not attempted.", "Size"),
        ("1 of 3", "Partly right: some cases are, the mistake behind the others has no name.", "Size"),
        ("1 of 3", "Raised an error.", "C3"),
        ("1 of 3", "Took too long.", "S2"),
    ]


def test_of_many_mistakes_the_rarer_are_counted_alone(tmp_path):
    questions = [asked(f"q{n}", "wrong", mistake=f"Mistake {n}.") for n in range(14)]
    common = chapter("foundations", questions[13])
    write(tmp_path, batch(learner("ada", chapter("foundations", *questions)), learner("bela", common)))
    index = read(tmp_path / "index.html")
    found = rows(index, "Mistakes that have a name")
    assert (len(found), found[0][0][0], found[0][2]) == (12, "2", ["Mistake", "13."])
    assert "2 more are rarer." in index


def test_a_mistake_without_a_name_has_words_for_every_status():
    assert {*reports.UNNAMED, "right", "note"} == set(LOOKS)


def test_the_exercises_have_their_mean_and_their_share_of_right_answers(tmp_path):
    write(tmp_path, class_of_four())
    found = rows(read(tmp_path / "index.html"), "Exercises")
    lines = {row[0][0]: [" ".join(cell) for cell in row[1:]] for row in found if len(row) > 1}
    assert lines["Size"] == ["0.7 of 2", "33 %", "1 right · 1 partly right · 1 not attempted"]
    assert lines["S2"] == ["0.7 of 2", "33 %", "1 right · 1 took too long · 1 crashed"]
    assert [row[0] for row in found if len(row) == 1] == [["00", "foundations"], ["01", "lenet5"]]
    assert len(lines) == 4


def test_the_totals_fall_into_ten_columns(tmp_path):
    many = [learner(f"n{n}", chapter("foundations", asked("size", "partly", n, 9))) for n in range(10)]
    write(tmp_path, batch(*many, learner("zoe"), learner("zara")))
    counts = re.findall(r'class="count">(\d+)<', read(tmp_path / "index.html"))
    assert counts == ["3"] + ["1"] * 9  # all points are in the last


def test_unreadable_notebooks_come_first_in_the_list(tmp_path):
    write(tmp_path, class_of_four())
    found = rows(read(tmp_path / "index.html"), "Learners and their points")
    assert [row[0][0] for row in found] == ["chen", "ada", "bela", "dora"]
    assert "could not be read" in " ".join(found[0][0])
    assert "<dd>1</dd><dt>unreadable</dt>" in read(tmp_path / "index.html")


def test_a_page_shows_sign_word_points_and_sentence_of_every_status(tmp_path):
    statuses = [status for status in LOOKS if status != "note"]
    questions = [asked(f"q{n}", status, feedback=f"Said {n}.") for n, status in enumerate(statuses)]
    write(tmp_path, batch(learner("ada", chapter("foundations", *questions))))
    text = Page(read(tmp_path / "learners" / "ada.html")).text
    for n, status in enumerate(statuses):
        sign, word, _ = LOOKS[status]
        assert f"{sign} {word} · {2 if status == 'right' else 0} of 2 points · Said {n}." in text


def test_what_to_do_next_is_unreadable_then_named_then_tried_then_untouched():
    questions = [
        asked("untouched", "not attempted"),
        asked("slow", "timeout"),
        asked("named", "wrong", mistake=BIAS),
        asked("done"),
    ]
    one = learner("ada", unreadable(), chapter("foundations", *questions))
    steps = [step["question"] for _, step in reports._next(one, most=9)]
    assert steps == ["", "named", "slow", "untouched"]
    assert len(reports._next(one)) == 3


def test_what_to_do_next_names_the_exercise_the_mistake_and_the_hint(tmp_path):
    write(tmp_path, class_of_four())
    page = read(tmp_path / "learners" / "bela.html")
    first = Page(page.split("<ol")[1].split("</li>")[0].join(["<ol", "</li></ol>"])).text
    assert first == f"Field (field, 00 foundations){FLIPPED}Hint: Count."
    assert "Hand in a.ipynb again" in read(tmp_path / "learners" / "chen.html")
    assert "Nothing is left: every exercise is right." in read(tmp_path / "learners" / "ada.html")


def test_a_learner_s_files_hold_nothing_of_the_others(tmp_path):
    write(tmp_path, class_of_four())
    for name, path in files(tmp_path).items():
        if "/" in name:
            others = {"ada", "bela", "chen", "dora"} - {path.stem}
            assert not others & set(re.findall("[a-z]+", read(path))), name


def test_the_notes_reach_the_learner_and_the_instructor(tmp_path):
    write(tmp_path, class_of_four())
    for name in ("index.html", "learners/dora.html"):
        assert "Said <code>2</code>, is 0." in read(tmp_path / name)
    assert "Said `2`, is 0." in json.loads(read(tmp_path / "gradescope" / "dora.json"))["output"]
    assert "Late." in Page(read(tmp_path / "learners" / "ada.html")).text


def test_what_the_instructor_must_know_stands_in_index_and_table_and_in_no_learner_s_file(tmp_path):
    one = class_of_four()
    one["facts"] = {"Date": "2026-11-30 12:00", "Seed": "its SHA-256 begins with 0123456789ab"}
    one["warnings"] = ["Graded as somebody."]
    one["skipped"] = [{"path": "notes.txt", "why": "is neither."}]
    one["learners"][0]["skipped"] = [{"path": "bela/old.ipynb", "why": "was passed over."}]
    one["learners"][0]["chapters"][0]["questions"][1]["flags"] = ["right in the notebook", "crashed"]
    write(tmp_path, one)
    index, lines = Page(read(tmp_path / "index.html")).text, table(tmp_path / "report.csv")
    said = [(line["submission"], line["status"], line["feedback"]) for line in lines]
    assert [one for one in said if one[1] in ("left aside", "note")] == [
        ("", "left aside", "notes.txt is neither."),
        ("bela", "left aside", "bela/old.ipynb was passed over."),
        ("ada", "note", "Late."),
        ("dora", "note", "Said `2`, is 0."),
        ("", "note", "Graded as somebody."),
        ("", "note", "Date: 2026-11-30 12:00"),
        ("", "note", "Seed: its SHA-256 begins with 0123456789ab"),
    ]
    flagged = [(line["submission"], line["question"], line["flags"]) for line in lines if line["flags"]]
    assert flagged == [("bela", "s2", "right in the notebook; crashed")]
    secrets = ("0123456789ab", "Graded as somebody.", "right in the notebook; crashed", "2026-11-30 12:00")
    for text in (*secrets, "notes.txt", "is neither.", "bela/old.ipynb", "was passed over."):
        assert text in index, text
    for name, path in files(tmp_path).items():
        if "/" in name:
            assert not [text for text in secrets if text in read(path)], name


def test_gradescope_gets_the_fields_that_it_documents(tmp_path):
    write(tmp_path, class_of_four())
    for name in ("ada", "bela", "chen", "dora"):
        found = json.loads(read(tmp_path / "gradescope" / f"{name}.json"))
        assert set(found) == {"score", "output", "output_format", "tests"}
        assert found["output_format"] == "text"
        for test in found["tests"]:
            assert set(test) == {
                "name", "score", "max_score", "status", "output", "output_format", "visibility",
            }  # fmt: skip
            assert 0 <= test["score"] <= test["max_score"]
            assert (test["status"] == "passed") == test["output"].startswith("✔ Right")
            assert (test["output_format"], test["visibility"]) == ("text", "visible")
    assert found["tests"][0]["name"] == "00 foundations: Size"


def test_the_same_batch_in_any_order_and_at_any_time_gives_the_same_bytes(tmp_path, monkeypatch):
    for seed in (1, 2):
        shuffled = class_of_four()
        random.Random(seed).shuffle(shuffled["learners"])
        for one in shuffled["learners"]:
            random.Random(seed).shuffle(one["chapters"])
        write(tmp_path / str(seed), shuffled)
    first, second = files(tmp_path / "1"), files(tmp_path / "2")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }
    one, other = ((tmp_path / seed / reports.ARCHIVE).read_bytes() for seed in ("1", "2"))
    assert one == other
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2e9))
    write(tmp_path / "2", class_of_four())
    assert (tmp_path / "2" / reports.ARCHIVE).read_bytes() == one


def test_an_interrupted_write_leaves_the_old_report_whole(tmp_path, monkeypatch):
    write(tmp_path, class_of_four())
    before = {name: path.read_bytes() for name, path in files(tmp_path).items()}

    def full(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, class_of_four(safe=False))
    assert {name: path.read_bytes() for name, path in files(tmp_path).items()} == before


def test_a_batch_without_learners_is_still_a_report(tmp_path):
    write(tmp_path, batch())
    assert table(tmp_path / "report.csv") == []
    assert "None." in Page(read(tmp_path / "index.html")).text


PAGE = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")


def listed(header):
    """Return the first cells of the table under this header in the instructor's page."""
    lines = PAGE.split(f"| {header} |\n")[1].split("\n\n")[0].splitlines()[1:]
    return [line.split("|")[1].strip() for line in lines]


def test_the_instructor_s_page_lists_every_report_and_every_status(tmp_path):
    write(tmp_path, batch(learner("ada", chapter("lenet5", asked("c3")))))
    names = re.findall("`([^`]+)`", " ".join(listed("file | holds")).replace("NAME", "ada"))
    names = ["learners/ada.csv" if name == ".csv" else name for name in names]
    assert sorted(names) == sorted([*files(tmp_path), reports.ARCHIVE])
    assert sorted(listed("status | means")) == sorted({*LOOKS} - {"note"})


def test_the_question_in_the_instructor_s_page_can_be_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "_own", {})
    file = tmp_path / "pooling.py"
    file.write_text(PAGE.split("```python\n")[1].split("```")[0])
    (question,) = include(file).questions
    cases = question.cases(seed=1)
    answers = [question.reference, *(wrong for _, wrong in question.mistakes)]
    verdicts = [judge(question, cases, [attempt(answer, case) for case in cases]) for answer in answers]
    assert [verdict.status for verdict in verdicts] == ["right", "partly", "wrong"]
    assert [verdict.mistake for verdict in verdicts] == ["", *question.slips.values()]


def is_read_at_run_time(path):
    """Say whether a path of the package is a file of its own, neither Python nor what a tool keeps there."""
    inside = path.relative_to(ROOT).parts
    is_a_tool_s = path.name == "ruff.toml" or any(part.startswith((".", "__pycache__")) for part in inside)
    return path.is_file() and path.suffix != ".py" and not is_a_tool_s


def test_an_installed_package_has_every_file_that_is_no_python():
    package_data = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["setuptools"]["package-data"]
    brought = {
        path
        for package, patterns in package_data.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    files = {path for path in (ROOT / "course_lib").rglob("*") if is_read_at_run_time(path)}
    assert {path.name for path in files} >= {"facts.csv", "page.html", "style.css"}
    assert files == brought
