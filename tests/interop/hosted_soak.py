"""A hosted cache under mixed load, and what becomes of its memory and descriptors: run by hosted_soak.sh in a namespace of its
own, where every address of 127.0.0.0/8 is a host. Arguments: a name, the ports of retrieval and of HTTPS, the content server's,
the daemon's pid, seconds, a folder to write to, and the ponto command. Prints TAP cases; ends with their tally in FOLDER/tally.

Load, by threads that draw what to do next: offers of both versions that are served, under every cipher, and fetched back;
offers that nobody serves, that are served with wrong bytes, that are no messages; halves of requests; and ponto processes that
preload, export, import, list, clear and verify, some of which are killed.

The measure is no timed one: memory of the daemon under load at one time against that at another, and its descriptors when
nobody asks anything, once it is warm and at the end. How fast the machine is says only how much load lies between, and the
least of it is counted."""
import http.client
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import (HOSTED_1, HOSTED_2, PATH, V1, V2, Info, Peer, Segment, ask, batched_offer, descriptor, get, getblklist,
                      getblks, initial_offer, opened, sealed, segment_info)

name, port, secure, site, pid, seconds, folder, *cli = sys.argv[1:]
port, secure, site, pid, seconds = int(port), int(secure), int(site), int(pid), float(seconds)
trust = ssl.create_default_context(cafile="ca.pem")
THREADS = 6
SAMPLES = 60             # of the measured time, at least, unless it is shorter than a minute
LEAST = 20               # times that each kind of load came, before it is measured
GROWTH = 8 << 20         # bytes: what a store's levels differ by, at the same load
DESCRIPTORS = 8          # files of a store
REST = 45                # seconds: longer than http-mhd keeps a connection that is idle
stop, lock = threading.Event(), threading.Lock()
done, begun, faults = {}, {}, []  # what came of it; how often each kind of load was begun


class Shared(Peer):
    """One for a whole class of hosts: it listens on all addresses."""

    def __init__(self):
        super().__init__("0.0.0.0")

    def offer(self, blocks):
        with self.lock:
            del self.asked[:-100]
            for old in list(self.blocks)[:max(0, len(self.blocks) - 600)]:
                del self.blocks[old]
            self.blocks = {**self.blocks, **blocks}


honest, liar, silent = Shared(), Shared(), Shared()
silent.silent = True


def host(r, kind):
    """An address of such a host: some come back, of the bad ones most do not."""
    return "127.%d.%d.%d" % (kind, r.randrange(4 if kind == 1 else 250), r.randrange(1, 250))


def post(body, source, https=False, path=None):
    if https:
        c = http.client.HTTPSConnection("localhost", secure, timeout=60, source_address=(source, 0), context=trust)
    else:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    try:
        c.request("POST", path or (HOSTED_1 if https else HOSTED_2), body=body)
        a = c.getresponse()
        return a.status, a.read()
    finally:
        c.close()


def pulled(identifier, count=1):
    """Whether it came within a while: bounds, and hosts that were left alone, may keep it from being fetched."""
    for _ in range(100):
        answer = ask(port, getblklist(identifier, [(0, 512)]))
        if answer and sum(n for _, n in answer.ranges().list) == count:
            return True
        if stop.wait(0.05):
            break
    return False


# ---- contents of version 1.0, sealed once ---------------------------------------------------------

class Described(Segment):
    def __init__(self, r, crypto):
        self.content = r.randbytes(r.randrange(1, 6 * 65536))
        super().__init__(1, "sha256", 32, 0, 0, len(self.content), b"", r.randbytes(32))
        parts = [self.content[i:i + 65536] for i in range(0, len(self.content), 65536)]
        self.blocks = [self.hash(p) for p in parts]
        self.hod = self.hash(b"".join(self.blocks))
        iv = r.randbytes(16)
        self.served = {(self.id(), i): (crypto, iv, sealed(p, self.kp, iv, crypto)) for i, p in enumerate(parts)}


first = random.Random(name)
described = [Described(first, i % 4) for i in range(16)]


# ---- what there is to do ------------------------------------------------------------------------------

def relayed(r):
    """Version 2.0: random bytes under every cipher come back as they were."""
    crypto, size, identifier = r.randrange(4), r.randrange(1, 131073), r.randbytes(32)
    data = r.randbytes(size if crypto == 0 else size // 16 * 16 + 16)
    block = (crypto, r.randbytes(16) if crypto else b"", data)
    honest.offer({(identifier, 0): block})
    assert post(batched_offer(honest.port, [descriptor(size, size, identifier)]), host(r, 1)) == (200, b"\0\0\0\1\0")
    if not pulled(identifier):
        return "relayed, not pulled"
    a = ask(port, getblks(identifier, 0)).block()
    assert not a.data or (a.crypto, a.iv, a.data) == block, "other bytes than were offered"
    return "relayed"


def verified(r):
    """Version 1.0: what is opened is what was offered."""
    s = r.choice(described)
    honest.offer(s.served)
    source = host(r, 1)
    status, _ = post(initial_offer(honest.port, s.id()), source, True)
    assert status == 200
    assert post(segment_info(honest.port, s), source, True)[0] == 200
    if not pulled(s.id(), s.count()):
        return "verified, not pulled"
    i = r.randrange(s.count())
    a = ask(port, getblks(s.id(), i)).block()
    assert not a.data or opened(a, s) == s.content[65536 * i:][:s.block_size(i)], "other bytes than were offered"
    return "verified"


def never_served(r):
    some = [descriptor(1000, 1000, r.randbytes(32)) for _ in range(r.randrange(1, 129))]
    assert post(batched_offer(r.choice((silent.port, 1)), some), host(r, 2))[0] == 200
    return "never served"


def wrong(r):
    s = Described(r, 0)
    liar.offer({k: (0, b"", bytes(len(v[2]))) for k, v in s.served.items()})
    assert post(segment_info(liar.port, s), host(r, 3), True)[0] == 200
    return "wrong blocks"


def malformed(r):
    body = bytearray(r.choice((batched_offer(1, [descriptor(9, 9, bytes(32))] * 3), segment_info(1, described[0]),
                               getblks(bytes(32), 0))))
    for _ in range(r.randrange(1, 6)):
        body[r.randrange(len(body))] = r.randrange(256)
    path = r.choice((HOSTED_2, PATH))
    try:
        status, _ = post(bytes(body[:r.randrange(len(body) + 1)]), host(r, 4), path=path)
        assert status in (200, 400), status
    except (http.client.BadStatusLine, ConnectionError):
        assert path == PATH  # such a request may end without an answer
    return "malformed"


def half(r):
    with socket.create_connection(("127.0.0.1", port), 60, (host(r, 5), 0)) as s:
        s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" % HOSTED_2.encode()[:r.randrange(1, 40)])
    return "half requests"


def unknown(r):
    """Neighbours ask for much that is not held."""
    for _ in range(20):
        ask(port, getblks(r.randbytes(32), 0))
    return "asked in vain"


def ponto(r, *arguments, kill=False):
    p = subprocess.Popen([*cli, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if kill:
        stop.wait(r.random() / 5)
        p.send_signal(signal.SIGKILL)
        p.communicate()
        return "ponto, killed"
    said = p.communicate()[1]
    # A refusal is an answer. One that took longer than a second to be heard of may be busy; one that is gone is a fault.
    assert p.returncode in (0, 1) or (p.returncode == 3 and os.path.exists("/proc/%d" % pid)), (arguments, p.returncode, said)
    return "ponto " + " ".join(arguments[1:3] if arguments[0] == "content" else arguments[:2])


def command(r):
    kill, mine = r.random() < 0.2, "%s/%d.package" % (folder, threading.get_ident())
    url = "http://127.0.0.1:%d/file%d" % (site, r.randrange(4))
    what = r.randrange(10)
    if what < 3:
        return ponto(r, "content", "cache", "preload", url, kill=kill)
    if what < 6:
        result = ponto(r, "content", "cache", "export", mine, url, kill=kill)
        if os.path.exists(mine):
            if r.random() < 0.3:
                with open(mine, "r+b") as f:
                    f.seek(r.randrange(os.path.getsize(mine)))
                    f.write(r.randbytes(3))
            if r.random() < 0.5:
                ponto(r, "content", "cache", "clear", "--tag", "Ponto")
            ponto(r, "content", "cache", "import", mine, kill=kill)
        return result
    if what == 6:
        return ponto(r, "content", "cache", "verify", kill=kill)
    return ponto(r, "content", "cache", ("list", "stats", "top")[what - 7], kill=kill)


LOAD = [(relayed, 30), (verified, 12), (never_served, 4), (wrong, 5), (malformed, 12), (half, 8), (unknown, 5), (command, 8)]


def worker(number):
    r = random.Random("%s %d" % (name, number))
    while not stop.is_set():
        what = r.choices([f for f, _ in LOAD], [w for _, w in LOAD])[0]
        try:
            kind = what(r)
        except Exception as e:
            if stop.is_set():
                return
            kind = "FAULT"
            with lock:
                faults.append("%s: %s: %s" % (what.__name__, type(e).__name__, e))
            print(faults[-1], file=sys.stderr, flush=True)
        with lock:
            done[kind] = done.get(kind, 0) + 1
            begun[what] = begun.get(what, 0) + 1


# ---- the measure ------------------------------------------------------------------------------------------

def sample():
    """Anonymous memory and descriptors: what the daemon takes itself, not what is mapped of files."""
    with open("/proc/%d/status" % pid) as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))
    return rss << 10, len(os.listdir("/proc/%d/fd" % pid))


def metric(what):
    text = subprocess.run([*cli, "node", "metrics"], capture_output=True, text=True).stdout
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("ponto_" + what + "{"))


def turned_over():
    """Every kind of load came often enough, and the cache is full: it has begun to make room, and goes on with it."""
    with lock:
        if min(begun.get(f, 0) for f, _ in LOAD) < LEAST:
            return False
    return metric("dist_cache_evicted_total") >= 2 * metric("dist_cache_segments") > 0


tally = [0, 0]


def case(text, right, *more):
    tally[0] += 1
    tally[1] += not right
    print("%s %d - %s: %s" % ("ok" if right else "not ok", tally[0], name, text))
    for line in more:
        print("#", line)


def begin():
    stop.clear()
    threads = [threading.Thread(target=worker, args=(i,), daemon=True) for i in range(THREADS)]
    for t in threads:
        t.start()
    return threads


def at_rest(threads, wanted=0):
    """Descriptors when the load is over and connections that were kept are closed: no fewer have come for REST seconds, or as
    few as wanted."""
    stop.set()
    for t in threads:
        t.join(90)
    least, since = sample()[1], time.time()
    while least > wanted and time.time() < since + REST:
        time.sleep(1)
        files = sample()[1]
        if files < least:
            least, since = files, time.time()
    return least


started = time.time()
threads = begin()
while not faults and not turned_over():
    print("%.0f s: warming up: %s" % (time.time() - started, dict(done)), file=sys.stderr, flush=True)
    time.sleep(5)
warm = time.time() - started
files_before = at_rest(threads)
before = dict(done)
threads = begin()
taken, step = [], max(1.0, seconds / SAMPLES)
end = time.time() + seconds
while time.time() < end or len(taken) < 9:
    taken.append(sample())
    print("%.0f s: %.1f MiB, %d descriptors" % (time.time() - started, taken[-1][0] / 2**20, taken[-1][1]), file=sys.stderr,
          flush=True)
    time.sleep(min(step, max(0.1, end - time.time())))
load = {k: v - before.get(k, 0) for k, v in sorted(done.items())}
evicted = metric("dist_cache_evicted_total")
files_after = at_rest(threads, files_before)
third = len(taken) // 3
memory, files = [m for m, _ in taken], [f for _, f in taken]


def level(values, part):
    """The highest of the first third, or of the last: levels rise and fall with what a store writes."""
    return max(values[:third]) if part == 0 else max(values[-third:])


case("nothing was wrong", not faults, *faults[:20])
case("memory is flat: %.1f MiB at most in the first third, %.1f in the last" % (level(memory, 0) / 2**20, level(memory, 1) / 2**20),
     level(memory, 1) <= level(memory, 0) + GROWTH)
case("descriptors at rest are as many as before: %d, %d after" % (files_before, files_after),
     files_after <= files_before + DESCRIPTORS)
print("# %s: warm after %.0f s, measured for %.0f s, %d samples; %d segments made room in all" % (name, warm, seconds, len(taken), evicted))
print("# %s: %s" % (name, ", ".join("%s %d" % i for i in load.items())))
print("# %s: MiB %s" % (name, " ".join("%.1f" % (m / 2**20) for m in memory[::max(1, len(memory) // 20)])))
print("# %s: descriptors %s" % (name, " ".join("%d" % f for f in files[::max(1, len(files) // 20)])))
with open(folder + "/tally", "w") as f:
    f.write("%d %d\n" % tuple(tally))
