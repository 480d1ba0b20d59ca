"""A1, N1, N2: hostile recipes, names, and what is no regular file."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from datasets_for_runs import clean_environment
from faults.experiment import Outcome
from recipe.test_recipe_yaml import HOSTILE

from medaug_cli.core.errors import RecipeError
from medaug_cli.recipe import load_recipe

_TESTS = Path(__file__).resolve().parents[1]


def read_hostile_recipes(folder: Path, count: int) -> Outcome:
    """A1: alias bombs, 10 MB, depth 1000, duplicate keys, tags, tabs: refused with a place, each in half a second."""
    outcome, slowest = Outcome(), 0.0
    load_recipe(_sound_recipe(folder))  # so that imports are not measured
    for name, (text, said) in list(HOSTILE.items())[:count]:
        path = folder / "recipe.yaml"
        path.write_bytes(text.encode())
        started = time.process_time()
        try:
            load_recipe(path)
            found = "accepted"
        except RecipeError as error:
            found = str(error)
        seconds = time.process_time() - started
        slowest = max(slowest, seconds)
        outcome.check(f"{name}: {found[:200]}", holds=said in found and f"{path}:" in found)
        outcome.check(f"{name}: {seconds:.2f} s", holds=seconds <= 0.5)
        outcome.injections += 1
    outcome.note = f"slowest {slowest:.2f} s"
    return outcome


def _sound_recipe(folder: Path) -> Path:
    path = folder / "sound.yaml"
    path.write_text("version: 1\nsteps: [gamma]\n")
    return path


def _run_tests(count: int, *modules: str) -> Outcome:
    """Run test modules that inject what this experiment asks for; each failed test is a violation."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rfE", *(str(_TESTS / one) for one in modules)]
    done = subprocess.run(
        words, env=clean_environment(), cwd=_TESTS.parent, capture_output=True, text=True, check=False
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    outcome = Outcome(injections=count, violations=failed)
    outcome.check(f"pytest: exit {done.returncode}", holds=done.returncode == 0)
    return outcome


def use_hostile_names(_folder: Path, count: int) -> Outcome:
    """N1, N2: the names and the irregular files of tests/hostile."""
    return _run_tests(count, "hostile/test_hostile_names.py", "discover/test_walk.py")
