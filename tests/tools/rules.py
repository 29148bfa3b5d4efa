"""The rules by which products behave, and the tests that are named after them.

`python tests/tools/rules.py` prints the table: of each rule its tests, or why the lab
does not model it.
A test carries the ids of its rules in its name: `test_KC_04_…`, `test_KB_04_05_…`.

KP, LP: producer clients of Kafka (Java) and librdkafka. KB, KC, KS: Kafka's brokers, consumer
groups, share groups. KN: Kinesis and its readers. SS, SF: SQS standard and FIFO. RQ: RabbitMQ.
CE: Celery. BM: BullMQ. RT: Redis streams. RB: RQ. SK: Sidekiq.
"""

import re
from collections.abc import Mapping
from pathlib import Path

RULES = {
    "KP-01": "records gather in batches, which leave full or after linger.ms",
    "KP-02": "the delivery timeout counts from the batch's creation; its outcome is unknown",
    "KP-03": "a lost answer and a retry write twice",
    "KP-04": "a full buffer blocks (Java) or raises (librdkafka)",
    "KP-05": "acks=0: a drop is silent",
    "KP-06": "acks=1: the leader's crash loses what it alone had",
    "KP-07": "acks=all waits for the replicas in sync, however few they are",
    "KP-08": "retries with several requests in flight reorder",
    "KP-09": "one request in flight keeps order, and still repeats",
    "KP-10": "an idempotent producer neither repeats nor reorders",
    "KP-11": "idempotence ends with the process",
    "KP-12": "settings that contradict idempotence disable it, or are refused",
    "KP-13": "flush returned does not mean delivered",
    "KP-14": "close waits for all sends; with a timeout it fails the rest",
    "KP-15": "a killed process loses what is not at the broker",
    "KP-16": "a transaction makes records and offsets valid together",
    "KP-17": "the partition is murmur2 of the key, modulo their number",
    "KP-18": "without a key, a partition is kept until a batch is full",
    "KP-20": "a transaction open for too long is aborted by its coordinator, its producer fenced",
    "LP-01": "flush of librdkafka returns what is left; so does len()",
    "LP-02": "callbacks fire only from poll and flush",
    "LP-03": "a message that timed out in flight is possibly stored",
    "LP-04": "exit without flush loses what has not left (b: how much; c: flush(0) sends)",
    "LP-05": "a consumer's close commits and leaves at once",
    "LP-06": "atexit hooks do not run on a signal without a handler",
    "KB-01": "offsets of a partition only increase",
    "KB-02": "consumers read below the high watermark",
    "KB-03": "a follower that lags for too long is not in sync any more",
    "KB-04": "acks=all with too few replicas in sync is refused, and tried again",
    "KB-05": "with too few in sync the high watermark stands still",
    "KB-06": "a clean election loses nothing that was committed",
    "KB-07": "an unclean election loses committed records",
    "KB-08": "retention deletes whole segments, whoever has read them",
    "KB-09": "a position before the log's start is reset",
    "KB-10": "a group without a commit begins where the reset says",
    "KB-11": "compaction keeps the last value of a key at least",
    "KB-12": "durability rests on replicas, not on fsync; power takes what none has flushed",
    "KB-13": "a broker that stood still handles what its client gave up (SocketServer, Selector)",
    "KB-14": "a broker and a partition take only so many bytes and requests a second",
    "KB-15": "offsets of a group without members go after offsets.retention.minutes (KIP-211)",
    "KB-17": "retention.ms and retention.bytes that are altered hold for all that is there",
    "KB-16": "added partitions are known after metadata.max.age.ms, and read from where reset says",
    "KC-01": "a partition has one owner in a group",
    "KC-02": "groups read without deleting, and do not slow each other",
    "KC-03": "a batch longer than max.poll.interval.ms costs membership",
    "KC-04": "a dead consumer's partitions wait for the session timeout",
    "KC-05": "an eager rebalance stops the whole group",
    "KC-06": "a cooperative one stops only the partitions that move",
    "KC-07": "the broker-driven protocol has no barrier at all",
    "KC-08": "range gives the first members one more; sticky moves least",
    "KC-09": "a static member that is back in time causes no rebalance",
    "KC-10": "committed is the next offset to read",
    "KC-11": "commit first loses, process first repeats",
    "KC-12": "Java commits inside poll what it returned before",
    "KC-13": "librdkafka commits what it has handed out",
    "KC-14": "an asynchronous commit may fail silently",
    "KC-15": "only commits are fenced, not effects",
    "KC-16": "flush and commit belong into the hook of revocation",
    "KC-17": "paused partitions are not fetched, and membership lives on",
    "KC-18": "a poison record blocks its partition",
    "KC-19": "read_committed waits for open transactions, and is given nothing that was aborted",
    # The next four: measured on Kafka 4.4; GroupMetadataManager, AbstractCoordinator,
    # OffsetMetadataManager, ConsumerCoordinator; the documentation of max.poll.interval.ms.
    "KC-20": "a member learns of a rebalance at its own heartbeat; a Java join restarts its timer",
    "KC-21": "a session counts from the last contact; in classic groups a commit is one",
    "KC-22": "cooperative, Java commits at its join: what it does until it revokes comes again",
    "KC-23": "a retry's back-off is time between two polls",
    "KC-24": "a client's processor takes some time for each record",
    # Spring for Apache Kafka, @RetryableTopic.
    "KC-25": "a record that fails is tried later from a retry topic, behind others of its key",
    "KS-01": "a record is available, acquired, acknowledged or archived",
    "KS-02": "released or timed out it is available again, up to the delivery limit",
    "KS-03": "the window from the first unfinished record is limited",
    "KS-04": "an acknowledgement after the lock's end fails: the record is processed twice",
    "KS-05": "consumers may exceed partitions",
    "KS-06": "what is rejected or delivered too often is written to the topic of dead letters",
    "KN-05": "Lambda works on ParallelizationFactor batches of a shard, a key in one at a time",
    "KN-06": "a batch that fails is tried again as a whole, until its records expire by default",
    "KN-07": "after MaximumRetryAttempts a batch is given up: told of OnFailure, or lost",
    "KN-08": "BisectBatchOnFunctionError splits a batch that failed, and uses up no retries",
    "KN-09": "a record older than MaximumRecordAgeInSeconds is not sent to the function",
    "KN-10": "ReportBatchItemFailures moves the checkpoint to the first record that failed",
    "KN-11": "an invocation that takes longer than its Timeout has failed",
    "KN-12": "a batch leaves when it is full, or MaximumBatchingWindowInSeconds is over",
    "KN-13": "of a resharded stream, a shard is read to its end before those that took its keys",
    "SS-01": "receive hides a message; only delete removes it",
    "SS-02": "a deleted message may come back, rarely",
    "SS-03": "a delete with an old receipt does nothing (documented), or deletes: a knob",
    "SS-04": "a batch slower than the visibility timeout is delivered again",
    "SS-05": "a crashed worker's messages wait out the timeout",
    "SS-06": "a visibility timeout can be extended",
    "SS-07": "a short poll asks some servers, a long poll all",
    "SS-08": "order is best effort",
    "SS-09": "nothing is handed out at the in-flight cap",
    "SS-10": "received too often, a message goes to the dead-letter queue",
    "SS-11": "retention deletes what nobody read",
    "SS-12": "fan-out needs a queue for each reader",
    "SS-13": "the calls of a thread are serial",
    "SS-14": "fair queues serve quiet tenants before noisy ones",
    "SS-15": "Lambda scales its pollers",
    "SS-16": "what came back, and what is new: which goes first is a knob (ElasticMQ: in turn)",
    "SS-17": "SetQueueAttributes takes up to 60 s (MessageRetentionPeriod 15 min)",
    "SS-18": "a dead-letter queue is a queue, which may have workers of its own",
    "SS-19": "in a standard dead-letter queue, a message's age counts from its first enqueueing",
    "SS-20": "a message move task brings dead letters back as new messages, no faster than asked",
    "SF-01": "a group with a message in flight is not handed out",
    "SF-02": "a receive takes from one group as much as it can",
    "SF-03": "a repeat within the deduplication window is dropped",
    "SF-04": "a visibility timeout missed processes twice, FIFO or not",
    "SF-05": "calls beyond the quota are throttled",
    "SF-06": "only the first 120,000 messages are looked at for free groups",
    "SF-07": "a failed message blocks its group; a dead-letter queue breaks its order",
    "SF-08": "several senders: the order is that of arrival",
    "SF-09": "in a FIFO dead-letter queue, age and deduplication id of a message begin anew",
    "RQ-01": "automatic acknowledgement loses what was delivered and not processed",
    "RQ-02": "unacknowledged deliveries come back when the connection closes",
    "RQ-03": "prefetch limits the unacknowledged deliveries of a consumer; 0: 2,000 on quorum"
    " queues (rabbit_fifo_client.erl), else none",
    "RQ-04": "where a message comes back to, by type of queue",
    "RQ-05": "a quorum queue drops or dead-letters what comes back too often",
    "RQ-06": "a consumer that acknowledges nothing for too long is closed; of every client,"
    " from 4.3 on quorum queues only",
    "RQ-07": "publisher confirms; without them a publish can be lost",
    "RQ-08": "dead-lettering is at most once, or at least once",
    "RQ-09": "one consumer is active, the others stand by",
    "RQ-10": "exchanges route; a consistent hash moves few keys",
    "RQ-11": "delayed retries",
    "RQ-12": "streams are logs; super streams are partitioned",
    "RQ-13": "a queue is one process: it takes in and delivers one message after the other",
    "RQ-14": "until 4.0, readers of a quorum queue's backlog starve its publishers",
    "RQ-15": "what is published on a connection reaches the broker in that order",
    "RQ-16": "what is dead-lettered enters another queue at that time, without its `expiration`",
    "RQ-17": "what is too old goes once it is the first of its queue, not before",
    "RQ-18": "a dead letter that goes in a circle without a rejection is dropped",
    "RQ-19": "priorities of a quorum queue: 32 that are strict from 4.3, from 4.0 two in turn",
    "PG-01": "an idle worker asks again at its library's interval, and has one batch a fetch",
    "PG-02": "NOTIFY of an insert wakes the workers that wait",
    "PG-03": "a job whose worker is gone waits for its lease, or is free when the connection ends",
    "PG-04": "a job that fails waits as its library says, and is given up after so many retries",
    "PG-05": "while a snapshot is held, dead rows stay, and each fetch passes them",
    "PG-06": "a fetch passes the rows that others have locked or leased, up to the first free one",
    "PG-07": "without SKIP LOCKED a fetch waits while others have a row, and sees what came before",
    "CE-01": "early acknowledgement loses the task that a killed worker ran",
    "CE-02": "late acknowledgement runs it again",
    "CE-03": "a dead child process is acknowledged even so, unless told otherwise",
    "CE-04": "an exception is acknowledged; a retry is explicit",
    "CE-05": "how many messages a worker holds",
    "CE-06": "Redis: after the visibility timeout a task runs twice at once",
    "CE-07": "Redis: where a message comes back to",
    "CE-08": "warm and cold shutdown",
    "CE-09": "exponential backoff with full jitter",
    "CE-10": "a retry is published again, so later tasks overtake it",
    "CE-11": "Redis: one delivery tag a message; the ack of any copy ends it (kombu QoS.ack)",
    "BM-01": "a worker's timer renews the locks of its jobs; a dead or stopped one renews nothing",
    "BM-02": "a job without a lock comes back at the second check that sees it (stalledInterval)",
    "BM-03": "a job that stalls more often than maxStalledCount goes to the failed ones",
    "BM-04": "work that keeps the event loop renews no lock, and its result is refused then",
    "BM-05": "limiter: so many jobs in a span that begins with the first",
    "BM-06": "attempts and backoff: fixed, or delay * 2^(attempts made - 1), with jitter",
    "RT-01": "an XADD with MAXLEN or MINID trims entries, read or not, exactly or by whole nodes",
    "RT-02": "a pending entry that idled for min-idle-time goes to who claims it, by ID",
    "RT-03": "a consumer that reads from ID 0 is given what is pending under its name",
    "RT-04": "an entry that fails stays pending; its delivery counter tells the application",
    "RT-05": "NOACK: an entry counts as acknowledged when it is handed over",
    "RT-06": "groups of a stream each have a position and pending entries of their own",
    "NJ-01": "a message that is not acknowledged for ack_wait after it was sent comes again",
    "NJ-02": "no new message is sent while max_ack_pending are not acknowledged; old ones are",
    "NJ-03": "what comes back after max_deliver deliveries is given up, and stays in the stream",
    "NJ-04": "nak: again at once, or after a delay in which it is pending; term: never",
    "NJ-05": "ack_policy none: a message counts as acknowledged when it is sent",
    "NJ-06": "max_msgs and max_age: the oldest messages go, whoever has had them",
    "RB-01": "a job of which nothing is heard is abandoned; it is found at the next maintenance",
    "RB-02": "job_timeout ends a job, which has failed",
    "RB-03": "Retry(max, interval), also of abandoned jobs; else the FailedJobRegistry",
    "SK-02": "a failed job is retried after count^4 + 15 + rand(10) * (count + 1) s",
    "SK-03": "jobs that do not end within timeout of a SIGTERM are pushed back",
    "SK-04": "super_fetch: jobs of a process whose heartbeat has expired are recovered",
    "SK-01": "what a killed process has in hand is lost where it was taken from Redis (BRPOP)",
    "CE-12": "a worker's main loop fetches, hands over and acknowledges one task after the other",
    "CE-14": "worker_eta_task_limit: a worker holds only so many tasks for their ETA",
    "CE-15": "worker_enable_soft_shutdown_on_idle: a worker waits though it runs nothing",
    "CE-13": "worker_disable_prefetch: a worker asks for a task when a child is free (Redis)",
    "PB-01": "what is not acknowledged within the deadline comes again",
    "PB-02": "the client library extends deadlines, until max_lease_duration",
    "PB-03": "a late acknowledgement counts, but with exactly-once delivery it fails",
    "PB-04": "after so many attempts, nacks and deadlines that passed, a message is dead-lettered",
    "PB-05": "what was nacked comes again at once, or with a retry policy ever later",
    "PB-06": "messages of an ordering key come in order; what comes again holds up its key",
    "PB-07": "flow control limits what a subscriber holds, by messages and by bytes",
    "PB-08": "a seek acknowledges what is older, and has again what is kept of what came since",
    "PB-09": "a seek to a snapshot makes acknowledgements as they were; a snapshot lasts 7 days",
}
"""The rules, in a few words."""

NOT_MODELLED = {
    "KP-07": "how many replicas are in sync is given by faults; KB-04 and KB-05 hold what follows",
    "KP-14": "a publisher's handlers flush; there is no close with a timeout of its own",
    "LP-03": "the lab knows what is stored; what a client believes of it is not told",
    "LP-05": "SIGTERM of a consumer closes it (KC-11, KC-04); the order of destroying is the app's",
    "KB-02": "a record is readable when all in sync have it; followers are not followed one by one",
    "KB-03": "followers are not followed one by one",
    "KB-06": "no test of its own: see test_KP_06_after_a_move_of_the_leader_…",
    "KB-11": "topics are not compacted",
    "KC-16": "no hooks; with auto-commit off, a batch is committed before the next poll",
    "KC-17": "applications of the lab pause nothing",
    "SS-02": "no rate is published; a deleted message stays deleted",
}
"""Why there is no test of a rule."""

_IDS = re.compile(r"def test_((?:(?:[A-Z]{2}_)?\d{2}[a-c]?_)+)")
_ID = re.compile(r"(?:([A-Z]{2})_)?(\d{2})[a-c]?_")


def by_rule(folder: Path) -> Mapping[str, list[str]]:
    """Names of the tests in ``folder`` by the rules that they carry, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for match in _IDS.finditer(path.read_text()):
            name = re.match(r"\w+", path.read_text()[match.start() + 4 :])
            assert name is not None
            family = ""
            for part in _ID.finditer(match[1]):
                family = part[1] or family
                found.setdefault(f"{family}-{part[2]}", []).append(f"{path.stem}::{name[0]}")
    return found


def table(folder: Path) -> str:
    """The rules with their tests, or with the reason why there are none; Markdown."""
    tests = by_rule(folder)
    lines = ["| rule | in a few words | tests, or why there are none |", "|---|---|---|"]
    for rule, words in RULES.items():
        named = tests.get(rule, [])
        shown = ", ".join(f"`{name.partition('::')[2]}`" for name in named[:2])
        if len(named) > 2:
            shown += f" and {len(named) - 2} more"
        lines.append(f"| {rule} | {words} | {shown or NOT_MODELLED.get(rule, '?')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(Path(__file__).parents[1]))
