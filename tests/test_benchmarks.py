"""The table of benchmarks/run.py; what it measures is measured by hand."""

import pytest

from benchmarks import run

ROUNDS = [(1.0, 2.0), (4.0, 2.0), (1.0, 1.1), (2.0, 6.0), (1.0, 4.0)]  # a load that comes and goes


def _cells(*arguments):
    return [cell.strip() for cell in run.line(*arguments).strip("|").split("|")]


def test_at_least_bounds_how_many_times_as_fast_ours_is_round_by_round():
    assert _cells("x", ROUNDS, "at least 2") == [
        "x",
        "1,000.0 ms",
        "2,000.0 ms",
        "2.00 (1.10 to 3.00)",
        "at least 2",
        "met",
    ]


def test_at_most_bounds_how_many_times_as_long_ours_takes():
    assert _cells("x", ROUNDS, "at most 0.5")[3:] == ["0.50 (0.33 to 0.91)", "at most 0.5", "met"]


def test_images_a_second_are_those_of_a_call():
    assert _cells("x", ROUNDS, "at least 1", 3000)[1:3] == ["3,000 images/s", "1,500 images/s"]


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        ("at least 2.01", "within the spread"),
        ("at least 3.01", "missed"),
        ("at most 0.49", "within the spread"),
        ("at most 0.32", "missed"),
    ],
)
def test_a_goal_that_is_not_met_is_said_to_be_near_or_missed(goal, verdict):
    assert _cells("x", ROUNDS, goal)[-1] == verdict


def test_the_figure_that_is_printed_decides():
    assert _cells("x", [(1.004, 1.0)] * 3, "at most 1.00")[3:] == [
        "1.00 (1.00 to 1.00)",
        "at most 1.00",
        "met",
    ]


def test_the_two_sides_take_turns_and_change_who_begins(monkeypatch):
    calls = []
    sides = run.Comparison(lambda: calls.append("ours"), lambda: calls.append("other"), "at least 1", 8)
    monkeypatch.setattr(run, "ROWS", {"row": lambda: sides})
    monkeypatch.setattr(run, "LEAST_SECONDS", 1e-12)  # no call is so short that it is repeated
    timings, goal, images = run.measure("row", rounds=3)
    assert calls[-6:] == ["ours", "other", "other", "ours", "ours", "other"]
    assert len(timings) == 3
    assert (goal, images) == ("at least 1", 8)


def test_the_table_is_put_between_the_marks_and_nothing_else_changes(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n\n{run.BEGIN}\nold\n{run.END}\n\nafter\n")
    for table in (r"| new \1 |", "| newer |"):
        run.write(table, path)
        assert path.read_text() == f"before\n\n{run.BEGIN}\n{table}\n{run.END}\n\nafter\n"


def test_a_file_without_the_marks_is_refused(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("no table")
    with pytest.raises(ValueError, match="Received: 0"):
        run.write("| new |", path)


def test_the_stored_table_has_a_line_for_each_comparison():
    table = run.README.read_text(encoding="utf-8").split(run.BEGIN)[1].split(run.END)[0]
    names = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| ")]
    assert names == ["what", *(row.__doc__ for row in run.ROWS.values())]
