"""Affine content moves in patient space: the matrices that `affine` and its short forms share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from medaug_cli.core.lazy import np
from medaug_cli.spatial.mapping import about

if TYPE_CHECKING:
    from medaug_cli.core.arrays import Array64
    from medaug_cli.core.geometry import Geometry

Triple = tuple[float, float, float]
Center = Literal["image", "origin"] | Triple
_RAS_TO_LPS = (-1.0, -1.0, 1.0)


def pull_matrix(
    geometry: Geometry, rotation_deg: Triple, translation_mm: Triple, scale: Triple, shear_deg: Triple, center: Array64
) -> Array64:
    """Return the matrix (4, 4) from output to input positions for content that is moved so.

    Content is sheared about `center`, rotated about it (ITK's Euler3DTransform: Z·X·Y), translated, then scaled about
    it, as torchio.Affine does. Triples are (LR, AP, SI) about the patient's axes in RAS; `center` is LPS mm. On a 2-D
    image the axes are those of the image, and what would leave its plane is left out.
    """
    rotation_deg, translation_mm, scale, shear_deg = _in_plane(geometry, rotation_deg, translation_mm, scale, shear_deg)
    frame = _plane_frame(geometry)
    flip = np.array(_RAS_TO_LPS)
    rotate = _euler(np.radians(rotation_deg) * flip)
    shear = _shear(np.radians(shear_deg))
    shift = np.array(translation_mm) * flip
    push = _scale_matrix(scale) @ about(np.zeros(3), rotate @ shear, shift)
    turned = np.eye(4)
    turned[:3, :3] = frame
    move = np.eye(4)
    move[:3, 3] = center
    return np.asarray(np.linalg.inv(move @ turned @ push @ np.linalg.inv(turned) @ np.linalg.inv(move)))


def center_mm(center: Center, geometry: Geometry) -> Array64:
    """Return the LPS position (3,) that `center` names: the image's, the world's origin, or a RAS position in mm."""
    if center == "image":
        return geometry.center_mm
    if center == "origin":
        return np.zeros(3)
    return np.asarray(np.array(center, dtype=np.float64) * np.array(_RAS_TO_LPS))


def _in_plane(
    geometry: Geometry, rotation: Triple, translation: Triple, scale: Triple, shear: Triple
) -> tuple[Triple, Triple, Triple, Triple]:
    """Leave out what would carry a 2-D image out of its plane."""
    if geometry.flat_axis is None:
        return rotation, translation, scale, shear
    normal = geometry.nearest_patient_axes()[geometry.flat_axis]

    def keep(values: Triple, *, at_normal: bool, neutral: float) -> Triple:
        first, second, third = (
            value if (axis == normal) == at_normal else neutral for axis, value in enumerate(values)
        )
        return first, second, third

    return (
        keep(rotation, at_normal=True, neutral=0.0),
        keep(translation, at_normal=False, neutral=0.0),
        keep(scale, at_normal=False, neutral=1.0),
        keep(shear, at_normal=True, neutral=0.0),
    )


def _plane_frame(geometry: Geometry) -> Array64:
    """Return the rotation (3, 3) from the patient's axes to those of a 2-D image; the identity for a volume."""
    if geometry.flat_axis is None:
        return np.eye(3)
    cosines = np.array(geometry.direction).reshape(3, 3)
    frame = np.zeros((3, 3))
    for array_axis, patient_axis in enumerate(geometry.nearest_patient_axes()):
        column = cosines[:, array_axis]
        frame[:, patient_axis] = column * (1.0 if column[patient_axis] >= 0 else -1.0)
    return frame


def _euler(radians: Array64) -> Array64:
    """Return ITK's Euler3DTransform matrix for angles about x, y, z: Rz · Rx · Ry."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(radians), np.sin(radians)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def _shear(radians: Array64) -> Array64:
    """Return the shear matrix (3, 3) for angles in the plane across LR, AP and SI.

    The angle named after an axis slants the plane across it: SI moves LR with AP, LR moves AP with SI, AP moves SI
    with LR, by the tangent. The signs are those of RAS.
    """
    across_lr, across_ap, across_si = (math.tan(angle) for angle in radians)
    ras = np.array([[1, across_si, 0], [0, 1, across_lr], [across_ap, 0, 1]])
    flip = np.diag(_RAS_TO_LPS)
    return np.asarray(flip @ ras @ flip)


def _scale_matrix(scale: Triple) -> Array64:
    return np.diag([*scale, 1.0])
