#include "http/mail.h"

#include "base/buffer.h"
#include "io/clock.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct sending {
    struct slice left;
};

static size_t read_text(char *target, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    size_t taken = sending->left.size < size * count ? sending->left.size : size * count;
    if (taken > 0) {
        memcpy(target, sending->left.data, taken);
        sending->left.data += taken;
        sending->left.size -= taken;
    }
    return taken;
}

/* One line whatever the value holds, so that nothing in it becomes a header. */
static void append_header(struct buffer *target, const char *name, const char *value)
{
    buffer_printf(target, "%s: ", name);
    for (const char *c = value; *c != '\0'; c++) {
        buffer_append_byte(target, (uint8_t) ((unsigned char) *c < ' ' ? ' ' : *c));
    }
    buffer_append_string(target, "\r\n");
}

/* RFC 5322; lines end with CR LF. curl doubles the dots that begin a line. */
static void write_mail(const struct mail *mail, struct buffer *target)
{
    char date[64];
    time_t now = (time_t) (clock_now_us() / 1000000);
    struct tm parts;
    (void) gmtime_r(&now, &parts);
    (void) strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &parts);
    append_header(target, "Date", date);
    append_header(target, "From", mail->from);
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        append_header(target, "To", mail->to[i]);
    }
    append_header(target, "Subject", mail->subject);
    buffer_printf(target, "Message-ID: <%016" PRIx64 "@leat>\r\n", random_u64());
    buffer_append_string(target, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: 8bit\r\n\r\n");
    for (const char *c = mail->text; *c != '\0'; c++) {
        if (*c == '\n') {
            buffer_append_byte(target, '\r');
        }
        buffer_append_byte(target, (uint8_t) *c);
    }
    buffer_append_string(target, "\r\n");
}

static bool is_address(const char *text)
{
    return strchr(text, '@') != NULL && text[strcspn(text, "\r\n<> ")] == '\0';
}

static enum status check(const struct mail *mail, struct error *error)
{
    bool smtp =
        strncmp(mail->server, "smtp://", 7) == 0 || strncmp(mail->server, "smtps://", 8) == 0;
    if (!smtp) {
        return error_set(error, STATUS_CONFIG,
                         "\"%s\" is no mail server; write it as smtp://host:port", mail->server);
    }
    if (!is_address(mail->from)) {
        return error_set(error, STATUS_CONFIG, "\"%s\" is no mail address", mail->from);
    }
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        if (!is_address(mail->to[i])) {
            return error_set(error, STATUS_CONFIG, "\"%s\" is no mail address", mail->to[i]);
        }
    }
    return STATUS_OK;
}

static CURLcode
perform(CURL *curl, const struct mail *mail, struct curl_slist *to, struct sending *sending)
{
    (void) curl_easy_setopt(curl, CURLOPT_URL, mail->server);
    (void) curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void) curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void) curl_easy_setopt(curl, CURLOPT_USE_SSL,
                            mail->user != NULL ? (long) CURLUSESSL_ALL : (long) CURLUSESSL_TRY);
    (void) curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from);
    (void) curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    (void) curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void) curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_text);
    (void) curl_easy_setopt(curl, CURLOPT_READDATA, sending);
    (void) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) (mail->timeout_us / 1000));
    (void) curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (mail->user != NULL) {
        (void) curl_easy_setopt(curl, CURLOPT_USERNAME, mail->user);
        (void) curl_easy_setopt(curl, CURLOPT_PASSWORD,
                                mail->password == NULL ? "" : mail->password);
    }
    return curl_easy_perform(curl);
}

enum status mail_send(const struct mail *mail, struct error *error)
{
    TRY(check(mail, error));
    CLEANUP(buffer_deinit) struct buffer text = BUFFER_INIT;
    write_mail(mail, &text);
    struct sending sending = {buffer_slice(&text)};
    struct curl_slist *to = NULL;
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        to = curl_slist_append(to, mail->to[i]);
    }
    CURL *curl = curl_easy_init();
    CURLcode code = curl == NULL ? CURLE_FAILED_INIT : perform(curl, mail, to, &sending);
    curl_easy_cleanup(curl);
    curl_slist_free_all(to);
    if (code != CURLE_OK) {
        return error_set(error, STATUS_UNAVAILABLE, "could not send a mail by \"%s\": %s",
                         mail->server, curl_easy_strerror(code));
    }
    return STATUS_OK;
}
