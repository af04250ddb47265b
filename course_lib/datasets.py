"""Hand on `course_lib.data` under the name that it had in version 0.1.0."""

from course_lib.data import SHAPES, Augmentation, Dataset, Drawing, draw_shapes, load, read_digit, warp

__all__ = ["SHAPES", "Augmentation", "Dataset", "Drawing", "draw_shapes", "load", "read_digit", "warp"]
