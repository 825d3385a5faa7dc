# shellcheck shell=bash
# What the scripts of hack/ share. To be sourced.
set -euo pipefail

cluster=soundstrip
# shellcheck disable=SC2034 # used by those who source this
node=$cluster-control-plane
# shellcheck disable=SC2034
context=kind-$cluster
hack=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SOUNDSTRIP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/soundstrip}
mkdir -p "$cache/bin"
export PATH="$cache/bin:$PATH"

say() { printf '==> %s\n' "$*"; }
die() { { echo "error: $1"; shift; [ $# = 0 ] || printf '%s\n' "$@"; } >&2; exit 1; } # WHAT [REMEDY...]

# help: prints the comment block at the top of the calling script.
help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# lock NAME: one run at a time; who comes second waits. The lock goes with the process, however it ends.
lock() {
	command -v flock >/dev/null || return 0
	exec 9>"$cache/$1.lock"
	flock -w 1 9 || { say "another run is at it: waiting for its end"; flock 9; }
}

# bounded SECONDS COMMAND...
bounded() { if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi; }

# recipe PATH...: twelve hex digits that change when one of these files does. Paths are relative to hack/.
recipe() {
	(cd "$hack" && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-12
}

docker_answers() { bounded 20 docker info >/dev/null 2>&1; }

# runs FILE NAME: prints the process number in the file if that is a living process of this name, and no zombie.
runs() {
	local pid
	pid=$(cat "$1" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] &&
		! grep -q '^State:.Z' "/proc/$pid/status" && echo "$pid"
}
our_dockerd() { runs "$cache/dockerd.pid" dockerd; } # the one that engine started

# registries_reached: can official images be had? A host without them says no at once.
registries_reached() { bounded 30 docker manifest inspect python:3.13-slim >/dev/null 2>&1; }

# need COMMAND...: makes sure of these, by apt only on a host whose Docker engine is ours to run.
need() {
	local command missing=() wanted=(docker.io mmdebstrap jq libcap2-bin)
	for command; do command -v "$command" >/dev/null || missing+=("$command"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { docker_answers && [ ! "$(our_dockerd)" ]; }; then
		die "not found: ${missing[*]}." \
			"On Debian: apt-get install ${wanted[*]}. Or give Docker a way to the usual image registries, then none of it is needed."
	fi
	say "Debian packages ${wanted[*]}: installing (usually 40 s)"
	# A source of the host's own that fails must not stop us: what counts is the installation.
	apt-get update >"$cache/apt.log" 2>&1 || true
	# From trixie on the client is a package of its own.
	! apt-cache show docker-cli >/dev/null 2>&1 || wanted+=(docker-cli)
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}" >>"$cache/apt.log" 2>&1 ||
		die "apt-get failed. Its last words, from $cache/apt.log:" "$(tail -n 5 "$cache/apt.log")"
}

# build ARGUMENTS...: a quiet docker build, by the older builder: it asks for no image registry and needs no plugin.
build() {
	DOCKER_BUILDKIT=0 docker build -q "$@" >"$cache/build.log" 2>&1 || { cat "$cache/build.log" >&2; die "docker build failed."; }
}

# import_root [ARCHITECTURE]: makes an image of a root file system, a tar file on stdin, and prints its id. Of another
# architecture it is built: import alone takes the engine's own for granted.
import_root() {
	local folder id
	[ "${1:-}" ] || { docker import -; return; }
	folder=$(mktemp -d)
	cat >"$folder/root.tar"
	id=$(DOCKER_BUILDKIT=0 docker build -q --platform "linux/$1" -f - "$folder" <<<$'FROM scratch\nADD root.tar /' 2>"$cache/build.log") || true
	rm -r "$folder"
	[ "$id" ] && echo "$id"
}

# debian SUITE PACKAGES [ARCHITECTURE]: sets $base to an image of a minimal Debian with these packages, which is built once.
# It holds the host's mirrors and own certificate authorities, so that package registries are reached in builds on it.
debian() {
	local suite=$1 packages=$2 arch=${3:-} main security sources=() id
	base=soundstrip/debian:$suite-${arch:+$arch-}$(sha256sum <<<"$packages" | cut -c1-12)
	! docker image inspect "$base" >/dev/null 2>&1 || return 0
	need mmdebstrap
	say "Debian $suite with ${packages%%,*} and so on: building (usually 30 s${arch:+; 5 min under emulation})"
	mirror_of() { apt-get indextargets "Label: $1" 'Created-By: Packages' --format "\$(REPO_URI)" | head -n 1; }
	main=$(mirror_of Debian) security=$(mirror_of Debian-Security)
	if [ "$main" ]; then # or else mmdebstrap's own choice
		sources+=("deb $main $suite main")
		[ "$suite" = sid ] || sources+=("deb $main $suite-updates main" ${security:+"deb $security $suite-security main"})
	fi
	# A mirror may lag behind sid, whose index says when it is too old; the stable suites' indexes don't.
	# shellcheck disable=SC2016 # mmdebstrap's own $1: the new root
	id=$(mmdebstrap --quiet ${arch:+--architectures="$arch" --skip=check/qemu} --variant=minbase --include="$packages" --aptopt='Acquire::Check-Valid-Until "false"' \
		--customize-hook='if [ -x "$1/usr/sbin/update-ca-certificates" ] && [ -d /usr/local/share/ca-certificates ]; then
			cp -r /usr/local/share/ca-certificates "$1/usr/local/share/" && chroot "$1" update-ca-certificates >&2; fi' \
		"$suite" - ${sources[@]+"${sources[@]}"} | import_root "$arch") || die "mmdebstrap could not make a Debian $suite; see its words above."
	docker tag "$id" "$base" # only when whole
}
