# Each directive of the sandbox, tried in a copy of the unit that runs the probe instead of the role.
inside 'install -m 755 /lab/probe /usr/local/bin/ordersd-probe
  inode=$(stat -Lc %i /proc/1/ns/mnt)
  systemd-run --quiet --wait --pipe /usr/local/bin/ordersd-probe $inode >/lab/free 2>&1
  for unit in orchestrator order-queue suggestions executor@; do
    file=/run/systemd/system/probe-${unit%@}.service
    sed -e "s|^ExecStart=.*|ExecStart=/usr/local/bin/ordersd-probe $inode|; s|^Type=.*|Type=oneshot|; s|%i|1|g" \
      -e "/^(Watchdog|Restart|OnFailure|StartLimit|WantedBy)/d; /^Restart/d; /^WatchdogSec/d; /^OnFailure/d; /^\[Install/,\$d" \
      -e "s|^ExecPaths=|ExecPaths=/usr/local/bin/ordersd-probe |; /^PartOf/d" /usr/lib/systemd/system/$unit.service >$file
    printf "StandardOutput=truncate:/lab/held-%s\n" "${unit%@}" >>$file
  done
  # The same as root: what is refused now is refused by the directive, not for want of a privilege.
  sed -e "/^\(User\|Group\|CapabilityBoundingSet\|PrivateUsers\)=/d; s|held-orchestrator|held-root|; s|ordersd/orchestrator|ordersd/probe-root|" \
    /run/systemd/system/probe-orchestrator.service >/run/systemd/system/probe-root.service
  systemctl daemon-reload' || true
for unit in root orchestrator order-queue suggestions executor; do
  inside "systemctl start probe-$unit; journalctl -u probe-$unit -o cat -n 3 --no-pager" >"$work/probe-log" 2>&1 || cat "$work/probe-log"
  while IFS=$'\t' read -r directive held; do
    free=$(grep -F "$directive"$'\t' "$work/root/lab/free" | cut -f2 || true)
    # Those that root, which has CAP_SYS_PTRACE, is not subject to, or that were taken out of this copy.
    [[ $unit != root || $directive != ProtectProc && $directive != CapabilityBoundingSet && $directive != PrivateUsers ]] ||
      continue
    # The executors look up their interface by netlink, and run commands.
    [[ $unit != executor || $directive != *netlink* && $directive != NoExecPaths ]] || continue
    [[ $directive != LimitCORE || $unit == orchestrator ]] || continue
    if [[ $free != ALLOWED ]]; then
      [[ $unit != orchestrator ]] || note_unenforced "$directive" "refused without a sandbox too (${free#refused: }), so nothing is shown"
    elif [[ $held == ALLOWED ]]; then
      case $directive in
        IPAddressDeny*) [[ $unit != orchestrator ]] || note_unenforced "$directive" "not enforced by this host (cgroup v1)" ;;
        *) record FAILED 2 "$unit: $directive" "ordersd-probe" "allowed inside the unit" 0 ;;
      esac
    else
      record ok 2 "$unit: $directive is refused inside the unit, allowed outside" "ordersd-probe" "$held" 0
    fi
  done <"$work/root/lab/held-$unit"
done
# Objects of the user ordersd go when the last unit that runs as ordersd has stopped, which is not yet.
expect 2 "RemoveIPC: the shared memory that a probe left behind is gone with its dynamic user" \
  'awk -v ours=$(id -u ordersd) "NR > 1 && \$8 != 0 { if (\$8 == ours) kept++; else left++ } END { print left + 0, \"of dynamic users,\", kept + 0, \"of ordersd\" }" /proc/sysvipc/shm' '^0 of dynamic users, 3'
inside 'rm -rf /run/systemd/system/probe-*.service /var/lib/ordersd/probe-root /run/ordersd/probe-root; systemctl daemon-reload; systemctl reset-failed'
