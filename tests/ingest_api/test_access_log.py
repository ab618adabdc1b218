"""Lines as real servers write them, and what goes wrong with them."""

import pytest

from ingest_api.access_log import LineError, parse_line

START = "203.0.113.7 - - [17/May/2015:10:05:03 +0000] "
END = ' 200 12 "-" "Agent/1.0"'


def test_a_combined_line() -> None:
    line = parse_line(
        '203.0.113.7 - - [17/May/2015:23:35:03 -0130] "GET /a%20b?x=1&y HTTP/1.1" 304 -'
        ' "http://r.example/" "Mozilla/5.0 (X11)"'
    )
    assert line.host == "203.0.113.7"
    assert line.time == "2015-05-18T01:05:03+00:00"
    assert (line.method, line.target, line.status) == ("GET", "/a%20b?x=1&y", 304)
    assert (line.referrer, line.user_agent) == ("http://r.example/", "Mozilla/5.0 (X11)")
    assert "203.0.113.7" not in line.content
    assert line.unknown_columns == ()


@pytest.mark.parametrize(
    ("front", "host"),
    [
        ("203.0.113.7 - - ", "203.0.113.7"),
        ("2001:db8::1 - - ", "2001:db8::1"),
        ("::1 - john doe ", "::1"),
        ("client.example ident frank ", "client.example"),
        ('203.0.113.7 - "" ', "203.0.113.7"),
        ("www.site.example:443 203.0.113.7 - - ", "203.0.113.7"),
        ("www.site.example:443 2001:db8::1 - john doe ", "2001:db8::1"),
    ],
)
def test_the_columns_in_front(front: str, host: str) -> None:
    line = parse_line(f'{front}[17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"')
    assert line.host == host
    assert line.target == "/"
    assert (line.referrer, line.user_agent) == ("", "")


@pytest.mark.parametrize(
    ("request_column", "method", "target"),
    [
        ("GET / HTTP/1.0", "GET", "/"),
        ("GET /old", "GET", "/old"),
        ("GET /with space HTTP/1.1", "GET", "/with space"),
        ("POST http://a.example/b?c HTTP/1.1", "POST", "http://a.example/b?c"),
        ("OPTIONS * HTTP/1.0", "OPTIONS", "*"),
        ("CONNECT a.example:443 HTTP/1.1", "CONNECT", "a.example:443"),
        ("GET / HTTP/2.0", "GET", "/"),
        ("PROPFIND / HTTP/3", "PROPFIND", "/"),
        (r"GET /say\"hi\" HTTP/1.1", "GET", '/say"hi"'),
        (r"GET /\xc3\xbc\x00\xff HTTP/1.1", "GET", "/ü\ufffd\ufffd"),
    ],
)
def test_requests(request_column: str, method: str, target: str) -> None:
    line = parse_line(f'{START}"{request_column}"{END}')
    assert (line.method, line.target) == (method, target)


def test_escapes_in_the_user_agent() -> None:
    line = parse_line(rf'{START}"GET / HTTP/1.1" 200 1 "-" "a \"b\" \\ \x22c\x22 \t"')
    assert line.user_agent == 'a "b" \\ "c" \t'


def test_the_common_format_has_neither_referrer_nor_user_agent() -> None:
    line = parse_line(f'{START}"GET / HTTP/1.1" 200 1')
    assert (line.status, line.referrer, line.user_agent, line.unknown_columns) == (200, "", "", ())


@pytest.mark.parametrize(
    ("more", "columns"),
    [
        (" 0.005", (10,)),
        (' "198.51.100.1, 10.0.0.1" 0.1', (10, 11)),
        (' "" -', (10, 11)),
        ("  ", ()),
    ],
)
def test_columns_that_follow_are_named_and_do_not_change_the_event(
    more: str, columns: tuple[int, ...]
) -> None:
    known = f'{START}"GET / HTTP/1.1"{END}'
    assert parse_line(known + more) == parse_line(known)._replace(unknown_columns=columns)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("garbage", "column 4 (time)"),
        ("#Fields: date time", "column 4 (time)"),
        ('203.0.113.7 - - [17/May/2015:10:05', "column 4 (time)"),
        ('203.0.113.7 - - [2015-05-17T10:05:03 +0000] "GET / HTTP/1.1" 200 1', "column 4 (time)"),
        ('203.0.113.7 - - [31/Feb/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1', "day is out"),
        ('203.0.113.7 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1', "column 4 (time)"),
        ('203.0.113.7 - - [17/May/2015:10:05:60 +0000] "GET / HTTP/1.1" 200 1', "second must be"),
        ('203.0.113.7 - - [01/Jan/0001:00:00:00 +1400] "GET / HTTP/1.1" 200 1', "column 4 (time)"),
        (START + '"GET / HT', "column 5 (request) has no closing quote"),
        (START + r'"\x16\x03\x01\x02\x00\x01" 400 226 "-" "-"', "column 5 (request) is no HTTP"),
        (START + '"-" 408 0 "-" "-"', "column 5 (request) is no HTTP"),
        (START + '"" 400 0 "-" "-"', "column 5 (request) is no HTTP"),
        (START + '"GET / HTTP/1.1"', "column 6 (status)"),
        (START + '"GET / HTTP/1.1" 20', "column 6 (status)"),
        (START + '"GET / HTTP/1.1" 200 x', "column 7 (size)"),
        (START + '"GET / HTTP/1.1" 200 1 "http://r', "column 8 (referrer) has no closing quote"),
        (START + '"GET / HTTP/1.1" 200 1 "-" "Moz', "column 9 (user agent) has no closing quote"),
        (START + '"GET / HTTP/1.1" 200 1 "-" "Moz" "x', "column 10 has no closing quote"),
    ],
)  # fmt: skip
def test_a_line_that_does_not_parse_says_which_column_and_no_address(line: str, said: str) -> None:
    with pytest.raises(LineError) as error:
        parse_line(line)
    assert said in str(error.value)
    assert "203.0.113.7" not in str(error.value)
