#include "connectors/cassandra/cql_ring.h"

#include "test.h"

/* Six nodes: a and b in rack 1, c in rack 2 of dc1; d, e, f in dc2. Tokens 10, 20, ... in turn. */
enum {
    A,
    B,
    C,
    D,
    E,
    F
};

static const struct cql_ring_host hosts[] = {{"dc1", "r1"}, {"dc1", "r1"}, {"dc1", "r2"},
                                             {"dc2", "r1"}, {"dc2", "r1"}, {"dc2", "r1"}};
static struct cql_ring_entry entries[] = {{60, F}, {10, A}, {20, B}, {40, D}, {30, C}, {50, E}};

static void check(bool simple, uint32_t factor, const char *dc, int64_t token, const char *wanted)
{
    struct cql_ring ring = {entries, ARRAY_SIZE(entries), hosts, ARRAY_SIZE(hosts)};
    struct cql_replication replication = {factor, simple};
    uint16_t found[CQL_REPLICAS_MAX];
    char names[CQL_REPLICAS_MAX + 1] = {0};
    cql_ring_sort(&ring);
    size_t count = cql_ring_replicas(&ring, &replication, dc, token, found);
    for (size_t i = 0; i < count; i++) {
        names[i] = (char) ('a' + found[i]);
    }
    assert_string_equal(names, wanted);
}

/* As NetworkTopologyStrategy.calculateNaturalReplicas of Cassandra says by hand. */
static void topology(void **state)
{
    (void) state;
    check(false, 1, "dc1", 10, "a"); /* the owner of a token is the first at or above it */
    check(false, 1, "dc1", 11, "b");
    check(false, 1, "dc1", 61, "a"); /* around the end */
    check(false, 1, "dc1", INT64_MIN, "a");
    check(false, 2, "dc1", 5, "ac"); /* b shares a's rack: passed over */
    check(false, 3, "dc1", 5, "acb");
    check(false, 9, "dc1", 5, "acb");
    check(false, 2, "dc2", 45, "ef");
    check(false, 0, "dc2", 45, "");
}

static void simple(void **state)
{
    (void) state;
    check(true, 3, "dc1", 5, "abc");
    check(true, 3, "dc2", 25, "de"); /* c is of the other data centre */
    check(true, 2, "dc1", 55, "a");
}

static void empty(void **state)
{
    (void) state;
    struct cql_ring ring = {0};
    struct cql_replication replication = {3, false};
    uint16_t found[CQL_REPLICAS_MAX];
    assert_int_equal(cql_ring_replicas(&ring, &replication, "dc1", 0, found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topology),
        cmocka_unit_test(simple),
        cmocka_unit_test(empty),
    };
    return cmocka_run_group_tests_name("cql_ring", tests, NULL, NULL);
}
