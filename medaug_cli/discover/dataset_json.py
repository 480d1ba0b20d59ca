"""dataset.json: what nnU-Net says of its channels, labels and file ending."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medaug_cli.core.errors import DatasetError
from medaug_cli.core.whole import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medaug_cli.discover.walk import Tree

_ENDINGS = (".nii.gz", ".nii")
_MR_CHANNELS = frozenset({"mr", "mri", "t1", "t1w", "t1ce", "t1gd", "t2", "t2w", "flair", "adc", "pd", "dwi"})


@dataclass(frozen=True)
class Description:
    """What dataset.json of one dataset says; `channels` maps the number in the file name to a channel."""

    folder: str
    ending: str = ".nii.gz"
    channels: Mapping[str, str] = field(default_factory=dict)
    label_names: Mapping[int, str] = field(default_factory=dict)

    def path(self, *parts: str) -> str:
        """Return the path of a file of this dataset."""
        return "/".join([self.folder, *parts] if self.folder else parts)

    @property
    def modality(self) -> str:
        """The modality where all channel names tell the same; empty where they do not."""
        names = {channel.lower().partition("_")[0] for channel in self.channels.values()}
        if names == {"ct"}:
            return "CT"
        return "MR" if names and names <= _MR_CHANNELS else ""


def read_description(tree: Tree, folder: str) -> Description:
    """Return what the dataset.json in `folder` says, or what can be told without one; raises DatasetError."""
    name = f"{folder}/dataset.json".lstrip("/")
    if name not in tree.files:
        return Description(folder, _common_ending(tree, folder))
    try:
        content = json.loads((tree.root / name).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{name}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{name}: not JSON ({error})") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{name}: holds no JSON object")
    ending = content.get("file_ending", _common_ending(tree, folder))
    if ending not in _ENDINGS:
        raise DatasetError(f"{name}: file_ending {ending!r}; medaug augments {' and '.join(_ENDINGS)} in this layout")
    return Description(folder, ending, _channels(content, name), _label_names(content, name))


def _common_ending(tree: Tree, folder: str) -> str:
    prefix = f"{folder}/imagesTr/".lstrip("/")
    images = [path for path in tree.files if path.startswith(prefix)]
    return max(_ENDINGS, key=lambda ending: sum(path.endswith(ending) for path in images))


def _channels(content: dict[str, Any], name: str) -> dict[str, str]:
    """Return channel names by four-digit number; names that occur twice get their number added."""
    given = content.get("channel_names", content.get("modality", {}))
    if not isinstance(given, dict) or any(whole_number(str(number)) is None for number in given):
        raise DatasetError(f'{name}: channel_names must map numbers to names, as {{"0": "CT"}}')
    names = [str(channel) for channel in given.values()]
    return {
        f"{int(number):04d}": channel if names.count(channel) == 1 else f"{channel}_{int(number):04d}"
        for number, channel in sorted(zip(given, names, strict=True), key=lambda item: int(item[0]))
    }


def _label_names(content: dict[str, Any], name: str) -> dict[int, str]:
    """Return label names by value, from {name: value} (version 2, regions left out) or {value: name} (version 1)."""
    given = content.get("labels", {})
    if not isinstance(given, dict):
        raise DatasetError(f'{name}: labels must map names to values, as {{"tumour": 1}}')
    pairs = [(value, key) if isinstance(value, int) else (key, value) for key, value in given.items()]
    found = ((whole_number(str(value)), text) for value, text in pairs)
    return {value: text for value, text in found if value is not None and isinstance(text, str)}
