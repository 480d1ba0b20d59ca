"""A killed run leaves no slice that the next does not know, also where copies have more than their sources (P1, P2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from datasets_for_runs import leftovers, records_of, run_here, save_recipe, voxel_hashes

from medaug_cli.core.errors import DatasetError, RootError
from medaug_cli.core.files import temporary_of
from medaug_cli.root import Root, known_copies
from medaug_cli.scan import look_at
from medaug_cli.verify import verify_root
from tests.formats.dicom.datasets import SERIES, ramp, save, save_series
from tests.formats.dicom.framed import enhanced, frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PADDED = "version: 1\ncopies: 2\nsteps:\n  - pad: {size: 9}\n"
CLASSIC = "version: 1\ncopies: 2\nsteps: [gamma]\noutput: {dicom: classic}\n"


class Killed(BaseException):
    """Ends a run as SIGKILL does: nothing catches it."""


def save_ct(folder: Path) -> None:
    """Write a series of five slices."""
    save_series(folder / "CT", [ramp(k) for k in range(5)], Modality="CT")


def save_enhanced(folder: Path) -> None:
    """Write one object of several frames."""
    save(enhanced([frame(5.0 * k) for k in range(3)]), folder / "CT" / "scan.dcm")


def dicom_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.dcm")}


@dataclass(frozen=True)
class KilledRun:
    """A run alongside its originals that ended where copies were published and not yet recorded."""

    recipe: Path
    dataset: Path
    sources: set[str]


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], text: str) -> KilledRun:
    """Run the recipe `text` over what `write` writes, and kill it."""
    dataset, recipe = tmp_path / "data", save_recipe(tmp_path / "r.yaml", text)
    write(dataset)
    sources = dicom_files(dataset)

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Root, "add", kill)
        with pytest.raises(Killed):
            run_here(recipe, dataset, dataset)
    return KilledRun(recipe, dataset, sources)


@pytest.mark.parametrize(("write", "text"), [(save_ct, PADDED), (save_enhanced, CLASSIC)], ids=["padded", "classic"])
class TestKilled:
    def test_slices_that_a_killed_run_left_are_no_source(self, killed: KilledRun) -> None:
        folder = killed.dataset / "CT_aug0001"
        left = [path.name for path in folder.iterdir()]
        assert len(left) > 1
        assert all(name in known_copies(folder) for name in left)
        assert len(look_at(killed.dataset, None, known_copies(killed.dataset)).samples) == 1

    def test_the_next_run_ends_as_an_undisturbed_one(
        self, killed: KilledRun, tmp_path: Path, write: Callable[[Path], None]
    ) -> None:
        dataset, recipe = killed.dataset, killed.recipe
        temporary_of(dataset / "CT_aug0001" / "any.dcm").write_bytes(b"half")
        run_here(recipe, dataset, dataset)
        write(tmp_path / "again")
        run_here(recipe, tmp_path / "again", tmp_path / "again")
        assert voxel_hashes(dataset) == voxel_hashes(tmp_path / "again")
        assert dicom_files(dataset) == killed.sources | set(voxel_hashes(dataset))
        assert leftovers(dataset) == []

    def test_what_no_copy_needs_any_more_is_cleared_and_verify_tells_of_it(self, killed: KilledRun) -> None:
        """The next recipe makes one copy, and as many slices as there are sources."""
        dataset, sources = killed.dataset, killed.sources
        (dataset / "medaug-manifest.jsonl").touch()
        left = {path for path, why in verify_root(dataset, None, None)[1] if "no record" in why}
        assert left == dicom_files(dataset) - sources != set()
        run_here(save_recipe(killed.recipe, "version: 1\ncopies: 1\nsteps: [gamma]\n"), dataset, dataset)
        assert dicom_files(dataset) == sources | set(voxel_hashes(dataset))
        assert len(voxel_hashes(dataset)) == len(sources)

    def test_a_foreign_slice_in_the_folder_of_a_copy_is_not_written_over(
        self, tmp_path: Path, write: Callable[[Path], None], text: str
    ) -> None:
        dataset, root = tmp_path / "data", tmp_path / "root"
        write(dataset)
        run_here(save_recipe(tmp_path / "r.yaml", text.replace("copies: 2", "copies: 1")), dataset, root)
        (record,) = records_of(root)
        foreign = root / record.output[-1].path.replace("aug0001", "aug0002")
        foreign.parent.mkdir()
        foreign.write_bytes(b"mine")
        with pytest.raises(RootError, match="was not written by medaug"):
            run_here(save_recipe(tmp_path / "r.yaml", text), dataset, root)
        assert foreign.read_bytes() == b"mine"


def test_two_images_whose_slices_would_have_one_name_are_refused(tmp_path: Path) -> None:
    save_enhanced(tmp_path)
    other = enhanced([frame(5.0 * k) for k in range(3)])
    other.SOPInstanceUID, other.SeriesInstanceUID = f"{SERIES}.70", f"{SERIES}.71"
    save(other, tmp_path / "CT" / "scan_0001.dcm")
    with pytest.raises(DatasetError, match=r"may both be written to .*ct_aug0001/scan_0001\.dcm; rename one"):
        run_here(save_recipe(tmp_path / "r.yaml", CLASSIC), tmp_path, tmp_path)


def test_a_series_that_lost_slices_leaves_none_of_its_former_copies(tmp_path: Path) -> None:
    dataset, recipe = tmp_path / "data", save_recipe(tmp_path / "r.yaml", "version: 1\ncopies: 1\nsteps: [gamma]\n")
    save_ct(dataset)
    run_here(recipe, dataset, dataset)
    max((dataset / "CT").iterdir()).unlink()
    run_here(recipe, dataset, dataset)
    assert dicom_files(dataset) == {f"{folder}/{k}.dcm" for folder in ("CT", "CT_aug0001") for k in range(4)}
