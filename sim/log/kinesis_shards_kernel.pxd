cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64, u8
from sim.log cimport kinesis_shards_limits as limits


cdef class ShardActs:
    cdef public i64[::1] times
    cdef public double[::1] first_s
    cdef public double[::1] last_s


cdef class Putting:
    cdef public double buffered_s
    cdef public double ttl_s
    cdef public double limit
    cdef public bint retries
    cdef public double[::1] from_s
    cdef public i32[:, ::1] route
    cdef public double long_s
    cdef public ShardActs held
    cdef public ShardActs overdue
    cdef public ShardActs refused


cdef class Buckets:
    cdef public double records_per_s
    cdef public double bytes_per_s
    cdef public double[::1] filled_s
    cdef public double[::1] records
    cdef public double[::1] octets


cdef class ShardSending:
    cdef public Buckets ours
    cdef public Buckets theirs
    cdef public double[::1] half_s
    cdef public i64 refused
    cdef public i64 tries
    cdef public i64 waiting
    cdef public double[::1] due_s
    cdef public u8[::1] arrives
    cdef public i64[::1] due
    cdef public double now_s
    cdef public i64 now_arrives


@cython.locals(n=i64, one_size=bint, first=i64, count=i64, total=i64, number=i64, i=i64, size=i64,
               deadline=double, at=double, k=i64)
cdef void _collect(
    const double[::1] created_s, const i32[::1] size_bytes, double buffered_s, i64 max_count,
    i64 max_bytes, i64[::1] call, double[::1] ready_s
) noexcept nogil

cpdef void collect(
    const double[::1] created_s, const i32[::1] size_bytes, double buffered_s, i64 max_count,
    i64 max_bytes, i64[::1] call, double[::1] ready_s
)

cdef void _note(ShardActs acts, i64 shard, double from_s, double until_s) noexcept nogil

@cython.locals(epoch=i64)
cdef i64 _shard_at(Putting putting, i64 cell, double at_s) noexcept nogil

@cython.locals(passed=double)
cdef void _refill(Buckets bucket, i64 shard, double at_s) noexcept nogil

cdef bint _before(ShardSending s, i64 i, double due_s, i64 arrives, i64 record) noexcept nogil

cdef void _move(ShardSending s, i64 start, i64 to) noexcept nogil

cdef void _set(ShardSending s, i64 i, double due_s, i64 arrives, i64 record) noexcept nogil

@cython.locals(i=i64)
cdef void _wait(ShardSending s, double due_s, i64 arrives, i64 record) noexcept nogil

@cython.locals(record=i64, n=i64, i=i64, child=i64)
cdef i64 _next(ShardSending s) noexcept nogil

@cython.locals(n=i64, fresh=i64, one_size=bint, routed=bint, shard=i64, r=i64, now=double, i=i64,
               size=double, short_s=double, back_s=double)
cdef void _put(
    ShardSending s, const i32[::1] rows, const double[::1] created_s, const i32[::1] size_bytes,
    const i64[::1] call, const double[::1] ready_s, const double[::1] latency_s, Putting putting,
    const i32[::1] cell, u8[::1] outcome, double[::1] arrived_s, double[::1] visible_s,
    i32[::1] went
) noexcept nogil

@cython.locals(sending=ShardSending)
cpdef i64 put(
    const i32[::1] rows, const double[::1] created_s, const i32[::1] size_bytes,
    const i64[::1] call, const double[::1] ready_s, const double[::1] latency_s, Putting putting,
    const i32[::1] cell, u8[::1] outcome, double[::1] arrived_s, double[::1] visible_s,
    i32[::1] went
)

@cython.locals(n=i64, one_size=bint, at=double, i=i64, calls=i64, taken=i64, octets=double,
               size=double)
cdef void _poll(
    const double[::1] visible_s, const i32[::1] size_bytes, double first_s, double idle_s,
    double get_s, i64 max_records, double bytes_per_s, double[::1] got_s
) noexcept nogil

cpdef void poll(
    const double[::1] visible_s, const i32[::1] size_bytes, double first_s, double idle_s,
    double get_s, i64 max_records, double bytes_per_s, double[::1] got_s
)

@cython.locals(one_size=bint, free_s=double, i=i64, size=double)
cpdef void push(
    const double[::1] visible_s, const i32[::1] size_bytes, double push_s, double[::1] got_s
)
