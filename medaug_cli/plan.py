"""Plan: which copies to make of which samples; touches no pixels."""

from __future__ import annotations

import fnmatch
import os
import shutil
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError, RootError
from medaug_cli.core.outputs import Outputs, stack_of
from medaug_cli.extent import predict_extent
from medaug_cli.naming import copy_paths, stacks_of
from medaug_cli.program import may_change_grid
from medaug_cli.root import root_above
from medaug_cli.validity import Validity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from medaug_cli.core.outputs import Stack
    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import Sample
    from medaug_cli.discover import Inventory
    from medaug_cli.journal import Key
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.root import Root

BASE_BYTES = 160 << 20  # a worker with its imports and the compiled kernel: 150 MiB measured
_BYTES_A_VOXEL_READ = 5  # source and label map
_BYTES_A_VOXEL_MADE = 11  # moved copy and encoded file; 14.5 of both together measured with the full recipe
_MOST_COPIES = 16  # reading the sample then costs less than 2 % of the job
_VOXELS_A_SECOND = 1.2e7  # of the quickstart recipe, one worker, measured; only for the estimate
_LONGEST_NAME_BYTES = 255  # of ext4, XFS, APFS, NTFS and SMB
_MOST_BYTES_OF_A_SIGN = 4  # in UTF-8


@dataclass(frozen=True)
class Job:
    """Copies of one sample that one worker makes, reading the sample once."""

    sample: Sample
    copies: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Jobs to do, copies that are already valid, samples left out with their reasons, and what it will take.

    `stacks` are those of slices that the jobs may write beside `outputs`, as many as their steps make; `samples` are
    all that were chosen, also those whose copies are valid. `bytes_needed` are the most that may be written.
    """

    jobs: tuple[Job, ...]
    kept: int
    skipped: tuple[tuple[str, str, str], ...]
    bytes_needed: int
    bytes_free: int
    bytes_of_memory: int
    seconds: float
    stacks: frozenset[Stack] = frozenset()
    samples: tuple[Sample, ...] = ()

    @property
    def copies(self) -> int:
        """Number of copies to make."""
        return sum(len(job.copies) for job in self.jobs)

    def keys(self) -> list[Key]:
        """Return sample and number of every copy to make."""
        return [(job.sample.id, copy) for job in self.jobs for copy in job.copies]

    def outputs(self) -> list[str]:
        """Return every path that the jobs will write, relative to ROOT, one a source file; none of bad samples."""
        usable = (job for job in self.jobs if not job.sample.problem)
        return [path for job in usable for copy in job.copies for path in _paths(job.sample, copy)]


def spread(jobs: Sequence[Job], workers: int) -> tuple[Job, ...]:
    """Return `jobs`, those with most copies halved until there is one for each of `workers`, or none can be halved.

    A sample is then read more than once, which costs less than an idle worker. No job has more than 16 copies, so that
    a time limit for jobs need not know how many copies were asked for, and a killed run loses little.
    """
    parts = [
        replace(job, copies=job.copies[start : start + _MOST_COPIES])
        for job in jobs
        for start in range(0, len(job.copies), _MOST_COPIES)
    ]
    while len(parts) < workers:
        largest = max(parts, key=lambda job: len(job.copies), default=None)
        if largest is None or len(largest.copies) == 1:
            break
        place, half = parts.index(largest), len(largest.copies) // 2
        parts[place : place + 1] = [
            replace(largest, copies=largest.copies[:half]),
            replace(largest, copies=largest.copies[half:]),
        ]
    return tuple(parts)


@dataclass(frozen=True)
class Choice:
    """What the command line leaves of a dataset, and what of ROOT it has made again."""

    only: str | None = None
    limit: int | None = None
    overwrite: str = "never"
    resampler: str = "kernel"
    privacy: Privacy | None = None


def make_plan(inventory: Inventory, recipe: Recipe, root: Root, dataset: Path, choice: Choice) -> Plan:
    """Return what is left to do for `recipe`; raises RootError and DatasetError for names that clash."""
    names = dict(recipe.dataset.label_names or inventory.label_names)
    check = Validity(root, dataset, recipe.voxel_digest(choice.resampler, choice.privacy), names)
    taken = _Names(inventory)
    jobs, kept = [], 0
    chosen = _choose(inventory, choice)
    for found in chosen:
        paths = {copy: _paths(found, copy) for copy in range(1, recipe.copies + 1)}
        sample = _refuse_long_names(found, paths[recipe.copies])
        if not sample.problem:
            taken.add(sample, paths.values())
            taken.add_stacks(sample, _stacks(sample, range(1, recipe.copies + 1), recipe))
        missing = [
            copy
            for copy, planned in paths.items()
            if choice.overwrite == "all" or not check.stands(sample, copy, planned)
        ]
        kept += recipe.copies - len(missing)
        if missing:
            jobs.append(Job(sample, tuple(missing)))
    taken.check_stacks()
    usable = (job for job in jobs if not job.sample.problem)
    stacks = frozenset(stack for job in usable for stack in _stacks(job.sample, job.copies, recipe))
    plan = _estimate(tuple(jobs), kept, inventory.skipped, root.path, recipe)
    plan = replace(plan, stacks=stacks, samples=tuple(chosen))
    _check_foreign(plan, root)
    return plan


def _choose(inventory: Inventory, choice: Choice) -> list[Sample]:
    """Return the samples that copies are made of; raises DatasetError where none is called as asked."""
    only = choice.only
    chosen = [sample for sample in inventory.samples if only is None or _is_called(sample, only)]
    if not chosen:
        raise DatasetError(f"no sample is called {only}; `medaug scan` lists them")
    return chosen[: choice.limit]


def _is_called(sample: Sample, pattern: str) -> bool:
    """Say whether a sample has a name like `pattern`, or had before it got a pseudonym."""
    return any(fnmatch.fnmatchcase(name, pattern) for name in filter(None, (sample.id, sample.called)))


def _paths(sample: Sample, copy: int) -> list[str]:
    return [path for source in sample.sources for path in copy_paths(sample, source, copy)]


def _stacks(sample: Sample, copies: Iterable[int], recipe: Recipe) -> set[Stack]:
    """Return the stacks that slices of `copies` may belong to beside the planned paths."""
    regridded, classic = any(map(may_change_grid, recipe.steps)), recipe.output.dicom == "classic"
    return {stack for copy in copies for stack in stacks_of(sample, copy, regridded=regridded, classic=classic)}


class _Names:
    """The names that copies will have, as any kind of disk takes them, and whose they are."""

    def __init__(self, inventory: Inventory) -> None:
        self._sources = {
            _name_on_any_disk(path)
            for sample in inventory.samples
            for source in sample.sources
            for path in source.files
        }
        self._owners: dict[str, str] = {}
        self._stacks: dict[Stack, str] = {}

    def add(self, sample: Sample, copies: Iterable[Sequence[str]]) -> None:
        """Take the paths of each of `copies`; raises DatasetError where one is taken or is a source's."""
        for paths in copies:
            for path in paths:
                name = _name_on_any_disk(path)
                other = self._owners.setdefault(name, sample.id)
                if other == sample.id and name in self._sources:
                    raise DatasetError(f"copies of {sample.id} would be written to {path}, a source's name; rename one")
                if other != sample.id:
                    raise DatasetError(f"copies of {sample.id} and {other} would both be written to {path}; rename one")
            if len(set(paths)) < len(paths):
                twice = next(path for path, count in Counter(paths).items() if count > 1)
                raise DatasetError(f"two files of {sample.id} would both be written to {twice}; rename one")

    def add_stacks(self, sample: Sample, stacks: Iterable[Stack]) -> None:
        """Note whose slices may get names of `stacks`, beside those that were added."""
        for head, suffix in stacks:
            self._stacks[_name_on_any_disk(head), _name_on_any_disk(suffix)] = sample.id

    def check_stacks(self) -> None:
        """Raise DatasetError where a path that was added, or a source's, may be a slice of a stack."""
        if self._stacks:
            for name in (*self._owners, *self._sources):
                other = self._stacks.get(stack_of(name) or ("", ""))
                if other is not None:
                    what = f"of {other} and {self._owners.get(name, 'a source')}"
                    raise DatasetError(f"slices {what} may both be written to {name}; rename one")


def _refuse_long_names(sample: Sample, paths: Sequence[str]) -> Sample:
    """Return `sample`, with a problem where its copies' `paths`, which are longer than its own, fit on no disk."""
    if max(map(len, paths), default=0) * _MOST_BYTES_OF_A_SIGN <= _LONGEST_NAME_BYTES:
        return sample
    longest = max(paths, key=_longest_name)
    if sample.problem or _longest_name(longest) <= _LONGEST_NAME_BYTES:
        return sample
    message = (
        f"{longest}: a part of this name has {_longest_name(longest)} bytes; "
        f"disks hold {_LONGEST_NAME_BYTES}; give the source a shorter name"
    )
    return replace(sample, problem=("name_too_long", message))


def _longest_name(path: str) -> int:
    return max(len(os.fsencode(name)) for name in path.split("/"))


def _name_on_any_disk(path: str) -> str:
    """Return what disks that ignore case, or how an accent is composed, take `path` for."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def _check_foreign(plan: Plan, root: Root) -> None:
    """Raise RootError where a file that medaug did not write stands in the place of an output."""
    known = root.known_outputs()
    standing = (path for path in plan.outputs() if path not in known and os.path.lexists(root.path / path))
    slices = (path for path in Outputs(stacks=plan.stacks).slices_in(root.path) if path not in known)
    for path in chain(standing, slices):
        above = root_above(root.path, path)
        if above is not None:
            raise RootError(
                f"{root.path / path}: is a copy that a run on {above} made; run on that folder again, with --only for "
                "a part of it, or choose another folder for these copies with -o"
            )
        raise RootError(f"{root.path / path}: exists and was not written by medaug; move it away")


def _estimate(
    jobs: tuple[Job, ...], kept: int, skipped: tuple[tuple[str, str, str], ...], root: Path, recipe: Recipe
) -> Plan:
    """Return the plan with the memory and time that it will about take, and the bytes that its copies may."""
    copies = [(job.sample, copy) for job in jobs if not job.sample.problem for copy in job.copies]
    extent = predict_extent(copies, recipe)
    source, made = extent.largest
    existing = root
    while not existing.exists():
        existing = existing.parent
    return Plan(
        jobs=jobs,
        kept=kept,
        skipped=skipped,
        bytes_needed=round(extent.most_bytes),
        bytes_free=shutil.disk_usage(existing).free,
        bytes_of_memory=BASE_BYTES + source * _BYTES_A_VOXEL_READ + max(source, made) * _BYTES_A_VOXEL_MADE,
        seconds=extent.voxels * max(1, len(recipe.steps) / 4) / _VOXELS_A_SECOND,
    )
