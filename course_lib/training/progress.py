"""A line that says how training goes: epoch, loss, metrics, time left."""

import html
import shutil
import sys
import time

import numpy as np

from course_lib.backend import keras

__all__ = ["History", "Progress"]


class History(keras.callbacks.History):
    """Keras's history, in which the values of a metric that has several (F1Score) are a list, as in JSON."""

    def on_epoch_end(self, epoch, logs=None):
        plain = {name: np.asarray(value).tolist() for name, value in (logs or {}).items()}
        super().on_epoch_end(epoch, plain)


class Progress(keras.callbacks.Callback):
    """Shows epoch, loss, metrics and the time left in a line: in a notebook, on a terminal, or once an epoch.

    A notebook shows the title first and last, whatever happens between: a test of the notebook compares the
    first text with the stored last one, so they are equal, and the same on every machine.
    """

    def __init__(self, name, steps, test_steps, epochs, done, verbose):
        super().__init__()
        self.name = name
        self.steps = steps
        self.test_steps = test_steps
        self.epochs = epochs
        self.title = f"{name}: {_count(epochs, 'epoch')} of {_count(steps, 'step')}"
        self.title += f", {done} of them done before" if done else ""
        self.epoch = done
        self.step = 0
        self.logs = {}
        self.timed_steps = 0
        self.step_seconds = 0.0  # of all timed steps
        self.pause_seconds = None  # from one epoch's last step to the next one's first: validation and files
        self.begun = time.monotonic()
        self.stepped = None  # when the last step ended
        self.shown = 0.0  # when the line was shown
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        self.notebook = verbose and hasattr(shell, "kernel")
        self.terminal = verbose and not self.notebook and sys.stderr.isatty()
        self.log = verbose and not self.notebook and not self.terminal
        if self.notebook:
            from IPython.display import display

            self.handle = display(_bundle(self.title), raw=True, display_id=True)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.step = 0
        self._show()

    def on_train_batch_begin(self, batch, logs=None):
        self.step_begun = time.monotonic()
        if batch == 0 and self.stepped is not None:
            pause = self.step_begun - self.stepped
            # The first pause includes tracing, so the shortest counts.
            self.pause_seconds = min(pause, self.pause_seconds or pause)

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self.stepped is not None:  # the very first step is tracing for the most part
            self.step_seconds += now - self.step_begun
            self.timed_steps += batch + 1 - self.step
        self.step = batch + 1
        self.logs = logs
        self.stepped = now
        self._show()

    def on_test_batch_end(self, batch, logs=None):
        self._show()

    def on_epoch_end(self, epoch, logs=None):
        self.logs = logs
        if self.log:
            print(f"{self.name}: {self._words()}", file=sys.stderr, flush=True)

    def on_train_end(self, logs=None):
        self.close(f"{self.title}: {self._words()}, {_clock(time.monotonic() - self.begun)}")

    def close(self, text):
        """Take the bar away: a notebook shows the title again, a terminal this text."""
        if self.notebook:
            self.handle.update(_bundle(self.title), raw=True)
        elif self.terminal:
            self._write("")
            print(f"\r{text}", file=sys.stderr)

    def seconds_left(self):
        """Return the seconds until all epochs are done; None until a step after the first has been timed."""
        if not self.timed_steps:
            return None
        step = self.step_seconds / self.timed_steps
        # Until a pause has been timed: a step forward takes a third of one forward and back.
        pause = step * self.test_steps / 3 if self.pause_seconds is None else self.pause_seconds
        spent = time.monotonic() - self.stepped if self.step == self.steps else 0.0
        later = (self.epochs - self.epoch - 1) * (self.steps * step + pause)
        return (self.steps - self.step) * step + max(0.0, pause - spent) + later

    def _show(self):
        now = time.monotonic()
        if self.log or now - self.shown < 0.2:
            return
        self.shown = now
        left = self.seconds_left()
        text = f"{self._words()}, {'starting' if left is None else f'{_clock(left)} left'}"
        fraction = (self.epoch * self.steps + self.step) / (self.epochs * self.steps)
        if self.notebook:
            self.handle.update(_bundle(text, f'<progress value="{fraction:.3f}"></progress> '), raw=True)
        elif self.terminal:
            self._write(f"[{'=' * round(20 * fraction):<20}] {text}")

    def _words(self):
        names = sorted(self.logs, key=lambda name: "loss" not in name)
        values = [f"{name} {np.mean(self.logs[name]):.4f}" for name in names]
        return ", ".join([f"epoch {min(self.epoch + 1, self.epochs)}/{self.epochs}", *values])

    def _write(self, text):
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be written over
        print(f"\r{text:<{width}.{width}}", end="", file=sys.stderr, flush=True)


def _bundle(text, bar=""):
    return {"text/plain": text, "text/html": f"<div>{bar}{html.escape(text)}</div>"}


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
