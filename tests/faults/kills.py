"""K1, K2, K3, K5, O1: processes killed, stopped and started where another works."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import time
from typing import TYPE_CHECKING

import psutil
from datasets_for_runs import copies_below, exit_code_told
from faults.experiment import Outcome
from faults.runs import Child, fork_run, make_bench, real_run, recorded_copies, workers_of

from medaug_cli.holding import LOCK_GRACE_S

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from faults.runs import Bench

_WORKERS = 2
_EVERY = 10  # of this many kills one hits a real run with workers, which starts and works far more slowly
_LONGEST_S = 300.0
_REFUSED_WITHIN_S = 1.0
_CASES, _COPIES, _KILLS_A_RUN = 30, 3, 10


def kill_runs(folder: Path, count: int) -> Outcome:
    """K1: kill the run at random times, run again, until it is done; then begin anew, until there were enough kills."""
    bench, outcome, rng = make_bench(folder, 10), Outcome(), random.Random(1)
    root, most_redone, finished = folder / "root", 0, 0
    while outcome.injections < count:
        real = outcome.injections % _EVERY == 0
        code = _kill_real(bench, root, rng) if real else _kill_fork(bench, root, rng)
        if code == -signal.SIGKILL:
            outcome.injections += 1
            most_redone = max(most_redone, _unrecorded_copies(root))
            continue
        finished += 1
        outcome.check(f"kill {outcome.injections}: exit {code}", holds=code == 0)
        bench.check_complete(root, outcome, f"kill {outcome.injections}")
        shutil.rmtree(root)
    code = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out").wait()
    outcome.check(f"last run: exit {code}", holds=code == 0)
    bench.check_complete(root, outcome, "last run")
    outcome.check(f"{most_redone} jobs redone after a kill", holds=most_redone <= _WORKERS)
    outcome.note = f"{finished + 1} runs finished between kills; at most {most_redone} jobs redone a kill"
    return outcome


def _kill_fork(bench: Bench, root: Path, rng: random.Random) -> int:
    child = fork_run(bench.arguments(root, "--engine", "serial"), root.parent / "out")
    time.sleep(rng.uniform(0.0, 0.5))
    child.kill()
    return child.wait()


def _kill_real(bench: Bench, root: Path, rng: random.Random) -> int:
    with real_run(bench.arguments(root, "--workers", str(_WORKERS)), root.parent / "out") as process:
        began, deadline = recorded_copies(root), time.monotonic() + _LONGEST_S
        while process.poll() is None and recorded_copies(root) == began and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.2))
        process.kill()
        return process.wait()


def _unrecorded_copies(root: Path) -> int:
    """Return of how many samples there are copies that the journal does not know: jobs to be done again."""
    journal = root / ".medaug" / "journal.jsonl"
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    recorded = {file["path"] for line in lines for file in json.loads(line)["record"]["output"]}
    return len({path.split("_aug")[0] for path in copies_below(root) - recorded})


def kill_workers(folder: Path, count: int) -> Outcome:
    """K2: kill random workers of a run, each with another job; these are given again and the run ends with 0."""
    bench, outcome, rng = make_bench(folder, _CASES), Outcome(), random.Random(2)
    root, runs = folder / "root", 0
    while outcome.injections < count:
        most = min(_KILLS_A_RUN, count - outcome.injections)
        with real_run(bench.arguments(root, "--workers", str(_WORKERS)), folder / "out") as process:
            kills = _kill_while_it_works(process, root, most, rng)
            code = process.wait(timeout=_LONGEST_S)
        outcome.injections += kills
        runs += 1
        when = f"worker {outcome.injections}, {kills} kills in this run"
        outcome.check(f"{when}: exit {code}: {(folder / 'out').read_text()[-200:]}", holds=code == 0)
        bench.check_complete(root, outcome, when)
        shutil.rmtree(root)
    outcome.note = f"in {runs} runs"
    return outcome


def _kill_while_it_works(process: subprocess.Popen[bytes], root: Path, most: int, rng: random.Random) -> int:
    """Kill up to `most` workers, each some copies after the one before, while jobs wait that no death has touched.

    A job is tried again when no other waits, and its second death would be its end, as `--retries 1` says.
    """
    kills, wanted = 0, rng.randrange(0, 4)
    while kills < most and process.poll() is None:
        recorded = recorded_copies(root)
        if recorded + _COPIES * (kills + 2 * _WORKERS) > _COPIES * _CASES:
            break
        workers = workers_of(process.pid) if recorded >= wanted else []
        if workers and _kill_one(rng.choice(workers)):
            kills += 1
            wanted = recorded + rng.randrange(1, 6)
        time.sleep(0.005)
    return kills


def _kill_one(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.Error:
        return False
    return True


def signal_runs(folder: Path, count: int) -> Outcome:
    """K3: SIGTERM, SIGINT, and SIGINT twice, at random times; runs that end before the signal comes do not count."""
    bench, outcome, rng = make_bench(folder, 12), Outcome(), random.Random(3)
    slowest = 0.0
    while outcome.injections < count and not outcome.violations:
        number, root = outcome.injections, folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        child = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out")
        began = _wait_for_work(child, root)
        outcome.check(f"signal {number}: the run never began: {child.said()}", holds=began)
        time.sleep(rng.uniform(0.0, 0.2))
        sent = [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGINT]][number % 3]
        code, seconds = _send(child, sent, number, outcome)
        slowest = max(slowest, seconds)
        outcome.injections += code != 0
        code = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out").wait()
        outcome.check(f"signal {number}: the next run ends with {code}", holds=code == 0)
        bench.check_complete(root, outcome, f"signal {number}")
    outcome.note = f"slowest end {slowest:.2f} s after the signal"
    return outcome


def _wait_for_work(child: Child, root: Path) -> bool:
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        if (root / ".medaug" / "root.json").exists():
            return True
        time.sleep(0.002)
    return bool(child.kill())


def _send(child: Child, sent: list[signal.Signals], number: int, outcome: Outcome) -> tuple[int, float]:
    """Send signals; return the exit code and how many seconds later the run had ended."""
    started = time.monotonic()
    for one in sent:
        os.kill(child.pid, one)
    code = child.wait()
    seconds = time.monotonic() - started
    expected = {143} if sent[0] == signal.SIGTERM else {130, -signal.SIGINT}
    # A run that was over before the signal came has done what it should, too.
    outcome.check(f"signal {number}: exit {code}", holds=code in {*expected, 0})
    if code == max(expected) and len(sent) == 1:
        outcome.check(f"signal {number}: last line disagrees", holds=exit_code_told(_last_line(child)) == code)
    outcome.check(f"signal {number}: ended after {seconds:.1f} s", holds=seconds <= (2.0 if len(sent) > 1 else 10.0))
    return code, seconds


def _last_line(child: Child) -> str:
    lines = [line for line in child.said().splitlines() if line.startswith("medaug: exit")]
    return lines[-1] if lines else "medaug: exit -1"


def start_after_a_kill(folder: Path, count: int) -> Outcome:
    """K5: kill the parent and start a second run at once; no worker of the old one may write beside the new one."""
    bench, outcome, rng = make_bench(folder, 16), Outcome(), random.Random(5)
    longest = 0.0
    while outcome.injections < count:
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        with real_run(bench.arguments(root, "--workers", str(_WORKERS)), folder / "out") as process:
            wanted = rng.randrange(1, 10)
            while process.poll() is None and recorded_copies(root) < wanted:
                time.sleep(0.002)
            workers = workers_of(process.pid)
            process.kill()
            killed = time.monotonic()
            child = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out2")
            process.wait()
            _, alive = psutil.wait_procs(workers, timeout=5)
            longest = max(longest, time.monotonic() - killed)
        outcome.check(f"restart {outcome.injections}: a worker of the killed run lives on", holds=alive == [])
        code = child.wait()
        outcome.check(f"restart {outcome.injections}: exit {code}: {child.said()[-200:]}", holds=code == 0)
        if code == 0:
            bench.check_complete(root, outcome, f"restart {outcome.injections}")
        outcome.injections += 1
    outcome.note = f"workers were gone at most {longest:.2f} s after their parent"
    return outcome


def run_ten_at_once(folder: Path, count: int) -> Outcome:
    """O1: ten runs on one ROOT; one proceeds, nine exit with 11 within a second, and kill -9 frees the lock at once.

    The second is held against what each of the nine needs for itself: its processor time, and its wait for the lock.
    How long nine take side by side says how many cores there are.
    """
    bench, outcome = make_bench(folder, 6), Outcome()
    waits: list[float] = []
    works: list[float] = []
    alone: list[float] = []
    for number in range(count):
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        holder = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out0")
        _wait_for_work(holder, root)
        os.kill(holder.pid, signal.SIGSTOP)  # so that it surely holds ROOT while the others ask
        others = [fork_run(bench.arguments(root, "--engine", "serial"), folder / f"out{n}") for n in range(1, 10)]
        codes = [_wait_and_measure(other, waits, works) for other in others]
        outcome.check(f"round {number}: exit codes {codes}", holds=codes == [11] * 9)
        alone.append(_ask_alone(bench, root, outcome))
        if number % 2:
            holder.kill()
            holder.wait()
            code = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out0").wait()
        else:
            os.kill(holder.pid, signal.SIGCONT)
            code = holder.wait()
        outcome.check(f"round {number}: the holder, or who came after it, ends with {code}", holds=code == 0)
        bench.check_complete(root, outcome, f"round {number}")
        outcome.injections += 1
    own_s = max(works) + LOCK_GRACE_S
    outcome.check(f"one of the nine took {own_s:.2f} s for itself", holds=own_s < _REFUSED_WITHIN_S)
    outcome.note = (
        f"each of the nine took {own_s:.2f} s at most for itself ({max(works):.2f} s of a core, {LOCK_GRACE_S:g} s for "
        f"the lock); all at once on {os.cpu_count()} cores they left after {statistics.median(waits):.2f} s (median), "
        f"{max(waits):.2f} s (slowest); one alone, from its command line, after {min(alone):.2f} s at best, "
        f"{statistics.median(alone):.2f} s (median)"
    )
    return outcome


def _wait_and_measure(child: Child, waits: list[float], works: list[float]) -> int:
    """Return a child's exit code; add how long it lived and how long it worked, in seconds."""
    _, status, usage = os.wait4(child.pid, 0)
    waits.append(time.monotonic() - child.started)
    works.append(usage.ru_utime + usage.ru_stime)
    return os.waitstatus_to_exitcode(status)


def _ask_alone(bench: Bench, root: Path, outcome: Outcome) -> float:
    """Return how many seconds a real run takes from its command line to its refusal, with no other beside it."""
    started = time.monotonic()
    with real_run(bench.arguments(root), root.parent / "out1") as process:
        code = process.wait()
        seconds = time.monotonic() - started
    outcome.check(f"alone: exit {code}", holds=code == 11)
    return seconds
