#pragma once

/*
 * What people do with the log and its schemas by way of the console: the part of the provider that
 * asks a broker or a registry. It may take as long as they do; all functions are called on threads
 * of requests, several at a time, and may block.
 *
 * Requests are structs that the settings tables of request.c read from query and body. Answers are
 * appended to a buffer as JSON, already decoded: the console knows no codecs.
 */

#include "base/buffer.h"
#include "base/error.h"
#include "base/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* How values are shown. AUTO: Avro by the registry, else JSON, text, hexadecimal. */
enum console_form {
    CONSOLE_FORM_AUTO,
    CONSOLE_FORM_TEXT,
    CONSOLE_FORM_HEX,
};

struct console_topic_new {
    const char *name;
    int64_t partitions;  /* 0: the log's default */
    int64_t replication; /* 0: the log's default */
    struct setting_pairs configs;
};

struct console_topic_change {
    int64_t partitions;           /* 0: as they are */
    struct setting_pairs configs; /* an empty value takes the default again */
};

/* A page of records. With `from` NULL the newest, newest first; `before` "0:120,2:7" the newest of
 * those before these offsets; else forward from a place. */
struct console_seek {
    const char *from;
    const char *before;
    int64_t partition; /* -1: all */
    int64_t limit;
    int64_t value_bytes; /* show at most so much of a value */
    int form;            /* enum console_form */
};

/* Records one after the other, as they match, and progress in between. */
struct console_scan {
    const char *from;  /* NULL: the beginning, or the end if it follows */
    const char *where; /* SQL over the topic's columns; NULL: every record */
    const char *key;   /* exactly this one; NULL: any */
    int64_t partition; /* -1: all */
    int64_t limit;     /* of matches */
    int64_t value_bytes;
    bool follow; /* goes on at the end */
    int form;
};

enum console_value {
    CONSOLE_VALUE_JSON,
    CONSOLE_VALUE_TEXT,
    CONSOLE_VALUE_AVRO, /* JSON, encoded by the newest schema of the topic */
    CONSOLE_VALUE_HEX,
    CONSOLE_VALUE_NULL, /* a delete */
};

struct console_produce {
    const char *key; /* NULL: none */
    const char *value;
    int format; /* enum console_value */
};

struct console_reset {
    const char *to;    /* a place, as `leat group reset --to` */
    const char *topic; /* NULL: those that the group has committed */
    bool apply;        /* else only what would be */
};

struct console_schema_text {
    const char *schema;
    bool check; /* only say whether it could be registered */
};

struct console_sql {
    const char *sql;
    int64_t limit;
};

struct console_log_view {
    /* {"name", "partitions": [...], "configs": [...], "schema": ...} */
    enum status (*topic_show)(void *context,
                              const char *topic,
                              struct buffer *target,
                              struct error *error);
    enum status (*topic_create)(void *context,
                                const struct console_topic_new *topic,
                                struct error *error);
    enum status (*topic_change)(void *context,
                                const char *topic,
                                const struct console_topic_change *change,
                                struct error *error);
    enum status (*topic_delete)(void *context, const char *topic, struct error *error);

    enum status (*records)(void *context,
                           const char *topic,
                           const struct console_seek *seek,
                           struct buffer *target,
                           struct error *error);
    enum status (*produce)(void *context,
                           const char *topic,
                           const struct console_produce *record,
                           struct error *error);

    /* A scan in pieces of JSON lines; each call returns within about a second. A failure on the way
     * is the last line. */
    enum status (*scan_open)(void *context,
                             const char *topic,
                             const struct console_scan *scan,
                             void **ret_scan,
                             struct error *error);
    void (*scan_next)(void *scan, struct buffer *target, bool *ret_end);
    void (*scan_close)(void *scan);

    enum status (*group_show)(void *context,
                              const char *group,
                              struct buffer *target,
                              struct error *error);
    enum status (*group_reset)(void *context,
                               const char *group,
                               const struct console_reset *reset,
                               struct buffer *target,
                               struct error *error);
    enum status (*group_delete)(void *context, const char *group, struct error *error);

    /* [{"subject", "version", ...}], then one subject with all its versions. */
    enum status (*subjects)(void *context, struct buffer *target, struct error *error);
    enum status (*subject_show)(void *context,
                                const char *subject,
                                struct buffer *target,
                                struct error *error);
    enum status (*subject_save)(void *context,
                                const char *subject,
                                const struct console_schema_text *text,
                                struct buffer *target,
                                struct error *error);

    /* Tables and topics with their columns; then rows of a query over them. */
    enum status (*relations)(void *context, struct buffer *target, struct error *error);
    enum status (*query)(void *context,
                         const struct console_sql *sql,
                         struct buffer *target,
                         struct error *error);
};
