# An upgrade while orders come in.
inside 'test -e /etc/ordersd/conf.d/50-lab.yaml' || { echo "upgrade needs part failure"; return 0; }
expect 16 "dpkg -i of the next version under load: 0 lost, 0 twice" "bash /lab/inside/upgrade $orders" '^lost 0, twice 0'
expect 16 "Executors were restarted one by one, the leader last" \
  'for unit in executor@{1..3} order-queue orchestrator suggestions; do echo "$(systemctl show -P ActiveEnterTimestampMonotonic $unit) $unit"; done | sort -n' 'executor@'
expect 16 "Everything runs, as the new version" 'dpkg -s ordersd | grep ^Version; systemctl is-active orders.target orchestrator order-queue executor@{1..3}' '9\.9\.9'
expect 16 "A conffile that was changed is kept by the upgrade" 'echo "# mine" >>/etc/ordersd/ordersd.yaml; dpkg -i --force-confold /lab/ordersd_*.deb >/dev/null 2>&1; tail -n 1 /etc/ordersd/ordersd.yaml' 'mine'
