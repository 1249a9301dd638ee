# The journal: fields, events, explanations, and a journald that does not read.
expect 17 "An order's history is one indexed match over all roles" \
  'id=$(ordersctl submit /lab/order.json --wait executed -o name); id=${id##*/}; for n in {1..40}; do journalctl ORDER_ID=$id EVENT=order-settled -q -o cat | grep -q . && break; sleep 0.1; done; journalctl ORDER_ID=$id -o json --output-fields=EVENT,ROLE,VECTOR_CLOCK,_SYSTEMD_UNIT --no-pager | grep -o "\"\(EVENT\|ROLE\|_SYSTEMD_UNIT\|VECTOR_CLOCK\)\":\"[^\"]*\"" | paste -sd" " | fold -w 160; events=$(journalctl ORDER_ID=$id -o json --no-pager | grep -o "\"EVENT\":\"[^\"]*\"" | sort -u | cut -d\" -f4 | paste -sd" "); echo "events: $events"' \
  'events: order-decided order-executed order-settled'
expect 17 "… each entry with the order's vector clock" \
  'id=$(ordersctl list -o name | head -n 1); id=${id##*/}; for event in order-decided order-executed order-settled; do journalctl -q ORDER_ID=$id EVENT=$event -o json | grep -o "\"VECTOR_CLOCK\":\"[^\"]*orchestrator[^\"]*\"" || exit 1; done'
expect 17 "… and its id as a W3C trace id" \
  'id=$(ordersctl list -o name | head -n 1); id=${id##*/}; trace=$(echo $id | tr -d -); echo "TRACE_ID=$trace: $(journalctl -q TRACE_ID=$trace -o cat | wc -l) entries"; [ $(journalctl -q TRACE_ID=$trace -o cat | wc -l) = $(journalctl -q ORDER_ID=$id -o cat | wc -l) ] && echo ${#trace} digits' '^32 digits'
expect 19 "ordersctl trace --journal tells an order's history with every role stopped, in causal order, complete" \
  'id=$(ordersctl submit /lab/order.json --wait executed -o name); id=${id##*/}; for n in {1..40}; do journalctl ORDER_ID=$id EVENT=order-settled -q -o cat | grep -q . && break; sleep 0.1; done; systemctl stop orders.target; while pgrep -x ordersd >/dev/null; do sleep 0.05; done; ordersctl trace --journal $id | cut -c 1-180; events=$(ordersctl trace --journal $id -o json | grep -o "\"event\" *: *\"[^\"]*\"" | cut -d\" -f4 | grep . | paste -sd" "); echo "events: $events"; ordersctl trace --journal $id | head -1; systemctl start orders.target; for n in {1..60}; do ordersctl submit /lab/order.json --wait executed >/dev/null 2>&1 && break; sleep 0.2; done' \
  '^events: order-decided order-executed order-settled'
expect 19 "… says what systemd did to the units meanwhile, and what is missing" \
  'printf "#!/bin/sh\nsleep 2\n" >/usr/local/bin/lab-slow && chmod 755 /usr/local/bin/lab-slow; printf "executor:\n  fulfilment:\n    kind: command\n    command: [/usr/local/bin/lab-slow]\n" >/etc/ordersd/conf.d/60-lab.yaml; systemctl restart "executor@*"; /lab/inside/settled || exit 1; id=$(ordersctl submit /lab/order.json -o name); id=${id##*/}; for n in {1..40}; do ordersctl get $id | grep -q executing && break; sleep 0.1; done; systemctl kill -s KILL executor@3; ordersctl wait $id --for executed --timeout 20s >/dev/null; sleep 0.5; rm /etc/ordersd/conf.d/60-lab.yaml /usr/local/bin/lab-slow; systemctl restart "executor@*"; logger --journald <<END
MESSAGE=A forged entry.
ORDER_ID=$id
EVENT=forged
END
  ordersctl trace --journal $id >/tmp/trace; cut -c 1-180 /tmp/trace; grep -q "Main process exited, code=killed" /tmp/trace && ! grep -q "forged" /tmp/trace' \
  '^incomplete: 1 entries are left out: no unit of ordersd wrote them'
expect 17 "An entry has level, identifier, source and id of its own, no <N> prefix" \
  'journalctl -u executor@3 EVENT=leadership-gained -n 1 -o verbose --no-pager | grep -E "^    (MESSAGE|PRIORITY|SYSLOG_IDENTIFIER|CODE_|EXECUTOR_ID|EPOCH|ROLE|_TRANSPORT)" && journalctl -u executor@3 EVENT=leadership-gained -n 1 -o json | grep -q "\"_TRANSPORT\":\"journal\""' \
  'EXECUTOR_ID=3'
expect 17 "No line of a role came as text" \
  'journalctl -b -q _TRANSPORT=stdout _COMM=ordersd -o cat --no-pager | head -5; echo end' '!(Ready|order_id|<[0-7]>)'
expect 18 "The catalog is installed whole" \
  'a=$(grep -c "^-- " /usr/lib/systemd/catalog/ordersd.catalog); b=$(journalctl --dump-catalog | grep -c "^Defined-By: ordersd"); echo "$a in the file, $b known to journalctl"; [ $a = $b ]' 'known'
expect 18 "journalctl -x says what happened and what to do next" \
  'journalctl -x -u order-queue EVENT=ready -n 1 --no-pager' 'waits for no other role'
expect 18 "… with the fields of the entry in its text" \
  'ordersctl get $(ordersctl list -o name | head -n 1 | sed "s|.*/||") -o name; journalctl -x EVENT=order-executed -n 1 --no-pager' 'Subject: Order 0.* was carried out'
expect 17 "A journald that does not read holds nobody up, and loses nothing of it" \
  'journald=$(pidof systemd-journald); kill -STOP $journald; a=$(date +%s%3N); for n in {1..40}; do timeout 10 ordersctl submit /lab/order.json -o name >>/tmp/frozen || break; done; t=$(( $(date +%s%3N)-a )); kill -CONT $journald; echo "$(wc -l </tmp/frozen) orders in $t ms without a journald"; last=$(tail -n 1 /tmp/frozen); last=${last##*/}; for n in {1..50}; do journalctl -q ORDER_ID=$last EVENT=order-decided -o cat | grep . && break; sleep 0.1; done; [ $(wc -l </tmp/frozen) = 40 ]; s=$?; rm /tmp/frozen; exit $s' 'Order decided'
expect 17 "JSON lines on request" \
  'printf "log:\n  format: json\n" >/etc/ordersd/conf.d/97-lab.yaml; systemctl restart suggestions; journalctl -u suggestions _TRANSPORT=stdout -n 1 -o cat --no-pager; rm /etc/ordersd/conf.d/97-lab.yaml; systemctl restart suggestions' '^\{"time"'
