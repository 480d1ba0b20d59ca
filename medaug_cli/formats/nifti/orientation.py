"""NIfTI orientation: sform, qform and pixdim (RAS, the file's unit) to and from one grid in LPS and mm."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nibabel.nifti1 import Nifti1Header

    from medaug_cli.core.arrays import Array64
    from medaug_cli.formats.nifti.fields import Head

    Fields = Mapping[str, Any] | Nifti1Header
    Rows = list[list[float]]

_AGREEMENT = 1e-3  # between sform and qform
_ALIGNED = 2  # NIFTI_XFORM_ALIGNED_ANAT; 3 and 4 (Talairach, MNI) claim an atlas that moved anatomy leaves
_LAST_CODE = 5  # NIFTI_XFORM_TEMPLATE_OTHER
_LEAST_DETERMINANT = 1e-4
_QUATERNION_SLACK = 1e-3
# What three float32 squares may leave over of 1; nibabel, too, takes less for a half turn.
_ROUNDING = 3 * 2.0**-23
_MOST_SHEAR = 1e-4
_GRID_TOLERANCE = 1e-3
_LARGEST_SPACING_MM = 100.0
_GRID_FIELDS = (
    *("pixdim", "xyzt_units", "qform_code", "sform_code"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z"),
)
_MM_OF_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}


def swap_ras_lps(affine: Array64) -> Array64:
    """Return `affine` (4, 4) from RAS in LPS, or back."""
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, np.float64)


def read_geometry(name: str, head: Head, size: tuple[int, int, int]) -> tuple[Geometry, tuple[str, ...]]:
    """Return the grid by sform, else qform, else pixdim, and warnings; raises SampleError `bad_affine`."""
    found = _read_grid(tuple((field, head[field]) for field in _GRID_FIELDS), size)
    if isinstance(found, str):
        raise SampleError("bad_affine", f"{name}: {found}; correct the header")
    geometry, warnings = found
    return geometry, tuple(f"{name}: {warning}" for warning in warnings)


@lru_cache(maxsize=4096)  # an image, its other channels and its labels lie on one grid
def _read_grid(told: tuple[tuple[str, Any], ...], size: tuple[int, int, int]) -> tuple[Geometry, tuple[str, ...]] | str:
    """Return the grid that the fields `told` give, and warnings; or what is wrong with it."""
    fields = dict(told)
    method, ras = _read_affine(fields, size)
    ras = _span_flat_axes(ras, size)
    fault = _find_fault(ras)
    if fault:
        return f"the affine by its {method} {fault}"
    unit = _mm_of_unit(fields)
    # Adding 0 makes +0 of -0, which would be told apart from it in a file.
    lps_mm = [[sign * value * unit + 0.0 for value in row] for sign, row in zip((-1, -1, 1), ras, strict=True)]
    geometry = Geometry.from_rows(size, lps_mm)
    return geometry, _warn(fields, method, geometry)


def write_geometry(fields: Nifti1Header, geometry: Geometry, *, same_grid: bool, moved: bool) -> None:
    """Set sform and qform of `fields` to `geometry`, each with its own code.

    On the same grid the bytes stay, but that of two forms which disagree the sform replaces the qform. Codes 3 and 4
    become 2 where anatomy moved. A grid that the codes 0 cannot hold takes code 2. Where the qform alone would count
    but cannot hold the grid, the sform takes its code: a quaternion near a half turn is good to 4e-4 only.
    """
    sform_code, qform_code = _codes(fields)
    disagree = _disagreement(fields) > _AGREEMENT if sform_code and qform_code else False
    if moved:
        sform_code, qform_code = min(sform_code, _ALIGNED), min(qform_code, _ALIGNED)
    if same_grid and not disagree:
        fields["sform_code"], fields["qform_code"] = sform_code, qform_code
        return
    if not sform_code and not qform_code:
        sform_code = qform_code = _ALIGNED
    ras = swap_ras_lps(np.diag([*[1 / _mm_of_unit(fields)] * 3, 1.0]) @ geometry.affine)
    if same_grid:
        ras = _matrix(_sform(fields))
    if _is_sheared(ras):  # no quaternion holds shear: readers that prefer the qform would take another grid
        sform_code, qform_code = sform_code or qform_code, 0
    fields.set_qform(ras, qform_code)
    fields.set_sform(ras, sform_code)
    if not sform_code and not _qform_holds(fields, geometry.size):
        fields["sform_code"] = qform_code


def _codes(fields: Fields) -> tuple[int, int]:
    """Return the codes of sform and qform: none where one is negative, a mere alignment where nifti1.h knows none."""
    return _code(int(fields["sform_code"])), _code(int(fields["qform_code"]))


def _code(code: int) -> int:
    return _ALIGNED if code > _LAST_CODE else max(code, 0)


def _mm_of_unit(fields: Fields) -> float:
    return _MM_OF_UNIT.get(int(fields["xyzt_units"]) & 7, 1.0)


# Rows of three times four plain floats: NumPy takes ten times as long for so few numbers, and a scan reads many.
def _read_affine(fields: Fields, size: tuple[int, int, int]) -> tuple[str, Rows]:
    sform_code, qform_code = _codes(fields)
    if sform_code:
        return "sform", _sform(fields)
    return ("qform", _qform(fields)) if qform_code else ("pixdim", _centred(fields, size))


def _matrix(rows: Rows) -> Array64:
    return np.array([*rows, [0, 0, 0, 1]], np.float64)


def _sform(fields: Fields) -> Rows:
    return [[float(value) for value in fields[f"srow_{axis}"]] for axis in "xyz"]


def _qform(fields: Fields) -> Rows:
    """Return the qform (nifti1.h METHOD 2); NaN where the quaternion is longer than rounding makes it."""
    b, c, d = (float(fields[f"quatern_{axis}"]) for axis in "bcd")
    squared = b * b + c * c + d * d
    if not squared <= 1 + _QUATERNION_SLACK:
        return [[math.nan] * 4] * 3
    left = 1 - squared
    a = math.sqrt(left) if left > _ROUNDING else 0.0
    x, y, z = _zooms(fields)
    z = -z if float(fields["pixdim"][0]) < 0 else z
    offsets = (float(fields[f"qoffset_{axis}"]) for axis in "xyz")
    return [
        [row[0] * x, row[1] * y, row[2] * z, offset] for row, offset in zip(_rotation(a, b, c, d), offsets, strict=True)
    ]


def _rotation(a: float, b: float, c: float, d: float) -> tuple[tuple[float, float, float], ...]:
    """Return the rotation (rows) of the quaternion a + bi + cj + dk, scaled to length 1 (nifti1.h)."""
    s = 2.0 / (a * a + b * b + c * c + d * d)
    bs, cs, ds = b * s, c * s, d * s
    return (
        (1 - (c * cs + d * ds), b * cs - a * ds, b * ds + a * cs),
        (b * cs + a * ds, 1 - (b * bs + d * ds), c * ds - a * bs),
        (b * ds - a * cs, c * ds + a * bs, 1 - (b * bs + c * cs)),
    )


def _centred(fields: Fields, size: tuple[int, int, int]) -> Rows:
    """Return pixdim alone as an affine; x runs to the left and the middle lies at 0, as in SPM and nibabel."""
    x, y, z = _zooms(fields)
    steps = (-x, y, z)
    middle = [-step * ((extent - 1) / 2) for step, extent in zip(steps, size, strict=True)]
    return [[steps[row] if row == axis else 0.0 for axis in range(3)] + [middle[row]] for row in range(3)]


def _zooms(fields: Fields) -> tuple[float, float, float]:
    """Return pixdim[1:4]; NaN where it is negative, which no method of nifti1.h allows."""
    x, y, z = (math.nan if value < 0 else float(value) for value in fields["pixdim"][1:4])
    return x, y, z


def _span_flat_axes(ras: Rows, size: tuple[int, int, int]) -> Rows:
    """Give the third axis of a 2-D image a length of 1 where the file leaves it 0, as niftilib writes it."""
    flat = [axis for axis in range(3) if size[axis] == 1 and not any(row[axis] for row in ras)]
    if len(flat) != 1:
        return ras
    spanned = np.array(ras, np.float64)
    normal = np.cross(spanned[:, (flat[0] + 1) % 3], spanned[:, (flat[0] + 2) % 3])
    length = float(np.linalg.norm(normal))
    spanned[:, flat[0]] = normal / length if length > 0 else 0.0
    return cast("Rows", spanned.tolist())


def _find_fault(ras: Rows) -> str:
    if not all(math.isfinite(value) for row in ras for value in row):
        return "is not finite or not allowed by nifti1.h"
    lengths = _lengths(ras)
    if not all(lengths) or not all(map(math.isfinite, lengths)):
        return "is singular: its axes do not span space"
    (a, b, c), (d, e, f), (g, h, i) = ([row[axis] / lengths[axis] for axis in range(3)] for row in ras)
    if abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) < _LEAST_DETERMINANT:
        return "is singular: its axes do not span space"
    return ""


def _lengths(ras: Rows) -> list[float]:
    # Not `**`, which raises where it overflows.
    return [math.sqrt(sum(row[axis] * row[axis] for row in ras)) for axis in range(3)]


def _is_sheared(ras: Array64) -> bool:
    axes = ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > _MOST_SHEAR)


def _qform_holds(fields: Fields, size: tuple[int, int, int]) -> bool:
    """Say whether the qform puts every voxel within 1e-3 of a voxel, and of a unit, of where the sform puts it."""
    apart = np.abs(_matrix(_sform(fields)) - _matrix(_qform(fields))) @ [*size, 1]
    return bool(apart.max() <= _GRID_TOLERANCE * min(1.0, *_zooms(fields)))


def _disagreement(fields: Fields) -> float:
    """Return by how much sform and qform differ: the origin in mm, an axis in mm or in lengths of its own if longer."""
    sform, qform = _sform(fields), _qform(fields)
    unit_mm = max(_mm_of_unit(fields), 1.0)
    scales = [max(unit_mm * length, 1.0) for length in (*_lengths(sform), 1.0)]
    apart = [
        unit_mm * abs(one[axis] - other[axis]) / scales[axis]
        for one, other in zip(sform, qform, strict=True)
        for axis in range(4)
    ]
    return max(apart) if all(map(math.isfinite, apart)) else math.inf


def _warn(fields: Fields, method: str, geometry: Geometry) -> tuple[str, ...]:
    warnings = []
    if method == "pixdim":
        warnings.append("no sform or qform; orientation unknown, taken from pixdim alone")
    if method == "sform" and int(fields["qform_code"]) > 0 and _disagreement(fields) > _AGREEMENT:
        warnings.append("sform and qform differ; the sform is used")
    if max(geometry.spacing_mm) > _LARGEST_SPACING_MM:
        warnings.append(f"voxels of {max(geometry.spacing_mm):g} mm; check the unit in xyzt_units")
    return tuple(warnings)
