// libsystemd: sd-daemon(3), sd_notify(3), sd_watchdog_enabled(3).
#include <systemd/sd-daemon.h>
