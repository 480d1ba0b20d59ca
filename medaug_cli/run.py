"""The supervisor: recipe and dataset → plan → engine → journal and manifest."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from medaug_cli import __version__
from medaug_cli.core.errors import Interrupt, UsageError
from medaug_cli.core.names import is_plain_path
from medaug_cli.core.outputs import Outputs
from medaug_cli.core.process import cores_for_workers, memory_left
from medaug_cli.core.whole import whole_number
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.engines import Guard, load_engine
from medaug_cli.hiding import hidden_errors, hide_inventory, names_in_dataset
from medaug_cli.holding import hold_root
from medaug_cli.manifest import Settings
from medaug_cli.originals import bytes_of_originals, check_originals, describe_bids, place_originals
from medaug_cli.ownership import check_ownership, check_replaceable
from medaug_cli.plan import BASE_BYTES, Choice, make_plan, spread
from medaug_cli.privacy import check_id_map, check_paths, make_privacy, patient_keys, privacy_entry, write_id_map
from medaug_cli.recipe.model import dump_recipe, names_said
from medaug_cli.root import known_copies, read_root
from medaug_cli.tally import StopRules, Tally, allowed_failures
from medaug_cli.worker import Orders, failed_entries, run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.discover import Inventory
    from medaug_cli.events import Event
    from medaug_cli.plan import Plan
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.root import Root
    from medaug_cli.spatial.resample import Resampler

    Listener = Callable[[Event], None]

_LIBRARIES = ("numpy", "numba", "SimpleITK", "nibabel", "pydicom", "joblib")
_SHARE_OF_MEMORY = 0.8
_INTERRUPTED = "interrupted; run again to go on"
_NOTHING = Outputs()


@dataclass(frozen=True)
class Options:
    """What the command line adds to a recipe."""

    engine: str = "local"
    workers: str = "auto"
    only: str | None = None
    limit: int | None = None
    overwrite: str = "never"
    timeout_s: float | None = None
    retries: int = 1
    max_duration_s: float | None = None
    max_failures: str | None = None
    fail_fast: bool = False
    lock_timeout_s: float = 0.0
    memory_bytes: int | None = None
    resampler: Resampler = "kernel"
    repair: bool = False
    force_read: bool = False
    log_file: Path | None = None


@dataclass(frozen=True)
class Crew:
    """Who does the jobs of a run, and what is seen to meanwhile."""

    engine: str
    workers: int
    guard: Guard


def look(
    recipe: Recipe,
    dataset: Path,
    root: Path,
    known: Outputs = _NOTHING,
    privacy: Privacy | None = None,
    *,
    repair: bool = False,
    force_read: bool = False,
) -> Inventory:
    """Return what `recipe` finds in `dataset`, ROOT and its copies left out; see DatasetQuery.

    Where `privacy` hides the patients, samples have pseudonyms, and errors tell no names of files.
    """
    section = recipe.dataset
    query = DatasetQuery(
        layout=section.layout,
        modality=section.modality,
        images=section.images,
        labels=section.labels,
        points=section.points,
        soft_labels=section.soft_labels,
        points_space=section.points_space,
        group=section.group,
        label_names=section.label_names,
        table=section.table,
        split_column=section.split.column if section.split else None,
        augment=section.split.augment if section.split else None,
        exclude=(root,) if root.resolve() != dataset.resolve() else (),
        known_outputs=known,
        repair=repair,
        force_read=force_read,
    )
    with hidden_errors(lambda: names_in_dataset(dataset, privacy)):
        inventory = discover(dataset, query)
    return inventory if privacy is None else hide_inventory(inventory, privacy, names_said(recipe))


def preview_run(recipe: Recipe, dataset: Path, root_path: Path, options: Options) -> tuple[Inventory, Plan]:
    """Return what a run would do; writes nothing."""
    _check_options(options)
    check_originals(recipe.output.originals, dataset, root_path)
    privacy = make_privacy(recipe.privacy, root_path)
    check_id_map(recipe.privacy, root_path)
    return _prepare(recipe, dataset, read_root(root_path), options, privacy)


def run(recipe: Recipe, dataset: Path, root_path: Path, options: Options, listen: Listener) -> Tally:
    """Make every copy of `recipe` that does not stand yet; raises MedaugError for what stops a run at once."""
    entered_s = time.monotonic()
    _check_options(options)
    check_originals(recipe.output.originals, dataset, root_path)
    privacy = make_privacy(recipe.privacy, root_path)
    if not dataset.is_dir():
        look(recipe, dataset, root_path)  # says what is wrong, before ROOT is made
    with hold_root(root_path, options.lock_timeout_s) as root:
        inventory, plan = _prepare(recipe, dataset, root, options, privacy)
        tally = Tally(total=plan.copies, kept=plan.kept)
        rules = _stop_rules(recipe, options, plan, entered_s)
        workers = choose_workers(options, plan)
        if privacy is not None:
            write_id_map(recipe.privacy, root_path, inventory.samples, privacy)
        if options.overwrite != "never":  # nothing refuses from here on
            root.remove_stale(recipe.voxel_digest(options.resampler, privacy))
        if options.only is None and options.limit is None:
            root.forget_failures((sample.id for sample in plan.samples), recipe.copies)
        run_id = uuid.uuid4().hex[:12]
        way = root.way_to(dataset)
        told_way = way if privacy is None or is_plain_path(way) else None
        root.begin(dump_recipe(recipe), told_way, Outputs(frozenset(plan.outputs()), plan.stacks), plan.keys())
        unread = place_originals(recipe.output.originals, plan.samples, dataset, root)
        tally.unread = len(unread)
        for text in (*inventory.warnings, *unread):
            listen(tally.event("warning", text))
        started = time.monotonic()
        orders = make_orders(recipe, dataset, root.path, inventory, run_id, options, privacy)
        guard = Guard(
            timeout_s=recipe.limits.timeout_s() if options.timeout_s is None else options.timeout_s,
            retries=options.retries,
            memory_bytes=options.memory_bytes,
            until_s=rules.deadline_s,
        )
        _work(orders, plan, Crew(options.engine, workers, guard), root, tally, rules, listen)
        for event in tally.warnings():
            listen(event)
        seconds = time.monotonic() - started
        try:
            _finish(root, inventory, run_id, tally, options, seconds)
        except Interrupt as stop:  # at most one comes: the second signal ends the process
            tally.stop(stop.exit_code, _INTERRUPTED)
            _finish(root, inventory, run_id, tally, options, seconds)
    return tally


def _check_options(options: Options) -> None:
    """Raise UsageError for a value with which every copy would fail, or which is none."""
    _workers_asked_for(options)
    if options.timeout_s is not None and options.timeout_s <= 0:
        raise UsageError("--timeout 0s: a job needs more than 0 seconds; allowed: 1s or more")
    if options.memory_bytes is not None and options.memory_bytes < BASE_BYTES:
        raise UsageError(
            f"--memory: {options.memory_bytes} bytes do not hold one worker, even without a job; "
            f"allowed: {BASE_BYTES >> 20}MiB or more"
        )
    allowed_failures(options.max_failures, copies=1)


def _idle_flags(options: Options) -> Iterator[str]:
    """Yield a warning where flags were given that the engine does not heed."""
    given = {
        "--timeout": options.timeout_s is not None,
        "--memory": options.memory_bytes is not None,
        "--retries": options.retries != Options.retries,
    }
    idle = [flag for flag, is_given in given.items() if is_given]
    if options.engine == "serial" and idle:
        yield f"{', '.join(idle)}: without effect beside --engine serial, which nothing guards; use --engine local"


def _prepare(
    recipe: Recipe, dataset: Path, root: Root, options: Options, privacy: Privacy | None
) -> tuple[Inventory, Plan]:
    """Look at the dataset, check that ROOT is ours, and plan; writes nothing."""
    # What stands in the dataset decides what is a copy there, also where this run writes elsewhere.
    same = root.path.resolve() == dataset.resolve()
    known = known_copies(dataset, root if same else None)
    inventory = look(recipe, dataset, root.path, known, privacy, repair=options.repair, force_read=options.force_read)
    warnings = (*_idle_flags(options), *inventory.warnings, *check_paths(recipe.privacy, inventory.samples))
    inventory = replace(inventory, warnings=warnings)
    digest = recipe.voxel_digest(options.resampler, privacy)
    check_ownership(root, dataset, inventory, digest, options.overwrite, options.log_file)
    choice = Choice(options.only, options.limit, options.overwrite, options.resampler, privacy)
    plan = make_plan(inventory, recipe, root, dataset, choice)
    if options.only is not None or options.limit is not None:
        check_replaceable(root, plan.samples, digest, options.overwrite)
    originals = bytes_of_originals(recipe.output.originals, plan.samples, root.path)
    return inventory, replace(plan, bytes_needed=plan.bytes_needed + originals)


def _work(orders: Orders, plan: Plan, crew: Crew, root: Root, tally: Tally, rules: StopRules, listen: Listener) -> None:
    """Give the jobs to the engine and journal what comes back, until all is done or something stops the run."""
    listen(tally.event("started", f"{plan.copies} copies to make, {plan.kept} already valid, {crew.workers} workers"))
    run_jobs = load_engine(crew.engine).run_jobs
    jobs = spread(plan.jobs, crew.workers)
    try:
        with closing(run_jobs(partial(run_job, orders), jobs, crew.workers, crew.guard)) as results:
            for job, outcome in results:
                entries = failed_entries(orders, job, outcome) if isinstance(outcome, str) else outcome
                root.add(entries)
                for entry in entries:
                    listen(tally.count(entry))
                if tally.stop_if_due(entries, rules):
                    break
            else:
                tally.stop_if_due((), rules)  # the engine, too, watches the time
    except Interrupt as stop:
        tally.stop(stop.exit_code, _INTERRUPTED)


def _finish(root: Root, inventory: Inventory, run_id: str, tally: Tally, options: Options, seconds: float) -> None:
    if inventory.layout == "bids":
        describe_bids(root)
    root.finish(run_id, _run_record(run_id, tally, options, seconds))


def make_orders(
    recipe: Recipe,
    dataset: Path,
    root: Path,
    inventory: Inventory,
    run_id: str,
    options: Options,
    privacy: Privacy | None = None,
) -> Orders:
    """Return what all jobs of a run share."""
    return Orders(
        dataset=dataset.resolve(),
        root=root.resolve(),
        steps=recipe.steps,
        seed=recipe.seed,
        settings=Settings(
            recipe_sha256=recipe.voxel_digest(options.resampler, privacy),
            dtype=recipe.output.dtype,
            compression=recipe.output.compression,
            transfer_syntax=recipe.output.transfer_syntax,
            dicom=recipe.output.dicom,
            resampler=options.resampler,
            label_names=dict(recipe.dataset.label_names or inventory.label_names),
            **recipe.dataset.declared(),
            privacy=privacy_entry(recipe.privacy, privacy),
            repair=options.repair,
        ),
        max_voxels=recipe.limits.max_voxels,
        patient_keys=patient_keys(recipe.privacy, root, inventory.samples),
        versions={"medaug": __version__, **{name: metadata.version(name) for name in _LIBRARIES}},
        run={"id": run_id, "engine": options.engine},
        privacy=privacy,
    )


def choose_workers(options: Options, plan: Plan) -> int:
    """Return the number of workers: one if serial, as asked, or as cores and memory allow; raises UsageError."""
    if options.engine == "serial":
        return 1
    asked = _workers_asked_for(options)
    if asked is not None:
        return min(asked, max(1, plan.copies))
    memory = int(memory_left() * _SHARE_OF_MEMORY) if options.memory_bytes is None else options.memory_bytes
    return max(1, min(cores_for_workers(), memory // plan.bytes_of_memory, plan.copies))


def _workers_asked_for(options: Options) -> int | None:
    """Return the number that was asked for, None for auto; raises UsageError."""
    number = whole_number(options.workers)
    if options.workers != "auto" and not number:
        raise UsageError(f"--workers {options.workers}: allowed: auto or a whole number from 1")
    return number


def _stop_rules(recipe: Recipe, options: Options, plan: Plan, entered_s: float) -> StopRules:
    deadline = None if options.max_duration_s is None else entered_s + options.max_duration_s
    return StopRules(
        at_first_failure=options.fail_fast or recipe.dataset.on_bad_sample == "fail",
        max_failures=allowed_failures(options.max_failures, plan.copies),
        deadline_s=deadline,
    )


def _run_record(run_id: str, tally: Tally, options: Options, seconds: float) -> dict[str, Any]:
    return {
        "schema": "medaug.run/1",
        "id": run_id,
        "engine": options.engine,
        "workers": options.workers,
        "seconds": round(seconds, 3),
        "total": tally.total,
        "done": tally.done,
        "failed": tally.failed,
        "kept": tally.kept,
        "exit_code": int(tally.exit_code()),
        "finished": tally.done + tally.failed == tally.total,
    }
