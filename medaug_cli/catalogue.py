"""The catalogue: descriptions and JSON Schemas, made from the classes that do the work."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.events import Event
from medaug_cli.manifest import Record
from medaug_cli.recipe.model import Recipe
from medaug_cli.step import IntensityStep, LabelStep, Policy, Step, may_hold_steps, needs_steps
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_ROLES: dict[str, type[Step]] = {"policy": Policy, "intensity": IntensityStep, "label": LabelStep}
_POLICY_EXAMPLE = ("gamma", "gaussian_noise")
_LIMITS = (("ge", "≥ {:g}"), ("gt", "> {:g}"), ("le", "≤ {:g}"), ("lt", "< {:g}"))
_UNITS = {"_mm": "mm", "_deg": "deg", "_hu": "HU", "_db_per_cm": "dB/cm"}
_STEPS = "a list of steps"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(what: str) -> str:
    """Return the JSON Schema of `what` (recipe, manifest, events) as text, keys sorted."""
    models: dict[str, type[BaseModel]] = {"manifest": Record, "events": Event}
    made = models[what].model_json_schema(by_alias=True) if what in models else recipe_schema()
    return json.dumps({"$schema": _DIALECT, **made}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def recipe_schema() -> dict[str, Any]:
    """Return the schema of a recipe: every step with its parameters, as a name or as `name: {…}`."""
    schema = Recipe.model_json_schema()
    definitions = schema["$defs"]
    definitions.pop("Step", None)
    names = step_names()
    forms: list[dict[str, Any]] = [{"enum": [name for name in names if not needs_steps(load_step(name))]}]
    for name in names:
        definitions[f"step_{name}"] = _step_schema(load_step(name), definitions)
        body: dict[str, Any] = {"$ref": f"#/$defs/step_{name}"}
        others = [{"$ref": "#/$defs/steps"}] if may_hold_steps(load_step(name)) else []
        others += [] if needs_steps(load_step(name)) else [{"type": "null"}]
        body = {"anyOf": [body, *others]}
        forms.append({"type": "object", "properties": {name: body}, "required": [name], "additionalProperties": False})
    definitions["steps"] = {"type": "array", "minItems": 1, "items": {"anyOf": forms}}
    schema["properties"]["steps"] = {"$ref": "#/$defs/steps"}
    return schema


def _step_schema(step: type[Step], definitions: dict[str, Any]) -> dict[str, Any]:
    made = step.model_json_schema()
    for name, definition in made.pop("$defs", {}).items():
        if name != "Step":
            definitions.setdefault(name, definition)
    if may_hold_steps(step):
        made["properties"]["steps"] = {"$ref": "#/$defs/steps"}
    return made


def describe_step(name: str) -> dict[str, Any]:
    """Return name, role, summary, description, units, peers, modalities, parameters and an example of a step."""
    step = load_step(name)
    text = inspect.getdoc(step) or ""
    parameters = [_describe(key, field) for key, field in step.model_fields.items()]
    return {
        "name": name,
        "role": next((role for role, kind in _ROLES.items() if issubclass(step, kind)), "spatial"),
        "summary": text.split("\n")[0],
        "description": text,
        "units": sorted({one["unit"] for one in parameters if one["unit"]}),
        "peer": step.peer,
        "meant_for": list(step.meant_for),
        "refused_for": list(step.refused_for),
        "parameters": parameters,
        "steps": "needed" if needs_steps(step) else "optional" if may_hold_steps(step) else "",
        "example": example_of(name),
    }


def _describe(key: str, field: FieldInfo) -> dict[str, Any]:
    bounds = _bounds_of(field)
    default = field.get_default(call_default_factory=True)
    shown = default.dump() if isinstance(default, Span | AxisSpan) else default
    shown = list(shown) if isinstance(shown, tuple) else shown
    return {
        "name": key,
        "help": field.description or "",
        "unit": bounds.unit if bounds else _unit_in_name(key),
        "allowed": bounds.text() if bounds else _STEPS if key == "steps" else _allowed(field),
        "default": None if field.is_required() else shown,
        "required": field.is_required(),
    }


def _bounds_of(field: FieldInfo) -> Bounds | None:
    """Return the bounds of a parameter that may be a distribution; an optional one keeps them inside its union."""
    inner = [getattr(one, "__metadata__", ()) for one in getattr(field.annotation, "__args__", ())]
    found = [item for items in (field.metadata, *inner) for item in items if isinstance(item, Bounds)]
    return found[0] if found else None


def _unit_in_name(key: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), "")


def _allowed(field: FieldInfo) -> str:
    """Say in words what a setting may be; nothing where its help has to."""
    inner = [item for one in get_args(field.annotation) for item in getattr(one, "__metadata__", ())]
    metadata = [*field.metadata, *(limit for item in inner for limit in getattr(item, "metadata", [item]))]
    limits = [text.format(getattr(item, key)) for item in metadata for key, text in _LIMITS if hasattr(item, key)]
    return " and ".join(dict.fromkeys(limits)) or " | ".join(_choices(field.annotation))


def _choices(annotation: Any) -> list[str]:
    """Return the words that a setting may be, also where they stand inside a union or a list."""
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    if get_origin(annotation) in (dict, None):
        return []
    arguments = get_args(annotation)
    words = dict.fromkeys(word for inner in arguments for word in _choices(inner))
    also = {float: "a number", tuple[float, float, float]: "three numbers"}
    return [*words, *(text for kind, text in also.items() if words and kind in arguments)]


def example_of(name: str) -> str:
    """Return the step as one entry of a recipe's `steps`, its main parameters written out."""
    step = load_step(name)
    if needs_steps(step):
        return f"- {name}:\n" + "".join(f"    - {example_of(inner)[2:]}\n" for inner in _POLICY_EXAMPLE).rstrip("\n")
    values = {key: field.examples[0] for key, field in step.model_fields.items() if field.examples}
    made = step(**values)
    shown = {**values, **{key: made.values()[key] for key in _telling(made)}}
    return f"- {name}" + (f": {_flow(shown)}" if shown else "")


def _telling(step: Step) -> list[str]:
    """Return the parameters that are drawn, or else numbers, or else the first one of the step's own."""
    fields = type(step).model_fields
    spans = [key for key in fields if isinstance(getattr(step, key), Span | AxisSpan)]
    drawn = [key for key in spans if not _is_fixed(getattr(step, key))]
    own = [key for key in type(step).__annotations__ if key in fields and key != "p" and getattr(step, key)]
    return drawn or spans or own[:1]


def _is_fixed(value: Span | AxisSpan) -> bool:
    return all(span.kind == "fixed" for span in (value.spans() if isinstance(value, AxisSpan) else (value,)))


def _flow(value: Any) -> str:
    """Return `value` as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | None) else str(value)
