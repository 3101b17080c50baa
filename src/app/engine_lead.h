#pragma once

/*
 * With coordination, one of several processes runs the pipeline and the others stand by: consoles
 * and probes of all of them live, sources, schedules and streams only run in the one that leads.
 *
 *                 ┌──────────── the lease is lost, or a store refuses our fence ───────────┐
 *                 ▼                                                                        │
 *     standing by ── we hold the lease ──► leading: pipelines run with the fence number ───┘
 *
 * Without coordination a process leads from its start to its end, or from when the engines of its
 * profile first answered: `up` waits for them. All functions are called by the
 * owner of the engine.
 */

#include "app/engine_internal.h"

/* Refuses what cannot work: engines that another machine would not find. */
MUST_USE enum status engine_lead_check(const struct engine *engine, struct error *error);

/* Starts the pipelines, or joins those who want to lead. */
MUST_USE enum status engine_lead_start(struct engine *engine, struct error *error);

/* Moves between standing by and leading. STATUS_OK unless that ends the engine. */
MUST_USE enum status engine_lead_tick(struct engine *engine, struct error *error);

/* Pipelines must have stopped: another may begin at once. */
void engine_lead_stop(struct engine *engine);

/* A worker was refused by a store with this error: true if that only means that we do not lead. */
bool engine_lead_refused(struct engine *engine, const struct error *error);

/* What handles that write are opened with; NULL without coordination. */
const struct fence *engine_fence(const struct engine *engine);
