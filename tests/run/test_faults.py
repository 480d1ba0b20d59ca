"""Faults of the file system: whichever call fails, and whenever, nothing half written is published (P1, P2)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from datasets_for_runs import copies_below, leftovers, run_here, save_dataset, save_recipe, voxel_hashes

from medaug_cli.core.errors import ExitCode, ResourceError, RootError
from medaug_cli.core.files import publish, temporary_of
from medaug_cli.verify import verify_root

RECIPE = "version: 1\nseed: 3\ncopies: 2\nsteps: [{flip: {axes: [LR], p: 1}}, gamma]\noutput: {originals: copy}\n"
CAUSES = {errno.ENOSPC: (ResourceError, ExitCode.NO_RESOURCES), errno.EROFS: (RootError, ExitCode.BAD_ROOT)}


class FailingCall:
    """Let the Nth call of a function that touches `folder` (None: any) fail with `number`; the others go through."""

    def __init__(self, real: Any, folder: Path | None, nth: int, number: int) -> None:
        self.real, self.folder, self.nth, self.number = real, folder, nth, number
        self.calls = 0

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        if self.folder is None or self._concerns(*arguments, **more):
            self.calls += 1
            if self.calls == self.nth:
                raise OSError(self.number, os.strerror(self.number), str(arguments[0]))
        return self.real(*arguments, **more)

    def _concerns(self, path: Any, mode: Any = "", *_: Any, **more: Any) -> bool:
        writes = not isinstance(mode, str) or bool(set(str(more.get("mode", mode))) & set("wax+")) or mode == ""
        return writes and self.folder is not None and self.folder in Path(path).parents


POINTS = {
    "open": (Path, "open", True),
    "fsync": (os, "fsync", False),
    "rename": (os, "replace", True),
    "make a folder": (os, "mkdir", True),
}


@pytest.mark.parametrize("number", CAUSES)
@pytest.mark.parametrize("point", POINTS)
def test_whichever_call_fails_the_cause_is_told_and_the_next_run_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, number: int
) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=2)
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    run_here(recipe, dataset, tmp_path / "reference")
    holder, name, by_path = POINTS[point]
    for nth in range(1, 100):
        root = tmp_path / f"root{nth}" / "below"
        with monkeypatch.context() as patch:
            failing = FailingCall(getattr(holder, name), root if by_path else None, nth, number)
            patch.setattr(holder, name, lambda *arguments, failing=failing, **more: failing(*arguments, **more))
            code = run_and_tell(recipe, dataset, root)
        assert_nothing_half_written(root)
        run_here(recipe, dataset, root)
        assert voxel_hashes(root) == voxel_hashes(tmp_path / "reference")
        assert verify_root(root, None, None) == (8, [])
        assert leftovers(root) == []
        if failing.calls < nth:
            break
        # A folder's own fsync is a wish that some file systems do not grant, and a folder may be there already.
        assert code == CAUSES[number][1] or (point in {"fsync", "make a folder"} and code == ExitCode.OK)
    assert nth > 1


def run_and_tell(recipe: Path, dataset: Path, root: Path) -> ExitCode:
    """Run; return the exit code, whether it came as an error or as the end of a run."""
    try:
        return run_here(recipe, dataset, root)[0].exit_code()
    except (ResourceError, RootError) as error:
        return error.exit_code


def assert_nothing_half_written(root: Path) -> None:
    """Every copy that stands has the size of a whole file and, where there is a manifest, a record."""
    if (root / "medaug-manifest.jsonl").exists() and (root / "SHA256SUMS").exists():
        told = {path for path, _ in verify_root(root, None, None)[1]}
        assert copies_below(root) - set(voxel_hashes(root)) <= told
    assert all(path.stat().st_size > 100 for path in root.rglob("*aug*.nii.gz"))


def test_what_was_read_back_differently_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def rot(descriptor: int) -> None:
        os.pwrite(descriptor, b"\xff", 0)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", rot)
    with pytest.raises(RootError, match="what was read back differs from what was written"):
        publish([(tmp_path / "x.nii.gz", b"sound")])
    assert list(tmp_path.iterdir()) == []


def test_several_files_are_published_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "in the way").touch()
    with pytest.raises(RootError, match="cannot be written"):
        publish([(tmp_path / "a" / "x", b"1"), (tmp_path / "b" / "in the way" / "y", b"2")])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["in the way"]


def test_a_temporary_name_is_short_hidden_and_the_same_in_every_run(tmp_path: Path) -> None:
    long = tmp_path / ("脑" * 80 + ".nii.gz")
    assert temporary_of(long) == temporary_of(long)
    assert temporary_of(long).name.startswith(".medaug-")
    assert len(temporary_of(long).name.encode()) <= 40
    assert temporary_of(long) != temporary_of(tmp_path / "y")


def test_a_note_of_the_holder_that_cannot_be_removed_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = save_dataset(tmp_path / "dataset", cases=1)
    recipe = save_recipe(tmp_path / "recipe.yaml", RECIPE)
    real = Path.unlink

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "holder.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    for made in (2, 0):
        tally, _ = run_here(recipe, dataset, tmp_path / "root")
        assert (tally.exit_code(), tally.done) == (ExitCode.OK, made)
