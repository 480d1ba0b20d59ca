"""P1: what does not match the manifest, verify tells; and nothing else."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from datasets_for_runs import copies_below, run_here, save_case, save_dataset, save_recipe, voxel_hashes

from medaug_cli import verify
from medaug_cli.core.errors import RootError, UsageError
from medaug_cli.core.files import sha256_of
from medaug_cli.manifest import sums_text
from medaug_cli.root import read_root
from medaug_cli.verify import verify_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with dataset/ (six cases) and root/ (24 files)."""
    folder = tmp_path_factory.mktemp("verify")
    dataset = save_dataset(folder / "dataset", cases=6)
    run_here(save_recipe(folder / "recipe.yaml"), dataset, folder / "root")
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "root", tmp_path / "root")


def test_no_false_alarm(made: Path) -> None:
    assert verify_root(made / "root", None, None) == (24, [])
    assert verify_root(made / "root", None, made / "dataset") == (36, [])


def test_every_one_of_20_flipped_bits_is_found(root: Path) -> None:
    chance = random.Random(1)
    paths = chance.sample(sorted(voxel_hashes(root)), 20)
    for path in paths:
        raw = bytearray((root / path).read_bytes())
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        (root / path).write_bytes(raw)
    _, problems = verify_root(root, None, None)
    assert problems == [(path, "its bytes are not those that were written") for path in sorted(paths)]


def test_a_file_that_the_disk_does_not_give_is_told_and_the_others_are_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = sorted(voxel_hashes(root))

    def read(path: Path) -> str:
        if path == root / first:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return sha256_of(path)

    monkeypatch.setattr(verify, "sha256_of", read)
    (root / second).unlink()
    _, problems = verify_root(root, None, None)
    assert problems == [(first, "cannot be read: Input/output error"), (second, "missing")]


def test_a_missing_a_truncated_and_a_longer_file_are_found(root: Path) -> None:
    first, second, third = sorted(voxel_hashes(root))[:3]
    (root / first).unlink()
    size = (root / second).stat().st_size
    (root / second).write_bytes((root / second).read_bytes()[:-1])
    (root / third).write_bytes((root / third).read_bytes() + b"\0")
    _, problems = verify_root(root, None, None)
    assert [path for path, _ in problems] == [first, second, third]
    assert problems[0][1] == "missing"
    assert problems[1][1] == f"has {size - 1} bytes, the manifest says {size}"


def test_a_changed_source_is_found_on_request(made: Path, tmp_path: Path) -> None:
    dataset = shutil.copytree(made / "dataset", tmp_path / "dataset")
    save_case(dataset, "case03", seed=99)
    assert verify_root(made / "root", None, None)[1] == []
    assert [path for path, _ in verify_root(made / "root", None, dataset)[1]] == ["case03.nii.gz"]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_subsets_are_a_partition_of_everything(root: Path, parts: int) -> None:
    for path in voxel_hashes(root):
        (root / path).unlink()
    found = [verify_root(root, f"{part}/{parts}", None) for part in range(1, parts + 1)]
    assert sum(checked for checked, _ in found) == 24
    assert sorted(path for _, problems in found for path, _ in problems) == sorted(voxel_hashes(root))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/²", "1/" + "9" * 5000])
def test_a_subset_that_is_none_is_refused(root: Path, text: str) -> None:
    with pytest.raises(UsageError, match="allowed: K/N"):
        verify_root(root, text, None)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n"])
def test_a_changed_hash_list_is_found(root: Path, content: bytes) -> None:
    (root / "SHA256SUMS").write_bytes(content)
    assert [path for path, _ in verify_root(root, None, None)[1]] == ["SHA256SUMS"]


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"\xff\xfe\n"])
def test_a_damaged_or_empty_manifest_is_never_taken_for_a_sound_one(root: Path, damage: bytes) -> None:
    (root / "medaug-manifest.jsonl").write_bytes(damage)
    try:
        problems = verify_root(root, None, None)[1]
    except RootError:
        problems = [("medaug-manifest.jsonl", "refused")]
    assert problems != []


def test_a_file_that_a_killed_run_left_without_a_record_is_found_and_cleared_by_the_next(
    root: Path, made: Path
) -> None:
    left = "case01_aug0003.nii.gz"
    shutil.copy(root / "case01_aug0002.nii.gz", root / left)
    (root / ".medaug" / "begun.txt").write_text(f'"{left}"\n', encoding="utf-8")
    assert verify_root(root, None, None)[1] == [(left, "has no record: a run was killed; run again")]
    run_here(made / "recipe.yaml", made / "dataset", root)
    assert left not in copies_below(root)
    assert (verify_root(root, None, None), read_root(root).begun) == ((24, []), frozenset())


def test_sha256sum_agrees(root: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count(": OK\n")) == (0, 24)


@pytest.mark.parametrize("case", ["a b", "-x", "100%", "été", "脑", "a'b\"", "a\\b", "a\nb", "a\u2028b", "x" * 200])
def test_names_of_any_kind_are_listed_verified_and_known_again(tmp_path: Path, case: str) -> None:
    save_case(tmp_path / "dataset", case)
    recipe, root = save_recipe(tmp_path / "recipe.yaml"), tmp_path / "root"
    run_here(recipe, tmp_path / "dataset", root)
    assert verify_root(root, None, None) == (4, [])
    done = subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0
    tally, _ = run_here(recipe, tmp_path / "dataset", root)
    assert (tally.kept, tally.total) == (2, 0)


def test_failed_copies_are_not_in_the_hash_list() -> None:
    assert sums_text([]) == ""
