"""A file is written whole or not at all, whatever fails, and whoever is killed."""

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autograd_core.files import write_whole


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_file_holds_what_was_written_and_nothing_lies_beside_it(tmp_path):
    write_whole(tmp_path / "new.txt", b"content")
    assert contents(tmp_path) == {"new.txt": b"content"}


def test_a_file_that_was_there_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "old.txt"
    path.write_bytes(b"a longer content than the new one")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert contents(tmp_path) == {"old.txt": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_through_a_link_what_it_points_to_is_replaced(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "best.txt").write_bytes(b"old")
    (tmp_path / "latest.txt").symlink_to("elsewhere/best.txt")
    write_whole(tmp_path / "latest.txt", b"new")
    assert (tmp_path / "latest.txt").is_symlink()
    assert contents(folder) == {"best.txt": b"new"}


def test_links_in_a_circle_are_refused_and_stay(tmp_path):
    path = tmp_path / "file.txt"
    path.symlink_to("file.txt")
    with pytest.raises(OSError, match="Too many levels of symbolic links") as caught:
        write_whole(path, b"new")
    assert (caught.value.errno, caught.value.filename) == (errno.ELOOP, str(path))
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_symlink()] == ["file.txt"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_a_pipe_without_a_name_of_its_own_is_written_to():
    reader, writer = os.pipe()
    write_whole(Path(f"/dev/fd/{writer}"), b"content")
    os.close(writer)
    assert os.read(reader, 100) == b"content"
    os.close(reader)


def test_a_device_is_written_to_and_stays_a_device():
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_whole(Path("/dev/full"), b"content")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def test_the_content_is_on_the_disk_before_it_takes_its_place_and_the_folder_after(tmp_path, monkeypatch):
    """A power cut between any two of these steps leaves the old file or the new one, whole."""
    path, steps = tmp_path / "file.txt", []
    path.write_bytes(b"old")
    fsync = os.fsync

    def noted(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append(("folder" if folder else "file", path.read_bytes(), folder or os.fstat(descriptor).st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_whole(path, b"new content")
    assert steps == [("file", b"old", 11), ("folder", b"new content", True)]


def test_a_file_system_that_writes_no_folders_is_good_enough(tmp_path, monkeypatch):
    fsync = os.fsync

    def only_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    write_whole(tmp_path / "file.txt", b"content")
    assert contents(tmp_path) == {"file.txt": b"content"}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("os.fsync", OSError(errno.ENOSPC, "No space left on device")),
        ("os.fsync", OSError(errno.EIO, "Input/output error")),
        ("pathlib.Path.replace", PermissionError(errno.EACCES, "Permission denied")),
        ("pathlib.Path.chmod", PermissionError(errno.EPERM, "Operation not permitted")),
    ],
    ids=["the disk is full", "the disk is broken", "the move is refused", "the permissions cannot be set"],
)
def test_whatever_fails_the_file_is_as_it_was_and_the_error_names_it(tmp_path, monkeypatch, step, fault):
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")

    def failing(*_):
        raise fault

    monkeypatch.setattr(step, failing)
    with pytest.raises(type(fault)) as caught:
        write_whole(path, b"new")
    assert (caught.value.errno, caught.value.strerror, caught.value.filename) == (
        fault.errno, fault.strerror, str(path),
    )  # fmt: skip
    assert contents(tmp_path) == {"file.txt": b"old"}


def test_ctrl_c_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    (tmp_path / "file.txt").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file.txt", b"new")
    assert contents(tmp_path) == {"file.txt": b"old"}


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("no/such/folder.txt", FileNotFoundError, "No such file or directory"),
        ("file.txt/inside.txt", NotADirectoryError, "Not a directory"),
        ("folder", IsADirectoryError, "Is a directory"),
        ("n" * 300, OSError, "File name too long"),
    ],
)
def test_a_place_that_takes_no_file_is_named(tmp_path, name, error, says):
    (tmp_path / "file.txt").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(error) as caught:
        write_whole(tmp_path / name, b"new")
    assert (caught.value.strerror, caught.value.filename) == (says, str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "folder"]


def test_drafts_of_killed_processes_are_removed_and_those_of_living_ones_are_not(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    kept = [
        f".file.txt.7.{os.getppid()}.part",  # being written
        f".other.txt.7.{ended.pid}.part",  # another file's
        f".file.txt.7.{ended.pid}.part.bak",
        ".file.txt.mine.part",
        f"file.txt.7.{ended.pid}.part",
    ]
    for name in [*kept, f".file.txt.7.{ended.pid}.part", f".file.txt.7.{'9' * 30}.part"]:
        (tmp_path / name).write_bytes(b"draft")
    write_whole(tmp_path / "file.txt", b"new")
    assert sorted(contents(tmp_path)) == sorted([*kept, "file.txt"])


def test_threads_that_write_the_same_file_at_once_each_write_it_whole(tmp_path):
    path = tmp_path / "file.txt"
    sizes = range(100_000, 108_000, 1_000)

    def write_often(size):
        for _ in range(20):
            write_whole(path, bytes([size // 1000]) * size)
            seen.append(path.read_bytes())

    seen = []
    threads = [threading.Thread(target=write_often, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 160
    assert set(seen) <= {bytes([size // 1000]) * size for size in sizes}
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]
