"""TLS servers on loopback with certificates made on the spot, good ones and every kind of bad one."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
[req]
distinguished_name = dn
[dn]
[v3_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${ENV::NAMES}
"""
LOCAL, ELSEWHERE = "DNS:localhost,IP:127.0.0.1", "DNS:crm.elsewhere.example"
available = shutil.which("openssl") is not None


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, in PEM files."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority of our own; taps trust it through their `ca_bundle` setting."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "openssl.cnf").write_text(CONFIGURATION)
        self.root = self._folder / "ca.pem"
        self._openssl(
            "req", "-x509", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=Loopback test authority", "-days", "30", "-extensions", "v3_ca",
            "-config", "openssl.cnf",
        )  # fmt: skip

    @cache  # noqa: B019 - a key costs a quarter of a second, an authority lives as long as the session
    def issue(self, name: str, *, names: str = LOCAL, expired: bool = False) -> Certificate:
        """Make a certificate signed by this authority."""
        request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"]
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "openssl.cnf", *request)
        if expired:
            self._sign_for_the_past(name, names)
        else:
            signer = [
                "x509",
                "-req",
                "-in",
                f"{name}.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
            ]
            shape = ["-out", f"{name}.pem", "-extfile", "openssl.cnf", "-extensions", "leaf", "-days", "30"]
            self._openssl(*signer, *shape, names=names)
        return Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")

    def _sign_for_the_past(self, name: str, names: str) -> None:
        """Sign with dates of 2020, which only `openssl ca` can do in every version."""
        (self._folder / "index.txt").write_text("")
        (self._folder / "serial").write_text("1000\n")
        (self._folder / "ca.cnf").write_text(
            CONFIGURATION
            + "[ca]\ndefault_ca = here\n[here]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n"
            "default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
        )
        dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
        signer = ["ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"]
        files = ["-in", f"{name}.csr", "-out", f"{name}.pem", "-extensions", "leaf"]
        self._openssl(*signer, *files, *dates, names=names)

    @cache  # noqa: B019 - the same
    def self_signed(self, name: str) -> Certificate:
        """Make a certificate that nobody but itself vouches for."""
        maker = ["req", "-x509", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "openssl.cnf"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        self._openssl(*maker, *files, "-subj", "/CN=localhost", "-days", "30", "-extensions", "leaf")
        return Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")

    def _openssl(self, *arguments: str, names: str = LOCAL) -> None:
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=self._folder,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin", "NAMES": names},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()


class TlsFront:
    """Ends TLS on loopback and passes what is inside on to a plain server; counts finished handshakes."""

    def __init__(self, behind: str, certificate: Certificate, *, newest: str = "TLSv1_3") -> None:
        parts = urlsplit(behind)
        self._behind = (parts.hostname, parts.port)
        self._context = server_context(certificate, newest)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.handshakes = 0
        self.connections = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._context.wrap_socket(connection, server_side=True) as inside:
            self.handshakes += 1
            with socket.create_connection(self._behind) as server:
                back = threading.Thread(target=_pump, args=(server, inside), daemon=True)
                back.start()
                _pump(inside, server)
                back.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def server_context(certificate: Certificate, newest: str) -> ssl.SSLContext:
    """Make a server context that speaks nothing newer than a version of TLS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1 are what we are here for
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion[newest]
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


def careless_handshake(front: TlsFront) -> str | None:
    """Connect as a client without any standards and return the version of TLS that was agreed on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
    place = ("127.0.0.1", front.port)
    with socket.create_connection(place) as plain, context.wrap_socket(plain) as inside:
        while not front.handshakes:
            time.sleep(0.01)
        return inside.version()
