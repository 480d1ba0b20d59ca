"""K1, K2, K3, K5, O1: processes killed, stopped and started where another works."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from typing import TYPE_CHECKING

import psutil
from datasets_for_runs import copies_below, exit_code_told
from faults.experiment import Outcome
from faults.runs import Child, fork_run, make_bench, real_run, recorded_copies, workers_of

if TYPE_CHECKING:
    from pathlib import Path

    from faults.runs import Bench

_WORKERS = 2
_EVERY = 10  # of this many kills one hits a real run with workers, which starts and works far more slowly
_LONGEST_S = 120.0


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
    """K2: kill a random worker once in each run; the job is given again and the run ends with 0."""
    bench, outcome, rng = make_bench(folder, 8), Outcome(), random.Random(2)
    while outcome.injections < count:
        root = folder / "root"
        with real_run(bench.arguments(root, "--workers", str(_WORKERS)), folder / "out") as process:
            wanted = rng.randrange(0, 12)
            while process.poll() is None and (recorded_copies(root) < wanted or not workers_of(process.pid)):
                time.sleep(0.005)
            workers = workers_of(process.pid)
            if workers:
                victim = rng.choice(workers)
                outcome.injections += process.poll() is None and _kill_one(victim)
            code = process.wait(timeout=_LONGEST_S)
        outcome.check(f"worker {outcome.injections}: exit {code}", holds=code == 0)
        bench.check_complete(root, outcome, f"worker {outcome.injections}")
        shutil.rmtree(root)
    return outcome


def _kill_one(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.Error:
        return False
    return True


def signal_runs(folder: Path, count: int) -> Outcome:
    """K3: SIGTERM, SIGINT, and SIGINT twice, at random times."""
    bench, outcome, rng = make_bench(folder, 30), Outcome(), random.Random(3)
    slowest = 0.0
    for number in range(count):
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        child = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out")
        if not _wait_for_work(child, root):
            outcome.check(f"signal {number}: the run never began: {child.said()}", holds=False)
            continue
        time.sleep(rng.uniform(0.0, 0.3))
        sent = [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGINT]][number % 3]
        slowest = max(slowest, _send(child, sent, number, outcome))
        code = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out").wait()
        outcome.check(f"signal {number}: the next run ends with {code}", holds=code == 0)
        bench.check_complete(root, outcome, f"signal {number}")
        outcome.injections += 1
    outcome.note = f"slowest end {slowest:.2f} s after the signal"
    return outcome


def _wait_for_work(child: Child, root: Path) -> bool:
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        if (root / ".medaug" / "root.json").exists():
            return True
        time.sleep(0.002)
    return bool(child.kill())


def _send(child: Child, sent: list[signal.Signals], number: int, outcome: Outcome) -> float:
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
    return seconds


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
    """O1: ten runs on one ROOT; one proceeds, nine exit with 11 within a second, and kill -9 frees the lock at once."""
    bench, outcome = make_bench(folder, 20), Outcome()
    slowest = 0.0
    for number in range(count):
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        holder = fork_run(bench.arguments(root, "--engine", "serial"), folder / "out0")
        _wait_for_work(holder, root)
        os.kill(holder.pid, signal.SIGSTOP)  # so that it surely holds ROOT while the others ask
        others = [fork_run(bench.arguments(root, "--engine", "serial"), folder / f"out{n}") for n in range(1, 10)]
        codes = [other.wait() for other in others]
        slowest = max(slowest, time.monotonic() - others[0].started)
        outcome.check(f"round {number}: exit codes {codes}", holds=codes == [11] * 9)
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
    outcome.note = f"all nine had left at most {slowest:.2f} s after the first began"
    return outcome
