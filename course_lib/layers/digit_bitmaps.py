"""Ten digits, drawn by hand in 7 x 12 pixels: the fixed code that LeNet-5's output layer compares with.

The paper (section II.B, figure 3) uses such stylised pictures because similar characters then get similar
codes. Its figure is not reproduced: these digits are our own drawing.
"""

import numpy as np

__all__ = ["DIGIT_BITMAPS"]

_ZERO_TO_FOUR = """
..###.. ...##.. .#####. .#####. ....##.
.##.##. ..###.. ##...## ##...## ...###.
##...## .####.. ##...## .....## ..####.
##...## ##.##.. .....## .....## ..#.##.
##...## ...##.. .....## .....## .##.##.
##...## ...##.. ....##. ..####. .#..##.
##...## ...##.. ...##.. ..####. ##..##.
##...## ...##.. ..##... .....## #######
##...## ...##.. .##.... .....## #######
##...## ...##.. ##..... .....## ....##.
.##.##. ...##.. ####### ##...## ....##.
..###.. .###### ####### .#####. ....##.
"""

_FIVE_TO_NINE = """
####### ..####. ####### .#####. .#####.
####### .##..## ####### ##...## ##...##
##..... ##..... .....## ##...## ##...##
##..... ##..... .....## ##...## ##...##
##..... ##..... ....##. .##.##. ##...##
######. #.###.. ....##. ..###.. .######
.....## ######. ...##.. ..###.. ..###.#
.....## ##...## ...##.. .##.##. .....##
.....## ##...## ..##... ##...## .....##
.....## ##...## ..##... ##...## .....##
##...## ##...## .##.... ##...## ##..##.
.#####. .#####. .##.... .#####. .####..
"""


def _bitmaps(drawing):
    """Return one row of 84 values for each picture of a drawing: +1 where there is ink, -1 elsewhere."""
    lines = [line.split() for line in drawing.split("\n") if line]
    return [
        [1 if pixel == "#" else -1 for row in picture for pixel in row]
        for picture in zip(*lines, strict=True)
    ]


# (10, 84), row after row of each picture: DIGIT_BITMAPS[3].reshape(12, 7) is the picture of a three.
DIGIT_BITMAPS = np.array(_bitmaps(_ZERO_TO_FOUR) + _bitmaps(_FIVE_TO_NINE), dtype="int8")
DIGIT_BITMAPS.flags.writeable = False
