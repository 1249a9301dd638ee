# Sockets of systemd: restarts of the gRPC roles while orders come in.
inside 'mkdir -p /run/systemd/system/service.d; printf "[Unit]\nStartLimitIntervalSec=0\n" >/run/systemd/system/service.d/lab.conf; systemctl daemon-reload'
without=$(inside 'bash /lab/inside/restarts 2>&1' || true)
record ok 15 "For comparison: the same restarts without the sockets" 'bash /lab/inside/restarts' "$without" 0
expect 15 "The sockets are opt-in: not enabled, not running" 'systemctl is-enabled order-queue.socket; systemctl is-active order-queue.socket' '!^(enabled|active)'
expect 15 "Enabled as ordersd.systemd(7) says, systemd listens for the four roles" \
  'systemctl stop {transaction-verification,fraud-detection,suggestions,order-queue}.service && systemctl enable -q --now {transaction-verification,fraud-detection,suggestions,order-queue}.socket && systemctl start orders.target && systemctl is-active {transaction-verification,fraud-detection,suggestions,order-queue}.socket && for n in {1..100}; do ordersctl submit /lab/order.json >/dev/null 2>&1 && break; sleep 0.1; done; ss -ltnp | grep -E ":5005[1235] "; ss -ltnp | grep -E ":5005[1235] .*systemd" | grep -c ordersd' '^4$'
expect 15 "No role complains about its socket" 'journalctl -b EVENT=socket-elsewhere -q -o cat; echo end' '!socket'
expect 15 "Restarts of checks and queue under load: 0 failed requests (without the sockets: $(grep failed <<<"$without"))" \
  'bash /lab/inside/restarts' '^failed 0$'
expect 15 "A socket elsewhere is not used, and told of" \
  'printf "suggestions:\n  port: 50953\n  endpoint: 127.0.0.1:50953\n" >/etc/ordersd/conf.d/61-lab.yaml; systemctl restart suggestions; journalctl -x -u suggestions EVENT=socket-elsewhere -n 1 --no-pager; ss -ltnp | grep ":50953 "; rm /etc/ordersd/conf.d/61-lab.yaml; systemctl restart suggestions' 'A passed socket of suggestions is not used'
expect 15 "orders.target stops the sockets, and nothing comes back" \
  'systemctl stop orders.target; for n in {1..100}; do pgrep -x ordersd >/dev/null || break; sleep 0.1; done; sleep 1; systemctl is-active {transaction-verification,fraud-detection,suggestions,order-queue}.socket; echo "$(pgrep -cx ordersd) processes"' '^0 processes'
inside 'systemctl disable -q {transaction-verification,fraud-detection,suggestions,order-queue}.socket; rm -rf /run/systemd/system/service.d; systemctl daemon-reload; systemctl start orders.target; for n in {1..60}; do ordersctl submit /lab/order.json --wait executed >/dev/null 2>&1 && break; sleep 0.5; done'
