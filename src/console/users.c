#include "console/users.h"

#include "base/attr.h"
#include "base/buffer.h"
#include "base/time_text.h"
#include "io/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t) 4 << 20)
#define WORDS          5

static const char *const role_names[] = {"anyone", "viewer", "operator", "admin"};

const char *console_role_name(enum console_role role)
{
    return role_names[role];
}

enum status console_role_parse(const char *text, enum console_role *ret_role, struct error *error)
{
    for (size_t i = CONSOLE_VIEWER; i < ARRAY_SIZE(role_names); i++) {
        if (strcmp(role_names[i], text) == 0) {
            *ret_role = (enum console_role) i;
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_CONFIG,
                     "there is no role \"%s\"; there are viewer, operator and admin", text);
}

bool users_name_is_fine(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (isalnum((unsigned char) name[i]) == 0 && strchr("._-@", name[i]) == NULL) {
            return false;
        }
    }
    return size > 0 && size < USER_NAME_BYTES;
}

const struct users_entry *users_find(const struct users *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->entries[i].name, name) == 0) {
            return &users->entries[i];
        }
    }
    return NULL;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* The words of a line, NULL where there are fewer; those after the last are counted. */
static size_t split(char *line, const char *words[WORDS])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r", &rest)) {
        if (count < WORDS) {
            words[count] = word;
        }
        count++;
    }
    return count;
}

static enum status
read_entry(const char *words[WORDS], struct users_entry *ret_entry, struct error *error)
{
    const bool token = strcmp(words[0], "token") == 0;
    if (!token && strcmp(words[0], "user") != 0) {
        return error_set(error, STATUS_CONFIG, "\"%s\" is neither user nor token", words[0]);
    }
    if (!users_name_is_fine(words[1])) {
        return error_set(error, STATUS_CONFIG, "\"%s\" is no name", words[1]);
    }
    *ret_entry = (struct users_entry){.name = words[1], .hash = words[4], .token = token};
    TRY(console_role_parse(words[2], &ret_entry->role, error));
    if (strcmp(words[3], "-") != 0) {
        TRY(time_parse(slice_of_string(words[3]), &ret_entry->until_us, error));
    }
    const char *form = token ? "sha256:" : "$argon2id$";
    if (strncmp(words[4], form, strlen(form)) != 0) {
        return error_set(error, STATUS_CONFIG, "the hash of a %s begins with %s", words[0], form);
    }
    return STATUS_OK;
}

static enum status read_line(char *line, struct users *users, struct error *error)
{
    const char *words[WORDS] = {NULL};
    size_t count = split(line, words);
    if (count == 0 || words[0][0] == '#') {
        return STATUS_OK;
    }
    if (count != WORDS) {
        return error_set(error, STATUS_CONFIG, "%zu words instead of kind, name, role, until, hash",
                         count);
    }
    struct users_entry entry;
    TRY(read_entry(words, &entry, error));
    if (users_find(users, entry.name) != NULL) {
        return error_set(error, STATUS_CONFIG, "\"%s\" is there twice", entry.name);
    }
    users->entries[users->count++] = entry;
    return STATUS_OK;
}

enum status
users_parse(struct slice text, const char *path, struct users *ret_users, struct error *error)
{
    struct users users = {0};
    size_t lines = 1;
    int number = 0;
    for (size_t i = 0; i < text.size; i++) {
        lines += text.data[i] == '\n';
    }
    arena_init(&users.arena, 0);
    users.entries = ARENA_ARRAY(&users.arena, struct users_entry, lines);
    char *rest = arena_string(&users.arena, text);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (read_line(line, &users, error) != STATUS_OK) {
            error_context(error, "%s:%d", path, number);
            arena_deinit(&users.arena);
            return error->status = STATUS_CONFIG;
        }
    }
    *ret_users = users;
    return STATUS_OK;
}

enum status users_load(const char *path, struct users *ret_users, struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    enum status status = file_load(path, FILE_BYTES_MAX, &text, error);
    if (status != STATUS_OK) {
        error_context(error, "users file");
        return error->status = STATUS_CONFIG;
    }
    return users_parse(buffer_slice(&text), path, ret_users, error);
}

void users_free(struct users *users)
{
    arena_deinit(&users->arena);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void write_entry(const struct users_entry *entry, struct buffer *target)
{
    char until[TIME_TEXT_BYTES] = "-";
    if (entry->until_us != 0) {
        (void) time_format(entry->until_us, until);
    }
    buffer_printf(target, "%s %s %s %s %s\n", entry->token ? "token" : "user", entry->name,
                  console_role_name(entry->role), until, entry->hash);
}

static bool line_names(const char *line, const char *name)
{
    char copy[512];
    const char *words[WORDS] = {NULL};
    (void) snprintf(copy, sizeof(copy), "%s", line);
    return split(copy, words) > 1 && words[0][0] != '#' && strcmp(words[1], name) == 0;
}

enum status users_change(const char *path,
                         const char *name,
                         const struct users_entry *entry,
                         struct error *error)
{
    CLEANUP(buffer_deinit) struct buffer old = BUFFER_INIT;
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    struct users users;
    bool found = false;
    if (access(path, F_OK) == 0) {
        TRY(file_load(path, FILE_BYTES_MAX, &old, error));
        TRY(users_parse(buffer_slice(&old), path, &users, error));
        users_free(&users);
    } else if (entry != NULL) {
        buffer_append_string(&old, "# leat's users: kind, name, role, until, hash\n");
    }
    char *rest = old.size == 0 ? NULL : (char *) (uintptr_t) buffer_string(&old);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        bool same = line_names(line, name);
        found = found || same;
        if (!same && !(rest == NULL && line[0] == '\0')) {
            buffer_printf(&text, "%s\n", line);
        }
    }
    if (entry == NULL && !found) {
        return error_set(error, STATUS_NOT_FOUND, "%s has no \"%s\"", path, name);
    }
    if (entry != NULL) {
        write_entry(entry, &text);
    }
    return file_replace_private(path, buffer_slice(&text), error);
}
