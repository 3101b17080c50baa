#include "orchestrate/airflow_text.h"

#include "base/time_text.h"
#include "orchestrate/template.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void python_string(struct buffer *target, const char *text)
{
    buffer_append_json(target, slice_of_string(text)); /* escapes of JSON are Python's, too */
}

void python_duration(struct buffer *target, int64_t us)
{
    if (us % US_PER_SECOND == 0) {
        buffer_printf(target, "timedelta(seconds=%" PRId64 ")", us / US_PER_SECOND);
    } else {
        buffer_printf(target, "timedelta(microseconds=%" PRId64 ")", us);
    }
}

void python_time(struct buffer *target, int64_t us)
{
    int64_t days = us / US_PER_DAY - (us % US_PER_DAY < 0);
    int64_t second = (us - days * US_PER_DAY) / US_PER_SECOND;
    int64_t year;
    unsigned month;
    unsigned day;
    civil_from_days(days, &year, &month, &day);
    buffer_printf(target, "pendulum.datetime(%" PRId64 ", %u, %u", year, month, day);
    if (second != 0) {
        buffer_printf(target, ", %d, %d, %d", (int) (second / 3600), (int) (second / 60 % 60),
                      (int) (second % 60));
    }
    buffer_append_string(target, ", tz=\"UTC\")");
}

const char *python_name(struct arena *arena, const char *name)
{
    char *word = arena_printf(arena, "task_%s", name);
    for (char *c = word; *c != '\0'; c++) {
        *c = isalnum((unsigned char) *c) ? *c : '_';
    }
    return word;
}

const char *shell_word(struct arena *arena, const char *word)
{
    struct buffer quoted = BUFFER_INIT;
    buffer_append_byte(&quoted, '\'');
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            buffer_append_string(&quoted, "'\\''");
        } else {
            buffer_append_byte(&quoted, (uint8_t) *c);
        }
    }
    buffer_append_byte(&quoted, '\'');
    const char *text = arena_strdup(arena, buffer_string(&quoted));
    buffer_deinit(&quoted);
    return text;
}

/* ---- templates ---------------------------------------------------------------------------------
 */

struct translation {
    const char *dag;
    const char *missing; /* what Airflow has nothing for */
};

/* `at` and `day` are functions of the file. */
static const char *look_up(void *context, const char *name, struct arena *arena)
{
    static const struct {
        const char *name, *jinja;
    } plain[] = {
        {"interval.start", "{{ at(data_interval_start) }}"},
        {"interval.end", "{{ at(data_interval_end) }}"},
        {"interval.date", "{{ at(data_interval_start)[:10] }}"},
        {"run.id", "{{ run_id }}"},
        {"run.key", "{{ run_id }}"},
        {"task.name", "{{ task.task_id }}"},
        {"task.try", "{{ ti.try_number }}"},
    };

    struct translation *translation = context;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (strcmp(name, plain[i].name) == 0) {
            return plain[i].jinja;
        }
    }
    if (strcmp(name, "dag.name") == 0) {
        return translation->dag;
    }
    if (strncmp(name, "params.", 7) == 0) {
        return arena_printf(arena, "{{ params.%s }}", name + 7);
    }
    const char *dot = strrchr(name, '.');
    if (strncmp(name, "tasks.", 6) == 0 && strcmp(dot, ".output") == 0) {
        return arena_printf(arena, "{{ ti.xcom_pull(task_ids='%.*s') }}", (int) (dot - name - 6),
                            name + 6);
    }
    translation->missing = arena_strdup(arena, name);
    return "";
}

/* "{{", "{%" and "{#" of the text itself. */
static const char *literal(const char *text, struct arena *arena)
{
    struct buffer target = BUFFER_INIT;
    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '{' && c[1] != '\0' && strchr("{%#", c[1]) != NULL) {
            buffer_printf(&target, "{{ '{%c' }}", c[1]);
            c++;
        } else {
            buffer_append_byte(&target, (uint8_t) *c);
        }
    }
    const char *found = arena_strdup(arena, buffer_string(&target));
    buffer_deinit(&target);
    return found;
}

enum status jinja_text(const char *text,
                       const char *dag,
                       struct arena *arena,
                       const char **ret_text,
                       struct error *error)
{
    struct translation translation = {.dag = dag};
    TRY(template_expand(literal(text, arena), look_up, &translation, arena, ret_text, error));
    if (translation.missing != NULL) {
        return error_set(error, STATUS_CONFIG, "Airflow has nothing for ${%s}",
                         translation.missing);
    }
    return STATUS_OK;
}
