"""The page on formats: its tables of real files are what medaug does with them, file by file."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from witnesses import realdata, validator

from medaug_cli.core.sample import Derivation, Loaded, Source, Volume
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.formats import Limits
from medaug_cli.formats.nifti import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
LINE = re.compile(r"^\| (`[^|]+`) \| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
SUFFIXES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Row:
    """One line: `paths` are a folder, a file or several files of one folder, `result` what becomes of them."""

    paths: tuple[str, ...]
    files: int
    what: str
    result: str

    @property
    def copied(self) -> bool:
        return self.result.startswith("copied")

    @property
    def reason(self) -> str:
        found = re.search(r"`(\w+)`", self.result)
        return found[1] if found else ""

    @property
    def is_nifti(self) -> bool:
        return self.paths[0].endswith(SUFFIXES)

    def members(self) -> set[str]:
        """Return the files of this line, relative to the collection."""
        root = realdata()
        inside = (file for path in self.paths for file in (root / path).rglob("*") if file.is_file())
        alone = (path for path in self.paths if (root / path).is_file())
        return {file.relative_to(root).as_posix() for file in inside} | set(alone)


def read_rows() -> Iterator[Row]:
    """Yield the lines of the tables of real files."""
    for cell, files, what, result in LINE.findall(PAGE.read_text().partition("## Checked on real files")[2]):
        first, *others = re.findall(r"`([^`]+)`", cell)
        folder = first.rpartition("/")[0]
        yield Row((first, *(f"{folder}/{other}" for other in others)), int(files), what, result)


ROWS = tuple(read_rows())
NIFTI = [row for row in ROWS if row.is_nifti]


def test_every_file_of_the_collection_has_one_row_and_every_row_its_files() -> None:
    root = realdata()
    members = [member for row in ROWS for member in row.members()]
    assert sorted(members) == sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert {row.paths: len(row.members()) for row in ROWS} == {row.paths: row.files for row in ROWS}


def test_the_collection_as_one_dicom_dataset_comes_to_what_the_page_says() -> None:
    inventory = discover(realdata(), DatasetQuery(layout="dicom"))
    found = {path: f"`{reason}`" for path, reason, _ in inventory.left_alone}
    for sample in inventory.samples:
        result = f"`{sample.problem[0]}`" if sample.problem else "copied"
        found |= {path: result for source in sample.sources for path in source.files}
    for warning in inventory.warnings:
        file, dropped, kept = warning.partition(": dropped, a copy of ")
        if dropped:
            found[file] = f"dropped, as a copy of `{kept.rpartition('/')[0]}`"
    told = {member: row.result for row in ROWS if not row.is_nifti for member in row.members()}
    assert {path: found[path] for path in told} == {
        path: "copied" if result.startswith("copied") else result for path, result in told.items()
    }
    assert {found[path] for row in NIFTI for path in row.members()} == {"`other_file`"}


@pytest.mark.parametrize("row", [row for row in NIFTI if not row.copied], ids=lambda row: row.paths[0])
def test_what_the_page_says_is_refused_is_refused_for_that_reason(row: Row) -> None:
    (volume,) = FORMAT.find(realdata(), row.paths).volumes
    assert volume.problem is not None
    assert volume.problem[0] == row.reason


@pytest.mark.parametrize("row", [row for row in NIFTI if row.copied], ids=lambda row: row.paths[0])
def test_a_copied_nifti_file_has_the_grid_and_type_of_its_source(row: Row, tmp_path: Path) -> None:
    root, (path,) = realdata(), row.paths
    is_mask = "mask" in row.what
    loaded = FORMAT.read(root, Source("label" if is_mask else "image", "a", "nifti", row.paths), Limits())
    (file,) = FORMAT.encode(mirrored(loaded), loaded, [Path(path).name], Derivation(1, "ab" * 32, "key"))
    (tmp_path / file.path).write_bytes(file.data)
    before, after = nib.load(root / path), nib.load(tmp_path / file.path)
    assert (after.shape, type(after)) == (before.shape, type(before))
    assert after.get_data_dtype() == before.get_data_dtype()
    assert np.allclose(after.affine, before.affine, atol=1e-4)
    assert np.abs(np.asanyarray(after.dataobj) - expected(before, is_mask=is_mask)).max() <= tolerance(before)
    subprocess.run([validator("niimath"), tmp_path / file.path, "-add", "0", tmp_path / "out"], check=True)


def expected(before: Any, *, is_mask: bool) -> Any:
    """Return the array of `before` mirrored and, but a mask, a tenth brighter as far as its type holds that."""
    source, kind = np.asanyarray(before.dataobj)[::-1], before.get_data_dtype()
    if is_mask or kind.kind == "f":
        return source * (1.0 if is_mask else 1.1)
    slope, inter = float(before.dataobj.slope), float(before.dataobj.inter)
    return np.clip(source * 1.1, np.iinfo(kind).min * slope + inter, np.iinfo(kind).max * slope + inter)


def tolerance(before: Any) -> float:
    """Return half a step of whole numbers, and what float32 leaves of others."""
    if before.get_data_dtype().kind == "f":
        return float(np.abs(np.asanyarray(before.dataobj)).max()) * 1e-6
    return 0.501 * abs(float(before.dataobj.slope))


def mirrored(loaded: Loaded) -> Any:
    """Return the content of `loaded` mirrored along x; an image a tenth brighter, too."""
    content = loaded.content
    if isinstance(content, Volume):
        void = None if content.void is None else content.void[..., ::-1]
        array = content.array[..., ::-1].astype(np.float32) * np.float32(1.1)
        return Volume(array, content.geometry, void, grows=content.grows, rgb=content.rgb)
    return content.with_parts([part[..., ::-1] for part in content.parts()], content.geometry)
