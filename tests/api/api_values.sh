#!/usr/bin/env bash
# What the headers declare against api.tsv: constants, enumerators and results have the documented values, structures the
# documented members at the places where a compiler puts them, functions the documented types. In both modes of WCHAR.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
ok() { cases=$((cases + 1)); echo "ok $cases - $1"; }
not_ok() { cases=$((cases + 1)); echo "not ok $cases - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }

# C that does not compile when something differs.
awk -F '\t' '
	function plain(text) { gsub(/\/\*[^*]*\*\//, "", text); return text }
	NR == 1 { next }
	$2 == "errorcode" || ($2 == "constant" && $5 ~ /^(0x[0-9A-Fa-f]+|-?[0-9]+)$/) {
		printf "_Static_assert((long long)(%s) == (long long)(__typeof__(%s))%s, \"%s\");\n", $3, $3, $5, $3
	}
	$2 == "enum" {
		body = $5; sub(/^[^{]*\{/, "", body); sub(/\}.*/, "", body)
		n = split(body, item, ",")
		for (i = 1; i <= n; i++) {
			split(item[i], part, "=")
			gsub(/[ \t]/, "", part[1]); gsub(/[ \t]/, "", part[2])
			printf "_Static_assert(%s == %s, \"%s\");\n", part[1], part[2], part[1]
		}
		name = $5; sub(/.*\}[ \t]*/, "", name); sub(/[,;].*/, "", name)
		printf "_Static_assert(sizeof(%s) == 4, \"%s\");\n", name, name
	}
	$2 == "struct" {
		body = plain($5); name = body
		sub(/^[^{]*\{/, "", body)
		sub(/\}[^}]*$/, "", body)
		sub(/.*\}[ \t]*/, "", name); sub(/[,;].*/, "", name); gsub(/[ \t]/, "", name)
		printf "struct documented_%s {%s};\n_Static_assert(sizeof(struct documented_%s) == sizeof(%s), \"%s\");\n", name, body, name, name, name
		if (body !~ /\{/) {
			n = split(body, member, ";")
			for (i = 1; i < n; i++) {
				field = member[i]; sub(/\[.*/, "", field); sub(/.*[ *]/, "", field)
				if (field == "") continue
				printf "_Static_assert(offsetof(struct documented_%s, %s) == offsetof(%s, %s) && __builtin_types_compatible_p(__typeof__(((struct documented_%s *)0)->%s), __typeof__(((%s *)0)->%s)), \"%s.%s\");\n", name, field, name, field, name, field, name, field, name, field
			}
		}
	}
	$2 == "function" { print plain($5) }
' "$top/tests/api/api.tsv" > "$work/checks.h"

for mode in -fshort-wchar -DPONTO_CHAR16; do
	printf '#include <p2p.h>\n#include <stddef.h>\n#include "checks.h"\n' > "$work/values.c"
	if out=$("${CC:-cc}" -std=gnu11 -Wall -Werror $mode -I"$top/api/include" -I"$work" -fsyntax-only "$work/values.c" 2>&1); then
		ok "values, members and prototypes are the documented ones: $mode"
	else
		not_ok "values, members and prototypes are the documented ones: $mode" "$out"
	fi
	# A wrong value is noticed.
	printf '#include <p2p.h>\n#include <stddef.h>\n#undef PEER_E_NO_MORE\n#define PEER_E_NO_MORE 0\n#include "checks.h"\n' > "$work/values.c"
	if "${CC:-cc}" -std=gnu11 $mode -I"$top/api/include" -I"$work" -fsyntax-only "$work/values.c" 2>/dev/null; then not_ok "a wrong value is noticed: $mode"
	else ok "a wrong value is noticed: $mode"; fi
	printf '#include <initguid.h>\n#include <p2p.h>\n#include <pnrpns.h>\n#include <p2p.h>\nPNRP_SCOPE scope;\n' > "$work/alone.c"
	if out=$("${CC:-cc}" -std=gnu11 -Wall -Werror $mode -I"$top/api/include" -fsyntax-only "$work/alone.c" 2>&1); then ok "initguid.h first, then everything twice: $mode"
	else not_ok "initguid.h first, then everything twice: $mode" "$out"; fi
	for header in p2p.h pnrpns.h pnrpdef.h P2P.h PnrpNs.h; do
		printf '#include <%s>\n#include <initguid.h>\n#include <%s>\nPNRP_SCOPE scope;\n' $header $header > "$work/alone.c"
		if out=$("${CC:-cc}" -std=gnu11 -Wall -Werror $mode -I"$top/api/include" -fsyntax-only "$work/alone.c" 2>&1); then ok "$header stands alone: $mode"
		else not_ok "$header stands alone: $mode" "$out"; fi
	done
done
# The identifiers, by what they contain.
cat > "$work/guid.c" <<'C'
#include <initguid.h>
#include <p2p.h>
#include <stdio.h>
static void show(const char *name, const GUID *g)
{
	printf("%s {%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}\n", name, g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1],
	       g->Data4[2], g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
}
int main(void)
{
	show("NS_PROVIDER_PNRPNAME", &NS_PROVIDER_PNRPNAME);
	show("NS_PROVIDER_PNRPCLOUD", &NS_PROVIDER_PNRPCLOUD);
	show("SVCID_PNRPCLOUD", &SVCID_PNRPCLOUD);
	show("SVCID_PNRPNAME_V1", &SVCID_PNRPNAME_V1);
	show("SVCID_PNRPNAME_V2", &SVCID_PNRPNAME_V2);
	return 0;
}
C
"${CC:-cc}" -std=gnu11 -DPONTO_CHAR16 -I"$top/api/include" "$work/guid.c" -o "$work/guid" && "$work/guid" > "$work/guids"
if awk -F '\t' '$5 ~ /^GUID \{/ { g = $5; sub(/^GUID /, "", g); print $3 " " g }' "$top/tests/api/api.tsv" | cmp -s - "$work/guids"; then ok "the identifiers are the documented ones"
else not_ok "the identifiers are the documented ones" "$(cat "$work/guids")"; fi
echo "1..$cases"
