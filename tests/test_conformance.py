"""Conformance: the peers' own outputs for fixed parameters, through the command line and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from medaug_cli.cli import app

FOLDER = Path(__file__).parent / "conformance"
AXES = ("LR", "AP", "SI")
# What TorchIO 1.2.1 makes of the file's affine; the expected voxels come without theirs.
RESAMPLED_AFFINE = [
    [0.9743102832774889, -0.18938673405953635, -0.12186934340514749, -80.65624158001715],
    [0.18199920914113926, 0.9808580897511504, -0.0692365195668005, 68.1382609270133],
    [0.13264900969000545, 0.045277728873990036, 0.990128359101119, 55.546994409800135],
    [0, 0, 0, 1],
]


def affine(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    triples = {"rotation_deg": "degrees", "translation_mm": "translation", "scale": "scales"}
    values: dict[str, Any] = {ours: dict(zip(AXES, peer[theirs], strict=True)) for ours, theirs in triples.items()}
    settings = {"interpolation": peer["image_interpolation"], "fill": peer["default_pad_value"]}
    return {"affine": {**values, "center": peer["center"], **settings}}


def elastic(case: Any, _peer: dict[str, Any]) -> dict[str, Any]:
    return {"elastic": {"coefficients_mm": case["control_points"].tolist(), "min_jacobian": None}}


def resample(case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    """Name the size: 18 slices of 3 mm are 54 of 1 mm, of which TorchIO's array in memory lost one by its last bit."""
    return {"resample": {"spacing_mm": dict(zip(AXES, peer["target"], strict=True)), "size": case["expected"].shape}}


def gamma(case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    invert = bool(peer.get("invert_image", peer.get("p_invert_image", False)))
    retain = bool(peer.get("retain_stats", peer.get("p_retain_stats", False)))
    mode = "signed" if "torchio" in case.zip.filename else "range"
    return {"gamma": {"gamma": peer["gamma"], "invert": invert, "retain_stats": retain, "mode": mode}}


def blur(case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    if "torchio" in case.zip.filename:
        return {"blur": {"sigma_mm": 2}}
    kernel = "integrated" if "monai" in case.zip.filename else "sampled"
    return {"blur": {"sigma": peer["sigma_vox"], "unit": "voxel", "kernel": kernel}}


def bias_field(case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    model = "polynomial" if "torchio" in case.zip.filename else "legendre"
    return {"bias_field": {"model": model, "order": 3, "coefficients": peer["coefficients"]}}


def sharpen(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    widths = {"sigma1": peer["sigma1_vox"], "sigma2": peer["sigma2_vox"], "alpha": peer["alpha"]}
    return {"sharpen": {**widths, "unit": "voxel", "kernel": "integrated", "border": "zero"}}


def histogram_shift(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    return {"histogram_shift": {"points": [peer["reference_control_points"], peer["floating_control_points"]]}}


def window(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    center, width = (peer["a_max"] + peer["a_min"]) / 2, peer["a_max"] - peer["a_min"]
    output = [peer["b_min"], peer["b_max"]]
    return {"window": {"center": center, "width": width, "output": output, "clip": peer["clip"]}}


def ghosting(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    same = {key: peer[key] for key in ("num_ghosts", "intensity", "restore")}
    return {"ghosting": {**same, "axis": "ijk"[peer["axis"]]}}


def spike(case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    if "torchio" in case.zip.filename:
        return {"spike": {"positions": peer["spikes_positions"], "intensity": peer["intensity"]}}
    return {"spike": {"positions": [peer["loc"]], "intensity": peer["k_intensity"], "model": "log"}}


def motion(_case: Any, peer: dict[str, Any]) -> dict[str, Any]:
    """TorchIO's numbers are in LPS, the recipe's in RAS."""
    turns = [[-first, -second, third] for first, second, third in peer["degrees"]]
    shifts = [[-first, -second, third] for first, second, third in peer["translation"]]
    return {"motion": {"rotation_deg": turns, "translation_mm": shifts, "times": peer["times"]}}


# For each case the recipe's step, the tolerance as a share of the input's range, and that of the labels.
CASES: dict[str, tuple[Any, float, float]] = {
    "torchio_affine": (affine, 1e-4, 0.9995),
    "torchio_affine_bspline": (affine, 1e-4, 0.9995),
    "torchio_affine_center_origin": (affine, 1e-4, 0.9995),
    "torchio_elastic": (elastic, 1e-3, 0.999),
    "torchio_flip_LR": ({"flip": {"axes": ["LR"], "p": 1}}, 0, 1),
    "torchio_flip_AP": ({"flip": {"axes": ["AP"], "p": 1}}, 0, 1),
    "torchio_flip_IS": ({"flip": {"axes": ["SI"], "p": 1}}, 0, 1),
    "torchio_blur_mm": (blur, 2e-3, 1),
    "monai_gaussian_smooth_vox": (blur, 2e-3, 1),
    "nnunet_gaussian_blur_vox": (blur, 2e-3, 1),
    "torchio_gamma_signed": (gamma, 1e-5, 1),
    **{f"monai_adjust_contrast_inv{i}_stats{s}": (gamma, 1e-5, 1) for i in (0, 1) for s in (0, 1)},
    **{f"nnunet_gamma_inv{i}": (gamma, 1e-5, 1) for i in (0, 1)},
    "torchio_bias_field": (bias_field, 1e-5, 1),
    "monai_bias_field_legendre": (bias_field, 1e-5, 1),
    "monai_gaussian_sharpen": (sharpen, 1e-3, 1),  # of its own output's range
    "monai_histogram_shift": (histogram_shift, 1e-5, 1),
    "monai_scale_intensity_range": (window, 1e-5, 1),
    **{f"torchio_ghosting_restore_{restore}": (ghosting, 1e-3, 1) for restore in ("None", "0.1")},
    "torchio_spike": (spike, 1e-3, 1),
    "monai_kspace_spike": (spike, 1e-4, 1),
    "torchio_motion_centred": (motion, 1e-3, 1),
    "monai_gibbs": (lambda _, peer: {"gibbs": {"alpha": peer["alpha"], "model": "monai"}}, 1e-4, 1),
    "torchio_resample": (resample, 1e-3, 1),
    "nnunet_contrast": (lambda _, peer: {"contrast": {"factor": peer["factor"]}}, 1e-5, 1),
    "nnunet_brightness": (lambda _, peer: {"brightness": {"multiply": peer["factor"], "add": 0}}, 1e-5, 1),
    "nnunet_low_resolution": (lambda _, peer: {"low_resolution": {"factor": peer["scale"]}}, 1e-5, 1),
}


def run(case: Any, step: dict[str, Any], folder: Path) -> tuple[Any, Any]:
    """Return the copy's image and label map (None where the case has none), as a nibabel reader finds them."""
    dataset = folder / "dataset"
    dataset.mkdir()
    nib.save(nib.Nifti1Image(case["input"].astype(np.float32), case["affine"]), dataset / "a_image.nii.gz")
    section: dict[str, Any] = {"layout": "nifti", "images": {"image": "{case}_image.nii.gz"}}
    if "label" in case:
        section["labels"] = {"label": "{case}_label.nii.gz"}
        nib.save(nib.Nifti1Image(case["label"].astype(np.int16), case["affine"]), dataset / "a_label.nii.gz")
    recipe = {"version": 1, "copies": 1, "dataset": section, "steps": [step], "checks": None}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    words = ["run", str(folder / "recipe.yaml"), str(dataset), "-o", str(folder / "out"), "--engine", "serial"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    image: Any = nib.load(folder / "out" / "a_aug0001_image.nii.gz")
    assert image.get_data_dtype() == np.float32
    assert np.allclose(image.affine, RESAMPLED_AFFINE if "resample" in step else case["affine"], atol=1e-5)
    label: Any = nib.load(folder / "out" / "a_aug0001_label.nii.gz") if "label" in case else None
    return image.get_fdata(dtype=np.float32), None if label is None else np.asarray(label.dataobj)


def away_from_borders(case: Any, peer: dict[str, Any], step: dict[str, Any]) -> tuple[slice, ...]:
    """Return the voxels that a blur's kernel of 4 sigma reaches no border from; all of them for other steps."""
    if "blur" not in step:
        return (slice(None),) * 3
    spacing = np.sqrt((case["affine"][:3, :3] ** 2).sum(axis=0))
    sigma = 2 / spacing if "sigma_mm" in step["blur"] else np.full(3, peer["sigma_vox"])
    radius = [int(4 * one + 0.5) for one in sigma]
    return tuple(slice(one, -one) for one in radius)


@pytest.mark.parametrize("name", CASES)
def test_a_step_gives_the_voxels_of_its_peer(name: str, tmp_path: Path) -> None:
    step, tolerance, label_share = CASES[name]
    with np.load(FOLDER / f"{name}.npz") as case:
        peer = json.loads(str(case["params"]))
        step = step(case, peer) if callable(step) else step
        image, label = run(case, step, tmp_path)
        inner = away_from_borders(case, peer, step)
        apart = np.abs(image - case["expected"])[inner]
        assert apart.size
        scale = case["expected"] if "sharpen" in step or "window" in step else case["input"]
        assert apart.max() <= tolerance * np.ptp(scale)
        if label is not None:
            assert label.dtype == np.int16
            assert (label == case["expected_label"]).mean() >= label_share


def test_every_conformance_file_is_tested() -> None:
    assert {path.stem for path in FOLDER.glob("*.npz")} == set(CASES)
