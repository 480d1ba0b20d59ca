"""The catalogue: descriptions and JSON Schemas, made from the classes that do the work."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from medaug_cli.core.values import AxisSpan, Bounds, Span
from medaug_cli.events import Event
from medaug_cli.manifest import Record
from medaug_cli.recipe.model import Recipe
from medaug_cli.step import IntensityStep, LabelStep, Policy, Step
from medaug_cli.transforms import load_step, step_names

if TYPE_CHECKING:
    from pydantic import BaseModel

_ROLES: dict[str, type[Step]] = {"policy": Policy, "intensity": IntensityStep, "label": LabelStep}
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
    forms: list[dict[str, Any]] = [{"enum": [name for name in names if not issubclass(load_step(name), Policy)]}]
    for name in names:
        definitions[f"step_{name}"] = _step_schema(load_step(name), definitions)
        body: dict[str, Any] = {"$ref": f"#/$defs/step_{name}"}
        if issubclass(load_step(name), Policy):
            body = {"anyOf": [body, {"$ref": "#/$defs/steps"}]}
        else:
            body = {"anyOf": [body, {"type": "null"}]}
        forms.append({"type": "object", "properties": {name: body}, "required": [name], "additionalProperties": False})
    definitions["steps"] = {"type": "array", "minItems": 1, "items": {"anyOf": forms}}
    schema["properties"]["steps"] = {"$ref": "#/$defs/steps"}
    return schema


def _step_schema(step: type[Step], definitions: dict[str, Any]) -> dict[str, Any]:
    made = step.model_json_schema()
    for name, definition in made.pop("$defs", {}).items():
        if name != "Step":
            definitions.setdefault(name, definition)
    if issubclass(step, Policy):
        made["properties"]["steps"] = {"$ref": "#/$defs/steps"}
    return made


def describe_step(name: str) -> dict[str, Any]:
    """Return name, role, summary, description, peers, modalities and parameters of a step."""
    step = load_step(name)
    text = inspect.getdoc(step) or ""
    return {
        "name": name,
        "role": next((role for role, kind in _ROLES.items() if issubclass(step, kind)), "spatial"),
        "summary": text.split("\n")[0],
        "description": text,
        "peer": step.peer,
        "meant_for": list(step.meant_for),
        "refused_for": list(step.refused_for),
        "parameters": [_describe(key, field) for key, field in step.model_fields.items() if key != "steps"],
    }


def _describe(key: str, field: Any) -> dict[str, Any]:
    bounds = [item.text() for item in field.metadata if isinstance(item, Bounds)]
    if not bounds:  # an optional parameter keeps its bounds inside the union
        inner = [getattr(one, "__metadata__", ()) for one in getattr(field.annotation, "__args__", ())]
        bounds = [item.text() for items in inner for item in items if isinstance(item, Bounds)]
    default = field.default
    shown = default.dump() if isinstance(default, Span | AxisSpan) else default
    shown = list(shown) if isinstance(shown, tuple) else shown
    return {"name": key, "help": field.description or "", "allowed": " ".join(bounds), "default": shown}
