/* Ends, or stops, the program that it is preloaded into at a chosen commit of its SQLite journal.
 *
 * CRASH_AT=N ends it by SIGKILL and counts transactions from the program's start; CRASH_WHEN says
 * where in the Nth:
 *   before  nothing of it has been written
 *   torn    its first page is written by half
 *   after   it is on the disk, and nobody has been told
 * CRASH_STOP_FILE=PATH stops it (SIGSTOP) once that file is there, in the next commit, before that
 * is on the disk; and removes the file.
 * Only FILE-wal counts, and there only frames: not its header, not checkpoints. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kWalHeader = 32 };

static long at;
static const char* when = "";
static const char* stop_file;
static long transactions; /* begun so far */
static int writes;        /* of the transaction under way; none: no transaction */

__attribute__((constructor)) static void ReadOrders(void) {
  const char* number = getenv("CRASH_AT");
  if (number != NULL) at = atol(number);
  if (getenv("CRASH_WHEN") != NULL) when = getenv("CRASH_WHEN");
  stop_file = getenv("CRASH_STOP_FILE");
}

static int IsWal(int fd) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static void DieIf(const char* here) {
  if (transactions == at && strcmp(when, here) == 0) kill(getpid(), SIGKILL);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  if (at > 0 && offset >= kWalHeader && IsWal(fd)) {
    if (writes == 0) ++transactions;
    DieIf("before");
    /* A frame is a short header and then its page. */
    if (++writes == 2 && transactions == at && strcmp(when, "torn") == 0) {
      syscall(SYS_pwrite64, fd, data, size / 2, offset);
      DieIf("torn");
    }
  }
  return syscall(SYS_pwrite64, fd, data, size, offset);
}

int fdatasync(int fd) {
  if (stop_file != NULL && IsWal(fd) && unlink(stop_file) == 0) kill(getpid(), SIGSTOP);
  const int result = (int)syscall(SYS_fdatasync, fd);
  if (at > 0 && writes > 0 && IsWal(fd)) {
    DieIf("after");
    writes = 0;
  }
  return result;
}
