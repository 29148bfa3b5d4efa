"""Queues that dead-letter into each other: against plain models that do, and by hand."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.queue_cases import ACTED, WHERE, fates, inject, scenario, with_ceilings
from helpers.queue_lab import build
from models.plain_broker import Message, PlainBroker, Settings
from models.plain_broker_times import WatchedEnvironment
from sim.engine.environment import Environment
from sim.engine.waits import TimePart, Unsplit
from sim.foundation.arrays import NO_LIMIT
from sim.foundation.errors import LabError
from sim.queue.broker_waits import BrokerWaits
from sim.queue.dead_letters import DeadLetters, in_order, own_feed
from sim.queue.feed_kernel import Feed

TOPOLOGIES = (
    {"delay": "work"},
    {"work": "retry", "retry": "work"},
    {"delay": "work", "work": "retry", "retry": "work"},
    {"delay": "work", "work": "dead"},
    {"work": "work2", "work2": "work"},
    {"work": "work"},
    {"delay": "delay2", "delay2": "work", "work": "parked"},
)
UNREAD = ("delay", "delay2", "retry", "parked")
UNTIL_S = 8.0


class Histories:
    """Of all queues."""

    def __init__(self, plain):
        self.plain = plain

    def look(self):
        for one in self.plain.values():
            one.times.look()


class Plain:
    """Plain queues that post to each other."""

    def __init__(self, env, to, settings_of, came_s, work_s, columns):
        self.env, self.to = env, to
        self.deaths = defaultdict(list)
        self.cycles = 0
        self.queues = {}
        for name, s in settings_of.items():
            its = columns[name]
            messages = [Message(float(w)) for w in work_s]
            for i, message in enumerate(messages):
                message.lane = 0 if its["lane"] is None else int(its["lane"][i])
                message.ttl_s = float(its["ttl_s"][i]) if its.get("ttl_s") is not None else np.inf
                message.same = -1 if its["same"] is None else int(its["same"][i])
            self.queues[name] = PlainBroker(env, s, came_s[name], messages, its["bad"])
            if name in to:
                self.queues[name].post = lambda i, why, met, name=name: self.post(name, i, why, met)

    def post(self, name, i, reason, met):
        message = self.queues[name].messages[i]
        self.env.process(self._later(name, i, reason, met, message.first_s))

    def _later(self, name, i, reason, met, first_s):
        deaths, target = self.deaths[i], self.to[name]
        self.deaths[i] = [(name, reason), *(d for d in deaths if d != (name, reason))]
        if reason != "rejected" and self.circles(target):
            places = [where for where, _ in self.deaths[i]]
            if target in places:
                since = self.deaths[i][: places.index(target) + 1]
                if all(why != "rejected" for _, why in since):
                    self.queues[name].messages[i].where = "dropped"
                    self.cycles += 1
                    return
        yield self.env.timeout(0.0)
        self.queues[target].take_letter(i, met, first_s)

    def circles(self, name):
        at = self.to.get(name)
        for _ in self.to:
            if at == name:
                return True
            at = self.to.get(at)
        return False


def drawn(rng):
    """Settings and columns of each queue, and what is published where and when."""
    to = TOPOLOGIES[rng.integers(len(TOPOLOGIES))]
    names = list(dict.fromkeys([*to, *to.values()]))
    first = next((n for n in names if n not in to.values()), "work")
    n = 50
    settings_of, columns, faults = {}, {}, {}
    ceilings = bool(rng.integers(2)) and to.get("work") != "work"
    for name in names:
        s, _, _, _, its_faults, its = with_ceilings(rng)
        its["due_s"] = its["same"] = None
        own_s = np.where(rng.random(n) < 0.5, rng.exponential(0.3, n), rng.choice([1.5, np.inf]))
        its["ttl_s"] = own_s if rng.random() < 0.7 or name != first else np.full(n, np.inf)
        s = replace(
            s, at_head=True, retry_held=False, dedup_s=0.0, loop_s=0.0, fetch_trips=0, ack_trips=0,
            publish_s=s.publish_s if ceilings else 0.0,
            deliver_s=s.deliver_s if ceilings else 0.0,
            sweep_s=0.7123 if s.lock_s < np.inf else 0.0, receive_s=0.0201, ack_s=0.0133,
            on_failure="rejected" if rng.random() < 0.7 else "requeue",
            counted=("failure", "close"), max_returns=int(rng.integers(1, 4)),
            retention_s=float(rng.choice([rng.uniform(0.3, 2.0), np.inf])), ack="late",
            letters_again_s=float(rng.choice([0.4321, np.inf])),
        )  # fmt: skip
        if name in UNREAD:
            s = replace(s, consumers=0, single_active=False)
            its_faults, its["bad"] = [], None
            if name == "retry" and rng.random() < 0.8:
                s = replace(s, retention_s=rng.uniform(0.05, 0.5))
        else:
            its["bad"] = {
                int(i): (False, int(rng.choice([1, 2, 5])), np.inf)
                for i in np.sort(rng.choice(n, 12, replace=False))
            }
        settings_of[name], columns[name], faults[name] = s, its, its_faults
    at_s = np.cumsum(rng.exponential(3.5 / n, n))
    return to, first, settings_of, columns, faults, at_s, rng.exponential(0.08, n)


def in_lab(to, first, settings_of, columns, faults, at_s, work_s, cuts):
    n = at_s.size
    sent = Feed(np.arange(n, dtype=np.int32), at_s, np.array([n]))
    queues = {
        name: build(
            s, at_s, work_s, feed=own_feed(), moves=name in to or None, grid_s=[UNTIL_S],
            **columns[name],
        )
        for name, s in settings_of.items()
    }  # fmt: skip
    published = {name: np.full(n, name == first) for name in queues}
    stage = DeadLetters(sent, queues, to, published)
    env = Environment([stage])
    felt = []
    for name, queue in queues.items():
        felt.append(inject(env, faults[name], queue, random_faults.uneven(queue.size)))
    for cut_s in cuts:
        env.timeout(cut_s)
    env.run(UNTIL_S)
    return stage, felt


def in_plain(to, first, settings_of, columns, faults, at_s, work_s):
    env = WatchedEnvironment()
    nowhere = np.full(at_s.size, np.inf)
    came_s = {name: at_s if name == first else nowhere for name in settings_of}
    plain = Plain(env, to, settings_of, came_s, np.asarray(work_s, np.float32), columns)
    env.history = Histories(plain.queues)
    for name, queue in plain.queues.items():
        inject(env, faults[name], queue, random_faults.uneven(settings_of[name].consumers))
    env.run(UNTIL_S)
    return plain


def agree(seed, seen):
    rng = np.random.default_rng(seed)
    case = drawn(rng)
    plain = in_plain(*case)
    stage, felt = in_lab(*case, cuts=rng.uniform(0.0, UNTIL_S, 20))
    compare(stage, plain, case[5], seen)
    assert stage.cycles == plain.cycles
    seen["cycles"] += stage.cycles
    for verbs in felt:
        seen.update(verbs)


def compare(stage, plain, at_s, seen):
    """Each message in each queue, and what it waited for."""
    for name, queue in stage.queues.items():
        model = plain.queues[name]
        messages, its = model.messages, queue.queue
        np.testing.assert_allclose(its.done_s, [m.done_s for m in messages], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(its.receives, [m.receives for m in messages])
        np.testing.assert_array_equal(its.effects, [m.effects for m in messages])
        np.testing.assert_array_equal(
            fates(its.state, its.effects),
            fates(np.array([WHERE[m.where] for m in messages]), its.effects),
        )
        times = np.asarray(queue.state.limits.times)
        assert {what: times[code] for what, code in ACTED.items()} == {
            what: model.times.acted[what] for what in ACTED
        }
        parts_s = BrokerWaits(queue, Unsplit(at_s), 0.0, at_s).parts_s(0, at_s.size)
        for i, message in enumerate(messages):
            if message.effects:
                expected = model.times.parts(i)
                named = {p.name: parts_s[p, i] for p in TimePart}
                found = {p: s for p, s in named.items() if abs(s) > 1e-9 or p in expected}
                assert found == pytest.approx(expected, abs=1e-8), (name, i)
                assert sum(found.values()) == pytest.approx(message.done_s - at_s[i], abs=1e-8)
                seen.update(f"part {part}" for part in found)
                seen["after another queue"] += message.letter
        queue.audit()
        seen.update(model.seen)
        seen.update({m.where for m in messages})


def test_RQ_16_RQ_17_RQ_18_agrees_message_by_message_with_plain_queues():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen)

    check()
    wanted = [f"moved: {why}" for why in ("expired", "rejected", "maxlen", "limit")]
    wanted += ["crash", "after another queue", "cycles", "expired at the head", "refused"]
    wanted += ["part DELAY", "part HEAD_OF_LINE", "part ATTEMPT", "part CEILING"]
    for what in wanted:
        assert seen[what] > 20, (what, seen[what])


def test_RQ_16_a_message_may_be_published_to_one_of_them_only():
    sent = Feed(np.zeros(2, np.int32), np.zeros(2), np.array([0]))
    s = Settings(push=True)
    queues = {name: build(s, [0.0, 0.0], [1.0, 1.0], feed=own_feed()) for name in "ab"}
    published = {"a": np.array([True, True]), "b": np.array([False, True])}
    with pytest.raises(LabError, match="published to the queues a, b"):
        DeadLetters(sent, queues, {"a": "b"}, published)


@pytest.mark.parametrize(
    ("names", "to", "order"),
    [
        ("cba", {"a": "b", "b": "c"}, [["a"], ["b"], ["c"]]),
        ("abc", {"a": "b", "b": "a", "c": "a"}, [["c"], ["a", "b"]]),
        ("ab", {"a": "a", "b": "a"}, [["b"], ["a"]]),
    ],
)
def test_queues_come_behind_those_that_lead_into_them(names, to, order):
    assert in_order(list(names), to) == order


# SQS: what is received too often leaves, and a task moves it back.

MOVES = 3


def drawn_redrive(rng):
    """Settings of a queue and its dead-letter queue, and when a task moves what back."""
    n = 50
    grouped = str(rng.choice(["one", "groups", "fair"]))
    settings_of, columns, faults = {}, {}, {}
    lanes = rng.integers(0, 5, n)
    for name in ("work", "dead"):
        s, _, _, _, its_faults, its = scenario(rng)
        its["due_s"] = None
        its["lane"] = None if grouped == "one" else lanes
        its["same"] = rng.integers(0, 20, n).astype(np.int32) if grouped == "groups" else None
        its["bad"] = {
            int(i): (False, int(rng.choice([2, 4, 1_000_000])), np.inf)
            for i in np.sort(rng.choice(n, 15, replace=False))
        }
        s = replace(
            s, push=False, slots=1, ack="late", pick=grouped, sweep_s=0.0, lock_closes=False,
            closes=False, single_active=False, max_returns=1_000_000, counted=(),
            lock_s=rng.uniform(0.1, 0.8), late_ack=grouped != "groups",
            any_copy=grouped != "groups" and bool(rng.integers(2)),
            place="original" if grouped == "groups" else str(rng.choice(["returns", "back"])),
            max_receives=int(rng.integers(1, 4)) if name == "work" else 1_000_000,
            dead_letters=True, on_failure="leave", on_kill="die", stop_batch=grouped == "groups",
            max_length=NO_LIMIT, overflow="drop-head", look_ahead=1_000,
            delay_s=float(rng.choice([0.0, 0.1234])),
            retention_s=float(rng.choice([rng.uniform(1.0, 3.0), np.inf])),
            dedup_s=rng.uniform(0.1, 1.0) if name == "work" else 0.0,
            max_in_flight=1_000_000, calls_per_s=float("inf"),
        )  # fmt: skip
        s = replace(s, requeue_place=s.place)
        if name == "dead" and rng.random() < 0.6:
            s, its_faults, its["bad"] = replace(s, consumers=0), [], None
        settings_of[name], columns[name] = s, its
        faults[name] = [f for f in its_faults if f.verb not in ("disconnect", "cut")]
    life_s = np.inf
    if grouped != "groups":  # its age counts from elsewhere
        life_s = settings_of["dead"].retention_s
        delay_s = settings_of["dead"].delay_s if life_s == np.inf else 0.0  # else a tie
        settings_of["dead"] = replace(settings_of["dead"], retention_s=np.inf, delay_s=delay_s)
    tasks = np.sort(rng.uniform(1.0, UNTIL_S, MOVES))
    at_s = np.cumsum(rng.exponential(3.5 / n, n))
    gap_s = rng.uniform(0.011, 0.2)
    # Some work is so long that its message has left and come back when it is done.
    work_s = rng.exponential(0.05, n)
    if grouped != "fair":
        work_s = np.where(rng.random(n) < 0.2, rng.uniform(0.5, 3.0, n), work_s)
    return settings_of, columns, faults, life_s, tasks, gap_s, at_s, work_s


class PlainRedrive(Plain):
    """Plain queues, with lives that begin when a message is published or moved back."""

    def __init__(self, life_s, env, to, settings_of, came_s, work_s, columns):
        super().__init__(env, to, settings_of, came_s, work_s, columns)
        self.life_s = life_s
        for queue in self.queues.values():
            queue.takes_letters = True
        self.since_s = list(came_s["work"])

    def circles(self, name):
        return False

    def _later(self, name, i, reason, met, first_s):
        yield self.env.timeout(0.0)
        ends_s = self.since_s[i] + self.life_s
        self.queues[self.to[name]].take_letter(i, met, first_s, ends_s)

    def redrive(self):
        found = self.queues["dead"].move_first()
        if found is None:
            return False
        i, met = found
        self.since_s[i] = self.env.now
        first_s = self.queues["dead"].messages[i].first_s
        self.queues["work"].take_letter(i, met, first_s)
        return True


def task(env, at_s, gap_s, most, redrive, moved):
    yield env.timeout(at_s)
    for _ in range(most):
        if not redrive():
            return
        moved["moved back"] += 1
        yield env.timeout(gap_s)


def agree_on_redrive(seed, seen):
    rng = np.random.default_rng(seed)
    settings_of, columns, faults, life_s, tasks, gap_s, at_s, work_s = drawn_redrive(rng)
    n, to = at_s.size, {"work": "dead"}
    env = WatchedEnvironment()
    came_s = {"work": at_s, "dead": np.full(n, np.inf)}
    plain = PlainRedrive(
        life_s, env, to, settings_of, came_s, np.asarray(work_s, np.float32), columns
    )
    env.history = Histories(plain.queues)
    moved = Counter()
    for name, queue in plain.queues.items():
        inject(env, faults[name], queue, random_faults.uneven(settings_of[name].consumers))
    for start_s in tasks:
        env.process(task(env, start_s, gap_s, 8, plain.redrive, moved))
    env.run(UNTIL_S)

    sent = Feed(np.arange(n, dtype=np.int32), at_s, np.array([n]))
    queues = {
        name: build(
            s, at_s, work_s, feed=own_feed(), moves=name in to or None, grid_s=[UNTIL_S],
            **columns[name],
        )
        for name, s in settings_of.items()
    }  # fmt: skip
    published = {name: np.full(n, name == "work") for name in queues}
    stage = DeadLetters(sent, queues, to, published, {"dead": life_s})
    lab = Environment([stage])
    again = Counter()
    for name, queue in queues.items():
        inject(lab, faults[name], queue, random_faults.uneven(queue.size))
    for start_s in tasks:
        redrive = lambda: stage.redrive("dead", lambda message: "work") is not None  # noqa: E731
        lab.process(task(lab, start_s, gap_s, 8, redrive, again))
    lab.run(UNTIL_S)
    assert again == moved
    seen.update(moved)
    compare(stage, plain, at_s, seen)


def test_SS_18_SS_19_SS_20_SF_09_redrive_agrees_message_by_message_with_plain_queues():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree_on_redrive(seed, seen)

    check()
    for what in (
        "moved: limit", "moved back", "after another queue", "letter expired",
        "receipt of an earlier stay",
    ):  # fmt: skip
        assert seen[what] > 20, (what, seen[what])
