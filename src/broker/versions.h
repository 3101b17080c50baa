#pragma once

/* ApiVersions: what this broker speaks. */

#include "broker/request.h"

void versions_handle(struct request *request);

/* The request's own version is not served: answers in version 0 with the range that is (KIP-511).
 */
void versions_unsupported(struct request *request);
