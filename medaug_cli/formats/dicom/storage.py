"""Storage: stored integers to the modality's real values and back (DICOM PS3.3 C.7.6.3, C.11.1, C.7.5.1.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np, storing
from medaug_cli.formats.dicom.header import number, text, values

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaug_cli.core.arrays import AnyArray, Array64, BoolArray, FloatArray

_INT16 = range(-(1 << 15), 1 << 15)


@dataclass(frozen=True)
class Storage:
    """How one slice stores its values: real = `slope` * stored + `intercept`.

    `inverted` (MONOCHROME1) turns stored values round, so that real values are high where the picture is bright.
    `padding` is the range of stored values that hold no measurement, and `padding_value` the one to write.
    """

    dtype: str
    bits: int
    slope: float = 1.0
    intercept: float = 0.0
    inverted: bool = False
    padding: tuple[int, int] | None = None
    padding_value: int = 0

    @property
    def low(self) -> int:
        """The smallest value that BitsStored holds."""
        return -(1 << (self.bits - 1)) if self.dtype.startswith("int") else 0

    @property
    def high(self) -> int:
        """The largest value that BitsStored holds."""
        return self.low + (1 << self.bits) - 1

    @property
    def _is_whole(self) -> bool:
        """Whether real values are the stored integers, shifted."""
        return self.slope == 1 and self.intercept.is_integer() and not self.inverted

    def short_type(self, stored: AnyArray) -> str:
        """Return the type of 8 or 16 bits that holds the real values of `stored` exactly; else float32.

        Whole HU take half the memory of float32, and what makes it of them is done once, by the first step.
        """
        if not self._is_whole or not self.intercept:
            return str(stored.dtype) if self._is_whole else "float32"
        low, high = int(stored.min()) + self.intercept, int(stored.max()) + self.intercept
        return "int16" if low >= _INT16[0] and high <= _INT16[-1] else "float32"

    def fill_real(self, stored: AnyArray, real: AnyArray) -> None:
        """Write the real values of `stored` (components, rows, columns) into `real`, of `short_type` or float32."""
        if real.dtype != np.float32:
            real[:] = stored  # into int16, uint16 turns round at 2^15; adding turns it back to what fits
            if self.intercept:
                real += np.array(int(self.intercept)).astype(np.int16)
            return
        if self.inverted:
            np.subtract(self.low + self.high, stored, out=real, casting="unsafe", dtype=np.float32)
        else:
            real[:] = stored
        if self.slope != 1:
            real *= np.float32(self.slope)
        if self.intercept:
            real += np.float32(self.intercept)

    def find_padding(self, stored: AnyArray) -> BoolArray | None:
        """Return where `stored` (components, rows, columns) is padding in every component; None: none is declared."""
        found = self.is_padding(stored)
        return None if found is None else np.asarray(found.all(axis=0))

    def is_padding(self, stored: AnyArray) -> BoolArray | None:
        """Return where `stored` holds padding, None where the header declares none."""
        if self.padding is None:
            return None
        low, high = self.padding
        return np.asarray(stored == low) if low == high else (stored >= low) & (stored <= high)

    def to_stored(self, real: FloatArray, void: BoolArray | None) -> tuple[AnyArray, int]:
        """Return `real` values as stored integers, and how many outside `void` had to be clipped to BitsStored."""
        stored = np.empty(real.shape, dtype=self.dtype)
        ends = self.low, self.high
        if self._is_whole and real.dtype.kind in "iu":
            clipped = storing.store_shifted(np.ascontiguousarray(real), stored, int(self.intercept), ends)
        else:
            values, rescale = np.ascontiguousarray(real, dtype=np.float32), (self.slope, self.intercept)
            clipped = storing.store_unscaled(values, stored, rescale, ends, turned=self.inverted)
        if clipped and void is not None:
            whole = np.rint(self._unscale(real[~void]))
            clipped = int(np.count_nonzero((whole < self.low) | (whole > self.high)))
        if self.padding is not None:
            self._nudge(stored, real)
            if void is not None:
                stored[void] = self.padding_value
        return stored, clipped

    def _unscale(self, real: FloatArray) -> Array64:
        exact = real.astype(np.float64)
        if self.intercept:
            exact -= self.intercept
        if self.slope != 1:
            exact /= self.slope
        return np.subtract(self.low + self.high, exact, out=exact) if self.inverted else exact

    def _nudge(self, stored: AnyArray, real: FloatArray) -> None:
        """Move measurements off the padding range: readers would take them for no measurement at all."""
        low, high = self.padding or (0, 0)
        taken = self.is_padding(stored)
        if taken is None or not taken.any():
            return
        below, above = low - 1, high + 1
        upward = self._unscale(real[taken]) >= (low + high) / 2
        if below < self.low:
            upward[:] = True
        elif above > self.high:
            upward[:] = False
        stored[taken] = np.where(upward, above, below).astype(self.dtype)


def parse_storage(header: Dataset, dtype: str, file: str) -> Storage:
    """Return how `header` stores its pixels, which are of `dtype`. Raises SampleError for a slope of 0."""
    slope = number(header, "RescaleSlope", file, 1.0)
    if slope == 0:
        raise SampleError("bad_header", f"{file}: RescaleSlope is 0; every pixel would have one value")
    padding = _padding(header, dtype, file)
    return Storage(
        dtype=dtype,
        bits=int(number(header, "BitsStored", file)),
        slope=slope,
        intercept=number(header, "RescaleIntercept", file, 0.0),
        inverted=text(header, "PhotometricInterpretation", file) == "MONOCHROME1",
        padding=(min(padding), max(padding)) if padding else None,
        padding_value=padding[0] if padding else 0,
    )


def _padding(header: Dataset, dtype: str, file: str) -> list[int]:
    """Return PixelPaddingValue and PixelPaddingRangeLimit (or the value alone) as `dtype` holds them.

    Writers mix up US and SS, so that -2000 may stand there as 63536.
    """
    if not values(header, "PixelPaddingValue", file):
        return []
    value = int(number(header, "PixelPaddingValue", file))
    limit = int(number(header, "PixelPaddingRangeLimit", file, value))
    return [int(np.array(one).astype(dtype)) for one in (value, limit)]
