#pragma once

/* Looking at an election without taking part in it: `list` of connect/lock.h. */

#include "connect/lock.h"

MUST_USE enum status zookeeper_list(const char *url,
                                    const char *name,
                                    enum status (*visit)(void *context,
                                                         const char *owner,
                                                         int64_t fence,
                                                         bool holds,
                                                         struct error *error),
                                    void *context,
                                    struct error *error);
