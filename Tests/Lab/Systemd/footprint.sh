# What the whole set needs: memory, and time until it takes an order.
pss='sum=0; for pid in $(pgrep -x ordersd); do pss=$(awk "/^Pss:/ {print \$2}" /proc/$pid/smaps_rollup); echo "$(tr "\0" " " </proc/$pid/cmdline) $((pss/1024)) MiB"; sum=$((sum+pss)); done; echo "total $((sum/1024)) MiB (Pss)"'
expect 13 "Time from systemctl start orders.target until an order is taken and carried out, five times" \
  'for n in 1 2 3 4 5; do systemctl stop orders.target; while pgrep -x ordersd >/dev/null; do sleep 0.05; done; a=$(date +%s%3N); systemctl start orders.target; b=$(date +%s%3N); until ordersctl submit /lab/order.json >/dev/null 2>&1; do sleep 0.02; done; c=$(date +%s%3N); ordersctl submit /lab/order.json --wait executed >/dev/null; echo "systemctl start $((b-a)) ms, taken after $((c-a)) ms, another one carried out after $(( $(date +%s%3N)-a )) ms"; done' 'carried out'
expect 13 "Memory of the idle set" "$pss" 'total'
expect 13 "Memory of the set under load" \
  "bash /lab/inside/load 8 15 & sleep 14; $pss; wait" 'total'
expect 13 "Memory of the set 10 s after the load" "sleep 10; $pss" 'total'
