#!/usr/bin/env python3
"""BitTorrent's side of bench_dist_swarm.sh: a torrent of one file, and a tracker that tells everybody of everybody.

swarm_torrent.py make FILE TRACKER-URL TORRENT     swarm_torrent.py track ADDRESS PORT PEERS-FILE
"""
import hashlib
import http.server
import os
import socket
import sys
import urllib.parse


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(value[k]) for k in sorted(value)) + b"e"
    value = value.encode() if isinstance(value, str) else value
    return b"%d:" % len(value) + value


def make(path, url, torrent):
    size, piece = os.path.getsize(path), 65536
    while size // piece > 2000:  # as the usual makers choose: a thousand or two
        piece *= 2
    with open(path, "rb") as file:
        hashes = b"".join(hashlib.sha1(data).digest() for data in iter(lambda: file.read(piece), b""))
    info = {"name": os.path.basename(path), "length": size, "piece length": piece, "pieces": hashes}
    with open(torrent, "wb") as file:
        file.write(bencode({"announce": url, "info": info}))


def track(address, port, known):
    peers = set()

    class Tracker(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            here = (self.client_address[0], int(query["port"][0]))
            others = b"".join(socket.inet_aton(host) + at.to_bytes(2, "big") for host, at in peers - {here})
            peers.add(here)
            with open(known, "w") as file:
                file.writelines(f"{host}\n" for host, _ in peers)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bencode({"interval": 10, "min interval": 5, "peers": others}))

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer((address, int(port)), Tracker).serve_forever()


{"make": make, "track": track}[sys.argv[1]](*sys.argv[2:])
