/* Which rows of a commit the server refuses: it names none, as a statement carries many. Writes are
 * halved until they hold one row, each part tried in a transaction that is taken back. */

#include "connectors/postgres/pg_error.h"
#include "connectors/postgres/store_internal.h"

struct hunt {
    struct store *store;
    const struct store_commit *commit;
    size_t write;
    struct arena arena; /* of one try */
};

static struct store_write part_of(struct hunt *hunt, int64_t from, int64_t count)
{
    const struct store_write *write = &hunt->commit->writes[hunt->write];
    size_t length = (size_t) write->batch->length;
    uint8_t *selection = arena_zalloc(&hunt->arena, length / 8 + 1);
    for (int64_t row = from; row < from + count; row++) {
        bit_set(selection, row);
    }
    struct store_write part = *write;
    part.batch = batch_filter(&hunt->arena, write->batch, selection, count);
    part.ops = write->ops == NULL ? NULL : write->ops + from;
    part.versions = write->versions + from;
    return part;
}

static enum status try_part(struct hunt *hunt, int64_t from, int64_t count, struct error *error)
{
    struct pg *pg = hunt->store->pg;
    arena_reset(&hunt->arena);
    const struct store_write part = part_of(hunt, from, count);
    TRY(pg_store_begin(hunt->store, PG_WRITE, error));
    enum status status = pg_store_write_all(hunt->store, &part, 1, &hunt->arena, error);
    pg_rollback(pg);
    return status;
}

static enum status search(struct hunt *hunt, int64_t from, int64_t count, struct error *error)
{
    struct error failure = {0};
    enum status status = count == 0 ? STATUS_OK : try_part(hunt, from, count, &failure);
    if (status != STATUS_OK && !pg_error_refuses_row(&failure)) {
        if (error != NULL) {
            *error = failure;
        }
        return status;
    }
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    if (count == 1) {
        store_refuse(hunt->commit->refused, hunt->write, from, &failure);
        return STATUS_OK;
    }
    TRY(search(hunt, from, count / 2, error));
    return search(hunt, from + count / 2, count - count / 2, error);
}

enum status
pg_store_find_refused(struct store *store, const struct store_commit *commit, struct error *why)
{
    struct store_refusals *refused = commit->refused;
    if (refused == NULL || !pg_error_refuses_row(why)) {
        return why->status;
    }
    struct hunt hunt = {.store = store, .commit = commit};
    struct error error = {0};
    enum status status = STATUS_OK;
    arena_init(&hunt.arena, 0);
    for (; hunt.write < commit->write_count && status == STATUS_OK; hunt.write++) {
        status = search(&hunt, 0, commit->writes[hunt.write].batch->length, &error);
    }
    arena_deinit(&hunt.arena);
    if (status != STATUS_OK) {
        *why = error;
        refused->count = 0;
    } else if (refused->count > 0) {
        (void) error_set(why, STATUS_DATA, "%zu rows are refused: %s", refused->count,
                         refused->rows[0].message);
    }
    return why->status;
}
