#include "console/login.h"

#include "base/attr.h"
#include "base/logline.h"
#include "base/memory.h"
#include "base/time_text.h"
#include "io/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SESSIONS_MAX   1024
#define SESSION_US     (12 * US_PER_HOUR)
#define IDLE_US        (2 * US_PER_HOUR)
#define TRIES_MAX      512
#define FORGET_US      (10 * US_PER_MINUTE)
#define WAIT_MAX_US    US_PER_MINUTE
#define FREE_OF_PAIR   5
#define FREE_OF_PEER   20
#define LOCAL_NAME     "local"
#define PEER_KEY_BYTES 128

struct session {
    char hash[PASSWORD_HASH_BYTES]; /* of its id; "": free */
    char name[USER_NAME_BYTES];
    char user_hash[PASSWORD_HASH_BYTES]; /* as it was at the login */
    int64_t began_us, used_us;           /* monotonic */
};

/* Wrong passwords of late, by address, and by address and name. */
struct tries {
    char key[PEER_KEY_BYTES];
    int64_t count;
    int64_t last_us; /* monotonic */
};

struct login {
    pthread_mutex_t lock;
    char *path;
    char local_hash[PASSWORD_HASH_BYTES]; /* "": none */
    struct users users;
    struct timespec read_mtime;
    off_t read_size;
    ino_t read_inode;
    struct session sessions[SESSIONS_MAX];
    struct tries tries[TRIES_MAX];
};

/* ---- the file ----------------------------------------------------------------------------------
 */

static bool is_as_read(const struct login *login, const struct stat *now)
{
    return now->st_mtim.tv_sec == login->read_mtime.tv_sec &&
           now->st_mtim.tv_nsec == login->read_mtime.tv_nsec && now->st_size == login->read_size &&
           now->st_ino == login->read_inode;
}

/* A file that became unreadable lets in whom it let in before: it is told, once a change. */
static void refresh(struct login *login)
{
    struct stat now;
    struct users users;
    struct error error;
    if (stat(login->path, &now) != 0 || is_as_read(login, &now)) {
        return;
    }
    login->read_mtime = now.st_mtim;
    login->read_size = now.st_size;
    login->read_inode = now.st_ino;
    if (users_load(login->path, &users, &error) != STATUS_OK) {
        logline_error(LOG_WARN, "console", &error);
        return;
    }
    users_free(&login->users);
    login->users = users;
}

enum status login_new(const char *users_file,
                      const char *local_token,
                      struct login **ret_login,
                      struct error *error)
{
    struct login *login = mem_zalloc(sizeof(*login));
    enum status status = users_load(users_file, &login->users, error);
    if (status == STATUS_OK && login->users.count == 0) {
        status = error_set(error, STATUS_CONFIG, "users file %s has nobody in it", users_file);
        error_hint(error, "add somebody: leat user add NAME --role admin --users %s", users_file);
        users_free(&login->users);
    }
    if (status != STATUS_OK) {
        mem_free(login);
        return status;
    }
    (void) pthread_mutex_init(&login->lock, NULL);
    login->path = mem_strdup(users_file);
    if (local_token != NULL) {
        secret_hash(local_token, login->local_hash);
    }
    *ret_login = login;
    return STATUS_OK;
}

void login_free(struct login *login)
{
    if (login == NULL) {
        return;
    }
    users_free(&login->users);
    (void) pthread_mutex_destroy(&login->lock);
    mem_free(login->path);
    mem_free(login);
}

static const struct users_entry *entry_of(struct login *login, const char *name, bool token)
{
    const struct users_entry *entry = users_find(&login->users, name);
    bool holds = entry != NULL && entry->token == token &&
                 (entry->until_us == 0 || clock_now_us() < entry->until_us);
    return holds ? entry : NULL;
}

static void identify(const struct users_entry *entry, struct console_identity *ret_who)
{
    *ret_who = (struct console_identity){.role = entry->role, .token = entry->token};
    (void) snprintf(ret_who->name, sizeof(ret_who->name), "%s", entry->name);
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

bool login_by_token(struct login *login, const char *secret, struct console_identity *ret_who)
{
    bool found = false;
    (void) pthread_mutex_lock(&login->lock);
    refresh(login);
    if (login->local_hash[0] != '\0' && secret_matches(login->local_hash, secret)) {
        *ret_who =
            (struct console_identity){.name = LOCAL_NAME, .role = CONSOLE_ADMIN, .token = true};
        found = true;
    }
    for (size_t i = 0; i < login->users.count && !found; i++) {
        const struct users_entry *entry = &login->users.entries[i];
        if (entry->token && entry_of(login, entry->name, true) == entry &&
            secret_matches(entry->hash, secret)) {
            identify(entry, ret_who);
            found = true;
        }
    }
    (void) pthread_mutex_unlock(&login->lock);
    return found;
}

/* ---- sessions ----------------------------------------------------------------------------------
 */

static bool session_holds(const struct session *session, int64_t now_us)
{
    return session->hash[0] != '\0' && now_us - session->began_us < SESSION_US &&
           now_us - session->used_us < IDLE_US;
}

static struct session *find_session(struct login *login, const char *id)
{
    char hash[PASSWORD_HASH_BYTES];
    secret_hash(id, hash);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (strcmp(login->sessions[i].hash, hash) == 0) {
            return &login->sessions[i];
        }
    }
    return NULL;
}

bool login_by_session(struct login *login, const char *id, struct console_identity *ret_who)
{
    int64_t now_us = clock_monotonic_us();
    (void) pthread_mutex_lock(&login->lock);
    refresh(login);
    struct session *session = find_session(login, id);
    const struct users_entry *entry = NULL;
    if (session != NULL && session_holds(session, now_us)) {
        entry = entry_of(login, session->name, false);
    }
    bool found = entry != NULL && strcmp(entry->hash, session->user_hash) == 0;
    if (found) {
        session->used_us = now_us;
        identify(entry, ret_who);
    } else if (session != NULL) {
        session->hash[0] = '\0';
    }
    (void) pthread_mutex_unlock(&login->lock);
    return found;
}

void login_end(struct login *login, const char *id)
{
    (void) pthread_mutex_lock(&login->lock);
    struct session *session = find_session(login, id);
    if (session != NULL) {
        session->hash[0] = '\0';
    }
    (void) pthread_mutex_unlock(&login->lock);
}

/* A free place, or that of the session that was not used for the longest time. */
static void
begin_session(struct login *login, const struct users_entry *entry, char ret_id[SECRET_BYTES])
{
    int64_t now_us = clock_monotonic_us();
    struct session *place = &login->sessions[0];
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &login->sessions[i];
        if (!session_holds(session, now_us)) {
            place = session;
            break;
        }
        if (session->used_us < place->used_us) {
            place = session;
        }
    }
    secret_make(ret_id);
    *place = (struct session){.began_us = now_us, .used_us = now_us};
    secret_hash(ret_id, place->hash);
    (void) snprintf(place->name, sizeof(place->name), "%s", entry->name);
    (void) snprintf(place->user_hash, sizeof(place->user_hash), "%s", entry->hash);
}

/* ---- passwords ---------------------------------------------------------------------------------
 */

static struct tries *tries_of(struct login *login, const char *key, int64_t now_us)
{
    struct tries *oldest = &login->tries[0];
    for (size_t i = 0; i < TRIES_MAX; i++) {
        struct tries *tries = &login->tries[i];
        if (strcmp(tries->key, key) == 0) {
            if (now_us - tries->last_us > FORGET_US) {
                tries->count = 0;
            }
            return tries;
        }
        if (tries->last_us < oldest->last_us) {
            oldest = tries;
        }
    }
    *oldest = (struct tries){.last_us = now_us};
    (void) snprintf(oldest->key, sizeof(oldest->key), "%s", key);
    return oldest;
}

static int64_t wait_of(const struct tries *tries, int64_t without_wait, int64_t now_us)
{
    int64_t more = tries->count - without_wait;
    if (more < 0) {
        return 0;
    }
    int64_t wait_us = more >= 6 ? WAIT_MAX_US : US_PER_SECOND << more;
    int64_t left_us = tries->last_us + wait_us - now_us;
    return left_us > 0 ? left_us : 0;
}

/* Counts a try before it is looked at, so that many at once are not more than one after another. */
static int64_t count_try(struct login *login, const char *peer, const char *pair)
{
    int64_t now_us = clock_monotonic_us();
    struct tries *of_peer = tries_of(login, peer, now_us);
    int64_t by_peer = wait_of(of_peer, FREE_OF_PEER, now_us);
    struct tries *of_pair = tries_of(login, pair, now_us);
    int64_t by_pair = wait_of(of_pair, FREE_OF_PAIR, now_us);
    if (by_peer > 0 || by_pair > 0) {
        return by_peer > by_pair ? by_peer : by_pair;
    }
    of_peer->count++;
    of_pair->count++;
    of_peer->last_us = of_pair->last_us = now_us;
    return 0;
}

/* `hash` is a copy: the file may change while argon2 takes its time. */
static enum login_result after_check(struct login *login,
                                     const char *name,
                                     const char *hash,
                                     char ret_session[SECRET_BYTES],
                                     struct console_identity *ret_who)
{
    const struct users_entry *entry = entry_of(login, name, false);
    if (entry == NULL || strcmp(entry->hash, hash) != 0) {
        return LOGIN_WRONG;
    }
    begin_session(login, entry, ret_session);
    identify(entry, ret_who);
    return LOGIN_OK;
}

enum login_result login_with_password(struct login *login,
                                      const char *peer,
                                      const char *name,
                                      const char *password,
                                      char ret_session[SECRET_BYTES],
                                      struct console_identity *ret_who,
                                      int64_t *ret_wait_us)
{
    char pair[PEER_KEY_BYTES];
    char hash[PASSWORD_HASH_BYTES] = "";
    enum login_result result = LOGIN_WRONG;
    (void) snprintf(pair, sizeof(pair), "%.60s %.60s", peer, name);
    (void) pthread_mutex_lock(&login->lock);
    refresh(login);
    *ret_wait_us = count_try(login, peer, pair);
    const struct users_entry *entry = entry_of(login, name, false);
    if (entry != NULL) {
        (void) snprintf(hash, sizeof(hash), "%s", entry->hash);
    }
    (void) pthread_mutex_unlock(&login->lock);
    if (*ret_wait_us > 0) {
        return LOGIN_TOO_MANY;
    }
    bool right = password_matches(hash[0] == '\0' ? NULL : hash, password);
    (void) pthread_mutex_lock(&login->lock);
    if (right) {
        result = after_check(login, name, hash, ret_session, ret_who);
    }
    if (result == LOGIN_OK) {
        int64_t now_us = clock_monotonic_us();
        tries_of(login, pair, now_us)->count = 0;
        struct tries *of_peer = tries_of(login, peer, now_us);
        of_peer->count -= of_peer->count > 0;
    }
    (void) pthread_mutex_unlock(&login->lock);
    return result;
}
