"""What the recipe tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import RecipeError
from medaug_cli.recipe import load_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medaug_cli.recipe.model import Recipe


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str | bytes], Recipe]:
    """Load a recipe from its text."""

    def load_text(text: str | bytes) -> Recipe:
        path = tmp_path / "recipe.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_recipe(path)

    return load_text


@pytest.fixture
def refusal(tmp_path: Path, load: Callable[[str | bytes], Recipe]) -> Callable[[str | bytes], str]:
    """Return what is said of an invalid recipe, without the folder of the file."""

    def refuse(text: str | bytes) -> str:
        with pytest.raises(RecipeError) as caught:
            load(text)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refuse
