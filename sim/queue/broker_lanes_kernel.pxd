cimport cython

from sim.engine.acted_kernel cimport Acted
from sim.foundation.c_types cimport i32, i64, u8
from sim.queue cimport broker_codes as codes
from sim.queue.broker_messages_kernel cimport QueueMessages


cdef class Lanes:
    cdef public bint windows
    cdef public Acted closed
    cdef public i64 lanes
    cdef public const i32[::1] of
    cdef public i32[::1] place
    cdef public i32[::1] behind
    cdef public i32[::1] follower
    cdef public i32[::1] offset
    cdef public i64[::1] head
    cdef public i64[::1] tail
    cdef public i64[::1] returned
    cdef public i64[::1] in_flight
    cdef public i64[::1] held_up
    cdef public i64[::1] first_open
    cdef public i64[::1] newest
    cdef public i64[::1] heap
    cdef public i64[::1] heap_at
    cdef public i64 heap_size
    cdef public i64[::1] aside
    cdef public double[::1] spent_s
    cdef public double[::1] spent_before_s
    cdef public i64[::1] span
    cdef public u8[:, ::1] reach
    cdef public i64 rotor
    cdef public i64 turn
    cdef public i64 entered
    cdef public i64 in_window
    cdef public i64 cursor
    cdef public i64 cursor_lane


cdef i64 lane_of(Lanes lanes, i64 message) noexcept nogil

@cython.locals(message=i64)
cdef i64 front(Lanes lanes, QueueMessages messages, i64 lane) noexcept nogil

@cython.locals(message=i64)
cdef void pop(Lanes lanes, i64 lane) noexcept nogil

cdef void append(Lanes lanes, i64 lane, i64 message) noexcept nogil

@cython.locals(at=i64, key=i64, parent=i64, other=i64, n=i64, child=i64)
cdef void _sift(Lanes lanes, i64 place, i64 lane) noexcept nogil

@cython.locals(at=i64, last=i64)
cdef void leave_heap(Lanes lanes, i64 lane) noexcept nogil

@cython.locals(at=i64)
cdef void enter_heap(Lanes lanes, i64 lane) noexcept nogil

@cython.locals(free=bint)
cdef void offer(Lanes lanes, QueueMessages messages, i64 lane, i64 pick) noexcept nogil

@cython.locals(behind=i64, ahead=i64)
cdef i64 _behind_whom(Lanes lanes, i64 message, i64 lane, i64 head) noexcept nogil

@cython.locals(head=i64, behind=i64)
cdef void put_back(
    Lanes lanes, QueueMessages messages, i64 message, i64 lane, i64 place, i64 pick
) noexcept nogil

@cython.locals(lane=i64, newest=i64)
cdef void register(Lanes lanes, i64 message) noexcept nogil

@cython.locals(lane=i64, first=i64)
cdef void move_window(Lanes lanes, QueueMessages messages, i64 message, i64 pick) noexcept nogil
