"""Preview: one sample and its copies as a run would make them, to look at; writes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import DatasetError, SampleError
from medaug_cli.hiding import hidden_errors, names_of_sources
from medaug_cli.privacy import make_privacy
from medaug_cli.root import known_copies
from medaug_cli.run import Options, look, make_orders
from medaug_cli.step import Policy
from medaug_cli.worker import draw_and_apply, read_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medaug_cli.core.privacy import Privacy
    from medaug_cli.core.sample import LoadedSample, Sample
    from medaug_cli.discover import Inventory
    from medaug_cli.program import Copy, Drawn, Program
    from medaug_cli.recipe.model import Recipe
    from medaug_cli.worker import Orders

_MOST_IDS = 5
_MOST_NUMBERS = 6


@dataclass(frozen=True, eq=False)
class PreviewCopy:
    """One copy: its voxels, or why there are none, and what was drawn for it as (step, numbers)."""

    number: int
    copy: Copy | None
    drawn: tuple[tuple[str, str], ...] = ()
    problem: tuple[str, str] | None = None


def load_previewed(
    recipe: Recipe, dataset: Path, sample_id: str | None, *, repair: bool = False, force_read: bool = False
) -> tuple[Orders, LoadedSample]:
    """Return what a run would be told, and the sample called `sample_id`, or the first that can be used.

    Raises DatasetError and SampleError.
    """
    privacy = make_privacy(recipe.privacy, dataset)
    known = known_copies(dataset)
    inventory = look(recipe, dataset, dataset, known, privacy, repair=repair, force_read=force_read)
    sample = _choose(inventory, sample_id, privacy)
    options = Options(engine="serial", repair=repair)
    orders = make_orders(recipe, dataset, dataset, inventory, "preview", options, privacy)
    with hidden_errors(lambda: names_of_sources(sample.sources, privacy)):
        return orders, read_sample(orders, sample)


def preview_copies(orders: Orders, sample: LoadedSample, copies: int) -> Iterator[PreviewCopy]:
    """Yield copies 1, 2, … of `sample` one by one, so that only one is held at a time.

    Their voxels are those that a run hands to the writer, which rounds them to the type of the source's file.
    """
    for number in range(1, copies + 1):
        try:
            with hidden_errors(lambda: names_of_sources((one.source for one in sample.everything()), orders.privacy)):
                program, made = draw_and_apply(orders, sample, number)
        except SampleError as error:
            yield PreviewCopy(number, None, problem=(error.reason, error.message))
            continue
        yield PreviewCopy(number, made, describe_program(program))


def describe_program(program: Program) -> tuple[tuple[str, str], ...]:
    """Return (step, numbers) of what is applied: every value that is not the step's default, so all that was drawn."""
    applied = [drawn for drawn in program if drawn.step is not None and not isinstance(drawn.step, Policy)]
    return tuple((drawn.name, _describe(drawn)) for drawn in applied)


def _describe(drawn: Drawn) -> str:
    step = drawn.step
    if step is None:
        return ""
    usual = {
        key: _dumped(field.get_default(call_default_factory=True)) for key, field in type(step).model_fields.items()
    }
    told = {key: value for key, value in step.values().items() if key != "p" and value != usual.get(key)}
    return "; ".join(f"{key} {say(value)}" for key, value in told.items())


def _dumped(default: Any) -> Any:
    plain = default.dump() if hasattr(default, "dump") else default
    return list(plain) if isinstance(plain, tuple) else plain


def say(value: Any) -> str:
    """Return a value for people: three digits, and of a long list only how long it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {say(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        count = _count(value)
        return ", ".join(map(say, value)) if count <= _MOST_NUMBERS else f"({count} values)"
    return str(value)


def _count(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return sum(map(_count, inner)) if isinstance(inner, Iterable) and not isinstance(inner, str) else 1


def _choose(inventory: Inventory, sample_id: str | None, privacy: Privacy | None) -> Sample:
    """Return the sample that is called `sample_id`, or was before it got a pseudonym; raises DatasetError."""
    if sample_id is None:
        usable = [sample for sample in inventory.samples if not sample.problem]
        return (usable or list(inventory.samples))[0]
    called = {sample_id} if privacy is None else {sample_id, privacy.name(sample_id)}
    found = [sample for sample in inventory.samples if sample.id in called]
    if found:
        return found[0]
    kept_out = [message for other, _, message in inventory.skipped if other in called]
    if kept_out:
        raise DatasetError(f"sample {sample_id} is not augmented: {kept_out[0]}")
    ids = [sample.id for sample in inventory.samples]
    nearest = difflib.get_close_matches(sample_id, ids, n=_MOST_IDS, cutoff=0.0)
    raise DatasetError(f"no sample is called {sample_id}; the nearest of {len(ids)}: {', '.join(nearest)}")
