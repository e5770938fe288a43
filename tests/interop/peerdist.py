"""PeerDist in Python, written from [MS-PCCRC], [MS-PCCRR] and [MS-PCCRTP] and not from our code: Content Information read
and judged, blocks retrieved and opened with the openssl program."""
import hashlib
import hmac
import http.client
import struct
import subprocess

C2 = "MS_P2P_CACHING\0".encode("utf-16-le")
PATH = "/116B50EB-ECE2-41ac-8429-9F9E963361B7/"
NAMES = {0x800C: ("sha256", 32), 0x800D: ("sha384", 48), 0x800E: ("sha512", 64)}
V1 = {"Accept-Encoding": "peerdist", "X-P2P-PeerDist": "Version=1.0"}
V2 = {"Accept-Encoding": "gzip, peerdist", "X-P2P-PeerDist": "Version=1.1",
      "X-P2P-PeerDistEx": "MinContentInformation=1.0, MaxContentInformation=2.0"}


class Segment:
    def __init__(self, version, name, size, index, offset, length, hod, kp):
        self.version, self.name, self.size = version, name, size
        self.index, self.offset, self.length, self.hod, self.kp = index, offset, length, hod, kp
        self.blocks = []

    def hash(self, data):
        return hashlib.new(self.name, data).digest()[:self.size]

    def mac(self, key, data):
        return hmac.new(key, data, self.name).digest()[:self.size]

    def id(self):
        return self.mac(self.kp, self.hod + C2)

    def count(self):
        return 1 if self.version == 2 else (self.length + 65535) // 65536

    def block_size(self, i):
        return self.length if self.version == 2 else min(65536, self.length - 65536 * i)


class Info:
    """What Content Information says; an assertion fails when it breaks a rule of the format."""

    def __init__(self, data):
        self.data, self.at, self.segments = data, 0, []
        assert data[:2] in (b"\0\1", b"\0\2"), data[:2]
        self.version = data[1]
        (self.read_v1 if self.version == 1 else self.read_v2)()
        assert self.at == len(data), "bytes left over"

    def take(self, form):
        fields = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return fields

    def read_v1(self):
        _, algorithm, offset, read, count = self.take("<HIIII")
        name, size = NAMES[algorithm]
        assert count > 0
        for _ in range(count):
            at, length, block, hod, kp = self.take("<QII%ds%ds" % (size, size))
            assert block == 65536 and at % 33554432 == 0 and 0 < length <= 33554432
            assert not self.segments or at == self.segments[-1].offset + self.segments[-1].length
            self.segments.append(Segment(1, name, size, at // 33554432, at, length, hod, kp))
        for s in self.segments:
            n, = self.take("<I")
            assert 0 < n <= s.count()
            s.blocks = [self.take("%ds" % size)[0] for _ in range(n)]
            if n == s.count():
                assert s.hash(b"".join(s.blocks)) == s.hod
        first, last = self.segments[0], self.segments[-1]
        self.start = first.offset + offset
        if count == 1:
            self.length = read or first.length - offset
        else:
            self.length = last.offset + (read or last.length) - self.start

    def read_v2(self):
        minor, major, algorithm, at, index, offset, length = self.take(">BBBQQIQ")
        assert (minor, major, algorithm) == (0, 2, 4)
        self.start = at + offset
        while self.at < len(self.data):
            kind, size = self.take(">BI")
            assert kind == 0 and size > 0 and size % 68 == 0
            for _ in range(size // 68):
                n, hod, kp = self.take(">I32s32s")
                assert 1 <= n <= 131072
                self.segments.append(Segment(2, "sha512", 32, index, at, n, hod, kp))
                index, at = index + 1, at + n
        self.length = length or at - self.start

    def judge(self, content, ks=None):
        """Every hash again, from the content itself."""
        assert self.start + self.length <= len(content)
        end = self.start + self.length
        assert self.segments[0].offset <= self.start < self.segments[0].offset + self.segments[0].length
        assert self.segments[-1].offset < end <= self.segments[-1].offset + self.segments[-1].length
        for s in self.segments:
            part = content[s.offset:s.offset + s.length]
            assert len(part) == s.length
            if s.version == 1:
                mine = [s.hash(part[i:i + 65536]) for i in range(0, len(part), 65536)]
                assert s.blocks == mine[:len(s.blocks)]
                touched = (min(end, s.offset + s.length) - s.offset + 65535) // 65536
                assert len(s.blocks) == touched, (len(s.blocks), touched)
                assert s.hod == s.hash(b"".join(mine))
            else:
                assert s.hod == s.hash(part)
            if ks:
                assert s.kp == s.mac(ks, s.hod)


def get(port, target, headers=None, method="GET", body=None, host="127.0.0.1"):
    """Status, headers (names in lower case), body."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request(method, target, body=body, headers=headers or {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data


# ---- retrieval --------------------------------------------------------------------------------

def message(kind, body, crypto=1, version=(0, 1), size=None):
    return struct.pack(">HHIII", version[0], version[1], kind, 16 + len(body) if size is None else size, crypto) + body


def padded(identifier):
    return struct.pack(">I", len(identifier)) + identifier + bytes(-len(identifier) % 4)


def getblklist(identifier, ranges, crypto=1):
    body = padded(identifier) + struct.pack(">I", len(ranges))
    return message(2, body + b"".join(struct.pack(">II", *r) for r in ranges), crypto)


def getblks(identifier, index, crypto=1, ranges=None):
    ranges = [(index, 1)] if ranges is None else ranges
    body = padded(identifier) + struct.pack(">I", len(ranges))
    return message(3, body + b"".join(struct.pack(">II", *r) for r in ranges) + struct.pack(">I", 0), crypto)


class Answer:
    def __init__(self, data):
        size, = struct.unpack_from(">I", data)
        assert size == len(data) - 4, (size, len(data))
        self.minor, self.major, self.kind, length, self.crypto = struct.unpack_from(">HHIII", data, 4)
        assert length == size
        self.body, self.at = data[20:], 0

    def number(self):
        self.at += 4
        return struct.unpack_from(">I", self.body, self.at - 4)[0]

    def counted(self):
        size = self.number()
        value = self.body[self.at:self.at + size]
        assert len(value) == size
        self.at += size + -size % 4
        return value

    def block(self):
        assert self.kind == 5
        self.id, self.index, self.next = self.counted(), self.number(), self.number()
        self.data, self.proof, self.iv = self.counted(), self.counted(), self.counted()
        return self

    def ranges(self):
        assert self.kind == 4
        self.id = self.counted()
        self.list = [(self.number(), self.number()) for _ in range(self.number())]
        self.next = self.number()
        return self


def ask(port, body, host="127.0.0.1", path=PATH, connection=None):
    """The answer to one retrieval request; None when there is none."""
    own = connection or http.client.HTTPConnection(host, port, timeout=60)
    own.request("POST", path, body=body)
    answer = own.getresponse()
    data = answer.read()
    if not connection:
        own.close()
    return Answer(data) if answer.status == 200 else None


def opened(answer, segment):
    """The block in the clear, by the openssl program."""
    key = {1: 16, 2: 24, 3: 32}.get(answer.crypto)
    if key is None:
        return answer.data[:segment.block_size(answer.index)]
    assert len(answer.data) % 16 == 0 and len(answer.iv) == 16
    clear = subprocess.run(["openssl", "enc", "-d", "-aes-%d-cbc" % (8 * key), "-nopad", "-K", segment.kp[:key].hex(),
                            "-iv", answer.iv.hex()], input=answer.data, capture_output=True, check=True).stdout
    return clear[:segment.block_size(answer.index)]


# ---- TAP ----------------------------------------------------------------------------------------

class Tap:
    def __init__(self, first=0):
        self.count, self.bad = first, 0

    def case(self, name, proves=()):
        """As a decorator: the function passes or raises."""
        def run(function):
            import traceback
            for row in proves:
                print("# proves %s" % row)
            self.count += 1
            try:
                function()
                print("ok %d - %s" % (self.count, name), flush=True)
            except Exception:
                self.bad += 1
                print("not ok %d - %s" % (self.count, name))
                print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()[-12:]), flush=True)
            return function
        return run


# ---- the Hosted Cache Protocol, from [MS-PCHC] 2 ------------------------------------------------

HOSTED_1 = "/C574AC30-5794-4AEE-B1BB-6651C5315029"
HOSTED_2 = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4"


def offer_head(major, kind, port, padding=b"\0\0\0\0", more=bytes(6), minor=0):
    return struct.pack(">BBH", minor, major, kind) + padding + struct.pack(">H", port) + more


def initial_offer(port, identifier):
    return offer_head(1, 1, port) + identifier


def segment_info(port, segment, tag=b"WinINet", offset=0, read=None, blocks=None):
    """The one segment's Content Information; tag is filled up with zeros."""
    codes = {name: code for code, (name, _) in NAMES.items()}
    blocks = segment.blocks if blocks is None else blocks
    info = struct.pack("<HIIII", 0x0100, codes[segment.name], offset, segment.length if read is None else read, 1)
    info += struct.pack("<QII", segment.offset, segment.length, 65536) + segment.hod + segment.kp
    info += struct.pack("<I", len(blocks)) + b"".join(blocks)
    return offer_head(1, 2, port) + tag.ljust(16, b"\0") + info


def descriptor(block, size, identifier, algorithm=4, tag=b"BITS-4.0", tag_size=16):
    return struct.pack(">IIH", block, size, tag_size) + tag.ljust(16, b"\0") + bytes([algorithm]) + identifier


def batched_offer(port, descriptors):
    return offer_head(2, 3, port) + b"".join(descriptors)


def segment_descriptor(segment):
    if segment.version == 2:
        return descriptor(segment.length, segment.length, segment.id())
    return descriptor(65536, segment.length, segment.id(), 1)


# ---- a peer that serves, from [MS-PCCRR] 2.2 and 3.2 -----------------------------------------------

def sealed(data, key, iv, crypto):
    """AES-CBC by the openssl program, with padding."""
    if not crypto:
        return data
    size = {1: 16, 2: 24, 3: 32}[crypto]
    return subprocess.run(["openssl", "enc", "-e", "-aes-%d-cbc" % (8 * size), "-K", key[:size].hex(), "-iv", iv.hex()],
                          input=data, capture_output=True, check=True).stdout


def answer(kind, body, crypto, version=(0, 1)):
    whole = message(kind, body, crypto, version)
    return struct.pack(">I", len(whole)) + whole


class Peer:
    """Serves blocks {(ID, index): (crypto, iv, bytes)} on an address, and notes what it is asked."""

    def __init__(self, address="127.0.0.1", blocks=None, port=0):
        import http.server
        import threading
        peer = self
        self.blocks, self.asked, self.silent, self.status, self.chunked = blocks or {}, [], False, 200, False
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                peer.post(self, body)

        self.server = http.server.ThreadingHTTPServer((address, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def post(self, request, body):
        if self.silent:
            import time
            time.sleep(30)
            return
        self.reply(request, self.retrieve(request.path, body))

    def reply(self, request, data):
        if data is None:
            request.close_connection = True
            return
        request.send_response(self.status)
        request.send_header("Content-Type", "application/octet-stream")
        if self.chunked:
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            for i in range(0, len(data), 3):
                part = data[i:i + 3]
                request.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            request.wfile.write(b"0\r\n\r\n")
        else:
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)

    def held(self, identifier):
        return sorted(i for name, i in self.blocks if name == identifier)

    def retrieve(self, path, body):
        assert path.lower().rstrip("/") == PATH.lower().rstrip("/"), path
        minor, major, kind, size, crypto = struct.unpack_from(">HHIII", body)
        assert size == len(body) and (minor, major) == ((0, 2) if kind == 6 else (0, 1)), (kind, major)
        if kind == 6:
            return self.segments(body, crypto)
        at = 16
        length, = struct.unpack_from(">I", body, at)
        identifier = body[at + 4:at + 4 + length]
        at += 4 + length + -length % 4
        count, = struct.unpack_from(">I", body, at)
        ranges = [struct.unpack_from(">II", body, at + 4 + 8 * i) for i in range(count)]
        wanted = [i for start, n in ranges for i in range(start, start + n)]
        with self.lock:
            self.asked.append((kind, identifier, wanted))
        if kind == 2:
            held = [i for i in self.held(identifier) if i in wanted]
            body = padded(identifier) + struct.pack(">I", len(held))
            return answer(4, body + b"".join(struct.pack(">II", i, 1) for i in held) + struct.pack(">I", 0), crypto)
        assert kind == 3 and len(wanted) == 1
        crypto, iv, data = self.blocks.get((identifier, wanted[0]), (1, bytes(16), b""))
        body = padded(identifier) + struct.pack(">II", wanted[0], 0) + padded(data) + struct.pack(">I", 0)
        return answer(5, body + (padded(iv) if crypto and data else struct.pack(">I", 0)), crypto)

    def segments(self, body, crypto):
        request, count = body[16:32], struct.unpack_from(">I", body, 32)[0]
        at, identifiers = 36, []
        for _ in range(count):
            length, = struct.unpack_from(">I", body, at)
            identifiers.append(body[at + 4:at + 4 + length])
            at += 4 + length + -length % 4
        with self.lock:
            self.asked.append((6, request, identifiers))
        held = [i for i, name in enumerate(identifiers) if self.held(name)]
        out = request + struct.pack(">I", len(held)) + b"".join(struct.pack(">II", i, 1) for i in held)
        return answer(7, out + struct.pack(">I", 0), crypto, (0, 2))

    def blocks_asked(self, identifier=None):
        with self.lock:
            return [(n, w[0]) for k, n, w in self.asked if k == 3 and identifier in (None, n)]


def all_blocks(segment, content, crypto=1):
    """What a peer has of a segment, sealed."""
    import os
    out = {}
    for i in range(segment.count()):
        iv = os.urandom(16)
        start = segment.offset + 65536 * i
        out[segment.id(), i] = (crypto, iv, sealed(content[start:start + segment.block_size(i)], segment.kp, iv, crypto))
    return out
