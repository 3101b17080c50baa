#pragma once

/* Files that are built into the binary (tools/embed.py): pages, texts, tables. */

#include "base/slice.h"

#include <stddef.h>

struct embedded_file {
    const char *name; /* as given to the tool, "AU.txt" or "assets/app.js" */
    struct slice bytes;
};
