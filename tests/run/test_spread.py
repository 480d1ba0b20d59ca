"""Spread: with fewer samples than workers, copies of one sample go to several."""

from __future__ import annotations

import pytest

from medaug_cli.core.sample import Sample
from medaug_cli.plan import Job, spread


def job(sample_id: str, copies: int) -> Job:
    return Job(Sample(sample_id, "nifti", ()), tuple(range(1, copies + 1)))


@pytest.mark.parametrize(
    ("copies", "workers", "expected"),
    [
        ([4], 2, [2, 2]),
        ([4], 3, [1, 1, 2]),
        ([5, 1], 4, [1, 1, 2, 2]),
        ([1, 1], 4, [1, 1]),
        ([3, 3], 2, [3, 3]),
        ([], 2, []),
    ],
)
def test_jobs_are_halved_until_every_worker_has_one(copies: list[int], workers: int, expected: list[int]) -> None:
    jobs = [job(f"case{number}", count) for number, count in enumerate(copies)]
    parts = spread(jobs, workers)
    assert sorted(len(part.copies) for part in parts) == sorted(expected)
    every = [(part.sample.id, copy) for part in parts for copy in part.copies]
    assert sorted(every) == sorted((one.sample.id, copy) for one in jobs for copy in one.copies)


def test_no_job_has_more_than_sixteen_copies() -> None:
    parts = spread([job("case", 40)], workers=2)
    assert [part.copies for part in parts] == [tuple(range(1, 17)), tuple(range(17, 33)), tuple(range(33, 41))]
