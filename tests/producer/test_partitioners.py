"""Which partition a key goes to, as the clients compute it."""

import zlib

import numpy as np
import pytest

from helpers.plain_kernel import plain
from sim.producer import partitioners, partitioners_kernel
from sim.producer.partitioners import (
    crc32,
    crc32_numbered,
    murmur2,
    murmur2_numbered,
    murmur3,
    partitions_of,
    sticky,
)


def test_KP_17_murmur2_vectors():
    """Vectors of Kafka's UtilsTest; Kafka returns the hash as a signed 32-bit number."""
    vectors = {
        "21": -973932308,
        "foobar": -790332482,
        "a-little-bit-long-string": -985981536,
        "a-little-bit-longer-string": -1486304829,
        "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        "abc": 479470107,
    }
    keys = [key.encode() for key in vectors]
    assert murmur2(keys).astype(np.uint32).astype(np.int32).tolist() == list(vectors.values())
    assert partitions_of(murmur2(keys), 7).tolist() == [
        (value & 0x7FFFFFFF) % 7 for value in vectors.values()
    ]


def test_numbered_keys_hash_as_their_names_do():
    names = [f"txn-{i}".encode() for i in range(1_234)]
    np.testing.assert_array_equal(murmur2_numbered(b"txn-", 1_234), murmur2(names))
    np.testing.assert_array_equal(crc32_numbered(b"txn-", 1_234), crc32(names))


def test_the_same_keys_land_elsewhere_in_another_language():
    """Measured with librdkafka 2.16 on 4 partitions: three of four keys move."""
    keys = [b"21", b"foobar", b"abc", b"a-little-bit-long-string"]
    java = partitions_of(murmur2(keys), 4)
    librdkafka = crc32(keys) % 4
    assert (java != librdkafka).sum() == 3
    assert (librdkafka[1], java[1]) == (1, 2) and (librdkafka[2], java[2]) == (2, 3)


def test_KP_18_a_null_key_stays_until_a_batch_is_full():
    choices = np.array([2, 0, 1], np.int32)
    out = sticky(np.array([300], np.int32), 1_000, choices, 10)
    assert out.tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]
    # Each of its own size; the choices begin again.
    out = sticky(np.array([999, 1, 1_000, 2_000, 5, 5], np.int32), 1_000, choices, 6)
    assert out.tolist() == [2, 2, 0, 1, 2, 2]


@pytest.mark.parametrize("batch_bytes", [0, 1, 299, 300, 301, 1_000])
def test_records_without_a_key_go_on_where_those_before_them_left_off(batch_bytes):
    size, choices = np.array([300], np.int32), np.array([2, 0, 1], np.int32)
    whole = sticky(size, batch_bytes, choices, 50)
    for before in range(1, 50):
        rest = sticky(size, batch_bytes, choices, 50 - before, before)
        assert rest.tolist() == whole[before:].tolist()


def test_crc32_is_that_of_zlib():
    rng = np.random.default_rng(3)
    keys = [rng.bytes(n) for n in (0, 1, 2, 3, 4, 5, 0, 255, 256, 10_000)]
    assert crc32(keys).tolist() == [zlib.crc32(key) for key in keys]
    names = [zlib.crc32(f"txn-{i}".encode()) for i in range(1_234)]
    assert crc32_numbered(b"txn-", 1_234).tolist() == names


def test_the_compiler_changes_nothing(monkeypatch):
    def hashed():
        rng = np.random.default_rng(5)
        keys = [rng.bytes(int(n)) for n in rng.integers(0, 40, 200)]
        sizes = rng.integers(1, 400, 500, np.int32)
        return (
            murmur2(keys),
            murmur3(keys, 0xFFFFFFFF),
            crc32(keys),
            murmur2_numbered(b"\xff-", 1_001),
            crc32_numbered(b"\xff-", 1_001),
            sticky(sizes, 1_000, rng.integers(0, 7, 9, np.int32), 500),
            sticky(sizes[:1], 1_000, rng.integers(0, 7, 9, np.int32), 500),
        )

    compiled = hashed()
    monkeypatch.setattr(partitioners, "k", plain(partitioners_kernel))
    for one, other in zip(hashed(), compiled, strict=True):
        np.testing.assert_array_equal(one, other)
