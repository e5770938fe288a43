#!/bin/bash
# Dependencies point one way (docs/architecture.md): who may include what, in the sources. The rules are tried on a
# tree with one breach of each before they judge the real one.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0

report() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

# "FILE INCLUDED" for every include below the folders.
includes() { # ROOT FOLDER…
	local root=$1
	shift
	(cd "$root" && find "$@" -name '*.[ch]' -exec grep -EHo '^[ 	]*#[ 	]*include[ 	]*[<"][^>"]+' {} + |
		sed -E 's/:[ 	]*#[ 	]*include[ 	]*[<"]/ /') 2>/dev/null
}

engines_include_only_the_pure() {
	includes "$1" engines | grep -vE ' (engines/.*|framework/(base|cursor|digest|xml)\.h|(string|stdbool|stddef|stdint|limits|inttypes|assert)\.h)$'
}

# transport-udp4 and transport-udp6 are two names of one source.. A Teredo server and a relay have the same way to native hosts.
# Streams over a private network are TCP's streams, and Teredo carries them.
plugins_keep_to_themselves() {
	includes "$1" plugins | awk '{
		split($1, file, "/")
		split($2, other, "/")
		if ($2 ~ /^\.\.?\// || other[1] == "apps" || other[1] == "api" || other[1] == "tests")
			print
		else if (other[1] == "plugins" && other[2] != file[2] && !(file[2] == "transport-udp4" && other[2] == "transport-udp6") &&
			!(file[2] == "service-teredo-server" && other[3] == "teredo_tun.h") &&
			!(file[2] == "stack-netns" && (other[3] == "tcp.h" || other[3] == "stack_lwip.h")) &&
			!(file[2] == "transport-teredo" && (other[3] == "stack.h" || other[3] == "tcp.h")))
			print
	}'
}

the_framework_knows_no_protocol() {
	includes "$1" framework | grep -E ' (engines|plugins|apps|api|tests)/'
}

only_the_bus_and_the_daemon_speak_zeromq() {
	includes "$1" framework engines plugins apps api | grep -E ' zmq[a-z_]*\.h$' | grep -vE '^(framework/bus[a-z_]*\.[ch]|apps/pontod/)'
}

rules="engines_include_only_the_pure plugins_keep_to_themselves the_framework_knows_no_protocol
	only_the_bus_and_the_daemon_speak_zeromq"

breach() { # RULE FILE INCLUDE
	mkdir -p "$dir/$1/$(dirname "$2")"
	printf '#include <string.h>\n #  include %s\n' "$3" >"$dir/$1/$2"
	"$1" "$dir/$1" | grep -qF "$2 "
	report "$1: $3 is found in $2"
}

breach engines_include_only_the_pure engines/x/a.c '"framework/loop.h"'
breach engines_include_only_the_pure engines/x/b.h '<stdio.h>'
breach plugins_keep_to_themselves plugins/one/a.c '"plugins/two/two.h"'
breach plugins_keep_to_themselves plugins/one/b.c '"../two/two.h"'
breach plugins_keep_to_themselves plugins/one/c.c '"apps/pontod/x.h"'
breach the_framework_knows_no_protocol framework/a.c '"engines/pnrp/pnrp_codec.h"'
breach only_the_bus_and_the_daemon_speak_zeromq plugins/one/d.c '<zmq.h>'
breach only_the_bus_and_the_daemon_speak_zeromq apps/ponto/d.c '<zmq.h>'

for rule in $rules; do
	found=$("$rule" "${PONTO_SRCDIR:-.}")
	[ -z "$found" ] || sed 's/^/# /' <<<"$found"
	[ -z "$found" ]
	report "$rule"
done
echo "1..$cases"
