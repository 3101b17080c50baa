#include "connectors/topic/topic_url.h"

#include "base/buffer.h"

#include <ctype.h>
#include <string.h>

#define SCHEME       "kafka://"
#define TRANSACTIONS "transactions&"
#define SETTING      "set="
#define REGISTRY     "registry="

static void append_encoded(struct buffer *target, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (isalnum((unsigned char) *c) || strchr("._-", *c) != NULL) {
            buffer_append_byte(target, (uint8_t) *c);
        } else {
            buffer_printf(target, "%%%02X", (unsigned char) *c);
        }
    }
}

const char *topic_url_write(const struct topic_url *url, struct arena *arena)
{
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    buffer_printf(&text, SCHEME "%s?%s", url->address, url->transactions ? TRANSACTIONS : "");
    for (size_t i = 0; url->settings != NULL && url->settings[i] != NULL; i += 2) {
        buffer_append_string(&text, SETTING);
        append_encoded(&text, url->settings[i]);
        buffer_append_string(&text, "=");
        append_encoded(&text, url->settings[i + 1]);
        buffer_append_string(&text, "&");
    }
    buffer_printf(&text, REGISTRY "%s", url->registry);
    return arena_strdup(arena, buffer_string(&text));
}

static int digit_of(char c)
{
    return isdigit((unsigned char) c)    ? c - '0'
           : isxdigit((unsigned char) c) ? tolower((unsigned char) c) - 'a' + 10
                                         : -1;
}

/* The text up to one of `ends`, decoded; moves `at` behind it. */
static const char *take_decoded(const char **at, char end, struct arena *arena)
{
    const char *stop = strchr(*at, end);
    if (stop == NULL) {
        return NULL;
    }
    char *text = arena_alloc(arena, (size_t) (stop - *at) + 1);
    size_t size = 0;
    for (const char *c = *at; c < stop; c++) {
        if (*c != '%') {
            text[size++] = *c;
            continue;
        }
        int high = c + 2 < stop ? digit_of(c[1]) : -1;
        int low = high >= 0 ? digit_of(c[2]) : -1;
        if (low < 0) {
            return NULL;
        }
        text[size++] = (char) (high * 16 + low);
        c += 2;
    }
    text[size] = '\0';
    *at = stop + 1;
    return text;
}

static bool take_word(const char **at, const char *word)
{
    bool is_there = strncmp(*at, word, strlen(word)) == 0;
    *at += is_there ? strlen(word) : 0;
    return is_there;
}

/* Each setting takes more letters than the two entries it becomes. */
static bool take_settings(const char **at, struct arena *arena, struct topic_url *url)
{
    const char **settings = ARENA_ARRAY(arena, const char *, strlen(*at) + 1);
    size_t count = 0;
    while (take_word(at, SETTING)) {
        settings[count] = take_decoded(at, '=', arena);
        settings[count + 1] = settings[count] == NULL ? NULL : take_decoded(at, '&', arena);
        if (settings[count + 1] == NULL) {
            return false;
        }
        count += 2;
    }
    settings[count] = NULL;
    url->settings = settings;
    return true;
}

enum status topic_url_read(const char *text,
                           struct arena *arena,
                           struct topic_url *ret_url,
                           struct error *error)
{
    struct topic_url url = {.transactions = false};
    const char *at = text;
    const char *mark = strchr(text, '?');
    if (!take_word(&at, SCHEME) || mark == NULL || mark == at) {
        goto wrong;
    }
    url.address = arena_printf(arena, "%.*s", (int) (mark - at), at);
    at = mark + 1;
    url.transactions = take_word(&at, TRANSACTIONS);
    if (!take_settings(&at, arena, &url) || !take_word(&at, REGISTRY)) {
        goto wrong;
    }
    url.registry = arena_strdup(arena, at);
    *ret_url = url;
    return STATUS_OK;

wrong: /* without the text: it may hold a password */
    return error_set(error, STATUS_CONFIG,
                     "the URL of a topic store is no kafka://HOST:PORT?registry=URL");
}
