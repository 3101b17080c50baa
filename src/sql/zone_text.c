#include "sql/zone_text.h"

#include "base/time_text.h"
#include "sql/number_text.h"

#include <string.h>

#define REGION_BYTES_MAX 63
#define UNKNOWN_MAX      8

/* java.time.ZoneId.SHORT_IDS */
static const char *const short_names[][2] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"EST", "-05:00"},
    {"HST", "-10:00"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"MST", "-07:00"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

/* Names that a column repeats: what was found last, and what was not, so that no row costs a look
 * at the disk. */
static _Thread_local struct {
    char name[REGION_BYTES_MAX + 1];
    const struct zone *zone;
} last;

static _Thread_local char unknown[UNKNOWN_MAX][REGION_BYTES_MAX + 1];
static _Thread_local unsigned unknown_next;

/* Digits, at least `least` and at most `most`, taken off the text. */
static bool take_digits(struct slice *text, size_t least, size_t most, int64_t *ret_value)
{
    size_t count = 0;
    int64_t value = 0;
    while (count < most && count < text->size && text->data[count] >= '0' &&
           text->data[count] <= '9') {
        value = value * 10 + (text->data[count++] - '0');
    }
    *text = slice_of(text->data + count, text->size - count);
    *ret_value = value;
    return count >= least;
}

static bool take_colon(struct slice *text)
{
    if (text->size == 0 || text->data[0] != ':') {
        return false;
    }
    *text = slice_of(text->data + 1, text->size - 1);
    return true;
}

/* The part of an offset behind its sign: h, hh, hh:mm, hhmm, hh:mm:ss. */
static bool parse_offset(struct slice text, int64_t *ret_us)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    if (!take_digits(&text, 1, 2, &hours)) {
        return false;
    }
    if (text.size > 0) {
        bool colon = take_colon(&text);
        if (!take_digits(&text, colon ? 1 : 2, 2, &minutes)) {
            return false;
        }
        if (text.size > 0 && colon != take_colon(&text)) {
            return false;
        }
        if (text.size > 0 && !take_digits(&text, 2, 2, &seconds)) {
            return false;
        }
    }
    *ret_us = ((hours * 60 + minutes) * 60 + seconds) * US_PER_SECOND;
    return text.size == 0 && minutes < 60 && seconds < 60 && *ret_us <= 18 * US_PER_HOUR;
}

static bool parse_region(struct slice text, struct zone_text *ret_zone)
{
    char name[REGION_BYTES_MAX + 1];
    if (text.size == 0 || text.size > REGION_BYTES_MAX || text.data[0] < 'A' ||
        text.data[0] > 'Z' || memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(name, text.data, text.size);
    name[text.size] = '\0';
    if (strcmp(name, last.name) == 0) {
        ret_zone->zone = last.zone;
        return true;
    }
    for (unsigned i = 0; i < UNKNOWN_MAX; i++) {
        if (strcmp(name, unknown[i]) == 0) {
            return false;
        }
    }
    const char *wanted = name;
    for (size_t i = 0; i < ARRAY_SIZE(short_names); i++) {
        wanted = strcmp(name, short_names[i][0]) == 0 ? short_names[i][1] : wanted;
    }
    struct error error;
    error_clear(&error);
    if (zone_find(wanted, &ret_zone->zone, &error) != STATUS_OK) {
        memcpy(unknown[unknown_next++ % UNKNOWN_MAX], name, sizeof name);
        ret_zone->zone = NULL;
        return false;
    }
    memcpy(last.name, name, sizeof name);
    last.zone = ret_zone->zone;
    return true;
}

bool zone_text_parse(struct slice text, struct zone_text *ret_zone)
{
    static const char *const names[] = {"UTC", "GMT", "UT"};
    *ret_zone = (struct zone_text){0};
    text = text_trim_all(text);
    struct slice rest = text;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t size = strlen(names[i]);
        if (text.size >= size && memcmp(text.data, names[i], size) == 0) {
            rest = slice_of(text.data + size, text.size - size);
            if (rest.size == 0) {
                return true;
            }
            break;
        }
    }
    if (text.size == 1 && (text.data[0] == 'Z' || text.data[0] == 'z')) {
        return true;
    }
    if (rest.size == 0 || (rest.data[0] != '+' && rest.data[0] != '-')) {
        return parse_region(text, ret_zone);
    }
    if (!parse_offset(slice_of(rest.data + 1, rest.size - 1), &ret_zone->offset_us)) {
        return false;
    }
    if (rest.data[0] == '-') {
        ret_zone->offset_us = -ret_zone->offset_us;
    }
    return true;
}

int64_t zone_text_local(const struct zone_text *zone, int64_t utc_us)
{
    int64_t local_us;
    if (zone->zone != NULL) {
        return zone_local(zone->zone, utc_us);
    }
    return __builtin_add_overflow(utc_us, zone->offset_us, &local_us) ? utc_us : local_us;
}

int64_t zone_text_utc(const struct zone_text *zone, int64_t local_us)
{
    int64_t utc_us[2];
    if (zone->zone != NULL) {
        (void) zone_utc_of(zone->zone, local_us, utc_us);
        return utc_us[0];
    }
    return __builtin_sub_overflow(local_us, zone->offset_us, &utc_us[0]) ? local_us : utc_us[0];
}
