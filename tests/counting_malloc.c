// Counts what is asked of malloc and mmap while the interpreter lock is not held. The engine drops the
// lock for the whole of a step, so what is counted is its own, and Python's objects are not.
// Loaded with LD_PRELOAD, glibc only.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);

static int (*holds_lock)(void);
static long count;

void count_allocations(int (*check)(void)) { holds_lock = check; }
long allocations(void) { return count; }

static void note(void) {
    if (holds_lock != NULL && !holds_lock()) count++;
}

void *malloc(size_t bytes) {
    note();
    return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes) {
    note();
    return __libc_calloc(items, bytes);
}

void *realloc(void *block, size_t bytes) {
    note();
    return __libc_realloc(block, bytes);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    note();
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}

void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...) {
    va_list more;
    void *target;
    va_start(more, flags);
    target = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
    va_end(more);
    note();
    return (void *)syscall(SYS_mremap, at, bytes, wanted, flags, target);
}
