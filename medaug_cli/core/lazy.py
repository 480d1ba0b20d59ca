"""What is slow to import, loaded at its first use, so that `--help` and `validate` do not pay for it."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import numpy as np
    import SimpleITK as sitk  # noqa: N813  as its own documentation does

    from medaug_cli.core import (
        colour,
        convolution,
        counting,
        elementary,
        jpeg,
        jpeg_size,
        kspace,
        lowpass,
        morphology,
        normal,
        random_field,
        ranking,
        storing,
        stretching,
        tallies,
        tiles,
        tones,
    )
else:

    def _lazy(name: str) -> ModuleType:
        """Return module `name`, executed when one of its attributes is first asked for."""
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(name)
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    colour = _lazy("medaug_cli.core.colour")  # imports numba
    convolution = _lazy("medaug_cli.core.convolution")  # imports numba
    counting = _lazy("medaug_cli.core.counting")  # imports numba
    elementary = _lazy("medaug_cli.core.elementary")  # imports numba
    jpeg = _lazy("medaug_cli.core.jpeg")
    jpeg_size = _lazy("medaug_cli.core.jpeg_size")
    kspace = _lazy("medaug_cli.core.kspace")  # imports numba
    lowpass = _lazy("medaug_cli.core.lowpass")  # imports numba
    morphology = _lazy("medaug_cli.core.morphology")  # imports numba
    stretching = _lazy("medaug_cli.core.stretching")  # imports numba
    random_field = _lazy("medaug_cli.core.random_field")
    ranking = _lazy("medaug_cli.core.ranking")  # imports numba
    tiles = _lazy("medaug_cli.core.tiles")  # imports numba
    normal = _lazy("medaug_cli.core.normal")  # imports numba
    np = _lazy("numpy")
    sitk = _lazy("SimpleITK")
    storing = _lazy("medaug_cli.core.storing")  # imports numba
    tallies = _lazy("medaug_cli.core.tallies")  # imports numba
    tones = _lazy("medaug_cli.core.tones")  # imports numba


@contextlib.contextmanager
def without(missing: str) -> Iterator[None]:
    """Hide the module `missing`, if nothing has imported it yet, from libraries that import it in case it is needed."""
    hidden = missing not in sys.modules
    if hidden:
        sys.modules[missing] = None  # type: ignore[assignment]  # what the import system takes for "not there"
    try:
        yield
    finally:
        if hidden:
            del sys.modules[missing]


__all__ = [
    "colour",
    "convolution",
    "counting",
    "elementary",
    "jpeg",
    "jpeg_size",
    "kspace",
    "lowpass",
    "morphology",
    "normal",
    "np",
    "random_field",
    "ranking",
    "sitk",
    "storing",
    "stretching",
    "tallies",
    "tiles",
    "tones",
    "without",
]
