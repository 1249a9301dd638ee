# The machine of tools/lab-systemd: a Debian, an overlay, a booted systemd. Sourced; uses $base and $work.

# Debian 12 with what the package depends on, and nothing of this host.
make_base() {
  [[ -e $1/usr/lib/systemd/systemd ]] && return
  command -v debootstrap >/dev/null || { echo "lab-systemd: no debootstrap; tools/bootstrap --lab" >&2; exit 77; }
  local wanted=systemd,systemd-sysv,dbus,libpam-systemd,polkitd,init-system-helpers,libsqlite3-0,libsystemd0,libstdc++6,zlib1g
  rm -rf "$1.new"
  mkdir -p "$1.new"
  debootstrap --variant=minbase --include=$wanted,procps,iproute2,curl,man-db,ca-certificates bookworm "$1.new" >&2
  mv "$1.new" "$1"
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
