#pragma once

/* Which addresses are no public hosts (RFC 6890 and its successors in IANA's registries). */

#include <stdbool.h>

struct sockaddr;

/* Private, loopback, link-local, multicast, documentation or otherwise special; also where such an
 * IPv4 address is wrapped in an IPv6 one (mapped, NAT64, 6to4). Other families are special. */
bool address_is_special(const struct sockaddr *address);
