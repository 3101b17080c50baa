#pragma once

/*
 * Coordination by ZooKeeper (connect/lock.h): leader election among the processes that run one
 * pipeline. See README.md for the recipe and what it promises.
 */

#include "connect/lock.h"

extern const struct lock_ops zookeeper_lock_ops;
