"""What version 0.1.0 imported from `course_lib.datasets` is still there."""

from course_lib import data, datasets


def test_datasets_hands_on_every_public_name_of_data():
    assert datasets.__all__ == data.__all__
    assert all(getattr(datasets, name) is getattr(data, name) for name in data.__all__)
