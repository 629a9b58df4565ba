# shellcheck shell=bash
# Sourced: what is downloaded or unpacked once, outside the repository.

CACHE=${IDTRAIL_CACHE:-$HOME/.cache/idtrail}
PARTS_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# cached NAME FUNCTION: fills the folder NAME once. The last file written says that it is whole, and the lock that
# only one of several runs fills it; the others wait.
cached() {
  local dir=$CACHE/$1
  [[ -f $dir/.whole ]] && return
  mkdir -p "$CACHE"
  (
    flock 8
    [[ -f $dir/.whole ]] && exit
    rm -rf "$dir"
    mkdir -p "$dir"
    "$2" "$dir"
    touch "$dir/.whole"
  ) 8>"$CACHE/$1.lock"
}

# key FILES…: a folder's name holds the hash of what decides its contents, so that a change of version fills a new one.
key() { (cd "$PARTS_SOURCE" && cat -- "$@") | sha256sum | cut -c1-10; }

# Offline first: with a warm local repository that needs no network. One at a time: two Mavens would write the same
# files of the local repository.
maven() {
  (
    flock 7
    mvn -B -ntp -q -o "$@" || mvn -B -ntp -q -U "$@"
  ) 7>"$CACHE/maven.lock" >"$CACHE/maven.log" 2>&1 || { cat "$CACHE/maven.log" >&2 && return 1; }
}

# jars POM FOLDER: the jars of a pom and all that they need at run time.
jars() {
  maven -f "$PARTS_SOURCE/$1" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$2"
}

# Names from the key of a file, used by tests/run and by the parts.
PYTHON_DIR=python-$(key requirements.txt)
JAVA_DIR=java-$(key java-pom.xml)

fill_python() {
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    { printf 'tests/run: Python 3 with its venv is missing; tests/parts/setup.sh test installs it\n' >&2 && return 1; }
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$PARTS_SOURCE/requirements.txt"
}
fill_java() { jars java-pom.xml "$1"; }

fetch_python() { cached "$PYTHON_DIR" fill_python; }
fetch_java() { cached "$JAVA_DIR" fill_java; }
