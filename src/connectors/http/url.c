#include "connectors/http/http_internal.h"

#include <string.h>
#include <strings.h>

/* "https://" and the like in front of a URL; 0 if it does not begin with a scheme. */
static size_t scheme_size(const char *url)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t size = strspn(url, letters);
    if (size == 0) {
        return 0;
    }
    while (url[size] != '\0' && strchr("0123456789+-.", url[size]) != NULL) {
        size++;
        size += strspn(url + size, letters);
    }
    return strncmp(url + size, "://", 3) == 0 ? size + 3 : 0;
}

struct slice http_url_origin(const char *url)
{
    size_t scheme = scheme_size(url);
    return scheme == 0 ? SLICE_EMPTY : slice_of(url, scheme + strcspn(url + scheme, "/?#"));
}

const char *http_url_join(const char *base, const char *reference, struct arena *arena)
{
    if (scheme_size(reference) > 0) {
        return arena_strdup(arena, reference);
    }
    struct slice origin = http_url_origin(base);
    if (reference[0] == '/' && reference[1] == '/') {
        const char *scheme_end = strstr(base, "//");
        return arena_printf(arena, "%.*s%s", (int) (scheme_end - base), base, reference);
    }
    if (reference[0] == '/') {
        return arena_printf(arena, "%.*s%s", SLICE_FORMAT(origin), reference);
    }
    const char *path = base + origin.size;
    size_t path_size = strcspn(path, "?#");
    if (reference[0] != '?') {
        while (path_size > 0 && path[path_size - 1] != '/') {
            path_size--;
        }
    }
    return arena_printf(arena, "%.*s%.*s%s%s", SLICE_FORMAT(origin), (int) path_size, path,
                        path_size == 0 && reference[0] != '?' ? "/" : "", reference);
}

/* Does a list of words, "prev next", hold `word`? */
static bool has_word(struct slice words, const char *word)
{
    size_t size = strlen(word);
    for (size_t at = 0; at < words.size;) {
        size_t end = at;
        while (end < words.size && words.data[end] != ' ') {
            end++;
        }
        if (end - at == size && strncasecmp((const char *) words.data + at, word, size) == 0) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

/* One parameter of a link, `; rel="next"`: advances *at behind it. */
static bool is_next_rel(const char **at)
{
    const char *name = *at + strspn(*at, "; \t");
    size_t name_size = strcspn(name, "=;, \t");
    const char *value = name + name_size;
    value += strspn(value, " \t");
    if (*value != '=') {
        *at = value;
        return false;
    }
    value += 1 + strspn(value + 1, " \t");
    struct slice text;
    if (*value == '"') {
        size_t size = strcspn(value + 1, "\"");
        text = slice_of(value + 1, size);
        *at = value + 1 + size + (value[1 + size] == '"');
    } else {
        text = slice_of(value, strcspn(value, ";, \t"));
        *at = value + text.size;
    }
    return name_size == 3 && strncasecmp(name, "rel", 3) == 0 && has_word(text, "next");
}

const char *http_link_next(const char *header, struct arena *arena)
{
    for (const char *at = strchr(header, '<'); at != NULL; at = strchr(at, '<')) {
        const char *url = at + 1;
        size_t size = strcspn(url, ">");
        if (url[size] != '>') {
            return NULL;
        }
        at = url + size + 1;
        bool next = false;
        at += strspn(at, " \t");
        while (*at == ';') {
            next = is_next_rel(&at) || next;
            at += strspn(at, " \t");
        }
        if (next) {
            return arena_string(arena, slice_of(url, size));
        }
    }
    return NULL;
}
