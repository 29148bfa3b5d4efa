# C names of the types of columns: sim/foundation/arrays.py has the same for NumPy.

ctypedef long long i64
ctypedef int i32
ctypedef short i16
ctypedef unsigned char u8
ctypedef unsigned short u16
ctypedef unsigned int u32
ctypedef unsigned long long u64
ctypedef float f32
