#!/usr/bin/env bash
# Resident memory of an idle node and its start-up time (until READY), with each store. Median of several starts.
set -u
build=${PONTO_BUILDDIR:-.}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
for store in store-mem store-rocksdb; do
	times=() memory=0
	for round in 1 2 3 4 5; do
		rm -rf "$work/state" "$work/run" "$work/log"
		cat > "$work/ponto.conf" <<CONF
node       = { name = "bench"; state = "$work/state"; socket = "$work/run/bus"; resolve_socket = "off"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
stores     = { main = { plugin = "$store"; }; };
security   = { id = { plugin = "security-pki"; }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
		begin=$(date +%s%N)
		"$build/pontod" -c "$work/ponto.conf" 2>"$work/log" &
		pid=$!
		until grep -q 'runs: state' "$work/log"; do
			kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
			sleep 0.002
		done
		times+=($((($(date +%s%N) - begin) / 1000000)))
		[ "$round" != 5 ] || sleep 2
		memory=$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status")
		kill "$pid"
		wait "$pid"
		pid=
	done
	median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)
	echo "bench node-idle store=$store resident_kib=$memory startup_ms=$median"
done
