"""Privacy: what hides a patient behind a key, the same in every process and run; knows no file format."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

from medaug_cli.core.seeding import keyed_hash
from medaug_cli.core.vocabulary import PLAIN_WORDS

Option = Literal[
    "retain_full_dates",
    "retain_modified_dates",
    "retain_patient_characteristics",
    "retain_device",
    "retain_institution",
    "retain_uids",
    "clean_descriptors",
    "clean_graphics",
]
"""Options of the Basic Profile (DICOM PS3.15 E.3) that medaug can keep to."""
OPTIONS: tuple[str, ...] = get_args(Option)

NOT_OFFERED = {
    "clean_pixel_data": "medaug does not look for text in pixels; blacken it in the sources",
    "clean_recognizable_visual_features": "medaug does not remove faces; deface the sources",
    "clean_structured_content": "medaug writes no structured reports, and removes content trees and empties "
    "acquisition contexts whole",
    "retain_safe_private": "what private elements say holds for the source alone, so that they always go",
}
"""The other options of PS3.15 E.3, and why medaug does not have them."""

LEAST_KEY_CHARACTERS = 16
LEAST_KEY_VARIETY = 8  # different characters: fewer are a word or a pattern rather than a secret
MOST_DAYS = 3650
_DICOM_ROOT = "1.2.840.10008."
_UUID_ROOT = "2.25."
_OF_UUID = re.compile(r"2\.25\.([0-9]{1,39})")  # 128 bits; a damaged file may have other signs, and any number
_CHECK_BITS = 32
_WORD = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")


@dataclass(frozen=True)
class Privacy:
    """What `deidentify: basic` does, and the secret `key` that its UIDs, pseudonyms and dates are made with."""

    key: str = field(repr=False)
    options: frozenset[str] = frozenset()

    @property
    def check(self) -> str:
        """What tells one key from another and betrays neither (32 hex digits)."""
        return keyed_hash(self.key, "check of the key")

    def uid(self, uid: str) -> str:
        """Return the UID that stands for `uid`; those of the standard itself, and those made here, stay as they are."""
        return uid if "retain_uids" in self.options else keyed_uid(self.key, uid)

    def pseudonym(self, patient: str) -> str:
        """Return what stands for the identifier `patient`: the manifest's `patient_key`, 32 hex digits."""
        return keyed_hash(self.key, patient)

    def name(self, name: str) -> str:
        """Return what stands for a file, a folder or a sample of this `name`: 16 hex digits."""
        return keyed_hash(self.key, f"name:{name}")[:16]

    def source(self, path: str) -> str:
        """Return what the manifest has for the source at `path`, which only the key and the dataset lead back to."""
        return keyed_hash(self.key, f"path:{path}")

    def days(self, patient: str) -> int:
        """Return by how many days all dates of `patient` are shifted: from -3650 to -1, the same for all of them."""
        mac = hmac.new(self.key.encode(), f"days:{patient}".encode(), hashlib.sha256).digest()
        return -1 - int.from_bytes(mac[:8], "big") % MOST_DAYS


@lru_cache(maxsize=65536)
def keyed_uid(key: str, uid: str) -> str:
    """Return a UID below 2.25 (DICOM PS3.5 B.2) made of `uid` by HMAC-SHA-256.

    Its last 32 bits are a keyed hash of the others, so that it is known again and `keyed_uid` of it is itself.
    """
    if not uid or uid.startswith(_DICOM_ROOT) or _is_keyed(key, uid):
        return uid
    mac = hmac.new(key.encode(), f"uid:{uid}".encode(), hashlib.sha256).digest()
    start = uuid.UUID(bytes=mac[:16], version=5).int >> _CHECK_BITS
    return f"{_UUID_ROOT}{start << _CHECK_BITS | _check(key, start)}"


def _is_keyed(key: str, uid: str) -> bool:
    number = _OF_UUID.fullmatch(uid)
    if number is None:
        return False
    start, check = divmod(int(number[1]), 1 << _CHECK_BITS)
    return start >> (128 - _CHECK_BITS) == 0 and _check(key, start) == check


def _check(key: str, start: int) -> int:
    mac = hmac.new(key.encode(), f"uid-check:{start}".encode(), hashlib.sha256).digest()
    return int.from_bytes(mac[:4], "big")


def plain_words(text: str) -> str:
    """Return `text` with nothing but words of the field (T2, axial, left kidney) and numbers of one digit."""
    kept = [
        part if part.lower() in PLAIN_WORDS or (part.isdigit() and len(part) == 1) else " "
        for part in _WORD.findall(text)
    ]
    told = " ".join("".join(kept).split())
    return told if any(part.isalpha() for part in told) else ""
