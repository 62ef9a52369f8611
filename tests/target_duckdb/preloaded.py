"""Starts target-duckdb without waiting for its imports: each command is forked from a process that did them.

They are most of the time of a small run, above all the Singer SDK, and the tests run the command hundreds of
times. Each is still a process of its own with its own arguments, environment, folder, channels and exit code.
A test of what happens before or during the imports starts `loading.COMMAND` itself.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ASK = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [b"3"], [0, 1, 2])
    server.sendall(json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]).encode())
    server.shutdown(socket.SHUT_WR)
    status = int(server.recv(16))
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""
"""A program that has a command run on its own channels and ends as that ends."""


@functools.cache
def command() -> list[str]:
    """Return the words before the arguments, once a process that can be forked waits for them."""
    address = Path(tempfile.mkdtemp(prefix="preloaded-")) / "socket"
    # It ends when its standard input does: with this process, however that ends.
    server = subprocess.Popen([sys.executable, "-P", __file__, address], stdin=subprocess.PIPE)
    atexit.register(server.communicate)
    while not address.exists():
        time.sleep(0.01)
    return [sys.executable, "-I", "-S", "-c", ASK, str(address)]


def serve(address: Path) -> None:
    """Fork for each request, until standard input ends. A fork that has become a command ends as one."""
    for name in ("start", "loader", "target"):
        importlib.import_module(f"target_duckdb.{name}")
    duckdb.default_connection().close()  # has a thread, which would not outlive a fork

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a command
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            asked = listener.accept()[0]
            if os.fork() == 0:
                listener.close()
                attend(asked)
            asked.close()
    address.unlink()
    address.parent.rmdir()


def attend(asked: socket.socket) -> None:
    """Run the command in one more fork, and tell the exit code to who asked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    given = socket.recv_fds(asked, 1, 3)[1]
    words, environment, folder = json.load(asked.makefile())
    if command := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
        asked.sendall(str(status).encode())
        os._exit(0)
    asked.close()
    for channel, descriptor in enumerate(given):
        os.dup2(descriptor, channel)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = words
    from target_duckdb import cli  # noqa: PLC0415 - its signals are none of the server's

    cli.main()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
