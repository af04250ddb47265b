"""Networks of full size in milliseconds: their weights have shapes, but no values."""

import functools

import pytest

from course_lib import architectures
from course_lib.ledger import ledger


@pytest.fixture(scope="session")
def full_size():
    """Return a function from a builder's name and arguments to the ledger of its network, built once."""

    @functools.cache
    def build(builder, /, **arguments):
        return ledger(architectures.outline(getattr(architectures, builder), **arguments))

    return build
