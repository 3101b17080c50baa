/* Text to query: all stages in a row, then what the output mode and the watermark ask for. */

#include "base/settings.h"
#include "sql/analyse.h"
#include "sql/optimise.h"

#include <strings.h>

/* What a walk over the whole plan finds. */
struct survey {
    struct arena *arena;
    const char **relations;
    uint32_t relation_count;
    bool streaming;
    const struct plan *aggregate; /* the first one met from the top: AGGREGATE or DISTINCT */
    const struct plan *second;    /* one below it */
    const struct plan *untimed;   /* one without event time among its keys */
};

static void survey_scan(struct survey *survey, const struct sql_relation *relation)
{
    survey->streaming |= relation->streaming;
    for (uint32_t i = 0; i < survey->relation_count; i++) {
        if (strcmp(survey->relations[i], relation->name) == 0) {
            return;
        }
    }
    size_t old = survey->relation_count * sizeof(char *);
    survey->relations = arena_grow(survey->arena, survey->relations, old, old + sizeof(char *));
    survey->relations[survey->relation_count++] = relation->name;
}

static void survey_plan(struct survey *survey, const struct plan *plan, const struct plan *above)
{
    if (plan->kind == PLAN_SCAN) {
        survey_scan(survey, plan->relation);
    }
    if (plan->kind == PLAN_AGGREGATE || plan->kind == PLAN_DISTINCT) {
        survey->aggregate = survey->aggregate == NULL ? plan : survey->aggregate;
        survey->second = above != NULL ? plan : survey->second;
        survey->untimed = plan->watermark_key < 0 ? plan : survey->untimed;
        above = plan;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        survey_plan(survey, plan->inputs[i], above);
    }
}

static enum status check_watermark(const struct analyser *analyser,
                                   const struct sql_options *options,
                                   const struct tree_query *tree,
                                   size_t *ret_offset,
                                   struct error *error)
{
    if (options->watermark_column == NULL || analyser->watermark_found || options->batch) {
        return STATUS_OK;
    }
    *ret_offset = tree->offset;
    (void) error_set(error, STATUS_CONFIG,
                     "watermark column \"%s\" is in no stream that this query reads",
                     options->watermark_column);
    error_hint(error, "name a column of the stream in FROM, such as _accepted_at");
    return STATUS_CONFIG;
}

/* What an output mode asks of a streaming plan; as Spark's UnsupportedOperationChecker. */
static enum status check_mode(const struct survey *survey,
                              enum output_mode mode,
                              size_t *ret_offset,
                              struct error *error)
{
    if (mode == OUTPUT_COMPLETE && survey->aggregate == NULL) {
        *ret_offset = 0;
        (void) error_set(
            error, STATUS_CONFIG,
            "mode complete needs an aggregation: without one all rows ever seen would be kept");
        error_hint(error, "use mode append");
        return STATUS_CONFIG;
    }
    if (mode == OUTPUT_APPEND && survey->untimed != NULL) {
        *ret_offset = survey->untimed->offset;
        (void) error_set(error, STATUS_CONFIG,
                         "mode append emits a group once the watermark has passed it, but no group "
                         "column here carries event time");
        error_hint(error, "declare `watermark: {column: ..., delay: ...}` and group by window(that "
                          "column, '1 minute') or the column itself, or use mode update");
        return STATUS_CONFIG;
    }
    if (mode != OUTPUT_APPEND && survey->second != NULL) {
        *ret_offset = survey->second->offset;
        (void) error_set(error, STATUS_CONFIG,
                         "an aggregation over an aggregation needs mode append, as groups that "
                         "change would be counted again");
        error_hint(
            error,
            "set `mode: append` with a watermark, or write the first result to a topic or table");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static enum output_mode mode_of(const struct survey *survey, const struct sql_options *options)
{
    if (options->mode != OUTPUT_DEFAULT) {
        return options->mode;
    }
    return survey->aggregate != NULL ? OUTPUT_UPDATE : OUTPUT_APPEND;
}

/* The names of the output: those of the scope, where a WITH name or an alias list renamed them. */
static const struct plan *named(struct arena *arena, const struct analysed *analysed)
{
    const struct plan *plan = analysed->plan;
    uint32_t count = plan->type->field_count;
    const struct expression **expressions = ARENA_ARRAY(arena, const struct expression *, count);
    const char **names = ARENA_ARRAY(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct type_field *field = &plan->type->fields[i];
        expressions[i] = expression_column(arena, i, field->type, field->nullable, plan->offset);
        names[i] = analysed->scope.columns[i].name;
    }
    return plan_project(arena, plan, expressions, names, count, plan->offset);
}

enum status sql_compile(const char *text,
                        const struct sql_catalog *catalog,
                        const struct sql_options *options,
                        struct arena *arena,
                        struct query **ret_query,
                        size_t *ret_offset,
                        struct error *error)
{
    static const struct sql_options defaults = {0};
    struct tree_query *tree = NULL;
    options = options == NULL ? &defaults : options;
    *ret_offset = 0;
    text = arena_strdup(arena, text);
    TRY(sql_parse_query(slice_of_string(text), arena, &tree, ret_offset, error));
    struct analyser analyser = {
        .arena = arena, .catalog = catalog, .options = options, .error = error};
    struct analysed analysed = {0};
    if (!analyse_query(&analyser, tree, &analysed)) {
        *ret_offset = analyser.offset;
        return analyser.status;
    }
    const struct plan *plan = NULL;
    TRY(optimise_plan(named(arena, &analysed), arena, &plan, ret_offset, error));
    struct survey survey = {.arena = arena};
    survey_plan(&survey, plan, NULL);
    enum output_mode mode = mode_of(&survey, options);
    if (!options->batch && survey.streaming) {
        TRY(check_watermark(&analyser, options, tree, ret_offset, error));
        TRY(check_mode(&survey, mode, ret_offset, error));
    }
    struct query *query = ARENA_NEW(arena, struct query);
    *query = (struct query){
        .plan = plan,
        .text = text,
        .mode = mode,
        .aggregated = survey.aggregate != NULL,
        .watermark_column = arena_strdup(arena, options->watermark_column),
        .watermark_delay_us = options->watermark_delay_us,
        .relations = survey.relations,
        .relation_count = survey.relation_count,
    };
    *ret_query = query;
    return STATUS_OK;
}

enum status sql_compile_expression(const char *text,
                                   const struct type *type,
                                   struct arena *arena,
                                   const struct expression **ret_expression,
                                   size_t *ret_offset,
                                   struct error *error)
{
    static const struct sql_options options = {0};
    struct tree *tree = NULL;
    *ret_offset = 0;
    TRY(sql_parse_expression(slice_of_string(arena_strdup(arena, text)), arena, &tree, ret_offset,
                             error));
    struct scope scope = {ARENA_ARRAY(arena, struct scope_column, type->field_count),
                          type->field_count};
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        scope.columns[i] = (struct scope_column){
            NULL, NULL, field->name, field->type, field->nullable, false, false};
    }
    struct analyser analyser = {.arena = arena, .options = &options, .error = error};
    struct context context = {.scope = &scope, .clause = "an expression"};
    const struct expression *expression = analyse_expression(&analyser, &context, tree);
    if (expression == NULL) {
        *ret_offset = analyser.offset;
        return analyser.status;
    }
    return optimise_expression(expression, arena, ret_expression, ret_offset, error);
}
