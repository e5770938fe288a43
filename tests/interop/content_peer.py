"""Retrieval by somebody else: run by content_peer.sh in its folder; arguments: the peer's port, the content server's,
cases so far, the version of Content Information, and "sealed" for all cases or the cipher that is configured."""
import hashlib
import http.client
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import (PATH, V1, V2, Info, Tap, ask, get, getblklist, getblks, message, opened, padded)

port, server, cases, version, what = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
tap = Tap(cases)
content = open("www/file", "rb").read()
info = Info(get(server, "/file", V1 if version == "1.0" else V2)[2])
info.judge(content)
CIPHERS = {"sealed": 1, "none": 0, "aes-192": 2, "aes-256": 3}


def data_of(segment, index):
    start = segment.offset + 65536 * index
    return content[start:start + segment.block_size(index)]


def block(s, i, connection=None):
    """A block that is held: more than may be answered at once from one address are answered as if it were not."""
    end = time.monotonic() + 60
    while True:
        a = ask(port, getblks(s.id(), i), connection=connection).block()
        if a.data or time.monotonic() > end:
            return a
        time.sleep(0.01)


def whole(cipher, connection=None):
    for s in info.segments:
        for i in range(s.count()):
            a = block(s, i, connection)
            assert (a.id, a.index, a.crypto) == (s.id(), i, cipher)
            assert a.next == (i + 1 if i + 1 < s.count() else 0)
            assert len(a.iv) == (16 if cipher else 0)
            assert opened(a, s) == data_of(s, i)


@tap.case("every block, opened by openssl: %s" % what, ["DIST-183", "DIST-327", "DIST-519"])
def _():
    whole(CIPHERS[what])


def sealed_cases():
    first = info.segments[0]

    @tap.case("blocks are sealed with another IV each time, and never in the clear", ["DIST-031", "DIST-348"])
    def _():
        answers = [ask(port, getblks(first.id(), 0, crypto=0)).block() for _ in range(20)]
        assert len({a.iv for a in answers}) == 20 and len({a.data for a in answers}) == 20
        for a in answers:
            assert a.crypto == 1 and data_of(first, 0)[:64] not in a.data and first.kp[:16] not in a.body

    @tap.case("the list of what is held", ["DIST-189"])
    def _():
        for s in info.segments[:40]:
            a = ask(port, getblklist(s.id(), [(0, 512)])).ranges()
            assert (a.id, a.list, a.next) == (s.id(), [(0, s.count())], 0)

    @tap.case("the path in other letters, without slash; nothing else")
    def _():
        for path in (PATH.lower(), PATH[:-1], PATH.upper(), "http://peer" + PATH):
            assert ask(port, getblklist(first.id(), [(0, 1)]), path=path).ranges().list == [(0, 1)]
        assert get(port, "/", method="POST", body=b"x")[0] == 404
        assert get(port, PATH + "x", method="POST", body=b"x")[0] == 404
        assert get(port, PATH)[0] == 405

    @tap.case("a segment that is not held: at once, of whatever ID")
    def _():
        for identifier in (b"\1", bytes(32), bytes(48), bytes(64), first.id()[:31], first.id() + b"\0"):
            a = ask(port, getblks(identifier, 7)).block()
            assert (a.id, a.index, a.data) == (identifier, 7, b"")
            assert ask(port, getblklist(identifier, [(0, 512)])).ranges().list == []

    @tap.case("no ranges, empty ones, 256 of them, and beyond the segment")
    def _():
        assert ask(port, getblklist(first.id(), [])).ranges().list == []
        assert ask(port, getblks(first.id(), 0, ranges=[(0, 0)])).block().data == b""
        many = [(2 * i, 1) for i in range(256)]
        random.Random(1).shuffle(many)
        a = ask(port, getblklist(first.id(), many)).ranges()
        assert sum(n for _, n in a.list) == (first.count() + 1) // 2
        assert ask(port, getblks(first.id(), 511)).block().data == b""

    @tap.case("malformed requests get nothing, and the peer goes on")
    def _():
        good = getblks(first.id(), 0)
        bad = [b"", b"x", good[:15], good[:-1], good + b"\0", good[:8] + struct.pack(">I", 5) + good[12:],
               message(9, b""), message(5, good[16:]),
               message(3, struct.pack(">I", 0xFFFFFFFF)), message(2, padded(bytes(70)) + struct.pack(">I", 0xFFFFFFFF)),
               message(3, struct.pack(">I", 0) + bytes(8)), bytes(98304)]
        for body in bad:
            status, _, answer = get(port, PATH, method="POST", body=body)
            assert status == 400 and answer == b"", (status, body[:40])
        assert get(port, PATH, method="POST", body=bytes(98305))[0] == 413
        assert opened(ask(port, good).block(), first) == data_of(first, 0)

    @tap.case("random bytes too")
    def _():
        r = random.Random(2)
        good = getblks(first.id(), 0)
        for _ in range(300):
            body = bytearray(good)
            for _ in range(r.randrange(1, 6)):
                body[r.randrange(len(body))] = r.randrange(256)
            get(port, PATH, method="POST", body=bytes(body[:r.randrange(len(body) + 1)]))
        assert opened(ask(port, good).block(), first) == data_of(first, 0)

    @tap.case("versions are negotiated", ["DIST-227"])
    def _():
        a = ask(port, message(0, struct.pack(">HHHH", 0, 1, 0, 2)))
        assert a.kind == 1 and struct.unpack(">HHHH", a.body) == (0, 1, 0, 2)
        a = ask(port, message(3, getblks(first.id(), 0)[16:], version=(0, 3)))
        assert a.kind == 1
        assert ask(port, message(2, getblklist(first.id(), [(0, 1)])[16:], version=(7, 1))).ranges().list == [(0, 1)]

    @tap.case("lists of segments, version 2.0")
    def _():
        ids = [s.id() for s in info.segments[:3]] + [bytes(32)]
        body = b"R" * 16 + struct.pack(">I", len(ids)) + b"".join(padded(i) for i in ids) + struct.pack(">I", 0)
        a = ask(port, message(6, body, version=(0, 2)))
        assert (a.kind, a.major) == (7, 2) and a.body[:16] == b"R" * 16
        a.at = 16
        ranges = [(a.number(), a.number()) for _ in range(a.number())]
        assert ranges == [(0, min(3, len(info.segments)))]

    @tap.case("one request a POST, out of order, over 32 connections at once", ["DIST-187"])
    def _():
        wanted = [(s, i) for s in info.segments for i in range(s.count())] * 4
        random.Random(4).shuffle(wanted)
        lock, failures = threading.Lock(), []

        def work():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            while True:
                with lock:
                    if not wanted or failures:
                        break
                    s, i = wanted.pop()
                try:
                    a = block(s, i, connection)
                    assert (a.id, a.index) == (s.id(), i) and len(a.data) == s.block_size(i) // 16 * 16 + 16
                except Exception as e:
                    failures.append(repr(e))
            connection.close()
        threads = [threading.Thread(target=work) for _ in range(32)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failures, failures[0]

    @tap.case("clients that leave in the middle of everything")
    def _():
        good = getblks(first.id(), 0)
        text = ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (PATH, len(good))).encode() + good
        for cut in list(range(0, len(text), 7)) + [len(text)] * 50:
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(text[:cut])
            if cut % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        whole(1)


if what == "sealed":
    sealed_cases()
with open("tally", "w") as f:
    f.write("%d %d\n" % (tap.count, tap.bad))
