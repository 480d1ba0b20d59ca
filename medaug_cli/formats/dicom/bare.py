"""Bare: datasets without preamble and file meta information, as early software left them; read on request alone.

They cannot be told from other files for certain, so that nothing takes them for DICOM unless asked to (PS3.10 7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom import uid

if TYPE_CHECKING:
    from typing import BinaryIO

    from pydicom.dataset import Dataset

_PREAMBLE = 128
_FIRST_GROUPS = (b"\x02\0", b"\x08\0")  # little endian: file meta information, or identification


def is_bare(head: bytes) -> bool:
    """Say whether a file that begins with `head` may be a dataset without a preamble: its first element is low."""
    return head[:2] in _FIRST_GROUPS and head[3:4] == b"\0" and head[_PREAMBLE : _PREAMBLE + 4] != b"DICM"


def lacks_preamble(stream: BinaryIO) -> bool:
    """Say whether the file in `stream`, which is at its start and stays there, is bare."""
    head = stream.read(_PREAMBLE + 4)
    stream.seek(0)
    return is_bare(head)


def name_syntax(dataset: Dataset) -> None:
    """Let the file meta information of a bare `dataset` name the encoding that it was found to be in."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
