cimport cython

from sim.foundation cimport num
from sim.foundation.c_types cimport i32, i64, u8, u32


@cython.locals(mask=u32, m=u32, h=u32, at=i64, word=u32, rest=i64)
cdef u32 _murmur2(const u8[::1] data, i64 start, i64 stop) noexcept nogil

@cython.locals(start=i64, i=i64, stop=i64)
cdef void _murmur2_all(const u8[::1] data, const i64[::1] ends, i64[::1] out) noexcept nogil

cpdef void murmur2_all(const u8[::1] data, const i64[::1] ends, i64[::1] out)

@cython.locals(digits=i64, longer=i64, i=i64, rest=i64, place=i64)
cdef void _murmur2_numbered(u8[::1] key, i64 prefix, i64[::1] out) noexcept nogil

cpdef void murmur2_numbered(u8[::1] key, i64 prefix, i64[::1] out)

@cython.locals(mask=u32, c1=u32, c2=u32, more=u32, m1=u32, m2=u32, start=i64, i=i64, h=u32,
               stop=i64, at=i64, word=u32, place=i64)
cdef void _murmur3_all(
    const u8[::1] data, const i64[::1] ends, u32 seed, i64[::1] out
) noexcept nogil

cpdef void murmur3_all(const u8[::1] data, const i64[::1] ends, u32 seed, i64[::1] out)

@cython.locals(mask=u32, at=i64, i=i64, crc=u32)
cdef void _crc32_all(
    const u8[::1] data, const i64[::1] ends, const u32[::1] table, i64[::1] out
) noexcept nogil

cpdef void crc32_all(
    const u8[::1] data, const i64[::1] ends, const u32[::1] table, i64[::1] out
)

@cython.locals(mask=u32, longest=i64, i=i64, crc=u32, power=i64)
cdef void _crc32_numbered(u32 prefix_crc, const u32[::1] table, i64[::1] out) noexcept nogil

cpdef void crc32_numbered(u32 prefix_crc, const u32[::1] table, i64[::1] out)

@cython.locals(every=i64, at=i64, produced=i64, i=i64)
cdef void _sticky(
    const i32[::1] size_bytes, i64 batch_bytes, const i32[::1] choices, i32[::1] out
) noexcept nogil

cpdef void sticky(
    const i32[::1] size_bytes, i64 batch_bytes, const i32[::1] choices, i32[::1] out
)
