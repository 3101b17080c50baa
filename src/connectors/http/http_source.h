#pragma once

/*
 * Records of any HTTP API that answers JSON, JSON lines or CSV. See connect/source.h for what the
 * functions promise.
 */

#include "connect/source.h"

extern const struct settings_table http_source_settings;
extern const struct source_ops http_source_ops;
