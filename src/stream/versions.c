/* Versions of a batch's rows: all rows of record i lie in [base + i * stride, base + (i+1) *
 * stride).
 */

#include "stream/batch_internal.h"

/* The most rows of one record in a write; counts[record] says how many so far. */
static int32_t fan_out(const struct task_write *write, int32_t *counts, size_t record_count)
{
    int32_t most = 1;
    memset(counts, 0, record_count * sizeof(*counts));
    for (int64_t i = 0; write->records != NULL && i < write->rows.batch->length; i++) {
        if (write->records[i] >= 0) {
            int32_t count = ++counts[write->records[i]];
            most = count > most ? count : most;
        }
    }
    return most;
}

static void assign_write(
    struct work *work, struct task_write *write, int32_t *counts, int64_t base, int64_t stride)
{
    struct progress *progress = &work->task->progress;
    int64_t length = write->rows.batch->length;
    int64_t *versions = arena_alloc(&work->task->batch, (size_t) length * sizeof(*versions) + 1);
    memset(counts, 0, work->record_count * sizeof(*counts));
    for (int64_t i = 0; i < length; i++) {
        int32_t record = write->records == NULL ? -1 : write->records[i];
        versions[i] =
            record < 0 ? ++progress->version_last : base + record * stride + counts[record]++;
    }
    write->rows.versions = versions;
}

void work_assign_versions(struct work *work)
{
    struct task_output *output = &work->output;
    struct progress *progress = &work->task->progress;
    int32_t *counts = ARENA_ARRAY(&work->task->batch, int32_t, work->record_count + 1);
    int64_t stride = 1;
    for (size_t i = 0; i < output->write_count; i++) {
        int32_t most = fan_out(&output->writes[i], counts, work->record_count);
        stride = most > stride ? most : stride;
    }
    int64_t next = progress->version_last + 1;
    int64_t base = next > work->run.now_us ? next : work->run.now_us;
    progress->version_last = base + (int64_t) work->record_count * stride;
    for (size_t i = 0; i < output->write_count; i++) {
        assign_write(work, &output->writes[i], counts, base, stride);
    }
    for (size_t i = 0; i < output->dead_count; i++) {
        int64_t record = output->dead[i].version;
        output->dead[i].version = record < 0 ? ++progress->version_last : base + record * stride;
    }
}
