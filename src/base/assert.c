#include "base/assert.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *file, int line, const char *condition)
{
    void *frames[64];
    (void) fprintf(stderr, "leat: internal error at %s:%d: %s\n", file, line, condition);
    int count = backtrace(frames, 64);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    abort();
}
