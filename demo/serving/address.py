"""Where the server listens, and the addresses at which people reach it.

--host 127.0.0.1, ::1, localhost      this machine alone
--host 0.0.0.0                        every IPv4 address of this machine
--host ::                             every IPv6 address of this machine
"""

import errno
import re
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from bundle.errors import UserError

PORT = 7860
FURTHER_PORTS = 10  # that are tried when none was asked for
# How to reach, from this machine, a server that listens on all addresses.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
LOCAL_NAMES = ("127.0.0.1:*", "localhost:*", "[::1]:*")
EXAMPLE = "https://NAME"  # of a page's public address
MISDIRECTED = 421  # the status of a request to a name that is not the server's


@dataclass(frozen=True)
class Address:
    """Where the server listens. `host`: a name or an IP address, without brackets."""

    host: str
    port: int

    @property
    def in_brackets(self) -> str:
        """The host as it stands in an address, which is also how Gradio takes it: IPv6 in brackets."""
        return bracketed(self.host)

    @property
    def url(self) -> str:
        """The page's address for a browser on this machine."""
        return f"http://{bracketed(EVERYWHERE.get(self.host, self.host))}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        address = ip_of(self.host)
        return address.is_loopback if address else self.host.lower() == "localhost"


def bracketed(host: str) -> str:
    """The host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def ip_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that this text is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def free_address(host: str, wanted: str | int | None) -> Address:
    """Where to listen: on the port asked for, or the first free one from PORT on, which is said. Raises UserError when
    that port is none or is in use, or the host is not of this machine."""
    host = _host(host)
    port = None if wanted is None else port_number(wanted)
    tries = [port] if port is not None else list(range(PORT, PORT + FURTHER_PORTS + 1))
    for one in tries:
        if _is_free(host, one):
            if one != tries[0]:
                print(f"Port {tries[0]} is in use; using {one}.", flush=True)
            return Address(host, one)
    raise UserError(taken(tries[0]) if port is not None else f"Ports {tries[0]} to {tries[-1]} are all in use.")


def port_number(wanted: str | int) -> int:
    """The number of a port. Raises UserError for anything else."""
    text = str(wanted).strip()
    if not re.fullmatch("[0-9]{1,9}", text):
        raise UserError(f"'{text}' is no port: write a number from 1 to 65535, such as --port {PORT}.")
    if not 1 <= int(text) <= 65535:
        raise UserError(f"Port {int(text)} does not exist: choose one from 1 to 65535.")
    return int(text)


def root_path(given: str | None) -> str | None:
    """The path, or the whole address, under which a proxy shows the page: without a slash at its end. Raises UserError
    for anything else."""
    if given is None or re.fullmatch(r"(https?://[^/?#\s]+)?(/[\w.~-]+)*/?", given, re.ASCII):
        return (given or "").rstrip("/") or None
    raise UserError(f"'{given}' is no path of a page: write --root-path /app.")


def public_name(root: str | None) -> str | None:
    """The host, with its port if it has one, of a `root_path` that is a whole address; None for a path."""
    return urlsplit(root or "").netloc or None


def without_port(host: str) -> str:
    """The name or IP address in a Host header, without brackets."""
    return re.sub(r":\d*$", "", host).removeprefix("[").removesuffix("]").lower()


def is_of_this_machine(host: str) -> bool:
    """Whether a Host header names this machine, for whoever sits at it. A page of another site that points its own name
    at this machine (DNS rebinding) sends that name."""
    name = without_port(host)
    address = ip_of(name)
    return name == "localhost" if address is None else address.is_loopback


def unknown_name(host: str) -> str:
    """What to say of a request to a name that is not the server's."""
    return f"This server does not know the name '{host[:100]}': start it with --root-path {EXAMPLE}."


def taken(port: int) -> str:
    """What to say of a port where another program listens."""
    return f"Port {port} is in use: stop the program there, or choose another port with --port."


def _host(given: str) -> str:
    """The host, without the brackets that it may have. Raises UserError for what can be none."""
    host = given.strip()
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not host or re.search(r"[\s/\[\]@?#]", host) or (":" in host and ip_of(host) is None):
        raise UserError(f"'{given}' is no address to listen on: write 127.0.0.1, 0.0.0.0, ::1, :: or a host's name.")
    if "%" in host:  # no browser takes such an address
        raise UserError(f"'{given}' names a network interface: write the address alone, or :: for all addresses.")
    return host


def _is_free(host: str, port: int) -> bool:
    """Whether a server can listen there. Gradio asks besides for the same port at 127.0.0.1."""
    return _can_bind(host, port) and (host in ("127.0.0.1", "0.0.0.0") or _can_bind("127.0.0.1", port))


def _can_bind(host: str, port: int) -> bool:
    """Raises UserError when no port would do: the host is not of this machine, or the port needs rights."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(f"Cannot listen on '{host}': there is no such address.") from error
    try:
        with socket.socket(family, kind) as probe:
            if sys.platform == "win32":  # where SO_REUSEADDR would bind a port that is in use
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as the server does: `::` alone would take the IPv4 addresses too
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(place)
    except PermissionError as error:
        raise UserError(f"Port {port} needs administrator rights; choose one above 1023.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise UserError(f"Cannot listen on '{host}': this machine does not have that address.") from error
        raise UserError(f"Cannot listen on '{host}', port {port}: {error.strerror or error}.") from error
    return True
