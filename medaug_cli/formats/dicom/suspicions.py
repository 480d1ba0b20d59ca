"""Suspicions: what the pixels of an image may show of a patient that no change of its header takes away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from medaug_cli.formats.dicom.classes import COLOURED, FRAMED, MODALITIES

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_WITH_A_FACE = frozenset({"CT", "MR", "PT"})
_HEAD = (
    "HEAD",
    "BRAIN",
    "SKULL",
    "FACE",
    "NECK",
    "ORBIT",
    "SINUS",
    "JAW",
    "MAXILLA",
    "MANDIB",
    "EYE",
    "WHOLEBODY",
)
_OFTEN_WRITTEN_ON = COLOURED | (FRAMED - {"NM"})


def find_suspicions(header: Dataset) -> tuple[str, ...]:
    """Return `burned_in_text` and `face` as far as the header gives rise to them (PS3.3 C.7.6.1, PS3.15 E.3.1, E.3.2).

    Text may be burned in where the header says so, and where it says nothing of a kind of image that is often written
    on. A face may be seen in a volume of the head, and in one that does not say which part of the body it shows.
    """
    modality = MODALITIES.get(str(header.get("SOPClassUID", "")), "")
    found = []
    burned_in = str(header.get("BurnedInAnnotation") or "").strip().upper()
    if burned_in == "YES" or (modality in _OFTEN_WRITTEN_ON and burned_in != "NO"):
        found.append("burned_in_text")
    part = str(header.get("BodyPartExamined") or "").upper()
    if modality in _WITH_A_FACE and (not part or _shows_a_head(part)):
        found.append("face")
    return tuple(found)


def _shows_a_head(part: str) -> bool:
    """Say whether a part of the body is one of the head: EAR begins or ends a word, and is not that in HEART."""
    ears = any(word.startswith("EAR") or word.endswith(("EAR", "EARS")) for word in re.findall("[A-Z]+", part))
    return ears or any(word in part for word in _HEAD)
