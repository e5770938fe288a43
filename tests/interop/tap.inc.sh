# Tests in TAP. Sourced; $work is for what a check says, and holds the logs that bail shows: log, and NAME.log for each NAME in
# $logs.
exec {tap}>&1
count=0 bad=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
not_ok() {
	count=$((count + 1)) bad=$((bad + 1))
	echo "not ok $count - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | head -n 40 | sed 's/^/# /'
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', not '$3'"; fi; }
proves() { printf '# proves %s\n' "$@"; }
# needs PROGRAM...: the whole script is skipped where one is missing
needs() {
	local program
	for program; do command -v "$program" >/dev/null || { echo "1..0 # SKIP $program is not installed"; exit 0; }; done
}
# $work is from now on a folder of the script's own, and goes at its end with all that was started.
own_folder() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-$(basename "$0" .sh)-XXXXXX")
	trap 'kill $(jobs -p) 2>/dev/null || :; wait 2>/dev/null; rm -rf "$work"' EXIT
	chmod 755 "$work"
	unset PONTO_ENDPOINT PONTO_PASSWORD
}
# Without privilege: permissions would not be asked otherwise.
plain_user=()
[ "${PONTO_IN_NAMESPACE-$(id -u)}" != 0 ] || plain_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
# check NAME COMMAND...: one test. In this shell, which alone can wait for the processes that it started.
check() {
	local checked=$1
	shift
	if "$@" >"$work/said" 2>&1; then ok "$checked"; else not_ok "$checked" "$(cat "$work/said")"; fi
}
bail() {
	echo "Bail out! $*"
	for n in ${logs-A B C D}; do sed "s/^/# $n: /" "$work/$n.log" 2>/dev/null | tail -n 20; done
	sed 's/^/# /' "$work/log" 2>/dev/null | tail -n 20
	exit 1
} >&"$tap"
# tries N COMMAND...: at the most so often, a tenth of a second apart, until it succeeds
tries() {
	local left=$1
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}
# until_true N COMMAND...: the same, and for two minutes at the least: the machine may have other things to do
until_true() {
	local end=$((SECONDS + 120))
	until tries "$@"; do [ $SECONDS -lt $end ] || return 1; done
}
