"""UIDs of a copy: made from its key and the UIDs of its source, the same in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import UID, generate_uid

if TYPE_CHECKING:
    from medaug_cli.core.sample import Derivation
    from medaug_cli.formats.dicom.instance import Instance

IMPLEMENTATION_CLASS_UID = UID("2.25.163557662756330878746811618895889050679")


def derived_uids(instance: Instance, derivation: Derivation, number: int = 0) -> dict[str, str]:
    """Return the instance, series and frame of reference UIDs of the copy of `instance`.

    The frame of reference stays while anatomy does; once moved it is new, and the same for all series that shared it
    and share `derivation.uid_key`, hence the mapping (DICOM PS3.3 C.7.4.1.1.1). `number` tells the slices of a new grid
    apart, of which several may come from one instance.
    """
    key = derivation.uid_key
    words = [key, instance.series, instance.sop_instance, f"slice {number}" if number else "instance"]
    if instance.frame_number:
        words.append(f"frame {instance.frame_number}")
    uids = {
        "sop_instance": str(generate_uid(entropy_srcs=words)),
        "series_instance": str(generate_uid(entropy_srcs=[key, instance.series, "series"])),
    }
    if instance.frame_of_reference:
        uids["frame_of_reference"] = derived_frame(instance.frame_of_reference, derivation)
    return uids


def derived_frame(frame: str, derivation: Derivation) -> str:
    """Return the frame of reference of what lay in `frame`, wherever the copy has it."""
    return str(generate_uid(entropy_srcs=[derivation.uid_key, frame, "frame"])) if derivation.moved else frame


def derived_object_uids(series: str, sop_instance: str, derivation: Derivation) -> dict[str, str]:
    """Return the instance and series UIDs of the copy of a label object."""
    key = derivation.uid_key
    return {
        "sop_instance": str(generate_uid(entropy_srcs=[key, series, sop_instance, "instance"])),
        "series_instance": str(generate_uid(entropy_srcs=[key, series, "series"])),
    }
