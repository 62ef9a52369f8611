"""Keys travel only over TLS 1.2 or newer, to a server whose certificate somebody trusted vouches for."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from crm_simulator.messages import Request


def make_certificate(folder, names, days):
    """Make a certificate that vouches for itself; return its files."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test with")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-subj", "/CN=crm", "-addext", f"subjectAltName={names}", "-days", str(days)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("good"), "DNS:localhost,IP:127.0.0.1", 30)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("elsewhere"), "DNS:crm.elsewhere.example", 30)


@pytest.fixture
def serve(crm):
    """Put the simulated OpenCRM behind TLS."""
    servers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = crm.handle(Request("POST", self.path, "", headers, body))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args):
            pass

    def start(certificate, newest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if newest:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that these are old is the point
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = newest
            context.set_ciphers("ALL:@SECLEVEL=0")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_trusted_server_is_read(serve, good, sync, source, newest):
    output = sync(url=serve(good, newest), ca_bundle=str(good[0]))
    assert set(output.ids("contacts")) == source("contacts")


def test_an_unknown_authority_is_refused(serve, good, sync, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    output = sync(fails=True, url=serve(good))
    assert "the certificate cannot be verified" in str(output.error)
    assert "set ca_bundle for a private authority" in str(output.error)


def test_a_certificate_for_another_name_is_refused(serve, elsewhere, sync):
    output = sync(fails=True, url=serve(elsewhere), ca_bundle=str(elsewhere[0]))
    assert "The certificate must be valid" in str(output.error)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_outdated_tls_is_refused(serve, good, sync, newest):
    output = sync(fails=True, url=serve(good, newest), ca_bundle=str(good[0]))
    assert "TLS 1.2 or newer" in str(output.error)
