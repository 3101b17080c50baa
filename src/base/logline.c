#include "base/logline.h"

#include "base/buffer.h"
#include "base/time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static _Atomic(enum log_level) level_now = LOG_INFO;
static _Atomic(enum log_format) format_now = LOG_TEXT;

/* Guards the writer, so that it is not exchanged while a line goes out. */
static pthread_mutex_t writer_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*writer)(void *context, const char *line, size_t size);
static void *writer_context;

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void logline_configure(enum log_level level, enum log_format format)
{
    atomic_store(&level_now, level);
    atomic_store(&format_now, format);
}

void logline_set_writer(void (*write)(void *context, const char *line, size_t size), void *context)
{
    (void) pthread_mutex_lock(&writer_lock);
    writer = write;
    writer_context = context;
    (void) pthread_mutex_unlock(&writer_lock);
}

enum log_level logline_level(void)
{
    return atomic_load_explicit(&level_now, memory_order_relaxed);
}

/* A line that stderr does not take is lost: nobody could be told. */
static void write_line(const char *line, size_t size)
{
    (void) pthread_mutex_lock(&writer_lock);
    if (writer != NULL) {
        writer(writer_context, line, size);
    } else {
        int before = errno;
        ssize_t written;
        do {
            written = write(STDERR_FILENO, line, size);
        } while (written < 0 && errno == EINTR);
        errno = before;
    }
    (void) pthread_mutex_unlock(&writer_lock);
}

/* The real clock even under a simulated one: a person reads this. Milliseconds are enough. */
static void append_now(struct buffer *line)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    char text[TIME_TEXT_BYTES];
    size_t length = time_format(now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000, text);
    buffer_append(line, text, length - 4);
    buffer_append_byte(line, 'Z');
}

/* True if text may stand in a line without quotes. */
static bool is_plain(const char *text, bool blanks_allowed)
{
    if (*text == '\0') {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char) *c;
        bool blank_allowed = byte == ' ' && blanks_allowed;
        if ((byte <= ' ' && !blank_allowed) || byte >= 0x7f || byte == '\\' ||
            (!blanks_allowed && (byte == '"' || byte == '='))) {
            return false;
        }
    }
    return true;
}

static void append_value(struct buffer *line, const struct log_field *field, bool json)
{
    switch (field->type) {
    case LOG_FIELD_STRING:
        if (field->string == NULL) {
            buffer_append_string(line, "null");
        } else if (!json && is_plain(field->string, false)) {
            buffer_append_string(line, field->string);
        } else {
            buffer_append_json(line, slice_of_string(field->string));
        }
        break;
    case LOG_FIELD_INT:
        buffer_printf(line, "%" PRId64, field->integer);
        break;
    case LOG_FIELD_DOUBLE:
        if (isfinite(field->number)) {
            buffer_printf(line, "%.10g", field->number);
        } else {
            buffer_append_string(line, "null"); /* JSON knows neither NaN nor infinity */
        }
        break;
    case LOG_FIELD_BOOL:
        buffer_append_string(line, field->integer != 0 ? "true" : "false");
        break;
    }
}

static void append_text(struct buffer *line,
                        enum log_level level,
                        const char *module,
                        const char *message,
                        const struct log_field *fields)
{
    append_now(line);
    buffer_printf(line, " %-5s %s: ", level_names[level], module);
    if (is_plain(message, true)) {
        buffer_append_string(line, message);
    } else {
        buffer_append_json(line, slice_of_string(message));
    }
    for (; fields->key != NULL; fields++) {
        buffer_printf(line, " %s=", fields->key);
        append_value(line, fields, false);
    }
}

static void append_json_object(struct buffer *line,
                               enum log_level level,
                               const char *module,
                               const char *message,
                               const struct log_field *fields)
{
    buffer_append_string(line, "{\"time\":\"");
    append_now(line);
    buffer_printf(line, "\",\"level\":\"%s\",\"module\":", level_names[level]);
    buffer_append_json(line, slice_of_string(module));
    buffer_append_string(line, ",\"message\":");
    buffer_append_json(line, slice_of_string(message));
    for (; fields->key != NULL; fields++) {
        buffer_append_byte(line, ',');
        buffer_append_json(line, slice_of_string(fields->key));
        buffer_append_byte(line, ':');
        append_value(line, fields, true);
    }
    buffer_append_byte(line, '}');
}

void logline_fields(enum log_level level,
                    const char *module,
                    const char *message,
                    const struct log_field *fields)
{
    if (level < logline_level() || level >= LOG_OFF) {
        return;
    }
    CLEANUP(buffer_deinit) struct buffer line = BUFFER_INIT;
    if (atomic_load_explicit(&format_now, memory_order_relaxed) == LOG_JSON) {
        append_json_object(&line, level, module, message, fields);
    } else {
        append_text(&line, level, module, message, fields);
    }
    buffer_append_byte(&line, '\n');
    write_line((const char *) line.data, line.size);
}

void logline_error(enum log_level level, const char *module, const struct error *error)
{
    struct log_field fields[4] = {LOG_STRING("status", status_name(error->status))};
    size_t count = 1;
    if (error->code != 0) {
        fields[count++] = LOG_INT("code", error->code);
    }
    if (error->hint[0] != '\0') {
        fields[count++] = LOG_STRING("hint", error->hint);
    }
    logline_fields(level, module, error->message, fields);
}
