#pragma once

/*
 * How commands reach the console of a running leat: its address, by TLS with its own key if it has
 * one, and with the token that stands in the data directory if it has a login. LEAT_TOKEN comes
 * before that, for those whom the directory does not belong to.
 */

#include "app/data_dir.h"
#include "http/client.h"

struct console_target {
    char base[320];                        /* "http://127.0.0.1:9021" */
    struct http_request_header headers[2]; /* point into this struct: it stays where it is */
    size_t header_count;
    struct http_client_config client;
    char authorization[256];
    struct data_dir_addresses addresses;
};

/* `http` NULL: the leat that runs on `data` (STATUS_UNAVAILABLE if none does), else HOST:PORT or an
 * http or https URL. */
MUST_USE enum status console_target_find(const char *data,
                                         const char *http,
                                         struct console_target *ret_target,
                                         struct error *error);
