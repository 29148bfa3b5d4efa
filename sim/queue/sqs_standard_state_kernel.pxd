from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u8, u16
from sim.queue cimport sqs_standard_codes as codes
from sim.queue.feed_kernel cimport Feed


cdef class StandardPolicy:
    cdef public i64 batch
    cdef public i64 per_delete
    cdef public double per_batch_s
    cdef public double visibility_s
    cdef public double wait_s
    cdef public i64 max_receives
    cdef public i64 max_in_flight
    cdef public double retention_s
    cdef public i64 asked
    cdef public double delay_s
    cdef public i64 order
    cdef public i64 stale_deletes


cdef class StandardPoison:
    cdef public i32[::1] fails
    cdef public double[::1] revive_s
    cdef public double[::1] death_s
    cdef public i64[::1] death_w
    cdef public i64 deaths


cdef class StandardQueue:
    cdef public StandardPolicy policy
    cdef public Feed feed
    cdef public const f32[::1] service_s
    cdef public const double[::1] receive_latency_s
    cdef public const double[::1] delete_latency_s
    cdef public bint has_poison
    cdef public StandardPoison poison
    cdef public const i64[::1] split
    cdef public i64 split_from
    cdef public i64 total
    cdef public i64[::1] next_fresh
    cdef public i64 oldest_fresh
    cdef public i64 oldest_server
    cdef public u8[::1] state
    cdef public u16[::1] receives
    cdef public u16[::1] effects
    cdef public double[::1] done_s
    cdef public double[::1] handed_s
    cdef public double[::1] begun_s
    cdef public f32[::1] call_s
    cdef public u8[::1] place
    cdef public i64 retention_row
    cdef public double next_out_s
    cdef public double[::1] expiry_s
    cdef public i64[::1] expiry_message
    cdef public i64 expiry_head
    cdef public i64 expiry_tail
    cdef public i64[::1] returned
    cdef public double[::1] returned_s
    cdef public i64 returned_head
    cdef public i64 returned_tail
    cdef public i64[::1] parked
    cdef public i64 parked_head
    cdef public i64 parked_tail
    cdef public u8[::1] note_kind
    cdef public i64[::1] note_of
    cdef public double[::1] note_from_s
    cdef public double[::1] note_until_s
    cdef public i64 notes
    cdef public double full_s
    cdef public double room_s
    cdef public i64[::1] limit_n
    cdef public double[::1] limit_first_s
    cdef public double[::1] limit_last_s
    cdef public i64 worked
    cdef public i64 idled
    cdef public double clock_s
    cdef public i64 rounds_after
    cdef public i64 in_rounds
    cdef public i64 in_flight
    cdef public i64 removed
    cdef public i64 receive_calls
    cdef public i64 receive_draw
    cdef public i64 empty_receives
    cdef public i64 over_limit
    cdef public i64 delete_calls
    cdef public i64 delete_draw
    cdef public i64 deliveries
    cdef public i64 effects_in_all
    cdef public const double[::1] grid_s
    cdef public i64 grid_next
    cdef public i64[::1] grid_in_flight
    cdef public i64[::1] grid_removed
    cdef public i64 again
    cdef public i32[::1] again_message
    cdef public double[::1] again_s


cdef class StandardWorkers:
    cdef public double[::1] event_s
    cdef public i64 heap_n
    cdef public double[::1] heap_s
    cdef public i64[::1] heap_w
    cdef public bint disordered
    cdef public i64[::1] kind
    cdef public double[::1] half_s
    cdef public double[::1] call_s
    cdef public i64[::1] woken
    cdef public double[::1] begun_s
    cdef public double[::1] idle_s
    cdef public double[::1] off_s
    cdef public i64[:, ::1] held
    cdef public i64[:, ::1] receipt
    cdef public i64[::1] held_n
    cdef public i64[::1] chunk_first
    cdef public i64[::1] chunk_end
    cdef public i64[::1] current
    cdef public double[::1] start_s
    cdef public double[::1] end_s
    cdef public double[::1] received_s
    cdef public i64[::1] stored
    cdef public double[::1] factor
    cdef public double[::1] resume_s
    cdef public i64[::1] doomed
    cdef public double[::1] restart_s
    cdef public i64[::1] barred
    cdef public double[::1] cut_s
