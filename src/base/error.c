#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
    bool retriable;
} kinds[] = {
    [STATUS_OK] = {"ok", 0, false},
    [STATUS_FAILED] = {"failed", 1, false},
    [STATUS_USAGE] = {"usage", 64, false},
    [STATUS_CONFIG] = {"config", 78, false},
    [STATUS_DATA] = {"data", 65, false},
    [STATUS_NOT_FOUND] = {"not-found", 1, false},
    [STATUS_CONFLICT] = {"conflict", 1, false},
    [STATUS_PROTOCOL] = {"protocol", 69, false},
    [STATUS_IO] = {"io", 1, true},
    [STATUS_UNAVAILABLE] = {"unavailable", 69, true},
    [STATUS_AGAIN] = {"again", 75, true},
    [STATUS_LIMIT] = {"limit", 75, false},
    [STATUS_CORRUPT] = {"corrupt", 65, false},
    [STATUS_CANCELLED] = {"cancelled", 130, false},
    [STATUS_INTERNAL] = {"internal", 70, false},
};

const char *status_name(enum status status)
{
    return kinds[status].name;
}

int status_exit_code(enum status status)
{
    return kinds[status].exit_code;
}

enum status
error_set_va(struct error *error, enum status status, const char *format, va_list arguments)
{
    if (error != NULL) {
        error->status = status;
        error->code = 0;
        error->retriable = kinds[status].retriable;
        error->hint[0] = '\0';
        (void) vsnprintf(error->message, sizeof(error->message), format, arguments);
    }
    return status;
}

enum status error_set(struct error *error, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(error, status, format, arguments);
    va_end(arguments);
    return status;
}

enum status error_set_errno(struct error *error, int error_number, const char *format, ...)
{
    bool full = error_number == ENOSPC || error_number == EDQUOT;
    enum status status = full ? STATUS_AGAIN : STATUS_IO;
    if (error == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    (void) error_set_va(error, status, format, arguments);
    va_end(arguments);
    size_t used = strlen(error->message);
    (void) snprintf(error->message + used, sizeof(error->message) - used, ": %s",
                    full ? "disk is full" : strerror(error_number));
    error->code = error_number;
    if (full) {
        error_hint(error, "free some space on that file system; work goes on by itself then");
    }
    return status;
}

void error_hint(struct error *error, const char *format, ...)
{
    if (error == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(error->hint, sizeof(error->hint), format, arguments);
    va_end(arguments);
}

void error_context(struct error *error, const char *format, ...)
{
    if (error == NULL) {
        return;
    }
    char context[512];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);

    char joined[ERROR_MESSAGE_BYTES];
    size_t used = strlen(context);
    memcpy(joined, context, used);
    (void) snprintf(joined + used, sizeof(joined) - used, ": %s", error->message);
    memcpy(error->message, joined, sizeof(joined));
}

void error_code(struct error *error, int code)
{
    if (error != NULL) {
        error->code = code;
    }
}

void error_clear(struct error *error)
{
    if (error != NULL) {
        memset(error, 0, sizeof(*error));
    }
}
