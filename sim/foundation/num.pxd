# `num.py` in C.

cdef extern from "<math.h>" nogil:
    """
    #define sim_whole(x) ((long long)(x))
    #define sim_double(x) ((double)(x))
    static inline long long sim_ceil(double x) { return (long long)ceil(x); }
    static inline long long sim_floor(double x) { return (long long)floor(x); }
    static inline double sim_floor_div(double a, double b) {
        /* as float_floor_div of CPython, for b > 0 */
        double mod = fmod(a, b);
        double div = (a - mod) / b;
        if (mod < 0.0) {
            div -= 1.0;
        }
        if (div == 0.0) {
            return 0.0;
        }
        double whole = floor(div);
        if (div - whole > 0.5) {
            whole += 1.0;
        }
        return whole;
    }
    """
    double INF "INFINITY"
    long long integer "sim_whole" (long long)
    double double "sim_double" (double)
    long long truncated "sim_whole" (double)
    long long ceil "sim_ceil" (double)
    long long floor "sim_floor" (double)
    bint isfinite(double)
    double nextafter(double, double)
    double floor_div "sim_floor_div" (double, double)
