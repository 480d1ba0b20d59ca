"""Steps that hold other steps, and choose among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from medaug_cli.step.base import Step

if TYPE_CHECKING:
    from numpy.random import Generator


class Policy(Step):
    """A step that chooses among other steps."""

    code: ClassVar[tuple[str, str, str]] = ("", "", "")

    steps: tuple[Step, ...] = Field(min_length=1, description="The steps to choose from.")

    def values(self) -> dict[str, Any]:
        """Return the drawn numbers and settings; the chosen steps have entries of their own."""
        return self.model_dump(mode="json", exclude={"p", "steps"}, exclude_none=True)

    def choose(self, generator: Generator) -> tuple[int, ...]:
        """Return the positions of the chosen steps, in the order in which they are applied."""
        raise NotImplementedError


def inner_steps(step: Step) -> tuple[Step, ...]:
    """Return the steps that a step holds: those of a policy, and what others mix."""
    found = getattr(step, "steps", ())
    return found if isinstance(found, tuple) else ()


def may_hold_steps(step: type[Step]) -> bool:
    """Say whether a recipe may write `steps` under a step."""
    return "steps" in step.model_fields


def needs_steps(step: type[Step]) -> bool:
    """Say whether a recipe must write `steps` under a step."""
    return may_hold_steps(step) and step.model_fields["steps"].is_required()
