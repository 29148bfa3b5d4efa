/* Preloaded before the C library: kills its process with SIGKILL just before the n-th call that
   changes something below a folder, or in the middle of it if that call writes. `kill_before` sets
   the folder and n; without it nothing is different. Python, pyarrow and matplotlib all change files
   by these functions.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char below[PATH_MAX];
static long left = -1, seen = 0, middle = 0;

void kill_before(const char *folder, long n, long in_the_middle)
{
    strncpy(below, folder, sizeof below - 1);
    left = n;
    seen = 0;
    middle = in_the_middle;
}

long changes_seen(void) { return seen; }

static void place(int dirfd, const char *path, char *out)
{
    char link[64];
    ssize_t n = 0;
    out[0] = 0;
    if (path && path[0] == '/') {
        snprintf(out, PATH_MAX, "%s", path);
        return;
    }
    if (dirfd == AT_FDCWD) {
        if (!getcwd(out, PATH_MAX))
            return;
        n = strlen(out);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
        n = readlink(link, out, PATH_MAX - 1);
        if (n < 0)
            return;
        out[n] = 0;
    }
    if (path && n < PATH_MAX - 2)
        snprintf(out + n, PATH_MAX - n, "/%s", path);
}

/* Whether this call is the one; a call that does not write is never reached in its middle. */
static int is_it(int dirfd, const char *path)
{
    char where[PATH_MAX];
    if (!below[0])
        return 0;
    place(dirfd, path, where);
    if (strncmp(where, below, strlen(below)) != 0)
        return 0;
    seen++;
    return left >= 0 && seen == left + 1;
}

static void change(int dirfd, const char *path)
{
    if (is_it(dirfd, path))
        kill(getpid(), SIGKILL);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...)                            \
    {                                                                     \
        REAL(name);                                                       \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                     \
        if (flags & (O_CREAT | O_TRUNC))                                  \
            change(AT_FDCWD, path);                                       \
        return real(path, flags, mode);                                   \
    }
#define OPENAT(name)                                                      \
    int name(int dirfd, const char *path, int flags, ...)                 \
    {                                                                     \
        REAL(name);                                                       \
        va_list more;                                                     \
        va_start(more, flags);                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                     \
        if (flags & (O_CREAT | O_TRUNC))                                  \
            change(dirfd, path);                                          \
        return real(dirfd, path, flags, mode);                            \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static void half(int fd, const void *data, size_t n)
{
    if (!is_it(fd, NULL))
        return;
    if (middle) {
        REAL(write);
        if (real(fd, data, n / 2) < 0)
            _exit(99);
    }
    kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *data, size_t n)
{
    REAL(write);
    half(fd, data, n);
    return real(fd, data, n);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    REAL(pwrite64);
    change(fd, NULL);
    return real(fd, data, n, at);
}
ssize_t writev(int fd, const struct iovec *parts, int n)
{
    REAL(writev);
    change(fd, NULL);
    return real(fd, parts, n);
}
int ftruncate64(int fd, off64_t n)
{
    REAL(ftruncate64);
    change(fd, NULL);
    return real(fd, n);
}
int rename(const char *from, const char *to)
{
    REAL(rename);
    change(AT_FDCWD, to);
    return real(from, to);
}
int renameat(int fromfd, const char *from, int tofd, const char *to)
{
    REAL(renameat);
    change(tofd, to);
    return real(fromfd, from, tofd, to);
}
int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    change(AT_FDCWD, path);
    return real(path, mode);
}
int mkdirat(int dirfd, const char *path, mode_t mode)
{
    REAL(mkdirat);
    change(dirfd, path);
    return real(dirfd, path, mode);
}
int unlink(const char *path)
{
    REAL(unlink);
    change(AT_FDCWD, path);
    return real(path);
}
int unlinkat(int dirfd, const char *path, int flags)
{
    REAL(unlinkat);
    change(dirfd, path);
    return real(dirfd, path, flags);
}
int rmdir(const char *path)
{
    REAL(rmdir);
    change(AT_FDCWD, path);
    return real(path);
}
int link(const char *from, const char *to)
{
    REAL(link);
    change(AT_FDCWD, to);
    return real(from, to);
}
int symlink(const char *from, const char *to)
{
    REAL(symlink);
    change(AT_FDCWD, to);
    return real(from, to);
}
