"""Files in an archive whose bytes depend on nothing else."""

import gzip
import io
import tarfile


def packed(folder, files, epoch):
    """The bytes of a `.tar.gz` with these files, each `(path, data, mode)`, below a folder."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data, mode in sorted(files):
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode, entry.mtime = len(data), mode, epoch
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(target.getvalue(), 9, mtime=0)
