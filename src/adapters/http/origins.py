"""Who asks and from where, as the audit log shows it."""

from adapters.http.bodies import ApiRequest
from argus_core.domain.accounts import Credential
from argus_core.domain.audit import Origin


def origin_of(request: ApiRequest) -> Origin:
    """The actor, if there is one, and the address that the connection comes from."""
    address = request.client.host if request.client else ""
    credential: Credential | None = request.auth
    return Origin(address=address) if credential is None else Origin.of(credential.actor, address)
