/*
 * Any bytes as a pipeline file: reading, replacing variables and reading settings is safe, and
 * every place in every text can be shown. (libfyaml itself leaks on some syntax errors:
 * -detect_leaks=0.)
 */

#include "base/settings.h"

#include "app/pipeline.h"
#include "base/assert.h"
#include "connectors/file/file_source.h"
#include "connectors/http/http_source.h"

#include "fuzz.h"

struct section {
    const char *text;
    int64_t duration_us;
    int64_t bytes;
    double number;
    struct setting_rate rate;
    struct setting_strings strings;
    struct setting_pairs pairs;
};

#define ROW(setting_name, setting_type, field)                                                     \
    {                                                                                              \
        .name = (setting_name), .type = (setting_type), .offset = offsetof(struct section, field), \
        .help = "help"                                                                             \
    }

static const struct setting rows[] = {
    ROW("a", SETTING_STRING, text), ROW("b", SETTING_DURATION, duration_us),
    ROW("c", SETTING_BYTES, bytes), ROW("d", SETTING_DOUBLE, number),
    ROW("e", SETTING_RATE, rate),   ROW("f", SETTING_STRINGS, strings),
    ROW("g", SETTING_PAIRS, pairs),
};

static const struct settings_table table = {"section", "help", rows, ARRAY_SIZE(rows),
                                            sizeof(struct section)};

/* Shows some places of each text; the message always names one in the document. */
static void show_places(const struct node *node)
{
    struct error error;
    (void) node_error(&error, node, "here");
    ASSERT(strncmp(error.message, "f:", 2) == 0);
    if (node->type == NODE_SCALAR) {
        ASSERT(strlen(node->text) == node->size);
        for (size_t at = 0; at <= node->size + 1; at += node->size / 8 + 1) {
            (void) node_error_at(&error, node, at, "here");
            ASSERT(strncmp(error.message, "f:", 2) == 0);
        }
    }
    for (size_t i = 0; i < node->count; i++) {
        show_places(node->items[i]);
    }
}

/* As one of the program's own sections, with what lies below. */
static void read_section(const struct settings_table *wanted, const struct node *root)
{
    struct arena arena;
    struct error error = {0};
    arena_init(&arena, 0);
    void *target = arena_alloc(&arena, wanted->struct_size);
    if (settings_read(wanted, root, &arena, target, &error) != STATUS_OK) {
        ASSERT(error.message[0] != '\0');
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct node *root;
    struct error error;
    struct section section;
    arena_init(&arena, 0);
    if (node_parse(slice_of(data, size), "f", &arena, &root, &error) == STATUS_OK) {
        show_places(root);
        if (node_expand(root, NULL, &arena, &error) == STATUS_OK) {
            show_places(root);
        }
        if (settings_read(&table, root, &arena, &section, &error) != STATUS_OK) {
            ASSERT(error.message[0] != '\0');
        }
        read_section(&pipeline_table, root);
        read_section(&http_source_settings, root);
        read_section(&file_source_settings, root);
    }
    arena_deinit(&arena);
    return 0;
}
