"""Hashes of many keys, and where records without a key go; `sim.producer.partitioners` has both.

Hashes are of 32 bits and lie in int64 columns, so that they have no sign. In C a number of 32 bits
drops what is above them by itself; the masks are for Python, whose numbers grow.
"""

import cython

from sim.foundation import num
from sim.foundation.arrays import I32, I64, U8, U32


def _murmur2(data: U8, start: int, stop: int) -> int:
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    h = 0x9747B28C
    h ^= stop - start
    at = start
    while stop - at >= 4:
        word = num.integer(data[at]) | num.integer(data[at + 1]) << 8
        word |= num.integer(data[at + 2]) << 16 | num.integer(data[at + 3]) << 24
        word = word * m & mask
        word ^= word >> 24
        word = word * m & mask
        h = h * m & mask ^ word
        at += 4
    rest = stop - at
    if rest == 3:
        h ^= num.integer(data[at + 2]) << 16
    if rest >= 2:
        h ^= num.integer(data[at + 1]) << 8
    if rest >= 1:
        h ^= num.integer(data[at])
        h = h * m & mask
    h ^= h >> 13
    h = h * m & mask
    h ^= h >> 15
    return h


def _murmur2_all(data: U8, ends: I64, out: I64) -> None:
    start = 0
    for i in range(ends.shape[0]):
        stop = num.integer(ends[i])
        out[i] = _murmur2(data, start, stop)
        start = stop


def murmur2_all(data: U8, ends: I64, out: I64) -> None:
    """Murmur2 of keys into ``out`` [keys]: their bytes in a row, and [keys] where each ends."""
    with cython.nogil:
        _murmur2_all(data, ends, out)


def _murmur2_numbered(key: U8, prefix: int, out: I64) -> None:
    digits = 1
    longer = 10
    for i in range(out.shape[0]):
        if i == longer:
            digits += 1
            longer *= 10
        rest = i
        for place in range(digits):
            key[prefix + digits - 1 - place] = 48 + rest % 10
            rest //= 10
        out[i] = _murmur2(key, 0, prefix + digits)


def murmur2_numbered(key: U8, prefix: int, out: I64) -> None:
    """Murmur2 of keys that end in 0, 1, … into ``out`` [keys].

    ``key`` [prefix + room for digits]: its first ``prefix`` bytes are those of every key.
    """
    with cython.nogil:
        _murmur2_numbered(key, prefix, out)


def _murmur3_all(data: U8, ends: I64, seed: int, out: I64) -> None:
    mask = 0xFFFFFFFF
    c1 = 0xCC9E2D51
    c2 = 0x1B873593
    more = 0xE6546B64
    m1 = 0x85EBCA6B
    m2 = 0xC2B2AE35
    start = 0
    for i in range(ends.shape[0]):
        h = seed
        stop = num.integer(ends[i])
        for at in range(start, stop, 4):
            word = 0
            for place in range(min(4, stop - at)):
                word |= num.integer(data[at + place]) << 8 * place
            word = word * c1 & mask
            word = (word << 15 | word >> 17) & mask
            h ^= word * c2 & mask
            if stop - at >= 4:
                h = (h << 13 | h >> 19) & mask
                h = h * 5 + more & mask
        h ^= stop - start
        h = (h ^ h >> 16) * m1 & mask
        h = (h ^ h >> 13) * m2 & mask
        out[i] = h ^ h >> 16
        start = stop


def murmur3_all(data: U8, ends: I64, seed: int, out: I64) -> None:
    """MurmurHash3 of keys into ``out`` [keys]: their bytes in a row, and [keys] where each ends."""
    with cython.nogil:
        _murmur3_all(data, ends, seed, out)


def _crc32_all(data: U8, ends: I64, table: U32, out: I64) -> None:
    mask = 0xFFFFFFFF
    at = 0
    for i in range(ends.shape[0]):
        crc = mask
        while at < ends[i]:
            crc = crc >> 8 ^ num.integer(table[(crc ^ num.integer(data[at])) & 0xFF])
            at += 1
        out[i] = crc ^ mask


def crc32_all(data: U8, ends: I64, table: U32, out: I64) -> None:
    """CRC-32 of keys into ``out`` [keys]: their bytes in a row, and [keys] where each ends.

    ``table`` [256]: what a byte does to the remainder.
    """
    with cython.nogil:
        _crc32_all(data, ends, table, out)


def _crc32_numbered(prefix_crc: int, table: U32, out: I64) -> None:
    mask = 0xFFFFFFFF
    longest = 1  # 1, 10, 100, …: as many digits as the number has
    for i in range(out.shape[0]):
        if i == longest * 10:
            longest *= 10
        crc = prefix_crc
        crc ^= mask
        power = longest
        while power > 0:
            crc = crc >> 8 ^ num.integer(table[(crc ^ (48 + i // power % 10)) & 0xFF])
            power //= 10
        out[i] = crc ^ mask


def crc32_numbered(prefix_crc: int, table: U32, out: I64) -> None:
    """CRC-32 of keys that end in 0, 1, … into ``out`` [keys].

    ``prefix_crc``: of what each key begins with; ``table`` [256]: what a byte does to the
    remainder.
    """
    with cython.nogil:
        _crc32_numbered(prefix_crc, table, out)


def _sticky(size_bytes: I32, batch_bytes: int, choices: I32, out: I32) -> None:
    every = 0 if size_bytes.shape[0] == 1 else 1
    at = 0
    produced = 0
    for i in range(out.shape[0]):
        if produced >= batch_bytes:
            at += 1
            if at == choices.shape[0]:
                at = 0
            produced = 0
        out[i] = choices[at]
        produced += num.integer(size_bytes[i * every])


def sticky(size_bytes: I32, batch_bytes: int, choices: I32, out: I32) -> None:
    """Partition of each record without a key into ``out`` [records] (KP-18).

    ``size_bytes`` [records] or [1]; ``choices`` [switches], partitions in the order in which they
    are chosen, used again from the start when exhausted.
    """
    with cython.nogil:
        _sticky(size_bytes, batch_bytes, choices, out)
