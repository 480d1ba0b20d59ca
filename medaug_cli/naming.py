"""Names of copies: where each file of a copy goes, relative to ROOT, by the layout of the dataset."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medaug_cli.core.outputs import Stack
    from medaug_cli.core.sample import Sample, Source

BIDS_DERIVATIVES = "derivatives/medaug"
_SUFFIX = re.compile(r"\.(nii\.gz|nii|hdr|img|mrk\.json)$", re.IGNORECASE)
_SUFFIXES = {"nifti": ".nii.gz"}
_BIDS_DERIVED = re.compile(r"^derivatives/[^/]+/")
_BIDS_DESC = re.compile(r"_desc-([A-Za-z0-9]+)")


def copy_paths(sample: Sample, source: Source, copy: int) -> tuple[str, ...]:
    """Return the path of each file of `source` in copy number `copy`, in the order of the source's files."""
    mark = f"aug{copy:04d}"
    if source.shared:
        return tuple(_beside_image(sample, path, copy) for path in source.names)
    if source.copy_format == "dicom":
        return tuple(_in_marked_folder(path, mark) for path in source.names)
    if sample.layout == "bids":
        return tuple(_bids_name(path, mark) for path in _names_of(source))
    # Slices are numbered, and have nothing in common with a mask that lies beside them.
    named = (one.names for one in sample.sources if one.copy_format != "dicom" and not one.shared)
    case = case_of(sample.id, tuple(path for paths in named for path in paths))
    return tuple(_case_name(path, case, mark) for path in _names_of(source))


def stacks_of(sample: Sample, copy: int, *, regridded: bool, classic: bool) -> frozenset[Stack]:
    """Return the stacks that slices of copy number `copy` may belong to beside `copy_paths`.

    `regridded` says that a step may change the number of slices, `classic` that frames become slices of their own.
    """
    stacks: set[Stack] = set()
    for source in sample.sources:
        if source.role != "image" or source.copy_format != "dicom":
            continue
        ends = [posixpath.splitext(path) for path in copy_paths(sample, source, copy)]
        if regridded:
            stacks.update((f"{stem}_slice", suffix) for stem, suffix in ends)
        if classic and len(ends) == 1:
            stacks.update((f"{stem}_", suffix) for stem, suffix in ends)
    return frozenset(stacks)


def _names_of(source: Source) -> tuple[str, ...]:
    """Return the paths that copies of `source` are named after, with the suffix of their format where it is another."""
    if not source.copied_as:
        return source.names
    return tuple(split_suffix(path)[0] + _SUFFIXES[source.copied_as] for path in source.names)


def _beside_image(sample: Sample, path: str, copy: int) -> str:
    """boxes.json, which tells of every case → case01_aug0001_boxes.json beside the copy of the first image."""
    image = next(one for one in sample.sources if one.role == "image")
    paths = copy_paths(sample, image, copy)
    beside = paths[0] if len(paths) == 1 or image.format != "dicom" else posixpath.dirname(paths[0])
    return f"{split_suffix(beside)[0]}_{posixpath.basename(path)}"


def _in_marked_folder(path: str, mark: str) -> str:
    """CT/0001.dcm → CT_aug0001/0001.dcm; files that lie in the dataset itself go to aug0001/."""
    folder, name = posixpath.split(path)
    return posixpath.join(f"{folder}_{mark}" if folder else mark, name)


@lru_cache(maxsize=1024)  # asked for every source and copy of a sample
def case_of(sample_id: str, paths: tuple[str, ...]) -> str:
    """Return what the file names of a sample have in common: its id, or their start up to a separator."""
    stems = [split_suffix(posixpath.basename(path))[0] for path in paths]
    own, common = posixpath.basename(sample_id), posixpath.commonprefix(stems)
    starts = chain((own,), (common[:end] for end in range(len(common), 0, -1)))
    return next((start for start in starts if all(_continues(stem, start) for stem in stems)), "")


def _continues(stem: str, case: str) -> bool:
    """Say whether `stem` is `case`, or `case` and a separator and more."""
    return stem == case or (stem.startswith(case) and case[-1].isalnum() and not stem[len(case)].isalnum())


def _case_name(path: str, case: str, mark: str) -> str:
    """case01_T1w.nii.gz → case01_aug0001_T1w.nii.gz, so that the copy is a case of its own."""
    folder, name = posixpath.split(path)
    stem, suffix = split_suffix(name)
    head = case or stem
    return posixpath.join(folder, f"{head}_{mark}{stem[len(head) :]}{suffix}")


def _bids_name(path: str, mark: str) -> str:
    """sub-01/anat/sub-01_T1w.nii.gz → derivatives/medaug/sub-01/anat/sub-01_desc-aug0001_T1w.nii.gz."""
    folder, name = posixpath.split(_BIDS_DERIVED.sub("", path))
    stem, suffix = split_suffix(name)
    entities, _, kind = stem.rpartition("_")
    described = _BIDS_DESC.search(entities)
    label = f"{described[1]}{mark}" if described else mark
    entities = _BIDS_DESC.sub("", entities)
    return posixpath.join(BIDS_DERIVATIVES, folder, f"{entities}_desc-{label}_{kind}{suffix}")


def split_suffix(name: str) -> tuple[str, str]:
    """Return the name and its suffix; of NIfTI the whole of it, as .nii.gz."""
    found = _SUFFIX.search(name)
    return (name[: found.start()], found.group()) if found else posixpath.splitext(name)
