"""Drawn: contours as a label map, to look at and to count voxels; never what is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.label_maps import LabelMap
from medaug_cli.core.lazy import np
from medaug_cli.spatial.coverage import cover
from medaug_cli.spatial.mapping import apply_affine

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.marks import Contours

_HALF = 0.5


def draw_regions(contours: Contours, grid: Geometry) -> LabelMap:
    """Return the regions on the nearest slices of `grid`, by their numbers; smaller ones lie over larger ones.

    A pixel belongs to a region that covers half of it or more.
    """
    to_index = np.asarray(np.linalg.inv(grid.affine))
    outlines: dict[int, dict[int, list[Array64]]] = {}
    for contour in contours.contours:
        index = apply_affine(to_index, contour.points_mm)
        place = round(float(index[:, 2].mean()))
        if contour.closed and 0 <= place < grid.size[2]:
            outlines.setdefault(contour.region, {}).setdefault(place, []).append(index[:, :2])
    shape = (grid.size[1], grid.size[0])
    drawn = {
        region: {place: cover(polygons, shape) >= _HALF for place, polygons in planes.items()}
        for region, planes in outlines.items()
    }
    array = np.zeros(grid.size[::-1], np.int32)
    for region in sorted(drawn, key=lambda one: -sum(int(mask.sum()) for mask in drawn[one].values())):
        for place, mask in drawn[region].items():
            array[place][mask] = region
    return LabelMap(array, grid, contours.names)
