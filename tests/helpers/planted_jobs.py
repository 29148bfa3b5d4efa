"""Plants in job queues: BullMQ, PostgreSQL, Redis. Names as in `helpers.planted`."""

import random

from helpers.planted import Kind, Part, Plant, scenario_of
from helpers.planted_queues import AT, with_absorbed_peak, with_slow_sibling


def lock_under_cpu_bound_work(rng: random.Random) -> Plant:
    """Some work keeps the event loop for longer than the lock, which nobody renews meanwhile."""
    lock_s = rng.randint(2, 4)
    queue = {
        "does": ["g"],
        "workers": 40,
        "cpu_bound": True,
        "worker": {"lockDuration": 1_000 * lock_s, "stalledInterval": 1_000},
    }
    slow = {"share": 0.01, "time": f"{lock_s + rng.uniform(2.5, 5):.3g} s"}
    lock, bound = f"{AT}.worker.lockDuration", f"{AT}.cpu_bound"
    # Without a decoy: a peak brings more of the slow jobs, and so more of the harm.
    return Plant(
        "a lock that runs out under CPU-bound work",
        scenario_of(
            {"product": "bullmq", "queues": {"g": queue}}, [(120, 25)],
            {"per_message": "20 ms", "slow": slow},
        ),
        "double_effects",
        (Part((lock, bound), {lock: 600_000}),),
    )  # fmt: skip


def poll_interval(rng: random.Random) -> Plant:
    """A worker fetches one job an interval, which is fewer than come."""
    interval_s, workers = rng.randint(4, 8), rng.randint(2, 4)
    key, river, shorter = rng.choice(
        [("pg-boss.pollingIntervalSeconds", False, 0.5), ("river.FetchCooldown", True, "50 ms")]
    )
    library, _, name = key.partition(".")
    its = {name: f"{interval_s} s" if river else interval_s}
    if river:
        its["FetchPollInterval"] = its[name]
    queue = {"does": ["g"], "workers": workers, library: its}
    rate = workers / interval_s * rng.uniform(1.5, 2)
    plant = Plant(
        "a poll interval too long for the rate",
        scenario_of(
            {"product": "postgres", "queues": {"g": queue}}, [(240, rate)],
            {"per_message": f"{rng.uniform(1, 5):.3g} ms"},
        ),
        "drain_s",
        (Part((f"{AT}.{key}",), {f"{AT}.{key}": shorter}),),
    )  # fmt: skip
    return with_slow_sibling(plant, 8 * workers)


def held_snapshot(rng: random.Random) -> Plant:
    """A transaction is forgotten: dead rows stay, and each fetch takes longer for them."""
    queue = {"does": ["g"], "workers": 1, "skip_locked": {"poll_interval": 0.1}}
    held = {"at": "20s", "fault": "snapshot_held", "target": "s.g", "for": rng.randint(130, 180)}
    pause = {"at": "5s", "fault": "pause", "target": "s.g.0", "for": "2s"}
    decoy = rng.random() < 0.5
    return Plant(
        "a snapshot that is held",
        scenario_of(
            {
                "product": "postgres",
                "queues": {"g": queue},
                "latency": {"dead_row": f"{rng.uniform(1.5, 2.5):.3g} us"},
            },
            [(240, rng.uniform(90, 110))],
            {"per_message": "1 ms"},
            faults=[held, pause] if decoy else [held],
        ),
        "max_time_lag_s",
        (Part(("faults.0",), {"faults.0": None}),),
        Part(("faults.1",), {"faults.1": None}) if decoy else None,
    )


def without_skip_locked(rng: random.Random) -> Plant:
    """A loop forgets SKIP LOCKED: its workers wait for each other."""
    workers = rng.randint(4, 12)
    loop = {"poll_interval": 0.1}
    queue = {"does": ["g"], "workers": workers, "for_update": loop}
    pause = {"at": "5s", "fault": "pause", "target": "s.g.0", "for": "2s"}
    decoy = rng.random() < 0.5
    return Plant(
        "workers that wait for a row",
        scenario_of(
            {"product": "postgres", "queues": {"g": queue}},
            [(240, rng.uniform(14, 20))],
            {"per_message": f"{rng.uniform(90, 130):.3g} ms"},
            faults=[pause] if decoy else [],
        ),
        "max_time_lag_s",
        (Part((f"{AT}.for_update",), {f"{AT}.skip_locked": loop}),),
        Part(("faults.0",), {"faults.0": None}) if decoy else None,
    )


def claimed_too_soon(rng: random.Random) -> Plant:
    """Some entries take longer than the time after which others may claim them."""
    idle_s = rng.randint(2, 5)
    group = {
        "does": ["g"],
        "consumers": 40,
        "XREADGROUP": {"COUNT": 1},
        "XAUTOCLAIM": {"min-idle-time": 1_000 * idle_s, "every": rng.choice([0, 1])},
    }
    slow = {"share": 0.01, "time": f"{idle_s * rng.uniform(2, 3):.3g} s"}
    key = "systems.s.groups.g.XAUTOCLAIM.min-idle-time"
    plant = Plant(
        "a min-idle-time below the work",
        scenario_of(
            {"product": "redis_streams", "groups": {"g": group}}, [(120, 25)],
            {"per_message": "20 ms", "slow": slow},
        ),
        "double_effects",
        (Part((key,), {key: 600_000}),),
    )  # fmt: skip
    return with_absorbed_peak(plant, 3) if rng.random() < 0.8 else plant


def trimmed(rng: random.Random) -> Plant:
    """A peak is longer than the stream, of which consumers read slower than entries come."""
    key, consumers = "systems.s.XADD.MAXLEN", rng.randint(4, 8)
    rate = 100 * consumers
    group = {"does": ["g"], "consumers": consumers}
    system = {
        "product": "redis_streams",
        "groups": {"g": group},
        "XADD": {"MAXLEN": rng.randint(5, 20) * rate // 10},
    }
    return Plant(
        "entries trimmed before they are read",
        scenario_of(
            system, [(30, rate / 3), (rng.randint(20, 30), 1.5 * rate), (60, rate / 3)],
            {"per_message": "10 ms"},
        ),
        "lost",
        (Part((key,), {key: 10_000_000}),),
    )  # fmt: skip


def sent_ahead(rng: random.Random) -> Plant:
    """A burst is sent ahead to few subscribers, and waits there for longer than its `ack_wait`."""
    subscribers, work_ms = rng.randint(2, 4), rng.randint(80, 150)
    rate = subscribers * 1_000 / work_ms
    consumer = {"does": ["g"], "subscribers": subscribers, "ack_wait": "10 s"}
    wait = "systems.s.consumers.g.ack_wait"
    ahead = "systems.s.consumers.g.consume.MaxMessages"
    burst_s = rng.uniform(40, 60) / 3
    return Plant(
        "messages sent ahead that outwait their ack_wait",
        scenario_of(
            {"product": "nats", "consumers": {"g": consumer}},
            [(30, rate / 3), (burst_s, 4 * rate), (120, rate / 3)],
            {"per_message": f"{work_ms} ms"},
        ),
        "double_effects",
        (Part((wait, ahead), {wait: 600}),),
    )  # fmt: skip


def pending(rng: random.Random) -> Plant:
    """No more messages may be pending than a few subscribers could work on."""
    most, work_ms = rng.randint(5, 10), rng.randint(20, 60)
    key = "systems.s.consumers.g.max_ack_pending"
    consumer = {"does": ["g"], "subscribers": 8 * most, "max_ack_pending": most}
    pause = {"at": "5s", "fault": "pause", "target": "s.g.0", "for": "2s"}
    decoy = rng.random() < 0.5
    return Plant(
        "a max_ack_pending too small",
        scenario_of(
            {"product": "nats", "consumers": {"g": consumer}},
            [(90, most * 1_000 / work_ms * rng.uniform(1.3, 1.8))],
            {"per_message": f"{work_ms} ms"},
            faults=[pause] if decoy else [],
        ),
        "drain_s",
        (Part((key,), {key: -1}),),
        Part(("faults.0",), {"faults.0": None}) if decoy else None,
    )  # fmt: skip


def popped(rng: random.Random) -> Plant:
    """A process is killed with jobs in hand, which were popped from their list."""
    at = "systems.s.queues.g.config"
    queue = {"does": ["g"], "processes": rng.randint(8, 12), "config": {"concurrency": 10}}
    kill = {
        "at": f"{rng.randint(40, 80)} s",
        "fault": "crash",
        "target": f"s.g.{rng.randint(0, 3)}",
        "restart_after": "2 s",
    }
    plant = Plant(
        "jobs popped by a process that is killed",
        scenario_of(
            {"product": "sidekiq", "queues": {"g": queue}}, [(120, 8 * queue["processes"])],
            {"per_message": "1 s"}, faults=[kill],
        ),
        "lost",
        (
            Part((f"{at}.fetch",), {f"{at}.fetch": "super_fetch", f"{at}.orphan_check": 60}),
            Part(("faults.0",), {"faults.0": None}),
        ),
    )  # fmt: skip
    return plant


JOBS: tuple[Kind, ...] = (
    lock_under_cpu_bound_work,
    poll_interval,
    held_snapshot,
    without_skip_locked,
    claimed_too_soon,
    trimmed,
    sent_ahead,
    pending,
    popped,
)
"""Every kind in a queue of jobs."""
