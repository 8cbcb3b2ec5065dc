"""Which format a file is of: named first, then known ones, and what happens when neither fits."""

from __future__ import annotations

import time

import pytest

from pipelines.traffic.formats import Session, compile_directive, named_format, presets, second_chance
from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.lines import LineReader

C = '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "Firefox"'
OWN = compile_directive('LogFormat "%h|%t|%>s"').named("own")
MINE = "192.0.2.7|[21/Nov/2026:13:55:36 +0100]|200"


def parts(*lines, named=()):
    content = "".join(f"{line}\n" for line in lines).encode()
    session = Session(named)
    return [part for block in LineReader(1 << 20).blocks([content]) for part in session.parts(block)]


def test_common_and_combined_take_the_path_made_for_them():
    ((format_, part),) = parts(C, C.split(' "-"', maxsplit=1)[0], "damaged")
    assert format_ is COMBINED
    assert len(part) == 3
    assert named_format("x", preset="common") is COMBINED


def test_what_charter_toml_names_comes_before_what_is_known():
    same = compile_directive(r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" x')
    assert parts(C, named=[OWN, same])[0][0].name == "x"
    assert parts(MINE, named=[OWN])[0][0].name == "own"
    assert parts(C, named=[OWN])[0][0] is COMBINED


def test_a_named_format_behind_syslog_is_found():
    assert parts(f"Nov 21 13:55:37 web app: {MINE}", named=[OWN])[0][0].name == "syslog:own"


def test_lines_of_no_format_are_refused_as_combined_or_as_the_format_named():
    assert parts("hello", "world")[0][0] is COMBINED
    assert parts("hello", "world", named=[OWN])[0][0].name == "own"
    assert parts(MINE, "x", "y", "z")[0][0] is COMBINED


def test_half_of_the_sample_is_enough_and_less_is_not():
    assert parts(MINE, "x", named=[OWN])[0][0].name == "own"
    assert parts(C, MINE, "x", named=[OWN])[0][0] is not None


def test_blank_lines_and_comments_say_nothing():
    ((format_, part),) = parts("", "   ", "# a comment", *[""] * 200, MINE, named=[OWN])
    assert format_.name == "own"
    assert len(part) == 204


def test_a_file_of_comments_alone_is_of_no_format():
    ((format_, part),) = parts("# a", "# b")
    assert format_ is COMBINED
    assert len(part) == 2


def test_a_format_that_changed_within_the_file_gets_a_second_chance():
    found = second_chance([f"www.example.org {C}"] * 3 + ["x"], {COMBINED}, [OWN])
    assert found is not None
    assert found.name == "vhost_combined"
    assert second_chance([MINE] * 3, {COMBINED}, [OWN]) is OWN
    assert second_chance([MINE] * 3, {COMBINED, OWN}, [OWN]) is None
    assert second_chance(["x"] * 3, set(), [OWN]) is None
    assert second_chance([], set(), [OWN]) is None


@pytest.mark.parametrize(
    "hostile",
    ['"' * 8000, " " * 7999 + "x", "a " * 4000, '" ' * 4000, "[" * 8000, "\\" * 8000, "\\x" * 4000, '""' * 4000, "{" * 8000, '{"a":' * 1500, "-," * 4000,
     ", " * 4000, "1.1.1.1, " * 800, '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200 12 "-" "x"' + " a" * 3900 + '"', 'x "' + 'a"" ' * 1900,
     "192.0.2.7 - " + "u " * 3900 + "[x]", "2026-11-21 13:55:36 " + "a " * 3900, "<1>1 2026-11-21T13:55:37Z a b c d " + '[a="' * 1900, "a:" * 4000, "(" * 8000],
)  # fmt: skip
def test_hostile_lines_cost_no_time_to_detect(hostile):
    begin = time.process_time()
    parts(*[hostile] * 64)
    assert time.process_time() - begin < 2


def test_every_preset_can_be_named_and_says_what_it_is():
    for name in presets():
        format_ = named_format("shop", preset=name)
        assert format_.fields_sql.count("landed") >= 1
        assert not format_.takes("")


def test_a_head_that_changes_on_every_line_ends_at_a_bound():
    lines = [f"#Fields: date time c-ip x-{number}" for number in range(1500)]
    assert len(parts(*lines)) <= 1001


def test_more_than_64_different_heads_in_a_file_are_not_followed():
    def head(number):
        return f"#Fields: date time c-ip x-{number}"

    line = "2026-11-21 13:55:36 192.0.2.7 x"
    lines = [text for number in range(80) for text in (head(number), line)]
    found = parts(*lines, head(3), line)
    assert len({format_ for format_, _ in found}) == 64
    (_, last), (third, again) = found[-2:]
    assert len(last) == 2 * (80 - 63), "lines behind further heads are read by the last one that was followed"
    assert third is found[3][0], "one that was followed before still is"
    assert len(again) == 2


def test_many_comments_are_cut_quickly():
    begin = time.process_time()
    parts(*["#Fields: date time c-ip"] * 20_000)
    assert time.process_time() - begin < 5
