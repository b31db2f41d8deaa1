"""Decimal text into float64 inside the compiled scan of CSV: exactly rounded, or said to be in doubt.

:mod:`csv_kernel` calls these; numba's cache of it notices a change here only when that file changes too.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from titleshot.datasets.importers.delimited.csv_machine import leading_zeros, product, word

_ZERO, _MINUS, _PLUS = 48, 45, 43
_SMALLEST, _LARGEST = -120, 120


def _powers() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """For 5**e: its 64 highest bits, cut, and the power of two they are times."""
    mantissas, shifts = [], []
    for exponent in range(_SMALLEST, _LARGEST + 1):
        if exponent >= 0:
            top, down = 5**exponent, 0
        else:
            down = 5**-exponent
            top, down = (1 << (down.bit_length() + 64)) // down, down.bit_length() + 64
        shift = top.bit_length() - 64
        mantissas.append(top >> shift if shift > 0 else top << -shift)
        shifts.append(shift - down)
    return np.array(mantissas, np.uint64), np.array(shifts, np.int64)


_FIVES, _SHIFTS = _powers()
_TENS = 10.0 ** np.arange(23)
_TWOS = 2.0 ** np.arange(-1000.0, 900.0)


@njit(cache=True, nogil=True, forceinline=True)
def _rounded(mantissa, exponent):  # type: ignore[no-untyped-def]
    """``mantissa * 10**exponent`` rounded to nearest even, and whether that is certain.

    The product with the 64 highest bits of the power of five is too small by less than one unit of its upper
    word, so only a remainder just below a half is in doubt (Lemire, Number parsing at a gigabyte per second,
    2021, without its second product: what is in doubt here is read by Python instead).
    """
    if mantissa == np.uint64(0):
        return 0.0, True
    if mantissa <= np.uint64(1 << 53) and -22 <= exponent <= 22:
        value = np.float64(mantissa)
        return (value / _TENS[-exponent] if exponent < 0 else value * _TENS[exponent]), True
    if exponent < _SMALLEST or exponent > _LARGEST:
        return 0.0, False
    zeros = leading_zeros(mantissa)
    upper, lower = product(mantissa << zeros, _FIVES[exponent - _SMALLEST])
    drop = np.uint64(10) + (upper >> np.uint64(63))
    half = np.uint64(1) << (drop - np.uint64(1))
    rest = upper & ((half << np.uint64(1)) - np.uint64(1))
    kept = upper >> drop
    exact = 0 <= exponent <= 27
    if rest + np.uint64(1) == half and not exact:
        return 0.0, False
    if rest > half or (
        rest == half and (lower != np.uint64(0) or not exact or (kept & np.uint64(1)) != np.uint64(0))
    ):
        kept += np.uint64(1)
    power = np.int64(drop) + 64 - np.int64(zeros) + _SHIFTS[exponent - _SMALLEST] + exponent
    return np.float64(kept) * _TWOS[power + 1000], True


@njit(cache=True, nogil=True, forceinline=True)
def _all_digits(eight):  # type: ignore[no-untyped-def]
    """Whether eight bytes are all of 0 to 9: the upper half of each is 3, also with 6 added to the lower."""
    high, three = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x3030303030303030)
    return ((eight & high) == three) & (((eight + np.uint64(0x0606060606060606)) & high) == three)


@njit(cache=True, nogil=True, forceinline=True)
def _eight_digits(eight):  # type: ignore[no-untyped-def]
    """The number that eight digits write: neighbours become pairs, pairs fours, fours one."""
    pairs = (eight & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(10 * 2**8 + 1) >> np.uint64(8)
    fours = (pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 * 2**16 + 1) >> np.uint64(16)
    return (fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10_000 * 2**32 + 1) >> np.uint64(32)


@njit(cache=True, nogil=True, forceinline=True)
def number(data, at, decimal):  # type: ignore[no-untyped-def]
    """A number from ``at``: (value, whether certain, end); an end of ``at`` means there is none."""
    begin = at
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += 1
    first = at
    mantissa = np.uint64(0)
    digit = data[at] - _ZERO
    while digit <= 9 and digit >= 0:
        mantissa = mantissa * np.uint64(10) + np.uint64(digit)
        at += 1
        digit = data[at] - _ZERO
    digits = at - first
    exponent = 0
    if data[at] == decimal:
        at += 1
        point = at
        eight = word(data, at)
        while _all_digits(eight):
            mantissa = mantissa * np.uint64(100_000_000) + _eight_digits(eight)
            at += 8
            eight = word(data, at)
        digit = data[at] - _ZERO
        while digit <= 9 and digit >= 0:
            mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            at += 1
            digit = data[at] - _ZERO
        exponent = point - at
        digits -= exponent
    if digits == 0:
        return 0.0, False, begin
    if data[at] == 101 or data[at] == 69:  # e, E
        mark = at
        at += 1
        down = data[at] == _MINUS
        if down or data[at] == _PLUS:
            at += 1
        power, powers = 0, at
        digit = data[at] - _ZERO
        while digit <= 9 and digit >= 0:
            if power < 10_000:
                power = power * 10 + digit
            at += 1
            digit = data[at] - _ZERO
        if at == powers:
            return 0.0, False, mark
        exponent += -power if down else power
    # Nineteen digits fit 64 bits; leading zeros count as digits, which only costs time.
    if digits > 19:
        return 0.0, False, at
    value, certain = _rounded(mantissa, exponent)
    return (-value if negative else value), certain, at
