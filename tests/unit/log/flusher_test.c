/* Many logs in one pass of the flusher. */

#include "batch_support.h"

#include "base/logline.h"

#include <errno.h>

#define LOGS   12
#define ROUNDS 4

struct shared {
    struct counter counter;
    pthread_mutex_t mutex;
    int stored[LOGS]; /* batches told to be durable */
};

struct one {
    struct shared *shared;
    int log;
};

static void done(void *context, const struct append_result *result, const struct error *error)
{
    struct one *one = context;
    (void) error;
    if (result->kafka_error == 0) {
        (void) pthread_mutex_lock(&one->shared->mutex);
        one->shared->stored[one->log]++;
        (void) pthread_mutex_unlock(&one->shared->mutex);
    }
    counter_add(&one->shared->counter, result->kafka_error != 0);
}

/* Appends to all logs without waiting for any, round by round. */
static void append_rounds(struct partition_log *const logs[LOGS], struct shared *shared)
{
    struct arena arena;
    struct one ones[LOGS];
    arena_init(&arena, 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LOGS; i++) {
            struct slice batch = batch_make(&arena, &(struct batch_spec){.value_bytes = 100});
            struct append_result result;
            ones[i] = (struct one){shared, i};
            partition_log_append(logs[i], (uint8_t *) (uintptr_t) batch.data, batch.size, false,
                                 done, &ones[i], &result);
            assert_int_equal(result.kafka_error, 0);
        }
        counter_wait(&shared->counter, (round + 1) * LOGS);
    }
    arena_deinit(&arena);
}

static int64_t run(int64_t nth)
{
    struct scratch scratch;
    struct partition_log_config config;
    struct error error = {0};
    struct partition_log *logs[LOGS];
    struct shared shared = {.counter = COUNTER_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};
    char name[32];
    scratch_make(&scratch);
    partition_log_config_init(&config);
    struct flusher *flusher = flusher_make(FLUSH_ALWAYS);
    for (int i = 0; i < LOGS; i++) {
        (void) snprintf(name, sizeof(name), "t-%d", i);
        logs[i] = log_open_at(scratch_path(&scratch, name), &config, flusher);
    }
    file_fault(nth, EIO);
    append_rounds(logs, &shared);
    int64_t calls = file_fault_calls();
    file_fault(-1, 0);
    assert_true(shared.counter.failed <= (nth < 0 ? 0 : 1));
    for (int i = 0; i < LOGS; i++) {
        (void) snprintf(name, sizeof(name), "t-%d", i);
        assert_int_equal(offsets_of(logs[i]).high_watermark, shared.stored[i]);
        assert_ok(partition_log_close(logs[i], &error), error);
        logs[i] = log_open_at(scratch_path(&scratch, name), &config, flusher);
        assert_int_equal(read_through(logs[i], 0, 1000), shared.stored[i]);
        assert_ok(partition_log_close(logs[i], &error), error);
    }
    flusher_free(flusher);
    scratch_remove(&scratch);
    return calls;
}

static void many_logs_share_a_pass(void **state)
{
    (void) state;
    (void) run(-1);
}

static void one_fault_fails_one_log(void **state)
{
    (void) state;
    int64_t calls = run(-1);
    for (int64_t nth = 0; nth < calls; nth += 3) {
        (void) run(nth);
    }
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT); /* the faults are ours */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_logs_share_a_pass),
        cmocka_unit_test(one_fault_fails_one_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
