/* Lets calls on the files of one folder fail, as a broken disk does, while the process runs.

   To be preloaded. SESSIOND_FAIL_FOLDER names the folder, SESSIOND_FAIL_RULES a file that is read at each call: lines of a
   call (`read`, `write`, `sync` or `open`), the number of an error and how the file's name ends, such as `sync 5 -wal`; or
   `clock` and how many seconds the clock of the day is to be ahead. Where there is no such file nothing fails. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *folder, *rules;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("SESSIOND_FAIL_FOLDER");
    rules = getenv("SESSIOND_FAIL_RULES");
}

static int ends(const char *path, const char *ending) {
    size_t length = strlen(path), size = strlen(ending);
    return size <= length && strcmp(path + length - size, ending) == 0;
}

/* The number that the rules give for a call, and for a path where there is one; or 0. */
static int rule(const char *call, const char *path) {
    if (!rules) return 0;
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, rules, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    char text[1024];
    long size = syscall(SYS_read, descriptor, text, sizeof text - 1);
    syscall(SYS_close, descriptor);
    if (size <= 0) return 0;
    text[size] = 0;
    char *rest = text, *line;
    while ((line = strtok_r(rest, "\n", &rest))) {
        char named[16], ending[128];
        int number;
        int found = sscanf(line, "%15s %d %127s", named, &number, ending);
        if (found == (path ? 3 : 2) && strcmp(named, call) == 0 && (!path || ends(path, ending))) return number;
    }
    return 0;
}

static int error_of(const char *call, const char *path) {
    return folder && strncmp(path, folder, strlen(folder)) == 0 ? rule(call, path) : 0;
}

static int fails(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = folder ? readlink(link, path, sizeof path - 1) : -1;
    if (size < 0) return 0;
    path[size] = 0;
    int error = error_of(call, path);
    if (error) errno = error;
    return error != 0;
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
    return fails("read", fd) ? -1 : REAL(pread)(fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t at) {
    return fails("read", fd) ? -1 : REAL(pread64)(fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    return fails("write", fd) ? -1 : REAL(pwrite)(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    return fails("write", fd) ? -1 : REAL(pwrite64)(fd, bytes, size, at);
}

int ftruncate(int fd, off_t size) { return fails("write", fd) ? -1 : REAL(ftruncate)(fd, size); }

int ftruncate64(int fd, off_t size) { return fails("write", fd) ? -1 : REAL(ftruncate64)(fd, size); }

int fsync(int fd) { return fails("sync", fd) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return fails("sync", fd) ? -1 : REAL(fdatasync)(fd); }

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    int error = path[0] == '/' ? error_of("open", path) : 0;
    if (error) {
        errno = error;
        return -1;
    }
    return real(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = (mode_t)va_arg(values, int);
    va_end(values);
    return opened(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list values;
    va_start(values, flags);
    mode_t mode = (mode_t)va_arg(values, int);
    va_end(values);
    return opened(REAL(open64), path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME) now->tv_sec += rule("clock", NULL);
    return done;
}
