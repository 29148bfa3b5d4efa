"""Arrivals, keys and service draws: totals, distributions, and independence of other draws."""

import numpy as np
import pytest
from scipy import stats

from helpers.fault_lab import scenario as with_faults
from helpers.traffic import scenario
from sim.traffic.generate import generate, poisonous_rows, pool, service_s, strokes


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
        (
            {"quantiles": {"p50": "3 ms", "p99": "30 ms"}},
            stats.lognorm(np.log(10) / stats.norm.ppf(0.99), scale=3e-3),
        ),
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
    assert service_s(s.with_({"name": "again"}), 1_000, ["job"]) is first
    assert not first.flags.writeable
    np.testing.assert_array_equal(first, service_s(other, 1_000, ["job"]))
    both = service_s(other, 1_000, ["job", "second"])
    np.testing.assert_array_equal(both, first + service_s(other, 1_000, ["second"]))
    assert not np.array_equal(first, service_s(other, 1_000, ["second"]))
    np.testing.assert_array_equal(generate(s).created_s, generate(other).created_s)


def test_several_jobs_take_the_same_time_whether_or_not_their_draws_are_shared(monkeypatch):
    service = {"per_message": {"exponential": "3 ms"}}
    jobs = {"job": service, "second": service}
    does = {"workload.service": jobs, "systems.kafka.groups.g.does": ["job", "second"]}
    other = scenario().with_(does)
    shared = service_s(other, 3_000, ["job", "second"]).copy()
    monkeypatch.setattr("sim.traffic.generate._MOST_SHARED", 2_999)
    alone = service_s(other, 3_000, ["job", "second"])
    np.testing.assert_array_equal(alone, shared)


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


def test_one_in_so_many_messages_is_poisonous_and_nothing_else_changes():
    n, share = 2_500_000, 0.001
    plain = scenario(**{"workload.service.job.slow": {"share": share, "time": "30 s"}})
    poisoned = plain.with_({"workload.service.job.poison": share})
    rows = poisonous_rows(poisoned, n, "job")
    assert abs(rows.size - share * n) < 4 * np.sqrt(share * n)
    assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < n
    np.testing.assert_array_equal(service_s(poisoned, n, ["job"]), service_s(plain, n, ["job"]))
    # What is slow and what is poisonous is drawn apart: some are both, by chance.
    slow = np.flatnonzero(service_s(plain, n, ["job"]) == 30)
    assert np.isin(rows, slow).sum() < 20
    assert poisonous_rows(plain, n, "job").size == 0
    other = poisonous_rows(poisoned.with_(seed=poisoned.seed + 1), n, "job")
    assert not np.array_equal(other, rows)


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


def test_strokes_of_one_fault_do_not_depend_on_the_others():
    random = {"rate": "60/h", "fault": "crash", "target": "a.g.*"}
    alone = strokes(with_faults(random), 0, 1_000.0)
    beside = strokes(with_faults(random, {**random, "fault": "restart"}), 0, 1_000.0)
    assert alone == beside
    assert alone != strokes(with_faults(random, random), 1, 1_000.0)
