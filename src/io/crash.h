#pragma once

/*
 * Named places where a crash would be most interesting: between any two hops. When the environment
 * variable LEAT_CRASH holds "NAME" or "NAME:N", the process kills itself with SIGKILL at the N-th
 * passing (from 1) of that place; with "stop@" in front it stops itself with SIGSTOP, and can be
 * continued: a holder of a lease that is paused just there. Costs one load and a branch otherwise.
 *
 *     crash_point("stage.before_commit");
 */

void crash_point(const char *name);
