#pragma once

/* What the files of the client share. */

#include "http/client.h"

#include <curl/curl.h>

struct http_client {
    struct http_client_config config;
    CURLM *multi; /* keeps the connections */
    CURL *easy;
    char error_text[CURL_ERROR_SIZE];
};

struct inflater;

enum transfer_phase {
    PHASE_CONNECTING,
    PHASE_WAITING,
    PHASE_RECEIVING
};

/* One request and its reply, without redirects. */
struct transfer {
    struct http_client *client;
    const struct http_request *request;
    struct http_reply *reply;
    const char *method;
    const char *url;
    const char *host;
    bool same_origin; /* as the first URL: secrets may go along */
    bool with_body;

    enum transfer_phase phase;
    int64_t deadline_us;   /* of the whole call, monotonic; 0: none */
    int64_t progress_us;   /* when the phase began or last got on */
    int64_t uploaded;      /* bytes */
    enum http_failure why; /* it was ended from our side */

    struct inflater *inflater; /* from the first piece of the body on */
    struct http_pair *headers; /* room for header_capacity */
    size_t header_count;
    size_t header_capacity;
    size_t header_bytes;
};

/* transfer.c: runs it to its end; fills status, headers and body of the reply. */
MUST_USE enum status transfer_run(struct transfer *transfer, struct error *error);

/* failure.c: fills error and reply->failure. */
enum status transfer_failed(struct transfer *transfer,
                            enum http_failure failure,
                            const char *detail,
                            struct error *error);
enum http_failure failure_of_curl(CURLcode code, enum transfer_phase phase);
