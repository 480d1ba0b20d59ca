"""Presets: the ready recipes and schemas that are shipped in configs/."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def _configs() -> Traversable:
    """Return the folder: beside the package in a checkout, inside it in a wheel."""
    beside = Path(__file__).parent.parent / "configs"
    return beside if beside.is_dir() else resources.files("medaug_cli") / "configs"


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(
        sorted(item.name.removesuffix(".yaml") for item in _configs().iterdir() if item.name.endswith(".yaml"))
    )


def read_config(name: str) -> str:
    """Return the text of a shipped file."""
    return (_configs() / name).read_text(encoding="utf-8")
