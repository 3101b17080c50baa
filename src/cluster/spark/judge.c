#include "cluster/spark/judge.h"

#include "base/memory.h"
#include "sql/query.h"

#include <string.h>

/* ---- a store that keeps deletes only -----------------------------------------------------------
 */

struct store {
    struct spark_deletes *deletes;
};

static enum status
nothing_open(const char *url, bool read_only, struct store **ret_store, struct error *error)
{
    (void) read_only;
    (void) error;
    *ret_store = mem_zalloc(sizeof(**ret_store));
    (*ret_store)->deletes = spark_deletes_at(url);
    return STATUS_OK;
}

static void nothing_close(struct store *store)
{
    mem_free(store);
}

static enum status
nothing_ensure(struct store *store, const struct store_table *table, struct error *error)
{
    (void) store;
    (void) table;
    (void) error;
    return STATUS_OK;
}

static enum status
nothing_commit(struct store *store, const struct store_commit *commit, struct error *error)
{
    return spark_deletes_take(store->deletes, commit, error);
}

static enum status nothing_progress(struct store *store,
                                    const char *task,
                                    struct arena *arena,
                                    struct store_progress *ret_progress,
                                    struct error *error)
{
    (void) store;
    (void) arena;
    (void) ret_progress;
    return error_set(error, STATUS_NOT_FOUND, "no progress of \"%s\" is kept here", task);
}

/* Not atomic, so that a task over it keeps progress, counts and dead letters in its state store. */
static const struct store_ops nothing = {
    .name = "judge",
    .open = nothing_open,
    .close = nothing_close,
    .table_ensure = nothing_ensure,
    .commit = nothing_commit,
    .progress_load = nothing_progress,
};

/* ---- the job -----------------------------------------------------------------------------------
 */

const struct processor_job *
judge_job(const struct processor_job *job, const struct spark_deletes *deletes, struct arena *arena)
{
    struct processor_job *judged = ARENA_NEW(arena, struct processor_job);
    struct processor_stream *streams =
        ARENA_ARRAY(arena, struct processor_stream, job->stream_count);
    for (size_t i = 0; i < job->stream_count; i++) {
        streams[i] = job->streams[i];
        struct processor_sink *sinks =
            ARENA_ARRAY(arena, struct processor_sink, streams[i].sink_count);
        for (size_t s = 0; s < streams[i].sink_count; s++) {
            sinks[s] = streams[i].sinks[s];
            sinks[s].store_ops = &nothing;
            sinks[s].store_url = spark_deletes_url(deletes);
            /* What a tombstone means for a group only the engine that has its state could say. */
            bool ignore = sinks[s].deletes == DELETES_IGNORE || streams[i].query->aggregated;
            sinks[s].deletes = ignore ? DELETES_IGNORE : DELETES_APPLY;
        }
        streams[i].sinks = sinks;
    }
    *judged = *job;
    judged->streams = streams;
    judged->awaits_delivery = true;
    return judged;
}

/* ---- dead letters ------------------------------------------------------------------------------
 */

#define PLACES_MAX 20000

struct search {
    const struct processor_job *job;
    const char *stream;
    const int64_t *offsets;
    int32_t partitions;
    struct arena *arena;
    struct spark_place *places;
    size_t count;
    int64_t last_id;
    size_t seen;
};

/* Names stand in a letter with commas. */
static bool names(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static enum status take_letter(void *context, const struct dead_letter *letter, struct error *error)
{
    struct search *search = context;
    search->seen++;
    search->last_id = letter->id;
    int64_t from = letter->partition >= 0 && letter->partition < search->partitions
                       ? search->offsets[letter->partition]
                       : 0;
    bool wanted = letter->hop == DEAD_PROCESS && letter->offset >= from && letter->topic != NULL &&
                  strcmp(letter->topic, search->job->topic) == 0 &&
                  (names(letter->name, search->stream) || names(letter->name, search->job->topic));
    if (!wanted) {
        return STATUS_OK;
    }
    if (search->count == PLACES_MAX) {
        return error_set(error, STATUS_LIMIT,
                         "more than %d records that Spark has yet to read are dead", PLACES_MAX);
    }
    size_t bytes = search->count * sizeof(*search->places);
    search->places =
        arena_grow(search->arena, search->places, bytes, bytes + sizeof(*search->places));
    search->places[search->count++] = (struct spark_place){letter->partition, letter->offset};
    return STATUS_OK;
}

enum status judge_dead_places(const struct processor_job *job,
                              const char *stream,
                              const int64_t *offsets,
                              int32_t partitions,
                              struct arena *arena,
                              struct spark_place **ret_places,
                              size_t *ret_count,
                              struct error *error)
{
    struct search search = {
        .job = job, .stream = stream, .offsets = offsets, .partitions = partitions, .arena = arena};
    struct store *store;
    TRY(job->state_ops->open(job->state_url, false, &store, error));
    enum status status;
    do {
        struct dead_filter filter = {.after_id = search.last_id, .limit = 1000};
        search.seen = 0;
        status = job->state_ops->dead_list(store, &filter, take_letter, &search, error);
    } while (status == STATUS_OK && search.seen > 0);
    job->state_ops->close(store);
    *ret_places = search.places;
    *ret_count = search.count;
    return status;
}
