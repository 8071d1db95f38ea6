"""Origins: written as browsers send them, and refused where no browser sends them."""

import pytest

from gatepost.core.origins import origin_of, parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.example", "https://app.example"),
        ("https://app.example/", "https://app.example"),
        ("HTTPS://App.Example", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("https://app.example:443/", "https://app.example"),
        ("http://app.example:80", "http://app.example"),
        ("http://app.example:", "http://app.example"),
        ("https://app.example:80", "https://app.example:80"),
        ("http://app.example:443", "http://app.example:443"),
        ("http://localhost:08081", "http://localhost:8081"),
        ("https://app_1.example", "https://app_1.example"),
        # International names as browsers send them; ß is a letter of its own.
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://MÜNCHEN.example:8443/", "https://xn--mnchen-3ya.example:8443"),
        ("https://mu\u0308nchen.example", "https://xn--mnchen-3ya.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://ΟΔΟΣ.example", "https://xn--pxavbq.example"),
        ("https://XN--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("https://xn--e28h.example", "https://xn--e28h.example"),
        (f"https://{'a.' * 124}abcde", f"https://{'a.' * 124}abcde"),
        (f"https://{'a.' * 124}abcde.", f"https://{'a.' * 124}abcde."),
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
        ("https://[2001:DB8:0:0:1:0:0:1]", "https://[2001:db8::1:0:0:1]"),
        ("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("https://1.example", "https://1.example"),
        # What apps in a shell send.
        ("capacitor://localhost", "capacitor://localhost"),
        ("Ionic://localhost/", "ionic://localhost"),
        ("app://.", "app://."),
        ("app://-", "app://-"),
        ("tauri://localhost", "tauri://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ],
)
def test_origin_is_written_as_browsers_send_it(text: str, origin: str) -> None:
    assert parse_origin(text) == origin
    assert parse_origin(origin) == origin


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("https://app.example/path", "a path"),
        ("https://app.example//", "a path"),
        ("https:///app.example", "a path"),
        ("https://app.example?", "a query"),
        ("https://app.example/#", "fragment"),
        ("https://app.example#home", "fragment"),
        ("app.example", "no scheme"),
        ("localhost:8081", "no scheme"),
        ("//app.example", "no scheme"),
        ("https:/app.example", "no scheme"),
        ("", "no scheme"),
        ("null", "null"),
        ("NULL", "null"),
        ("https://*.example", "wildcard"),
        ("https://app.example:*", "wildcard"),
        ("*://app.example", "wildcard"),
        ("file:///index.html", "path"),
        ("file://", "scheme is not http or https"),
        ("ftp://app.example", "scheme is not http or https"),
        ("wss://app.example", "scheme is not http or https"),
        ("htps://app.example", "scheme is not http or https"),
        ("https://user:hidden@app.example", "user name or password"),
        ("https://user@app.example", "user name or password"),
        ("https://app.example\\", "backslash"),
        ("https:\\\\app.example", "backslash"),
        ("https://app.exa\tmple", "control character"),
        ("https://app.example\n", "control character"),
        ("https://app.exam\u200dple", "control character"),
        ("https://app example", "space"),
        ("https://", "host"),
        ("https://:443", "host"),
        ("https://app..example", "host"),
        ("https://.example", "host"),
        ("https://%61pp.example", "host"),
        ("https://app.example;b", "host"),
        (f"https://{'a' * 64}.example", "host"),
        ("https://😀.example", "xn--"),
        # Behind xn-- there is no name: a control character, nothing, ASCII, half a number, a capital, lone marks.
        ("https://xn--a", "xn--"),
        ("https://app.xn--a.example", "xn--"),
        ("https://xn--.example", "xn--"),
        ("https://xn--abc-.example", "xn--"),
        ("https://xn--0.example", "xn--"),
        ("https://xn--99999999999999999999.example", "xn--"),
        ("https://xn--mnchen-psa.example", "xn--"),
        ("https://xn--a-wbb.example", "xn--"),
        ("https://xn--munchen-gie.example", "xn--"),
        (f"https://{'a.' * 124}abcdef", "host"),
        (f"https://{'a.' * 124}abcdef.", "host"),
        ("https://[::1", "host"),
        ("https://[::1].example", "IPv6"),
        ("https://[::1]x:1", "IPv6"),
        ("https://a[::1]", "IPv6|host"),
        ("https://[::1%25eth0]", "IPv6"),
        ("https://[localhost]", "IPv6|host"),
        ("http://127.1", "IPv4"),
        ("http://0x7f.0.0.1", "IPv4"),
        ("http://2130706433", "IPv4"),
        ("http://127.0.0.01", "IPv4"),
        ("http://256.0.0.1", "IPv4"),
        ("https://app.example:0", "port"),
        ("https://app.example:65536", "port"),
        ("https://app.example:https", "port"),
        ("https://app.example:８０", "port"),
        ("capacitor://localhost:80", "name without a port"),
        ("capacitor://", "name without a port"),
        ("capacitor://localhost/www", "a path"),
        ("capacitor://user@localhost", "user name or password"),
    ],
)
def test_what_no_browser_sends_is_refused_by_the_part(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part) as refused:
        parse_origin(text)

    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_address_lies_at_its_origin() -> None:
    assert origin_of("https://App.example:443/orders?a=b#c") == "https://app.example"
    assert origin_of("https://münchen.example/#/home") == "https://xn--mnchen-3ya.example"
    with pytest.raises(ValueError, match="scheme is not"):
        origin_of("capacitor://localhost/index.html")
