"""Certificates of test servers and their clients."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_YEAR = datetime.timedelta(days=365)


class Authority:
    """A certificate authority that writes PEM files into a directory."""

    def __init__(self, name: str, directory: Path, *, began_at: datetime.datetime | None = None) -> None:
        """`began_at`: neither it nor what it issues is older than this; None: they are a year old."""
        self._directory = directory
        self._began_at = began_at or datetime.datetime.now(datetime.UTC) - _YEAR
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        usage = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = (
            self._builder(self._name, self._key).add_extension(usage, critical=True).sign(self._key, hashes.SHA256())
        )
        self.file = directory / f"{name}.crt"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def bundle(self) -> str:
        """Its certificate as `caBundle` of an object."""
        return base64.b64encode(self.file.read_bytes()).decode()

    def issue(
        self, name: str, hosts: Sequence[str] = (), ended_at: datetime.datetime | None = None
    ) -> tuple[Path, Path]:
        """Issue a certificate for 127.0.0.1; gives the files of certificate and key.

        Args:
            name: of the subject, and of the files.
            hosts: names that it is for, beside that.
            ended_at: not after this; None: in a year.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = x509.SubjectAlternativeName([address, *(x509.DNSName(each) for each in (name, *hosts))])
        certificate = (
            self._builder(_name(name), key, ended_at)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        certificate_file, key_file = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(_pem(key))
        return certificate_file, key_file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ended_at: datetime.datetime | None = None
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._began_at)
            .not_valid_after(ended_at or now + _YEAR)
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
