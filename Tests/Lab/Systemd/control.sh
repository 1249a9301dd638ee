# Start, stop, restart, clean, status.
expect 3 "systemctl start returns when the role answers, 100 of 100" \
  'for n in {1..100}; do systemctl reset-failed order-queue; systemctl restart order-queue && curl -fsS -o /dev/null http://127.0.0.1:51055/live || exit 1; done; echo 100 of 100; systemctl reset-failed order-queue' '100 of 100'
expect 3 "READY does not wait for the queue; the status line tells" \
  'systemctl stop order-queue executor@3; systemctl start executor@3; systemctl is-active executor@3; sleep 3; systemctl show -P StatusText executor@3; systemctl start order-queue' '^active'
expect 10 "executor@7 is enabled without editing a file, and leads" \
  'systemctl enable --now executor@7 2>&1; for n in {1..60}; do ordersctl election status --executor 127.0.0.1:50067 | grep -q "leader  *executor-7" && break; sleep 0.25; done; ordersctl election status --executor 127.0.0.1:50067 | head -3; systemctl disable --now executor@7 2>&1' 'executor-7'
expect 11 "systemctl clean --what=state" 'systemctl stop executor@7; ls -d /var/lib/ordersd/executor-7 && systemctl clean --what=state executor@7 && ! ls -d /var/lib/ordersd/executor-7'
expect 20 "What was told to do less is not down: a leader that stepped down, a queue that is paused and drains" \
  '/lab/inside/settled || exit 1; ordersctl election step-down --for 4s >/dev/null; ordersctl queue pause 2>/dev/null; ordersctl queue drain 2>/dev/null; ordersctl health; s=$?; ordersctl queue resume 2>/dev/null; ordersctl queue drain --off 2>/dev/null; exit $s' 'executor-3 +standby .*stepped down'
expect 20 "… and what is down is" 'systemctl stop suggestions; ordersctl health; s=$?; systemctl start suggestions; [ $s = 5 ]' 'suggestions +down'
expect 8 "A stopping leader resigns, exits 0 and another one leads at once" \
  '/lab/inside/settled || exit 1; a=$(date +%s%3N); systemctl stop executor@3; b=$(date +%s%3N); until ordersctl election status >/dev/null 2>&1; do sleep 0.05; done; echo "stopped in $((b-a)) ms, next leader $(( $(date +%s%3N)-a )) ms after"; systemctl show -P ExecMainStatus -P Result executor@3; systemctl start executor@3' '^success'
expect 10 "orders.target moves everything" \
  'systemctl stop orders.target; a=$(date +%s%3N); while pgrep -x ordersd >/dev/null && [ $(( $(date +%s%3N)-a )) -lt 10000 ]; do sleep 0.05; done; echo "the last has stopped $(( $(date +%s%3N)-a )) ms after the target"; pgrep -cx ordersd; a=$(date +%s%3N); systemctl start orders.target; until ordersctl submit /lab/order.json >/dev/null 2>&1; do sleep 0.02; done; echo "an order is taken $(( $(date +%s%3N)-a )) ms after systemctl start orders.target"' '^0$'
expect 11 "State, runtime and configuration folders" 'stat -c "%U %a %n" /var/lib/ordersd /var/lib/ordersd/* /run/ordersd/* /etc/ordersd' 'ordersd 750 /var/lib/ordersd/order-queue'
expect 13 "Every thread of every role waits for its turn (SCHED_BATCH)" 'for pid in $(pgrep -x ordersd); do chrt -a -p $pid; done | grep policy | grep -v SCHED_BATCH; [ ${PIPESTATUS[2]} = 1 ] && echo all' '^all$'
expect 13 "orders.slice holds every process" 'systemd-cgls --no-pager -u orders.slice | grep -c "ordersd "' '^8$'
for property in MemoryHigh:memory.high CPUWeight:cpu.weight TasksMax:pids.max; do
  file=${property#*:}
  inside "find /sys/fs/cgroup -path '*orders.slice/$file' -o -path '*pids*orders.slice/pids.max' -name $file | grep -q ." ||
    note_unenforced "${property%:*}" "no controller delegated for it (cgroup v1); systemctl shows $(inside "systemctl show -p ${property%:*} orders.slice")"
done
