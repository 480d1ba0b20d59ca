# Every target makes what it needs. PYTHON chooses the interpreter of the virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCHMARK_VENV ?= .venv-benchmark

.PHONY: demo test faults check format schemas benchmark clean docs

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("medaug needs Python 3.11 or newer; set PYTHON")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## the main job on real sample data
	rm -rf demo-output
	$(BIN)/medaug run configs/quickstart.yaml sample_data/brain-mr -o demo-output/brain-mr
	$(BIN)/medaug run configs/abdomen-ct.yaml sample_data/ct -o demo-output/ct
	$(BIN)/medaug run configs/chest-xray.yaml sample_data/xray -o demo-output/xray
	$(BIN)/medaug run configs/mammography.yaml sample_data/mammo -o demo-output/mammo
	$(BIN)/medaug verify demo-output/brain-mr
	@echo
	@echo 'Written: 4 copies each of a brain MR with its label map (NIfTI), an abdominal CT series, a chest X-ray and'
	@echo 'a mammogram (DICOM). Look in demo-output/: the copies, medaug-manifest.jsonl (what was drawn for each copy)'
	@echo 'and SHA256SUMS (sha256sum -c). Any viewer opens them, for instance demo-output/brain-mr/sub-01_aug0001_T1w.nii.gz'

test: $(STAMP)  ## every test; those that need the shared real data skip without it, and say so
	$(BIN)/python -m pytest -n auto -rs

faults: $(STAMP)  ## the whole fault plan, about an hour: docs/reliability.md (FLAGS='--ids K1,V1 --count K1=30': a part, prints)
	PYTHONPATH=.:tests $(BIN)/python -m faults.run $(if $(FLAGS),$(FLAGS),--write docs/reliability.md)

check: $(STAMP)  ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(STAMP)  ## make configs/*.schema.json again from the classes
	for what in recipe manifest events; do $(BIN)/medaug schema $$what > configs/$$what.schema.json; done

docs: $(STAMP)  ## make docs/transforms.md and the pictures again from the classes
	$(BIN)/python docs/make_transforms.py
	$(BIN)/python docs/make_picture.py

$(BENCHMARK_VENV)/.installed: benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(BENCHMARK_VENV)
	$(BENCHMARK_VENV)/bin/python -m pip install --quiet -r benchmarks/requirements.txt '.[codecs]'
	touch $@

benchmark: $(BENCHMARK_VENV)/.installed  ## medaug beside its peers: benchmarks/RESULTS.md (FLAGS=--quick: two minutes, prints)
	$(BENCHMARK_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps .
	$(BENCHMARK_VENV)/bin/python benchmarks/run.py $(FLAGS)

clean:
	rm -rf $(VENV) $(BENCHMARK_VENV) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
