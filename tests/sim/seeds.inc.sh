# Many seeds of a story, for a test that has set $seeds and defined story SEED, which sets the array story: the arguments of
# ponto-sim. One on each core; none begins after PONTO_DEADLINE. A failure prints the command that replays it.
sim=$PONTO_BUILDDIR/ponto-sim

in_time() { [ -z "${PONTO_DEADLINE-}" ] || [ "$(date +%s)" -lt "$PONTO_DEADLINE" ]; }
one() { # SEED FILE
	in_time || return 0
	local story output
	story "$1"
	if output=$("$sim" "${story[@]}" --check --quiet 2>&1); then
		echo "ok $1 - seed $1" >"$2"
	else
		{
			echo "not ok $1 - seed $1"
			echo "# replay: ponto-sim ${story[*]} --check"
			sed 's/^/# /' <<<"$output"
		} >"$2"
	fi
}
if [ "${1-}" = one ]; then one "$2" "$3"; exit; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-seeds-XXXXXX")
trap 'rm -rf "$work"' EXIT
seq "$seeds" | xargs -P "$(nproc)" -I{} bash "$0" one {} "$work/{}"
for seed in $(seq "$seeds"); do
	cat "$work/$seed" 2>/dev/null && continue
	if in_time; then echo "not ok $seed - seed $seed was not run"; continue; fi
	echo "ok $seed - seeds from here on # SKIP no time left"
	break
done
echo "1..$seed"
