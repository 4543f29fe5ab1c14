/* Stands between a program and its files (LD_PRELOAD): writes down what it does to them, or lets it fail.

   PRELOAD_ROOTS  folders to look at, separated by colons, as real paths
   PRELOAD_LOG    where every call is written down, in order; absent: nowhere
   PRELOAD_FAULT  as `preload_arm` takes it, to begin with

   A record is a head of five 64-bit numbers (kind, fd, a, b, length) and `length` bytes; see `preload.py`.
   One lock is held around each call and its record, so the order of the records is that of the calls.
   Sockets are only written down: what is sent to a client, and when.

   A fault is met at the n-th call that changes files or makes them durable. It kills the process before or
   after the call, or returns an error: before the call, or although it was done. From then on all calls
   fail in the same way, or only the one. Everything else goes through. Or it is met at the n-th call that reads
   from files: that fails too, or gives less than it could. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 65536 };
enum action { NONE, KILL, KILL_AFTER, FAIL, FAIL_DONE, SHORT };

static char watched[FDS]; /* 1: below a root */
static char roots[8][PATH_MAX];
static int roots_count, log_fd = -1, quiet, reads;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static long calls, fault_at = -1;
static enum action fault_action;
static int fault_errno, fault_sticky;
static char met[PATH_MAX + 8]; /* the call at which the fault was met: kind, space, path */

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) { fprintf(stderr, "preload: no %s\n", name); abort(); }
    return found;
}

/* The n-th call from now on: action 1 kill, 2 kill after, 3 fail, 4 fail although done. 0: none, calls are
   counted; -1: none any more, and what was counted stays. */
void preload_arm(long n, int action, int error, int sticky) {
    pthread_mutex_lock(&lock);
    if (n >= 0) { met[0] = 0; calls = 0; }
    fault_at = n; fault_action = action; fault_errno = error; fault_sticky = sticky;
    pthread_mutex_unlock(&lock);
}
/* Whether nothing is written down for now. */
void preload_quiet(int on) { quiet = on; }
/* Whether it is reads that are counted and meet the fault, and nothing else. */
void preload_reads(int on) { reads = on; }
/* How many calls were counted since. */
long preload_calls(void) { return calls; }
/* Where the fault was met: kind of the call, a space, path. Empty where it was not. */
const char *preload_met(void) { return met; }

__attribute__((constructor)) static void begin(void) {
    const char *given = getenv("PRELOAD_ROOTS");
    if (given) {
        char copy[8 * PATH_MAX], *rest = copy, *one;
        snprintf(copy, sizeof copy, "%s", given);
        while (roots_count < 8 && (one = strsep(&rest, ":")))
            snprintf(roots[roots_count++], PATH_MAX, "%s", one);
    }
    if ((given = getenv("PRELOAD_LOG"))) log_fd = REAL(open)(given, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((given = getenv("PRELOAD_FAULT"))) {
        long n; int action, error, sticky;
        if (sscanf(given, "%ld:%d:%d:%d", &n, &action, &error, &sticky) == 4) preload_arm(n, action, error, sticky);
    }
}

static int below(const char *path) {
    for (int i = 0; i < roots_count; i++) {
        size_t length = strlen(roots[i]);
        if (!strncmp(path, roots[i], length) && (path[length] == '/' || !path[length])) return 1;
    }
    return 0;
}

static const char *whole(int dir, const char *path, char *into) {
    if (path[0] == '/') return path;
    char link[64];
    if (dir == AT_FDCWD) { if (!getcwd(into, PATH_MAX)) return path; }
    else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, into, PATH_MAX - 1);
        if (n < 0) return path;
        into[n] = 0;
    }
    size_t length = strlen(into);
    snprintf(into + length, PATH_MAX - length, "/%s", path);
    return into;
}

static void note(char kind, int64_t fd, int64_t a, int64_t b, const struct iovec *data, int parts) {
    if (log_fd < 0 || quiet) return;
    int64_t head[5] = {kind, fd, a, b, 0};
    struct iovec all[64] = {{head, sizeof head}};
    for (int i = 0; i < parts && i < 63; i++) { all[i + 1] = data[i]; head[4] += (int64_t)data[i].iov_len; }
    syscall(SYS_writev, log_fd, all, parts + 1);
}
static void note_text(char kind, int64_t fd, int64_t a, const char *one, const char *other) {
    struct iovec data[3] = {{(void *)one, strlen(one)}, {"\n", 1}, {(void *)other, other ? strlen(other) : 0}};
    note(kind, fd, a, 0, data, other ? 3 : 1);
}

static void meet(char kind, int fd, const char *path) {
    char link[64];
    if (met[0]) return;
    met[0] = kind; met[1] = ' ';
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = path ? (ssize_t)strlen(path) : readlink(link, met + 2, PATH_MAX);
    if (path) memcpy(met + 2, path, n);
    met[2 + (n > 0 ? n : 0)] = 0;
}

/* Counts a call, with the lock held. True where it is to fail without being done. */
static int before(char kind, int fd, const char *path) {
    if (reads != (kind == 'P')) return 0;
    calls++;
    int now = fault_at > 0 && (calls == fault_at || (fault_sticky && calls > fault_at));
    if (!now) return 0;
    meet(kind, fd, path);
    if (fault_action == KILL) kill(getpid(), SIGKILL);
    if (fault_action == FAIL) { errno = fault_errno; return 1; }
    return 0;
}
/* The same call, done. True where it is to fail all the same. */
static int after(char kind) {
    if (reads != (kind == 'P')) return 0;
    int now = fault_at > 0 && (calls == fault_at || (fault_sticky && calls > fault_at));
    if (now && fault_action == KILL_AFTER) kill(getpid(), SIGKILL);
    if (now && fault_action == FAIL_DONE) { errno = fault_errno; return 1; }
    return 0;
}
#define GUARDED(kind, fd, path, call, record)       \
    pthread_mutex_lock(&lock);                      \
    __typeof__(call) result = -1;                   \
    if (!before(kind, fd, path)) {                  \
        result = (call);                            \
        int kept = errno;                           \
        if (result >= 0) { record; }                \
        errno = kept;                               \
        if (result >= 0 && after(kind)) result = -1; \
    }                                               \
    pthread_mutex_unlock(&lock);                    \
    return result

static int is_watched(int fd) { return fd >= 0 && fd < FDS && watched[fd]; }
static int is_socket(int fd) {
    struct stat found;
    return log_fd >= 0 && !quiet && fd > 2 && fd != log_fd && !fstat(fd, &found) && S_ISSOCK(found.st_mode);
}

/* Opening, closing, names */

static void opened(int fd, const char *path, int flags, int existed) {
    struct stat found;
    watched[fd] = 1;
    int folder = !fstat(fd, &found) && S_ISDIR(found.st_mode);
    note_text('O', fd, (existed ? 0 : 1) | (folder ? 2 : 0) | (flags & O_TRUNC ? 4 : 0), path, NULL);
}

static int open_any(int dir, const char *path, int flags, mode_t mode) {
    char space[PATH_MAX];
    const char *full = whole(dir, path, space);
    if (!below(full)) {
        int fd = REAL(openat)(dir, path, flags, mode);
        if (fd >= 0 && fd < FDS) watched[fd] = 0;
        return fd;
    }
    int existed = !access(full, F_OK);
    if (flags & O_CREAT && !existed) { GUARDED('O', 0, full, REAL(openat)(dir, path, flags, mode), opened(result, full, flags, 0)); }
    pthread_mutex_lock(&lock);
    int fd = REAL(openat)(dir, path, flags, mode);
    if (fd >= 0) opened(fd, full, flags, 1);
    pthread_mutex_unlock(&lock);
    return fd;
}
#define MODE mode_t mode = 0; va_list more; va_start(more, flags); if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(more, mode_t); va_end(more)
int open(const char *path, int flags, ...) { MODE; return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return open_any(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE; return open_any(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE; return open_any(dir, path, flags, mode); }

int close(int fd) {
    if (!is_watched(fd)) return REAL(close)(fd);
    pthread_mutex_lock(&lock);
    watched[fd] = 0;
    note('C', fd, 0, 0, NULL, 0);
    int result = REAL(close)(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

static int rename_any(int from_dir, const char *from, int to_dir, const char *to) {
    char one[PATH_MAX], other[PATH_MAX];
    const char *source = whole(from_dir, from, one), *target = whole(to_dir, to, other);
    if (!below(source) && !below(target)) return REAL(renameat)(from_dir, from, to_dir, to);
    GUARDED('R', 0, target, REAL(renameat)(from_dir, from, to_dir, to), note_text('R', 0, 0, source, target));
}
int rename(const char *from, const char *to) { return rename_any(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { return rename_any(a, from, b, to); }

static int unlink_any(int dir, const char *path, int flags) {
    char space[PATH_MAX];
    const char *full = whole(dir, path, space);
    if (!below(full)) return REAL(unlinkat)(dir, path, flags);
    GUARDED('U', 0, full, REAL(unlinkat)(dir, path, flags), note_text('U', 0, 0, full, NULL));
}
int unlink(const char *path) { return unlink_any(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return unlink_any(dir, path, flags); }

/* Contents */

static int64_t end_of(int fd) {
    if (REAL(fcntl)(fd, F_GETFL) & O_APPEND) return lseek(fd, 0, SEEK_END);
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    if (!is_watched(fd)) return REAL(pwrite64)(fd, data, length, at);
    struct iovec part = {(void *)data, length};
    GUARDED('W', fd, NULL, REAL(pwrite64)(fd, data, length, at), part.iov_len = result; note('W', fd, at, 0, &part, 1));
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite64(fd, data, length, at); }

ssize_t write(int fd, const void *data, size_t length) {
    struct iovec part = {(void *)data, length};
    if (is_watched(fd)) {
        int64_t at = end_of(fd);
        GUARDED('W', fd, NULL, REAL(write)(fd, data, length), part.iov_len = result; note('W', fd, at, 0, &part, 1));
    }
    if (is_socket(fd)) { pthread_mutex_lock(&lock); note('A', fd, 0, 0, &part, 1); pthread_mutex_unlock(&lock); }
    return REAL(write)(fd, data, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (is_watched(fd)) {
        ssize_t done = 0;
        for (int i = 0; i < count; i++) {
            ssize_t one = write(fd, parts[i].iov_base, parts[i].iov_len);
            if (one < 0) return done ? done : -1;
            done += one;
            if ((size_t)one < parts[i].iov_len) break;
        }
        return done;
    }
    if (is_socket(fd)) { pthread_mutex_lock(&lock); note('A', fd, 0, 0, parts, count); pthread_mutex_unlock(&lock); }
    return REAL(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
    struct iovec part = {(void *)data, length};
    if (is_socket(fd)) { pthread_mutex_lock(&lock); note('A', fd, 0, 0, &part, 1); pthread_mutex_unlock(&lock); }
    return REAL(send)(fd, data, length, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (is_socket(fd)) {
        pthread_mutex_lock(&lock);
        note('A', fd, 0, 0, message->msg_iov, (int)message->msg_iovlen);
        pthread_mutex_unlock(&lock);
    }
    return REAL(sendmsg)(fd, message, flags);
}

/* A copy inside the kernel becomes one through our hands. */
ssize_t sendfile64(int to, int from, off64_t *offset, size_t length) {
    if (!is_watched(to)) return REAL(sendfile64)(to, from, offset, length);
    char data[65536];
    if (length > sizeof data) length = sizeof data;
    ssize_t n = offset ? pread(from, data, length, *offset) : read(from, data, length);
    if (n <= 0) return n;
    ssize_t done = write(to, data, n);
    if (done > 0 && offset) *offset += done;
    return done;
}
ssize_t sendfile(int to, int from, off_t *offset, size_t length) { return sendfile64(to, from, offset, length); }
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags) {
    if (!is_watched(to)) return REAL(copy_file_range)(from, a, to, b, length, flags);
    errno = EXDEV;
    return -1;
}

/* Where a fault makes a read short, what comes is a half, and at least a byte: the end is elsewhere. */
static size_t as_long(size_t length) {
    int now = reads && fault_action == SHORT && calls == fault_at;
    return now && length > 1 ? length / 2 : length;
}
ssize_t pread64(int fd, void *data, size_t length, off64_t at) {
    if (!reads || !is_watched(fd)) return REAL(pread64)(fd, data, length, at);
    GUARDED('P', fd, NULL, REAL(pread64)(fd, data, as_long(length), at), );
}
ssize_t pread(int fd, void *data, size_t length, off_t at) { return pread64(fd, data, length, at); }
ssize_t read(int fd, void *data, size_t length) {
    if (!reads || !is_watched(fd)) return REAL(read)(fd, data, length);
    GUARDED('P', fd, NULL, REAL(read)(fd, data, as_long(length)), );
}

int ftruncate64(int fd, off64_t size) {
    if (!is_watched(fd)) return REAL(ftruncate64)(fd, size);
    GUARDED('T', fd, NULL, REAL(ftruncate64)(fd, size), note('T', fd, size, 0, NULL, 0));
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) {
    if (!is_watched(fd)) return REAL(fsync)(fd);
    GUARDED('S', fd, NULL, REAL(fsync)(fd), note('S', fd, 0, 0, NULL, 0));
}
int fdatasync(int fd) {
    if (!is_watched(fd)) return REAL(fdatasync)(fd);
    GUARDED('S', fd, NULL, REAL(fdatasync)(fd), note('S', fd, 0, 0, NULL, 0));
}
int posix_fallocate64(int fd, off64_t at, off64_t length) {
    return is_watched(fd) ? EOPNOTSUPP : REAL(posix_fallocate64)(fd, at, length);
}
