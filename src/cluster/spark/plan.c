#include "cluster/spark/plan.h"

#include "base/buffer.h"
#include "cluster/spark/fault.h"
#include "connect/identity.h"
#include "sql/query.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- messages ----------------------------------------------------------------------------------
 */

static char *borrowed(const char *text) /* protobuf-c's messages are never written to here */
{
    return (char *) (uintptr_t) text;
}

static Connect__Relation *relation_new(struct arena *arena, Connect__Relation__KindCase kind)
{
    Connect__Relation *relation = arena_alloc(arena, sizeof(*relation));
    connect__relation__init(relation);
    relation->kind_case = kind;
    return relation;
}

Connect__Relation *spark_sql(const char *text, struct arena *arena)
{
    Connect__Relation__Sql *sql = arena_alloc(arena, sizeof(*sql));
    connect__relation__sql__init(sql);
    sql->query = borrowed(text);
    Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_SQL);
    relation->sql = sql;
    return relation;
}

static Connect__Expression *text_expression(const char *text, struct arena *arena)
{
    Connect__Expression__Text *string = arena_alloc(arena, sizeof(*string));
    connect__expression__text__init(string);
    string->expression = borrowed(text);
    Connect__Expression *expression = arena_alloc(arena, sizeof(*expression));
    connect__expression__init(expression);
    expression->kind_case = CONNECT__EXPRESSION__KIND_EXPRESSION_STRING;
    expression->expression_string = string;
    return expression;
}

static Connect__Expression *literal(const char *text, struct arena *arena)
{
    Connect__Expression__Literal *value = arena_alloc(arena, sizeof(*value));
    connect__expression__literal__init(value);
    value->kind_case = CONNECT__EXPRESSION__LITERAL__KIND_STRING;
    value->string = borrowed(text);
    Connect__Expression *expression = arena_alloc(arena, sizeof(*expression));
    connect__expression__init(expression);
    expression->kind_case = CONNECT__EXPRESSION__KIND_LITERAL;
    expression->literal = value;
    return expression;
}

/* The arguments are taken as they are, in memory of the arena. */
static Connect__Expression *
call(const char *name, Connect__Expression **arguments, size_t count, struct arena *arena)
{
    Connect__Expression__Function *function = arena_alloc(arena, sizeof(*function));
    connect__expression__function__init(function);
    function->function_name = borrowed(name);
    function->arguments = arguments;
    function->n_arguments = count;
    Connect__Expression *expression = arena_alloc(arena, sizeof(*expression));
    connect__expression__init(expression);
    expression->kind_case = CONNECT__EXPRESSION__KIND_UNRESOLVED_FUNCTION;
    expression->unresolved_function = function;
    return expression;
}

static Connect__Expression **expressions(struct arena *arena, size_t count)
{
    return ARENA_ARRAY(arena, Connect__Expression *, count);
}

static Connect__Expression *named(Connect__Expression *inner, const char *name, struct arena *arena)
{
    Connect__Expression__Alias *alias = arena_alloc(arena, sizeof(*alias));
    connect__expression__alias__init(alias);
    alias->expr = inner;
    alias->name = ARENA_ARRAY(arena, char *, 1);
    alias->name[0] = borrowed(name);
    alias->n_name = 1;
    Connect__Expression *expression = arena_alloc(arena, sizeof(*expression));
    connect__expression__init(expression);
    expression->kind_case = CONNECT__EXPRESSION__KIND_ALIAS;
    expression->alias = alias;
    return expression;
}

static Connect__Relation *
project(Connect__Relation *input, Connect__Expression **columns, size_t count, struct arena *arena)
{
    Connect__Relation__Project *made = arena_alloc(arena, sizeof(*made));
    connect__relation__project__init(made);
    made->input = input;
    made->expressions = columns;
    made->n_expressions = count;
    Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_PROJECT);
    relation->project = made;
    return relation;
}

static Connect__Relation *
filter(Connect__Relation *input, const char *condition, struct arena *arena)
{
    Connect__Relation__Filter *made = arena_alloc(arena, sizeof(*made));
    connect__relation__filter__init(made);
    made->input = input;
    made->condition = text_expression(condition, arena);
    Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_FILTER);
    relation->filter = made;
    return relation;
}

struct pairs {
    Connect__Pair *items[24];
    size_t count;
};

static void add(struct pairs *pairs, const char *key, const char *value, struct arena *arena)
{
    Connect__Pair *pair = arena_alloc(arena, sizeof(*pair));
    connect__pair__init(pair);
    pair->key = borrowed(key);
    pair->value = borrowed(value);
    pairs->items[pairs->count++] = pair;
}

static Connect__Pair **copy_pairs(const struct pairs *pairs, struct arena *arena)
{
    struct slice bytes = slice_of(pairs->items, pairs->count * sizeof(pairs->items[0]));
    return (Connect__Pair **) (uintptr_t) arena_copy(arena, bytes).data;
}

static void add_kafka(struct pairs *pairs, const struct spark_kafka *kafka, struct arena *arena)
{
    for (size_t i = 0; kafka != NULL && i + 1 < kafka->count; i += 2) {
        add(pairs, kafka->options[i], kafka->options[i + 1], arena);
    }
}

/* `name` between backquotes. */
static const char *quoted(const char *name, struct arena *arena)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_byte(&text, '`');
    for (const char *at = name; *at != '\0'; at++) {
        buffer_printf(&text, *at == '`' ? "``" : "%c", *at);
    }
    buffer_append_byte(&text, '`');
    return arena_string(arena, buffer_slice(&text));
}

/* ---- input -------------------------------------------------------------------------------------
 */

static Connect__Relation *kafka(const struct spark_input *input, struct arena *arena)
{
    const struct processor_job *job = input->job;
    struct pairs options = {.count = 0};
    add(&options, "kafka.bootstrap.servers", job->log_address, arena);
    add(&options, "subscribe", job->topic, arena);
    add(&options, "startingOffsets", "earliest", arena);
    add(&options, "failOnDataLoss", "true", arena);
    add(&options, "includeHeaders", "true", arena);
    add(&options, "kafka.isolation.level", "read_committed", arena);
    add_kafka(&options, input->kafka, arena);
    if (job->batch_records > 0) {
        add(&options, "maxOffsetsPerTrigger",
            arena_printf(arena, "%lld", (long long) job->batch_records), arena);
    }
    Connect__Relation__DataSource *source = arena_alloc(arena, sizeof(*source));
    connect__relation__data_source__init(source);
    source->format = borrowed("kafka");
    source->n_options = options.count;
    source->options = copy_pairs(&options, arena);
    Connect__Relation__Read *read = arena_alloc(arena, sizeof(*read));
    connect__relation__read__init(read);
    read->data_source = source;
    read->is_streaming = true;
    Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_READ);
    relation->read = read;
    return relation;
}

/* Tombstones have no row; dead records are leat's. */
static const char *wanted_records(const struct spark_input *input, struct arena *arena)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&text, "value IS NOT NULL");
    for (size_t i = 0; i < input->excluded_count; i++) {
        const struct spark_place *place = &input->excluded[i];
        buffer_printf(&text, "%s(%d, %lldL)", i == 0 ? " AND (partition, offset) NOT IN (" : ", ",
                      place->partition, (long long) place->offset);
    }
    buffer_append_string(&text, input->excluded_count > 0 ? ")" : "");
    return arena_string(arena, buffer_slice(&text));
}

/* Ends the query at a record whose schema is not known, and says which and where. */
static const char unknown_schema[] =
    "raise_error(concat('" SPARK_UNKNOWN_ID "', "
    "CASE WHEN length(value) > 4 AND hex(substring(value, 1, 1)) = '00' "
    "THEN conv(hex(substring(value, 2, 4)), 16, 10) ELSE '-1' END, "
    "' at ', CAST(partition AS STRING), '@', CAST(offset AS STRING)))";

/* By schema id: from_avro with the writer's schema, resolved to the reader's. */
static Connect__Expression *decode_avro(const struct spark_input *input, struct arena *arena)
{
    const struct processor_job *job = input->job;
    size_t count = 2 * input->schema_count + 1;
    Connect__Expression **cases = expressions(arena, count);
    for (size_t i = 0; i < input->schema_count; i++) {
        const struct spark_schema *schema = &input->schemas[i];
        Connect__Expression **options = expressions(arena, 4);
        options[0] = literal("avroSchema", arena);
        options[1] = literal(job->reader_schema == NULL ? schema->text : job->reader_schema, arena);
        options[2] = literal("mode", arena);
        options[3] = literal("FAILFAST", arena);
        Connect__Expression **arguments = expressions(arena, 3);
        arguments[0] = text_expression("substring(value, 6)", arena);
        arguments[1] = literal(schema->text, arena);
        arguments[2] = call("map", options, 4, arena);
        cases[2 * i] = text_expression(
            arena_printf(arena, "substring(value, 1, 5) = X'00%08X'", (unsigned) schema->id),
            arena);
        cases[2 * i + 1] = call("from_avro", arguments, 3, arena);
    }
    cases[count - 1] = text_expression(unknown_schema, arena);
    return call("when", cases, count, arena);
}

static Connect__Expression *decode_json(const struct spark_input *input, struct arena *arena)
{
    const struct type *type = input->job->type;
    struct buffer ddl CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < type->field_count; i++) {
        buffer_printf(&ddl, "%s%s %s", i == 0 ? "" : ", ", quoted(type->fields[i].name, arena),
                      type_text(type->fields[i].type, arena));
    }
    Connect__Expression **options = expressions(arena, 2);
    options[0] = literal("mode", arena);
    options[1] = literal("FAILFAST", arena);
    Connect__Expression **arguments = expressions(arena, 3);
    arguments[0] = text_expression("CAST(value AS STRING)", arena);
    arguments[1] = literal(arena_string(arena, buffer_slice(&ddl)), arena);
    arguments[2] = call("map", options, 2, arena);
    return call("from_json", arguments, 3, arena);
}

/* When staging accepted a record stands last in its header (connect/identity.h); a foreign one has
 * the time that Kafka knows. */
static const char accepted_at[] =
    "coalesce(timestamp_micros(try_cast(element_at(split(CAST(get(filter(headers, "
    "h -> h.key = '" IDENTITY_HEADER "'), 0).value AS STRING), '/'), -1) AS BIGINT)), timestamp)";

/* The metadata columns in the order of sql_metadata_columns. */
static const char *const metadata[] = {
    "CAST(key AS STRING)", "'upsert'", accepted_at, "partition", "offset",
};

static bool scans(const struct plan *plan, const char *column)
{
    if (plan->kind == PLAN_SCAN) {
        return type_field_index(plan->type, column) >= 0;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (scans(plan->inputs[i], column)) {
            return true;
        }
    }
    return false;
}

/* In leat they are no part of SELECT *, so a query that does not name them must not see them. */
static bool needs(const struct query *query, const char *column)
{
    return scans(query->plan, column) ||
           (query->watermark_column != NULL && strcasecmp(query->watermark_column, column) == 0);
}

static Connect__Relation *
with_watermark(Connect__Relation *input, const struct query *query, struct arena *arena)
{
    Connect__Relation__WithWatermark *made = arena_alloc(arena, sizeof(*made));
    connect__relation__with_watermark__init(made);
    made->input = input;
    made->event_time = borrowed(query->watermark_column);
    made->delay_threshold =
        arena_printf(arena, "%lld microseconds", (long long) query->watermark_delay_us);
    Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_WITH_WATERMARK);
    relation->with_watermark = made;
    return relation;
}

Connect__Relation *spark_input_relation(const struct spark_input *input,
                                        const struct processor_stream *stream,
                                        struct arena *arena)
{
    static const char *const raw[] = {"key", "partition", "offset", "timestamp", "headers"};
    const struct processor_job *job = input->job;
    Connect__Expression **decoded = expressions(arena, ARRAY_SIZE(raw) + 1);
    for (size_t i = 0; i < ARRAY_SIZE(raw); i++) {
        decoded[i] = text_expression(raw[i], arena);
    }
    decoded[ARRAY_SIZE(raw)] =
        named(job->format == VALUE_AVRO ? decode_avro(input, arena) : decode_json(input, arena),
              "record", arena);
    Connect__Relation *records = filter(kafka(input, arena), wanted_records(input, arena), arena);
    records = project(records, decoded, ARRAY_SIZE(raw) + 1, arena);

    size_t count = 0;
    Connect__Expression **columns =
        expressions(arena, job->type->field_count + ARRAY_SIZE(metadata));
    for (uint32_t i = 0; i < job->type->field_count; i++) {
        const char *name = job->type->fields[i].name;
        const char *text = arena_printf(arena, "record.%s", quoted(name, arena));
        columns[count++] = named(text_expression(text, arena), name, arena);
    }
    for (size_t i = 0; i < ARRAY_SIZE(metadata); i++) {
        if (needs(stream->query, sql_metadata_columns[i].name)) {
            columns[count++] =
                named(text_expression(metadata[i], arena), sql_metadata_columns[i].name, arena);
        }
    }
    Connect__Relation *view = project(records, columns, count, arena);
    return stream->query->watermark_column == NULL ? view
                                                   : with_watermark(view, stream->query, arena);
}

/* ---- output ------------------------------------------------------------------------------------
 */

static bool is_avro_name(const char *name)
{
    bool fine = isalpha((unsigned char) *name) || *name == '_';
    for (const char *at = name; fine && *at != '\0'; at++) {
        fine = isalnum((unsigned char) *at) || *at == '_';
    }
    return fine;
}

const struct type *spark_record_type(const struct type *type, struct arena *arena)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        fields[i] = (struct type_field){type->fields[i].name, type->fields[i].type, true};
        if (fields[i].type->id == TYPE_NULL) { /* as a table has it */
            fields[i].type = type_plain(TYPE_STRING);
        }
        if (!is_avro_name(fields[i].name)) {
            fields[i].name = arena_printf(arena, "column_%u", i);
        }
    }
    return type_struct(arena, fields, type->field_count);
}

/* The columns under names of ours, whatever they are called. Where leat and Spark see the same
 * columns it is by place; SELECT * may show Spark metadata columns that leat leaves out. */
static Connect__Relation *rename_columns(const struct processor_stream *stream,
                                         Connect__Relation *rows,
                                         size_t name_count,
                                         struct arena *arena)
{
    const struct type *type = stream->query->plan->type;
    if (name_count == type->field_count) {
        Connect__Relation__ToDf *made = arena_alloc(arena, sizeof(*made));
        connect__relation__to_df__init(made);
        made->input = rows;
        made->n_column_names = type->field_count;
        made->column_names = ARENA_ARRAY(arena, char *, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++) {
            made->column_names[i] = arena_printf(arena, "c%u", i);
        }
        Connect__Relation *relation = relation_new(arena, CONNECT__RELATION__KIND_TO_DF);
        relation->to_df = made;
        return relation;
    }
    Connect__Expression **columns = expressions(arena, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        columns[i] = named(text_expression(quoted(type->fields[i].name, arena), arena),
                           arena_printf(arena, "c%u", i), arena);
    }
    return project(rows, columns, type->field_count, arena);
}

/* A record's value: 0, the schema's id, and the row in Avro. */
static Connect__Expression *encode(const struct spark_output *output, struct arena *arena)
{
    struct buffer row CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < output->type->field_count; i++) {
        const struct type_field *field = &output->type->fields[i];
        buffer_printf(&row, "%s CAST(c%u AS %s) AS %s", i == 0 ? "struct(" : ",", i,
                      type_text(field->type, arena), quoted(field->name, arena));
    }
    buffer_append_string(&row, ")");
    Connect__Expression **avro = expressions(arena, 2);
    avro[0] = text_expression(arena_string(arena, buffer_slice(&row)), arena);
    avro[1] = literal(output->schema, arena);
    Connect__Expression **parts = expressions(arena, 2);
    parts[0] =
        text_expression(arena_printf(arena, "X'00%08X'", (unsigned) output->schema_id), arena);
    parts[1] = call("to_avro", avro, 2, arena);
    return call("concat", parts, 2, arena);
}

Connect__Relation *spark_output_relation(const struct processor_stream *stream,
                                         const struct spark_output *output,
                                         size_t name_count,
                                         struct arena *arena)
{
    struct buffer key CLEANUP(buffer_deinit) = BUFFER_INIT;
    for (uint32_t i = 0; i < output->key_count; i++) {
        buffer_printf(&key, "%s c%u", i == 0 ? "to_json(struct(" : ",", output->key[i]);
    }
    Connect__Expression **columns = expressions(arena, 2);
    columns[0] = named(text_expression(arena_printf(arena, "%s))", buffer_string(&key)), arena),
                       "key", arena);
    columns[1] = named(encode(output, arena), "value", arena);
    Connect__Relation *rows =
        rename_columns(stream, spark_sql(stream->sql, arena), name_count, arena);
    return project(rows, columns, 2, arena);
}

Connect__Relation *spark_kafka_relation(const struct processor_job *job, struct arena *arena)
{
    const struct spark_input input = {.job = job};
    return kafka(&input, arena);
}

Connect__Relation *spark_avro_relation(struct arena *arena)
{
    Connect__Expression **arguments = expressions(arena, 1);
    arguments[0] = text_expression("struct(1 AS a)", arena);
    Connect__Expression **columns = expressions(arena, 1);
    columns[0] = named(call("to_avro", arguments, 1, arena), "value", arena);
    return project(spark_sql("SELECT 1 AS one", arena), columns, 1, arena);
}

Connect__Command__StartQuery *spark_start(const struct processor_job *job,
                                          const struct processor_stream *stream,
                                          const struct spark_output *output,
                                          const struct spark_kafka *kafka,
                                          Connect__Relation *rows,
                                          const char *checkpoint,
                                          struct arena *arena)
{
    static const char *const modes[] = {
        [OUTPUT_APPEND] = "append", [OUTPUT_UPDATE] = "update", [OUTPUT_COMPLETE] = "complete"};
    struct pairs options = {.count = 0};
    add(&options, "kafka.bootstrap.servers", job->log_address, arena);
    add(&options, "kafka.acks", "all", arena);
    add(&options, "topic", output->topic, arena);
    add(&options, "checkpointLocation", checkpoint, arena);
    add_kafka(&options, kafka, arena);
    Connect__Command__StartQuery *start = arena_alloc(arena, sizeof(*start));
    connect__command__start_query__init(start);
    const struct query *query = stream->query;
    enum output_mode mode = query->mode != OUTPUT_DEFAULT ? query->mode
                            : query->aggregated           ? OUTPUT_UPDATE
                                                          : OUTPUT_APPEND;
    start->input = rows;
    start->format = borrowed("kafka");
    start->n_options = options.count;
    start->options = copy_pairs(&options, arena);
    start->trigger_case = CONNECT__COMMAND__START_QUERY__TRIGGER_PROCESSING_TIME_INTERVAL;
    start->processing_time_interval = borrowed("0 seconds");
    start->output_mode = borrowed(modes[mode]);
    start->query_name = arena_printf(arena, "%s.%s", job->pipeline, stream->name);
    return start;
}
