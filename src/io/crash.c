#include "io/crash.h"

#include "base/logline.h"
#include "base/slice.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum crash_state {
    CRASH_UNREAD,
    CRASH_OFF,
    CRASH_ARMED
};

static _Atomic(enum crash_state) state;
static pthread_once_t read_once = PTHREAD_ONCE_INIT;
static struct slice wanted;
static int signal_number = SIGKILL;
static atomic_long passings_left;

static void read_environment(void)
{
    const char *text = getenv("LEAT_CRASH");
    if (text == NULL || *text == '\0') {
        atomic_store(&state, CRASH_OFF);
        return;
    }
    if (strncmp(text, "stop@", 5) == 0) {
        signal_number = SIGSTOP;
        text += 5;
    }
    const char *colon = strrchr(text, ':');
    long count = 1;
    if (colon != NULL) {
        char *end;
        count = strtol(colon + 1, &end, 10);
        if (count < 1 || *end != '\0') {
            logline(LOG_WARN, "crash", "LEAT_CRASH is neither NAME nor NAME:N; it has no effect",
                    LOG_STRING("value", text));
            atomic_store(&state, CRASH_OFF);
            return;
        }
    }
    wanted = slice_of(text, colon == NULL ? strlen(text) : (size_t) (colon - text));
    atomic_store(&passings_left, count);
    atomic_store(&state, CRASH_ARMED);
}

void crash_point(const char *name)
{
    if (atomic_load_explicit(&state, memory_order_relaxed) == CRASH_OFF) {
        return;
    }
    (void) pthread_once(&read_once, read_environment);
    if (atomic_load(&state) == CRASH_ARMED && slice_equal_string(wanted, name) &&
        atomic_fetch_sub(&passings_left, 1) == 1) {
        (void) raise(signal_number); /* this thread goes no further, whatever the others do */
    }
}
