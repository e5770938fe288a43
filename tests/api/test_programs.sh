#!/bin/bash
# Programs compiled with what pkg-config says and nothing else: wmain in C and C++, identifiers, fortified code, and the
# port of docs/porting.md by the commands printed there.
src=${PONTO_SRCDIR:-.}
build=${PONTO_BUILDDIR:-.}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0
export CC=${CC:-cc} PKG_CONFIG_PATH=$build/api
# A socket that nobody listens to: these programs are about themselves.
export XDG_RUNTIME_DIR=$dir PONTO_ENDPOINT=ipc://$dir/none

report() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

program() { # NAME COMPILER…: the source from standard input
	local name=$1
	shift
	"$@" - -o "$dir/$name" $(pkg-config --cflags ponto-win32) $extra -x none $(pkg-config --libs ponto-win32) 2>&1 | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

program words $CC -O2 -D_FORTIFY_SOURCE=2 -Wall -x c <<'C'
#define UNICODE
#define _UNICODE
#include <windows.h>
#include <tchar.h>
int _tmain(int argc, TCHAR *argv[], TCHAR *envp[])
{
	WCHAR line[64];

	for (int i = 1; i < argc; i++)
		wprintf(L"[%s]", argv[i]);
	while (fgetws(line, 64, stdin))
		_tprintf(_T("{%s}"), line);
	fprintf(stdout, "%S %lu\n", L"\u20ac", (DWORD)7);
	return envp[0] == NULL;
}
C
[ "$(printf 'a\nb' | "$dir/words" 'ä b' '😀')" = $'[ä b][😀]{a\n}{b}€ 7' ]
report "wmain in C"

program plain $CC -x c <<<$'#include <stdio.h>\nint main(void) { return wprintf(L"%s", L"plain") == 5 ? 0 : 1; }'
[ "$("$dir/plain")" = plain ]
report "a main of its own is left alone"

cat >"$dir/one.c" <<'C'
#include <p2p.h>
#include <initguid.h>
#include <p2p.h>
#include <pnrpns.h>
DEFINE_GUID(MINE, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
DEFINE_GUID(MINE, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
C
cat >"$dir/two.c" <<'C'
#include <initguid.h>
#include <pnrpns.h>
DEFINE_GUID(MINE, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
int wmain(void)
{
	return MINE.Data1 == 1 && MINE.Data4[7] == 11 && NS_PROVIDER_PNRPNAME.Data1 == 0x03fe89cd ? 0 : 1;
}
C
$CC "$dir/one.c" "$dir/two.c" -o "$dir/guids" $(pkg-config --cflags --libs ponto-win32) && "$dir/guids"
report "identifiers are defined again and again, in one source and in two"

if command -v g++ >/dev/null; then
	# The mode is C++'s own when the flag for 16-bit wchar_t is taken back.
	extra=-fno-short-wchar program char16 g++ -std=gnu++17 -Wall -x c++ <<'C'
#include <windows.h>
#include <p2p.h>
#include <strsafe.h>
#include <stdio.h>
#include <string>
#include <iostream>
static_assert(sizeof(WCHAR) == 2 && sizeof(wchar_t) == 4);
int wmain(int argc, WCHAR *argv[])
{
	std::u16string name = argc > 1 ? argv[1] : u"";
	WCHAR text[32];
	std::wstring host = L"host";

	StringCchPrintfW(text, 32, u"<%s:%d>", name.c_str(), 5);
	wprintf(u"%s", text);
	std::cout << wcslen(text) << ' ' << wcslen(host.c_str()) << std::endl;
	return _wcsicmp(text, u"<\u00e4:5>");
}
C
	[ "$("$dir/char16" ä)" = '<ä:5>5 4' ]
	report "C++17 in char16_t mode"
	extra= program short g++ -std=gnu++17 -x c++ <<'C'
#include <windows.h>
#include <cwchar>
#include <cstdio>
int wmain(int argc, wchar_t **argv)
{
	return std::wcslen(argv[argc - 1]) == 2 && std::wcschr(argv[1], L'b') == argv[1] + 1 && std::printf("%S\n", argv[1]) == 3 ? 0 : 1;
}
C
	[ "$("$dir/short" ab)" = ab ]
	report "C++17 with 16-bit wchar_t"
else
	cases=$((cases + 1))
	echo "ok $cases - C++17 # SKIP no g++"
fi

# ---- docs/porting.md ----

fence() { # LANGUAGE N: the Nth block of that language
	awk -v language="$1" -v wanted="$2" '/^```/ { if (on) { on = 0; next } if ($0 == "```" language && ++n == wanted) { on = 1; next } } on' \
		"$src/docs/porting.md"
}

fence c 1 >"$dir/resolve.c"
grep -q wmain "$dir/resolve.c" && (cd "$dir" && fence sh 1 | sed "s/^cc /$CC /" | sh -e) 2>&1 | sed 's/^/# /'
[ -x "$dir/resolve" ]
report "the port in docs/porting.md compiles by the commands there"
message=$("$dir/resolve" 0.chat 2>&1)
[ $? -eq 1 ] && grep -q '0x8' <<<"$message"
report "and says what is wrong without a daemon"
echo "1..$cases"
