"""L1: canaries in headers and names, looked for in all that a run and the commands beside it write or tell."""

from __future__ import annotations

import gzip
import os
import random
from typing import TYPE_CHECKING
from unittest import mock

import nibabel as nib
from datasets_for_runs import records_of, save_image, save_recipe
from faults.experiment import Outcome
from faults.runs import fork_run
from formats.dicom.datasets import SERIES, image, placed, ramp, save
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medaug_cli.formats.dicom.actions import _PLAIN_TEXTS

if TYPE_CHECKING:
    from pathlib import Path

_KEY = "a key that is long enough"
_FREE_TEXT = frozenset({"LO", "SH", "PN", "ST", "LT", "UT", "UC"})
_FIRST_GROUP = 0x0008  # those below are commands and file meta
# Without those that the scanner writes, such as ConvolutionKernel, which stay in copies (docs/privacy.md).
_KEYWORDS = sorted(
    keyword
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items()
    if vr in _FREE_TEXT and keyword and tag >> 16 >= _FIRST_GROUP and keyword not in _PLAIN_TEXTS
)
_ELEMENTS_A_ROUND = 60
_PLAIN = "version: 1\ncopies: 1\nsteps: [{affine: {rotation_deg: [-5, 5]}}, gamma]\n"
_HIDDEN = f"{_PLAIN}privacy: {{deidentify: basic}}\n"


def plant_canaries(folder: Path, count: int) -> Outcome:
    """L1: in `count` rounds of DICOM and NIfTI, as they come and with `deidentify: basic`; sound and damaged files.

    Without de-identification names of files are told as they are, and copies keep their headers, so that a canary
    stands in headers and is looked for everywhere else. With it, it stands in names, too, and is looked for in copies.
    """
    outcome, rng = Outcome(), random.Random(12)
    for number in range(count):
        own, dicom, hidden = folder / str(number), number % 2 == 0, number % 4 in {0, 3}
        canary = f"XYZZY{number:03d}CANARY"
        name = canary if hidden else "case"
        plant = _plant_in_dicom if dicom else _plant_in_nifti
        outcome.injections += plant(own / "dataset" / name, name, canary, rng)
        recipe = save_recipe(own / "recipe.yaml", _HIDDEN if hidden else _PLAIN)
        with mock.patch.dict(os.environ, MEDAUG_KEY=_KEY):
            told = _tell_all(own, recipe, outcome, hidden=hidden)
        told |= _written(own / "root", copies=hidden)
        for place, text in told.items():
            found = canary.lower().encode() in text.lower()
            outcome.check(f"round {number}: {canary} in {place}", holds=not found)
    outcome.note = f"{count} rounds; text elements drawn from the {len(_KEYWORDS)} of the DICOM dictionary"
    return outcome


def _plant_in_dicom(folder: Path, name: str, canary: str, rng: random.Random) -> int:
    """Write a CT series with canaries at three depths, and another that lacks its end; return how many stand there."""
    keywords = rng.sample(_KEYWORDS, _ELEMENTS_A_ROUND)
    for series in ("sound", "damaged"):
        for k in range(3):
            header = image(ramp(k), number=k + 1, **placed(k))
            inner = Dataset()
            for keyword in keywords:
                setattr(inner if rng.random() < 1 / 3 else header, keyword, canary)
            header.PatientName = header.PatientID = canary
            header.RequestAttributesSequence = Sequence([inner])
            header.add_new(0x00091001, "LO", canary)
            header.SeriesInstanceUID = f"{SERIES}.{series == 'sound':d}.0"
            header.SOPInstanceUID = f"{SERIES}.{series == 'sound':d}.{k + 1}"
            path = folder / f"{name}-{series}" / f"{name}.{k}.dcm"
            save(header, path)
            raw = path.read_bytes()
            path.write_bytes(canary.encode() + raw[len(canary) : None if series == "sound" else -40])
    return 2 * 3 * (_ELEMENTS_A_ROUND + 4)


def _plant_in_nifti(folder: Path, name: str, canary: str, rng: random.Random) -> int:
    """Write a case with canaries in its header, its extensions and its sidecar, and another that lacks its end."""
    for series in ("sound", "damaged"):
        path = folder / f"{name}-{series}.nii.gz"
        save_image(path, rng.randrange(1000), descrip=canary, aux_file=canary, intent_name=canary, db_name=canary)
        found = nib.load(path)
        extension = nib.nifti1.Nifti1Extension(rng.choice((0, 4, 6, 44)), canary.encode())
        found.header.extensions.append(extension)
        nib.save(nib.nifti1.Nifti1Image(found.get_fdata().astype("int16"), found.affine, found.header), path)
        path.with_name(f"{name}-{series}.json").write_text(f'{{"PatientName": "{canary}"}}', encoding="utf-8")
        if series == "damaged":
            path.write_bytes(path.read_bytes()[:-9])
    return 2 * 6


def _tell_all(own: Path, recipe: Path, outcome: Outcome, *, hidden: bool) -> dict[str, bytes]:
    """Call every command that a night's work calls; return what each said, and the log file."""
    dataset, root, log = str(own / "dataset"), str(own / "root"), own / "log"
    to_root = [str(recipe), dataset, "-o", root]
    told: dict[str, bytes] = {}

    def call(allowed: set[int], *words: str) -> None:
        child = fork_run(list(words), own / "out")
        code, said = child.wait(), child.said()
        outcome.check(f"{words[0]}: exit {code}: {said[-300:]}", holds=code in allowed and "Traceback" not in said)
        told[" ".join(words[:1] + words[-1:])] = said.encode()

    call({3}, "run", *to_root, "--engine", "serial", "-v", "--log-file", str(log))
    done = [record.output_id for record in records_of(own / "root") if record.status == "ok"]
    outcome.check(f"{len(done)} copies of the sound sample", holds=len(done) == 1)
    call({0}, "plan", *to_root, "--overwrite", "all", "--json")
    call({3}, "run", *to_root, "--engine", "serial", "--overwrite", "all", "--json")
    call({3}, "status", root, "--json")
    call({0}, "verify", root)
    call({0}, "replay", root, "--id", done[0], "--check")
    call({0}, "validate", str(recipe), dataset)
    call({0}, "scan", dataset, "--phi")
    if not hidden:  # a scan has no recipe that asks to hide the names it lists
        call({3}, "scan", dataset, "--deep")
        call({0}, "scan", dataset, "--json")
    return {**told, "log": log.read_bytes()}


def _written(root: Path, *, copies: bool) -> dict[str, bytes]:
    """Return what stands in ROOT, packed files unpacked, and all names; of copies only the names unless asked for."""
    files = [path for path in root.rglob("*") if path.is_file()]
    told = {"names": "\n".join(path.relative_to(root).as_posix() for path in files).encode()}
    for path in files:
        if copies or "_aug" not in path.relative_to(root).as_posix():
            raw = path.read_bytes()
            told[path.relative_to(root).as_posix()] = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    return told
