#!/usr/bin/env bash
# ponto content hash in the eyes of others: every hash of a small and of a several-segment file again, with the openssl
# program and python3's hashlib, from what [MS-PCCRC] says and not from our code. And the command as a user meets it.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
needs openssl python3
own_folder
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work"
unset XDG_CONFIG_HOME
home=$work/home
ponto() { "${plain_user[@]}" env HOME="$home" "$build/ponto" "$@"; }
cd "$work" || exit 1
"${plain_user[@]}" mkdir home other
# refused STATUS TEXT COMMAND...: one line on standard error, nothing on standard output
refused() {
	local status=$1 text=$2 got
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	if [ $got = "$status" ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -qF -e "$text" err; then ok "$* -> $text"
	else not_ok "$* -> $status, $text" "got $got" "$(head -c 2000 out err)"; fi
}

# ---- the contents -------------------------------------------------------------------------------
python3 - <<'PY'
import random
open("small", "wb").write(bytes(i % 251 for i in range(128000)))
open("large", "wb").write(random.Random(5).randbytes(70 * 1024 * 1024 + 12345))
open("secret", "wb").write(b"no more secrets")
open("empty", "wb")
PY

# ---- by hashlib: Content Information read from the specification, everything in it made anew ------
cat >judge.py <<'PY'
import hashlib, hmac, json, struct, sys
file, info, listing, version, algorithm, secret = sys.argv[1:]
data, ci, told = open(file, "rb").read(), open(info, "rb").read(), json.load(open(listing))
C2 = "MS_P2P_CACHING\0".encode("utf-16-le")
name, size = (algorithm, hashlib.new(algorithm).digest_size) if version == "1" else ("sha512", 32)
def H(b): return hashlib.new(name, b).digest()[:size]
def M(key, b): return hmac.new(key, b, name).digest()[:size]
ks = H(open(secret, "rb").read())
at = 0
def take(form):
    global at
    fields = struct.unpack_from(form, ci, at)
    at += struct.calcsize(form)
    return fields
segments = []                                   # offset, size, HoD, Kp, block hashes
if version == "1":
    code = {"sha256": 0x800C, "sha384": 0x800D, "sha512": 0x800E}[algorithm]
    *head, n = take("<HIIII")
    assert head == [0x0100, code, 0, 0], head
    for i in range(n):
        offset, length, block, hod, kp = take("<QII%ds%ds" % (size, size))
        assert block == 65536 and offset == i * 33554432
        assert length == min(33554432, len(data) - offset)
        segments.append([offset, length, hod, kp])
    for s in segments:
        n, = take("<I")
        s.append([take("%ds" % size)[0] for _ in range(n)])
else:
    assert take(">BBBQQIQ") == (0, 2, 4, 0, 0, 0, 0)
    offset = 0
    while at < len(ci):
        kind, length = take(">BI")
        assert kind == 0 and length > 0 and length % 68 == 0
        for _ in range(length // 68):
            n, hod, kp = take(">I32s32s")
            assert 1 <= n <= 131072
            segments.append([offset, n, hod, kp, [H(data[offset:offset + n])]])
            offset += n
assert at == len(ci)
assert sum(s[1] for s in segments) == len(data)
assert len(segments) == len(told["segments"]) == told["segment_count"]
assert told["size"] == len(data) and told["information_size"] == len(ci)
assert told["block_count"] == sum(len(s[4]) for s in segments)
for (offset, length, hod, kp, blocks), t in zip(segments, told["segments"]):
    part = data[offset:offset + length]
    if version == "1":
        mine = [H(part[i:i + 65536]) for i in range(0, length, 65536)]
        assert blocks == mine
        assert hod == H(b"".join(mine))
    else:
        assert hod == H(part)
    assert kp == M(ks, hod)
    assert (t["offset"], t["size"], t["hod"]) == (offset, length, hod.hex())
    assert t["id"] == M(kp, hod + C2).hex()
    assert t["blocks"] == [b.hex() for b in blocks]
PY
judged() { # FILE VERSION ALGORITHM
	local options=(--version "$2")
	[ "$2" = 2 ] || options+=(--algorithm "$3")
	rm -f info
	ponto content hash "$1" "${options[@]}" --secret secret -o info --json >listing &&
		python3 judge.py "$1" info listing "$2" "$3" secret
}
for file in small large; do
	echo "# proves DIST-009"
	echo "# proves DIST-015"
	echo "# proves DIST-018"
	echo "# proves DIST-020"
	check "hashlib: $file, version 1, SHA-256" judged $file 1 sha256
	check "hashlib: $file, version 1, SHA-384" judged $file 1 sha384
	check "hashlib: $file, version 1, SHA-512" judged $file 1 sha512
	echo "# proves DIST-028"
	echo "# proves DIST-029"
	echo "# proves DIST-066"
	echo "# proves DIST-077"
	check "hashlib: $file, version 2" judged $file 2 -
done
segments() { ponto content hash large "$@" | grep -c '^segment [0-9]'; }
check "the large file has three segments of version 1" [ "$(segments)" = 3 ]
check "and several hundred of version 2" [ "$(segments --version 2)" -gt 500 ]

# ---- by the openssl program ------------------------------------------------------------------------
digest() { openssl dgst -"$1" -binary | head -c "$2"; }
mac() { openssl dgst -"$1" -mac HMAC -macopt "hexkey:$2" -binary | head -c "$3"; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
bin() { python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$1"; }
c2=4d0053005f005000320050005f00430041004300480049004e0047000000
names() { # DIGEST BYTES HOD: the segment's ID
	local ks kp
	ks=$(digest "$1" "$2" <secret | hex)
	kp=$(bin "$3" | mac "$1" "$ks" "$2" | hex)
	bin "$3$c2" | mac "$1" "$kp" "$2" | hex
}
by_openssl_1() { # DIGEST BYTES
	local hod
	hod=$({ head -c 65536 small | digest "$1" "$2"; tail -c +65537 small | digest "$1" "$2"; } | digest "$1" "$2" | hex)
	printf '  id   %s\n  hod  %s\n' "$(names "$1" "$2" "$hod")" "$hod" >wanted
	ponto content hash small --algorithm "$1" --secret secret | grep '^  ' | cmp - wanted
}
by_openssl_2() {
	local hod at length
	ponto content hash small --version 2 --secret secret | grep '^  ' >got
	while read -r at length; do
		hod=$(tail -c +$((at + 1)) small | head -c "$length" | digest sha512 32 | hex)
		printf '  id   %s\n  hod  %s\n' "$(names sha512 32 "$hod")" "$hod"
	done < <(ponto content hash small --version 2 | sed -n 's/^segment .* offset \([0-9]*\)  size \([0-9]*\) .*/\1 \2/p') >wanted
	[ -s wanted ] && cmp got wanted
}
check "openssl: version 1, SHA-256" by_openssl_1 sha256 32
check "openssl: version 1, SHA-384" by_openssl_1 sha384 48
check "openssl: version 1, SHA-512" by_openssl_1 sha512 64
check "openssl: version 2" by_openssl_2

# ---- what is said without options --------------------------------------------------------------------
echo "# proves DIST-095"
check "version 1 and SHA-256 are the default" cmp <(ponto content hash small --secret secret -o -) \
	<(ponto content hash small --version 1 --algorithm sha256 --secret secret -o -)
same_again() { # HOME HOME
	home=$work/$1
	ponto content hash small -o - >one
	home=$work/$2
	ponto content hash small -o - >two
	home=$work/home
	[ -s one ] && cmp -s one two
}
differ() { ! same_again "$@"; }
echo "# proves DIST-001"
check "a secret key is made, and stays" same_again home home
check "another user has another" differ home other
check "it is for its owner alone" [ "$(stat -c %a:%s home/.config/ponto/content.secret)" = 600:32 ]
several() { # processes that make one at the same time take the same
	"${plain_user[@]}" mkdir -p new
	home=$work/new
	for i in 1 2 3 4 5 6; do ponto content hash small >made.$i & done
	wait
	home=$work/home
	[ -s made.1 ] && [ "$(cat made.? | sort | uniq -c | awk '$1 % 6' | wc -l)" = 0 ] && [ "$(ls -A new/.config/ponto)" = content.secret ]
}
check "six processes make one key" several
rm -f info
ponto content hash small --secret secret --output info >listing
check "Content Information is for its owner alone" [ "$(stat -c %a info)" = 600 ]
refused 1 "info: File exists" ponto content hash small -o info
check "--output - gives it alone" cmp info <(ponto content hash small --secret secret -o -)
kp=$(python3 -c 'import hmac,hashlib
d=open("small","rb").read(); h=lambda b: hashlib.sha256(b).digest()
print(hmac.new(h(b"no more secrets"), h(h(d[:65536])+h(d[65536:])), "sha256").hexdigest())')
{ ponto content hash small --secret secret; ponto content hash small --secret secret --json; } >listing
check "the segment secret is in the file" grep -q "$kp" <(hex <info)
check "and nowhere in what is printed" [ "$(grep -c "$kp" listing)" = 0 ]

# ---- refusals ------------------------------------------------------------------------------------------
"${plain_user[@]}" mkfifo fifo
install -m 0 small closed
refused 1 "closed: Permission denied" ponto content hash closed
refused 1 "nothere: No such file or directory" ponto content hash nothere
refused 1 "home: a directory, not a file" ponto content hash home
refused 1 "fifo: not a regular file" ponto content hash fifo
refused 1 "/dev/null: not a regular file" ponto content hash /dev/null
refused 1 "secret key" ponto content hash small --secret empty
refused 1 "larger than 1024 bytes" ponto content hash small --secret small
refused 1 "no/info: No such file or directory" ponto content hash small -o no/info
refused 2 "needs a FILE" ponto content hash
refused 2 "not also 'large'" ponto content hash small large
refused 2 "a version is 1 or 2" ponto content hash small --version 3
refused 2 "sha256, sha384 or sha512" ponto content hash small --algorithm md5
refused 2 "version 2 has one only" ponto content hash small --version 2 --algorithm sha512
refused 2 "-o needs a value" ponto content hash small -o
refused 2 "unknown option '-p'" ponto content hash small -p
full() { ponto content hash small --secret secret -o - >/dev/full; }
refused 1 "cannot write to standard output" full
nothing() { ponto content hash empty --secret secret | grep -q '^segments     0$' && ponto content hash empty --json | python3 -c 'import json,sys; assert json.load(sys.stdin)["segments"] == []'; }
check "an empty file has no segments" nothing
refused 1 "empty" ponto content hash empty --secret secret -o none
check "and leaves no Content Information" [ ! -e none ]
# Written to without pause, by a program that ends with this one.
python3 -c '
import os, sys
f = os.open("large", os.O_WRONLY)
parent = os.getppid()
open("writing", "w")
while os.getppid() == parent and not os.path.exists("enough"): os.pwrite(f, b"x", 0)' &
while [ ! -e writing ] && kill -0 $! 2>/dev/null; do sleep 0.1; done
refused 1 "large: changed while it was hashed; nothing is kept" ponto content hash large --secret secret -o none
touch enough
wait
check "it leaves no Content Information" [ ! -e none ]

# ---- memory ----------------------------------------------------------------------------------------------
cat >memory.py <<'PY'
import os, resource, subprocess, sys
def peak(n):                                    # of a child in a process of its own
    r, w = os.pipe()
    if os.fork() == 0:
        with open("sparse", "wb") as f: f.truncate(n)
        subprocess.run(sys.argv[1:] + ["sparse", "--version", "2", "-o", "-"], check=True, stdout=subprocess.DEVNULL)
        os.write(w, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())
        os._exit(0)
    os.close(w)
    return int(os.read(r, 20))
small, large = peak(2 << 20), peak(512 << 20)
print(small, large)
assert large - small < 4096, "KiB"
PY
check "half a gigabyte takes no more memory than two megabytes" python3 memory.py "${plain_user[@]}" env HOME="$home" \
	"$build/ponto" content hash --secret secret
echo "1..$count"
[ $bad = 0 ]
