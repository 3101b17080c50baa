#pragma once

/*
 * Commands of the binary: one row in the table of commands.c each. Options are rows too, so that
 * parser, --help and the reference page say the same.
 */

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,     /* bool                                                        */
    OPTION_STRING,   /* const char *                                                */
    OPTION_INT,      /* int64_t                                                     */
    OPTION_DURATION, /* int64_t µs                                                  */
    OPTION_STRINGS,  /* struct option_strings: may be given several times           */
};

struct option_strings {
    const char *items[64];
    size_t count;
};

struct option {
    const char *name; /* "--data" */
    char letter;      /* 'f' for -f, or 0 */
    enum option_type type;
    size_t offset;        /* into the command's options struct */
    const char *argument; /* "DIR", NULL for a flag */
    const char *help;
};

struct command {
    const char *name;    /* "up", "dead list" */
    const char *summary; /* one line */
    const char *usage;   /* "FILE..." behind the name */
    const char *help;    /* paragraphs, examples */
    const struct option *options;
    size_t option_count;
    size_t options_bytes;
    const void *defaults;             /* struct to start from, NULL: zeros */
    int arguments_min, arguments_max; /* -1: any number */

    /* Returns the exit code. Errors are printed by command_fail. */
    int (*run)(void *options, char **arguments, int count);
};

extern const struct command *const commands[];
extern const size_t command_count;

/* Finds the command, reads options, runs it. */
int command_main(int argc, char **argv);

/* Prints "leat: message", the hint, and returns the status's exit code. */
int command_fail(const struct error *error);

/* What stands at --data in every command that has it. */
#define COMMAND_DATA_HELP "where leat stores everything [./.leat, or LEAT_DATA]"

/* And at --kafka and --registry of those that talk to a log or a registry. */
#define COMMAND_KAFKA_HELP    "another log than that of the leat that runs"
#define COMMAND_REGISTRY_HELP "another schema registry than that of the leat that runs"

/* The engines of a profile, for commands whose options have fields of these names. */
#define COMMAND_PROFILE_OPTIONS(type)                                                              \
    OPTION(type, profile, "--profile", 0, OPTION_STRING, "NAME",                                   \
           "the log and registry of that profile, with what it says of TLS and users"),            \
        OPTION(type, pipeline, "--pipeline", 0, OPTION_STRING, "FILE",                             \
               "the pipeline file that has the profile"),                                          \
        OPTION(type, secrets, "--secrets", 0, OPTION_STRING, "DIR",                                \
               "folder with a file for each ${secret:NAME}")

/* All of standard input; STATUS_LIMIT above `bytes_max`. */
MUST_USE enum status
command_read_stdin(size_t bytes_max, struct buffer *ret_text, struct error *error);

/* `--help` of one command. */
void command_help(const struct command *command, FILE *target);

#define OPTION(structure, field, name_, letter_, type_, argument_, help_)                          \
    {                                                                                              \
        .name = (name_), .letter = (letter_), .type = (type_),                                     \
        .offset = offsetof(struct structure, field), .argument = (argument_), .help = (help_)      \
    }
