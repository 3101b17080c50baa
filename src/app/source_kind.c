#include "app/source_kind.h"

#include "connectors/file/file_source.h"
#include "connectors/http/http_source.h"
#include "connectors/topic/topic_source.h"
#ifdef LEAT_POSTGRES
#include "connectors/postgres/postgres_source.h"
#endif

enum status source_kind_of(const struct source_settings *settings,
                           const char *source,
                           struct source_kind *ret_kind,
                           struct error *error)
{
    const struct {
        const void *settings;
        const struct source_ops *ops; /* NULL: this binary was built without it */
        const char *name, *package;
    } kinds[] = {
        {settings->http, &http_source_ops, "http", NULL},
        {settings->file, &file_source_ops, "file", NULL},
        {settings->kafka, &topic_source_ops, "kafka", NULL},
#ifdef LEAT_POSTGRES
        {settings->postgres, &postgres_source_ops, "postgres", NULL},
#else
        {settings->postgres, NULL, "postgres", "libpq-dev"},
#endif
    };

    size_t found = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].settings == NULL) {
            continue;
        }
        found++;
        *ret_kind = (struct source_kind){kinds[i].ops, kinds[i].settings};
        if (kinds[i].ops == NULL) {
            (void) error_set(error, STATUS_CONFIG,
                             "source \"%s\": this leat was built without `%s`", source,
                             kinds[i].name);
            error_hint(error, "install %s and build it again", kinds[i].package);
            return STATUS_CONFIG;
        }
    }
    if (found != 1) {
        return error_set(error, STATUS_CONFIG,
                         "source \"%s\" needs one of `http`, `file`, `kafka`, `postgres`", source);
    }
    return STATUS_OK;
}
