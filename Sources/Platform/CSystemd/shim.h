// libsystemd: sd-daemon(3), sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3), sd_journal_sendv(3).
#include <systemd/sd-daemon.h>
// sd-journal.h would make a macro of sd_journal_sendv that adds CODE_FILE and its like for C; ours are our own.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
