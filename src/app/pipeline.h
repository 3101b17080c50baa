#pragma once

/*
 * The pipeline file as C structs. The settings tables in pipeline_settings.c are the one place that
 * parser, errors, JSON schema and reference page come from; pipeline_load reads a file through
 * them.
 */

#include "base/arena.h"
#include "base/node.h"
#include "base/settings.h"
#include "ingest/schema_gate.h"

#include <stdbool.h>
#include <stdint.h>

struct schema_settings {
    const char *file;          /* NULL: inferred from the first page, then fixed */
    int on_new_field;          /* enum new_field_policy */
    int on_type_change;        /* enum type_change_policy */
    const char *compatibility; /* NULL: as the registry has it */
};

struct topic_settings {
    const char *name; /* NULL: the source's or stream's name */
    int64_t partitions;
    int64_t replication;
    int64_t retention_us;
    int64_t retention_bytes;
    bool compact;
    struct setting_strings key; /* streams: columns of the key */
};

struct deleted_settings {
    const char *field;
    const char *equals; /* NULL: any value but null, false, 0 and "" */
};

struct source_settings {
    void *http; /* what connectors/http reads; one of these is set */
    void *file;
    void *kafka;
    void *postgres; /* a struct node if leat was built without it */
    struct setting_strings key;
    struct setting_strings ignore_changes;
    struct deleted_settings *deleted; /* NULL: no record is a delete */
    struct schema_settings *schema;
    const char *schedule; /* "@every 10s"; SCHEDULE_NONE: fetched by order only */
    const char *timezone; /* of a cron */
    struct setting_rate limit;
    int64_t pages; /* a tick */
    int64_t record_bytes_max;
    struct topic_settings *topic;
};

#define SCHEDULE_NONE "@none"

struct watermark_settings {
    const char *column;
    int64_t delay_us;
};

struct stream_settings {
    const char *sql;
    const char *sql_file;
    struct watermark_settings *watermark;
    int mode;          /* enum output_mode */
    int input;         /* 0 append */
    const char *batch; /* "1000 records" */
    int64_t state_bytes_max;
    struct topic_settings *topic;
};

struct sink_settings {
    const char *from;
    const char *table;
    struct node *key; /* a list, or {partition: [...], cluster: [...]} */
    struct setting_pairs types;
    int deletes; /* enum deletes_mode */
    int64_t ttl_us;
};

struct storage_settings {
    const char *url;
    struct setting_pairs replication;
};

struct profile_settings {
    int orchestration; /* 0 built-in, 1 external */
    const char *staging;
    const char *log;
    struct setting_pairs log_settings;
    const char *schemas;
    const char *processing;
    struct setting_pairs processing_settings;
    const char *checkpoints;
    struct storage_settings *storage;
    const char *coordination;
    struct setting_pairs set;
};

struct test_settings {
    struct node *given;
    const char *clock;
    struct node *expect;
    struct node *dead; /* expected dead letters, a list of {reason: ...} */
};

struct tls_settings {
    const char *certificate, *key;
};

struct console_settings {
    const char *users;
    struct tls_settings *tls;
};

struct pipeline {
    const char *path;
    const char *directory; /* that file names in it are relative to */
    struct node *root;
    struct arena *arena;

    int64_t version;
    const char *name;
    bool allow_open;
    struct setting_sections sources;        /* struct source_settings */
    struct setting_sections streams;        /* struct stream_settings */
    struct setting_sections sinks;          /* struct sink_settings */
    struct setting_sections tests;          /* struct test_settings */
    struct setting_sections dags;           /* struct dag_settings */
    struct setting_pairs pools;             /* slots of each */
    struct console_settings *console;       /* NULL: the file says nothing about it */
    struct alerts_settings *alerts;         /* alert_rules.h; NULL: none */
    struct setting_sections profiles;       /* struct profile_settings */
    const struct profile_settings *profile; /* the chosen one; NULL: embedded */
};

extern const struct settings_table pipeline_table;

/* console_settings.c: `console:` of a pipeline file. */
extern const struct settings_table console_settings_table;

struct pipeline_options {
    const char *profile;    /* NULL: none */
    const char *const *set; /* "source.setting=value" each */
    size_t set_count;
    bool *set_used; /* of several files: marks the assignments whose name this file has. NULL: the
                       file must have them all */
    const char *secrets_dir; /* NULL: only the environment */
    bool structure_only;     /* for tools: secrets and unset variables stay ${...} */
};

/* Reads and checks one file. Memory of the arena. */
MUST_USE enum status pipeline_load(const char *path,
                                   const struct pipeline_options *options,
                                   struct arena *arena,
                                   struct pipeline **ret_pipeline,
                                   struct error *error);

/* After the last of several files: each assignment must have found a file. */
MUST_USE enum status pipeline_check_set(const char *const *set,
                                        size_t set_count,
                                        const bool *set_used,
                                        struct error *error);

/* A path in the file, relative to the file's own folder. */
const char *pipeline_file(const struct pipeline *pipeline, const char *name);

/* "123 records" or "123"; 0 for NULL. */
MUST_USE enum status
batch_records_parse(const char *text, int64_t *ret_records, struct error *error);

/* Files as the command line names them: a directory stands for its *.yaml and *.yml, sorted. */
MUST_USE enum status pipeline_files(const char *const *arguments,
                                    size_t count,
                                    struct arena *arena,
                                    const char *const **ret_files,
                                    size_t *ret_count,
                                    struct error *error);
