#include "app/data_dir.h"

#include "base/buffer.h"
#include "io/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT_TEXT "leat 1\n"

const char *data_dir_path(const char *path)
{
    if (path != NULL) {
        return path;
    }
    const char *environment = getenv("LEAT_DATA");
    return environment != NULL && environment[0] != '\0' ? environment : "./.leat";
}

const char *data_dir_file(const char *path, const char *name, char target[1200])
{
    (void) snprintf(target, 1200, "%s/%s", path, name);
    return target;
}

static enum status check_format(const char *path, struct error *error)
{
    char file[1200];
    struct buffer text = BUFFER_INIT;
    (void) data_dir_file(path, "FORMAT", file);
    if (access(file, F_OK) != 0) {
        return file_replace(file, SLICE(FORMAT_TEXT), error);
    }
    enum status status = file_load(file, 1000, &text, error);
    if (status == STATUS_OK && !slice_equal(buffer_slice(&text), SLICE(FORMAT_TEXT))) {
        status = error_set(error, STATUS_CONFIG,
                           "data directory \"%s\" has format \"%.*s\", this leat reads \"leat 1\"",
                           path, (int) (text.size > 40 ? 40 : text.size), (const char *) text.data);
        error_hint(error, "use the leat that wrote it, or another --data directory");
    }
    buffer_deinit(&text);
    return status;
}

enum status data_dir_open(const char *path, struct data_dir *ret_directory, struct error *error)
{
    struct data_dir directory = {.lock = FILE_LOCK_NONE};
    if (snprintf(directory.path, sizeof(directory.path), "%s", path) >=
        (int) sizeof(directory.path)) {
        return error_set(error, STATUS_USAGE, "the path of the data directory is too long");
    }
    char file[1200];
    TRY(directory_make(path, error));
    int64_t holder = 0;
    enum status status =
        file_lock_take(data_dir_file(path, "lock", file), &directory.lock, &holder, error);
    if (status != STATUS_OK) {
        if (status == STATUS_AGAIN) {
            (void) error_set(error, STATUS_AGAIN,
                             "data directory \"%s\" is in use by leat with pid %lld", path,
                             (long long) holder);
            error_hint(error, "stop that one, or give this one another directory with --data");
        }
        return status;
    }
    static const char *const parts[] = {"log", "state", "registry"};
    status = check_format(path, error);
    for (size_t i = 0; i < ARRAY_SIZE(parts) && status == STATUS_OK; i++) {
        status = directory_make(data_dir_file(path, parts[i], file), error);
    }
    if (status != STATUS_OK) {
        file_lock_release(&directory.lock);
        return status;
    }
    *ret_directory = directory;
    return STATUS_OK;
}

void data_dir_close(struct data_dir *directory)
{
    char file[1200];
    if (directory->lock.fd >= 0) {
        (void) unlink(data_dir_file(directory->path, "leat.json", file));
    }
    file_lock_release(&directory->lock);
}

enum status data_dir_publish(const struct data_dir *directory,
                             const struct data_dir_addresses *addresses,
                             struct error *error)
{
    char file[1200];
    struct buffer text = BUFFER_INIT;
    buffer_printf(&text, "{\"pid\":%lld,\"kafka\":", (long long) addresses->pid);
    buffer_append_json(&text, slice_of_string(addresses->kafka));
    buffer_append_string(&text, ",\"http\":");
    buffer_append_json(&text, slice_of_string(addresses->http));
    buffer_append_string(&text, ",\"registry\":");
    buffer_append_json(&text, slice_of_string(addresses->registry));
    if (addresses->http_pin[0] != '\0') {
        buffer_append_string(&text, ",\"http_pin\":");
        buffer_append_json(&text, slice_of_string(addresses->http_pin));
    }
    buffer_append_string(&text, "}\n");
    enum status status =
        file_replace(data_dir_file(directory->path, "leat.json", file), buffer_slice(&text), error);
    buffer_deinit(&text);
    return status;
}

static void take_text(const json_t *root, const char *key, char *target, size_t size)
{
    const char *text = json_string_value(json_object_get(root, key));
    (void) snprintf(target, size, "%s", text == NULL ? "" : text);
}

/* The lock says whether someone runs; leat.json may be left over from a kill. */
static bool is_locked(const char *path)
{
    char file[1200];
    struct file_lock lock = FILE_LOCK_NONE;
    if (access(data_dir_file(path, "lock", file), F_OK) != 0) {
        return false;
    }
    enum status status = file_lock_take(file, &lock, NULL, NULL);
    file_lock_release(&lock);
    return status == STATUS_AGAIN;
}

enum status
data_dir_running(const char *path, struct data_dir_addresses *ret_addresses, struct error *error)
{
    *ret_addresses = (struct data_dir_addresses){0};
    if (!is_locked(path)) {
        return STATUS_OK;
    }
    char file[1200];
    struct buffer text = BUFFER_INIT;
    enum status status = file_load(data_dir_file(path, "leat.json", file), 64 * 1024, &text, error);
    if (status != STATUS_OK) {
        buffer_deinit(&text);
        return status;
    }
    json_t *root = json_loadb((const char *) text.data, text.size, 0, NULL);
    buffer_deinit(&text);
    if (root == NULL) {
        return error_set(error, STATUS_CORRUPT, "\"%s\" is no JSON", file);
    }
    ret_addresses->pid = json_integer_value(json_object_get(root, "pid"));
    take_text(root, "kafka", ret_addresses->kafka, sizeof(ret_addresses->kafka));
    take_text(root, "http", ret_addresses->http, sizeof(ret_addresses->http));
    take_text(root, "registry", ret_addresses->registry, sizeof(ret_addresses->registry));
    take_text(root, "http_pin", ret_addresses->http_pin, sizeof(ret_addresses->http_pin));
    json_decref(root);
    return STATUS_OK;
}

void data_dir_token(const char *path, char *target)
{
    char file[1200];
    struct error ignored;
    struct buffer text = BUFFER_INIT;
    target[0] = '\0';
    if (file_load(data_dir_file(path, "token", file), DATA_DIR_TOKEN_BYTES - 1, &text, &ignored) ==
        STATUS_OK) {
        const char *token = buffer_string(&text);
        (void) snprintf(target, DATA_DIR_TOKEN_BYTES, "%.*s", (int) strcspn(token, "\n"), token);
    }
    buffer_deinit(&text);
}
