#include "base/memory.h"
#include "connectors/postgres/pgoutput.h"

struct known_relation {
    struct arena arena; /* of the description */
    struct pgoutput_relation relation;
};

static struct slice oid_key(const uint32_t *oid)
{
    return slice_of(oid, sizeof(*oid));
}

void pgoutput_relations_init(struct pgoutput_relations *relations)
{
    map_init(&relations->by_oid);
}

void pgoutput_relations_clear(struct pgoutput_relations *relations)
{
    pgoutput_relations_deinit(relations);
    pgoutput_relations_init(relations);
}

void pgoutput_relations_deinit(struct pgoutput_relations *relations)
{
    size_t at = 0;
    for (struct map_entry *entry = map_next(&relations->by_oid, &at); entry != NULL;
         entry = map_next(&relations->by_oid, &at)) {
        struct known_relation *known = entry->value;
        arena_deinit(&known->arena);
        mem_free(known);
    }
    map_deinit(&relations->by_oid);
}

const struct pgoutput_relation *pgoutput_relations_put(struct pgoutput_relations *relations,
                                                       const struct pgoutput_relation *relation)
{
    struct known_relation *known = map_get(&relations->by_oid, oid_key(&relation->oid));
    if (known == NULL) {
        known = mem_zalloc(sizeof(*known));
        arena_init(&known->arena, 1024);
        map_put(&relations->by_oid, oid_key(&relation->oid), known);
    }
    struct arena *arena = &known->arena;
    arena_reset(arena);
    known->relation = *relation;
    known->relation.schema = arena_strdup(arena, relation->schema);
    known->relation.name = arena_strdup(arena, relation->name);
    known->relation.columns = ARENA_ARRAY(arena, struct pgoutput_column, relation->column_count);
    for (uint16_t i = 0; i < relation->column_count; i++) {
        known->relation.columns[i] = relation->columns[i];
        known->relation.columns[i].name = arena_strdup(arena, relation->columns[i].name);
    }
    return &known->relation;
}

const struct pgoutput_relation *pgoutput_relations_get(const struct pgoutput_relations *relations,
                                                       uint32_t oid)
{
    const struct known_relation *known = map_get(&relations->by_oid, oid_key(&oid));
    return known == NULL ? NULL : &known->relation;
}
