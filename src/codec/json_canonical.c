/* The canonical form, for content hashes. */

#include "base/memory.h"
#include "codec/json.h"
#include "codec/json_text.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

/* Objects up to this many members are sorted without the heap. */
#define MEMBERS_SMALL 64

struct member {
    struct slice name; /* unescaped */
    uint64_t prefix;   /* its first eight bytes, for comparing */
    uint32_t at;       /* tape index; the value stands behind */
};

/*
 * `paths` is a stack: what is left of each skip path that leads into the current value. A member
 * whose name ends such a path is left out; for others the rest of the path is pushed and dropped
 * again.
 */
struct canonical {
    const struct json_document *document;
    struct buffer *target;
    struct buffer paths; /* of const char * */
    struct arena arena;  /* unescaped strings */
};

struct path_range {
    size_t from, to; /* entries of the stack */
};

static const char *path_at(const struct canonical *canonical, size_t index)
{
    const char *path;
    memcpy(&path, canonical->paths.data + index * sizeof(path), sizeof(path));
    return path;
}

/* Pushes what is left of the range's paths behind `name`. False if one of them ends here. */
static bool enter(struct canonical *canonical,
                  struct path_range range,
                  struct slice name,
                  struct path_range *ret_inner)
{
    ret_inner->from = canonical->paths.size / sizeof(const char *);
    bool wanted = true;
    for (size_t i = range.from; i < range.to; i++) {
        struct slice segment;
        const char *rest = json_path_step(path_at(canonical, i), &segment);
        if (slice_equal(segment, name)) {
            wanted = wanted && *rest != '\0';
            buffer_append(&canonical->paths, &rest, sizeof(rest));
        }
    }
    ret_inner->to = canonical->paths.size / sizeof(const char *);
    return wanted;
}

static void leave(struct canonical *canonical, struct path_range inner)
{
    canonical->paths.size = inner.from * sizeof(const char *);
}

static void write_value(struct canonical *canonical, uint32_t index, struct path_range paths);

/* Most strings are in their shortest form already. */
static void write_string(struct canonical *canonical, uint32_t index)
{
    struct slice raw = json_raw(canonical->document, index);
    if ((json_at(canonical->document, index)->flags & JSON_ESCAPED) == 0 &&
        memchr(raw.data, 0x7f, raw.size) == NULL) {
        buffer_append_slice(canonical->target, raw);
        return;
    }
    buffer_append_json(canonical->target, json_text(canonical->document, index, &canonical->arena));
}

static uint64_t prefix_of(struct slice name)
{
    uint64_t prefix = 0;
    if (name.size > 0) {
        memcpy(&prefix, name.data, name.size < sizeof(prefix) ? name.size : sizeof(prefix));
    }
    return be64toh(prefix);
}

/* By the bytes of the name, then by place. */
static int compare_members(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    int order = slice_compare(a->name, b->name);
    return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

static void sort_members(struct member *members, uint32_t count)
{
    if (count > MEMBERS_SMALL) {
        qsort(members, count, sizeof(*members), compare_members);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct member member = members[i];
        uint32_t j = i;
        for (; j > 0 && compare_members(&members[j - 1], &member) > 0; j--) {
            members[j] = members[j - 1];
        }
        members[j] = member;
    }
}

static void write_member(struct canonical *canonical,
                         const struct member *member,
                         struct path_range paths,
                         bool *first)
{
    struct path_range inner = {0, 0};
    if (paths.to == paths.from || enter(canonical, paths, member->name, &inner)) {
        if (!*first) {
            buffer_append_byte(canonical->target, ',');
        }
        *first = false;
        write_string(canonical, member->at);
        buffer_append_byte(canonical->target, ':');
        write_value(canonical, member->at + 1, inner);
    }
    if (paths.to != paths.from) {
        leave(canonical, inner);
    }
}

static void write_object(struct canonical *canonical, uint32_t index, struct path_range paths)
{
    const struct json_document *document = canonical->document;
    uint32_t count = json_at(document, index)->count;
    struct member small[MEMBERS_SMALL];
    struct member *members = count <= MEMBERS_SMALL ? small : mem_calloc(count, sizeof(*members));
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < count; i++) {
        members[i].name = json_text(document, at, &canonical->arena);
        members[i].prefix = prefix_of(members[i].name);
        members[i].at = at;
        at = json_at(document, at + 1)->next;
    }
    sort_members(members, count);
    bool first = true;
    buffer_append_byte(canonical->target, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && slice_equal(members[i].name, members[i + 1].name)) {
            continue; /* the last of equal names wins */
        }
        write_member(canonical, &members[i], paths, &first);
    }
    buffer_append_byte(canonical->target, '}');
    if (members != small) {
        mem_free(members);
    }
}

static void write_array(struct canonical *canonical, uint32_t index, struct path_range paths)
{
    uint32_t count = json_at(canonical->document, index)->count;
    uint32_t at = index + 1;
    bool first = true;
    buffer_append_byte(canonical->target, '[');
    for (uint32_t i = 0; i < count; i++) {
        struct path_range inner = {0, 0};
        bool wanted = true;
        if (paths.to != paths.from) {
            char number[12];
            int size = snprintf(number, sizeof(number), "%u", i);
            wanted = enter(canonical, paths, slice_of(number, (size_t) size), &inner);
        }
        if (wanted) {
            if (!first) {
                buffer_append_byte(canonical->target, ',');
            }
            first = false;
            write_value(canonical, at, inner);
        }
        if (paths.to != paths.from) {
            leave(canonical, inner);
        }
        at = json_at(canonical->document, at)->next;
    }
    buffer_append_byte(canonical->target, ']');
}

static void write_value(struct canonical *canonical, uint32_t index, struct path_range paths)
{
    switch (json_at(canonical->document, index)->kind) {
    case JSON_KIND_OBJECT:
        write_object(canonical, index, paths);
        break;
    case JSON_KIND_ARRAY:
        write_array(canonical, index, paths);
        break;
    case JSON_KIND_STRING:
        write_string(canonical, index);
        break;
    default:
        buffer_append_slice(canonical->target, json_raw(canonical->document, index));
        break;
    }
}

void json_canonical(const struct json_document *document,
                    uint32_t index,
                    const char *const *skip_paths,
                    size_t skip_count,
                    struct buffer *target)
{
    struct canonical canonical = {.document = document, .target = target};
    arena_init(&canonical.arena, 0);
    for (size_t i = 0; i < skip_count; i++) {
        buffer_append(&canonical.paths, &skip_paths[i], sizeof(skip_paths[i]));
    }
    write_value(&canonical, index, (struct path_range){0, skip_count});
    buffer_deinit(&canonical.paths);
    arena_deinit(&canonical.arena);
}
