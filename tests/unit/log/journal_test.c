#include "log/journal.h"

#include "base/buffer.h"
#include "base/logline.h"
#include "log/flusher.h"

#include "log_support.h"

#include <errno.h>

static enum status collect(void *context, struct slice entry, struct error *error)
{
    (void) error;
    buffer_append_slice(context, entry);
    buffer_append_byte(context, ' ');
    return STATUS_OK;
}

static void done(void *context, enum status status, const struct error *error)
{
    (void) error;
    counter_add(context, status != STATUS_OK);
}

static struct flusher *make_flusher(void)
{
    struct error error = {0};
    struct flusher *flusher;
    assert_ok(flusher_new(FLUSH_ALWAYS, 0, &flusher, &error), error);
    return flusher;
}

static struct journal *open_at(const char *path, struct flusher *flusher, const char *expected)
{
    struct error error = {0};
    struct journal *journal;
    struct buffer seen = BUFFER_INIT;
    assert_ok(journal_open(path, flusher, collect, &seen, &journal, &error), error);
    assert_string_equal(buffer_string(&seen), expected);
    buffer_deinit(&seen);
    return journal;
}

static void append_text(struct journal *journal, const char *text, struct counter *counter)
{
    journal_append(journal, slice_of_string(text), done, counter);
}

static void keeps_entries(void **state)
{
    (void) state;
    struct error error = {0};
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_path(&scratch, "meta");
    struct flusher *flusher = make_flusher();
    struct counter counter = COUNTER_INIT;
    struct journal *journal = open_at(path, flusher, "");
    append_text(journal, "one", &counter);
    append_text(journal, "", &counter);
    append_text(journal, "three is longer", &counter);
    counter_wait(&counter, 3);
    assert_int_equal(counter.failed, 0);
    journal_append(journal, SLICE("unwaited"), NULL, NULL);
    assert_ok(journal_close(journal, &error), error);
    journal = open_at(path, flusher, "one  three is longer unwaited ");
    assert_int_equal(journal_size(journal), size_of_file(path));
    assert_ok(journal_close(journal, &error), error);
    flusher_free(flusher);
    scratch_remove(&scratch);
}

/* Cut at every byte: whole entries before the cut are there, and appending goes on. */
static void cuts_a_torn_end(void **state)
{
    (void) state;
    struct error error = {0};
    struct scratch scratch;
    scratch_make(&scratch);
    char path[512];
    (void) snprintf(path, sizeof(path), "%s", scratch_path(&scratch, "meta"));
    struct flusher *flusher = make_flusher();
    long size = 16 + 32 + 32 + 40;
    for (long cut = 0; cut <= size; cut++) {
        (void) unlink(path);
        struct counter counter = COUNTER_INIT;
        struct journal *journal = open_at(path, flusher, "");
        append_text(journal, "first", &counter);
        append_text(journal, "second", &counter);
        append_text(journal, "the third", &counter);
        assert_ok(journal_close(journal, &error), error);
        assert_int_equal(size_of_file(path), size);
        assert_int_equal(truncate(path, cut), 0);
        const char *expected = cut < 48    ? ""
                               : cut < 80  ? "first "
                               : cut < 120 ? "first second "
                                           : "first second the third ";
        journal = open_at(path, flusher, expected);
        append_text(journal, "more", &counter);
        assert_ok(journal_close(journal, &error), error);
        char after[64];
        (void) snprintf(after, sizeof(after), "%smore ", expected);
        assert_ok(journal_close(open_at(path, flusher, after), &error), error);
    }
    flusher_free(flusher);
    scratch_remove(&scratch);
}

static void tells_damage_from_a_torn_end(void **state)
{
    (void) state;
    struct error error = {0};
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_path(&scratch, "meta");
    struct flusher *flusher = make_flusher();
    struct counter counter = COUNTER_INIT;
    struct journal *journal = open_at(path, flusher, "");
    append_text(journal, "first", &counter);
    counter_wait(&counter, 1);
    append_text(journal, "second", &counter); /* says that the first was durable */
    assert_ok(journal_close(journal, &error), error);

    flip_byte(path, 16 + 24);
    struct buffer seen = BUFFER_INIT;
    assert_fails(journal_open(path, flusher, collect, &seen, &journal, &error), STATUS_CORRUPT,
                 error, "is damaged at byte 16");
    flip_byte(path, 16 + 24);
    flip_byte(path, -8); /* nothing vouches for the last one */
    assert_ok(journal_close(open_at(path, flusher, "first "), &error), error);
    flip_byte(path, 0);
    assert_fails(journal_open(path, flusher, collect, &seen, &journal, &error), STATUS_CORRUPT,
                 error, "is not a journal");
    buffer_deinit(&seen);
    flusher_free(flusher);
    scratch_remove(&scratch);
}

static enum status write_two(void *context, struct journal_writer *writer, struct error *error)
{
    (void) context;
    TRY(journal_write(writer, SLICE("a"), error));
    return journal_write(writer, SLICE("b"), error);
}

static enum status write_fails(void *context, struct journal_writer *writer, struct error *error)
{
    (void) context;
    TRY(journal_write(writer, SLICE("a"), error));
    return error_set(error, STATUS_LIMIT, "no more");
}

static void is_rewritten_in_one_step(void **state)
{
    (void) state;
    struct error error = {0};
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_path(&scratch, "meta");
    struct flusher *flusher = make_flusher();
    struct counter counter = COUNTER_INIT;
    struct journal *journal = open_at(path, flusher, "");
    append_text(journal, "old", &counter);
    assert_fails(journal_rewrite(journal, write_fails, NULL, &error), STATUS_LIMIT, error,
                 "no more");
    append_text(journal, "older", &counter);
    assert_ok(journal_rewrite(journal, write_two, NULL, &error), error);
    assert_int_equal(counter.count, 2);
    append_text(journal, "new", &counter);
    counter_wait(&counter, 3);
    assert_ok(journal_close(journal, &error), error);
    assert_ok(journal_close(open_at(path, flusher, "a b new "), &error), error);
    flusher_free(flusher);
    scratch_remove(&scratch);
}

/* One run with the n-th file call failing; returns how many calls there were. Entries that were
 * reported durable must be there afterwards, in order, and those reported failed must not. */
struct told {
    struct counter counter;
    struct buffer durable;
    const char *texts[6];
    int next;
};

static void told_done(void *context, enum status status, const struct error *error)
{
    struct told *told = context;
    (void) error;
    if (status == STATUS_OK) {
        buffer_append_string(&told->durable, told->texts[told->counter.count]);
        buffer_append_byte(&told->durable, ' ');
    }
    counter_add(&told->counter, status != STATUS_OK);
}

static int64_t run_with_fault(const char *path, struct flusher *flusher, int64_t nth)
{
    struct error error = {0};
    struct told told = {.counter = COUNTER_INIT,
                        .texts = {"one", "two two two two", "three", "four", "five", "six"}};
    struct buffer ignored = BUFFER_INIT;
    struct journal *journal;
    (void) unlink(path);
    file_fault(nth, ENOSPC);
    enum status status = journal_open(path, flusher, collect, &ignored, &journal, &error);
    if (status == STATUS_OK) {
        for (int i = 0; i < 6; i++) {
            journal_append(journal, slice_of_string(told.texts[i]), told_done, &told);
            counter_wait(&told.counter, i + 1);
            if (i == 3) {
                (void) !journal_rewrite(journal, write_two, NULL, &error);
            }
        }
        (void) !journal_close(journal, &error);
    }
    int64_t calls = file_fault_calls();
    file_fault(-1, 0);
    struct buffer seen = BUFFER_INIT;
    assert_ok(journal_open(path, flusher, collect, &seen, &journal, &error), error);
    assert_ok(journal_close(journal, &error), error);
    const char *found = buffer_string(&seen);
    const char *wanted = buffer_string(&told.durable);
    if (strncmp(found, "a b ", 4) == 0) { /* the rewrite stands for the first four */
        found += 4;
        for (int i = 0; i < 4 && *wanted != '\0'; i++) {
            size_t size = strlen(told.texts[i]);
            wanted += strncmp(wanted, told.texts[i], size) == 0 ? size + 1 : 0;
        }
    }
    assert_string_equal(found, wanted);
    buffer_deinit(&seen);
    buffer_deinit(&ignored);
    buffer_deinit(&told.durable);
    return calls;
}

static void stays_true_under_every_fault(void **state)
{
    (void) state;
    struct scratch scratch;
    scratch_make(&scratch);
    const char *path = scratch_path(&scratch, "meta");
    struct flusher *flusher = make_flusher();
    int64_t calls = run_with_fault(path, flusher, -1);
    assert_true(calls > 15);
    for (int64_t nth = 0; nth < calls; nth++) {
        (void) run_with_fault(path, flusher, nth);
    }
    flusher_free(flusher);
    scratch_remove(&scratch);
}

int main(void)
{
    logline_configure(LOG_OFF, LOG_TEXT); /* the faults are ours */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_entries),
        cmocka_unit_test(cuts_a_torn_end),
        cmocka_unit_test(tells_damage_from_a_torn_end),
        cmocka_unit_test(is_rewritten_in_one_step),
        cmocka_unit_test(stays_true_under_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
