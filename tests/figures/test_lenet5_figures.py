"""The connection table, read back from its figure."""

import pytest
from drawings import axes_of, words_of

from course_lib import figures
from course_lib.layers import LENET_TABLE


def test_table_one_has_sixty_crosses_and_their_sums():
    picture = figures.connection_table(LENET_TABLE)
    words = words_of(picture)
    assert words.count("\N{MULTIPLICATION SIGN}") == 60
    bold = [text.get_text() for text in axes_of(picture).texts if text.get_weight() == "bold"]
    assert bold == ["3"] * 6 + ["4"] * 9 + ["6"] + ["10"] * 6 + ["60"]
    assert picture.alt == (
        "Connection table: of 16 output maps, 6 read 3, 9 read 4, 1 read 6 of 6 input maps, 60 in all."
    )
    with pytest.raises(ValueError, match="rows of booleans"):
        figures.connection_table([[0, 1]])
