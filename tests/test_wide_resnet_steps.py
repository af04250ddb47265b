"""The stored times of chapter 10: their table, their fit, the networks that they compare."""

import pytest

from benchmarks import wide_resnet_steps as steps
from benchmarks import wide_resnet_ways as ways
from course_lib import architectures, facts
from course_lib.architectures import outline
from course_lib.ledger import ledger


@pytest.fixture(scope="module")
def stored():
    return facts.stored("wide_resnet_steps")


def test_the_table_of_the_readme_is_the_stored_result(stored):
    text = steps.README.read_text(encoding="utf-8").split(steps.BEGIN)[1].split(steps.END)[0]
    lines = [*steps.table(stored["result"]["rows"]), "", steps.circumstances(stored)]
    assert text == "\n".join(["", *lines, ""])


def test_the_stored_counts_are_those_of_the_networks(stored):
    rows = stored["result"]["rows"]
    for row in rows[: len(steps.NETWORKS)]:
        depth, widen = (int(part) for part in row["network"].split("-"))
        book = ledger(outline(architectures.wide_resnet, depth, widen, input_shape=tuple(row["input"])))
        written = [each.activations for each in book.rows if each.kind == "Conv2D"]
        counts = {"macs": book.macs, "parameters": book.parameters}
        counts |= {"convolutions": len(written), "values": sum(written)}
        assert counts == {name: row[name] for name in counts}


def test_networks_of_a_set_have_the_same_work_and_weights_within_six_per_cent(stored):
    rows = stored["result"]["rows"]
    for begin in (0, len(steps.NETWORKS)):
        for three in (rows[begin : begin + 3], rows[begin + 3 : begin + 6]):
            for count in ("macs", "parameters"):
                values = [row[count] for row in three]
                assert max(values) < 1.06 * min(values)


def test_the_causes_are_found_again_in_times_that_are_made_of_them():
    work = [(10, 4, 2), (46, 6, 3), (16, 9, 30), (28, 2, 1)]
    rows = [
        {"convolutions": layers, "values": values * 1e6, "macs": macs * 1e9}
        | {"milliseconds": [0, 0.5 * layers + steps.BATCH * (2 * values + 7 * macs), 0]}
        for layers, values, macs in work
    ]
    prices, error = steps.causes(rows)
    assert prices == pytest.approx([0.5, 2, 7])
    assert error < 1e-9


def test_the_stored_runs_are_six_of_all_networks_two_of_them_with_one_thread():
    runs = facts.stored(ways.STORED)["result"]
    assert len({(run["seed"], run["threads"]) for run in runs}) == len(runs) == 6
    assert sum(run["threads"] == 1 for run in runs) == 2
    assert all(set(run["errors"]) == {f"{d}-{k}" for d, k in ways.NETWORKS} for run in runs)
