"""Flip: mirror the content about the grid's centre, with what left and right mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import SLICE_AXIS
from medaug_cli.core.label_maps import is_value
from medaug_cli.core.lazy import np
from medaug_cli.spatial.mapping import about
from medaug_cli.step import Probability, SpatialStep

if TYPE_CHECKING:
    from medaug_cli.core.geometry import Geometry
    from medaug_cli.spatial.mapping import Part
    from medaug_cli.step import Scene

Axis = Literal["LR", "AP", "SI", "i", "j", "k", "horizontal", "vertical"]


class Flip(SpatialStep):
    """Mirror the content about the grid's centre along patient, array or picture axes; exact, without resampling.

    The array axis nearest to a patient axis is mirrored. With `swap_labels`, paired labels change places whenever left
    and right do.
    """

    code: ClassVar[tuple[str, str, str]] = ("MIRROR", "99MEDAUG", "Mirroring of anatomy")
    peer: ClassVar[str] = "torchio.RandomFlip, monai.RandFlip, torchvision.RandomHorizontalFlip"
    p: Probability | dict[Axis, Probability] = Field(  # type: ignore[assignment]  # draw() reads it, not Step's
        default=0.5, description="Probability that each axis is mirrored, on its own; one number or one an axis."
    )
    axes: Annotated[tuple[Axis, ...], Field(min_length=1)] = Field(
        default=("LR",), description="LR, AP, SI; i, j, k; for 2-D images also horizontal, vertical."
    )
    swap_labels: tuple[tuple[str | int, str | int], ...] = Field(
        default=(), description="Pairs of labels (names or values) that change places when left and right do."
    )
    laterality: Literal["swap", "keep", "refuse"] = Field(
        default="swap", description="What happens to Laterality, ImageLaterality and PatientOrientation."
    )

    @model_validator(mode="after")
    def _check_axes(self) -> Self:
        if len(set(self.axes)) != len(self.axes):
            raise ValueError(f"axes {', '.join(self.axes)} name one axis twice")
        if isinstance(self.p, dict) and set(self.p) - set(self.axes):
            raise ValueError(f"p names {', '.join(set(self.p) - set(self.axes))}, which axes does not")
        return self

    def draw(self, scene: Scene) -> Self | None:
        """Return the step with the axes that chance picks, each on its own; None if it picks none."""
        generator = scene.generator("draw")
        chances = self.p if isinstance(self.p, dict) else dict.fromkeys(self.axes, self.p)
        axes = tuple(axis for axis in self.axes if generator.random() < chances.get(axis, 1.0))
        if not axes:
            return None
        drawn = self.model_copy(update={"axes": axes})
        drawn.check(scene)
        return drawn

    def crosses_slices(self, scene: Scene) -> bool:
        """Say whether slices change places, or lie in several directions so that no axis is that of all."""
        mixed = scene.irregular.startswith("mixed_orientations")
        return mixed or any(scene.geometry.array_axis(axis) == SLICE_AXIS for axis in self.axes)

    def check(self, scene: Scene) -> None:
        """Raise SampleError for axes that the header does not determine, unknown labels and refused laterality."""
        super().check(scene)
        array_axes = [scene.geometry.array_axis(axis) for axis in self.axes]
        if len(set(array_axes)) != len(array_axes):
            raise SampleError("axis_undetermined", f"flip axes {', '.join(self.axes)} lie along one array axis")
        if any(scene.geometry.size[axis] == 1 for axis in array_axes):
            raise SampleError("axis_undetermined", f"flip axes {', '.join(self.axes)} leave the plane of a 2-D image")
        known = set(scene.label_names)
        unknown = sorted({str(name) for name in self._named_labels(scene)} - known)
        if unknown and known:
            raise SampleError(
                "unknown_label",
                f"swap_labels names {', '.join(unknown)}; this sample has {', '.join(sorted(known))}",
            )
        if self.laterality == "refuse" and self._mirrors_left_right(scene.geometry):
            raise SampleError("laterality_refused", "flip would exchange left and right, and laterality is refuse")

    def _named_labels(self, scene: Scene) -> set[str | int]:
        """Return the labels to swap whose names must be known: values only where the recipe names values at all."""
        values_are_named = any(is_value(name) for name in scene.label_names)
        return {name for pair in self.swap_labels for name in pair if isinstance(name, str) or values_are_named}

    def mapping(self, scene: Scene) -> tuple[Part, ...]:
        """Return one mirror matrix (4, 4) for each axis."""
        grid = scene.geometry
        affine = grid.affine[:3, :3]
        parts: list[Part] = []
        for axis in self.axes:
            signs = np.ones(3)
            signs[grid.array_axis(axis)] = -1.0
            parts.append(about(grid.center_mm, affine @ np.diag(signs) @ np.linalg.inv(affine)))
        return tuple(parts)

    def swaps(self, scene: Scene) -> tuple[tuple[str, str], ...]:
        """Return the label pairs, where left and right change places."""
        if not self._mirrors_left_right(scene.geometry):
            return ()
        return tuple((str(first), str(second)) for first, second in self.swap_labels)

    def swaps_laterality(self, scene: Scene) -> bool:
        """Say whether the header's laterality changes: by LR flips of a volume, by any flip of a projection image."""
        if self.laterality == "keep":
            return False
        if scene.geometry.letters is not None:
            return len(self.axes) % 2 == 1
        return self._mirrors_left_right(scene.geometry)

    def values(self) -> dict[str, Any]:
        """Return the drawn axes and settings; replay applies them with certainty."""
        return {**super().values(), "p": 1.0}

    def _mirrors_left_right(self, grid: Geometry) -> bool:
        """Say whether a flipped axis runs from left to right; in a picture without letters the horizontal one does."""
        flipped = {grid.array_axis(axis) for axis in self.axes}
        if grid.letters is None:
            return grid.nearest_patient_axes().index(0) in flipped
        named = [axis for axis, letters in enumerate(grid.letters) if letters[:1] in ("L", "R")]
        unnamed_or_side_view = [grid.plane_axes[0]]
        return bool(flipped & set(named or unnamed_or_side_view))
