# Every target sets itself up, needs no system package and ends by saying what it did.
# COMFYUI_PATH names ComfyUI folders, newest first, separated by ":"; see CONTRIBUTING.md for where else they are found.

PYTHON ?= python3
VENV := .venv/bin
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

N ?= 1000

.PHONY: help setup demo test test-long fuzz check format bench miniature bench-miniature clean

help:
	@echo "make demo    two drawn people and a sentence to pictures with both of them, and what a judge sees in these"
	@echo "make test    all tests, with every ComfyUI found (TESTS=\"-k routing\" passes options on to pytest)"
	@echo "make test ROOM=models  the tests of one room in seconds: a folder of tests/, or a folder or file in one"
	@echo "make test-long  what make test leaves out: models of full size, the browser, whatever takes long"
	@echo "make fuzz N=10000  damage every kind of file, value and text in so many ways, and print a table of what came of it"
	@echo "make check   ruff, pyright and the boundary tests"
	@echo "make format  let ruff format and mend what it can"
	@echo "make bench   the measuring programs in benchmarks/"
	@echo "make miniature  train the miniature's weights from their seeds (three hours on two cores; goes on where it was)"
	@echo "make bench-miniature  the papers' claims as experiments on the miniature, with reports"
	@echo "make setup   only make the virtual environments"
	@echo "make clean   remove everything generated but the virtual environments"

setup:
	@$(PYTHON) -m tools.setup_venv --comfy

demo:
	@$(PYTHON) -m tools.setup_venv --comfy
	@$(VENV)/python -m likeness.tools.demo.command $(if $(PHOTOS),--photos $(PHOTOS)) $(if $(PROMPT),--prompt "$(PROMPT)")

test: setup
	@$(VENV)/python -m likeness.tools.run_tests $(if $(ROOM),--room $(ROOM)) $(TESTS)

test-long: setup
	@$(VENV)/python -m likeness.tools.run_tests --long $(if $(ROOM),--room $(ROOM)) $(TESTS)

fuzz:
	@$(PYTHON) -m tools.setup_venv
	@$(VENV)/python -m likeness.tests.fuzz -n $(N) $(FUZZ)

check: .typings/likeness
	@$(PYTHON) -m tools.setup_venv
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/pyright
	@$(VENV)/python -m pytest -q tests/test_boundaries.py tests/test_packaging.py
	@echo "check: style, types and boundaries hold"

format:
	@$(PYTHON) -m tools.setup_venv
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .
	@echo "format: done"

bench: setup
	@$(VENV)/python -m likeness.tools.run_benchmarks

miniature:
	@$(PYTHON) -m tools.setup_venv
	@folder=$$($(VENV)/python -m likeness.tools.caches) && $(VENV)/python -m likeness.miniature.recipe --folder "$$folder/miniature"

bench-miniature:
	@$(PYTHON) -m tools.setup_venv
	@folder=$$($(VENV)/python -m likeness.tools.caches) && $(VENV)/python -m likeness.miniature.ablations --folder "$$folder/miniature/ablations"

clean:
	@$(PYTHON) -m tools.clean

# Lets pyright find the pack under its import name.
.typings/likeness:
	@mkdir -p .typings
	@ln -sfn .. $@
