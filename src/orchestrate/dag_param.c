#include "base/time_text.h"
#include "orchestrate/dag.h"

#include <stdlib.h>
#include <string.h>

static bool fits_type(int type, const char *value)
{
    char *end;
    int64_t time_us;
    struct error ignored;
    switch ((enum dag_param_type) type) {
    case PARAM_STRING:
        return true;
    case PARAM_INT:
        (void) strtoll(value, &end, 10);
        return end != value && *end == '\0';
    case PARAM_NUMBER:
        (void) strtod(value, &end);
        return end != value && *end == '\0';
    case PARAM_BOOL:
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    case PARAM_TIME:
        return time_parse(slice_of_string(value), &time_us, &ignored) == STATUS_OK;
    }
    return false;
}

enum status dag_param_check(const char *name,
                            const struct dag_param *param,
                            const char *value,
                            struct error *error)
{
    static const char *const words[] = {"a text", "a whole number", "a number", "true or false",
                                        "a time"};
    if (!fits_type(param->type, value)) {
        return error_set(error, STATUS_DATA, "parameter \"%s\": \"%s\" is not %s", name, value,
                         words[param->type]);
    }
    bool fine = param->choices.count == 0;
    for (size_t i = 0; i < param->choices.count; i++) {
        fine = fine || strcmp(param->choices.items[i], value) == 0;
    }
    return fine ? STATUS_OK
                : error_set(error, STATUS_DATA, "parameter \"%s\": \"%s\" is none of its choices",
                            name, value);
}
