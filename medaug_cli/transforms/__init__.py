"""Steps: one module a step, named as recipes name it, with one class; found by scanning this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from medaug_cli.step import Step


@cache
def step_names() -> tuple[str, ...]:
    """Return the names of all steps without importing them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def load_step(name: str) -> type[Step]:
    """Return the class of the step called `name`; raises KeyError for a name that no module has."""
    if name not in step_names():
        raise KeyError(name)
    module = importlib.import_module(f"{__name__}.{name}")
    # type() and not isinstance(), which would load the lazy modules that stand among the values.
    classes = [value for value in vars(module).values() if issubclass(type(value), type) and issubclass(value, Step)]
    found: type[Step] = next(one for one in classes if one.__module__ == module.__name__)
    return found
