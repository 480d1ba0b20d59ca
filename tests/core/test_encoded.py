"""Encoded files: their voxels are hashed when a record asks, and once."""

from __future__ import annotations

from medaug_cli.core.encoded import EncodedFile


def test_voxels_are_hashed_once_and_only_when_asked_for() -> None:
    asked: list[str] = []

    def hash_voxels() -> str:
        asked.append("now")
        return "ab12"

    file = EncodedFile("a.dcm", (b"by", memoryview(b"tes")), hash_voxels, "int16", clipped=3)
    assert (file.data, asked) == (b"bytes", [])
    told = file.told()
    assert (told.voxel_sha256, file.voxel_sha256, told.told().voxel_sha256) == ("ab12", "ab12", "ab12")
    assert asked == ["now"]
    assert (told.data, told.path, told.clipped) == (b"", "a.dcm", 3)
