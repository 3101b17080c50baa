#include "connectors/generate/user.h"

#include "base/assert.h"
#include "base/memory.h"
#include "base/time_text.h"

#include <openssl/evp.h>
#include <string.h>

/* The ranges of the service, in ms: dates do not depend on the day they are asked on. */
#define DOB_FIRST_MS        INT64_C(-800000000000)
#define DOB_LAST_MS         INT64_C(991088189000)
#define REGISTERED_FIRST_MS INT64_C(1016688461000)
#define REGISTERED_LAST_MS  INT64_C(1653344189000)
#define MS_PER_DAY          INT64_C(86400000)

#define SALT_SIZE      8
#define MEN_PICTURES   100
#define WOMEN_PICTURES 97

enum {
    MD5,
    SHA1,
    SHA256,
    HASH_COUNT
};

struct date {
    int64_t year;
    unsigned month;
    unsigned day;
    int64_t ms_of_day;
};

struct user_maker {
    EVP_MD_CTX *context;
    EVP_MD *hashes[HASH_COUNT];
    struct date now;
    uint64_t state; /* of the random numbers */
    uint64_t digits;
    unsigned digits_left;
};

static const struct {
    const char *offset;
    const char *description;
} timezones[] = {
    {"-12:00", "Eniwetok, Kwajalein"},
    {"-11:00", "Midway Island, Samoa"},
    {"-10:00", "Hawaii"},
    {"-9:00", "Alaska"},
    {"-8:00", "Pacific Time (US & Canada)"},
    {"-7:00", "Mountain Time (US & Canada)"},
    {"-6:00", "Central Time (US & Canada), Mexico City"},
    {"-5:00", "Eastern Time (US & Canada), Bogota, Lima"},
    {"-4:00", "Atlantic Time (Canada), Caracas, La Paz"},
    {"-3:30", "Newfoundland"},
    {"-3:00", "Brazil, Buenos Aires, Georgetown"},
    {"-2:00", "Mid-Atlantic"},
    {"-1:00", "Azores, Cape Verde Islands"},
    {"0:00", "Western Europe Time, London, Lisbon, Casablanca"},
    {"+1:00", "Brussels, Copenhagen, Madrid, Paris"},
    {"+2:00", "Kaliningrad, South Africa"},
    {"+3:00", "Baghdad, Riyadh, Moscow, St. Petersburg"},
    {"+3:30", "Tehran"},
    {"+4:00", "Abu Dhabi, Muscat, Baku, Tbilisi"},
    {"+4:30", "Kabul"},
    {"+5:00", "Ekaterinburg, Islamabad, Karachi, Tashkent"},
    {"+5:30", "Bombay, Calcutta, Madras, New Delhi"},
    {"+5:45", "Kathmandu"},
    {"+6:00", "Almaty, Dhaka, Colombo"},
    {"+7:00", "Bangkok, Hanoi, Jakarta"},
    {"+8:00", "Beijing, Perth, Singapore, Hong Kong"},
    {"+9:00", "Tokyo, Seoul, Osaka, Sapporo, Yakutsk"},
    {"+9:30", "Adelaide, Darwin"},
    {"+10:00", "Eastern Australia, Guam, Vladivostok"},
    {"+11:00", "Magadan, Solomon Islands, New Caledonia"},
};

/* --- random numbers: splitmix64 --- */

__extension__ typedef unsigned __int128 uint128;

static uint64_t next(struct user_maker *maker)
{
    uint64_t z = maker->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 .. count - 1 */
static uint64_t below(struct user_maker *maker, uint64_t count)
{
    return (uint64_t) (((uint128) next(maker) * count) >> 64);
}

static int64_t between(struct user_maker *maker, int64_t first, int64_t last)
{
    return first + (int64_t) below(maker, (uint64_t) (last - first) + 1);
}

/* 0 .. count - 1 for small counts: several from one random number. */
static unsigned below_small(struct user_maker *maker, unsigned count)
{
    if (maker->digits_left == 0) {
        maker->digits = next(maker);
        maker->digits_left = 12;
    }
    maker->digits_left--;
    uint128 product = (uint128) maker->digits * count;
    maker->digits = (uint64_t) product;
    return (unsigned) (product >> 64);
}

static struct slice pick(struct user_maker *maker, struct word_list words)
{
    return words.items[below(maker, words.count)];
}

/* --- values in the scratch space --- */

static void put(struct user *user, struct slice text)
{
    ASSERT(text.size <= USER_SCRATCH_BYTES - user->used);
    memcpy(user->scratch + user->used, text.data, text.size);
    user->used += text.size;
}

static void put_byte(struct user *user, char byte)
{
    ASSERT(user->used < USER_SCRATCH_BYTES);
    user->scratch[user->used++] = byte;
}

static void put_number(struct user *user, uint64_t number, unsigned digits_min)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0 || count < digits_min);
    while (count > 0) {
        put_byte(user, digits[--count]);
    }
}

/* What was put since `begin` is the leaf's value. */
static void end_leaf(struct user *user, enum user_leaf leaf, size_t begin, enum leaf_kind kind)
{
    user->values[leaf] = slice_of(user->scratch + begin, user->used - begin);
    user->kinds[leaf] = (uint8_t) kind;
}

static void set_text(struct user *user, enum user_leaf leaf, struct slice text)
{
    user->values[leaf] = text;
    user->kinds[leaf] = LEAF_TEXT;
}

static void set_number(struct user *user, enum user_leaf leaf, uint64_t number)
{
    size_t begin = user->used;
    put_number(user, number, 1);
    end_leaf(user, leaf, begin, LEAF_NUMBER);
}

/* --- dates --- */

static struct date date_of(int64_t ms)
{
    int64_t days = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    struct date date = {.ms_of_day = ms - days * MS_PER_DAY};
    civil_from_days(days, &date.year, &date.month, &date.day);
    return date;
}

static uint64_t age_at(const struct date *date, const struct date *now)
{
    int64_t years = now->year - date->year;
    int64_t begin = (int64_t) (date->month * 32 + date->day) * MS_PER_DAY + date->ms_of_day;
    int64_t end = (int64_t) (now->month * 32 + now->day) * MS_PER_DAY + now->ms_of_day;
    years -= end < begin;
    return years < 0 ? 0 : (uint64_t) years;
}

/* "1981-10-20T18:46:45.926Z" */
static void set_date(struct user *user, enum user_leaf leaf, const struct date *date)
{
    uint64_t ms = (uint64_t) date->ms_of_day;
    size_t begin = user->used;
    put_number(user, (uint64_t) date->year, 4);
    put_byte(user, '-');
    put_number(user, date->month, 2);
    put_byte(user, '-');
    put_number(user, date->day, 2);
    put_byte(user, 'T');
    put_number(user, ms / 3600000, 2);
    put_byte(user, ':');
    put_number(user, ms / 60000 % 60, 2);
    put_byte(user, ':');
    put_number(user, ms / 1000 % 60, 2);
    put_byte(user, '.');
    put_number(user, ms % 1000, 3);
    put_byte(user, 'Z');
    end_leaf(user, leaf, begin, LEAF_TEXT);
}

/* --- patterns (nationality.h) --- */

/* One of the digits in "[2-8]" or "[79]"; `at` is behind the bracket. */
static char digit_of_set(struct user_maker *maker, const uint8_t *at, size_t size)
{
    if (size == 3 && at[1] == '-') {
        return (char) (at[0] + below_small(maker, (unsigned) (at[2] - at[0] + 1)));
    }
    return (char) at[below_small(maker, (unsigned) size)];
}

static void put_date_part(struct user *user, struct slice name, const struct date *dob, int sex)
{
    if (slice_equal(name, SLICE("dmy"))) {
        put_number(user, dob->day, 2);
        put_number(user, dob->month, 2);
        put_number(user, (uint64_t) dob->year % 100, 2);
    } else if (slice_equal(name, SLICE("ym"))) {
        put_number(user, (uint64_t) dob->year % 100, 2);
        put_number(user, dob->month, 2);
    } else {
        ASSERT(slice_equal(name, SLICE("s")));
        put_byte(user, (char) ('1' + sex));
    }
}

static void set_pattern(struct user_maker *maker,
                        struct user *user,
                        enum user_leaf leaf,
                        struct slice pattern,
                        const struct date *dob,
                        int sex)
{
    size_t begin = user->used;
    for (size_t i = 0; i < pattern.size; i++) {
        const uint8_t *at = pattern.data + i;
        if (*at == '#') {
            put_byte(user, (char) ('0' + below_small(maker, 10)));
        } else if (*at == '@') {
            put_byte(user, (char) ('A' + below_small(maker, 26)));
        } else if (*at == '[' || *at == '{') {
            const uint8_t *end = memchr(at, *at == '[' ? ']' : '}', pattern.size - i);
            ASSERT(end != NULL);
            size_t size = (size_t) (end - at) - 1;
            if (*at == '[') {
                put_byte(user, digit_of_set(maker, at + 1, size));
            } else {
                put_date_part(user, slice_of(at + 1, size), dob, sex);
            }
            i += size + 1;
        } else {
            put_byte(user, (char) *at);
        }
    }
    end_leaf(user, leaf, begin, LEAF_TEXT);
}

/* --- the fields --- */

/* Degrees with four decimals, as text. */
static void
set_degrees(struct user_maker *maker, struct user *user, enum user_leaf leaf, int64_t degrees_max)
{
    int64_t value = between(maker, -degrees_max * 10000, degrees_max * 10000);
    size_t begin = user->used;
    if (value < 0) {
        put_byte(user, '-');
        value = -value;
    }
    put_number(user, (uint64_t) value / 10000, 1);
    put_byte(user, '.');
    put_number(user, (uint64_t) value % 10000, 4);
    end_leaf(user, leaf, begin, LEAF_TEXT);
}

static void
make_location(struct user_maker *maker, const struct nationality *nationality, struct user *user)
{
    set_number(user, LEAF_STREET_NUMBER, below(maker, 9999) + 1);
    set_text(user, LEAF_STREET_NAME, pick(maker, nationality->streets));
    set_text(user, LEAF_CITY, pick(maker, nationality->cities));
    set_text(user, LEAF_STATE, pick(maker, nationality->states));
    set_text(user, LEAF_COUNTRY, nationality->country);
    if (nationality->postcode_is_number) {
        int64_t code = between(maker, nationality->postcode_min, nationality->postcode_max);
        set_number(user, LEAF_POSTCODE, (uint64_t) code);
    } else {
        set_pattern(maker, user, LEAF_POSTCODE, nationality->postcode_pattern, NULL, 0);
    }
    set_degrees(maker, user, LEAF_LATITUDE, 90);
    set_degrees(maker, user, LEAF_LONGITUDE, 180);
    uint64_t zone = below(maker, ARRAY_SIZE(timezones));
    set_text(user, LEAF_OFFSET, slice_of_string(timezones[zone].offset));
    set_text(user, LEAF_DESCRIPTION, slice_of_string(timezones[zone].description));
}

static void set_uuid(struct user_maker *maker, struct user *user)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t words[2] = {next(maker), next(maker)};
    words[0] = (words[0] & ~UINT64_C(0xf000)) | 0x4000; /* version 4, variant 1: RFC 9562 */
    words[1] = (words[1] & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    size_t begin = user->used;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            put_byte(user, '-');
        }
        put_byte(user, digits[words[i / 16] >> (60 - i % 16 * 4) & 15]);
    }
    end_leaf(user, LEAF_UUID, begin, LEAF_TEXT);
}

static void set_hash(
    struct user_maker *maker, struct user *user, enum user_leaf leaf, int hash, struct slice of)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool done = EVP_DigestInit_ex2(maker->context, maker->hashes[hash], NULL) == 1 &&
                EVP_DigestUpdate(maker->context, of.data, of.size) == 1 &&
                EVP_DigestFinal_ex(maker->context, bytes, &size) == 1;
    ASSERT(done);
    size_t begin = user->used;
    for (unsigned i = 0; i < size; i++) {
        put_byte(user, digits[bytes[i] >> 4]);
        put_byte(user, digits[bytes[i] & 15]);
    }
    end_leaf(user, leaf, begin, LEAF_TEXT);
}

static void make_login(struct user_maker *maker, struct user *user, bool wanted)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const struct common_words *words = common_words();
    set_uuid(maker, user);
    size_t begin = user->used;
    put(user, pick(maker, words->adjectives));
    put(user, pick(maker, words->animals));
    put_number(user, 100 + below(maker, 900), 3);
    end_leaf(user, LEAF_USERNAME, begin, LEAF_TEXT);
    begin = user->used;
    put(user, pick(maker, words->passwords));
    end_leaf(user, LEAF_PASSWORD, begin, LEAF_TEXT);
    size_t salt_begin = user->used;
    for (int i = 0; i < SALT_SIZE; i++) {
        put_byte(user, letters[below_small(maker, sizeof(letters) - 1)]);
    }
    end_leaf(user, LEAF_SALT, salt_begin, LEAF_TEXT);
    if (wanted) {
        struct slice salted = slice_of(user->scratch + begin, user->used - begin);
        set_hash(maker, user, LEAF_MD5, MD5, salted);
        set_hash(maker, user, LEAF_SHA1, SHA1, salted);
        set_hash(maker, user, LEAF_SHA256, SHA256, salted);
    }
}

static void make_picture(struct user_maker *maker, struct user *user, int sex)
{
    static const struct {
        enum user_leaf leaf;
        const char *base;
    } rows[] = {
        {LEAF_LARGE, "https://randomuser.me/api/portraits/"},
        {LEAF_MEDIUM, "https://randomuser.me/api/portraits/med/"},
        {LEAF_THUMBNAIL, "https://randomuser.me/api/portraits/thumb/"},
    };

    uint64_t number = below(maker, sex == 0 ? MEN_PICTURES : WOMEN_PICTURES);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t begin = user->used;
        put(user, slice_of_string(rows[i].base));
        put(user, sex == 0 ? SLICE("men/") : SLICE("women/"));
        put_number(user, number, 1);
        put(user, SLICE(".jpg"));
        end_leaf(user, rows[i].leaf, begin, LEAF_TEXT);
    }
}

static void make_name(struct user_maker *maker,
                      const struct nationality *nationality,
                      struct user *user,
                      int sex)
{
    uint64_t first = below(maker, nationality->first[sex].count);
    uint64_t last = below(maker, nationality->last.count);
    set_text(user, LEAF_GENDER, sex == 0 ? SLICE("male") : SLICE("female"));
    set_text(user, LEAF_TITLE, pick(maker, nationality->titles[sex]));
    set_text(user, LEAF_FIRST, nationality->first[sex].items[first]);
    set_text(user, LEAF_LAST, nationality->last.items[last]);
    size_t begin = user->used;
    put(user, nationality->first_ascii[sex].items[first]);
    put_byte(user, '.');
    put(user, nationality->last_ascii.items[last]);
    put(user, SLICE("@example.com"));
    end_leaf(user, LEAF_EMAIL, begin, LEAF_TEXT);
}

/* The n-th nationality of the set. */
static const struct nationality *pick_nationality(struct user_maker *maker, uint32_t set)
{
    unsigned left = (unsigned) below(maker, (uint64_t) __builtin_popcount(set));
    for (; left > 0; left--) {
        set &= set - 1;
    }
    return &nationalities()[__builtin_ctz(set)];
}

void user_make(struct user_maker *maker,
               uint64_t number,
               uint32_t nationality_set,
               int gender,
               unsigned fields,
               struct user *ret_user)
{
    struct user *user = ret_user;
    user->used = 0;
    maker->state = number;
    maker->digits_left = 0;
    const struct nationality *nationality = pick_nationality(maker, nationality_set);
    int drawn = (int) below(maker, 2);
    int sex = gender < 0 ? drawn : gender;
    make_name(maker, nationality, user, sex);
    make_location(maker, nationality, user);
    make_login(maker, user, (fields & 1U << FIELD_LOGIN) != 0);
    struct date dob = date_of(between(maker, DOB_FIRST_MS, DOB_LAST_MS));
    struct date registered = date_of(between(maker, REGISTERED_FIRST_MS, REGISTERED_LAST_MS));
    set_date(user, LEAF_DOB_DATE, &dob);
    set_number(user, LEAF_DOB_AGE, age_at(&dob, &maker->now));
    set_date(user, LEAF_REGISTERED_DATE, &registered);
    set_number(user, LEAF_REGISTERED_AGE, age_at(&registered, &maker->now));
    set_pattern(maker, user, LEAF_PHONE, nationality->phone, &dob, sex);
    set_pattern(maker, user, LEAF_CELL, nationality->cell, &dob, sex);
    set_text(user, LEAF_ID_NAME, nationality->id_name);
    set_pattern(maker, user, LEAF_ID_VALUE, nationality->id_pattern, &dob, sex);
    if (nationality->id_pattern.size == 0) {
        user->kinds[LEAF_ID_VALUE] = LEAF_NULL;
    }
    make_picture(maker, user, sex);
    set_text(user, LEAF_NAT, slice_of(nationality->code, 2));
}

void user_maker_set_now(struct user_maker *maker, int64_t now_us)
{
    maker->now = date_of(now_us / 1000);
}

enum status user_maker_new(struct user_maker **ret_maker, struct error *error)
{
    static const char *const names[HASH_COUNT] = {"MD5", "SHA1", "SHA256"};
    struct user_maker *maker = mem_zalloc(sizeof(*maker));
    maker->context = EVP_MD_CTX_new();
    ASSERT(maker->context != NULL);
    for (int i = 0; i < HASH_COUNT; i++) {
        maker->hashes[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (maker->hashes[i] == NULL) {
            user_maker_free(maker);
            return error_set(error, STATUS_UNAVAILABLE, "OpenSSL does not offer the hash %s",
                             names[i]);
        }
    }
    *ret_maker = maker;
    return STATUS_OK;
}

void user_maker_free(struct user_maker *maker)
{
    if (maker == NULL) {
        return;
    }
    for (int i = 0; i < HASH_COUNT; i++) {
        EVP_MD_free(maker->hashes[i]);
    }
    EVP_MD_CTX_free(maker->context);
    mem_free(maker);
}
