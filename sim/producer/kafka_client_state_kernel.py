"""What is known of a process with its producer client, and of its brokers as it meets them.

Batches, records and requests are numbered in order of creation and kept in rings (power-of-two
capacity; number & mask is the place), from the oldest that is still needed.
"""

import numpy as np

from sim.engine.acted_kernel import Acted
from sim.foundation import num
from sim.foundation.arrays import F64, I32, I64, U8, U16
from sim.producer import kafka_client_codes as codes


class ClientSettings:
    """Constants of the application and its client."""

    def __init__(
        self,
        *,
        mode: int,
        poll_records: int,
        auto_commit_s: float,
        commit_s: float,
        flush_timeout_s: float,
        check_flush: bool,
        transaction_timeout_s: float,
        abort_interval_s: float,
        java: bool,
        linger_s: float,
        batch_bytes: int,
        batch_records: int,
        buffer_bytes: int,
        buffer_records: int,
        block_s: float,
        acks: int,
        retries: int,
        backoff_s: float,
        backoff_max_s: float,
        request_timeout_s: float,
        delivery_timeout_s: float,
        max_in_flight: int,
        idempotent: bool,
        in_order: bool,
        notice_s: float,
    ) -> None:
        self.mode = mode
        """PRODUCE, COMMIT_PRODUCE, FLUSH_COMMIT or TRANSACTION."""
        self.poll_records = poll_records
        """Most input rows that one poll returns."""
        self.auto_commit_s = auto_commit_s
        """PRODUCE: auto.commit.interval.ms."""
        self.commit_s = commit_s
        """Round trip of a commit."""
        self.flush_timeout_s = flush_timeout_s
        self.check_flush = check_flush
        """Commit only after a flush with nothing remaining and no error."""
        self.transaction_timeout_s = transaction_timeout_s
        self.abort_interval_s = abort_interval_s
        """Time between two looks of the coordinator for transactions that are too old."""
        self.java = java
        """A request takes from each partition, memory goes by batches, KP-04 hurries."""
        self.linger_s = linger_s
        self.batch_bytes = batch_bytes
        self.batch_records = batch_records
        self.buffer_bytes = buffer_bytes
        self.buffer_records = buffer_records
        self.block_s = block_s
        """How long send() waits for room."""
        self.acks = acks
        """0, 1, or -1: all."""
        self.retries = retries
        self.backoff_s = backoff_s
        self.backoff_max_s = backoff_max_s
        self.request_timeout_s = request_timeout_s
        self.delivery_timeout_s = delivery_timeout_s
        self.max_in_flight = max_in_flight
        """Requests per connection."""
        self.idempotent = idempotent
        self.in_order = in_order
        """Retries are put back in order of creation, not in front."""
        self.notice_s = notice_s
        """From when a lost answer was due to the client's seeing a broken connection."""


class Input:
    """What the application reads; its row number is the input offset."""

    def __init__(self, created_s: F64, partition_of: I32, size_bytes: I32, process_s: F64) -> None:
        self.created_s = created_s
        """[rows] ascending."""
        self.partition_of = partition_of
        """[rows] partition of the record sent for each."""
        self.size_bytes = size_bytes
        """[rows] or [1]."""
        self.process_s = process_s
        """[rows] or [1] the application's work before it sends."""


class Draws:
    """Pools of random numbers, each taken in turn and begun again at its end."""

    def __init__(self, latency_s: F64, replicate_s: F64, uniform: F64, jitter: F64) -> None:
        self.latency_s = latency_s
        """[pool] round trip of a request, half each way."""
        self.replicate_s = replicate_s
        """[pool] acks=all: from the leader's append to the last of the in-sync replicas'."""
        self.uniform = uniform
        """[pool] in [0, 1): for lost answers and failing appends."""
        self.jitter = jitter
        """[pool] in [0, 1): of the retry backoff."""
        self.latencies = 0
        """Drawn so far."""
        self.replications = 0
        self.uniforms = 0
        self.jitters = 0


class ClusterState:
    """What the control plane changes of the brokers between two advances, and what they counted."""

    def __init__(self, brokers: int, partitions: int, coordinator: int = 0) -> None:
        self.up: U8 = np.ones(brokers, np.uint8)
        """[brokers] 1: reachable."""
        self.stalled: U8 = np.zeros(brokers, np.uint8)
        """[brokers] 1: it stands still: its socket takes requests, it does not."""
        self.extra_latency_s: F64 = np.zeros(brokers)
        """[brokers] added to each round trip."""
        self.ack_loss: F64 = np.zeros(brokers)
        """[brokers] probability that an answer is lost."""
        self.coordinator = coordinator
        """Broker that coordinates the producer's transactions."""
        self.leader: I32 = (np.arange(partitions) % brokers).astype(np.int32)
        """[partitions] broker of each partition."""
        self.append_fails: F64 = np.zeros(partitions)
        """[partitions] probability of a retriable error, acks=all (KB-04)."""
        self.duplicates_refused = 0
        """Batches acknowledged without being stored again."""
        self.out_of_sequence = 0
        """Batches refused for a gap."""


class App:
    """The process, and what is known of each input row."""

    def __init__(self, rows: int) -> None:
        self.phase = codes.OFF
        """What it is doing: OFF … FENCED."""
        self.next_s = num.INF
        """Its next step."""
        self.kill_s = num.INF
        self.auto_commit_s = num.INF
        """Next automatic commit."""
        self.deadline_s = num.INF
        """When flush() or a blocked send() returns at the latest."""
        self.closing = codes.NO
        """NO, AFTER_POLL, FLUSH_AND_COMMIT or FLUSH_ONLY."""
        self.position = 0
        """Next input row to process."""
        self.polled = 0
        """End of the rows that the last poll returned."""
        self.committed_to = 0
        """Committed input offset."""
        self.committing = 0
        """Offset of the commit under way."""
        self.errors = 0
        """Records rejected or failed since the last poll (or automatic commit)."""
        self.session = 0
        """1, 2, … with each process."""
        self.txn = 0
        """Number of the transaction."""
        self.txn_first = 0
        """First journal entry of the transaction."""
        self.txn_due_s = num.INF
        """When the coordinator aborts the transaction for its age; inf: it is not open."""
        self.txn_fenced = 0
        """1: it has, and fenced the producer…"""
        self.txn_refused = 0
        """…1: of which the client knows, as a broker refused a batch for that."""
        self.aborted = 0
        """Transactions."""
        self.status: U8 = np.full(rows, codes.NOT_SENT, np.uint8)
        """[rows] NOT_SENT … SKIPPED."""
        self.acked_s: F64 = np.full(rows, num.INF)
        """[rows] first acknowledged at; inf: never."""
        self.sent: U16 = np.zeros(rows, np.uint16)
        """[rows] times that send() accepted it."""
        self.returned_s: F64 = np.zeros(0)
        """[rows] when send() first returned, s; inf: not yet; [0]: nobody asks."""


class Samples:
    """What is measured at given times."""

    def __init__(self, grid_s: F64) -> None:
        self.grid_s = grid_s
        """[grid] the times."""
        self.remaining: I64 = np.zeros(grid_s.size, np.int64)
        """[grid] records in the client (buffer.remaining)."""
        self.committed: I64 = np.zeros(grid_s.size, np.int64)
        """[grid] committed input offset."""
        self.filled = 0
        """Samples so far."""
        self.next_s = grid_s[0] if grid_s.size else num.INF
        """Time of the next; inf: there is none."""


class Records:
    """Ring of the records in the client."""

    def __init__(self, ring: int) -> None:
        self.mask = ring - 1
        self.row: I32 = np.zeros(ring, np.int32)
        """[ring] input row."""
        self.link: I64 = np.zeros(ring, np.int64)
        """[ring] next record of the batch."""
        self.next = 0
        """Number that the next accepted record gets."""
        self.remaining = 0
        """Accepted and neither acknowledged nor failed."""


class Batches:
    """Ring of the batches in the client."""

    def __init__(self, ring: int) -> None:
        self.mask = ring - 1
        self.state: U8 = np.zeros(ring, np.uint8)
        """[ring] OPEN, QUEUED, FLIGHT, GONE or FREE."""
        self.stored: U8 = np.zeros(ring, np.uint8)
        """[ring] of one in flight: NO_ANSWER (or a retriable error), STORED or INVALID_EPOCH."""
        self.partition: I32 = np.zeros(ring, np.int32)
        """[ring]"""
        self.attempts: I32 = np.zeros(ring, np.int32)
        """[ring] retries so far."""
        self.created_s: F64 = np.zeros(ring)
        """[ring]"""
        self.ready_s: F64 = np.zeros(ring)
        """[ring] end of the backoff."""
        self.left_s: F64 = np.zeros(ring)
        """[ring] when it was first sent; inf: not yet."""
        self.first: I64 = np.zeros(ring, np.int64)
        """[ring] its first record."""
        self.last: I64 = np.zeros(ring, np.int64)
        """[ring] its last record."""
        self.n: I64 = np.zeros(ring, np.int64)
        """[ring] records."""
        self.size_bytes: I64 = np.zeros(ring, np.int64)
        """[ring]"""
        self.held_bytes: I64 = np.zeros(ring, np.int64)
        """[ring] of the buffer."""
        self.seq: I64 = np.zeros(ring, np.int64)
        """[ring] sequence number of its first record; -1: not drained yet."""
        self.txn: I64 = np.zeros(ring, np.int64)
        """[ring] transaction in which it was begun."""
        self.link: I64 = np.zeros(ring, np.int64)
        """[ring] next batch of the partition's queue, or of the request; -1: none."""
        self.next = 0
        """Number that the next gets."""
        self.oldest = 0
        """Oldest whose place is needed."""
        self.oldest_pending = 0
        """Oldest that may still expire."""
        self.buffered_bytes = 0
        """Of the buffer, held by all of them."""
        self.retries = 0
        """Batches put back."""


class Requests:
    """Ring of the requests on each broker's connection."""

    def __init__(self, brokers: int, ring: int) -> None:
        shape = (brokers, ring)
        self.mask = ring - 1
        self.sent_s: F64 = np.zeros(shape)
        """[brokers, ring]"""
        self.half_s: F64 = np.zeros(shape)
        """[brokers, ring] half a round trip."""
        self.replicate_s: F64 = np.zeros(shape)
        """[brokers, ring] from when it is taken up to the broker's answer."""
        self.arrive_s: F64 = np.zeros(shape)
        """[brokers, ring] when the broker takes it up; inf: it stands still."""
        self.respond_s: F64 = np.zeros(shape)
        """[brokers, ring] when its answer is back; inf: never, or it stands still."""
        self.lost: U8 = np.zeros(shape, np.uint8)
        """[brokers, ring] 1: there is no answer, and the connection breaks."""
        self.first: I64 = np.zeros(shape, np.int64)
        """[brokers, ring] its first batch."""
        self.oldest: I64 = np.zeros(brokers, np.int64)
        """[brokers] oldest in flight."""
        self.arriving: I64 = np.zeros(brokers, np.int64)
        """[brokers] next to reach the broker."""
        self.next: I64 = np.zeros(brokers, np.int64)
        """[brokers] number that the next gets."""
        self.free_s: F64 = np.zeros(brokers)
        """[brokers] when it has answered all that it was sent; inf: it stands still."""
        self.connected: U8 = np.ones(brokers, np.uint8)
        """[brokers] 1: there is a connection."""
        self.turn: I64 = np.zeros(brokers, np.int64)
        """[brokers] partition from which the next request is filled."""
        self.due_s: F64 = np.full(brokers, -num.INF)
        """[brokers] nothing is to be sent before; -inf: look."""
        self.event_s: F64 = np.full(brokers, -num.INF)
        """[brokers] nothing arrives, is answered, overdue or to be sent before; -inf: look."""
        self.full_s: F64 = np.full(brokers, num.INF)
        """[brokers] since when it has had as many in flight as it may, but for the moments in which
        the next was sent; inf: it has room."""
        self.sent = 0
        """Requests so far."""


class Partitions:
    """Each partition's queue in the client."""

    def __init__(self, partitions: int) -> None:
        self.first: I64 = np.full(partitions, -1, np.int64)
        """[partitions] batch at the front of the queue; -1: none."""
        self.last: I64 = np.full(partitions, -1, np.int64)
        """[partitions] batch at its end; -1: none."""
        self.queues = 0
        """Queues with a batch in them."""
        self.in_flight: I64 = np.zeros(partitions, np.int64)
        """[partitions] batches."""
        self.next_seq: I64 = np.zeros(partitions, np.int64)
        """[partitions]"""
        self.epoch: I64 = np.zeros(partitions, np.int64)
        """[partitions] raised when a batch with a sequence number was given up."""
        self.unresolved: U8 = np.zeros(partitions, np.uint8)
        """[partitions] 1: such a batch may or may not have been stored."""


class KnownProducer:
    """What the broker of each partition knows of the producer (KP-10)."""

    def __init__(self, partitions: int) -> None:
        self.session: I64 = np.zeros(partitions, np.int64)
        """[partitions] session of the last batch stored."""
        self.epoch: I64 = np.zeros(partitions, np.int64)
        """[partitions] its epoch."""
        self.batches: I64 = np.zeros(partitions, np.int64)
        """[partitions] batches stored of that session and epoch."""
        self.first: I64 = np.zeros((partitions, codes.RETAINED), np.int64)
        """[partitions, 5] first sequence numbers of the last five."""
        self.last: I64 = np.zeros((partitions, codes.RETAINED), np.int64)
        """[partitions, 5] their last sequence numbers."""


class Journal:
    """Batches stored by the brokers, in order of time."""

    def __init__(self, entries: int, rows: int) -> None:
        self.append_s: F64 = np.zeros(entries)
        """[room]"""
        self.visible_s: F64 = np.zeros(entries)
        """[room] valid for read_committed; inf: transaction open or aborted."""
        self.aborted_s: F64 = np.full(entries, num.INF)
        """[room] when its transaction was aborted, or will be; inf: it was not, or has none."""
        self.partition: I32 = np.zeros(entries, np.int32)
        """[room]"""
        self.first: I64 = np.zeros(entries, np.int64)
        """[room] its first place in ``row``."""
        self.n: I32 = np.zeros(entries, np.int32)
        """[room] records."""
        self.attempt: I32 = np.zeros(entries, np.int32)
        """[room] 0: not a retry."""
        self.left_s: F64 = np.zeros(entries)
        """[room] when the batch first left its client."""
        self.session: I32 = np.zeros(entries, np.int32)
        """[room] 1, 2, …: process that sent it."""
        self.row: I32 = np.zeros(rows, np.int32)
        """[room for rows] input row of each record."""
        self.entries = 0
        """Entries so far."""
        self.rows = 0
        """Places of ``row`` in use."""


class ClientLimits:
    """Which limits acted: how often, and when."""

    def __init__(self) -> None:
        self.long_s = 0.1
        """Who waits for longer than this has met a limit."""
        self.full_records = Acted()
        """Records for which the buffer had no room, as it had as many as it takes."""
        self.full_bytes = Acted()
        """The same, as its memory was full."""
        self.rejected = Acted()
        """Of both, records that send() gave back for that."""
        self.expired = Acted()
        """Records that failed as their delivery was overdue."""
        self.tried_out = Acted()
        """Records that failed as their batch had been retried as often as it may."""
        self.overdue = Acted()
        """Requests whose answer did not come in time."""
        self.crowded = Acted()
        """Batches that waited long for room in flight."""
        self.lingered = Acted()
        """Batches that left as they had lingered, where that is long."""
        self.refused = Acted()
        """Batches refused by a partition with too few replicas in sync."""
        self.unflushed = Acted()
        """Records still in the client when a flush gave up."""
        self.late_transactions = Acted()
        """Transactions that the coordinator had aborted for their age."""
        self.left_open = Acted()
        """Of these, those of dead processes whose successor had another transactional.id."""


class ClientState:
    """A process with its client, its input, and the brokers as it meets them."""

    def __init__(
        self,
        settings: ClientSettings,
        source: Input,
        draws: Draws,
        brokers: ClusterState,
        app: App,
        samples: Samples,
        records: Records,
        batches: Batches,
        requests: Requests,
        partitions: Partitions,
        known: KnownProducer,
        journal: Journal,
        limits: ClientLimits,
    ) -> None:
        self.settings = settings
        self.source = source
        self.draws = draws
        self.brokers = brokers
        self.app = app
        self.samples = samples
        self.records = records
        self.batches = batches
        self.requests = requests
        self.partitions = partitions
        self.known = known
        self.journal = journal
        self.limits = limits
        self.off_s = num.INF
        """When the process ended; inf: it runs."""
        self.wake_s = num.INF
        """Next event of the client or of a request on its way."""
