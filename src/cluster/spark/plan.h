#pragma once

/*
 * What Spark is asked to run for one stream, as messages of Spark Connect in an arena:
 *
 *     Kafka ─► decode by schema id ─► metadata columns ─► watermark     the view with the topic's
 * name the query's own text over that view                               unchanged ─► names c0, c1,
 * ... ─► Avro, with the header of a schema id      records of the result topic
 *
 * Nothing is sent here.
 */

#include "base/arena.h"
#include "cluster/spark/connect.pb-c.h"
#include "columnar/type.h"
#include "connect/processor.h"

#include <stdbool.h>
#include <stdint.h>

struct spark_schema {
    int32_t id;
    const char *text; /* of the writer */
};

/* How Spark's own clients get into Kafka: "kafka.security.protocol" and what goes with it. */
struct spark_kafka {
    const char *options[24]; /* name, value, ... */
    size_t count;            /* of names and values */
};

struct spark_place {
    int32_t partition;
    int64_t offset;
};

/* What is read, for all streams of a job. */
struct spark_input {
    const struct processor_job *job;
    const struct spark_schema *schemas; /* that records are written with */
    size_t schema_count;
    const struct spark_place *excluded; /* records that are dead: they are left out */
    size_t excluded_count;
    const struct spark_kafka *kafka;
};

/* The relation behind the topic's name, as one stream's query sees it: with the metadata columns
 * that it names, and its watermark. A record of a schema that is not among those given ends the
 * query with SPARK_UNKNOWN_ID. */
Connect__Relation *spark_input_relation(const struct spark_input *input,
                                        const struct processor_stream *stream,
                                        struct arena *arena);

/* Two relations that ask whether Spark has what leat's queries stand on: a topic, and a row in
 * Avro.
 */
Connect__Relation *spark_kafka_relation(const struct processor_job *job, struct arena *arena);
Connect__Relation *spark_avro_relation(struct arena *arena);

Connect__Relation *spark_sql(const char *text, struct arena *arena);

/* How rows of a stream become records. */
struct spark_output {
    const char *topic;
    const struct type *type; /* of the rows as records: STRUCT with names that Avro allows */
    const char *schema;      /* Avro text of it */
    int32_t schema_id;
    const uint32_t *key; /* columns of the record's key */
    uint32_t key_count;
};

/* Rows of the stream's own SQL as records with `key` and `value`. `name_count` is how many columns
 * Spark sees in that SQL. */
Connect__Relation *spark_output_relation(const struct processor_stream *stream,
                                         const struct spark_output *output,
                                         size_t name_count,
                                         struct arena *arena);

/* The type of records for rows of `type`: names that Avro does not allow are replaced. */
const struct type *spark_record_type(const struct type *type, struct arena *arena);

/* The command that starts a stream's query. */
Connect__Command__StartQuery *spark_start(const struct processor_job *job,
                                          const struct processor_stream *stream,
                                          const struct spark_output *output,
                                          const struct spark_kafka *kafka,
                                          Connect__Relation *rows,
                                          const char *checkpoint,
                                          struct arena *arena);
