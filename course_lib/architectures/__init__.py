"""The networks, one file a chapter; every builder is a function of this package."""

from course_lib.architectures.lenet5 import lenet5, lenet5_modern

__all__ = ["lenet5", "lenet5_modern"]
