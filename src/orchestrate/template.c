#include "orchestrate/template.h"

#include "base/buffer.h"

#include <ctype.h>
#include <string.h>

#define NAME_BYTES_MAX 200

static const char *const roots[] = {"interval.", "run.", "dag.", "task.", "params.", "tasks."};

/* The name of the template that begins at `at`, or false if it is something else. */
static bool name_at(const char *at, char name[NAME_BYTES_MAX])
{
    size_t length = strcspn(at + 2, "}");
    if (at[2 + length] != '}' || length == 0 || length >= NAME_BYTES_MAX) {
        return false;
    }
    memcpy(name, at + 2, length);
    name[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char) name[i]) && name[i] != '_' && name[i] != '.') {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        if (strncmp(name, roots[i], strlen(roots[i])) == 0) {
            return true;
        }
    }
    return false;
}

enum status template_visit(
    const char *text,
    enum status (*visit)(void *context, const char *name, size_t at, struct error *error),
    void *context,
    struct error *error)
{
    char name[NAME_BYTES_MAX];
    for (const char *at = strstr(text, "${"); at != NULL; at = strstr(at + 2, "${")) {
        if (name_at(at, name)) {
            TRY(visit(context, name, (size_t) (at - text), error));
        }
    }
    return STATUS_OK;
}

enum status template_expand(const char *text,
                            template_lookup *lookup,
                            void *context,
                            struct arena *arena,
                            const char **ret_text,
                            struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer target = BUFFER_INIT;
    char name[NAME_BYTES_MAX];
    const char *at = text;
    for (const char *next = strstr(at, "${"); next != NULL; next = strstr(next, "${")) {
        if (!name_at(next, name)) {
            next += 2;
            continue;
        }
        const char *value = lookup(context, name, arena);
        if (value == NULL) {
            return error_set(error, STATUS_DATA, "${%s} has no value in this run", name);
        }
        buffer_append(&target, at, (size_t) (next - at));
        buffer_append_string(&target, value);
        next += strlen(name) + 3;
        at = next;
    }
    buffer_append_string(&target, at);
    *ret_text = arena_string(arena, buffer_slice(&target));
    return STATUS_OK;
}
