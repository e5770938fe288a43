"""A hosted cache offered to by somebody else: run by hosted_cache.sh in its folder; arguments: the port of retrieval and of
offers of version 2.0, the port of HTTPS, the content server's, cases so far, the command that prints metrics."""
import http.client
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import (HOSTED_1, HOSTED_2, PATH, V1, V2, Info, Peer, Tap, all_blocks, ask, batched_offer, descriptor, get,
                      getblklist, getblks, initial_offer, offer_head, opened, segment_descriptor, segment_info)

port, secure, server, cases = (int(a) for a in sys.argv[1:5])
tap = Tap(cases)
content = open("www/file", "rb").read()
v1 = Info(get(server, "/file", V1)[2])
v2 = Info(get(server, "/file", V2)[2])
assert (v1.version, v2.version) == (1, 2)
OK, INTERESTED = b"\0\0\0\1\0", b"\0\0\0\1\1"
trust = ssl.create_default_context(cafile="ca.pem")


def post(body, path=HOSTED_2, source="127.0.0.1"):
    """Status and body of an offer of version 2.0, from an address."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(source, 0))
    c.request("POST", path, body=body)
    a = c.getresponse()
    data = a.read()
    c.close()
    return a.status, data


def post_secure(body, path=HOSTED_1, source="127.0.0.1"):
    c = http.client.HTTPSConnection("localhost", secure, timeout=60, source_address=(source, 0), context=trust)
    c.request("POST", path, body=body)
    a = c.getresponse()
    data = a.read()
    c.close()
    return a.status, data


def until(condition, what, seconds=60):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, what
        time.sleep(0.05)


def held(identifier, count=1):
    listed = ask(port, getblklist(identifier, [(0, 512)])).ranges().list
    return sum(n for _, n in listed) == count


def counted(what):
    """As the cache counts it; the last arguments are the command that prints its metrics."""
    said = []

    def told():
        done = subprocess.run(sys.argv[5:], capture_output=True, text=True)
        said[:] = [done.stdout] if done.returncode == 0 else []
        return said
    until(told, "the node tells its figures", 120)  # a busy one may let a call run out
    return int(re.search(r"^ponto_dist_hosted_%s_total\{[^}]*\} (\d+)$" % what, said[0], re.M)[1])


def wrong_blocks():
    return counted("wrong")


def name(i):
    return random.Random(i).randbytes(32)


def garbage(identifier, size, crypto):
    r = random.Random(identifier)
    data = r.randbytes(size if crypto == 0 else size // 16 * 16 + 16)
    return {(identifier, 0): (crypto, r.randbytes(16) if crypto else b"", data)}


# ---- version 2.0 -----------------------------------------------------------------------------------

@tap.case("what nobody can open is given on as it came, under every cipher", ["DIST-467", "DIST-469", "DIST-471"])
def _():
    for crypto in (1, 2, 3, 0):
        identifier = name(crypto)
        peer = Peer(blocks=garbage(identifier, 50000 + crypto, crypto))
        assert post(batched_offer(peer.port, [descriptor(50000 + crypto, 50000 + crypto, identifier)])) == (200, OK)
        until(lambda: held(identifier), "it is not pulled")
        a = ask(port, getblks(identifier, 0)).block()
        wanted = peer.blocks[identifier, 0]
        assert (a.crypto, a.iv, a.data) == wanted, (a.crypto, crypto, len(a.data))
        peer.close()


@tap.case("two segments, one of them held: one is fetched, on the port and address that say so", ["DIST-460", "DIST-468"])
def _():
    first, second = name(100), name(101)
    peer = Peer("127.0.0.9", {**garbage(first, 40000, 1), **garbage(second, 45000, 1)})
    assert post(batched_offer(peer.port, [descriptor(40000, 40000, first)]), source="127.0.0.9") == (200, OK)
    until(lambda: held(first), "the first is not pulled")
    both = [descriptor(40000, 40000, first), descriptor(45000, 45000, second)]
    assert post(batched_offer(peer.port, both), source="127.0.0.9") == (200, OK)
    until(lambda: held(second), "the second is not pulled")
    assert sorted(peer.blocks_asked()) == sorted([(first, 0), (second, 0)]), peer.asked
    peer.close()


@tap.case("a real content, offered segment by segment, is opened by who knows its keys", ["DIST-462", "DIST-454"])
def _():
    blocks = {}
    for s in v2.segments:
        blocks.update(all_blocks(s, content))
    peer = Peer(blocks=blocks)
    for i in range(0, len(v2.segments), 100):
        assert post(batched_offer(peer.port, [segment_descriptor(s) for s in v2.segments[i:i + 100]])) == (200, OK)
    for s in v2.segments:
        until(lambda: held(s.id()), "a segment is missing")
        assert opened(ask(port, getblks(s.id(), 0)).block(), s) == content[s.offset:s.offset + s.length]
    peer.close()


@tap.case("the URL in other letters and with a slash; nothing else; POST alone", ["DIST-410"])
def _():
    good = batched_offer(9, [descriptor(100, 100, name(3))])
    for path in (HOSTED_2 + "/", HOSTED_2.upper(), "http://cache" + HOSTED_2):
        assert post(good, path) == (200, OK)
    assert post(good, HOSTED_2 + "x")[0] == 404 and post(good, "/")[0] == 404
    assert get(port, HOSTED_2)[0] == 405


@tap.case("version 1.0 is not spoken there, and no other", ["DIST-413", "DIST-421", "DIST-472"])
def _():
    good = descriptor(100, 100, name(4))
    bad = [initial_offer(80, name(4)), segment_info(80, v1.segments[0]), b"", b"x", offer_head(2, 3, 80),
           offer_head(0xFE, 3, 80, minor=0xFE) + good, offer_head(2, 0xFEFE, 80) + good, offer_head(2, 1, 80) + good,
           offer_head(1, 3, 80) + good, offer_head(2, 3, 80) + good[:-1], offer_head(2, 3, 80) + good + b"\0",
           offer_head(2, 3, 80) + good * 129, offer_head(2, 3, 0) + good,
           offer_head(2, 3, 80) + descriptor(100, 100, name(4), tag_size=0), random.Random(5).randbytes(5000)]
    for body in bad:
        status, data = post(body)
        assert status == 400 and data == b"", (status, body[:20])
    assert post(bytes(98305))[0] == 413
    assert post(offer_head(2, 3, 80, b"\xde\xad\xbe\xef", b"padded") + good) == (200, OK)


def untouched(offer, send, source):
    """It is answered, and nobody is asked for anything."""
    peer = Peer(source)
    assert send(offer(peer.port), source=source) == (200, OK)
    # A sound offer behind it is fetched, so that one was looked at.
    identifier = name(os.urandom(8))
    peer.blocks = garbage(identifier, 1000, 1)
    assert post(batched_offer(peer.port, [descriptor(1000, 1000, identifier)]), source=source) == (200, OK)
    until(lambda: held(identifier), "the sound offer is not pulled")
    assert {n for _, n, _ in peer.asked} == {identifier}, peer.asked
    peer.close()


def settled():
    """All that was offered before was decided about, and begun if it was to be: a later offer of somebody else is here."""
    identifier = name(os.urandom(8))
    peer = Peer("127.0.0.40", garbage(identifier, 1000, 1))
    assert post(batched_offer(peer.port, [descriptor(1000, 1000, identifier)]), source="127.0.0.40") == (200, OK)
    until(lambda: held(identifier), "the sound offer is not pulled")
    peer.close()


@tap.case("what cannot be a segment is answered and not fetched", ["DIST-445"])
def _():
    for block, size, algorithm in ((100, 100, 0xFE), (100, 100, 0), (0, 0, 4), (131073, 131073, 4), (100, 101, 4),
                                   (65536, 33554433, 1), (2 ** 32 - 1, 2 ** 32 - 1, 4)):
        untouched(lambda p: batched_offer(p, [descriptor(block, size, name(6), algorithm)]), post, "127.0.0.7")
    until(lambda: counted("unsound") == 7, "they are not counted")


@tap.case("who offers and does not serve holds up nobody")
def _():
    silent = Peer("127.0.0.3")
    silent.silent = True
    assert post(batched_offer(silent.port, [descriptor(100, 100, name(1000 + i)) for i in range(128)]), source="127.0.0.3") == (200, OK)
    assert post(batched_offer(1, [descriptor(100, 100, name(2000 + i)) for i in range(128)]), source="127.0.0.4") == (200, OK)
    identifier = name(3000)
    peer = Peer("127.0.0.5", garbage(identifier, 1000, 1))
    assert post(batched_offer(peer.port, [descriptor(1000, 1000, identifier)]), source="127.0.0.5") == (200, OK)
    until(lambda: held(identifier), "others are held up")
    peer.close()
    silent.close()


@tap.case("an honest one who comes second is asked as well")
def _():
    identifier = name(3001)
    liar = Peer("127.0.0.10")
    assert post(batched_offer(liar.port, [descriptor(1000, 1000, identifier)]), source="127.0.0.10") == (200, OK)
    peer = Peer("127.0.0.11", garbage(identifier, 1000, 1))
    assert post(batched_offer(peer.port, [descriptor(1000, 1000, identifier)]), source="127.0.0.11") == (200, OK)
    until(lambda: held(identifier), "the honest one is not asked")
    peer.close()
    liar.close()


@tap.case("poison is replaced by who got it, once a host, and not by others")
def _():
    identifier = name(3002)
    poison, remedy = garbage(identifier, 2000, 1), {(identifier, 0): (2, b"I" * 16, b"R" * 2000 + b"\0" * 0)}
    liar = Peer("127.0.0.12", poison)
    offer = [descriptor(2000, 2000, identifier)]
    assert post(batched_offer(liar.port, offer), source="127.0.0.12") == (200, OK)
    until(lambda: held(identifier), "it is not pulled")
    # Somebody who never asked for it, and so cannot know better.
    other = Peer("127.0.0.13", remedy)
    assert post(batched_offer(other.port, offer), source="127.0.0.13") == (200, OK)
    # One who did.
    honest = Peer("127.0.0.14", remedy)
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=("127.0.0.14", 0))
    assert ask(port, getblks(identifier, 0), connection=c).block().data == poison[identifier, 0][2]
    assert post(batched_offer(honest.port, offer), source="127.0.0.14") == (200, OK)
    until(lambda: ask(port, getblks(identifier, 0)).block().data == remedy[identifier, 0][2],
          "it is not replaced", 10)
    assert not other.asked and honest.blocks_asked() == [(identifier, 0)]
    # The liar asks and offers again: he was heard.
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=("127.0.0.12", 0))
    ask(port, getblks(identifier, 0), connection=c)
    before = len(liar.asked)
    assert post(batched_offer(liar.port, offer), source="127.0.0.12") == (200, OK)
    settled()
    assert len(liar.asked) == before and ask(port, getblks(identifier, 0)).block().data == remedy[identifier, 0][2]
    for p in (liar, other, honest):
        p.close()


# ---- version 1.0 ---------------------------------------------------------------------------------------

segment = v1.segments[0]


@tap.case("version 1.0 over HTTPS: a certificate that the root vouches for", ["DIST-404", "DIST-408", "DIST-456"])
def _():
    assert post_secure(initial_offer(80, segment.id())) == (200, INTERESTED)
    assert post_secure(initial_offer(80, segment.id()), HOSTED_1 + "/") == (200, INTERESTED)
    assert post_secure(initial_offer(80, segment.id()), HOSTED_1.lower()) == (200, INTERESTED)
    assert post_secure(initial_offer(80, segment.id()), HOSTED_2)[0] == 404
    assert post_secure(initial_offer(80, segment.id()), PATH)[0] == 404
    try:
        ssl.create_default_context().wrap_socket(socket.create_connection(("127.0.0.1", secure)), server_hostname="localhost")
        raise AssertionError("a root that nobody knows is believed")
    except ssl.SSLCertVerificationError:
        pass


@tap.case("version 2.0 is not spoken there, and no other", ["DIST-406", "DIST-413", "DIST-427"])
def _():
    for body in (batched_offer(80, [descriptor(100, 100, name(4))]), b"", initial_offer(80, name(4)[:31]),
                 initial_offer(0, name(4)), offer_head(2, 1, 80) + name(4), offer_head(1, 9, 80) + name(4)):
        assert post_secure(body) == (400, b""), body[:20]


@tap.case("descriptions that are no good are answered, and nothing is fetched", ["DIST-435", "DIST-451"])
def _():
    for edit, value in ((32, b"\2\0"), (34, b"\x0b\x80\0\0"), (46, b"\0\0\0\0"), (46, b"\2\0\0\0"), (66, b"\xff\xff\xff\xff")):
        def broken(p):
            body = bytearray(segment_info(p, segment))
            body[edit:edit + len(value)] = value
            return bytes(body)
        untouched(broken, post_secure, "127.0.0.8")


@tap.case("wrong blocks are kept by nobody, and who sent them is left alone")
def _():
    blocks = all_blocks(segment, bytes(len(content)))
    peer, before = Peer("127.0.0.20", blocks), wrong_blocks()
    assert post_secure(segment_info(peer.port, segment), source="127.0.0.20") == (200, OK)
    until(lambda: peer.blocks_asked(), "nobody comes")
    until(lambda: wrong_blocks() > before, "it is not counted")
    assert held(segment.id(), 0)
    asked = len(peer.asked)
    assert post_secure(segment_info(peer.port, segment), source="127.0.0.20") == (200, OK)
    settled()
    assert len(peer.asked) == asked and held(segment.id(), 0)
    peer.close()


@tap.case("hashes, then some blocks, then the others", ["DIST-457", "DIST-458", "DIST-459", "DIST-463"])
def _():
    blocks = all_blocks(segment, content, 3)
    half = {k: v for k, v in blocks.items() if k[1] < 10}
    peer = Peer("127.0.0.21", half)
    assert post_secure(segment_info(peer.port, segment, offset=50, read=50), source="127.0.0.21") == (200, OK)
    until(lambda: held(segment.id(), 10), "the first ten are not pulled")
    until(lambda: len(peer.blocks_asked()) == 10, "others are asked for")
    peer.blocks = blocks
    assert post_secure(initial_offer(peer.port, segment.id()), source="127.0.0.21") == (200, OK)
    until(lambda: held(segment.id(), segment.count()), "the others are not pulled")
    assert len(peer.blocks_asked()) == segment.count()
    asked = len(peer.asked)
    assert post_secure(initial_offer(peer.port, segment.id()), source="127.0.0.21") == (200, OK)
    settled()
    assert len(peer.asked) == asked
    peer.close()


@tap.case("what was verified is sealed anew for everybody, and opened", ["DIST-465", "DIST-464"])
def _():
    ivs = set()
    for i in range(segment.count()):
        a = ask(port, getblks(segment.id(), i)).block()
        start = segment.offset + 65536 * i
        assert opened(a, segment) == content[start:start + segment.block_size(i)]
        ivs.add(a.iv)
    assert len(ivs) == segment.count()


@tap.case("segments are counted by the programs that fetched them", ["DIST-466", "DIST-470", "DIST-475"])
def _():
    tags = {"wininet": b"WinINet", "webio": b"WebIO", "bits": b"BITS-4.0",
            "smb": bytes.fromhex("35db045d14234553a0510dc2e15e6c4c"), "other": b"somebody"}
    for what, tag in tags.items():
        before = {w: counted("of_" + w) for w in tags}
        assert post(batched_offer(9, [descriptor(65536, segment.length, segment.id(), 1, tag)] * 3)) == (200, OK)
        assert post_secure(segment_info(9, segment, tag)) == (200, OK)
        settled()
        # The offer that this waited for was one of BITS.
        assert {w: counted("of_" + w) - before[w] for w in tags} == {
            w: 4 * (w == what) + (w == "bits") for w in tags}, what


@tap.case("verified blocks give way to nobody")
def _():
    peer = Peer("127.0.0.22", garbage(segment.id(), 65536, 1))
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=("127.0.0.22", 0))
    ask(port, getblks(segment.id(), 0), connection=c)
    for d in (segment_descriptor(segment), descriptor(100, 100, segment.id()), descriptor(65536, 65536, segment.id(), 1)):
        assert post(batched_offer(peer.port, [d]), source="127.0.0.22") == (200, OK)
    settled()
    assert not peer.asked
    assert opened(ask(port, getblks(segment.id(), 0)).block(), segment) == content[:65536]
    peer.close()


@tap.case("random bytes change nothing")
def _():
    r = random.Random(9)
    good = batched_offer(1, [descriptor(100, 100, name(7)), descriptor(200, 200, name(8))])
    info = segment_info(1, segment)
    for _ in range(300):
        for original, send in ((good, post), (info, post_secure)):
            body = bytearray(original)
            for _ in range(r.randrange(1, 6)):
                body[r.randrange(len(body))] = r.randrange(256)
            status, _ = send(bytes(body[:r.randrange(len(body) + 1)]), source="127.0.0.30")
            assert status in (200, 400), status
    assert opened(ask(port, getblks(segment.id(), 0)).block(), segment) == content[:65536]


with open("tally", "w") as f:
    f.write("%d %d\n" % (tap.count, tap.bad))
