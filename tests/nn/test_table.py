"""Tables: what is read from a CSV file, what is written, and how each fault of a file is named."""

import codecs
import csv
import gzip
import io
import os
import random
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import message_of

from autograd_core import ArgumentError
from nn.table import Table, is_missing, listed, plain, quoted, read


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes t.csv, in the folder where the test runs, and returns its path."""
    monkeypatch.chdir(tmp_path)

    def write(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path.relative_to(tmp_path)

    return write


def refusal(path, **how):
    return message_of(ArgumentError, lambda: read(path, **how))


# ---------------------------------------------------------------- reading

PLAIN = ("a", "b"), [["1", "x"], ["2", "y"]]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a,b\n1,x\n2,y\n", [2, 3]),
        ("a,b\n1,x\n2,y", [2, 3]),
        ("a,b\r\n1,x\r\n2,y\r\n", [2, 3]),
        ("a,b\r1,x\r2,y\r", [2, 3]),
        ("a,b\n\n1,x\n  \n\n2,y\n\n\n", [3, 6]),
        ("\na,b\n1,x\n2,y", [3, 4]),
        (" a , b\n1,x\n2,y", [2, 3]),
        ('"a","b"\n"1","x"\n2,y', [2, 3]),
        ("\ufeffa,b\n1,x\n2,y\n", [2, 3]),
    ],
)
def test_a_table_is_read_with_the_line_of_each_row(written, content, lines):
    table = read(written(content))
    assert (table.names, table.rows, table.lines) == (*PLAIN, lines)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", "é"])
def test_fields_are_parted_by_the_delimiter_that_is_named(written, delimiter):
    table = read(written(f"a{delimiter}b\n1{delimiter}x\n2{delimiter}y\n"), delimiter=delimiter)
    assert (table.names, table.rows, table.delimiter) == (*PLAIN, delimiter)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "mac-roman"]
)
def test_every_encoding_of_text_is_read_when_it_is_named(written, encoding):
    table = read(written("naïve,b\nÅ,1\n".encode(encoding)), encoding=encoding)
    assert (table.names, table.rows) == (("naïve", "b"), [["Å", "1"]])


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(written):
    table = read(written('a,b\n"1,5","say ""hi"""\n"two\r\nlines\r",x\n3,5" pipe\n'))
    assert table.rows == [["1,5", 'say "hi"'], ["two\r\nlines\r", "x"], ["3", '5" pipe']]
    assert table.lines == [2, 3, 6]


def test_a_column_is_without_the_spaces_around_its_fields_and_the_rows_keep_them(written):
    table = read(written("a,b\n 1 ,x\n2, y\n"))
    assert (table.column("a"), table.column("b"), table.rows[0][0]) == (["1", "2"], ["x", "y"], " 1 ")


def test_a_pipe_is_read_like_a_file(tmp_path):
    from threading import Thread

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    Thread(target=pipe.write_text, args=["a,b\n1,x\n"]).start()
    assert read(pipe).rows == [["1", "x"]]


def test_some_rows_keep_their_lines(written):
    table = read(written("a,b\n1,x\n2,y\n3,z\n")).take([2, 0])
    assert (table.column("a"), table.lines, len(table)) == (["3", "1"], [4, 2], 2)
    assert table.place(0, "b") == "t.csv, line 4, column 'b'"


@pytest.mark.parametrize("text", ["", " ", "NA", "na", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?", " ? "])
def test_a_missing_value_is_spelt_in_one_of_these_ways(text):
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "none", "None", "-", ".", "no", "nann", "??", "False"])
def test_nothing_else_is_missing(text):
    assert not is_missing(text)


# ---------------------------------------------------------------- faults of the file


def test_a_file_that_is_not_there_is_named_with_the_nearest(written):
    path = written("a,b\n1,2\n")
    assert refusal(path.with_name("tt.csv")) == "there is no file tt.csv: did you mean t.csv?"
    assert refusal(path.with_name("other.txt")) == "there is no file other.txt: name a CSV file"
    assert refusal(path / "nowhere" / "t.csv") == "there is no file t.csv/nowhere/t.csv: name a CSV file"
    assert refusal(path.with_name("-")) == "there is no file -: did you mean /dev/stdin?"
    path.with_name("link").symlink_to("link")
    assert refusal(path.with_name("link")) == "there is no file link: name a CSV file"


def test_a_folder_or_a_device_is_no_table(written):
    path = written("")
    assert refusal(path.parent) == ". is a folder: name a CSV file"
    from pathlib import Path

    assert refusal(Path("/dev/zero")) == "/dev/zero is a device, not a file: name a CSV file"


def test_a_file_that_may_not_be_read_is_named(written, monkeypatch):
    from pathlib import Path

    def closed(self):
        raise PermissionError(13, "Permission denied")

    path = written("a,b\n1,2\n")
    monkeypatch.setattr(Path, "read_bytes", closed)
    assert refusal(path) == "t.csv cannot be read (Permission denied): name a CSV file that can"


EMPTY = "t.csv is empty: a table has the names of its columns on the first line, and rows below"
FIRST_LINE = "has no name on the first line: give it one, or leave it out (pandas does with to_csv(index=False))"
QUOTE = 'a double quote is opened that is never closed: close it, or write "" for one inside a field'
GOES_ON = "a field goes on after its closing double quote, on line"
INSIDE = 'write "" for one inside a field'
RAGGED = "mend it; a ',' in a field needs double quotes around the field"
NO_TEXT = "holds a NUL character, which no text has: save the table as CSV in UTF-8"
ASK = "name the file's encoding, as in --encoding cp1252 or --encoding latin-1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", EMPTY),
        ("\n \n\n", EMPTY),
        ("\ufeff", EMPTY),
        ("a,b\n", "t.csv has a header and no rows: there is nothing in it to compute with"),
        ("a,,b\n1,2,3\n", f"t.csv: column 2 of 3 {FIRST_LINE}"),
        (",a,b\n0,1,2\n", f"t.csv: column 1 of 3 {FIRST_LINE}"),
        ("a,b, a\n1,2,3\n", "t.csv: columns 1 and 3 are both called 'a': rename one of them"),
        ("a,b\n1,2\n3\n4,5\n", f"t.csv, line 3, has 1 field where the header has 2: {RAGGED}"),
        ("a,b\n\n1,2\n\n1,2,3\n", f"t.csv, line 5, has 3 fields where the header has 2: {RAGGED}"),
        ('a,b\n1,"2\n3,4\n', f"t.csv, line 2: {QUOTE}"),
        ('a,b\n1,2\r\n"', f"t.csv, line 3: {QUOTE}"),
        ('a,b\n"1"5,2\n', f"t.csv, line 2: {GOES_ON} 2: {INSIDE}"),
        ('a,b\n1,"2\n3"4\n', f"t.csv, line 2: {GOES_ON} 3: {INSIDE}"),
        ("a,b\n1,\0\n", f"t.csv, line 2, {NO_TEXT}"),
        ("a;b\n1;2\n3;4\n", "t.csv has one column only if its fields are separated by ',', and 2 if by ';': say --delimiter ';'"),
        ("a\tb\n1\t2,5\n", "t.csv has one column only if its fields are separated by ',', and 2 if by tab: say --delimiter tab"),
        (b"a,b\n1,caf\xe9\n", f"t.csv, line 2: byte 0xe9, number 9 in the file counted from 0, is not in UTF-8: {ASK}"),
        (b"a,b\r\n1,2\r\n3,\xff", f"t.csv, line 3: byte 0xff, number 12 in the file counted from 0, is not in UTF-8: {ASK}"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv is in UTF-16, not in UTF-8: say --encoding utf-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "t.csv is in UTF-16-LE, not in UTF-8: say --encoding utf-16-le"),
        ("a,b\n1,2\n".encode("utf-16-be"), "t.csv is in UTF-16-BE, not in UTF-8: say --encoding utf-16-be"),
        ("a,b\n1,2\n".encode("utf-32"), "t.csv is in UTF-32, not in UTF-8: say --encoding utf-32"),
        (b"PK\x03\x04rest", "t.csv is a zip archive, as workbooks of spreadsheets are: save the table in it as CSV"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "t.csv is compressed by gzip: save the table in it as CSV"),
        (
            'a,b\n1,"' + "x" * 200_000,
            (
                "t.csv, line 2: a field is longer than 131072 characters: close its double quote if that is missing, or "
                "leave the column out of the file"
            ),
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named_with_its_line(written, content, message):
    assert refusal(written(content)) == message


def test_a_table_of_very_many_columns_is_read_at_once(written):
    names = [f"x{i}" for i in range(100_000)]
    start = time.perf_counter()
    assert read(written(",".join(names) + "\n" + ",".join(["1"] * len(names)))).names == tuple(names)
    assert time.perf_counter() - start < 5.0


def test_one_column_is_a_table_if_no_other_character_parts_it_evenly(written):
    assert read(written("a\n1;2\n3\n")).rows == [["1;2"], ["3"]]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0"])
def test_a_delimiter_is_one_character_that_can_be_one(written, delimiter):
    message = refusal(written("a,b\n1,2\n"), delimiter=delimiter)
    assert message == f"the delimiter is {delimiter!r}: pass one character, such as ';', or the word tab"


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "utf-8\0", ""])
def test_an_encoding_that_is_none_of_text_is_refused(written, encoding):
    message = refusal(written("a,b\n1,2\n"), encoding=encoding)
    assert message == f"there is no encoding {encoding!r} of text: pass one such as utf-8, utf-16, cp1252 or latin-1"


def test_an_encoding_that_does_not_fit_is_named(written):
    message = refusal(written(b"a,b\n1,2\n\x81,3\n"), encoding="cp1252")
    assert message == f"t.csv, line 3: byte 0x81, number 8 in the file counted from 0, is not in CP1252: {ASK}"
    message = refusal(written(b"a,b\n1,2\n3"), encoding="utf-16")
    assert message == f"t.csv, line 1: byte 0x33, number 8 in the file counted from 0, is not in UTF-16: {ASK}"
    message = refusal(written("a,b\n"), encoding="undefined")
    assert message == "t.csv is not in UNDEFINED: name the file's encoding with --encoding"


def test_half_a_character_pair_is_no_text(written):
    raw = codecs.BOM_UTF16_LE + "a,b\n1,".encode("utf-16-le") + b"\x00\xd8\n\x00"
    assert refusal(written(raw), encoding="utf-16").startswith("t.csv, line 2: byte 0x00, number 14 ")


def test_a_table_of_bytes_at_random_is_read_or_refused(written):
    rng = random.Random(0)
    kept = 0
    for _ in range(300):
        raw = bytearray(b'a,b,c\n1,"x, y",3\r\n4,\xc3\xa9,6\n7,8,9\n')
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randrange(3)] = rng.choice(
                [b"", b'"', b",", b"\n", b"\0", b";", bytes([rng.randrange(256)])]
            )
        try:
            table = read(written(bytes(raw)))
        except ArgumentError:
            continue
        kept += 1
        assert all(len(row) == len(table.names) for row in table.rows)
    assert 30 < kept < 270


# ---------------------------------------------------------------- names


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    table = Table("t.csv", ("Sepal length", "species"), [["1", "x"]], [2])
    assert message_of(ArgumentError, lambda: table.column("specis")) == (
        "t.csv has no column 'specis': did you mean 'species'? it has Sepal length, species"
    )
    assert message_of(ArgumentError, lambda: table.require(["sepal_length", "species", "zip"])) == (
        "t.csv has no columns 'sepal_length', 'zip': did you mean 'Sepal length'? it has Sepal length, species"
    )
    assert message_of(ArgumentError, lambda: table.column("price")) == (
        "t.csv has no column 'price': it has Sepal length, species"
    )


def test_a_table_without_names_is_suspected_where_numbers_stand_in_their_place():
    table = Table("t.csv", ("5.1", "-3", "setosa"), [["4.9", "3", "setosa"]], [2])
    assert message_of(ArgumentError, lambda: table.column("species")) == (
        "t.csv has no column 'species': it has 5.1, -3, setosa: does its first line hold the names of its columns?"
    )


def test_many_names_are_listed_in_part_and_odd_ones_between_quotes():
    assert listed([f"x{i}" for i in range(15)]) == "x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, 3 more"
    assert listed(["a b", " a", "a\nb", "", "\x1b[31m"]) == r"a b, ' a', 'a\nb', '', '\x1b[31m'"


def test_long_text_is_cut_short():
    assert quoted("x" * 1000) == "'" + "x" * 57 + "…'"
    assert len(quoted("x" * 1000)) == 60
    assert plain("x" * 60) == "x" * 60
    assert plain("x" * 61) == "'" + "x" * 57 + "…'"


# ---------------------------------------------------------------- writing


def test_columns_are_added_at_the_right():
    table = Table("t.csv", ("a",), [["1"], ["2"]], [2, 3]).beside({"b": ["x", "y"], "c": ["3", "4"]})
    assert (table.names, table.rows, table.lines) == (("a", "b", "c"), [["1", "x", "3"], ["2", "y", "4"]], [2, 3])


def test_a_column_of_a_name_that_is_there_is_not_added():
    table = Table("t.csv", ("a", "b"), [["1", "2"]], [2])
    assert message_of(ArgumentError, lambda: table.beside({"c": ["1"], "b": ["x"]})) == (
        "t.csv has a column 'b' already, which is to be added: rename it or leave it out"
    )


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAME = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufeff"), min_size=1, max_size=6)


@st.composite
def tables(draw):
    names = draw(st.lists(NAME, min_size=2, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(FIELD, min_size=len(names), max_size=len(names)), min_size=1, max_size=4))
    return Table("t.csv", tuple(names), rows, list(range(len(rows))), draw(st.sampled_from(",;\t|")))


@given(tables())
def test_csv_reads_what_is_written(table):
    text = table.to_csv()
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter, strict=True))
    assert found == [list(table.names), *table.rows]


@given(tables())
def test_pandas_reads_what_is_written(table):
    found = pd.read_csv(
        io.StringIO(table.to_csv(), newline=""), sep=table.delimiter, dtype=str, keep_default_na=False,
        skip_blank_lines=False, engine="python", lineterminator=None,
    )  # fmt: skip
    assert found.columns.tolist() == list(table.names)
    assert found.to_numpy().tolist() == [list(row) for row in table.rows]


@given(tables())
def test_we_read_what_is_written(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(table.to_csv().encode())
    found = read(path, delimiter=table.delimiter)
    assert (found.names, found.rows) == (table.names, table.rows)
