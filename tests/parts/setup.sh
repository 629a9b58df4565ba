#!/usr/bin/env bash
# Looks whether this machine has what building and testing need, and installs what is missing where it may.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/parts/setup.sh build|test

  build   what `make up` needs: a C and C++ compiler, OpenSSL's and zlib's headers, Rust
  test    that, and what the tests start: Java, Maven, PostgreSQL, Python; the verifiers that are not ours also need
          Go 1.26 and Python 3.12 (tests/parts/verifiers.sh looks for them and says where they come from)

On Debian and Ubuntu, as root or with sudo that asks for no password, what is missing is installed by apt-get;
elsewhere the line to run is printed, with exit code 2. Tried on Debian 12; needs Python 3.11 and PostgreSQL 15 or newer.
TEXT
}

mode=${1:-}
case $mode in
  build | test) ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac
cd "$(dirname "$0")/../.."

# --- what is missing, by its Debian package ---------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }
header() { echo "#include <$1>" | gcc -E - >/dev/null 2>&1; }

missing=()
need() { # need PACKAGE CHECK…
  local package=$1
  shift
  "$@" || missing+=("$package")
}

# Checks are for the thing, not for the package: another way to have it is as good.
java_17() {
  local version
  have javac && version=$(javac -version 2>&1) && [[ $version =~ \ ([0-9]+) ]] && ((BASH_REMATCH[1] >= 17))
}
postgres_15() {
  local initdb version
  for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
    [[ -x $initdb ]] || continue
    version=$("$initdb" --version) && [[ $version =~ \ ([0-9]+) ]] && ((BASH_REMATCH[1] >= 15)) && return
  done
  return 1
}
python_venv() { have python3 && python3 -c 'import ensurepip, tomllib, venv'; } 2>/dev/null
chromium_here() { have chromium || have chromium-browser || have google-chrome; }
libraries() { have pkg-config && pkg-config --exists "$1"; }

need gcc have gcc
need g++ have g++
need make have make
need libc6-dev header stdio.h
need pkg-config have pkg-config
need libssl-dev libraries openssl
need zlib1g-dev libraries zlib
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
if [[ $mode == test ]]; then
  need openjdk-17-jdk-headless java_17
  need maven have mvn
  need postgresql-15 postgres_15
  need postgresql-client have psql
  need python3-venv python_venv
  need openssl have openssl
  need unzip have unzip
  need curl have curl
  need procps have ps
  need util-linux have setpriv
  need chromium chromium_here
fi

# --- packages ---------------------------------------------------------------------------------------------------------

as_root=()
((EUID == 0)) || as_root=(sudo)
may_install() { have apt-get && { ((EUID == 0)) || { have sudo && sudo -n true 2>/dev/null; }; }; }
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >&2; }
offered() { LC_ALL=C apt-cache policy "$1" | grep -q 'Candidate: [^(]'; }

# Other releases carry other versions under other names.
choose() {
  local i
  for i in "${!missing[@]}"; do
    case ${missing[i]} in
      openjdk-17-jdk-headless) offered openjdk-17-jdk-headless || missing[i]=default-jdk-headless ;;
      postgresql-15) offered postgresql-15 || missing[i]=postgresql ;;
    esac
  done
}

# The package would start a cluster of its own on port 5432. The setting's file comes with postgresql-common, and has to
# be changed before the server is unpacked.
no_main_cluster() {
  local conf=/etc/postgresql-common/createcluster.conf
  apt install -y --no-install-recommends postgresql-common
  "${as_root[@]}" sed -i -E '/^#? *create_main_cluster/d' "$conf"
  echo 'create_main_cluster = false' | "${as_root[@]}" tee -a "$conf" >/dev/null
}

if ((${#missing[@]})); then
  if may_install; then
    printf 'setup: installing %s\n' "${missing[*]}" >&2
    apt update
    choose
    if [[ " ${missing[*]} " == *' postgresql'* ]]; then no_main_cluster; fi
    apt install -y --no-install-recommends "${missing[@]}"
  else
    printf 'setup: this machine lacks something; run:\n  %sapt-get install -y --no-install-recommends %s\n' \
      "${as_root[*]:+${as_root[*]} }" "${missing[*]}" >&2
    exit 2
  fi
fi

# --- Rust -------------------------------------------------------------------------------------------------------------

channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
# In this folder rustup's cargo is the toolchain of rust-toolchain.toml; a cargo without rustup must be new enough itself.
rust_is_here() {
  local version
  have cargo && version=$(RUSTUP_AUTO_INSTALL=0 cargo --version 2>/dev/null) || return 1
  version=$(cut -d' ' -f2 <<<"$version")
  [[ $(printf '%s\n%s\n' "$channel" "$version" | sort -V | head -n 1) == "$channel" ]] || return 1
  [[ $mode == build ]] || { cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1
}
rust_is_here && exit 0
if ! have rustup && may_install && offered rustup; then apt install -y --no-install-recommends rustup; fi
if have rustup; then
  printf 'setup: installing Rust %s\n' "$channel" >&2
  rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt >&2
  exit 0
fi
printf 'setup: Rust %s is missing; install rustup (https://rustup.rs), then run:\n  rustup toolchain install %s\n' \
  "$channel" "$channel" >&2
exit 2
