"""Names: what of a name that people gave to a file, a folder or a label tells of a patient, and what does not."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from medaug_cli.core.privacy import plain_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medaug_cli.core.privacy import Privacy

# Words of the layouts, which their readers need to find their way.
_LAYOUT_WORDS = frozenset(
    {
        *("imagestr", "imagests", "imagesval", "labelstr", "labelsts", "labelsval", "images", "labels", "masks"),
        *("train", "test", "val", "derivatives", "anat", "func", "dwi", "fmap", "perf", "bold", "t1map", "epi"),
        *("magnitude1", "magnitude2", "phasediff", "dseg", "probseg", "mrk", "fcsv", "json", "csv", "tsv"),
        *("dataset", "data", "raw", "rawdata", "sourcedata", "dicom", "nifti", "dcm", "nii", "gz", "hdr"),
    }
)
# Keys of a name in BIDS, which stay; of these the labels of some are never words of the field.
_ENTITIES = frozenset(
    {
        *("sub", "ses", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain", "rec", "dir", "run"),
        *("mod", "echo", "flip", "inv", "mt", "part", "proc", "hemi", "space", "split", "recording", "chunk", "atlas"),
        *("seg", "scale", "res", "den", "label", "desc", "from", "to", "mode", "tpl", "cohort"),
    }
)
_OF_A_PERSON = frozenset({"sub", "ses", "sample"})
_PART = re.compile(r"_(?=[^\W\d])")  # not before a number, which may go on a date
# Several numbers in a row may be a date, a UID or a phone number; else what stands between signs and spaces of ASCII.
_PIECE = re.compile(r"\d+(?:[-._ ]\d+)+|[^\s!-/:-@\[-`{-~]+")
WORD = re.compile(r"[^\W_]+")
"""A word in any script, or a number."""
_COUNTED = re.compile(
    r"(?:case|sub|subject|pat|patient|img|image|scan|vol|volume|aug|slice|[a-z])\d{0,4}", re.IGNORECASE
)
_PSEUDONYM = re.compile(r"[0-9a-f]{16}")
_DATE = re.compile(r"(?:1[89]|20)\d{6}")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[-._ ](?=\d)")
_LEAST_SIGNS = 4  # of an identifier that is looked for: shorter ones stand in half of all names by chance
_MOST_DIGITS = 4  # a channel, a run or a year, and no date


def hide_name(name: str, privacy: Privacy) -> str:
    """Return a folder's or file's name by its pieces; of a BIDS entity the label alone is hidden."""
    parts = []
    for part in _PART.split(name):
        key, dash, label = part.partition("-")
        if not dash or key not in _ENTITIES:
            parts.append(hide_pieces(part, privacy))
        else:
            parts.append(f"{key}-{privacy.name(label) if key in _OF_A_PERSON else hide_pieces(label, privacy)}")
    return "_".join(parts)


def hide_pieces(text: str, privacy: Privacy) -> str:
    """Return `text` with a pseudonym for each piece of it that is not plain."""
    return _PIECE.sub(lambda found: found[0] if is_plain(found[0]) else privacy.name(found[0]), text)


@lru_cache(maxsize=65536)  # the same words stand in most names of a dataset
def is_plain(piece: str) -> bool:
    """Say whether a piece of a name is a word of the field or of the layouts, or a small number."""
    if piece.isdecimal():
        return len(piece) <= _MOST_DIGITS
    return piece.lower() in _LAYOUT_WORDS or plain_words(piece) == piece


def is_plain_path(path: str) -> bool:
    """Say whether `path` is of nothing but words of the field and the layouts, and small numbers."""
    return all(is_plain(piece) for piece in _PIECE.findall(path))


def has_other_words(name: str) -> bool:
    """Say whether the name of a file or folder has words that are not of the field, of layouts, or a common count.

    `case01`, `sub-01_T1w` and the pseudonyms of copies have none.
    """
    words = (word for word in WORD.findall(name) if not _COUNTED.fullmatch(word) and not _PSEUDONYM.fullmatch(word))
    return not all(is_plain(word) or word.lower() in _ENTITIES for word in words)


def tells(path: str, identifiers: Iterable[str]) -> bool:
    """Say whether `path` contains one of `identifiers`, a long word of one, or all words of one that has several.

    Case, signs between digits (1950-01-02), the order of a date and the way accents are composed make no difference.
    """
    folded = _fold(path)
    forms = (folded, _BETWEEN_DIGITS.sub("", folded))
    words = set(WORD.findall(folded))
    return any(_stands_in(identifier, forms, words) for identifier in map(_fold, identifiers))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _stands_in(identifier: str, forms: Iterable[str], words: set[str]) -> bool:
    own = set(WORD.findall(identifier))
    spelled = [one for one in (identifier, *_other_orders(identifier)) if len(one) >= _LEAST_SIGNS]
    return (
        any(one in form for one in spelled for form in forms)
        or any(len(one) >= _LEAST_SIGNS for one in own & words)
        or (len(own) > 1 and own <= words)
    )


def _other_orders(date: str) -> tuple[str, ...]:
    """Return a date (YYYYMMDD) with its day or its month first; nothing for what is none."""
    year, month, day = date[:4], date[4:6], date[6:]
    return (day + month + year, month + day + year) if _DATE.fullmatch(date) else ()
