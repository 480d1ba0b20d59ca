"""Identifying: where in a DICOM file something stands that the Basic Profile would take away; no value is told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pydicom.datadict import keyword_for_tag
from pydicom.multival import MultiValue

from medaug_cli.core.errors import SampleError
from medaug_cli.formats import Place
from medaug_cli.formats.dicom.actions import action_beyond, actions_for, profile_actions, vr_of
from medaug_cli.formats.dicom.deidentify import options_told
from medaug_cli.formats.dicom.header import MALFORMED, file_meta, quiet, read_dataset
from medaug_cli.formats.dicom.replacing import is_dummy, is_misused
from medaug_cli.formats.dicom.suspicions import find_suspicions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from medaug_cli.formats import Kind

_PREAMBLE = 128
_STANDARD_ROOT = "1.2.840.10008."
_CURVES, _OVERLAYS = range(0x5000, 0x5100), range(0x6000, 0x6100)
_PATIENT_GROUP = 0x0010
_WALKED = frozenset({"keep", "walk", "U", "words"})  # sequences of which the profile looks at the items
_GONE = frozenset({"X", "Z"})
_OF_META = frozenset({"AE", "UR"})
_NO_PLACE = 0x7FE00010  # the pixels


def find_places(path: Path, file: str) -> Counter[Place]:
    """Return how many elements with a value stand where; `file` is what messages call `path`.

    Sequences that the profile removes as a whole are told as one place, and private ones by their group alone. Raises
    SampleError where the header cannot be read.
    """
    with quiet():
        try:
            header, places = _read(path, file)
            places.update(_walk(header, ""))
            places.update(_in_meta(file_meta(header)))
            places.update(Place("pixels", suspicion) for suspicion in find_suspicions(header))
            places.update(_contradictions(header))
        except OSError as error:
            raise SampleError("unreadable", f"{file}: {error.strerror or type(error).__name__}") from error
        except MALFORMED as error:
            raise SampleError(
                "bad_header", f"{file}: the header is not sound DICOM ({type(error).__name__}); copy it again"
            ) from error
    return places


def _read(path: Path, file: str) -> tuple[Dataset, Counter[Place]]:
    """Return all of the dataset, what follows the pixels too where that is sound, and what the preamble tells."""
    places: Counter[Place] = Counter()
    with path.open("rb") as stream:
        head = stream.read(_PREAMBLE + 4)
        if head[_PREAMBLE:] == b"DICM" and any(head[:_PREAMBLE]):
            places[Place("preamble", "preamble")] += 1
        stream.seek(0)
        try:
            return read_dataset(stream, file, whole=True), places
        except SampleError:
            stream.seek(0)
            header = read_dataset(stream, file)
    places[Place("unreadable", "what follows the pixels")] += 1
    return header, places


def _walk(item: Dataset, above: str) -> Iterator[Place]:
    """Yield the place of every element that has a value and that the profile would remove or replace."""
    for tag in list(item.keys()):
        element = item.get_item(tag)
        if tag == _NO_PLACE or tag.element == 0:
            continue
        if tag.is_private:
            if not tag.is_private_creator and _has_value(element):
                yield Place("private", f"{above}group {tag.group:04x}")
        elif tag.group in _CURVES or tag.group in _OVERLAYS:
            if _has_value(element):
                yield Place("overlay", f"{above}group {tag.group:04x}")
        else:
            yield from _look_at(item, tag, above)


def _look_at(item: Dataset, tag: BaseTag, above: str) -> Iterator[Place]:
    element = item.get_item(tag)
    if element.VR in {None, "UN"}:
        element = item[tag]
    vr, name = str(element.VR), above + (keyword_for_tag(tag) or f"({tag.group:04x},{tag.element:04x})")
    action = actions_for(frozenset()).get(tag) or action_beyond(tag, vr, frozenset())
    if vr == "SQ" and action in _WALKED:
        for inner in item[tag].value or ():
            yield from _walk(inner, f"{name}/")
    elif (action not in {"keep", "walk"} or is_misused(element)) and _has_value(element if vr != "SQ" else item[tag]):
        kind = _kind_of(tag, vr)
        if kind != "uid" or not _is_of_standard(item[tag].value):
            yield Place(kind, name)


def _kind_of(tag: BaseTag, vr: str) -> Kind:
    if vr == "UI":
        return "uid"
    return "attribute" if tag in profile_actions() else "text"


def _has_value(element: DataElement | RawDataElement) -> bool:
    """Say whether there is more in `element` than blanks, or than what de-identification puts there."""
    value: Any = element.value
    if value is None:
        return False
    if isinstance(value, bytes):
        return bool(value.strip(b" \0")) and not is_dummy(str(element.VR), value)
    if element.VR == "SQ" or isinstance(value, MultiValue | list):
        return len(value) > 0
    return str(value).strip(" \0") != "" and not is_dummy(str(element.VR), value)


def _is_of_standard(value: Any) -> bool:
    uids = value if isinstance(value, MultiValue) else [value]
    return all(str(uid).startswith(_STANDARD_ROOT) for uid in uids)


def _in_meta(meta: Dataset) -> Iterator[Place]:
    """Yield who sent, received and wrote a file, and private information (PS3.10 7.1)."""
    for element in meta:
        if (element.VR in _OF_META or element.keyword == "PrivateInformation") and _has_value(element):
            yield Place("file_meta", element.keyword)


def _contradictions(header: Dataset) -> Iterator[Place]:
    """Yield what a file that says of itself that its patient was hidden should not have.

    That is what the profile removes or empties (PS3.15 Table E.1-1: X, Z), but for what the options told let stay.
    """
    if str(header.get("PatientIdentityRemoved") or "").strip().upper() != "YES":
        return
    if "burned_in_text" in find_suspicions(header):
        yield Place("claim", "PatientIdentityRemoved YES, text may be burned in")
    actions = actions_for(options_told(header))
    for tag in header.keys():  # noqa: SIM118  a dataset yields its elements
        of_person = tag.group == _PATIENT_GROUP or vr_of(tag) == "PN"
        if of_person and actions.get(tag) in _GONE and _has_value(header[tag]):
            yield Place("claim", f"PatientIdentityRemoved YES, {keyword_for_tag(tag)} has a value")
