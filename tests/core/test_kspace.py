"""K-space without Fourier transforms of volumes, against NumPy's Fourier transform in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from medaug_cli.core.kspace import add_filtered, add_wave, coefficient, largest_magnitude, turns

SHAPES = [(6, 7, 9), (1, 70, 5), (8, 2, 65), (64, 3, 1), (1, 1, 1), (31, 130, 4)]


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).normal(100, 30, shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_gain_along_an_axis_is_that_of_the_fourier_transform(shape: tuple[int, int, int], axis: int) -> None:
    """The gain is not symmetric, so the result is complex; its real part counts."""
    array = noise(shape)
    gain = np.random.default_rng(2).uniform(0, 1, shape[axis])
    spectrum = np.fft.fftshift(np.fft.fft(array.astype(float), axis=axis), axes=axis)
    along = np.expand_dims(gain, tuple(n for n in range(3) if n != axis))
    expected = np.fft.ifft(np.fft.ifftshift(spectrum * along, axes=axis), axis=axis).real
    target = np.full(shape, 5, np.float32)
    add_filtered(array, axis, gain, target)
    assert np.abs(target - 5 - expected).max() <= 2e-4


def test_source_and_target_may_be_one_array() -> None:
    array = noise((9, 70, 8))
    target = array.copy()
    add_filtered(array, 1, np.linspace(0, 1, 70), target)
    add_filtered(array, 1, np.linspace(0, 1, 70), array)
    assert np.array_equal(array, target)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 189, 233, 512])
def test_sines_and_cosines_are_right_to_the_last_place_of_a_double(count: int) -> None:
    cosine, sine = turns(count)
    angle = 2 * np.pi * np.arange(count) / count
    assert np.abs(cosine - np.cos(angle)).max() <= 1e-15
    assert np.abs(sine - np.sin(angle)).max() <= 1e-15
    assert np.abs(cosine**2 + sine**2 - 1).max() <= 4e-16


@pytest.mark.parametrize("frequency", [(0, 0, 0), (1, 0, -2), (-3, 3, 4)])
def test_one_coefficient_is_that_of_the_fourier_transform(frequency: tuple[int, int, int]) -> None:
    array = noise((6, 7, 9))
    expected = np.fft.fftn(array.astype(float))[frequency]
    assert coefficient(array, frequency) == pytest.approx(complex(expected), rel=1e-12)


@pytest.mark.parametrize("frequency", [(0, 0, 0), (1, 0, -2), (-3, 3, 4)])
def test_a_wave_is_one_point_of_the_spectrum(frequency: tuple[int, int, int]) -> None:
    array = noise((6, 7, 9))
    spectrum = np.fft.fftn(array.astype(float))
    spectrum[frequency] += (300 - 200j) * array.size
    add_wave(array, frequency, 300, -200)
    assert np.abs(array - np.fft.ifftn(spectrum).real).max() <= 2e-4


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_long_lines_are_filtered_alike(axis: int) -> None:
    shape = tuple(np.roll([801, 3, 2], axis))
    array, gain = noise(shape), np.random.default_rng(2).uniform(0, 1, 801)
    spectrum = np.fft.fftshift(np.fft.fft(array.astype(float), axis=axis), axes=axis)
    along = np.expand_dims(gain, tuple(n for n in range(3) if n != axis))
    expected = np.fft.ifft(np.fft.ifftshift(spectrum * along, axes=axis), axis=axis).real
    target = np.zeros(shape, np.float32)
    add_filtered(array, axis, gain, target)
    assert np.abs(target - expected).max() <= 2e-4


def test_the_greatest_magnitude_is_that_of_zero_frequency_or_of_another() -> None:
    for array in (noise((6, 7, 9)), noise((6, 7, 9)) - np.float32(100)):
        assert largest_magnitude(array) == pytest.approx(np.abs(np.fft.fftn(array.astype(float))).max(), rel=1e-5)
