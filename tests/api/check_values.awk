# Reads api.tsv (api, kind, name, header, prototype or members, summary) and writes a C program that compiles only if the
# headers agree with it (prototypes, types, sizes and offsets, enumerators, codes), and that returns how many constants
# of text and identifiers differ.
BEGIN {
	FS = "\t"
	print "#define _WIN32_WINNT 0x0602\n#include <initguid.h>\n#include <p2p.h>\n#include <peerdist.h>\n#include <pnrpns.h>\n#include <wincrypt.h>\n#include <string.h>\n"
	print "#define SAME(a, b) _Static_assert((unsigned int)(a) == (unsigned int)(b), #a)"
	print "#define FITS(type, member) _Static_assert(offsetof(type, member) == offsetof(struct ref_##type, member), #type \".\" #member)"
	print "#define WHOLE(type) _Static_assert(sizeof(type) == sizeof(struct ref_##type), #type)"
	# What the row DWORD says in words.
	print "_Static_assert(sizeof(BYTE) == 1 && sizeof(WORD) == 2 && sizeof(USHORT) == 2 && sizeof(WCHAR) == 2, \"small\");"
	print "_Static_assert(sizeof(DWORD) == 4 && sizeof(ULONG) == 4 && sizeof(LONG) == 4 && sizeof(INT) == 4, \"32 bits\");"
	print "_Static_assert(sizeof(BOOL) == 4 && sizeof(HRESULT) == 4 && (DWORD)-1 > 0 && (ULONG)-1 > 0, \"signs\");"
	print "_Static_assert((LONG)-1 < 0 && (BOOL)-1 < 0 && (HRESULT)-1 < 0 && sizeof(ULONGLONG) == 8, \"signs\");"
	print "_Static_assert(sizeof(ULONG_PTR) == sizeof(void *) && sizeof(SOCKADDR_STORAGE) == 128, \"pointers\");"
	print "_Static_assert(offsetof(SOCKADDR_IN6, sin6_port) == 2 && offsetof(SOCKADDR_IN6, sin6_flowinfo) == 4, \"in6\");"
	print "_Static_assert(offsetof(SOCKADDR_IN6, sin6_addr) == 8 && offsetof(SOCKADDR_IN6, sin6_scope_id) == 24, \"in6\");"
}

$1 == "api" { next }

function members(name, body,    depth, part, i, c, words, n) {
	depth = 0
	part = ""
	for (i = 1; i <= length(body); i++) {
		c = substr(body, i, 1)
		if (c == "{") depth++
		if (c == "}") depth--
		if (c != ";" || depth > 0) { part = part c; continue }
		sub(/\[.*\]$/, "", part)
		n = split(part, words, /[ *}]+/)
		# A union without a name has members, not a place of its own.
		if (part !~ /\}$/ && words[n] != "") print "FITS(" name ", " words[n] ");"
		part = ""
	}
}

# typedef struct TAG { BODY } NAME, …
function structure(name, text,    start, body, i, depth, c) {
	gsub(/unsigned long Data1/, "unsigned int Data1", text)
	gsub(/\/\* 32-bit \*\//, "", text)
	gsub(/\/\* DWORD cbData; BYTE \*pbData \*\//, "", text)
	start = index(text, "{")
	depth = 0
	for (i = start; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "{") depth++
		if (c == "}" && --depth == 0) break
	}
	body = substr(text, start + 1, i - start - 1)
	print "struct ref_" name " {" body "};\nWHOLE(" name ");"
	members(name, body)
	count++
}

$2 == "function" {
	gsub(/\/\*[a-z,]*\*\//, "", $5)
	print $5
	count++
}
$2 == "struct" { structure($3, $5) }
$2 == "type" && $5 ~ /^typedef struct/ { structure($3, $5) }
$2 == "type" && $5 ~ /^typedef [^s]/ && $5 !~ /\/\*/ { print $5; count++ }
$2 == "enum" {
	text = substr($5, index($5, "{") + 1)
	text = substr(text, 1, index(text, "}") - 1)
	n = split(text, pairs, ",")
	for (i = 1; i <= n; i++) { split(pairs[i], pair, "="); print "SAME(" pair[1] ", " pair[2] ");" }
	print "_Static_assert(sizeof(" $3 ") == 4, \"" $3 "\");"
	count++
}
$2 == "errorcode" { print "SAME(" $3 ", " $5 ");"; count++ }
$2 == "constant" {
	value = $5
	sub(/.* = /, "", value)
	if (value ~ /^L"/) texts[$3] = substr(value, 2)
	else if (value ~ /^GUID /) guids[$3] = value
	else print "SAME(" $3 ", " value ");"
	count++
}

END {
	print "static int wrong_text(const WCHAR *a, const char *b)\n{\n\twhile (*a && *a == (unsigned char)*b)\n\t\ta++, b++;"
	print "\treturn *a != (unsigned char)*b;\n}\n"
	print "static int wrong_guid(const GUID *guid, const char *expected)\n{\n\tRPC_CSTR text;\n\tint wrong;\n"
	print "\tif (UuidToStringA(guid, &text) != RPC_S_OK)\n\t\treturn 1;\n\twrong = strcmp((char *)text, expected) != 0;"
	print "\tRpcStringFreeA(&text);\n\treturn wrong;\n}\n"
	print "int main(void)\n{\n\tint wrong = 0;\n"
	for (name in texts) print "\twrong += wrong_text(" name ", " texts[name] ");"
	for (name in guids) {
		match(guids[name], /\{[^}]*\}/)
		print "\twrong += wrong_guid(&" name ", \"" substr(guids[name], RSTART + 1, RLENGTH - 2) "\");"
	}
	print "\treturn wrong;\n}"
	print "/* rows: " count " */"
}
