"""One of: a policy that applies one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from medaug_cli.core.values import choose_weighted
from medaug_cli.step import Policy

if TYPE_CHECKING:
    from numpy.random import Generator


class OneOf(Policy):
    """Apply one of the steps, chosen with equal chances or by `weights`."""

    peer: ClassVar[str] = "torchio.OneOf, monai.OneOf, torchvision.RandomChoice"

    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        default=None, description="Chance of each step, relative to the others."
    )

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if self.weights is not None and (len(self.weights) != len(self.steps) or sum(self.weights) <= 0):
            raise ValueError(f"weights needs {len(self.steps)} numbers, one a step, not all 0")
        return self

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the position of the chosen step."""
        return (choose_weighted(generator, self.weights or (1.0,) * len(self.steps)),)
