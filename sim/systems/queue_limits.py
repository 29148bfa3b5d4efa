"""Limits of a general queue that acted, by the product's own keys; and deaths by a message."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from sim.engine.waits import Limit, TimePart
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker


class LimitKey(NamedTuple):
    """What a limit is called in a product's configuration."""

    name: str
    """The product's own name."""
    path: str
    """Where it stands, below the system."""
    value: str
    """As the scenario would write it."""
    what: str = ""
    """What it did, each time, if that is not what it does in most queues."""


Keys = Mapping[int, LimitKey]
"""By `sim.queue.broker_codes` (LIMIT_…); those that a product does not have are left out."""


def written_s(time_s: float) -> str:
    """A duration as a scenario would write it."""
    return f"{time_s:.12g} s"


_WHAT = {
    codes.LIMIT_LOCK_HELD: "delivered a message again while a consumer still had it",
    codes.LIMIT_LOCK_GONE: "kept a message in flight after its consumer had failed or gone",
    codes.LIMIT_LOCK_MOST: "were over: no heartbeat hides a message for longer, and it came again",
    codes.LIMIT_FAILED: "kept a message that had failed in flight",
    codes.LIMIT_RETURNS: "had a message that had come back so often {buried}",
    codes.LIMIT_RECEIVES: "had a message that had been received so often {buried}",
    codes.LIMIT_RETRIES: "had a message that had been tried again so often {buried}",
    codes.LIMIT_DROPPED: "was reached, and the first message was {buried}",
    codes.LIMIT_REFUSED: "was reached, and a message was not let in",
    codes.LIMIT_BEHIND: "was over for a message that stayed behind the first, which expires later",
    codes.LIMIT_EXPIRED: "had a message expire that had waited so long",
    codes.LIMIT_IN_FLIGHT: "was reached: no more messages could be in flight",
    codes.LIMIT_CALLS: "had a call wait for the quota",
    codes.LIMIT_LINE: "held a message behind another while a consumer was idle",
    codes.LIMIT_HELD: "had a consumer hold a message behind others while another one was idle",
    codes.LIMIT_BUSY: "had a message wait because all consumers were busy",
    codes.LIMIT_OVERTAKEN: "handed a message over before an older one of a lower priority",
    codes.LIMIT_PROCESS: "had a message wait to get into the queue, whose process was busy",
    codes.LIMIT_LOOP: "had a message wait for the main loop of its consumer",
    codes.LIMIT_LEASE: "was over before the job was, and what the worker said of it was refused",
    codes.LIMIT_STALLS: "had a job that had stalled so often {buried}",
    codes.LIMIT_RATE: "was used up, and messages waited for the next span",
    codes.LIMIT_WORK: "ended a job that took longer",
    codes.LIMIT_THROTTLED: "had an invocation throttled: as many ran as may",
    codes.LIMIT_TIMEOUT: "ended an invocation that took longer",
    codes.LIMIT_DEAD: "made a fetch take more than twice as long: a held snapshot keeps dead rows",
    codes.LIMIT_PASSED: "made a fetch take more than twice as long: it passes what others have",
    codes.LIMIT_POLL: "had a message wait until an idle worker asked again",
    codes.LIMIT_BACKOFF: "kept a message that had come back from being delivered again",
    codes.LIMIT_ETAS: "was reached: a worker that held so many tasks was sent no other",
    codes.LIMIT_LOST: "had a message lost with the process that had it in hand",
    codes.LIMIT_HEARTBEAT: "had a connection over which nothing was heard closed, but so late",
}
"""What each did, each time."""


def limits_of(broker: Broker, keys: Keys) -> Iterator[Limit]:
    """What acted on a queue and its consumers, at the end.

    Args:
        broker: the queue.
        keys: what its product calls its limits.
    """
    limits, policy = broker.state.limits, broker.policy
    buried = "dead-lettered" if policy.dead_letters else "dropped"
    for code, key in keys.items():
        times = int(limits.times[code])
        if code == codes.LIMIT_LOCK_HELD and policy.lock_closes:
            yield from _closed(broker, key)
        elif times:
            yield Limit(
                key=key.name,
                path=key.path,
                value=key.value,
                target=_whom(broker, code),
                what=(key.what or _WHAT[code]).format(buried=buried),
                times=times,
                first_s=float(limits.first_s[code]),
                last_s=float(limits.last_s[code]),
                part=TimePart.CAPACITY if code == codes.LIMIT_BUSY else None,
            )


def _closed(broker: Broker, key: LimitKey) -> Iterator[Limit]:
    """Channels that were closed, of each consumer."""
    for c, times, first_s, last_s in _struck(broker, codes.CLOSED):
        what = "closed a channel, with all that it held, for it had not acknowledged"
        yield Limit(key.name, key.path, key.value, f"consumer {c}", what, times, first_s, last_s)


def _whom(broker: Broker, code: int) -> str:
    """Consumers at whose main loop it was; else nobody alone."""
    if code != codes.LIMIT_LOOP:
        return ""
    met = np.flatnonzero(np.asarray(broker.state.consumers.loop_full)[:, 0] < np.inf)
    return "" if met.size > 1 else f"consumer {met[0]}"


def _struck(broker: Broker, what: int) -> Iterator[tuple[int, int, float, float]]:
    """Consumers to whom something happened: number, how often, when first and last, s."""
    limits = broker.state.limits
    times = np.asarray(limits.times_of[what])
    for c in np.flatnonzero(times):
        first_s, last_s = limits.first_of[what, c], limits.last_of[what, c]
        yield int(c), int(times[c]), float(first_s), float(last_s)


def told_of_deaths(broker: Broker, queue: str) -> Iterator[tuple[float, float, str]]:
    """(from, until, text) of consumers that a message killed; limits are told of by themselves."""
    for c, times, first_s, last_s in _struck(broker, codes.KILLED):
        yield first_s, last_s, f"{queue}: consumer {c} killed by a message{_often(times)}"


def _often(times: int) -> str:
    return "" if times == 1 else f", {times:,} times"
