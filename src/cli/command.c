#include "cli/command.h"

#include "base/logline.h"
#include "base/memory.h"
#include "base/settings.h"
#include "base/time_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int command_fail(const struct error *error)
{
    bool colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
    (void) fprintf(stderr, "%sleat:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
                   error->message);
    if (error->hint[0] != '\0') {
        (void) fprintf(stderr, "      %s\n", error->hint);
    }
    return status_exit_code(error->status);
}

enum status command_read_stdin(size_t bytes_max, struct buffer *ret_text, struct error *error)
{
    size_t got;
    do {
        uint8_t *target = buffer_reserve(ret_text, 65536);
        got = fread(target, 1, 65536, stdin);
        ret_text->size += got;
        if (ret_text->size > bytes_max) {
            return error_set(error, STATUS_LIMIT, "standard input is larger than %zu bytes",
                             bytes_max);
        }
    } while (got > 0);
    return STATUS_OK;
}

/* ---- help --------------------------------------------------------------------------------------
 */

static void print_option(const struct option *option, FILE *target)
{
    char left[64];
    (void) snprintf(left, sizeof(left), "%s%s%s", option->name, option->argument == NULL ? "" : " ",
                    option->argument == NULL ? "" : option->argument);
    if (option->letter != 0) {
        (void) fprintf(target, "  -%c, %-26s %s\n", option->letter, left, option->help);
    } else {
        (void) fprintf(target, "      %-26s %s\n", left, option->help);
    }
}

void command_help(const struct command *command, FILE *target)
{
    (void) fprintf(target, "leat %s: %s\n\nusage: leat %s%s%s%s\n", command->name, command->summary,
                   command->name, command->option_count > 0 ? " [OPTIONS]" : "",
                   command->usage[0] == '\0' ? "" : " ", command->usage);
    if (command->help != NULL) {
        (void) fprintf(target, "\n%s\n", command->help);
    }
    (void) fprintf(target, "\noptions:\n");
    for (size_t i = 0; i < command->option_count; i++) {
        print_option(&command->options[i], target);
    }
    (void) fprintf(target, "  -h, %-26s %s\n", "--help", "this page");
}

static void print_overview(FILE *target)
{
    (void) fprintf(target, "leat " LEAT_VERSION
                           ": brings data from where it is made to where it is used\n\n"
                           "usage: leat COMMAND [OPTIONS] [ARGUMENTS]\n\ncommands:\n");
    for (size_t i = 0; i < command_count; i++) {
        (void) fprintf(target, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void) fprintf(target, "\nleat COMMAND --help shows a command's options and examples.\n");
}

/* ---- options -----------------------------------------------------------------------------------
 */

static const struct option *find_option(const struct command *command, const char *text)
{
    size_t length = strcspn(text, "=");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (strlen(option->name) == length && strncmp(option->name, text, length) == 0) {
            return option;
        }
        if (text[0] == '-' && text[1] == option->letter && option->letter != 0 && text[2] == '\0') {
            return option;
        }
    }
    return NULL;
}

static enum status
unknown_option(const struct command *command, const char *text, struct error *error)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < command->option_count && count < ARRAY_SIZE(names); i++) {
        names[count++] = command->options[i].name;
    }
    (void) error_set(error, STATUS_USAGE, "leat %s has no option \"%s\"", command->name, text);
    const char *nearest = nearest_word(text, names, count);
    if (nearest != NULL) {
        error_hint(error, "did you mean \"%s\"?", nearest);
    } else {
        error_hint(error, "leat %s --help lists them", command->name);
    }
    return STATUS_USAGE;
}

static enum status
store_option(const struct option *option, const char *value, void *options, struct error *error)
{
    uint8_t *target = (uint8_t *) options + option->offset;
    struct option_strings *strings;
    char *end;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *) target = true;
        return STATUS_OK;
    case OPTION_STRING:
        *(const char **) target = value;
        return STATUS_OK;
    case OPTION_STRINGS:
        strings = (struct option_strings *) target;
        if (strings->count == ARRAY_SIZE(strings->items)) {
            return error_set(error, STATUS_USAGE, "%s is given too often", option->name);
        }
        strings->items[strings->count++] = value;
        return STATUS_OK;
    case OPTION_INT:
        *(int64_t *) target = strtoll(value, &end, 10);
        if (*value == '\0' || *end != '\0') {
            return error_set(error, STATUS_USAGE, "%s %s: \"%s\" is no whole number", option->name,
                             value, value);
        }
        return STATUS_OK;
    case OPTION_DURATION:
        if (duration_parse(slice_of_string(value), (int64_t *) target, error) != STATUS_OK) {
            error_context(error, "%s", option->name);
            error->status = STATUS_USAGE;
            return STATUS_USAGE;
        }
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* Reads options; what is left moves to the front of `arguments`. Options may stand anywhere; "--"
 * ends them. */
static enum status read_options(const struct command *command,
                                void *options,
                                char **arguments,
                                int *count,
                                bool *ret_help,
                                struct error *error)
{
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        char *text = arguments[i];
        if (strcmp(text, "--") == 0) {
            while (++i < *count) {
                arguments[kept++] = arguments[i];
            }
            break;
        }
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            *ret_help = true;
            return STATUS_OK;
        }
        if (text[0] != '-' || text[1] == '\0') {
            arguments[kept++] = text;
            continue;
        }
        const struct option *option = find_option(command, text);
        if (option == NULL) {
            return unknown_option(command, text, error);
        }
        const char *value = strchr(text, '=');
        value = value == NULL ? NULL : value + 1;
        if (option->argument != NULL && value == NULL) {
            if (++i == *count) {
                return error_set(error, STATUS_USAGE, "%s needs %s", option->name,
                                 option->argument);
            }
            value = arguments[i];
        } else if (option->argument == NULL && value != NULL) {
            return error_set(error, STATUS_USAGE, "%s takes no value", option->name);
        }
        TRY(store_option(option, value, options, error));
    }
    *count = kept;
    return STATUS_OK;
}

/* ---- choosing ----------------------------------------------------------------------------------
 */

/* Words of a command's name that the arguments begin with; 0 if they do not. */
static int match(const struct command *command, char **words, int count)
{
    char name[64];
    (void) snprintf(name, sizeof(name), "%s", command->name);
    int matched = 0;
    char *rest = name;
    for (char *word; (word = strsep(&rest, " ")) != NULL; matched++) {
        if (matched >= count || strcmp(word, words[matched]) != 0) {
            return 0;
        }
    }
    return matched;
}

static const struct command *find_command(char **words, int count, int *ret_words)
{
    const struct command *found = NULL;
    *ret_words = 0;
    for (size_t i = 0; i < command_count; i++) {
        int matched = match(commands[i], words, count);
        if (matched > *ret_words) {
            found = commands[i];
            *ret_words = matched;
        }
    }
    return found;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static bool in_group(const struct command *command, const char *group)
{
    size_t length = strlen(group);
    return strncmp(command->name, group, length) == 0 && command->name[length] == ' ';
}

/* The commands whose first word is `group`; false if there are none. */
static bool print_group(const char *group, FILE *target)
{
    bool any = false;
    for (size_t i = 0; i < command_count; i++) {
        if (!in_group(commands[i], group)) {
            continue;
        }
        if (!any) {
            (void) fprintf(target, "usage: leat %s COMMAND [OPTIONS] [ARGUMENTS]\n\ncommands:\n",
                           group);
        }
        any = true;
        (void) fprintf(target, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    }
    if (any) {
        (void) fprintf(target, "\nleat COMMAND --help shows a command's options and examples.\n");
    }
    return any;
}

static int unknown_command(char **words, int count)
{
    struct error error;
    const char *names[64];
    size_t known = 0;
    char text[128];
    bool group = false;
    for (size_t i = 0; i < command_count && known < ARRAY_SIZE(names); i++) {
        names[known++] = commands[i]->name;
        group = group || in_group(commands[i], words[0]);
    }
    (void) snprintf(text, sizeof(text), "%s%s%s", words[0], group && count > 1 ? " " : "",
                    group && count > 1 ? words[1] : "");
    (void) error_set(&error, STATUS_USAGE, "there is no command \"%s\"", text);
    const char *nearest = nearest_word(text, names, known);
    if (nearest != NULL) {
        error_hint(&error, "did you mean \"leat %s\"?", nearest);
    } else {
        error_hint(&error, "leat --help lists them");
    }
    return command_fail(&error);
}

static int check_count(const struct command *command, int count)
{
    struct error error;
    if (count >= command->arguments_min &&
        (command->arguments_max < 0 || count <= command->arguments_max)) {
        return 0;
    }
    (void) error_set(&error, STATUS_USAGE, "leat %s %s: %s", command->name, command->usage,
                     count < command->arguments_min ? "an argument is missing"
                                                    : "there are too many arguments");
    error_hint(&error, "leat %s --help shows examples", command->name);
    return command_fail(&error);
}

/* `leat help WORDS`: the page of a command or of a group of them. */
static int help_on(char **words, int count)
{
    int used;
    const struct command *command = find_command(words, count, &used);
    if (command != NULL) {
        command_help(command, stdout);
        return 0;
    }
    return print_group(words[0], stdout) ? 0 : unknown_command(words, count);
}

int command_main(int argc, char **argv)
{
    char **words = argv + 1;
    int count = argc - 1;
    if (count == 0) {
        print_overview(stderr);
        return status_exit_code(STATUS_USAGE);
    }
    if (is_help(words[0])) {
        if (count > 1 && words[1][0] != '-') {
            return help_on(words + 1, count - 1);
        }
        print_overview(stdout);
        return 0;
    }
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "version") == 0) {
        (void) printf("leat " LEAT_VERSION "\n");
        return 0;
    }
    int used;
    const struct command *command = find_command(words, count, &used);
    if (command == NULL && (count == 1 || is_help(words[1])) &&
        print_group(words[0], count == 1 ? stderr : stdout)) {
        return count == 1 ? status_exit_code(STATUS_USAGE) : 0;
    }
    if (command == NULL) {
        return unknown_command(words, count);
    }
    words += used;
    count -= used;
    struct error error;
    bool help = false;
    CLEANUP(mem_free_pointer) void *options = mem_zalloc(command->options_bytes + 1);
    if (command->defaults != NULL) {
        memcpy(options, command->defaults, command->options_bytes);
    }
    if (read_options(command, options, words, &count, &help, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    if (help) {
        command_help(command, stdout);
        return 0;
    }
    int code = check_count(command, count);
    return code != 0 ? code : command->run(options, words, count);
}
