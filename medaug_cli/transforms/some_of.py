"""Some of: a policy that applies several of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.values import Bounds, Span, choose_weighted
from medaug_cli.step import Policy

if TYPE_CHECKING:
    from numpy.random import Generator


class SomeOf(Policy):
    """Apply `count` different steps in the order of the list, chosen with equal chances or by `weights`."""

    peer: ClassVar[str] = "monai.SomeOf, albumentations.SomeOf"

    count: Annotated[Span, Bounds(ge=0, le=100, whole=True)] = Field(
        default=Span.of(2), description="How many steps are applied; [low, high] draws it, both included."
    )
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        default=None, description="Chance of each step, relative to the others."
    )

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.steps):
            raise ValueError(f"weights needs {len(self.steps)} numbers, one a step")
        most = len(self.steps) if self.weights is None else sum(weight > 0 for weight in self.weights)
        if self.count.support()[1] > most:
            raise ValueError(f"count goes up to {self.count.support()[1]:g}, but only {most} steps can be chosen")
        return self

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of the chosen steps, in the order of the list."""
        count = int(self.count.draw(generator, whole=True).value)
        left = list(range(len(self.steps)))
        weights = list(self.weights or (1.0,) * len(self.steps))
        chosen = []
        for _ in range(count):
            place = choose_weighted(generator, weights)
            chosen.append(left.pop(place))
            weights.pop(place)
        return tuple(sorted(chosen))
