"""Deidentify: the Basic Profile at every depth of a dataset that is to be written (DICOM PS3.15 E.1 to E.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from medaug_cli import __version__
from medaug_cli.formats.dicom.actions import EDITION, action_beyond, actions_for
from medaug_cli.formats.dicom.codes import code_item
from medaug_cli.formats.dicom.replacing import DUMMIES, as_words, blur_age, change_each, is_misused, shift_date
from medaug_cli.formats.dicom.suspicions import find_suspicions
from medaug_cli.formats.dicom.template import like

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from medaug_cli.core.privacy import Privacy

_SHARED_GROUPS = 0x52009229
_OF_GROUPS = frozenset({0x00089124})  # DerivationImageSequence: what the top level has of it, no writer made
_PIXELS = 0x7FE00010
_DRAWN = frozenset({*range(0x5000, 0x5100), *range(0x6000, 0x6100), 0x7FE0})  # curves, overlays, pixels within items
_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")
# PS3.16 CID 7050
_CODES = {
    "clean_graphics": ("113103", "DCM", "Clean Graphics Option"),
    "clean_descriptors": ("113105", "DCM", "Clean Descriptors Option"),
    "retain_full_dates": ("113106", "DCM", "Retain Longitudinal Temporal Information Full Dates Option"),
    "retain_modified_dates": ("113107", "DCM", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "retain_patient_characteristics": ("113108", "DCM", "Retain Patient Characteristics Option"),
    "retain_device": ("113109", "DCM", "Retain Device Identity Option"),
    "retain_uids": ("113110", "DCM", "Retain UIDs Option"),
    "retain_institution": ("113112", "DCM", "Retain Institution Identity Option"),
}
_UNDECODED = frozenset({None, "UN"})
_KEPT = frozenset({"keep", "walk"})
_TEXTS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "PN"})
# CodeValue, CodingSchemeDesignator and -Version, CodeMeaning, LongCodeValue: what a scheme has chosen, and no person.
_CODES_OF_ITEMS = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119})
_LEAST_SIGNS = 4
_WALKED = _KEPT | {"U", "words"}


def deidentify(header: Dataset, privacy: Privacy | None, own: frozenset[int] = frozenset()) -> Dataset:
    """Return `header` as it may be written where `privacy` hides the patient; `header` itself where it is None.

    To be called last, by every writer of a DICOM object, on all but its pixels; `header` and what it shares with other
    copies stay as they are. `own` are tags that the writer itself made, here and in the shared functional groups.
    """
    if privacy is None:
        return header
    patient = _patient_of(header)
    suspicions = find_suspicions(header)
    cleaned = _Walk(privacy, patient, _names_of(header), own).clean(header, (own - _OF_GROUPS) | {_PIXELS}, top=True)
    _say_how(cleaned, header, privacy, burned_in="burned_in_text" in suspicions)
    return cleaned


def _patient_of(header: Dataset) -> str:
    """Return what tells the patient of `header` from others: a study without a patient is one of its own."""
    known = (str(header.get(keyword) or "").strip(" \0") for keyword in ("PatientID", "StudyInstanceUID"))
    return next(filter(None, known), "")


def _names_of(header: Dataset) -> frozenset[str]:
    """Return name and number of the patient, where they are long enough to be nothing else."""
    found = (str(header.get(keyword) or "").strip(" \0").casefold() for keyword in ("PatientID", "PatientName"))
    return frozenset(name for name in found if len(name) >= _LEAST_SIGNS)


def _text_of(element: DataElement | RawDataElement) -> str:
    value = element.value
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip(" \0").casefold()


class _Walk:
    """One walk through a dataset; `patient` is whose it is, `names` are texts that name only them."""

    def __init__(self, privacy: Privacy, patient: str, names: frozenset[str], own: frozenset[int]) -> None:
        self._privacy, self._patient, self._own = privacy, patient, own
        self._actions: Mapping[int, str] = actions_for(privacy.options)
        self._days = privacy.days(patient)
        self._names = names
        self._change: dict[str, Callable[[DataElement], Any]] = {
            "Z": lambda element: Items([]) if element.VR == "SQ" else None,
            "D": lambda element: DUMMIES[element.VR],
            "U": lambda element: change_each(element.value, privacy.uid),
            "words": as_words,
            "date": lambda element: change_each(element.value, lambda text: shift_date(text, self._days)),
            "age": lambda element: change_each(element.value, blur_age),
            "pseudonym": lambda _: privacy.pseudonym(patient),
        }

    def clean(self, item: Dataset, own: frozenset[int] = frozenset(), *, top: bool = False) -> Dataset:
        """Return a dataset without what identifies; looks up every element once, at every depth."""
        kept: dict[BaseTag, DataElement | RawDataElement] = {}
        for tag, element in list(item.items()):
            if tag in own:
                kept[tag] = element
                continue
            changed = self._clean_element(item, tag, element, top=top)
            if changed is not None:
                kept[tag] = changed
        return like(item, kept)

    def _clean_element(
        self, item: Dataset, tag: BaseTag, element: DataElement | RawDataElement, *, top: bool
    ) -> DataElement | RawDataElement | None:
        action = self._actions.get(tag)
        if tag.is_private or tag.group in _DRAWN or action == "X":
            return None
        if element.VR in _UNDECODED:
            element = item[tag]
        if action is None:
            action = action_beyond(tag, str(element.VR), self._privacy.options)
        if element.VR == "SQ" and action in _WALKED:
            return self._clean_items(item, tag, top=top)
        if element.VR == "UN" or action == "X" or (action == "D" and element.VR not in DUMMIES):
            return None  # a sequence of which a dummy is asked is required by no class that is written
        if action in _KEPT:
            return None if is_misused(element) or self._is_named_after(element) else element
        return DataElement(tag, str(element.VR), self._change[action](item[tag]))

    def _is_named_after(self, element: DataElement | RawDataElement) -> bool:
        """Say whether a text that may stay is the patient's name or number, which careless tools write everywhere."""
        return element.VR in _TEXTS and element.tag not in _CODES_OF_ITEMS and _text_of(element) in self._names

    def _clean_items(self, item: Dataset, tag: BaseTag, *, top: bool) -> DataElement:
        own = self._own & _OF_GROUPS if top and tag == _SHARED_GROUPS else frozenset()
        return DataElement(tag, "SQ", Items([self.clean(inner, own) for inner in item[tag].value or ()]))


def _say_how(cleaned: Dataset, header: Dataset, privacy: Privacy, *, burned_in: bool) -> None:
    """Record in `cleaned` what was done, beside what was done before (PS3.15 E.1.1, PS3.3 C.7.1.1, C.12.1)."""
    cleaned.PatientIdentityRemoved = "YES"
    if burned_in:
        del cleaned.PatientIdentityRemoved  # nor does what an earlier tool claimed hold for pixels nobody looked at
    before = header.get("DeidentificationMethod") or []
    earlier = [str(one) for one in before] if isinstance(before, MultiValue) else [str(before)] if before else []
    ours = f"medaug {__version__}: PS3.15 {EDITION} Basic Profile"
    cleaned.DeidentificationMethod = [*(one for one in earlier if one != ours), ours]
    told = list(cleaned.get("DeidentificationMethodCodeSequence") or [])
    known = {str(item.get("CodeValue")) for item in told}
    cleaned.DeidentificationMethodCodeSequence = Items(
        [*told, *(code_item(code) for code in _codes(privacy) if code[0] not in known)]
    )
    cleaned.LongitudinalTemporalInformationModified = _say_dates(privacy.options)


def _codes(privacy: Privacy) -> list[tuple[str, str, str]]:
    return [_PROFILE, *(_CODES[option] for option in sorted(privacy.options, key=lambda one: _CODES[one][0]))]


def _say_dates(options: frozenset[str]) -> str:
    if "retain_full_dates" in options:
        return "UNMODIFIED"
    return "MODIFIED" if "retain_modified_dates" in options else "REMOVED"


def options_told(header: Dataset) -> frozenset[str]:
    """Return the options of the profile that `header` says it was de-identified with, by whichever tool (CID 7050)."""
    told = {str(item.get("CodeValue")) for item in header.get("DeidentificationMethodCodeSequence") or ()}
    return frozenset(option for option, code in _CODES.items() if code[0] in told)
