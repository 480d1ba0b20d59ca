"""What most tests of the command line run: two cases and a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import save_dataset, save_recipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return save_dataset(tmp_path / "dataset", cases=2)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return save_recipe(tmp_path / "recipe.yaml")
