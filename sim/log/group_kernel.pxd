cimport cython

from sim.engine cimport held_up_kernel as held_up
from sim.engine cimport pieces
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.log cimport group_forecast_kernel as forecast
from sim.log cimport group_offsets_kernel as where
from sim.log cimport group_state as k
from sim.log cimport group_visits_kernel as visits
from sim.log cimport idle_kernel as idles
from sim.log.group_state_kernel cimport GroupState


@cython.locals(n_parts=i64, taken=i64, first=i64, a=i64, slot=i64, p=i64, row=i64, stop=i64, n=i64)
cdef void _poll(GroupState group, i64 m, double ready_s) noexcept nogil

@cython.locals(n_parts=i64, slot=i64, p=i64)
cdef i64 _with_work(GroupState group, i64 m, i64 at) noexcept nogil

@cython.locals(slot=i64, p=i64, row=i64, work_s=double)
cdef void _begin(GroupState group, i64 m, double now_s) noexcept nogil

cdef void _keep(GroupState group, i64 m, i64 row, double slowed_s) noexcept nogil

cdef void _repeat(GroupState group, i64 m, i64 row, double end_s, double slowed_s) noexcept nogil

@cython.locals(n_parts=i64, factor=double, end=double, slowed=double, a=i64, planned=bint,
               slot=i64, p=i64, base=i64, first=i64, row=i64, last=i64, stop=i64, bad=i64,
               ended=bint, sends=bint, call=i64, goes_on=double)
cdef bint _work(GroupState group, i64 m, double until_s, i64 most) noexcept nogil

@cython.locals(finished=bint)
cdef void _after_record(GroupState group, i64 m) noexcept nogil

@cython.locals(n_parts=i64, slot=i64, finished=bint)
cpdef void pass_over(GroupState group, i64 m, double at_s) noexcept nogil

@cython.locals(a=i64, p=i64, offset=i64, row=i64)
cdef bint _is_too_old(GroupState group, i64 m, double at_s) noexcept nogil

@cython.locals(since=double, connected=bint, hold=i64, commits=bint, ready=double, empty=bint,
               answered=double, by_poll=bint, commits_now=bint, due=double, fetches=bint)
cdef bint _wait_in_poll(GroupState group, i64 m, double limit_s) noexcept nogil

@cython.locals(at=double)
cdef bint _wait_for_commit(GroupState group, i64 m, double limit_s) noexcept nogil

@cython.locals(calm=bint)
cdef i64 _carry(GroupState group, i64 m, double limit_s, i64 most, i64 left) noexcept nogil

@cython.locals(most=i64, m=i64, processed=i64, limit=double, timed=bint, phase=i64,
               waits=bint)
cdef i64 _consume(GroupState group, double until_s, i64 left) noexcept nogil

@cython.locals(left=i64)
cpdef i64 consume(GroupState group, double until_s, i64 most)

@cython.locals(ahead=bint, in_hand=i64, p=i64, m=i64, a=i64)
cdef i64 _complaint(GroupState group) noexcept nogil

@cython.locals(phase=i64, at_s=double)
cdef double _next_step_s(GroupState group, i64 m, double now_s) noexcept nogil

@cython.locals(stop=double, n=i64, m=i64, poisoned=bint, phase=i64, polls=bint, moves=bint)
cdef double _next_stop_s(GroupState group, double now_s, double until_s) noexcept nogil

@cython.locals(m=i64, phase=i64)
cdef bint _is_called(GroupState group, double at_s) noexcept nogil

@cython.locals(now=double, left=i64, stop=double)
cdef i64 _advance(GroupState group, double from_s, double until_s, i64 most) noexcept nogil

@cython.locals(ended=i64)
cpdef i64 advance(GroupState group, double from_s, double until_s, i64 most)
