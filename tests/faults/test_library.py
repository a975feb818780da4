"""Which files are a whole native library, and which are not, by what lies on the disk alone."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from faults.workshop import Broken, Workshop
from opparity.operators import library_record, native_library
from opparity.operators.shared_library import SharedLibrary, Unloadable
from opparity.packages import OLDEST_TORCH

ROOT = Path(__file__).parents[2]
# How distributions and packagers edit what they ship.
EDITS = {
    "symbols stripped": ["strip", "{library}"],
    "all that can be stripped": ["strip", "--strip-all", "{library}"],
    "linked to debugging symbols": ["objcopy", "--add-gnu-debuglink={library}.debug", "{library}"],
    "comments taken out": ["objcopy", "--remove-section=.comment", "{library}"],
}
MUTATIONS = 2000


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("libraries"))


def file_of(package: Path) -> Path:
    return package / "opparity" / native_library.FILE_NAME


@pytest.mark.parametrize("edit", EDITS)
def test_a_library_that_packagers_have_edited_is_whole(edit: str, workshop: Workshop) -> None:
    file = file_of(workshop.package(workshop.library))
    Path(f"{file}.debug").write_bytes(b"symbols")
    # A library that was installed is stripped already: it gets what can be stripped.
    section = f"--add-section=.debug_info={file}.debug"
    subprocess.run(["objcopy", section, file], check=True)
    assert b".debug_info" in file.read_bytes()
    before = file.read_bytes()
    subprocess.run([word.format(library=file) for word in EDITS[edit]], check=True)
    assert file.read_bytes() != before
    assert native_library.objection(file) is None


def test_a_stripped_library_serves(workshop: Workshop) -> None:
    package = workshop.package(workshop.library)
    subprocess.run(["strip", file_of(package)], check=True)
    found = Broken(package).run("call")
    assert (found["served"], found["raised"], found["warned"]) == ("native", {}, [])


def test_every_byte_of_code_and_constants_counts(workshop: Workshop) -> None:
    draw = random.Random(7)  # noqa: S311 -- not cryptography
    library = SharedLibrary(workshop.library)
    for each in library.code():
        place = each.offset + draw.randrange(each.size)
        data = bytearray(workshop.library)
        data[place] ^= 1 << draw.randrange(8)
        reason = workshop.record.objection(SharedLibrary(bytes(data)))
        assert reason is not None
        assert f"1 of {len(library.code())} sections" in reason


def test_a_library_of_any_length_is_whole_or_said_to_be_cut_short(workshop: Workshop) -> None:
    needed = max(each.offset + each.size for each in SharedLibrary(workshop.library).loaded)
    for length in (*range(65), 200, 4096, needed // 2, needed - 1):
        with pytest.raises(Unloadable, match=r"is cut short|is empty|is no shared library"):
            SharedLibrary(workshop.library[:length])
    # What lies behind is for debuggers.
    assert SharedLibrary(workshop.library[:needed]).loaded


def test_a_header_of_any_bytes_is_read_or_refused_in_words(workshop: Workshop) -> None:
    draw = random.Random(11)  # noqa: S311 -- not cryptography
    refused = []
    for _ in range(MUTATIONS):
        data = bytearray(workshop.library[:4096])
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(700)] = draw.randrange(256)
        try:
            SharedLibrary(bytes(data) + workshop.library[4096:]).code()
        except Unloadable as error:
            refused.append(str(error))
    assert 0 < len(refused) < MUTATIONS
    assert {text.split()[0] for text in refused} <= {"is", "has"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        '{"parts": 3}',
        '{"version": "0.1.0", "tables_sha256": "", "parts": [3]}',
        '{"version": "0.1.0", "tables_sha256": "", "parts": [{"address": "x"}]}',
        '{"version": "0.1.0", "tables_sha256": "", "parts": []}',
        '{"parts": [{"address": Infinity, "size": 1, "sha256": ""}]}',
        "[" * 100_000,
    ],
)
def test_a_record_that_says_nothing_of_the_library_is_an_objection(
    text: str, workshop: Workshop
) -> None:
    file = file_of(workshop.package(workshop.library, None))
    file.with_name(library_record.FILE_NAME).write_text(text, "utf-8")
    reason = native_library.objection(file)
    assert reason is not None
    assert "libopparity.json is damaged" in reason
    assert "install Opparity again" in reason


def test_a_record_of_any_length_but_its_own_is_an_objection(workshop: Workshop) -> None:
    file = file_of(workshop.package(workshop.library))
    record = file.with_name(library_record.FILE_NAME)
    whole = record.read_bytes()
    assert native_library.objection(file) is None
    # Without the line's end it is whole.
    for length in (*range(0, len(whole) - 1, 50), len(whole) - 2):
        record.write_bytes(whole[:length])
        reason = native_library.objection(file)
        assert reason is not None
        assert "libopparity.json is damaged" in reason


def test_a_record_that_may_not_be_read_keeps_the_library_out(workshop: Workshop) -> None:
    package = workshop.package(workshop.library)
    file_of(package).with_name(library_record.FILE_NAME).chmod(0)
    found = Broken(package).run("call", "doctor")
    assert found["served"] == "reference"
    [fault] = found["document"]["faults"]
    assert "libopparity.json cannot be read: Permission denied" in fault


def test_no_record_is_made_of_a_library_without_sections(workshop: Workshop) -> None:
    def change(data: bytearray) -> None:
        # Where the header has the table of sections, and how many there are.
        data[40:48], data[60:64] = bytes(8), bytes(4)

    file = file_of(workshop.package(workshop.in_place_of(change), None))
    ended = subprocess.run(
        [sys.executable, "-m", "opparity.operators.library_record", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "has no section headers to record" in ended.stderr
    assert not file.with_name(library_record.FILE_NAME).exists()


def test_an_interpreter_whose_file_is_unknown_refuses_no_library(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", None)
    assert SharedLibrary(workshop.library).loaded


def test_without_a_record_the_library_serves_and_doctor_says_so(workshop: Workshop) -> None:
    found = Broken(workshop.package(workshop.library, None)).run("call", "doctor")
    assert (found["served"], found["raised"], found["warned"]) == ("native", {}, [])
    assert found["document"]["faults"] == []
    assert "no record lies beside the library" in found["document"]["devices"][0]


def test_another_record_of_the_same_sources_is_not_this_librarys(workshop: Workshop) -> None:
    parts = tuple(replace(part, sha256="0" * 64) for part in workshop.record.parts)
    reason = replace(workshop.record, parts=parts).objection(SharedLibrary(workshop.library))
    assert reason is not None
    assert f"{len(parts)} of {len(parts)} sections" in reason


def test_the_build_writes_the_record_beside_the_library(workshop: Workshop) -> None:
    file = file_of(workshop.package(workshop.library, None))
    subprocess.run([sys.executable, "-m", "opparity.operators.library_record", file], check=True)
    written = library_record.read(file.with_name(library_record.FILE_NAME))
    assert written == workshop.record
    assert sum(part.size for part in workshop.record.parts) > len(workshop.library) // 2


def test_the_installed_record_is_the_installed_librarys() -> None:
    file = native_library.path()
    assert file is not None
    written = library_record.read(file.with_name(library_record.FILE_NAME))
    assert written == library_record.make(SharedLibrary(file.read_bytes()))


HEADERS = {
    "2.11.0+cu130": None,
    "2.14.1": None,
    "3.0.0": None,
    "2.10.0+cpu": "torch 2.10.0+cpu is older than 2.11, the first that the native library can be",
    "1.13.1": "torch 1.13.1 is older than 2.11",
}


def headers(folder: Path) -> str:
    ended = subprocess.run(
        [sys.executable, ROOT / "build_backend" / "torch_headers.py", folder],
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


@pytest.mark.parametrize("version", HEADERS)
def test_a_torch_that_is_too_old_to_build_with_is_refused_in_words(
    version: str, tmp_path: Path
) -> None:
    (tmp_path / "version.py").write_text(f"__version__ = '{version}'\n", "utf-8")
    header = tmp_path / "include/torch/csrc/stable/library.h"
    header.parent.mkdir(parents=True)
    header.write_text("", "utf-8")
    said, expected = headers(tmp_path), HEADERS[version]
    assert said.startswith(expected) if expected else said == ""
    if expected:
        assert "`pip install --upgrade 'torch>=2.11'`" in said


def test_a_torch_that_is_broken_is_not_built_with(tmp_path: Path) -> None:
    assert "version.py cannot be read" in headers(tmp_path)
    (tmp_path / "version.py").write_text("", "utf-8")
    assert "version.py says no version" in headers(tmp_path)
    (tmp_path / "version.py").write_text("__version__ = '2.13.0'", "utf-8")
    assert "include/torch/csrc/stable/library.h is missing" in headers(tmp_path)


def test_the_oldest_torch_is_the_same_everywhere() -> None:
    first, second = map(int, OLDEST_TORCH.split("."))
    build = (ROOT / "CMakeLists.txt").read_text("utf-8")
    assert f"TORCH_TARGET_VERSION=0x{first:02x}{second:02x}{0:012x}" in build
    backend = (ROOT / "build_backend" / "torch_headers.py").read_text("utf-8")
    assert f"OLDEST = ({first}, {second})" in backend
    assert f'"torch>={OLDEST_TORCH}"' in (ROOT / "pyproject.toml").read_text("utf-8")
