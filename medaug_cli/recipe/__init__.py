"""Recipes: YAML text to a frozen Recipe, all mistakes at once; the only yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaug_cli.core.errors import RecipeError, UsageError
from medaug_cli.recipe.build import build_recipe
from medaug_cli.recipe.sections import only_for_bids as only_for_bids
from medaug_cli.recipe.yaml_text import MAX_BYTES, Problem, read_document
from medaug_cli.step import (
    NEEDS_FRACTIONS,
    IntensityStep,
    LabelStep,
    ResamplingStep,
    inner_steps,
    join_resampling,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from medaug_cli.core.sample import Sample
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.step import Step

_MOST_SHOWN = 100
_SHOWN_COLUMNS = 100
_LONGEST_MESSAGE = 500


def load_recipe(path: Path) -> Recipe:
    """Read the recipe at `path`.

    Raises RecipeError with every mistake, each with file:line:col and its line, and UsageError where it cannot be
    opened.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; `medaug init` writes a starter recipe") from error
    document = read_document(raw)
    document.folder = str(path.parent)
    recipe = build_recipe(document) if not document.problems or document.data is not None else None
    if recipe is None:
        raise RecipeError(_show(path, raw, document.problems))
    return recipe


def wasteful_chains(recipe: Recipe) -> list[str]:
    """Return a warning for each place where a chain of spatial steps is cut and resampled once more than needed."""
    warnings = []
    steps: Sequence[Step] = recipe.steps
    for index, step in enumerate(steps[:-1]):
        later = next((n for n, other in enumerate(steps) if n > index and _holds(other, ResamplingStep)), None)
        if not _holds(step, ResamplingStep) or later is None:
            continue
        other = steps[later]
        between = steps[index + 1 : later]
        kinds = [kind for kind in (IntensityStep, LabelStep) if any(_holds(one, kind) for one in between)]
        if kinds:
            what = "an intensity" if kinds[0] is IntensityStep else "a label"
            warnings.append(
                f"steps[{later}] {other.step_name()} follows {what} step, so images are resampled again after "
                f"steps[{index}] {step.step_name()}; put spatial steps together"
            )
        elif (
            isinstance(step, ResamplingStep)
            and isinstance(other, ResamplingStep)
            and join_resampling(step.resampling(), other.resampling()) is None
        ):
            warnings.append(
                f"steps[{index}] {step.step_name()} and steps[{later}] {other.step_name()} differ in interpolation or "
                "fill, so images are resampled twice; give both the same"
            )
    return warnings


def _holds(step: Step, kind: type[Step]) -> bool:
    """Say whether a step is of a kind, or a policy that holds such a step."""
    return any(isinstance(one, kind) for one in _every([step]))


def lost_fractions(recipe: Recipe) -> list[str]:
    """Return a warning for each step, also inside policies, whose result whole numbers cannot hold."""
    if recipe.output.dtype == "float32":
        return []
    names = [step.step_name() for step in _every(recipe.steps) if any(one.needs_fractions() for one in step.forms())]
    return [f"{name}: {NEEDS_FRACTIONS}" for name in dict.fromkeys(names)]


def refused_modalities(recipe: Recipe, modalities: Iterable[str]) -> list[str]:
    """Return a sentence for each step, also inside policies, that one of `modalities` is wrong for."""
    found = sorted(set(modalities))
    return list(dict.fromkeys(filter(None, (step.refuses(one) for step in _every(recipe.steps) for one in found))))


def unknown_channels(recipe: Recipe, samples: Iterable[Sample]) -> list[str]:
    """Return a sentence for each channel that a step names in `by_channel` and some of `samples` lack."""
    named = {
        channel: step.step_name()
        for step in _every(recipe.steps)
        if isinstance(step, IntensityStep)
        for channel in step.by_channel or ()
    }
    held = [{source.channel for source in sample.images()} for sample in samples] if named else []
    known = ", ".join(sorted({channel for channels in held for channel in channels}))
    lacking = {channel: sum(channel not in channels for channels in held) for channel in named}
    return [
        f"by_channel of {named[channel]} names {channel}, which {count} of {len(held)} samples lack; known: {known}"
        for channel, count in lacking.items()
        if count
    ]


def _every(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _every(inner_steps(step))


def _show(path: Path, raw: bytes, problems: Sequence[Problem]) -> str:
    """Return one block a problem: file:line:col, what is wrong, and the line itself."""
    lines = raw.decode("utf-8-sig", errors="replace").splitlines()
    blocks = []
    for problem in sorted(problems, key=lambda one: one.place)[:_MOST_SHOWN]:
        line, column = problem.place.line, problem.place.column
        start = max(0, column - _SHOWN_COLUMNS)  # a recipe may be one long line
        text = lines[line - 1][start : start + 2 * _SHOWN_COLUMNS] if line <= len(lines) else ""
        plain = "".join(sign if sign.isprintable() else " " for sign in text)
        message = problem.message[:_LONGEST_MESSAGE] + ("…" if len(problem.message) > _LONGEST_MESSAGE else "")
        caret = " " * (column - 1 - start) + "^"
        blocks.append(f"{path}:{line}:{column}: {message}\n{line:>5} | {plain}\n      | {caret}")
    count = f"{len(problems)} mistake{'s' if len(problems) != 1 else ''}"
    rest = [f"and {len(problems) - len(blocks)} more"] if len(problems) > len(blocks) else []
    return "\n".join([f"the recipe is invalid, {count}:", *blocks, *rest])
