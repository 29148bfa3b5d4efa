"""What a group made of random messages, at random: for plain computations of each definition."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from sim.engine.outcome import Fate, GroupOutcome
from sim.measure.counts import Counted, count
from sim.traffic.messages import Messages

STEP_S = 0.5
GRID = 60
WHO = {"system": "s", "group": "g"}


def outcome(fate, done, effects, kind="log", **more):
    t = np.arange(GRID) * STEP_S
    gauge = np.arange(GRID)
    names = ("log_end", "position", "committed") if kind == "log" else ("ready", "in_flight")
    usual = GroupOutcome(
        system="s",
        group="g",
        kind=kind,
        product="p",
        fate=np.array(fate, np.uint8),
        done_s=np.array(done, float),
        effects=np.array(effects, np.uint16),
        extra_deliveries=0,
        gauges_t_s=t,
        gauges=dict(zip(names, (3 * gauge, 2 * gauge, gauge), strict=False)),
        history=None,
        consumers=1,
        deliveries=len(done),
        calls=len(done),
    )
    return replace(usual, **more)


def made(created, entity, keys):
    return Messages(
        np.array(created, float),
        np.array(entity, np.int32),
        np.array([100], np.int32),
        {"key": [str(k) for k in range(keys)]},
        max(created, default=0.0),
    )


@dataclass(frozen=True)
class Case:
    """Messages and what became of them, as plain columns and as the lab has them."""

    created: np.ndarray
    entity: np.ndarray
    done: np.ndarray
    fate: np.ndarray
    effects: np.ndarray
    keys: int

    @property
    def n(self) -> int:
        return self.created.size

    @property
    def messages(self) -> Messages:
        return made(self.created, self.entity, self.keys)

    @property
    def outcome(self) -> GroupOutcome:
        return outcome(self.fate, self.done, self.effects)

    @property
    def counted(self) -> Counted:
        return count(self.messages, ["key"], self.outcome)

    @property
    def late(self) -> list[bool]:
        """Of each message, whether it was first processed after a later one of its key."""
        done, entity, n = self.done, self.entity, self.n
        return [
            bool(np.isfinite(done[i]))
            and any(done[j] < done[i] for j in range(i + 1, n) if entity[j] == entity[i])
            for i in range(n)
        ]


@st.composite
def cases(draw) -> Case:
    """Up to sixty messages of up to four keys; some lost, some dead-lettered, some unfinished."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, keys = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    created = np.sort(rng.uniform(0, 15, n))
    entity = rng.integers(0, keys, n)
    done = created + rng.exponential(3, n)
    fate = np.where(done < 29, Fate.PROCESSED, Fate.UNFINISHED)
    lost = rng.random(n) < 0.1
    fate[lost] = rng.choice([Fate.LOST_RETENTION, Fate.DEAD_LETTERED], lost.sum())
    done[fate != Fate.PROCESSED] = np.inf
    effects = np.where(fate == Fate.PROCESSED, rng.integers(1, 4, n), 0)
    return Case(created, entity, done, fate, effects, keys)
