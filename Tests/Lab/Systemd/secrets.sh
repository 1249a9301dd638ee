# The election key: a credential, in clear for root or encrypted for this machine. With enforce an executor without a key
# does not start, so that one that runs signs.
inside 'printf "election:\n  key-policy: enforce\n" >/etc/ordersd/conf.d/62-lab.yaml'
expect 12 "Without a key, an executor that must sign does not start" \
  'systemctl restart executor@1; sleep 1; systemctl show -P ExecMainStatus executor@1; systemctl reset-failed executor@1; true' '^78$'
expect 12 "A key in /etc/credstore is used" \
  'mkdir -p -m 700 /etc/credstore && printf "1:%s\n" $(head -c 32 /dev/urandom | od -An -tx1 | tr -d " \n") >/etc/credstore/ordersd.election-key && chmod 600 /etc/credstore/ordersd.election-key; systemctl restart executor@1 executor@2 executor@3; for n in {1..60}; do ordersctl election status >/dev/null 2>&1 && break; sleep 0.25; done; ordersctl election status | head -2; ls /run/credentials/executor@1.service; systemctl is-active executor@1' 'executor-3'
expect 12 "It shows neither in systemctl show, nor in the environment, nor in /etc/ordersd" \
  'key=$(cut -d: -f2 /etc/credstore/ordersd.election-key); systemctl show "executor@*" | grep -c $key; tr "\0" "\n" </proc/$(systemctl show -P MainPID executor@1)/environ | grep -c $key; grep -rc $key /etc/ordersd | grep -v ":0"; echo end' '!^[1-9]'
expect 12 "Others cannot read it" 'runuser -u nobody -- cat /run/credentials/executor@1.service/ordersd.election-key && echo read' '!read'
expect 12 "The same key, encrypted for this machine, is used, and is not in the file in clear" \
  'mkdir -p -m 700 /etc/credstore.encrypted && systemd-creds --with-key=host encrypt --name=election.key /etc/credstore/ordersd.election-key /etc/credstore.encrypted/election.key && rm /etc/credstore/ordersd.election-key && systemctl restart executor@1 executor@2 executor@3; for n in {1..60}; do ordersctl election status >/dev/null 2>&1 && break; sleep 0.25; done; ordersctl election status | head -1; ls /run/credentials/executor@1.service; systemctl is-active executor@1 && ! grep "^1:" /etc/credstore.encrypted/election.key' 'executor-3'
inside 'rm -rf /etc/ordersd/conf.d/62-lab.yaml /etc/credstore /etc/credstore.encrypted /var/lib/systemd/credential.secret; systemctl restart "executor@*"' || true
