#include "connect/dead_letter.h"

const char *dead_hop_name(enum dead_hop hop)
{
    static const char *const names[] = {"source", "process", "sink"};
    return names[hop];
}
