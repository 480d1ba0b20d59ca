"""DICOM segmentations: BINARY, FRACTIONAL and LABELMAP (PS3.3 A.51, C.8.20); read with pydicom, made by highdicom."""
