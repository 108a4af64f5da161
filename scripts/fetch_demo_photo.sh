#!/usr/bin/env bash
# fetch_demo_photo.sh OUT.png: the NASA portrait of Eileen Collins (public domain), taken out of Debian's python3-skimage
# package, which is downloaded and unpacked, not installed.
set -euo pipefail

out=$1
sha256=88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

(cd "$work" && apt-get download -qq python3-skimage)
dpkg-deb --fsys-tarfile "$work"/python3-skimage_*.deb |
  tar -xO ./usr/lib/python3/dist-packages/skimage/data/astronaut.png >"$work/photo.png"
echo "$sha256  $work/photo.png" | sha256sum --check --quiet
mkdir -p "$(dirname "$out")"
mv "$work/photo.png" "$out"
