/* Prints a reply of the generator, for check_users.py: make_users NOW_US [NAME=VALUE]... */

#include "base/assert.h"
#include "connectors/generate/randomuser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    struct http_pair pairs[16];
    size_t pair_count = 0;
    ASSERT(count >= 2 && count - 2 < (int) ARRAY_SIZE(pairs));
    for (int i = 2; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        ASSERT(equals != NULL);
        *equals = '\0';
        pairs[pair_count++] = (struct http_pair){arguments[i], equals + 1};
    }
    struct error error = {0};
    struct randomuser_query query;
    struct user_maker *maker = NULL;
    if (randomuser_query_read(pairs, pair_count, "1.4", &query, &error) != STATUS_OK ||
        user_maker_new(&maker, &error) != STATUS_OK) {
        (void) fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct buffer reply = BUFFER_INIT;
    randomuser_write(&query, maker, strtoll(arguments[1], NULL, 10), &reply);
    (void) fwrite(reply.data, 1, reply.size, stdout);
    user_maker_free(maker);
    buffer_deinit(&reply);
    return 0;
}
