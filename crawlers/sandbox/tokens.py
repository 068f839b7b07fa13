"""Application tokens by the OAuth client credentials grant, as eBay issues them."""

import base64
import binascii
import secrets
import time
from urllib.parse import parse_qs

LIFETIME_S = 7200


class TokenDesk:
    """Issues tokens and knows which of them still hold.

    Args:
        client_id: the id to accept; None accepts any id that is not empty.
        client_secret: the secret to accept; None accepts any secret that is not empty.
        lifetime_s: seconds for which a token holds.
    """

    def __init__(self, client_id: str | None, client_secret: str | None, lifetime_s: int) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._lifetime_s = lifetime_s
        self._expiry: dict[str, float] = {}

    def grant(self, authorization: str, form: str) -> tuple[int, dict[str, str | int]]:
        """Status and body for a request with this Authorization header and urlencoded form."""
        if not self._known_client(authorization):
            return 401, {"error": "invalid_client", "error_description": "client authentication failed"}
        if parse_qs(form).get("grant_type") != ["client_credentials"]:
            message = "grant type in request is not supported by the authorization server"
            return 400, {"error": "unsupported_grant_type", "error_description": message}
        token = f"v^1.1#{secrets.token_urlsafe(24)}"
        self._expiry[token] = time.monotonic() + self._lifetime_s
        return 200, {"access_token": token, "expires_in": self._lifetime_s, "token_type": "Application Access Token"}

    def holds(self, authorization: str) -> bool:
        """Whether the Authorization header bears a token that was issued here and has not expired."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._expiry.get(token.strip(), 0.0) > time.monotonic()

    def _known_client(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given_id, _, given_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        id_fits = given_id == self._client_id if self._client_id is not None else given_id != ""
        secret_fits = given_secret == self._client_secret if self._client_secret is not None else given_secret != ""
        return id_fits and secret_fits
