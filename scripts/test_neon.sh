#!/usr/bin/env bash
# Builds the kernel tests for 64-bit Arm with Debian's cross compiler and runs them under qemu: some three minutes on two cores beside the
# build. Other test programs (their targets in tests/) can be named: scripts/test_neon.sh autodiff_gradient_test
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++-aarch64-linux-gnu libhwy-dev:arm64 libgtest-dev:arm64 libbenchmark-dev:arm64)
installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }
missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
command -v qemu-aarch64 >/dev/null || command -v qemu-aarch64-static >/dev/null || missing+=(qemu-user)
if [ ${#missing[@]} -gt 0 ]; then
  echo "test_neon: missing: ${missing[*]}. As root:" >&2
  echo "  dpkg --add-architecture arm64 && apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 2
fi
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)

tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(kernels_conv_test kernels_winograd_test kernels_elementwise_test kernels_sampling_test kernels_number_test)
cmake --preset neon
cmake --build build/neon --target "${tests[@]}"
failed=()
for test in "${tests[@]}"; do
  "$qemu" "build/neon/tests/$test" || failed+=("$test")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "test_neon: FAILED: ${failed[*]}" >&2
  exit 1
fi
echo "test_neon: passed: ${tests[*]}"
