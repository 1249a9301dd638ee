# The machine of tools/lab-systemd: a Debian, an overlay, a booted systemd. Sourced; uses $base and $work.

# How much later than it should something may happen, in ms: for machines that do other things at the same time.
slack=${LAB_SLACK:-0}

# Says everything that keeps this host from booting a systemd, and exits with 77 then. $1: the caller's name.
require_host() {
  local missing=() folder
  ((EUID == 0)) || missing+=("root: namespaces and mounts are made")
  for program in systemd-nspawn:systemd-container debootstrap:debootstrap gcc:gcc dpkg-deb:dpkg nsenter:util-linux ip:iproute2; do
    command -v "${program%:*}" >/dev/null || missing+=("the program ${program%:*} (package ${program#*:}): tools/bootstrap --lab")
  done
  if ((EUID == 0)); then
    unshare --mount --pid --fork --net --uts --ipc true 2>/dev/null ||
      missing+=("namespaces: unshare(2) is refused; a container needs CAP_SYS_ADMIN and no seccomp filter (docker run --privileged)")
    folder=$(mktemp -d)
    mkdir "$folder/memory"
    if mount -t tmpfs ordersd-lab "$folder/memory" 2>/dev/null; then
      mkdir "$folder"/memory/{lower,upper,work,root}
      if mount -t overlay ordersd-lab -o "lowerdir=$folder/memory/lower,upperdir=$folder/memory/upper,workdir=$folder/memory/work" \
        "$folder/memory/root" 2>/dev/null; then
        umount "$folder/memory/root"
      else
        missing+=("overlay file systems: mount(2) is refused, or the kernel has no overlayfs")
      fi
      umount "$folder/memory"
    else
      missing+=("mounts: mount(2) of a tmpfs is refused")
    fi
    rm -rf -- "$folder"
  fi
  ((${#missing[@]})) || return 0
  printf "$1: this host cannot boot a systemd; it has not:\n" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 77
}

# Debian 12 with what the package depends on, and nothing of this host.
make_base() {
  [[ -e $1/usr/lib/systemd/systemd ]] && return
  local wanted=systemd,systemd-sysv,dbus,libpam-systemd,polkitd,init-system-helpers,libsqlite3-0,libsystemd0,libstdc++6,zlib1g
  local try log=$1.log
  mkdir -p "$(dirname "$1")"
  # The mirror may be away for a moment.
  for try in 1 2 3; do
    rm -rf "$1.new"
    mkdir -p "$1.new"
    if debootstrap --variant=minbase --include=$wanted,procps,iproute2,curl,man-db,ca-certificates bookworm "$1.new" >"$log" 2>&1; then
      mv "$1.new" "$1"
      rm -f "$log"
      return
    fi
    sleep $((try * 10))
  done
  tail -n 20 "$log" >&2
  echo "lab: debootstrap could not make a Debian 12 in $1 (it needs a Debian mirror, as apt-get does)" >&2
  exit 77
}

# Everything that the machine writes goes into memory and is gone with it.
mount_machine() {
  mount -t tmpfs -o size=3G,mode=755 ordersd-lab "$work"
  mkdir "$work/upper" "$work/work" "$work/root"
  mount -t overlay ordersd-lab -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" "$work/root"
}

unmount_machine() {
  ! mountpoint -q "$work/root" || umount "$work/root"
  ! mountpoint -q "$work" || umount "$work"
}

boot_machine() {
  # On a tmpfs of its own, so it does not count into the overlay's memory.
  systemd-nspawn -D "$work/root" --boot --private-network --machine="ordersd-lab-$$" --register=no --keep-unit \
    --link-journal=no --console=pipe >"$work/console" 2>&1 </dev/null &
  nspawn=$!
  local try
  for ((try = 0; try < 300; try++)); do
    manager=$(ps --ppid "$nspawn" -o pid= 2>/dev/null | tr -d ' ') || true
    if [[ -n $manager ]] && inside 'systemctl is-system-running' 2>/dev/null | grep -Eq 'running|degraded'; then return; fi
    kill -0 "$nspawn" 2>/dev/null || break
    sleep 0.2
  done
  cat "$work/console" >&2
  echo "lab-systemd: the machine did not boot" >&2
  exit 1
}

# Runs a command line in the machine, as its root.
inside() {
  timeout --kill-after=5 90 nsenter -t "$manager" -a env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive bash -c "cd /lab; $1"
}

# SIGRTMIN+4: power off.
stop_machine() {
  [[ -n ${nspawn-} ]] && kill -0 "$nspawn" 2>/dev/null || return 0
  kill -s SIGRTMIN+4 "$manager" 2>/dev/null || true
  local try
  for ((try = 0; try < 100; try++)); do
    kill -0 "$nspawn" 2>/dev/null || { wait "$nspawn" || true; return 0; }
    sleep 0.2
  done
  kill -TERM "$nspawn"
  wait "$nspawn" || true
}

# The same package under another version, as an upgrade.
repack_with_version() {
  local folder=$work/repack
  dpkg-deb -R "$1" "$folder"
  sed -i "s/^Version: .*/Version: $2/" "$folder/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$folder" "$3" >/dev/null
  rm -rf "$folder"
}
