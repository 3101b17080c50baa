#include "connectors/postgres/pg_check.h"

#include "connectors/postgres/connection.h"

#include <inttypes.h>
#include <stdlib.h>

#define CONNECTIONS_FREE_MIN 10 /* two a source, two a topic, and some for commands */

/* What is asked, in this order. */
enum answer {
    VERSION,
    STANDBY,
    USER,
    DATABASE,
    MAY_CREATE,
    HAS_SCHEMA,
    FSYNC,
    PAGE_WRITES,
    WAL_LEVEL,
    SLOTS,
    SLOTS_USED,
    SENDERS,
    SENDERS_USED,
    MAY_REPLICATE,
    CONNECTIONS_FREE,
    ANSWER_COUNT
};

static const char sql[] =
    "SELECT current_setting('server_version'), pg_is_in_recovery()::int::text, current_user,"
    " current_database(), has_database_privilege(current_database(), 'CREATE')::int::text,"
    " (SELECT count(*) FROM pg_namespace WHERE nspname = $1"
    "  AND has_schema_privilege(oid, 'CREATE'))::text,"
    " current_setting('fsync'), current_setting('full_page_writes'), current_setting('wal_level'),"
    " current_setting('max_replication_slots'),"
    " (SELECT count(*) FROM pg_replication_slots)::text, current_setting('max_wal_senders'),"
    " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender')::text,"
    " (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)::int::text,"
    " (current_setting('max_connections')::int"
    "  - current_setting('superuser_reserved_connections')::int"
    "  - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'))::text";

struct check {
    struct arena arena;
    const char *answers[ANSWER_COUNT];
    const char *shown;
    pg_finding_visit visit;
    void *context;
};

static void tell(struct check *check,
                 const char *subject,
                 enum status status,
                 const char *found,
                 const char *remedy)
{
    const struct pg_finding finding = {subject, status, found, remedy};
    check->visit(check->context, &finding);
}

static int64_t number(const struct check *check, enum answer answer)
{
    return strtoll(check->answers[answer], NULL, 10);
}

static bool is(const struct check *check, enum answer answer, const char *value)
{
    return strcmp(check->answers[answer], value) == 0;
}

static void judge_server(struct check *check)
{
    const char *found =
        arena_printf(&check->arena, "PostgreSQL %s at %s", check->answers[VERSION], check->shown);
    if (is(check, STANDBY, "1")) {
        tell(check, "", STATUS_UNAVAILABLE, arena_printf(&check->arena, "%s is a stand-by", found),
             "name the primary, or add target_session_attrs=read-write to the URL");
        return;
    }
    tell(check, "", STATUS_OK, found, "");
}

static void judge_privileges(struct check *check)
{
    struct buffer grant CLEANUP(buffer_deinit) = BUFFER_INIT;
    if (is(check, MAY_CREATE, "1")) {
        tell(check, "privileges", STATUS_OK,
             arena_printf(&check->arena, "%s may make schemas in %s", check->answers[USER],
                          check->answers[DATABASE]),
             "");
        return;
    }
    buffer_append_string(&grant, "GRANT CREATE ON DATABASE ");
    pg_append_name(&grant, check->answers[DATABASE]);
    buffer_append_string(&grant, " TO ");
    pg_append_name(&grant, check->answers[USER]);
    /* With a schema of its own it may be enough, if the others are made for it as well. */
    bool has_schema = is(check, HAS_SCHEMA, "1");
    tell(check, "privileges", has_schema ? STATUS_OK : STATUS_CONFIG,
         arena_printf(&check->arena, "%s may not make schemas in %s", check->answers[USER],
                      check->answers[DATABASE]),
         buffer_string(&grant));
}

static void judge_durability(struct check *check)
{
    bool durable = is(check, FSYNC, "on") && is(check, PAGE_WRITES, "on");
    tell(check, "durability", STATUS_OK,
         arena_printf(&check->arena, "fsync is %s, full_page_writes is %s", check->answers[FSYNC],
                      check->answers[PAGE_WRITES]),
         durable ? "" : "turn both on: else what was acknowledged may go when the machine crashes");
}

static void judge_capture(struct check *check)
{
    const char *found = arena_printf(
        &check->arena, "wal_level is %s, %s of %s slots and %s of %s senders are in use",
        check->answers[WAL_LEVEL], check->answers[SLOTS_USED], check->answers[SLOTS],
        check->answers[SENDERS_USED], check->answers[SENDERS]);
    const char *remedy =
        !is(check, WAL_LEVEL, "logical")
            ? "for sources that are tables of this server: wal_level = logical, and a restart"
        : number(check, SLOTS_USED) >= number(check, SLOTS)
            ? "for sources that are tables: raise max_replication_slots, or drop slots that "
              "nobody reads"
        : number(check, SENDERS_USED) >= number(check, SENDERS)
            ? "for sources that are tables: raise max_wal_senders"
        : !is(check, MAY_REPLICATE, "1") ? "for sources that are tables: ALTER ROLE ... REPLICATION"
                                         : "";
    tell(check, "change capture", STATUS_OK, found, remedy);
}

static void judge_connections(struct check *check)
{
    int64_t left = number(check, CONNECTIONS_FREE);
    tell(check, "connections", STATUS_OK, arena_printf(&check->arena, "%" PRId64 " are free", left),
         left >= CONNECTIONS_FREE_MIN
             ? ""
             : "leat takes two a source and two a topic: raise max_connections");
}

static enum status ask(struct check *check, struct pg *pg, struct error *error)
{
    struct pg_params params CLEANUP(pg_params_deinit) = PG_PARAMS_INIT;
    enum status status;
    pg_param_string(&params, pg_schema(pg));
    TRY(pg_begin(pg, PG_READ, error));
    size_t row = pg_send(pg, sql, &params);
    TRY_OR_FAIL(pg_commit(pg, error));
    for (int i = 0; i < ANSWER_COUNT; i++) {
        const char *answer = pg_string(pg_result(pg, row), 0, i, &check->arena);
        check->answers[i] = answer == NULL ? "" : answer;
    }
    return STATUS_OK;

fail:
    pg_rollback(pg);
    return status;
}

void postgres_check(const char *url, const char *role, pg_finding_visit visit, void *context)
{
    struct check check = {.visit = visit, .context = context};
    struct error error = {0};
    struct pg *pg = NULL;
    arena_init(&check.arena, 0);
    enum status status = pg_open(url, role, &pg, &error);
    if (status == STATUS_OK) {
        check.shown = arena_strdup(&check.arena, pg_shown(pg));
        status = ask(&check, pg, &error);
    }
    if (status != STATUS_OK) {
        tell(&check, "", status, error.message, error.hint);
    } else {
        judge_server(&check);
        judge_privileges(&check);
        judge_durability(&check);
        judge_connections(&check);
        if (strcmp(role, "staging") == 0) {
            judge_capture(&check);
        }
    }
    pg_close(pg);
    arena_deinit(&check.arena);
}
