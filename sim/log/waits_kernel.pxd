cimport cython

from sim.foundation.c_types cimport i64
from sim.log cimport topic_kernel
from sim.log.group_state_kernel cimport GroupRecords, OffsetSamples


@cython.locals(p=i64, base=i64, g=i64, at_s=double, offset=i64)
cdef void _note(
    topic_kernel.Log log, GroupRecords records, OffsetSamples samples, const i64[:, ::1] end,
    i64 first, i64 stop, double[:, ::1] waited_s
) noexcept nogil

cpdef void note(
    topic_kernel.Log log, GroupRecords records, OffsetSamples samples, const i64[:, ::1] end,
    i64 first, i64 stop, double[:, ::1] waited_s
)
