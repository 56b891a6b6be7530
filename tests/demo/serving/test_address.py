"""Where the server listens, and how its address is written."""

import socket

import pytest

from bundle.errors import UserError
from demo.serving.address import Address, free_address, port_number, public_name, root_path
from tests.support.server import free_port

IPV6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "url", "local"),
    [
        ("127.0.0.1", "http://127.0.0.1", True),
        ("localhost", "http://localhost", True),
        ("0.0.0.0", "http://127.0.0.1", False),
        pytest.param("::1", "http://[::1]", True, marks=IPV6),
        pytest.param("[::1]", "http://[::1]", True, marks=IPV6),
        pytest.param("::", "http://[::1]", False, marks=IPV6),
    ],
)
def test_the_address_that_is_printed(host: str, url: str, local: bool):
    port = free_port()
    found = free_address(host, port)
    assert (found.url, found.local) == (f"{url}:{port}", local)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("192.0.2.1", "this machine does not have that address"),
        ("nosuch.invalid", "there is no such address"),
        ("http://127.0.0.1", "is no address to listen on"),
        ("127.0.0.1:7860", "is no address to listen on"),
        ("1:2", "is no address to listen on"),
        (" ", "is no address to listen on"),
        ("fe80::1%eth0", "names a network interface"),
    ],
)
def test_no_address_of_this_machine_is_refused_in_a_sentence(host: str, words: str):
    with pytest.raises(UserError, match=words):
        free_address(host, None)


@IPV6
@pytest.mark.parametrize("there", ["::1", "127.0.0.1"])
def test_a_port_in_use_is_seen_on_either_side(there: str):
    """At 127.0.0.1 too: Gradio refuses a port that another program has there."""
    with socket.socket(socket.AF_INET6 if ":" in there else socket.AF_INET) as taken:
        taken.bind((there, 0))
        taken.listen()
        with pytest.raises(UserError, match="is in use"):
            free_address("::1", taken.getsockname()[1])


@pytest.mark.parametrize("wanted", ["abc", "0", "70000", "-1", "80.5", "9" * 30, ""])
def test_no_port_is_refused_in_a_sentence(wanted: str):
    with pytest.raises(UserError, match=r"from 1 to 65535.*\.$"):
        port_number(wanted)


@pytest.mark.parametrize(
    ("given", "path", "name"),
    [
        ("/app", "/app", None),
        ("/app/", "/app", None),
        ("/", None, None),
        ("https://example.org/app/", "https://example.org/app", "example.org"),
        ("https://example.org:8443", "https://example.org:8443", "example.org:8443"),
    ],
)
def test_a_root_path(given: str, path: str | None, name: str | None):
    assert root_path(given) == path and public_name(path) == name


@pytest.mark.parametrize("given", ["app", "/app?x=1", "/app//x", "ftp://example.org", "/a b"])
def test_no_root_path_is_refused_in_a_sentence(given: str):
    with pytest.raises(UserError, match="write --root-path /app"):
        root_path(given)


def test_an_address_is_written_with_brackets_where_gradio_takes_it():
    assert Address("::1", 80).in_brackets == "[::1]" and Address("example.org", 80).in_brackets == "example.org"
