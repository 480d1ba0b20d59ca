"""BIDS: raw images of every subject and session, with the masks and segmentations of the derivatives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError
from medaug_cli.discover.cases import to_sample
from medaug_cli.discover.companions import Wanted, attach, segmentations
from medaug_cli.discover.entities import SOFT_SUFFIX, BidsName, parse_name
from medaug_cli.discover.inventory import Arrangement
from medaug_cli.discover.layouts.nifti import DWI_MESSAGE
from medaug_cli.discover.pairing import pair, parse_templates
from medaug_cli.discover.sessions import Sessions
from medaug_cli.formats import load_format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medaug_cli.discover.cases import Case
    from medaug_cli.discover.inventory import DatasetQuery, LeftAlone
    from medaug_cli.discover.walk import Tree

_DERIVATIVE_DEPTH = 2  # derivatives/PIPELINE/sub-…
_NO_IMAGE = {
    SOFT_SUFFIX: ("probability_map", "a probability map; name it in dataset.labels and dataset.soft_labels to move it"),
    "defacemask": ("not_an_image", "a defacing mask is neither image nor label"),
}
_NO_DATATYPE = {
    "dwi": ("dwi_not_supported", DWI_MESSAGE),
    "fmap": ("field_map", "a field map describes the scanner's field, not anatomy"),
}


class BidsLayout:
    """Each raw image is a sample, unless `dataset.images` names the channels of a session."""

    name = "bids"
    format = "nifti"
    told_by_name = True
    plain = False

    def marker(self, tree: Tree) -> str:
        """Return dataset_description.json if it is there."""
        return "dataset_description.json" if "dataset_description.json" in tree.files else ""

    def arrange(self, tree: Tree, query: DatasetQuery) -> Arrangement:
        """Put images and labels together by their names; raises RecipeError for patterns that are none."""
        with_soft = any(SOFT_SUFFIX in text for text in (query.labels or {}).values())
        names, left_alone = _sort_files(tree.claimed_by(self.format), with_soft=with_soft)
        if all(name.is_label for name in names.values()):
            raise DatasetError(f"{tree.root}: layout bids needs images in sub-*/; found {tree.count_by_suffix()}")
        if any("{case}" in text for texts in (query.images, query.labels) for text in (texts or {}).values()):
            # Templates may name files that the standard does not, a derivative's lesion map for example.
            left_alone = [entry for entry in left_alone if entry[1] == "dwi_not_supported"]
            files = sorted({*tree.claimed_by(self.format)} - {path for path, _, _ in left_alone})
            found = load_format(self.format).find(tree.root, files)
            pairing = pair(found.volumes, parse_templates(query.images, query.labels))
        else:
            found = load_format(self.format).find(tree.root, sorted(names))
            pairing = Sessions(found.volumes, names, query).pair()
        cases = tuple(_complete(case, names) for case in pairing.cases)
        pairing = replace(pairing, cases=cases)
        for wanted in (segmentations(query.labels), Wanted("points", query.points, "points")):
            pairing = attach(pairing, tree, wanted, by_prefix=not query.images)
        return Arrangement(
            tuple(to_sample(case, self.name, query) for case in pairing.cases),
            (*left_alone, *found.left_alone, *pairing.left_alone),
            tuple(warning for volume in found.volumes for warning in volume.warnings),
            table="participants.tsv" if "participants.tsv" in tree.files else "",
        )


def _complete(case: Case, names: Mapping[str, BidsName]) -> Case:
    """Return `case` with the patient and the modality that the name of its first image tells."""
    path = next(volume.files[0] for volumes in case.images.values() for volume in volumes)
    participant = next((part.removeprefix("sub-") for part in path.split("/") if part.startswith("sub-")), "")
    session = case.id.replace("/", "_")  # sub-01/ses-1 begins its files' names as sub-01_ses-1
    return replace(
        case, patient=participant, also_called=(session,), modality=names[path].modality if path in names else ""
    )


def _sort_files(files: Iterable[str], *, with_soft: bool) -> tuple[dict[str, BidsName], list[LeftAlone]]:
    """Return the names of images and label maps by path, and the files that are neither."""
    names: dict[str, BidsName] = {}
    left_alone: list[LeftAlone] = []
    for path in files:
        derived = path.startswith("derivatives/")
        name = parse_name(path, _DERIVATIVE_DEPTH if derived else 0)
        reason = None if with_soft and name and name.suffix == SOFT_SUFFIX else _refuse(name, derived=derived)
        if reason is not None:
            left_alone.append((path, *reason))
        elif name is not None:
            names[path] = name
    return names, left_alone


def _refuse(name: BidsName | None, *, derived: bool) -> tuple[str, str] | None:
    """Return why the file is neither image nor label; None where it is one."""
    if name is None:
        return "not_bids_name", "only sub-…[_ses-…][_key-value…]_suffix in sub-…/[ses-…/]datatype is a raw image"
    if name.suffix in _NO_IMAGE:
        return _NO_IMAGE[name.suffix]
    if name.is_label:
        return None
    if derived:
        return "derivative", "made from a raw image, which is augmented itself"
    return _NO_DATATYPE.get(name.datatype)


LAYOUT = BidsLayout()
