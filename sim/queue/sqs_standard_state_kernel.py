"""What a standard queue knows of its messages, and of the workers that compete for them."""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64, U8, U16
from sim.queue import sqs_standard_codes as codes
from sim.queue.feed_kernel import Feed

_DEATHS_KEPT = 64


class StandardPolicy:
    """Constants of one queue."""

    def __init__(
        self,
        batch: int,
        per_delete: int,
        per_batch_s: float,
        visibility_s: float,
        wait_s: float,
        max_receives: int,
        max_in_flight: int,
        retention_s: float,
        asked: int,
        delay_s: float,
        order: int = codes.AS_VISIBLE,
        stale_deletes: int = 0,
    ) -> None:
        self.batch = batch
        """Messages a receive asks for."""
        self.per_delete = per_delete
        """Messages a delete call covers."""
        self.per_batch_s = per_batch_s
        """Work done once a receive, s."""
        self.visibility_s = visibility_s
        """How long a receive hides a message, s."""
        self.wait_s = wait_s
        """Wait of a long poll, s; 0: short polling."""
        self.max_receives = max_receives
        """A message received so often goes to the dead-letter queue."""
        self.max_in_flight = max_in_flight
        """Messages hidden at a time, at most."""
        self.retention_s = retention_s
        """A message is deleted so long after it came, s."""
        self.asked = asked
        """Servers that a short poll asks."""
        self.delay_s = delay_s
        """From the feed to this queue (fan-out), s."""
        self.order = order
        """When what came back is handed out: RETURNED_FIRST, AS_VISIBLE, FRESH_FIRST."""
        self.stale_deletes = stale_deletes
        """1: a delete with an old receipt deletes all the same."""


class StandardPoison:
    """Messages whose handler raises, or that kill, and whom they killed."""

    def __init__(self, fails: I32, revive_s: F64) -> None:
        self.fails: I32 = fails
        """[messages] its first so many receives end badly."""
        self.revive_s: F64 = revive_s
        """[messages] those kill, and the next process starts so much later, s; -1: they raise."""
        self.death_s: F64 = np.zeros(_DEATHS_KEPT)
        """[deaths kept] ring of when messages killed a process, s."""
        self.death_w: I64 = np.zeros(_DEATHS_KEPT, np.int64)
        """[deaths kept] and which worker's."""
        self.deaths = 0
        """Processes killed."""


class StandardQueue:
    """What the servers know of each message (columns are indexed by message, not by row).

    Where messages were forgotten (`sim.queue.windows`), messages and rows of the feed are numbered
    anew; counters go on.
    """

    def __init__(
        self,
        policy: StandardPolicy,
        feed: Feed,
        service_s: F32,
        poison: StandardPoison | None,
        *,
        servers: int,
        workers: int,
        room: int,
        receive_latency_s: F64,
        delete_latency_s: F64,
        grid_s: F64,
        keep_repeats: int,
    ) -> None:
        n = len(service_s)
        self.policy: StandardPolicy = policy
        """Of the queue."""
        self.feed: Feed = feed
        """What the senders put in; other queues may read the same one (fan-out)."""
        self.service_s: F32 = service_s
        """[messages] work that each takes, s."""
        self.receive_latency_s: F64 = receive_latency_s
        """[draws] round trips of the receive call, s, taken in turn."""
        self.delete_latency_s: F64 = delete_latency_s
        """[draws] the same of the delete call."""
        self.has_poison = poison is not None
        """Whether any message is poison."""
        none = np.zeros(0, np.int32), np.zeros(0)
        self.poison: StandardPoison = StandardPoison(*none) if poison is None else poison
        """What is poison; without columns where no message is."""

        self.split: I64 = np.full(1, -1)
        """[blocks] first row of its messages in the columns of split ones; -1: it is not split."""
        self.split_from = 0
        """Messages of the first block that are forgotten."""
        self.total = n
        """Messages that it is to get, known or not yet."""
        self.next_fresh: I64 = np.arange(servers, dtype=np.int64)
        """[servers] next row never received; server s holds rows s, s + servers, …"""
        self.oldest_fresh = 0
        """No row before this is in ``next_fresh``."""
        self.oldest_server = 0
        """The server that holds that row."""
        self.state: U8 = np.zeros(n, np.uint8)
        """[messages] READY, IN_FLIGHT, OVERDUE, DELETED, DEAD, EXPIRED."""
        self.receives: U16 = np.zeros(n, np.uint16)
        """[messages] receive count; also the current receipt."""
        self.effects: U16 = np.zeros(n, np.uint16)
        """[messages] how often each was processed."""
        self.done_s: F64 = np.full(n, np.inf)
        """[messages] first processed at, s; inf: not yet."""
        self.handed_s: F64 = np.zeros(0)
        """[split] when the receive was answered that led to it, s; 0: not processed yet."""
        self.begun_s: F64 = np.zeros(0)
        """[split] when its work began then, s."""
        self.call_s: F32 = np.zeros(0, np.float32)
        """[split] half of the round trip of that receive, s."""
        self.place: U8 = np.zeros(n, np.uint8)
        """[messages] of those split, the place in what that receive got; of all, LEFT, of the
        latest receive."""
        self.retention_row = 0
        """Rows before this are past retention."""

        self.next_out_s = -num.INF
        """Nothing becomes visible again or runs out of time before, s."""

        # Rings have a power of two for their room; heads and tails are never wrapped.
        self.expiry_s: F64 = np.zeros(room)
        """[room] ring of visibility expiries, earliest first, s."""
        self.expiry_message: I64 = np.zeros(room, np.int64)
        """[room] whose."""
        self.expiry_head = 0
        self.expiry_tail = 0
        self.returned: I64 = np.zeros(room, np.int64)
        """[room] ring of messages that became visible again, oldest first."""
        self.returned_s: F64 = np.zeros(room)
        """[room] and when, s."""
        self.returned_head = 0
        self.returned_tail = 0
        self.parked: I64 = np.zeros(1 << (workers - 1).bit_length(), np.int64)
        """[workers or more] ring of the workers whose long polls wait, first come first."""
        self.parked_head = 0
        self.parked_tail = 0

        # What happened that is rare; room for more is made between two events.
        self.note_kind: U8 = np.zeros(room, np.uint8)
        """[room] BACK, GAVE_UP, IDLE, FULL, DEATH."""
        self.note_of: I64 = np.zeros(room, np.int64)
        """[room] which message, or which worker."""
        self.note_from_s: F64 = np.zeros(room)
        """[room] from when, s."""
        self.note_until_s: F64 = np.zeros(room)
        """[room] until when, s."""
        self.notes = 0
        """How many there are."""
        self.full_s = num.INF
        """Since when receives have got nothing because of what is in flight, s; inf: they do."""
        self.room_s = -num.INF
        """When that last ended, s."""
        self.limit_n: I64 = np.zeros(codes.LIMITS, np.int64)
        """[limits] how often each acted."""
        self.limit_first_s: F64 = np.zeros(codes.LIMITS)
        """[limits] when first, s."""
        self.limit_last_s: F64 = np.zeros(codes.LIMITS)
        """[limits] when last, s."""
        self.worked = 0
        """Time that workers have worked, `codes.TICKS` a second; work in progress counts later."""
        self.idled = 0
        """Time that they had nothing, likewise."""

        self.clock_s = 0.0
        """Time of the latest event, s."""
        self.rounds_after = 0
        """Events until `sqs_standard_rounds_kernel` tries again."""
        self.in_rounds = 0
        """Messages that were handed out by it."""
        self.in_flight = 0
        """Messages hidden now."""
        self.removed = 0
        """Messages deleted, dead-lettered or expired."""
        self.receive_calls = 0
        """Receives sent."""
        self.receive_draw = 0
        """The draw of the latency that the next of them takes."""
        self.empty_receives = 0
        """Receives that were answered without a message."""
        self.over_limit = 0
        """Receives that found as many messages in flight as may be."""
        self.delete_calls = 0
        """Deletes sent."""
        self.delete_draw = 0
        """The draw of the latency that the next of them takes."""
        self.deliveries = 0
        """Messages handed out, each time."""
        self.effects_in_all = 0
        """Messages processed, each time."""

        self.grid_s: F64 = grid_s
        """[grid] ascending times at which the queue is sampled, s."""
        self.grid_next = 0
        """The next of them."""
        self.grid_in_flight: I64 = np.zeros(len(grid_s), np.int64)
        """[grid] messages hidden at that time."""
        self.grid_removed: I64 = np.zeros(len(grid_s), np.int64)
        """[grid] messages gone for good by that time."""
        self.again = 0
        """Times that a message was processed beyond its first."""
        self.again_message: I32 = np.zeros(keep_repeats, np.int32)
        """[kept] messages processed before, in any order; may be empty."""
        self.again_s: F64 = np.zeros(keep_repeats)
        """[kept] when each was processed again, s."""


class StandardWorkers:
    """Competing workers; each is a serial loop of receive, process, delete."""

    def __init__(self, workers: int, batch: int) -> None:
        self.event_s: F64 = np.full(workers, num.INF)
        """[workers] time of the next event at the server, s; inf: none."""
        self.heap_n = 0
        """Workers in the heap: those with an event, but for the parked."""
        self.heap_s: F64 = np.full(workers + 4, num.INF)
        """[workers + 4] heap of their ``event_s``, four below each, s; then infinity."""
        self.heap_w: I64 = np.zeros(workers + 4, np.int64)
        """[workers + 4] which worker each entry is of."""
        self.disordered = False
        """Whether ``event_s`` was changed from outside, so that the heap must be made anew."""
        self.kind: I64 = np.zeros(workers, np.int64)
        """[workers] OFF, RECEIVE, PARKED, DELETE, LEAVING, STARTING."""
        self.half_s: F64 = np.zeros(workers)
        """[workers] half the latency of the call under way, s."""
        self.call_s: F64 = np.zeros(workers)
        """[workers] half the latency of the receive that it has what it holds from, s."""
        self.woken: I64 = np.zeros(workers, np.int64)
        """[workers] WOKEN: that receive had waited for room in flight; else 0."""
        self.begun_s: F64 = np.zeros(workers)
        """[workers] when the message in progress was begun, s."""
        self.idle_s: F64 = np.full(workers, num.INF)
        """[workers] since when it has had nothing, and no long poll that waits, s; inf: it is not
        so."""
        self.off_s: F64 = np.full(workers, num.INF)
        """[workers] when its latest process to end did, s."""
        self.held: I64 = np.zeros((workers, batch), np.int64)
        """[workers, batch] messages held."""
        self.receipt: I64 = np.zeros((workers, batch), np.int64)
        """[workers, batch] receive count when received."""
        self.held_n: I64 = np.zeros(workers, np.int64)
        """[workers] messages held."""
        self.chunk_first: I64 = np.zeros(workers, np.int64)
        """[workers] the next delete covers the held messages from here …"""
        self.chunk_end: I64 = np.zeros(workers, np.int64)
        """[workers] … to before here."""
        self.current: I64 = np.zeros(workers, np.int64)
        """[workers] held message in progress; end of chunk: all done."""
        self.start_s: F64 = np.zeros(workers)
        """[workers] when the chunk's processing began, s."""
        self.end_s: F64 = np.zeros(workers)
        """[workers] when the message in progress will be done, s."""
        self.received_s: F64 = np.zeros(workers)
        """[workers] when the held messages were hidden, s."""
        self.stored: I64 = np.zeros(workers, np.int64)
        """[workers] 1: visibility expiries of the held messages are in the ring."""
        self.factor: F64 = np.ones(workers)
        """[workers] service times are multiplied by this."""
        self.resume_s: F64 = np.full(workers, -num.INF)
        """[workers] the process is paused until then, s."""
        self.doomed: I64 = np.zeros(workers, np.int64)
        """[workers] 1: crashed after its delete was sent."""
        self.restart_s: F64 = np.full(workers, num.INF)
        """[workers] a successor of a doomed worker was started then, s; inf: none yet."""
        self.barred: I64 = np.zeros(workers, np.int64)
        """[workers] ENDING: was sent SIGTERM; CUT_OFF: no call gets through."""
        self.cut_s: F64 = np.full(workers, num.INF)
        """[workers] since when it is cut off, s."""
