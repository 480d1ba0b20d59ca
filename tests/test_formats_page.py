"""The page on formats: its table of real DICOM files is what medaug does with them, file by file."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medaug_cli.copies import load_sample
from medaug_cli.core.errors import SampleError
from medaug_cli.core.sample import Volume
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.formats import Limits
from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import UNCHANGED, dicom_errors, encode, find, load, publish, realdata, validator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medaug_cli.formats import FoundVolume

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
ROW = re.compile(r"^\| `([^`]+)` \| (\d+) \| .* \| (copied)?(?:, )?(?:`(\w+)`)? \|$", re.MULTILINE)
ROWS = {name: (int(files), bool(copied), reason) for name, files, copied, reason in ROW.findall(PAGE.read_text())}
STRUCTURES = {name for name in ROWS if "RTSTRUCT" in PAGE.read_text().partition(f"| `{name}` |")[2].partition("\n")[0]}
MIRRORED = replace(
    UNCHANGED,
    moved=True,
    mirrored=True,
    swap_laterality=True,
    intensity_changed=True,
    turn=((0, -1), (1, 1), (2, 1)),
    steps=(("flip", ("113085", "DCM", "Spatial resampling")), ("gamma", ("GAMMA", "99MEDAUG", "Gamma"))),
)


@pytest.fixture(scope="module", name="volumes")
def find_volumes() -> dict[str, FoundVolume]:
    """Return the images and labels of the whole collection by name."""
    return {volume.name: volume for volume in find(realdata()).volumes}


def changed(content: Volume) -> Volume:
    """Return `content` mirrored along its rows, and a little brighter."""
    array = content.array.astype(np.float32)[..., ::-1] * 1.01
    return replace(content, array=array, void=None if content.void is None else content.void[..., ::-1])


def test_every_volume_of_the_collection_has_a_row_and_every_row_a_volume(volumes: dict[str, FoundVolume]) -> None:
    assert {name: len(volume.files) for name, volume in volumes.items()} == {
        name: files for name, (files, _, _) in ROWS.items()
    }


def test_every_file_of_the_collection_is_accounted_for() -> None:
    """In a volume of a row, dropped as a copy of another with a warning, or left alone with a reason."""
    root = realdata()
    found = find(root)
    used = {file for volume in found.volumes for file in volume.files}
    dropped = {text.partition(": dropped, a copy of")[0] for volume in found.volumes for text in volume.warnings}
    alone = {path for path, reason, message in found.left_alone if reason and message}
    every = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and FORMAT.claims(path)}
    assert every == used | alone | (dropped & every)
    assert not used & alone
    assert len(dropped & every) == 16  # four encodings of the four slices of one series


@pytest.mark.parametrize("name", [name for name, (_, copied, _) in ROWS.items() if not copied])
def test_what_the_page_says_is_refused_is_refused_for_that_reason(volumes: dict[str, FoundVolume], name: str) -> None:
    problem = volumes[name].problem
    assert problem is not None
    assert problem[0] == ROWS[name][2]


def test_the_structure_sets_of_the_page_are_read_as_labels(volumes: dict[str, FoundVolume]) -> None:
    """Their copies are held against masks where structure sets are tested."""
    assert {name for name, volume in volumes.items() if volume.modality == "RTSTRUCT"} == STRUCTURES


@pytest.mark.parametrize("name", [name for name, (_, copied, _) in ROWS.items() if copied and name not in STRUCTURES])
def test_what_the_page_says_is_copied_is_copied_and_valid(
    volumes: dict[str, FoundVolume], name: str, tmp_path: Path
) -> None:
    root = realdata()
    if volumes[name].role == "label":
        copy_with_its_image(volumes[name], tmp_path)
        return
    try:
        loaded = load(root, volumes[name])
    except SampleError as error:
        if error.reason == "codec_missing":
            pytest.skip(str(error))
        raise
    assert loaded.irregular.partition(":")[0] == (ROWS[name][2] or "")
    assert isinstance(loaded.content, Volume)
    content = changed(loaded.content)
    files = encode(loaded, MIRRORED, content)
    publish(files, tmp_path)
    again = list(read_all(tmp_path))
    assert sum(array[0].size for array in again) == content.array[0].size
    assert errors_of(tmp_path / files[0].path) <= errors_of(root / volumes[name].files[0])


def copy_with_its_image(label: FoundVolume, tmp_path: Path) -> None:
    """Assert that the copy of a label object, mirrored with its image, is a valid one that shows as much."""
    folder, _, file = label.files[0].partition("/")
    root = realdata(folder)
    (sample,) = (one for one in discover(root, DatasetQuery(layout="dicom")).samples if one.labels())
    loaded = load_sample(root, sample.id, sample.sources, {}, Limits())
    source = next(one for one in loaded.labels.values() if one.source.files == (file,))
    images = tuple((one, changed(one.volume), one.source.files) for one in loaded.images.values())
    content = source.label.with_parts([part[..., ::-1] for part in source.label.parts()], source.label.geometry)
    (made,) = FORMAT.encode(content, source, [file], replace(MIRRORED, images=images))
    publish([made], tmp_path)
    again = FORMAT.read(tmp_path, replace(source.source, stamps=()), Limits(), [one for one, _, _ in images])
    assert np.array_equal(again.label.array, content.array)
    assert errors_of(tmp_path / file) <= errors_of(root / file)


def errors_of(path: Path) -> set[str]:
    """Return what dciodvfy complains of in a file, not where: a bad UID of a source is bad where it is named, too."""
    return {error.rpartition("> - ")[2].partition(" = <")[0] for error in dicom_errors(path)}


def read_all(root: Path) -> Iterator[np.ndarray]:
    """Yield the voxels of every volume under `root`."""
    for volume in find(root).volumes:
        assert volume.problem is None
        yield load(root, volume).content.array


CONSISTENT = (
    *("sts025_dicom/CT/image", "sts025_dicom/MR_T1/image", "sts025_dicom/PET/image", "mr_oblique_20"),
    *("single/RG1_J2KI", "single/US1_UNCR", "single/eCT_Supplemental"),
)


@pytest.mark.parametrize("name", CONSISTENT)
def test_dcentvfy_finds_sources_and_copies_consistent(
    volumes: dict[str, FoundVolume], name: str, tmp_path: Path
) -> None:
    """The copies belong to the patient and study of their sources, and refer to them alone."""
    root = realdata()
    loaded = load(root, volumes[name])
    assert isinstance(loaded.content, Volume)
    files = encode(loaded, MIRRORED, changed(loaded.content))
    publish(files, tmp_path)
    sources = [str(root / file) for file in volumes[name].files]
    before = entity_errors(sources)
    assert entity_errors([*sources, *(str(tmp_path / file.path) for file in files)]) <= before


def entity_errors(paths: list[str]) -> set[str]:
    """Return the errors that dcentvfy, a reader of its own, finds among files."""
    done = subprocess.run(
        [validator("dcentvfy"), *paths], capture_output=True, text=True, check=False, errors="replace"
    )
    lines = (done.stdout + done.stderr).splitlines()
    return {line.partition(" for file <")[0] for line in lines if line.startswith("Error")}
