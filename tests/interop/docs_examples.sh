#!/usr/bin/env bash
# What the documents show and cli.sh and out_of_tree.sh do not run: the guided tour, contents, the configurations of the
# plugins' pages, and that no example of the README goes unrun.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs PATH=$build:$PATH
. "$top/tests/interop/tap.inc.sh"
own_folder
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work"

# ---- configurations of the plugins' pages ------------------------------------------------------
for page in "$top"/plugins/*/README.md; do
	name=${page#"$top/plugins/"}
	name=${name%/README.md}
	# Blocks of indented lines; a configuration begins with a group.
	awk -v out="$work/$name" '
		/^    / { if (!inside) { inside = 1; keep = /^    (node|transports|stores|security|discovery|http|services) *= *\{/; n += keep }
			  if (keep) print > (out "." n); next }
		{ inside = 0 }' "$page"
	for conf in "$work/$name".[0-9]*; do
		[ -e "$conf" ] || continue
		if out=$(ponto config check "$conf" 2>&1); then ok "$name: configuration ${conf##*.}"
		else not_ok "$name: configuration ${conf##*.}" "$out"; fi
	done
done

for conf in "$top"/docs/examples/configurations/*.conf; do
	if out=$(ponto config check "$conf" 2>&1); then ok "${conf##*/}"; else not_ok "${conf##*/}" "$out"; fi
done

# ---- ponto content: where the files are that the examples name ------------------------------------
mkdir "$work/content" "$work/home"
head -c 300000 "$build/ponto" >"$work/content/setup.iso"
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/content" "$work/home"
cd "$work/content" || exit 1
while IFS= read -r example; do
	rm -f setup.info
	# shellcheck disable=SC2086
	if out=$("${plain_user[@]}" env HOME="$work/home" "$build"/$example 2>&1) && grep -q '^  id   [0-9a-f]\{64\}$' <<<"$out" && [ -s setup.info ]
	then ok "$example"; else not_ok "$example" "$out"; fi
	examples=$((${examples:-0} + 1))
done < <({ sed -n 's/^    \(ponto content hash [^#]*\).*/\1/p' "$top/README.md"
	sed -n '/^\.nf/,/^\.fi/p' "$top/docs/man/ponto.1" | grep '^ponto content hash ' | sed 's/\\-/-/g'; })
if [ "${examples:-0}" = 2 ]; then ok "README.md and ponto(1) have an example each"; else not_ok "README.md and ponto(1) have an example each"; fi
cd - >/dev/null || exit 1

# ---- the README: every line of code is run by something -----------------------------------------
#   nss_pnrp.sh runs getent and curl; content_server.sh what publishes; cli.sh runs the other "ponto …" and checks the configuration; ./check is what runs this; the rest builds, or waits for Ctrl-C
while IFS= read -r line; do
	case $line in
	ponto\ *|'export PATH='*) ;;
	*' = { '*|' '*) ;;
	'getent ahosts '*|'curl http://home.p'*) ;;
	./run\ *|./check\ *|./autogen.sh\ *) ;;
	*) not_ok "README.md: somebody runs: $line" ;;
	esac
done < <(sed -n 's/^    //p' "$top/README.md")
ok "README.md: no example goes unrun"

# ---- docs/pnrp-wire.md: a row for each question, and the tests that it names are there ----------------
wire=$top/docs/pnrp-wire.md missing=
for n in $(seq 47); do grep -q "^| T$n |" "$wire" || missing+=" T$n"; done
while IFS= read -r name; do
	grep -rqE "unit_test[a-z_]*\(${name%…}" "$top/tests" || missing+=" $name"
done < <(sed -n 's/^| T.*| \([^|]*\) |$/\1/p' "$wire" | sed 's/`[^`]*`//g' | grep -oE '[a-z0-9]+(_[a-z0-9]+)+(_?…)?' | sort -u)
is "docs/pnrp-wire.md: no question without a row, no row with a test that is not there" "$missing" ""

# ---- ./run demo: what it does once everything is built -------------------------------------------
if out=$(cd / && "${plain_user[@]}" env HOME="$work" TMPDIR="$work" bash "$top/scripts/demo" 2>&1 </dev/null); then ok "the guided tour"
else not_ok "the guided tour" "$out"; fi
echo "1..$count"
[ $bad = 0 ]
