"""Which fields of an event's body may be sealed, which must be, and how commitments to them stand in it."""

import re
from functools import lru_cache

from traceability.core.custody_bodies import CorrectionBody, ExportBody
from traceability.core.forms import Form, Sealed
from traceability.core.paper_bodies import CertificateBody, PaymentBody
from traceability.core.registry_bodies import Body, TagIssueBody


def sealed_form(body: Body, path: str) -> Sealed | None:
    """What the sealed field at a JSON Pointer into `body` must be; None where no such field can stand."""
    plain = type(body).sealed_fields.get(path[1:])
    if plain is not None and path[0] == "/":  # most stand in the body itself
        return plain
    before, *way = path.split("/")
    if before or not way:
        return None
    last = way.pop()
    at: object = body
    for token in way:
        if isinstance(at, list):
            if (
                not token.isascii()
                or not token.isdigit()
                or str(int(token)) != token
                or int(token) >= len(at)
            ):
                return None
            at = at[int(token)]
        elif isinstance(at, Form):
            name = _field_named(at, token)
            at = getattr(at, name) if name else None
        else:
            return None
    return type(at).sealed_fields.get(last) if isinstance(at, Form) else None


def _field_named(form: Form, token: str) -> str | None:
    for name, info in type(form).model_fields.items():
        if (info.alias or name) == token:
            return name
    return None


_COMMITMENT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")


@lru_cache(maxsize=64)
def _needed(body: type[Body]) -> tuple[str, ...]:
    """The fields of such a body that must be sealed."""
    return tuple([name for name, field in body.sealed_fields.items() if field.needed])


def check_sealed(sealed: list[list[str]], body: Body) -> None:
    """Raises ValueError unless these (path, commitment) are in order, and seal what may and must be sealed."""
    paths = [entry[0] for entry in sealed]
    if len(paths) > 1 and paths != sorted(set(paths)):
        raise ValueError("sealed is sorted by path, each path once")
    for path, digest in sealed:
        if not _COMMITMENT.match(digest):
            raise ValueError(f"{path[:80]}: a commitment is 32 bytes in base64url without padding")
        if sealed_form(body, path) is None:
            raise ValueError(f"{path[:80]} is not a field that may be sealed here")
    for name in _needed(type(body)):
        if "/" + name not in paths:
            raise ValueError(f"/{name} must be sealed in this event")
    if type(body) in _OPEN_OR_SEALED:
        _check_open_or_sealed(paths, body)


_OPEN_OR_SEALED = frozenset({ExportBody, CertificateBody, PaymentBody, TagIssueBody, CorrectionBody})


def _check_open_or_sealed(paths: list[str], body: Body) -> None:
    match body:
        case ExportBody():
            if (body.importer is None) != ("/importer" in paths):
                raise ValueError("the importer stands open as a party, or sealed as an entity: exactly one")
        case CertificateBody():
            if (body.importer is None) != ("/importer" in paths):
                raise ValueError("the importer stands open as a party, or sealed as an entity: exactly one")
        case PaymentBody():
            for name, said in (("to", body.to), ("of", body.of)):
                if (said is None) != (f"/{name}" in paths):
                    raise ValueError(
                        f"{name} stands open or sealed, exactly one; what is unofficial is sealed"
                    )
        case TagIssueBody():
            if (body.scheme == "t") != ("/codes" in paths):
                raise ValueError("the codes of our own tags must be sealed: seal /codes")
        case CorrectionBody():
            for number, field_ in enumerate(body.fields_ or ()):
                if (field_.is_ is None) != (f"/fields/{number}/is" in paths):
                    raise ValueError(f"/fields/{number}: the right value stands open, or sealed: exactly one")
        case _:
            pass
