"""Agree: how far two label maps of the same work overlap. Arguments: two NIfTI files; prints the Dice coefficient."""

from __future__ import annotations

import sys

import nibabel as nib
import numpy as np


def main() -> None:
    """Print the Dice coefficient of equal labels, the background left out."""
    one, other = (np.asarray(nib.Nifti1Image.from_filename(path).dataobj) for path in sys.argv[1:])
    both = np.count_nonzero((one == other) & (one > 0))
    print(2 * both / (np.count_nonzero(one) + np.count_nonzero(other)))


if __name__ == "__main__":
    main()
