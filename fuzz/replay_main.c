/* Runs a fuzz target over files and directories of files: the corpus as a normal test. */

#include "base/buffer.h"
#include "base/memory.h"
#include "io/file.h"

#include "fuzz.h"

#include <stdio.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t) 64 << 20)

static int replayed;

static enum status replay_file(const char *path, struct error *error)
{
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    TRY(file_load(path, FILE_BYTES_MAX, &buffer, error));
    /* An exact copy, so that the address sanitizer sees every byte too far. */
    CLEANUP(mem_free_pointer) uint8_t *copy = mem_alloc(buffer.size + (buffer.size == 0));
    if (buffer.size > 0) {
        memcpy(copy, buffer.data, buffer.size);
    }
    (void) LLVMFuzzerTestOneInput(copy, buffer.size);
    replayed++;
    return STATUS_OK;
}

static enum status replay_entry(void *context, const char *name, struct error *error)
{
    CLEANUP(mem_free_pointer) char *path = mem_printf("%s/%s", (const char *) context, name);
    return replay_file(path, error);
}

int main(int argc, char **argv)
{
    struct error error = {0};
    for (int i = 1; i < argc; i++) {
        struct stat info;
        bool directory = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
        enum status status = directory ? directory_list(argv[i], replay_entry, argv[i], &error)
                                       : replay_file(argv[i], &error);
        if (status != STATUS_OK) {
            (void) fprintf(stderr, "%s\n", error.message);
            return 1;
        }
    }
    (void) printf("%d inputs\n", replayed);
    return 0;
}
