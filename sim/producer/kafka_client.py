"""A process that reads its input, sends a record for each row, and may die: its client included.

The input's row number is its offset. What the brokers stored is the journal; what became of each
row is its fate (KP-01 to KP-16 and LP-01 to LP-06, in `sim.producer.kafka_client_kernel`; KP-11,
KP-12, KP-15 and LP-06 here; KB-13 in `sim.producer.kafka_stalled_brokers`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.engine.outcome import Fate
from sim.foundation.arrays import F64, I32, I64, U8, Bools
from sim.producer import kafka_client_kernel as k
from sim.producer import kafka_stalled_brokers
from sim.producer.kafka_client_checks import check_acknowledged, check_progress
from sim.producer.kafka_stalled_brokers import GivenUp
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_publisher import Order, Publisher

_UNLIMITED = 1 << 60

_MODES: Mapping[Order, int] = {
    "produce": k.PRODUCE,
    "commit-produce": k.COMMIT_PRODUCE,
    "produce-flush-commit": k.FLUSH_COMMIT,
    "transaction": k.TRANSACTION,
}


TEARDOWN_S: Mapping[str, float] = {"java": 0.0, "librdkafka": 0.010}
"""How long a client's threads go on when its process exits normally without close() (LP-04), s.

confluent-kafka in a global variable: until Python clears its modules, measured as 6 ms in a bare
script and 12 to 44 with libraries imported; local to a function: 0. Java: 0, as its sender is a
daemon thread, which ends with the process."""


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
            commit_s: round trip of a commit, s; it counts once it has reached the coordinator,
                half-way.
            process_s: [rows] or [1] the application's work on a row before it sends, s.
            brokers: number of brokers; broker p % brokers leads partition p at first.
            latency_s: [draws] round trip of a request, half each way, taken in turn, s.
            replicate_s: [draws] acks=all: from the append to the answer, s; default none.
            uniform: [draws] in [0, 1): for lost answers and failing appends.
            jitter: [draws] in [0, 1): 0 makes a retry's backoff 20 % shorter, 1 makes it 20 %
                longer; default 0.5.
            ack_loss_notice_s: from when a lost answer was due until the client sees that its
                connection is broken, s; inf: only at request.timeout.ms.
            grid_s: [grid] times at which buffer.remaining and the committed offset are sampled.
            teardown_s: in place of `TEARDOWN_S`.
            retry_rejected: whether the application calls send() again until the buffer has room,
                rather than go on without the record.
        """
        rows = created_s.size
        half = np.full(1, 0.5)
        app = k.App(
            at=np.full(k.TIMES, np.inf),
            n=np.zeros(k.COUNTS, np.int64),
            status=np.full(rows, k.NOT_SENT, np.uint8),
            acked_s=np.full(rows, np.inf),
            sent=np.zeros(rows, np.uint16),
            grid_s=np.zeros(0) if grid_s is None else grid_s,
            grid_remaining=np.zeros(0 if grid_s is None else grid_s.size, np.int64),
            grid_committed=np.zeros(0 if grid_s is None else grid_s.size, np.int64),
        )
        self.teardown_s = TEARDOWN_S[producer.client] if teardown_s is None else teardown_s
        block_s = np.inf if retry_rejected else producer.block_s
        self.state = k.ClientState(
            settings=_settings(producer, publisher, commit_s, block_s, ack_loss_notice_s),
            source=k.Input(created_s, partition_of, size_bytes, process_s),
            draws=k.Draws(
                latency_s,
                np.zeros(1) if replicate_s is None else replicate_s,
                half if uniform is None else uniform,
                half if jitter is None else jitter,
            ),
            brokers=k.ClusterState(
                up=np.ones(brokers, np.bool_),
                stalled=np.zeros(brokers, np.bool_),
                extra_latency_s=np.zeros(brokers),
                ack_loss=np.zeros(brokers),
                leader=(np.arange(partitions) % brokers).astype(np.int32),
                append_fails=np.zeros(partitions),
            ),
            app=app,
            records=_records(1 << 10),
            batches=_batches(1 << 8),
            requests=_requests(brokers, 1 << 3),
            partitions=k.Partitions(
                first=np.full(partitions, -1, np.int64),
                last=np.full(partitions, -1, np.int64),
                in_flight=np.zeros(partitions, np.int64),
                next_seq=np.zeros(partitions, np.int64),
                epoch=np.zeros(partitions, np.int64),
                unresolved=np.zeros(partitions, np.bool_),
                known_session=np.zeros(partitions, np.int64),
                known_epoch=np.zeros(partitions, np.int64),
                known=np.zeros(partitions, np.int64),
                known_first=np.zeros((partitions, k.RETAINED), np.int64),
                known_last=np.zeros((partitions, k.RETAINED), np.int64),
            ),
            journal=_journal(1 << 8, 1 << 10),
        )
        self.given_up: list[GivenUp] = []
        """What brokers that stand still will find in their sockets, in order."""
        _check(self.state.settings, int(size_bytes.max(initial=0)))
        self.restart(0.0)

    def advance(self, until_s: float) -> None:
        """Carry the process, and what is on its way, to ``until_s``."""
        if self.state.app.at[k.DUE].min() > until_s:
            return  # as the kernel would see at once; to hand it its state takes ten times as long
        before = self.state.app.n.tolist()
        while True:
            match k.publish(until_s, self.state):
                case k.DONE:
                    check_progress(before, self.state)
                    return
                case k.FULL_RECORDS:
                    self._grow_records()
                case k.FULL_BATCHES:
                    self._grow_batches()
                case k.FULL_REQUESTS:
                    self._grow_requests()
                case k.FULL_JOURNAL:
                    self._grow_journal(len(self.state.batches.state), len(self.state.records.row))
                case k.GIVES_UP:
                    self._give_up_overdue(float(self.state.app.at[k.WAKE_S]))
                case k.DIES:
                    self._die(float(self.state.app.at[k.KILL_S]))

    # What became of the rows.

    @property
    def alive(self) -> bool:
        """Whether the application runs."""
        return bool(self.state.app.n[k.PHASE] != k.OFF)

    @property
    def remaining(self) -> int:
        """Records in the client, ``len(producer)``: neither acknowledged nor failed."""
        return int(self.state.app.n[k.REMAINING])

    @property
    def committed(self) -> int:
        """Committed input offset: the next row to read after a restart (KC-10)."""
        return int(self.state.app.n[k.COMMITTED_TO])

    @property
    def position(self) -> int:
        """Next input row to process."""
        return int(self.state.app.n[k.POSITION])

    @property
    def settled(self) -> bool:
        """Whether every row is committed and none is in the client; nothing is left to do."""
        rows = self.state.source.created_s.size
        return self.committed == rows and self.position == rows and self.remaining == 0

    @property
    def journal(self) -> k.Journal:
        """What the brokers have stored so far, in order of time: views, valid until `advance`."""
        n, rows = self.state.app.n[k.ENTRIES], self.state.app.n[k.ROWS]
        columns = self.state.journal._asdict()
        row = columns.pop("row")[:rows]
        return k.Journal(**{name: column[:n] for name, column in columns.items()}, row=row)

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
        return np.bincount(rows, minlength=self.state.source.created_s.size)

    def fates(self, kept: Bools | None = None) -> U8:
        """[rows] a `Fate`: how a row was lost, or UNFINISHED.

        Unfinished is what is in the log, for a consumer to finish; in the client; or still to be
        read, for the first time or after a restart. Lost is what the application will not come back
        to, having passed it or committed beyond it.

        Args:
            kept: see `appends`.
        """
        app = self.state.app
        goes_on = self.alive and self.state.settings.mode in (k.PRODUCE, k.COMMIT_PRODUCE)
        passed = np.arange(app.status.size) < (self.position if goes_on else self.committed)
        lost = passed & (self.appends(kept) == 0) & (app.status != k.BUFFERED)
        place = np.zeros(6, np.uint8)
        place[k.NOT_SENT] = Fate.LOST_ACKED_BEFORE_PROCESSING
        place[k.ACKED] = Fate.LOST_BROKER_FAILOVER
        place[k.FAILED] = Fate.LOST_SEND_EXPIRED
        place[k.REJECTED] = Fate.LOST_REJECTED
        place[k.DIED] = Fate.LOST_PRODUCER_BUFFER
        return np.where(lost, place[app.status], np.uint8(Fate.UNFINISHED))

    def finish(self, until_s: float) -> None:
        """Complete the samples; call once, at the end."""
        k.fill_samples(np.nextafter(until_s, np.inf), self.state)
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
        app.at[k.KILL_S] = min(app.at[k.KILL_S], at_s + grace_s)
        if app.n[k.CLOSING] == k.NO:
            app.n[k.CLOSING] = k.AFTER_POLL
            if app.n[k.PHASE] == k.POLL:
                app.at[k.NEXT_S] = at_s

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
            app.n[k.CLOSING] = k.FLUSH_ONLY
            app.n[k.PHASE] = k.FLUSH
            app.at[k.NEXT_S] = at_s if self.remaining == 0 else np.inf
            self._look(at_s)
        elif self.teardown_s > 0:
            app.n[k.PHASE] = k.OFF
            app.at[k.NEXT_S] = np.inf
            app.at[k.KILL_S] = min(app.at[k.KILL_S], at_s + self.teardown_s)
        else:
            self.sigkill(at_s)

    def restart(self, at_s: float) -> None:
        """Start a new process, which reads on from the committed offset.

        Its client is a new producer, of whose predecessor's batches the brokers know nothing
        (KP-11); a transaction left open is aborted.
        """
        if self.alive:
            return
        self._die(at_s)
        app, partitions = self.state.app, self.state.partitions
        app.n[k.SESSION] += 1
        app.n[k.TXN] += 1
        app.n[k.POSITION] = app.n[k.COMMITTED_TO]
        app.n[k.ERRORS] = 0
        app.n[k.PHASE] = k.POLL
        app.at[k.NEXT_S] = at_s
        app.at[k.AUTO_COMMIT_S] = at_s + self.state.settings.auto_commit_s
        partitions.next_seq[:] = 0
        partitions.epoch[:] = 0
        partitions.unresolved[:] = False

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
        self.state.brokers.up[broker] = False
        if reset:
            self.state.brokers.stalled[broker] = False
            self._forget_given_up(broker)
            self._disconnect(broker, at_s)
        else:
            numbers = np.arange(requests.oldest[broker], requests.arriving[broker])
            requests.respond_s[broker, numbers & (requests.sent_s.shape[1] - 1)] = np.inf
        self._look(at_s)

    def broker_up(self, broker: int, at_s: float) -> None:
        """A broker can be reached again.

        A connection on which something was lost is reset then; the client reconnects at once.
        """
        requests = self.state.requests
        if not self.state.brokers.up[broker] and requests.oldest[broker] < requests.next[broker]:
            self._disconnect(broker, at_s)
        self.state.brokers.up[broker] = True
        self._look(at_s)

    def pause_broker(self, broker: int, at_s: float) -> None:
        """A broker stands still, alive and silent (KB-13)."""
        kafka_stalled_brokers.pause(at_s, broker, self.state)

    def resume_broker(self, broker: int, at_s: float) -> None:
        """It goes on: what its clients gave up comes first, then what waits, in order (KB-13)."""
        if not self.state.brokers.stalled[broker]:
            return
        k.fill_samples(at_s, self.state)
        here = self._forget_given_up(broker)
        self._make_room_in_journal(len(here), sum(batch.row.size for batch in here))
        for batch in here:
            k.take_up(at_s, broker, batch.what, batch.row, self.state)
        kafka_stalled_brokers.resume(at_s, broker, self.state)

    def _forget_given_up(self, broker: int) -> list[GivenUp]:
        here = [batch for batch in self.given_up if batch.broker == broker]
        self.given_up = [batch for batch in self.given_up if batch.broker != broker]
        return here

    def _give_up_overdue(self, at_s: float) -> None:
        """Break the connections to brokers that have stood still for too long."""
        for broker in kafka_stalled_brokers.overdue(at_s, self.state):
            self.given_up += kafka_stalled_brokers.left_in_socket(at_s, broker, self.state)
            k.disconnect(at_s, broker, self.state)

    def _die(self, at_s: float) -> None:
        for broker in range(self.state.brokers.up.size):
            self.given_up += kafka_stalled_brokers.left_in_socket(at_s, broker, self.state)
        k.die(at_s, self.state)

    def _disconnect(self, broker: int, at_s: float) -> None:
        k.fill_samples(at_s, self.state)
        k.disconnect(at_s, broker, self.state)

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
        self._look(at_s)

    def _look(self, at_s: float) -> None:
        """Have the client look whether there is anything to send."""
        if self.alive:
            k.look_everywhere(at_s, self.state)

    # Room.

    def _grow_records(self) -> None:
        s = self.state
        oldest = s.batches.first[s.app.n[k.OLDEST_BATCH] & (s.batches.state.size - 1)]
        numbers = np.arange(oldest, s.app.n[k.NEXT_RECORD])
        grown = _records(2 * s.records.row.size)
        self.state = s._replace(records=_moved(s.records, grown, numbers))

    def _grow_batches(self) -> None:
        s = self.state
        numbers = np.arange(s.app.n[k.OLDEST_BATCH], s.app.n[k.NEXT_BATCH])
        grown = _batches(2 * s.batches.state.size)
        self.state = s._replace(batches=_moved(s.batches, grown, numbers))

    def _grow_requests(self) -> None:
        old: Any = self.state.requests
        brokers, ring = old.sent_s.shape
        grown: Any = _requests(brokers, 2 * ring)
        for was, now in zip(old, grown, strict=True):
            if was.ndim == 1:
                now[:] = was
                continue
            for b in range(brokers):
                numbers = np.arange(old.oldest[b], old.next[b])
                now[b, numbers & (2 * ring - 1)] = was[b, numbers & (ring - 1)]
        self.state = self.state._replace(requests=grown)

    def _make_room_in_journal(self, entries: int, rows: int) -> None:
        app, journal = self.state.app, self.state.journal
        no_entry = journal.append_s.size - app.n[k.ENTRIES] < entries
        if no_entry or journal.row.size - app.n[k.ROWS] < rows:
            self._grow_journal(entries, rows)

    def _grow_journal(self, spare_entries: int, spare_rows: int) -> None:
        s = self.state
        used: Any = self.journal
        grown: Any = _journal(
            used.append_s.size + max(spare_entries, used.append_s.size // 2),
            used.row.size + max(spare_rows, used.row.size // 2),
        )
        for was, now in zip(used, grown, strict=True):
            now[: was.size] = was
        self.state = s._replace(journal=grown)


def _moved(old: Any, grown: Any, numbers: I64) -> Any:
    """``grown``, filled with what ``old`` rings hold for ``numbers``."""
    for was, now in zip(old, grown, strict=True):
        now[numbers & (now.size - 1)] = was[numbers & (was.size - 1)]
    return grown


def _settings(
    producer: KafkaProducer, publisher: Publisher, commit_s: float, block_s: float, notice_s: float
) -> k.ClientSettings:
    java, transactional = producer.client == "java", publisher.transactional
    idempotent = producer.idempotent(transactional)
    return k.ClientSettings(
        mode=_MODES[publisher.order],
        poll_records=publisher.poll_records,
        auto_commit_s=publisher.auto_commit_s,
        commit_s=float(commit_s),
        flush_timeout_s=publisher.flush_timeout,
        check_flush=publisher.check_flush or transactional,
        transaction_timeout_s=producer.transaction_timeout_s,
        java=java,
        linger_s=producer.linger_ms / 1e3,
        batch_bytes=max(1, producer.batch_bytes),
        batch_records=producer.batch_records or _UNLIMITED,
        buffer_bytes=producer.buffer_bytes,
        buffer_records=producer.buffer_records or _UNLIMITED,
        block_s=block_s,
        acks=producer.acks_of,
        retries=producer.most_retries,
        backoff_s=producer.backoff_s,
        backoff_max_s=producer.backoff_max_s,
        request_timeout_s=producer.request_timeout_s,
        delivery_timeout_s=producer.delivery_timeout_s(transactional),
        max_in_flight=producer.in_flight(transactional),
        idempotent=idempotent,
        # librdkafka puts messages back by their number (rd_kafka_retry_msgq).
        in_order=idempotent or not java,
        notice_s=float(notice_s),
    )


def _check(settings: k.ClientSettings, largest_bytes: int) -> None:
    """What the kernel takes for granted; a scenario that says otherwise was refused (KP-12)."""
    assert largest_bytes <= settings.buffer_bytes, "a record fits into the buffer"
    if settings.java:
        assert settings.batch_bytes <= settings.buffer_bytes, "a batch fits into the buffer"
    if settings.idempotent:
        assert settings.acks == -1 and settings.retries > 0
        assert settings.max_in_flight <= k.RETAINED, "brokers remember no more"
    assert settings.flush_timeout_s > 0, "or it would flush for ever without time passing"


def _records(ring: int) -> k.Records:
    return k.Records(row=np.zeros(ring, np.int32), link=np.zeros(ring, np.int64))


def _batches(ring: int) -> k.Batches:
    return k.Batches(
        state=np.zeros(ring, np.int8),
        stored=np.zeros(ring, np.bool_),
        partition=np.zeros(ring, np.int32),
        attempts=np.zeros(ring, np.int32),
        created_s=np.zeros(ring),
        ready_s=np.zeros(ring),
        first=np.zeros(ring, np.int64),
        last=np.zeros(ring, np.int64),
        n=np.zeros(ring, np.int64),
        size_bytes=np.zeros(ring, np.int64),
        held_bytes=np.zeros(ring, np.int64),
        seq=np.zeros(ring, np.int64),
        txn=np.zeros(ring, np.int64),
        link=np.zeros(ring, np.int64),
    )


def _requests(brokers: int, ring: int) -> k.Requests:
    shape = (brokers, ring)
    return k.Requests(
        sent_s=np.zeros(shape),
        half_s=np.zeros(shape),
        replicate_s=np.zeros(shape),
        arrive_s=np.zeros(shape),
        respond_s=np.zeros(shape),
        lost=np.zeros(shape, np.bool_),
        first=np.zeros(shape, np.int64),
        oldest=np.zeros(brokers, np.int64),
        arriving=np.zeros(brokers, np.int64),
        next=np.zeros(brokers, np.int64),
        free_s=np.zeros(brokers),
        connected=np.ones(brokers, np.bool_),
        turn=np.zeros(brokers, np.int64),
        due_s=np.full(brokers, -np.inf),
    )


def _journal(entries: int, rows: int) -> k.Journal:
    return k.Journal(
        append_s=np.zeros(entries),
        visible_s=np.zeros(entries),
        partition=np.zeros(entries, np.int32),
        first=np.zeros(entries, np.int64),
        n=np.zeros(entries, np.int32),
        attempt=np.zeros(entries, np.int32),
        session=np.zeros(entries, np.int32),
        row=np.zeros(rows, np.int32),
    )
