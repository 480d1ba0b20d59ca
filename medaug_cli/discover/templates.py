"""Templates: file names with `{case}` in them, as `dataset.images` and `dataset.labels` give them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medaug_cli.core.errors import RecipeError
from medaug_cli.core.template_text import fault_of, pieces_of


@dataclass(frozen=True)
class Template:
    """A pattern of file names; `literals` is how many characters of it stand for themselves.

    Without a folder in it, a template holds in every folder, which becomes part of the case. With folders it holds
    from the top of the dataset, and the case may be several folders deep. `*` is any text within a name, `**/` any
    folders.
    """

    text: str
    pattern: re.Pattern[str]
    literals: int

    @property
    def shared(self) -> bool:
        """Whether the template names one file that tells of every case."""
        return "{case}" not in self.text

    def fits(self, path: str) -> bool:
        """Say whether the file at `path` is one that the template names."""
        return self.match(path) is not None

    @property
    def names_folders(self) -> bool:
        """Whether the template says in which folder a file lies."""
        return "/" in self.text

    def match(self, path: str) -> str | None:
        """Return the case that the file at `path` belongs to, empty where shared; None where it does not fit."""
        folder, slash, name = path.rpartition("/")
        found = self.pattern.fullmatch(path if self.names_folders else name)
        if found is None:
            return None
        if self.shared:
            return ""
        return found["case"] if self.names_folders else folder + slash + found["case"]

    def fill(self, case: str) -> str:
        """Return the path (or the pattern of paths) of the file of `case`."""
        if self.names_folders or self.shared:
            return self.text.replace("{case}", case)
        folder, slash, name = case.rpartition("/")
        return folder + slash + self.text.replace("{case}", name)


def parse_template(text: str, key: str, *, shared: bool = False) -> Template:
    """Return `text` as a template, which needs no `{case}` where it may be `shared`.

    Raises RecipeError, naming the recipe's `key`, where it is none.
    """
    clean = text.removeprefix("./")
    if fault := fault_of(text, needs_case=not shared):
        raise RecipeError(f"{key}: {fault}")
    pieces = pieces_of(text)
    case = r"(?P<case>[^/]+(?:/[^/]+)*)" if "/" in clean else r"(?P<case>[^/]+)"
    translated = {"{case}": r"(?P=case)", "**/": r"(?:.*/)?", "*": r"[^/]*"}
    pattern = "".join(translated.get(piece, re.escape(piece)) for piece in pieces).replace(r"(?P=case)", case, 1)
    literals = sum(len(piece) for piece in pieces if piece not in translated)
    return Template(clean, re.compile(pattern, re.DOTALL), literals)
