"""What `crop`, `pad` and `crop_or_pad` share: a window of the grid's own voxels, and where it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import label_value
from medaug_cli.core.lazy import np
from medaug_cli.spatial.grids import window_grid
from medaug_cli.spatial.mapping import Mapping, apply_affine
from medaug_cli.spatial.points import push
from medaug_cli.step import GridStep

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.core.arrays import Array64, BoolArray
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.label_maps import LabelMap
    from medaug_cli.step import Scene

Extent = Annotated[int, Field(ge=1, le=65535)]
Size = Extent | tuple[Extent | None, Extent | None, Extent | None] | tuple[Extent | None, Extent | None]
Triple = tuple[int, int, int]
_LATTICE = 5  # points an axis of a box that are moved with the content


class WindowStep(GridStep):
    """A grid step whose voxels are those of the grid before, some fewer or some more: nothing is interpolated."""

    around: Literal["center", "random"] = Field(
        default="center", description="Where the window lies: in the centre, or anywhere."
    )
    start: Triple | None = Field(
        default=None, description="Voxel [i, j, k] of the old grid that the window begins with; drawn if left out."
    )

    def new_grid(self, scene: Scene) -> Geometry:
        """Return the window of a drawn step."""
        start, size = self.start, getattr(self, "size", None)
        if start is None or not isinstance(size, tuple):
            raise ValueError("a window that is not drawn has no grid")
        return window_grid(scene.geometry, start, size)

    def at(self, start: tuple[int, ...], size: tuple[int, ...]) -> Self:
        """Return the drawn step whose window is this one."""
        return self.model_copy(update={"start": tuple(start), "size": tuple(size)})

    def placed(self, size: Triple, generator: Generator, scene: Scene) -> Self:
        """Return the drawn step with a window of `size` around what the step says, within the grid or about it."""
        spare = [old - new for old, new in zip(scene.geometry.size, size, strict=True)]
        if self.start is not None:
            if any(not min(left, 0) <= one <= max(left, 0) for one, left in zip(self.start, spare, strict=True)):
                found = f"{self.step_name()}: a window of {size} voxels from {self.start} on"
                raise SampleError("window_outside", f"{found} leaves a grid of {scene.geometry.size}; leave start out")
            return self.at(self.start, size)
        point = self.aim(generator, scene)
        start = []
        for axis, left in enumerate(spare):
            if point is not None:
                wanted = int(point[axis]) - size[axis] // 2
            elif self.around == "center":
                wanted = left // 2 if left >= 0 else -(-left // 2)
            else:
                wanted = int(generator.integers(min(left, 0), max(left, 0), endpoint=True))
            start.append(min(max(wanted, min(left, 0)), max(left, 0)))
        return self.at(tuple(start), size)

    def aim(self, generator: Generator, scene: Scene) -> Array64 | None:
        """Return the index (3,) of the voxel to lie around; None where `around` says all."""
        del generator, scene
        return None


class LabelWindowStep(WindowStep):
    """A window that may also lie around a label."""

    around: Literal["center", "random", "label"] = Field(  # type: ignore[assignment]  # one more than the base
        default="center", description="What the window lies around; label: a voxel of it, or with a margin all of it."
    )
    label: str | int | None = Field(
        default=None, description="Name or value of the label to lie around; by default any but 0."
    )

    def check(self, scene: Scene) -> None:
        """Raise SampleError for a label that this sample does not have."""
        super().check(scene)
        if self.around != "label" or scene.headers_only:
            return
        if not scene.labels:
            raise SampleError("unknown_label", f"{self.step_name()} lies around a label; this sample has no label map")
        if self.label is not None and str(self.label) not in scene.label_names and isinstance(self.label, str):
            known = ", ".join(sorted(scene.label_names))
            raise SampleError("unknown_label", f"{self.step_name()} names label {self.label}; this sample has {known}")

    def label_box(self, scene: Scene) -> tuple[Array64, Array64] | None:
        """Return the least and the greatest index (3,) of the label in the grid as it is now; None if it is nowhere."""
        corners = []
        for labels, mask in self._masks(scene):
            found = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in (2, 1, 0)]
            if found[0].size:
                ticks = [np.linspace(one[0], one[-1], _LATTICE) for one in found]
                lattice = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
                corners.append(_index_now(lattice, labels, scene))
        if not corners:
            return None
        every = np.concatenate(corners)
        return every.min(axis=0), every.max(axis=0)

    def aim(self, generator: Generator, scene: Scene) -> Array64 | None:
        """Return the index (3,) of a random voxel of the label in the grid as it is now; None if it has none."""
        if self.around != "label":
            return None
        found = [(labels, np.flatnonzero(mask)) for labels, mask in self._masks(scene)]
        count = sum(len(places) for _, places in found)
        if not count:
            return None
        number = int(generator.integers(count))
        for labels, places in found:
            if number < len(places):
                z, y, x = np.unravel_index(places[number], labels.array.shape)
                return np.asarray(np.rint(_index_now(np.array([[x, y, z]], float), labels, scene)[0]))
            number -= len(places)
        return None

    def _masks(self, scene: Scene) -> list[tuple[LabelMap, BoolArray]]:
        """Return the label maps as read, each with where the label stands."""
        if self.label is None:
            return [(labels, labels.array != 0) for labels in scene.labels.values()]
        name = _name_in_source(str(self.label), scene)
        if name in scene.labels:
            return [(scene.labels[name], scene.labels[name].array != 0)]
        found = [
            (labels, label_value(name, {**labels.names, **scene.label_values})) for labels in scene.labels.values()
        ]
        if all(value is None for _, value in found):
            raise SampleError("unknown_label", f"{self.step_name()} names label {self.label}, which no label map has")
        return [(labels, labels.array == value) for labels, value in found if value is not None]


def voxels_of(size: Size, grid: Geometry) -> Triple:
    """Return the voxels (i, j, k) that `size` asks for; null and the flat axis of a 2-D image stay as they are."""
    if isinstance(size, int):
        wanted: list[int | None] = [size] * 3
    elif len(size) == 2:  # noqa: PLR2004  horizontal and vertical
        if grid.flat_axis is None:
            raise SampleError("axis_undetermined", "a size of two numbers is for 2-D images; give three for a volume")
        wanted = [None] * 3
        for axis, extent in zip(grid.plane_axes, size, strict=True):
            wanted[axis] = extent
    else:
        wanted = list(size)
    if grid.flat_axis is not None:
        wanted[grid.flat_axis] = None
    i, j, k = (old if new is None else new for old, new in zip(grid.size, wanted, strict=True))
    return i, j, k


def margin_voxels(margin_mm: Any, grid: Geometry) -> tuple[float, float, float]:
    """Return drawn margins along LR, AP, SI as voxels along the array axes nearest to them; 0 off a 2-D image."""
    along = margin_mm.vector(grid)
    found = [along[axis] / mm for axis, mm in zip(grid.nearest_patient_axes(), grid.spacing_mm, strict=True)]
    if grid.flat_axis is not None:
        found[grid.flat_axis] = 0.0
    return found[0], found[1], found[2]


def _index_now(index: Array64, labels: LabelMap, scene: Scene) -> Array64:
    """Return where indices (n, 3) of a label map as read lie in the grid as the steps so far have left it."""
    mapping = Mapping()
    for step, here in scene.history:
        mapping = mapping.after(step.mapping(here))
    points = push(mapping, apply_affine(labels.geometry.affine, index))
    return apply_affine(np.asarray(np.linalg.inv(scene.geometry.affine), np.float64), points)


def _name_in_source(name: str, scene: Scene) -> str:
    """Return what a label was called before the steps so far exchanged paired labels."""
    for step, here in reversed(scene.history):
        for first, second in step.swaps(here):
            name = {first: second, second: first}.get(name, name)
    return name
