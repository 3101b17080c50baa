#include "app/pipeline.h"

#include "connectors/file/file_source.h"
#include "connectors/http/http_source.h"
#include "connectors/topic/topic_source.h"
#include "console/alert_rules.h"
#include "orchestrate/dag.h"
#ifdef LEAT_POSTGRES
#include "connectors/postgres/postgres_source.h"
#endif

#define ROW(structure, field, setting, kind, ...)                                                  \
    {                                                                                              \
        .name = (setting), .type = (kind), .offset = offsetof(struct structure, field),            \
        __VA_ARGS__                                                                                \
    }

#define TABLE(rows_, name_, structure, help_)                                                      \
    {                                                                                              \
        .name = (name_), .help = (help_), .rows = (rows_), .count = ARRAY_SIZE(rows_),             \
        .struct_size = sizeof(struct structure)                                                    \
    }

/* ---- sources -----------------------------------------------------------------------------------
 */

static const char *const new_field_choices[] = {"add", "ignore", "dead_letter", "stop", NULL};
static const char *const type_change_choices[] = {"dead_letter", "widen", "stop", NULL};

static const struct setting schema_rows[] = {
    ROW(schema_settings,
        file,
        "file",
        SETTING_STRING,
        .help = "Avro schema of a record, beside the pipeline file. Without it the schema is "
                "inferred from the first page and then fixed."),
    ROW(schema_settings,
        on_new_field,
        "on_new_field",
        SETTING_CHOICE,
        .default_text = "add",
        .choices = new_field_choices,
        .help = "What to do with a field that the schema does not name: `add` registers a new "
                "version that has it, `ignore` drops the field, `dead_letter` refuses the record, "
                "`stop` ends the source with an error."),
    ROW(schema_settings,
        on_type_change,
        "on_type_change",
        SETTING_CHOICE,
        .default_text = "dead_letter",
        .choices = type_change_choices,
        .help = "What to do with a value that its field's type cannot hold. `widen` registers a "
                "wider type where Avro allows it (int to long to double)."),
    ROW(schema_settings,
        compatibility,
        "compatibility",
        SETTING_STRING,
        .help = "Compatibility level of the subject, such as `BACKWARD` or `FULL_TRANSITIVE`. "
                "Without it the registry's own level holds."),
};

static const struct settings_table schema_table =
    TABLE(schema_rows, "schema", schema_settings, "The schema of a source's records.");

static const struct setting topic_rows[] = {
    ROW(topic_settings,
        name,
        "name",
        SETTING_STRING,
        .help = "Name of the topic. Without it, the name of the source or stream."),
    ROW(topic_settings,
        partitions,
        "partitions",
        SETTING_INT,
        .default_text = "1",
        .min = 1,
        .max = 10000,
        .help = "Number of partitions. A topic grows to it, and never shrinks."),
    ROW(topic_settings,
        replication,
        "replication",
        SETTING_INT,
        .default_text = "0",
        .min = 0,
        .max = 100,
        .help = "Copies of each partition; 0: as many as the log makes by itself. The embedded log "
                "has one."),
    ROW(topic_settings,
        retention_us,
        "retention",
        SETTING_DURATION,
        .default_text = "7 days",
        .help = "How long records stay."),
    ROW(topic_settings,
        retention_bytes,
        "retention_bytes",
        SETTING_BYTES,
        .default_text = "1 GiB",
        .help = "How much of a partition stays; the oldest goes first."),
    ROW(topic_settings,
        compact,
        "compact",
        SETTING_BOOL,
        .default_text = "false",
        .help = "Keep the newest record of each key for ever instead."),
    ROW(topic_settings,
        key,
        "key",
        SETTING_STRINGS,
        .help = "Streams only: the columns that make the record key."),
};

static const struct settings_table topic_table = TABLE(
    topic_rows, "topic", topic_settings, "A topic of the log. A name alone may stand for it.");

static const struct setting deleted_rows[] = {
    ROW(deleted_settings,
        field,
        "field",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "Path of the value that says so, such as `deleted_at` or `meta.op`."),
    ROW(deleted_settings,
        equals,
        "equals",
        SETTING_STRING,
        .help = "The value that marks a delete, such as `d`. Without it any but null, false, 0 and "
                "the empty text does."),
};

static const struct settings_table deleted_table =
    TABLE(deleted_rows,
          "deleted",
          deleted_settings,
          "Which records say that their key is gone. The field alone may stand for it.");

static const struct setting source_rows[] = {
    ROW(source_settings,
        http,
        "http",
        SETTING_SECTION,
        .section = &http_source_settings,
        .help = "Fetch from an HTTP API."),
    ROW(source_settings,
        file,
        "file",
        SETTING_SECTION,
        .section = &file_source_settings,
        .help = "Read files."),
    ROW(source_settings,
        kafka,
        "kafka",
        SETTING_SECTION,
        .section = &topic_source_settings,
        .help = "Read a topic that exists already."),
#ifdef LEAT_POSTGRES
    ROW(source_settings,
        postgres,
        "postgres",
        SETTING_SECTION,
        .section = &postgres_source_settings,
        .help = "Follow tables of PostgreSQL."),
#else
    ROW(source_settings, postgres, "postgres", SETTING_NODE, .help = "Not in this leat."),
#endif
    ROW(source_settings,
        key,
        "key",
        SETTING_STRINGS,
        .flags = SETTING_REQUIRED,
        .help = "Path of the field that identifies a record, such as `login.uuid`; several make a "
                "composite key. A record with a known key replaces the one before."),
    ROW(source_settings,
        ignore_changes,
        "ignore_changes",
        SETTING_STRINGS,
        .help = "Fields that do not count as a change, such as an age computed at request time."),
    ROW(source_settings,
        deleted,
        "deleted",
        SETTING_SECTION,
        .section = &deleted_table,
        .flags = SETTING_SCALAR_OK,
        .help = "Records that say that their key is gone: they become deletes, and need no more "
                "than the key."),
    ROW(source_settings,
        schema,
        "schema",
        SETTING_SECTION,
        .section = &schema_table,
        .help = "The schema of the records, and what happens when they depart from it."),
    ROW(source_settings,
        schedule,
        "schedule",
        SETTING_STRING,
        .default_text = "@every 1m",
        .help = "When to fetch: `@every 10s`, `@once`, or cron such as `0 6 * * MON-FRI`; `@none`: "
                "only by "
                "order, of `leat ingest` or a DAG. `leat run` and `--limit` do not wait for it."),
    ROW(source_settings,
        timezone,
        "timezone",
        SETTING_STRING,
        .default_text = "UTC",
        .help = "The time zone of a cron schedule, such as `Europe/Berlin`."),
    ROW(source_settings,
        limit,
        "limit",
        SETTING_RATE,
        .help = "The most records to fetch in a time, such as `20000 records / 5 min`. It holds "
                "across restarts."),
    ROW(source_settings,
        pages,
        "pages",
        SETTING_INT,
        .default_text = "1",
        .min = 0,
        .max = 1000000,
        .help = "Pages to fetch a tick; 0 goes on until the end."),
    ROW(source_settings,
        record_bytes_max,
        "record_bytes_max",
        SETTING_BYTES,
        .default_text = "1000000",
        .min = 1,
        .max = 1 << 30,
        .help = "A larger record is a dead letter."),
    ROW(source_settings,
        topic,
        "topic",
        SETTING_SECTION,
        .section = &topic_table,
        .flags = SETTING_SCALAR_OK,
        .help = "The topic that carries the source's changes."),
};

static const struct settings_table source_table =
    TABLE(source_rows, "source", source_settings, "Where records come from.");

/* ---- streams -----------------------------------------------------------------------------------
 */

static const struct setting watermark_rows[] = {
    ROW(watermark_settings,
        column,
        "column",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "The column with the event time, a TIMESTAMP."),
    ROW(watermark_settings,
        delay_us,
        "delay",
        SETTING_DURATION,
        .flags = SETTING_REQUIRED,
        .help = "How late a record may be."),
};

static const struct settings_table watermark_table = TABLE(
    watermark_rows, "watermark", watermark_settings, "How long to wait for records that are late.");

static const char *const mode_choices[] = {"default", "append", "update", "complete", NULL};
static const char *const input_choices[] = {"append", NULL};

static const struct setting stream_rows[] = {
    ROW(stream_settings, sql, "sql", SETTING_STRING, .help = "The query, in Spark SQL."),
    ROW(stream_settings,
        sql_file,
        "sql_file",
        SETTING_STRING,
        .help = "A file with the query, in place of `sql`."),
    ROW(stream_settings,
        watermark,
        "watermark",
        SETTING_SECTION,
        .section = &watermark_table,
        .help = "Event time and how late it may be."),
    ROW(stream_settings,
        mode,
        "mode",
        SETTING_CHOICE,
        .default_text = "default",
        .choices = mode_choices,
        .help = "What a batch gives: `append` only final rows, `update` groups that changed, "
                "`complete` all groups. The default is update with aggregation, else append."),
    ROW(stream_settings,
        input,
        "input",
        SETTING_CHOICE,
        .default_text = "append",
        .choices = input_choices,
        .help = "How changes are seen: `append`, each change is a row of its own."),
    ROW(stream_settings,
        batch,
        "batch",
        SETTING_STRING,
        .help = "Fixed batch boundaries, such as `1000 records`, where equal late rows on every "
                "engine matter."),
    ROW(stream_settings,
        state_bytes_max,
        "state_max",
        SETTING_BYTES,
        .default_text = "1 GiB",
        .help = "The most memory that the groups of the stream may take."),
    ROW(stream_settings,
        topic,
        "topic",
        SETTING_SECTION,
        .section = &topic_table,
        .flags = SETTING_SCALAR_OK,
        .help = "Write the rows to a topic as well. Without it the stream is a view for others."),
};

static const struct settings_table stream_table =
    TABLE(stream_rows, "stream", stream_settings, "A query over topics and other streams.");

/* ---- sinks -------------------------------------------------------------------------------------
 */

static const char *const deletes_choices[] = {"apply", "mark", "ignore", NULL};

static const struct setting sink_rows[] = {
    ROW(sink_settings,
        from,
        "from",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "The stream whose rows are stored."),
    ROW(sink_settings,
        table,
        "table",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "The table, with its keyspace or schema: `spark_streams.created_users`."),
    ROW(sink_settings,
        key,
        "key",
        SETTING_NODE,
        .flags = SETTING_REQUIRED,
        .help = "The columns that identify a row: a list, or `{partition: [...], cluster: [...]}` "
                "with `desc` behind a clustering column for the other order."),
    ROW(sink_settings,
        types,
        "types",
        SETTING_PAIRS,
        .help = "Types of columns that SQL does not have: `{id: uuid}`."),
    ROW(sink_settings,
        deletes,
        "deletes",
        SETTING_CHOICE,
        .default_text = "apply",
        .choices = deletes_choices,
        .help = "What a delete does: `apply` removes the row, `mark` sets `_deleted_at`, `ignore` "
                "leaves it."),
    ROW(sink_settings,
        ttl_us,
        "ttl",
        SETTING_DURATION,
        .default_text = "0s",
        .help = "Rows go after this time; 0 keeps them."),
};

static const struct settings_table sink_table =
    TABLE(sink_rows, "sink", sink_settings, "A table that a stream fills.");

/* ---- tests, profiles, the file
 * ------------------------------------------------------------------- */

static const struct setting test_rows[] = {
    ROW(test_settings,
        given,
        "given",
        SETTING_NODE,
        .flags = SETTING_REQUIRED,
        .help = "Records a topic: files (JSON, JSON lines) or records written out."),
    ROW(test_settings,
        clock,
        "clock",
        SETTING_STRING,
        .default_text = "2026-01-01T00:00:00Z",
        .help = "The time when the test runs; it does not pass."),
    ROW(test_settings,
        expect,
        "expect",
        SETTING_NODE,
        .help = "Rows a sink that must be there, in any order; columns left out are not compared."),
    ROW(test_settings,
        dead,
        "dead",
        SETTING_NODE,
        .help = "Dead letters that must be there: `[{reason: cast}]`."),
};

static const struct settings_table test_table =
    TABLE(test_rows, "test", test_settings, "A test of the queries, run by `leat test`.");

static const struct setting storage_rows[] = {
    ROW(storage_settings,
        url,
        "url",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "Where tables are: `cassandra://host:9042`, `postgresql://...`."),
    ROW(storage_settings,
        replication,
        "replication",
        SETTING_PAIRS,
        .help = "Cassandra: copies a data centre, `{datacenter1: 1}`."),
};

static const struct settings_table storage_table =
    TABLE(storage_rows, "storage", storage_settings, "Where tables are.");

static const char *const orchestration_choices[] = {"built-in", "external", NULL};

static const struct setting profile_rows[] = {
    ROW(profile_settings,
        orchestration,
        "orchestration",
        SETTING_CHOICE,
        .default_text = "built-in",
        .choices = orchestration_choices,
        .help = "Who starts scheduled work: leat itself, or `external` (Airflow)."),
    ROW(profile_settings,
        staging,
        "staging",
        SETTING_STRING,
        .help = "Where fetched records wait: a PostgreSQL URL. Embedded: SQLite."),
    ROW(profile_settings,
        log,
        "log",
        SETTING_STRING,
        .help = "The log: `kafka://host:port[,host:port]`. Embedded: leat's own broker."),
    ROW(profile_settings,
        log_settings,
        "log_settings",
        SETTING_PAIRS,
        .help = "Client properties of librdkafka, such as `security.protocol`."),
    ROW(profile_settings,
        schemas,
        "schemas",
        SETTING_STRING,
        .help = "A Confluent-compatible schema registry. Embedded: leat's own."),
    ROW(profile_settings,
        processing,
        "processing",
        SETTING_STRING,
        .help = "`spark://host:port` (Spark Connect). Embedded: leat's stream SQL."),
    ROW(profile_settings,
        processing_settings,
        "processing_settings",
        SETTING_PAIRS,
        .help = "Settings of Spark's session, such as `spark.sql.shuffle.partitions` (2 unless "
                "given). ANSI mode and UTC are leat's and stay."),
    ROW(profile_settings,
        checkpoints,
        "checkpoints",
        SETTING_STRING,
        .help = "Where Spark keeps checkpoints: a URL that driver and executors reach."),
    ROW(profile_settings,
        storage,
        "storage",
        SETTING_SECTION,
        .section = &storage_table,
        .flags = SETTING_SCALAR_OK,
        .help = "Where tables are. Embedded: SQLite."),
    ROW(profile_settings,
        coordination,
        "coordination",
        SETTING_STRING,
        .help = "`zookeeper://host:port`: one of several processes leads. Embedded: a file lock."),
    ROW(profile_settings,
        set,
        "set",
        SETTING_PAIRS,
        .help = "Any other setting of the file, by its path: "
                "`{sources.random_users.schedule: \"@every 1m\"}`."),
};

static const struct settings_table profile_table =
    TABLE(profile_rows,
          "profile",
          profile_settings,
          "Engines in place of the embedded ones, chosen by `--profile NAME`.");

static const struct setting pipeline_rows[] = {
    ROW(pipeline,
        version,
        "version",
        SETTING_INT,
        .flags = SETTING_REQUIRED,
        .min = 1,
        .max = 1,
        .help = "Version of the file's format: 1."),
    ROW(pipeline,
        name,
        "pipeline",
        SETTING_STRING,
        .flags = SETTING_REQUIRED,
        .help = "Name of the pipeline: letters, digits, `_` and `-`."),
    ROW(pipeline,
        allow_open,
        "allow-open",
        SETTING_BOOL,
        .default_text = "false",
        .help = "Together with `--allow-open`: listen on other addresses than loopback although "
                "there is no authentication."),
    ROW(pipeline,
        sources,
        "sources",
        SETTING_SECTIONS,
        .section = &source_table,
        .help = "Where records come from, by name."),
    ROW(pipeline,
        streams,
        "streams",
        SETTING_SECTIONS,
        .section = &stream_table,
        .help = "Queries, by name."),
    ROW(pipeline,
        sinks,
        "sinks",
        SETTING_SECTIONS,
        .section = &sink_table,
        .help = "Tables, by name."),
    ROW(pipeline,
        tests,
        "tests",
        SETTING_SECTIONS,
        .section = &test_table,
        .help = "Tests of the queries, by name."),
    ROW(pipeline,
        dags,
        "dags",
        SETTING_SECTIONS,
        .section = &dag_table,
        .help = "Tasks on a schedule, by name."),
    ROW(pipeline,
        pools,
        "pools",
        SETTING_PAIRS,
        .help = "Slots that tasks of all DAGs share, by name: `{api: 2}`."),
    ROW(pipeline,
        alerts,
        "alerts",
        SETTING_SECTION,
        .section = &console_alerts_table,
        .help = "Rules that tell somebody when a number stays bad."),
    ROW(pipeline,
        console,
        "console",
        SETTING_SECTION,
        .section = &console_settings_table,
        .help = "Who may use the web console and the REST API."),
    ROW(pipeline,
        profiles,
        "profiles",
        SETTING_SECTIONS,
        .section = &profile_table,
        .help = "Engines, by name of the profile."),
};

const struct settings_table pipeline_table =
    TABLE(pipeline_rows, "pipeline file", pipeline, "A pipeline: sources, streams and sinks.");
