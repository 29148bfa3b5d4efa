"""A process that reads its input, sends a record for each row, and may die: its client included.

The input's row number is its offset. What the brokers stored is the journal; what became of each
row is its fate (KP-01 to KP-20 and LP-01 to LP-06, from `sim.producer.kafka_client_kernel` on;
KP-11, KP-12, KP-15, KP-20 and LP-06 here; KB-13 in `sim.producer.kafka_stalled_brokers`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sim.engine.acted_kernel import note
from sim.engine.outcome import Fate
from sim.engine.pace import STEPS, StagePace
from sim.foundation.arrays import F64, I32, I64, U8, U16, Bools
from sim.producer import kafka_client_appends_kernel as appends
from sim.producer import kafka_client_application_kernel as application
from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_kernel as k
from sim.producer import kafka_client_requests_kernel as requests_kernel
from sim.producer import kafka_client_rings as rings
from sim.producer import kafka_client_state_kernel as parts
from sim.producer import kafka_client_transactions_kernel as transactions
from sim.producer import kafka_stalled_brokers
from sim.producer.kafka_client_checks import (
    check_acknowledged,
    check_counts,
    check_progress,
    progress,
)
from sim.producer.kafka_client_configuration import check_settings, settings_of
from sim.producer.kafka_client_waits import Absences, Ways
from sim.producer.kafka_stalled_brokers import GivenUp
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_publisher import Publisher

TEARDOWN_S: Mapping[str, float] = {"java": 0.0, "librdkafka": 0.010}
"""How long a client's threads go on when its process exits normally without close() (LP-04), s.

confluent-kafka in a global variable: until Python clears its modules, measured as 6 ms in a bare
script and 12 to 44 with libraries imported; local to a function: 0. Java: 0, as its sender is a
daemon thread, which ends with the process."""


class StoredBatches(NamedTuple):
    """Batches stored by the brokers, in order of time."""

    append_s: F64
    """[entries]"""
    visible_s: F64
    """[entries] valid for read_committed; inf: transaction open or aborted."""
    aborted_s: F64
    """[entries] when its transaction was aborted; inf: it was not, or has none."""
    partition: I32
    """[entries]"""
    first: I64
    """[entries] its first place in ``row``."""
    n: I32
    """[entries] records."""
    attempt: I32
    """[entries] 0: not a retry."""
    left_s: F64
    """[entries] when the batch first left its client."""
    session: I32
    """[entries] 1, 2, …: process that sent it."""
    row: I32
    """[rows] input row of each record."""


class Client:
    """Stage of the data plane: one process, its producer client and the requests on their way.

    The verbs act at the time to which the stage was last advanced.
    """

    def __init__(
        self,
        created_s: F64,
        partition_of: I32,
        partitions: int,
        size_bytes: I32,
        *,
        producer: KafkaProducer,
        publisher: Publisher,
        commit_s: float,
        process_s: F64,
        brokers: int,
        latency_s: F64,
        replicate_s: F64 | None = None,
        uniform: F64 | None = None,
        jitter: F64 | None = None,
        ack_loss_notice_s: float = 0.0,
        abort_interval_s: float = 10.0,
        coordinator: int = 0,
        grid_s: F64 | None = None,
        teardown_s: float | None = None,
        retry_rejected: bool = False,
    ) -> None:
        """
        Args:
            created_s: [rows] when each input row can be read, ascending, s.
            partition_of: [rows] partition of the record sent for it.
            partitions: number of partitions.
            size_bytes: [rows], or [1] when all are the same.
            producer: configuration of the client.
            publisher: configuration of the application; `per_message` is in ``process_s``.
            commit_s: round trip of a commit, s; it counts once it is at the coordinator, half-way.
            process_s: [rows] or [1] the application's work on a row before it sends, s.
            brokers: number of brokers; broker p % brokers leads partition p at first.
            latency_s: [draws] round trip of a request, half each way, taken in turn, s.
            replicate_s: [draws] acks=all: from the append to the answer, s; default none.
            uniform: [draws] in [0, 1): for lost answers and failing appends.
            jitter: [draws] in [0, 1): 0: a retry's backoff is 20 % shorter, 1: longer; default 0.5.
            ack_loss_notice_s: from when a lost answer was due until the client sees that its
                connection is broken, s; inf: only at request.timeout.ms.
            abort_interval_s: time between two looks for transactions that are too old, s.
            coordinator: broker that coordinates its transactions, at first.
            grid_s: [grid] times at which buffer.remaining and the committed offset are sampled.
            teardown_s: in place of `TEARDOWN_S`.
            retry_rejected: whether send() is called again until there is room, rather than go on.
        """
        half = np.full(1, 0.5)
        app = parts.App(created_s.size)
        samples = parts.Samples(np.zeros(0) if grid_s is None else grid_s)
        cluster = parts.ClusterState(brokers, partitions, coordinator)
        self.teardown_s = TEARDOWN_S[producer.client] if teardown_s is None else teardown_s
        block_s = np.inf if retry_rejected else producer.block_s
        self.state = parts.ClientState(
            settings=settings_of(
                producer, publisher, commit_s, block_s, ack_loss_notice_s, abort_interval_s
            ),
            source=parts.Input(created_s, partition_of, size_bytes, process_s),
            draws=parts.Draws(
                latency_s,
                np.zeros(1) if replicate_s is None else replicate_s,
                half if uniform is None else uniform,
                half if jitter is None else jitter,
            ),
            brokers=cluster,
            app=app,
            samples=samples,
            records=parts.Records(1 << 10),
            batches=parts.Batches(1 << 8),
            requests=parts.Requests(brokers, 1 << 3),
            partitions=parts.Partitions(partitions),
            known=parts.KnownProducer(partitions),
            journal=parts.Journal(1 << 8, 1 << 10),
            limits=parts.ClientLimits(),
        )
        self.rows, self.waiting = created_s.size, 0
        self.partitions = partitions
        self.status: U8 = np.asarray(app.status)
        """[rows] what the client knows of each: NOT_SENT … SKIPPED."""
        self.acked_s: F64 = np.asarray(app.acked_s)
        """[rows] first acknowledged at; inf: never."""
        self.sent: U16 = np.asarray(app.sent)
        """[rows] times that send() accepted it."""
        self.grid_remaining: I64 = np.asarray(samples.remaining)
        """[grid] records in the client (buffer.remaining)."""
        self.grid_committed: I64 = np.asarray(samples.committed)
        """[grid] committed input offset."""
        self.leader: I32 = np.asarray(cluster.leader)
        """[partitions] broker of each."""
        self.pace = StagePace("a publisher", self.rows)
        self.absences = Absences(partitions)
        """Of the process, and of the brokers as it meets them."""
        self.given_up: list[GivenUp] = []
        """What brokers that stand still will find in their sockets, in order."""
        self.publisher, self.new_ids = publisher, producer.new_transactional_ids
        self.hanging_s: list[float] = []
        """When transactions that dead processes have left open will be aborted, ascending."""
        self.back_s, self.fenced_s = np.inf, list[float]()
        """When its supervisor starts a new process, and when it learned of fences (KP-20), s."""
        check_settings(self.state.settings, int(size_bytes.max(initial=0)))
        self.restart(0.0)

    def stand(self, waiting: int) -> None:
        """Begin behind so many rows, whose records are in the log since before the start."""
        app = self.state.app
        app.position = app.committed_to = self.waiting = waiting

    def advance(self, until_s: float) -> None:
        """Carry the process, and what is on its way, to ``until_s``."""
        self._advance(until_s)
        while self.back_s <= until_s:  # of a process that has ended within this advance
            self.restart(self.back_s)
            self._advance(until_s)
        self.time_out(until_s)

    def time_out(self, until_s: float) -> None:
        """Have the coordinator abort, by ``until_s``, what is open for too long (KP-20)."""
        transactions.time_out(until_s, self.state)
        while self.hanging_s and self.hanging_s[0] <= until_s:
            due_s = self.hanging_s.pop(0)
            note(self.state.limits.late_transactions, due_s, due_s, 1)

    def _advance(self, until_s: float) -> None:
        state = self.state
        app = state.app
        if min(app.next_s, state.wake_s, app.kill_s) > until_s:
            return
        before = progress(state)
        while True:
            match k.publish(until_s, state, STEPS):
                case codes.DONE:
                    check_progress(before, state)
                    return
                case codes.FULL_RECORDS:
                    rings.grow_records(state)
                case codes.FULL_BATCHES:
                    rings.grow_batches(state.batches)
                case codes.FULL_REQUESTS:
                    rings.grow_requests(state.requests)
                case codes.FULL_JOURNAL:
                    rings.grow_journal(
                        state.journal, state.batches.mask + 1, state.records.mask + 1
                    )
                case codes.GIVES_UP:
                    self._give_up_overdue(state.wake_s)
                case codes.GOES_ON:
                    now_s = min(app.next_s, state.wake_s, app.kill_s)
                    self.pace.look(now_s, app.committed_to, self._doing)
                case codes.DIES:
                    self._die(app.kill_s)
                case codes.IS_FENCED:
                    self._meet_fence(app.next_s)

    def _doing(self) -> str:
        """How far it is, and what comes next, for people."""
        app = self.state.app
        return (
            f"it is at row {app.position} of {self.rows}, has {self.remaining} records in its "
            f"buffer, and goes on at {app.next_s!r} s, its client at {self.state.wake_s!r} s"
        )

    # What became of the rows.

    @property
    def alive(self) -> bool:
        """Whether the application runs."""
        return self.state.app.phase != codes.OFF

    @property
    def remaining(self) -> int:
        """Records in the client, ``len(producer)``: neither acknowledged nor failed."""
        return self.state.records.remaining

    @property
    def committed(self) -> int:
        """Committed input offset: the next row to read after a restart (KC-10)."""
        return self.state.app.committed_to

    @property
    def position(self) -> int:
        """Next input row to process."""
        return self.state.app.position

    @property
    def settled(self) -> bool:
        """Whether every row is committed and none is in the client; nothing is left to do."""
        return self.committed == self.rows and self.position == self.rows and self.remaining == 0

    @property
    def journal(self) -> StoredBatches:
        """What the brokers have stored so far, in order of time: views, valid until `advance`."""
        journal = self.state.journal
        n = journal.entries
        return StoredBatches(
            append_s=np.asarray(journal.append_s)[:n],
            visible_s=np.asarray(journal.visible_s)[:n],
            aborted_s=np.asarray(journal.aborted_s)[:n],
            partition=np.asarray(journal.partition)[:n],
            first=np.asarray(journal.first)[:n],
            n=np.asarray(journal.n)[:n],
            attempt=np.asarray(journal.attempt)[:n],
            left_s=np.asarray(journal.left_s)[:n],
            session=np.asarray(journal.session)[:n],
            row=np.asarray(journal.row)[: journal.rows],
        )

    def appends(self, kept: Bools | None = None) -> I64:
        """[rows] how many valid records of each row are in the log.

        Args:
            kept: [entries] of the journal that no election has cut off; default: all are.
        """
        journal = self.journal
        valid = journal.visible_s < np.inf
        if kept is not None:
            valid &= kept
        rows = journal.row[np.repeat(valid, journal.n)]
        return np.bincount(rows, minlength=self.rows)

    def ways(self) -> Ways:
        """Where the time of each record went until it could be read, as far as is known."""
        off, state = list(self.absences.off), self.state
        if state.off_s < np.inf:
            off.append((state.off_s, np.inf))
        source = state.source
        return Ways(
            np.asarray(source.created_s),
            np.asarray(source.partition_of),
            state.journal,
            off,
            self.absences.spans(),
        )

    def fates(self, kept: Bools | None = None) -> U8:
        """[rows] a `Fate`: how a row was lost, or UNFINISHED.

        Unfinished is what is in the log, for a consumer to finish; in the client; or still to be
        read, for the first time or after a restart. Lost is what the application will not come back
        to, having passed it or committed beyond it.

        Args:
            kept: see `appends`.
        """
        goes_on = self.alive and self.state.settings.mode in (codes.PRODUCE, codes.COMMIT_PRODUCE)
        passed = np.arange(self.rows) < (self.position if goes_on else self.committed)
        passed[: self.waiting] = False
        lost = passed & (self.appends(kept) == 0) & (self.status != codes.BUFFERED)
        place = np.zeros(7, np.uint8)
        place[codes.NOT_SENT] = Fate.LOST_ACKED_BEFORE_PROCESSING
        place[codes.ACKED] = Fate.LOST_BROKER_FAILOVER
        place[codes.FAILED] = Fate.LOST_SEND_EXPIRED
        place[codes.REJECTED] = Fate.LOST_REJECTED
        place[codes.DIED] = Fate.LOST_PRODUCER_BUFFER
        place[codes.SKIPPED] = Fate.LOST_TRANSACTION_ABORTED
        return np.where(lost, place[self.status], np.uint8(Fate.UNFINISHED))

    def finish(self, until_s: float) -> None:
        """Complete the samples; call once, at the end."""
        application.fill_samples(np.nextafter(until_s, np.inf), self.state)
        check_counts(self.state)
        check_acknowledged(self.state)

    # How the process ends, and begins again.

    def sigkill(self, at_s: float) -> None:
        """SIGKILL, out of memory, power: what has not reached a broker is lost (KP-15)."""
        self._die(at_s)

    def sigterm(self, at_s: float, grace_s: float, handlers: bool) -> None:
        """A pod is stopped: SIGTERM, and SIGKILL ``grace_s`` later.

        Args:
            at_s: now.
            grace_s: terminationGracePeriodSeconds.
            handlers: whether a handler has the application finish what it polled, flush, check,
                commit and close; without, the process ends at once, and atexit hooks do not run
                (LP-06).
        """
        if not self.alive:
            return
        if not handlers:
            self.sigkill(at_s)
            return
        app = self.state.app
        app.kill_s = min(app.kill_s, at_s + grace_s)
        if app.closing == codes.NO:
            app.closing = codes.AFTER_POLL
            if app.phase == codes.POLL:
                app.next_s = at_s

    def sigint(self, at_s: float, handlers: bool, atexit_flush: bool = False) -> None:
        """Ctrl+C: with a handler as `sigterm` without a limit, else as `exit_normally`.

        Python raises KeyboardInterrupt and exits normally, so its atexit hooks run.
        """
        if handlers:
            self.sigterm(at_s, np.inf, handlers=True)
        else:
            self.exit_normally(at_s, atexit_flush=atexit_flush)

    def exit_normally(
        self, at_s: float, *, flush: bool = False, atexit_flush: bool = False
    ) -> None:
        """The main function ends at once, in the middle of a row or not; nothing is committed.

        Args:
            at_s: now.
            flush: whether it waits for flush() before.
            atexit_flush: whether a hook of atexit does.
        """
        app = self.state.app
        if not self.alive:
            return
        if flush or atexit_flush:
            app.closing = codes.FLUSH_ONLY
            app.phase = codes.FLUSH
            app.next_s = at_s if self.remaining == 0 or app.txn_refused else np.inf
            self._look(at_s)
        elif self.teardown_s > 0:
            app.phase = codes.OFF
            app.next_s = np.inf
            app.kill_s = min(app.kill_s, at_s + self.teardown_s)
        else:
            self.sigkill(at_s)

    def _meet_fence(self, at_s: float) -> None:
        """The application learns that its producer is fenced, which is then of no use (KP-20).

        It ends, as it was ending anyway or its program does so; or makes a new producer, and reads
        its input again from the committed offset, or goes on with what comes next.
        """
        app, then = self.state.app, self.publisher.on_fenced
        self.fenced_s.append(at_s)
        ending, passed = app.closing != codes.NO, app.polled
        self._die(at_s)
        if ending or then == "exit":
            if not ending and self.publisher.restart_after is not None:
                self.back_s = at_s + self.publisher.restart_after
            return
        self.restart(at_s)
        if then == "skip":
            self.status[app.committed_to : passed] = codes.SKIPPED
            app.position = passed

    def restart(self, at_s: float) -> None:
        """Start a new process, which reads on from the committed offset.

        Its client is a new producer, of whose predecessor's batches the brokers know nothing
        (KP-11); a transaction left open is aborted.
        """
        if self.alive:
            return
        self.back_s = np.inf
        self._die(at_s)
        transactions.time_out(at_s, self.state)
        if not self.new_ids:
            transactions.end(at_s, self.state)
        elif (due_s := transactions.leave_open(self.state)) < np.inf:
            self.hanging_s.append(due_s)
            note(self.state.limits.left_open, at_s, due_s, 1)
        self.absences.off.append((self.state.off_s, at_s))
        self.state.off_s = np.inf
        app, partitions = self.state.app, self.state.partitions
        app.session += 1
        app.txn += 1
        app.txn_fenced = app.txn_refused = 0
        app.position = app.committed_to
        app.errors = 0
        app.phase = codes.POLL
        app.next_s = at_s
        app.auto_commit_s = at_s + self.state.settings.auto_commit_s
        partitions.next_seq[:] = 0
        partitions.epoch[:] = 0
        partitions.unresolved[:] = 0

    # What happens to brokers.

    def broker_down(self, broker: int, at_s: float, *, reset: bool = False) -> None:
        """A broker cannot be reached: what is on its way to it is lost, and so are its answers.

        Args:
            broker: its number.
            at_s: now.
            reset: whether its connection is reset, as when its process dies; else the client only
                notices at request.timeout.ms, or when the broker is back.
        """
        requests = self.state.requests
        self.state.brokers.up[broker] = 0
        if reset:
            self.state.brokers.stalled[broker] = 0
            self._forget_given_up(broker)
            self._disconnect(broker, at_s)
        else:
            numbers = np.arange(requests.oldest[broker], requests.arriving[broker])
            respond_s = np.asarray(requests.respond_s)
            respond_s[broker, numbers & requests.mask] = np.inf
            requests.event_s[broker] = -np.inf
        self.absences.look(at_s, self.state.brokers)
        self._look(at_s)

    def broker_up(self, broker: int, at_s: float) -> None:
        """A broker can be reached again.

        A connection on which something was lost is reset then; the client reconnects at once.
        """
        requests = self.state.requests
        if not self.state.brokers.up[broker] and requests.oldest[broker] < requests.next[broker]:
            self._disconnect(broker, at_s)
        self.state.brokers.up[broker] = 1
        self.absences.look(at_s, self.state.brokers)
        self._look(at_s)
        if broker == self.state.brokers.coordinator:
            self._ask_coordinator(at_s + transactions.half_s(self.state))

    def pause_broker(self, broker: int, at_s: float) -> None:
        """A broker stands still, alive and silent (KB-13)."""
        kafka_stalled_brokers.pause(at_s, broker, self.state)
        self.absences.look(at_s, self.state.brokers)

    def resume_broker(self, broker: int, at_s: float) -> None:
        """It goes on: what its clients gave up comes first, then what waits, in order (KB-13)."""
        if not self.state.brokers.stalled[broker]:
            return
        application.fill_samples(at_s, self.state)
        here = self._forget_given_up(broker)
        rows = sum(batch.row.size for batch in here)
        rings.make_room_in_journal(self.state.journal, len(here), rows)
        for batch in here:
            appends.take_up(at_s, broker, *batch.what, batch.row, self.state)
        kafka_stalled_brokers.resume(at_s, broker, self.state)
        self.absences.look(at_s, self.state.brokers)
        if broker == self.state.brokers.coordinator:
            self._ask_coordinator(at_s)

    def _forget_given_up(self, broker: int) -> list[GivenUp]:
        here = [batch for batch in self.given_up if batch.broker == broker]
        self.given_up = [batch for batch in self.given_up if batch.broker != broker]
        return here

    def _give_up_overdue(self, at_s: float) -> None:
        """Break the connections to brokers that have stood still for too long."""
        for broker in kafka_stalled_brokers.overdue(at_s, self.state):
            self.given_up += kafka_stalled_brokers.left_in_socket(at_s, broker, self.state)
            requests_kernel.disconnect(at_s, broker, self.state)
            note(self.state.limits.overdue, at_s, at_s, 1)

    def _die(self, at_s: float) -> None:
        check_counts(self.state)
        for broker in range(len(self.state.brokers.up)):
            self.given_up += kafka_stalled_brokers.left_in_socket(at_s, broker, self.state)
        k.die(at_s, self.state)

    def _disconnect(self, broker: int, at_s: float) -> None:
        application.fill_samples(at_s, self.state)
        requests_kernel.disconnect(at_s, broker, self.state)

    def slow_broker(self, broker: int, extra_latency_s: float) -> None:
        """From now on, requests to a broker take this much longer, half each way."""
        self.state.brokers.extra_latency_s[broker] = extra_latency_s

    def lose_acks(self, broker: int, probability: float) -> None:
        """From now on, answers of a broker are lost with this probability."""
        self.state.brokers.ack_loss[broker] = probability

    def fail_appends(self, partition: int, probability: float) -> None:
        """From now on, acks=all appends to a partition are refused so often (KB-04: 1)."""
        self.state.brokers.append_fails[partition] = probability

    def move_leader(self, partition: int, broker: int, at_s: float) -> None:
        """Another broker leads a partition; the client learns of it at once (KB-06)."""
        self.state.brokers.leader[partition] = broker
        self.absences.look(at_s, self.state.brokers)
        self._look(at_s)

    def move_coordinator(self, broker: int, at_s: float) -> None:
        """Another broker coordinates transactions; the client learns of it at once."""
        self.state.brokers.coordinator = broker
        self._ask_coordinator(at_s + transactions.half_s(self.state))

    def _ask_coordinator(self, arrives_s: float) -> None:
        """A commit or abort that the coordinator has not handled gets there."""
        app = self.state.app
        if app.phase in (codes.COMMIT, codes.ABORT) and app.next_s == np.inf:
            app.next_s = arrives_s

    def _look(self, at_s: float) -> None:
        """Have the client look whether there is anything to send."""
        if self.alive:
            requests_kernel.look_everywhere(at_s, self.state)
