"""A mail server for tests: keeps every message, and fails when the recipient's name asks for it.

Recipients whose local part starts with `tempfail` get 451, with `permfail` 550; `slow` is answered after five seconds.
Messages lie in a maildir, with the envelope in `X-MailFrom` and `X-RcptTo`, byte for byte below that.
"""

import argparse
import asyncio
import hmac
import itertools
import os
import pathlib
import signal
import ssl
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

SLOW_SECONDS = 5
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


class Keeper:
    """Writes messages itself: the library's mailbox parses and syncs each, which load would measure instead of us."""

    def __init__(self, maildir: pathlib.Path) -> None:
        self.maildir = maildir
        self.number = itertools.count()
        for name in ("tmp", "new", "cur"):
            (maildir / name).mkdir(parents=True, exist_ok=True)

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.partition("@")[0].lower()
        if local.startswith("tempfail"):
            return "451 4.3.0 Try again later"
        if local.startswith("permfail"):
            return "550 5.1.1 No such mailbox"
        if local.startswith("slow"):
            await asyncio.sleep(SLOW_SECONDS)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        name = f"{time.time_ns()}.{os.getpid()}_{next(self.number)}.test"
        head = f"X-MailFrom: {envelope.mail_from}\r\nX-RcptTo: {', '.join(envelope.rcpt_tos)}\r\n"
        path = self.maildir / "tmp" / name
        path.write_bytes(head.encode() + envelope.content)
        path.rename(self.maildir / "new" / name)
        return f"250 2.0.0 OK: kept as {name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maildir", type=pathlib.Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--plain-port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", type=pathlib.Path, required=True)
    args = parser.parse_args()

    # Before any thread starts, so that none of them takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(args.cert, args.key)
    expected = (args.user.encode(), args.password_file.read_bytes().strip())

    def authenticate(server, session, envelope, mechanism, data):
        known = isinstance(data, LoginPassword) and all(map(hmac.compare_digest, (data.login, data.password), expected))
        return AuthResult(success=known, handled=False)

    keeper = Keeper(args.maildir)
    common = {"hostname": "127.0.0.1", "server_hostname": "localhost", "ready_timeout": 20}
    guarded = Controller(
        keeper,
        port=args.port,
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
        **common,
    )
    plain = Controller(keeper, port=args.plain_port, **common)
    guarded.start()
    plain.start()
    print("ready", flush=True)
    signal.sigwait(STOP_SIGNALS)
    # The listeners' threads are daemons, and a message is kept before it is acknowledged: nothing to wait for.
    os._exit(0)


main()
