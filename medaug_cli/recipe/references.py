"""References: the files that steps learn from, read once with the recipe; the run and replay need only the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import SampleError
from medaug_cli.core.lazy import np
from medaug_cli.core.sample import Source, Volume
from medaug_cli.core.seeding import digest
from medaug_cli.formats import Limits, format_names, load_format

if TYPE_CHECKING:
    from pathlib import Path

    from medaug_cli.core.sample import Loaded
    from medaug_cli.step.reference import ReferenceStep

_INTO_FOLDERS = "a file, or a folder with the files of one series"


def learn_from(step: ReferenceStep, folder: Path) -> ReferenceStep:
    """Return `step` with what its reference, relative to `folder`, teaches; raises SampleError."""
    # What was learned is checked like what a recipe gives.
    return type(step).model_validate({**step.model_dump(), **_lesson(step, folder)})


def learn_for_channel(step: ReferenceStep, channel: str, folder: Path) -> ReferenceStep:
    """Return `step`, which has learned, with what the reference of one channel of its own teaches."""
    named = step.by_channel or {}
    own = {**named[channel], **_lesson(step.for_channel(channel), folder)}
    return type(step).model_validate({**step.model_dump(), "by_channel": {**named, channel: own}})


def _lesson(step: ReferenceStep, folder: Path) -> dict[str, Any]:
    """Return the parameters that the step's reference teaches; none where it has its numbers."""
    if step.learned() or step.reference is None:
        return {}
    loaded = _read(folder / step.reference, step.reference)
    if not isinstance(loaded.content, Volume):
        raise SampleError("reference_unusable", f"{step.reference}: holds labels; name an image")
    hashes = [entry.sha256 for entry in loaded.entries]
    sha256 = hashes[0] if len(hashes) == 1 else digest(*hashes).hex()
    volume = replace(loaded.content, array=loaded.content.array.astype(np.float32))
    return {**step.learn(volume), "reference_sha256": sha256}


def _read(path: Path, name: str) -> Loaded:
    """Return the one volume at `path`, which the recipe calls `name`."""
    if not path.exists():
        raise SampleError("reference_missing", f"{name}: no such file beside the recipe; name {_INTO_FOLDERS}")
    root = path if path.is_dir() else path.parent
    candidates = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    found = []
    for format_name in format_names():
        reader = load_format(format_name)
        claimed = [one.name for one in candidates if reader.claims(one)]
        found += [(reader, volume) for volume in (reader.find(root, claimed).volumes if claimed else ())]
    if len(found) != 1:
        raise SampleError("reference_unusable", f"{name}: holds {len(found)} images; name {_INTO_FOLDERS}")
    reader, volume = found[0]
    if volume.problem:
        raise SampleError(*volume.problem)
    return reader.read(root, Source("image", "0", volume.format, volume.files, volume.stamps), Limits())
