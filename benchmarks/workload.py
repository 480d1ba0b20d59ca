"""Workload: what every tool is given, so that all do the same; imports nothing heavy."""

from __future__ import annotations

import json
import textwrap

ROTATION_DEG = 10.0  # about each of LR, AP, SI
SCALE = 1.1
TRANSLATION_MM = (5.0, -3.0, 2.0)  # towards right, anterior, superior
BIAS_ORDER = 3
BIAS_COEFFICIENT = 0.1
NOISE_STD = 25.0  # in the image's own unit
LOG_GAMMA = 0.2
CONTROL_POINTS = 7
DISPLACEMENT_MM = 6.0
CELLS = CONTROL_POINTS - 3
SPLINE_SIGMA_CELLS = 0.577  # a cubic B-spline is as wide as a Gaussian of sqrt(4 / 12) cells

AFFINE, INTENSITY, ELASTIC = "affine", "intensity", "elastic"
RECIPES = (AFFINE, INTENSITY, ELASTIC)
TITLES = {
    AFFINE: "affine",
    INTENSITY: "affine, bias field, noise, gamma",
    ELASTIC: "affine, 7³ elastic, bias field, noise, gamma",
}

BRAIN_SIZE = (197, 233, 189)  # x, y, z, at 1 mm
# MONAI's ways to an elastic: as rough as in its tutorials, as smooth as 7³ control points, and of 7³ numbers. Torch
# that is told one thread smooths by a path of twice the time, and of more memory than 24 GB where the field is smooth;
# told two, which share the one core, it takes oneDNN.
ONEDNN_ELASTIC, SMOOTH_ELASTIC, GRID_ELASTIC = "onednn-elastic", "smooth-elastic", "grid-elastic"
ROUGH_SIGMA = 6.0
SMOOTH_SIGMA = float(round(SPLINE_SIGMA_CELLS * min(BRAIN_SIZE) / CELLS))
MONAI_TITLES = {
    ELASTIC: f"Rand3DElasticd, sigma {ROUGH_SIGMA:g} as in its tutorials",
    ONEDNN_ELASTIC: f"Rand3DElasticd, sigma {ROUGH_SIGMA:g}, oneDNN",
    SMOOTH_ELASTIC: f"Rand3DElasticd, sigma {SMOOTH_SIGMA:g} as smooth as 7³, oneDNN",
    GRID_ELASTIC: "RandAffined, then RandSmoothDeformd, 7³",
}
BRAINS = 16
VOXEL_SHARES = (0.25, 0.5, 1.0, 1.5, 2.0)  # of the brain's slices, for the cost against voxels
CT_SIZE = (512, 512, 200)
SERIES = ("first", "second")
SERIES_SLICES = 100
RADIOGRAPH_SHAPE = (3000, 2500)  # rows, columns
RADIOGRAPHS = 6
SERIES_COPIES = 4
WORKER_COPIES = 4


def recipe_text(recipe: str, copies: int, layout: str = "nifti") -> str:
    """Return medaug's recipe for one of RECIPES; the layout `dicom` leaves out the bias field, which is for MR."""
    noise = f"gaussian_noise: {{sigma: {NOISE_STD}, relative_to: none}}"
    bias = f"bias_field: {{order: {BIAS_ORDER}, strength: {BIAS_COEFFICIENT}}}"
    steps = [f"affine: {{rotation_deg: {ROTATION_DEG}, scale: {SCALE}, translation_mm: {_triple()}}}"]
    if recipe == ELASTIC:
        steps.append(f"elastic: {{control_points: {CONTROL_POINTS}, displacement_mm: {DISPLACEMENT_MM}}}")
    if recipe != AFFINE:
        steps += [*([bias] if layout == "nifti" else []), noise, f"gamma: {{log_gamma: {LOG_GAMMA}}}"]
    listed = textwrap.indent("\n".join(f"- {step}" for step in steps), "  ")
    return f"version: 1\nseed: 1\ncopies: {copies}\ndataset: {{layout: {layout}}}\nsteps:\n{listed}\n"


def _triple() -> str:
    axes = zip(("LR", "AP", "SI"), TRANSLATION_MM, strict=True)
    return json.dumps(dict(axes)).replace('"', "")
