"""Certificate chains for the comparison with Go: every certificate has a fixed key, serial number and time.

Printed as JSON: name, leaf, intermediates and roots (base64 of DER), dns_name, at. Signatures are deterministic, so the
output is the same every time; see main.go for how the table is made anew.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import sys
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

HOST = "hooks.mesh-system.svc"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
V3_HASH = hashes.SHA256()


def key(name: str):
    """An Ed25519 key that belongs to a name; names with `ec` get one on P-256."""
    seed = hashlib.sha256(name.encode()).digest()
    if "ec" in name:
        return ec.derive_private_key(int.from_bytes(seed, "big") >> 1, ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if name else x509.Name([])


def make(name, issuer, *extensions, own_key=None, issuer_key=None, start=NOW - YEAR, end=NOW + YEAR, hash_=V3_HASH):
    """A certificate; extensions are pairs of extension and criticality, or extensions alone."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(subject(issuer))
        .public_key(key(own_key or name).public_key())
        .serial_number(int.from_bytes(hashlib.sha256(f"{name}{issuer}{end}".encode()).digest()[:8], "big") >> 1)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for one in extensions:
        extension, critical = one if isinstance(one, tuple) else (one, False)
        builder = builder.add_extension(extension, critical)
    signer = key(issuer_key or issuer)
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return builder.sign(signer, None)
    return builder.sign(signer, hash_, ecdsa_deterministic=True)


def ca(length=None):
    return x509.BasicConstraints(ca=True, path_length=length), True


def usage(*, sign=True):
    return (
        x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=sign, crl_sign=False, encipher_only=False, decipher_only=False,
        ),
        True,
    )  # fmt: skip


def names(*hosts):
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(h)) if h[0].isdigit() or ":" in h else x509.DNSName(h) for h in hosts]
    )


def eku(*usages):
    return x509.ExtendedKeyUsage(usages)


def own_id(name):
    return x509.SubjectKeyIdentifier(hashlib.sha256(f"id of {name}".encode()).digest()[:20])


def issuer_id(name):
    return x509.AuthorityKeyIdentifier(hashlib.sha256(f"id of {name}".encode()).digest()[:20], None, None)


def strange(critical):
    return x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), critical


def constraints(permitted=None, excluded=None):
    def general(texts):
        return [x509.IPAddress(ipaddress.ip_network(t)) if "/" in t else x509.DNSName(t) for t in texts] or None

    return x509.NameConstraints(general(permitted or ()), general(excluded or ())), True


def split_der(content: bytes) -> list[bytes]:
    """The elements of a DER sequence's content."""
    found = []
    while content:
        length, header = content[1], 2
        if length & 0x80:
            header += length & 0x7F
            length = int.from_bytes(content[2:header], "big")
        found.append(content[: header + length])
        content = content[header + length :]
    return found


def wrap_der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def parts_of(certificate: x509.Certificate) -> list[bytes]:
    """Version, serial number, signature algorithm, issuer, and so on."""
    (body,) = split_der(certificate.tbs_certificate_bytes)
    header = 2 + (body[1] & 0x7F if body[1] & 0x80 else 0)
    return split_der(body[header:])


def version_1(certificate: x509.Certificate, issuer: str) -> x509.Certificate:
    """The same without version and extensions, signed anew."""
    parts = [part for part in parts_of(certificate) if part[0] not in (0xA0, 0xA3)]
    tbs = wrap_der(0x30, b"".join(parts))
    signature = wrap_der(0x03, b"\x00" + key(issuer).sign(tbs))
    return x509.load_der_x509_certificate(wrap_der(0x30, tbs + parts[1] + signature))


def sha_1(certificate: x509.Certificate, issuer: str) -> x509.Certificate:
    """The same with a signature of ecdsa-with-SHA1, which `cryptography` does not make any more."""
    parts = parts_of(certificate)
    parts[2] = bytes.fromhex("300906072a8648ce3d0401")
    tbs = wrap_der(0x30, b"".join(parts))
    signature = key(issuer).sign(tbs, ec.ECDSA(hashes.SHA1(), deterministic_signing=True))
    return x509.load_der_x509_certificate(wrap_der(0x30, tbs + parts[2] + wrap_der(0x03, b"\x00" + signature)))


ROOT = make("root", "root", ca(), usage())
MIDDLE = make("middle", "root", ca(), usage())
LEAF = make("leaf", "root", names(HOST))
DEEP = make("leaf", "middle", names(HOST))
SELF = make("leaf", "leaf", names(HOST))
EC_ROOT = make("ec root", "ec root", ca(), usage())


def leaf(*extensions, **options):
    return make("leaf", "root", *extensions, **options)


def chains():
    """Name, leaf, intermediates, roots, and what differs from calling HOST now."""
    yield "plain", LEAF, [], [ROOT]
    yield "through an intermediate", DEEP, [MIDDLE], [ROOT]
    yield "intermediate is not sent", DEEP, [], [ROOT]
    yield "intermediate is trusted itself", DEEP, [], [MIDDLE]
    yield "ECDSA", make("leaf", "ec root", names(HOST)), [], [EC_ROOT]
    yield "ECDSA with SHA-384", make("leaf", "ec root", names(HOST), hash_=hashes.SHA384()), [], [EC_ROOT]
    yield "no roots", LEAF, [], []
    yield "root twice in the bundle", LEAF, [], [ROOT, ROOT]
    yield "another root", LEAF, [], [make("other", "other", ca())]
    yield "no name is asked for", leaf(), [], [ROOT], {"dns_name": ""}
    yield from time_chains()
    yield from name_chains()
    yield from authority_chains()
    yield from path_chains()
    yield from usage_chains()
    yield from constraint_chains()


def time_chains():
    end = NOW + YEAR
    yield "expired", leaf(names(HOST), end=NOW - timedelta(days=1)), [], [ROOT]
    yield "last second", LEAF, [], [ROOT], {"at": end}
    yield "half a second late", LEAF, [], [ROOT], {"at": end + timedelta(seconds=0.5)}
    yield "a second late", LEAF, [], [ROOT], {"at": end + timedelta(seconds=1)}
    yield "first second", LEAF, [], [ROOT], {"at": NOW - YEAR}
    yield "half a second early", LEAF, [], [ROOT], {"at": NOW - YEAR - timedelta(seconds=0.5)}
    yield "not yet valid", leaf(names(HOST), start=NOW + timedelta(hours=1)), [], [ROOT]
    old_root = make("root", "root", ca(), usage(), end=NOW - timedelta(days=1))
    new_root = make("root", "root", ca(), usage(), start=NOW + timedelta(days=1))
    yield "root expired", LEAF, [], [old_root]
    yield "root not yet valid", LEAF, [], [new_root]
    yield "root renewed with the same key, both in the bundle", LEAF, [], [old_root, ROOT]
    old_middle = make("middle", "root", ca(), usage(), end=NOW - timedelta(days=1))
    yield "intermediate expired", DEEP, [old_middle], [ROOT]
    yield "expired and good intermediate", DEEP, [old_middle, MIDDLE], [ROOT]
    yield "root behind the intermediate expired", DEEP, [MIDDLE], [old_root]
    yield "expired and for another name", leaf(names("other.svc"), end=NOW - timedelta(days=1)), [], [ROOT]
    yield "expired and self-signed", make("leaf", "leaf", names(HOST), end=NOW - timedelta(days=1)), [], [ROOT]


def name_chains():
    other = leaf(names("hooks.mesh-system-staging.svc"))
    yield "another name", other, [], [ROOT]
    yield "another name of an unknown authority", other, [], []
    yield "no names at all", leaf(), [], [ROOT]
    yield "common name alone", make(HOST, "root"), [], [ROOT]
    yield "common name in capitals", make(HOST.upper(), "root"), [], [ROOT]
    yield "common name is a wildcard", make("*.mesh-system.svc", "root"), [], [ROOT]
    yield "common name beside other names", make(HOST, "root", names("other.svc")), [], [ROOT]
    yield "no subject", make("", "root", (names(HOST), True)), [], [ROOT]
    yield "capitals", leaf(names("HOOKS.Mesh-System.SVC")), [], [ROOT]
    yield "called with capitals", LEAF, [], [ROOT], {"dns_name": HOST.upper()}
    yield "called with a dot at the end", LEAF, [], [ROOT], {"dns_name": f"{HOST}."}
    yield "certificate with a dot at the end", leaf(names(f"{HOST}.")), [], [ROOT]
    yield "wildcard", leaf(names("*.mesh-system.svc")), [], [ROOT]
    yield "wildcard for two labels", leaf(names("*.svc")), [], [ROOT]
    yield "wildcard in the middle", leaf(names("hooks.*.svc")), [], [ROOT]
    yield "part of a label is a wildcard", leaf(names("hook*.mesh-system.svc")), [], [ROOT]
    yield "bare wildcard", leaf(names("*")), [], [ROOT], {"dns_name": "localhost"}
    yield "underscore", leaf(names("my_hooks.svc")), [], [ROOT], {"dns_name": "my_hooks.svc"}
    yield "label begins with a dash", leaf(names("-hooks.svc")), [], [ROOT], {"dns_name": "-hooks.svc"}
    yield "called with a port", LEAF, [], [ROOT], {"dns_name": f"{HOST}:443"}
    yield "address", leaf(names("10.0.0.7")), [], [ROOT], {"dns_name": "10.0.0.7"}
    yield "address in brackets", leaf(names("fd00::7")), [], [ROOT], {"dns_name": "[fd00::7]"}
    yield "mapped address", leaf(names("10.0.0.7")), [], [ROOT], {"dns_name": "::ffff:10.0.0.7"}
    yield "another address", leaf(names("10.0.0.8")), [], [ROOT], {"dns_name": "10.0.0.7"}
    yield "address without addresses", LEAF, [], [ROOT], {"dns_name": "10.0.0.7"}
    yield "address as a common name", make("10.0.0.7", "root"), [], [ROOT], {"dns_name": "10.0.0.7"}
    yield (
        "address as a DNS name",
        leaf(x509.SubjectAlternativeName([x509.DNSName("10.0.0.7")])),
        [],
        [ROOT],
        {"dns_name": "10.0.0.7"},
    )


def authority_chains():
    yield "self-signed leaf in its own bundle", SELF, [], [SELF]
    yield "self-signed leaf, not in the bundle", SELF, [], [ROOT]
    yield "self-signed leaf against one with another key", SELF, [], [make("leaf", "leaf", names(HOST), own_key="x")]
    yield "issued leaf in the bundle", LEAF, [], [LEAF]
    yield (
        "leaf in the bundle is expired",
        leaf(names(HOST), end=NOW - YEAR / 2),
        [],
        [leaf(names(HOST), end=NOW - YEAR / 2)],
    )
    yield "new authority with the old name", LEAF, [], [make("root", "root", ca(), own_key="new", issuer_key="new")]
    with_ids = leaf(names(HOST), issuer_id("root"))
    good, bad = make("root", "root", ca(), own_id("root")), make("root", "root", ca(), own_id("else"))
    yield "key identifiers match", with_ids, [], [good]
    yield "key identifiers differ, signature is right", with_ids, [], [bad]
    forged = make("root", "root", ca(), own_id("root"), own_key="new", issuer_key="new")
    yield "key identifiers match, signature is wrong", with_ids, [], [forged]
    yield "both in the bundle, the wrong one first", with_ids, [], [forged, good]
    yield "authority without basic constraints", LEAF, [], [make("root", "root")]
    not_ca = make("root", "root", x509.BasicConstraints(ca=False, path_length=None))
    yield "authority says that it is none", LEAF, [], [not_ca]
    yield "authority without key usage", LEAF, [], [make("root", "root", ca())]
    yield "authority may not sign certificates", LEAF, [], [make("root", "root", ca(), usage(sign=False))]
    plain_root = version_1(ROOT, "root")
    yield "root of version 1", LEAF, [], [plain_root]
    yield "intermediate of version 1", DEEP, [version_1(MIDDLE, "root")], [ROOT]
    yield "leaf of version 1", version_1(make(HOST, "root"), "root"), [], [ROOT]
    yield "leaf of version 1 in the bundle", version_1(SELF, "leaf"), [], [version_1(SELF, "leaf")], {"dns_name": ""}
    yield "SHA-1", sha_1(make("leaf", "ec root", names(HOST)), "ec root"), [], [EC_ROOT]
    yield "key of another kind", LEAF, [], [make("root", "root", ca(), own_key="ec other", issuer_key="ec other")]


def path_chains():
    yield "path length 0, none between", LEAF, [], [make("root", "root", ca(0))]
    yield "path length 0, one between", DEEP, [MIDDLE], [make("root", "root", ca(0))]
    low = make("low", "middle", ca())
    below = make("leaf", "low", names(HOST))
    yield "two between", below, [MIDDLE, low], [ROOT]
    yield "path length 0 of an intermediate", below, [make("middle", "root", ca(0)), low], [ROOT]
    yield "intermediate is no authority", DEEP, [make("middle", "root")], [ROOT]
    yield (
        "intermediate says that it is none",
        DEEP,
        [make("middle", "root", x509.BasicConstraints(ca=False, path_length=None))],
        [ROOT],
    )
    a_by_b, b_by_a = make("a", "b", ca()), make("b", "a", ca())
    yield "two that sign each other", make("leaf", "a", names(HOST)), [a_by_b, b_by_a], [ROOT]
    yield "cross-signed by a trusted one", make("leaf", "a", names(HOST)), [a_by_b, make("a", "root", ca())], [ROOT]
    many = [make("a", "b", ca(), end=NOW + YEAR + timedelta(days=n), own_key=f"k{n}") for n in range(120)]
    yield "a hundred candidates", make("leaf", "a", names(HOST)), many, [ROOT]
    yield "root sent along", LEAF, [ROOT], []
    yield "root sent along and another trusted", LEAF, [ROOT], [EC_ROOT]


def usage_chains():
    yield "for servers", leaf(names(HOST), eku(SERVER)), [], [ROOT]
    yield "for clients only", leaf(names(HOST), eku(CLIENT)), [], [ROOT]
    yield "for anything", leaf(names(HOST), eku(ANY)), [], [ROOT]
    yield "for servers and clients", leaf(names(HOST), eku(SERVER, CLIENT)), [], [ROOT]
    yield "for something unknown", leaf(names(HOST), eku(ObjectIdentifier("1.3.6.1.4.1.55555.2"))), [], [ROOT]
    yield "authority for clients only", LEAF, [], [make("root", "root", ca(), eku(CLIENT))]
    yield "authority for servers", LEAF, [], [make("root", "root", ca(), eku(SERVER))]
    client_middle = make("middle", "root", ca(), eku(CLIENT))
    yield "intermediate for clients only", DEEP, [client_middle], [ROOT]
    yield "unknown extension", leaf(names(HOST), strange(critical=False)), [], [ROOT]
    yield "unknown critical extension", leaf(names(HOST), strange(critical=True)), [], [ROOT]
    yield "authority with an unknown critical extension", LEAF, [], [make("root", "root", ca(), strange(critical=True))]
    yield "key usage of a leaf does not matter", leaf(names(HOST), usage(sign=True)), [], [ROOT]


def constraint_chains():
    def root(permitted=None, excluded=None):
        return make("root", "root", ca(), constraints(permitted, excluded))

    yield "permitted name", LEAF, [], [root(["svc"])]
    yield "permitted name with a dot", LEAF, [], [root([".svc"])]
    yield "permitted name in capitals", LEAF, [], [root(["SVC"])]
    yield "name that is not permitted", LEAF, [], [root(["example.org"])]
    yield "part of a label is not a domain", LEAF, [], [root(["vc"])]
    yield "excluded name", LEAF, [], [root(excluded=["mesh-system.svc"])]
    yield "another name is excluded", LEAF, [], [root(excluded=["example.org"])]
    yield "wildcard covers an excluded name", leaf(names("*.mesh-system.svc")), [], [root(excluded=[HOST])]
    yield "permitted addresses, but a name", LEAF, [], [root(["10.0.0.0/8"])]
    inside = leaf(names("10.0.0.7"))
    yield "permitted address", inside, [], [root(["10.0.0.0/8"])], {"dns_name": "10.0.0.7"}
    yield "address that is not permitted", inside, [], [root(["192.168.0.0/16"])], {"dns_name": "10.0.0.7"}
    yield "excluded address", inside, [], [root(excluded=["10.0.0.0/24"])], {"dns_name": "10.0.0.7"}
    yield "common name alone is not constrained", make("leaf", "root"), [], [root(["example.org"])], {"dns_name": ""}
    yield "one of two roots permits it", LEAF, [], [root(["example.org"]), root(["svc"])]
    yield "constraints of an intermediate", DEEP, [make("middle", "root", ca(), constraints(["example.org"]))], [ROOT]


def encode(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def main() -> None:
    """Print the table."""
    rows = []
    for name, server, intermediates, roots, *rest in chains():
        options = rest[0] if rest else {}
        rows.append(
            {
                "name": name,
                "leaf": encode(server),
                "intermediates": [encode(one) for one in intermediates],
                "roots": [encode(one) for one in roots],
                "dns_name": options.get("dns_name", HOST),
                "at": options.get("at", NOW).isoformat().replace("+00:00", "Z"),
            }
        )
    json.dump(rows, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
