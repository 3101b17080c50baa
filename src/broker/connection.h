#pragma once

/* One client connection; see broker/server.h for how it works. Loop thread only. */

#include "broker/server.h"

struct connection;

/* Takes a connection off the listening socket. */
void connection_accept(struct server *server);

void connection_drain(struct connection *connection);
void connection_close(struct connection *connection);

struct connection *connection_of(struct list *link); /* in server->connections */
