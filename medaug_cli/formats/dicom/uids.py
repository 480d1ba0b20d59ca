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
    key, frame = derivation.uid_key, instance.frame_of_reference
    words = [key, instance.series, instance.sop_instance, f"slice {number}" if number else "instance"]
    if instance.frame_number:
        words.append(f"frame {instance.frame_number}")
    uids = {
        "sop_instance": str(generate_uid(entropy_srcs=words)),
        "series_instance": str(generate_uid(entropy_srcs=[key, instance.series, "series"])),
    }
    if frame:
        moved = str(generate_uid(entropy_srcs=[key, frame, "frame"])) if derivation.moved else frame
        uids["frame_of_reference"] = moved
    return uids
