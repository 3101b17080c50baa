#include "broker/state.h"

#include "base/assert.h"
#include "base/logline.h"
#include "base/memory.h"
#include "log/journal.h"

#define REWRITE_BYTES_MIN   ((int64_t) 4 << 20)
#define REWRITE_FACTOR      4 /* times what was left by the last rewrite */
#define REPLAY_ARRAYS_BYTES ((size_t) 1 << 30)

struct state {
    struct journal *journal;
    struct loop *loop;
    struct state_owner owner;
    int pending;         /* entries in the journal whose callback has not run      */
    struct list waiting; /* entries held back until the journal has been rewritten */
    int64_t rewrite_at_bytes;
    bool closed;
};

struct entry {
    struct mail mail;
    struct list link; /* while waiting */
    struct state *state;
    state_done done;
    void *context;
    enum status status;
    struct error *error; /* own copy, only if it failed */
    struct buffer bytes;
};

static void encode_entry(const struct wire_message *kind, const void *body, struct buffer *target)
{
    struct wire_output output = {.bytes = *target};
    buffer_append_be16(&output.bytes, (uint16_t) kind->key);
    buffer_append_be16(&output.bytes, (uint16_t) kind->version_max);
    enum status status = wire_encode(kind->request, kind->version_max, true, body, &output, NULL);
    ASSERT(status == STATUS_OK); /* the flexible encoding has no limit that requests can reach */
    *target = output.bytes;
}

static const struct wire_message *find_kind(int64_t key)
{
    for (size_t i = 0; i < ARRAY_SIZE(state_records_all); i++) {
        if (state_records_all[i]->key == key) {
            return state_records_all[i];
        }
    }
    return NULL;
}

static enum status replay_entry(void *context, struct slice bytes, struct error *error)
{
    const struct state_owner *owner = context;
    struct wire_reader reader = {bytes.data, bytes.data + bytes.size};
    int64_t key;
    int64_t version;
    if (!wire_read_int(&reader, 2, &key) || !wire_read_int(&reader, 2, &version)) {
        return error_set(error, STATUS_CORRUPT, "an entry is cut short");
    }
    const struct wire_message *kind = find_kind(key);
    if (kind == NULL || version < 0 || version > kind->version_max) {
        (void) error_set(error, STATUS_CORRUPT,
                         "an entry has kind %d version %d, which is not known", (int) key,
                         (int) version);
        error_hint(error, "the directory was last used by a newer leat");
        return STATUS_CORRUPT;
    }
    struct arena arena;
    arena_init(&arena, 0);
    void *body = arena_alloc(&arena, kind->request->size);
    enum status status = wire_decode(kind->request, (int16_t) version, true, &reader,
                                     REPLAY_ARRAYS_BYTES, &arena, body, error);
    if (status == STATUS_OK) {
        status = owner->replay(owner->context, kind, body, error);
    }
    if (status != STATUS_OK) {
        error_context(error, "entry \"%s\"", kind->name);
    }
    arena_deinit(&arena);
    return status;
}

static void set_rewrite_mark(struct state *state)
{
    int64_t mark = journal_size(state->journal) * REWRITE_FACTOR;
    state->rewrite_at_bytes = mark < REWRITE_BYTES_MIN ? REWRITE_BYTES_MIN : mark;
}

enum status state_open(const char *path,
                       struct flusher *flusher,
                       struct loop *loop,
                       const struct state_owner *owner,
                       struct state **ret_state,
                       struct error *error)
{
    struct state *state = mem_zalloc(sizeof(*state));
    state->loop = loop;
    state->owner = *owner;
    list_init(&state->waiting);
    enum status status =
        journal_open(path, flusher, replay_entry, &state->owner, &state->journal, error);
    if (status != STATUS_OK) {
        mem_free(state);
        return status;
    }
    set_rewrite_mark(state);
    *ret_state = state;
    return STATUS_OK;
}

static void submit(struct entry *entry);

static void release_waiting(struct state *state)
{
    struct list *link;
    while ((link = list_pop(&state->waiting)) != NULL) {
        submit(CONTAINER_OF(link, struct entry, link));
    }
}

enum status state_close(struct state *state, struct error *error)
{
    release_waiting(state);
    state->closed = true;
    return journal_close(state->journal, error);
}

void state_free(struct state *state)
{
    ASSERT(state->closed && state->pending == 0);
    mem_free(state);
}

/* Once nothing is under way, the memory is what the journal says, and can replace it. */
static void rewrite_if_due(struct state *state)
{
    if (state->pending > 0 || state->closed ||
        journal_size(state->journal) < state->rewrite_at_bytes) {
        return;
    }
    struct error error = {0};
    enum status status =
        journal_rewrite(state->journal, state->owner.snapshot, state->owner.context, &error);
    if (status != STATUS_OK) {
        error_context(&error, "could not rewrite the broker's journal");
        logline_error(LOG_WARN, "broker", &error);
    }
    set_rewrite_mark(state);
    release_waiting(state);
}

/* On the loop. */
static void handle_done(struct mail *mail)
{
    struct entry *entry = CONTAINER_OF(mail, struct entry, mail);
    struct state *state = entry->state;
    if (entry->done != NULL) {
        entry->done(entry->context, entry->status, entry->error);
    } else if (entry->status != STATUS_OK) {
        logline_error(LOG_WARN, "broker", entry->error);
    }
    buffer_deinit(&entry->bytes);
    mem_free(entry->error);
    mem_free(entry);
    state->pending--;
    rewrite_if_due(state);
}

/* On the flusher's thread, or the loop's. */
static void on_durable(void *context, enum status status, const struct error *error)
{
    struct entry *entry = context;
    entry->status = status;
    if (status != STATUS_OK) {
        entry->error = mem_zalloc(sizeof(*entry->error));
        if (error != NULL) {
            *entry->error = *error;
        }
    }
    loop_post(entry->state->loop, &entry->mail);
}

static void submit(struct entry *entry)
{
    entry->state->pending++;
    journal_append(entry->state->journal, buffer_slice(&entry->bytes), on_durable, entry);
}

void state_append(struct state *state,
                  const struct wire_message *kind,
                  const void *body,
                  state_done done,
                  void *context)
{
    struct entry *entry = mem_zalloc(sizeof(*entry));
    entry->mail.handle = handle_done;
    entry->state = state;
    entry->done = done;
    entry->context = context;
    if (state->closed) {
        struct error error = {0};
        state->pending++;
        on_durable(entry, error_set(&error, STATUS_CANCELLED, "the broker is stopping"), &error);
        return;
    }
    encode_entry(kind, body, &entry->bytes);
    bool due = journal_size(state->journal) >= state->rewrite_at_bytes;
    if (due && state->pending > 0) {
        list_append(&state->waiting, &entry->link);
        return;
    }
    submit(entry);
}

enum status state_write(struct journal_writer *writer,
                        const struct wire_message *kind,
                        const void *body,
                        struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer bytes = BUFFER_INIT;
    encode_entry(kind, body, &bytes);
    return journal_write(writer, buffer_slice(&bytes), error);
}
