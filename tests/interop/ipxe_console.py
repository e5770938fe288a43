#!/usr/bin/env python3
"""ipxe_console.py PROGRAM [ARGUMENT]...: an iPXE for Linux; commands from standard input are typed on a terminal of its.
Prints what each command printed. Exit status 1: it ended, or was silent, before all of them were done."""
import os, pty, re, select, signal, sys, time

SILENCE = 120                   # seconds without a byte or a prompt
commands = sys.stdin.read().splitlines()
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
pending = ""


def screen(text):
    """What remains visible: without colours, lines overwritten by what followed a carriage return or backspaces."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")
    lines = []
    for line in text.split("\n"):
        shown = [part for part in re.split(r"\r|\x08+", line) if part.strip()]
        lines.append(" | ".join(part.rstrip() for part in shown))
    return "\n".join(lines)


def until(what):
    global pending
    limit = time.monotonic() + SILENCE
    while True:
        at = pending.find(what)
        if at >= 0:
            before, pending = pending[:at], pending[at + len(what):]
            return before
        ready, _, _ = select.select([fd], [], [], max(0, limit - time.monotonic()))
        try:
            data = os.read(fd, 65536) if ready else b""
        except OSError:         # its end of the terminal is closed
            data = b""
        if not data:
            print(screen(pending))
            print("ended, or silent, before:", what, file=sys.stderr)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            sys.exit(1)
        pending += data.decode("latin-1")


until("Ctrl-B")
os.write(fd, b"\x02")
until("iPXE> ")
for command in commands:
    os.write(fd, command.encode() + b"\n")
    print("iPXE>", screen(until("iPXE> ")), flush=True)
os.kill(pid, signal.SIGKILL)    # nothing of it is to be kept
os.waitpid(pid, 0)
