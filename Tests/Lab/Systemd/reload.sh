# Reload: in force when systemctl returns; refused as a whole when anything is wrong.
expect 7 "systemctl reload returns when the new settings are in force, in the same process" \
  'pid=$(systemctl show -P MainPID order-queue); printf "log:\n  level: debug\norder-queue:\n  lease: 31s\n" >/etc/ordersd/conf.d/98-lab.yaml; systemctl reload order-queue || exit 1; journalctl -u order-queue EVENT=reloaded -n 1 -o cat --no-pager; ordersctl submit /lab/order.json >/dev/null; sleep 0.5; journalctl -q -u order-queue -p debug..debug -n 1 -o cat --no-pager | grep . && [ $pid = $(systemctl show -P MainPID order-queue) ]' \
  'log.level info -> debug.*need_restart=order-queue.lease'
expect 7 "A wrong setting fails the reload with every mistake; the role goes on" \
  'pid=$(systemctl show -P MainPID order-queue); printf "log:\n  level: loud\norder-queue:\n  lesae: 5s\n" >/etc/ordersd/conf.d/98-lab.yaml; systemctl reload order-queue && exit 1; systemctl is-active order-queue; [ $pid = $(systemctl show -P MainPID order-queue) ] || exit 1; systemctl show -P StatusText order-queue; journalctl -x -u order-queue EVENT=reload-refused -n 1 --no-pager' \
  'reload refused: .*98-lab.yaml:2: log.level.*lesae'
expect 7 "… the journal says what to do" 'journalctl -x -u order-queue EVENT=reload-refused -n 1 --no-pager' 'systemctl reload'
expect 7 "… and it takes orders" 'ordersctl submit /lab/order.json --wait executed' 'state +executed'
expect 7 "Mended, it is reloaded, and the status line is clean" \
  'rm /etc/ordersd/conf.d/98-lab.yaml; systemctl reload order-queue && systemctl show -P StatusText -P ActiveState order-queue' '!refused'
expect 7 "Wrong fraud rules fail the reload; those before stay in force" \
  'cp /etc/ordersd/fraud-rules.yaml /tmp/rules; echo "colour: red" >>/etc/ordersd/fraud-rules.yaml; systemctl reload fraud-detection; s=$?; journalctl -u fraud-detection EVENT=rules-refused -n 1 -o cat --no-pager; cp /tmp/rules /etc/ordersd/fraud-rules.yaml; systemctl reload fraud-detection && [ $s != 0 ]' 'colour'
expect 7 "Every role can be reloaded, 10 times each" \
  'for n in {1..10}; do systemctl reload orchestrator transaction-verification fraud-detection suggestions order-queue executor@{1..3} || exit 1; done; systemctl is-active orders.target; systemctl show -P NRestarts executor@3' '^active'
expect 7 "SIGHUP by hand does the same and ends nobody" \
  'pid=$(systemctl show -P MainPID suggestions); kill -HUP $pid; sleep 0.5; [ $pid = $(systemctl show -P MainPID suggestions) ] && systemctl is-active suggestions' '^active'
