"""NIfTI headers: what one asks for, checked before a voxel is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.formats.nifti.fields import Head, open_head, read_voxel_offset
from medaug_cli.formats.nifti.orientation import read_geometry

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry

    AnyDtype: TypeAlias = np.dtype[np.generic]

_DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOURS = {128: 3, 2304: 4}
_REFUSED = {0: "no data type", 1: "1-bit", 32: "complex64", 1536: "float128", 1792: "complex128", 2048: "complex256"}
_CIFTI_INTENTS = range(3000, 3100)
# Their components turn with the anatomy: moved as plain intensities they would point elsewhere.
_REFUSED_INTENTS = {1004: "matrices", 1005: "symmetric matrices", 1006: "displacement vectors"}
_VECTOR_INTENT = 1007  # ITK and SimpleITK also write plain channels so
_MOST_DIMENSIONS = 7
_LEAST_DIMENSIONS = 2


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """What a header says: its fields as stored (byte order kept), and what follows from them.

    `dtype` is that of one sample, in the file's byte order; `colours` is 3 or 4 for RGB and RGBA, else 0.
    `components` counts time points or colours. `slope` and `intercept` are 1 and 0 where the file scales nothing.
    """

    head: Head
    size: tuple[int, int, int]
    components: int
    colours: int
    dtype: AnyDtype
    voxel_offset: int
    slope: float
    intercept: float
    geometry: Geometry
    warnings: tuple[str, ...]

    @property
    def fields(self) -> Nifti1Header:
        """A new header of nibabel's with every field as stored."""
        return self.head.to_nibabel()

    @property
    def version(self) -> int:
        """1 or 2."""
        return self.head.version

    @property
    def dtype_name(self) -> str:
        """The type of a voxel as the manifest names it."""
        return {3: "rgb24", 4: "rgba32"}.get(self.colours) or _name_of(self.dtype)

    @property
    def is_scaled(self) -> bool:
        """Whether stored values are not yet the modality's own."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def window(self) -> tuple[float, float] | None:
        """(Centre, width) of the display range cal_min to cal_max; None where the header gives none."""
        low, high = float(self.fields["cal_min"]), float(self.fields["cal_max"])
        return ((low + high) / 2, high - low) if high > low and np.isfinite(high - low) else None

    @property
    def samples(self) -> int:
        """Number of voxels times components."""
        x, y, z = self.size
        return x * y * z * self.components

    @property
    def declared_bytes(self) -> int:
        """Bytes of the file that holds the voxels, from its first to the end of the last voxel."""
        return self.voxel_offset + self.samples * self.dtype.itemsize

    def view_stored(self, data: AnyArray) -> AnyArray:
        """Return the voxels in `data` (uint8, a whole file) as stored: (z, y, x), (t, z, y, x) or (z, y, x, colour)."""
        voxels = data[self.voxel_offset : self.declared_bytes].view(self.dtype)
        shape = self.size[::-1]
        if self.colours:
            return voxels.reshape(*shape, self.colours)
        return voxels.reshape(shape if self.components == 1 else (self.components, *shape))


def code_of(dtype: AnyDtype) -> int:
    """Return the datatype code of nifti1.h for voxels of `dtype`, in whatever byte order."""
    return next(code for code, name in _DTYPES.items() if np.dtype(name) == dtype.newbyteorder("="))


@lru_cache  # NumPy makes up the name anew each time
def _name_of(dtype: AnyDtype) -> str:
    return dtype.name


def parse_header(name: str, block: bytes | memoryview, *, pair: bool) -> NiftiHeader:
    """Return what the first bytes of file `name` say; `pair` where the voxels are in a file of their own.

    Raises SampleError: `bad_header`, `analyze_not_supported`, `cifti_not_supported`, `unsupported_dtype`,
    `unsupported_intent`, `bad_affine`.
    """
    head = open_head(name, block, pair=pair)
    _check_intent(name, head)
    size, others = _read_dim(name, head)
    dtype, colours = _read_dtype(name, head)
    if colours and others > 1:
        raise SampleError(
            "unsupported_dtype", f"{name}: colours and {others} volumes; one volume of colours may be read"
        )
    geometry, warnings = read_geometry(name, head, size)
    if head["intent_code"] == _VECTOR_INTENT:
        warnings = (*warnings, f"{name}: vectors are taken as channels of their own, and not turned with the anatomy")
    slope, intercept = (1.0, 0.0) if colours else _read_scaling(name, head)
    return NiftiHeader(
        head=head,
        size=size,
        components=colours or others,
        colours=colours,
        dtype=dtype,
        voxel_offset=read_voxel_offset(name, head, pair=pair),
        slope=slope,
        intercept=intercept,
        geometry=geometry,
        warnings=warnings,
    )


def _check_intent(name: str, head: Head) -> None:
    code = head["intent_code"]
    if code in _CIFTI_INTENTS:
        raise SampleError("cifti_not_supported", f"{name}: CIFTI-2 holds surfaces, not a volume; leave it out")
    if code in _REFUSED_INTENTS:
        raise SampleError(
            "unsupported_intent", f"{name}: holds {_REFUSED_INTENTS[code]}, which must turn with the anatomy"
        )


def _read_dim(name: str, head: Head) -> tuple[tuple[int, int, int], int]:
    """Return the size (x, y, z) and the number of volumes; at most one of dim[4:] may be above 1."""
    dim = list(head["dim"])
    if not _LEAST_DIMENSIONS <= dim[0] <= _MOST_DIMENSIONS:
        raise SampleError("bad_header", f"{name}: dim[0] is {dim[0]}; 2 to 7 dimensions can be read")
    extents = dim[1 : dim[0] + 1]
    if min(extents) < 1:
        raise SampleError("bad_header", f"{name}: dim {extents} holds an extent below 1")
    x, y, z, *others = [*extents, 1, 1][: max(dim[0], 3)]
    several = [extent for extent in others if extent > 1]
    if len(several) > 1:
        raise SampleError("bad_header", f"{name}: dim {extents}; only one extent after z may be above 1")
    return (x, y, z), several[0] if several else 1


def _read_dtype(name: str, head: Head) -> tuple[AnyDtype, int]:
    code = head["datatype"]
    if code in _COLOURS:
        return np.dtype("u1"), _COLOURS[code]
    if code not in _DTYPES:
        found = _REFUSED.get(code, f"datatype {code}")
        raise SampleError("unsupported_dtype", f"{name}: {found}; integers, float32, float64, RGB and RGBA can be read")
    return np.dtype(f"{head.endianness}{_DTYPES[code]}"), 0


def _read_scaling(name: str, head: Head) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0, NaN or Inf means no scaling at all (nifti1.h)."""
    slope, intercept = head["scl_slope"], head["scl_inter"]
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(intercept):
        raise SampleError("bad_header", f"{name}: scl_inter is not finite though scl_slope is")
    return slope, intercept
