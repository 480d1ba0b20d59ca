"""The page on formats: what it calls copied of DICOM is copied, and readers that know nothing of medaug agree."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import records_of, run_here, save_recipe
from witnesses import dicom_errors, entity_errors, realdata, validator

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import Limits
from medaug_cli.formats.dicom import FORMAT
from tests.formats.dicom.datasets import UNCHANGED, encode, load, publish, source
from tests.test_formats_page import ROWS, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medaug_cli.core.encoded import EncodedFile
    from medaug_cli.core.sample import Loaded
    from medaug_cli.manifest import Record

DICOM = [row for row in ROWS if not row.is_nifti and row.paths != ("README.md",)]
LABELS = [row for row in DICOM if row.copied and row.what.startswith(("SEG", "RTSTRUCT"))]
IMAGES = [row for row in DICOM if row not in LABELS and "copied" in row.result + row.what and "SEG" not in row.what]
MIRRORED = replace(
    UNCHANGED,
    moved=True,
    mirrored=True,
    swap_laterality=True,
    intensity_changed=True,
    turn=((0, -1), (1, 1), (2, 1)),
    steps=(("flip", ("113085", "DCM", "Spatial resampling")), ("gamma", ("GAMMA", "99MEDAUG", "Gamma"))),
)
RECIPE = "version: 1\ndataset: {layout: dicom}\nsteps:\n  - flip: {axes: [LR], p: 1}\n  - gamma: {log_gamma: 0.1}\n"
UNREAD, MISSING = "Error - Dicom dataset read failed", "Error - Missing SOPInstanceUID that was referenced"


def first_path(row: Row) -> str:
    return row.paths[0]


@dataclass(frozen=True)
class Copy:
    """The images of one line of the page, as they were read, and the files of their copy."""

    row: Row
    loaded: Loaded
    root: Path
    files: tuple[EncodedFile, ...]

    def sources(self) -> list[Path]:
        return [realdata() / file for file in self.loaded.source.files]

    def copies(self) -> list[Path]:
        return [self.root / file.path for file in self.files]


@pytest.fixture(scope="module", name="made", params=IMAGES, ids=first_path)
def make_copy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Return a copy of one line's images; skip where their codec is not installed."""
    row: Row = request.param
    try:
        return copy_of(row, tmp_path_factory.mktemp("copy"))
    except SampleError as error:
        if error.reason == "codec_missing":
            pytest.skip(str(error))
        raise


def read(row: Row) -> Loaded:
    """Read the images of one line, with the flag that the page names for it."""
    repair, force = (f"`--{flag}`" in row.what for flag in ("repair", "force-read"))
    root, files = realdata(), sorted(row.members())
    assert all(FORMAT.claims(root / file, bare=force) for file in files)
    (volume,) = FORMAT.find(root, files, repair=repair).volumes
    return FORMAT.read(root, source(volume), Limits(repair=repair))


def copy_of(row: Row, root: Path) -> Copy:
    """Write a copy of the images of `row`, mirrored along their rows and a little brighter, under `root`."""
    loaded = read(row)
    content = loaded.volume
    array = content.array.astype(np.float32)[..., ::-1] * 1.01
    void = None if content.void is None else content.void[..., ::-1]
    files = encode(loaded, MIRRORED, replace(content, array=array, void=void))
    publish(files, root)
    return Copy(row, loaded, root, tuple(files))


def test_what_the_page_says_is_copied_is_read_again_and_valid(made: Copy) -> None:
    assert made.loaded.irregular.partition(":")[0] == (made.row.reason if made.row.copied else "")
    again = FORMAT.find(made.root, [file.path for file in made.files]).volumes
    assert not [volume.problem for volume in again if volume.problem]
    assert sum(load(made.root, volume).volume.array.size for volume in again) == made.loaded.volume.array.size
    assert faults(made.copies()[0]) <= faults(made.sources()[0]) | known_of(made.row)


def known_of(row: Row) -> set[str]:
    """Return the faults that dciodvfy cannot find in a source, as it does not know the class of a blanked one."""
    return (
        {"Missing attribute for Type 2C Conditional - Module=<GeneralSeries>"} if row.reason == "blank_uid" else set()
    )


def faults(path: Path) -> set[str]:
    """Return what dciodvfy complains of in a file, not where: a bad UID of a source is bad where it is named, too."""
    return {error.rpartition("> - ")[2].partition(" = <")[0] for error in dicom_errors(path)}


def test_dcentvfy_finds_sources_and_copies_consistent(made: Copy) -> None:
    """Copies belong to the patient and study of their sources, and refer to them alone."""
    if made.row.reason == "blank_uid":
        pytest.skip("sources without UIDs cannot be referred to")
    assert_consistent(made.sources(), made.copies())


def assert_consistent(sources: Sequence[Path], copies: Sequence[Path]) -> None:
    """Assert that dcentvfy finds nothing in all files together that it does not find in the sources.

    It leaves out a source with an odd length of pixels, and then misses it.
    """
    before, after = entity_errors(sources), entity_errors([*sources, *copies])
    new = after - before
    assert not {error for error in new if not (UNREAD in before and error.startswith(MISSING))}


def test_dcentvfy_notices_that_the_sources_are_not_there(tmp_path: Path) -> None:
    """The test above would see a copy that refers to an instance which nobody has."""
    (row,) = (row for row in DICOM if row.paths == ("ct_seg_dcmqi/ct-3slice",))
    found = entity_errors(copy_of(row, tmp_path).copies())
    assert sum(error.startswith(MISSING) for error in found) == 3


def test_dcm2niix_finds_the_grid_of_the_source_in_the_copy(made: Copy, tmp_path: Path) -> None:
    """An overlay becomes an image of its own, on the same grid, which the copy does not have."""
    if not FORMAT.claims(made.sources()[0]):
        pytest.skip("dcm2niix reads no file without a preamble")
    before = grids_by_dcm2niix(made.sources(), tmp_path / "before")
    assert before
    assert before == grids_by_dcm2niix(made.copies(), tmp_path / "after")


def grids_by_dcm2niix(files: Sequence[Path], folder: Path) -> set[tuple[object, ...]]:
    """Return the shapes and affines, to 0.01 mm, of what dcm2niix makes of `files`."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    for number, file in enumerate(files):
        shutil.copy(file, folder / "in" / f"{number}.dcm")
    command = [validator("dcm2niix"), "-z", "n", "-b", "n", "-f", "x", "-o", folder / "out", folder / "in"]
    subprocess.run(command, capture_output=True, check=True)
    made = [nib.load(path) for path in (folder / "out").glob("*.nii")]
    return {(image.shape, *(np.round(image.affine, 2) + 0.0).ravel().tolist()) for image in made}


@pytest.fixture(scope="module", name="runs")
def run_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[Record]]]:
    """Return by folder of the collection the ROOT and the records of a run over its images and labels."""
    made = {}
    for name in ("sts025_dicom", "ct_seg_dcmqi", "ct_seg_highdicom"):
        place = tmp_path_factory.mktemp(name)
        run_here(save_recipe(place / "recipe.yaml", RECIPE), realdata(name), place / "root")
        made[name] = (place / "root", records_of(place / "root"))
    return made


@pytest.mark.parametrize("row", LABELS, ids=first_path)
def test_labels_that_the_page_says_are_copied_go_with_their_images(
    row: Row, runs: dict[str, tuple[Path, list[Record]]]
) -> None:
    folder, _, file = row.paths[0].partition("/")
    root, records = runs[folder]
    (record,) = (one for one in records if file in [entry.path for entry in one.source])
    (made,) = (root / entry.path for entry in record.output if entry.path.endswith(f"/{file.rpartition('/')[2]}"))
    assert record.status == "ok"
    assert dicom_errors(made) <= dicom_errors(realdata(folder, file))


@pytest.mark.parametrize("folder", sorted({row.paths[0].partition("/")[0] for row in LABELS}))
def test_dcentvfy_finds_images_labels_and_their_copies_consistent(
    folder: str, runs: dict[str, tuple[Path, list[Record]]]
) -> None:
    root, records = runs[folder]
    for record in records:
        sources = [realdata(folder) / entry.path for entry in record.source]
        assert_consistent(sources, [root / entry.path for entry in record.output])
