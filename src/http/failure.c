/* What can go wrong with a request, as a table. */

#include "http/client_internal.h"

#include <ctype.h>
#include <string.h>

struct failure_row {
    const char *name;
    enum status status;
    bool retriable;
    const char *message;
    const char *hint; /* or NULL */
};

static const struct failure_row rows[] = {
    [HTTP_OK] = {"ok", STATUS_OK, false, "", NULL},
    [HTTP_BAD_REQUEST] = {"bad request", STATUS_CONFIG, false, "the request is malformed", NULL},
    [HTTP_NOT_RESOLVED] = {"not resolved", STATUS_UNAVAILABLE, true,
                           "could not resolve the host name",
                           "check the name, and that this machine reaches a DNS server"},
    [HTTP_NOT_CONNECTED] = {"not connected", STATUS_UNAVAILABLE, true, "could not connect",
                            "check that the server runs and that host and port are right"},
    [HTTP_TIMEOUT_CONNECT] = {"connect timeout", STATUS_UNAVAILABLE, true, "no connection in time",
                              NULL},
    [HTTP_TIMEOUT_FIRST_BYTE] = {"first byte timeout", STATUS_UNAVAILABLE, true, "no reply in time",
                                 NULL},
    [HTTP_TIMEOUT_IDLE] = {"idle timeout", STATUS_UNAVAILABLE, true, "the reply stopped half way",
                           NULL},
    [HTTP_TIMEOUT_TOTAL] = {"total timeout", STATUS_UNAVAILABLE, true,
                            "the reply was not complete in time", NULL},
    [HTTP_TLS] = {"tls", STATUS_UNAVAILABLE, false, "the TLS connection failed",
                  "check the server's certificate and its name; a private authority is named by "
                  "its CA file"},
    [HTTP_CLOSED] = {"closed", STATUS_UNAVAILABLE, true,
                     "the server closed the connection without a reply", NULL},
    [HTTP_TRUNCATED] = {"truncated", STATUS_PROTOCOL, true,
                        "the connection ended before the reply was complete", NULL},
    [HTTP_PROTOCOL] = {"protocol", STATUS_PROTOCOL, true, "the reply is not valid HTTP", NULL},
    [HTTP_TOO_LARGE] = {"too large", STATUS_LIMIT, false, "the reply is too large", NULL},
    [HTTP_ADDRESS_REFUSED] = {"address refused", STATUS_CONFIG, false,
                              "the host has an address that is not public",
                              "allow the host by name if it is meant to be read"},
    [HTTP_REDIRECT_REFUSED] = {"redirect refused", STATUS_PROTOCOL, false,
                               "the redirect is not followed", NULL},
    [HTTP_CANCELLED] = {"cancelled", STATUS_CANCELLED, false, "cancelled", NULL},
};

const char *http_failure_name(enum http_failure failure)
{
    return (size_t) failure < ARRAY_SIZE(rows) ? rows[failure].name : "unknown";
}

enum status transfer_failed(struct transfer *transfer,
                            enum http_failure failure,
                            const char *detail,
                            struct error *error)
{
    const struct failure_row *row = &rows[failure];
    struct arena *arena = &transfer->reply->arena;
    transfer->reply->failure = failure;
    char *text = arena_strdup(arena, detail == NULL ? "" : detail);
    if (isupper((unsigned char) text[0]) && islower((unsigned char) text[1])) {
        text[0] = (char) tolower((unsigned char) text[0]);
    }
    (void) error_set(error, row->status, "%s \"%s\": %s%s%s", transfer->method,
                     url_without_secrets(transfer->url, arena), row->message,
                     text[0] == '\0' ? "" : ": ", text);
    if (row->hint != NULL) {
        error_hint(error, "%s", row->hint);
    }
    if (error != NULL) {
        error->retriable = row->retriable;
    }
    return row->status;
}

enum http_failure failure_of_curl(CURLcode code, enum transfer_phase phase)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return phase == PHASE_CONNECTING ? HTTP_BAD_REQUEST : HTTP_PROTOCOL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_NOT_RESOLVED;
    case CURLE_COULDNT_CONNECT:
        return HTTP_NOT_CONNECTED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMEOUT_CONNECT; /* we set no other time-out in libcurl */
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return HTTP_TLS;
    case CURLE_GOT_NOTHING:
        return HTTP_CLOSED;
    case CURLE_PARTIAL_FILE:
        return HTTP_TRUNCATED;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return phase == PHASE_RECEIVING ? HTTP_TRUNCATED : HTTP_CLOSED;
    default:
        return HTTP_PROTOCOL;
    }
}
