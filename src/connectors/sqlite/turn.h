#pragma once

/*
 * Whose turn it is to write to a database file, among the handles of this process. SQLite lets a
 * second writer poll with ever longer sleeps, and a busy first one may keep it out for seconds;
 * here writers queue and go in the order in which they came. Other processes still meet at SQLite's
 * own lock.
 */

#include "store/sqlite.h"

struct turn;

/* The turns of a file, shared by all who ask for the same path. */
struct turn *turn_get(const char *path);
void turn_put(struct turn *turn); /* NULL is fine */

/* Blocks until all who came before have gone. Not for one who has the turn. */
void turn_take(struct turn *turn);
void turn_give(struct turn *turn);

/* A transaction that writes, in its turn: after write_begin comes either write_commit, which keeps
 * the turn if it fails, or write_rollback. */
MUST_USE enum status write_begin(struct db *db, struct turn *turn, struct error *error);
MUST_USE enum status write_commit(struct db *db, struct turn *turn, struct error *error);
void write_rollback(struct db *db, struct turn *turn);
