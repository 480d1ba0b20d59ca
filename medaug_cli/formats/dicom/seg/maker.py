"""The maker of segmentations, highdicom: an extra of this package, and slow to import."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from medaug_cli.core.errors import SampleError

_NAME = "highdicom"


def check_maker(file: str) -> None:
    """Raise SampleError where `file` could be read, but a copy of it not be written."""
    if importlib.util.find_spec(_NAME) is None:
        raise _missing(file)


def load_maker(file: str) -> Any:
    """Return highdicom; raises SampleError where it is not installed, or lacks what it needs itself."""
    try:
        importlib.import_module(f"{_NAME}.seg")
        return importlib.import_module(_NAME)
    except ImportError as error:
        raise _missing(file) from error


def _missing(file: str) -> SampleError:
    return SampleError("package_missing", f'{file}: to write a SEG, pip install "medaug[labels]" ({_NAME})')
