"""Replacing: what stands in a copy instead of a value (PS3.15 E.1), and values with signs that their VR has not."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydicom.multival import MultiValue

from medaug_cli.core.privacy import plain_words
from medaug_cli.formats.dicom.actions import vr_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataelem import DataElement, RawDataElement

DUMMIES = {
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "AE", "CS"), "REMOVED"),
    "PN": "REMOVED",
    "AS": "000Y",
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "DS": "0",
    "IS": "0",
    "UR": "urn:removed",
    **dict.fromkeys(("OB", "UN"), b"\0\0"),
}
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
_LABEL_WORDS = "REMOVED"  # a label must be called something (type 1)
_OLDEST_YEARS = 89  # older patients are few enough to be known by their age alone
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})([0-9.+-]*)")
_AGE = re.compile(r"(\d{1,3})[DWMY]")
# The signs that values of these VRs are written with (PS3.5 6.2); what has others is a text in the wrong place.
_SIGNS = {
    "DS": re.compile(r"[0-9+.eE\\ -]*"),
    "IS": re.compile(r"[0-9+\\ -]*"),
    "TM": re.compile(r"[0-9.:\\ -]*"),
    "DA": re.compile(r"[0-9.\\ -]*"),
    "DT": re.compile(r"[0-9.+\\ -]*"),
    "AS": re.compile(r"[0-9DWMY\\ ]*"),
    "CS": re.compile(r"[A-Za-z0-9_./+\\ -]*"),
}


def is_misused(element: DataElement | RawDataElement) -> bool:
    """Say whether an element, decoded or not, holds signs that its VR does not allow, or bytes where none belong."""
    vr, value = str(element.VR), element.value
    if vr in _BYTES:
        return _BYTES.isdisjoint(vr_of(element.tag).split(" or "))
    signs = _SIGNS.get(vr)
    if signs is None or value is None:
        return False
    if isinstance(value, bytes):
        text = value.decode("latin-1").rstrip("\0")
    else:
        text = "\\".join(map(str, value)) if isinstance(value, MultiValue | list) else str(value)
    return signs.fullmatch(text) is None


def change_each(value: Any, change: Callable[[str], str]) -> Any:
    """Return the value of an element with `change` made to each of its texts; nothing stays nothing."""
    if value is None or value == "":
        return value
    if isinstance(value, MultiValue | list):
        return [change(str(one)) for one in value]
    return change(str(value))


def as_words(element: DataElement) -> str:
    """Return the words of the field in a text; a name that loses all of them gets one, for it may not be empty."""
    if not element.value:
        return ""
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    return plain_words(" ".join(map(str, values))) or _LABEL_WORDS


@lru_cache(maxsize=4096)
def shift_date(text: str, days: int) -> str:
    """Return a DA or DT moved by `days`; empty where it is no date, or the year alone."""
    found = _DATE.fullmatch(text.strip(" \0"))
    try:
        if found is None:
            return ""
        moved = dt.date(*map(int, found.groups()[:3])) + dt.timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}{found[4]}"


def blur_age(text: str) -> str:
    """Return an AS; of 90 years and more it is 090Y, and empty what is no age."""
    age = text.strip(" \0")
    found = _AGE.fullmatch(age)
    if found is None:
        return ""
    return "090Y" if age.endswith("Y") and int(found[1]) > _OLDEST_YEARS else age


def is_dummy(vr: str, value: Any) -> bool:
    """Say whether `value`, decoded or in bytes, is what `deidentify` puts in place of a value of this VR."""
    dummy = DUMMIES.get(vr)
    if isinstance(dummy, bytes) or dummy is None:
        return bool(value == dummy)
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text.strip(" \0") == dummy
