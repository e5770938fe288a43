# Tests in TAP. Sourced; $work holds the logs that bail shows, NAME.log for each NAME in $logs.
count=0 bad=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
not_ok() {
	count=$((count + 1)) bad=$((bad + 1))
	echo "not ok $count - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', not '$3'"; fi; }
proves() { printf '# proves %s\n' "$@"; }
# check NAME COMMAND...: one test
check() { local name=$1 out; shift; if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$out"; fi; }
bail() { echo "Bail out! $*"; for n in ${logs-A B C D}; do sed "s/^/# $n: /" "$work/$n.log" 2>/dev/null | tail -n 20; done; exit 1; }
until_true() { local n=$1; shift; until "$@" >/dev/null 2>&1; do n=$((n - 1)); [ "$n" -gt 0 ] || return 1; sleep 0.1; done; }
