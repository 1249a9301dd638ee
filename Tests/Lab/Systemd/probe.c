// Tries what a sandboxed unit must not be able to do. One line for each try: directive, tab, what happened.
// Run once in a copy of a unit and once without a sandbox as root: a try that fails in both proves nothing.
//
// usage: probe <inode of the host's mount namespace>
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *directive, int allowed) {
  printf("%s\t%s%s\n", directive, allowed ? "ALLOWED" : "refused: ", allowed ? "" : strerror(errno));
  fflush(stdout);
}

static int can_open(const char *path, int flags) {
  int descriptor = open(path, flags | O_CLOEXEC, 0600);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

static int can_list(const char *path) {
  DIR *folder = opendir(path);
  int entries = 0;
  if (!folder) return 0;
  for (struct dirent *entry; (entry = readdir(folder));) entries += entry->d_name[0] != '.';
  closedir(folder);
  errno = ENOENT;
  return entries > 0;
}

static int can_exec(const char *path) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) {
    execl(path, path, (char *)0);
    _exit(errno == EACCES ? 13 : 14);
  }
  waitpid(child, &status, 0);
  errno = EACCES;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int in_child(int (*attempt)(void)) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) _exit(attempt() ? 0 : errno);
  waitpid(child, &status, 0);
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int foreign_call(void) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");  // getpid of i386
  errno = EPERM;
  return result == getpid();
#else
  errno = ENOSYS;
  return 0;
#endif
}

static int new_user_namespace(void) { return unshare(CLONE_NEWUSER) == 0; }
static int traced(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0) == 0; }
static int hostname(void) { return sethostname("ordersd-probe", 13) == 0; }

static int can_socket(int family, int type) {
  int descriptor = socket(family, type | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

static int can_send(const char *text, unsigned address) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(address)};
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int sent = sendto(descriptor, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) > 0;
  int error = errno;
  close(descriptor);
  errno = error;
  return sent;
}

static int identity_map(void) {
  char line[80] = "";
  FILE *map = fopen("/proc/self/uid_map", "r");
  if (map) { if (!fgets(line, sizeof line, map)) line[0] = 0; fclose(map); }
  unsigned inside = 1, outside = 1, count = 0;
  sscanf(line, "%u %u %u", &inside, &outside, &count);
  errno = EPERM;
  return inside == 0 && outside == 0 && count > 65536;
}

int main(int argc, char **argv) {
  struct stat status;
  cpu_set_t processors;
  char file[] = "/tmp/probe.XXXXXX";
  say("ProtectSystem (write /etc)", can_open("/etc/ordersd-probe", O_WRONLY | O_CREAT));
  say("ProtectSystem (write /usr)", can_open("/usr/ordersd-probe", O_WRONLY | O_CREAT));
  say("ProtectHome", can_open("/home/lab/file", O_RDONLY));
  say("PrivateTmp", can_open("/tmp/of-the-host", O_RDONLY));
  say("PrivateDevices", stat("/dev/of-the-host", &status) == 0);
  say("ProtectKernelTunables", can_open("/proc/sys/net/ipv4/ip_forward", O_WRONLY));
  say("ProcSubset", can_open("/proc/meminfo", O_RDONLY));
  say("ProtectProc", stat("/proc/1/status", &status) == 0);
  say("ProtectControlGroups", mkdir("/sys/fs/cgroup/systemd/ordersd-probe", 0700) == 0);
  rmdir("/sys/fs/cgroup/systemd/ordersd-probe");
  say("ProtectKernelLogs", syscall(SYS_syslog, 10, 0, 0) >= 0);
  say("ProtectKernelModules", can_list("/usr/lib/modules"));
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  say("ProtectClock", clock_settime(CLOCK_REALTIME, &now) == 0);
  say("ProtectHostname", in_child(hostname));
  say("RestrictNamespaces", in_child(new_user_namespace));
  struct sched_param priority = {.sched_priority = 1};
  say("RestrictRealtime", sched_setscheduler(0, SCHED_FIFO, &priority) == 0);
  priority.sched_priority = 0;
  sched_setscheduler(0, SCHED_OTHER, &priority);
  int descriptor = mkstemp(file);
  say("RestrictSUIDSGID", descriptor >= 0 && fchmod(descriptor, 04755) == 0);
  unlink(file);
  say("MemoryDenyWriteExecute (mmap)",
      mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
  void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  say("MemoryDenyWriteExecute (mprotect)", mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
  say("LockPersonality", personality(PER_LINUX32) >= 0);
  say("SystemCallFilter (@debug)", in_child(traced));
  say("SystemCallFilter (@resources)", sched_getaffinity(0, sizeof processors, &processors) == 0 &&
      sched_setaffinity(0, sizeof processors, &processors) == 0);
  say("SystemCallArchitectures", in_child(foreign_call));
  say("RestrictAddressFamilies (packet)", can_socket(AF_PACKET, SOCK_DGRAM));
  say("RestrictAddressFamilies (netlink)", can_socket(AF_NETLINK, SOCK_RAW));
  say("IPAddressDeny", can_send("x", 0xc0000209));  // 192.0.2.9
  errno = EPERM;
  say("NoNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  say("CapabilityBoundingSet", prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1);
  say("PrivateUsers", identity_map());
  errno = EPERM;
  say("PrivateMounts", stat("/proc/self/ns/mnt", &status) == 0 && argc > 1 && status.st_ino == strtoull(argv[1], 0, 10));
  say("NoExecPaths", can_exec("/usr/bin/true"));
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  errno = EPERM;
  say("LimitCORE", core.rlim_max > 0);
  umask(umask(0));
  mode_t mask = umask(0);
  umask(mask);
  errno = EPERM;
  say("UMask", (mask & 077) != 077);
  // Left behind on purpose: RemoveIPC is checked once the unit has ended.
  return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) < 0;
}
