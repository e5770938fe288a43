"""The content server judged by who speaks PeerDist: run by content_server.sh in its folder; arguments: port, cases so far."""
import hashlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import Info, Tap, V1, V2, get

port = int(sys.argv[1])
tap = Tap(int(sys.argv[2]))
files = {name: open("www/" + name, "rb").read() for name in ("small", "large.bin", "one")}
secret = open("own/key", "rb").read()
KS1, KS2 = hashlib.sha256(secret).digest(), hashlib.sha512(secret).digest()[:32]
MAX1 = {**V2, "X-P2P-PeerDistEx": "MinContentInformation=1.0, MaxContentInformation=1.0"}


def encoded(name, headers, wait=60):
    """Asks until hashes are made."""
    end = time.monotonic() + wait
    while True:
        status, answer, body = get(port, "/" + name, headers)
        if answer.get("content-encoding") == "peerdist":
            return status, answer, body
        assert body == files[name] or "Range" in headers
        assert time.monotonic() < end, "no Content Information"
        time.sleep(0.1)


@tap.case("the first request gets the content, and an invitation", ["DIST-385", "DIST-390"])
def _():
    status, headers, body = get(port, "/small", V2)
    assert status == 200 and body == files["small"] and "content-encoding" not in headers
    assert headers["x-p2p-peerdist"] == "Version=1.1"
    assert headers["x-p2p-peerdistex"] == "MakeHashRequest=true"


@tap.case("a client of version 1.0 is not invited", ["DIST-386"])
def _():
    status, headers, body = get(port, "/one", V1)
    assert status == 200 and body == b"x" and "x-p2p-peerdistex" not in headers


for name in files:
    @tap.case("%s: version 1.0" % name, ["DIST-354", "DIST-378", "DIST-384"])
    def _():
        status, headers, body = encoded(name, V1)
        assert status == 200 and headers["content-length"] == str(len(body))
        assert headers["x-p2p-peerdist"] == "Version=1.0, ContentLength=%d" % len(files[name])
        info = Info(body)
        assert info.version == 1 and (info.start, info.length) == (0, len(files[name]))
        info.judge(files[name], KS1)

    @tap.case("%s: version 2.0" % name)
    def _():
        encoded(name, MAX1)
        status, headers, body = get(port, "/" + name, V2)
        end = time.monotonic() + 60
        while Info(body).version != 2:
            assert time.monotonic() < end
            time.sleep(0.1)
            status, headers, body = get(port, "/" + name, V2)
        info = Info(body)
        assert headers["x-p2p-peerdist"] == "Version=1.1, ContentLength=%d" % len(files[name])
        assert (info.start, info.length) == (0, len(files[name]))
        info.judge(files[name], KS2)


@tap.case("over HTTP/1.1", ["DIST-351"])
def _():
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/small", headers=V1)
    answer = connection.getresponse()
    assert answer.version == 11 and answer.getheader("Content-Encoding") == "peerdist"


@tap.case("and to a request of HTTP/1.0 as well", ["DIST-377"])
def _():
    import socket
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"GET /small HTTP/1.0\r\nAccept-Encoding: PeerDist\r\nX-P2P-PeerDist: Version=1.0\r\n\r\n")
    data = b""
    while part := s.recv(65536):
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    assert b"Content-Encoding: peerdist" in head
    Info(body).judge(files["small"], KS1)


PLAIN = ("etag", "last-modified", "accept-ranges", "content-type", "vary")


@tap.case("both codings have the same validators, type and Vary", ["DIST-396", "DIST-399"])
def _():
    _, plain, _ = get(port, "/small")
    _, coded, _ = get(port, "/small", V2)
    assert [plain[h] for h in PLAIN] == [coded[h] for h in PLAIN]
    assert plain["vary"] == "Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx"


def ranges(name):
    size = len(files[name])
    edges = [0, 1, 65535, 65536, 65537, 131072, 33554431, 33554432, 33554433, 67108863, 67108864, size - 1]
    return [(a, b) for a in edges for b in edges if a <= b < size]


for version, headers, ks in ((1, V1, KS1), (2, V2, KS2)):
    for name in ("small", "large.bin"):
        @tap.case("%s: version %d.0 of a range at every boundary" % (name, version), ["DIST-397"])
        def _():
            for first, last in ranges(name):
                status, answer, body = encoded(name, {**headers, "Range": "bytes=%d-%d" % (first, last)})
                assert status == 206
                assert answer["content-range"] == "bytes %d-%d/%d" % (first, last, len(files[name]))
                assert answer["x-p2p-peerdist"].endswith("ContentLength=%d" % (last - first + 1))
                info = Info(body)
                assert info.version == version and (info.start, info.length) == (first, last - first + 1)
                if last - first < 3000000:
                    info.judge(files[name], ks)


def ordinary(headers, status=200, body=None, target="/small"):
    got, answer, data = get(port, target, headers)
    assert got == status, got
    assert answer.get("content-encoding") != "peerdist" and "x-p2p-peerdistex" not in answer
    assert data == (files["small"] if body is None else body)


@tap.case("several, unsatisfiable and outdated ranges are ordinary HTTP", ["DIST-398"])
def _():
    ordinary({**V2, "Range": "bytes=0-1,5-6"})
    status, answer, _ = get(port, "/small", {**V2, "Range": "bytes=128000-"})
    assert status == 416 and answer["content-range"] == "bytes */128000" and "content-encoding" not in answer
    status, answer, body = get(port, "/small", {**V1, "Range": "bytes=0-9", "If-Range": '"other"'})
    assert status == 200 and Info(body).length == 128000


@tap.case("what is missing is given as it is", ["DIST-364"])
def _():
    missing = {"X-P2P-PeerDist": "Version=1.1, MissingDataRequest=true",
               "X-P2P-PeerDistEx": "MinContentInformation=1.0, MaxContentInformation=2.0", "Range": "bytes=100-199"}
    status, answer, body = get(port, "/small", missing)
    assert status == 206 and body == files["small"][100:200] and "content-encoding" not in answer


@tap.case("who is not understood gets the content", ["DIST-380", "DIST-394"])
def _():
    ordinary({**V2, "X-P2P-PeerDist": "Version=999.999"})
    ordinary({**V2, "X-P2P-PeerDistEx": "MinContentInformation=900.0, MaxContentInformation=999.0"})
    ordinary({"Accept-Encoding": "peerdist;q=0", "X-P2P-PeerDist": "Version=1.0"})
    ordinary({"Accept-Encoding": "gzip, br"})


@tap.case("a hash request without Accept-Encoding", ["DIST-387"])
def _():
    _, answer, body = get(port, "/small", {"X-P2P-PeerDist": "Version=1.1", "X-P2P-PeerDistEx":
                          "MinContentInformation=1.0, MaxContentInformation=2.0, HashRequest=true"})
    assert answer["content-encoding"] == "peerdist" and Info(body).version == 2


@tap.case("HEAD and an empty file are ordinary")
def _():
    status, answer, body = get(port, "/small", V1, method="HEAD")
    assert status == 200 and "content-encoding" not in answer and answer["content-length"] == "128000"
    status, answer, body = get(port, "/empty", V2)
    assert status == 200 and body == b"" and "content-encoding" not in answer and "x-p2p-peerdistex" not in answer


@tap.case("no answer holds the server's secrets", ["DIST-021"])
def _():
    for name, headers in (("small", V1), ("small", V2), ("large.bin", V1)):
        _, answer, body = encoded(name, headers)
        told = repr(answer).encode() + body
        assert not any(s in told for s in (secret, KS1, KS2))


@tap.case("the log says nothing that opens what peers send", ["DIST-092"])
def _():
    log = open("log", "rb").read().lower()
    assert b"is hashed" in log
    keys = [secret, KS1, KS2]
    for name, headers in (("small", V1), ("small", V2), ("large.bin", V1), ("large.bin", V2)):
        keys += [s.kp for s in Info(encoded(name, headers)[2]).segments]
    assert not any(k in log or k.hex().encode() in log for k in keys)


@tap.case("connections stay open, to the one kind of client that minds and to others", ["DIST-389"])
def _():
    for agent in ("Microsoft BITS/7.8", "curl"):
        for more in ({}, V1, {**V1, "Range": "bytes=0-9"}):
            _, answer, _ = get(port, "/large.bin", {"User-Agent": agent, "Connection": "keep-alive", **more})
            assert answer.get("connection", "keep-alive").lower() == "keep-alive"


@tap.case("a file that changes is another entity at once", ["DIST-401", "DIST-517"])
def _():
    old = get(port, "/small")[1]["etag"]
    files["small"] = bytes(reversed(files["small"]))
    with open("www/small", "r+b") as f:
        f.write(files["small"])
    status, answer, body = get(port, "/small", V1)
    assert "content-encoding" not in answer and body == files["small"] and answer["etag"] != old
    _, _, body = encoded("small", V1)
    Info(body).judge(files["small"], KS1)


with open("tally", "w") as f:
    f.write("%d %d\n" % (tap.count, tap.bad))
sys.exit(1 if tap.bad else 0)
