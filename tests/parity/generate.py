"""Queries over the SQL that leat supports, made from a seed: every form below is the root of some query,
its arguments are forms again."""

import random
import re

# One row an equal of everything that a column can hold; NULL in every column but the key.
TABLE = """WITH t AS (SELECT * FROM VALUES
(1, 3, 10000000000L, 1.5D, float(0.1), 'Hello World', 'Zoë', '{"a": 1, "b": [1, 2, {"c": "x"}], "s": "t"}', '42', 12.34, 1.5000, true, DATE'2024-02-29', TIMESTAMP'2024-02-29 13:14:15.678', array(3, 1, 2), array('b', 'a', NULL), map('a', 1, 'b', 2), named_struct('x', 1, 'y', 'one'), X'00FF'),
(2, -7, 0L, -0.25D, float(-2.5), '', 'äöü ß 😀', '{"a": null, "s": "u\\\\u00e9"}', ' -1 ', -0.05, -2.2500, false, DATE'1969-12-31', TIMESTAMP'1969-12-31 23:59:59.999999', array(), array(), map(), named_struct('x', NULL, 'y', 'two'), X''),
(3, 0, -3L, double('NaN'), float('Infinity'), 'a,b,,c', 'Ǆ İ ﬁ', 'not json', '1e3', 0.00, 0.0001, true, DATE'2000-01-01', TIMESTAMP'2000-01-01 00:00:00', array(5, NULL, 5), array('x'), map('x', NULL), NULL, X'68656C6C6F'),
(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(5, 100, 9007199254740993L, -0.0D, float(1e10), '  padded  ', '日本語テキスト', '[1, "two", 3.50, true, null]', 'abc', 99999999.99, 99999.9999, false, DATE'1900-03-01', TIMESTAMP'2038-01-19 03:14:08', array(1, 2, 3, 4), array('y', 'y'), map('k', 9, 'a', -1), named_struct('x', 5, 'y', NULL), X'E697A5'),
(6, 12, -9223372036854775807L, 1.0E-5D, float(3.4028235E38), 'The quick brown fox', 'e\\u0301te 👩‍👩‍👧', '{"a": 12345678901234567890, "b": {"c": 1.0e2}, "d": true}', '3.14159', 7.77, -12345.6789, true, DATE'2023-12-31', TIMESTAMP'2023-12-31 23:59:59.5', array(-1), array('Z', 'é'), map('', 0), named_struct('x', -5, 'y', ''), X'7F80')
AS t(id, i, l, d, f, s, u, j, q, n, m, b, dt, ts, a, w, mp, st, bin))"""

COLUMNS = {
    "int": ["i", "id", "st.x", "3", "-2", "0"],
    "long": ["l", "5L", "CAST(i AS BIGINT)"],
    "double": ["d", "2.5D", "CAST(f AS DOUBLE)", "0.5D"],
    "float": ["f", "float(1.25)"],
    "string": ["s", "u", "q", "st.y", "'abc'", "'Äb c'"],
    "number_text": ["q"],
    "json": ["j"],
    "dec": ["n", "m", "1.10", "-3.5"],
    "bool": ["b", "i > 0", "s IS NULL", "true"],
    "date": ["dt", "DATE'2024-03-31'", "CAST(ts AS DATE)"],
    "time": ["ts", "TIMESTAMP'2024-03-31 02:30:00.25'", "CAST(dt AS TIMESTAMP)"],
    "ints": ["a", "array(1, 2, 2)"],
    "texts": ["w", "array('a', 'b')", "split(s, ' ')"],
    "map": ["mp", "map('a', 7)"],
    "bytes": ["bin", "CAST(s AS BINARY)"],
}

# Result: forms; {type} is an argument.
FORMS = {
    "int": """
        try_add({int}, {int}) | try_subtract({int}, {int}) | try_multiply({int}, 3) | {int} % 7 | pmod({int}, 5) | length({string}) | char_length({string})
        octet_length({string}) | bit_length({string}) | ascii({string}) | instr({string}, 'l') | locate('o', {string}, 3) | position('a' IN {string})
        levenshtein({string}, {string}) | find_in_set('b', {string}) | size({ints}) | cardinality({map}) | array_position({texts}, 'a') | year({date}) | quarter({time})
        month({time}) | day({date}) | dayofweek({date}) | weekday({date}) | dayofyear({date}) | weekofyear({date}) | hour({time}) | minute({time}) | second({time})
        datediff({date}, {date}) | unix_date({date}) | hash({int}, {string}, {double}) | hash({ints}, {bool}, {dec}) | sign({dec}) | TRY_CAST({string} AS INT)
        TRY_CAST({double} AS INT) | CAST({bool} AS INT) | bit_count({int}) | ({int} & 6) | ({int} ^ 5) | ~{int} | shiftright({int}, 2) | shiftleft({int}, 3)
        CASE WHEN {bool} THEN {int} ELSE {int} END | CASE {int} WHEN 3 THEN 1 WHEN 0 THEN 2 END | IF({bool}, {int}, NULL) | coalesce({int}, {int}, 0) | nullif({int}, 3) | nvl2({string}, {int}, 9)
        greatest({int}, {int}, 1) | least({int}, {int}) | array_max({ints}) | array_min({ints}) | element_at({map}, 'a') | try_element_at({ints}, 2) | {map}['b']
        aggregate({ints}, 0, (x, y) -> x + coalesce(y, 0)) | json_array_length({json}) | regexp_count({string}, '[a-z]') | regexp_instr({string}, 'o') | EXTRACT(YEAR FROM {date}) | EXTRACT(DOW FROM {time})
        date_part('month', {time}) | bround({int}, -1) | round({int}, -1) | abs({int}) | -{int} | get({ints}, 1) | TRY_CAST({number_text} AS SMALLINT) | TRY_CAST({long} AS TINYINT)""",
    "long": """
        try_add({long}, {long}) | try_multiply({long}, 2L) | xxhash64({string}, {int}) | xxhash64({dec}, {double}, {bytes}) | xxhash64({ints}, {time}, {date}) | crc32({bytes}) | {int} div 3 | unix_seconds({time})
        unix_millis({time}) | unix_micros({time}) | unix_timestamp({time}) | TRY_CAST({string} AS BIGINT) | TRY_CAST({double} AS BIGINT) | factorial(5) | CAST({time} AS BIGINT)
        to_unix_timestamp('2024-02-29 10', 'yyyy-MM-dd HH') | floor({dec}) | ceil({dec}) | abs({long} % 1000) | greatest({long}, 1L)""",
    "double": """
        {double} + 1.5D | {double} * -2.0D | {double} - {double} | try_divide({double}, {double}) | try_divide({int}, {int}) | round({double}, 1) | bround({double}, 1) | sqrt(abs({double}))
        cbrt({double}) | round(exp({double} % 3), 9) | round(ln(abs({double}) + 1), 9) | round(log2(8.0D + {int} % 2), 9) | round(sin({double}), 9) | round(atan2({double}, 2.0D), 9) | round(pow({double}, 2), 9) | degrees(1.0D)
        radians(180.0D) | rint({double}) | signum({double}) | hypot(3.0D, 4.0D) | nanvl({double}, 0.0D) | TRY_CAST({string} AS DOUBLE) | CAST({dec} AS DOUBLE) | CAST({float} AS DOUBLE) | CAST({int} AS DOUBLE)
        months_between({date}, {date}) | months_between({time}, {time}) | coalesce({double}, -1.0D) | -{double} | abs({double}) | {double} % 0.7D | greatest({double}, 0.0D) | least({double}, double('NaN'))
        CAST({time} AS DOUBLE) | positive({double}) | CASE WHEN isnan({double}) THEN 0.0D ELSE {double} END | pmod({double}, 3.0D) | {float} + {double} | {dec} * {double}""",
    "float": """
        {float} * float(2) | CAST({double} AS FLOAT) | TRY_CAST({string} AS FLOAT) | abs({float}) | round({float}, 1) | -{float} | {float} + {int} | CAST({dec} AS FLOAT)""",
    "string": """
        upper({string}) | lower({string}) | initcap({string}) | reverse({string}) | trim({string}) | ltrim({string}) | rtrim({string}) | trim(BOTH 'a' FROM {string}) | btrim({string}, ' H')
        concat({string}, '-', {string}) | concat_ws('|', {string}, {string}, {texts}) | {string} || {int} | substring({string}, 2, 3) | substring({string}, -3) | substr({string}, 0, 2) | left({string}, 3)
        right({string}, 2) | lpad({string}, 8, '*') | rpad({string}, 3, 'é') | repeat({string}, 2) | replace({string}, 'l', 'LL') | translate({string}, 'elo', '31') | regexp_replace({string}, '([a-z])([a-z])', '$2$1') | regexp_extract({string}, '([a-z]+) ?', 1)
        regexp_substr({string}, '[0-9]+') | split_part({string}, ',', 2) | substring_index({string}, ' ', 1) | substring_index({string}, ',', -2) | overlay({string} PLACING 'XX' FROM 2 FOR 1) | soundex({string}) | hex({string}) | hex({int})
        hex({bytes}) | bin({int}) | conv({int}, 10, 16) | base64({bytes}) | md5({bytes}) | sha1({string}) | sha2({string}, 256) | sha2({bytes}, 512) | format_number({double}, 2) | format_number({dec}, 3) | format_string('%s|%5d|%x', {string}, {int}, {int})
        format_string('%.2f %e', {double}, {double}) | chr({int} + 70) | elt(2, {string}, {string}) | space(3) | mask({string}) | url_encode({string}) | url_decode(url_encode({string})) | CAST({int} AS STRING) | CAST({double} AS STRING) | CAST({float} AS STRING)
        CAST({dec} AS STRING) | CAST({bool} AS STRING) | CAST({date} AS STRING) | CAST({time} AS STRING) | CAST({ints} AS STRING) | CAST({map} AS STRING) | CAST(st AS STRING)
        date_format({time}, 'yyyy-MM-dd HH:mm:ss.SSS') | date_format({date}, 'EEEE, d MMMM yy') | date_format({time}, "h a, D, Q, 'week' E") | from_unixtime({int} * 86400, 'yyyy/MM/dd') | get_json_object({json}, '$.a') | get_json_object({json}, '$.b[2].c')
        get_json_object({json}, '$[*]') | get_json_object({json}, '$.b') | to_json(st) | to_json(named_struct('a', {int}, 't', {time}, 'd', {double})) | to_json({map}) | to_json({ints}) | array_join({texts}, '-', '?') | array_join({texts}, '+') | typeof({dec})
        CASE WHEN {string} LIKE '%l%' THEN 'l' WHEN {string} RLIKE '^a' THEN 'a' ELSE {string} END | coalesce({string}, 'none') | nvl({string}, 'nil') | nullif({string}, '') | greatest({string}, 'b') | element_at({texts}, 1) | schema_of_json('{"a": [1, 2.5], "b": {"c": null}}')
        decode({bytes}, 'ISO-8859-1') | CAST(TRY_CAST({string} AS DATE) AS STRING) | regexp_replace({string}, '\\\\s+', '_')""",
    "dec": """
        {dec} + {dec} | {dec} - 1.5 | try_multiply({dec}, {dec}) | try_divide({dec}, {dec}) | round({dec}, 1) | bround({dec}, 1) | abs({dec}) | -{dec} | {dec} % 3.1 | CAST({int} AS DECIMAL(12, 2)) | TRY_CAST({string} AS DECIMAL(10, 3)) | TRY_CAST({double} AS DECIMAL(20, 5))
        TRY_CAST({dec} AS DECIMAL(4, 1)) | coalesce({dec}, 0.0) | greatest({dec}, 1.55) | {dec} * 2 | {dec} + {int} | TRY_CAST({number_text} AS DECIMAL(5, 2)) | ceil({dec}, 1) | floor({dec}, 1) | EXTRACT(SECOND FROM {time}) | pmod({dec}, 2.5)""",
    "bool": """
        {string} LIKE '%o_%' | {string} ILIKE 'H%' | {string} RLIKE '[aeiou]{2}' | startswith({string}, 'He') | endswith({string}, 'c') | contains({string}, 'o') | {int} BETWEEN -5 AND 5 | {int} IN (1, 3, NULL) | {string} NOT IN ('', 'abc')
        {double} > {double} | {double} = {double} | {double} <=> {double} | {int} IS DISTINCT FROM {int} | {dec} < {dec} | {date} >= {date} | {time} < {time} | {bool} AND {bool} | {bool} OR {bool} | NOT {bool} | isnan({double}) | isnull({int})
        array_contains({ints}, 2) | arrays_overlap({ints}, array(1, 5)) | exists({ints}, x -> x > 2) | forall({ints}, x -> x > 0) | map_contains_key({map}, 'a') | TRY_CAST({string} AS BOOLEAN) | CAST({int} AS BOOLEAN) | equal_null({string}, NULL)
        {string} = {string} | {string} < {string} | {string} LIKE 'a\\\\%' | {ints} = {ints} | st = named_struct('x', 1, 'y', 'one') | {bool} <=> NULL | regexp_like({string}, '(?i)HELLO') | {bytes} > X'10' | {date} = {time} | {int} = TRY_CAST({number_text} AS INT)""",
    "date": """
        date_add({date}, {int}) | date_sub({date}, 1) | add_months({date}, 1) | last_day({date}) | next_day({date}, 'Mon') | trunc({date}, 'MM') | trunc({date}, 'quarter') | TRY_CAST({string} AS DATE) | CAST({time} AS DATE) | to_date('2024-02-29')
        to_date('29.02.2024', 'dd.MM.yyyy') | make_date(2024, 2, 29) | {date} + INTERVAL '1' MONTH | {date} - 1 | date_from_unix_date({int}) | greatest({date}, DATE'2000-01-01') | coalesce({date}, DATE'1970-01-01')""",
    "time": """
        {time} + INTERVAL '1 02:03:04.5' DAY TO SECOND | {time} - INTERVAL 1 MONTH | date_trunc('HOUR', {time}) | date_trunc('week', {time}) | date_trunc('YEAR', {time}) | date_trunc('millisecond', {time}) | TRY_CAST({string} AS TIMESTAMP) | CAST({date} AS TIMESTAMP) | to_timestamp('2024-02-29 10:11:12')
        to_timestamp('29/02/24 10', 'dd/MM/yy HH') | timestamp_seconds({int}) | timestamp_millis({long} % 100000000000) | timestamp_micros({long} % 1000000000000000) | make_timestamp(2024, 2, 29, 23, 59, 59.999) | TRY_CAST({double} AS TIMESTAMP) | coalesce({time}, TIMESTAMP'1970-01-01') | least({time}, TIMESTAMP'2000-01-01')
        from_utc_timestamp({time}, 'Europe/Berlin') | to_utc_timestamp({time}, 'America/New_York') | from_utc_timestamp({time}, '+05:30') | to_utc_timestamp({time}, 'Asia/Kathmandu') | CAST('2024-07-01 12:00:00 Europe/Paris' AS TIMESTAMP) | from_utc_timestamp({time}, 'Australia/Lord_Howe')""",
    "ints": """
        array_distinct({ints}) | array_sort({ints}) | sort_array({ints}, false) | slice({ints}, 1, 2) | array_union({ints}, {ints}) | array_intersect({ints}, {ints}) | array_except({ints}, array(1)) | array_remove({ints}, 2) | array_append({ints}, {int}) | array_prepend({ints}, 0) | array_compact({ints})
        array_repeat({int}, 2) | concat({ints}, {ints}) | reverse({ints}) | sequence(1, 5, 2) | transform({ints}, x -> x * 2) | transform({ints}, (x, i) -> x + i) | filter({ints}, x -> x IS NOT NULL) | zip_with({ints}, array(1, 2), (x, y) -> x + y) | flatten(array({ints}, array(9))) | map_values({map})
        array({int}, {int}) | array_insert({ints}, 2, 99) | from_json({json}, 'ARRAY<INT>') | CAST(array('1', '2') AS ARRAY<INT>)""",
    "texts": """
        split({string}, '') | split({string}, '[, ]') | split({string}, 'l', 2) | map_keys({map}) | transform({texts}, x -> upper(x)) | array_sort({texts}) | regexp_extract_all({string}, '([a-z])', 1) | json_object_keys({json}) | filter({texts}, (x, i) -> i > 0)
        CAST({ints} AS ARRAY<STRING>) | array_distinct({texts}) | array({string}, {string}) | transform({ints}, x -> CAST(x AS STRING)) | sort_array({texts})""",
    "map": """
        map_concat({map}, map('zz', {int})) | map_filter({map}, (k, v) -> v > 0) | transform_values({map}, (k, v) -> v + 1) | map('q', {int}) | map_from_arrays(array('x', 'y'), array({int}, 2)) | map_from_entries(array(struct('e', {int}))) | transform_keys({map}, (k, v) -> concat(k, '!'))
        CAST({map} AS MAP<STRING, INT>) | from_json({json}, 'MAP<STRING, INT>')""",
    "struct": """
        named_struct('p', {int}, 'r', {string}) | struct(i, d) | from_json({json}, 'a INT, s STRING') | from_json({json}, 'STRUCT<b: ARRAY<STRING>, d: BOOLEAN>') | from_json({json}, 'a DOUBLE, b STRUCT<c: STRING>') | CAST(st AS STRUCT<x: STRING, y: STRING>)
        str_to_map({string}, ' ', 'l') | map_entries({map}) | element_at(arrays_zip({ints}, {texts}), 1) IS NULL | CAST(named_struct('x', {int}) AS STRUCT<z: DOUBLE>) | CAST(map('1', {int}) AS MAP<INT, STRING>) | CAST(array(st) AS ARRAY<STRUCT<x: BIGINT, y: STRING>>) | transform({ints}, x -> struct(x, x + 1))
        from_json({json}, 'a DECIMAL(20, 0), b STRING') | named_struct('o', named_struct('i', {ints}))""",
    "bytes": """
        unhex('00ff') | CAST({string} AS BINARY) | encode({string}, 'UTF-16BE') | unbase64(base64({bytes})) | substring({bytes}, 1, 2) | concat({bytes}, X'00')""",
}

ROOTS = [(kind, form.strip()) for kind, text in FORMS.items() for form in re.split(r" \| |\n", text.strip()) if form.strip()]
ARGUMENT = re.compile(r"\{(any|" + "|".join(COLUMNS) + r")\}")
ATOM = re.compile(r"[\w.]+|[A-Z]*'[^']*'")

GROUPS = """
    count(*), count({any}), count(DISTINCT {int}), sum({int}), avg({int}), min({string}), max({time})
    sum({dec}), avg({dec}), max({double}), min({date}), round(stddev({int}), 9)
    count_if({bool}), bool_and({bool}), bool_or({bool}), sum({int}) FILTER (WHERE {bool}), count({string}) FILTER (WHERE i > 0)
    sort_array(collect_list({int})), sort_array(collect_set({string})), min_by({string}, id), max_by({int}, id)
    round(var_pop({double}), 9), percentile(i, 0.5), median(i), bit_or({int}), bit_xor({int}), try_sum({long})
    any_value(1), first(id) IS NULL, sum({double}), max({ints}), min(st), array_size(array_agg({int}))
    round(corr(id, i), 9), round(covar_samp(id, i), 9), approx_count_distinct({int}), round(skewness(i), 9), round(kurtosis(i), 9), sum(DISTINCT {int})
    regr_count(id, i), round(regr_slope(id, i), 9), round(regr_r2(id, i), 9), try_avg({int}), mean({dec}), round(stddev_pop(n), 9)"""
KEYS = ["b", "i % 2", "length(s) > 5", "year(dt) DIV 50", "coalesce(b, false)", "size(a)", "st.y", "CAST(n AS INT) % 3"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def form(self, kind, depth):
        """An expression of the kind; forms in forms to the depth."""
        if kind == "any":
            kind = self.random.choice(["int", "string", "double", "date"])
        if depth == 0 or kind not in FORMS or self.random.random() < 0.45:
            return self.random.choice(COLUMNS[kind])
        return self.fill(self.random.choice([form for root, form in ROOTS if root == kind]), depth - 1)

    def fill(self, form, depth):
        def argument(kind):
            text = self.form(kind[1], depth)
            return text if ATOM.fullmatch(text) else f"({text})"

        return ARGUMENT.sub(argument, form)

    def projects(self):
        """All forms in twos, with a WHERE now and then."""
        for at in range(0, len(ROOTS), 2):
            values = [f"{self.fill(form, 1)} AS v{i}" for i, (_, form) in enumerate(ROOTS[at : at + 2])]
            where = f" WHERE {self.form('bool', 2)}" if self.random.random() < 0.2 else ""
            yield f"SELECT id, {', '.join(values)} FROM t{where}"

    def shapes(self):
        """Groups, HAVING, DISTINCT, sub-queries, unions, order, windows."""
        for line in GROUPS.strip().split("\n"):
            key = self.random.choice(KEYS)
            values = re.split(r", (?=[a-z_]+\()", line.strip())
            named = ", ".join(f"{self.fill(value, 0)} AS g{i}" for i, value in enumerate(values))
            yield f"SELECT {key} AS k, {named} FROM t GROUP BY {key}"
            yield f"SELECT {named} FROM t WHERE {self.form('bool', 1)}"
        for key in KEYS:
            yield f"SELECT {key} AS k, count(*) AS n, max(id) AS last FROM t GROUP BY 1 HAVING count(*) > 1 OR {key} IS NULL"
            yield f"SELECT DISTINCT {key} AS k, {self.form('bool', 1)} AS x FROM t"
            yield f"SELECT count(DISTINCT {key}) AS n, sum(q.x) AS s FROM (SELECT *, {self.form('int', 1)} % 100 AS x FROM t) q"
        for kind in ("int", "string", "double", "dec", "date", "time"):
            one, other = self.form(kind, 1), self.form(kind, 1)
            yield f"SELECT {one} AS x FROM t UNION ALL SELECT {other} FROM t"
            yield f"SELECT id, {one} AS x FROM t ORDER BY x {self.random.choice(['', 'DESC', 'NULLS LAST'])}, id LIMIT 4"
            yield f"SELECT x, count(*) AS n FROM (SELECT {one} AS x FROM t UNION ALL SELECT {other} AS x FROM t) GROUP BY x"
        for length, slide in (("10 minutes", None), ("1 hour", "15 minutes"), ("1 day", None), ("1 week", "1 day"), ("90 seconds", "1 minute"), ("10 minutes", "10 minutes")):
            window = f"window(ts, '{length}'" + (f", '{slide}')" if slide else ")")
            yield f"SELECT window.start AS f, window.end AS e, count(*) AS n, sum(id) AS s FROM t GROUP BY {window}"
            yield f"SELECT window, b, max(id) AS m FROM t WHERE i > -10 GROUP BY {window}, b HAVING count(*) > 0"
        yield "SELECT id, x FROM t LATERAL VIEW explode(a) AS x"
        yield "SELECT id, p, x FROM t LATERAL VIEW OUTER posexplode(w) AS p, x"
        yield "SELECT id, explode(mp) FROM t"
        yield "SELECT t.id, o.id AS other FROM t JOIN t o ON t.i = o.st.x + 5"
        yield "SELECT t.id, o.s FROM t LEFT JOIN t o ON t.id = o.id + 1 AND o.b"

    def queries(self):
        """Texts of whole queries, the same at every call."""
        return [f"{TABLE} {text}" for text in (*self.projects(), *self.shapes())]
