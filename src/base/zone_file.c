#include "base/memory.h"
#include "base/zone_internal.h"

#include <string.h>

/*
 * A TZif file (RFC 9636, section 3):
 *
 *     header, block with 32-bit times      for old readers, skipped
 *     header, block with 64-bit times      changes, their types, types, names, leap seconds, flags
 *     newline, rule, newline               what holds after the last change
 */

#define HEADER_BYTES  44
#define TYPE_BYTES    6
#define TYPES_MAX     256
#define CHANGES_MAX   10000
#define OFFSET_BOUND  (26 * 3600) /* RFC 9636: within -25 and +26 hours */
#define OLD_TIME_SIZE 4
#define NEW_TIME_SIZE 8

struct header {
    uint32_t ut_flags, standard_flags, leaps, changes, types, name_bytes;
};

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

static int64_t read_i64(const uint8_t *at)
{
    return (int64_t) ((uint64_t) read_u32(at) << 32 | read_u32(at + 4));
}

static bool header_read(struct slice file, size_t at, struct header *ret_header)
{
    if (file.size < at + HEADER_BYTES || memcmp(file.data + at, "TZif", 4) != 0) {
        return false;
    }
    const uint8_t *counts = file.data + at + 20;
    *ret_header = (struct header){
        .ut_flags = read_u32(counts),
        .standard_flags = read_u32(counts + 4),
        .leaps = read_u32(counts + 8),
        .changes = read_u32(counts + 12),
        .types = read_u32(counts + 16),
        .name_bytes = read_u32(counts + 20),
    };
    return true;
}

static size_t block_bytes(const struct header *header, size_t time_size)
{
    return (size_t) header->changes * (time_size + 1) + (size_t) header->types * TYPE_BYTES +
           header->name_bytes + (size_t) header->leaps * (time_size + 4) + header->standard_flags +
           header->ut_flags;
}

uint16_t zone_add_type(struct zone *zone, int32_t offset_s, bool dst, struct slice abbreviation)
{
    zone->types = mem_realloc(zone->types, (zone->type_count + 1) * sizeof(*zone->types));
    struct zone_type *type = &zone->types[zone->type_count];
    *type = (struct zone_type){.offset_s = offset_s, .dst = dst};
    size_t size = abbreviation.size < sizeof(type->abbreviation) - 1
                      ? abbreviation.size
                      : sizeof(type->abbreviation) - 1;
    if (size > 0) {
        memcpy(type->abbreviation, abbreviation.data, size);
    }
    return (uint16_t) zone->type_count++;
}

void zone_add_change(struct zone *zone, int64_t at_s, uint16_t type)
{
    if ((zone->change_count & (zone->change_count - 1)) == 0) { /* the room doubles */
        size_t room = zone->change_count == 0 ? 1 : zone->change_count * 2;
        zone->changes = mem_realloc(zone->changes, room * sizeof(*zone->changes));
    }
    zone->changes[zone->change_count++] = (struct zone_change){at_s, type};
}

void zone_clear(struct zone *zone)
{
    mem_free(zone->types);
    mem_free(zone->changes);
    zone->types = NULL;
    zone->changes = NULL;
    zone->type_count = 0;
    zone->change_count = 0;
}

static bool types_read(const struct header *header, const uint8_t *at, struct zone *zone)
{
    const uint8_t *names = at + (size_t) header->types * TYPE_BYTES;
    for (uint32_t i = 0; i < header->types; i++, at += TYPE_BYTES) {
        int32_t offset_s = (int32_t) read_u32(at);
        size_t name = at[5];
        if (offset_s <= -OFFSET_BOUND || offset_s >= OFFSET_BOUND || at[4] > 1 ||
            name >= header->name_bytes) {
            return false;
        }
        size_t size = strnlen((const char *) names + name, header->name_bytes - name);
        (void) zone_add_type(zone, offset_s, at[4] == 1, slice_of(names + name, size));
    }
    return true;
}

static bool changes_read(const struct header *header, const uint8_t *at, struct zone *zone)
{
    const uint8_t *types = at + (size_t) header->changes * NEW_TIME_SIZE;
    for (uint32_t i = 0; i < header->changes; i++, at += NEW_TIME_SIZE) {
        int64_t at_s = read_i64(at);
        bool ascending = i == 0 || zone->changes[zone->change_count - 1].at_s < at_s;
        if (!ascending || types[i] >= header->types) {
            return false;
        }
        zone_add_change(zone, at_s, types[i]);
    }
    return true;
}

static enum status damaged(struct error *error)
{
    return error_set(error, STATUS_CONFIG, "is no time zone file (TZif, version 2 or later)");
}

enum status zone_read(struct slice file, struct zone *zone, struct error *error)
{
    struct header header;
    if (!header_read(file, 0, &header) || file.data[4] < '2') {
        return damaged(error);
    }
    size_t at = HEADER_BYTES + block_bytes(&header, OLD_TIME_SIZE);
    if (!header_read(file, at, &header) || header.types == 0 || header.types > TYPES_MAX ||
        header.changes > CHANGES_MAX) {
        return damaged(error);
    }
    if (header.leaps > 0) {
        return error_set(error, STATUS_CONFIG, "counts leap seconds, and times here do not");
    }
    at += HEADER_BYTES;
    size_t end = at + block_bytes(&header, NEW_TIME_SIZE);
    if (file.size < end + 2 || file.data[end] != '\n') {
        return damaged(error);
    }
    const uint8_t *rule = file.data + end + 1;
    const uint8_t *rule_end = memchr(rule, '\n', file.size - end - 1);
    size_t times = (size_t) header.changes * (NEW_TIME_SIZE + 1);
    if (rule_end == NULL || !types_read(&header, file.data + at + times, zone) ||
        !changes_read(&header, file.data + at, zone)) {
        return damaged(error);
    }
    return zone_rule_extend(zone, slice_of(rule, (size_t) (rule_end - rule)), error);
}
