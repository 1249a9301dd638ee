# orders-admin may manage our units and no others.
inside 'useradd -M alice; useradd -M bob; usermod -aG orders-admin alice; systemctl start polkit; printf "[Service]\nExecStart=/bin/sleep 3600\n" >/run/systemd/system/other.service; systemctl daemon-reload' || true
as='runuser -u'
expect 22 "A member restarts a role" "$as alice -- systemctl --no-ask-password restart suggestions && $as alice -- systemctl --no-ask-password restart executor@1 && echo done" '^done$'
expect 22 "… but starts no other unit" "$as alice -- systemctl --no-ask-password start other.service && echo started" '!started'
expect 22 "… nor one whose name only looks alike" "$as alice -- systemctl --no-ask-password start evil-order-queue.service executor@x.service 2>&1; $as alice -- systemctl --no-ask-password restart systemd-journald && echo restarted" '!restarted'
expect 22 "… and kills nothing, sets nothing" "$as alice -- systemctl --no-ask-password kill suggestions && echo killed; $as alice -- systemctl --no-ask-password set-property suggestions TasksMax=1 && echo set" '!(killed|set)$'
expect 22 "Others restart nothing" "$as bob -- systemctl --no-ask-password restart suggestions && echo restarted" '!restarted'
