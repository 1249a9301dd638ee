# Remove, purge, install again, purge: nothing stays.
inside 'rm -rf /etc/systemd/system/executor@.service.d /etc/ordersd/conf.d/50-lab.yaml /usr/local/bin/lab-fulfil /usr/local/bin/ordersd-probe /usr/lib/modules /srv/lab /home/lab /etc/ordersd-probe /usr/ordersd-probe; systemctl daemon-reload; userdel alice; userdel bob; systemctl enable executor@9 2>/dev/null' || true
expect 24 "Remove stops everything and keeps orders and settings" \
  'dpkg -r ordersd >/dev/null && ! pgrep -x ordersd && ls -d /var/lib/ordersd/order-queue /etc/ordersd/ordersd.yaml && ! ls /usr/bin/ordersd' 'ordersd.yaml'
expect 24 "Installed again, it goes on with the same orders" 'dpkg -i /lab/ordersd_*.deb >/dev/null 2>&1; ordersctl list -o name | wc -l; systemctl is-active orders.target' '^active'
expect 24 "Purge" 'dpkg -P ordersd; ! pgrep -x ordersd; ls -d /etc/ordersd /var/lib/ordersd /run/ordersd /var/lib/private/ordersd 2>/dev/null; systemctl list-units --all --no-legend "orde*" "executor@*" | grep -v "not-found"; echo end' '^end$'
find "$work/root/etc" "$work/root/var/lib" "$work/root/usr" -xdev | sort >"$work/after"
residue=$(comm -13 "$work/before" "$work/after" | sed "s|$work/root||" |
  grep -Ev '^/(etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock|machine-id|\.updated|ld\.so\.cache)|etc/(passwd|group|shadow|gshadow|subuid|subgid)-|var/lib/(systemd|dbus|dpkg|polkit-1|logrotate|private$|apt)|usr/lib/python3|usr/share/mime)' || true)
if [[ -z $residue ]]; then
  record ok 24 "Residue after purge: no file; in /etc/passwd and /etc/group the user ordersd and the group orders-admin stay" \
    "find /etc /var/lib /usr, before and after" "$(inside 'grep -E "orders" /etc/passwd /etc/group' || true)" 0
else
  record FAILED 24 "Residue after purge" "find /etc /var/lib /usr, before and after" "$residue" 0
fi
expect 24 "And installed once more, from nothing" 'dpkg -i /lab/ordersd_*.deb >/dev/null 2>&1; for n in {1..60}; do ordersctl submit /lab/order.json --wait executed 2>/dev/null && break; sleep 0.5; done' 'state +executed'
