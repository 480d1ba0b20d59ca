"""NIfTI orientation: sform, qform and pixdim (RAS, the file's unit) to and from one grid in LPS and mm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nibabel.quaternions import quat2mat

from medaug_cli.core.errors import SampleError
from medaug_cli.core.geometry import Geometry
from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

    from medaug_cli.core.arrays import Array64

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
_MM_OF_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}


def swap_ras_lps(affine: Array64) -> Array64:
    """Return `affine` (4, 4) from RAS in LPS, or back."""
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, np.float64)


def read_geometry(name: str, fields: Nifti1Header, size: tuple[int, int, int]) -> tuple[Geometry, tuple[str, ...]]:
    """Return the grid by sform, else qform, else pixdim, and warnings; raises SampleError `bad_affine`."""
    method, ras = _read_affine(fields, size)
    ras = _span_flat_axes(ras, size)
    _check_affine(f"{name}: the affine by its {method}", ras)
    lps_mm = np.diag([*[_mm_of_unit(fields)] * 3, 1.0]) @ swap_ras_lps(ras)
    geometry = Geometry.from_affine(size, lps_mm)
    return geometry, _warn(name, fields, method, geometry)


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
        ras = _sform(fields)
    if _is_sheared(ras):  # no quaternion holds shear: readers that prefer the qform would take another grid
        sform_code, qform_code = sform_code or qform_code, 0
    fields.set_qform(ras, qform_code)
    fields.set_sform(ras, sform_code)
    if not sform_code and not _qform_holds(fields, geometry.size):
        fields["sform_code"] = qform_code


def _codes(fields: Nifti1Header) -> tuple[int, int]:
    """Return the codes of sform and qform: none where one is negative, a mere alignment where nifti1.h knows none."""
    return _code(int(fields["sform_code"])), _code(int(fields["qform_code"]))


def _code(code: int) -> int:
    return _ALIGNED if code > _LAST_CODE else max(code, 0)


def _mm_of_unit(fields: Nifti1Header) -> float:
    return _MM_OF_UNIT.get(int(fields["xyzt_units"]) & 7, 1.0)


def _read_affine(fields: Nifti1Header, size: tuple[int, int, int]) -> tuple[str, Array64]:
    sform_code, qform_code = _codes(fields)
    if sform_code:
        return "sform", _sform(fields)
    return ("qform", _qform(fields)) if qform_code else ("pixdim", _centred(fields, size))


def _sform(fields: Nifti1Header) -> Array64:
    return np.array([*(fields[f"srow_{axis}"] for axis in "xyz"), [0, 0, 0, 1]], np.float64)


def _qform(fields: Nifti1Header) -> Array64:
    """Return the qform (nifti1.h METHOD 2); NaN where the quaternion is longer than rounding makes it."""
    b, c, d = (float(fields[f"quatern_{axis}"]) for axis in "bcd")
    squared = b * b + c * c + d * d
    if not squared <= 1 + _QUATERNION_SLACK:
        return np.full((4, 4), np.nan)
    left = 1 - squared
    a = np.sqrt(left) if left > _ROUNDING else 0.0
    rotation = np.asarray(quat2mat([a, b, c, d]))  # scales to length 1 itself
    handedness = -1.0 if float(fields["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * _zooms(fields) * [1, 1, handedness]
    affine[:3, 3] = [float(fields[f"qoffset_{axis}"]) for axis in "xyz"]
    return affine


def _centred(fields: Nifti1Header, size: tuple[int, int, int]) -> Array64:
    """Return pixdim alone as an affine; x runs to the left and the middle lies at 0, as in SPM and nibabel."""
    affine = np.diag([*(_zooms(fields) * [-1, 1, 1]), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(size) - 1) / 2)
    return affine


def _zooms(fields: Nifti1Header) -> Array64:
    """Return pixdim[1:4]; NaN where it is negative, which no method of nifti1.h allows."""
    zooms = np.array(fields["pixdim"][1:4], np.float64)
    return np.where(zooms < 0, np.nan, zooms)


def _span_flat_axes(ras: Array64, size: tuple[int, int, int]) -> Array64:
    """Give the third axis of a 2-D image a length of 1 where the file leaves it 0, as niftilib writes it."""
    flat = [axis for axis in range(3) if size[axis] == 1 and not ras[:3, axis].any()]
    if len(flat) != 1:
        return ras
    spanned = ras.copy()
    normal = np.cross(ras[:3, (flat[0] + 1) % 3], ras[:3, (flat[0] + 2) % 3])
    length = float(np.linalg.norm(normal))
    spanned[:3, flat[0]] = normal / length if length > 0 else 0.0
    return spanned


def _check_affine(what: str, ras: Array64) -> None:
    if not np.isfinite(ras).all():
        raise SampleError("bad_affine", f"{what} is not finite or not allowed by nifti1.h; correct the header")
    lengths = np.linalg.norm(ras[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(ras[:3, :3] / lengths)) < _LEAST_DETERMINANT:
        raise SampleError("bad_affine", f"{what} is singular: its axes do not span space; correct the header")


def _is_sheared(ras: Array64) -> bool:
    axes = ras[:3, :3] / np.linalg.norm(ras[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > _MOST_SHEAR)


def _qform_holds(fields: Nifti1Header, size: tuple[int, int, int]) -> bool:
    """Say whether the qform puts every voxel within 1e-3 of a voxel, and of a unit, of where the sform puts it."""
    apart = np.abs(_sform(fields) - _qform(fields)) @ [*size, 1]
    return bool(apart.max() <= _GRID_TOLERANCE * min(1.0, *_zooms(fields)))


def _disagreement(fields: Nifti1Header) -> float:
    """Return by how much sform and qform differ: the origin in mm, an axis in mm or in lengths of its own if longer."""
    sform = _sform(fields)
    lengths = np.append(np.linalg.norm(sform[:3, :3], axis=0), 1.0)
    unit_mm = max(_mm_of_unit(fields), 1.0)
    apart = float((unit_mm * np.abs(sform - _qform(fields)) / np.maximum(unit_mm * lengths, 1.0)).max())
    return apart if np.isfinite(apart) else np.inf


def _warn(name: str, fields: Nifti1Header, method: str, geometry: Geometry) -> tuple[str, ...]:
    warnings = []
    if method == "pixdim":
        warnings.append(f"{name}: no sform or qform; orientation unknown, taken from pixdim alone")
    if method == "sform" and int(fields["qform_code"]) > 0 and _disagreement(fields) > _AGREEMENT:
        warnings.append(f"{name}: sform and qform differ; the sform is used")
    if max(geometry.spacing_mm) > _LARGEST_SPACING_MM:
        warnings.append(f"{name}: voxels of {max(geometry.spacing_mm):g} mm; check the unit in xyzt_units")
    return tuple(warnings)
