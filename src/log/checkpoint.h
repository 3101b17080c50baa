#pragma once

/* The file DIR/checkpoint: how far a log is known to be whole. Internal to src/log. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in a log: an offset, and where it stands. */
struct log_point {
    int64_t offset;
    int64_t segment;   /* base offset of the segment */
    uint64_t position; /* in it */
};

/* Leader epochs: each begins at an offset. */
struct epoch_start {
    int32_t epoch;
    int64_t offset;
};

#define EPOCHS_MAX 1024

struct checkpoint {
    int64_t log_start;
    struct log_point point; /* everything before it is on disk */
    struct epoch_start *epochs;
    size_t epoch_count;
};

/* STATUS_NOT_FOUND if there is none, STATUS_CORRUPT if it is damaged. The epochs are new memory. */
MUST_USE enum status
checkpoint_load(const char *directory, struct checkpoint *ret_checkpoint, struct error *error);

/* Replaces it in one step; durable when it returns. */
MUST_USE enum status
checkpoint_save(const char *directory, const struct checkpoint *checkpoint, struct error *error);
