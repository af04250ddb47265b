"""Networks of full size in milliseconds: their weights have shapes, but no values."""

import contextlib
import functools

import pytest

from course_lib import architectures
from course_lib.backend import keras
from course_lib.ledger import ledger


@contextlib.contextmanager
def _no_weights():
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # forgets the variables, which still wait for their values


@pytest.fixture(scope="session")
def no_weights():
    """Return a context in which models are built without values for their weights."""
    return _no_weights


@pytest.fixture(scope="session")
def full_size():
    """Return a function from a builder's name and arguments to the ledger of its network, built once."""

    @functools.cache
    def build(builder, /, **arguments):
        with _no_weights():
            return ledger(getattr(architectures, builder)(**arguments))

    return build
