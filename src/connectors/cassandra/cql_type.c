#include "connectors/cassandra/cql_type.h"

#define DEPTH_MAX 32 /* of nesting in what a server says */

/* ---- the plain ones ----------------------------------------------------------------------------
 */

static const struct plain {
    struct cql_type type;
    const char *text;
    const char *class_name;
    uint32_t width;
} plain_types[] = {
    {{.id = CQL_TYPE_ASCII}, "ascii", "AsciiType", 0},
    {{.id = CQL_TYPE_BIGINT}, "bigint", "LongType", 8},
    {{.id = CQL_TYPE_BLOB}, "blob", "BytesType", 0},
    {{.id = CQL_TYPE_BOOLEAN}, "boolean", "BooleanType", 1},
    {{.id = CQL_TYPE_COUNTER}, "counter", "CounterColumnType", 0},
    {{.id = CQL_TYPE_DECIMAL}, "decimal", "DecimalType", 0},
    {{.id = CQL_TYPE_DOUBLE}, "double", "DoubleType", 8},
    {{.id = CQL_TYPE_FLOAT}, "float", "FloatType", 4},
    {{.id = CQL_TYPE_INT}, "int", "Int32Type", 4},
    {{.id = CQL_TYPE_TIMESTAMP}, "timestamp", "TimestampType", 8},
    {{.id = CQL_TYPE_UUID}, "uuid", "UUIDType", 16},
    {{.id = CQL_TYPE_TEXT}, "text", "UTF8Type", 0},
    {{.id = CQL_TYPE_VARINT}, "varint", "IntegerType", 0},
    {{.id = CQL_TYPE_TIMEUUID}, "timeuuid", "TimeUUIDType", 16},
    {{.id = CQL_TYPE_INET}, "inet", "InetAddressType", 0},
    {{.id = CQL_TYPE_DATE}, "date", "SimpleDateType", 0},
    {{.id = CQL_TYPE_TIME}, "time", "TimeType", 0},
    {{.id = CQL_TYPE_SMALLINT}, "smallint", "ShortType", 0},
    {{.id = CQL_TYPE_TINYINT}, "tinyint", "ByteType", 0},
    {{.id = CQL_TYPE_DURATION}, "duration", "DurationType", 0},
};

static const struct plain *find_plain(enum cql_type_id id)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain_types); i++) {
        if (plain_types[i].type.id == id) {
            return &plain_types[i];
        }
    }
    return NULL;
}

const struct cql_type *cql_type_plain(enum cql_type_id id)
{
    static const struct cql_type unknown = {.id = CQL_TYPE_CUSTOM, .name = "?"};
    const struct plain *plain = find_plain(id);
    return plain == NULL ? &unknown : &plain->type;
}

uint32_t cql_type_width(const struct cql_type *type)
{
    if (type->id == CQL_TYPE_VECTOR) {
        return cql_type_width(type->children[0]) * type->dimension;
    }
    const struct plain *plain = find_plain(type->id);
    return plain == NULL ? 0 : plain->width;
}

static const struct cql_type *make_parent(struct arena *arena,
                                          enum cql_type_id id,
                                          const struct cql_type *const *children,
                                          uint32_t count)
{
    const struct cql_type **kept = ARENA_ARRAY(arena, const struct cql_type *, count);
    for (uint32_t i = 0; i < count; i++) {
        kept[i] = children[i];
    }
    struct cql_type *type = ARENA_NEW(arena, struct cql_type);
    *type = (struct cql_type){.id = id, .children = kept, .child_count = count};
    return type;
}

/* ---- class names -------------------------------------------------------------------------------
 */

static bool
take_class(struct slice *text, struct arena *arena, int depth, const struct cql_type **);

static bool take_char(struct slice *text, char c)
{
    while (text->size > 0 && text->data[0] == ' ') {
        *text = slice_of(text->data + 1, text->size - 1);
    }
    if (text->size == 0 || text->data[0] != (uint8_t) c) {
        return false;
    }
    *text = slice_of(text->data + 1, text->size - 1);
    return true;
}

static bool take_number(struct slice *text, uint32_t *ret_number)
{
    uint64_t number = 0;
    size_t at = 0;
    while (at < text->size && text->data[at] == ' ') {
        at++;
    }
    size_t first = at;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9' && at < first + 9;
         at++) {
        number = number * 10 + (uint64_t) (text->data[at] - '0');
    }
    *text = slice_of(text->data + at, text->size - at);
    *ret_number = (uint32_t) number;
    return at > first;
}

static struct slice take_name(struct slice *text)
{
    size_t at = 0;
    while (at < text->size && text->data[at] == ' ') {
        at++;
    }
    size_t start = at;
    size_t last = at; /* behind the last dot */
    while (at < text->size && strchr("(), ", text->data[at]) == NULL) {
        last = text->data[at] == '.' ? at + 1 : last;
        at++;
    }
    struct slice name = slice_of(text->data + last, at - last);
    (void) start;
    *text = slice_of(text->data + at, text->size - at);
    return name;
}

static bool take_parameters(struct slice *text,
                            struct arena *arena,
                            int depth,
                            enum cql_type_id id,
                            uint32_t least,
                            uint32_t most,
                            const struct cql_type **ret_type)
{
    const struct cql_type *children[64];
    uint32_t count = 0;
    if (!take_char(text, '(')) {
        return false;
    }
    do {
        if (count == most || !take_class(text, arena, depth + 1, &children[count++])) {
            return false;
        }
    } while (take_char(text, ','));
    if (count < least || !take_char(text, ')')) {
        return false;
    }
    *ret_type = make_parent(arena, id, children, count);
    return true;
}

static bool
take_vector(struct slice *text, struct arena *arena, int depth, const struct cql_type **ret_type)
{
    const struct cql_type *element;
    uint32_t dimension;
    if (!take_char(text, '(') || !take_class(text, arena, depth + 1, &element) ||
        !take_char(text, ',') || !take_number(text, &dimension) || !take_char(text, ')')) {
        return false;
    }
    struct cql_type *type = ARENA_NEW(arena, struct cql_type);
    *type = *make_parent(arena, CQL_TYPE_VECTOR, &element, 1);
    type->dimension = dimension;
    *ret_type = type;
    return dimension > 0;
}

static bool
take_class(struct slice *text, struct arena *arena, int depth, const struct cql_type **ret_type)
{
    struct slice name = take_name(text);
    if (depth > DEPTH_MAX) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(plain_types); i++) {
        if (slice_equal_string(name, plain_types[i].class_name)) {
            *ret_type = &plain_types[i].type;
            return true;
        }
    }
    if (slice_equal_string(name, "VectorType")) {
        return take_vector(text, arena, depth, ret_type);
    }
    if (slice_equal_string(name, "FrozenType") || slice_equal_string(name, "ReversedType")) {
        return take_char(text, '(') && take_class(text, arena, depth + 1, ret_type) &&
               take_char(text, ')');
    }
    if (slice_equal_string(name, "ListType")) {
        return take_parameters(text, arena, depth, CQL_TYPE_LIST, 1, 1, ret_type);
    }
    if (slice_equal_string(name, "SetType")) {
        return take_parameters(text, arena, depth, CQL_TYPE_SET, 1, 1, ret_type);
    }
    if (slice_equal_string(name, "MapType")) {
        return take_parameters(text, arena, depth, CQL_TYPE_MAP, 2, 2, ret_type);
    }
    return slice_equal_string(name, "TupleType") &&
           take_parameters(text, arena, depth, CQL_TYPE_TUPLE, 1, 64, ret_type);
}

const struct cql_type *cql_type_of_class(struct slice name, struct arena *arena)
{
    struct slice rest = name;
    const struct cql_type *type;
    if (take_class(&rest, arena, 0, &type) && rest.size == 0) {
        return type;
    }
    struct cql_type *custom = ARENA_NEW(arena, struct cql_type);
    *custom = (struct cql_type){.id = CQL_TYPE_CUSTOM, .name = arena_string(arena, name)};
    return custom;
}

/* ---- [option] ----------------------------------------------------------------------------------
 */

static const struct cql_type *read_type(struct cql_reader *reader, struct arena *arena, int depth);

static const struct cql_type *
read_fields(struct cql_reader *reader, struct arena *arena, int depth, bool named)
{
    struct cql_type *type = ARENA_NEW(arena, struct cql_type);
    if (named) {
        struct slice keyspace = cql_read_string(reader);
        struct slice name = cql_read_string(reader);
        type->name = arena_printf(arena, "%.*s.%.*s", SLICE_FORMAT(keyspace), SLICE_FORMAT(name));
    }
    uint32_t count = cql_read_count(reader, cql_read_short(reader), named ? 4 : 2);
    const struct cql_type **children = ARENA_ARRAY(arena, const struct cql_type *, count);
    const char **names = ARENA_ARRAY(arena, const char *, count);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = named ? arena_string(arena, cql_read_string(reader))
                         : arena_printf(arena, "_%u", i + 1);
        children[i] = read_type(reader, arena, depth + 1);
    }
    type->id = named ? CQL_TYPE_UDT : CQL_TYPE_TUPLE;
    type->children = children;
    type->child_count = count;
    type->names = names;
    return type;
}

static const struct cql_type *read_type(struct cql_reader *reader, struct arena *arena, int depth)
{
    const struct cql_type *children[2];
    uint16_t id = cql_read_short(reader);
    if (depth > DEPTH_MAX) {
        reader->failed = true;
    }
    if (reader->failed) {
        return cql_type_plain(CQL_TYPE_CUSTOM);
    }
    switch (id) {
    case CQL_TYPE_CUSTOM:
        return cql_type_of_class(cql_read_string(reader), arena);
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
        children[0] = read_type(reader, arena, depth + 1);
        return make_parent(arena, (enum cql_type_id) id, children, 1);
    case CQL_TYPE_MAP:
        children[0] = read_type(reader, arena, depth + 1);
        children[1] = read_type(reader, arena, depth + 1);
        return make_parent(arena, CQL_TYPE_MAP, children, 2);
    case CQL_TYPE_UDT:
        return read_fields(reader, arena, depth, true);
    case CQL_TYPE_TUPLE:
        return read_fields(reader, arena, depth, false);
    default: {
        const struct plain *plain = find_plain((enum cql_type_id) id);
        reader->failed = reader->failed || plain == NULL;
        return cql_type_plain((enum cql_type_id) id);
    }
    }
}

const struct cql_type *cql_type_read(struct cql_reader *reader, struct arena *arena)
{
    return read_type(reader, arena, 0);
}

/* ---- as CQL ------------------------------------------------------------------------------------
 */

static void write_children(const struct cql_type *type, const char *head, struct buffer *target)
{
    buffer_append_string(target, head);
    for (uint32_t i = 0; i < type->child_count; i++) {
        buffer_append_string(target, i == 0 ? "" : ", ");
        cql_type_write(type->children[i], target);
    }
}

void cql_type_write(const struct cql_type *type, struct buffer *target)
{
    switch (type->id) {
    case CQL_TYPE_LIST:
        write_children(type, "frozen<list<", target);
        buffer_append_string(target, ">>");
        break;
    case CQL_TYPE_SET:
        write_children(type, "frozen<set<", target);
        buffer_append_string(target, ">>");
        break;
    case CQL_TYPE_MAP:
        write_children(type, "frozen<map<", target);
        buffer_append_string(target, ">>");
        break;
    case CQL_TYPE_TUPLE:
        write_children(type, "frozen<tuple<", target);
        buffer_append_string(target, ">>");
        break;
    case CQL_TYPE_VECTOR:
        write_children(type, "vector<", target);
        buffer_printf(target, ", %u>", type->dimension);
        break;
    case CQL_TYPE_UDT:
        buffer_printf(target, "frozen<%s>", type->name);
        break;
    case CQL_TYPE_CUSTOM:
        buffer_printf(target, "'%s'", type->name);
        break;
    default:
        buffer_append_string(target, find_plain(type->id)->text);
        break;
    }
}

const char *cql_type_text(const struct cql_type *type, struct arena *arena)
{
    struct buffer text CLEANUP(buffer_deinit) = BUFFER_INIT;
    cql_type_write(type, &text);
    return arena_string(arena, buffer_slice(&text));
}

/* ---- columns -----------------------------------------------------------------------------------
 */

static const struct cql_type *of_type(const struct type *type, struct arena *arena)
{
    static const enum cql_type_id ids[] = {
        [TYPE_NULL] = CQL_TYPE_TEXT,
        [TYPE_BOOLEAN] = CQL_TYPE_BOOLEAN,
        [TYPE_TINYINT] = CQL_TYPE_TINYINT,
        [TYPE_SMALLINT] = CQL_TYPE_SMALLINT,
        [TYPE_INT] = CQL_TYPE_INT,
        [TYPE_BIGINT] = CQL_TYPE_BIGINT,
        [TYPE_FLOAT] = CQL_TYPE_FLOAT,
        [TYPE_DOUBLE] = CQL_TYPE_DOUBLE,
        [TYPE_DECIMAL] = CQL_TYPE_DECIMAL,
        [TYPE_STRING] = CQL_TYPE_TEXT,
        [TYPE_BINARY] = CQL_TYPE_BLOB,
        [TYPE_DATE] = CQL_TYPE_DATE,
        [TYPE_TIMESTAMP] = CQL_TYPE_TIMESTAMP,
        [TYPE_INTERVAL] = CQL_TYPE_DURATION,
        [TYPE_INTERVAL_MONTHS] = CQL_TYPE_DURATION,
        [TYPE_ARRAY] = CQL_TYPE_LIST,
        [TYPE_MAP] = CQL_TYPE_MAP,
        [TYPE_STRUCT] = CQL_TYPE_TUPLE,
    };

    if (type->field_count == 0) {
        return cql_type_plain(ids[type->id]);
    }
    const struct cql_type **children =
        ARENA_ARRAY(arena, const struct cql_type *, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        children[i] = of_type(type->fields[i].type, arena);
    }
    return make_parent(arena, ids[type->id], children, type->field_count);
}

const struct cql_type *cql_type_of_column(const struct store_column *column, struct arena *arena)
{
    return column->semantic == STORE_UUID ? cql_type_plain(CQL_TYPE_UUID)
                                          : of_type(column->type, arena);
}

static const struct type *as_type(const struct cql_type *type, struct arena *arena)
{
    switch (type->id) {
    case CQL_TYPE_BIGINT:
    case CQL_TYPE_COUNTER:
        return type_plain(TYPE_BIGINT);
    case CQL_TYPE_BLOB:
    case CQL_TYPE_CUSTOM:
        return type_plain(TYPE_BINARY);
    case CQL_TYPE_BOOLEAN:
        return type_plain(TYPE_BOOLEAN);
    case CQL_TYPE_DECIMAL:
        return type_decimal(arena, 38, 18);
    case CQL_TYPE_VARINT:
        return type_decimal(arena, 38, 0);
    case CQL_TYPE_DOUBLE:
        return type_plain(TYPE_DOUBLE);
    case CQL_TYPE_FLOAT:
        return type_plain(TYPE_FLOAT);
    case CQL_TYPE_INT:
        return type_plain(TYPE_INT);
    case CQL_TYPE_SMALLINT:
        return type_plain(TYPE_SMALLINT);
    case CQL_TYPE_TINYINT:
        return type_plain(TYPE_TINYINT);
    case CQL_TYPE_TIMESTAMP:
        return type_plain(TYPE_TIMESTAMP);
    case CQL_TYPE_DATE:
        return type_plain(TYPE_DATE);
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
    case CQL_TYPE_VECTOR:
        return type_array(arena, as_type(type->children[0], arena), true);
    case CQL_TYPE_MAP:
        return type_map(arena, as_type(type->children[0], arena), as_type(type->children[1], arena),
                        true);
    case CQL_TYPE_UDT:
    case CQL_TYPE_TUPLE: {
        struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->child_count);
        for (uint32_t i = 0; i < type->child_count; i++) {
            const char *name =
                type->names == NULL ? arena_printf(arena, "_%u", i + 1) : type->names[i];
            fields[i] = (struct type_field){name, as_type(type->children[i], arena), true};
        }
        return type_struct(arena, fields, type->child_count);
    }
    case CQL_TYPE_ASCII:
    case CQL_TYPE_TEXT:
    case CQL_TYPE_INET:
    case CQL_TYPE_TIME:
    case CQL_TYPE_DURATION:
    case CQL_TYPE_UUID: /* within collections: text; a column of its own has a semantic for it */
    case CQL_TYPE_TIMEUUID:
        return type_plain(TYPE_STRING);
    }
    return type_plain(TYPE_BINARY);
}

struct store_column
cql_type_as_column(const char *name, const struct cql_type *type, struct arena *arena)
{
    if (type->id == CQL_TYPE_UUID || type->id == CQL_TYPE_TIMEUUID) {
        return (struct store_column){name, type_plain(TYPE_BINARY), STORE_UUID};
    }
    return (struct store_column){name, as_type(type, arena), STORE_PLAIN};
}

/* ---- what takes what ---------------------------------------------------------------------------
 */

/* Rank of integral types by width, 0 for others. */
static int integral_rank(enum type_id id)
{
    return id == TYPE_TINYINT    ? 1
           : id == TYPE_SMALLINT ? 2
           : id == TYPE_INT      ? 3
           : id == TYPE_BIGINT   ? 4
                                 : 0;
}

static bool takes_children(const struct cql_type *type, const struct type *column)
{
    if (type->child_count != column->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < column->field_count; i++) {
        if (!cql_type_takes(type->children[i], column->fields[i].type)) {
            return false;
        }
    }
    return true;
}

bool cql_type_takes(const struct cql_type *type, const struct type *column)
{
    enum type_id id = column->id;
    int rank = integral_rank(id);
    switch (type->id) {
    case CQL_TYPE_ASCII:
    case CQL_TYPE_INET:
    case CQL_TYPE_TIME:
        return id == TYPE_STRING;
    case CQL_TYPE_TEXT:
        return id == TYPE_STRING || id == TYPE_NULL;
    case CQL_TYPE_BLOB:
        return id == TYPE_BINARY;
    case CQL_TYPE_UUID:
    case CQL_TYPE_TIMEUUID:
        return id == TYPE_BINARY || id == TYPE_STRING;
    case CQL_TYPE_BOOLEAN:
        return id == TYPE_BOOLEAN;
    case CQL_TYPE_TINYINT:
        return rank == 1;
    case CQL_TYPE_SMALLINT:
        return rank >= 1 && rank <= 2;
    case CQL_TYPE_INT:
        return rank >= 1 && rank <= 3;
    case CQL_TYPE_BIGINT:
        return rank >= 1;
    case CQL_TYPE_VARINT:
        return rank >= 1 || (id == TYPE_DECIMAL && column->scale == 0);
    case CQL_TYPE_DECIMAL:
        return rank >= 1 || id == TYPE_DECIMAL;
    case CQL_TYPE_FLOAT:
        return id == TYPE_FLOAT;
    case CQL_TYPE_DOUBLE:
        return id == TYPE_FLOAT || id == TYPE_DOUBLE;
    case CQL_TYPE_TIMESTAMP:
        return id == TYPE_TIMESTAMP;
    case CQL_TYPE_DATE:
        return id == TYPE_DATE;
    case CQL_TYPE_DURATION:
        return id == TYPE_INTERVAL || id == TYPE_INTERVAL_MONTHS || id == TYPE_STRING;
    case CQL_TYPE_LIST:
    case CQL_TYPE_SET:
    case CQL_TYPE_VECTOR:
        return id == TYPE_ARRAY && takes_children(type, column);
    case CQL_TYPE_MAP:
        return id == TYPE_MAP && takes_children(type, column);
    case CQL_TYPE_UDT:
    case CQL_TYPE_TUPLE:
        return id == TYPE_STRUCT && takes_children(type, column);
    case CQL_TYPE_COUNTER:
    case CQL_TYPE_CUSTOM:
        return false;
    }
    return false;
}
