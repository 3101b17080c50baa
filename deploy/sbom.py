#!/usr/bin/env python3
"""What is in leat's images: a software bill of materials in SPDX 2.3, as JSON.

    docker run --rm --entrypoint dpkg-query leat:slim -W -f '${Package}\t${Version}\t${Architecture}\n' \
        | deploy/sbom.py slim > leat-slim.spdx.json
    docker run --rm leat-build dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' \
        | deploy/sbom.py static > leat-static.spdx.json

Standard input is the list of Debian's packages: those of the image for `slim`, those of the build (its target
`static-libraries`) for `static`, of which the linked libraries are taken; what that build makes from source stands
in static-libraries.sh, and is read there.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent


def version():
    """leat's own."""
    return re.search(r"version: '([^']+)'", (HERE.parent / "meson.build").read_text())[1]


def debian_packages(lines):
    for line in filter(str.strip, lines):
        name, its_version, architecture = line.rstrip("\n").split("\t")
        yield {
            "name": name,
            "versionInfo": its_version,
            "supplier": "Organization: Debian",
            "purl": f"pkg:deb/debian/{name}@{its_version}?arch={architecture}&distro=bookworm",
        }


def linked(package):
    """Whether a package of the static build ends up in the program: the libraries and their headers' packages."""
    return re.fullmatch(r"lib.*-dev|zlib1g-dev|libc6-dev|ca-certificates", package["name"]) is not None


def built_from_source():
    """The Debian source packages that static-libraries.sh builds."""
    text = (HERE / "static-libraries.sh").read_text()
    for names in re.findall(r"apt-get source[^\n]*?((?:\s+[a-z][a-z0-9.+-]+)+)\n", text):
        for name in names.split():
            yield {"name": name, "versionInfo": "as in Debian bookworm", "supplier": "Organization: Debian",
                   "purl": f"pkg:deb/debian/{name}?arch=source&distro=bookworm"}  # fmt: skip


def spdx_id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def document(kind, packages):
    packages = sorted(packages, key=lambda p: (p["name"], p["versionInfo"]))
    digest = hashlib.sha256(json.dumps(packages).encode()).hexdigest()[:32]
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch else datetime.datetime.now(datetime.UTC)
    leat = {
        "SPDXID": "SPDXRef-leat",
        "name": "leat",
        "versionInfo": version(),
        "licenseDeclared": "Apache-2.0",
        "licenseConcluded": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
    }
    others = [
        {
            "SPDXID": spdx_id(package["name"], package["versionInfo"]),
            "name": package["name"],
            "versionInfo": package["versionInfo"],
            "supplier": package["supplier"],
            "licenseDeclared": "NOASSERTION",
            "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package["purl"]}
            ],
        }
        for package in packages
    ]
    relation = "CONTAINS" if kind == "slim" else "STATIC_LINK"
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"leat-{kind}-{version()}",
        "documentNamespace": f"https://spdx.org/spdxdocs/leat-{kind}-{version()}-{digest}",
        "creationInfo": {
            "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: leat-sbom"],
        },
        "packages": [leat, *others],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-leat"},
            *(
                {"spdxElementId": "SPDXRef-leat", "relationshipType": relation, "relatedSpdxElement": other["SPDXID"]}
                for other in others
            ),
        ],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["slim", "static"])
    kind = parser.parse_args().kind
    packages = list(debian_packages(sys.stdin))
    if not packages:
        sys.exit("no packages came on standard input: see --help for the command that lists them")
    if kind == "static":
        packages = [package for package in packages if linked(package)] + list(built_from_source())
    json.dump(document(kind, packages), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
