"""Arrivals, keys and service draws: totals, distributions, and independence of other draws."""

import gzip

import numpy as np
import pytest
from scipy import stats

from sim.foundation.errors import LabError
from sim.producer.partitioners_kernel import (
    crc32,
    crc32_numbered,
    murmur2,
    murmur2_numbered,
    partitions_of,
    sticky,
)
from sim.scenario.load import Scenario
from sim.traffic.generate import generate, pool, service_s


def scenario(**changes):
    """A small scenario, with dotted changes."""
    data = {
        "name": "test",
        "seed": 3,
        "duration": "100 s",
        "workload": {
            "arrivals": {"profile": [{"for": "100 s", "rate": "500/s"}]},
            "keys": {"video": {"count": 20, "zipf": 1.0}, "kind": {"weights": {"a": 3, "b": 1}}},
            "service": {"job": {"per_message": "1 ms"}},
        },
        "systems": {
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": 4},
                "groups": {"g": {"consumers": 2, "does": ["job"]}},
            }
        },
    }
    return Scenario.from_mapping(data).with_(changes)


def profile(*segments, duration):
    return scenario(**{"workload.arrivals.profile": list(segments), "duration": duration})


def test_a_profile_without_dispersion_is_poisson():
    created = generate(scenario()).created_s
    assert (np.diff(created) >= 0).all()
    assert abs(created.size - 50_000) < 4 * np.sqrt(50_000)
    gaps = np.diff(created)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 500)).pvalue > 1e-3
    per_second = np.bincount(created.astype(int), minlength=100)
    assert 0.6 < per_second.var() / per_second.mean() < 1.6


@pytest.mark.parametrize("rate", ["50/s", "2_000/s"])
def test_dispersion_is_the_variance_to_mean_ratio_of_counts_per_second(rate):
    s = profile({"for": "2000 s", "rate": rate}, duration="2000 s")
    created = generate(s.with_({"workload.arrivals.dispersion": 1.5})).created_s
    per_second = np.bincount(created.astype(int), minlength=2_000)
    # The ratio's standard error is about ratio * sqrt(2 / 2000) = 0.05.
    assert per_second.var() / per_second.mean() == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize(
    ("segment", "rate_at"),
    [
        ({"for": "60 s", "from": "100/s", "to": "1000/s"}, lambda t: 100 + 15 * t),
        (
            {
                "for": "60 s",
                "spike": {
                    "base": "100/s", "peak": "2000/s", "rise": "5 s", "decay": "10 s", "at": "20 s"
                },
            },
            lambda t: 100
            + 1900 * np.where(t < 20, np.clip((t - 15) / 5, 0, 1), np.exp(-(t - 20) / 10)),
        ),
        (
            {"for": "60 s", "sine": {"mean": "500/s", "amplitude": "400/s", "period": "20 s"}},
            lambda t: 500 + 400 * np.sin(2 * np.pi * t / 20),
        ),
    ],
)  # fmt: skip
def test_the_shape_of_a_segment(segment, rate_at):
    s = profile(segment, duration="60 s").with_({"workload.arrivals.multiply": 20})
    created = generate(s).created_s
    fine = (np.arange(60_000) + 0.5) / 1_000
    expected = 20 * rate_at(fine).reshape(60, 1_000).mean(axis=1)
    counts = np.bincount(created.astype(int), minlength=60)
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-4
    assert abs(counts.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())


def test_counts_keep_their_totals_at_any_scale():
    values = [100, 0, 7, 50]
    s = scenario(
        **{"workload.arrivals.counts": {"values": values, "interval": "25 s"}, "duration": 100}
    )
    for dispersion in (1.0, 2.0):
        created = generate(s.with_({"workload.arrivals.dispersion": dispersion})).created_s
        assert np.histogram(created, [0, 25, 50, 75, 100])[0].tolist() == values
    thirds = generate(s.with_(scale=1 / 3)).created_s
    assert np.histogram(thirds, [0, 25, 50, 75, 100])[0].tolist() == [33, 0, 3, 16]


def trace_file(folder, text):
    path = folder / "trace.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(text)
    return str(path)


def test_a_trace_is_cropped_and_its_missing_rows_are_nothing(tmp_path):
    path = trace_file(
        tmp_path,
        "t,bytes,n\n2020-01-01 00:00,9,5\n2020-01-01 00:01,9,6\n2020-01-01 00:03,9,8\n",
    )
    s = scenario(**{"workload.arrivals.trace": {"path": path, "column": "n"}})
    m = generate(s)
    assert m.duration_s == 240
    assert np.histogram(m.created_s, [0, 60, 120, 180, 240])[0].tolist() == [5, 6, 0, 8]
    later = s.with_({"workload.arrivals.trace.start": "2020-01-01 00:01"})
    assert np.histogram(generate(later).created_s, [0, 60, 120, 180])[0].tolist() == [6, 0, 8]
    assert len(generate(s.with_({"workload.arrivals.trace.end": "2020-01-01 00:02"}))) == 11


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t,n\nyesterday,5\n", "timestamp first"),
        ("t,n\n2020-01-01,-5\n2020-01-02,1\n", ":2: expected a count"),
        ("t,n\n2020-01-02,5\n2020-01-01,5\n", "do not ascend"),
        ("t\n2020-01-02\n", "two columns"),
        ("", "not a trace"),
    ],
)
def test_a_bad_trace_is_explained(tmp_path, text, says):
    s = scenario(**{"workload.arrivals.trace": trace_file(tmp_path, text)})
    with pytest.raises(LabError, match=says):
        generate(s)


def test_keys_are_zipf_by_weights_and_independent():
    m = generate(scenario(**{"workload.arrivals.multiply": 10}))
    of_video, videos = m.keys_by(["video"])
    of_kind, kinds = m.keys_by(["kind"])
    assert videos[:2] == ["video-0", "video-1"] and kinds == ["a", "b"]
    table = np.zeros((20, 2))
    np.add.at(table, (of_video[m.entity], of_kind[m.entity]), 1)
    zipf = 1 / np.arange(1, 21)
    expected = np.outer(zipf / zipf.sum(), [0.75, 0.25]) * len(m)
    assert stats.chisquare(table.ravel(), expected.ravel()).pvalue > 1e-4


@pytest.mark.parametrize(
    ("spec", "law"),
    [
        ({"exponential": "4 ms"}, stats.expon(0, 4e-3)),
        (
            {"lognormal": {"median": "3 ms", "p99": "30 ms"}},
            stats.lognorm(np.log(10) / stats.norm.ppf(0.99), scale=3e-3),
        ),
        ({"gamma": {"mean": "2 ms", "cv": 0.5}}, stats.gamma(4, scale=5e-4)),
    ],
)
def test_service_times_and_latencies_have_their_distribution(spec, law):
    s = scenario(**{"workload.service.job.per_message": spec})
    distribution = s.workload.service["job"].per_message
    assert stats.kstest(service_s(s, 20_000, ["job"]), law.cdf).pvalue > 1e-3
    assert stats.kstest(pool(s, "call", distribution)[:20_000], law.cdf).pvalue > 1e-3
    assert distribution.mean_s() == pytest.approx(law.mean(), rel=1e-6)


def test_streams_do_not_depend_on_each_other():
    s = scenario(**{"workload.service.job.per_message": {"exponential": "1 ms"}})
    service = {"per_message": {"exponential": "1 ms"}}
    other = s.with_(
        {
            "workload.service": {"job": service, "second": service},
            "systems.kafka.groups.g.does": ["job", "second"],
        }
    )
    first = service_s(s, 1_000, ["job"])
    np.testing.assert_array_equal(first, service_s(other, 1_000, ["job"]))
    both = service_s(other, 1_000, ["job", "second"])
    np.testing.assert_array_equal(both, first + service_s(other, 1_000, ["second"]))
    assert not np.array_equal(first, service_s(other, 1_000, ["second"]))
    np.testing.assert_array_equal(generate(s).created_s, generate(other).created_s)


def test_one_in_so_many_messages_is_slow_and_the_others_take_what_they_took():
    n, share = 2_500_000, 0.001
    plain = scenario(**{"workload.service.job.per_message": {"exponential": "1 ms"}})
    slow = plain.with_({"workload.service.job.slow": {"share": share, "time": "30 s"}})
    before, after = (service_s(s, n, ["job"]) for s in (plain, slow))
    hit = after == 30
    assert abs(hit.sum() - share * n) < 4 * np.sqrt(share * n)
    np.testing.assert_array_equal(after[~hit], before[~hit])
    longer = slow.with_({"workload.service.job.slow.time": {"exponential": "30 s"}})
    drawn = service_s(longer, n, ["job"])
    np.testing.assert_array_equal(drawn[~hit], before[~hit])
    assert stats.kstest(drawn[hit], stats.expon(scale=30).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("share", "slow"), [(0, 0.0), (1, 1.0)])
def test_none_or_all_messages_are_slow(share, slow):
    s = scenario(**{"workload.service.job.slow": {"share": share, "time": "2 s"}})
    assert (service_s(s, 1_000, ["job"]) == 2).mean() == slow


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


def test_a_lifecycle_enters_its_states_in_order():
    lifecycle = {
        "states": ["pending", "processing", "settled"],
        "gap": {"exponential": "5 s"},
        "amount": {"median": 40, "p99": 900},
    }
    s = scenario(**{"workload.keys": {"transaction": {"lifecycle": lifecycle}}})
    m = generate(s)
    assert m.posting_cents is not None and m.states == ["pending", "processing", "settled"]
    entities = len(m) // 3
    assert abs(entities - 50_000) < 1_000 and m.dims["transaction"][7] == "transaction-7"
    assert (np.diff(m.created_s) >= 0).all() and m.duration_s >= m.created_s[-1]
    order = np.lexsort([m.created_s, m.entity])
    assert (m.entity[order].reshape(-1, 3) == np.arange(entities)[:, None]).all()
    gaps = np.diff(m.created_s[order].reshape(-1, 3), axis=1)
    assert stats.kstest(gaps.ravel(), stats.expon(0, 5).cdf).pvalue > 1e-3
    posted = m.posting_cents[order].reshape(-1, 3)
    assert not posted[:, :2].any()
    assert np.median(posted[:, 2]) == pytest.approx(4_000, rel=0.05)
    assert np.quantile(posted[:, 2], 0.99) == pytest.approx(90_000, rel=0.1)


def test_KP_18_a_null_key_stays_until_a_batch_is_full():
    out = np.zeros(10, np.int32)
    sticky(np.array([300], np.int32), 1_000, np.array([2, 0, 1], np.int32), out)
    assert out.tolist() == [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]
