# Kills, the watchdog, configuration errors, the report of a failure.
expect 9 "A killed role is back" \
  'old=$(systemctl show -P MainPID order-queue); kill -KILL $old; a=$(date +%s%3N); until new=$(systemctl show -P MainPID order-queue); [ $new != 0 ] && [ $new != $old ] && [ $(systemctl is-active order-queue) = active ]; do sleep 0.05; done; echo "$old killed, $new ready after $(( $(date +%s%3N)-a )) ms"' 'ready after'
expect 6 "A process that hangs is ended by the watchdog: new main PID within WatchdogSec + 6 s" \
  'old=$(systemctl show -P MainPID suggestions); kill -STOP $old; a=$(date +%s%3N); until new=$(systemctl show -P MainPID suggestions); [ $new != 0 ] && [ $new != $old ]; do sleep 0.1; [ $(( $(date +%s%3N)-a )) -lt 30000 ] || break; done; t=$(( $(date +%s%3N)-a )); echo "$old stopped, $new after $t ms"; [ $t -lt 16000 ]' 'after'
expect 6 "… with a symbolicated trace in the journal" \
  'journalctl -u suggestions --no-pager -o short-precise | sed "s/^.* vm //" | grep -A 40 "Watchdog timeout" | cut -c 1-150' ' in ordersd'
expect 9 "A configuration error exits 78, is not retried, and is reported" \
  'printf "suggestions:\n  limit: many\n  colour: red\n" >/etc/ordersd/conf.d/99-lab.yaml; systemctl restart suggestions 2>&1; sleep 1; systemctl show -p NRestarts -p ExecMainStatus -p Result suggestions; journalctl -u suggestions -o cat -n 8 --no-pager' 'ExecMainStatus=78'
expect 13 "OnFailure= wrote an entry that names the unit, with an explanation" \
  'journalctl -x MESSAGE_ID=4128cb8a178841ebab631c019fc5d216 -n 1 --no-pager' 'ordersctl|systemctl reset-failed suggestions.service'
expect 13 "… and its fields" 'journalctl MESSAGE_ID=4128cb8a178841ebab631c019fc5d216 -n 1 -o json --no-pager | tr "," "\n" | grep -E "\"(UNIT|EVENT|REASON|EXIT_STATUS|PRIORITY|FAILED_INVOCATION_ID)\""' 'suggestions.service'
expect 9 "Mended, it starts again" 'rm /etc/ordersd/conf.d/99-lab.yaml; systemctl reset-failed suggestions; systemctl start suggestions; systemctl is-active suggestions' '^active'
expect 14 "A fulfilment command has no NOTIFY_SOCKET, and of the daemon's environment only what it needs" \
  'mkdir -p /srv/lab && chown ordersd: /srv/lab && mkdir -p /etc/systemd/system/executor@.service.d && printf "[Service]\nReadWritePaths=/srv/lab\n" >/etc/systemd/system/executor@.service.d/lab.conf && printf "#!/bin/sh\nenv >/srv/lab/environment\nexec /lab/fulfil /srv/lab\n" >/usr/local/bin/lab-fulfil && chmod 755 /usr/local/bin/lab-fulfil /lab/fulfil && printf "executor:\n  fulfilment:\n    kind: command\n    command: [/usr/local/bin/lab-fulfil]\n" >/etc/ordersd/conf.d/50-lab.yaml && systemctl daemon-reload && systemctl restart "executor@*" && ordersctl submit /lab/order.json --wait executed >/dev/null && cut -d= -f1 /srv/lab/environment | sort | tr "\n" " "; ! grep -E "NOTIFY|WATCHDOG|JOURNAL|CREDENTIALS|SWIFT" /srv/lab/environment' 'ORDER_ID'
