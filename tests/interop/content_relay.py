"""The reverse proxy judged: run by content_relay.sh in its folder.
  content_relay.py origin          a web server that does what others should not; tells its port in the file "odd"
  content_relay.py listen NAME CMD…  runs a command that inherits a listening socket, as nginx does; port in the file NAME
  content_relay.py judge SITE ODD CASES   ports of the reverse proxy before nginx and before that server; cases so far"""
import email.utils
import hashlib
import http.client
import http.server
import json
import os
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peerdist import Info, Tap, V1, V2, get

BODY = random.Random(3).randbytes(300000)
BIG = 48 * 1024 * 1024
HASHES = {**V2, "X-P2P-PeerDistEx": V2["X-P2P-PeerDistEx"] + ", HashRequest=true"}
OLD = "Sun, 06 Nov 1994 08:49:37 GMT"


# ---- the origin ---------------------------------------------------------------------------------

class Odd(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []  # method and path
    sent, closed, turn = 0, threading.Event(), 0

    def log_message(self, *_):
        pass

    def head(self, status, *lines):
        date = email.utils.formatdate(usegmt=True)
        text = "".join(l + "\r\n" for l in ("HTTP/1.1 %s" % status, "Date: " + date) + lines) + "\r\n"
        self.wfile.write(text.encode("latin-1"))

    def whole(self, *lines, body=BODY, status="200 OK"):
        self.head(status, "Content-Length: %d" % len(body), *lines)
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.close_connection = True

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.split("?")[0]
        if path != "/seen":
            Odd.seen.append(self.command + " " + self.path)
        name = path[1:].replace("-", "_") or "root"
        method = getattr(self, "do_" + name.split("/")[0], None)
        if method:
            method()
        elif path == "/echo":
            told = {"method": self.command, "target": self.path, "headers": self.headers.items(),
                    "body": hashlib.sha256(body).hexdigest()}
            self.whole(body=json.dumps(told).encode())
        else:
            self.whole(status="404 Not Found", body=b"no\n")

    def do_seen(self):
        self.whole(body=json.dumps({"seen": Odd.seen, "sent": Odd.sent, "closed": Odd.closed.is_set()}).encode())

    def do_chunked(self):
        self.head("200 OK", "Transfer-Encoding: chunked", 'ETag: "c"')
        if self.command == "HEAD":
            return
        at = 0
        for n in (1, 2, 70000, 3, 100000, len(BODY)):
            part = BODY[at:at + n]
            at += len(part)
            self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\nX-Trailer: no\r\n\r\n")

    def do_tagged(self):
        self.whole('ETag: "t"', "Vary: Cookie", "Content-MD5: x", "Content-Type: a/b", "Set-Cookie: a=1", "Set-Cookie: b=2")

    def do_dated(self):
        self.whole("Last-Modified: " + OLD)

    def do_fresh(self):
        self.whole('ETag: "f"', "Last-Modified: " + email.utils.formatdate(usegmt=True))

    def do_weak(self):
        self.whole('ETag: W/"w"', "Last-Modified: " + OLD)

    def do_private(self):
        self.whole('ETag: "p"', "Cache-Control: max-age=3, private")

    def do_nostore(self):
        self.whole('ETag: "n"', 'Cache-Control: x=",", No-Store')

    def do_coded(self):
        self.whole('ETag: "z"', "Content-Encoding: gzip")

    def do_bare(self):
        self.whole()

    def do_chosen(self):
        self.whole("Last-Modified: " + OLD, "Vary: Cookie")

    def do_short(self):
        self.head("200 OK", "Content-Length: %d" % len(BODY), 'ETag: "s"')
        if self.command != "HEAD":
            self.wfile.write(BODY[:200000])
        self.cut()

    def do_cut_chunk(self):
        self.head("200 OK", "Transfer-Encoding: chunked", 'ETag: "s"')
        if self.command == "HEAD":
            return
        self.wfile.write(b"30d40\r\n" + BODY[:1000])
        self.cut()

    def do_two_lengths(self):
        self.head("200 OK", "Content-Length: 10", "Content-Length: 20", 'ETag: "l"')
        self.wfile.write(BODY[:20])
        self.cut()

    def do_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        self.cut()

    def do_silent(self):
        self.rfile.read(1)  # until the other side gives up
        self.cut()

    def do_stalls(self):
        self.head("200 OK", "Content-Length: 1000")
        self.wfile.write(b"x")
        self.rfile.read(1)
        self.cut()

    def do_lie(self):  # HEAD is of another entity than GET
        self.whole('ETag: "head"' if self.command == "HEAD" else 'ETag: "get"')

    def do_turns(self):  # another entity each time
        Odd.turn += 1
        self.whole('ETag: "%d"' % Odd.turn, body=BODY[Odd.turn:])

    def do_member(self):
        if self.headers.get("Cookie") == "pass=ok":
            self.whole('ETag: "m"')
        else:
            self.whole(status="403 Forbidden", body=b"members only\n")

    def do_big(self):
        self.head("200 OK", "Content-Length: %d" % BIG, 'ETag: "big"')
        if self.command == "HEAD":
            return
        Odd.sent = 0
        try:
            for i in range(BIG // 65536):
                self.wfile.write(block(i))
                Odd.sent += 65536
        except OSError:
            Odd.closed.set()
            self.cut()

    def do_moved(self):
        self.whole("Location: /elsewhere", status="302 Found", body=b"")

    def do_empty(self):
        self.whole('ETag: "e"', body=b"")

    def do_nothing(self):
        self.head("204 No Content", "X-It: is")


for _method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
    setattr(Odd, "do_" + _method, Odd.answer)


def block(i):
    return hashlib.sha256(b"%d" % i).digest() * 2048


def origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.daemon_threads = True
    tell("odd", server.server_address[1])
    server.serve_forever()


def tell(name, port):
    with open(name + ".new", "w") as f:
        f.write("%d\n" % port)
    os.rename(name + ".new", name)


def listen(name, command):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(128)
    os.set_inheritable(s.fileno(), True)
    port = s.getsockname()[1]
    os.environ["NGINX"] = "%d;" % s.fileno()
    with open(name + ".conf") as f:
        text = f.read().replace("@PORT@", str(port))
    with open(name + ".conf", "w") as f:
        f.write(text)
    tell(name, port)
    os.execvp(command[0], command)


# ---- the judge ------------------------------------------------------------------------------------

def judge(site, odd, cases):
    tap = Tap(cases)
    files = {n: open("www/" + n, "rb").read() for n in ("small", "large.bin", "one")}
    secret = open("own/key", "rb").read()
    ks1, ks2 = hashlib.sha256(secret).digest(), hashlib.sha512(secret).digest()[:32]
    max1 = {**V2, "X-P2P-PeerDistEx": "MinContentInformation=1.0, MaxContentInformation=1.0"}

    def encoded(name, headers, port=site, content=None, wait=60):
        end = time.monotonic() + wait
        while True:
            status, answer, body = get(port, "/" + name, headers)
            if answer.get("content-encoding") == "peerdist":
                return status, answer, body
            assert status in (200, 206), status
            assert "Range" in headers or body == (files[name] if content is None else content)
            assert time.monotonic() < end, "no Content Information"
            time.sleep(0.05)

    def seen():
        return json.loads(get(odd, "/seen")[2])

    def never(name, headers=None, status=200):
        """Whatever is asked, and however often: the content as it is, and no invitation."""
        for ask in (V2, HASHES, V1, HASHES):
            got, answer, body = get(odd, "/" + name, {**ask, **(headers or {})})
            assert got == status, got
            assert answer.get("content-encoding") != "peerdist" and "x-p2p-peerdistex" not in answer, answer
            assert "x-p2p-peerdist" not in answer and body == BODY

    @tap.case("the first request gets the content, and an invitation")
    def _():
        status, answer, body = get(site, "/small", V2)
        assert status == 200 and body == files["small"] and "content-encoding" not in answer
        assert answer["x-p2p-peerdist"] == "Version=1.1" and answer["x-p2p-peerdistex"] == "MakeHashRequest=true"

    for name in files:
        @tap.case("%s: version 1.0" % name, ["DIST-396", "DIST-399"])
        def _():
            _, plain, _ = get(site, "/" + name)
            status, answer, body = encoded(name, V1)
            assert status == 200 and answer["content-length"] == str(len(body))
            assert answer["x-p2p-peerdist"] == "Version=1.0, ContentLength=%d" % len(files[name])
            for same in ("etag", "last-modified", "accept-ranges", "content-type", "server"):
                assert answer[same] == plain[same], same
            assert answer["vary"] == "Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx"
            info = Info(body)
            assert info.version == 1 and (info.start, info.length) == (0, len(files[name]))
            info.judge(files[name], ks1)

        @tap.case("%s: version 2.0" % name)
        def _():
            status, answer, body = encoded(name, max1)
            end = time.monotonic() + 60
            while Info(body).version != 2:
                assert time.monotonic() < end
                status, answer, body = encoded(name, HASHES)
            info = Info(body)
            assert status == 200 and (info.start, info.length) == (0, len(files[name]))
            assert answer["x-p2p-peerdist"] == "Version=1.1, ContentLength=%d" % len(files[name])
            info.judge(files[name], ks2)

    size = len(files["large.bin"])
    ranges = [(0, 1), (size - 1, 1), (65535, 2), (65536, 65536), (33554431, 2), (33554432, size - 33554432), (1000, size - 2000)]
    for first, length in ranges:
        @tap.case("of bytes %d to %d" % (first, first + length - 1), ["DIST-397"])
        def _():
            for ask, ks in ((V1, ks1), (HASHES, ks2)):
                text = "bytes=%d-%d" % (first, first + length - 1)
                status, answer, body = encoded("large.bin", {**ask, "Range": text})
                assert status == 206 and answer["content-range"] == "bytes %d-%d/%d" % (first, first + length - 1, size)
                assert answer["x-p2p-peerdist"].endswith("ContentLength=%d" % length)
                info = Info(body)
                assert (info.start, info.length) == (first, length)
                info.judge(files["large.bin"], ks)

    @tap.case("several, unsatisfiable and outdated ranges are the origin's affair", ["DIST-398"])
    def _():
        status, answer, body = get(site, "/small", {**V1, "Range": "bytes=0-1,5-6"})
        assert status == 206 and answer["content-type"].startswith("multipart/byteranges"), answer
        status, answer, _ = get(site, "/small", {**V1, "Range": "bytes=128000-"})
        assert status == 416 and answer["content-range"] == "bytes */128000" and "content-encoding" not in answer
        status, answer, body = get(site, "/small", {**V1, "Range": "bytes=0-9", "If-Range": '"other"'})
        assert status == 200 and Info(body).length == 128000
        etag = get(site, "/small")[1]["etag"]
        status, answer, body = get(site, "/small", {**V1, "Range": "bytes=0-9", "If-Range": etag})
        assert status == 206 and Info(body).length == 10

    @tap.case("what is missing is given as it is")
    def _():
        ask = {"X-P2P-PeerDist": "Version=1.1, MissingDataRequest=true", "Range": "bytes=100-199",
               "X-P2P-PeerDistEx": "MinContentInformation=1.0, MaxContentInformation=2.0"}
        status, answer, body = get(site, "/small", ask)
        assert status == 206 and body == files["small"][100:200] and "content-encoding" not in answer

    @tap.case("a condition that the origin answers with 304")
    def _():
        etag = get(site, "/small")[1]["etag"]
        status, answer, body = get(site, "/small", {**HASHES, "If-None-Match": etag})
        assert status == 304 and body == b"" and "content-encoding" not in answer

    @tap.case("who may not read the content gets no Content Information", ["DIST-400", "DIST-516"])
    def _():
        key = {"Authorization": "Basic dXNlcjpwYXNz"}  # user:pass
        for ask in (V1, HASHES):
            assert get(site, "/locked/file", ask)[0] == 401
            content = open("www/locked/file", "rb").read()
            _, answer, body = encoded("locked/file", {**ask, **key}, content=content)
            Info(body).judge(content)
            for more in ({}, {"Authorization": "Basic dXNlcjp3cm9uZw=="}, {"Range": "bytes=0-9"}):
                status, answer, body = get(site, "/locked/file", {**ask, **more})
                assert status == 401 and "content-encoding" not in answer and b"401" in body
                assert answer["www-authenticate"] == 'Basic realm="closed"'

    @tap.case("nor without the cookie that it takes", ["DIST-400"])
    def _():
        encoded("member", {**HASHES, "Cookie": "pass=ok"}, odd, BODY)
        status, answer, body = get(odd, "/member", HASHES)
        assert status == 403 and body == b"members only\n"
        assert "HEAD /member" in seen()["seen"]
        encoded("member", {**HASHES, "Cookie": "pass=ok"}, odd, BODY)

    @tap.case("a file that changes is another entity at once", ["DIST-401", "DIST-517"])
    def _():
        encoded("small", V1)
        files["small"] = bytes(reversed(files["small"])) + b"!"
        with open("www/small", "r+b") as f:
            f.write(files["small"])
        status, answer, body = get(site, "/small", V1)
        assert "content-encoding" not in answer and body == files["small"]
        _, _, body = encoded("small", V1)
        Info(body).judge(files["small"], ks1)

    @tap.case("an entity that is another one each time is never described", ["DIST-401", "DIST-517"])
    def _():
        for _ in range(6):
            _, answer, body = get(odd, "/turns", HASHES)
            assert "content-encoding" not in answer and body == BODY[-len(body):]

    @tap.case("HEAD that tells of another entity than GET")
    def _():
        for _ in range(4):
            _, answer, body = get(odd, "/lie", HASHES)
            assert "content-encoding" not in answer and body == BODY and answer["etag"] == '"get"'

    @tap.case("a tag: headers kept, digests of the other body not", ["DIST-396"])
    def _():
        _, answer, body = encoded("tagged", HASHES, odd, BODY)
        Info(body).judge(BODY, ks2)
        assert answer["content-type"] == "a/b" and answer["etag"] == '"t"' and "content-md5" not in answer
        assert answer["vary"] == "Cookie, Accept-Encoding, X-P2P-PeerDist, X-P2P-PeerDistEx"
        connection = http.client.HTTPConnection("127.0.0.1", odd, timeout=60)
        connection.request("GET", "/tagged", headers=HASHES)
        told = connection.getresponse()
        assert told.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        connection.close()

    @tap.case("a date that is old enough is a validator", ["DIST-376"])
    def _():
        _, _, body = encoded("dated", HASHES, odd, BODY)
        Info(body).judge(BODY, ks2)

    for name, why in (("bare", "no validator"), ("weak", "a weak one"), ("fresh", "changed this second"),
                      ("private", "not for all"), ("nostore", "not to be kept"), ("coded", "coded already"),
                      ("chosen", "a date, and not the URL alone chooses"), ("chunked", "no length")):
        @tap.case("%s: no PeerDist" % why, ["DIST-376"])
        def _():
            never(name)

    @tap.case("a date, with credentials: no PeerDist")
    def _():
        get(odd, "/dated", {**HASHES, "Authorization": "x"})
        never("dated", {"Authorization": "x"})

    @tap.case("an answer cut short is cut short, and nothing is kept of it")
    def _():
        for name in ("short", "cut-chunk"):
            for _ in range(3):
                try:
                    got = get(odd, "/" + name, HASHES)
                    assert False, got
                except (http.client.IncompleteRead, ConnectionError) as e:
                    pass
        assert "content-encoding" not in get(odd, "/short", HASHES, method="HEAD")[1]

    @tap.case("what is not HTTP: 502")
    def _():
        for name in ("two-lengths", "garbage"):
            assert get(odd, "/" + name)[0] == 502, name
            assert get(odd, "/" + name, HASHES)[0] == 502, name

    @tap.case("too slow: 504")
    def _():
        assert get(odd, "/silent")[0] == 504
        assert get(odd, "/silent", HASHES)[0] == 504

    @tap.case("an answer that stalls is cut")
    def _():
        try:
            get(odd, "/stalls")
            assert False
        except (http.client.IncompleteRead, ConnectionError):
            pass

    def echo(method="GET", target="/echo", headers=None, body=None):
        return json.loads(get(odd, target, headers, method, body)[2])

    @tap.case("what the origin is asked")
    def _():
        told = echo(target="/echo?a=%2f%7e;b&&=%C3%A9", headers={
            "Accept-Encoding": "gzip;q=0.5, PeerDist, br", "X-P2P-PeerDist": "Version=1.1", "X-P2P-PeerDistEx": "x=y",
            "Connection": "close, X-Hop, Host", "X-Hop": "1", "Keep-Alive": "5", "TE": "trailers", "Upgrade": "x",
            "Proxy-Authorization": "x", "X-Forwarded-For": "192.0.2.1", "Via": "1.0 a", "Authorization": "y",
            "X-Empty": "", "Cookie": "c=d"})
        h = {k.lower(): v for k, v in told["headers"]}
        assert told["target"] == "/echo?a=%2f%7e;b&&=%C3%A9", told["target"]
        assert h["accept-encoding"] == "gzip;q=0.5,br" and h["host"] == "127.0.0.1:%d" % odd
        assert h["x-forwarded-for"] == "192.0.2.1, 127.0.0.1" and h["via"] == "1.0 a, 1.1 ponto"
        assert h["authorization"] == "y" and h["cookie"] == "c=d" and h["x-empty"] == ""
        for name in ("x-p2p-peerdist", "x-p2p-peerdistex", "x-hop", "keep-alive", "te", "upgrade", "proxy-authorization",
                     "user-agent", "accept", "content-type"):
            assert name not in h, name
        told = echo(headers={"Accept-Encoding": "peerdist", "Host": "www.example"})
        h = {k.lower(): v for k, v in told["headers"]}
        assert h["accept-encoding"] == "identity" and h["host"] == "www.example"
        told = echo(target="http://other.example/echo?x")
        assert told["target"] == "/echo?x" and dict(told["headers"])["Host"] == "other.example"

    @tap.case("any method, with and without a body")
    def _():
        big = random.Random(4).randbytes(1500000)
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            for body in (None, b"", b"x", big):
                told = echo(method, body=body, headers={"Content-Type": "a/b"})
                assert told["method"] == method and told["body"] == hashlib.sha256(body or b"").hexdigest()
        with socket.create_connection(("127.0.0.1", odd), 60) as s:
            s.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\nExpect: 100-continue\r\n\r\n")
            assert s.recv(12) == b"HTTP/1.1 413"
        assert get(odd, "/echo", None, "POST", bytes(2097153))[0] == 413

    @tap.case("what no origin can be asked is refused")
    def _():
        assert get(odd, "*", method="OPTIONS")[0] == 501
        assert get(odd, "/a#b")[0] == 400
        assert get(odd, "x")[0] == 400
        assert get(odd, "/" + 8170 * "x")[0] == 414

    @tap.case("redirections, no content, an empty one")
    def _():
        status, answer, _ = get(odd, "/moved")
        assert status == 302 and answer["location"] == "/elsewhere"
        status, answer, _ = get(odd, "/nothing")
        assert status == 204 and answer["x-it"] == "is"
        for ask in ({}, HASHES, HASHES):
            status, answer, body = get(odd, "/empty", ask)
            assert status == 200 and body == b"" and answer["content-length"] == "0" and "content-encoding" not in answer

    @tap.case("chunks, in any size; HTTP/1.0 too")
    def _():
        status, answer, body = get(odd, "/chunked")
        assert status == 200 and body == BODY and answer["transfer-encoding"] == "chunked"
        with socket.create_connection(("127.0.0.1", odd), 60) as s:
            s.sendall(b"GET /chunked HTTP/1.0\r\n\r\n")
            data = b"".join(iter(lambda: s.recv(65536), b""))
        head, _, body = data.partition(b"\r\n\r\n")
        assert body == BODY and b"chunked" not in head

    def encoded_big():
        end = time.monotonic() + 60
        while True:
            got = get(odd, "/big", V1)
            if got[1].get("content-encoding") == "peerdist":
                return got
            assert time.monotonic() < end

    @tap.case("a slow reader holds the origin back, and gets all of it")
    def _():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(60)
            s.connect(("127.0.0.1", odd))
            s.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      b"Accept-Encoding: peerdist\r\nX-P2P-PeerDist: Version=1.0\r\n\r\n")
            before, calm = -1, 0
            while calm < 20:  # two seconds without progress, more than the time that a stalled origin gets
                now = seen()["sent"]
                calm = calm + 1 if now == before and now > 0 else 0
                before = now
                time.sleep(0.1)
            assert before < BIG // 2, before
            data = b""
            while b"\r\n\r\n" not in data:
                data += s.recv(65536)
            body, total, i = data.partition(b"\r\n\r\n")[2], 0, 0
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            while True:
                more = s.recv(1 << 20)
                body += more
                while len(body) >= 65536 or (not more and body):
                    assert body[:65536] == block(i)
                    body, i = body[65536:], i + 1
                if not more:
                    break
            assert i == BIG // 65536, i
        info = Info(encoded_big()[2])
        assert info.length == BIG

    @tap.case("when a client leaves, the origin is left")
    def _():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", odd))
            s.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(1000)
        end = time.monotonic() + 60
        while not seen()["closed"]:
            assert time.monotonic() < end
            time.sleep(0.1)

    with open("tally", "w") as f:
        f.write("%d %d\n" % (tap.count, tap.bad))
    return 1 if tap.bad else 0


if sys.argv[1] == "origin":
    origin()
elif sys.argv[1] == "listen":
    listen(sys.argv[2], sys.argv[3:])
else:
    sys.exit(judge(*(int(a) for a in sys.argv[2:5])))
