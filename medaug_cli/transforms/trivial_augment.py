"""Trivial augment: an automatic policy that applies one step, at a magnitude of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from medaug_cli.core.values import Bounds, Span
from medaug_cli.step.automatic import AutomaticPolicy, plausible, suits
from medaug_cli.transforms import load_step

if TYPE_CHECKING:
    from numpy.random import Generator

    from medaug_cli.step import Scene, Step


class TrivialAugment(AutomaticPolicy):
    """Apply one step, chosen with equal chances, at a magnitude that is drawn for each copy (Müller 2021).

    Without `steps` it takes those that are plausible for the modality, none of which mirrors.
    """

    peer: ClassVar[str] = "torchvision.TrivialAugmentWide"

    magnitude: Annotated[Span, Bounds(ge=0, le=1)] = Field(
        default=Span.of([0, 1]), description="Part of the step's own range, from what changes nothing to its end."
    )

    def usual_steps(self, scene: Scene) -> tuple[Step, ...]:
        """Return the steps that are plausible for a sample, but those that one of its images does not allow."""
        steps = (load_step(name)(**values) for name, values in plausible(scene).items())
        return tuple(step for step in steps if suits(step, scene))

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the position of the chosen step."""
        return (int(generator.integers(len(self.steps))),)
