# "A leader exists" as a target.
expect 4 "orders-leader.target starts when there is a leader" \
  'systemctl start --no-block orders-leader.target; for n in {1..80}; do systemctl -q is-active orders-leader.target && break; sleep 0.25; done; systemctl is-active orders-leader.target; journalctl -u orders-leader -n 2 -o cat --no-pager' '^active'
expect 4 "… is inactive while there is none" \
  'systemctl stop "executor@*"; for n in {1..80}; do systemctl -q is-active orders-leader.target || break; sleep 0.25; done; systemctl is-active orders-leader.target orders-leader.service; ordersctl election status 2>&1 | tail -1; true' '^inactive'
expect 4 "… and a unit ordered after it starts with the next leader" \
  'printf "[Unit]\nWants=orders-leader.target\nAfter=orders-leader.target\n[Service]\nType=oneshot\nExecStart=/bin/echo a leader is there\n" >/run/systemd/system/after-leader.service; systemctl daemon-reload; systemctl start --no-block after-leader; sleep 2; echo "before: $(systemctl show -P ActiveState after-leader) $(journalctl -u after-leader -o cat | grep -c "a leader is there")"; systemctl start executor@{1..3}; for n in {1..80}; do journalctl -u after-leader -o cat | grep -q "a leader is there" && break; sleep 0.25; done; journalctl -u after-leader -o cat --no-pager; systemctl is-active orders-leader.target' 'a leader is there'
expect 4 "… and goes on through a change of leader" \
  '/lab/inside/settled || exit 1; id=$(systemctl show -P InvocationID orders-leader.target); systemctl stop executor@3; sleep 4; [ "$id" = "$(systemctl show -P InvocationID orders-leader.target)" ] && echo the same run; systemctl start executor@3; journalctl -u orders-leader -n 1 -o cat --no-pager; systemctl stop orders-leader.target orders-leader.service' 'the same run'
