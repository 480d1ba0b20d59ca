"""Planes: the grid that the frames of a SEG lie on: that of its image where they are its slices, else one of their own.

A SEG leaves empty planes out and may cover a part of its image only. A mapping may take labels to where there are none
yet, so that the grid covers the field of view of the image, too.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.dicom.grid import SAME_PLACE_MM, slice_geometry
from medaug_cli.formats.dicom.template import FramesTemplate, SliceTemplate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaug_cli.core.arrays import AnyArray, Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import Labels
    from medaug_cli.core.sample import Loaded
    from medaug_cli.formats.dicom.seg.parts import Parts

_SAME_STEP = 0.01  # of the distance between planes
_PARALLEL = 1 - 1e-4
_MOST_VOXELS_BEYOND = 1e-3  # by which rounding lets the image begin before a voxel's centre


def place_frames(parts: Parts, images: Sequence[Loaded]) -> tuple[Geometry, list[tuple[int, int, int]]]:
    """Return the grid of a SEG that belongs to `images`, and for each frame the indices x, y, z of its first voxel.

    Raises SampleError for planes that form no regular grid.
    """
    for image in images:
        slices = _slices_of(parts, image)
        if slices is not None:
            return image.volume.geometry, [(0, 0, index) for index in slices]
    own, planes = _own_grid(parts, images)
    if not any(_meet(own, image.volume.geometry) for image in images):
        message = f"{parts.instance.file}: lies nowhere in its image; give each image the SEG that was drawn on it"
        raise SampleError("geometry_mismatch", message)
    grid, first = _cover(own, [image.volume.geometry for image in images if not image.irregular])
    return grid, [(first[0], first[1], first[2] + plane) for plane in planes]


def in_axes_of_image(content: Labels, images: Sequence[Geometry]) -> Labels:
    """Return `content` on the grid of the first image that has the same voxels; itself where none has them."""
    for grid in images:
        if content.geometry.same_voxels(grid):
            array = turn_axes(content.array, content.geometry, grid)
            return replace(content, array=array, geometry=grid)
    return content


def turn_axes(array: AnyArray, own: Geometry, grid: Geometry) -> AnyArray:
    """Return `array` (…, z, y, x) of the grid `own` in the axes of `grid`, which has the same voxels."""
    cosines = np.array(own.direction).reshape(3, 3).T @ np.array(grid.direction).reshape(3, 3)
    order = np.abs(cosines).argmax(axis=0)  # the axis x, y, z of `own` along each axis of `grid`
    turned = np.moveaxis(array, [-1 - int(axis) for axis in order], (-1, -2, -3))
    back = tuple(-1 - axis for axis in range(3) if cosines[order[axis], axis] < 0)
    return np.ascontiguousarray(np.flip(turned, back))


def slice_positions(image: Loaded, geometry: Geometry) -> Array64:
    """Return where the first voxel of each slice of `image`, whose grid is now `geometry`, lies: (n, 3), LPS mm.

    Steps between slices vary where headers round them, and where slices are missing: then the headers count.
    """
    template = image.template
    if geometry.same_grid(image.volume.geometry):
        if isinstance(template, FramesTemplate) and template.instance.stack is not None and not image.irregular:
            stack = template.instance.stack
            return np.array([stack.frames[frame].plane.position_mm for frame in stack.order[0]], np.float64)
        if isinstance(template, tuple) and all(isinstance(one, SliceTemplate) for one in template):
            positions = [one.instance.position_mm for one in template]
            if all(positions):
                return np.array(positions, np.float64)
    indices = np.array([(0, 0, k, 1) for k in range(geometry.size[2])], np.float64)
    return np.asarray((indices @ geometry.affine.T)[:, :3])


def _slices_of(parts: Parts, image: Loaded) -> list[int] | None:
    """Return which slice of `image` each frame lies on; None where one lies on none, or has other pixels."""
    grid, plane = image.volume.geometry, slice_geometry(parts.frames[0].plane)
    if plane.size[:2] != grid.size[:2] or not np.allclose(plane.spacing_mm[:2], grid.spacing_mm[:2], rtol=1e-3):
        return None
    cosines = np.array(plane.direction).reshape(3, 3) * np.array(grid.direction).reshape(3, 3)
    if (cosines.sum(axis=0) < _PARALLEL).any():
        return None
    positions = slice_positions(image, grid)
    tolerance_mm = max(SAME_PLACE_MM, _SAME_STEP * min(grid.spacing_mm))
    slices = []
    for frame in parts.frames:
        apart = np.linalg.norm(positions - np.array(frame.plane.position_mm), axis=1)
        nearest = int(apart.argmin())
        if apart[nearest] > tolerance_mm:
            return None
        slices.append(nearest)
    return slices


def _own_grid(parts: Parts, images: Sequence[Loaded]) -> tuple[Geometry, list[int]]:
    """Return the grid from the first plane of a SEG to its last, and for each frame the number of its plane."""
    file, first = parts.instance.file, parts.frames[0].plane
    grid = slice_geometry(first)
    axes = np.array(grid.direction).reshape(3, 3)
    if any(frame.plane.orientation != first.orientation for frame in parts.frames):
        raise SampleError("mixed_orientations", f"{file}: its frames differ in orientation; export each by itself")
    offsets = np.array([frame.plane.position_mm for frame in parts.frames]) - np.array(first.position_mm)
    along = offsets @ axes[:, 2]
    if np.linalg.norm(offsets - np.outer(along, axes[:, 2]), axis=1).max() > _SAME_STEP * min(grid.spacing_mm[:2]):
        raise SampleError("gantry_tilt", f"{file}: its planes are not stacked along their normal; resample it first")
    start = int(along.argmin())
    along = along - along[start]
    step_mm = _find_step(along, parts, images, axes[:, 2])
    planes = np.rint(along / step_mm).astype(int)
    if np.abs(along - planes * step_mm).max() > max(SAME_PLACE_MM, _SAME_STEP * step_mm):
        message = f"{file}: its planes lie at no multiple of {step_mm:.3g} mm; resample it to an even spacing"
        raise SampleError("irregular_spacing", message)
    origin = parts.frames[start].plane.position_mm or ()
    return replace(
        grid,
        size=(*grid.size[:2], int(planes.max()) + 1),
        spacing_mm=(*grid.spacing_mm[:2], step_mm),
        origin_mm=(origin[0], origin[1], origin[2]),
    ), [int(plane) for plane in planes]


def _find_step(along_mm: Array64, parts: Parts, images: Sequence[Loaded], normal: Array64) -> float:
    """Return the distance between planes: as the SEG says, as its image has it, or the smallest there is."""
    if parts.step_mm > SAME_PLACE_MM:
        return parts.step_mm
    for image in images:
        grid = image.volume.geometry
        along = np.abs(normal @ np.array(grid.direction).reshape(3, 3))
        if along.max() > _PARALLEL and not image.irregular:
            return grid.spacing_mm[int(along.argmax())]
    steps = np.diff(np.unique(np.round(along_mm, 3)))
    return float(steps.min()) if len(steps) else parts.frames[0].plane.thickness_mm


def _meet(own: Geometry, image: Geometry) -> bool:
    """Say whether the box around the planes of a SEG, in the indices of its image, reaches into the image."""
    corners = np.array([(*one, 1) for one in itertools.product(*((-0.5, extent - 0.5) for extent in own.size))])
    seen = (corners @ (np.linalg.inv(image.affine) @ own.affine).T)[:, :3] + 0.5
    return bool((seen.max(axis=0) > 0).all() and (seen.min(axis=0) < image.size).all())


def _cover(own: Geometry, images: Sequence[Geometry]) -> tuple[Geometry, tuple[int, int, int]]:
    """Return `own` with whole voxels added until it covers `images`, and the indices of its first voxel in that."""
    low, high = np.zeros(3), np.array(own.size) - 1.0
    for image in images:
        corners = np.array([(*one, 1) for one in itertools.product(*((0, extent - 1) for extent in image.size))])
        seen = (corners @ (np.linalg.inv(own.affine) @ image.affine).T)[:, :3]
        low = np.minimum(low, np.floor(seen.min(axis=0) + _MOST_VOXELS_BEYOND))
        high = np.maximum(high, np.ceil(seen.max(axis=0) - _MOST_VOXELS_BEYOND))
    x, y, z = (int(extent) for extent in high - low + 1)
    origin = (own.affine @ [*low, 1.0])[:3]
    covering = replace(own, size=(x, y, z), origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])))
    first = [int(-step) for step in low]
    return covering, (first[0], first[1], first[2])
