"""The compiler of the inner loops: numba, its results kept on disk where any folder can be written."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

from medaug_cli.core.jit_files import keep_on_disk
from medaug_cli.core.lazy import without

with without("scipy.linalg"):  # numba asks it for a BLAS that no loop here calls
    import numba.np.arraymath

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

_RULES: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_NO_WAY_IN: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """Return `function`, compiled at its first call and cached beside the package or in the user's cache folder.

    No fastmath and no contraction to fused multiply-add: the same bits on every processor (P3). Where neither folder
    can be written, the cache goes to the system's temporary folder.
    """
    dispatcher: Any = numba.njit(**_RULES)(function)
    try:
        keep_on_disk(dispatcher)
    except RuntimeError:  # numba: no locator available
        os.environ["NUMBA_CACHE_DIR"] = str(_own_temporary_folder())
        numba.core.config.reload_config()
        keep_on_disk(dispatcher)
    return cast("Function", dispatcher)


def inner(function: Function) -> Function:
    """Return `function` for other compiled ones to call: compiled into each of them, by the same rules.

    Python cannot call it, so that neither a way in from there is compiled nor a cache of its own written: together
    they are a third of the time that compiling takes.
    """
    decorate: Any = numba.njit(**_RULES, **_NO_WAY_IN)
    return cast("Function", decorate(function))


def _own_temporary_folder() -> Path:
    """Return a temporary folder that nobody else can write: who can change the cache decides what code is run."""
    folder = Path(tempfile.gettempdir()) / f"medaug-{getpass.getuser()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or _is_own(found)):
            return folder
    return Path(tempfile.mkdtemp(prefix="medaug-"))


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
