"""Grids: where the pixels of one slice lie and whether the slices of a series form a regular grid (PS3.3 C.7.6.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64
    from medaug_cli.formats.dicom.instance import Instance

SAME_PLACE_MM = 0.01
_ORTHOGONAL = 1e-3  # what rounding to three decimals leaves; more is another frame


def slice_geometry(instance: Instance) -> Geometry:
    """Return the grid of one slice, (x, y, 1), from its header alone; raises SampleError for impossible cosines.

    An image without a place in the patient has the identity as direction and PatientOrientation as letters; where
    nothing says how large its pixels are, they are 1 mm wide and as high as their PixelAspectRatio makes them.
    """
    x_mm, y_mm = instance.spacing_mm or (1.0, instance.aspect)
    size = (instance.columns, instance.rows, 1)
    if not instance.in_patient:
        return Geometry(size, (x_mm, y_mm, 1.0), letters=instance.letters)
    frame = _frame(instance)
    origin = instance.position_mm or ()
    return Geometry(
        size=size,
        spacing_mm=(x_mm, y_mm, instance.thickness_mm),
        origin_mm=(origin[0], origin[1], origin[2]),
        direction=tuple(float(value) for value in frame.ravel()),
    )


def slice_order(instances: Sequence[Instance]) -> list[Instance]:
    """Return `instances` (one orientation, all placed in the patient) sorted along the normal of their planes."""
    if len(instances) == 1:
        return list(instances)
    along = _positions(instances) @ _frame(instances[0])[:, 2]
    return [instances[index] for index in np.lexsort((np.array([item.file for item in instances]), np.round(along, 4)))]


def stack_geometry(ordered: Sequence[Instance]) -> tuple[Geometry, str]:
    """Return the grid of `ordered` slices and, where it is not regular, why (else "")."""
    first = slice_geometry(ordered[0])
    if len(ordered) == 1:
        return first, ""
    offsets = _positions(ordered) - np.array(first.origin_mm)
    normal = _frame(ordered[0])[:, 2]
    along = offsets @ normal
    irregular = find_irregularity(along, np.linalg.norm(offsets - np.outer(along, normal), axis=1))
    # Steps jitter where the header rounds them (6.96 to 7.07 mm in a real series): only the mean puts both ends right.
    step_mm = round(_usual(np.diff(along)) if irregular else float(along[-1]) / (len(ordered) - 1), 9)
    geometry = Geometry(
        size=(first.size[0], first.size[1], len(ordered)),
        spacing_mm=(*first.spacing_mm[:2], step_mm if step_mm > SAME_PLACE_MM else first.spacing_mm[2]),
        origin_mm=first.origin_mm,
        direction=first.direction,
    )
    return geometry, irregular


def distances_mm(instances: Sequence[Instance]) -> list[float]:
    """Return how far along the normal of the first of `instances` (one orientation) each of them lies."""
    return [float(place) for place in _positions(instances) @ _frame(instances[0])[:, 2]]


def repeats_a_position(instances: Sequence[Instance]) -> bool:
    """Say whether two of `instances` (one orientation) lie in the same plane."""
    along = np.sort(_positions(instances) @ _frame(instances[0])[:, 2])
    return bool((np.diff(along) < SAME_PLACE_MM).any())


def same_plane_grid(one: Instance, other: Instance) -> bool:
    """Say whether two slices are parallel (cosines within 1e-4 of 1) and equally spaced, hence of one stack."""
    if one.orientation is None or other.orientation is None or one.spacing_mm is None or other.spacing_mm is None:
        return one.orientation == other.orientation and one.spacing_mm == other.spacing_mm
    cosines = np.array(one.orientation).reshape(2, 3) * np.array(other.orientation).reshape(2, 3)
    parallel = bool((cosines.sum(axis=1) > 1 - 1e-4).all())
    return parallel and bool(np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-3))


def find_irregularity(along_mm: Array64, aside_mm: Array64) -> str:
    """Return why slices at `along_mm` (sorted) on the normal and `aside_mm` off it are no regular grid, or "".

    A slice may lie 1 % of the spacing or 0.1 mm from its place, but never a quarter of the spacing.
    """
    steps = np.diff(along_mm)
    if (steps < SAME_PLACE_MM).any():
        at = int(np.argmax(steps < SAME_PLACE_MM))
        return f"duplicate_position: slices {at + 1} and {at + 2} lie in one plane; separate the time points or echoes"
    return "; ".join(reason for reason in (_find_tilt(along_mm, aside_mm), _find_gap(along_mm)) if reason)


def _find_tilt(along_mm: Array64, aside_mm: Array64) -> str:
    span, aside = float(along_mm[-1] - along_mm[0]), float(aside_mm.max())
    if aside <= 0.1 + 1e-3 * span:  # mm; rounded cosines add up over the stack
        return ""
    degrees = np.degrees(np.arctan2(aside, span))
    return f"gantry_tilt: the slices are stacked {degrees:.1f} degrees off their normal; correct the tilt first"


def _find_gap(along_mm: Array64) -> str:
    mean = float(along_mm[-1] - along_mm[0]) / (len(along_mm) - 1)
    off_mm = np.abs(along_mm - along_mm[0] - mean * np.arange(len(along_mm))).max()
    return "" if off_mm <= max(0.01 * mean, min(0.1, mean / 4)) else _describe_steps(np.diff(along_mm))


def _describe_steps(steps: Array64) -> str:
    usual, at = _usual(steps), int(np.argmax(steps))
    if steps[at] > 1.5 * usual:  # half a slice more: at least one is not there
        return (
            f"missing_slices: gap of {steps[at]:.1f} mm between slices {at + 1} and {at + 2} "
            f"where {usual:.1f} mm is usual; copy the whole series"
        )
    return f"irregular_spacing: steps between slices vary from {steps.min():.2f} to {steps.max():.2f} mm"


def _usual(steps: Array64) -> float:
    """Return the lower median, so that of two steps the one without the gap is the usual one."""
    return float(np.sort(steps)[(len(steps) - 1) // 2])


def _positions(instances: Sequence[Instance]) -> Array64:
    return np.array([instance.position_mm for instance in instances], dtype=np.float64)


def _frame(instance: Instance) -> Array64:
    """Return the direction (3, 3) of a plane: columns along the row, along the column, and their normal."""
    frame = _frame_of(instance.orientation or ())
    if frame is None:
        raise SampleError(
            "bad_orientation", f"{instance.file}: ImageOrientationPatient is not two orthogonal unit vectors"
        )
    return frame


@lru_cache(maxsize=256)
def _frame_of(orientation: tuple[float, ...]) -> Array64 | None:
    """Return the direction for six cosines, worked out once for all slices; None where they are no frame."""
    row, column = np.array(orientation, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.9 or abs(row @ column) > _ORTHOGONAL:  # noqa: PLR2004  zeros or no unit vectors
        return None
    row = row / lengths[0]
    column = column - (column @ row) * row
    column = column / np.linalg.norm(column)
    frame = np.column_stack([row, column, np.cross(row, column)])
    frame.flags.writeable = False
    return frame
