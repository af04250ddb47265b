"""The line of progress: in a log, on a terminal, in a notebook."""

import os
import re
import sys
import textwrap
import time

import jupyter_client
from small import build, pipelines

from course_lib import training
from course_lib.backend import keras
from course_lib.training import progress


def test_a_log_has_one_line_an_epoch(capsys):
    history = training.fit(build(), pipelines(), epochs=2).history
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"tiny: epoch {epoch + 1}/2, "
        + ", ".join(
            f"{name} {history[name][epoch]:.4f}" for name in ("loss", "val_loss", "accuracy", "val_accuracy")
        )
        for epoch in range(2)
    ]


def test_nothing_is_shown_when_verbose_is_off(capfd):
    training.fit(build(), pipelines(), epochs=1, verbose=False)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_keeps_one_line_that_never_wraps(monkeypatch):
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        patch.setenv("COLUMNS", "40")
        pause = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.1))
        training.fit(build(), pipelines(), epochs=2, callbacks=[pause])
        shown = ""
        while not shown.endswith("\n"):
            shown += os.read(ours, 4096).decode()
    os.close(ours)
    *bars, blank, last = shown.removeprefix("\r").replace("\r\n", "\n").split("\r")
    assert len(bars) >= 3
    assert {len(bar) for bar in [*bars, blank]} == {39}
    assert bars[-1].startswith("[========")
    assert all("\n" not in bar for bar in bars)
    assert last.startswith("tiny: 2 epochs of 3 steps: epoch 2/2, loss ")
    assert last.endswith("\n")


class Clock:
    """Stands in for `time`: it passes only when told."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


def test_the_time_left_counts_steps_validation_and_the_epochs_to_come(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    line = progress.Progress("net", steps=4, test_steps=6, epochs=3, done=0, verbose=False)
    left = []
    for epoch in range(3):
        line.on_epoch_begin(epoch)
        for batch in range(4):
            line.on_train_batch_begin(batch)
            clock.now += 50 if (epoch, batch) == (0, 0) else 2  # the first includes tracing
            line.on_train_batch_end(batch, {"loss": 1.0})
            left.append(line.seconds_left())
        clock.now += 10  # validation
        line.on_epoch_end(epoch, {"loss": 1.0})
    # A test step counts as a third of a training step, 4 s for the six, until a validation has taken 10 s.
    assert left[:4] == [None, 4 + 4 + 2 * 12, 2 + 4 + 2 * 12, 4 + 2 * 12]
    assert left[4:8] == [6 + 10 + 18, 4 + 10 + 18, 2 + 10 + 18, 10 + 18]
    assert left[8:] == [6 + 10, 4 + 10, 2 + 10, 10]
    assert line.seconds_left() == 0


CELL = """
    import sys, time
    sys.path.insert(0, {folder!r})
    from small import At, build, interrupt, keras, pipelines, training
    pause = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: time.sleep(0.05))
    training.fit(build(), pipelines(), epochs=4, callbacks=[pause]).epoch
"""


def test_a_notebook_shows_the_same_sentence_first_and_last_and_a_bar_between():
    messages = []
    with jupyter_client.run_kernel(kernel_name="python3") as client:
        cell = textwrap.dedent(CELL.format(folder=os.path.dirname(__file__)))
        begun = time.monotonic()
        reply = client.execute_interactive(cell, output_hook=messages.append, timeout=120)
        seconds = time.monotonic() - begun
    assert reply["content"]["status"] == "ok"
    assert {message["msg_type"] for message in messages} == {
        "status",
        "execute_input",
        "display_data",
        "update_display_data",
        "execute_result",
    }  # fmt: skip  (no stream: TensorFlow is quiet)
    shown = [m["content"] for m in messages if "display_data" in m["msg_type"]]
    title = {"text/plain": "tiny: 4 epochs of 3 steps", "text/html": "<div>tiny: 4 epochs of 3 steps</div>"}
    assert shown[0]["data"] == shown[-1]["data"] == title
    assert len({message["transient"]["display_id"] for message in shown}) == 1
    between = [message["data"] for message in shown[1:-1]]
    assert 2 <= len(between) <= 1 + seconds / 0.2
    for bundle in between:
        assert re.match(r'<div><progress value="[01]\.\d+"></progress> epoch \d/4', bundle["text/html"])
    assert re.fullmatch(r"epoch [34]/4, loss .*, accuracy .*, 0:0\d left", between[-1]["text/plain"])
