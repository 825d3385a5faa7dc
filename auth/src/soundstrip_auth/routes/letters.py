"""Having a letter sent that its reader goes on by."""

from http import HTTPStatus

import flask

from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import require_mail
from soundstrip_auth.users import check_email
from soundstrip_auth.views import answer_nothing
from soundstrip_auth.vouchers import Purpose


def order_letter(parts: Parts, purpose: Purpose, email: str) -> flask.Response:
    """Have a letter sent to this address, and answer that it will be.

    Whether or not somebody has the address is looked up where the letter is written.

    Raises:
        Problem: 501 if no letters can be sent.
        UserRefused: If it is no address.
        DatabaseUnavailable: If MySQL cannot be used.
    """
    require_mail(parts)
    check_email(email)
    parts.outbox.add(purpose, email)
    parts.poke()
    return answer_nothing(HTTPStatus.ACCEPTED)
