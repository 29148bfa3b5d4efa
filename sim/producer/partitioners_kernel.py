"""Where a message goes: hashes of keys (KP-17, librdkafka's, RQ-10, RQ-12), or none (KP-18)."""

from zlib import crc32 as crc32_of

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import I32, I64
from sim.foundation.jit import kernel

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


@kernel
def _murmur2(data, start, stop):
    length = stop - start
    h = (_SEED ^ length) & _MASK
    at = start
    while stop - at >= 4:
        k = data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
        k = (k * _M) & _MASK
        k ^= k >> 24
        k = (k * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
        at += 4
    rest = stop - at
    if rest == 3:
        h ^= data[at + 2] << 16
    if rest >= 2:
        h ^= data[at + 1] << 8
    if rest >= 1:
        h ^= data[at]
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    h ^= h >> 15
    return h


@kernel
def _murmur2_all(data, ends, out):
    start = 0
    for i in range(ends.size):
        out[i] = _murmur2(data, start, ends[i])
        start = ends[i]


@kernel
def _murmur2_numbered(prefix, out):
    data = np.zeros(prefix.size + 20, np.int64)
    data[: prefix.size] = prefix
    for i in range(out.size):
        digits = 1
        while 10**digits <= i:
            digits += 1
        rest = i
        for place in range(digits):
            data[prefix.size + digits - 1 - place] = 48 + rest % 10
            rest //= 10
        out[i] = _murmur2(data, 0, prefix.size + digits)


def murmur2_numbered(prefix: bytes, n: int) -> I64:
    """`murmur2` of ``prefix0``, ``prefix1``, … without making these keys."""
    out = np.zeros(n, np.int64)
    _murmur2_numbered(np.frombuffer(prefix, np.uint8).astype(np.int64), out)
    return out


def murmur2(keys: list[bytes]) -> I64:
    """32-bit hash of each key, unsigned (Kafka 4.0, ``Utils.murmur2``, which returns it signed)."""
    out = np.zeros(len(keys), np.int64)
    # Eight bytes a byte, so that the kernel's arithmetic stays in int64.
    data = np.frombuffer(b"".join(keys), np.uint8).astype(np.int64)
    _murmur2_all(data, np.cumsum([len(key) for key in keys], dtype=np.int64), out)
    return out


@kernel
def _times(a, b):
    """The lower 32 bits of a product, in halves, so that int64 holds them."""
    return ((a & 0xFFFF) * b + (((a >> 16) * b & 0xFFFF) << 16)) & _MASK


@kernel
def _rotated(a, bits):
    return (a << bits | a >> (32 - bits)) & _MASK


@kernel
def _murmur3(data, ends, seed, out):
    start = 0
    for i in range(ends.size):
        h = seed
        stop = ends[i]
        for at in range(start, stop, 4):
            k = 0
            for place in range(min(4, stop - at)):
                k |= data[at + place] << 8 * place
            h ^= _times(_rotated(_times(k, 0xCC9E2D51), 15), 0x1B873593)
            if stop - at >= 4:
                h = (_rotated(h, 13) * 5 + 0xE6546B64) & _MASK
        h ^= stop - start
        h = _times(h ^ h >> 16, 0x85EBCA6B)
        h = _times(h ^ h >> 13, 0xC2B2AE35)
        out[i] = h ^ h >> 16
        start = stop


def murmur3(keys: list[bytes], seed: int) -> I64:
    """MurmurHash3 of each key (x86, 32 bits), unsigned."""
    out = np.zeros(len(keys), np.int64)
    data = np.frombuffer(b"".join(keys), np.uint8).astype(np.int64)
    _murmur3(data, np.cumsum([len(key) for key in keys], dtype=np.int64), seed, out)
    return out


@kernel
def _crc32_numbered(prefix_crc, table, out):
    for i in range(out.size):
        digits = 1
        while 10**digits <= i:
            digits += 1
        crc = prefix_crc ^ _MASK
        for place in range(digits - 1, -1, -1):
            byte = 48 + (i // 10**place) % 10
            index = (crc ^ byte) & 0xFF
            crc = (crc >> 8) ^ table[index]
        out[i] = crc ^ _MASK


def crc32(keys: list[bytes]) -> I64:
    """CRC-32 of each key, as librdkafka's ``consistent`` partitioners use it."""
    return np.array([crc32_of(key) for key in keys], np.int64)


def crc32_numbered(prefix: bytes, n: int) -> I64:
    """`crc32` of ``prefix0``, ``prefix1``, … without making these keys."""
    out = np.zeros(n, np.int64)
    _crc32_numbered(crc32_of(prefix), _crc_table(), out)
    return out


def _crc_table() -> I64:
    """[256] of the reflected polynomial 0xEDB88320."""
    table = np.arange(256, dtype=np.int64)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ 0xEDB88320, table >> 1)
    return table


def partitions_of(hashes: I64, partitions: int) -> I32:
    """[keys] partition of each key: Java's ``(murmur2(key) & 0x7fffffff) % partitions`` (KP-17)."""
    return ((hashes & 0x7FFFFFFF) % partitions).astype(np.int32)


def jump_hash(keys: NDArray[np.uint64], buckets: int) -> I64:
    """Bucket of each key by jump consistent hash (Lamping and Veach, arXiv:1406.2294).

    One bucket more takes its share of keys from all the others, and moves no other key.
    """
    seed = keys.astype(np.uint64)
    bucket = np.full(keys.size, -1, np.int64)
    jump = np.zeros(keys.size, np.int64)
    while (going := jump < buckets).any():
        bucket = np.where(going, jump, bucket)
        seed = seed * np.uint64(2862933555777941757) + np.uint64(1)
        part = 2.0**31 / ((seed >> np.uint64(33)).astype(np.float64) + 1.0)
        jump = np.where(going, ((bucket + 1) * part).astype(np.int64), jump)
    return bucket


@kernel
def sticky(size_bytes, batch_bytes, choices, out):
    """Partition of each keyless record: stay until ``batch_bytes`` are produced to it (KP-18).

    ``size_bytes`` int32 [messages] or [1]; ``choices`` int32 [switches], partitions in the order
    in which they are chosen, used again from the start when exhausted; ``out`` int32 [messages].
    """
    at = 0
    produced = 0
    for i in range(out.size):
        if produced >= batch_bytes:
            at += 1
            produced = 0
        out[i] = choices[at % choices.size]
        produced += size_bytes[0] if size_bytes.size == 1 else size_bytes[i]
