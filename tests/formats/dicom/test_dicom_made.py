"""Made: what labels refer to is what the writer of the images writes, slice by slice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.uid import CTImageStorage

from medaug_cli.core.sample import Volume
from medaug_cli.formats.dicom.made import made_series
from medaug_cli.spatial.grids import window_grid, zoomed_grid
from tests.formats.dicom.datasets import SERIES, encode, load, publish, ramp, save, save_series
from tests.formats.dicom.framed import CHANGED, CLASSIC, ENHANCED_CT, enhanced, frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import Dataset

    from medaug_cli.core.geometry import Geometry
    from medaug_cli.core.sample import Loaded

GRIDS: dict[str, Callable[[Geometry], Geometry]] = {
    "the same grid": lambda grid: grid,
    "a part of it": lambda grid: window_grid(grid, (1, 1, 1), (4, 3, 2)),
    "thinner slices": lambda grid: zoomed_grid(grid, (6, 4, 7), (0.5, 0.7, 10 / 7)),
}


def save_classic(folder: Path) -> None:
    save_series(folder, [ramp(k) for k in range(4)])


def save_enhanced(folder: Path) -> None:
    """Write one object whose frames do not stand in the order of their places."""
    save(enhanced([frame(z) for z in (35.0, 30.0, 37.5, 32.5)]), folder / "one.dcm")


def place_of(header: Dataset, number: int) -> np.ndarray[Any, Any]:
    """Return the position of an image, or of its frame `number`."""
    if number:
        header = header.PerFrameFunctionalGroupsSequence[number - 1].PlanePositionSequence[0]
    return np.array(header.ImagePositionPatient, float)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize(
    ("write", "derivation", "sop_class"),
    [
        (save_classic, CHANGED, CTImageStorage),
        (save_enhanced, CHANGED, ENHANCED_CT),
        (save_enhanced, CLASSIC, CTImageStorage),
    ],
    ids=["classic", "enhanced", "enhanced as classic"],
)
def test_every_slice_is_named_as_it_is_written(
    name: str, write: Callable[[Path], None], derivation: Any, sop_class: str, tmp_path: Path
) -> None:
    write(tmp_path / "source")
    loaded: Loaded = load(tmp_path / "source")
    grid = GRIDS[name](loaded.volume.geometry)
    content = Volume(np.zeros((1, *grid.size[::-1]), np.float32), grid)
    written = {one.SOPInstanceUID: one for one in publish(encode(loaded, derivation, content), tmp_path / "copy")}

    (series,) = made_series(replace(derivation, images=((loaded, content, loaded.source.files),)))

    assert {one.SeriesInstanceUID for one in written.values()} == {series.series}
    assert {one.FrameOfReferenceUID for one in written.values()} == {series.frame_of_reference}
    assert {one.sop_instance for one in series.slices} == set(written)
    assert {(one.sop_class, written[one.sop_instance].SOPClassUID) for one in series.slices} == {(sop_class, sop_class)}
    assert sorted(one.index for one in series.slices) == list(range(grid.size[2]))
    for one in series.slices:
        wanted = grid.affine @ [0, 0, one.index, 1]
        assert np.allclose(place_of(written[one.sop_instance], one.frame), wanted[:3], atol=1e-6)
    assert {f"{SERIES}.0"} < series.sources
