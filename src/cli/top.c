/* `leat top`: the console's overview in a terminal. */

#include "app/data_dir.h"
#include "cli/command.h"
#include "cli/console_target.h"
#include "cli/top_view.h"
#include "http/client.h"
#include "io/clock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ASK_US      INT64_C(1000000)
#define REPLY_BYTES ((size_t) 64 << 20)
#define RATE_LOOKS  11 /* rates are over ten seconds */

#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?1049l"
#define SCREEN_HOME  "\033[H\033[2J"

struct top_options {
    const char *data, *http;
    bool once, json;
};

static const struct option options[] = {
    OPTION(top_options, data, "--data", 0, OPTION_STRING, "DIR", COMMAND_DATA_HELP),
    OPTION(top_options, http, "--http", 0, OPTION_STRING, "HOST:PORT", "ask this address instead"),
    OPTION(top_options, once, "--once", 0, OPTION_FLAG, NULL, "print one screen, and end"),
    OPTION(
        top_options, json, "--json", 0, OPTION_FLAG, NULL, "print one snapshot as JSON, and end"),
};

struct top {
    char url[400];
    struct console_target target;
    struct http_client *client;
    json_t *looks[RATE_LOOKS]; /* newest first */
    struct top_view view;
    struct error failure;
};

/* ---- asking ------------------------------------------------------------------------------------
 */

static enum status ask(struct top *top, json_t **ret_status, struct error *error)
{
    struct http_reply reply;
    const struct http_request request = {
        .url = top->url,
        .headers = top->target.headers,
        .header_count = top->target.header_count,
        .body_bytes_max = REPLY_BYTES,
        .timeouts = {2000000, 3000000, 3000000, 5000000},
    };
    http_reply_init(&reply);
    enum status status = http_request(top->client, &request, &reply, error);
    if (status == STATUS_OK) {
        *ret_status = json_loadb((const char *) reply.body.data, reply.body.size, 0, NULL);
        if (reply.status != 200 || *ret_status == NULL) {
            json_decref(*ret_status);
            status = error_set(error, STATUS_AGAIN, "leat answered %d", reply.status);
        }
    }
    http_reply_deinit(&reply);
    return status;
}

static void look(struct top *top)
{
    json_t *status = NULL;
    if (ask(top, &status, &top->failure) != STATUS_OK) {
        top->view.trouble = top->failure.message;
        return;
    }
    json_decref(top->looks[RATE_LOOKS - 1]);
    memmove(top->looks + 1, top->looks, sizeof(top->looks) - sizeof(top->looks[0]));
    top->looks[0] = status;
    top->view.trouble = NULL;
    top->view.status = status;
    top->view.before = NULL;
    for (size_t i = 1; i < RATE_LOOKS && top->looks[i] != NULL; i++) {
        top->view.before = top->looks[i];
    }
}

/* ---- the terminal ------------------------------------------------------------------------------
 */

static volatile sig_atomic_t ended;

static void end(int number)
{
    (void) number;
    ended = 1;
}

static void measure(struct top_view *view)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    view->width = known ? size.ws_col : 80;
    view->height = known ? size.ws_row : 24;
}

static void draw(struct top *top, struct buffer *screen)
{
    measure(&top->view);
    top_view_write(&top->view, screen);
    (void) fputs(SCREEN_HOME, stdout);
    (void) fputs(buffer_string(screen), stdout);
    (void) fflush(stdout);
}

static void take_key(struct top_view *view, const char *key, ssize_t size)
{
    static const char letters[] = "otgp";
    const char *page = strchr(letters, key[0]);
    if (key[0] == 'q' || key[0] == 3 || (key[0] == 27 && size == 1 && !view->open)) {
        ended = 1;
    } else if (page != NULL) {
        view->page = (enum top_page)(page - letters);
        view->selected = 0;
        view->open = false;
    } else if (size >= 3 && key[0] == 27 && key[1] == '[') {
        view->selected += key[2] == 'B' ? 1 : key[2] == 'A' ? -1 : 0;
    } else if (key[0] == 'j' || key[0] == 'k') {
        view->selected += key[0] == 'j' ? 1 : -1;
    } else if (key[0] == '\r' || key[0] == '\n') {
        view->open = !view->open;
    } else if (key[0] == 27) {
        view->open = false;
    }
}

static void run(struct top *top)
{
    struct buffer screen = BUFFER_INIT;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int64_t look_us = 0;
    while (!ended) {
        int64_t now_us = clock_monotonic_us();
        if (now_us >= look_us) {
            look(top);
            look_us = now_us + ASK_US;
        }
        draw(top, &screen);
        int64_t wait_us = look_us - clock_monotonic_us();
        if (poll(&input, 1, wait_us > 0 ? (int) (wait_us / 1000) + 1 : 0) == 1) {
            char key[8] = "";
            ssize_t size = read(STDIN_FILENO, key, sizeof(key) - 1);
            if (size <= 0) {
                break; /* the terminal is gone */
            }
            take_key(&top->view, key, size);
        }
    }
    buffer_deinit(&screen);
}

static enum status run_terminal(struct top *top, struct error *error)
{
    struct termios before;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
        (void) error_set(error, STATUS_USAGE, "this is no terminal");
        error_hint(error, "--once prints one screen, --json one snapshot");
        return STATUS_USAGE;
    }
    struct termios raw = before;
    struct sigaction action = {.sa_handler = end};
    raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void) sigaction(SIGTERM, &action, NULL);
    (void) sigaction(SIGHUP, &action, NULL);
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    (void) fputs(SCREEN_ENTER, stdout);
    top->view.colour = getenv("NO_COLOR") == NULL;
    top->view.keys = true;
    run(top);
    (void) fputs(SCREEN_LEAVE, stdout);
    (void) fflush(stdout);
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    return STATUS_OK;
}

static enum status run_once(struct top *top, bool json, struct error *error)
{
    struct buffer screen = BUFFER_INIT;
    look(top);
    if (top->view.trouble != NULL) {
        *error = top->failure;
        return error->status;
    }
    if (json) {
        (void) json_dumpf(top->view.status, stdout, JSON_COMPACT);
        (void) putchar('\n');
        return STATUS_OK;
    }
    top->view.width = 200;
    top->view.height = 1000;
    top_view_write(&top->view, &screen);
    (void) fputs(buffer_string(&screen), stdout);
    buffer_deinit(&screen);
    return STATUS_OK;
}

static int top_main(void *opaque, char **arguments, int count)
{
    const struct top_options *given = opaque;
    struct top top = {.view = {.page = TOP_OVERVIEW}};
    struct error error = {0};
    (void) arguments;
    (void) count;
    enum status status = console_target_find(given->data, given->http, &top.target, &error);
    if (status == STATUS_OK) {
        (void) snprintf(top.url, sizeof(top.url), "%s/api/v1/status", top.target.base);
        status = http_client_new(&top.target.client, &top.client, &error);
    }
    if (status == STATUS_OK) {
        bool once = given->once || given->json;
        status = once ? run_once(&top, given->json, &error) : run_terminal(&top, &error);
    }
    for (size_t i = 0; i < RATE_LOOKS; i++) {
        json_decref(top.looks[i]);
    }
    http_client_free(top.client);
    return status == STATUS_OK ? 0 : command_fail(&error);
}

const struct command command_top = {
    .name = "top",
    .summary = "the overview in a terminal, live",
    .usage = "",
    .help = "Shows what flows, what waits and what is wrong, once a second. Keys: o overview,\n"
            "t topics, g groups, p problems with their remedies; arrows choose, Enter opens, q\n"
            "quits. 80x24 is enough, and ssh too.\n\n"
            "examples:\n"
            "  leat top\n"
            "  leat top --once\n"
            "  leat top --json | jq .problems",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .options_bytes = sizeof(struct top_options),
    .arguments_max = 0,
    .run = top_main,
};
