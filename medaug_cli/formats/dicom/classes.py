"""SOP classes: which are read, which are left alone and why (DICOM PS3.4 B.5)."""

from __future__ import annotations

from pydicom import uid

MODALITIES: dict[str, str] = {
    uid.CTImageStorage: "CT",
    uid.MRImageStorage: "MR",
    uid.PositronEmissionTomographyImageStorage: "PT",
    uid.ComputedRadiographyImageStorage: "CR",
    uid.DigitalXRayImageStorageForPresentation: "DX",
    uid.DigitalXRayImageStorageForProcessing: "DX",
    uid.DigitalMammographyXRayImageStorageForPresentation: "MG",
    uid.DigitalMammographyXRayImageStorageForProcessing: "MG",
    uid.DigitalIntraOralXRayImageStorageForPresentation: "IO",
    uid.DigitalIntraOralXRayImageStorageForProcessing: "IO",
    uid.XRayAngiographicImageStorage: "XA",
    uid.XRayRadiofluoroscopicImageStorage: "RF",
    uid.NuclearMedicineImageStorage: "NM",
    uid.UltrasoundImageStorage: "US",
    uid.UltrasoundMultiFrameImageStorage: "US",
    "1.2.840.10008.5.1.4.1.1.6": "US",  # retired classes of ultrasound, one frame and several
    "1.2.840.10008.5.1.4.1.1.3": "US",
    uid.SecondaryCaptureImageStorage: "SC",
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage: "SC",
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage: "SC",
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage: "SC",
    uid.OphthalmicPhotography8BitImageStorage: "OP",
    uid.OphthalmicPhotography16BitImageStorage: "OP",
    uid.VLPhotographicImageStorage: "XC",
    uid.VLEndoscopicImageStorage: "ES",
    uid.VLMicroscopicImageStorage: "GM",
    uid.VLSlideCoordinatesMicroscopicImageStorage: "SM",
    uid.DermoscopicPhotographyImageStorage: "DMS",
}
ENHANCED: dict[str, str] = {
    uid.EnhancedCTImageStorage: "CT",
    uid.EnhancedMRImageStorage: "MR",
    uid.EnhancedPETImageStorage: "PT",
    uid.LegacyConvertedEnhancedCTImageStorage: "CT",
    uid.LegacyConvertedEnhancedMRImageStorage: "MR",
    uid.LegacyConvertedEnhancedPETImageStorage: "PT",
}
"""Multi-frame classes whose frames are described by functional groups."""
MODALITIES |= ENHANCED
CROSS_SECTIONS = frozenset({"CT", "MR", "PT"})
COLOURED = frozenset({"US", "SC", "OP", "XC", "ES", "GM", "SM", "DMS"})
"""Modalities whose images may be coloured; all of them, and those of `FRAMED`, are 2-D."""
FRAMED = COLOURED | {"XA", "RF", "NM"}
"""Modalities whose classic objects may hold several frames, one after another in time or by detector."""

LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"  # newer than pydicom 3.0's dictionary
LABELS: dict[str, str] = {
    uid.SegmentationStorage: "SEG",
    LABEL_MAP_SEGMENTATION: "SEG",
    uid.RTStructureSetStorage: "RTSTRUCT",
}
"""Modality by class of the objects that hold labels."""
_NOT_PICTURES = frozenset({uid.RTDoseStorage, uid.MediaStorageDirectoryStorage, uid.RawDataStorage})


def left_alone(sop_class: str, *, has_rows: bool, image_type: tuple[str, ...]) -> tuple[str, str] | None:
    """Return (reason, message) where an instance of `sop_class` is no image to augment; None for an image.

    Reports, presentation states, waveforms, documents and plans are known by having no Rows; an image of a class that
    is read has been damaged if it has none, and is not left alone.
    """
    if sop_class == uid.SurfaceSegmentationStorage:
        return "segmentation_not_supported", "surfaces are not read; give the labels as a SEG or as NIfTI"
    if sop_class in _NOT_PICTURES or (not has_rows and sop_class not in MODALITIES and sop_class not in LABELS):
        return "not_an_image", f"{describe(sop_class)} holds no picture"
    if MODALITIES.get(sop_class) in CROSS_SECTIONS and "LOCALIZER" in image_type:
        return "localizer", "a localizer is not part of the volume that it was taken for"
    return None


def describe(sop_class: str) -> str:
    """Return the standard's name of `sop_class`, or words for a class it does not know."""
    known = uid.UID(sop_class)
    return known.name if known.type else "an unknown SOP class"
