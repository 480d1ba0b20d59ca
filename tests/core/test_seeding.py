"""Seeds: the same words give the same numbers, other words others."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from medaug_cli.core.seeding import digest, keyed_hash, make_generator


def test_the_same_words_give_the_same_numbers() -> None:
    first, second = (make_generator(7, "case01", 1, "steps[0]") for _ in range(2))
    assert np.array_equal(first.random(10), second.random(10))


@pytest.mark.parametrize(
    ("seed", "words"),
    [(8, ("ab", "c")), (7, ("a", "bc")), (7, ("abc",)), (7, ("c", "ab")), (7, ("ab", "c", "")), (7, ("ab", "C"))],
)
def test_other_words_or_another_seed_give_other_numbers(seed: int, words: tuple[str, ...]) -> None:
    assert make_generator(7, "ab", "c").random() != make_generator(seed, *words).random()


def test_the_digest_is_sha_256_of_words_with_their_lengths() -> None:
    """Written down, since every copy that was ever made depends on it."""
    assert digest("ab", 1, "é") == hashlib.sha256("2:ab1:12:é".encode()).digest()


def test_the_numbers_of_a_seed_are_those_of_numpys_pcg64() -> None:
    expected = np.random.Generator(np.random.PCG64(int.from_bytes(digest(7, "a"), "big"))).random(3)
    assert np.array_equal(make_generator(7, "a").random(3), expected)


def test_a_keyed_hash_needs_its_key_to_be_made_again() -> None:
    assert keyed_hash("one", "patient") == keyed_hash("one", "patient")
    assert keyed_hash("one", "patient") != keyed_hash("other", "patient")
