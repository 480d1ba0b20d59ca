"""From plain data to a Recipe: every mistake is collected with its place, none hides another."""

from __future__ import annotations

import difflib
import pathlib
from itertools import chain
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from medaug_cli.core.errors import SampleError
from medaug_cli.recipe.model import DatasetSection, Recipe
from medaug_cli.recipe.sections import check_sections
from medaug_cli.recipe.yaml_text import Document, Problem
from medaug_cli.step import IntensityStep, Step, may_hold_steps, needs_steps
from medaug_cli.step.intensity import ChannelError
from medaug_cli.step.reference import ReferenceStep
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medaug_cli.recipe.yaml_text import Path

_MOST_PROBLEMS = 200  # of one section; more help nobody, and looking for suggestions takes its time
_MODALITIES = frozenset(get_args(DatasetSection.model_fields["modality"].annotation)) - {"auto"}
_LATER = {
    ("balance",): "balancing by class or group",
    ("checks",): "checks of a copy (write checks: null)",
}


def build_recipe(document: Document) -> Recipe | None:
    """Return the recipe that `document` holds, or None; mistakes are added to `document.problems`."""
    data = document.data
    if not isinstance(data, dict):
        _add(document, (), "a recipe is a mapping with the keys version, seed, copies, dataset, steps, output")
        return None
    plain = _without_later(document, data)
    steps = _build_steps(document, plain.get("steps"), ("steps",)) if "steps" in plain else None
    # The steps are built one by one; a sound stand-in keeps pydantic from reporting them a second time.
    checked = {**plain, "steps": steps or (_STAND_IN,)} if "steps" in plain else plain
    check_sections(document, plain)
    recipe = _validate(document, Recipe, checked, ())
    return recipe if isinstance(recipe, Recipe) and not document.problems else None


def build_step(name: str, values: Mapping[str, Any]) -> Step:
    """Return the step of a manifest record; raises KeyError and ValidationError."""
    return load_step(name).model_validate(dict(values))


def _without_later(document: Document, data: Mapping[str, Any]) -> dict[str, Any]:
    """Report keys that the interface has and this version does not; leave them out."""
    plain = dict(data)
    if isinstance(plain.get("dataset"), dict):
        plain["dataset"] = dict(plain["dataset"])
    for path, what in _LATER.items():
        holder = plain if len(path) == 1 else plain.get(path[0])
        if isinstance(holder, dict) and holder.pop(path[-1], None) is not None:
            _add(document, path, f"this version does not support {what}; leave {path[-1]} out", key=True)
    return plain


def _build_steps(document: Document, raw: object, path: Path) -> tuple[Step, ...]:
    if not isinstance(raw, list) or not raw:
        _add(document, path, "needs a list with at least one step, such as `- flip: {axes: [LR]}`")
        return ()
    return tuple(filter(None, (_build_step(document, item, (*path, index)) for index, item in enumerate(raw))))


def _build_step(document: Document, raw: object, path: Path) -> Step | None:
    values: object
    if isinstance(raw, str):
        name, values, inner = raw, {}, path
    elif isinstance(raw, dict) and len(raw) == 1:
        name, values = next(iter(raw.items()))
        inner = (*path, name)
    else:
        found = f"keys {', '.join(map(str, raw))}" if isinstance(raw, dict) else repr(raw)
        _add(document, path, f"a step is a name, or `name: {{parameter: value}}`; found {found}")
        return None
    if name not in step_names():
        _add(document, inner, f"unknown step {name}{_suggest(str(name), step_names())}", key=True)
        return None
    return _build_known_step(document, load_step(str(name)), values, inner)


def _build_known_step(document: Document, step: type[Step], values: object, path: Path) -> Step | None:
    if may_hold_steps(step) and (needs_steps(step) or _writes_steps(values)):
        steps_path = path if isinstance(values, list) else (*path, "steps")
        settings = {"steps": values} if isinstance(values, list) else values
        if not isinstance(settings, dict):
            _add(document, path, f"{step.step_name()} needs a list of steps, or a mapping with the key steps")
            return None
        before = len(document.problems)
        children = _build_steps(document, settings.get("steps"), steps_path)
        if len(document.problems) > before:
            # Weights and counts are only meaningful against the whole list.
            written = settings.get("steps")
            children = (_STAND_IN,) * len(written) if isinstance(written, list) else ()
            if not children:
                settings = {key: value for key, value in settings.items() if key not in ("weights", "count")}
        stand_ins = (_STAND_IN,) * 2  # as many as any policy takes by default
        made = _validate(document, step, {**settings, "steps": children or stand_ins}, path)
    elif values is None or isinstance(values, dict):
        made = _validate(document, step, values or {}, path)
    else:
        _add(document, path, f"{step.step_name()} needs `parameter: value` pairs, found {values!r}")
        return None
    if why := step.refuses(_declared_modality(document)):
        _add(document, path, f"{why}, which dataset.modality names; leave the step out", key=True)
    if isinstance(made, IntensityStep):
        _check_channels(document, made, path)
    if isinstance(made, ReferenceStep):
        return _learned(document, made, path)
    return made if isinstance(made, Step) else None


def _writes_steps(values: object) -> bool:
    return isinstance(values, list) or (isinstance(values, dict) and "steps" in values)


def _learned(document: Document, step: ReferenceStep, path: Path) -> Step | None:
    """Return `step` with what its reference files teach, None where one cannot be read."""
    from medaug_cli.recipe import references  # noqa: PLC0415  only recipes with a reference pay for formats

    folder, place = pathlib.Path(document.folder), path
    try:
        step = references.learn_from(step, folder)
        for channel in step.by_channel or ():
            place = (*path, "by_channel", channel)
            step = references.learn_for_channel(step, channel, folder)
    except SampleError as error:
        _add(document, (*place, "reference"), f"reference: {error.message}")
        return None
    return step


def _check_channels(document: Document, step: IntensityStep, path: Path) -> None:
    """Tell every channel of `by_channel` that is none of dataset.images, where the recipe names those."""
    section = document.data.get("dataset") if isinstance(document.data, dict) else None
    images = section.get("images") if isinstance(section, dict) else None
    if not isinstance(images, dict):
        return
    for channel in step.by_channel or ():
        if channel not in images:
            allowed = ", ".join(map(str, images))
            message = f"by_channel names {channel}, which dataset.images does not; allowed: {allowed}"
            _add(document, (*path, "by_channel", channel), message, key=True)


def _declared_modality(document: Document) -> str:
    """Return the modality that the recipe names; empty for auto, and for what is no modality at all."""
    section = document.data.get("dataset") if isinstance(document.data, dict) else None
    named = section.get("modality") if isinstance(section, dict) else None
    return named if isinstance(named, str) and named in _MODALITIES else ""


def _validate(document: Document, model: type[BaseModel], values: Mapping[str, Any], path: Path) -> BaseModel | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found_all = chain.from_iterable(map(_single, error.errors(include_url=False)))
        every = _told_once(list(found_all)[:_MOST_PROBLEMS], document)
        problems = [_problem_of(document, model, found, path) for found in every]
        # A union reports once for each of its branches: the first, which is the plainest, is enough.
        first = {(problem.place, problem.key): problem for problem in reversed(problems)}
        document.problems.extend(first.values())
        return None


def _single(found: Any) -> Iterable[Any]:
    """Return the errors that `found` holds of single channels, or itself."""
    error = found.get("ctx", {}).get("error")
    return error.errors if isinstance(error, ChannelError) else (found,)


def _told_once(every: Iterable[Any], document: Document) -> list[Any]:
    """Return the errors without a list too short for want of items that are wrong, and what is told already."""
    told = {problem.message for problem in document.problems}
    holders = {found["loc"][:end] for found in every for end in range(len(found["loc"]))}
    return [
        found
        for found in every
        if not (found["type"] == "too_short" and found["loc"] in holders) and _plain_message(found) not in told
    ]


def _problem_of(document: Document, model: type[BaseModel], found: Any, path: Path) -> Problem:
    location = tuple(part for part in found["loc"] if isinstance(part, str | int))
    # A union's error carries the names of its branches, which stand nowhere in the file.
    place_path: Path = path
    for part in location:
        if (*place_path, part) in document.values or (*place_path, part) in document.keys:
            place_path = (*place_path, part)
    key = str(location[-1]) if location else ""
    match found["type"]:
        case "extra_forbidden":
            known = _known_keys(model, location[:-1])
            return Problem(document.place_of(place_path, key=True), f"unknown key {key}{_suggest(key, known)}", key)
        case "missing":
            return Problem(document.place_of(place_path), f"key {key} is missing", key)
        case _:
            name = ".".join(str(part) for part in place_path[len(path) :]) or str(path[-1] if path else "recipe")
            return Problem(document.place_of(place_path), f"{name}: {_plain_message(found)}")


def _plain_message(found: Any) -> str:
    message = str(found["msg"]).removeprefix("Value error, ")
    allowed = found.get("ctx", {}).get("expected")
    value = found.get("input")
    shown = f", found {value!r}" if isinstance(value, str | int | float | bool | type(None)) else ""
    if found["type"] in ("model_type", "dict_type"):
        return f"needs `key: value` pairs, found {'a list' if isinstance(value, list) else repr(value)}"
    if found["type"] == "literal_error":
        return f"allowed: {allowed}{shown}{_suggest(str(value), _quoted(str(allowed)), only_close=True)}"
    return message if found["type"] == "value_error" else f"{message[:1].lower()}{message[1:]}{shown}"


def _quoted(text: str) -> list[str]:
    return [part for part in text.split("'") if part.strip(" ,or") and part.strip()]


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> Iterable[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        inner = getattr(field, "annotation", None)
        choices = (inner, *getattr(inner, "__args__", ()))
        model = next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), model)
    return list(model.model_fields)


def _suggest(name: str, known: Iterable[str], *, only_close: bool = False) -> str:
    names = list(known)
    folded = {one.casefold(): one for one in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close and folded[close[0]] != name:
        return f"; did you mean {folded[close[0]]}?"
    return "" if only_close else f"; allowed: {', '.join(names)}"


def _add(document: Document, path: Path, message: str, *, key: bool = False) -> None:
    document.problems.append(Problem(document.place_of(path, key=key), message))


_STAND_IN = Step()
