"""Stop code in this process that does not end.

Counting the lines that run (`sys.settrace`) makes a right answer four times as slow, measured on a loop of
additions. A timer that looks at the clock, and raises in the code that it interrupts, costs nothing.
"""

import _thread
import signal
import sys
import threading
import time

__all__ = ["Limit", "OutOfTimeError", "out_of_time"]

TICK = 0.2  # seconds between two looks at the clock
BY_THE_CLOCK = 3  # times the seconds of computing: who waits for a processor is not stopped
SIGNAL = getattr(signal, "SIGALRM", signal.SIGFPE)  # on Windows, one that nobody sends


class OutOfTimeError(BaseException):
    """Time is up. No `except Exception` of a learner's catches this."""


def out_of_time(seconds):
    """Return the outcome of a case that did not end, in the form that `judge` takes."""
    why = f"did not end within {seconds:g} seconds of computing. Does a loop never end?"
    return {"ended": "timeout", "why": why}


class Limit:
    """Stop `call` after a number of seconds of computing, counted over all calls in a `with` block.

    An import that is under way is not stopped, and its time not counted. Nothing is stopped where Python has
    no signals (in a browser), in another thread than the main one, in a call of compiled code that does not
    return, and in two loops that both catch everything; there the kernel's restart is left.

    Attributes:
        is_over: whether the time was up.
    """

    def __init__(self, seconds):
        self.seconds, self.is_over = seconds, False
        self._in_call = False
        self._is_ticking = threading.Event()

    def __enter__(self):
        if sys.platform != "emscripten" and threading.current_thread() is threading.main_thread():
            self._start_anew()
            self._handler = signal.signal(SIGNAL, self._look)
            self._is_ticking.set()
            self._tick()
        return self

    def __exit__(self, *_):
        if self._is_ticking.is_set():
            self._is_ticking.clear()
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, *self._timer)
            signal.signal(SIGNAL, self._handler or signal.SIG_DFL)

    def call(self, function, *arguments):
        """Call the function and return what it returns. Raises OutOfTimeError once the time is up."""
        trace = sys.gettrace()
        try:
            self._in_call = True
            returned = next(_alone(function, arguments))
        finally:
            self._in_call = False
            sys.settrace(trace)
        if self.is_over:  # the function caught what stopped it
            raise OutOfTimeError
        return returned

    def _start_anew(self):
        self._computed, self._clock = time.thread_time(), time.monotonic()

    def _tick(self):
        """Let the main thread look at the clock from now on, whatever it runs."""
        if hasattr(signal, "setitimer"):
            # What comes back is the timer of an outer limit, if there is one.
            self._timer = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        else:
            threading.Thread(target=self._interrupt, daemon=True).start()

    def _interrupt(self):
        while self._is_ticking.is_set():
            _thread.interrupt_main(SIGNAL)
            time.sleep(TICK)

    def _look(self, _, frame):
        if _is_importing(frame):
            self._start_anew()
        computed, waited = time.thread_time() - self._computed, time.monotonic() - self._clock
        if computed < self.seconds and waited < BY_THE_CLOCK * self.seconds:
            return
        self.is_over = True
        if self._in_call:
            # A function that catches this meets it again at once, on the line after its `except`.
            sys.settrace(_raise)
            while frame is not None and frame.f_code is not _alone.__code__:
                frame.f_trace = _raise
                frame = frame.f_back
            raise OutOfTimeError


def _alone(function, arguments):
    """Yield what the function returns.

    A generator has exceptions of its own: one that a stopped `with` left behind ends with it. Otherwise
    every later traceback of the session would begin with it.
    """
    yield function(*arguments)


def _raise(frame, event, argument):
    if event == "exception":  # of the one that was just raised
        return _raise
    raise OutOfTimeError


def _is_importing(frame):
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
