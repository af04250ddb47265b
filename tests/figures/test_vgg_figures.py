"""A pyramid, read back from its figure."""

from types import SimpleNamespace

import numpy as np
import pytest
from drawings import axes_of, words_of

from course_lib import figures
from course_lib.ledger import ledger


def test_a_pyramid_has_a_column_on_each_side_of_the_names(model):
    counts = ledger(model)
    picture = figures.pyramid(counts, ("connections", "parameters"))
    rows = [row for row in counts.rows if row.connections or row.parameters]
    patches = axes_of(picture).patches
    left, right = patches[: len(rows)], patches[len(rows) :]
    for bars, name in ((left, "connections"), (right, "parameters")):
        values = np.array([getattr(row, name) for row in rows])
        np.testing.assert_allclose([bar.get_width() for bar in bars], 3 * values / values.max())
    assert len({bar.get_x() + bar.get_width() for bar in left}) == 1  # they end at the names
    assert len({bar.get_x() for bar in right}) == 1
    assert left[0].get_y() > left[1].get_y()
    words = words_of(picture)
    assert words[:2] == ["connections: 340,908", "35.9 %"]
    assert words[-2:] == ["output", "10"]
    assert "C1 to output" in picture.alt
    assert "connections, 340,908 in all, most in C3 (151,600)" in picture.alt
    for columns in (("parameters",), ("parameters", "bytes"), ("parameters", "non_trainable_macs")):
        with pytest.raises(ValueError, match=r"two columns of the ledger.*Received: "):
            figures.pyramid(counts, columns)
    with pytest.raises(ValueError, match=r"count something.*Received: "):
        figures.pyramid(SimpleNamespace(rows=rows[1:2]), ("parameters", "macs"))
