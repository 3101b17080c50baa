#pragma once

/*
 * A topic as a sink's store: rows of a stream become records. The URL is that of topic_url.h.
 *
 * Rows are Avro (Confluent wire format) under the subject TOPIC-value; the key is the text of the
 * key column, a JSON array of several, none without. A delete is a null value.
 *
 * Exact with and without transactions: a record carries the identity (TASK, number of the commit,
 * row), and what a partition holds already is read back when a writer is opened, so that a commit
 * delivered again adds nothing. Not `atomic`: progress is the outbox's business.
 */

#include "connect/store.h"

extern const struct store_ops topic_store_ops;
