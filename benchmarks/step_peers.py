"""Peers of single steps: a function of a library as a call that steps.py can time.

A peer is a function that is given the input once and returns the call to be measured, which leaves the input as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    Peer: TypeAlias = Callable[[Any], Callable[[], object]]

THRESHOLD = 200  # of the label that label steps are given


def monai(name: str, *arguments: Any, **settings: Any) -> Peer:
    """Return a transform of MONAI, on a tensor (1, x, y, z)."""

    def prepare(array: Any) -> Callable[[], object]:
        from monai import transforms  # noqa: PLC0415  only where it is measured

        transform = getattr(transforms, name)(*arguments, **settings)
        tensor = torch.from_numpy(array)[None]
        return lambda: transform(tensor.clone())

    return prepare


def torchio(name: str, *arguments: Any, **settings: Any) -> Peer:
    """Return a transform of TorchIO, on an image, which it copies."""

    def prepare(array: Any) -> Callable[[], object]:
        import torchio as tio  # noqa: PLC0415  only where it is measured

        transform = getattr(tio, name)(*arguments, **settings)
        subject = tio.Subject(image=tio.ScalarImage(tensor=torch.from_numpy(array)[None]))
        return lambda: transform(subject)

    return prepare


def nnunet(module: str, name: str, *arguments: Any, **settings: Any) -> Peer:
    """Return a transform of batchgeneratorsv2, on a tensor (1, x, y, z)."""

    def prepare(array: Any) -> Callable[[], object]:
        import importlib  # noqa: PLC0415  only where it is measured

        found = importlib.import_module(f"batchgeneratorsv2.transforms.{module}")
        transform = getattr(found, name)(*arguments, **settings)
        tensor = torch.from_numpy(array)
        tensor = tensor[None] if array.ndim == 3 else tensor
        return lambda: transform(image=tensor.clone())

    return prepare


def albumentations(name: str, **settings: Any) -> Peer:
    """Return a transform of Albumentations, on an 8-bit picture (y, x, colour)."""

    def prepare(array: Any) -> Callable[[], object]:
        import albumentations as transforms  # noqa: PLC0415  only where it is measured

        transform = getattr(transforms, name)(p=1.0, **settings)
        return lambda: transform(image=array)

    return prepare


def scipy(name: str, **settings: Any) -> Peer:
    """Return a filter of SciPy's ndimage."""

    def prepare(array: Any) -> Callable[[], object]:
        import scipy.ndimage  # noqa: PLC0415  only where it is measured

        return lambda: getattr(scipy.ndimage, name)(array, **settings)

    return prepare


def skimage(name: str, **settings: Any) -> Peer:
    """Return a function of scikit-image's exposure or util."""

    def prepare(array: Any) -> Callable[[], object]:
        import skimage.exposure  # noqa: PLC0415  only where it is measured
        import skimage.util  # noqa: PLC0415  as well

        module = skimage.util if name == "random_noise" else skimage.exposure
        low, high = float(array.min()), float(array.max())
        shares = (array - low) / (high - low)  # it wants floats from 0 to 1
        return lambda: getattr(module, name)(shares, **settings)

    return prepare


def simpleitk(name: str, *arguments: Any) -> Peer:
    """Return a filter of SimpleITK, the image twice where it takes a reference."""

    def prepare(array: Any) -> Callable[[], object]:
        import SimpleITK as sitk  # noqa: N813, PLC0415  its own name; only where it is measured

        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        image = sitk.GetImageFromArray(array)
        images = (image, image) if name == "HistogramMatching" else (image,)
        return lambda: getattr(sitk, name)(*images, *arguments)

    return prepare


def two_channels(peer: Peer) -> Peer:
    """Return a transform of batchgeneratorsv2 given the volume as two channels."""
    return lambda array: peer(np.stack([array, array]))


def dilation(array: Any) -> Callable[[], object]:
    """Return SciPy's dilation by one voxel of the label that label_noise is given."""
    import scipy.ndimage  # noqa: PLC0415  only where it is measured

    mask = array > THRESHOLD
    return lambda: scipy.ndimage.binary_dilation(mask)


def kspace_mask(array: Any) -> Callable[[], object]:
    """Return MONAI's mask of k-space, with the transform to there that medaug's step makes too."""
    from monai.apps.reconstruction.transforms.array import RandomKspaceMask  # noqa: PLC0415  only where it is measured

    mask = RandomKspaceMask([0.08], [2.0], spatial_dims=2)
    tensor = torch.from_numpy(np.ascontiguousarray(array.T))
    return lambda: mask(torch.view_as_real(torch.fft.fft2(tensor)))


def numpy(function: Callable[[Any], Any]) -> Peer:
    """Return a line of NumPy."""
    return lambda array: lambda: function(array)
