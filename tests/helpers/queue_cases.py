"""Random scenarios of a general queue, and how the lab's words and the plain model's compare."""

from dataclasses import replace

import numpy as np

from helpers import random_faults
from helpers.queue_lab import OVERFLOWS, REASONS
from models.plain_broker import Settings
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes

WHERE = {
    "unsent": codes.READY,
    "ready": codes.READY,
    "flight": codes.IN_FLIGHT,
    "waiting": codes.WAITING,
    "acked": codes.ACKED,
    "dead": codes.DEAD,
    "dropped": codes.DROPPED,
    "expired": codes.EXPIRED,
    "refused": codes.REFUSED,
    "lost": codes.LOST,
    "moved": codes.MOVED,
}


def inject(env, faults, target, factors):
    """Faults of `random_faults` and those that only these consumers know."""
    plain = [f for f in faults if f.verb in ("crash", "pause", "slow")]
    felt = random_faults.inject(env, plain, target, factors)

    def act(fault):
        yield env.timeout(fault.at_s)
        if fault.verb == "terminate":
            if target.alive(fault.target):
                felt.append("terminate")
                target.terminate(fault.target)
        elif fault.verb.startswith("alter "):
            target.alter(**{fault.verb.removeprefix("alter "): fault.value})
        elif fault.verb == "seek":
            target.seek(fault.value)
        elif fault.verb == "snapshot":
            target.take_snapshot()
            yield env.timeout(fault.value)
            target.seek_snapshot(fault.at_s)
        elif fault.verb == "cut":
            felt.append("cut")
            target.cut_off(fault.target)
            yield env.timeout(fault.value)
            target.reconnect(fault.target)
        else:
            felt.append("disconnect")
            target.disconnect(fault.target)

    for fault in faults:
        if fault not in plain:
            env.process(act(fault))
    return felt


def settings_and_lanes(rng, n):
    """Random settings of a queue and its consumers, and [n] the lane of each message."""

    def maybe(chance, value, otherwise):
        return value if rng.random() < chance else otherwise

    push = bool(rng.integers(2))
    pick = str(rng.choice(["one", "one", "groups", "priority", "fair", "spans"]))
    lanes = {"one": 1, "priority": 3}.get(pick, int(rng.integers(2, 8)))
    lane = None if pick == "one" else rng.integers(0, lanes, n)
    ack = (
        "late"
        if pick in ("groups", "spans")
        else str(rng.choice(["late", "late", "start", "auto"]))
    )
    ack = ack if push else "late"
    lock_s = maybe(0.5, rng.uniform(0.3, 2.0), float("inf"))
    sweeps = lock_s < float("inf") and rng.random() < 0.4
    closes = push and (lock_s == float("inf") or rng.random() < 0.5)
    republish_s = maybe(0.5, rng.uniform(0.1, 1.0), float("inf"))
    on_failure = str(rng.choice(["discard", "rejected", "requeue", "retry", "leave"]))
    if ack != "late":
        on_failure = str(rng.choice(["discard", "retry"]))
    if pick in ("groups", "spans") and on_failure == "retry":
        on_failure = "requeue"
    overflow = "drop-head" if pick == "spans" else str(rng.choice(list(OVERFLOWS)))
    max_length = maybe(0.3, int(rng.integers(1, 12)), 1_000_000)
    if pick in ("groups", "fair"):
        max_length = NO_LIMIT  # these do not know which head to drop
    again = on_failure == "retry" or (overflow != "drop-head" and republish_s < float("inf"))
    places = ["returns", "next", "back"] + ["original"] * (not again)
    s = Settings(
        consumers=int(rng.integers(1, 5)),
        slots=int(rng.integers(1, 4)) if push else 1,
        push=push,
        batch=int(rng.integers(1, 6)),
        wait_s=maybe(0.5, rng.uniform(0.3, 2.0), 0.0),
        prefetch=maybe(0.8, int(rng.integers(1, 8)), 1_000_000),
        ack=ack,
        ack_every=1 if push else int(rng.integers(1, 6)),
        ack_waits=bool(rng.integers(2)),
        per_batch_s=0.0 if push else maybe(0.3, rng.uniform(0.0, 0.1), 0.0),
        lock_s=lock_s,
        sweep_s=0.7123 if sweeps else 0.0,
        late_ack=bool(rng.integers(2)),
        lock_closes=sweeps and closes and bool(rng.integers(2)),
        closes=closes,
        reopen_s=rng.uniform(0.01, 0.5),
        place=(place := "original" if pick == "groups" else str(rng.choice(places))),
        requeue_place=place,
        pick=pick,
        look_ahead=int(rng.choice([4, 10, 1_000])),
        span=int(rng.choice([2, 4, 1_000])),
        noisy_share=rng.uniform(0.2, 0.6),
        noisy_least=int(rng.integers(1, 4)),
        recent_s=0.9371,
        single_active=push and rng.random() < 0.2,
        max_receives=maybe(0.2, int(rng.integers(1, 4)), 1_000_000),
        max_returns=maybe(0.4, int(rng.integers(0, 4)), 1_000_000),
        counted=tuple(why for why in REASONS if rng.integers(2)),
        dead_letters=bool(rng.integers(2)),
        on_failure=on_failure,
        stop_batch=bool(rng.integers(2)) and not push,
        on_kill=maybe(
            0.5, "die", str(rng.choice(["discard", "discard" if ack != "late" else "requeue"]))
        ),
        retry_s=rng.uniform(0.1, 0.5),
        retry_growth=2.0,
        retry_max_s=1.3,
        max_length=max_length,
        overflow=overflow,
        republish_s=republish_s,
        max_in_flight=maybe(0.2, int(rng.integers(1, 8)), 1_000_000),
        dedup_s=rng.uniform(0.1, 1.0),
        calls_per_s=maybe(0.2, rng.uniform(2.0, 20.0), float("inf")),
        retention_s=maybe(0.3, rng.uniform(0.5, 4.0), float("inf")),
        delay_s=maybe(0.3, rng.uniform(0.0, 0.5), 0.0),
        receive_s=rng.uniform(0.005, 0.05),
        ack_s=rng.uniform(0.005, 0.05),
    )
    return s, lane


def scenario(rng):
    """Random continuous times throughout: where events tie, either order would be right."""
    n, until_s = 50, 8.0
    s, lane = settings_and_lanes(rng, n)
    came_s = np.cumsum(rng.exponential(3.5 / n, n))
    work_s = rng.exponential(rng.uniform(0.02, 0.2), n).astype(np.float32)
    faults = random_faults.draw(rng, rng.integers(7), s.consumers, until_s, (0.06, 2.0))
    has_eta = s.push and rng.random() < 0.2
    verbs = ["terminate"] + ([] if has_eta else ["cut"] + ["disconnect"] * s.push)
    for _ in range(rng.integers(4)):
        at_s, who = rng.uniform(0.05, until_s), int(rng.integers(s.consumers))
        verb = str(rng.choice(verbs))
        faults.append(random_faults.Fault(at_s, verb, who, float(rng.uniform(0.01, 1.0))))
    due_s = came_s + rng.uniform(0, 2, n) * (rng.random(n) < 0.3) if has_eta else None
    bad = {
        int(i): (
            bool(rng.integers(2)),
            int(rng.choice([1, 2, NO_LIMIT])),
            float(rng.choice([rng.uniform(0.06, 0.5), np.inf])),
        )
        for i in np.sort(rng.choice(n, rng.integers(0, 4), replace=False))
    }
    same = rng.integers(0, 20, n).astype(np.int32) if rng.random() < 0.2 else None
    columns = {"lane": lane, "due_s": due_s, "same": same, "bad": bad}
    return s, came_s, work_s, until_s, faults, columns


def as_a_quorum(rng):
    """Scenarios in which what comes back waits, goes before all priorities, and may be too old."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    if rng.random() < 0.3:
        s, came_s, work_s, until_s, faults, columns = with_ceilings(rng)
    n = len(came_s)
    pick, turns = str(rng.choice(["one", "priority", "priority"])), int(rng.choice([0, 0, 2]))
    columns["lane"] = None
    if pick == "priority":
        columns["lane"] = rng.integers(0, 2 if turns else 3, n)
        columns["lane"][0] = 1 if turns else 2
    columns["due_s"] = columns["same"] = None
    at_head = bool(rng.integers(2))
    if at_head:
        short_s = rng.exponential(rng.uniform(0.1, 0.8), n)
        columns["ttl_s"] = np.where(rng.random(n) < 0.5, short_s, np.inf)
    reasons = ("close", "lock", "failure")
    closes = bool(rng.integers(2))
    # Two that lose what they hold, one after the other, come back when the next lock ends: a tie.
    at_once = rng.random() < 0.5
    s = replace(
        s,
        push=True,
        pick=pick,
        batch=1,
        ack="late",
        ack_every=1,
        stop_batch=False,
        per_batch_s=0.0,
        closes=True,
        consumers=1 if at_once else s.consumers,
        lock_s=rng.uniform(0.15, 0.6) if closes else float("inf"),
        sweep_s=0.0 if at_once and s.deliver_s == 0 else 0.7123,
        lock_closes=closes,
        lock_alone=bool(rng.integers(2)),
        max_receives=1_000_000,
        counted=tuple(why for why in reasons if rng.integers(2)),
        back_off_s=float(rng.choice([0.0, rng.uniform(0.05, 0.5)])),
        back_off_linear=bool(rng.integers(4)),
        back_off_max_s=float(rng.choice([0.3, 1.1])),
        back_off_by=tuple(why for why in reasons if rng.integers(2)),
        place="returns",
        requeue_place=str(rng.choice(["returns", "back"])),
        returns_first=pick == "priority" and rng.random() < 0.8,
        back_lane=int(rng.choice([-1, 1])) if pick == "priority" else -1,
        turns=turns if pick == "priority" else 0,
        on_failure=str(rng.choice(["requeue", "requeue", "rejected"])),
        at_head=at_head,
        all_heads=pick == "priority" and not turns and bool(rng.integers(2)),
        max_length=int(rng.integers(1, 12)) if rng.random() < 0.4 else s.max_length,
        retention_s=float("inf"),
        dedup_s=0.0,
        delay_s=0.0,
        calls_per_s=float("inf"),
        max_in_flight=1_000_000,
    )
    for i in rng.choice(n, 4, replace=False):
        columns["bad"].setdefault(int(i), (False, int(rng.choice([1, 2, 4])), float("inf")))
    columns["bad"] = dict(sorted(columns["bad"].items()))
    faults = [f for f in faults if f.target < s.consumers]
    return s, came_s, work_s, until_s, faults, columns


def with_few_etas(rng):
    """Scenarios in which a worker holds only so many messages for their ETA (CE-14)."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    n = len(came_s)
    all_have = bool(rng.integers(2))
    waits_s = rng.uniform(0.0, 2.0, n) * (all_have or rng.random(n) < 0.6)
    columns["due_s"] = came_s + waits_s
    columns["same"] = columns["lane"] = None
    prefetch = int(rng.integers(1, 8))
    s = replace(
        s,
        push=True,
        pick="one",
        batch=1,
        ack="late" if s.ack == "auto" else s.ack,
        ack_every=1,
        stop_batch=False,
        per_batch_s=0.0,
        closes=True,
        single_active=False,
        prefetch=prefetch,
        eta_limit=int(rng.integers(1, 10)),
        stays=bool(rng.integers(4) == 0),
        etas=all_have,
        max_receives=1_000_000,
        on_failure=(on_failure := "retry" if rng.random() < 0.6 else "discard"),
        retry_held=True,
        # A copy whose message is tried again elsewhere has its own ETA, which the lab moves.
        lock_s=float("inf") if on_failure == "retry" else s.lock_s,
        place="returns",
        requeue_place="returns",
    )
    if s.ack == "start":  # copies that are due together are begun together: a tie
        s = replace(s, slots=1)
    columns["bad"] = {i: (False, *rest) for i, (_, *rest) in columns["bad"].items()}
    faults = [f for f in faults if f.verb not in ("cut", "disconnect")]
    return s, came_s, work_s, until_s, faults, columns


def with_ceilings(rng):
    """Scenarios in which the queue's process, or a consumer's main loop, can do only so much."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    queue, loop = (True, False) if rng.random() < 0.5 else (bool(rng.integers(2)), True)
    pick = s.pick if s.pick == "priority" else "one"
    if pick == "one":
        columns["lane"] = None
    s = replace(
        s,
        push=True,
        pick=pick,
        batch=1,
        slots=int(rng.integers(1, 4)),
        ack_every=1,
        stop_batch=False,
        per_batch_s=0.0,
        max_receives=1_000_000,
        max_in_flight=1_000_000,
        delay_s=0.0,
        closes=True,
        publish_s=rng.uniform(0.005, 0.08) if queue else 0.0,
        deliver_s=rng.uniform(0.005, 0.08) if queue else 0.0,
        deliveries_first=bool(rng.integers(2)),
        loop_s=rng.uniform(0.001, 0.05) if loop else 0.0,
        fetch_trips=int(rng.integers(0, 3)) if loop else 0,
        ack_trips=int(rng.integers(0, 2)) if loop else 0,
    )
    if queue and s.lock_s < float("inf"):
        # A lock that begins with a delivery ends when another one does, a tie: but not at a sweep.
        s = replace(s, sweep_s=0.7123)
    if loop:  # what was promised to a loop is not moved when the network is cut
        faults = [f for f in faults if f.verb != "cut"]
    return s, came_s, work_s, until_s, faults, columns


def with_heartbeats(rng):
    """Scenarios in which consumers that pull extend locks, and say when what failed comes back."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    columns["due_s"] = None
    lock_s = rng.uniform(0.1, 0.6)
    pick = s.pick if s.pick in ("one", "groups", "fair") else "one"
    if pick == "one":
        columns["lane"] = None
    s = replace(
        s,
        push=False,
        pick=pick,
        slots=1,
        ack="late",
        lock_s=lock_s,
        sweep_s=0.0,
        lock_closes=False,
        closes=False,
        single_active=False,
        beat_s=float(rng.choice([lock_s * rng.uniform(0.2, 1.2), np.inf])),
        beat_lock_s=lock_s * rng.uniform(0.5, 2.0),
        lock_most_s=float(rng.choice([rng.uniform(0.3, 1.5), np.inf])),
        failed_lock_s=float(rng.choice([0.0, rng.uniform(0.05, 0.5), np.inf])),
        any_copy=pick != "groups" and bool(rng.integers(2)),
        place="original" if pick == "groups" else s.place,
        on_failure="leave",
        on_kill="die",
        counted=(),
        overflow="drop-head",
    )
    s = replace(s, requeue_place=s.place)
    return s, came_s, work_s, until_s, faults, columns


def of_jetstream(rng):
    """Scenarios of clients of NATS JetStream, which fetch or are sent what they asked for."""
    s, came_s, work_s, until_s, faults, columns = with_heartbeats(rng)
    columns["due_s"] = columns["same"] = columns["lane"] = None
    fetches, none = bool(rng.integers(2)), rng.random() < 0.1
    trims = rng.random() < 0.3
    max_deliver = int(rng.choice([1, 2, 4, 1_000_000]))
    fails = str(rng.choice(["leave", "leave", "requeue", "rejected"]))
    s = replace(
        s,
        push=not fetches,
        pick="one",
        prefetch=int(rng.choice([1, 3, 10])),
        wait_s=rng.uniform(0.1, 2.0) if fetches else 0.0,
        every_s=0.0,
        poll_s=0.0,
        ack="auto" if none else "late",
        ack_every=1,
        ack_waits=False,
        lock_s=float("inf") if none else s.lock_s,
        beat_s=s.beat_s if fetches else float("inf"),
        failed_lock_s=s.failed_lock_s if fails == "leave" and not none else float("inf"),
        lock_most_s=float("inf"),
        hands_back=False,
        late_ack=True,
        any_copy=True,
        place="returns",
        requeue_place="returns",
        on_failure=fails,
        stop_batch=False,
        max_receives=1_000_000,
        max_returns=max_deliver - 1,
        counted=("lock", "failure"),
        dead_letters=True,
        max_length=1_000_000,
        max_in_flight=1_000_000 if none else int(rng.choice([1, 3, 10, 1_000_000])),
        retention_s=float(rng.choice([rng.uniform(0.3, 2.0), np.inf])),
        delay_s=0.0,
        calls_per_s=float("inf"),
        dedup_s=0.0,
        keep_rows=int(rng.integers(3, 20)) if trims else 1_000_000,
    )
    return s, came_s, work_s, until_s, [f for f in faults if f.verb != "disconnect"], columns


def with_leases(rng):
    """Scenarios in which consumers renew locks, lose what they hold, or take only so many."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    pick = s.pick if s.pick == "priority" else "one"
    if pick == "one":
        columns["lane"] = None
    columns["due_s"] = columns["same"] = None
    leases, blocks = rng.random() < 0.7, rng.random() < 0.3
    lease_s = rng.uniform(0.2, 1.0)
    rated = rng.random() < 0.4
    s = replace(
        s,
        push=True,
        pick=pick,
        ack="late",
        batch=1,
        slots=1 if blocks else int(rng.integers(1, 4)),
        prefetch=int(rng.integers(1, 5)),
        ack_every=1,
        stop_batch=False,
        per_batch_s=0.0,
        lock_s=float("inf"),
        sweep_s=0.0,
        lock_closes=False,
        closes=False,
        single_active=False,
        max_receives=1_000_000,
        counted=(),
        retention_s=float("inf"),
        lease_s=lease_s if leases else float("inf"),
        lease_late=bool(rng.random() < 0.3),
        renew_s=lease_s * rng.uniform(0.2, 1.3),
        check_s=rng.uniform(0.1, 0.6),
        check_twice=bool(rng.integers(2)),
        blocks=blocks,
        max_stalls=int(rng.choice([0, 1, 1, 1_000_000])) if leases else 1_000_000,
        loses=not leases,
        work_limit_s=float(rng.choice([rng.uniform(0.1, 0.5), np.inf])),
        rate_max=int(rng.integers(1, 6)) if rated else 1_000_000,
        rate_s=rng.uniform(0.1, 0.5) if rated else float("inf"),
        on_failure=str(rng.choice(["retry", "retry", "rejected", "requeue", "leave"])),
        retry_spread=float(rng.choice([0.0, rng.uniform(0.1, 1.0)])),
        retry_power=int(rng.choice([0, 0, 2])),
    )
    # What a span lets in together is ended together: a tie.
    s = replace(s, work_limit_s=float("inf")) if rated else s
    # Work that should have been ended in a pause ends with it, on all slots at once: a tie.
    tied = s.slots > 1 and s.work_limit_s < float("inf")
    faults = [f for f in faults if f.verb not in ("disconnect", "pause" if tied else "")]
    return s, came_s, work_s, until_s, faults, columns


def seeking(rng):
    """Scenarios of subscriptions in which somebody seeks."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    ordered = bool(rng.integers(2))
    lane = rng.integers(0, 6, len(came_s)) if ordered else None
    columns = {"lane": lane, "due_s": None, "same": None, "bad": columns["bad"]}
    late = bool(rng.integers(2))
    s = replace(
        s,
        push=True,
        batch=1,
        slots=int(rng.integers(1, 4)),
        prefetch=int(rng.choice([1, 2, 5, 1_000])),
        ack="late",
        ack_every=1,
        per_batch_s=0.0,
        stop_batch=False,
        lock_s=rng.uniform(0.2, 1.0),
        sweep_s=0.0,
        lock_closes=False,
        extends_s=float(rng.choice([0.0, rng.uniform(0.1, 1.0), 60.0])),
        late_ack=late,
        any_copy=late,
        closes=bool(rng.integers(2)),
        single_active=False,
        pick="groups" if ordered else "one",
        place=(place := "original" if ordered else "returns"),
        requeue_place=place,
        look_ahead=1_000_000,
        max_receives=1_000_000,
        back_off_s=float(rng.choice([0.0, rng.uniform(0.05, 0.5)])),
        back_off_max_s=0.7,
        on_failure="requeue",
        on_kill="die",
        max_length=NO_LIMIT,
        overflow="drop-head",
        max_in_flight=1_000_000,
        calls_per_s=float("inf"),
        delay_s=0.0,
        keeps_s=float(rng.choice([0.0, rng.uniform(0.5, 3.0), np.inf])),
        dead_letters=True,
        max_returns=int(rng.choice([0, 1, 1_000_000])),
        counted=tuple(REASONS),
    )
    for i in rng.choice(len(came_s), 4, replace=False):
        columns["bad"].setdefault(int(i), (False, int(rng.choice([1, 2, NO_LIMIT])), np.inf))
    columns["bad"] = dict(sorted(columns["bad"].items()))
    for _ in range(int(rng.integers(1, 4))):
        at_s = rng.uniform(0.05, until_s)
        if rng.random() < 0.3:
            faults.append(random_faults.Fault(at_s, "snapshot", 0, rng.uniform(0.1, 4.0)))
        else:
            to_s = float(rng.choice([-np.inf, np.inf, *rng.uniform(0.0, until_s, 3)]))
            faults.append(random_faults.Fault(at_s, "seek", 0, to_s))
    return s, came_s, work_s, until_s, faults, columns


def fates(state, effects):
    """Where messages ended; one that was processed is not lost, whatever became of other copies."""
    state = np.where(state == codes.OVERDUE, codes.IN_FLIGHT, state)
    return np.where((state == codes.LOST) & (effects > 0), codes.ACKED, state)


ACTED = {
    "dropped": codes.LIMIT_DROPPED,
    "refused": codes.LIMIT_REFUSED,
    "expired": codes.LIMIT_EXPIRED,
    "behind": codes.LIMIT_BEHIND,
    "returns": codes.LIMIT_RETURNS,
    "receives": codes.LIMIT_RECEIVES,
    "retries": codes.LIMIT_RETRIES,
    "lease": codes.LIMIT_LEASE,
    "stalls": codes.LIMIT_STALLS,
    "work": codes.LIMIT_WORK,
    "poll": codes.LIMIT_POLL,
    "most": codes.LIMIT_LOCK_MOST,
    "dead": codes.LIMIT_DEAD,
    "etas": codes.LIMIT_ETAS,
    "passed": codes.LIMIT_PASSED,
}
