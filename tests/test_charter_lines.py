"""The line of every key of a TOML file is found, whatever stands around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines._charter_file import key_lines

TRAPS = '''\
# title = "in a comment"
title = "[not.a.table]"
"a key" = 1
text = """
[fake]
title = 2
"""
list = [
  "one",  # [fake]
  { two = 2 },
]
dotted.path.here = true

[ first . "second" ]
inline = { a = { b = 1 }, c = [1, 2] }
[[rows]]
x = 1
[rows.sub]
y = 2
[[rows.deep]]
z = 3
[[rows]]
x = 4
[[rows.deep]]
[[rows.deep]]
z = 5
[first]
last = \'\'\'
x = 9\'\'\'
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ((), 1), (("title",), 2), (("a key",), 3), (("text",), 4), (("list",), 8), (("list", 1, "two"), 8),
        (("dotted",), 12), (("dotted", "path", "here"), 12), (("first",), 14), (("first", "second"), 14),
        (("first", "second", "inline", "a", "b"), 15), (("first", "second", "inline", "c", 1), 15),
        (("rows",), 16), (("rows", 0), 16), (("rows", 0, "x"), 17), (("rows", 0, "sub", "y"), 19),
        (("rows", 0, "deep", 0, "z"), 21), (("rows", 1), 22), (("rows", 1, "x"), 23),
        (("rows", 1, "deep", 0), 24),
        (("rows", 1, "deep", 1, "z"), 26), (("first", "last"), 28), (("fake",), None), (("first", "x"), None),
    ],
)  # fmt: skip
def test_the_line_of_a_key(key, line):
    assert key_lines(TRAPS).get(key) == line


names = st.text("abc-_", min_size=1, max_size=3)
values = st.sampled_from(
    ["1", '"x"', "[1,\n 2]", '"""\n[a]\nb = 1\n"""', "'''\n\n'''", "{ k = 1 }", "2021-11-01"]
)
rows = st.lists(
    st.tuples(names, values, st.sampled_from(["", "# [a]\n", "\n\n"])), unique_by=lambda row: row[0]
)


@given(st.dictionaries(names, rows, max_size=4))
def test_the_line_of_any_key(tables):
    text, expected = "", {}
    for table, entries in tables.items():
        expected[table,] = text.count("\n") + 1
        text += f"[{table}]\n"
        for name, value, filler in entries:
            text += filler
            expected[table, name] = text.count("\n") + 1
            text += f"{name} = {value}\n"
    lines = key_lines(text)
    assert {key: lines[key] for key in expected} == expected
