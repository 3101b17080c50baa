/* `leat user` and `leat token`: the users file of the console. */

#include "base/arena.h"
#include "base/time_text.h"
#include "cli/command.h"
#include "console/password.h"
#include "console/users.h"
#include "io/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct user_options {
    const char *users, *role;
    int64_t expires_us;
    bool json;
};

static const struct user_options defaults = {.role = "viewer"};

#define USERS_OPTION                                                                               \
    OPTION(user_options, users, "--users", 0, OPTION_STRING, "FILE",                               \
           "the users file [LEAT_USERS, or ./users.txt]")
#define ROLE_OPTION                                                                                \
    OPTION(user_options, role, "--role", 0, OPTION_STRING, "ROLE",                                 \
           "viewer, operator or admin [viewer]")
#define EXPIRES_OPTION                                                                             \
    OPTION(user_options, expires_us, "--expires", 0, OPTION_DURATION, "TIME",                      \
           "ends after so long, such as 90d [never]")

static const struct option add_options[] = {USERS_OPTION, ROLE_OPTION, EXPIRES_OPTION};
static const struct option remove_options[] = {USERS_OPTION};
static const struct option list_options[] = {
    USERS_OPTION, OPTION(user_options, json, "--json", 0, OPTION_FLAG, NULL, "one object a line")};

static const char *file_of(const struct user_options *user)
{
    const char *environment = getenv("LEAT_USERS");
    return user->users != NULL                             ? user->users
           : environment != NULL && environment[0] != '\0' ? environment
                                                           : "users.txt";
}

/* ---- passwords ---------------------------------------------------------------------------------
 */

/* A line of the terminal that is not shown, or of a pipe. */
static enum status read_secret(const char *prompt, char *target, int size, struct error *error)
{
    struct termios shown;
    const bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        struct termios hidden = shown;
        hidden.c_lflag &= ~(tcflag_t) ECHO;
        (void) fprintf(stderr, "%s: ", prompt);
        (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    const char *got = fgets(target, size, stdin);
    if (terminal) {
        (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        (void) fputc('\n', stderr);
    }
    if (got == NULL) {
        return error_set(error, STATUS_USAGE, "there is no password on standard input");
    }
    target[strcspn(target, "\r\n")] = '\0';
    return STATUS_OK;
}

static enum status read_password(char *target, int size, struct error *error)
{
    char again[PASSWORD_BYTES_MAX + 2];
    TRY(read_secret("password", target, size, error));
    if (isatty(STDIN_FILENO) == 1) {
        TRY(read_secret("once more", again, (int) sizeof(again), error));
        if (strcmp(target, again) != 0) {
            return error_set(error, STATUS_USAGE, "the two are not the same");
        }
    }
    return STATUS_OK;
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static enum status entry_of(const struct user_options *user,
                            const char *name,
                            struct users_entry *ret_entry,
                            struct error *error)
{
    *ret_entry = (struct users_entry){.name = name};
    if (!users_name_is_fine(name)) {
        return error_set(error, STATUS_USAGE,
                         "\"%s\" is no name: letters, digits and . _ - @, at most %d", name,
                         USER_NAME_BYTES - 1);
    }
    if (console_role_parse(user->role, &ret_entry->role, error) != STATUS_OK) {
        return error->status = STATUS_USAGE;
    }
    ret_entry->until_us = user->expires_us > 0 ? clock_now_us() + user->expires_us : 0;
    return STATUS_OK;
}

static int user_add_main(void *opaque, char **arguments, int count)
{
    struct error error = {0};
    struct users_entry entry;
    char password[PASSWORD_BYTES_MAX + 2];
    char hash[PASSWORD_HASH_BYTES];
    (void) count;
    if (entry_of(opaque, arguments[0], &entry, &error) != STATUS_OK ||
        read_password(password, (int) sizeof(password), &error) != STATUS_OK ||
        password_hash(password, hash, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    entry.hash = hash;
    if (users_change(file_of(opaque), entry.name, &entry, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    (void) printf("%s is %s in %s\n", entry.name, console_role_name(entry.role), file_of(opaque));
    return 0;
}

static int token_add_main(void *opaque, char **arguments, int count)
{
    struct error error = {0};
    struct users_entry entry;
    char secret[SECRET_BYTES];
    char hash[PASSWORD_HASH_BYTES];
    (void) count;
    if (entry_of(opaque, arguments[0], &entry, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    secret_make(secret);
    secret_hash(secret, hash);
    entry.token = true;
    entry.hash = hash;
    if (users_change(file_of(opaque), entry.name, &entry, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    (void) fprintf(stderr, "the token of %s, shown this once:\n", entry.name);
    (void) printf("%s\n", secret);
    return 0;
}

static int remove_main(void *opaque, char **arguments, int count)
{
    struct error error = {0};
    (void) count;
    if (users_change(file_of(opaque), arguments[0], NULL, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    (void) printf("%s is gone from %s\n", arguments[0], file_of(opaque));
    return 0;
}

static int list_main(void *opaque, char **arguments, int count)
{
    const struct user_options *user = opaque;
    struct error error = {0};
    struct users users;
    (void) arguments;
    (void) count;
    if (users_load(file_of(user), &users, &error) != STATUS_OK) {
        return command_fail(&error);
    }
    for (size_t i = 0; i < users.count; i++) {
        const struct users_entry *entry = &users.entries[i];
        char until[TIME_TEXT_BYTES] = "";
        if (entry->until_us != 0) {
            (void) time_format(entry->until_us, until);
        }
        (void) printf(user->json
                          ? "{\"kind\":\"%s\",\"name\":\"%s\",\"role\":\"%s\",\"until\":%s%s%s}\n"
                          : "%-6s %-24s %-9s %s%s%s\n",
                      entry->token ? "token" : "user", entry->name, console_role_name(entry->role),
                      user->json ? "\"" : "", until, user->json ? "\"" : "");
    }
    users_free(&users);
    return 0;
}

#define ROLES_HELP                                                                                 \
    "A viewer looks, an operator keeps things going (retries, orders, resets, records, alerts),\n" \
    "an admin changes topics and schemas and reads the audit log. A running leat takes changes\n"  \
    "of the file over at once.\n\n"

const struct command command_user_add = {
    .name = "user add",
    .summary = "lets somebody use the console, or changes password and role",
    .usage = "NAME",
    .help = "Asks for a password (or reads a line of standard input) and writes its argon2id hash\n"
            "into the users file, for `leat up --users FILE`. " ROLES_HELP "examples:\n"
            "  leat user add alice --role admin --users users.txt",
    .options = add_options,
    .option_count = ARRAY_SIZE(add_options),
    .options_bytes = sizeof(struct user_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = user_add_main,
};

const struct command command_user_list = {
    .name = "user list",
    .summary = "users and tokens of a users file",
    .usage = "",
    .help = "examples:\n  leat user list --users users.txt",
    .options = list_options,
    .option_count = ARRAY_SIZE(list_options),
    .options_bytes = sizeof(struct user_options),
    .defaults = &defaults,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = list_main,
};

const struct command command_user_remove = {
    .name = "user remove",
    .summary = "takes a user or token out of a users file",
    .usage = "NAME",
    .help = "Their sessions end at the next request.\n\nexamples:\n"
            "  leat user remove alice --users users.txt",
    .options = remove_options,
    .option_count = ARRAY_SIZE(remove_options),
    .options_bytes = sizeof(struct user_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = remove_main,
};

const struct command command_token_add = {
    .name = "token add",
    .summary = "a token for a program that uses the console's API",
    .usage = "NAME",
    .help = "Prints a new token, which is sent as `Authorization: Bearer TOKEN`; the users file\n"
            "keeps its hash. " ROLES_HELP "examples:\n"
            "  leat token add prometheus --users users.txt\n"
            "  leat token add ci --role operator --expires 90d --users users.txt",
    .options = add_options,
    .option_count = ARRAY_SIZE(add_options),
    .options_bytes = sizeof(struct user_options),
    .defaults = &defaults,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = token_add_main,
};
