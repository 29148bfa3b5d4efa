"""Why an order cannot be kept, whatever the system: one key that is more than one consumer's work.

Messages that must be processed in order are processed one after the other. Where those of one key
take longer than there is time, no product and no number of workers help.
"""

from dataclasses import dataclass

import numpy as np

from sim.advice.trial import Bench
from sim.foundation.text import count, duration, share
from sim.traffic.generate import service_s


@dataclass(frozen=True)
class Hottest:
    """The key whose messages take longest, one after the other."""

    name: str
    """"": all messages are in one order."""
    job: str
    """Which takes longest for them."""
    messages: int
    of: int
    """Of all, so many."""
    work_s: float
    """Of its messages, one after the other, s."""
    limit_s: float
    """So long from the first arrival to the end of what is allowed, s."""

    @property
    def never_done(self) -> bool:
        """Whether it cannot be done in time, in order."""
        return self.work_s > self.limit_s

    def said(self) -> str:
        """As a sentence or two."""
        whose = f"those of {self.name} alone" if self.name else "all messages"
        part = f"{count(self.messages)} messages, {share(self.messages, self.of)} of all"
        if not self.name:
            part = f"{count(self.messages)} messages"
        return (
            f"No number of workers helps: in order is one after the other, and {whose} "
            f"({part}) take {self.job} {duration(self.work_s)} so, where there are "
            f"{duration(self.limit_s)}. Let a finer key say what must stay in order "
            "(workload.order_by), or make the work shorter."
        )


def hottest(bench: Bench) -> Hottest | None:
    """The key whose messages take longest in order; None: no order is needed, or no key is known.

    Args:
        bench: with the messages and the needs.
    """
    needs, messages = bench.needs, bench.messages
    if needs.order == "none" or not len(messages):
        return None
    if needs.order == "per_key" and not bench.order_by:
        return None
    key_of, names = messages.keys_of(bench.order_by)
    longest = (0.0, bench.jobs[0], 0)
    for job in bench.jobs:
        work_s = service_s(bench.scenario, len(messages), [job]).astype(np.float64)
        of_key = np.bincount(key_of, weights=work_s, minlength=len(names))
        most = int(of_key.argmax())
        longest = max(longest, (float(of_key[most]), job, most))
    longest_s, job, key = longest
    after_s = bench.patience_s if needs.drain is None else needs.drain
    return Hottest(
        name=names[key] if needs.order == "per_key" else "",
        job=job,
        messages=int((key_of == key).sum()),
        of=len(messages),
        work_s=longest_s,
        limit_s=messages.duration_s + after_s,
    )
