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
