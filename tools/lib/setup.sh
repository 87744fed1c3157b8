# What tools/run and tools/test have in common; sourced by them.
# Everything is said on standard error: standard output belongs to the program that is run.

lite2pg_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
lite2pg_build=$lite2pg_root/build/release

# python3 is for the sample database and the tests.
build_packages=(cmake g++ libabsl-dev libcli11-dev libpq-dev libsimdjson-dev libsqlite3-dev libssl-dev
  libtbb-dev libtomlplusplus-dev libxxhash-dev libzstd-dev ninja-build nlohmann-json3-dev
  pkg-config)
run_packages=("${build_packages[@]}" postgresql python3)
test_packages=("${run_packages[@]}" ccache chromium git jq libbenchmark-dev libgmock-dev
  libgtest-dev python3-psycopg2 python3-xxhash python3-yaml sqlite3 tmux zstd)

# What the trials of faults need (tests/fault).
test_packages+=(iproute2 pgbouncer)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "Not root, and there is no sudo: cannot run $*"
  fi
}

# Debian's package would create a cluster "main" and start it; lite2pg makes its own. The choice
# is taken back after the installation, so that it holds for this one only.
createcluster_conf=/etc/postgresql-common/createcluster.conf
without_main_cluster() {
  if is_installed postgresql-common || [ -e "$createcluster_conf" ]; then
    "$@"
    return
  fi
  as_root mkdir -p "${createcluster_conf%/*}"
  echo 'create_main_cluster = false' | as_root tee "$createcluster_conf" >/dev/null
  local status=0
  "$@" || status=$?
  as_root sed -i 's/^create_main_cluster = false$/#create_main_cluster = true/' \
    "$createcluster_conf"
  return "$status"
}

# Installs the packages among its arguments that are missing; needs no network when none is.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "This is no Debian. Needed are the equivalents of: $*"
    return
  fi
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing ${missing[*]}"
  # A package list that is partly out of reach may still do.
  as_root apt-get -q update >&2 || say "apt-get update failed; going on with the lists at hand"
  without_main_cluster as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
    apt-get -q install -y --no-install-recommends -o Dpkg::Options::=--force-confold \
    "${missing[@]}" >&2 || die "Could not install ${missing[*]}"
}

# Clones of one state share what was compiled, wherever they lie.
export CCACHE_BASEDIR=$lite2pg_root CCACHE_NOHASHDIR=1

configure() {
  local options=(-G Ninja -DCMAKE_BUILD_TYPE=Release)
  if command -v ccache >/dev/null; then
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake -S "$lite2pg_root" -B "$lite2pg_build" "${options[@]}" "$@" >&2
}

# A build of CMakePresets.json, in build/PRESET.
configure_preset() {
  local options=()
  if command -v ccache >/dev/null; then
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  (cd "$lite2pg_root" && cmake --preset "$1" "${options[@]}" "${@:2}" >&2)
}

# A translation unit takes up to 1.5 GB: as many at once as memory and processors allow.
build_jobs() {
  local processors memory_kb
  processors=$(nproc)
  memory_kb=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
  local jobs=$(( ${memory_kb:-4000000} / 1500000 ))
  if [ "$jobs" -lt 1 ]; then jobs=1; fi
  if [ "$jobs" -gt "$processors" ]; then jobs=$processors; fi
  echo "$jobs"
}

# One build at a time in the directory; arguments go to ninja.
build() {
  flock "$lite2pg_build/.lock" ninja -C "$lite2pg_build" -j "$(build_jobs)" "$@" >&2
}

# Without a word when there is nothing to do.
build_quietly() {
  build --quiet "$@" 2>&1 | { grep -v '^ninja: no work to do\.$' >&2 || true; }
}
