"""Random order: a policy that applies all its steps in an order of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medaug_cli.step import Policy

if TYPE_CHECKING:
    from numpy.random import Generator


class RandomOrder(Policy):
    """Apply all steps in an order that is drawn anew for each copy."""

    peer: ClassVar[str] = "monai.RandomOrder, torchvision.RandomOrder"

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of all steps, shuffled."""
        return tuple(int(position) for position in generator.permutation(len(self.steps)))
