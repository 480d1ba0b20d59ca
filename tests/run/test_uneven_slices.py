"""Series with a gap or a slice twice: a move within slices is that of each slice alone, one across them is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from datasets_for_runs import records_of, run_here, save_recipe

from tests.formats.dicom.datasets import AXIAL, image, placed, save

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.manifest import Record

EVEN, GAP, TWICE, UNEVEN = (0, 1, 2, 3, 4), (0, 1, 2, 4, 5), (0, 1, 2, 2, 3), (0, 1, 2.4, 3.1, 4)
WITHIN = {
    "rotate": "rotate: {rotation_deg: {SI: [10, 20]}}",
    "translate": "translate: {translation_mm: {LR: [1, 2], AP: 1}}",
    "scale": "scale: {scale: {LR: 1.2, AP: [0.8, 0.9], SI: 1}}",
    "shear": "shear: {shear_deg: {SI: 8}}",
    "flip": "flip: {axes: [LR, AP], p: 1}",
    "rotate90": "rotate90: {plane: axial, turns: 1}",
    "affine": "affine: {rotation_deg: {SI: 9}, translation_mm: {AP: 2}, scale: {LR: 1.1}, center: image}",
}
ACROSS = {
    "any rotation": "rotate",
    "a tilt": "rotate: {rotation_deg: {SI: 5, LR: [0, 1]}}",
    "along the slices": "translate: {translation_mm: {SI: [0, 1]}}",
    "thicker": "scale: {scale: 1.1}",
    "upside down": "flip: {axes: [SI], p: 1}",
    "a quarter turn": "rotate90: {plane: sagittal, turns: 1}",
    "across": "shear: {shear_deg: {LR: 3}}",
}


def run(step: str, places: tuple[float, ...], root: Path, cosines: list[float] = AXIAL) -> Record:
    """Run `step` on five slices of noise, 2.5 mm times `places` along the normal; return its only record."""
    rng = np.random.default_rng(2)
    normal = np.cross(cosines[:3], cosines[3:])
    for k, place in enumerate(places):
        about = placed(0, ImagePositionPatient=list(2.5 * place * normal), ImageOrientationPatient=cosines)
        pixels = rng.integers(0, 1000, (20, 24)).astype(np.int16)
        save(image(pixels, number=k + 1, **about), root / "data" / f"{k}.dcm")
    recipe = f"version: 1\nseed: 1\nsteps:\n  - {step}\nchecks: null\n"
    run_here(save_recipe(root / "recipe.yaml", recipe), root / "data", root / "out")
    (record,) = records_of(root / "out")
    return record


def pixels_of(record: Record, root: Path) -> np.ndarray:
    made = {entry.path: pydicom.dcmread(root / "out" / entry.path) for entry in record.output}
    return np.stack([made[path].pixel_array for path in sorted(made)])


@pytest.mark.parametrize("places", [GAP, TWICE, UNEVEN], ids=["gap", "twice", "uneven"])
@pytest.mark.parametrize("name", WITHIN)
def test_a_move_within_slices_is_the_same_wherever_the_slices_lie(
    name: str, places: tuple[float, ...], tmp_path: Path
) -> None:
    even, uneven = (run(WITHIN[name], one, tmp_path / str(n)) for n, one in enumerate((EVEN, places)))
    assert (uneven.status, uneven.message) == ("ok", "")
    moved = pixels_of(uneven, tmp_path / "1")
    assert np.abs(moved.astype(int) - pixels_of(even, tmp_path / "0")).max() <= 1  # of rounding
    assert not np.array_equal(moved, np.stack([pydicom.dcmread(p).pixel_array for p in sources(tmp_path / "1")]))


def sources(root: Path) -> list[Path]:
    return sorted((root / "data").iterdir())


@pytest.mark.parametrize("name", ACROSS)
def test_a_move_across_slices_is_refused(name: str, tmp_path: Path) -> None:
    record = run(ACROSS[name], GAP, tmp_path)
    assert (record.status, record.reason) == ("failed", "missing_slices")


def test_oblique_slices_are_not_turned_about_an_axis_of_the_patient(tmp_path: Path) -> None:
    cosine, sine = float(np.cos(0.2)), float(np.sin(0.2))
    record = run(WITHIN["rotate"], GAP, tmp_path, [1, 0, 0, 0, cosine, sine])
    assert (record.status, record.reason) == ("failed", "missing_slices")
