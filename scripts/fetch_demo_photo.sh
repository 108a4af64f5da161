#!/usr/bin/env bash
# fetch_demo_photo.sh OUT.png: the NASA portrait of Eileen Collins (public domain), taken out of Debian's python3-skimage
# package, which is downloaded and unpacked, not installed.
set -euo pipefail

out=$1
sha256=88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { (cd "$work" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" python3-skimage); }
if ! download 2>/dev/null; then
  # A system without package lists, as fresh images are.
  if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
  download
fi
dpkg-deb --fsys-tarfile "$work"/python3-skimage_*.deb |
  tar -xO ./usr/lib/python3/dist-packages/skimage/data/astronaut.png >"$work/photo.png"
echo "$sha256  $work/photo.png" | sha256sum --check --quiet
mkdir -p "$(dirname "$out")"
mv "$work/photo.png" "$out"
