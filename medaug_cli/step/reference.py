"""What steps share that learn numbers from a file, once, when the recipe is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from medaug_cli.step import IntensityStep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.random import Generator

    from medaug_cli.core.sample import Volume
    from medaug_cli.step import Scene


class ReferenceStep(IntensityStep):
    """An intensity step that learns from a file; what it learned stands in the resolved recipe and in every record."""

    reference: str | None = Field(
        default=None,
        min_length=1,
        description="File, or folder of a DICOM series, to learn from; relative to the recipe, and read with it.",
    )
    reference_sha256: str | None = Field(
        default=None, description="Hash of the reference's bytes; filled in when it is read."
    )

    def redrawn(self, named: Iterable[str]) -> set[str]:
        """Return what a channel has to learn anew; what was given instead of a reference stays."""
        return super().redrawn(named if self.reference else {*named} & {"reference", *self.drawn_from})

    def learned(self) -> bool:
        """Say whether the step has its numbers and needs no file."""
        raise NotImplementedError

    def learn(self, volume: Volume) -> dict[str, Any]:
        """Return the parameters that `volume`, float32 and all its own, teaches."""
        raise NotImplementedError

    def fix(self, generator: Generator, scene: Scene) -> Self:
        """Return the step without the file's name, which a replay does not need."""
        return super().fix(generator, scene).model_copy(update={"reference": None})
