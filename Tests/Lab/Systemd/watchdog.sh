# Each loop is held up by itself: it is named, the watchdog ends the process, and a new one runs.
for unit in order-queue orchestrator fraud-detection executor@3; do
  command=${unit/@/ --id }
  inside "mkdir -p /etc/systemd/system/$unit.service.d && printf '[Service]\nExecStart=\nExecStart=/usr/bin/ordersd $command --allow-fault-hooks\n' >/etc/systemd/system/$unit.service.d/wedge.conf"
done
inside 'systemctl daemon-reload && systemctl restart order-queue orchestrator fraud-detection executor@3'
expect 5 "Without the flag no loop can be held up" \
  'curl -s -o /dev/null -w "%{http_code}\n" -X POST "http://127.0.0.1:51053/wedge?loop=event-loop-0"' '^404$'
expect 5 "With it, on an address that others reach, the role does not start" \
  'ordersd suggestions --allow-fault-hooks --bind 0.0.0.0 --state /tmp/wedge --port 61001 --admin-port 61002; [ $? = 78 ]' 'allow-fault-hooks'
order='for n in {1..50}; do ordersctl submit /lab/order.json && break; sleep 0.2; done'

# hold_up UNIT ADMIN-PORT LOOP…: one loop after the other; LOOP+ is one that comes round only with an order.
hold_up() {
  local unit=$1 port=$2 loop task
  shift 2
  for loop; do
    task=
    [[ $loop != *+ ]] || task=$order
    loop=${loop%+}
    inside "/lab/inside/wedge $unit $port $loop '$task'" >"$work/wedge-$unit-$loop" 2>&1 || : >"$work/wedge-$unit-$loop.failed"
  done
}

tell_of() {
  local unit=$1 port=$2 loop verdict output
  shift 2
  for loop; do
    loop=${loop%+} verdict=ok
    [[ ! -e $work/wedge-$unit-$loop.failed ]] || verdict=FAILED
    output=$(<"$work/wedge-$unit-$loop")
    record "$verdict" 5 "$unit: $loop is named, then replaced, with a trace" "wedge $unit $port $loop" "$output" 0
    printf '            %s\n' "$output"
  done
}

queue=(order-queue 51055 store-writer+ queue-engine event-loop-0)
fraud=(fraud-detection 51051 fraud-keeper event-loop-0)
executor=(executor@3 51063 work election eligibility lease event-loop-0)
orchestrator=(orchestrator 9081 outcome-follower+ queue-news+ store-writer+ outbox housekeeping event-loop-0)
# At the same time, as they need nothing of each other; the keeper of fraud-detection first, since orders need its loop.
trials=()
hold_up "${queue[@]}" & trials+=($!)
hold_up "${fraud[@]}" & trials+=($!)
hold_up "${executor[@]}" & trials+=($!)
wait "${trials[@]}"
hold_up "${orchestrator[@]}"
for trial in queue fraud executor orchestrator; do
  declare -n arguments=$trial
  tell_of "${arguments[@]}"
done
expect 5 "The roles are well again" \
  'rm -r /etc/systemd/system/{order-queue,orchestrator,fraud-detection,executor@3}.service.d/wedge.conf; systemctl daemon-reload; systemctl restart order-queue orchestrator fraud-detection executor@3; for n in {1..50}; do ordersctl submit /lab/order.json --wait executed && break; sleep 0.2; done' 'state +executed'
