"""Rand augment: an automatic policy that applies some of its steps, all at one magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.values import Bounds, Span
from medaug_cli.step.automatic import AutomaticPolicy, plausible, suits
from medaug_cli.transforms import load_step

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene, Step


class RandAugment(AutomaticPolicy):
    """Apply `count` different steps, chosen with equal chances, each at `magnitude` of its own range (Cubuk 2020).

    Without `steps` it takes those that are plausible for the modality, none of which mirrors. The steps are applied in
    the order of the list, so that spatial ones are resampled together.
    """

    peer: ClassVar[str] = "torchvision.RandAugment, keras.RandAugment"

    count: Annotated[Span, Bounds(ge=0, le=100, whole=True)] = Field(
        default=Span.of(2), description="How many steps are applied; [low, high] draws it, both included."
    )

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        if self.steps and self.count.support()[1] > len(self.steps):
            most = f"{self.count.support()[1]:g}"
            raise ValueError(f"count goes up to {most}, but only {len(self.steps)} steps can be chosen")
        return self

    def usual_steps(self, scene: Scene) -> tuple[Step, ...]:
        """Return the steps that are plausible for a sample, but those that one of its images does not allow."""
        steps = (load_step(name)(**values) for name, values in plausible(scene).items())
        return tuple(step for step in steps if suits(step, scene))

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of the chosen steps, in the order of the list."""
        chosen = generator.permutation(len(self.steps))[: int(self.count.value)]
        return tuple(sorted(int(position) for position in chosen))
