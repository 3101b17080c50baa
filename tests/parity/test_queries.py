"""The same queries in leat and in Spark 3.5.7: the same types, names, values and failures (docs/parity.md)."""

import edges
import generate
import nature
import pytest
from conftest import ROOT, Answers, Pairs, compare

SEED = 2026
QUERIES = list(dict.fromkeys(generate.Generator(SEED).queries()))
EDGES = list(dict.fromkeys(edges.EDGES))
assert len(QUERIES) >= 240 and len(EDGES) >= 40


def short(query):
    return query.removeprefix(generate.TABLE).strip()


@pytest.fixture(scope="session")
def answers(sides):
    return Answers(*sides, [*QUERIES, *EDGES, *(entry[0] for entry in nature.NATURE)])


@pytest.mark.parametrize("query", [*QUERIES, *EDGES], ids=short)
def test_same(answers, query):
    theirs, ours = answers.of(query)
    different = compare(query, theirs, ours)
    assert not different, f"{different}\n  {query}\n  Spark: {theirs}\n  leat:  {ours}"


def test_generated_queries_have_rows(answers):
    """A query that fails on both sides compares nothing."""
    failed = [short(query) for query in QUERIES if "error" in answers.of(query)[0]]
    assert len(failed) <= len(QUERIES) // 50, failed


def plain(found):
    if isinstance(found, Pairs):
        return [plain(item) for item in found.values()]
    return [plain(item) for item in found] if isinstance(found, list) else found


@pytest.mark.parametrize("query, spark, leat", nature.NATURE, ids=[entry[0] for entry in nature.NATURE])
def test_nature(answers, query, spark, leat):
    for wanted, found in zip((spark, leat), answers.of(query), strict=True):
        if isinstance(wanted, tuple):
            assert found["names"] == wanted[1]
        elif wanted != nature.ANY:
            assert wanted == plain(found.get("error", found.get("rows"))), found
    assert f"`` {query} ``" in (ROOT / "docs" / "parity.md").read_text()
