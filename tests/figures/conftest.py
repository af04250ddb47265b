"""Build LeNet-5 once for all pictures of it."""

import pytest

from course_lib.architectures import lenet5


@pytest.fixture(scope="session")
def model():
    return lenet5()
