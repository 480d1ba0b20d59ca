"""Privacy: the key, the policy that a recipe asks for, identifiers in paths, and the map that leads back."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from medaug_cli.core.errors import DatasetError, RootError, UsageError
from medaug_cli.core.names import tells
from medaug_cli.core.privacy import LEAST_KEY_CHARACTERS, LEAST_KEY_VARIETY, Privacy
from medaug_cli.manifest import PrivacyEntry
from medaug_cli.recipe.model import PrivacySection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medaug_cli.core.sample import Sample

_NO_KEY = "medaug"
"""The key of `patient_key` where the user has none: patients are told apart, and nobody is hidden by it."""
_MOST_KEY_BYTES = 4096


def find_key(section: PrivacySection, root: Path | None) -> str:
    """Return the secret key of `section`; empty where there is none. Raises UsageError for a file that is no secret."""
    if section.key_file is None:
        return os.environ.get(section.key_env, "")
    path = _outside(section.key_file, root, "privacy.key_file")
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_KEY_BYTES).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"privacy.key_file: {path}: cannot be read as text; name the file that holds the key"
        ) from error


def make_privacy(section: PrivacySection, root: Path | None) -> Privacy | None:
    """Return what hides the patients; None where the recipe does not ask for it.

    Raises UsageError where the key is missing, or too short or too plain to be a secret.
    """
    key = find_key(section, root)
    if section.deidentify is None:
        return None
    place = f"the file {section.key_file}" if section.key_file else f"the environment variable {section.key_env}"
    if len(key) < LEAST_KEY_CHARACTERS or len(set(key)) < LEAST_KEY_VARIETY:
        found = f"holds {len(key)} characters, {len(set(key))} of them different" if key else "is not set or empty"
        raise UsageError(
            f"privacy.deidentify needs a secret key of {LEAST_KEY_CHARACTERS} characters or more, "
            f"{LEAST_KEY_VARIETY} of them different; {place} {found}; "
            "make one with `openssl rand -hex 32` and keep it: only the same key gives the same pseudonyms"
        )
    return Privacy(key, frozenset(section.options))


def patient_keys(section: PrivacySection, root: Path, samples: Iterable[Sample]) -> dict[str, str]:
    """Return by the identifier of each patient what the manifest has for it."""
    hider = Privacy(find_key(section, root) or _NO_KEY)
    return {patient: hider.pseudonym(patient) for patient in {sample.patient for sample in samples} if patient}


def check_paths(section: PrivacySection, samples: Sequence[Sample]) -> list[str]:
    """Return a warning where paths hold identifiers of their own headers; raises DatasetError where that is refused.

    Neither shows a path or an identifier.
    """
    if section.phi_in_paths == "allow":
        return []
    found = [
        path
        for sample in samples
        for source in sample.sources
        for path in source.files
        if tells(path, sample.identifiers)
    ]
    if not found:
        return []
    what = f"{len(found)} paths contain the name, an identifier or the birth date of their patient"
    if section.phi_in_paths == "refuse":
        raise DatasetError(
            f"{what}, which privacy.phi_in_paths refuses; rename the files, or let names be: `warn` or `allow`"
        )
    hidden = "copies are named by pseudonyms" if section.deidentify else "copies and manifest repeat them"
    return [f"{what}; {hidden}; `medaug scan --phi` says more"]


def privacy_entry(section: PrivacySection, privacy: Privacy | None) -> PrivacyEntry | None:
    """Return what the manifest has of how patients are hidden."""
    if privacy is None or section.deidentify is None:
        return None
    return PrivacyEntry(
        deidentify=section.deidentify,
        options=section.options,
        key_env=section.key_env,
        key_check=privacy.check,
    )


def privacy_of(entry: PrivacyEntry | None, key_file: Path | None) -> Privacy | None:
    """Return what hid the patients of a record, its key from `key_file` or the environment.

    Raises UsageError where there is no key, or another.
    """
    if entry is None:
        return None
    section = PrivacySection(
        deidentify=entry.deidentify,
        options=entry.options,
        key_env=entry.key_env,
        key_file=None if key_file is None else str(key_file),
    )
    privacy = make_privacy(section, None)
    if privacy is not None and privacy.check != entry.key_check:
        raise UsageError("the key is not the one that the patients of this record are hidden with; name the right one")
    return privacy


def check_id_map(section: PrivacySection, root: Path) -> None:
    """Raise UsageError where the private list would stand in ROOT, RootError where its folder cannot be written."""
    if section.id_map is None:
        return
    path = _outside(section.id_map, root, "privacy.id_map")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise RootError(f"privacy.id_map: {path}: cannot be written there; name a file in a folder that can be written")


def write_id_map(section: PrivacySection, root: Path, samples: Sequence[Sample], key: Privacy) -> None:
    """Write the private list that leads from pseudonyms back to patients, readable by its owner alone (mode 0600).

    One JSON object a line, a sample each. What stood there is replaced, whoever could read it. Raises UsageError where
    it would stand in ROOT, RootError where it cannot be written.
    """
    if section.id_map is None:
        return
    path = _outside(section.id_map, root, "privacy.id_map")
    lines = [
        json.dumps(
            {
                "sample_id": sample.id,
                "original_sample_id": sample.called,
                "patient_key": key.pseudonym(sample.patient) if sample.patient else "",
                "patient": sample.patient,
                "days": key.days(sample.patient) if sample.patient else None,
                "files": dict(
                    zip(
                        (record for source in sample.sources for record in source.records),
                        (file for source in sample.sources for file in source.files),
                        strict=True,
                    )
                ),
            },
            sort_keys=True,
            ensure_ascii=False,
        )
        for sample in samples
    ]
    _write_private(path, "".join(f"{line}\n" for line in lines).encode())


def _write_private(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)  # it holds identities
    except OSError as error:
        raise RootError(f"privacy.id_map: {path}: cannot be written: {error.strerror}") from error


def _outside(named: str, root: Path | None, key: str) -> Path:
    """Return the path that `key` names; raises UsageError where it lies in ROOT, which is handed on."""
    path = Path(named).expanduser().resolve()
    if root is not None and path.is_relative_to(root.resolve()):
        raise UsageError(f"{key}: {path} lies in {root}, which is handed on with the copies; name a file elsewhere")
    return path
