"""The walk takes regular files of the dataset, in one order, and nothing that medaug wrote."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Self

import pytest

from medaug_cli.core.errors import DatasetError
from medaug_cli.discover.walk import walk_dataset

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def test_files_are_sorted_by_path_however_they_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "b/2", "a.b", "a/1", "b/1", "c")
    plain = walk_dataset(tmp_path).files
    scandir = os.scandir

    class Backwards(list[os.DirEntry[str]]):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", lambda folder: Backwards(reversed(list(scandir(folder)))))
    assert plain == walk_dataset(tmp_path).files == ("a.b", "a/1", "b/1", "b/2", "c")


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.nii", "._a.nii", ".DS_Store", ".git/b.nii", ".medaug/c.nii")
    tree = walk_dataset(tmp_path)
    assert (tree.files, tree.left_alone) == (("a.nii",), ())


def test_a_link_counts_where_it_ends_inside_the_dataset(tmp_path: Path) -> None:
    write(tmp_path, "outside.nii", "set/.git/annex/x", "set/sub/real.nii")
    (tmp_path / "set/annexed.nii").symlink_to(".git/annex/x")
    (tmp_path / "set/away.nii").symlink_to(tmp_path / "outside.nii")
    (tmp_path / "set/broken.nii").symlink_to("nowhere")
    (tmp_path / "set/folder").symlink_to("sub", target_is_directory=True)
    (tmp_path / "set/loop.nii").symlink_to("loop.nii")
    tree = walk_dataset(tmp_path / "set")
    assert tree.files == ("annexed.nii", "sub/real.nii")
    assert [entry[:2] for entry in tree.left_alone] == [
        ("away.nii", "symlink_outside"),
        ("broken.nii", "symlink_broken"),
        ("folder", "symlink_folder"),
        ("loop.nii", "symlink_broken"),
    ]


def test_a_link_to_a_sibling_whose_name_starts_alike_leads_outside(tmp_path: Path) -> None:
    write(tmp_path, "set/a.nii", "set2/b.nii")
    (tmp_path / "set/b.nii").symlink_to(tmp_path / "set2/b.nii")
    assert walk_dataset(tmp_path / "set").files == ("a.nii",)


def test_a_dataset_of_which_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    write(tmp_path, "a.nii", "b.nii", "set/sub/.hidden")
    for name in ("a.nii", "b.nii"):
        (tmp_path / "set" / name).symlink_to(tmp_path / name)
    (tmp_path / "set/c.nii").symlink_to("nowhere")
    assert walk_dataset(tmp_path / "set").count_by_suffix() == (
        "no file that can be read (2 symlink_outside: the link leads out of the dataset; copy the file into it; "
        "1 symlink_broken: the link leads nowhere; fetch its content (git annex get) first)"
    )


def test_pipes_and_sockets_are_left_alone_and_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    os.mkfifo("pipe.nii")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.nii")
        tree = walk_dataset(tmp_path)
    assert [entry[:2] for entry in tree.left_alone] == [
        ("pipe.nii", "not_a_regular_file"),
        ("socket.nii", "not_a_regular_file"),
    ]


def test_a_folder_named_like_an_image_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "x.nii.gz/inner.nii")
    assert walk_dataset(tmp_path).files == ("x.nii.gz/inner.nii",)


def test_an_unreadable_folder_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.nii", "secret/b.nii")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # root may list every folder, so that chmod proves nothing
    tree = walk_dataset(tmp_path)
    assert tree.files == ("a.nii",)
    assert tree.left_alone == (("secret", "unreadable", "the folder cannot be listed (Permission denied)"),)


def test_a_name_that_is_not_utf8_is_left_alone(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"bad\xff.nii")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert [entry[:2] for entry in walk_dataset(tmp_path).left_alone] == [("bad\\udcff.nii", "bad_name")]


@pytest.mark.parametrize("name", ["with space.nii", 'it\'s "q".nii', "new\nline.nii", "-x.nii", "50%.nii", "é😀.nii"])
def test_awkward_names_are_plain_names(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    assert walk_dataset(tmp_path).files == (name,)


def test_copies_of_earlier_runs_are_no_sources_even_through_a_link(tmp_path: Path) -> None:
    write(tmp_path, "a.nii", "a_aug0001.nii", "a_aug0002.nii", "medaug-manifest.jsonl", "SHA256SUMS")
    (tmp_path / "link.nii").symlink_to("a_aug0001.nii")
    tree = walk_dataset(tmp_path, known_outputs=frozenset({"a_aug0001.nii"}))
    assert tree.files == ("a.nii", "a_aug0002.nii")  # the user's own file, whatever its name


def test_folders_that_medaug_writes_to_are_no_sources(tmp_path: Path) -> None:
    write(tmp_path, "a.nii", "derivatives/medaug/b.nii", "out/c.nii", "older/.medaug/run", "older/d.nii")
    (tmp_path / "link.nii").symlink_to("out/c.nii")
    tree = walk_dataset(tmp_path, exclude=[tmp_path / "out", tmp_path])
    assert tree.files == ("a.nii",)
    assert [entry[:2] for entry in tree.left_alone] == [("older", "medaug_root")]
    assert tree.warnings[0].startswith("older: left alone")


def test_a_missing_dataset_and_a_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.nii")
    with pytest.raises(DatasetError, match="no such folder"):
        walk_dataset(tmp_path / "none")
    with pytest.raises(DatasetError, match="is a file; name the folder"):
        walk_dataset(tmp_path / "a.nii")


def test_files_are_counted_by_suffix_and_uids_have_none(tmp_path: Path) -> None:
    write(tmp_path, "a.NII.gz", "b.nii.gz", "1.2.840.113", "c.txt")
    assert walk_dataset(tmp_path).count_by_suffix() == "4 files (2 .nii.gz, 1 without suffix, 1 .txt)"
