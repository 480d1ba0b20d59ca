"""Processes: what a worker owes its parent, and what this machine has for them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

if sys.platform == "linux":
    import resource

_PR_SET_PDEATHSIG = 1
_LOOK_AT_PARENT_EVERY_S = 0.5
_OWN_BYTES = 256 << 20  # libraries and what they compile: 150 MiB measured
_BYTES_A_STACK = 8 << 20  # which counts whole, of each of ITK's threads: one a core
_FIRST_TO_DIE = "500"  # of 1000: the system's out-of-memory killer takes a worker before its parent
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_LARGEST_KEPT_BYTES = 32 << 20  # the most that glibc allows
_MOST_KEPT_BYTES = 256 << 20


def prepare_worker(parent: int, memory_bytes: int | None = None) -> None:
    """Leave signals to the process `parent`, die with it, even if it has already, and hold at most `memory_bytes`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A service manager signals the whole group: the parent decides what becomes of its workers.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keep_freed_memory()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_DIE, encoding="ascii")
        if memory_bytes is not None:
            _limit_memory(memory_bytes + _OWN_BYTES + _BYTES_A_STACK * (os.cpu_count() or 1))
    # Other systems have no such call, and on Linux the parent may have died just before it.
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def keep_freed_memory() -> None:
    """Let this process take again what a copy has freed, where the C library is glibc (mallopt(3)).

    By default it goes back to the system, which clears every page of it anew for the next copy.
    """
    if sys.platform == "linux" and (set_option := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
        set_option(_M_TRIM_THRESHOLD, _MOST_KEPT_BYTES)


def _limit_memory(most: int) -> None:
    """Let the system refuse what would take this process beyond `most` bytes of private memory (setrlimit(2)).

    Not of address space: RLIMIT_AS also counts libraries and files that are mapped, which take no memory.
    """
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _die_with(parent: int) -> None:
    """End this process as soon as its parent is another one."""
    while os.getppid() == parent:
        time.sleep(_LOOK_AT_PARENT_EVERY_S)
    os._exit(1)


def killed_for_memory() -> int:
    """Return how many processes the system has killed for want of memory since it started; 0 where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def cores_for_workers() -> int:
    """Return how many processes can run at once: by affinity, and by the CPU quota of cgroup version 1 or 2."""
    from joblib.externals.loky import cpu_count  # noqa: PLC0415  plan and status must start without it

    return int(cpu_count())


def memory_left() -> int:
    """Return the bytes that this process and its children may still take: what is free, or what its cgroup leaves."""
    import psutil  # noqa: PLC0415  plan and status must start without it

    return min(int(psutil.virtual_memory().available), *_cgroup_rooms(), 1 << 62)


def _cgroup_rooms() -> list[int]:
    """Return limit minus use of every memory cgroup, version 1 and 2, that this process stands in."""
    rooms = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                rooms += _rooms(Path("/sys/fs/cgroup"), path, "memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                rooms += _rooms(Path("/sys/fs/cgroup/memory"), path, "memory.limit_in_bytes", "memory.usage_in_bytes")
    return rooms


def _rooms(mount: Path, path: str, limit: str, usage: str) -> list[int]:
    """Return the rooms of the cgroup at `path` and of all above it; in a container the mount itself is the cgroup."""
    inner = mount / path.strip("/")
    rooms = []
    for folder in (inner, *inner.parents):
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit, and outer cgroups may not be seen
            most = int((folder / limit).read_text(encoding="ascii"))
            rooms.append(max(0, most - int((folder / usage).read_text(encoding="ascii"))))
        if folder == mount:
            break
    return rooms
