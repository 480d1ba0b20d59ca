"""Planes: the slices of a volume that a picture shows, turned as a radiologist sees them, in square pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medaug_cli.core.arrays import AnyArray, Array64, FloatArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import LabelMap

PLANE_NAMES = ("sagittal", "coronal", "axial")
_SHOWN = (2, 1, 0)  # axial first
_SUPERIOR = 2  # the patient axis from feet to head
_ACROSS_AND_DOWN = {2: (0, 1), 1: (0, 2), 0: (1, 2)}  # the patient axes of each plane


@dataclass(frozen=True)
class Plane:
    """One slice of a grid: `index` along array axis `normal`; picture rows and columns run along the other two.

    `rows_turned` and `columns_turned` say that the picture runs against the array.
    """

    grid: Geometry
    normal: int
    index: int
    row_axis: int
    column_axis: int
    rows_turned: bool = False
    columns_turned: bool = False

    @property
    def extent_mm(self) -> tuple[float, float]:
        """Height and width."""
        height, width = (
            self.grid.size[axis] * self.grid.spacing_mm[axis] for axis in (self.row_axis, self.column_axis)
        )
        return height, width

    def size(self, mm_a_pixel: float) -> tuple[int, int]:
        """Return rows and columns of the picture."""
        height, width = (max(1, round(length / mm_a_pixel)) for length in self.extent_mm)
        return height, width

    def cut(self, array: AnyArray) -> AnyArray:
        """Return the slice of `array` (z, y, x), upright, a pixel a voxel."""
        found = np.take(array, self.index, axis=2 - self.normal)
        found = found if self.row_axis > self.column_axis else found.T
        found = found[::-1] if self.rows_turned else found
        return np.asarray(found[:, ::-1] if self.columns_turned else found)

    def grey(self, array: AnyArray, mm_a_pixel: float) -> FloatArray:
        """Return the picture of intensities, averaged where several voxels share a pixel, else linear."""
        found = self.cut(array).astype(np.float32)
        rows, columns = self.size(mm_a_pixel)
        return np.asarray(_weights(found.shape[0], rows) @ found @ _weights(found.shape[1], columns).T, np.float32)

    def labels(self, label: LabelMap, mm_a_pixel: float) -> AnyArray:
        """Return the picture of the labels that lie nearest to each pixel, also from a label map of another grid."""
        same = self.grid.same_grid(label.geometry)
        found = self.cut(label.array) if same else self._cut_other(label)
        rows, columns = (
            np.minimum(((np.arange(count) + 0.5) * length / count).astype(int), length - 1)
            for count, length in zip(self.size(mm_a_pixel), found.shape, strict=True)
        )
        return np.asarray(found[np.ix_(rows, columns)])

    def _cut_other(self, label: LabelMap) -> AnyArray:
        index = np.indices(self.grid.size[::-1], sparse=True)  # z, y, x
        x, y, z = (self.cut(np.broadcast_to(index[2 - axis], self.grid.size[::-1])) for axis in range(3))
        to_label = np.linalg.inv(label.geometry.affine) @ self.grid.affine
        voxel = np.rint(np.stack([x, y, z, np.ones_like(x)], axis=-1) @ to_label.T)[..., :3].astype(int)
        size = np.array(label.geometry.size)
        inside = ((voxel >= 0) & (voxel < size)).all(axis=-1)
        x, y, z = np.moveaxis(np.clip(voxel, 0, size - 1), -1, 0)
        return np.where(inside, label.array[z, y, x], 0)


def planes_of(grid: Geometry, focus_mm: Array64) -> tuple[Plane, ...]:
    """Return the planes through `focus_mm` (LPS): axial, coronal and sagittal, or the one plane of a 2-D image.

    Right is the patient's left (in a sagittal plane posterior), down is posterior (else inferior). A projection image
    is shown as it is stored.
    """
    if grid.letters is not None:
        return (Plane(grid, normal=2, index=0, row_axis=1, column_axis=0),)
    order = grid.nearest_patient_axes()
    shown: Iterable[int] = _SHOWN if grid.flat_axis is None else (order[grid.flat_axis],)
    return tuple(_plane(grid, order, patient_axis, focus_mm) for patient_axis in shown)


def plane_name(plane: Plane) -> str:
    """Return axial, coronal or sagittal; nothing for a projection image."""
    if plane.grid.letters is not None:
        return ""
    return PLANE_NAMES[plane.grid.nearest_patient_axes()[plane.normal]]


def _plane(grid: Geometry, order: tuple[int, int, int], patient_axis: int, focus_mm: Array64) -> Plane:
    normal = order.index(patient_axis)
    across, down = _ACROSS_AND_DOWN[patient_axis]
    column_axis, row_axis = order.index(across), order.index(down)
    focus = np.linalg.inv(grid.affine) @ np.append(focus_mm, 1.0)
    descends = {axis: grid.direction[3 * order[axis] + axis] < 0 for axis in range(3)}
    return Plane(
        grid=grid,
        normal=normal,
        index=int(np.clip(np.rint(focus[normal]), 0, grid.size[normal] - 1)),
        row_axis=row_axis,
        column_axis=column_axis,
        # Patient axes ascend to left, posterior, superior; superior belongs at the top.
        rows_turned=descends[row_axis] != (down == _SUPERIOR),
        columns_turned=descends[column_axis],
    )


def focus_of(grid: Geometry, labels: Iterable[LabelMap]) -> Array64:
    """Return the LPS position where each axis crosses most labelled voxels, or else the middle of the grid."""
    for label in labels:
        marked = label.array != 0
        if marked.any():
            index = [int(marked.sum(axis=tuple({0, 1, 2} - {2 - axis})).argmax()) for axis in range(3)]
            return np.asarray(label.geometry.affine @ np.array([*index, 1.0]))[:3]
    return grid.center_mm


def _weights(length: int, count: int) -> FloatArray:
    """Return the matrix (count, length) of a triangle as wide as a pixel or a voxel, whichever is wider."""
    step = length / count
    centers = (np.arange(count) + 0.5) * step - 0.5
    reach = max(1.0, step)
    distance = np.abs(np.clip(centers, 0, length - 1)[:, None] - np.arange(length)) / reach
    weights = np.maximum(0.0, 1.0 - distance)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
