import json

import pytest

from loaders import Fault
from metrics.inputs.uploads import BYTES, CHARACTERS, ROWS, Prompt, read_prompts

TWO = (Prompt("row-1", "Who lit it?", "the keeper"), Prompt("row-2", "And then?", None))


@pytest.mark.parametrize(
    "text",
    [
        "prompt,reference\nWho lit it?,the keeper\nAnd then?,\n",
        "prompt;reference\nWho lit it?;the keeper\nAnd then?;\n",
        "prompt\treference\nWho lit it?\tthe keeper\nAnd then?\t\n",
        "reference,note,prompt\nthe keeper,x,Who lit it?\n,,And then?\n",
        '"prompt","reference"\r\n"Who lit it?","the keeper"\r\n"And then?"\r\n',
        "prompt,reference\rWho lit it?,the keeper\rAnd then?,  \r",
        "\n prompt , reference \n\nWho lit it?,the keeper\n\nAnd then?",
        "prompt,reference,,\nWho lit it?,the keeper,,\nAnd then?,,,\n",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_csv_is_read(text: str, mark: bytes) -> None:
    assert read_prompts("prompts.csv", mark + text.encode()) == TWO


@pytest.mark.parametrize(
    "text",
    [
        '{"prompt": "Who lit it?", "reference": "the keeper"}\n{"prompt": "And then?"}\n',
        '{"reference": "the keeper", "prompt": "Who lit it?"}\r\n\r\n'
        '{"prompt": "And then?", "reference": null, "n": 3}',
        '{"prompt": "Who lit it?", "reference": "the keeper"}\n'
        '{"prompt": "And then?", "reference": ""}\n\n',
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_json_lines_are_read(text: str, mark: bytes) -> None:
    assert read_prompts("/tmp/upload/Prompts.JSONL", mark + text.encode()) == TWO


def test_a_csv_without_references_is_read() -> None:
    found = read_prompts("p.csv", b"prompt\nOnce upon\n")
    assert found == (Prompt("row-1", "Once upon", None),)


def test_the_text_of_a_cell_is_left_as_it_is() -> None:
    prompt = ' Say "ja", in\ntwo lines;\tÄ \u2028🏮 '
    quoted = '"' + prompt.replace('"', '""') + '"'
    (by_csv,) = read_prompts("p.csv", f"prompt,reference\n{quoted},r\n".encode())
    (by_json,) = read_prompts(
        "p.jsonl", json.dumps({"prompt": prompt}, ensure_ascii=False).encode()
    )
    assert by_csv.prompt == by_json.prompt == prompt


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "prompt\n" + "a\n" * 6 + '""\n',
            "p.csv, row 7, column 'prompt' is empty; write a prompt or remove the row.",
        ),
        (
            "prompt,reference\n\na,b\n\n ,b\n",
            "p.csv, row 2, column 'prompt' is empty; write a prompt or remove the row.",
        ),
        (
            "reference,prompt\nb\n",
            "p.csv, row 1, column 'prompt' is empty; write a prompt or remove the row.",
        ),
        (
            "promt,reference\na,b\n",
            "p.csv, the header has no column 'prompt' (did you mean 'promt'?); "
            "a column of that name is needed.",
        ),
        (
            "Prompt\na\n",
            "p.csv, the header has no column 'prompt' (did you mean 'Prompt'?); "
            "a column of that name is needed.",
        ),
        (
            "Who lit it?\nAnd then?\n",
            "p.csv, the header has no column 'prompt'; a column of that name is needed.",
        ),
        (
            "prompt,refrence\na,b\n",
            "p.csv, the header has a column 'refrence'; name it 'reference' or leave it out.",
        ),
        (
            "prompt,reference,prompt\na,b,c\n",
            "p.csv has 2 columns called 'prompt'; keep one of them.",
        ),
        (
            "prompt\na\nOnce, upon\n",
            "p.csv, row 2 has 2 cells and the header 1; "
            "put double quotes around a cell that holds the delimiter.",
        ),
        (
            'prompt,reference\na,b\n"c,d\ne,f\n',
            "p.csv, row 2 has a double quote that is not closed or, inside a cell, "
            "not written twice; mend it.",
        ),
        (
            'prompt,reference\na,b\n"c,d\n"e",f\n',
            "p.csv, row 2 has a double quote that is not closed or, inside a cell, "
            "not written twice; mend it.",
        ),
        (
            '"prompt,reference\na,b\n',
            "p.csv, the header has a double quote that is not closed or, inside a cell, "
            "not written twice; mend it.",
        ),
        (
            f"prompt,reference\na,b\na,{'x' * 8_001}\n",
            "p.csv, row 2, column 'reference' has 8,001 characters; 8,000 is the most, so cut it.",
        ),
        (
            f"prompt\na\n{'x' * 131_073}\n",
            "p.csv, row 2 has a cell of more than 131,072 characters; cut it, or close its double "
            "quote.",
        ),
        ("prompt\n" + "a\n" * 501, "p.csv has 501 rows; 500 is the most, so split the file."),
        ("prompt,reference\n", "p.csv has no rows; write a prompt into it."),
        ("prompt,reference", "p.csv has no rows; write a prompt into it."),
        (" \n", "p.csv has no rows; write a prompt into it."),
        ("", "p.csv has no rows; write a prompt into it."),
        ("prompt\na\nb\0c\n", "p.csv, line 3 has a NUL byte; save the file as UTF-8 text."),
    ],
)
def test_a_bad_csv_is_answered_with_the_place_and_the_cure(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        read_prompts("p.csv", text.encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"prompt": "a"}\n\n{"prompt": "b"\n',
            "p.jsonl, line 3 is not JSON: Expecting ',' delimiter at character 15.",
        ),
        (
            '{"prompt": "a"}\n["b"]\n',
            'p.jsonl, row 2 is [\'b\']; write it as {"prompt": "...", "reference": "..."}.',
        ),
        (
            '{"prompt": "a"}\n{"prompts": "b"}\n',
            "p.jsonl, row 2 has no column 'prompt' (did you mean 'prompts'?); "
            "a column of that name is needed.",
        ),
        (
            '{"prompt": "a", "Reference": "b"}\n',
            "p.jsonl, row 1 has a column 'Reference'; name it 'reference' or leave it out.",
        ),
        (
            '{"prompt": "a"}\n{"prompt": " "}\n',
            "p.jsonl, row 2, column 'prompt' is empty; write a prompt or remove the row.",
        ),
        (
            '{"prompt": null}\n',
            "p.jsonl, row 1, column 'prompt' is empty; write a prompt or remove the row.",
        ),
        (
            '{"prompt": "a", "reference": 7}\n',
            "p.jsonl, row 1, column 'reference' is 7 and no text; put it into double quotes.",
        ),
        (
            '{"prompt": "\\udfee"}\n',
            "p.jsonl, row 1, column 'prompt' has half a character (\\udfee); "
            "write the character whole.",
        ),
        ("[" * 100_000, "p.jsonl, line 1 is not JSON: it is nested too deeply."),
        ('{"prompt": "a"}\n' * 501, "p.jsonl has 501 rows; 500 is the most, so split the file."),
        ("\n\n", "p.jsonl has no rows; write a prompt into it."),
    ],
)
def test_bad_json_lines_are_answered_with_the_place_and_the_cure(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        read_prompts("p.jsonl", text.encode())
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["prompts.xlsx", "prompts", "csv", ".csv"])
def test_another_kind_of_file_is_refused(name: str) -> None:
    with pytest.raises(Fault, match=f"^{name} is neither .csv nor .jsonl; save it as one of them"):
        read_prompts(f"/tmp/gradio/{name}", b"prompt\na\n")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["p.csv", "p.jsonl"])
def test_text_that_is_not_utf_8_is_refused_with_its_line(name: str, mark: bytes) -> None:
    with pytest.raises(Fault, match=f"^{name}, line 3 has the byte 0xe9, which is not UTF-8; save"):
        read_prompts(name, mark + "prompt\na\ncafé\n".encode("latin-1"))


def test_utf_16_is_refused() -> None:
    with pytest.raises(Fault, match=r"line 1 has the byte 0xff, which is not UTF-8"):
        read_prompts("p.csv", "prompt\na\n".encode("utf-16"))
    with pytest.raises(Fault, match=r"line 1 has a NUL byte; save the file as UTF-8 text"):
        read_prompts("p.csv", "prompt\na\n".encode("utf-16-le"))


def test_a_number_of_too_many_digits_is_refused() -> None:
    with pytest.raises(Fault, match=r"line 1 is not JSON: Exceeds the limit"):
        read_prompts("p.jsonl", b'{"prompt": ' + b"1" * 5_000 + b"}")


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(Fault, match=r"^p.csv has 2.1 MiB; 2 MiB is the most, so split the file"):
        read_prompts("p.csv", b"\xff" * (BYTES + BYTES // 20))


def test_a_file_at_its_limits_is_read() -> None:
    prompts = "a" * CHARACTERS + "\n" + "b\n" * (ROWS - 1)
    found = read_prompts("p.csv", f"prompt\n{prompts}".encode())
    assert (len(found), found[-1].id) == (ROWS, "row-500")
    line = b'{"prompt": "a"}'
    assert len(read_prompts("p.jsonl", line + b" " * (BYTES - len(line)))) == 1
