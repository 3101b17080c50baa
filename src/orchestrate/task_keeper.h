#pragma once

/* The process of one try (try.h). Its main function; returns the exit code. Called with the try's
 * folder and with the lock at descriptor 3. */
int task_keeper_main(const char *folder);
