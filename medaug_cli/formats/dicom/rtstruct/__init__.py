"""RTSTRUCT: structure sets read as contours, moved ones written for a copy's images (DICOM PS3.3 A.19, C.8.8)."""

from medaug_cli.formats.dicom.rtstruct.read import read_structures
from medaug_cli.formats.dicom.rtstruct.write import encode_structures

__all__ = ["encode_structures", "read_structures"]
