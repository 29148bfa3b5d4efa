"""A queue in PostgreSQL on the queue mechanism: from a library's keys to senders and workers.

Rules held: PG-01 (a worker asks at its library's times), PG-02 (NOTIFY wakes those that wait),
PG-03 (what a worker that is gone held), PG-04 (retries), PG-05 (dead rows under a snapshot), PG-06
(a fetch passes the rows that others have), PG-07 (or waits for them, without SKIP LOCKED).
"""

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.engine.waits import Limit, of_kernel
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.queue.senders import Senders
from sim.scenario.faults.groups import SnapshotHeldFault
from sim.scenario.products.postgres import PostgresSystem
from sim.scenario.products.postgres_libraries import Habits, Retries
from sim.systems.on_queue import QueueSystem, of_rows, poison_of
from sim.systems.queue_limits import Keys, LimitKey


class Postgres(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every queue gets each message."""

    def __init__(self, setup: Setup, config: PostgresSystem) -> None:
        self.config = config
        self.senders = Senders(
            setup.messages.created_s,
            threads=setup.scaled(config.producer.connections),
            batch=config.producer.batch,
            latency_s=setup.pool("insert", config.latency.insert),
        )
        rows = setup.that_wait({})
        queues = {
            name: _queue(setup, config, name, self.senders.feed, rows.get(name))
            for name in config.queues
        }
        keys = {name: limit_keys(name, config) for name in config.queues}
        super().__init__(setup, queues, rows, dict.fromkeys(queues, self.senders), keys)
        self.stages: Sequence[Stage] = [self.senders, self.readers]

    def sending_limits(self) -> Iterator[Limit]:
        """That all connections were in statements."""
        yield from of_kernel(
            self.senders.state.busy,
            "connections",
            f"{self.config.producer.connections}",
            "all connections were in statements while messages waited to be inserted",
            path="producer.connections",
        )


def _queue(setup: Setup, config: PostgresSystem, name: str, feed: Feed, rows: I32 | None) -> Broker:
    queue = config.queues[name]
    workers, habits = setup.scaled(queue.workers), queue.library.habits
    passed_s = getattr(config.latency, habits.passes) if habits.passes else 0.0
    return Broker(
        feed,
        setup.work_s(name, queue.does),
        workers,
        postgres_policy(habits, setup.scenario.workload.per_batch_s(queue.does), passed_s),
        receive_latency_s=setup.pool(f"{name}.fetch", config.latency.fetch),
        ack_latency_s=setup.pool(f"{name}.complete", config.latency.complete),
        grid_s=setup.grid_s,
        capacity=capacity(setup, name, workers),
        columns=Columns(wanted=of_rows(rows, len(setup.messages))),
        poison=poison_of(setup, name, rows),
        keep_repeats=repeats_kept(setup, name),
        dead=_dead_rows(setup, config, name),
    )


def _dead_rows(setup: Setup, config: PostgresSystem, name: str) -> DeadRows | None:
    """None: no snapshot is held of the queue."""
    held: list[tuple[float, float]] = []
    faults = [fault for fault in setup.scenario.faults if isinstance(fault, SnapshotHeldFault)]
    for fault in sorted(faults, key=lambda fault: fault.at):
        if not fault.strikes_group(setup.name, name):
            continue
        if held and fault.at <= held[-1][1]:  # the earlier snapshot keeps what the later one does
            held[-1] = (held[-1][0], max(held[-1][1], fault.until_s))
        else:
            held.append((fault.at, fault.until_s))
    if not held:
        return None
    habits = config.queues[name].library.habits
    from_s, until_s = map(np.array, zip(*held, strict=True))
    row_s = config.latency.dead_row
    return DeadRows(from_s, until_s, row_s, habits.dead_taken, habits.dead_done)


def postgres_policy(
    habits: Habits, per_batch_s: float = 0.0, passed_s: float = 0.0
) -> BrokerPolicy:
    """What a queue of a library does.

    Args:
        habits: of the library.
        per_batch_s: work that a batch costs besides its jobs, s.
        passed_s: what each row adds to a fetch that passes it, s.
    """
    retries = habits.retries
    on_failure = codes.REQUEUE if habits.held else codes.LEAVE
    counted = 0
    if retries is not None:
        on_failure = codes.RETRY if retries.most > 0 else codes.REJECTED
        counted = codes.BY_LOCK | codes.BY_FAILURE
    most = NO_LIMIT if retries is None or retries.most == inf else int(retries.most)
    if habits.dies:
        counted |= codes.BY_CLOSE
    return broker_policy(
        batch=habits.batch,
        ack_every=habits.batch,
        per_batch_s=per_batch_s,
        passed_s=passed_s,
        row_waits=int(habits.waits),
        every_s=habits.every_s,
        every_least_s=habits.every_least_s,
        poll_s=habits.poll_s,
        notify=int(habits.notify),
        notified_s=habits.notified_s,
        lock_s=habits.lease_s,
        sweep_s=habits.sweep_s if habits.lease_s < inf else 0.0,
        late_ack=int(habits.any_time),
        any_copy=int(habits.any_copy),
        closes=int(habits.held),
        closes_after_s=habits.seen_s,
        place=codes.ORIGINAL if habits.in_order else codes.BACK,
        on_failure=on_failure,
        max_returns=most,
        counted=counted,
        back_off_s=retries.wait_s if retries and habits.lease_waits else 0.0,
        back_off_max_s=_longest_s(retries) if retries else inf,
        dead_letters=1,
        retry_s=retries.wait_s if retries else 0.0,
        retry_growth=retries.growth if retries else 1.0,
        retry_degree=retries.power if retries else 0,
        retry_base_s=retries.base_s if retries else 0.0,
        retry_max_s=retries.most_s if retries else inf,
    )


def _longest_s(retries: Retries) -> float:
    """A wait that doubles does so until this; one that does not is always the first."""
    return retries.most_s if retries.growth == 2.0 else retries.wait_s


def limit_keys(name: str, config: PostgresSystem) -> Keys:
    """What a queue's library, and the lab, call its limits."""
    queue = config.queues[name]
    library, names = queue.library, queue.library.names

    def key(of: str) -> LimitKey:
        value = library.model_dump(by_alias=True, mode="json").get(of)
        return LimitKey(of, f"queues.{name}.{queue.library_key}.{of}", f"{value}")

    poll = names.poll if library.habits.poll_s > library.habits.every_s else names.every
    its = {
        codes.LIMIT_POLL: poll or names.poll,
        codes.LIMIT_HELD: names.batch,
        codes.LIMIT_LOCK_HELD: names.lease,
        codes.LIMIT_LOCK_GONE: names.lease,
        codes.LIMIT_RETURNS: names.retries,
        codes.LIMIT_RETRIES: names.retries,
    }
    keys = {code: key(of) for code, of in its.items() if of}
    rows = {codes.LIMIT_DEAD: "dead_row", codes.LIMIT_PASSED: library.habits.passes}
    for code, row in rows.items():
        if row:
            value = f"{getattr(config.latency, row) * 1e6:.12g} us"
            keys[code] = LimitKey(row, f"latency.{row}", value)
    if library.habits.waits:
        path = f"queues.{name}.for_update"
        keys[codes.LIMIT_LINE] = LimitKey("for_update", path, "without SKIP LOCKED")
    keys[codes.LIMIT_BUSY] = LimitKey("workers", f"queues.{name}.workers", str(queue.workers))
    return keys
