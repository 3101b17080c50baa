#pragma once

/*
 * Connections whose link swallows what is sent. TCP tries again at 0.2, 0.6, 1.4, 3, 6, 13, 25
 * seconds, so a connection over a link that was away for ten seconds may stand still for another
 * ten. One that is watched is shut down when its peer has not been heard for LINK_SILENT_MS though
 * it should have answered; its owner sees it end, and connects anew.
 *
 * Only the peer's kernel is judged: a server that is slow, or takes no more data, still
 * acknowledges what it is asked, and is left alone.
 *
 * One thread looks at all of them; it starts with the first. Any thread may call. Linux: tcp(7).
 */

#define LINK_SILENT_MS 5000

/* Makes the kernel ask a silent peer each second, and watches. What is no TCP socket is left
 * alone. */
void link_watch_add(int fd);

/* Before it is closed. Fine if it is not watched. */
void link_watch_remove(int fd);
