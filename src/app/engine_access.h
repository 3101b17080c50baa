#pragma once

/* Who may use the console of a process, and the TLS that it speaks: from the command line and the
 * pipeline files. */

#include "app/engine_internal.h"

/* Reads the users file's name, certificate and key, and writes the token for commands beside this
 * leat into the data directory. STATUS_CONFIG naming what is wrong. */
MUST_USE enum status engine_access_open(struct engine *engine, struct error *error);

/* Removes the token. Fine if nothing was opened. */
void engine_access_close(struct engine *engine);

/* True if whoever asks the console has to say who that is. */
bool engine_access_has_login(const struct engine *engine);

/* Fills in what the console needs of it, and the alerts of all pipelines; borrowed until
 * engine_access_close. */
void engine_access_configure(struct engine *engine, struct console_config *config);
