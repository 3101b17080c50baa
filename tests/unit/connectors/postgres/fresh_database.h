#pragma once

/* A database of its own for each test, at the server that LEAT_POSTGRES names (a postgresql://
 * URL).
 */

/* Ends the program with the reason if there is no server. */
const char *fresh_database_make(void *context);
void fresh_database_remove(void *context, const char *url);

/* Runs SQL in the database of `url`; the test fails if it does. */
void fresh_database_run(const char *url, const char *sql);
