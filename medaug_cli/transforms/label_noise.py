"""Label noise: label maps as another annotator might have drawn them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.label_maps import label_value
from medaug_cli.core.lazy import morphology, np
from medaug_cli.core.values import Bounds, Span
from medaug_cli.step import LabelStep

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray, BoolArray
    from medaug_cli.step import Scene


class LabelNoise(LabelStep):
    """Draw labels smaller, then larger, and miss some of their parts; images stay as they are.

    `erode`: labelled voxels no farther than so much from an unlabelled one take its value. `dilate`: unlabelled
    voxels no farther from a labelled one take the value of the nearest. With `labels` these count as labelled and all
    others, the background among them, as unlabelled; a border between two labelled structures stays.
    """

    peer: ClassVar[str] = "no peer; annotator variability as in Heller 2018"

    erode: Annotated[Span, Bounds(ge=0, le=10)] = Field(
        default=Span.of([0.0, 1.5]), description="How far the border moves inwards, in unit; 0 keeps."
    )
    dilate: Annotated[Span, Bounds(ge=0, le=10)] = Field(
        default=Span.of([0.0, 1.5]), description="How far it then moves outwards, in unit; 0 keeps."
    )
    drop_component: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of(0),
        description="Probability that a connected part of a label is missing; the largest part of each always stays.",
    )
    unit: Literal["mm", "voxel"] = Field(default="mm", description="Unit of erode and dilate.")
    labels: tuple[int | str, ...] | None = Field(
        default=None,
        description="Values or names of labels that change, of a stack the numbers of its parts; all but 0 by default.",
    )

    def check(self, scene: Scene) -> None:
        """Raise SampleError for a name that no label of this sample has."""
        super().check(scene)
        unknown = [name for name in self.labels or () if isinstance(name, str) and name not in scene.label_names]
        if unknown:
            known = ", ".join(sorted(scene.label_names)) or "none"
            raise SampleError("unknown_label", f"label_noise: labels names {unknown[0]}; this sample has {known}")

    def apply(self, labels: AnyArray, scene: Scene) -> AnyArray:
        """Return label map `labels` (z, y, x) changed, of the same type and without a new value."""
        steps = scene.geometry.spacing_mm if self.unit == "mm" else (1.0, 1.0, 1.0)
        result = np.ascontiguousarray(labels)
        if self.drop_component.value:
            result = self._drop(result, scene)
        if self.erode.value:
            result = morphology.spread(result, ~self._marked(result, scene), steps, self.erode.value)
        if self.dilate.value:
            result = morphology.spread(result, self._marked(result, scene), steps, self.dilate.value)
        return result

    def _marked(self, labels: AnyArray, scene: Scene) -> BoolArray:
        """Return the voxels whose label changes."""
        if self.labels is None:
            return np.not_equal(labels, 0)
        values = [label_value(str(one), scene.label_values) for one in self.labels]
        return np.isin(labels, [value for value in values if value is not None])

    def _drop(self, labels: AnyArray, scene: Scene) -> AnyArray:
        """Return `labels` without the parts that chance leaves out; they take the value that most touches them."""
        generator = scene.generator("components")
        result = labels.copy()
        for value in np.unique(labels[self._marked(labels, scene)]):
            numbers, count = morphology.components(labels == value)
            sizes = np.bincount(numbers.reshape(-1), minlength=count + 1)[1:]
            dropped = generator.random(count) < self.drop_component.value
            dropped[sizes.argmax()] = False
            for number in np.flatnonzero(dropped) + 1:
                part = numbers == number
                values, tally = np.unique(morphology.surroundings(labels, part), return_counts=True)
                result[part] = values[tally.argmax()]
        return result
