"""The cases of steps.py: each step of medaug with fixed numbers, and what its peers call the same thing.

`volume` cases run on a float32 volume (x, y, z), `picture` cases on an 8-bit RGB picture (y, x, colour).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from step_peers import (
    albumentations,
    dilation,
    kspace_mask,
    monai,
    nnunet,
    numpy,
    scipy,
    simpleitk,
    skimage,
    torchio,
    two_channels,
)

if TYPE_CHECKING:
    from step_peers import Peer

SAME = "without a peer"
ANGLE_DEG, SHIFT_MM, SCALE = 7.0, 4.0, 1.05


@dataclass(frozen=True)
class Case:
    """One step with its values, and its peers by name."""

    step: str
    values: dict[str, Any]
    peers: dict[str, Peer] = field(default_factory=dict)
    data: Literal["volume", "picture"] = "volume"
    label: bool = False
    channels: int = 1

    @property
    def title(self) -> str:
        """What the table calls the case: the step, and what sets it apart."""
        shown = {key: value for key, value in self.values.items() if isinstance(value, str) and key != "axis"}
        return " ".join([self.step, *shown.values()])


_AFFINE = {"prob": 1.0, "padding_mode": "zeros"}
_ANGLE = math.radians(ANGLE_DEG)
_ROTATE = {"rotate_range": [(_ANGLE, _ANGLE)] * 3}
_MOVE = {"translate_range": [(SHIFT_MM, SHIFT_MM)] * 3}
_ENLARGE = {"scale_range": [(SCALE - 1, SCALE - 1)] * 3}
_SHEAR = {"shear_range": [(0.05, 0.05)] * 6}
_FIXED = (ANGLE_DEG,) * 6
_PLACES = ((0.2, 0.3, 0.4), (0.6, 0.5, 0.1))
_ONES = {"p_per_channel": 1.0}
_SPREAD = {"synchronize_channels": True, **_ONES}


def _tio_affine(degrees: float = 0.0, shift: float = 0.0, scale: float = 1.0) -> Peer:
    return torchio("Affine", scales=(scale,) * 3, degrees=(degrees,) * 3, translation=(shift,) * 3)


SPATIAL = (
    Case(
        "affine",
        {"rotation_deg": ANGLE_DEG, "translation_mm": SHIFT_MM, "scale": SCALE},
        {
            "TorchIO": _tio_affine(ANGLE_DEG, SHIFT_MM, SCALE),
            "MONAI": monai("RandAffine", **_AFFINE, **_ROTATE, **_MOVE, **_ENLARGE),
        },
    ),
    Case(
        "rotate",
        {"rotation_deg": ANGLE_DEG},
        {"TorchIO": _tio_affine(ANGLE_DEG), "MONAI": monai("Rotate", (_ANGLE,) * 3, padding_mode="zeros")},
    ),
    Case(
        "translate",
        {"translation_mm": SHIFT_MM},
        {"TorchIO": _tio_affine(shift=SHIFT_MM), "MONAI": monai("RandAffine", **_AFFINE, **_MOVE)},
    ),
    Case(
        "scale",
        {"scale": SCALE},
        {"TorchIO": _tio_affine(scale=SCALE), "MONAI": monai("Zoom", SCALE, padding_mode="constant")},
    ),
    Case("shear", {"shear_deg": 3}, {"MONAI": monai("RandAffine", **_AFFINE, **_SHEAR)}),
    Case(
        "elastic",
        {"control_points": 7, "displacement_mm": 6},
        {
            "TorchIO": torchio("RandomElasticDeformation", num_control_points=7, max_displacement=6),
            "MONAI": monai("Rand3DElastic", (6, 6), (200, 200), prob=1.0, padding_mode="zeros"),
        },
    ),
    Case(
        "flip",
        {"axes": ["LR"]},
        {"TorchIO": torchio("Flip", axes=("LR",)), "MONAI": monai("Flip", 0)},
    ),
    Case("rotate90", {"turns": 1}, {"MONAI": monai("Rotate90", 2)}),
    Case(
        "resample",
        {"spacing_mm": 1.5},
        {"TorchIO": torchio("Resample", 1.5), "MONAI": monai("Spacing", (1.5,) * 3, mode="bilinear")},
    ),
    Case(
        "resize",
        {"size": 128},
        {"TorchIO": torchio("Resize", (128,) * 3), "MONAI": monai("Resize", (128,) * 3, mode="trilinear")},
    ),
    Case("crop", {"size": 128}, {"TorchIO": torchio("CropOrPad", 128), "MONAI": monai("CenterSpatialCrop", 128)}),
    Case("pad", {"margin_mm": 10}, {"TorchIO": torchio("Pad", 10)}),
    Case(
        "crop_or_pad",
        {"size": 200},
        {"TorchIO": torchio("CropOrPad", 200), "MONAI": monai("ResizeWithPadOrCrop", 200)},
    ),
    Case("grid_distortion", {}, {"MONAI": monai("RandGridDistortion", num_cells=5, prob=1.0, padding_mode="zeros")}),
    Case(
        "elastic_field",
        {},
        {
            "MONAI": monai("Rand3DElastic", (6, 6), (200, 200), prob=1.0, padding_mode="zeros"),
            "batchgeneratorsv2": nnunet(
                *("spatial.spatial", "SpatialTransform", (197, 233, 189), 0, False),
                p_elastic_deform=1.0,
                elastic_deform_scale=(0.1, 0.1),
            ),
        },
    ),
)

TONES = (
    Case(
        "brightness",
        {"multiply": 1.2, "add": 20, "relative_to": "none"},
        {
            "MONAI": monai("ShiftIntensity", 20.0),
            "batchgeneratorsv2": nnunet(
                "intensity.brightness", "MultiplicativeBrightnessTransform", 1.2, synchronize_channels=True
            ),
        },
    ),
    Case(
        "contrast",
        {"factor": 1.2},
        {
            "MONAI": monai("ScaleIntensityFixedMean", 0.2, preserve_range=True, fixed_mean=True),
            "batchgeneratorsv2": nnunet("intensity.contrast", "ContrastTransform", 1.2, preserve_range=True, **_SPREAD),
        },
    ),
    Case(
        "gamma",
        {"gamma": 1.3},
        {
            "TorchIO": torchio("Gamma", 1.3),
            "MONAI": monai("AdjustContrast", 1.3),
            "batchgeneratorsv2": nnunet(
                "intensity.gamma", "GammaTransform", 1.3, p_invert_image=0.0, p_retain_stats=0.0, **_SPREAD
            ),
        },
    ),
    Case(
        "window",
        {"center": 400, "width": 800, "output": [0.0, 1.0]},
        {
            "MONAI": monai("ScaleIntensityRange", 0, 800, 0, 1, clip=True),
            "TorchIO": torchio("RescaleIntensity", (0, 1), in_min_max=(0, 800)),
        },
    ),
    Case("histogram_shift", {"control_points": 10}, {"MONAI": monai("RandHistogramShift", 10, prob=1.0)}),
    Case(
        "histogram_match",
        {"landmarks": [0, 60, 120, 200, 300, 400, 500, 600, 700, 900]},
        {
            "SimpleITK": simpleitk("HistogramMatching", 256, 7, True),  # noqa: FBT003  thresholdAtMeanIntensity
            "TorchIO": torchio("HistogramStandardization", {"image": np.linspace(0, 100, 13)}),
        },
    ),
    Case(
        "equalize",
        {},
        {"MONAI": monai("HistogramNormalize"), "scikit-image": skimage("equalize_hist")},
    ),
    Case("clahe", {"clip_limit": 3}, {"scikit-image": skimage("equalize_adapthist")}),
    Case(
        "invert",
        {},
        {
            "batchgeneratorsv2": nnunet("intensity.inversion", "InvertImageTransform", 1.0),
            "NumPy": numpy(lambda array: array.max() + array.min() - array),
        },
    ),
    Case(
        "autocontrast",
        {"low": 1, "high": 99},
        {
            "MONAI": monai("ScaleIntensityRangePercentiles", 1, 99, 0, 1000, clip=True),
            "TorchIO": torchio("RescaleIntensity", (0, 1000), percentiles=(1, 99)),
        },
    ),
    Case(
        "clip_percentiles",
        {"low": 1, "high": 99},
        {
            "MONAI": monai("ClipIntensityPercentiles", 1, 99),
            "batchgeneratorsv2": nnunet(
                "intensity.random_clip", "CutOffOutliersTransform", 1.0, 99.0, p_retain_std=0.0, **_ONES
            ),
        },
    ),
    Case(
        "normalize",
        {"method": "zscore"},
        {"MONAI": monai("NormalizeIntensity"), "TorchIO": torchio("ZNormalization")},
    ),
    Case(
        "normalize",
        {"method": "range"},
        {"MONAI": monai("ScaleIntensity"), "TorchIO": torchio("RescaleIntensity", (0, 1))},
    ),
    Case(
        "local_gamma",
        {"scale_mm": 60},
        {
            "MONAI": monai("RandSmoothFieldAdjustContrast", (197, 233, 189), (4, 4, 4), prob=1.0),
            "batchgeneratorsv2": nnunet("local.local_gamma", "LocalGammaTransform", 60.0, **_ONES),
        },
    ),
    Case(
        "local_contrast",
        {"scale_mm": 60},
        {"batchgeneratorsv2": nnunet("local.local_contrast", "LocalContrastTransform", 60.0, **_ONES)},
    ),
    Case(
        "local_brightness",
        {"scale_mm": 60},
        {
            "MONAI": monai("RandSmoothFieldAdjustIntensity", (197, 233, 189), (4, 4, 4), prob=1.0),
            "batchgeneratorsv2": nnunet(
                "local.brightness_gradient", "BrightnessGradientAdditiveTransform", 60.0, **_ONES
            ),
        },
    ),
)

NOISES = (
    Case(
        "gaussian_noise",
        {"sigma": 20, "relative_to": "none"},
        {
            "TorchIO": torchio("Noise", 0.0, 20.0, 1),
            "MONAI": monai("RandGaussianNoise", prob=1.0, std=20.0, sample_std=False),
            "batchgeneratorsv2": nnunet("intensity.gaussian_noise", "GaussianNoiseTransform", 20.0),
        },
    ),
    Case(
        "rician_noise",
        {"sigma": 20, "relative_to": "none"},
        {
            "MONAI": monai("RandRicianNoise", prob=1.0, std=20.0, sample_std=False),
            "batchgeneratorsv2": nnunet("noise.rician", "RicianNoiseTransform", (20.0, 20.0)),
        },
    ),
    Case(
        "poisson_noise",
        {"dose": 1, "relative_to": "none"},
        {
            "NumPy": numpy(np.random.default_rng(0).poisson),
            "torch": lambda array: lambda: torch.poisson(torch.from_numpy(array)),
        },
    ),
    Case(
        "speckle_noise",
        {"sigma": 0.1},
        {"scikit-image": skimage("random_noise", mode="speckle", var=0.01)},
    ),
    Case(
        "salt_and_pepper",
        {"fraction": 0.01},
        {"scikit-image": skimage("random_noise", mode="s&p", amount=0.01)},
    ),
    Case(
        "pixel_dropout",
        {"fraction": 0.03},
        {"torch": lambda a: lambda: torch.dropout(torch.from_numpy(a), p=0.03, train=True)},
    ),
)

FILTERS = (
    Case(
        "blur",
        {"sigma": 1.0, "unit": "voxel"},
        {
            "TorchIO": torchio("Blur", (1.0, 1.0, 1.0)),
            "MONAI": monai("GaussianSmooth", 1.0),
            "batchgeneratorsv2": nnunet("noise.gaussian_blur", "GaussianBlurTransform", 1.0),
            "SciPy": scipy("gaussian_filter", sigma=1.0),
        },
    ),
    Case(
        "sharpen",
        {"sigma1": 0.7, "sigma2": 0.5, "alpha": 5, "unit": "voxel"},
        {
            "MONAI": monai("GaussianSharpen", 0.7, 0.5, 5.0),
            "batchgeneratorsv2": nnunet("noise.sharpen", "SharpeningTransform", 0.2),
        },
    ),
    Case(
        "median",
        {"radius": 1},
        {
            "MONAI": monai("MedianSmooth", 1),
            "batchgeneratorsv2": nnunet("noise.median_filter", "MedianFilterTransform", 3),
            "SciPy": scipy("median_filter", size=3),
            "SimpleITK": simpleitk("Median", [1, 1, 1]),
        },
    ),
    Case(
        "low_resolution",
        {"factor": 0.5},
        {
            "TorchIO": torchio("RandomAnisotropy", axes=(2,), downsampling=(2, 2)),
            "MONAI": monai("RandSimulateLowResolution", prob=1.0, zoom_range=(0.5, 0.5)),
            "batchgeneratorsv2": nnunet(
                "spatial.low_resolution",
                "SimulateLowResolutionTransform",
                0.5,
                synchronize_channels=True,
                synchronize_axes=True,
                ignore_axes=(),
            ),
        },
    ),
    Case(
        "cutout",
        {"size_mm": 30, "count": 3, "fill": 0},
        {
            "MONAI": monai("RandCoarseDropout", 3, 30, fill_value=0, prob=1.0),
            "batchgeneratorsv2": nnunet("noise.blank_rectangle", "BlankRectangleTransform", 30, 0.0, 3),
        },
    ),
    Case("patch_swap", {"size": 16, "count": 10}, {"TorchIO": torchio("RandomSwap", 16, 10)}),
)

ARTEFACTS = (
    Case(
        "bias_field",
        {"model": "polynomial", "strength": 0.5},
        {
            "TorchIO": torchio("RandomBiasField"),
            "MONAI": monai("RandBiasField", degree=3, coeff_range=(0, 0.5), prob=1),
        },
    ),
    Case(
        "motion",
        {"count": 2, "rotation_deg": 4, "translation_mm": 4},
        {"TorchIO": torchio("RandomMotion", degrees=(4, 4), translation=(4, 4), num_transforms=2)},
    ),
    Case(
        "ghosting", {"num_ghosts": 4, "intensity": 0.5, "axis": "i"}, {"TorchIO": torchio("Ghosting", 4, 0, 0.5, None)}
    ),
    Case(
        "spike",
        {"model": "linear", "positions": [[0.2, 0.3, 0.4]], "intensity": 1},
        {
            "TorchIO": torchio("Spike", np.array(_PLACES[:1]), 1.0),
            "MONAI": monai("KSpaceSpikeNoise", loc=(20, 30, 40), k_intensity=10.0),
        },
    ),
    Case("gibbs", {"alpha": 0.5}, {"MONAI": monai("GibbsNoise", 0.5)}),
    Case("kspace_undersampling", {"acceleration": 2}, {"MONAI": kspace_mask}),
    *(Case(name, {}) for name in ("low_dose", "metal", "ring", "beam_hardening", "exposure", "scatter", "grid_lines")),
    *(Case(name, {}) for name in ("collimation", "shadow", "attenuation", "gain", "counts", "psf", "slice_motion")),
    Case(
        "channel_misalignment",
        {"translation_mm": 2, "rotation_deg": 2},
        {
            "batchgeneratorsv2": two_channels(
                nnunet(
                    *("spatial.channel_misalignment", "ChannelMisalignmentTransform", (1,)),
                    rotation_ax_cor_sag=(0.03,) * 3,
                    rad_or_deg="rad",
                    p_rotation=1.0,
                    shift_zyx=(2,) * 3,
                    p_shift=1.0,
                )
            )
        },
        channels=2,
    ),
)

PICTURES = (
    Case("posterize", {"bits": 4}, {"Albumentations": albumentations("Posterize", num_bits=4)}, "picture"),
    Case(
        "solarize",
        {"threshold": 0.5},
        {"Albumentations": albumentations("Solarize", threshold_range=(0.5, 0.5))},
        "picture",
    ),
    Case(
        "jpeg",
        {"quality": 60},
        {"Albumentations": albumentations("ImageCompression", quality_range=(60, 60))},
        "picture",
    ),
    Case(
        "color_jitter",
        {"brightness": 1.1, "contrast": 0.9, "saturation": 1.2, "hue": 0.02},
        {
            "Albumentations": albumentations(
                "ColorJitter", brightness=(1.1, 1.1), contrast=(0.9, 0.9), saturation=(1.2, 1.2), hue=(0.02, 0.02)
            )
        },
        "picture",
    ),
    Case("grayscale", {}, {"Albumentations": albumentations("ToGray")}, "picture"),
    Case("augmix", {"magnitude": 0.3}, data="picture"),
    Case(
        "perspective",
        {"strength": 0.2},
        {"Albumentations": albumentations("Perspective", scale=(0.1, 0.1))},
        "picture",
    ),
    Case("channel_shift", {}, {"Albumentations": albumentations("RGBShift")}, "picture"),
)

LABELS = (Case("label_noise", {"dilate": 1, "erode": 0}, {"SciPy": dilation}, label=True),)

GROUPS: dict[str, tuple[Case, ...]] = {
    "Spatial": SPATIAL,
    "Tone": TONES,
    "Noise": NOISES,
    "Filters and patches": FILTERS,
    "Artefacts of acquisition": ARTEFACTS,
    "8-bit colour pictures": PICTURES,
    "Labels": LABELS,
}
