"""Snapshots on disk: uncompressed ``.npz`` files of plain arrays, read without trust.

A file is only taken when every member is stored uncompressed, has exactly the layout that was asked for
and is as long as its header says, so that a damaged or hostile file costs no more memory than it has
bytes and runs nothing.
"""

import io
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np

__all__ = ["read_archive", "write_archive"]


def write_archive(path: str | PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write one-dimensional arrays to a file that `read_archive` reads.

    Parameters
    ----------
    path : path-like
        Name of the file; an existing one is replaced.
    arrays : mapping of str to numpy.ndarray
        Members by name.
    """
    with Path(path).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_archive(
    path: str | PathLike[str], dtypes: Mapping[str, np.dtype]
) -> dict[str, np.ndarray]:
    """Read the members of a file of known layout.

    Parameters
    ----------
    path : path-like
        Name of the file.
    dtypes : mapping of str to numpy.dtype
        Record layout of every member that the file must have.

    Returns
    -------
    dict of str to numpy.ndarray
        One-dimensional read-only arrays.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        The file is not such an archive: the message names the file and the reason.
    """
    with Path(path).open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                return {
                    name: _member(archive, f"{name}.npy", dtype, size)
                    for name, dtype in dtypes.items()
                }
        except Exception as error:
            # zipfile and numpy raise a dozen types on damaged bytes; to the caller they are one
            raise ValueError(f"{str(path)!r} is not a valid archive: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, dtype: np.dtype, size: int) -> np.ndarray:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
        raise ValueError(f"{name} is not stored as it is")
    data = archive.read(entry)
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{name} has format {version}, not (1, 0)")
    shape, _, found = np.lib.format.read_array_header_1_0(stream)
    if found != dtype or found.hasobject or len(shape) != 1:
        raise ValueError(f"{name} holds {found} of shape {shape}, not a column of {dtype}")
    if len(data) - stream.tell() != shape[0] * dtype.itemsize:
        raise ValueError(f"{name} is {len(data)} bytes long, which is not {shape[0]} rows")
    return np.frombuffer(data, dtype=dtype, offset=stream.tell())
