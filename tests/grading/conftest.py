"""Keep the record of the points out of the repository, and each test's session its own."""

import pytest

from course_lib import grading


@pytest.fixture(autouse=True)
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(grading, "_verdicts", {})
    monkeypatch.setattr(grading, "_hints_shown", {})
