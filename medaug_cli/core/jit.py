"""The compiler of the inner loops: numba, its results kept on disk where any folder can be written."""

from __future__ import annotations

import getpass
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return `function`, compiled at its first call and cached beside the package or in the user's cache folder.

    No fastmath and no contraction to fused multiply-add: the same bits on every processor (P3). Where neither folder
    can be written, the cache goes to the system's temporary folder.
    """
    decorate: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
    try:
        return cast("Function", decorate(function))
    except RuntimeError:  # numba: no locator available
        os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"medaug-{getpass.getuser()}")
        numba.core.config.reload_config()
        return cast("Function", decorate(function))
