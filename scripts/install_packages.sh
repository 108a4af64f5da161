#!/usr/bin/env bash
# Installs the Debian 12 packages that the build needs, and npm where there is none. Does nothing when all are there.
set -euo pipefail

packages=(build-essential cmake ninja-build libdlib-dev libdlib-data libeigen3-dev libstb-dev libhwy-dev libcli11-dev
  nlohmann-json3-dev libgtest-dev libbenchmark-dev)
# Debian's npm brings some 390 packages, so it is the last resort.
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "likeness: this is not Debian; install by hand: ${missing[*]}" >&2
  exit 1
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "likeness: not root and no sudo; install by hand: ${missing[*]}" >&2; exit 1; }
  root=(sudo)
fi
echo "likeness: installing ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
