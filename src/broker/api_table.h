#pragma once

/* The requests that this broker serves: one row each. */

#include "broker/request.h"

/* NULL if the key is not served. */
const struct api *api_find(int16_t key);

/* All rows, by key. */
const struct api *api_all(size_t *ret_count);
