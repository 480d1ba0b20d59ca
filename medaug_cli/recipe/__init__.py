"""Recipes: YAML text to a frozen Recipe, all mistakes at once; the only yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import RecipeError, UsageError
from medaug_cli.recipe.build import build_recipe
from medaug_cli.recipe.yaml_text import Problem, read_document
from medaug_cli.step import IntensityStep, ResamplingStep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medaug_cli.recipe.model import Recipe
    from medaug_cli.step import Step


def load_recipe(path: Path) -> Recipe:
    """Read the recipe at `path`.

    Raises RecipeError with every mistake, each with file:line:col and its line, and UsageError where it cannot be
    opened.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; `medaug init` writes a starter recipe") from error
    document = read_document(raw)
    recipe = build_recipe(document) if not document.problems or document.data is not None else None
    if recipe is None:
        raise RecipeError(_show(path, raw, document.problems))
    return recipe


def wasteful_chains(recipe: Recipe) -> list[str]:
    """Return a warning for each place where a chain of spatial steps is cut and resampled once more than needed."""
    warnings = []
    steps: Sequence[Step] = recipe.steps
    for index, step in enumerate(steps[:-1]):
        later = next((n for n, other in enumerate(steps) if n > index and isinstance(other, ResamplingStep)), None)
        if not isinstance(step, ResamplingStep) or later is None:
            continue
        other = steps[later]
        between = steps[index + 1 : later]
        if any(isinstance(one, IntensityStep) for one in between):
            warnings.append(
                f"steps[{later}] {other.step_name()} follows an intensity step, so images are resampled again after "
                f"steps[{index}] {step.step_name()}; put spatial steps together"
            )
        elif isinstance(other, ResamplingStep) and step.resampling() != other.resampling():
            warnings.append(
                f"steps[{index}] {step.step_name()} and steps[{later}] {other.step_name()} differ in interpolation or "
                "fill, so images are resampled twice; give both the same"
            )
    return warnings


def _show(path: Path, raw: bytes, problems: Sequence[Problem]) -> str:
    """Return one block a problem: file:line:col, what is wrong, and the line itself."""
    lines = raw.decode("utf-8", errors="replace").splitlines()
    blocks = []
    for problem in sorted(problems, key=lambda one: one.place):
        line, column = problem.place.line, problem.place.column
        text = lines[line - 1][:200] if line <= len(lines) else ""
        block = f"{path}:{line}:{column}: {problem.message}\n{line:>5} | {text}\n      | {' ' * (column - 1)}^"
        blocks.append(block)
    count = f"{len(blocks)} mistake{'s' if len(blocks) != 1 else ''}"
    return "\n".join([f"the recipe is invalid, {count}:", *blocks])
