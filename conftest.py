"""How pytest treats the notebooks; the library's own fixtures are in tests/conftest.py."""

import os

import pytest


def pytest_configure(config):
    """Make a value outside its band an error, in kernels too, and find nbval's file from any folder."""
    os.environ["COURSE_STRICT"] = "1"
    path = config.getoption("nbval_sanitize_with", None)
    if path:
        config.option.nbval_sanitize_with = str(config.rootpath / path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each file to one worker: the cells of a notebook share a kernel."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


def pytest_runtest_setup(item):
    """Fail a notebook cell that was never executed, which nbval would pass unseen."""
    cell = getattr(item, "cell", None)
    if cell is not None and cell.execution_count is None:
        pytest.fail(
            f"{item.name} of {item.path.name} has no stored run: python -m course_lib.notebooks execute"
        )
