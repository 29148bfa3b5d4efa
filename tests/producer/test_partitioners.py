"""Which partition a key goes to, as the clients compute it."""

import numpy as np

from sim.producer.partitioners_kernel import (
    crc32,
    crc32_numbered,
    murmur2,
    murmur2_numbered,
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
    out = np.zeros(10, np.int32)
    sticky(np.array([300], np.int32), 1_000, np.array([2, 0, 1], np.int32), out)
    assert out.tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]
