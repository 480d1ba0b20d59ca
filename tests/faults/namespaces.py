"""A mount namespace of its own: small disks that nobody else sees, and that are gone with the process."""

from __future__ import annotations

import ctypes
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faults.experiment import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

# linux/sched.h
_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_REMOUNT = 32  # linux/mount.h


def work_in_namespace(work: Callable[[], Outcome]) -> Outcome:
    """Return what `work` returns in a forked child that may mount; skipped, with the reason, where none may.

    Root needs no more than a mount namespace; others become root of a user namespace (`unshare -rm`).
    """
    if sys.platform != "linux":
        return Outcome(skipped="mount namespaces are Linux's")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, pickle.dumps(_enter() or work()))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read()
    os.waitpid(pid, 0)
    if not told:
        return Outcome(violations=["the experiment died with a traceback"])
    outcome = pickle.loads(told)  # noqa: S301  from our own child
    assert isinstance(outcome, Outcome)
    return outcome


def _enter() -> Outcome | None:
    """Enter a namespace of its own; return why that cannot be."""
    user, group = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        return Outcome(skipped=f"no mount namespace can be made here: {os.strerror(ctypes.get_errno())}")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    private = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True, check=False)
    if private.returncode != 0:
        return Outcome(skipped=f"nothing can be mounted here: {private.stderr.strip()}")
    return None


def mount(disk: Path, options: str) -> bool:
    """Mount a tmpfs with `options` at `disk`; say whether that worked."""
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def enlarge(disk: Path, options: str) -> None:
    """Give the tmpfs at `disk` other sizes; not by mount(8), which repeats options that a user namespace refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", _MS_REMOUNT, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(disk))
