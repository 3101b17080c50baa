#include "base/metrics.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM
};

/* 1, 2.5 and 5 of each decade. The text is what `le` says. */
static const struct {
    const char *text;
    double bound;
} buckets[] = {
    {"1e-05", 1e-5},  {"2.5e-05", 2.5e-5}, {"5e-05", 5e-5},
    {"0.0001", 1e-4}, {"0.00025", 2.5e-4}, {"0.0005", 5e-4},
    {"0.001", 1e-3},  {"0.0025", 2.5e-3},  {"0.005", 5e-3},
    {"0.01", 1e-2},   {"0.025", 2.5e-2},   {"0.05", 5e-2},
    {"0.1", 0.1},     {"0.25", 0.25},      {"0.5", 0.5},
    {"1", 1},         {"2.5", 2.5},        {"5", 5},
    {"10", 10},       {"25", 25},          {"50", 50},
    {"100", 100},
};

struct histogram {
    atomic_uint_fast64_t counts[ARRAY_SIZE(buckets) + 1]; /* the last: above every bound */
    atomic_int_fast64_t sum_ns;
};

/* One set of labels. Updates touch only this, so it has its own cache line. */
struct metric {
    _Atomic int64_t value;       /* counter                 */
    _Atomic uint64_t gauge_bits; /* gauge: bits of a double */
    struct histogram *histogram; /* histogram               */
    enum metric_type type;
    char *labels; /* as printed between the braces; "" if none */
    struct metric *next;
} __attribute__((aligned(64)));

struct family {
    const char *name;
    const char *help;
    enum metric_type type;
    struct metric *first;
    struct metric *last;
};

/* Registration and printing; never taken by an update. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map families;

static void append_label_value(struct buffer *target, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        switch (*c) {
        case '\\':
            buffer_append_string(target, "\\\\");
            break;
        case '"':
            buffer_append_string(target, "\\\"");
            break;
        case '\n':
            buffer_append_string(target, "\\n");
            break;
        default:
            buffer_append_byte(target, (uint8_t) *c);
        }
    }
}

static struct family *family_get(const char *name, const char *help, enum metric_type type)
{
    struct family *family = map_get_string(&families, name);
    if (family == NULL) {
        family = mem_zalloc(sizeof(*family));
        *family = (struct family){mem_strdup(name), mem_strdup(help), type, NULL, NULL};
        (void) map_put_string(&families, name, family);
    }
    ASSERT(family->type == type);
    return family;
}

static struct metric *metric_new(enum metric_type type, const char *labels)
{
    struct metric *metric = NULL;
    int failed = posix_memalign((void **) &metric, _Alignof(struct metric), sizeof(*metric));
    ASSERT(failed == 0);
    memset(metric, 0, sizeof(*metric));
    metric->type = type;
    metric->labels = mem_strdup(labels);
    if (type == METRIC_HISTOGRAM) {
        metric->histogram = mem_zalloc(sizeof(*metric->histogram));
    }
    return metric;
}

static struct metric *
get_or_register(enum metric_type type, const char *name, const char *help, va_list arguments)
{
    CLEANUP(buffer_deinit) struct buffer labels = BUFFER_INIT;
    for (const char *label = va_arg(arguments, const char *); label != NULL;
         label = va_arg(arguments, const char *)) {
        const char *value = va_arg(arguments, const char *);
        ASSERT(value != NULL);
        buffer_printf(&labels, "%s%s=\"", labels.size == 0 ? "" : ",", label);
        append_label_value(&labels, value);
        buffer_append_byte(&labels, '"');
    }
    const char *wanted = buffer_string(&labels);

    (void) pthread_mutex_lock(&lock);
    struct family *family = family_get(name, help, type);
    struct metric *metric = family->first;
    while (metric != NULL && strcmp(metric->labels, wanted) != 0) {
        metric = metric->next;
    }
    if (metric == NULL) {
        metric = metric_new(type, wanted);
        if (family->last == NULL) {
            family->first = metric;
        } else {
            family->last->next = metric;
        }
        family->last = metric;
    }
    (void) pthread_mutex_unlock(&lock);
    return metric;
}

#define REGISTER(type)                                                                             \
    va_list arguments;                                                                             \
    va_start(arguments, help);                                                                     \
    struct metric *metric = get_or_register((type), name, help, arguments);                        \
    va_end(arguments);                                                                             \
    return metric

struct metric *metric_counter(const char *name, const char *help, ...)
{
    REGISTER(METRIC_COUNTER);
}

struct metric *metric_gauge(const char *name, const char *help, ...)
{
    REGISTER(METRIC_GAUGE);
}

struct metric *metric_histogram(const char *name, const char *help, ...)
{
    REGISTER(METRIC_HISTOGRAM);
}

void metric_add(struct metric *counter, int64_t amount)
{
    ASSERT(counter->type == METRIC_COUNTER);
    (void) atomic_fetch_add_explicit(&counter->value, amount, memory_order_relaxed);
}

void metric_set(struct metric *gauge, double value)
{
    ASSERT(gauge->type == METRIC_GAUGE);
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    atomic_store_explicit(&gauge->gauge_bits, bits, memory_order_relaxed);
}

void metric_observe(struct metric *histogram, double seconds)
{
    ASSERT(histogram->type == METRIC_HISTOGRAM);
    if (!(seconds > 0)) {
        seconds = 0; /* a clock that went back, or NaN */
    }
    size_t bucket = 0;
    while (bucket < ARRAY_SIZE(buckets) && seconds > buckets[bucket].bound) {
        bucket++;
    }
    struct histogram *counts = histogram->histogram;
    (void) atomic_fetch_add_explicit(&counts->counts[bucket], 1, memory_order_relaxed);
    double ns = seconds < 1e9 ? seconds * 1e9 : 1e18;
    (void) atomic_fetch_add_explicit(&counts->sum_ns, (int64_t) ns, memory_order_relaxed);
}

int64_t metric_value(const struct metric *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

static void write_sample(struct buffer *target,
                         const char *name,
                         const char *suffix,
                         const char *labels,
                         const char *bound)
{
    buffer_printf(target, "%s%s", name, suffix);
    if (labels[0] != '\0' || bound != NULL) {
        buffer_printf(target, "{%s", labels);
        if (bound != NULL) {
            buffer_printf(target, "%sle=\"%s\"", labels[0] == '\0' ? "" : ",", bound);
        }
        buffer_append_byte(target, '}');
    }
    buffer_append_byte(target, ' ');
}

static void write_double(struct buffer *target, double value)
{
    if (isnan(value)) {
        buffer_append_string(target, "NaN\n");
    } else if (isinf(value)) {
        buffer_append_string(target, value > 0 ? "+Inf\n" : "-Inf\n");
    } else {
        buffer_printf(target, "%.17g\n", value);
    }
}

static void write_histogram(struct buffer *target, const char *name, const struct metric *metric)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= ARRAY_SIZE(buckets); i++) {
        total += atomic_load_explicit(&metric->histogram->counts[i], memory_order_relaxed);
        const char *bound = i < ARRAY_SIZE(buckets) ? buckets[i].text : "+Inf";
        write_sample(target, name, "_bucket", metric->labels, bound);
        buffer_printf(target, "%" PRIu64 "\n", total);
    }
    write_sample(target, name, "_sum", metric->labels, NULL);
    int64_t sum_ns = atomic_load_explicit(&metric->histogram->sum_ns, memory_order_relaxed);
    buffer_printf(target, "%.9f\n", (double) sum_ns / 1e9);
    write_sample(target, name, "_count", metric->labels, NULL);
    buffer_printf(target, "%" PRIu64 "\n", total);
}

static void write_metric(struct buffer *target, const char *name, const struct metric *metric)
{
    if (metric->type == METRIC_HISTOGRAM) {
        write_histogram(target, name, metric);
        return;
    }
    write_sample(target, name, "", metric->labels, NULL);
    if (metric->type == METRIC_COUNTER) {
        buffer_printf(target, "%" PRId64 "\n", metric_value(metric));
    } else {
        uint64_t bits = atomic_load_explicit(&metric->gauge_bits, memory_order_relaxed);
        double value;
        memcpy(&value, &bits, sizeof(value));
        write_double(target, value);
    }
}

void metrics_write(struct buffer *target)
{
    static const char *const type_names[] = {"counter", "gauge", "histogram"};
    (void) pthread_mutex_lock(&lock);
    size_t position = 0;
    for (struct map_entry *entry = map_next(&families, &position); entry != NULL;
         entry = map_next(&families, &position)) {
        const struct family *family = entry->value;
        buffer_printf(target, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                      family->name, type_names[family->type]);
        for (const struct metric *metric = family->first; metric != NULL; metric = metric->next) {
            write_metric(target, family->name, metric);
        }
    }
    (void) pthread_mutex_unlock(&lock);
}
