/* The store contract over a real Cassandra, which LEAT_CASSANDRA names by its URL. Each test has a
 * keyspace of its own, and the one that the suite's tables name. */

#include "connectors/cassandra/cassandra_store.h"

#include "connectors/cassandra/cql_session.h"
#include "store_contract.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

static const char *server(void)
{
    const char *url = getenv("LEAT_CASSANDRA");
    if (url == NULL) {
        fputs("LEAT_CASSANDRA names no server: LEAT_CASSANDRA=$(tools/engine up cassandra | "
              "sed s/^cassandra=//)\n",
              stderr);
        exit(1);
    }
    return url;
}

static const char *make(void *context)
{
    static char url[256];
    static int number;
    (void) context;
    snprintf(url, sizeof(url), "%s/contract_%d_%d", server(), (int) getpid(), number++);
    return url;
}

static void take_away(void *context, const char *url)
{
    struct arena arena CLEANUP(arena_deinit);
    struct cql_settings settings;
    struct cql_session *session;
    struct error error;
    (void) context;
    arena_init(&arena, 0);
    assert_ok(cql_url_parse(url, &arena, &settings, &error), error);
    assert_ok(cql_session_open(&settings, &session, &error), error);
    const char *keyspaces[] = {settings.keyspace, "space"};
    for (size_t i = 0; i < ARRAY_SIZE(keyspaces); i++) {
        const char *cql = arena_printf(&arena, "DROP KEYSPACE IF EXISTS %s", keyspaces[i]);
        assert_ok(cql_session_alter(session, cql, &error), error);
    }
    cql_session_close(session);
}

/* A table that somebody else made, with a narrower column. */
static void guard(void *context, const char *url)
{
    struct arena arena CLEANUP(arena_deinit);
    struct cql_settings settings;
    struct cql_session *session;
    struct error error;
    (void) context;
    arena_init(&arena, 0);
    assert_ok(cql_url_parse(url, &arena, &settings, &error), error);
    assert_ok(cql_session_open(&settings, &session, &error), error);
    assert_ok(cql_session_alter(session, "DROP TABLE space.pairs", &error), error);
    assert_ok(cql_session_alter(
                  session, "CREATE TABLE space.pairs (id text PRIMARY KEY, content ascii)", &error),
              error);
    cql_session_close(session);
}

int main(void)
{
    const struct store_contract contract = {
        .ops = &cassandra_store_ops,
        .make = make,
        .remove = take_away,
        .guard = guard,
    };
    return store_contract(&contract);
}
