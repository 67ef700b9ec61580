# tests/support/certificates.py -- certificates of a test run's own, made by openssl: a server's, a client's, a stranger's.
#
#     made = Certificates(folder)
#     made.certificate("server")    # signed by itself, so it is its own root; for localhost and 127.0.0.1
import pathlib
import subprocess

LOCAL = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")


class Certificates:
    """Pairs of key and certificate in `folder`, valid for two days. Each is its own root."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.make("server", "/CN=localhost", *LOCAL)
        self.make("client", "/CN=client")
        self.make("stranger", "/CN=stranger")

    def make(self, name, subject, *more):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", subject, "-keyout", self.key(name),
             "-out", self.certificate(name), *more], check=True, capture_output=True)

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def certificate(self, name):
        return str(self.folder / f"{name}.crt")
