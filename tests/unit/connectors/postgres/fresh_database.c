#include "fresh_database.h"

#include "test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <unistd.h>

static const char *server(void)
{
    const char *url = getenv("LEAT_POSTGRES");
    if (url == NULL) {
        fputs("LEAT_POSTGRES names no server: LEAT_POSTGRES=$(tools/engine up postgres | "
              "sed s/^postgres=//)\n",
              stderr);
        exit(1);
    }
    return url;
}

void fresh_database_run(const char *url, const char *sql)
{
    PGconn *connection = PQconnectdb(url);
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    }
    PQclear(result);
    PQfinish(connection);
}

const char *fresh_database_make(void *context)
{
    static char url[512];
    static int number;
    char sql[128];
    (void) context;
    char name[64];
    snprintf(name, sizeof(name), "test_%d_%d", (int) getpid(), number++);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    fresh_database_run(server(), sql);
    const char *slash = strrchr(server(), '/');
    assert_non_null(slash);
    snprintf(url, sizeof(url), "%.*s/%s", (int) (slash - server()), server(), name);
    return url;
}

void fresh_database_remove(void *context, const char *url)
{
    char sql[128];
    (void) context;
    snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", strrchr(url, '/') + 1);
    fresh_database_run(server(), sql);
}
