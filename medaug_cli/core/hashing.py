"""Hashes of voxels: the decoded array and its geometry, whatever the file around them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from medaug_cli.core.lazy import np

if TYPE_CHECKING:
    from medaug_cli.core.arrays import AnyArray
    from medaug_cli.core.geometry import Geometry


def hash_voxels(array: AnyArray, geometry: Geometry) -> str:
    """Return the SHA-256 of `array` as stored in the file (any byte order) and of its `geometry` to 1e-6."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    head = {
        "dtype": str(little.dtype),
        "shape": list(little.shape),
        "spacing_mm": [round(value, 6) + 0.0 for value in geometry.spacing_mm],
        "origin_mm": [round(value, 6) + 0.0 for value in geometry.origin_mm],
        "direction": [round(value, 6) + 0.0 for value in geometry.direction],
    }
    hashed = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    hashed.update(little.reshape(-1).view(np.uint8).data)
    return hashed.hexdigest()
