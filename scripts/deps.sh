#!/usr/bin/env bash
# Installs the packages that the tests need, when we may; names them when we may not.
set -euo pipefail
declare -A pkg=([sipp]=sip-tester [baresip]=baresip-core [chromium]=chromium [sox]=sox [promtool]=prometheus [node]=nodejs [npm]=npm [cc]=gcc [ip]=iproute2)
missing=()
for bin in "${!pkg[@]}"; do command -v "$bin" >/dev/null 2>&1 || missing+=("${pkg[$bin]}"); done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing what the tests need: ${missing[*]}"
	log=$(mktemp)
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || { tail -20 "$log"; exit 1; }
	rm -f "$log"
	exit 0
fi
echo "missing: on Debian install with: apt-get install ${missing[*]}"
exit 1
