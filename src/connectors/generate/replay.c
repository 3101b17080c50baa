#include "connectors/generate/replay.h"

#include "base/memory.h"
#include "io/file.h"

#include <string.h>

struct loading {
    struct replay *replay;
    const char *directory;
};

static enum status load_page(void *context, const char *name, struct error *error)
{
    struct loading *loading = context;
    struct replay *replay = loading->replay;
    size_t size = strlen(name);
    if (size < 5 || strcmp(name + size - 5, ".json") != 0) {
        return STATUS_OK;
    }
    if (replay->count == replay->capacity) {
        replay->capacity = replay->capacity * 2 + 16;
        replay->pages = mem_realloc(replay->pages, replay->capacity * sizeof(*replay->pages));
    }
    struct buffer *page = &replay->pages[replay->count++];
    buffer_init(page);
    char *path = mem_printf("%s/%s", loading->directory, name);
    enum status status = file_load(path, REPLAY_FILE_BYTES_MAX, page, error);
    mem_free(path);
    return status;
}

enum status replay_load(struct replay *replay, const char *directory, struct error *error)
{
    *replay = (struct replay){0};
    struct loading loading = {replay, directory};
    enum status status = directory_list(directory, load_page, &loading, error);
    if (status == STATUS_OK && replay->count == 0) {
        status = error_set(error, STATUS_NOT_FOUND,
                           "the directory \"%s\" has no file *.json to play", directory);
    }
    if (status != STATUS_OK) {
        replay_deinit(replay);
    }
    return status;
}

void replay_deinit(struct replay *replay)
{
    for (size_t i = 0; i < replay->count; i++) {
        buffer_deinit(&replay->pages[i]);
    }
    mem_free(replay->pages);
    *replay = (struct replay){0};
}
