"""YAML: read strictly and safely, with a place for everything that is refused."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from medaug_cli.core.errors import RecipeError
from medaug_cli.recipe import load_recipe
from medaug_cli.recipe.yaml_text import read_document

if TYPE_CHECKING:
    from collections.abc import Callable

BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
HOSTILE = {
    "alias bomb": (BOMB, "1:4: anchors and aliases are not allowed"),
    "anchor": ("version: &v 1\n", "1:10: anchors and aliases are not allowed"),
    "alias": ("version: *v\n", "1:10: "),
    "merge key": ("version: 1\n<<: {copies: 4}\n", "2:1: unknown key <<"),
    "python tag": ("a: !!python/object/apply:os.system ['touch PWNED']\n", "1:4: tag tag:yaml.org,2002:python"),
    "tag on a number": ("version: !!int 1\n", "1:10: tag tag:yaml.org,2002:int is not allowed"),
    "tag on a key": ("!!str version: 1\n", "1:1: tag"),
    "duplicate key": ("version: 1\nseed: 1\nseed: 2\nsteps: [gamma]\n", "3:1: key seed stands twice, first in line 2"),
    "duplicate key in a step": ("version: 1\nsteps: [{gamma: {p: 1, p: 0}}]\n", "2:24: key p stands twice"),
    "two documents": ("version: 1\nsteps: [gamma]\n---\nversion: 1\n", "3:1: a second document begins"),
    "tab": ("version: 1\nsteps:\n\t- gamma\n", "3:1: not YAML: "),
    "10 MB": ("# " + "x" * 10_000_000 + "\n", "1:1: the file is too large; allowed: 256000 bytes"),
    "flow depth 1000": ("a: " + "[" * 1000 + "]" * 1000 + "\n", "1:36: nested deeper than 32 levels"),
    "mapping depth 1000": ("{a: " * 1000 + "1" + "}" * 1000 + "\n", "nested deeper than 32 levels"),
    "block depth 1000": ("- " * 1000 + "x\n", "1:67: nested deeper than 32 levels"),
    "indented depth 400": ("".join(f"{' ' * n}a:\n" for n in range(400)), "nested deeper than 32 levels"),
    "100 000 values": ("a: [" + "1," * 100_000 + "1]\n", "more than 10000 values"),
    "unclosed bracket": ("version: 1\nsteps: [gamma\n", "3:1: not YAML: "),
    "unclosed quote": ('name: "brain\n', "2:1: not YAML: "),
    "list as a key": ("? [a, b]\n: 1\n", "1:3: a key must be a plain word or number"),
    "null byte": ("version: 1\nname: \0\n", "2:1: character #x0000 is not allowed in YAML"),
    "5000 digits": (
        "version: 1\nsteps: [gamma]\nseed: " + "9" * 5000 + "\n",
        "3:7: seed: input should be a valid integer",
    ),
    "one line of 200 000 signs": ("{version: 1, name: '" + "x" * 200_000 + "'}\n", "name: string should have at most"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_recipe_is_refused_in_half_a_second_with_a_place(
    refusal: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text, said = HOSTILE[name]
    gc.freeze()  # what the tests before this one left over is not to be searched in its half second
    started = time.process_time()
    found = refusal(text)
    taken_s = time.process_time() - started
    gc.unfreeze()
    assert taken_s <= 0.5
    assert f"recipe.yaml:{said}" in found if said[0].isdigit() else said in found
    assert len(found) < 20_000
    assert not (tmp_path / "PWNED").exists()


def test_values_without_end_are_refused_in_half_a_second() -> None:
    started = time.process_time()
    document = read_document(b"a: [" + b"1," * 120_000 + b"1]")
    assert time.process_time() - started <= 0.5
    assert "more than 10000 values" in document.problems[0].message


def test_latin_1_is_refused_with_its_line(refusal: Callable[[bytes], str]) -> None:
    assert "recipe.yaml:2:1: the file is not UTF-8" in refusal(b"version: 1\nname: caf\xe9\n")


def test_utf_16_is_refused(refusal: Callable[[bytes], str]) -> None:
    assert "the file is not UTF-8" in refusal("version: 1\n".encode("utf-16"))


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(load: Callable[[bytes], Any]) -> None:
    recipe = load(b"\xef\xbb\xbfversion: 1\r\ncopies: 3\r\nsteps:\r\n  - gamma\r\n")
    assert recipe.copies == 3


def test_places_count_windows_line_ends_once(refusal: Callable[[bytes], str]) -> None:
    assert "recipe.yaml:3:1: unknown key copes" in refusal(b"version: 1\r\nsteps: [gamma]\r\ncopes: 3\r\n")


def test_a_control_sign_of_the_file_never_reaches_the_terminal(refusal: Callable[[str], str]) -> None:
    assert "\x1b" not in refusal("version: 1\nname: \x1b[31m\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("+7", 7),
        ("012", 12),
        ("0.0", 0.0),
        ("no", "no"),
        ("yes", "yes"),
        ("off", "off"),
        ("N", "N"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12:30:00", "12:30:00"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("=", "="),
        ('"1e-3"', "1e-3"),
        ("'true'", "true"),
        ("'012'", "012"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    found = read_document(f"a: {text}\n".encode()).data["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_number_may_be_a_key_and_a_quoted_one_is_a_word() -> None:
    assert read_document(b'1: a\n"2": b\n').data == {1: "a", "2": "b"}


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    endless = Path("/dev/zero")
    if not endless.exists():
        pytest.skip("no /dev/zero here")
    with pytest.raises(RecipeError, match="too large"):
        load_recipe(endless)
