"""Queries written by hand: the ends of the types, errors of ANSI mode, texts that are odd, days that do not
exist. Each line is a query; one without FROM has one row."""

EDGES = r"""
SELECT 2147483647 + 1
SELECT try_add(2147483647, 1), try_add(9223372036854775807L, 1L), try_subtract(-2147483648, 1)
SELECT 9223372036854775807L * 2
SELECT CAST(3000000000L AS INT)
SELECT TRY_CAST(3000000000L AS INT), TRY_CAST(300 AS TINYINT), TRY_CAST(-129 AS TINYINT), TRY_CAST(1e20D AS BIGINT)
SELECT CAST('12a' AS INT)
SELECT TRY_CAST('12a' AS INT), TRY_CAST('' AS INT), TRY_CAST(' 12 ' AS INT), TRY_CAST('+5' AS INT), TRY_CAST('1.9' AS INT), TRY_CAST('0x10' AS INT)
SELECT 1 / 0
SELECT 1.0D / 0
SELECT 5 % 0
SELECT try_divide(1, 0), try_divide(0.0D, 0.0D), try_divide(1.5, 0)
SELECT -9223372036854775808 AS least, abs(-2147483647), -(-2147483647)
SELECT abs(CAST(-2147483648 AS INT))
SELECT array(1, 2)[2]
SELECT element_at(array(1, 2), 3)
SELECT element_at(array(1, 2), -1), try_element_at(array(1, 2), 3), get(array(1, 2), 2), element_at(map('a', 1), 'z')
SELECT element_at(array(1, 2), 0)
SELECT map('a', 1)['b']
SELECT map('a', 1, 'a', 2)
SELECT CAST('2024-02-30' AS DATE)
SELECT TRY_CAST('2024-02-30' AS DATE), TRY_CAST('2024-2-9' AS DATE), TRY_CAST('2024' AS DATE), TRY_CAST('2024-02-29T10:00' AS DATE), TRY_CAST('0000-01-01' AS DATE), TRY_CAST('+10000-01-01' AS DATE)
SELECT make_date(2023, 2, 29)
SELECT add_months(DATE'2024-01-31', 1), add_months(DATE'2023-01-31', 1), add_months(DATE'2024-02-29', 12), add_months(DATE'2024-02-29', -12), last_day(DATE'2100-02-01')
SELECT months_between(DATE'2024-02-29', DATE'2024-01-31'), months_between(TIMESTAMP'2024-03-31 12:00:00', DATE'2024-02-29', false), months_between(DATE'2024-03-30', DATE'2024-02-29')
SELECT date_add(DATE'2024-02-28', 1), date_add(DATE'2023-02-28', 1), date_sub(DATE'2000-03-01', 1), datediff(DATE'2000-03-01', DATE'2000-02-01'), DATE'1900-02-28' + 1
SELECT dayofyear(DATE'2024-12-31'), weekofyear(DATE'2021-01-03'), weekofyear(DATE'2024-12-30'), EXTRACT(YEAROFWEEK FROM DATE'2024-12-30'), EXTRACT(DOW FROM DATE'2024-12-29'), EXTRACT(DOW_ISO FROM DATE'2024-12-29')
SELECT TRY_CAST('2024-03-31 02:30:00 Europe/Berlin' AS TIMESTAMP), TRY_CAST('2024-10-27 02:30:00 Europe/Berlin' AS TIMESTAMP), TRY_CAST('2024-07-01 00:00:00 Nowhere/City' AS TIMESTAMP)
SELECT from_utc_timestamp(TIMESTAMP'2024-03-31 00:59:59.999999', 'Europe/Berlin'), from_utc_timestamp(TIMESTAMP'2024-03-31 01:00:00', 'Europe/Berlin'), from_utc_timestamp(TIMESTAMP'2024-10-27 00:30:00', 'Europe/Berlin'), from_utc_timestamp(TIMESTAMP'2024-10-27 01:30:00', 'Europe/Berlin')
SELECT to_utc_timestamp(TIMESTAMP'2024-03-31 02:30:00', 'Europe/Berlin'), to_utc_timestamp(TIMESTAMP'2024-10-27 02:30:00', 'Europe/Berlin'), to_utc_timestamp(TIMESTAMP'2024-11-03 01:30:00', 'America/New_York'), to_utc_timestamp(TIMESTAMP'2024-03-10 02:30:00', 'America/New_York')
SELECT from_utc_timestamp(TIMESTAMP'1883-11-18 12:00:00', 'America/New_York'), from_utc_timestamp(TIMESTAMP'1800-01-01 00:00:00', 'Europe/London'), from_utc_timestamp(TIMESTAMP'2500-07-01 00:00:00', 'Europe/London'), from_utc_timestamp(NULL, 'UTC'), from_utc_timestamp(TIMESTAMP'2020-01-01', NULL)
SELECT from_utc_timestamp(TIMESTAMP'2020-01-01', 'Mars/Olympus')
SELECT from_utc_timestamp(z.ts, z.zone) AS here, to_utc_timestamp(z.ts, z.zone) AS there FROM VALUES (TIMESTAMP'2024-07-01 12:00:00', 'Asia/Tokyo'), (TIMESTAMP'2024-01-01', 'GMT+3'), (TIMESTAMP'2024-01-01', 'UTC-08:00'), (TIMESTAMP'2024-01-01', 'Z'), (TIMESTAMP'2024-01-01', '+7'), (TIMESTAMP'2024-01-01', '-03:30'), (TIMESTAMP'2024-01-01', 'PST'), (TIMESTAMP'2024-01-01', 'EST') AS z(ts, zone)
SELECT current_timezone(), date_format(TIMESTAMP'2024-07-01 12:00:00', 'VV z XXX xx O Z'), date_format(TIMESTAMP'2024-07-01 12:00:00', 'XXXXX zzzz'), to_timestamp('2024-07-01 12:00 Europe/Berlin', 'yyyy-MM-dd HH:mm VV'), to_timestamp('2024-07-01 12:00 +0200', 'yyyy-MM-dd HH:mm Z')
SELECT TIMESTAMP'2024-07-01 12:00:00 America/Los_Angeles' AS t, TIMESTAMP'2024-07-01 12:00:00+02:00' AS u, make_timestamp(2024, 7, 1, 12, 0, 0, 'Europe/Paris') AS v
SELECT CAST(TIMESTAMP'9999-12-31 23:59:59.999999' AS STRING), CAST(TIMESTAMP'0001-01-01 00:00:00' AS STRING), CAST(TIMESTAMP'1582-10-10 00:00:00' AS STRING), CAST(DATE'1582-10-15' - 1 AS STRING)
SELECT TRY_CAST('2024-02-29 24:00:00' AS TIMESTAMP), TRY_CAST('2024-02-29 23:59:60' AS TIMESTAMP), TRY_CAST('2024-02-29 1:2:3.4567891' AS TIMESTAMP)
SELECT double('NaN') = double('NaN'), double('NaN') > double('Infinity'), -0.0D = 0.0D, -0.0D <=> 0.0D, greatest(double('NaN'), 1.0D), least(-0.0D, 0.0D), max(x) FROM VALUES (double('NaN')), (1.0D) AS v(x)
SELECT DISTINCT x FROM VALUES (double('NaN')), (double('NaN')), (0.0D), (-0.0D) AS v(x)
SELECT x, count(*) AS n FROM VALUES (0.0D), (-0.0D), (double('NaN')), (double('NaN')), (NULL) AS v(x) GROUP BY x
SELECT CAST(1e7D AS STRING), CAST(1.0E-3D AS STRING), CAST(9.999E-4D AS STRING), CAST(12345678.9D AS STRING), CAST(1e21D AS STRING), CAST(-0.0D AS STRING), CAST(4.9E-324D AS STRING), CAST(1.7976931348623157E308D AS STRING)
SELECT CAST(float(3.4028235E38) AS STRING), CAST(float(1.0E-10) AS STRING), CAST(float(16777216) AS STRING), CAST(float(0.1) AS DOUBLE), CAST(float(1e10) AS STRING), double('1e400'), double('-inf'), double(' 1.5 ')
SELECT round(2.5D), round(-2.5D), round(0.285D, 2), round(1.005D, 2), bround(2.5D), bround(3.5D), round(2.5), bround(2.5), round(125, -1), bround(125, -1), round(-0.4D)
SELECT round(2147483647, -1)
SELECT CAST(1.005 AS DECIMAL(3, 2)), CAST(-1.005 AS DECIMAL(3, 2)), CAST('1.005' AS DECIMAL(3, 2)), CAST(2.675D AS DECIMAL(4, 2)), TRY_CAST(99.95 AS DECIMAL(3, 1)), CAST(1 AS DECIMAL(38, 37))
SELECT CAST(99.95 AS DECIMAL(3, 1))
SELECT 1.1 + 2.22, 1.1 * 2.22, 1.1 / 3, 10.0 % 3, 12345678901234567890.123 * 98765.4321, 0.1 + 0.2, 1.0 / 3.0, CAST(1 AS DECIMAL(38, 10)) / CAST(3 AS DECIMAL(38, 10))
SELECT 99999999999999999999999999999999999999 + 1
SELECT 12345678901234567890 AS big, 1e3 AS e, 1.5e-3 AS small, .5 AS half, 5. AS five, 1L, 1S, 1Y, 1.5F, 1.5BD
SELECT sum(x), avg(x) FROM VALUES (99999999.99), (0.01), (NULL) AS v(x)
SELECT sum(x) FROM VALUES (9223372036854775807L), (1L) AS v(x)
SELECT try_sum(x), try_avg(x), sum(CAST(x AS DOUBLE)) FROM VALUES (9223372036854775807L), (1L) AS v(x)
SELECT sum(x), avg(x), min(x), max(x), count(x), count(*), collect_list(x), first(x), stddev(x) FROM VALUES (1), (2) AS v(x) WHERE x > 5
SELECT stddev(x), var_samp(x), stddev_pop(x), corr(x, x), covar_samp(x, x), skewness(x), kurtosis(x) FROM VALUES (1.0D) AS v(x)
SELECT length('😀'), upper('straße'), lower('İ'), initcap('ÉCOLE éa'), reverse('a😀b'), substring('a😀b', 2, 1), substring('😀😀', -1), instr('a😀b', 'b'), lpad('😀', 3, 'é'), octet_length('😀'), ascii('😀'), char_length('é')
SELECT left('abc', 0), left('abc', -1), right('abc', 9), substring('abc', 0), substring('abc', -5, 3), substring('abc', 2, -1), substr('abc', 4), repeat('a', -1), lpad('abc', 2, ''), lpad('abc', 5, ''), space(-1)
SELECT split('', ','), split('a', ''), split(',', ','), split('a,b,', ','), split('a1b22c', '[0-9]+'), split('abc', '(?=b)'), split('a.b', '.'), split('oneAtwoB', '[AB]', 2), split('a,b', ',', -1)
SELECT split_part('a,b,c', ',', -1), split_part('a,b', ',', 5), split_part('', ',', 1), substring_index('a.b.c', '.', 0), substring_index('a.b.c', '', 1), concat_ws(',', 'a', NULL, array('b', NULL)), concat('a', NULL), 'a' || NULL
SELECT split_part('a', ',', 0)
SELECT regexp_extract('foo123bar', '(\\d+)', 1), regexp_extract('abc', 'x', 0), regexp_replace('aaa', 'a*', 'b'), regexp_replace('a.b', '\\.', '$0$0'), regexp_extract('abc', '(x)?b', 1), 'ab\ncd' RLIKE '^cd', 'ab\ncd' RLIKE '(?m)^cd'
SELECT regexp_extract('abc', '(b)', 2)
SELECT regexp_extract_all('a1b22', '[0-9]+', 0), regexp_count('aAa', '(?i)a'), regexp_substr('abc', 'z'), regexp_instr('abc', 'c'), 'é' RLIKE '^\\w$', '٣' RLIKE '^\\d$', 'a' RLIKE '\\p{L}', 'A' RLIKE '\\p{Lu}'
SELECT 'a%b' LIKE 'a\\%b', 'a_b' LIKE 'a/_b' ESCAPE '/', 'ab' LIKE '_', '😀' LIKE '_', '' LIKE '%', 'AB' ILIKE 'a_', 'a\nb' LIKE 'a%', 'abc' LIKE 'ABC', 'ÄB' ILIKE 'äb'
SELECT trim('\t a \n'), length(trim('\t a ')), trim(LEADING 'xy' FROM 'xyxa'), rtrim('ab', 'abab'), btrim('  a '), translate('abc', 'ab', 'x'), replace('abc', '', 'z'), replace('aaa', 'aa', 'b'), overlay('abc' PLACING '' FROM 2 FOR 1), soundex('Tymczak'), soundex(''), levenshtein('kitten', 'sitting', 2)
SELECT format_number(1234567.891D, 2), format_number(0.5D, 0), format_number(1.5D, 0), format_number(double('NaN'), 2), format_number(-0.001D, 2), format_string('%05d|%-5s|%+d|%,d|%o|%X|%b|%c|%%', 42, 'a', 7, 1234567, 8, 255, true, 90)
SELECT format_string('%s %s %d', NULL, true, NULL), format_string('%.3f|%10.2f|%e', 1.0D, -2.345D, 12345.678D), format_string('%2$s %1$s', 'a', 'b'), format_string('%s', double('NaN'))
SELECT conv('ff', 16, 10), conv('-1', 10, 16), conv('zz', 36, 2), conv('9', 8, 10), conv('', 10, 16), hex(-1), bin(-1), hex('é'), unhex('F'), unhex('zz'), hex(255L)
SELECT base64(X'FF00'), unbase64('/wA='), encode('é', 'ISO-8859-1'), encode('é', 'US-ASCII'), decode(X'E9', 'ISO-8859-1'), decode(X'FF', 'UTF-8'), CAST(X'C3A9' AS STRING), crc32('abc'), md5(''), sha2('', 224)
SELECT hash(NULL), hash(1, NULL, 2), hash(-0.0D), hash(0.0D), hash(double('NaN')), hash(CAST(1.5 AS DECIMAL(30, 2))), hash(array()), hash(struct(1, 'a')), hash(true), hash(DATE'2024-01-01'), hash(1Y, 1S), hash(float(-0.0))
SELECT xxhash64(NULL), xxhash64(''), xxhash64('a', 1L, 1.5D), xxhash64(array(1, NULL)), xxhash64(X'00'), xxhash64(CAST(1 AS DECIMAL(38, 0))), xxhash64(TIMESTAMP'2024-01-01'), hash('abcdefghijklmnopqrstuvwxyz 0123456789 ÄÖÜ')
SELECT get_json_object('{"a":{"b":[1,{"c":null}]}}', '$.a.b[1]'), get_json_object('{"a":1}', '$.b'), get_json_object('{"a":null}', '$.a'), get_json_object('{"a":"x\\"y"}', '$.a'), get_json_object('[{"x":1},{"x":2}]', '$[*].x'), get_json_object('{"a.b":1}', "$['a.b']"), get_json_object('bad', '$.a'), get_json_object('{"a":1.0}', '$.a')
SELECT from_json('{"a":"1"}', 'a INT'), from_json('{"a":1.5}', 'a INT'), from_json('{"a":99999999999}', 'a INT'), from_json('{"A":1}', 'a INT'), from_json('', 'a INT'), from_json('{"a":1', 'a INT'), from_json('[{"a":1}]', 'a INT'), from_json('{"a":{"b":1}}', 'a STRING'), from_json('null', 'a INT'), from_json('{"a":1,"a":2}', 'a INT')
SELECT from_json('{"a":"x","b":2}', 'MAP<STRING, INT>'), from_json('{"a":1}', 'MAP<STRING, STRING>'), from_json('[1,"x",3]', 'ARRAY<INT>'), from_json('1', 'ARRAY<INT>'), from_json('{"t":"2024-02-29T10:00:00Z","d":"2024-02-29","n":1.25,"b":"true"}', 't TIMESTAMP, d DATE, n DECIMAL(5,1), b BOOLEAN'), from_json('{"a":{"b":"x","c":1}}', 'a STRUCT<b: INT, c: INT>')
SELECT to_json(named_struct('a', NULL, 'b', 1.10, 'c', double('NaN'), 'd', '"\\/\t😀', 'e', DATE'2024-01-01', 'f', X'00')), to_json(array(NULL, 1)), to_json(map('k', NULL)), to_json(named_struct('t', TIMESTAMP'2024-01-01 00:00:00.12')), to_json(struct(array()))
SELECT CAST(array(1, NULL) AS STRING), CAST(map('a', NULL) AS STRING), CAST(struct(NULL, 'x', 1.0D) AS STRING), CAST(array(array('a')) AS STRING), CAST(named_struct('t', TIMESTAMP'2024-01-01') AS STRING)
SELECT CAST(array('1', 'x') AS ARRAY<INT>)
SELECT TRY_CAST(array('1', 'x') AS ARRAY<INT>), TRY_CAST(map('1', 'y') AS MAP<STRING, INT>), CAST(named_struct('a', 1, 'b', array('2')) AS STRUCT<c: STRING, d: ARRAY<BIGINT>>), CAST(map(1, DATE'2024-01-01') AS MAP<STRING, TIMESTAMP>)
SELECT NULL + 1, NULL AND false, NULL OR true, NOT NULL, NULL = NULL, NULL <=> NULL, NULL IN (1), 1 IN (NULL, 1), 1 NOT IN (2, NULL), coalesce(NULL, NULL), nullif(NULL, 1), greatest(NULL, 1), IF(NULL, 1, 2), CASE NULL WHEN NULL THEN 1 ELSE 2 END
SELECT size(NULL), size(array()), cardinality(map()), array_contains(array(1, NULL), 2), array_position(array(1), NULL), array_max(array(NULL)), array_join(array(NULL), ','), sort_array(array(2, NULL, 1)), array_sort(array(2, NULL, 1)), array_distinct(array(NULL, NULL)), arrays_overlap(array(1), array(NULL)), slice(array(1, 2, 3), -2, 2)
SELECT array_insert(array(1, 2), 5, 9), array_insert(array(1, 2), -1, 9), array_insert(array(1), -4, 0), array_repeat('a', 0), sequence(5, 1), sequence(DATE'2024-01-31', DATE'2024-04-30', INTERVAL 1 MONTH), flatten(array(array(1), NULL)), array_compact(array(NULL)), zip_with(array(1), array(1, 2), (x, y) -> y), reverse(array())
SELECT width_bucket(5.3, 0.2, 10.6, 5), bit_count(-1), shiftright(-8, 1), shiftrightunsigned(-8, 28), 1 ^ 3, ~0, bit_get(5, 0), factorial(20), factorial(21), pmod(-7, 3), -7 % 3, -7 div 2, mod(-7.5D, 2), e(), pi(), cbrt(27.0D), cbrt(2.5D), hypot(1e200D, 1e200D)
SELECT sqrt(-1.0D), ln(0.0D), ln(-1.0D), log(2, 8), log10(0.0D), exp(800.0D), pow(0.0D, 0.0D), atanh(1.0D), acos(2.0D), sign(-0.0D), ceil(-0.5D), floor(-0.5D), ceil(1e18D), rint(2.5D), trunc(DATE'2024-08-15', 'week'), degrees(pi())
SELECT assert_true(1 > 2)
SELECT raise_error('no')
SELECT x, sum(x) FROM VALUES (1), (2) AS v(x)
SELECT nothing FROM VALUES (1) AS v(x)
SELECT 'a' + 1
SELECT '1' + 1, '1.5' * 2.5D, 1 || 2, '2' > 10, '2024-01-01' < DATE'2024-01-02', 1 = 1.0, true = 'true', DATE'2024-01-01' = '2024-01-01'
SELECT true + 1
SELECT upper('a'), x + 1, count(*), -x, x AS `a b`, CAST(x AS STRING), x BETWEEN 1 AND 2, x IS NULL, CASE WHEN x > 1 THEN 'a' END, 'lit', 1.50, NULL, x IN (1, 2), x LIKE '1', NOT x > 1, named_struct('a', x).a FROM VALUES (1) AS v(x) GROUP BY x
WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT x * 2 AS x FROM a) SELECT a.x, b.x AS y FROM a JOIN b ON a.x = b.x
SELECT x, count(*) AS n FROM VALUES ('a'), ('b'), ('a') AS v(x) GROUP BY x HAVING n > 1 ORDER BY x
SELECT window.start, window.end, count(*) AS n FROM VALUES (TIMESTAMP'1969-12-31 23:59:59.999999'), (TIMESTAMP'1970-01-01 00:00:00'), (TIMESTAMP'2024-02-29 23:59:59.999999'), (NULL) AS v(ts) GROUP BY window(ts, '1 day')
SELECT window.start, window.end, sum(x) AS s FROM VALUES (TIMESTAMP'2024-03-31 00:59:00', 1), (TIMESTAMP'2024-03-31 01:00:00', 2), (TIMESTAMP'2024-03-31 01:04:59', 3) AS v(ts, x) GROUP BY window(ts, '10 minutes', '5 minutes', '1 minute')
SELECT skewness(x), kurtosis(x), round(regr_slope(x, y), 12), round(regr_intercept(x, y), 12), regr_count(x, y), regr_avgx(x, y), regr_avgy(x, y), regr_sxx(x, y), round(regr_sxy(x, y), 12), round(regr_syy(x, y), 12), round(regr_r2(x, y), 12) FROM VALUES (1, 2), (2, 3), (2, 7), (NULL, 4), (4, NULL) AS v(x, y)
""".strip().split("\n")
