"""A hosted cache that is not ours, for a client that is: run by hosted_client.sh in its folder; arguments: the ports of
content servers of version 1.0 and 2.0, cases so far. It takes offers of both versions, pulls what is offered, and gives it on."""
import http.client
import json
import os
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import (HOSTED_1, HOSTED_2, V1, V2, Info, Peer, Tap, ask, get, getblklist, getblks, opened)

servers, cases = {1: int(sys.argv[1]), 2: int(sys.argv[2])}, int(sys.argv[3])
tap = Tap(cases)
content = open("www/file", "rb").read()
infos = {1: Info(get(servers[1], "/file", V1)[2]), 2: Info(get(servers[2], "/file", V2)[2])}
OK, INTERESTED = b"\0\0\0\1\0", b"\0\0\0\1\1"


class Cache(Peer):
    """What it is told is in offers: (type, port, tag, ...)."""

    def __init__(self, context=None, pull=True, interested=True):
        self.offers, self.pull, self.interested, self.mangle, self.context = [], pull, interested, None, context
        Peer.__init__(self)
        self.server.handle_error = lambda *arguments: None  # clients that left, and refused certificates
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.retrieval = Peer()  # of version 1.0 retrieval stays on HTTP
        else:
            self.retrieval = self

    def post(self, request, body):
        if request.path == (HOSTED_1 if self.context else HOSTED_2):
            self.reply(request, self.offer(body, request.client_address[0]))
        else:
            Peer.post(self, request, body)

    def offer(self, body, address):
        minor, major, kind, padding, port = struct.unpack_from(">BBHIH", body)
        assert (minor, major, padding) == (0, 1 if self.context else 2, 0) and body[10:16] == bytes(6)
        if kind == 1:
            self.offers.append((kind, port, None, body[16:]))
            return INTERESTED if self.interested else OK
        if kind == 2:
            tag, info = body[16:32], Info(body[32:])
            assert len(info.segments) == 1
            segment = info.segments[0]
            offset, read = struct.unpack_from("<II", body, 38)
            self.offers.append((kind, port, tag, segment.id(), offset, read, segment))
            self.fetch(address, port, [(segment.id(), segment.count())])
            return OK
        assert kind == 3 and (len(body) - 16) % 59 == 0 and 1 <= (len(body) - 16) // 59 <= 128
        wanted = []
        for at in range(16, len(body), 59):
            block, size, tag_size = struct.unpack_from(">IIH", body, at)
            tag, algorithm, identifier = body[at + 10:at + 26], body[at + 26], body[at + 27:at + 59]
            assert tag_size == 16 and algorithm in (1, 4)
            self.offers.append((kind, port, tag, identifier, block, size, algorithm))
            wanted.append((identifier, 1 if algorithm == 4 else (size + 65535) // 65536))
        self.fetch(address, port, wanted)
        return OK

    def fetch(self, address, port, wanted):
        if self.pull:
            threading.Thread(target=self.pull_all, args=(address, port, wanted), daemon=True).start()

    def pull_all(self, address, port, wanted):
        for identifier, count in wanted:
            for i in range(count):
                if (identifier, i) in self.retrieval.blocks:
                    continue
                try:
                    a = ask(port, getblks(identifier, i), host=address).block()
                except (OSError, http.client.HTTPException):
                    return  # the client is gone
                if a.data:
                    data = self.mangle(a.data) if self.mangle else a.data
                    self.retrieval.blocks[identifier, i] = (a.crypto, a.iv, data)


def ponto(*arguments):
    return subprocess.run(os.environ["PONTO_CLIENT"].split() + list(arguments), capture_output=True, text=True)


def client(hosted, more=""):
    """Starts a client of these caches; ends the one before."""
    open("hosted", "w").write("hosted = [%s]; %s" % (", ".join('"%s"' % h for h in hosted), more))
    assert subprocess.run(["./restart"]).returncode == 0, open("client.log").read()


def fetch(version, clear=True):
    """Where the bytes came from."""
    if clear:
        assert ponto("content", "cache", "clear").returncode == 0
    if os.path.exists("got/file"):
        os.unlink("got/file")
    done = ponto("--json", "content", "fetch", "http://127.0.0.1:%d/file" % servers[version], "-o", "got/file")
    assert done.returncode == 0, done.stderr
    assert open("got/file", "rb").read() == content
    return json.loads(done.stdout)


def until(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, what
        time.sleep(0.05)


def log():
    return open("client.log").read()


size = len(content)


@tap.case("version 2.0: asked for lists, then for blocks, then offered to", ["DIST-403", "DIST-412", "DIST-424", "DIST-446"])
def _():
    cache = Cache()
    client(["http://127.0.0.1:%d" % cache.port])
    segments = infos[2].segments
    report = fetch(2)
    assert report["origin"] == size and report["peers"] == 0, report
    asked = [ids for kind, _, ids in cache.asked if kind == 6]
    assert asked and {i for ids in asked for i in ids} == {s.id() for s in segments}
    requests = [n for kind, n, _ in cache.asked if kind == 6]
    assert len(set(requests)) == len(requests)
    until(lambda: {o[3] for o in cache.offers} == {s.id() for s in segments}, "not all is offered")
    for kind, port, tag, identifier, block, length, algorithm in cache.offers:
        s = next(s for s in segments if s.id() == identifier)
        assert (kind, block, length, algorithm) == (3, s.length, s.length, 4) and tag == b"Ponto".ljust(16, b"\0")
        assert ask(port, getblks(identifier, 0)).block().data
    assert len(cache.offers) == len(segments), "a segment is offered twice"
    until(lambda: len(cache.blocks) == len(segments), "the cache cannot pull")
    # Again, with nothing of its own: all of it from the cache.
    report = fetch(2)
    assert (report["origin"], report["peers"]) == (0, size), report
    cache.close()


@tap.case("version 1.0 contents under 2.0; that the cache lacks all is no fault", ["DIST-444", "DIST-447", "DIST-407", "DIST-498"])
def _():
    cache = Cache()
    client(["127.0.0.1:%d" % cache.port])
    segment = infos[1].segments[0]
    assert fetch(1)["origin"] == size
    assert cache.asked and not [line for line in log().splitlines() if " warning " in line or " error " in line], log()
    until(lambda: cache.held(segment.id()) == list(range(segment.count())), "not all is pulled")
    for o in cache.offers:
        assert o[3:] == (segment.id(), 65536, segment.length, 1)
    assert len(cache.offers) <= 8, "offered too often"
    assert not [k for k, _, _ in cache.asked if k == 6]
    assert fetch(1)["peers"] == size
    cache.close()


def secure(name="good"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("%s.pem" % name, "%s.key" % name)
    return context


def secure_client(cache, host="localhost"):
    client(["https://%s:%d" % (host, cache.port)], 'hosted_ca = "%s/ca.pem"; hosted_port = %d;' %
           (os.getcwd(), cache.retrieval.port))


@tap.case("version 1.0: offered, described, pulled; answers in chunks", ["DIST-485", "DIST-521", "DIST-431"])
def _():
    cache = Cache(secure())
    cache.chunked = True
    secure_client(cache)
    segment = infos[1].segments[0]
    assert fetch(1)["origin"] == size
    until(lambda: cache.retrieval.held(segment.id()) == list(range(segment.count())), "not all is pulled")
    kinds = [o[0] for o in cache.offers]
    assert kinds.count(1) == kinds.count(2) and kinds[0] == 1, kinds
    for o in cache.offers:
        assert o[3] == segment.id()
        if o[0] == 2:
            _, port, tag, _, offset, read, described = o
            assert tag == b"Ponto".ljust(16, b"\0") and (offset, read) == (0, segment.length)
            assert (described.hod, described.kp, described.blocks) == (segment.hod, segment.kp, segment.blocks)
            assert described.offset == segment.offset
    # What the cache pulled is what the client had.
    for i in range(segment.count()):
        a = ask(cache.retrieval.port, getblks(segment.id(), i)).block()
        assert opened(a, segment) == content[65536 * i:65536 * i + segment.block_size(i)]
    assert fetch(1)["peers"] == size
    cache.close()


@tap.case("one that is not interested gets no hashes", ["DIST-484"])
def _():
    cache = Cache(secure(), interested=False)
    secure_client(cache)
    assert fetch(1)["origin"] == size
    # Several shares of the segment, one after the other: hashes would have come in between.
    until(lambda: len(cache.offers) >= 3, "it is not offered")
    assert {o[0] for o in cache.offers} == {1}
    cache.close()


@tap.case("a certificate of another name, an expired one, one of an unknown root: nothing is offered, one clear line",
          ["DIST-480"])
def _():
    for certificate, host in (("other", "localhost"), ("expired", "localhost"), ("unknown", "localhost")):
        cache = Cache(secure(certificate))
        secure_client(cache, host)
        assert fetch(1)["origin"] == size
        until(lambda: "its certificate is not accepted" in log(), "nothing is said")
        assert not cache.offers
        assert log().count("its certificate is not accepted") <= 4, log()
        cache.close()


@tap.case("wrong blocks: the download is right, and the origin sends what they replace")
def _():
    cache = Cache()
    client(["127.0.0.1:%d" % cache.port])
    cache.mangle = lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:]
    assert fetch(2)["origin"] == size
    until(lambda: len(cache.blocks) == len(infos[2].segments), "it is not pulled")
    report = fetch(2)
    assert (report["origin"], report["peers"]) == (size, 0), report
    assert "one wrong block after the other" in log()
    cache.close()


@tap.case("answers that are none of the protocol: the download goes on")
def _():
    for data in (b"", b"\0\0\0\1\2", b"\0\0\0\2\0\0", b"hello" * 200):
        cache = Cache()
        cache.offer = lambda body, address: cache.offers.append(body) or data
        client(["127.0.0.1:%d" % cache.port])
        assert fetch(2)["origin"] == size
        until(lambda: "none of the Hosted Cache Protocol" in log(), "nothing is said")
        cache.close()


@tap.case("an error of the cache: the download goes on")
def _():
    cache = Cache()
    cache.status = 500
    client(["127.0.0.1:%d" % cache.port])
    assert fetch(2)["origin"] == size
    cache.close()


@tap.case("the first cache is down: the second is asked and offered to")
def _():
    cache = Cache()
    client(["127.0.0.1:1", "localhost:%d" % cache.port])
    assert fetch(2)["origin"] == size
    until(lambda: len(cache.blocks) == len(infos[2].segments), "not all is offered to the second")
    report = fetch(2)
    assert report["peers"] > size // 2, report
    assert log().count("127.0.0.1: no answer") <= 8
    cache.close()


@tap.case("all caches are down: as if there were none")
def _():
    client(["127.0.0.1:1", "127.0.0.1:2", "no-such-host.invalid"])
    assert fetch(2)["origin"] == size
    assert fetch(1)["origin"] == size


@tap.case("one that speaks version 1.0 of retrieval alone is asked for each segment", ["DIST-251", "DIST-497"])
def _():
    cache = Cache()
    whole = cache.retrieve

    def first_version(path, body):
        if body[7] == 6:
            out = struct.pack(">HHIIIHHHH", 0, 1, 1, 24, 1, 0, 1, 0, 1)
            return struct.pack(">I", len(out)) + out
        return whole(path, body)
    cache.retrieve = first_version
    client(["127.0.0.1:%d" % cache.port])
    assert fetch(2)["origin"] == size
    until(lambda: len(cache.blocks) == len(infos[2].segments), "not all is pulled")
    assert fetch(2)["peers"] == size
    cache.close()


@tap.case("nothing is offered that came from a cache, or was here")
def _():
    cache = Cache()
    client(["127.0.0.1:%d" % cache.port])
    fetch(2)
    until(lambda: len(cache.blocks) == len(infos[2].segments), "not all is pulled")
    cache.offers.clear()
    fetch(2)
    fetch(2, clear=False)
    # The one that is fetched from the origin afterwards is the only one offered.
    gone = infos[2].segments[3].id()
    del cache.blocks[gone, 0]
    assert fetch(2)["origin"] == infos[2].segments[3].length
    until(lambda: cache.offers, "what the origin sent is not offered")
    assert [o[3] for o in cache.offers] == [gone]
    cache.close()


with open("tally", "w") as f:
    f.write("%d %d\n" % (tap.count, tap.bad))
