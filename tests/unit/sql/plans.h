#pragma once

/* What the tests of the planner share: a catalog with the users example, and plans as text. */

#include "sql/query.h"

#include "test.h"

#include <stdio.h>
#include <strings.h>

struct plans {
    struct arena arena;
    struct sql_relation relations[8];
    size_t count;
    struct sql_catalog catalog;
    struct sql_options options;
    struct error error;
    size_t offset;
    struct buffer text;
};

static inline const struct sql_relation *plans_find(void *context, const char *name)
{
    struct plans *plans = context;
    for (size_t i = 0; i < plans->count; i++) {
        if (strcmp(plans->relations[i].name, name) == 0) {
            return &plans->relations[i];
        }
    }
    return NULL;
}

static inline size_t plans_names(void *context, const char **names, size_t max)
{
    struct plans *plans = context;
    for (size_t i = 0; i < plans->count && i < max; i++) {
        names[i] = plans->relations[i].name;
    }
    return plans->count;
}

static inline void plans_add(struct plans *plans,
                             const char *name,
                             const char *type,
                             bool streaming,
                             const struct plan *view)
{
    struct sql_relation *relation = &plans->relations[plans->count++];
    *relation = (struct sql_relation){.name = name, .streaming = streaming, .view = view};
    if (view != NULL) {
        relation->type = view->type;
    } else {
        assert_ok(type_parse(slice_of_string(type), &plans->arena, &relation->type, &plans->error),
                  plans->error);
    }
}

static inline int plans_setup(void **state)
{
    struct plans *plans = calloc(1, sizeof(*plans));
    arena_init(&plans->arena, 0);
    plans->catalog = (struct sql_catalog){plans_find, plans_names, plans};
    plans_add(plans, "users_created",
              "struct<gender:string,name:struct<title:string,first:string,last:string>,"
              "location:struct<street:struct<number:bigint,name:string>,city:string,state:string,"
              "country:string,"
              "postcode:string,coordinates:struct<latitude:string,longitude:string>>,"
              "email:string,login:struct<uuid:string,username:string,password:string>,dob:struct<"
              "date:string,age:bigint>,"
              "registered:struct<date:string,age:bigint>,phone:string,picture:struct<large:string,"
              "medium:string>,nat:string>",
              true, NULL);
    plans_add(plans, "spark_streams.people",
              "struct<id:int,name:string,born:date,tags:array<string>,props:map<string,int>,amount:"
              "decimal(10,2)>",
              false, NULL);
    plans_add(plans, "clicks", "struct<ts:timestamp,user:string,page:string,ms:int>", true, NULL);
    *state = plans;
    return 0;
}

static inline int plans_teardown(void **state)
{
    struct plans *plans = *state;
    arena_deinit(&plans->arena);
    buffer_deinit(&plans->text);
    free(plans);
    return 0;
}

static inline struct query *plans_compile(struct plans *plans, const char *text)
{
    struct query *query = NULL;
    enum status status = sql_compile(text, &plans->catalog, &plans->options, &plans->arena, &query,
                                     &plans->offset, &plans->error);
    if (status != STATUS_OK) {
        fail_msg("%s\n%*s^\n%s (%s)", text, (int) plans->offset, "", plans->error.message,
                 plans->error.hint);
    }
    return query;
}

/* The plan of a query as text. */
static inline const char *plans_text(struct plans *plans, const char *text)
{
    const struct query *query = plans_compile(plans, text);
    buffer_clear(&plans->text);
    plan_write(query->plan, &plans->text);
    return buffer_string(&plans->text);
}

/* The query is refused at the first place of `at` in the text, with a message that holds `part`. */
static inline void
plans_refused(struct plans *plans, const char *text, const char *at, const char *part)
{
    struct query *query = NULL;
    error_clear(&plans->error);
    enum status status = sql_compile(text, &plans->catalog, &plans->options, &plans->arena, &query,
                                     &plans->offset, &plans->error);
    if (status != STATUS_CONFIG) {
        fail_msg("%s: %s", text, status_name(status));
    }
    const char *place = at == NULL ? text + strlen(text) : strstr(text, at);
    assert_non_null(place);
    if (plans->offset != (size_t) (place - text) || strstr(plans->error.message, part) == NULL) {
        fail_msg("%s\n%*s^ %s (%s)\n expected at \"%s\": %s", text, (int) plans->offset, "",
                 plans->error.message, plans->error.hint, at == NULL ? "" : at, part);
    }
}
