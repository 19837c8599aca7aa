#!/bin/sh
# Runs the commands of the manual's section "Certificates" and checks what they
# make: each certificate is signed by the authority, for both sides of a link,
# and names its node and no other.
#   certificates.sh CALLBOARD DOCS/cluster.md
set -eu
callboard=$1
manual=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

awk '/^## / { here = /^## Certificates/ }
  /^```/ { code = here && /^```sh/; next }
  code' "$manual" >"$dir/commands"
grep -q 'openssl req -x509' "$dir/commands"
cd "$dir"
sh -eu commands 2>"$dir/log" || { cat "$dir/log"; exit 1; }

for node in node-1 node-2 node-3; do
  for purpose in sslserver sslclient; do
    openssl verify -x509_strict -purpose $purpose -verify_hostname $node \
      -CAfile ca.pem $node.pem
  done
  if openssl verify -verify_hostname node-9 -CAfile ca.pem $node.pem >/dev/null 2>&1; then
    echo "$node.pem is good for node-9 too"
    exit 1
  fi
  [ "$(stat -c %a $node.key)" = 600 ]
  "$callboard" check-config --node-name $node --cluster-listen 127.0.0.1:0 \
    --cluster-certificate-file $node.pem --cluster-key-file $node.key --cluster-ca-file ca.pem
done
