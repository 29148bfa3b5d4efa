cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i64, u16
from sim.log cimport group_offsets_kernel as where
from sim.log cimport group_state as k
from sim.log cimport idle_kernel as idles
from sim.log.group_state_kernel cimport GroupState, Visits
from sim.log.idle_kernel cimport IdleTimes


cdef bint _is_calm(GroupState group, i64 m) noexcept nogil

@cython.locals(until=double, since=double, grid=i64, a=i64, p=i64, g=i64)
cdef double _calm_until_s(GroupState group, i64 m, double limit_s) noexcept nogil

@cython.locals(n=i64, a=i64, slot=i64, p=i64, row=i64, stop=i64, ready=double)
cdef void _take_up(GroupState group, i64 m) noexcept nogil

@cython.locals(a=i64, row=i64, ready=double)
cdef bint _is_backlogged(GroupState group, i64 m, i64 room) noexcept nogil

@cython.locals(since=double, head=double, row=i64, stop=i64, polls=i64, outcome=i64, ready=double,
               end=double, extra=double, at=double, following=i64, slowed=bint,
               work=double)
cdef i64 _visit_alone(
    Visits v, const double[::1] visible_s, const f32[::1] service_s, u16[::1] effects,
    double[::1] done_s, double[::1] handed_s, double[::1] slowed_s, IdleTimes idle, i64 room,
    double fetch_s, double per_batch_s, double factor, double limit_s, double calm_s,
    bint commits, bint per_record, double commit_s, double resume_s
) noexcept nogil

@cython.locals(since=double, earliest=double, many=bint, ready=double, total=i64, a=i64, row=i64,
               count=i64, end=double, extra=double, i=i64, at=double, slowed=bint,
               work=double)
cdef i64 _visit(
    Visits v, const double[::1] visible_s, const f32[::1] service_s, u16[::1] effects,
    double[::1] done_s, double[::1] handed_s, double[::1] slowed_s, IdleTimes idle,
    i64[::1] rows, const i64[::1] stops, i64[::1] before, i64[::1] taken,
    i64 n, i64 room, double fetch_s, double per_batch_s, double factor, double limit_s,
    double calm_s, bint commits, bint per_record, double commit_s, double resume_s
) noexcept nogil

@cython.locals(since=double, outcome=i64, a=i64, last=i64, row=i64, ready=double, earliest=double,
               b=i64, stop=i64, end=double, at=double, slowed=bint,
               work=double)
cdef i64 _visit_singly(
    Visits v, const double[::1] visible_s, const f32[::1] service_s, u16[::1] effects,
    double[::1] done_s, double[::1] handed_s, double[::1] slowed_s, IdleTimes idle,
    i64 n, i64 chunk, double fetch_s, double per_batch_s, double factor,
    double limit_s, double calm_s, bint commits, double commit_s, double resume_s
) noexcept nogil

@cython.locals(n=i64, working=i64, a=i64, p=i64, base=i64, row=i64, before=i64, processed=i64,
               value=i64)
cdef void _lay_down(GroupState group, i64 m, i64 outcome) noexcept nogil

@cython.locals(since=double, calm_s=double, n=i64, room=i64, commit_s=double, per_record=bint,
               outcome=i64)
cdef void visit(GroupState group, i64 m, double limit_s) noexcept nogil
