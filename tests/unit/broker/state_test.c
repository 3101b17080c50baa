/* The journal of the broker's state: order, replay, and rewriting while entries keep coming. */

#include "test.h"

#include "base/memory.h"
#include "broker/state.h"
#include "io/file.h"
#include "log/flusher.h"

#include <stdio.h>

struct fixture {
    char directory[64];
    char path[128];
    struct flusher *flusher;
    struct loop loop;
    struct state *state;
    int64_t value;    /* what the journal says */
    int64_t appended; /* what was sent to it   */
    int64_t done;     /* callbacks, in order   */
    int replayed;
    int snapshots;
};

static enum status
replay(void *context, const struct wire_message *kind, const void *body, struct error *error)
{
    (void) error;
    struct fixture *fixture = context;
    if (kind->key == RECORD_PRODUCER_IDS) {
        fixture->value = ((const struct producer_ids_record *) body)->next_id;
        fixture->replayed++;
    }
    return STATUS_OK;
}

static enum status snapshot(void *context, struct journal_writer *writer, struct error *error)
{
    struct fixture *fixture = context;
    struct producer_ids_record record = {.next_id = fixture->value};
    fixture->snapshots++;
    return state_write(writer, &producer_ids_message, &record, error);
}

static void open_state(struct fixture *fixture)
{
    struct error error = {0};
    assert_ok(flusher_new(FLUSH_NEVER, 0, &fixture->flusher, &error), error);
    assert_ok(loop_init(&fixture->loop, &error), error);
    struct state_owner owner = {replay, snapshot, fixture};
    fixture->replayed = 0;
    fixture->value = 0;
    assert_ok(state_open(fixture->path, fixture->flusher, &fixture->loop, &owner, &fixture->state,
                         &error),
              error);
}

static void close_state(struct fixture *fixture)
{
    struct error error = {0};
    assert_ok(state_close(fixture->state, &error), error);
    loop_deinit(&fixture->loop);
    state_free(fixture->state);
    flusher_free(fixture->flusher);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->directory, "/tmp/leat-state-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void) snprintf(fixture->path, sizeof(fixture->path), "%s/meta.journal", fixture->directory);
    open_state(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    close_state(fixture);
    assert_ok(directory_remove(fixture->directory, &error), error);
    free(fixture);
    return 0;
}

static void on_done(void *context, enum status status, const struct error *error)
{
    (void) error;
    struct fixture *fixture = context;
    assert_int_equal(status, STATUS_OK);
    fixture->value = ++fixture->done; /* takes effect when durable, in order */
}

static void append(struct fixture *fixture)
{
    struct producer_ids_record record = {.next_id = ++fixture->appended};
    state_append(fixture->state, &producer_ids_message, &record, on_done, fixture);
}

static void turn(struct fixture *fixture)
{
    uv_run(&fixture->loop.uv, UV_RUN_NOWAIT);
}

static void entries_take_effect_later_and_in_order(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 10; i++) {
        append(fixture);
        assert_int_equal(fixture->done, 0); /* never from within */
    }
    turn(fixture);
    assert_int_equal(fixture->done, 10);
    close_state(fixture);
    open_state(fixture);
    assert_int_equal(fixture->value, 10);
    assert_int_equal(fixture->replayed, 10);
}

static void a_grown_journal_is_rewritten_without_losing_what_comes_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; fixture->snapshots < 2; i++) {
        assert_true(i < 100000);
        for (int j = 0; j < 7; j++) {
            append(fixture);
        }
        turn(fixture);
    }
    append(fixture);
    for (int i = 0; fixture->done < fixture->appended; i++) {
        assert_true(i < 100);
        turn(fixture);
    }
    close_state(fixture);
    open_state(fixture);
    assert_int_equal(fixture->value, fixture->appended);
    assert_true(fixture->replayed < fixture->appended);
}

static void closing_tells_what_waits(void **state)
{
    struct fixture *fixture = *state;
    append(fixture);
    close_state(fixture);
    assert_int_equal(fixture->done, 1);
    open_state(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_take_effect_later_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_grown_journal_is_rewritten_without_losing_what_comes_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_tells_what_waits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
