"""What version 0.1.0 left with its users still opens, goes on and counts."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from keepsakes.make import EPOCHS, MODELS, arrays, network, picture

from course_lib import layers, recipes, training  # the first two register what files name
from course_lib.backend import keras
from course_lib.grading import all_questions, progress

OLD = Path(__file__).parent / "keepsakes" / "0.1.0"


# They were saved before their first step: the optimizers have no states yet.
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_every_family_loads_and_gives_what_it_gave(name):
    model = keras.saving.load_model(OLD / "models" / f"{name}.keras")
    outputs = keras.tree.flatten(model(picture(model.input_shape[1:])))
    with np.load(OLD / "models" / f"{name}.npz") as stored:
        for output, key in zip(outputs, stored, strict=True):
            np.testing.assert_allclose(output, stored[key], rtol=1e-4, atol=1e-5)
    assert isinstance(model.optimizer, keras.optimizers.Adam if "lenet5" in name else recipes.CoupledSGD)
    assert name != "lenet5" or isinstance(model.loss, layers.MAPLoss)


def test_an_interrupted_run_goes_on_and_ends_as_an_undisturbed_one(tmp_path):
    shutil.copytree(OLD / "run", tmp_path / "run")
    call = {"data": (arrays(), arrays(12)), "epochs": EPOCHS, "batch_size": 8, "seed": 3, "verbose": False}
    model = network()
    history = training.fit(model, **call, directory=tmp_path / "run")
    assert history.epoch == list(range(EPOCHS))
    assert {len(values) for values in history.history.values()} == {EPOCHS}
    with np.load(OLD / "run_end.npz") as stored:
        for weight, key in zip(model.get_weights(), stored, strict=True):
            np.testing.assert_allclose(weight, stored[key], rtol=1e-4, atol=1e-5)


def test_the_imports_that_chapters_and_exercises_showed_still_work():
    """In a process of its own, where nothing else has imported a module first."""
    run = subprocess.run([sys.executable, OLD / "imports.txt"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_learners_points_still_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(OLD / "progress.json", tmp_path / ".progress.json")
    stored = json.loads((OLD / "progress.json").read_text())
    assert f"{sum(stored.values()):.1f}".removesuffix(".0") in re.findall(r"[\d.]+", repr(progress()))


def test_every_question_keeps_its_name_and_its_points():
    stored = json.loads((OLD / "questions.json").read_text())
    known = all_questions()
    assert stored == {name: known[name].points for name in stored}
