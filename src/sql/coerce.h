#pragma once

/*
 * Which types go together: Spark's ANSI rules for implicit casts, common types of several
 * expressions (CASE, IN, UNION, coalesce, array, comparison) and casts that exist at all.
 * https://spark.apache.org/docs/3.5.7/sql-ref-ansi-compliance.html
 */

#include "columnar/type.h"

/* The type that both cast to without being asked, or NULL: int and bigint give bigint, int and
 * float double, a string and a number the number's widest kind, null and anything that thing. */
const struct type *type_common(struct arena *arena, const struct type *a, const struct type *b);

/* Of many; NULL if there is none. `count` 0 gives VOID. */
const struct type *
type_common_all(struct arena *arena, const struct type *const *types, uint32_t count);

/* CAST(x AS t) exists. */
bool type_cast_exists(const struct type *from, const struct type *to);

/* An argument of type `from` is cast to a parameter of type `to` without being asked. */
bool type_cast_implicit(const struct type *from, const struct type *to);

/* Values of the type can be compared with = and <=>, and put in order. Maps cannot. */
bool type_is_orderable(const struct type *type);

/* The DECIMAL that holds every value of an integral type or literal: INT is DECIMAL(10,0). */
const struct type *type_decimal_for(struct arena *arena, const struct type *integral);
