"""Where a message goes: hashes of keys (KP-17, librdkafka's, RQ-10, RQ-12), or none (KP-18)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import I32, I64, U8, U32
from sim.producer import partitioners_kernel as k

_DIGITS = 19
"""The most that a number of 64 bits has."""


def murmur2(keys: Sequence[bytes]) -> I64:
    """32-bit hash of each key, unsigned (Kafka 4.0, ``Utils.murmur2``, which returns it signed)."""
    out = np.zeros(len(keys), np.int64)
    k.murmur2_all(*_joined(keys), out)
    return out


def murmur2_numbered(prefix: bytes, n: int) -> I64:
    """`murmur2` of ``prefix0``, ``prefix1``, … without making these keys."""
    out = np.zeros(n, np.int64)
    key = np.zeros(len(prefix) + _DIGITS, np.uint8)
    key[: len(prefix)] = np.frombuffer(prefix, np.uint8)
    k.murmur2_numbered(key, len(prefix), out)
    return out


def murmur3(keys: Sequence[bytes], seed: int) -> I64:
    """MurmurHash3 of each key (x86, 32 bits), unsigned."""
    out = np.zeros(len(keys), np.int64)
    k.murmur3_all(*_joined(keys), seed, out)
    return out


def crc32(keys: Sequence[bytes]) -> I64:
    """CRC-32 of each key, as librdkafka's ``consistent`` partitioners use it."""
    out = np.zeros(len(keys), np.int64)
    k.crc32_all(*_joined(keys), _crc_table(), out)
    return out


def crc32_numbered(prefix: bytes, n: int) -> I64:
    """`crc32` of ``prefix0``, ``prefix1``, … without making these keys."""
    out = np.zeros(n, np.int64)
    k.crc32_numbered(int(crc32([prefix])[0]), _crc_table(), out)
    return out


def _joined(keys: Sequence[bytes]) -> tuple[U8, I64]:
    """[bytes] all keys in a row, and [keys] where each ends."""
    ends = np.cumsum([len(key) for key in keys], dtype=np.int64)
    return np.frombuffer(b"".join(keys), np.uint8), ends


def _crc_table() -> U32:
    """[256] of the reflected polynomial 0xEDB88320."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0xEDB88320), table >> 1)
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


def sticky(size_bytes: I32, batch_bytes: int, choices: I32, n: int, before: int = 0) -> I32:
    """[n] partition of each keyless record: stay until ``batch_bytes`` are produced to it (KP-18).

    Args:
        size_bytes: [n] or [1], of each record.
        batch_bytes: the producer's ``batch.size``.
        choices: [switches] partitions in the order in which they are chosen, used again from the
            start when exhausted.
        n: records.
        before: records that came before these; then all are of one size.
    """
    if before:
        (one,) = size_bytes.tolist()
        # As many as make a batch are of one choice; of an empty batch, the first is passed over.
        choice = (before + np.arange(n)) // max(1, -(-batch_bytes // one)) + (batch_bytes <= 0)
        after: I32 = choices[choice % choices.size]
        return after
    out = np.zeros(n, np.int32)
    k.sticky(size_bytes, batch_bytes, choices, out)
    return out
