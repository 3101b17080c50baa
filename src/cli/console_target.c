#include "cli/console_target.h"

#include "base/attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status
find_running(const char *path, struct data_dir_addresses *ret_addresses, struct error *error)
{
    TRY(data_dir_running(path, ret_addresses, error));
    if (ret_addresses->pid != 0 && ret_addresses->http[0] != '\0') {
        return STATUS_OK;
    }
    (void) error_set(error, STATUS_UNAVAILABLE, "no leat runs on data directory \"%s\"", path);
    error_hint(error, "start one with `leat up FILE`, or name its directory with --data");
    return STATUS_UNAVAILABLE;
}

static void take_token(struct console_target *target, const char *token)
{
    if (token != NULL && token[0] != '\0') {
        (void) snprintf(target->authorization, sizeof(target->authorization), "Bearer %s", token);
        target->headers[target->header_count++] =
            (struct http_request_header){"Authorization", target->authorization, true};
    }
}

enum status console_target_find(const char *data,
                                const char *http,
                                struct console_target *ret_target,
                                struct error *error)
{
    char token[DATA_DIR_TOKEN_BYTES] = "";
    const char *given = getenv("LEAT_TOKEN");
    *ret_target = (struct console_target){.header_count = 1};
    ret_target->headers[0] =
        (struct http_request_header){"Content-Type", "application/json", false};
    if (http != NULL) {
        (void) snprintf(ret_target->base, sizeof(ret_target->base), "%s%s",
                        strstr(http, "://") == NULL ? "http://" : "", http);
        take_token(ret_target, given);
        return STATUS_OK;
    }
    const char *path = data_dir_path(data);
    struct data_dir_addresses *addresses = &ret_target->addresses;
    TRY(find_running(path, addresses, error));
    const bool tls = addresses->http_pin[0] != '\0';
    (void) snprintf(ret_target->base, sizeof(ret_target->base), "%s://%s", tls ? "https" : "http",
                    addresses->http);
    ret_target->client.pin = tls ? addresses->http_pin : NULL;
    data_dir_token(path, token);
    take_token(ret_target, given != NULL && given[0] != '\0' ? given : token);
    return STATUS_OK;
}
