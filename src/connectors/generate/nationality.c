#include "connectors/generate/nationality.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/embedded.h"
#include "connectors/generate/transliterate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const struct embedded_file user_data[];
extern const size_t user_data_count;

static struct arena arena; /* for the life of the process */
static struct nationality table[NATIONALITY_COUNT];
static struct common_words common;
static struct word_list default_titles[2];

static struct slice trim(struct slice text)
{
    while (text.size > 0 && text.data[0] == ' ') {
        text = slice_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

/* The line "key: value" of a data file; false if the file has none. */
static bool find_line(struct slice text, const char *key, struct slice *ret_value)
{
    size_t key_size = strlen(key);
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        ASSERT(end != NULL);
        size_t size = (size_t) (end - text.data);
        if (size > key_size && text.data[key_size] == ':' &&
            memcmp(text.data, key, key_size) == 0) {
            *ret_value = trim(slice_of(text.data + key_size + 1, size - key_size - 1));
            return true;
        }
        text = slice_of(end + 1, text.size - size - 1);
    }
    return false;
}

static struct slice read_line(struct slice text, const char *key)
{
    struct slice value = SLICE_EMPTY;
    ASSERT(find_line(text, key, &value));
    return value;
}

/* "a, b, c"; a "~" stands for a blank, as some real street names end in one. */
static struct word_list read_list(struct slice text, const char *key)
{
    struct slice line;
    if (!find_line(text, key, &line)) {
        return (struct word_list){NULL, 0};
    }
    size_t count = 1;
    for (size_t i = 0; i < line.size; i++) {
        count += line.data[i] == ',';
    }
    struct slice *items = ARENA_ARRAY(&arena, struct slice, count);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *comma = memchr(line.data, ',', line.size);
        size_t size = comma == NULL ? line.size : (size_t) (comma - line.data);
        struct slice item = trim(slice_of(line.data, size));
        char *copy = arena_string(&arena, item);
        for (char *at = copy; *at != '\0'; at++) {
            ASSERT((unsigned char) *at >= ' ' && *at != '"' && *at != '\\');
            *at = *at == '~' ? ' ' : *at;
        }
        items[i] = slice_of(copy, item.size);
        size += comma != NULL;
        line = slice_of(line.data + size, line.size - size);
    }
    return (struct word_list){items, count};
}

static struct word_list to_ascii(struct word_list words)
{
    struct slice *items = ARENA_ARRAY(&arena, struct slice, words.count);
    struct buffer buffer = BUFFER_INIT;
    for (size_t i = 0; i < words.count; i++) {
        buffer_clear(&buffer);
        transliterate(&buffer, words.items[i]);
        items[i] = arena_copy(&arena, buffer_slice(&buffer));
    }
    buffer_deinit(&buffer);
    return (struct word_list){items, words.count};
}

/* "number 200 9999" or "text @#@ #@#". */
static void read_postcode(struct nationality *nationality, struct slice line)
{
    char *text = arena_string(&arena, line);
    if (strncmp(text, "number ", 7) == 0) {
        char *end = NULL;
        nationality->postcode_is_number = true;
        nationality->postcode_min = (uint32_t) strtoul(text + 7, &end, 10);
        nationality->postcode_max = (uint32_t) strtoul(end, NULL, 10);
        ASSERT(nationality->postcode_max > nationality->postcode_min);
    } else {
        ASSERT(strncmp(text, "text ", 5) == 0);
        nationality->postcode_pattern = slice_of(line.data + 5, line.size - 5);
    }
}

static void read_nationality(struct nationality *nationality, const struct embedded_file *file)
{
    struct slice text = file->bytes;
    memcpy(nationality->code, file->name, 2);
    nationality->country = read_line(text, "country");
    nationality->first[0] = read_list(text, "male");
    nationality->first[1] = read_list(text, "female");
    nationality->last = read_list(text, "last");
    nationality->first_ascii[0] = to_ascii(nationality->first[0]);
    nationality->first_ascii[1] = to_ascii(nationality->first[1]);
    nationality->last_ascii = to_ascii(nationality->last);
    nationality->titles[0] = read_list(text, "title_male");
    nationality->titles[1] = read_list(text, "title_female");
    for (int sex = 0; sex < 2; sex++) {
        if (nationality->titles[sex].count == 0) {
            nationality->titles[sex] = default_titles[sex];
        }
    }
    nationality->cities = read_list(text, "city");
    nationality->states = read_list(text, "state");
    nationality->streets = read_list(text, "street");
    nationality->phone = read_line(text, "phone");
    nationality->cell = read_line(text, "cell");
    read_postcode(nationality, read_line(text, "postcode"));
    struct slice id = read_line(text, "id");
    const uint8_t *blank = id.size == 0 ? NULL : memchr(id.data, ' ', id.size);
    if (blank != NULL) {
        size_t name_size = (size_t) (blank - id.data);
        nationality->id_name = slice_of(id.data, name_size);
        nationality->id_pattern = slice_of(blank + 1, id.size - name_size - 1);
    }
}

static void read_all(void)
{
    arena_init(&arena, 0);
    ASSERT(user_data_count == NATIONALITY_COUNT + 1);
    const struct embedded_file *last = &user_data[NATIONALITY_COUNT];
    ASSERT(strcmp(last->name, "common.txt") == 0);
    common.adjectives = read_list(last->bytes, "adjective");
    common.animals = read_list(last->bytes, "animal");
    common.passwords = read_list(last->bytes, "password");
    default_titles[0] = read_list(last->bytes, "title_male");
    default_titles[1] = read_list(last->bytes, "title_female");
    for (size_t i = 0; i < NATIONALITY_COUNT; i++) {
        read_nationality(&table[i], &user_data[i]);
    }
}

static void ensure_read(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, read_all);
}

const struct nationality *nationalities(void)
{
    ensure_read();
    return table;
}

const struct common_words *common_words(void)
{
    ensure_read();
    return &common;
}

int nationality_find(struct slice code)
{
    ensure_read();
    for (int i = 0; i < NATIONALITY_COUNT; i++) {
        if (code.size == 2 && strncasecmp(table[i].code, (const char *) code.data, 2) == 0) {
            return i;
        }
    }
    return -1;
}
