#pragma once

/* What PostgreSQL and libpq say, as errors of ours: the kind by SQLSTATE, what to do as hint. */

#include "base/error.h"

#include <libpq-fe.h>

/* A statement that failed. */
enum status pg_error_result(const PGresult *result, struct error *error);

/* A connection that could not be made, or that was lost: retriable, but for what no waiting helps
 * (wrong password, no such database). `shown` says where. */
enum status pg_error_connection(const PGconn *connection, const char *shown, struct error *error);

/* True for a statement that failed for the values it carried: a data exception, a constraint, a
 * limit, what a trigger raised. */
bool pg_error_refuses_row(const struct error *error);
#define PG_ROW_REFUSED_CODE 90003

/* The SQLSTATE of a failed statement; "" if there is none. */
const char *pg_error_state(const PGresult *result);

/* True if the server ended the session, so that the connection is of no more use. */
bool pg_error_ends_session(const PGresult *result);
