# Two commands do everything: `make lab` opens the course, `make test` runs every check.
# Both make .venv on first use (about 2.8 GB are installed; a few minutes).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
GPU ?=
INSTALLED = $(VENV)/installed$(if $(GPU),-gpu)
LAB_FLAGS ?=
# JupyterLab refuses root unless told.
LAB = $(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir="$(CURDIR)" \
	--LabApp.default_url=/lab/tree/work/notebooks/00_foundations.ipynb $(LAB_FLAGS)
# Without this JupyterLab asks, at every first start, whether it may fetch news.
SETTINGS = $(VENV)/share/jupyter/lab/settings
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}

.PHONY: lab test install notebooks exercises clean

lab: install
	@$(BIN)/python -m course_lib.notebooks copy
	$(LAB)

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m course_lib.grading.release --check
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --nbval tests notebooks solutions

# For maintainers: run all notebooks and store their outputs; write solutions and exercises from the questions.
notebooks: install
	$(BIN)/python -m course_lib.notebooks execute

exercises: install
	$(BIN)/python -m course_lib.grading.release

install: $(INSTALLED)

$(INSTALLED): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11, 3.12 or 3.13 is required. Received: no command '$(PYTHON)'."; exit 1; }
	@$(PYTHON) -c 'import sys; version = sys.version.split()[0]; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else f"Python 3.11, 3.12 or 3.13 is required. Received: {version}. Name another with: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is required. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing TensorFlow, Keras and JupyterLab into $(VENV): about 2.8 GB$(if $(GPU),$(strip , and 4 GB of CUDA)), once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.txt $(if $(GPU),'tensorflow[and-cuda]')
	@mkdir -p $(SETTINGS) && echo '$(NO_NEWS)' > $(SETTINGS)/overrides.json
	@touch $@

clean:
	rm -rf $(VENV)
