"""`python -m course_lib.training`: what it trains, what it refuses, and how it starts several workers."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile

import pytest

from course_lib.backend import keras
from course_lib.training import __main__ as command
from course_lib.training.canaries import TrainingWarning

TWO = ["lenet5", "--epochs", "1", "--workers", "2"]


def run(arguments):
    """Return the exit code."""
    try:
        return command.main(arguments)
    except SystemExit as end:
        return end.code


def test_a_network_trains_by_its_recipe_on_the_data_that_ship(tmp_path, capfd):
    arguments = ["lenet5_modern", "--epochs", "2", "--batch-size", "100", "--directory", str(tmp_path)]
    assert run(arguments) == 0
    shown = capfd.readouterr()
    assert shown.out.startswith("lenet5_modern on digits after epoch 2: accuracy 0.")
    assert [line.split(",")[0] for line in shown.err.splitlines()] == [
        "lenet5_modern: epoch 1/2",
        "lenet5_modern: epoch 2/2",
    ]
    with zipfile.ZipFile(tmp_path / "last.keras") as archive:
        kept = json.loads(archive.read("training.json"))["recipe"]
    assert (kept["batches.size"], kept["seed"]) == (100, 0)
    assert run(arguments) == 0  # all epochs are done
    assert capfd.readouterr() == (shown.out, "")
    for change, message in (
        (["--epochs", "4"], "this run was begun with --epochs 2. Received: --epochs 4"),
        (["--seed", "1"], "where seed was 0, is 1"),
    ):
        assert run([*arguments, *change]) == 2
        assert message in capfd.readouterr().err


def test_a_canary_names_the_layer_of_a_training_that_goes_wrong(monkeypatch):
    lenet5_modern = command.architectures.lenet5_modern

    def dead():
        model = lenet5_modern()
        layer = next(layer for layer in model.layers if layer.weights)
        layer.activation = keras.activations.relu
        layer.set_weights([layer.get_weights()[0], layer.get_weights()[1] - 1e6])
        return model

    monkeypatch.setattr(command.architectures, "lenet5_modern", dead)
    with pytest.warns(TrainingWarning, match="is dead after epoch 1"):
        assert run(["lenet5_modern", "--epochs", "1", "--batch-size", "100"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lenet"], "Received: name='lenet'; did you mean 'lenet5' or 'lenet5_modern'?"),
        (["mlpconv"], "name must be one of lenet5, "),
        ([], "the following arguments are required: network"),
        (["lenet5", "--epochs", "0"], "argument --epochs: must be a whole number, 1 or more. Received: 0"),
        (["vgg16", "--width", "-1"], "argument --width: must be a number above 0. Received: -1"),
        (["lenet5", "--width", "2"], "lenet5 has its published size and 10 classes. Received: --width 2.0"),
        (["lenet5", "--restarts", "1"], "--restarts needs --workers and --directory. Received: --restarts 1"),
        (["lenet5", "--dataset", "digit"], "did you mean 'digits'?"),
        (["lenet5", "--precision", "half"], "argument --precision: invalid choice: 'half'"),
        (["googlenet_inference"], "Received: name='googlenet_inference'"),
    ],
)
def test_wrong_input_is_refused_in_a_line(capfd, arguments, message):
    assert run(arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.startswith("python -m course_lib.training: ")
    assert shown.err.count("\n") == 1


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Return a function that makes these lines of Python the worker, which then needs no TensorFlow."""

    def make(lines):
        start = f"""\
            #!{sys.executable} -S
            import json, os, signal, sys, time
            config = json.loads(os.environ["TF_CONFIG"])
            index, log = config["task"]["index"], {str(tmp_path / "starts")!r}
            with open(log, "a") as file:
                file.write(json.dumps([index, os.getpid(), sys.argv[1:], config["cluster"]]) + "\\n")
            starts = sum(1 for line in open(log) if json.loads(line)[0] == index)
        """
        script = tmp_path / "worker"
        script.write_text(textwrap.dedent(start) + textwrap.dedent(lines))
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        return lambda: [json.loads(line) for line in (tmp_path / "starts").read_text().splitlines()]

    return make


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_workers_get_ports_of_their_own_and_the_same_arguments(worker, capfd):
    starts = worker("print('I am', index)")
    assert run(TWO) == 0
    found = sorted(starts())
    assert [index for index, *_ in found] == [0, 1]
    assert {tuple(arguments) for _, _, arguments, _ in found} == {("-m", "course_lib.training", *TWO)}
    first, second = (cluster["worker"] for *_, cluster in found)
    assert first == second
    assert len(set(first)) == 2
    assert capfd.readouterr() == ("I am 0\n", "")  # only the first one shows what it says


def test_when_a_worker_fails_the_others_are_ended_and_it_is_named_with_its_last_words(worker, capfd):
    starts = worker("""
        if index == 0:
            time.sleep(100)
        sys.exit("no memory left")
    """)
    assert run(TWO) == 1
    error = capfd.readouterr().err
    assert error.splitlines() == [
        "no memory left",
        "python -m course_lib.training: worker 1 ended with exit code 1; the others were stopped",
        "python -m course_lib.training: training is not finished",
    ]
    assert all(gone(pid) for _, pid, *_ in starts())


def test_workers_are_started_again_after_a_kill_and_who_died_is_blamed_not_who_missed_it(
    worker, capfd, tmp_path
):
    starts = worker("""
        if starts == 1:
            if index == 1:
                time.sleep(1)  # as on a busy machine: who missed it is seen first
                os.kill(os.getpid(), signal.SIGKILL)
            sys.exit(75)
    """)
    assert run([*TWO, "--restarts", "2", "--directory", str(tmp_path)]) == 0
    assert len(starts()) == 4
    assert capfd.readouterr().err.splitlines() == [
        "python -m course_lib.training: worker 1 was killed by SIGKILL; the others were stopped",
        "python -m course_lib.training: restart 1 of 2",
    ]


def test_a_worker_that_hangs_does_not_keep_who_missed_it_waiting(worker, capfd, monkeypatch):
    monkeypatch.setattr(command, "TO_BE_SEEN", 0.2)
    worker("sys.exit(75) if index == 0 else time.sleep(100)")
    assert run(TWO) == 1
    assert "worker 0 ended with exit code 75; the others were stopped" in capfd.readouterr().err


@pytest.mark.parametrize("code", [2, 3])
def test_what_would_fail_again_is_not_started_again(worker, tmp_path, code):
    starts = worker(f"sys.exit({code})")
    assert run([*TWO, "--restarts", "2", "--directory", str(tmp_path)]) == code
    assert len(starts()) <= 2


def test_an_interrupt_reaches_all_workers_and_none_is_left(worker, capfd, tmp_path):
    starts = worker(f"""
        def stop(*_):
            print("stopping", flush=True)
            os._exit(130)

        signal.signal(signal.SIGINT, stop)
        open(f"{tmp_path}/ready{{index}}", "w").close()
        time.sleep(100)
    """)

    def interrupt():
        while len(list(tmp_path.glob("ready*"))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert run(TWO) == 130
    assert all(gone(pid) for _, pid, *_ in starts())
    assert capfd.readouterr() == (
        "stopping\n",
        "python -m course_lib.training: interrupted; all 2 workers were stopped\n",
    )


def test_a_worker_ends_when_the_launcher_is_gone(monkeypatch):
    codes = []
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # closed at the other end
    monkeypatch.setattr(os, "_exit", codes.append)
    command._end_with_the_launcher()
    assert codes == [75]


def test_two_workers_train_although_one_is_killed(tmp_path, capfd):
    def kill_the_second():
        while not (tmp_path / "last.keras").exists():  # the first epoch is done
            if ended.wait(0.02):
                return
        children = ["pgrep", "-P", str(os.getpid()), "-f", "course_lib.training"]
        found = subprocess.run(children, capture_output=True, text=True).stdout
        os.kill(max(map(int, found.split())), signal.SIGKILL)

    ended, killer = threading.Event(), threading.Thread(target=kill_the_second)
    killer.start()
    options = ["--epochs", "5", "--directory", str(tmp_path), "--workers", "2", "--restarts", "1"]
    code = run(["lenet5_modern", *options])
    ended.set()
    killer.join()
    shown = capfd.readouterr()
    assert code == 0, shown.err
    assert shown.out.startswith("lenet5_modern on digits after epoch 5: accuracy ")
    said = [line.removeprefix("python -m course_lib.training: ") for line in shown.err.splitlines()]
    assert "worker 1 was killed by SIGKILL; the others were stopped" in said
    assert "restart 1 of 1" in said
    epochs = [int(line.split("/")[0].split()[-1]) for line in said if ": epoch " in line]
    assert epochs[-1] == 5
    assert set(epochs) == {1, 2, 3, 4, 5}
    assert len(epochs) <= 6  # at most the epoch that was lost is trained again
