#include "io/process_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool process_name(int64_t pid, char target[PROCESS_NAME_BYTES])
{
    char path[64];
    (void) snprintf(path, sizeof(path), "/proc/%" PRId64 "/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(target, PROCESS_NAME_BYTES, file) != NULL;
    (void) fclose(file);
    if (!read) {
        return false;
    }
    target[strcspn(target, "\n")] = '\0';
    for (char *c = target; *c != '\0'; c++) {
        if ((unsigned char) *c < 0x20 || *c == 0x7f) { /* a process names itself as it likes */
            *c = '?';
        }
    }
    return true;
}
