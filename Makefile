# Every target makes what it needs. PYTHON chooses the interpreter of the virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCHMARK_VENV ?= .venv-benchmark
LOWEST_VENV ?= .venv-lowest
SUPPLY_VENV ?= .venv-supply

.PHONY: demo test faults lowest audit sbom check format schemas benchmark benchmark-steps clean docs

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

benchmark-steps: $(BENCHMARK_VENV)/.installed  ## every step beside its peers: benchmarks/STEPS.md (FLAGS="--share 0.25": a quick look)
	$(BENCHMARK_VENV)/bin/python -m pip install --quiet --force-reinstall --no-deps .
	$(BENCHMARK_VENV)/bin/python benchmarks/steps.py $(FLAGS)

lowest:  ## the oldest versions that pyproject.toml allows, and the tests of what uses them
	$(PYTHON) -m venv $(LOWEST_VENV)
	$(LOWEST_VENV)/bin/python -m pip install --quiet uv
	$(LOWEST_VENV)/bin/uv pip install --python $(LOWEST_VENV)/bin/python --resolution lowest-direct --editable '.[codecs,labels]'
	$(LOWEST_VENV)/bin/uv pip install --python $(LOWEST_VENV)/bin/python pytest pytest-xdist hypothesis jsonschema scipy scikit-image
	$(LOWEST_VENV)/bin/python -m pytest -n auto -rs tests/core tests/spatial tests/transforms tests/formats tests/recipe tests/discover tests/run tests/cli

$(SUPPLY_VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(SUPPLY_VENV)
	$(SUPPLY_VENV)/bin/python -m pip install --quiet 'pip-audit>=2.7' 'cyclonedx-bom>=5'
	touch $@

dist/environment: pyproject.toml
	rm -rf dist/environment
	$(PYTHON) -m venv dist/environment
	dist/environment/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	dist/environment/bin/python -m pip install --quiet "$$(ls dist/medaug-*.whl | tail -1)[codecs]"

audit: $(SUPPLY_VENV)/.installed dist/environment  ## known vulnerabilities of what the wheel brings along (asks pypi.org)
	dist/environment/bin/python -m pip freeze --exclude medaug > dist/requirements.txt
	$(SUPPLY_VENV)/bin/pip-audit --strict --no-deps --disable-pip --requirement dist/requirements.txt || { \
		echo 'make audit: not clean. With a table above: these have known vulnerabilities. With "not found on PyPI",' >&2; \
		echo 'or an error of the network: https://pypi.org cannot be asked from here (a mirror does not have its data),' >&2; \
		echo 'so that nothing is known; run it where it can be.' >&2; exit 1; }

sbom: $(SUPPLY_VENV)/.installed dist/environment  ## dist/medaug.cdx.json: all that the wheel brings along (CycloneDX)
	$(SUPPLY_VENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file dist/medaug.cdx.json dist/environment/bin/python

clean:
	rm -rf $(VENV) $(BENCHMARK_VENV) $(LOWEST_VENV) $(SUPPLY_VENV) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
