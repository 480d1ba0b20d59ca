"""Copies: read a sample, draw and apply, encode; what the run, replay and a preview share. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import LabelMap, LabelStack
from medaug_cli.core.lazy import np
from medaug_cli.core.marks import Boxes, Contours, MarkRules, Points
from medaug_cli.core.privacy import plain_words
from medaug_cli.core.sample import Derivation, LoadedSample, Volume
from medaug_cli.core.seeding import digest
from medaug_cli.formats import load_format
from medaug_cli.program import turn_of
from medaug_cli.step import IntensityStep, Policy, SpatialStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.marks import Marks
    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import FileEntry, IndexMap, Loaded, Source
    from medaug_cli.formats import Limits
    from medaug_cli.manifest import Settings
    from medaug_cli.program import Copy, Program
    from medaug_cli.spatial import mapping as mappings
    from medaug_cli.step import Step

_SAME_ANGLES = 1e-5  # what an index map, rounded, leaves of a similarity


@dataclass(frozen=True)
class Written:
    """One encoded file and the entry that the manifest will have of it, but for its bytes' hash."""

    source: Source
    file: EncodedFile


def load_sample(
    dataset: Path,
    sample_id: str,
    sources: Sequence[Source],
    label_names: Mapping[int, str],
    limits: Limits,
    modality: str = "",
    rules: MarkRules | None = None,
) -> LoadedSample:
    """Read all volumes, labels and marks of a sample; raises SampleError."""
    loaded: list[Loaded] = []
    for source in sorted(sources, key=lambda source: source.role != "image"):
        known = [one for one in loaded if one.source.role == "image"]
        loaded.append(load_format(source.format).read(dataset, source, limits, known))
    images = {one.source.channel: one for one in loaded if isinstance(one.content, Volume)}
    labels = {one.source.channel: one for one in loaded if isinstance(one.content, LabelMap | LabelStack)}
    marks = {one.source.channel: one for one in loaded if isinstance(one.content, Points | Boxes | Contours)}
    return LoadedSample(sample_id, images, labels, dict(label_names), modality, marks, rules or MarkRules())


def derive(
    program: Program,
    copy: Copy,
    number: int,
    sample: LoadedSample,
    settings: Settings,
    privacy: Privacy | None = None,
) -> Derivation:
    """Return what the writers must say of a copy."""
    steps = [drawn.step for drawn in program if drawn.step is not None and not isinstance(drawn.step, Policy)]
    grid = next(iter(sample.images.values())).volume.geometry
    lossy = [step for step in steps if isinstance(step, IntensityStep)]
    ratios = {channel: _ratios(lossy, channel, volume) for channel, volume in copy.images.items()}
    moved = any(isinstance(step, SpatialStep) and step.moves_anatomy for step in steps)
    return Derivation(
        copy=number,
        recipe_sha256=settings.recipe_sha256,
        uid_key=digest(settings.recipe_sha256, sample.id, number).hex(),
        steps=tuple(_say(step) for step in steps),
        moved=moved,
        intensity_changed=any(isinstance(step, IntensityStep) for step in steps),
        mirrored=moved and float(np.linalg.det(copy.mapping.jacobian(grid.center_mm))) < 0,
        swap_laterality=copy.swaps_laterality,
        turn=turn_of(copy.mapping, grid),
        lossy_ratios=next(iter(ratios.values())),
        ratios_of_channels=ratios,
        compression=settings.compression,
        transfer_syntax=settings.transfer_syntax,
        dicom=settings.dicom,
        dtype=settings.dtype,
        privacy=privacy,
    )


def _ratios(steps: Sequence[IntensityStep], channel: str, volume: Volume) -> tuple[float, ...]:
    """Return how many times smaller each of the steps that store with loss made the image of a channel."""
    found = (step.for_channel(channel).lossy_ratio(volume) for step in steps)
    return tuple(ratio for ratio in found if ratio is not None)


def _index_map(mapping: mappings.Mapping, source: Geometry, made: Geometry) -> IndexMap | None:
    """Return how array indices of the `source` grid become those of the grid `made`; None: not by a matrix."""
    stages = mapping.stages(made, source)
    if len(stages) > 1 or not isinstance(stages[0], np.ndarray):
        return None
    return tuple(tuple(float(value) + 0.0 for value in row) for row in np.linalg.inv(stages[0])[:3].round(9))


def _rotation(index_map: IndexMap | None, source: Geometry, made: Geometry) -> IndexMap | None:
    """Return how directions in the patient turn with the content; None where it is bent, sheared or stretched."""
    if index_map is None:
        return None
    linear = (made.affine[:3, :3] @ np.array(index_map)[:, :3]) @ np.linalg.inv(source.affine[:3, :3])
    rotation = linear / np.cbrt(abs(np.linalg.det(linear)))
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=_SAME_ANGLES):
        return None
    left, _, right = np.linalg.svd(rotation)
    return tuple(tuple(float(value) + 0.0 for value in row) for row in (left @ right).round(12))


def _say(step: Step) -> tuple[str, tuple[str, str, str]]:
    return step.step_name(), step.code


def encode_copy(
    copy: Copy, sample: LoadedSample, targets: Mapping[Source, Sequence[str]], derivation: Derivation
) -> Iterator[Written]:
    """Yield the files of a copy: images, then labels, then marks; raises SampleError."""
    images = tuple((loaded, copy.images[name], targets[loaded.source]) for name, loaded in sample.images.items())
    made: dict[Source, Volume | Labels | Marks] = {
        **{loaded.source: copy.images[name] for name, loaded in sample.images.items()},
        **{loaded.source: copy.labels[name] for name, loaded in sample.labels.items()},
        **{loaded.source: copy.marks[name] for name, loaded in sample.marks.items()},
    }
    for loaded in sample.everything():
        source = loaded.source
        if source.role == "image":  # channels may lie on grids of their own
            made_on = copy.images[source.channel].geometry
            index_map = _index_map(copy.mapping, loaded.volume.geometry, made_on)
            ratios = derivation.ratios_of_channels.get(source.channel, derivation.lossy_ratios)
            rotation = _rotation(index_map, loaded.volume.geometry, made_on)
            said = replace(derivation, index_map=index_map, rotation=rotation, lossy_ratios=ratios)
        else:
            said = replace(derivation, images=images)
        for file in load_format(source.copy_format).encode(made[source], loaded, targets[source], said):
            hidden = file if said.privacy is None else replace(file, uids=_hide_uids(file.uids, said.privacy))
            yield Written(source, hidden)


def _hide_uids(uids: Mapping[str, str], privacy: Privacy) -> dict[str, str]:
    return {name: privacy.uid(uid) for name, uid in uids.items()}


def entries_of(sample: LoadedSample, privacy: Privacy | None = None) -> tuple[FileEntry, ...]:
    """Return the entries of every source file of a sample, under the paths and UIDs that the manifest has."""
    entries = []
    for loaded in sample.everything():
        records = dict(zip(loaded.source.files, loaded.source.records, strict=True))
        for entry in loaded.entries:
            uids = entry.uids if privacy is None else _hide_uids(entry.uids, privacy)
            entries.append(replace(entry, path=records.get(entry.path, entry.path), uids=uids))
    return tuple(entries)


def count_labels(before: LoadedSample, after: Copy) -> dict[str, dict[str, tuple[int, int]]]:
    """Return what there was and is: voxels of each value of a label map, contours of each region, points and boxes.

    0, the background, is left out; the components of a stack count from 1 on.
    """
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for name, loaded in before.labels.items():
        old, new = loaded.label.counts, after.labels[name].counts
        counts[name] = {f"{value:g}": (old.get(value, 0), new.get(value, 0)) for value in sorted({*old, *new})}
    for name, loaded in before.marks.items():
        found, made = _count_marks(loaded.marked), _count_marks(after.marks[name])
        counts[name] = {what: (count, made[what]) for what, count in found.items()}
    return counts


def names_of_labels(sample: LoadedSample, copy: Copy, privacy: Privacy | None = None) -> dict[str, dict[int, str]]:
    """Return what a copy's labels are called, of those that are in another format; the components of a stack count.

    Where the patient is hidden, nothing but words of the field is left of a name.
    """
    told: dict[str, dict[int, str]] = {}
    for name, loaded in sample.labels.items():
        if loaded.source.copied_as:
            label = copy.labels[name]
            names = label.names if isinstance(label, LabelMap) else dict(enumerate(label.names, start=1))
            told[name] = {value: text if privacy is None else plain_words(text) for value, text in names.items()}
    return told


def _count_marks(marks: Marks) -> dict[str, int]:
    """Return how many points or boxes there are, or contours by the number of their region."""
    if isinstance(marks, Contours):
        return {str(region): count for region, count in marks.counts.items()}
    return {"marks": len(marks.names)}


def check_unchanged(sample: LoadedSample, expected: Sequence[FileEntry]) -> None:
    """Raise SampleError where a source's bytes are not those that `expected` was made from."""
    hashes = {entry.path: entry.sha256 for entry in entries_of(sample)}
    changed = [entry.path for entry in expected if hashes.get(entry.path) != entry.sha256]
    if changed:
        raise SampleError("source_changed", f"{changed[0]}: not the file that the copy was made from")
