#pragma once

/*
 * Records of files: JSON lines, CSV, or JSON documents, plain or gzip, one or all that a pattern
 * matches, once or as they grow. See connect/source.h for what the functions promise.
 */

#include "connect/source.h"

extern const struct settings_table file_source_settings;
extern const struct source_ops file_source_ops;
