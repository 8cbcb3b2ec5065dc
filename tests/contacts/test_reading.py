import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contacts import reading
from pipelines.contacts.reading import entries
from pipelines.errors import LandingError

CELL = st.text(alphabet=st.sampled_from('ab,"\n\r é='), max_size=8)


def read(content: bytes, *, is_csv: bool = True) -> list[tuple[int, dict[str, str], str | None]]:
    return [(e.line, dict(e.fields), e.fault) for e in entries(content, is_csv=is_csv, columns=("a", "b"))]


@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_csv_writer_writes_comes_back(rows: list[tuple[str, str]], end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    found = read(text.getvalue().encode())
    assert [(f["a"], f["b"]) for _line, f, _fault in found] == rows


@given(st.lists(st.tuples(CELL, CELL), max_size=6))
def test_minimal_quoting_comes_back_too(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([("a", "b"), *rows])
    assert [(f["a"], f["b"]) for _line, f, _fault in read(text.getvalue().encode())] == rows


@given(st.binary(max_size=60))
def test_any_bytes_are_accounted_for(junk: bytes) -> None:
    found = list(entries(b"a,b\n" + junk, is_csv=True, columns=("a", "b")))
    covered = [entry.line + n for entry in found for n in range(entry.raw.count(b"\n") + 1)]
    assert len(covered) == len(set(covered))
    filled = {n for n, line in enumerate((b"a,b\n" + junk).split(b"\n"), 1) if line.strip(b" \t\r")}
    assert filled - {1} <= set(covered)


def test_columns_in_any_order_with_bom_and_extra_ones() -> None:
    assert read(b'\xef\xbb\xbfB,extra,a\r\n"x\ny",dropped,1\r\n\r\n2,,3\r\n') == [
        (2, {"a": "1", "b": "x\ny"}, None),
        (5, {"a": "3", "b": "2"}, None),
    ]


@pytest.mark.parametrize("content", [b"", b"a\n1\n", b"a;b\n1;2\n", b'"a,b\n', b"a,b,a\n"])
def test_a_header_that_will_not_do_is_refused(content: bytes) -> None:
    with pytest.raises(LandingError, match=r"line 1 (lacks|names) the column"):
        read(content)


def test_a_quote_left_open_costs_its_own_line_alone() -> None:
    found = read(b'a,b\n"open,1\n2,3\n4,5\n')
    assert found == [(2, {}, "quotes"), (3, {"a": "2", "b": "3"}, None), (4, {"a": "4", "b": "5"}, None)]


def test_each_fault_has_its_word() -> None:
    assert [fault for _l, _f, fault in read(b'a,b\n1\n1,2,3\n\xff,2\n1"2,3\n1\r2,3\n')] == [
        "columns",
        "columns",
        "encoding",
        "quotes",
        "quotes",
    ]


def test_a_record_beyond_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_RECORD_BYTES", 100)
    long = b"x" * 200
    assert [f for _l, _v, f in read(b"a,b\n" + long + b",1\n1,2\n")] == ["too long", None]
    assert [f for _l, _v, f in read(b'{"a":"' + long + b'"}\n{"a":"1"}', is_csv=False)] == ["too long", None]


def test_json_lines_keep_numbers_as_written() -> None:
    content = b'{"a": 1.10, "b": true, "c": {}}\r\n\n{"a": null}\n{"a": 12345678901234567890}'
    assert read(content, is_csv=False) == [
        (1, {"a": "1.10", "b": "true"}, None),
        (3, {"a": "", "b": ""}, None),
        (4, {"a": "12345678901234567890", "b": ""}, None),
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"[1]", "json"),
        (b'"a"', "json"),
        (b'{"a": {}}', "json"),
        (b'{"a": NaN}', "json"),
        (b'{"a": 1, "a": 2}', "json"),
        (b"{", "json"),
        (b"[" * 100_000, "json"),
        (b'{"a": "\\ud800"}', "encoding"),
        (b'{"a": "\xff"}', "encoding"),
    ],
)
def test_a_bad_json_line_is_that_lines_alone(line: bytes, fault: str) -> None:
    good = json.dumps({"a": "x", "b": "y"}).encode()
    assert [f for _l, _v, f in read(line + b"\n" + good, is_csv=False)] == [fault, None]
