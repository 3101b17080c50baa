/* "engines.json" of a data directory: the profile that `leat up` ran with, for other commands. */

#include "app/data_dir.h"
#include "app/roles.h"
#include "base/buffer.h"
#include "io/file.h"

#include <jansson.h>
#include <stddef.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256 * 1024)

/* Texts of a profile, by their name in the file. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"staging", offsetof(struct profile_settings, staging)},
    {"log", offsetof(struct profile_settings, log)},
    {"schemas", offsetof(struct profile_settings, schemas)},
    {"processing", offsetof(struct profile_settings, processing)},
    {"checkpoints", offsetof(struct profile_settings, checkpoints)},
    {"coordination", offsetof(struct profile_settings, coordination)},
};

static void append_pairs(struct buffer *out, const char *name, const struct setting_pairs *pairs)
{
    buffer_printf(out, "\"%s\":{", name);
    for (size_t i = 0; i < pairs->count; i++) {
        buffer_append_string(out, i == 0 ? "" : ",");
        buffer_append_json(out, slice_of_string(pairs->items[i].name));
        buffer_append_string(out, ":");
        buffer_append_json(out, slice_of_string(pairs->items[i].value));
    }
    buffer_append_string(out, "}");
}

static void append_profile(struct buffer *out, const struct profile_settings *profile)
{
    buffer_append_string(out, "{");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const char *text = *(const char *const *) ((const char *) profile + texts[i].offset);
        if (text != NULL) {
            buffer_printf(out, "\"%s\":", texts[i].name);
            buffer_append_json(out, slice_of_string(text));
            buffer_append_string(out, ",");
        }
    }
    if (profile->storage != NULL) {
        buffer_append_string(out, "\"storage\":{\"url\":");
        buffer_append_json(out, slice_of_string(profile->storage->url));
        buffer_append_string(out, ",");
        append_pairs(out, "replication", &profile->storage->replication);
        buffer_append_string(out, "},");
    }
    append_pairs(out, "log_settings", &profile->log_settings);
    buffer_append_string(out, ",");
    append_pairs(out, "processing_settings", &profile->processing_settings);
    buffer_append_string(out, "}\n");
}

enum status
roles_save(const struct profile_settings *profile, const char *data, struct error *error)
{
    char file[1200];
    data_dir_file(data, "engines.json", file);
    if (profile == NULL) {
        return file_remove(file, error);
    }
    struct buffer text = BUFFER_INIT;
    append_profile(&text, profile);
    enum status status = file_replace_private(file, buffer_slice(&text), error);
    buffer_deinit(&text);
    return status;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void take_pairs(const json_t *object, struct arena *arena, struct setting_pairs *ret_pairs)
{
    const char *name;
    json_t *value;
    ret_pairs->items = ARENA_ARRAY(arena, struct setting_pair, json_object_size(object) + 1);
    json_object_foreach((json_t *) (uintptr_t) object, name, value)
    {
        ret_pairs->items[ret_pairs->count++] = (struct setting_pair){
            .name = arena_strdup(arena, name),
            .value = arena_strdup(arena, json_string_value(value)),
        };
    }
}

static const char *take_text(const json_t *object, const char *name, struct arena *arena)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static void take_profile(const json_t *root, struct arena *arena, struct profile_settings *profile)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *(const char **) ((char *) profile + texts[i].offset) =
            take_text(root, texts[i].name, arena);
    }
    const json_t *storage = json_object_get(root, "storage");
    if (storage != NULL) {
        profile->storage = ARENA_NEW(arena, struct storage_settings);
        profile->storage->url = take_text(storage, "url", arena);
        take_pairs(json_object_get(storage, "replication"), arena, &profile->storage->replication);
    }
    take_pairs(json_object_get(root, "log_settings"), arena, &profile->log_settings);
    take_pairs(json_object_get(root, "processing_settings"), arena, &profile->processing_settings);
}

enum status roles_load(const char *data,
                       struct arena *arena,
                       const struct profile_settings **ret_profile,
                       struct error *error)
{
    char file[1200];
    *ret_profile = NULL;
    if (access(data_dir_file(data, "engines.json", file), F_OK) != 0) {
        return STATUS_OK;
    }
    struct buffer text = BUFFER_INIT;
    enum status status = file_load(file, FILE_BYTES_MAX, &text, error);
    if (status == STATUS_OK) {
        json_t *root = json_loadb((const char *) text.data, text.size, 0, NULL);
        if (root == NULL) {
            status = error_set(error, STATUS_CORRUPT, "\"%s\" is no JSON", file);
        } else {
            struct profile_settings *profile = ARENA_NEW(arena, struct profile_settings);
            take_profile(root, arena, profile);
            *ret_profile = profile;
            json_decref(root);
        }
    }
    buffer_deinit(&text);
    return status;
}
