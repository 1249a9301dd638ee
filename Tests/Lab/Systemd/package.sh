# Install, start, use.
inside 'mkdir -p /home/lab /usr/lib/modules/probe /srv/lab && echo x >/home/lab/file && echo x >/tmp/of-the-host && chmod 644 /tmp/of-the-host && touch /dev/of-the-host'
# A route to nowhere, so that a refused packet is systemd's doing and not for want of a network.
inside 'ip link add probe0 type veth peer name probe1 && ip link set probe1 up && ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev probe0 2>/dev/null; ip address add 192.0.2.1/24 dev probe0 && ip link set probe0 up' ||
  note_unenforced "network of the probe" "no veth interface here"

inside 'sysctl -qw net.ipv4.ip_local_reserved_ports=40000' || note_unenforced "reserved ports" "net.ipv4 is read-only here"
expect 25 "The package installs on a plain Debian 12" 'dpkg -i /lab/ordersd_*.deb'
expect 25 "… and keeps its ports free besides those that the administrator does" \
  'list=/proc/sys/net/ipv4/ip_local_reserved_ports; ! [ -w $list ] || grep -x 40000,50051-50069,51051-51069 $list'
expect 1 "systemd finds nothing to say about the installed units" \
  'systemd-analyze verify --man=yes orders.target orders-leader.target executor@1.service orders-failure@x.service; echo end' '^end$'
expect 1 "No unknown key in the journal" 'journalctl -b --no-pager | grep -E "Unknown (key|section|lvalue)" | head -3; echo none' '!Unknown'
expect 17 "Nothing is logged at a start that nobody needs" 'journalctl -b -u "order*" -u "executor@*" -u "*-*.service" -o cat --no-pager | grep -i "priority" | head -3; echo end' '!Failed'
expect 10 "orders.target is enabled by the preset and running" 'systemctl is-enabled orders.target; systemctl is-active orders.target' '^active'
expect 10 "Every role runs" \
  'for unit in orchestrator transaction-verification fraud-detection suggestions order-queue executor@{1..3}; do echo $unit $(systemctl is-active $unit); done' '!(failed|inactive|activating)'
expect 4 "An order is carried out" 'ordersctl submit /lab/order.json --wait executed' 'state +executed'
expect 20 "ordersctl health agrees" '/lab/inside/settled && ordersctl health' 'executor-3'
expect 24 "Every command has a man page" \
  'for page in ordersctl ordersctl-submit ordersctl-election-status ordersd ordersd-executor ordersd.yaml ordersd.systemd ordersd-journal-fields; do man -w $page || exit 1; done'
expect 24 "Completions are where the shells look" \
  'bash -n /usr/share/bash-completion/completions/ordersctl && ls /usr/share/zsh/vendor-completions/_ordersctl /usr/share/fish/vendor_completions.d/ordersctl.fish'
expect 24 "The files are those of the package" 'dpkg -V ordersd; dpkg -s ordersd | grep -E "^(Status|Version|Installed-Size|Depends)"' 'install ok installed'
expect 11 "Users: static for what keeps data, dynamic for the checks" \
  'for unit in orchestrator order-queue executor@1 fraud-detection suggestions transaction-verification; do ps -o user:24=,args= -p $(systemctl show -P MainPID $unit); done' '^ordersd '
