"""The README and the docs say what is so: their recipes load and run, their commands, flags and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from medaug_cli.cli import app
from medaug_cli.recipe import load_recipe

PROJECT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in sorted((PROJECT / "docs").glob("*.md")))]
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def recipes_of(page: str) -> list[str]:
    """Return the YAML blocks of a page."""
    return re.findall(r"```yaml\n(.*?)```", (PROJECT / page).read_text(), flags=re.DOTALL)


def test_the_recipe_of_the_readme_runs_on_the_sample_brain(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipes_of("README.md")[0])
    arguments = ["run", str(recipe), str(PROJECT / "sample_data" / "brain-mr"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*arguments, "--engine", "serial", "--copies", "1"])
    assert result.exit_code == 0
    assert (tmp_path / "out" / "sub-01_aug0001_T1w.nii.gz").exists()


@pytest.mark.parametrize("page", PAGES)
def test_every_recipe_on_a_page_loads(page: str, tmp_path: Path) -> None:
    for text in recipes_of(page):
        (tmp_path / "recipe.yaml").write_text(text)
        assert load_recipe(tmp_path / "recipe.yaml").steps


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_flag_on_a_page_exists(page: str) -> None:
    text = (PROJECT / page).read_text()
    code = re.findall(r"```sh\n.*?```|`[^`\n]+`", text, flags=re.DOTALL)
    named = set(re.findall(r"(?:^|`)medaug ([a-z]+)\b", "\n".join(code), flags=re.MULTILINE))
    assert named <= set(COMMANDS)
    flags = set(re.findall(r"`(--[a-z-]+)", text))
    known = {flag for command in COMMANDS.values() for parameter in command.params for flag in parameter.opts}
    assert flags <= known | {"--version", "--help"}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    folder = (PROJECT / page).parent
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (PROJECT / page).read_text())
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_names_the_two_commands(command: str) -> None:
    assert command in (PROJECT / "README.md").read_text()
    assert f"\n{command.split()[1]}:" in (PROJECT / "Makefile").read_text()
