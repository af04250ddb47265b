"""Train a network from a terminal or on a cluster: `python -m course_lib.training lenet5 --epochs 12`."""

import argparse
import contextlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from course_lib import architectures, training
from course_lib.backend import keras
from course_lib.checks import require
from course_lib.training import checkpoint, recipes, replicas

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    from course_lib.training import canaries

PROGRAM = "python -m course_lib.training"
FAILED, WRONG_INPUT, NOT_A_NUMBER, LOST_WORKER, INTERRUPTED = 1, 2, 3, 75, 130
TO_BE_SEEN = 10  # seconds in which a worker that died is seen after one that missed it
LAUNCHED = "COURSE_LAUNCHED"  # the environment's sign that a launcher holds the other end of stdin


def main(arguments=None):
    """Train one of the networks of `course_lib.architectures`.

    Exit codes: 0 all epochs are done; 1 failed; 2 wrong input; 3 the loss is no number; 75 another worker is
    lost, start all again; 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = _options(words)
    launch = options.workers > 1 and not os.environ.get("TF_CONFIG")
    try:
        recipe = recipes.recipe(options.network)
        return _launch(words, options) if launch else _train(options, recipe)
    except KeyboardInterrupt as error:
        return _say(error, INTERRUPTED)
    except ConnectionError as error:
        return _say(error, LOST_WORKER)
    except FloatingPointError as error:
        return _say(error, NOT_A_NUMBER)
    except OSError as error:
        return _say(error, WRONG_INPUT if isinstance(error, FileNotFoundError) else FAILED)
    except ValueError as error:
        if "Received:" not in str(error):
            raise  # not one of ours, which say what is wrong with the input
        return _say(error, WRONG_INPUT)


def _say(error, code):
    print(f"{PROGRAM}: {error}", file=sys.stderr, flush=True)
    return code


def _options(arguments):
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=main.__doc__.replace("`", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.error = lambda message: sys.exit(_say(message, WRONG_INPUT))
    add = parser.add_argument
    whole = _number(int, 1)
    add("network", help="a builder of course_lib.architectures, trained by its paper's recipe")
    add("--dataset", default="digits", help="digits, shapes, or a name in TensorFlow Datasets (digits)")
    passes = "passes over the data (the recipe's); the rates stretch over them, so a run keeps its number"
    add("--epochs", type=whole, help=passes)
    add("--batch-size", type=whole, help="pictures in a step, over all workers and GPUs (the recipe's)")
    add("--image-size", type=whole, help="side in pixels (the paper's)")
    add("--width", type=_number(float, 0), help="multiplies every channel count (1)")
    add("--seed", type=_number(int, 0), default=0, help="of the weights and of every draw (0)")
    add("--directory", help="where the run is kept; there the same command goes on after a kill")
    policies = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
    which = "auto: mixed_bfloat16 on recent GPUs, or float32"
    add("--precision", choices=policies, default="auto", help=which)
    add("--workers", type=whole, default=1, help="processes to start here (1); a cluster sets TF_CONFIG")
    add("--restarts", type=_number(int, 0), default=0, help="how often to start all again when one has died")
    options = parser.parse_args(arguments)
    if options.restarts and (options.workers == 1 or options.directory is None):
        parser.error(f"--restarts needs --workers and --directory. Received: --restarts {options.restarts}")
    return options


def _number(kind, least):
    def convert(text):
        with contextlib.suppress(ValueError):
            if (number := kind(text)) >= least and (number > 0 or kind is int):
                return number
        above = f"a whole number, {least} or more" if kind is int else "a number above 0"
        raise argparse.ArgumentTypeError(f"must be {above}. Received: {text}")

    return convert


def _train(options, recipe):
    """Train in this process, alone or as one of several workers."""
    if os.environ.get(LAUNCHED):
        threading.Thread(target=_end_with_the_launcher, daemon=True).start()
    strategy = training.strategy()  # first of all: several workers meet here
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(training.precision() if options.precision == "auto" else options.precision)
    epochs = options.epochs or recipe.epochs
    _require_same_epochs(options.directory, epochs)
    pictures = {"batch_size": options.batch_size, "image_size": options.image_size, "seed": options.seed}
    data = recipe.data(options.dataset, **pictures)
    with strategy.scope():
        model = _model(options, data)
        recipe.compile(model, int(data.train.cardinality()), epochs)
    run = {"epochs": epochs, "directory": options.directory, "seed": options.seed}
    history = training.fit(model, data, **run, callbacks=_canaries(model, data)).history
    if training.is_chief():
        values = ", ".join(f"{name} {values[-1]:.4f}" for name, values in history.items())
        print(f"{options.network} on {data.name} after epoch {len(history['loss'])}: {values}")
    return 0


def _require_same_epochs(directory, epochs):
    """Raise ValueError, before the learning rates are compared, if a run has another number of epochs."""
    if directory is None:
        return
    begun = None
    with contextlib.suppress(OSError, *checkpoint.DAMAGE):  # `fit` has the words for these
        begun = checkpoint.read(Path(directory) / "last.keras")["epochs"]
    same = begun in (None, epochs)
    require(same, f"this run was begun with --epochs {begun}.", f"--epochs {epochs}")


def _canaries(model, data):
    """Return a canary with a probe where it can look: one replica, TensorFlow, no scaling of float16."""
    alone = keras.backend.backend() == "tensorflow" and replicas.count(model) == 1
    if not alone or keras.config.dtype_policy().compute_dtype == "float16":
        return []
    return [canaries.Canaries(next(iter(data.test)))]


def _model(options, data):
    builder = getattr(architectures, options.network)
    classes = len(data.class_names)
    accepted = inspect.signature(builder).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
    if "input_shape" in accepted or open_ended:
        width = {} if options.width is None else {"width": options.width}
        return builder(input_shape=data.image_shape, classes=classes, **width)
    model = builder()
    given = {"--width": options.width, "--image-size": options.image_size}
    received = [f"{name} {value}" for name, value in given.items() if value is not None]
    if model.output_shape[-1] != classes:
        received.append(f"{data.name} with {classes}")
    required = f"{options.network} has its published size and {model.output_shape[-1]} classes."
    require(not received, required, ", ".join(received))
    return model


def _end_with_the_launcher():
    sys.stdin.read()  # ends when the launcher does, however it did
    os._exit(LOST_WORKER)


def _launch(arguments, options):
    """Start workers on this machine and wait. When one dies, end all, and start all again if asked."""
    backend = keras.backend.backend()
    require(backend == "tensorflow", "--workers needs the TensorFlow backend.", backend)
    gpus = len(tf.config.list_physical_devices("GPU"))
    require(
        gpus == 0,
        "--workers is for machines without a GPU, as a single process trains on all of them: leave it out, "
        "or hide them with CUDA_VISIBLE_DEVICES=-1.",
        f"--workers with {gpus} GPU(s)",
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    for restart in range(options.restarts + 1):
        if restart:
            _say(f"restart {restart} of {options.restarts}", 0)
        with tempfile.TemporaryDirectory() as logs, _team(arguments, options.workers, logs) as team:
            failed = _first_failure(team)
            if failed is None:
                return 0
            code = team[failed].returncode
            if failed > 0:  # the first worker writes to this terminal
                with open(f"{logs}/{failed}", errors="replace") as log:
                    print(*log.readlines()[-20:], sep="", end="", file=sys.stderr)
        if code in (WRONG_INPUT, NOT_A_NUMBER):  # the others failed alike, and would again
            return code
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        _say(f"worker {failed} {how}; the others were stopped", code)
    advice = "; the same command goes on after the last whole epoch" if options.directory else ""
    return _say(f"training is not finished{advice}", FAILED)


@contextlib.contextmanager
def _team(arguments, count, logs):
    """Run the workers: the first says what it does here, the others in files. At the end none is left."""
    with contextlib.ExitStack() as ports:
        sockets = [ports.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        addresses = ["{}:{}".format(*free.getsockname()) for free in sockets]
    team = []
    try:
        for index in range(count):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            with open(f"{logs}/{index}", "w") as log:
                team.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "course_lib.training", *arguments],
                        env={**os.environ, "TF_CONFIG": json.dumps(task), LAUNCHED: "1"},
                        stdin=subprocess.PIPE,  # it closes when this process ends, however it does
                        stdout=log if index else None,
                        stderr=log if index else None,
                        start_new_session=True,  # Ctrl-C comes through this process alone
                    )
                )
        yield team
    except KeyboardInterrupt:
        for worker in team:
            worker.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and any(worker.poll() is None for worker in team):
            time.sleep(0.1)
        raise KeyboardInterrupt(f"interrupted; all {count} workers were stopped") from None
    finally:
        for worker in team:
            worker.kill()
            worker.wait()
            worker.stdin.close()


def _first_failure(team):
    """Wait until one fails and return its number, or None when all are done.

    Who only missed another is not to blame, and may yet be seen first: then the other gets some seconds.
    """
    deadline = None
    while True:
        codes = [worker.poll() for worker in team]
        failed = [number for number, code in enumerate(codes) if code]
        to_blame = [number for number in failed if codes[number] != LOST_WORKER]
        if to_blame:
            return to_blame[0]
        if None not in codes:
            return failed[0] if failed else None
        if failed and deadline is None:
            deadline = time.monotonic() + TO_BE_SEEN
        if failed and time.monotonic() > deadline:
            return failed[0]
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
