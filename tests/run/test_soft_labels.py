"""One-hot and soft labels through a run: what added up to one still does, and soft stays soft."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from datasets_for_runs import OBLIQUE, SIZE, records_of, run_here, save_image, save_recipe
from scipy.ndimage import gaussian_filter

from medaug_cli.copies import load_sample
from medaug_cli.core.label_maps import LabelMap
from medaug_cli.discover import DatasetQuery, discover
from medaug_cli.formats import Limits
from medaug_cli.replay import compare, replay_record
from medaug_cli.report.tiles import labels_of

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

RECIPE = """\
version: 1
seed: 5
dataset:
  images: {t1: "{case}_T1w.nii.gz"}
  labels: {tissue: "{case}_tissue.nii.gz"}
SOFTsteps:
  - flip: {axes: [LR], p: 1}
  - affine: {rotation_deg: [12, 15], translation_mm: [3, 4], p: 1}
  - elastic: {control_points: 5, displacement_mm: [1, 2], p: 1}
"""


def classes() -> np.ndarray:
    """Return a map of 0, 1 and 2 in blocks."""
    x, y, _ = np.indices(SIZE)
    return (x > 4).astype(np.uint8) + ((x > 8) & (y > 5))


def one_hot() -> np.ndarray:
    return (classes()[..., None] == np.arange(3)).astype(np.uint8)


def shares() -> np.ndarray:
    """Return three smooth shares that add up to 1."""
    smooth = np.stack([gaussian_filter(one_hot()[..., n].astype(np.float32), 1.2) for n in range(3)], -1)
    return (smooth / smooth.sum(-1, keepdims=True)).astype(np.float32)


def save(folder: Path, array: np.ndarray) -> Path:
    """Write an image and `array` as its tissue."""
    save_image(folder / "case01_T1w.nii.gz")
    nib.save(nib.nifti1.Nifti1Image(array, OBLIQUE), folder / "case01_tissue.nii.gz")
    return folder


def make(tmp_path: Path, dataset: Path, soft: str = "") -> tuple[Record, np.ndarray]:
    """Return the record of the copy and the shares in it."""
    path = save_recipe(tmp_path / "recipe.yaml", RECIPE.replace("SOFT", f"  soft_labels: [{soft}]\n" if soft else ""))
    run_here(path, dataset, tmp_path / "root")
    record = records_of(tmp_path / "root")[0]
    if record.status != "ok":
        return record, np.empty(0)
    compare(record, replay_record(record, dataset))
    return record, nib.load(tmp_path / "root" / "case01_aug0001_tissue.nii.gz").get_fdata()


def test_exactly_one_component_is_1_also_where_the_copy_looks_beyond_the_source(tmp_path: Path) -> None:
    """And the components are the map of classes, moved by the same recipe."""
    record, made = make(tmp_path, save(tmp_path / "dataset", one_hot()))
    assert set(np.unique(made)) == {0, 1}
    assert (made.sum(-1) == 1).all()
    assert set(record.labels["tissue"]) == {"1", "2", "3"}
    _, moved = make(tmp_path / "again", save(tmp_path / "again" / "dataset", classes()))
    assert np.array_equal(made.argmax(-1), moved)
    stored = nib.load(tmp_path / "root" / "case01_aug0001_tissue.nii.gz")
    assert stored.get_data_dtype() == np.uint8


def test_overlapping_components_are_each_what_the_map_of_one_of_them_is(tmp_path: Path) -> None:
    overlapping = np.stack([classes() > 0, classes() == 2], -1).astype(np.uint8)
    _, made = make(tmp_path, save(tmp_path / "dataset", overlapping))
    _, moved = make(tmp_path / "again", save(tmp_path / "again" / "dataset", (classes() > 0).astype(np.uint8)))
    assert np.array_equal(made[..., 0], moved)
    assert (made[..., 0] >= made[..., 1]).all()


def test_shares_that_add_up_to_one_still_do(tmp_path: Path) -> None:
    _, made = make(tmp_path, save(tmp_path / "dataset", shares()))
    assert np.abs(made.sum(-1) - 1).max() < 1e-5
    assert made.min() >= 0
    assert ((made > 0.05) & (made < 0.95)).mean() > 0.05
    stored = nib.load(tmp_path / "root" / "case01_aug0001_tissue.nii.gz")
    assert stored.get_data_dtype() == np.float32


def test_shares_move_as_the_same_numbers_do_as_an_image(tmp_path: Path) -> None:
    """An independent way through the program: the share as a second channel, filled with 0."""
    one = shares()[..., 2]
    save(tmp_path / "dataset", one)
    nib.save(nib.nifti1.Nifti1Image(one, OBLIQUE), tmp_path / "dataset" / "case01_gm.nii.gz")
    recipe = RECIPE.replace("SOFT", "  soft_labels: [tissue]\n").replace(
        'nii.gz"}\n  labels', 'nii.gz", gm: "{case}_gm.nii.gz"}\n  labels'
    )
    run_here(save_recipe(tmp_path / "recipe.yaml", recipe), tmp_path / "dataset", tmp_path / "root")
    soft, image = (
        nib.load(tmp_path / "root" / f"case01_aug0001_{name}.nii.gz").get_fdata() for name in ("tissue", "gm")
    )
    inside = image > one.min() + 1e-3
    assert np.abs(soft - image)[inside].max() < 1e-6


def test_scaled_bytes_keep_their_scale(tmp_path: Path) -> None:
    raw = np.rint(shares()[..., 1] * 250).astype(np.uint8)
    save_image(tmp_path / "bytes" / "case01_T1w.nii.gz")
    _set_scale(tmp_path / "bytes" / "case01_tissue.nii.gz", raw)
    record, shares_made = make(tmp_path / "b", tmp_path / "bytes", "tissue")
    assert record.status == "ok", record.message
    stored = nib.load(tmp_path / "b" / "root" / "case01_aug0001_tissue.nii.gz")
    assert (stored.get_data_dtype(), stored.dataobj.slope) == (np.uint8, pytest.approx(1 / 250))
    assert 0.5 < shares_made.max() <= 1.001


def _set_scale(path: Path, raw: np.ndarray) -> None:
    """Write `raw` with a slope of 1/250, which nibabel would work into the numbers."""
    header = nib.nifti1.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(raw.shape)
    header.set_sform(OBLIQUE, 1)
    header["scl_slope"], header["vox_offset"], header["magic"] = 1 / 250, 352, b"n+1"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4) + raw.tobytes(order="F")))


@pytest.mark.parametrize(
    ("array", "soft", "reason"),
    [
        (shares()[..., 1], "", "label_not_integer"),
        (classes(), "tissue", "label_components"),
        ((classes() > 0).astype(np.uint8), "tissue", "soft_not_representable"),
        (shares() * 3, "", "label_components"),
        (np.where(shares() > 0.9, np.nan, shares()).astype(np.float32), "", "label_components"),
    ],
    ids=["not declared", "classes", "whole numbers", "beyond 1", "NaN"],
)
def test_what_is_neither_label_nor_share_is_refused(tmp_path: Path, array: np.ndarray, soft: str, reason: str) -> None:
    record, _ = make(tmp_path, save(tmp_path / "dataset", array), soft)
    assert (record.status, record.reason) == ("failed", reason)


def test_probability_maps_of_bids_are_labels_where_they_are_declared(tmp_path: Path) -> None:
    save_image(tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    (tmp_path / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    folder = tmp_path / "derivatives" / "seg" / "sub-01" / "anat"
    folder.mkdir(parents=True)
    nib.save(nib.nifti1.Nifti1Image(shares()[..., 1], OBLIQUE), folder / "sub-01_label-GM_probseg.nii.gz")
    (alone,) = discover(tmp_path, DatasetQuery()).samples
    assert alone.labels() == ()
    query = DatasetQuery(labels={"gm": "label-GM_probseg"}, soft_labels=("gm",))
    (sample,) = discover(tmp_path, query).samples
    assert [(source.channel, source.declared) for source in sample.labels()] == [("gm", "soft")]


def test_previews_outline_where_a_share_is_a_half(tmp_path: Path) -> None:
    save(tmp_path, shares())
    (sample,) = discover(
        tmp_path, DatasetQuery(labels={"tissue": "{case}_tissue.nii.gz"}, images={"t1": "{case}_T1w.nii.gz"})
    ).samples
    loaded = load_sample(tmp_path, sample.id, sample.sources, {}, Limits())
    shown = labels_of(loaded)
    assert list(shown) == ["tissue[2]", "tissue[3]"]
    assert isinstance(shown["tissue[2]"], LabelMap)
    assert np.array_equal(shown["tissue[2]"].array.T == 2, shares()[..., 1] >= 0.5)
