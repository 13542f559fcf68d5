/* Records what a process does to the files of one folder: each write, truncation, removal, renaming and sync, in order.

   To be preloaded. SESSIOND_RECORD_FOLDER names the folder, SESSIOND_RECORD_LOG the file that the records are appended to; a
   record is a line of text, and after that of a write its bytes. A sync is recorded when it is over. Where
   SESSIOND_RECORD_LIES is set, syncs are not recorded: the disk lies. As long as SESSIOND_RECORD_FAILS is set to a
   number, one of so many syncs fails, by chance but always the same, and what it was to put onto the disk is forgotten,
   as operating systems do. Files that are mapped into memory are not seen; of SQLite's that is the index of its log,
   which a cut destroys anyway. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("SESSIOND_RECORD_FOLDER");
    const char *path = getenv("SESSIOND_RECORD_LOG");
    if (folder && path) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        long put = syscall(SYS_write, log_fd, at, size);
        if (put < 0) abort();
        at += put;
        size -= (size_t)put;
    }
}

static void note(const char *format, ...) {
    char line[2 * PATH_MAX + 64];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    put(line, (size_t)size);
}

/* The path of a file in the folder, or NULL for every other. */
static const char *ours(int fd, char *path) {
    char link[64];
    if (log_fd < 0 || fd == log_fd) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return NULL;
    path[size] = 0;
    return strncmp(path, folder, strlen(folder)) == 0 ? path : NULL;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t written(ssize_t (*real)(int, const void *, size_t, off_t), int fd, const void *bytes, size_t size, off_t at) {
    char buffer[PATH_MAX];
    pthread_mutex_lock(&order);
    ssize_t done = real(fd, bytes, size, at);
    const char *path = done > 0 ? ours(fd, buffer) : NULL;
    if (path) {
        note("write %lld %zd %s\n", (long long)at, done, path);
        put(bytes, (size_t)done);
    }
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return written(REAL(pwrite), fd, bytes, size, at); }

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) { return written(REAL(pwrite64), fd, bytes, size, at); }

ssize_t write(int fd, const void *bytes, size_t size) {
    char buffer[PATH_MAX];
    const char *path = ours(fd, buffer);
    if (!path) return REAL(write)(fd, bytes, size);
    pthread_mutex_lock(&order);
    off_t at = lseek(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
    ssize_t done = REAL(write)(fd, bytes, size);
    if (done > 0) {
        note("write %lld %zd %s\n", (long long)at, done, path);
        put(bytes, (size_t)done);
    }
    pthread_mutex_unlock(&order);
    return done;
}

static int truncated(int (*real)(int, off_t), int fd, off_t size) {
    char buffer[PATH_MAX];
    pthread_mutex_lock(&order);
    int done = real(fd, size);
    const char *path = done == 0 ? ours(fd, buffer) : NULL;
    if (path) note("truncate %lld %s\n", (long long)size, path);
    pthread_mutex_unlock(&order);
    return done;
}

int ftruncate(int fd, off_t size) { return truncated(REAL(ftruncate), fd, size); }

int ftruncate64(int fd, off_t size) { return truncated(REAL(ftruncate64), fd, size); }

static int synced(int (*real)(int), int fd) {
    static unsigned int chance = 1;
    char buffer[PATH_MAX];
    pthread_mutex_lock(&order);
    const char *path = getenv("SESSIOND_RECORD_LIES") ? NULL : ours(fd, buffer);
    const char *fails = path ? getenv("SESSIOND_RECORD_FAILS") : NULL;
    if (fails) chance = chance * 1103515245u + 12345u;
    int failed = fails && (chance >> 16) % (unsigned int)atoi(fails) == 0;
    int done = failed ? -1 : real(fd);
    if (path && (failed || done == 0)) note("%s %s\n", failed ? "forget" : "sync", path);
    if (failed) errno = EIO;
    pthread_mutex_unlock(&order);
    return done;
}

int fsync(int fd) { return synced(REAL(fsync), fd); }

int fdatasync(int fd) { return synced(REAL(fdatasync), fd); }

int unlink(const char *path) {
    pthread_mutex_lock(&order);
    int done = REAL(unlink)(path);
    if (done == 0 && log_fd >= 0 && strncmp(path, folder, strlen(folder)) == 0) note("unlink %s\n", path);
    pthread_mutex_unlock(&order);
    return done;
}

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&order);
    int done = REAL(rename)(from, to);
    if (done == 0 && log_fd >= 0 && strncmp(to, folder, strlen(folder)) == 0) note("rename %s\t%s\n", from, to);
    pthread_mutex_unlock(&order);
    return done;
}
