"""Resampling against the oracle: one sitk.Resample of images that lie in the patient, through a CompositeTransform."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import make_labels, rotation, to_sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import sitk
from medaug_cli.spatial.bspline import ORDER, SplineGrid
from medaug_cli.spatial.mapping import Mapping, about
from medaug_cli.spatial.resample import Request, label_request, resample

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.spatial.resample import Resampler

INTERPOLATORS = {
    "linear": sitk.sitkLinear,
    "bspline": sitk.sitkBSpline,
    "nearest": sitk.sitkNearestNeighbor,
    "label_linear": sitk.sitkLabelLinear,
}
CASES = settings(deadline=None, max_examples=40)
# Numbers come from a seed and not from hypothesis, whose zeros and halves would put positions on ties.
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.one_of(
    st.tuples(*[st.integers(5, 14)] * 3),
    st.tuples(st.integers(0, 2), st.integers(5, 14)).map(lambda pair: flat(*pair)),
)
CHAINS = st.lists(st.sampled_from(["affine", "spline"]), min_size=1, max_size=3)


def flat(axis: int, length: int) -> tuple[int, int, int]:
    """Return the size of a picture across `axis`."""
    first, second, third = (1 if n == axis else length for n in range(3))
    return first, second, third


def random_grid(rng: np.random.Generator, size: tuple[int, int, int]) -> Geometry:
    """Return an oblique grid, its axes permuted and reversed at random, somewhere within 200 mm."""
    turned = rotation((rng.uniform(-25, 25), rng.uniform(-25, 25), rng.uniform(-25, 25)))
    axes = np.eye(3)[rng.permutation(3)] * rng.choice([-1, 1], 3)
    direction = tuple(float(value) for value in (turned @ axes).ravel())
    first, second, third = (float(value) for value in rng.uniform(0.5, 3, 3))
    return Geometry(size, (first, second, third), tuple(rng.uniform(-200, 200, 3).tolist()), direction)


def random_matrix(rng: np.random.Generator, grid: Geometry) -> Array64:
    """Return a small affine move about the centre of `grid`."""
    flat_grid = grid.flat_axis is not None
    linear = np.eye(3) + rng.uniform(-0.15, 0.15, (3, 3)) * (0.01 if flat_grid else 1.0)
    return about(grid.center_mm, linear, rng.uniform(-1, 1, 3) * (0.1 if flat_grid else 2.0))


def random_spline(rng: np.random.Generator, grid: Geometry) -> SplineGrid:
    """Return a free-form deformation over `grid` with 4 to 7 control points an axis."""
    counts = rng.integers(ORDER + 1, 8, 3)
    amount = 0.1 if grid.flat_axis is not None else 2.0
    return SplineGrid(grid.affine, grid.size, rng.uniform(-amount, amount, (*counts, 3)))


def random_mapping(rng: np.random.Generator, grid: Geometry, chain: list[str]) -> Mapping:
    makers: dict[str, Any] = {"affine": random_matrix, "spline": random_spline}
    return Mapping(tuple(makers[kind](rng, grid) for kind in chain))


def to_transform(part: Part, grid: Geometry) -> sitk.Transform:
    """Return a part as SimpleITK's transform of patient space; a spline's control grid is `grid`."""
    if isinstance(part, SplineGrid):
        spline = sitk.BSplineTransform(3, ORDER)
        mesh = [n - ORDER for n in part.coefficients_mm.shape[:3]]
        corner = grid.affine @ [-0.625, -0.625, -0.625, 1]
        extent = (np.array(grid.size) + 0.25) * np.array(grid.spacing_mm)
        spline.SetTransformDomainOrigin(corner[:3].tolist())
        spline.SetTransformDomainPhysicalDimensions(extent.tolist())
        spline.SetTransformDomainDirection(grid.direction)
        spline.SetTransformDomainMeshSize(mesh)
        spline.SetParameters(part.coefficients_mm.ravel(order="F").tolist())
        return spline
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(part[:3, :3].ravel().tolist())
    affine.SetTranslation(part[:3, 3].tolist())
    return affine


def expect(
    array: AnyArray, grid: Geometry, mapping: Mapping, frame: Geometry, interpolation: str, fill: float
) -> AnyArray:
    """Return what sitk.Resample makes of it, in patient space."""
    chain = sitk.CompositeTransform(3)
    for part in reversed(mapping.parts):
        chain.AddTransform(to_transform(part, frame))
    image = to_sitk(array, grid)
    oracle = sitk.ResampleImageFilter()
    oracle.SetReferenceImage(image)
    oracle.SetTransform(chain)
    oracle.SetInterpolator(INTERPOLATORS[interpolation])
    oracle.SetDefaultPixelValue(fill)
    return np.asarray(sitk.GetArrayFromImage(oracle.Execute(image)))


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@CASES
@given(size=SIZES, chain=CHAINS, seed=SEEDS)
def test_an_image_is_what_one_resampling_in_patient_space_gives(
    resampler: Resampler, size: tuple[int, int, int], chain: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    grid = random_grid(rng, size)
    mapping = random_mapping(rng, grid, chain)
    array = rng.uniform(0, 1, size[::-1]).astype(np.float32)
    filled, extended = (Request(array, grid, "linear", fill) for fill in (-7.0, None))
    moved, moved_extended = resample([filled, extended], mapping, resampler)
    expected = expect(array, grid, mapping, grid, "linear", -7.0)
    inside = expected != -7
    assert np.abs(moved - expected).max() < 1e-3
    assert np.abs(moved_extended - expected)[inside].max(initial=0) < 1e-3


@CASES
@given(size=st.tuples(*[st.integers(5, 14)] * 3), chain=CHAINS, seed=SEEDS)
def test_cubic_intensities_are_what_one_resampling_in_patient_space_gives(
    size: tuple[int, int, int], chain: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    grid = random_grid(rng, size)
    mapping = random_mapping(rng, grid, chain)
    array = rng.uniform(0, 1, size[::-1]).astype(np.float32)
    (moved,) = resample([Request(array, grid, "bspline", 0.0)], mapping)
    assert np.abs(moved - expect(array, grid, mapping, grid, "bspline", 0.0)).max() < 1e-3


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@pytest.mark.parametrize("interpolation", ["nearest", "label_linear"])
@CASES
@given(size=SIZES, chain=CHAINS, seed=SEEDS)
def test_labels_are_what_one_resampling_in_patient_space_gives(
    resampler: Resampler, interpolation: str, size: tuple[int, int, int], chain: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    grid = random_grid(rng, size)
    mapping = random_mapping(rng, grid, chain)
    labels = make_labels(grid).array
    (moved,) = resample([label_request(labels, grid, interpolation)], mapping, resampler)
    assert (moved == expect(labels, grid, mapping, grid, interpolation, 0.0)).mean() >= 0.9995


@pytest.mark.parametrize("resampler", ["kernel", "simpleitk"])
@settings(deadline=None, max_examples=20)
@given(chain=CHAINS, seed=SEEDS)
def test_a_label_map_on_another_grid_moves_through_the_frame_of_the_image(
    resampler: Resampler, chain: list[str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    frame = random_grid(rng, (12, 11, 10))
    mapping = random_mapping(rng, frame, chain)
    spacing = (frame.spacing_mm[0] / 2, frame.spacing_mm[1] * 1.3, frame.spacing_mm[2])
    x, y, z = (float(value) for value in (frame.affine @ [0.4, 0.7, 1.3, 1])[:3])
    grid = Geometry((20, 7, 8), spacing, (x, y, z), frame.direction)
    labels = make_labels(grid).array
    image = rng.uniform(0, 1, frame.size[::-1]).astype(np.float32)
    requests = [Request(image, frame, "linear", 0.0), label_request(labels, grid, "nearest")]
    moved_image, moved_labels = resample(requests, mapping, resampler)
    assert (moved_labels == expect(labels, grid, mapping, frame, "nearest", 0.0)).mean() >= 0.9995
    assert np.abs(moved_image - expect(image, frame, mapping, frame, "linear", 0.0)).max() < 1e-3


@settings(deadline=None, max_examples=30)
@given(chain=CHAINS, seed=SEEDS)
def test_pulled_points_are_those_of_simpleitk(chain: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = random_grid(rng, (12, 9, 7))
    mapping = random_mapping(rng, grid, chain)
    points = grid.center_mm + rng.uniform(-15, 15, (20, 3))
    transforms = [to_transform(part, grid) for part in mapping.parts]
    expected = []
    for point in points.tolist():
        moved = point
        for transform in transforms:
            moved = transform.TransformPoint(moved)
        expected.append(moved)
    assert np.abs(mapping.pull(points) - expected).max() < 1e-8


def test_a_chain_of_affine_parts_is_one_matrix() -> None:
    grid = Geometry((5, 6, 7))
    quarter = about(grid.center_mm, rotation((0, 0, 45)))
    stages = Mapping((quarter, quarter)).stages(grid, grid)
    assert len(stages) == 1
    assert stages[0][:3, :3] == pytest.approx(rotation((0, 0, 90)))  # type: ignore[index]
    assert math.isclose(np.linalg.det(stages[0][:3, :3]), 1)  # type: ignore[index]
