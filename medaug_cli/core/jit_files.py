"""The files of compiled loops: made once a machine however many processes want them, and never read half made."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.compiler_lock import global_compiler_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCK = "medaug.lock"
_LONGEST_WAIT_S = 60.0  # for another process; then each compiles for itself
# What unpickling raises, by its documentation and by trying.
_NO_PICKLE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = ("core", "spatial")  # where loops are


def keep_on_disk(dispatcher: Any) -> None:
    """Let `dispatcher`, of numba, keep on disk what it compiles, and take it from there.

    Two processes that lack the same loop compile it once: the later one waits. Raises RuntimeError where numba finds
    no folder that can be written.
    """
    files = _CompiledFiles(dispatcher.py_func)
    dispatcher._cache = files  # noqa: SLF001  as numba's own enable_caching does
    dispatcher.compile = _wait_for_others(files, dispatcher.targetctx, dispatcher.compile)


class _CompiledFiles(FunctionCache):
    """numba's cache of one function, stale as soon as any loop has changed, since other files' are compiled into it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = (self._impl.locator.get_source_stamp(), _stamp_of_loops())
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    def holds(self, signature: Any, context: Any) -> bool:
        context.refresh()
        return self._index_key(signature, context.codegen()) in self._cache_file._load_index()  # noqa: SLF001  numba has no other way to ask

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other processes, where its file system can; a process that dies lets go."""
        from filelock import FileLock  # noqa: PLC0415  only where something is compiled

        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError, NotImplementedError):  # Timeout is an OSError
                self._impl.locator.ensure_cache_path()
                lock = FileLock(Path(self._cache_path, _LOCK), timeout=_LONGEST_WAIT_S, is_singleton=True)
                stack.enter_context(lock)
            yield


class _Files(IndexDataCacheFile):
    """An index and its files, each named by its SHA-256 and there before the index names it.

    numba counts the files of a function: two processes that save different signatures at once write to the same name,
    so that one loads what was compiled for the other's types, and for a moment the index names a file of older sources.
    What a fault of the disk has changed is compiled again.
    """

    def save(self, key: Any, data: Any) -> None:
        packed = self._dump(data)
        name = self._name_of(packed)
        with self._open_for_write(self._data_path(name)) as stream:
            stream.write(packed)
        self._save_index(self._load_index() | {key: name})

    def load(self, key: Any) -> Any:
        name = self._load_index().get(key)
        if name is None:
            return None
        try:
            packed = Path(self._data_path(name)).read_bytes()
        except OSError:
            return None
        return pickle.loads(packed) if self._name_of(packed) == name else None  # noqa: S301  as safe as the code itself

    def _load_index(self) -> dict[Any, str]:
        try:
            known: dict[Any, str] = super()._load_index()
        except _NO_PICKLE:
            return {}
        return known

    def _name_of(self, packed: bytes) -> str:
        name: str = self._data_name(int.from_bytes(hashlib.sha256(packed).digest()))
        return name


def _wait_for_others(files: _CompiledFiles, context: Any, compile_: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return numba's `compile_`, which looks into the files first, that does not compile what another one does."""

    def compile_once(signature: Any) -> Any:
        with global_compiler_lock:  # before the file's: threads that compile take both in the same order
            if files.holds(signature, context):
                return compile_(signature)
            with files.held():
                return compile_(signature)

    return compile_once


@cache
def _stamp_of_loops() -> tuple[tuple[str, int, int], ...]:
    """Return name, time and size of all files with loops."""
    found = (path for folder in _FOLDERS for path in sorted((_PACKAGE / folder).glob("*.py")))
    return tuple((path.name, stat.st_mtime_ns, stat.st_size) for path in found for stat in [path.stat()])
