from sim.engine.held_up_kernel cimport HeldUp
from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64, u16
from sim.log cimport group_state as k
from sim.log cimport topic_kernel
from sim.log.idle_kernel cimport IdleTimes


cdef class GroupMembers:
    cdef public i64[::1] phase
    cdef public i64[::1] hold
    cdef public double[::1] now_s
    cdef public double[::1] end_s
    cdef public double[::1] extra_s
    cdef public double[::1] polled_s
    cdef public double[::1] factor
    cdef public double[::1] resume_s
    cdef public i64[::1] cut
    cdef public double[::1] next_commit_s
    cdef public i64[::1] turn
    cdef public i64[::1] fetched
    cdef public i64[:, ::1] pieces
    cdef public i64[::1] pieces_n
    cdef public i64[::1] first
    cdef public i64[::1] at
    cdef public i64[:, ::1] assigned
    cdef public i64[::1] assigned_n
    cdef public i64[::1] awaits
    cdef public double[::1] back_s
    cdef public double[::1] asked_s
    cdef public double[::1] got_s
    cdef public double[::1] slowed_s
    cdef public i64[::1] call
    cdef public i64[::1] astray


cdef class GroupOffsets:
    cdef public i64[::1] processed
    cdef public i64[::1] position
    cdef public i64[::1] committed
    cdef public double[::1] commit_s
    cdef public i64[::1] checked
    cdef public i64[::1] sought
    cdef public i64[::1] scan


cdef class GroupRecords:
    cdef public f32[::1] service_s
    cdef public u16[::1] effects
    cdef public double[::1] done_s
    cdef public double[::1] handed_s
    cdef public double[::1] slowed_s
    cdef public double[::1] asked_s
    cdef public double[::1] got_s
    cdef public double[::1] arrived_s
    cdef public i64 repeats
    cdef public i32[::1] again_message
    cdef public double[::1] again_s
    cdef public HeldUp sends


cdef class OffsetSamples:
    cdef public const double[::1] grid_s
    cdef public i64[:, ::1] committed
    cdef public i64[:, ::1] position
    cdef public double[:, ::1] commit_s
    cdef public i64[::1] committed_next
    cdef public i64[::1] position_next
    cdef public i64[::1] commit_s_next


cdef class PositionJumps:
    cdef public i64 n
    cdef public double[::1] at_s
    cdef public i64[::1] partition
    cdef public i64[::1] source
    cdef public i64[::1] to
    cdef public i64[::1] log_start
    cdef public i64[::1] sought


cdef class PoisonousOffsets:
    cdef public bint any_at_all
    cdef public i64[::1] next
    cdef public i64[::1] partition
    cdef public i64[::1] offset


cdef class Visits:
    cdef public i64[::1] row
    cdef public i64[::1] stop
    cdef public i64[::1] before
    cdef public i64[::1] taken
    cdef public i64 first
    cdef public i64 polls
    cdef public i64 handed
    cdef public i64 working
    cdef public i64 sent
    cdef public i64 turn
    cdef public i64 began
    cdef public i64 left
    cdef public double earliest_s
    cdef public double since_s
    cdef public double ready_s
    cdef public double end_s
    cdef public double slowed_s
    cdef public double commit_s


cdef class Rules:
    cdef public i64 max_poll_records
    cdef public i64 chunk_records
    cdef public i64 min_records
    cdef public double max_wait_s
    cdef public double fetch_s
    cdef public double per_batch_s
    cdef public double auto_commit_s
    cdef public double commit_s
    cdef public i64 reset
    cdef public double reset_s
    cdef public bint background
    cdef public bint handed
    cdef public bint before
    cdef public bint per_record
    cdef public bint wait
    cdef public double max_poll_s
    cdef public double max_age_s
    cdef public bint by_program


cdef class GroupState:
    cdef public topic_kernel.Log log
    cdef public GroupMembers members
    cdef public GroupOffsets offsets
    cdef public GroupRecords records
    cdef public OffsetSamples samples
    cdef public PositionJumps jumps
    cdef public PoisonousOffsets poison
    cdef public Rules rules
    cdef public Visits visits
    cdef public IdleTimes idle
    cdef public i64 polls
    cdef public i64 visited
    cdef public i64 handed
    cdef public i64 processed
    cdef public i64 given_up
    cdef public double reached_s
    cdef public bint called
    cdef public i64 wrong
    cdef public i64 carried
    cdef public double stretch_s
    cdef public bint under_way
