/* Messages that a real PostgreSQL sent (tests/golden/pgoutput), read as what was done there; and
 * damaged ones. */

#include "connectors/postgres/pgoutput.h"

#include "base/buffer.h"
#include "test.h"

#include <stdio.h>

struct fixture {
    struct arena arena;
    struct pgoutput_relations relations;
    struct buffer told;
    struct error error;
};

static struct fixture f;

static int setup(void **state)
{
    (void) state;
    memset(&f, 0, sizeof(f));
    arena_init(&f.arena, 0);
    pgoutput_relations_init(&f.relations);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    pgoutput_relations_deinit(&f.relations);
    buffer_deinit(&f.told);
    arena_deinit(&f.arena);
    return 0;
}

/* ---- telling a message, without what differs from run to run -----------------------------------
 */

static void tell_tuple(const char *name, const struct pgoutput_tuple *tuple)
{
    if (tuple->cells == NULL) {
        return;
    }
    buffer_printf(&f.told, " %s(", name);
    for (uint16_t i = 0; i < tuple->count; i++) {
        const struct pgoutput_cell *cell = &tuple->cells[i];
        buffer_append_string(&f.told, i == 0 ? "" : ",");
        if (cell->kind == PGOUTPUT_NULL) {
            buffer_append_string(&f.told, "null");
        } else if (cell->kind == PGOUTPUT_UNCHANGED) {
            buffer_append_string(&f.told, "same");
        } else if (cell->bytes.size > 50) {
            buffer_printf(&f.told, "<%zu>", cell->bytes.size);
        } else {
            buffer_append_slice(&f.told, cell->bytes);
        }
    }
    buffer_append_byte(&f.told, ')');
}

static const char *relation_name(uint32_t oid)
{
    const struct pgoutput_relation *relation = pgoutput_relations_get(&f.relations, oid);
    return relation == NULL ? "?" : relation->name;
}

static void tell_relation(const struct pgoutput_relation *relation)
{
    (void) pgoutput_relations_put(&f.relations, relation);
    relation = pgoutput_relations_get(&f.relations, relation->oid);
    buffer_printf(&f.told, " %s.%s %c", relation->schema, relation->name, relation->identity);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        buffer_printf(&f.told, " %s%s", relation->columns[i].name,
                      relation->columns[i].identity ? "*" : "");
    }
}

static void tell(const struct pgoutput_message *message)
{
    buffer_append_string(&f.told, pgoutput_kind_name(message->kind));
    switch (message->kind) {
    case PGOUTPUT_RELATION:
        tell_relation(&message->relation);
        break;
    case PGOUTPUT_TYPE:
        buffer_printf(&f.told, " %s.%s", message->type.schema, message->type.name);
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        buffer_printf(&f.told, " %s", relation_name(message->change.relation_oid));
        tell_tuple("key", &message->change.key);
        tell_tuple("old", &message->change.old);
        tell_tuple("row", &message->change.row);
        break;
    case PGOUTPUT_TRUNCATE:
        for (uint32_t i = 0; i < message->truncate.count; i++) {
            buffer_printf(&f.told, " %s", relation_name(message->truncate.relation_oids[i]));
        }
        buffer_append_string(&f.told, message->truncate.cascade ? " cascade" : "");
        buffer_append_string(&f.told, message->truncate.restart_identity ? " restart" : "");
        break;
    case PGOUTPUT_MESSAGE:
        buffer_printf(&f.told, " %s %s %zu bytes",
                      message->message.transactional ? "inside" : "outside",
                      message->message.prefix, message->message.content.size);
        break;
    case PGOUTPUT_ORIGIN:
        buffer_printf(&f.told, " %s at %llx", message->origin.name,
                      (unsigned long long) message->origin.lsn);
        break;
    case PGOUTPUT_STREAM_START:
        buffer_append_string(&f.told, message->transaction.first ? " first" : "");
        break;
    default:
        buffer_append_string(&f.told, message->transaction.gid == NULL ? "" : " ");
        buffer_append_string(&f.told,
                             message->transaction.gid == NULL ? "" : message->transaction.gid);
        break;
    }
    buffer_append_byte(&f.told, '\n');
}

/* ---- reading the golden files ------------------------------------------------------------------
 */

static struct slice from_hex(const char *hex)
{
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    uint8_t *bytes = arena_alloc(&f.arena, size);
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        bytes[i] = (uint8_t) value;
    }
    return slice_of(bytes, size);
}

static void visit(const char *file,
                  void (*seen)(struct slice bytes, bool streamed, struct pgoutput_message *message))
{
    static char line[65536];
    const char *root = getenv("LEAT_SOURCE_ROOT");
    bool streamed = false;
    assert_non_null(root);
    FILE *lines = fopen(arena_printf(&f.arena, "%s/tests/golden/pgoutput/%s", root, file), "r");
    assert_non_null(lines);
    while (fgets(line, sizeof(line), lines) != NULL) {
        struct pgoutput_message message;
        struct slice bytes = from_hex(line);
        assert_ok(pgoutput_decode(bytes, streamed, &f.arena, &message, &f.error), f.error);
        seen(bytes, streamed, &message);
        streamed = message.kind == PGOUTPUT_STREAM_START ||
                   (streamed && message.kind != PGOUTPUT_STREAM_STOP);
    }
    fclose(lines);
}

static void see(struct slice bytes, bool streamed, struct pgoutput_message *message)
{
    (void) bytes;
    assert_int_equal(streamed && message->kind != PGOUTPUT_STREAM_STOP,
                     streamed && message->xid != 0);
    if (message->kind == PGOUTPUT_BEGIN || message->kind == PGOUTPUT_COMMIT) {
        assert_true(message->transaction.commit_lsn > 0);
        assert_true(message->transaction.time_us > INT64_C(1700000000) * 1000000); /* after 2023 */
    }
    tell(message);
}

/* What tests/golden/pgoutput/make.py did. */
static void first_version(void **state)
{
    (void) state;
    visit("v1.hex", see);
    assert_string_equal(buffer_string(&f.told),
                        "begin\n"
                        "type public.mood\n"
                        "relation public.t d id* name m big\n"
                        "insert t row(1,one,glad,null)\n"
                        "insert t row(2,ü \"two\" 😀,null,<3000>)\n"
                        "commit\n"
                        "begin\n"
                        "update t row(1,uno,glad,null)\n"
                        "commit\n"
                        "begin\n"
                        "update t row(2,dos,null,same)\n"
                        "commit\n"
                        "begin\n"
                        "update t key(2,null,null,null) row(20,dos,null,same)\n"
                        "commit\n"
                        "begin\n"
                        "delete t key(1,null,null,null)\n"
                        "commit\n"
                        "begin\n"
                        "relation Odd \"schema\".full f a* b*\n"
                        "insert full row(1,null)\n"
                        "commit\n"
                        "begin\n"
                        "update full old(1,null) row(1,now)\n"
                        "commit\n"
                        "begin\n"
                        "delete full old(1,now)\n"
                        "commit\n"
                        "begin\n"
                        "relation public.other n id\n"
                        "insert other row(7)\n"
                        "commit\n"
                        "begin\n"
                        "type public.mood\n"
                        "relation public.t d id* name m big late\n"
                        "insert t row(3,null,null,null,5)\n"
                        "commit\n"
                        "begin\n"
                        "type public.mood\n"
                        "relation public.t d id* name m big late\n"
                        "relation public.other n id\n"
                        "truncate t other cascade restart\n"
                        "commit\n"
                        "message outside plain 7 bytes\n"
                        "begin\n"
                        "message inside with 2 bytes\n"
                        "commit\n"
                        "begin\n"
                        "origin elsewhere at abcdef\n"
                        "type public.mood\n"
                        "relation public.t d id* name m big late\n"
                        "insert t row(4,null,null,null,5)\n"
                        "commit\n");
}

static void streamed_and_prepared(void **state)
{
    (void) state;
    visit("v2.hex", see);
    const char *told = buffer_string(&f.told);
    assert_ptr_equal(strstr(told, "stream start first\ntype public.mood\nrelation public.t"), told);
    assert_non_null(strstr(told, "stream abort\nstream commit\n"));
    assert_non_null(strstr(told, "insert t row(100,<100>"));
    buffer_clear(&f.told);
    visit("v3.hex", see);
    told = buffer_string(&f.told);
    assert_ptr_equal(strstr(told, "begin prepare kept\n"), told);
    assert_non_null(strstr(told, "prepare kept\ncommit prepared kept\n"));
    assert_non_null(strstr(told, "prepare dropped\nrollback prepared dropped\n"));
    assert_non_null(strstr(told, "stream prepare streamed\ncommit prepared streamed\n"));
}

/* Each message, cut anywhere or with a byte more, is refused. */
static void damage(struct slice bytes, bool streamed, struct pgoutput_message *message)
{
    struct arena arena;
    struct pgoutput_message read;
    const char *kind = pgoutput_kind_name(message->kind);
    arena_init(&arena, 0);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *cut = malloc(size + 1); /* so that a sanitizer sees a byte too far */
        memcpy(cut, bytes.data, size);
        assert_fails(pgoutput_decode(slice_of(cut, size), streamed, &arena, &read, &f.error),
                     STATUS_PROTOCOL, f.error, size == 0 ? "unknown" : kind);
        free(cut);
        arena_reset(&arena);
    }
    uint8_t *longer = malloc(bytes.size + 1);
    memcpy(longer, bytes.data, bytes.size);
    longer[bytes.size] = 0;
    assert_fails(
        pgoutput_decode(slice_of(longer, bytes.size + 1), streamed, &arena, &read, &f.error),
        STATUS_PROTOCOL, f.error, kind);
    free(longer);
    arena_deinit(&arena);
}

static void damaged(void **state)
{
    (void) state;
    visit("v1.hex", damage);
    visit("v2.hex", damage);
    visit("v3.hex", damage);
}

/* Counts that promise more than the message holds take no memory. */
static void false_counts(void **state)
{
    (void) state;
    struct pgoutput_message message;
    static const uint8_t truncate[] = {'T', 0xff, 0xff, 0xff, 0xff, 0};
    static const uint8_t insert[] = {'I', 0, 0, 0, 1, 'N', 0xff, 0xff, 'n'};
    static const uint8_t huge[] = {'I', 0, 0, 0, 1, 'N', 0, 1, 't', 0xff, 0xff, 0xff, 0xff};
    const struct slice all[] = {slice_of(truncate, sizeof(truncate)),
                                slice_of(insert, sizeof(insert)), slice_of(huge, sizeof(huge))};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_fails(pgoutput_decode(all[i], false, &f.arena, &message, &f.error), STATUS_PROTOCOL,
                     f.error, "not whole");
    }
    assert_true(f.arena.bytes_used < 4096);
    assert_null(pgoutput_relations_get(&f.relations, 1));
}

static void positions(void **state)
{
    (void) state;
    static const char *const wrong[] = {"",     "/",   "0",           "0/",   "/0",
                                        "0/0 ", "g/0", "0/123456789", "0/0/0"};
    char text[LSN_TEXT_BYTES];
    uint64_t lsn;
    assert_true(lsn_parse("16/B374D848", &lsn));
    assert_true(lsn == UINT64_C(0x16B374D848));
    assert_string_equal(lsn_format(lsn, text), "16/B374D848");
    assert_true(lsn_parse("ffffffff/FFFFFFFF", &lsn));
    assert_true(lsn == UINT64_MAX);
    assert_string_equal(lsn_format(lsn, text), "FFFFFFFF/FFFFFFFF");
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_false(lsn_parse(wrong[i], &lsn));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_version, setup, teardown),
        cmocka_unit_test_setup_teardown(streamed_and_prepared, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(false_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(positions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
