"""An OIDC provider on 127.0.0.1 with TLS: discovery, keys, and refresh tokens that are good for one time only."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.tls_server import TlsServer, tls_context

CLIENT = "whystuck"
CLIENT_SECRET = "client-secret-canary"


class OidcIssuer:
    """Signs tokens for anybody; whoever has a refresh token gets an id-token and the next refresh token."""

    def __init__(self, certificate: Path, key: Path, *, token_seconds: float = 3600.0) -> None:
        """Listen, with this certificate. Tokens that are refreshed live for so long."""
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self._server = TlsServer("127.0.0.1", self._handler(), tls_context(certificate, key))
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self.token_seconds = token_seconds
        self.refresh_token = "refresh-canary-0"
        self.refreshed = 0
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def sign(self, subject: str, *, seconds: float) -> str:
        """An id-token for so long from now; negative: it is over."""
        now = time.time()
        claims = {"iss": self.url, "aud": CLIENT, "sub": subject, "iat": int(now - 3600), "exp": int(now + seconds)}
        head = f"{_encoded({'alg': 'RS256', 'kid': 'k', 'typ': 'JWT'})}.{_encoded(claims)}"
        signature = self._key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{head}.{_base64(signature)}"

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_keys = self.path == "/keys"
                self._answer(200, issuer._keys() if is_keys else issuer._discovery())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*issuer._refresh(urllib.parse.parse_qs(body)))

            def log_message(self, *_arguments: object) -> None:
                pass

            def _answer(self, status: int, value: dict[str, Any]) -> None:
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        return Handler

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/authorize",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _keys(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = _base64(numbers.n.to_bytes(256, "big")), _base64(numbers.e.to_bytes(3, "big"))
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": modulus, "e": exponent}]}

    def _refresh(self, asked: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if asked.get("refresh_token") != [self.refresh_token]:
            return 400, {"error": "invalid_grant"}
        self.refreshed += 1
        self.refresh_token = f"refresh-canary-{self.refreshed}"
        token = self.sign("oidc-user", seconds=self.token_seconds)
        return 200, {
            "access_token": token,
            "id_token": token,
            "refresh_token": self.refresh_token,
            "token_type": "Bearer",
            "expires_in": int(self.token_seconds),
        }


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
