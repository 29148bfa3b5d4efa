cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport f32, i32, i64


@cython.locals(i=i64, p=i64)
cpdef void rows_of(
    const i32[::1] partition_of, i64 first, i64 last, const i64[::1] start, i64[::1] following,
    i64[::1] rows
)

@cython.locals(slow=bint, asks=bint, i=i64, row=i64, fetched=double, handed=double, waited=double,
               done=double, slowed=double, work=double, begun=double, call=double, own=double)
cpdef void split(
    const i64[::1] rows, const double[::1] visible_s, const double[::1] done_s,
    const double[::1] handed_s, const double[::1] slowed_s, const double[::1] asked_s,
    const double[::1] got_s, const f32[::1] service_s, double fetch_s, double per_batch_s,
    double per_record_s, double[::1] from_s, double[::1] until_s, double[::1] waited_s,
    double[::1] call_s, double[::1] held_s, double[::1] more_s, double[::1] work_s
)

@cython.locals(low=i64, high=i64, middle=i64)
cdef i64 _last(const double[::1] from_s, i64 low, i64 high, double at_s) noexcept nogil

@cython.locals(i=i64, low=i64, high=i64, j=i64, lasted=double, idle=double)
cpdef void stand(
    const i64[::1] partition, const i64[::1] first, const double[::1] from_s,
    const double[::1] until_s, const double[::1] sum_s, const double[::1] idle_from_s,
    const double[::1] idle_until_s, const double[::1] idle_sum_s, const double[::1] at_s,
    const double[::1] idle_s, double sign, double[::1] stood_s, double[::1] idle_then_s
)
