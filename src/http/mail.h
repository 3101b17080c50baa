#pragma once

/* A mail by SMTP (RFC 5321), over libcurl; TLS where the server offers it. Blocks. */

#include "base/error.h"

#include <stdint.h>

struct mail {
    const char *server; /* smtp://host:port or smtps://host:port */
    const char *from;
    const char *const *to; /* NULL-terminated */
    const char *subject, *text;
    const char *user, *password; /* NULL: none */
    int64_t timeout_us;
};

/* STATUS_CONFIG for an address that is none, else STATUS_UNAVAILABLE. */
MUST_USE enum status mail_send(const struct mail *mail, struct error *error);
