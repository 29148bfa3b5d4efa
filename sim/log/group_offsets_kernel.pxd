cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i64
from sim.log cimport group_state as k
from sim.log cimport topic_kernel
from sim.log.group_state_kernel cimport GroupOffsets, GroupState, OffsetSamples


cdef bint _is_due(OffsetSamples samples, i64 g, double at_s) noexcept nogil

@cython.locals(g=i64)
cdef void sample_position(OffsetSamples samples, i64 p, i64 value, double at_s) noexcept nogil

@cython.locals(g=i64)
cdef void sample_commit(OffsetSamples samples, i64 p, double commit_s, double at_s) noexcept nogil

@cython.locals(g=i64)
cdef void sample_committed(OffsetSamples samples, i64 p, i64 value, double at_s) noexcept nogil

@cython.locals(g=i64)
cdef void _commit_one(
    GroupOffsets offsets, OffsetSamples samples, i64 p, i64 value, double at_s
) noexcept nogil

@cython.locals(n=i64, ahead=i64, a=i64, p=i64, value=i64)
cpdef void commit(GroupState group, i64 m, double at_s) noexcept nogil

@cython.locals(p=i64)
cpdef void fill_samples(GroupState group, double before_s) noexcept nogil

cpdef void finish_samples(GroupState group, double until_s) noexcept nogil

@cython.locals(i=i64, offset=i64, ahead=bint)
cdef void _aim(GroupState group, i64 p) noexcept nogil

@cython.locals(back_s=double)
cdef i64 _reset_to(GroupState group, i64 p, i64 end, double at_s) noexcept nogil

@cython.locals(n=i64)
cdef void _jump(GroupState group, i64 p, i64 to, bint sought, double at_s) noexcept nogil

@cython.locals(a=i64, p=i64, to=i64, sought=bint, end=i64)
cdef void go_on_elsewhere(GroupState group, i64 m, double at_s) noexcept nogil
