"""medaug: augmented copies of DICOM and NIfTI datasets, with a record of how each was made."""

__version__ = "0.1.0"
