"""JSON as text: parsed once with limits, written again in the layout it had."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

from medaug_cli.core.errors import SampleError

_INDENT = re.compile(r"\n([ \t]+)\S")
_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
_HALF_THAT_IS_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others stand for bytes that are no UTF-8
# A list of nothing but numbers and constants; a text is passed over whole, whatever stands in it.
_TEXT_OR_PLAIN_LIST = re.compile(r'"(?:[^"\\]|\\.)*+"|(\[[^\[\]{}"]*+\])')


def load_json(name: str, raw: bytes) -> Any:
    """Return what the JSON file `name` holds, not to be changed; raises SampleError `bad_points` with its line."""
    try:
        return _parse(raw)
    except json.JSONDecodeError as error:
        raise SampleError("bad_points", f"{name}:{error.lineno}: not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise SampleError("bad_points", f"{name}: not JSON that can be read ({type(error).__name__})") from error


@lru_cache(maxsize=2)  # a file that tells of every case is read once for all of a worker's cases
def _parse(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8-sig", "surrogateescape"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    """JSON knows no NaN and no Infinity; Python would read them."""
    raise ValueError(constant)


def dump_json(content: Any, like: bytes) -> str:
    """Return `content` as text with the indent of `like`, and lists of numbers on one line where they were.

    Half of a pair of surrogates, which only an escape can have put there and UTF-8 cannot hold, is an escape again.
    """
    text = like.decode("utf-8-sig", "surrogateescape")
    found = _INDENT.search(text)
    if found is None:
        compact = '":' in text and '": ' not in text
        return _dump(content, text, separators=(",", ":") if compact else None) + _tail(text)
    dumped = _dump(content, text, indent=found[1])
    if any("\n" not in one for one in _TEXT_OR_PLAIN_LIST.findall(text) if len(one) > len("[]")):
        dumped = _TEXT_OR_PLAIN_LIST.sub(_on_one_line, dumped)
    return dumped + _tail(text)


def _on_one_line(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    return re.sub(r"\s*\n\s*", " ", found[1]).replace("[ ", "[").replace(" ]", "]")


def _dump(content: Any, like: str, **layout: Any) -> str:
    dumped = json.dumps(content, ensure_ascii=False, **layout)
    halves = _HALF_THAT_IS_NO_BYTE if _HALF_OF_A_PAIR.search(like) else _HALF_OF_A_PAIR
    return halves.sub(lambda half: f"\\u{ord(half[0]):04x}", dumped)


def _tail(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]
