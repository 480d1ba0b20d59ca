"""Tasks for the local engine that end their worker as crashes do; importable by worker processes."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from medaug_cli.journal import Entry
    from medaug_cli.plan import Job


def die_by_signal(victim: str, number: int, job: Job) -> tuple[Entry, ...]:
    """Kill this process by a signal where `job` is of the sample `victim`."""
    if job.sample.id == victim:
        os.kill(os.getpid(), number)
    return ()


def die_by_exit(victim: str, job: Job) -> tuple[Entry, ...]:
    """Leave this process without a word where `job` is of the sample `victim`."""
    if job.sample.id == victim:
        os._exit(1)
    return ()


def die_once(victim: str, folder: str, job: Job) -> tuple[Entry, ...]:
    """Kill this process at the first try of the sample `victim`, as the out-of-memory killer does."""
    mark = Path(folder) / "killed"
    if job.sample.id == victim and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return ()


def loop_in_c(victim: str, job: Job) -> tuple[Entry, ...]:
    """Never come back from one call of C code, which no signal handler interrupts, where `job` is of `victim`."""
    if job.sample.id == victim:
        sum(itertools.repeat(0))
    return ()


def leak(victim: str, job: Job) -> tuple[Entry, ...]:
    """Take memory until there is none where `job` is of `victim`."""
    held = []
    while job.sample.id == victim:
        held.append(bytearray(b"x") * (8 << 20))
    return ()


def note_tries(victim: str, folder: str, number: int, job: Job) -> tuple[Entry, ...]:
    """Leave a file for every try, named after the copies; kill this process where `job` has the victim's copy 2."""
    with tempfile.NamedTemporaryFile(prefix=f"{job.sample.id}-{job.copies}-", dir=folder, delete=False):
        pass
    if job.sample.id == victim and 2 in job.copies:
        os.kill(os.getpid(), number)
    return ()


def tell_if_others_live(victim: str, folder: str, job: Job) -> tuple[Entry, ...]:
    """Kill this process at the first try; at the second leave a file that says how many workers there are."""
    if job.sample.id == victim:
        mark = Path(folder) / "killed"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        others = [child for child in psutil.Process(os.getppid()).children() if "loky" in " ".join(child.cmdline())]
        (Path(folder) / "workers").write_text(str(len([one for one in others if "tracker" not in str(one.cmdline())])))
    return ()


def say_who_ignores(folder: str, job: Job) -> tuple[Entry, ...]:
    """Leave a file that says what this process does with the signals of a service manager."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    (Path(folder) / job.sample.id).write_text(str(all(handler is signal.SIG_IGN for handler in handlers)))
    return ()


def say_environment(folder: str, job: Job) -> tuple[Entry, ...]:
    """Leave a file that names the environment variables of this process that limit threads."""
    (Path(folder) / job.sample.id).write_text(" ".join(name for name in os.environ if "THREADS" in name))
    return ()


def say_kept_bytes(folder: str, job: Job) -> tuple[Entry, ...]:
    """Leave a file with the bytes that this process has taken from the system for an array, and kept when it let go."""
    before = psutil.Process().memory_info().rss
    array = bytearray(b"1") * (20 << 20)
    del array
    (Path(folder) / job.sample.id).write_text(str(psutil.Process().memory_info().rss - before))
    return ()


def note_time_and_loop(victim: str, folder: str, job: Job) -> tuple[Entry, ...]:
    """Leave the monotonic time in s, which all processes share, then loop in C where `job` is of `victim`."""
    if job.sample.id == victim:
        (Path(folder) / "began").write_text(str(time.monotonic()))
    return loop_in_c(victim, job)


def work_or_die(victims: frozenset[str], seconds: float, job: Job) -> tuple[Entry, ...]:
    """Take `seconds`, and kill this process at the end of them where `job` is of one of `victims`."""
    time.sleep(seconds)
    if job.sample.id in victims:
        os.kill(os.getpid(), signal.SIGSEGV)
    return ()


def reserve(victim: str, folder: str, size: int, job: Job) -> tuple[Entry, ...]:
    """Ask for `size` bytes at once, without touching them, where `job` is of `victim`; leave a file if they come."""
    if job.sample.id == victim:
        held = bytearray(size)
        (Path(folder) / "got").write_text(str(len(held)))
    return ()
