#include "base/zone.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "base/zone_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONEINFO       "/usr/share/zoneinfo"
#define NAME_BYTES_MAX 64
#define FILE_BYTES_MAX (256 << 10)
#define DAY_S          INT64_C(86400)
#define OFFSET_S_MAX   (18 * 3600)

static struct zone_type utc_type = {0, false, "UTC"};
static struct zone utc = {.name = (char *) "UTC", .types = &utc_type, .type_count = 1};

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map known; /* name to struct zone; only ever grows, by what exists */

/* ---- finding -----------------------------------------------------------------------------------
 */

/* Components of letters, digits, "_", "-" and "+": nothing that leads out of the folder. */
static bool is_name(const char *name)
{
    if (strlen(name) > NAME_BYTES_MAX || strcmp(name, "localtime") == 0 ||
        strcmp(name, "posixrules") == 0) {
        return false; /* the last two are what this machine was set to */
    }
    bool first = true;
    for (; *name != '\0'; name++) {
        bool alnum = isalnum((unsigned char) *name) != 0;
        if (!alnum && (first || strchr("/_-+", *name) == NULL)) {
            return false;
        }
        first = *name == '/';
    }
    return !first;
}

/* "+05:30" */
static bool offset_parse(const char *name, int32_t *ret_offset_s)
{
    if (strlen(name) != sizeof("+05:30") - 1 || (name[0] != '+' && name[0] != '-') ||
        name[3] != ':') {
        return false;
    }
    int digits[] = {name[1] - '0', name[2] - '0', name[4] - '0', name[5] - '0'};
    for (size_t i = 0; i < ARRAY_SIZE(digits); i++) {
        if (digits[i] < 0 || digits[i] > 9) {
            return false;
        }
    }
    int minutes = digits[2] * 10 + digits[3];
    int32_t offset_s = (digits[0] * 10 + digits[1]) * 3600 + minutes * 60;
    *ret_offset_s = name[0] == '-' ? -offset_s : offset_s;
    return minutes < 60 && offset_s <= OFFSET_S_MAX;
}

static enum status unknown(const char *name, const char *folder, struct error *error)
{
    struct stat there;
    if (stat(folder, &there) != 0) {
        (void) error_set(error, STATUS_UNAVAILABLE,
                         "cannot know time zone \"%s\": \"%s\" does not exist", name, folder);
        error_hint(error, "install the package tzdata, or let TZDIR name the folder of its files");
        return STATUS_UNAVAILABLE;
    }
    (void) error_set(error, STATUS_CONFIG, "\"%s\" is no time zone", name);
    error_hint(error, "write a name of tzdata, such as \"Europe/Berlin\" or \"UTC\"");
    return STATUS_CONFIG;
}

/* The content of a regular file, at most FILE_BYTES_MAX; false: there is none. */
static bool read_whole(const char *path, uint8_t *target, size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    struct stat there;
    bool fine = fstat(fd, &there) == 0 && S_ISREG(there.st_mode) && there.st_size <= FILE_BYTES_MAX;
    size_t size = 0;
    while (fine && size < FILE_BYTES_MAX) {
        ssize_t got = read(fd, target + size, FILE_BYTES_MAX - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        fine = got >= 0;
        if (got <= 0) {
            break;
        }
        size += (size_t) got;
    }
    (void) close(fd);
    *ret_size = size;
    return fine;
}

static enum status zone_load(const char *name, struct zone *zone, struct error *error)
{
    const char *folder = getenv("TZDIR");
    if (folder == NULL || folder[0] != '/') {
        folder = ZONEINFO;
    }
    if (!is_name(name)) {
        return unknown(name, "/", error);
    }
    char *path = mem_printf("%s/%s", folder, name);
    uint8_t *bytes = mem_alloc(FILE_BYTES_MAX);
    size_t size = 0;
    enum status status;
    if (read_whole(path, bytes, &size)) {
        status = zone_read(slice_of(bytes, size), zone, error);
        if (status != STATUS_OK) {
            error_context(error, "time zone \"%s\" (%s)", name, path);
        }
    } else {
        status = unknown(name, folder, error);
    }
    mem_free(bytes);
    mem_free(path);
    return status;
}

enum status zone_find(const char *name, const struct zone **ret_zone, struct error *error)
{
    if (strcmp(name, utc.name) == 0) {
        *ret_zone = &utc;
        return STATUS_OK;
    }
    (void) pthread_mutex_lock(&known_lock);
    struct zone *zone = map_get_string(&known, name);
    enum status status = STATUS_OK;
    if (zone == NULL) {
        zone = mem_zalloc(sizeof(*zone));
        int32_t offset_s;
        if (offset_parse(name, &offset_s)) {
            (void) zone_add_type(zone, offset_s, false, slice_of_string(name));
        } else {
            status = zone_load(name, zone, error);
        }
        if (status == STATUS_OK) {
            zone->name = mem_strdup(name);
            (void) map_put_string(&known, name, zone);
        } else {
            zone_clear(zone);
            mem_free(zone);
            zone = NULL;
        }
    }
    (void) pthread_mutex_unlock(&known_lock);
    *ret_zone = zone;
    return status;
}

const struct zone *zone_utc(void)
{
    return &utc;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* ---- times -------------------------------------------------------------------------------------
 */

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* `us` + `seconds`, at most the ends of what can be counted. */
static int64_t plus_seconds(int64_t us, int64_t seconds)
{
    int64_t moved_us;
    int64_t by_us;
    if (__builtin_mul_overflow(seconds, US_PER_SECOND, &by_us) ||
        __builtin_add_overflow(us, by_us, &moved_us)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return moved_us;
}

/* How many cycles of 400 years `at_s` is to go back to be two days inside the table. */
static int64_t cycles_behind(const struct zone *zone, int64_t at_s)
{
    if (!zone->repeats) {
        return 0;
    }
    int64_t end_s = zone->changes[zone->change_count - 1].at_s - 2 * DAY_S;
    return at_s < end_s ? 0 : (at_s - end_s) / ZONE_CYCLE_S + 1;
}

static const struct zone_type *type_before(const struct zone *zone, size_t change)
{
    return &zone->types[change == 0 ? 0 : zone->changes[change - 1].type];
}

static const struct zone_type *type_after(const struct zone *zone, size_t change)
{
    return &zone->types[zone->changes[change].type];
}

/* How many changes are at or before `at_s`. */
static size_t changes_until(const struct zone *zone, int64_t at_s)
{
    size_t low = 0;
    size_t high = zone->change_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void zone_period_at(const struct zone *zone, int64_t utc_us, struct zone_period *ret_period)
{
    int64_t at_s = floor_divide(utc_us, US_PER_SECOND);
    int64_t moved_s = cycles_behind(zone, at_s) * ZONE_CYCLE_S;
    size_t next = changes_until(zone, at_s - moved_s);
    const struct zone_type *type = type_before(zone, next);
    int64_t from_us = INT64_MIN;
    int64_t until_us = INT64_MAX;
    if (next > 0) {
        from_us = plus_seconds(0, zone->changes[next - 1].at_s + moved_s);
    }
    if (next < zone->change_count) {
        until_us = plus_seconds(0, zone->changes[next].at_s + moved_s);
    }
    *ret_period = (struct zone_period){
        .from_us = from_us,
        .until_us = until_us,
        .offset_s = type->offset_s,
        .dst = type->dst,
        .abbreviation = type->abbreviation,
    };
}

int64_t zone_local(const struct zone *zone, int64_t utc_us)
{
    struct zone_period period;
    zone_period_at(zone, utc_us, &period);
    return plus_seconds(utc_us, period.offset_s);
}

/*
 * The offset at a local time: a change happens on the wall at the later of the two times that the
 * wall shows around it for fold 0, and at the earlier for fold 1.
 */
static int32_t local_offset(const struct zone *zone, int64_t local_s, int fold)
{
    size_t low = 0;
    size_t high = zone->change_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int32_t before_s = type_before(zone, middle)->offset_s;
        int32_t after_s = type_after(zone, middle)->offset_s;
        bool take_before = fold == 0 ? before_s > after_s : before_s < after_s;
        if (zone->changes[middle].at_s + (take_before ? before_s : after_s) <= local_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return type_before(zone, low)->offset_s;
}

enum zone_fit zone_utc_of(const struct zone *zone, int64_t local_us, int64_t ret_utc_us[2])
{
    int64_t local_s = floor_divide(local_us, US_PER_SECOND);
    local_s -= cycles_behind(zone, local_s + DAY_S) * ZONE_CYCLE_S;
    for (int fold = 0; fold < 2; fold++) {
        ret_utc_us[fold] = plus_seconds(local_us, -(int64_t) local_offset(zone, local_s, fold));
    }
    if (ret_utc_us[0] == ret_utc_us[1]) {
        return ZONE_ONCE;
    }
    return ret_utc_us[0] < ret_utc_us[1] ? ZONE_TWICE : ZONE_NEVER;
}
