/* The names that Spark gives to columns without alias: "count(1)", "(a + 1)", "CAST(a AS INT)". */

#include "sql/parse.h"

#define NAME_BYTES_MAX 4096

static void write(const struct tree *tree, struct buffer *target);

static void
write_list(const struct tree *tree, uint32_t from, const char *between, struct buffer *target)
{
    for (uint32_t i = from; i < tree->argument_count; i++) {
        buffer_append_string(target, i == from ? "" : between);
        write(tree->arguments[i], target);
    }
}

static void write_parts(const struct tree *tree, struct buffer *target)
{
    for (uint32_t i = 0; i < tree->part_count; i++) {
        buffer_printf(target, "%s%s", i == 0 ? "" : ".", tree->parts[i].name);
    }
}

static void write_literal(const struct column *literal, struct buffer *target)
{
    if (literal->null_count > 0) {
        buffer_append_string(target, "NULL");
    } else if (literal->type->id == TYPE_STRING) {
        buffer_append_slice(target, column_bytes(literal, 0));
    } else {
        struct buffer text = BUFFER_INIT;
        column_write_json(literal, 0, &text);
        struct slice plain = buffer_slice(&text);
        if (plain.size >= 2 && plain.data[0] == '"') {
            plain = slice_of(plain.data + 1, plain.size - 2);
        }
        buffer_append_slice(target, plain);
        buffer_deinit(&text);
    }
}

static void write_operator(const struct tree *tree, struct buffer *target)
{
    const char *name = tree->name;
    if (strcmp(name, "[]") == 0) {
        write(tree->arguments[0], target);
        buffer_append_string(target, "[");
        write(tree->arguments[1], target);
        buffer_append_string(target, "]");
    } else if (strcmp(name, "||") == 0) {
        buffer_append_string(target, "concat(");
        write_list(tree, 0, ", ", target);
        buffer_append_string(target, ")");
    } else if (strcmp(name, "isnull") == 0 || strcmp(name, "isnotnull") == 0) {
        buffer_append_string(target, "(");
        write(tree->arguments[0], target);
        buffer_append_string(target,
                             name[2] == 'n' && name[3] == 'u' ? " IS NULL)" : " IS NOT NULL)");
    } else if (strcmp(name, "!=") == 0) {
        buffer_append_string(target, "(NOT (");
        write_list(tree, 0, " = ", target);
        buffer_append_string(target, "))");
    } else if (tree->argument_count == 1) {
        const char *sign = strcmp(name, "not") == 0        ? "NOT "
                           : strcmp(name, "negative") == 0 ? "- "
                                                           : name;
        buffer_printf(target, "(%s", sign);
        write(tree->arguments[0], target);
        buffer_append_string(target, ")");
    } else if (strcmp(name, "rlike") == 0) {
        buffer_append_string(target, "RLIKE(");
        write_list(tree, 0, ", ", target);
        buffer_append_string(target, ")");
    } else {
        bool like = strcmp(name, "like") == 0 || strcmp(name, "ilike") == 0;
        const char *word = !like ? name : name[0] == 'i' ? "ilike" : "LIKE";
        bool call = like && name[0] == 'i';
        buffer_printf(target, call ? "%s(" : "(", word);
        write(tree->arguments[0], target);
        buffer_printf(target, call ? ", " : " %s ", word);
        write(tree->arguments[1], target);
        buffer_append_string(target, ")");
    }
}

static void write_call(const struct tree *tree, struct buffer *target)
{
    if (tree->operator_form) {
        write_operator(tree, target);
        return;
    }
    if (strcmp(tree->name, "window") == 0) {
        buffer_append_string(target, "window");
        return;
    }
    if (strcmp(tree->name, "extract") == 0) {
        buffer_append_string(target, "extract(");
        write_list(tree, 0, " FROM ", target);
        buffer_append_string(target, ")");
        return;
    }
    if (strcmp(tree->name, "alias") == 0 && tree->argument_count == 2) {
        write(tree->arguments[1], target);
        buffer_append_string(target, " AS ");
        write(tree->arguments[0], target);
        return;
    }
    if (strcmp(tree->name, "if") == 0) {
        buffer_append_string(target, "(IF(");
        write_list(tree, 0, ", ", target);
        buffer_append_string(target, "))");
        return;
    }
    buffer_printf(target, tree->distinct ? "%s(DISTINCT " : "%s(", tree->name);
    if (strcmp(tree->name, "count") == 0 && tree->argument_count == 1 &&
        tree->arguments[0]->kind == TREE_STAR) {
        buffer_append_string(target, "1");
    } else {
        write_list(tree, 0, ", ", target);
    }
    buffer_append_string(target, ")");
    if (tree->filter != NULL) {
        buffer_append_string(target, " FILTER (WHERE ");
        write(tree->filter, target);
        buffer_append_string(target, ")");
    }
}

static void write_case(const struct tree *tree, struct buffer *target)
{
    uint32_t first = tree->has_operand ? 1 : 0;
    uint32_t pairs = (tree->argument_count - first) / 2;
    buffer_append_string(target, "CASE");
    for (uint32_t i = 0; i < pairs; i++) {
        buffer_append_string(target, " WHEN ");
        if (tree->has_operand) {
            buffer_append_string(target, "(");
            write(tree->arguments[0], target);
            buffer_append_string(target, " = ");
        }
        write(tree->arguments[first + 2 * i], target);
        buffer_append_string(target, tree->has_operand ? ") THEN " : " THEN ");
        write(tree->arguments[first + 2 * i + 1], target);
    }
    if (tree->has_else) {
        buffer_append_string(target, " ELSE ");
        write(tree->arguments[tree->argument_count - 1], target);
    }
    buffer_append_string(target, " END");
}

static void write_cast(const struct tree *tree, struct buffer *target)
{
    if (tree->typed_literal) {
        buffer_append_string(target, tree->type->id == TYPE_DATE ? "DATE '" : "TIMESTAMP '");
        write(tree->arguments[0], target);
        buffer_append_string(target, "'");
        return;
    }
    struct buffer type = BUFFER_INIT;
    type_write(tree->type, &type);
    for (size_t i = 0; i < type.size; i++) {
        type.data[i] = type.data[i] >= 'a' && type.data[i] <= 'z' ? (uint8_t) (type.data[i] - 32)
                                                                  : type.data[i];
    }
    buffer_append_string(target, tree->try_cast ? "TRY_CAST(" : "CAST(");
    write(tree->arguments[0], target);
    buffer_append_string(target, " AS ");
    buffer_append_slice(target, buffer_slice(&type));
    buffer_append_string(target, ")");
    buffer_deinit(&type);
}

static void write(const struct tree *tree, struct buffer *target)
{
    if (target->size > NAME_BYTES_MAX) {
        return; /* shared subtrees can make a name longer than the text */
    }
    switch (tree->kind) {
    case TREE_NAME:
        write_parts(tree, target);
        break;
    case TREE_STAR:
        buffer_append_string(target, "*");
        break;
    case TREE_LITERAL:
        write_literal(tree->literal, target);
        break;
    case TREE_CALL:
        write_call(tree, target);
        break;
    case TREE_CAST:
        write_cast(tree, target);
        break;
    case TREE_CASE:
        write_case(tree, target);
        break;
    case TREE_AND:
    case TREE_OR: {
        for (uint32_t i = 1; i < tree->argument_count && i < NAME_BYTES_MAX; i++) {
            buffer_append_string(target, "(");
        }
        for (uint32_t i = 0; i < tree->argument_count && target->size <= NAME_BYTES_MAX; i++) {
            buffer_append_string(target, i == 0 ? "" : tree->kind == TREE_AND ? " AND " : " OR ");
            write(tree->arguments[i], target);
            buffer_append_string(target, i == 0 ? "" : ")");
        }
        break;
    }
    case TREE_IN:
        buffer_append_string(target, "(");
        write(tree->arguments[0], target);
        buffer_append_string(target, " IN (");
        write_list(tree, 1, ", ", target);
        buffer_append_string(target, "))");
        break;
    case TREE_FIELD:
        write(tree->arguments[0], target);
        buffer_printf(target, ".%s", tree->name);
        break;
    case TREE_LAMBDA:
        buffer_append_string(target, "lambdafunction(");
        write(tree->arguments[0], target);
        buffer_append_string(target, ", ");
        write_parts(tree, target);
        buffer_append_string(target, ")");
        break;
    }
}

const char *tree_column_name(const struct tree *tree, struct arena *arena)
{
    while (tree->kind == TREE_CAST && !tree->typed_literal &&
           (tree->arguments[0]->kind == TREE_NAME || tree->arguments[0]->kind == TREE_FIELD)) {
        tree = tree->arguments[0]; /* CAST(a AS INT) is called a */
    }
    if (tree->kind == TREE_NAME) {
        return tree->parts[tree->part_count - 1].name;
    }
    if (tree->kind == TREE_FIELD) {
        return tree->name;
    }
    struct buffer text = BUFFER_INIT;
    write(tree, &text);
    struct slice name = buffer_slice(&text);
    if (name.size > 1024) { /* names are for people; cut where a character begins */
        name.size = 1024;
        while (name.size > 0 && (name.data[name.size] & 0xC0) == 0x80) {
            name.size--;
        }
    }
    if (name.size == 0 || memchr(name.data, 0, name.size) != NULL) {
        name = slice_of("column", 6);
    }
    const char *copy = arena_string(arena, name);
    buffer_deinit(&text);
    return copy;
}
