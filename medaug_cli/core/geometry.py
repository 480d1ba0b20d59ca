"""Geometry: where the voxels of a grid lie in the patient, in LPS and mm (DICOM PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import Array64

PATIENT_AXES = ("LR", "AP", "SI")
SLICE_AXIS = 2
"""The array axis along which slices are stacked."""
ARRAY_AXES = ("i", "j", "k")
PLANE_AXES = ("horizontal", "vertical")
_SENSES = ({"R": 1, "L": -1}, {"A": 1, "P": -1}, {"H": 1, "F": -1})  # of letters, along each axis of RAS
_RIGHT_HANDED = ((0, 1), (1, 2), (2, 0))
_LETTERS = {"LR": "LR", "AP": "AP", "SI": "HF"}
_LEAST_COSINE = 0.7072  # beyond 45 degrees a patient axis has no array axis of its own


@dataclass(frozen=True)
class Geometry:
    """A grid: `size`, `spacing_mm` and `origin_mm` along (x, y, z); `direction` row by row, its columns the axes.

    The columns have length 1; they need not be orthogonal, so that a sheared NIfTI affine is held as it is.
    `letters` is PatientOrientation of a projection image (row, column), whose direction is no patient frame;
    empty letters say that the file does not tell.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    letters: tuple[str, str] | None = None

    @classmethod
    def from_affine(cls, size: tuple[int, int, int], affine: Array64) -> Geometry:
        """Return the grid of `size` whose LPS `affine` (4, 4) takes (x, y, z) indices to mm."""
        return cls.from_rows(size, affine.tolist()[:3])

    @classmethod
    def from_rows(cls, size: tuple[int, int, int], rows: Sequence[Sequence[float]]) -> Geometry:
        """Return the grid of `size` by the first three rows of its LPS affine.

        Plain floats: NumPy takes ten times as long for nine numbers, and a scan has a hundred thousand grids.
        """
        x, y, z = (math.sqrt(sum(row[axis] * row[axis] for row in rows)) for axis in range(3))
        return cls(
            size=size,
            spacing_mm=(x, y, z),
            origin_mm=(rows[0][3], rows[1][3], rows[2][3]),
            direction=tuple(value for row in rows for value in (row[0] / x, row[1] / y, row[2] / z)),
        )

    @property
    def affine(self) -> Array64:
        """Matrix (4, 4) from (x, y, z) indices to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(self.direction).reshape(3, 3) * np.array(self.spacing_mm)
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return math.prod(self.size)

    @property
    def center_mm(self) -> Array64:
        """LPS position (3,) of the middle of the grid, between its first and last voxel centres."""
        middle = np.append((np.array(self.size) - 1) / 2, 1.0)
        return np.asarray(self.affine @ middle)[:3]

    @property
    def flat_axis(self) -> int | None:
        """The array axis (0, 1, 2 for x, y, z) along which a 2-D image has its single voxel; None for a volume."""
        flat = [axis for axis in (2, 1, 0) if self.size[axis] == 1]
        return flat[0] if flat else None

    @property
    def plane_axes(self) -> tuple[int, int]:
        """The horizontal and the vertical array axis of a 2-D image."""
        first, second = (axis for axis in range(3) if axis != self.flat_axis)
        return first, second

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Say whether `other` has the same size and puts its corner voxels within `tolerance_mm` of this grid's."""
        if self.size != other.size:
            return False
        corners = np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in self.size))])
        apart = corners @ (self.affine - other.affine).T
        return bool(np.abs(apart).max() <= tolerance_mm)

    def in_axes_of(self, other: Geometry) -> Geometry:
        """Return the grid of the same voxels whose array axes run along those of `other`; itself where none does."""
        cosines = np.array(self.direction).reshape(3, 3).T @ np.array(other.direction).reshape(3, 3)
        order = np.abs(cosines).argmax(axis=0)  # the axis of this grid along each axis of `other`
        if sorted(order) != [0, 1, 2]:
            return self
        signs = np.where(cosines[order, range(3)] < 0, -1, 1)
        turned = np.eye(4)
        turned[:3, :3] = self.affine[:3, order] * signs
        first = np.zeros(3)  # the voxel that becomes the first one
        first[order] = np.where(signs < 0, np.array(self.size)[order] - 1, 0)
        turned[:3, 3] = (self.affine @ [*first, 1.0])[:3]
        x, y, z = (self.size[axis] for axis in order)
        return Geometry.from_affine((x, y, z), turned)

    def same_voxels(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Say whether `other` has its voxels where this grid has them, in whatever order and direction its axes run."""
        return self.in_axes_of(other).same_grid(other, tolerance_mm)

    def nearest_patient_axes(self) -> tuple[int, int, int]:
        """For each array axis x, y, z the patient axis (0 LR, 1 AP, 2 SI) it lies nearest to; a permutation."""
        cosines = np.abs(np.array(self.direction).reshape(3, 3))
        best = max(itertools.permutations(range(3)), key=lambda p: sum(cosines[p[axis], axis] for axis in range(3)))
        return best[0], best[1], best[2]

    def frame_axis(self, patient_axis: int) -> tuple[int, int]:
        """Return the axis of the grid's own frame that stands for a patient's (0 LR, 1 AP, 2 SI), and its sense: 1, -1.

        They are the same, but in a projection image, whose frame is the picture's: there its letters say it, where they
        name both axes. The sense is that of RAS: 1 where both point the same way.
        """
        letters = [text[:1] for text in self.letters or ()]
        named = [next((axis for axis in range(3) if one and one in _SENSES[axis]), None) for one in letters]
        if len(named) != 2 or None in named or named[0] == named[1]:  # noqa: PLR2004  row and column
            return patient_axis, 1
        along = [_SENSES[axis][one] for axis, one in zip(named, letters, strict=True) if axis is not None]
        if patient_axis in named:
            at = named.index(patient_axis)
            return at, -along[at]  # i and j of the picture run to the left and to posterior of its frame
        turns = 1 if (named[0], named[1]) in _RIGHT_HANDED else -1
        return SLICE_AXIS, turns * along[0] * along[1]

    def array_axis(self, name: str) -> int:
        """Return the array axis (0, 1, 2 for x, y, z) that lies along axis `name`.

        Raises SampleError where the header does not determine it.
        """
        if name in ARRAY_AXES:
            return ARRAY_AXES.index(name)
        if name in PLANE_AXES:
            if self.flat_axis is None:
                raise SampleError("axis_undetermined", f"axis {name} is for 2-D images; name LR, AP, SI or i, j, k")
            return self.plane_axes[PLANE_AXES.index(name)]
        return self._array_axis_by_letters(name) if self.letters is not None else self._array_axis_by_cosine(name)

    def _array_axis_by_letters(self, name: str) -> int:
        for axis, letters in enumerate(self.letters or ()):
            if letters[:1] and letters[0] in _LETTERS[name]:
                return axis
        raise SampleError(
            "axis_undetermined", f"PatientOrientation names no row or column along {name}; name horizontal or vertical"
        )

    def _array_axis_by_cosine(self, name: str) -> int:
        patient_axis = PATIENT_AXES.index(name)
        axis = self.nearest_patient_axes().index(patient_axis)
        cosine = abs(self.direction[3 * patient_axis + axis])
        if cosine < _LEAST_COSINE:
            raise SampleError(
                "axis_undetermined",
                f"no array axis lies within 45 degrees of {name} (cosine {cosine:.3f}); name i, j or k",
            )
        return axis
