/* Preloaded into the program (LD_PRELOAD), makes an allocation fail:
 *
 *   FAIL_MALLOC_AT=N    the N-th call of malloc, calloc, realloc or the like, from 1
 *   FAIL_MALLOC_LAST=M  and all up to the M-th (N)
 *   FAIL_MALLOC_COUNT=FILE  writes at exit how many there were
 *
 * C++'s new comes here as well. Calls of the dynamic linker before this library is ready do not
 * count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);

static atomic_ulong calls;
static unsigned long fail_at, fail_last;
static int ready;

/* What dlsym itself asks for before the real functions are known. */
static char early[4096];
static size_t early_used;

static int fails(void) {
  if (!ready) return 0;
  const unsigned long call = atomic_fetch_add(&calls, 1) + 1;
  if (call < fail_at || call > fail_last) return 0;
  errno = ENOMEM;
  return 1;
}

static unsigned long number(const char *name, unsigned long otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

__attribute__((constructor)) static void start(void) {
  real_malloc = dlsym(RTLD_NEXT, "malloc");
  real_calloc = dlsym(RTLD_NEXT, "calloc");
  real_realloc = dlsym(RTLD_NEXT, "realloc");
  real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
  real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
  fail_at = number("FAIL_MALLOC_AT", 0);
  fail_last = number("FAIL_MALLOC_LAST", fail_at);
  if (fail_at == 0) fail_last = 0, fail_at = 1;
  ready = 1;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAIL_MALLOC_COUNT");
  if (path == NULL) return;
  char text[32];
  const int size = snprintf(text, sizeof(text), "%lu\n", atomic_load(&calls));
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return;
  if (write(fd, text, (size_t)size) != size) _exit(99);
  close(fd);
}

void *malloc(size_t size) {
  if (real_malloc == NULL) real_malloc = dlsym(RTLD_NEXT, "malloc");
  return fails() ? NULL : real_malloc(size);
}

void *calloc(size_t count, size_t size) {
  static _Thread_local int asking;
  if (real_calloc == NULL && !asking) {
    asking = 1;
    real_calloc = dlsym(RTLD_NEXT, "calloc");
    asking = 0;
  }
  if (real_calloc == NULL) {
    const size_t bytes = (count * size + 15) / 16 * 16;
    if (early_used + bytes > sizeof(early)) return NULL;
    early_used += bytes;
    return early + early_used - bytes;
  }
  return fails() ? NULL : real_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  if (real_realloc == NULL) real_realloc = dlsym(RTLD_NEXT, "realloc");
  return fails() ? NULL : real_realloc(old, size);
}

void free(void *memory) {
  static void (*real_free)(void *);
  if (real_free == NULL) real_free = dlsym(RTLD_NEXT, "free");
  if ((char *)memory < early || (char *)memory >= early + sizeof(early)) real_free(memory);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  if (real_posix_memalign == NULL) real_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
  return fails() ? ENOMEM : real_posix_memalign(out, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  if (real_aligned_alloc == NULL) real_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
  return fails() ? NULL : real_aligned_alloc(alignment, size);
}
