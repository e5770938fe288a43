#!/usr/bin/env bash
# The systemd unit: well-formed, and hardened as systemd itself judges it.
set -uo pipefail
build=${PONTO_BUILDDIR:-.}
unit=$build/apps/pontod/ponto.service
command -v systemd-analyze >/dev/null || { echo "1..0 # SKIP no systemd-analyze"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program need not be installed for the unit to be right.
sed "s|^ExecStart=[^ ]*|ExecStart=/bin/true|" "$unit" > "$work/ponto.service"
echo 1..2
out=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$work/ponto.service" 2>&1 | grep 'ponto\.service')
if [ -z "$out" ]; then echo "ok 1 - verify finds nothing"; else echo "not ok 1 - verify finds nothing"; sed 's/^/# /' <<<"$out"; fi
out=$(systemd-analyze security --offline=yes --threshold=30 "$work/ponto.service" 2>&1)
status=$?
if grep -qi 'unrecognized\|unknown option' <<<"$out"; then
	echo "ok 2 - exposure # SKIP this systemd-analyze cannot judge offline"
elif [ $status = 0 ]; then
	echo "ok 2 - exposure below 3.0"
else
	echo "not ok 2 - exposure below 3.0"; tail -n 2 <<<"$out" | sed 's/^/# /'
fi
