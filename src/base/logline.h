#pragma once

/*
 * Log lines, to stderr: one line an event, key=value text or one JSON object a line.
 *
 *     logline(LOG_INFO, "broker", "topic created", LOG_STRING("topic", name), LOG_INT("partitions",
 * 3));
 *
 * Library code below `app/` does not log failures it also returns; the top of a task does, once.
 * Safe from any thread; a line is written with one write call. Secrets are never passed here.
 */

#include "base/attr.h"
#include "base/error.h"

#include <stdint.h>

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
    LOG_OFF
};

enum log_format {
    LOG_TEXT,
    LOG_JSON
};

struct log_field {
    const char *key; /* NULL ends the list */

    enum {
        LOG_FIELD_STRING,
        LOG_FIELD_INT,
        LOG_FIELD_DOUBLE,
        LOG_FIELD_BOOL
    } type;

    const char *string; /* NULL prints null */
    int64_t integer;    /* also bool */
    double number;
};

#define LOG_STRING(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_STRING, .string = (v)})
#define LOG_INT(k, v)    ((struct log_field){.key = (k), .type = LOG_FIELD_INT, .integer = (v)})
#define LOG_DOUBLE(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_DOUBLE, .number = (v)})
#define LOG_BOOL(k, v)   ((struct log_field){.key = (k), .type = LOG_FIELD_BOOL, .integer = (v)})

/* Process-wide settings; call before threads start. Default: LOG_INFO, LOG_TEXT. */
void logline_configure(enum log_level level, enum log_format format);

/* Where lines go, for tests and for a screen that redraws; NULL restores stderr. */
void logline_set_writer(void (*write)(void *context, const char *line, size_t size), void *context);

enum log_level logline_level(void);

#define logline(level, module, message, ...)                                                       \
    logline_fields((level), (module), (message),                                                   \
                   (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

void logline_fields(enum log_level level,
                    const char *module,
                    const char *message,
                    const struct log_field *fields);

/* One line for a failure: message, status, hint. */
void logline_error(enum log_level level, const char *module, const struct error *error);
