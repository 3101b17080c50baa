#include "log/checkpoint.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "io/file.h"
#include "log/bytes_internal.h"
#include "wire/crc32c.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define FILE_MAGIC   0x4c544350u /* LTCP */
#define FILE_VERSION 1
#define HEADER_BYTES 44
#define EPOCH_BYTES  12
#define CRC_BYTES    4
#define BYTES_MAX    ((size_t) HEADER_BYTES + EPOCHS_MAX * EPOCH_BYTES + CRC_BYTES)

static bool decode(struct slice bytes, struct checkpoint *ret_checkpoint)
{
    if (bytes.size < HEADER_BYTES + CRC_BYTES || bytes_be32(bytes.data) != FILE_MAGIC ||
        bytes_be16(bytes.data + 4) != FILE_VERSION ||
        crc32c(0, bytes.data, bytes.size - CRC_BYTES) !=
            bytes_be32(bytes.data + bytes.size - CRC_BYTES)) {
        return false;
    }
    size_t count = bytes_be32(bytes.data + 40);
    if (count > EPOCHS_MAX || bytes.size != HEADER_BYTES + count * EPOCH_BYTES + CRC_BYTES) {
        return false;
    }
    *ret_checkpoint = (struct checkpoint){
        .log_start = (int64_t) bytes_be64(bytes.data + 8),
        .point = {.offset = (int64_t) bytes_be64(bytes.data + 16),
                  .segment = (int64_t) bytes_be64(bytes.data + 24),
                  .position = bytes_be64(bytes.data + 32)},
        .epochs = mem_calloc(count + 1, sizeof(struct epoch_start)),
        .epoch_count = count,
    };
    for (size_t i = 0; i < count; i++) {
        const uint8_t *data = bytes.data + HEADER_BYTES + i * EPOCH_BYTES;
        ret_checkpoint->epochs[i] =
            (struct epoch_start){(int32_t) bytes_be32(data), (int64_t) bytes_be64(data + 4)};
    }
    return true;
}

enum status
checkpoint_load(const char *directory, struct checkpoint *ret_checkpoint, struct error *error)
{
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/checkpoint", directory);
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    struct error reason = {0};
    enum status status = file_load(path, BYTES_MAX, &buffer, &reason);
    if (status != STATUS_OK && reason.code == ENOENT) {
        return STATUS_NOT_FOUND;
    }
    if (status != STATUS_OK && status != STATUS_LIMIT) {
        if (error != NULL) {
            *error = reason;
        }
        return status;
    }
    if (status == STATUS_LIMIT || !decode(buffer_slice(&buffer), ret_checkpoint)) {
        error_set(error, STATUS_CORRUPT, "\"%s\" is damaged", path);
        error_hint(error,
                   "check the disk; with that file removed the whole log is read and checked at "
                   "the next start");
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

enum status
checkpoint_save(const char *directory, const struct checkpoint *checkpoint, struct error *error)
{
    char path[PATH_MAX];
    (void) snprintf(path, sizeof(path), "%s/checkpoint", directory);
    struct buffer buffer CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_be32(&buffer, FILE_MAGIC);
    buffer_append_be16(&buffer, FILE_VERSION);
    buffer_append_be16(&buffer, 0);
    buffer_append_be64(&buffer, (uint64_t) checkpoint->log_start);
    buffer_append_be64(&buffer, (uint64_t) checkpoint->point.offset);
    buffer_append_be64(&buffer, (uint64_t) checkpoint->point.segment);
    buffer_append_be64(&buffer, checkpoint->point.position);
    buffer_append_be32(&buffer, (uint32_t) checkpoint->epoch_count);
    for (size_t i = 0; i < checkpoint->epoch_count; i++) {
        buffer_append_be32(&buffer, (uint32_t) checkpoint->epochs[i].epoch);
        buffer_append_be64(&buffer, (uint64_t) checkpoint->epochs[i].offset);
    }
    buffer_append_be32(&buffer, crc32c(0, buffer.data, buffer.size));
    return file_replace(path, buffer_slice(&buffer), error);
}
