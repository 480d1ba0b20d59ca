"""Discovery as a whole: which layout, what is refused, and that only a format opens files."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from medaug_cli.core.errors import DatasetError, ExitCode, RecipeError
from medaug_cli.core.geometry import Geometry
from medaug_cli.discover import DatasetQuery, discover, layout_names
from medaug_cli.formats import Found, FoundVolume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.discover.conftest import WriteNifti, WriteSeries


def test_every_module_of_the_folder_is_a_layout() -> None:
    assert layout_names() == ("bids", "dicom", "nifti", "nnunet")


def test_a_missing_layout_is_refused_with_those_there_are(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("a.nii")
    with pytest.raises(RecipeError, match="'bidz' is none; write auto, bids, dicom, nifti, nnunet"):
        discover(tmp_path, DatasetQuery(layout="bidz"))


def test_two_formats_in_one_folder_are_refused_until_the_layout_is_named(
    tmp_path: Path, nifti: WriteNifti, series: WriteSeries
) -> None:
    nifti("a.nii", "b.nii")
    series("CT", "1.2.3")
    with pytest.raises(DatasetError, match=r"holds 2 nifti files and 3 dicom files; .* dataset\.layout"):
        discover(tmp_path, DatasetQuery())
    assert [sample.id for sample in discover(tmp_path, DatasetQuery(layout="dicom")).samples] == ["CT"]
    assert [sample.id for sample in discover(tmp_path, DatasetQuery(layout="nifti")).samples] == ["a", "b"]


def test_two_markers_are_refused_until_the_layout_is_named(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("imagesTr/a_0000.nii.gz")
    (tmp_path / "dataset_description.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"could be bids \(dataset_description\.json\) and nnunet \(imagesTr\)"):
        discover(tmp_path, DatasetQuery())


def test_a_folder_with_nothing_usable_is_refused_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "scan.mha").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"found 1 files \(1 \.mha\); medaug reads nifti, dicom") as caught:
        discover(tmp_path, DatasetQuery())
    assert caught.value.exit_code == ExitCode.NO_DATASET


@pytest.mark.parametrize("layout", ["auto", "nifti", "dicom", "bids", "nnunet"])
def test_an_empty_folder_is_refused(tmp_path: Path, layout: str) -> None:
    with pytest.raises(DatasetError, match="found no file"):
        discover(tmp_path, DatasetQuery(layout=layout))


def test_copies_of_an_earlier_run_change_nothing(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p1_seg.nii.gz")
    before = discover(tmp_path, DatasetQuery())
    nifti("p1_aug0001.nii.gz", "p1_aug0001_seg.nii.gz")
    known = frozenset({"p1_aug0001.nii.gz", "p1_aug0001_seg.nii.gz"})
    assert discover(tmp_path, DatasetQuery(known_outputs=known)) == before
    assert len(discover(tmp_path, DatasetQuery()).samples) == 2


def test_a_split_without_a_table_is_a_mistake_of_the_recipe(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("a.nii")
    with pytest.raises(RecipeError, match=r"needs dataset\.table"):
        discover(tmp_path, DatasetQuery(augment=("train",)))


def test_a_nifti_dataset_needs_neither_the_dicom_format_nor_simpleitk(tmp_path: Path, nifti: WriteNifti) -> None:
    nifti("p1.nii.gz", "p1_seg.nii.gz")
    program = (
        "import sys, pathlib; from medaug_cli.discover import DatasetQuery, discover; "
        "discover(pathlib.Path(sys.argv[1]), DatasetQuery()); "
        "print([n for n in ('medaug_cli.formats.dicom', 'SimpleITK._SimpleITK') if n in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class FakeFormat:
    """A format whose files are what their names say: `big` ones have another size, `bad` ones a problem."""

    name = "nifti"

    def claims(self, path: Path, *, bare: bool = False) -> bool:
        """Say so by the suffix."""
        assert not bare
        return path.suffix == ".nii"

    def find(self, root: Path, files: Sequence[str]) -> Found:
        """Return one volume a file."""
        del root
        return Found(tuple(map(self._volume, files)))

    def _volume(self, path: str) -> FoundVolume:
        size = (9, 9, 9) if "big" in path else (4, 4, 4)
        problem = ("truncated", f"{path}: cut") if "bad" in path else None
        return FoundVolume(
            "nifti", path, (path,), ((7, 1),), Geometry(size), problem=problem, warnings=(f"{path}: odd",)
        )


def test_discovery_knows_a_format_by_its_protocol_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("p1.nii", "p1_mask.nii", "p2_bad.nii", "p3.nii", "p3_big_mask.nii"):
        (tmp_path / name).touch()
    for module in ("walk", "layouts.nifti"):
        monkeypatch.setattr(f"medaug_cli.discover.{module}.load_format", lambda _name: FakeFormat())
    inventory = discover(tmp_path, DatasetQuery(layout="nifti"))
    assert [(sample.id, sample.problem) for sample in inventory.samples] == [
        ("p1", None),
        ("p2_bad", ("truncated", "p2_bad.nii: cut")),
        ("p3", None),
    ]
    assert (inventory.samples[0].stored_bytes, len(inventory.warnings)) == (14, 6)
