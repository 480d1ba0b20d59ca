"""The fault plan: every experiment with what it injects, when it passes, and how often it is done."""

from __future__ import annotations

from faults.calls import fail_every_call
from faults.canaries import plant_canaries
from faults.crashes import crash_workers
from faults.damage import change_sources, flip_bits, mutate_headers
from faults.disks import fill_the_disk
from faults.experiment import Experiment
from faults.kills import kill_runs, kill_workers, run_ten_at_once, signal_runs, start_after_a_kill
from faults.many_files import look_at_many_files
from faults.real_images import kill_real_runs
from faults.same import replay_records, vary_circumstances
from faults.scale import do_nothing, simulate_many_jobs
from faults.texts import read_hostile_recipes, use_hostile_names

# A short form of 0: the tests that it runs are in `make test` anyway, or it needs a machine of its own.
PLAN = tuple(
    Experiment(*words)
    for words in (
        (
            "K1",
            "kill -9 of the run at random times, run again, until it is done",
            "voxels of an undisturbed run; no file without a record; no temporary; at most 2 jobs redone a kill",
            kill_runs,
            200,
            5,
        ),
        (
            "K1 real",
            "the same, full recipe, on a real CT series and the MNI152 brain",
            "as K1",
            kill_real_runs,
            20,
            0,
        ),
        ("K2", "kill -9 of a random worker", "exit 0, voxels of an undisturbed run", kill_workers, 100, 1),
        (
            "K3",
            "SIGTERM, SIGINT, SIGINT twice at random times",
            "143 or 130, last line agrees, twice within 2 s; the next run completes",
            signal_runs,
            60,
            3,
        ),
        (
            "K4",
            "the Nth open, write, close, fsync, rename, mkdir, unlink fails (ENOSPC, EIO), N = 1, 2, … to the last",
            "exit 0, 3, 5 or 6 with the place; verify sees strays; the next run completes",
            fail_every_call,
            2000,
            2,
        ),
        (
            "K5",
            "kill -9 of the run, a second one at once",
            "no worker survives; the second completes",
            start_after_a_kill,
            30,
            1,
        ),
        (
            "E1",
            "tmpfs of growing size, without inodes, read-only; ROOT that cannot be made",
            "exit 6 or 5 with the path; nothing partial; completes once there is room",
            fill_the_disk,
            40,
            1,
        ),
        (
            "C1",
            "the malformed inputs of tests/hostile, then headers with random bytes changed",
            "a stable reason each, no bug, no bomb unpacked, sound samples done",
            mutate_headers,
            10_000,
            750,
        ),
        (
            "C2",
            "workers that crash, leave, leak memory, loop in C",
            "the job alone fails, by its reason; a job whose worker is killed once is done",
            crash_workers,
            10,
            0,
        ),
        (
            "O1",
            "ten runs on one ROOT at once",
            "nine exit 11, one completes; free at once after kill -9",
            run_ten_at_once,
            100,
            2,
        ),
        (
            "N1, N2",
            "hostile names; links, pipes, devices, locked folders",
            "plain names or a clear refusal; no hang, no escape",
            use_hostile_names,
            60,
            0,
        ),
        (
            "S1",
            "many files",
            "for 100 000: scan 10 s, plan 300 MB, resume 30 s and 300 MB",
            look_at_many_files,
            100_000,
            60,
        ),
        ("S2", "simulated jobs", "the parent keeps at most 200 bytes a job", simulate_many_jobs, 1_000_000, 0),
        ("S3", "jobs that do nothing", "less than 5 ms of a core a job beyond reading and writing", do_nothing, 500, 0),
        (
            "D1",
            "engine, workers, order of listing, hash seed, locale, time zone, umask",
            "same voxels, same manifest, same bytes",
            vary_circumstances,
            60,
            2,
        ),
        ("D2", "replay in a fresh process", "bit for bit the recorded file", replay_records, 100, 2),
        (
            "R1",
            "sources overwritten in place while runs read them",
            "nothing published from mixed bytes",
            change_sources,
            50,
            3,
        ),
        ("A1", "hostile YAML", "file:line:col within 0.5 s", read_hostile_recipes, 100, 0),
        ("V1", "one bit flipped in each output", "verify finds all of them and nothing else", flip_bits, 200, 40),
        (
            "L1",
            "a canary in text elements and free text of headers, and in names where they are to be hidden",
            "in no log, event, record, message or name; with deidentify: basic in no copy either",
            plant_canaries,
            24,
            2,
        ),
    )
)
