#include "base/node_internal.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SECRET_BYTES_MAX ((size_t) 65536)
#define NAME_BYTES_MAX   ((size_t) 128)

struct expansion {
    struct node *node;
    const char *secrets_dir;
    bool known_only; /* what has no value here stays as it is */
    struct arena *arena;
    struct error *error;
    struct buffer text; /* the new text */
    struct node_edit *edits;
    size_t edit_count;
    size_t edit_capacity;
};

static bool is_name(struct slice name, const char *also)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (!isalnum(byte) && byte != '_' && (byte == '\0' || strchr(also, byte) == NULL)) {
            return false;
        }
    }
    return name.size > 0 && name.size <= NAME_BYTES_MAX && !isdigit(name.data[0]);
}

/* ---- secrets ------------------------------------------------------------------------------ */

/* Reads a whole small file; its last line break does not count. False if it does not exist. */
static enum status
read_secret_file(struct expansion *expansion, const char *path, size_t at, bool *ret_found)
{
    *ret_found = false;
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT) {
        return STATUS_OK;
    }
    if (file == NULL) {
        return node_error_at(expansion->error, expansion->node, at,
                             "could not read the secret from \"%s\": %s", path, strerror(errno));
    }
    struct buffer *text = &expansion->text;
    uint8_t *target = buffer_reserve(text, SECRET_BYTES_MAX + 1);
    size_t size = fread(target, 1, SECRET_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    (void) fclose(file);
    if (failed || size > SECRET_BYTES_MAX || !utf8_valid(target, size) ||
        memchr(target, '\0', size) != NULL) {
        return node_error_at(expansion->error, expansion->node, at,
                             "the secret in \"%s\" is not text of at most %zu bytes", path,
                             SECRET_BYTES_MAX);
    }
    if (size > 0 && target[size - 1] == '\n') {
        size--;
    }
    if (size > 0 && target[size - 1] == '\r') {
        size--;
    }
    text->size += size;
    *ret_found = true;
    return STATUS_OK;
}

static enum status append_secret(struct expansion *expansion, struct slice name, size_t at)
{
    if (!is_name(name, "-")) {
        return node_error_at(expansion->error, expansion->node, at,
                             "\"%.*s\" is not a secret's name (letters, digits, \"_\" and \"-\")",
                             SLICE_FORMAT(name));
    }
    expansion->node->secret = true;
    if (expansion->secrets_dir != NULL) {
        const char *path =
            arena_printf(expansion->arena, "%s/%.*s", expansion->secrets_dir, SLICE_FORMAT(name));
        bool found;
        TRY(read_secret_file(expansion, path, at, &found));
        if (found) {
            return STATUS_OK;
        }
    }
    char *variable = arena_printf(expansion->arena, "LEAT_SECRET_%.*s", SLICE_FORMAT(name));
    for (char *c = variable; *c != '\0'; c++) {
        *c = *c == '-' ? '_' : (char) toupper((unsigned char) *c);
    }
    const char *value = getenv(variable);
    if (value == NULL || !utf8_valid((const uint8_t *) value, strlen(value))) {
        (void) node_error_at(expansion->error, expansion->node, at,
                             value == NULL ? "secret \"%.*s\" is not set"
                                           : "secret \"%.*s\" is not valid UTF-8",
                             SLICE_FORMAT(name));
        error_hint(expansion->error,
                   "put it into the file \"%s/%.*s\" or the environment variable %s",
                   expansion->secrets_dir == NULL ? "SECRETS-DIRECTORY" : expansion->secrets_dir,
                   SLICE_FORMAT(name), variable);
        return STATUS_CONFIG;
    }
    buffer_append_string(&expansion->text, value);
    return STATUS_OK;
}

/* ---- variables ---------------------------------------------------------------------------- */

static enum status append_variable(struct expansion *expansion,
                                   struct slice name,
                                   const struct slice *fallback,
                                   size_t at,
                                   bool *ret_stays)
{
    const char *value = getenv(arena_string(expansion->arena, name));
    if (value != NULL && !utf8_valid((const uint8_t *) value, strlen(value))) {
        return node_error_at(expansion->error, expansion->node, at,
                             "environment variable \"%.*s\" is not valid UTF-8",
                             SLICE_FORMAT(name));
    }
    if (fallback != NULL && (value == NULL || *value == '\0')) {
        buffer_append_slice(&expansion->text, *fallback);
        return STATUS_OK;
    }
    if (value == NULL && expansion->known_only) {
        *ret_stays = true;
        return STATUS_OK;
    }
    if (value == NULL) {
        (void) node_error_at(expansion->error, expansion->node, at,
                             "environment variable \"%.*s\" is not set", SLICE_FORMAT(name));
        error_hint(expansion->error, "set it, or give a default: ${%.*s:-value}",
                   SLICE_FORMAT(name));
        return STATUS_CONFIG;
    }
    buffer_append_string(&expansion->text, value);
    return STATUS_OK;
}

/* `inside`: what stands between the braces of "${...}" at `at`. */
static enum status
append_reference(struct expansion *expansion, struct slice inside, size_t at, bool *ret_stays)
{
    const struct slice prefix = SLICE("secret:");
    *ret_stays = false;
    if (inside.size > prefix.size && memcmp(inside.data, prefix.data, prefix.size) == 0) {
        *ret_stays = expansion->known_only;
        return expansion->known_only
                   ? STATUS_OK
                   : append_secret(expansion,
                                   slice_of(inside.data + prefix.size, inside.size - prefix.size),
                                   at);
    }
    struct slice name = inside;
    struct slice fallback;
    const uint8_t *colon = memmem(inside.data, inside.size, ":-", 2);
    if (colon != NULL) {
        name.size = (size_t) (colon - inside.data);
        fallback = slice_of(colon + 2, inside.size - name.size - 2);
        if (memmem(fallback.data, fallback.size, "${", 2) != NULL) {
            return node_error_at(expansion->error, expansion->node, at,
                                 "a default cannot hold another \"${\"");
        }
    }
    if (colon == NULL && is_name(name, ".") && memchr(name.data, '.', name.size) != NULL) {
        *ret_stays = true; /* a template of a later stage */
        return STATUS_OK;
    }
    if (!is_name(name, "")) {
        (void) node_error_at(
            expansion->error, expansion->node, at, "\"${%.*s}\" names no environment variable",
            (int) (inside.size < 64 ? inside.size : 64), (const char *) inside.data);
        error_hint(expansion->error, "write $${ for a plain ${");
        return STATUS_CONFIG;
    }
    return append_variable(expansion, name, colon == NULL ? NULL : &fallback, at, ret_stays);
}

static void
remember_edit(struct expansion *expansion, size_t at, size_t parsed_at, size_t parsed_size)
{
    if (expansion->edit_count == expansion->edit_capacity) {
        size_t capacity = expansion->edit_capacity == 0 ? 4 : expansion->edit_capacity * 2;
        expansion->edits = arena_grow(expansion->arena, expansion->edits,
                                      expansion->edit_count * sizeof(*expansion->edits),
                                      capacity * sizeof(*expansion->edits));
        expansion->edit_capacity = capacity;
    }
    expansion->edits[expansion->edit_count++] =
        (struct node_edit){at, expansion->text.size - at, parsed_at, parsed_size};
}

/* Reads the text from left to right; what was put in is not looked at again. */
static enum status expand_text(struct expansion *expansion)
{
    struct slice text = slice_of(expansion->node->text, expansion->node->size);
    size_t i = 0;
    while (i < text.size) {
        const uint8_t *dollar = memchr(text.data + i, '$', text.size - i);
        size_t plain = dollar == NULL ? text.size - i : (size_t) (dollar - text.data) - i;
        buffer_append(&expansion->text, text.data + i, plain);
        i += plain;
        size_t left = text.size - i;
        if (left >= 3 && memcmp(text.data + i, "$${", 3) == 0) {
            size_t at = expansion->text.size;
            buffer_append_string(&expansion->text, "${");
            remember_edit(expansion, at, i, 3);
            i += 3;
        } else if (left >= 2 && text.data[i + 1] == '{') {
            const uint8_t *end = memchr(text.data + i, '}', left);
            if (end == NULL) {
                return node_error_at(expansion->error, expansion->node, i,
                                     "\"${\" without its \"}\"");
            }
            size_t size = (size_t) (end - text.data) - i + 1;
            size_t at = expansion->text.size;
            bool stays;
            TRY(append_reference(expansion, slice_of(text.data + i + 2, size - 3), i, &stays));
            if (stays) {
                buffer_append(&expansion->text, text.data + i, size);
            } else {
                remember_edit(expansion, at, i, size);
            }
            i += size;
        } else if (left > 0) {
            buffer_append_byte(&expansion->text, '$');
            i++;
        }
    }
    return STATUS_OK;
}

static enum status expand_scalar(struct node *node, const struct expansion *how)
{
    if (strstr(node->text, "${") == NULL) {
        return STATUS_OK;
    }
    struct expansion expansion = *how;
    expansion.node = node;
    buffer_init(&expansion.text);
    enum status status = expand_text(&expansion);
    if (status == STATUS_OK) {
        bool is_one = expansion.edit_count == 1 && expansion.edits[0].parsed_size == node->size;
        node->quoted = node->quoted && !is_one;
        node->text = arena_string(expansion.arena, buffer_slice(&expansion.text));
        node->size = expansion.text.size;
        if (node->origin != NULL) {
            node->origin->edits = expansion.edits;
            node->origin->edit_count = expansion.edit_count;
        }
    }
    buffer_deinit(&expansion.text);
    return status;
}

static enum status expand(struct node *node, const struct expansion *how)
{
    if (node->type == NODE_SCALAR) {
        return expand_scalar(node, how);
    }
    for (size_t i = 0; i < node->count; i++) {
        TRY(expand(node->items[i], how));
    }
    return STATUS_OK;
}

enum status
node_expand(struct node *node, const char *secrets_dir, struct arena *arena, struct error *error)
{
    return expand(node,
                  &(struct expansion){.secrets_dir = secrets_dir, .arena = arena, .error = error});
}

enum status node_expand_known(struct node *node, struct arena *arena, struct error *error)
{
    return expand(node, &(struct expansion){.known_only = true, .arena = arena, .error = error});
}
