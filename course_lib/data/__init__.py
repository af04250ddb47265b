"""Load pictures to learn from: scanned digits, drawn shapes, or any image classification dataset of TFDS.

    pictures = data.load("digits", image_size=20, pad=6, augmentation=data.Augmentation(shift=2))
    model.fit(pictures.train, validation_data=pictures.test, shuffle=False)

`digits` and `shapes` come with the course and need no network; any other is a name in
tensorflow-datasets (TFDS).
"""

from course_lib.data.augmentation import Augmentation, warp
from course_lib.data.handwriting import read_digit
from course_lib.data.loading import Dataset, load
from course_lib.data.shapes import SHAPES, Drawing, draw_shapes

__all__ = ["SHAPES", "Augmentation", "Dataset", "Drawing", "draw_shapes", "load", "read_digit", "warp"]
