cimport cython

from sim.engine cimport held_up_kernel as held_up
from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.log cimport group_state as k
from sim.log.group_state_kernel cimport GroupState


cdef double _head_s(GroupState group, i64 p, i64 offset) noexcept nogil

@cython.locals(deadline=double, a=i64, p=i64, earliest=double, found=i64, best=i64, at=double)
cdef double _enough_s(GroupState group, i64 m, double since_s) noexcept nogil

@cython.locals(earliest=double, a=i64, p=i64)
cdef double ready_s(GroupState group, i64 m, double since_s) noexcept nogil

@cython.locals(phase=i64, commit_s=double, stuck=bint, sent=bint, end=double, extra_s=double,
               planned=bint, due=bint, n_parts=i64, a=i64, p=i64, offset=i64, work_s=double)
cpdef double batch_end_s(GroupState group, i64 m, bint fails) noexcept nogil

@cython.locals(phase=i64, offset=i64, readable_s=double, at=double)
cdef double _risk_s(GroupState group, i64 m, i64 p) noexcept nogil

@cython.locals(earliest=double, m=i64, phase=i64, a=i64)
cpdef double next_risk_s(GroupState group) noexcept nogil

@cython.locals(phase=i64, earliest=double, a=i64, p=i64, offset=i64, row=i64, at=double)
cpdef double aged_s(GroupState group, i64 m, double now_s) noexcept nogil

@cython.locals(phase=i64, late_s=double)
cpdef double deadline_s(GroupState group, i64 m) noexcept nogil
