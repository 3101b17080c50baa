#!/usr/bin/env python3
"""Checks that what the Markdown pages link to exists: files, and headings within them.

usage: links.py [ROOT]
"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.M | re.S)
HEADING = re.compile(r"^#+ +(.*)$", re.M)


def anchors(text):
    """Headings as GitHub names them."""
    found = set()
    for heading in HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root, capture_output=True, text=True
    )
    broken = 0
    for name in filter(None, listed.stdout.split("\n")):
        page = root / name
        if not page.exists():
            continue
        for target in LINK.findall(CODE.sub("", page.read_text())):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = page if path == "" else page.parent / path
            if not other.exists():
                print(f"{name}: {target}: there is no such file")
            elif anchor and anchor not in anchors(other.read_text()):
                print(f"{name}: {target}: there is no such heading")
            else:
                continue
            broken += 1
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
