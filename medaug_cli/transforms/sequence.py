"""Sequence: a policy that applies all its steps, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from medaug_cli.step import Policy

if TYPE_CHECKING:
    from numpy.random import Generator


class Sequence(Policy):
    """Apply the steps one after the other; with `p`, all of them or none."""

    peer: ClassVar[str] = "torchio.Compose, monai.Compose, albumentations.Sequential"

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of all steps."""
        del generator
        return tuple(range(len(self.steps)))
