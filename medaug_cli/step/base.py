"""What every entry of a recipe's `steps` has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from medaug_cli.core.errors import SampleError
from medaug_cli.core.values import AxisSpan, Bounds, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from medaug_cli.step.scene import Scene

Probability = Annotated[float, Field(ge=0, le=1)]
NEEDS_FRACTIONS = (
    "the result is fractions, which copies stored as whole numbers round away; set output: {dtype: float32}, which "
    "NIfTI holds and DICOM does not"
)


class Step(BaseModel):
    """One entry of a recipe's `steps`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    code: ClassVar[tuple[str, str, str]]
    """DICOM derivation code (value, scheme, meaning), CID 7203 or local."""
    peer: ClassVar[str] = ""
    """The same step in the libraries that users come from."""
    needs_regular_grid: ClassVar[bool] = False
    needs_rgb: ClassVar[bool] = False
    meant_for: ClassVar[tuple[str, ...]] = ()
    """Modalities (DICOM's codes) whose images the step may change; empty for all."""
    refused_for: ClassVar[tuple[str, ...]] = ()
    """Modalities for which the step would be wrong."""

    p: Probability = Field(default=1.0, description="Probability that the step is applied.")

    @classmethod
    def step_name(cls) -> str:
        """Return the name that recipes use: the name of the step's module."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def refuses(cls, modality: str) -> str:
        """Return why the step would be wrong for `modality`; empty where it fits, or where nothing is known."""
        if not modality or (modality not in cls.refused_for and modality in (cls.meant_for or (modality,))):
            return ""
        meant = f"meant for {' and '.join(cls.meant_for)}, not for" if cls.meant_for else "wrong for"
        return f"{cls.step_name()} is {meant} {modality}"

    def draw(self, scene: Scene) -> Self | None:
        """Return the step with a number for every distribution, or None if chance leaves it out.

        Raises SampleError where the step would do something wrong to this sample.
        """
        generator = scene.generator("draw")
        if generator.random() >= self.p:
            return None
        for form in self.forms(scene.channels):
            form.check(scene)
        return self.fix(generator, scene)

    def forms(self, channels: Sequence[str] = ()) -> tuple[Self, ...]:
        """Return the step as it is for each of the `channels`, each form once; without any, every form it has."""
        del channels
        return (self,)

    def check(self, scene: Scene) -> None:
        """Raise SampleError where the step would do something wrong to this sample."""
        for modality in scene.modalities or (scene.modality,):
            if why := self.refuses(modality):
                hint = "leave the step out, or say with dataset.modality what the images are"
                raise SampleError("wrong_modality", f"{why}; {hint}")
        if scene.irregular and self.crosses_slices(scene):
            reason, _, what = scene.irregular.partition(": ")
            raise SampleError(reason, f"{self.step_name()} needs a regular grid of slices: {what}")
        if scene.whole_numbers and self.needs_fractions():
            raise SampleError("needs_fractions", f"{self.step_name()}: {NEEDS_FRACTIONS}")
        if self.needs_rgb and not scene.rgb:
            raise SampleError(
                "not_rgb",
                f"{self.step_name()} is for colour images of red, green and blue, and an image of this sample is none",
            )

    def crosses_slices(self, scene: Scene) -> bool:
        """Say whether a voxel of the copy may come from several slices, so that those must form a regular grid."""
        del scene
        return self.needs_regular_grid

    def needs_fractions(self) -> bool:
        """Say that the result would be lost if it were rounded to whole numbers."""
        return False

    def completed(self) -> Self:
        """Return the step with the defaults that follow from its other parameters."""
        return self

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step with every distribution replaced by a number, drawn in the order of the fields.

        `scene` is for steps whose numbers depend on the sample.
        """
        del scene
        step = self.completed()
        isotropic = bool(getattr(step, "isotropic", False))
        drawn: dict[str, Any] = {}
        for key, info in type(self).model_fields.items():
            value = getattr(step, key)
            if isinstance(value, Span):
                whole = any(isinstance(item, Bounds) and item.whole for item in info.metadata)
                drawn[key] = value.draw(generator, whole=whole)
            elif isinstance(value, AxisSpan):
                drawn[key] = value.draw(generator, isotropic=isotropic)
        return step.model_copy(update=drawn)

    def values(self) -> dict[str, Any]:
        """Return the drawn numbers and settings as the manifest keeps them; they validate back into this step."""
        return self.model_dump(mode="json", exclude={"p"}, exclude_none=True)
