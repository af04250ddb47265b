"""Make the keepsakes of a version, with that version's code: python tests/keepsakes/make.py DIRECTORY."""

import ast
import contextlib
import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

# Builder, arguments: the smallest member of each family, on the smallest pictures it takes.
MODELS = {
    "lenet5": {},
    "lenet5_modern": {},
    "alexnet": {"input_shape": (67, 67, 3), "width": 1 / 24},
    "zfnet": {"input_shape": (67, 67, 3), "width": 1 / 32},
    "nin_cifar10": {"input_shape": (8, 8, 3), "width": 1 / 32},
    "vgg_a_lrn": {"input_shape": (32, 32, 3), "width": 1 / 64},
    "googlenet": {"input_shape": (79, 79, 3), "width": 1 / 32},
    "cifar_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 1 / 4},
    "cifar_plain": {"depth": 8, "input_shape": (8, 8, 3), "width": 1 / 4},
    "resnet18": {"input_shape": (32, 32, 3), "width": 1 / 32},
    "preact_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 1 / 4},
    "stochastic_depth_resnet": {"depth": 8, "input_shape": (8, 8, 3), "width": 1 / 4},
    "wide_resnet": {"depth": 10, "widen": 1, "input_shape": (8, 8, 3), "width": 1 / 4},
    "fractalnet": {"columns": 2, "blocks": ((8, 0.0), (16, 0.1)), "input_shape": (8, 8, 3)},
    "cifar_resnext29": {
        "cardinality": 2,
        "group_width": 2,
        "input_shape": (8, 8, 3),
        "width": 1 / 16,
        "classifier_activation": None,
    },
    "cifar_densenet": {"depth": 7, "growth": 4, "input_shape": (8, 8, 3), "width": 1 / 2},
    "squeezenet1_1": {"input_shape": (35, 35, 3), "width": 1 / 32},
}
EPOCHS = 3


def picture(shape):
    """Return two pictures of this shape, the same on every machine."""
    pixels = np.arange(2 * np.prod(shape), dtype="uint64").reshape(2, *shape)
    first, second = (pixels * 2654435761 % 2**32 / 2**32).astype("float32")
    return np.stack([first, second * second * first])


def arrays(examples=24):
    """Return (x, y) for the run: 24 rows of four numbers, whose largest is the class."""
    x = (np.arange(examples * 4).reshape(-1, 4) ** 2 % 17).astype("float32") / 16
    return x, x.argmax(axis=1)


def network():
    """Build and compile the model of the run by a recipe, with what only 0.1.0's registry knows."""
    from course_lib import recipes
    from course_lib.backend import keras

    keras.utils.set_random_seed(1998)
    hidden = [keras.layers.Dense(6, activation="relu"), keras.layers.Dropout(0.25)]
    model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(4, "softmax")], name="run")
    recipes.recipe("cifar_resnet").compile(model, steps_per_epoch=3, epochs=EPOCHS)
    return model


def make_models(directory):
    """Save a small model of each family, compressed, and beside it what it gives for two pictures."""
    from course_lib import architectures, recipes
    from course_lib.backend import keras

    rng = np.random.default_rng(2016)
    for name, options in MODELS.items():
        classes = {} if name.startswith("lenet5") else {"classes": 3}
        keras.utils.set_random_seed(2016)
        model = getattr(architectures, name)(**options, **classes)
        weights = model.get_weights()
        moved = [weight + rng.uniform(0, 0.3, weight.shape) * (weight.ndim == 1) for weight in weights]
        model.set_weights([np.round(64 * weight) / 64 for weight in moved])  # few digits: a smaller file
        recipes.recipe(name).compile(model, steps_per_epoch=3)
        outputs = model(picture(model.input_shape[1:]))
        outputs = [np.asarray(output) for output in keras.tree.flatten(outputs)]
        model.save(directory / f"{name}.keras")
        compress(directory / f"{name}.keras")
        np.savez_compressed(directory / f"{name}.npz", *outputs)


def compress(path):
    """Write a file of Keras anew with what is in it deflated: a fifth of its size."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def make_run(directory):
    """Leave a run that was interrupted in its second epoch, and the weights that an undisturbed one has."""
    from course_lib import training
    from course_lib.backend import keras

    def interrupt(epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    call = {"data": (arrays(), arrays(12)), "epochs": EPOCHS, "batch_size": 8, "seed": 3, "verbose": False}
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        training.fit(network(), **call, directory=directory / "run", callbacks=[stop])
    undisturbed = network()
    training.fit(undisturbed, **call)
    np.savez_compressed(directory / "run_end.npz", *undisturbed.get_weights())


def make_record(directory):
    """Answer some exercises as a learner does, in a folder of one's own, and keep the record."""
    from course_lib.grading import chapter_questions, check, questions

    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for question in chapter_questions("foundations"):
            check(question.name, question.reference)
        for question in chapter_questions("vgg"):
            if not question.needs:
                check(question.name, next(iter(question.mistakes.values())))
        (directory / "progress.json").write_text(Path(".progress.json").read_text())
    names = {name: question.points for name, question in questions().items()}
    (directory / "questions.json").write_text(json.dumps(names, indent=1) + "\n")


def make_imports(directory, root):
    """Keep every import that a chapter or an exercise shows."""
    lines = set()
    for path in sorted([*root.glob("notebooks/*.ipynb"), *root.glob("solutions/*.ipynb")]):
        cells = json.loads(path.read_text())["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                tree = ast.parse("".join(cell["source"]))
                found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
                lines.update(ast.unparse(node) for node in found)
    (directory / "imports.txt").write_text("\n".join(sorted(lines)) + "\n")


if __name__ == "__main__":
    directory = Path(sys.argv[1]).resolve()
    (directory / "models").mkdir(parents=True, exist_ok=True)
    make_imports(directory, Path.cwd())
    make_models(directory / "models")
    make_run(directory)
    make_record(directory)
