"""Code that does not end is stopped, and what runs beside it is left alone."""

import contextlib
import importlib
import signal
import sys
import threading
import time

import pytest

from course_lib.grading import limit
from course_lib.grading.limit import Limit, OutOfTimeError


def compute(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass
    return "done"


def endless():
    while True:
        pass


def endless_whatever_it_catches():
    while True:
        try:
            sum(range(1000))
        except BaseException:
            continue


def endless_whatever_it_suppresses():
    while True:
        with contextlib.suppress(BaseException):
            sum(range(1000))


def asleep():
    time.sleep(60)


@pytest.fixture(params=["a timer", "a thread"])
def ticking(request, monkeypatch):
    if request.param == "a thread":  # as on Windows
        monkeypatch.delattr(signal, "setitimer")


@pytest.mark.parametrize("function", [endless, endless_whatever_it_catches, endless_whatever_it_suppresses])
def test_what_does_not_end_is_stopped(ticking, function):
    start = time.monotonic()
    with Limit(0.3) as watch:
        assert watch.call(sum, [1, 2]) == 3
        with pytest.raises(OutOfTimeError):
            watch.call(function)
    assert watch.is_over
    assert sys.exception() is None  # what was stopped is in no later traceback
    assert 0.3 < time.monotonic() - start < 10


def test_who_sleeps_is_stopped_by_the_clock():
    start = time.monotonic()
    with Limit(0.2) as watch, pytest.raises(OutOfTimeError):
        watch.call(asleep)
    assert 0.6 < time.monotonic() - start < 10


def test_the_time_of_all_calls_counts(ticking, monkeypatch):
    monkeypatch.setattr(limit, "BY_THE_CLOCK", 1000)  # a busy machine waits long
    with Limit(1) as watch:
        watch.call(compute, 0.4)
        watch.call(compute, 0.4)
        with pytest.raises(OutOfTimeError):
            watch.call(compute, 0.8)  # over time for three looks at the clock


def test_a_limit_inside_another_leaves_the_outer_one_its_timer(ticking):
    def nested():
        with Limit(5) as inner:
            inner.call(sum, [1, 2])
        endless()

    start = time.monotonic()
    with Limit(0.3) as watch, pytest.raises(OutOfTimeError):
        watch.call(nested)
    assert time.monotonic() - start < 10


def test_nothing_is_raised_outside_a_call(ticking):
    with Limit(0.1) as watch:
        compute(0.5)
    assert watch.is_over


def test_afterwards_the_signal_is_as_it_was(ticking):
    before, trace = signal.getsignal(limit.SIGNAL), sys.gettrace()
    with Limit(0.1) as watch, pytest.raises(OutOfTimeError):
        watch.call(endless)
    time.sleep(3 * limit.TICK)
    assert signal.getsignal(limit.SIGNAL) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert sys.gettrace() == trace


def test_a_long_import_is_not_stopped(tmp_path, monkeypatch):
    (tmp_path / "takes_long.py").write_text(
        "import time\nstart = time.thread_time()\nwhile time.thread_time() - start < 1:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with Limit(0.5) as watch:
        assert watch.call(importlib.import_module, "takes_long").__name__ in sys.modules
    assert not watch.is_over


def test_in_another_thread_and_in_a_browser_a_call_runs_without_a_limit(monkeypatch):
    returned = []

    def in_vain():
        with Limit(0.1) as watch:
            returned.append(watch.call(compute, 0.3))

    thread = threading.Thread(target=in_vain)
    thread.start()
    thread.join()
    monkeypatch.setattr(sys, "platform", "emscripten")
    in_vain()
    assert returned == ["done", "done"]
