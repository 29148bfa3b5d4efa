"""Single active consumer of RabbitMQ streams: one active consumer of each partition (RQ-12).

The broker decides whenever a consumer comes or goes: partition ``p`` is for consumer ``p`` modulo
their number, in the order in which they subscribed. It tells both at once; who was active stops
after the message in hand and stores its offset, and only then the other is told to begin. Whoever's
partitions stay is not disturbed, and there is no session: a connection that closes counts at once,
one that is silent after its heartbeat. Source: `rabbit_stream_sac_coordinator` in
rabbitmq/rabbitmq-server.
"""

from collections.abc import Callable

import simpy

from sim.engine.environment import Steps
from sim.log.group import Group
from sim.log.kafka_coordinator import Member, Terms
from sim.log.kafka_rebalance_kip848 import Reconciling


class SingleActive(Reconciling):
    """A coordinator that moves partitions one by one, without heartbeats to wait for."""

    reports_gains = False

    def __init__(
        self, env: simpy.Environment, group: Group, terms: Terms, say: Callable[[str], None]
    ) -> None:
        self._line: list[Member] = []
        super().__init__(env, group, terms, say)

    def roster(self) -> list[Member]:
        """All members, in the order in which they subscribed."""
        counted = super().roster()
        self._line = [member for member in self._line if member in counted]
        self._line += [member for member in counted if member not in self._line]
        return list(self._line)

    def _abandon(self, member: Member, left: bool = False) -> None:
        super()._abandon(member, left)
        if self._connected(member.place):
            self._put_out(member)

    def _be_heard(self, m: int) -> None:
        super()._be_heard(m)
        self._disturb()

    def _last_contact_s(self, member: Member) -> float:
        return self.env.now

    def _heartbeat(self, member: Member, or_now: bool = False) -> Steps:
        while True:
            heard = member.silent_s == float("inf")
            yield self.env.timeout(self.terms.round_trip_s) if heard else self.disturbed
            if self.of[member.place] is not member or member.silent_s == float("inf"):
                return
