#!/usr/bin/env bash
# Installs those of the named Debian packages that are missing; says what it installs, and does nothing when all is there.
set -euo pipefail

missing=()
for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
((${#missing[@]} > 0)) || exit 0

if ! command -v apt-get >/dev/null; then
    echo "deps: these Debian packages are missing and there is no apt-get here: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || { echo "deps: not root and no sudo; install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "deps: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=500 -qq "$@" >"$log" 2>&1 ||
        { tail -20 "$log" >&2; return 1; }
}
apt install -y --no-install-recommends "${missing[@]}" 2>/dev/null ||
    { apt update && apt install -y --no-install-recommends "${missing[@]}"; }
