"""Holds a wheel, whose path is given, against the repository: all that the four packages track in git, and no more."""

import subprocess
import sys
import zipfile

PACKAGES = ("bundle", "train", "export", "demo")

tracked = subprocess.run(["git", "ls-files", "-z", *PACKAGES], capture_output=True, text=True, check=True).stdout
wanted = {name for name in tracked.split("\0") if name}
with zipfile.ZipFile(sys.argv[1]) as wheel:
    found = {name for name in wheel.namelist() if not name.partition("/")[0].endswith(".dist-info")}
for what, names in (("lacks", wanted - found), ("should not hold", found - wanted)):
    if names:
        sys.exit(f"The wheel {what} {len(names)} files: {', '.join(sorted(names)[:10])}")
print(f"{len(found)} files")
