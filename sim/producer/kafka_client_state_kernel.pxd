from sim.engine.acted_kernel cimport Acted
from sim.foundation.c_types cimport i32, i64, u8, u16


cdef class ClientSettings:
    cdef public i64 mode
    cdef public i64 poll_records
    cdef public double auto_commit_s
    cdef public double commit_s
    cdef public double flush_timeout_s
    cdef public bint check_flush
    cdef public double transaction_timeout_s
    cdef public double abort_interval_s
    cdef public bint java
    cdef public double linger_s
    cdef public i64 batch_bytes
    cdef public i64 batch_records
    cdef public i64 buffer_bytes
    cdef public i64 buffer_records
    cdef public double block_s
    cdef public i64 acks
    cdef public i64 retries
    cdef public double backoff_s
    cdef public double backoff_max_s
    cdef public double request_timeout_s
    cdef public double delivery_timeout_s
    cdef public i64 max_in_flight
    cdef public bint idempotent
    cdef public bint in_order
    cdef public double notice_s


cdef class Input:
    cdef public const double[::1] created_s
    cdef public const i32[::1] partition_of
    cdef public const i32[::1] size_bytes
    cdef public const double[::1] process_s


cdef class Draws:
    cdef public const double[::1] latency_s
    cdef public const double[::1] replicate_s
    cdef public const double[::1] uniform
    cdef public const double[::1] jitter
    cdef public i64 latencies
    cdef public i64 replications
    cdef public i64 uniforms
    cdef public i64 jitters


cdef class ClusterState:
    cdef public u8[::1] up
    cdef public u8[::1] stalled
    cdef public double[::1] extra_latency_s
    cdef public double[::1] ack_loss
    cdef public i32[::1] leader
    cdef public i64 coordinator
    cdef public double[::1] append_fails
    cdef public i64 duplicates_refused
    cdef public i64 out_of_sequence


cdef class App:
    cdef public i64 phase
    cdef public double next_s
    cdef public double kill_s
    cdef public double auto_commit_s
    cdef public double deadline_s
    cdef public i64 closing
    cdef public i64 position
    cdef public i64 polled
    cdef public i64 committed_to
    cdef public i64 committing
    cdef public i64 errors
    cdef public i64 session
    cdef public i64 txn
    cdef public i64 txn_first
    cdef public double txn_due_s
    cdef public bint txn_fenced
    cdef public bint txn_refused
    cdef public i64 aborted
    cdef public u8[::1] status
    cdef public double[::1] acked_s
    cdef public u16[::1] sent
    cdef public double[::1] returned_s


cdef class Samples:
    cdef public const double[::1] grid_s
    cdef public i64[::1] remaining
    cdef public i64[::1] committed
    cdef public i64 filled
    cdef public double next_s


cdef class Records:
    cdef public i64 mask
    cdef public i32[::1] row
    cdef public i64[::1] link
    cdef public i64 next
    cdef public i64 remaining


cdef class Batches:
    cdef public i64 mask
    cdef public u8[::1] state
    cdef public u8[::1] stored
    cdef public i32[::1] partition
    cdef public i32[::1] attempts
    cdef public double[::1] created_s
    cdef public double[::1] ready_s
    cdef public double[::1] left_s
    cdef public i64[::1] first
    cdef public i64[::1] last
    cdef public i64[::1] n
    cdef public i64[::1] size_bytes
    cdef public i64[::1] held_bytes
    cdef public i64[::1] seq
    cdef public i64[::1] txn
    cdef public i64[::1] link
    cdef public i64 next
    cdef public i64 oldest
    cdef public i64 oldest_pending
    cdef public i64 buffered_bytes
    cdef public i64 retries


cdef class Requests:
    cdef public i64 mask
    cdef public double[:, ::1] sent_s
    cdef public double[:, ::1] half_s
    cdef public double[:, ::1] replicate_s
    cdef public double[:, ::1] arrive_s
    cdef public double[:, ::1] respond_s
    cdef public u8[:, ::1] lost
    cdef public i64[:, ::1] first
    cdef public i64[::1] oldest
    cdef public i64[::1] arriving
    cdef public i64[::1] next
    cdef public double[::1] free_s
    cdef public u8[::1] connected
    cdef public i64[::1] turn
    cdef public double[::1] due_s
    cdef public double[::1] event_s
    cdef public double[::1] full_s
    cdef public i64 sent


cdef class Partitions:
    cdef public i64[::1] first
    cdef public i64[::1] last
    cdef public i64 queues
    cdef public i64[::1] in_flight
    cdef public i64[::1] next_seq
    cdef public i64[::1] epoch
    cdef public u8[::1] unresolved


cdef class KnownProducer:
    cdef public i64[::1] session
    cdef public i64[::1] epoch
    cdef public i64[::1] batches
    cdef public i64[:, ::1] first
    cdef public i64[:, ::1] last


cdef class Journal:
    cdef public double[::1] append_s
    cdef public double[::1] visible_s
    cdef public double[::1] aborted_s
    cdef public i32[::1] partition
    cdef public i64[::1] first
    cdef public i32[::1] n
    cdef public i32[::1] attempt
    cdef public double[::1] left_s
    cdef public i32[::1] session
    cdef public i32[::1] row
    cdef public i64 entries
    cdef public i64 rows


cdef class ClientLimits:
    cdef public double long_s
    cdef public Acted full_records
    cdef public Acted full_bytes
    cdef public Acted rejected
    cdef public Acted expired
    cdef public Acted tried_out
    cdef public Acted overdue
    cdef public Acted crowded
    cdef public Acted lingered
    cdef public Acted refused
    cdef public Acted unflushed
    cdef public Acted late_transactions
    cdef public Acted left_open


cdef class ClientState:
    cdef public ClientSettings settings
    cdef public Input source
    cdef public Draws draws
    cdef public ClusterState brokers
    cdef public App app
    cdef public Samples samples
    cdef public Records records
    cdef public Batches batches
    cdef public Requests requests
    cdef public Partitions partitions
    cdef public KnownProducer known
    cdef public Journal journal
    cdef public ClientLimits limits
    cdef public double off_s
    cdef public double wake_s
