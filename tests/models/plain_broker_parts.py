"""What `models.plain_broker` is made of: settings, messages, deliveries, connections, consumers."""

from collections import Counter, deque
from dataclasses import dataclass, field

import simpy

from models.plain_machine import Machine

INF = float("inf")
FINAL = ("acked", "dead", "dropped", "expired", "refused", "lost", "moved")


@dataclass(frozen=True)
class Settings:
    """Of queue and consumers; times in s."""

    consumers: int = 1
    slots: int = 1
    push: bool = False
    batch: int = 1
    wait_s: float = 0.0
    every_s: float = 0.0  # from one call to the next, at least
    every_least_s: float = 0.0  # unless no more than this is left of it
    poll_s: float = 0.0  # after an answer that found nothing
    notify: bool = False  # a message that comes ends both waits …
    notified_s: float = 0.0  # … but for this from one call to the next
    prefetch: int = 1_000_000
    eta_limit: int = 0  # what a worker asks for grows with those it holds, to this at most
    etas: bool = False  # all messages have an ETA, if it may be past
    until_done: bool = False  # … and what is acknowledged counts until its work is done
    hands_back: bool = True  # push: what a process that stops has not begun comes back at once
    stays: bool = False  # who is to stop stays, though there is nothing to do
    ack: str = "late"  # auto, start, late
    ack_every: int = 1
    ack_waits: bool = True
    per_batch_s: float = 0.0
    lock_s: float = INF
    extends_s: float = 0.0  # a consumer that has a message extends its lock until then
    beat_s: float = INF  # a consumer extends the locks of what it has in hand each time after
    beat_lock_s: float = 0.0  # by so much from then on
    lock_most_s: float = INF  # but no lock lasts longer in all
    failed_lock_s: float = INF  # what failed and is left comes back after; INF: with its lock
    sweep_s: float = 0.0
    lease_s: float = INF  # a lock that consumers renew
    lease_late: bool = False  # an ack counts after its end, until a check
    renew_s: float = INF
    check_s: float = INF
    check_twice: bool = False  # what was seen by the check before, and not renewed since
    blocks: bool = False  # nothing is renewed while it works
    max_stalls: int = 1_000_000
    claim_s: float = INF  # pull: in flight for so long, it goes to a consumer that asks for it …
    claim_every_s: float = INF  # … as each does so often …
    claim_count: int = 1  # … for so many
    own_first: bool = False  # a process asks first for what is pending under its name
    keep_rows: int = 1_000_000  # the queue keeps so many when one comes, …
    keep_whole: int = 1  # … and others go so many at a time
    keep_s: float = INF
    loses: bool = False  # what is in hand of a process that is killed is lost
    work_limit_s: float = INF
    rate_max: int = 1_000_000
    rate_s: float = INF
    late_ack: bool = False
    any_copy: bool = False  # the ack of a copy that was taken back is one of the later copy
    lock_closes: bool = False
    lock_alone: bool = False  # the others come back by the close
    closes: bool = False
    closes_after_s: float = 0.0  # pull: until the end of a process is seen
    reopen_s: float = 0.0
    place: str = "returns"  # original, returns, next, back
    requeue_place: str = "returns"  # the same, of what a consumer requeues
    pick: str = "one"  # one, groups, priority, fair, spans
    returns_first: bool = False  # what came back goes before all priorities, in that order
    back_lane: int = -1  # what is requeued at the back has this priority; -1: its own
    turns: int = 0  # after so many, a message of priority 0 has its turn, if it is older
    all_heads: bool = False  # too old is the first of any priority
    look_ahead: int = 1_000_000
    span: int = 1_000_000
    noisy_share: float = 1.0
    noisy_least: int = 1_000_000
    recent_s: float = 60.0
    single_active: bool = False
    max_receives: int = 1_000_000
    max_returns: int = 1_000_000
    counted: tuple[str, ...] = ()  # close, lock, failure
    back_off_s: float = 0.0  # what comes back is ready again after, doubled each time
    back_off_linear: bool = False  # … times how often it came back and that counted
    back_off_by: tuple[str, ...] | None = None  # which returns have to wait; None: those that count
    back_off_max_s: float = INF
    dead_letters: bool = False
    on_failure: str = "leave"  # discard, rejected, requeue, retry, leave
    stop_batch: bool = False
    on_kill: str = "die"
    retry_s: float = 0.0
    retry_growth: float = 1.0
    retry_degree: int = 0
    retry_base_s: float = 0.0
    retry_max_s: float = INF
    retry_spread: float = 0.0
    retry_power: int = 0
    retry_held: bool = False
    max_length: int = 1_000_000
    overflow: str = "drop-head"
    republish_s: float = INF
    max_in_flight: int = 1_000_000
    dedup_s: float = 0.0
    calls_per_s: float = INF
    retention_s: float = INF
    keeps_s: float | None = None  # how long a seek finds what is acknowledged; None: no seeks
    at_head: bool = False  # what is too old goes once it is the first
    letters_again_s: float = INF  # a dead letter that is refused
    delay_s: float = 0.0
    publish_s: float = 0.0  # of the queue's process
    deliver_s: float = 0.0
    call_s: float = 0.0  # pull: and of a call that finds something
    deliveries_first: bool = False
    loop_s: float = 0.0  # of a consumer's main loop
    fetch_trips: int = 0
    ack_trips: int = 0
    held_s: tuple[tuple[float, float], ...] = ()  # from, until: snapshots that keep dead rows
    dead_row_s: float = 0.0  # what each adds to a call
    dead_taken: int = 0  # rows that die when a message is handed over …
    dead_done: int = 0  # … and when it is gone
    passed_s: float = 0.0  # what each row that others have adds to a call that passes it
    row_waits: bool = False  # a call waits while others have rows that it sees
    receive_s: float = 0.02
    ack_s: float = 0.02


@dataclass(eq=False)
class Message:
    """One message, as the broker and the outside see it."""

    work_s: float
    lane: int = 0
    due_s: float = 0.0
    same: int = -1  # number of its deduplication id; -1: its own
    row: int = -1
    where: str = "unsent"  # ready, flight, waiting, and the final ones
    old: bool = False
    receives: int = 0
    forgiven: int = 0  # of these, before it came last
    sought: int = 0  # how often a seek has acknowledged it
    stay: int = 0  # how often it came from another queue
    returns: int = 0
    republished: int = 0
    stalls: int = 0
    done_s: float = INF
    dead_s: float = INF  # it went to the dead letters
    dead_by: str = ""  # why
    effects: int = 0
    came_s: float = 0.0  # it was let in, or would have been
    ttl_s: float = INF  # its own
    expires_s: float = INF
    letter: bool = False  # it came from another queue
    entered_s: float = 0.0  # it reached the queue, the last time before its effect
    first_s: float = 0.0  # it reached the first of its queues
    met: "Counter[str]" = field(default_factory=Counter)  # what it met in the queues before


@dataclass(eq=False)
class Connection:
    """Of one process of one consumer; the broker may know it or not."""

    consumer: "Consumer"
    joined: int = -1  # order of subscription; -1: not subscribed (yet, or any more)
    open: bool = False
    unacked: int = 0
    later: int = 0  # held for their ETA
    asks: int = 0  # how many unacknowledged messages it wants at most, those among them


@dataclass(eq=False)
class Delivery:
    """One copy of a message, handed to a consumer."""

    message: Message
    connection: Connection
    receipt: int
    sent_s: float
    locked_s: float
    publication: int = 0  # how often its message had been published again
    at_broker: bool = True
    ends_s: float = INF  # its lock
    acknowledged: bool = False  # its ack has reached the broker
    given_back: bool = False  # it failed, and its consumer said when it comes back
    timed_out: bool = False
    verdict: str = "ok"
    owed: bool = False
    ack_sent: bool = False
    on_wire: bool = False
    entered_s: float = 0.0  # of its message, as they were when it was handed out
    came_s: float = 0.0
    met: "Counter[str]" = field(default_factory=Counter)
    held_back: bool = False  # for its ETA; does not count against the prefetch
    travels_s: float = 0.0  # until the consumer has it
    loop_part_s: float = 0.0  # of that, at the consumer's main loop
    arrived_s: float = INF
    gone_s: float = INF  # its consumer has lost it or given it up
    rests_from_s: float = 0.0  # whether consumers rest counts from then on
    waits_until_s: float = -INF  # held for its ETA or retry
    stood_still_s: float = INF  # its consumer was paused since then, with a free place for it
    begun_s: float = 0.0
    work_s: float = 0.0
    asked_s: float = INF  # a function was invoked with its batch first
    let_in_s: float = INF  # that was let in, or given up
    started_s: float = 0.0  # the function began its work


@dataclass(eq=False)
class Consumer:
    """A process (or its place), with what it has in hand."""

    machine: Machine
    changed: simpy.Event  # it has something new to look at
    alive: bool = False
    stopping: bool = False
    cut: bool = False
    connection: Connection | None = None
    ripe: deque[Delivery] = field(default_factory=deque)
    buffer: deque[Delivery] = field(default_factory=deque)
    coming: int = 0
    on_the_way: list[Delivery] = field(default_factory=list)  # pull: in an answer
    working: list[Delivery] = field(default_factory=list)
    done: list[Delivery] = field(default_factory=list)
    processes: list[simpy.Process] = field(default_factory=list)
    leaves_at_once: bool = False  # pull: a SIGTERM ends it now, as it only waits
    found_nothing: bool = False  # pull: it was told last that there is nothing, or waits to ask
    asked_s: float = -INF  # pull: its latest call began
    found_none: bool = False  # pull: which found nothing
    claimed_s: float = -INF  # pull: it asked last for what others had pending
    owns: bool = False  # pull: there may be more pending under its name
    sleeping: bool = False  # pull: it waits for the time of its next call
    until_s: float = 0.0  # pull: that is then …
    soon_s: float = 0.0  # … or, if a message comes, then, if not at once
    slept_s: float = INF  # pull: since when, before the latest call; INF: it did not
    paused_s: float = -INF  # since when it stands still, or stood still last
    loop_free_s: float = -INF  # push: when its main loop has done what it is promised to
    room: int = 1_000_000  # messages that it may still gather
    throttled: bool = False  # what it has gathered was not let into the function
    overdue: bool = False  # it should have renewed locks, and could not
    turned: simpy.Event | None = None  # it has got to renewing them after its work
    hurried: simpy.Event | None = None  # it gathers, and is to invoke the function at once


@dataclass(eq=False)
class PlainCall:
    """A receive call that waits for messages."""

    consumer: Consumer
    connection: Connection
    answer: simpy.Event
    at_s: float  # it arrived
