/* `leat reference`: the reference pages, from the tables that parser and compiler go by. */

#include "app/pipeline.h"
#include "cli/command.h"
#include "sql/function.h"

#include <string.h>

struct reference_options {
    bool unused;
};

static void print_settings(void)
{
    struct buffer page CLEANUP(buffer_deinit) = BUFFER_INIT;
    buffer_append_string(&page, "# The pipeline file\n\nEvery setting, from the tables that the "
                                "parser goes by. Made by `leat reference settings`.\n\n");
    settings_markdown(&pipeline_table, 2, &page);
    (void) fwrite(page.data, 1, page.size, stdout);
}

/* "|" would end a cell. */
static void print_cell(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        (void) fputs(*text == '|' ? "\\" : "", stdout);
        (void) putchar(*text == '\n' ? ' ' : *text);
    }
}

static void print_functions(void)
{
    static const char *const kinds[] = {"scalar", "aggregate", "generator"};
    const struct sql_function *const *functions;
    size_t count = sql_functions(&functions);
    (void) printf("# SQL functions\n\nThe functions of stream SQL and `leat query`, as Spark SQL "
                  "has them in ANSI mode. Made by\n`leat reference functions`.\n\n"
                  "| function | kind | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        (void) printf("| `");
        print_cell(functions[i]->usage == NULL ? functions[i]->name : functions[i]->usage);
        (void) printf("` | %s%s | ", kinds[functions[i]->kind],
                      functions[i]->streaming_refused ? ", batch only" : "");
        print_cell(functions[i]->help);
        (void) printf(" |\n");
    }
}

static void print_commands(void)
{
    (void) printf("# Commands\n\nWhat `leat COMMAND --help` prints. Made by `leat reference "
                  "commands`.\n");
    for (size_t i = 0; i < command_count; i++) {
        (void) printf("\n## leat %s\n\n```\n", commands[i]->name);
        command_help(commands[i], stdout);
        (void) printf("```\n");
    }
}

static int reference_main(void *opaque, char **arguments, int count)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } pages[] = {
        {"settings", print_settings},
        {"functions", print_functions},
        {"commands", print_commands},
    };

    (void) opaque;
    (void) count;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(arguments[0], pages[i].name) == 0) {
            pages[i].print();
            return 0;
        }
    }
    struct error error = {0};
    (void) error_set(&error, STATUS_USAGE, "there is no reference page \"%s\"", arguments[0]);
    error_hint(&error, "there are settings, functions and commands");
    return command_fail(&error);
}

const struct command command_reference = {
    .name = "reference",
    .summary = "print a reference page as Markdown",
    .usage = "settings|functions|commands",
    .help = "The pages in docs/reference are made by this command.\n\n"
            "examples:\n"
            "  leat reference settings > docs/reference/pipeline.md\n"
            "  leat reference functions\n\n"
            "exit codes: 0 done, 64 usage",
    .options_bytes = sizeof(struct reference_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = reference_main,
};
