#include "app/pipeline.h"

#include "console/alert_rules.h"
#include "io/file.h"

#include <stdlib.h>
#include <sys/stat.h>

const char *pipeline_file(const struct pipeline *pipeline, const char *name)
{
    if (name[0] == '/' || strcmp(pipeline->directory, ".") == 0) {
        return name;
    }
    return arena_printf(pipeline->arena, "%s/%s", pipeline->directory, name);
}

enum status batch_records_parse(const char *text, int64_t *ret_records, struct error *error)
{
    *ret_records = 0;
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end;
    long long records = strtoll(text, &end, 10);
    if (end == text || records < 1 || records > 10000000 ||
        (*end != '\0' && strcmp(end, " records") != 0)) {
        return error_set(error, STATUS_CONFIG,
                         "\"%s\" is no batch size; write it as \"1000 records\"", text);
    }
    *ret_records = records;
    return STATUS_OK;
}

static const char *directory_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : arena_printf(arena, "%.*s", (int) (slash - path), path);
}

static const char *const set_sections[] = {"sources", "streams", "sinks", "dags", "profiles"};

/* The first word of a path; *ret_rest is what follows its dot. */
static const char *first_word(struct arena *arena, const char *path, const char **ret_rest)
{
    size_t length = strcspn(path, ".");
    *ret_rest = path[length] == '.' ? path + length + 1 : path + length;
    return arena_printf(arena, "%.*s", (int) length, path);
}

/* "--set random_users.schedule=..." names a source, stream or sink; longer paths are taken whole.
 * NULL: the file has none of that name. */
static const char *set_path(struct node *root, const char *name, struct arena *arena)
{
    const char *rest;
    const char *first = first_word(arena, name, &rest);
    for (size_t i = 0; i < ARRAY_SIZE(set_sections); i++) {
        const struct node *section = node_get(root, set_sections[i]);
        if (strcmp(first, set_sections[i]) == 0) {
            return node_get(section, first_word(arena, rest, &rest)) == NULL ? NULL : name;
        }
        if (node_get(section, first) != NULL) {
            return arena_printf(arena, "%s.%s", set_sections[i], name);
        }
    }
    return node_get(root, first) == NULL ? NULL : name;
}

static enum status set_unknown(const char *assignment, struct error *error)
{
    (void) error_set(error, STATUS_USAGE, "--set %s: no file has \"%.*s\"", assignment,
                     (int) strcspn(assignment, ".="), assignment);
    error_hint(error, "write it as source.setting=value, or with the whole path from the top");
    return STATUS_USAGE;
}

static enum status apply_set(struct node *root,
                             const char *assignment,
                             struct arena *arena,
                             bool *ret_used,
                             struct error *error)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL) {
        return error_set(error, STATUS_USAGE, "--set %s: write it as source.setting=value",
                         assignment);
    }
    char *name = arena_printf(arena, "%.*s", (int) (equals - assignment), assignment);
    const char *path = set_path(root, name, arena);
    *ret_used = path != NULL;
    return path == NULL ? STATUS_OK : node_set_path(root, path, equals + 1, arena, error);
}

static enum status apply_all_sets(struct pipeline *pipeline,
                                  const struct pipeline_options *options,
                                  struct error *error)
{
    for (size_t i = 0; i < options->set_count; i++) {
        bool used;
        TRY(apply_set(pipeline->root, options->set[i], pipeline->arena, &used, error));
        if (options->set_used != NULL) {
            options->set_used[i] = options->set_used[i] || used;
        } else if (!used) {
            return set_unknown(options->set[i], error);
        }
    }
    return STATUS_OK;
}

enum status pipeline_check_set(const char *const *set,
                               size_t set_count,
                               const bool *set_used,
                               struct error *error)
{
    for (size_t i = 0; i < set_count; i++) {
        if (!set_used[i]) {
            return set_unknown(set[i], error);
        }
    }
    return STATUS_OK;
}

/* A profile's `set` goes into the tree before it is read, so that every check sees the result. */
static enum status
apply_profile(struct node *root, const char *profile, struct arena *arena, struct error *error)
{
    const struct node *profiles = node_get(root, "profiles");
    const struct node *chosen = node_get(profiles, profile);
    if (chosen == NULL) {
        const char *names[32];
        size_t count = 0;
        for (size_t i = 0; profiles != NULL && i < profiles->count && count < 32; i++) {
            names[count++] = profiles->items[i]->key;
        }
        (void) error_set(error, STATUS_CONFIG, "the file has no profile \"%s\"", profile);
        const char *nearest = nearest_word(profile, names, count);
        if (nearest != NULL) {
            error_hint(error, "did you mean \"%s\"?", nearest);
        }
        return STATUS_CONFIG;
    }
    const struct node *set = node_get(chosen, "set");
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct node *item = set->items[i];
        if (item->type != NODE_SCALAR) {
            return node_error(error, item, "write the value as one text");
        }
        TRY(node_set_path(root, item->key, item->text, arena, error));
    }
    return STATUS_OK;
}

static enum status check_name(const struct pipeline *pipeline, struct error *error)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t length = strlen(pipeline->name);
    if (length == 0 || length > 100 || strspn(pipeline->name, allowed) != length) {
        return node_error(error, node_get(pipeline->root, "pipeline"),
                          "\"%s\" is no name; use at most 100 letters, digits, _ and -",
                          pipeline->name);
    }
    return STATUS_OK;
}

static enum status
read_tree(struct pipeline *pipeline, const struct pipeline_options *options, struct error *error)
{
    struct pipeline read;
    TRY(settings_read(&pipeline_table, pipeline->root, pipeline->arena, &read, error));
    read.path = pipeline->path;
    read.directory = pipeline->directory;
    read.root = pipeline->root;
    read.arena = pipeline->arena;
    *pipeline = read;
    for (size_t i = 0; options->profile != NULL && i < read.profiles.count; i++) {
        if (strcmp(read.profiles.items[i].name, options->profile) == 0) {
            pipeline->profile = read.profiles.items[i].value;
        }
    }
    return check_name(pipeline, error);
}

enum status pipeline_load(const char *path,
                          const struct pipeline_options *options,
                          struct arena *arena,
                          struct pipeline **ret_pipeline,
                          struct error *error)
{
    struct pipeline *pipeline = ARENA_NEW(arena, struct pipeline);
    pipeline->path = arena_strdup(arena, path);
    pipeline->directory = directory_of(arena, path);
    pipeline->arena = arena;
    TRY(node_load(path, arena, &pipeline->root, error));
    if (options->profile != NULL) {
        TRY(apply_profile(pipeline->root, options->profile, arena, error));
    }
    TRY(apply_all_sets(pipeline, options, error));
    TRY(options->structure_only ? node_expand_known(pipeline->root, arena, error)
                                : node_expand(pipeline->root, options->secrets_dir, arena, error));
    TRY(read_tree(pipeline, options, error));
    if (pipeline->alerts != NULL && !options->structure_only &&
        alerts_check(pipeline->alerts, error) != STATUS_OK) {
        error_context(error, "%s", path);
        return error->status;
    }
    *ret_pipeline = pipeline;
    return STATUS_OK;
}

struct file_list {
    struct arena *arena;
    const char *directory;
    const char **files;
    size_t count;
};

static void list_add(struct file_list *list, const char *file)
{
    size_t bytes = list->count * sizeof(*list->files);
    list->files = arena_grow(list->arena, list->files, bytes, bytes + sizeof(*list->files));
    list->files[list->count++] = file;
}

static enum status visit_file(void *context, const char *name, struct error *error)
{
    (void) error;
    struct file_list *list = context;
    const char *dot = strrchr(name, '.');
    if (dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0)) {
        list_add(list, arena_printf(list->arena, "%s/%s", list->directory, name));
    }
    return STATUS_OK;
}

enum status pipeline_files(const char *const *arguments,
                           size_t count,
                           struct arena *arena,
                           const char *const **ret_files,
                           size_t *ret_count,
                           struct error *error)
{
    struct file_list list = {.arena = arena};
    for (size_t i = 0; i < count; i++) {
        struct stat about;
        if (stat(arguments[i], &about) != 0 || !S_ISDIR(about.st_mode)) {
            list_add(&list, arguments[i]);
            continue;
        }
        size_t before = list.count;
        list.directory = arguments[i];
        TRY(directory_list(arguments[i], visit_file, &list, error));
        if (list.count == before) {
            return error_set(error, STATUS_CONFIG, "directory \"%s\" holds no *.yaml file",
                             arguments[i]);
        }
    }
    *ret_files = list.files;
    *ret_count = list.count;
    return STATUS_OK;
}
