"""Worker: one job → records. Reads a sample once, makes its copies, publishes each; returns records only."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaug_cli.copies import Written, count_labels, derive, encode_copy, entries_of, load_sample, names_of_labels
from medaug_cli.core.errors import ResourceError, RootError, SampleError
from medaug_cli.core.files import Published, publish
from medaug_cli.core.sample import FileEntry
from medaug_cli.core.seeding import BIT_GENERATOR, digest
from medaug_cli.formats import Limits
from medaug_cli.hiding import hide_text, names_of_sources
from medaug_cli.journal import Entry, source_stamps
from medaug_cli.manifest import GeometryEntry, Record, SeedEntry, Settings, StepEntry
from medaug_cli.naming import copy_paths
from medaug_cli.program import apply_program, draw_program, scene_of
from medaug_cli.quality import check_finite, measure
from medaug_cli.root import check_there

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import LoadedSample, Sample
    from medaug_cli.plan import Job
    from medaug_cli.program import Copy, Drawn, Program
    from medaug_cli.step import Step


_NO_ROOM_FOR_ITK = "Failed to allocate memory"  # itkImportImageContainer.hxx; SimpleITK raises RuntimeError for it
_DIED = "the worker process died while it made this copy, at every try; the other samples were done"
_ENDS = {
    "timeout": "took longer than a job may, at every try; raise limits.timeout or --timeout if it is no endless loop",
    "out_of_memory": "does not fit into the memory that is left for it, also with no other job beside it; raise "
    "--memory, or use a machine with more",
}


@dataclass(frozen=True)
class Orders:
    """What all jobs of a run share."""

    dataset: Path
    root: Path
    steps: tuple[Step, ...]
    seed: int
    settings: Settings
    max_voxels: float
    patient_keys: dict[str, str]
    versions: dict[str, str]
    run: dict[str, str]
    privacy: Privacy | None = None


def run_job(orders: Orders, job: Job) -> tuple[Entry, ...]:
    """Make the copies of `job`; a failure is a record too, and costs nothing but its own copies."""
    started = time.perf_counter()
    entries: list[Entry] = []
    sample = job.sample
    try:
        loaded = read_sample(orders, sample)
    except Exception as error:  # noqa: BLE001  one bad sample must never cost another
        return tuple(_failed(orders, sample, copy, error) for copy in job.copies)
    reading_s = (time.perf_counter() - started) / len(job.copies)
    for copy in job.copies:
        begun = time.perf_counter()
        try:
            entry = _make_copy(orders, sample, loaded, copy)
        except Exception as error:  # noqa: BLE001  one bad copy must never cost another
            entries.append(_failed(orders, sample, copy, error, entries_of(loaded, orders.privacy)))
            continue
        seconds = reading_s + time.perf_counter() - begun
        timing = {"seconds": round(seconds, 4), "peak_rss_mib": _peak_rss_mib()}
        entries.append(replace(entry, record=entry.record.model_copy(update={"timing": timing})))
    return tuple(entries)


def read_sample(orders: Orders, sample: Sample) -> LoadedSample:
    """Read the sample of a job; raises SampleError for what discovery or the reader found."""
    if sample.problem:
        raise SampleError(*sample.problem)
    limits = Limits(max_voxels=orders.max_voxels, repair=orders.settings.repair)
    names, rules = orders.settings.label_names, orders.settings.mark_rules
    return load_sample(orders.dataset, sample.id, sample.sources, names, limits, sample.modality, rules)


def _make_copy(orders: Orders, sample: Sample, loaded: LoadedSample, copy: int) -> Entry:
    program, made = draw_and_apply(orders, loaded, copy)
    derivation = derive(program, made, copy, loaded, orders.settings, orders.privacy)
    targets = {source: copy_paths(sample, source, copy) for source in sample.sources}
    written: list[Written] = []
    qc: dict[str, Any] = {}
    labels: dict[str, dict[str, tuple[int, int]]] = {}

    def files() -> Iterator[tuple[Path, tuple[bytes | bytearray | memoryview, ...]]]:
        yield from _paths_and_bytes(orders.root, encode_copy(made, loaded, targets, derivation), written)
        qc.update(measure(made, loaded))  # while the last of them are on their way to the disk
        check_finite(qc)
        labels.update(count_labels(loaded, made))

    check_there(orders.root)  # not made anew by the folders of a copy
    published = publish(files())
    outputs = tuple(_entry_of(one, file) for one, file in zip(written, published, strict=True))
    first = next(iter(made.images.values())).geometry
    qc["clipped"] = sum(one.file.clipped for one in written)
    if suspicions := sorted({word for one in written for word in one.file.suspicions}):
        qc["suspicions"] = suspicions
    record = Record(
        **_identity(orders, sample, copy, entries_of(loaded, orders.privacy)),
        status="ok",
        output=outputs,
        geometry=GeometryEntry(
            size=first.size, spacing_mm=first.spacing_mm, origin_mm=first.origin_mm, direction=first.direction
        ),
        steps=tuple(step_entry(drawn) for drawn in program),
        labels=labels,
        label_names=names_of_labels(loaded, made, orders.privacy),
        qc=qc,
    )
    return Entry(record, _stamps(orders, sample, outputs))


def draw_and_apply(orders: Orders, loaded: LoadedSample, copy: int) -> tuple[Program, Copy]:
    """Return the drawn steps of copy number `copy` and its voxels; raises SampleError."""
    scene = scene_of(loaded, orders.seed, copy, orders.settings.resampler, orders.max_voxels, orders.settings.dtype)
    program = draw_program(orders.steps, scene)
    return program, apply_program(program, loaded, scene)


def _paths_and_bytes(
    root: Path, files: Iterator[Written], written: list[Written]
) -> Iterator[tuple[Path, tuple[bytes | bytearray | memoryview, ...]]]:
    """Yield each file to the publisher; keep what the record says of it once its bytes are on their way."""
    for one in files:
        yield root / one.file.path, one.file.parts
        written.append(Written(one.source, one.file.told()))


def _entry_of(written: Written, published: Published) -> FileEntry:
    source, file = written.source, written.file
    return FileEntry(
        role=source.role,
        channel=source.channel,
        path=file.path,
        bytes=published.bytes,
        sha256=published.sha256,
        voxel_sha256=file.voxel_sha256,
        format=source.copy_format,
        dtype=file.dtype,
        uids=dict(file.uids),
    )


def step_entry(drawn: Drawn) -> StepEntry:
    """Return one step as the manifest keeps it."""
    values = {} if drawn.step is None else drawn.step.values()
    return StepEntry(
        path=drawn.path, name=drawn.name, applied=drawn.step is not None, values=values, chosen=drawn.chosen
    )


def _identity(orders: Orders, sample: Sample, copy: int, sources: Sequence[FileEntry]) -> dict[str, Any]:
    """Return the fields that say which copy a record is about."""
    return {
        "output_id": output_id_of(orders.settings, sample.id, copy, sample.modality, sources),
        "sample_id": sample.id,
        "patient_key": orders.patient_keys.get(sample.patient, ""),
        "split": sample.split,
        "category": sample.category,
        "modality": sample.modality,
        "copy_": copy,
        "source": tuple(sources),
        "seed": SeedEntry(root=orders.seed, words=(sample.id, copy), bit_generator=BIT_GENERATOR),
        "settings": orders.settings,
        "versions": orders.versions,
        "run": orders.run,
    }


def output_id_of(settings: Settings, sample_id: str, copy: int, modality: str, sources: Sequence[FileEntry]) -> str:
    """Return the hash of all that decides what copy `copy` of a sample is."""
    voxels = sorted(f"{entry.role}:{entry.channel}:{entry.voxel_sha256}" for entry in sources if entry.voxel_sha256)
    # What the dataset says beside its voxels decides what steps do, as what the recipe says does.
    names = (f"{number}:{name}" for number, name in sorted(settings.label_names.items()))
    return digest(settings.recipe_sha256, sample_id, copy, *voxels, f"modality:{modality}", *names).hex()[:32]


def failed_entries(orders: Orders, job: Job, reason: str) -> tuple[Entry, ...]:
    """Return the entries of a job whose worker died, for `reason` (`worker_signal_11`)."""
    error = SampleError(reason, _ENDS.get(reason, _DIED))
    return tuple(_failed(orders, job.sample, copy, error) for copy in job.copies)


def _failed(
    orders: Orders, sample: Sample, copy: int, error: Exception, sources: Sequence[FileEntry] | None = None
) -> Entry:
    reason, message = explain(error)
    message = hide_text(message, names_of_sources(sample.sources, orders.privacy))
    known = _unread_entries(sample) if sources is None else sources
    record = Record(**_identity(orders, sample, copy, known), status="failed", reason=reason, message=message)
    return Entry(record, {})


def _unread_entries(sample: Sample) -> tuple[FileEntry, ...]:
    """Return the entries of sources that were not read to their end: they have no hashes and no type of voxels."""
    return tuple(
        FileEntry(source.role, source.channel, path, size, "", "", source.format, "")
        for source in sample.sources
        for path, (size, _) in zip(source.records, source.stamps, strict=True)
    )


def find_fault(dataset: Path, sample: Sample, label_names: dict[int, str], limits: Limits) -> tuple[str, str] | None:
    """Read every byte of `sample`; return reason and message of what is wrong with it, None where it is sound."""
    if sample.problem:
        return sample.problem
    try:
        load_sample(dataset, sample.id, sample.sources, label_names, limits)
    except Exception as error:  # noqa: BLE001  one bad sample must never hide the others
        return explain(error)
    return None


def explain(error: Exception) -> tuple[str, str]:
    """Return the stable reason and the message of a failed sample.

    For a bug only its type and place are told: the text of an unforeseen error may quote a header.
    """
    match error:
        case SampleError():
            return error.reason, error.message
        case ResourceError():
            return "no_resources", str(error)
        case RootError():
            return "root_unwritable", str(error)
        case MemoryError() | RuntimeError() if isinstance(error, MemoryError) or _NO_ROOM_FOR_ITK in str(error):
            return "out_of_memory", "the sample does not fit into memory; use fewer workers or limits.max_voxels"
        case OSError():
            return "unreadable", f"cannot be read: {error.strerror or type(error).__name__}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return "internal_error", f"a bug in medaug: {type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"


def _stamps(orders: Orders, sample: Sample, outputs: Sequence[FileEntry]) -> dict[str, tuple[int, int]]:
    stamps = source_stamps(sample)
    for output in outputs:
        found = (orders.root / output.path).stat()
        stamps[f"output:{output.path}"] = (found.st_size, found.st_mtime_ns)
    return stamps


def _peak_rss_mib() -> float:
    """Return the greatest memory this process has had so far; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
