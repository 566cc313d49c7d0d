#!/bin/sh
#
# fileserver.sh - the file server under curl and wrk, and every byte compared.
#
#     docs/examples/demo/fileserver.sh [program [seconds [MiB]]]
#
# Serves copies of this project's docs, and a big file made on the spot (64
# MiB). curl fetches them, many at once, and asks for what it must not get; wrk
# sends requests on 100 connections for some seconds (3), while curl reads the
# big file slowly. Then the server is told to end, and says what its loop did.
#
# The last line is `demo: ok: ...`, and the status 0; or `demo: FAILED: ...`
# and the reason. To see it fail, have it serve one wrong byte: DEMO_CORRUPT=1.
set -u

program=${1:-build/examples/fileserver} seconds=${2:-3} mebibytes=${3:-64}
docs=$(dirname "$0")/../..
big_size=$((mebibytes * 1024 * 1024))
connections=100
server='' slow='' watchdog=''

kept=$(mktemp -d) || exit 2
root=$kept/root
trap 'kill $server $slow $watchdog 2>/dev/null; rm -rf "$kept"' EXIT
trap 'exit 1' INT TERM

fail() {
	echo "demo: FAILED: $*"
	exit 1
}

# As good as random, and the same each time: a generator's numbers in hex.
make_big_file() {
	awk -v size="$big_size" 'BEGIN {
		x = 42
		for (; size > 0; size -= 16) {
			x = x * 48271 % 2147483647
			y = x * 48271 % 2147483647
			printf "%08x%08x", x, y
			x = y
		}
	}'
}

# What is served: nothing but what lies below $root.
prepare() {
	{ mkdir "$root" && cp -R "$docs" "$root/docs"; } || fail "no copy of docs"
	make_big_file >"$root/big" || fail "no room for a big file"
	echo "none of your business" >"$kept/secret"
	ln -s ../secret "$root/link"
	ln -s .. "$root/directory"
	if [ -n "${DEMO_CORRUPT-}" ]; then
		printf '~' | dd of="$root/docs/turn.md" bs=1 seek=5000 \
			conv=notrunc 2>/dev/null
	fi
}

# Start the server and read where it is.
start() {
	mkfifo "$kept/printed" || fail "no FIFO"
	"$program" -p 0 -t "$root" >"$kept/printed" &
	server=$!
	exec 3<"$kept/printed"
	read -r url <&3 || fail "$program did not start"
	url=${url%/}
	{ sleep 60; kill -KILL $server; } >/dev/null 2>&1 3<&- &
	watchdog=$!
}

# All files of docs and the big one, twice, 16 at once.
compare_files() {
	(cd "$root" && find docs -type f && echo big && echo big) |
		awk -v url="$url" -v got="$kept/got" '{
			printf "url = %s/%s\noutput = %s/%d/%s\n", url, $0,
				got, seen[$0]++, $0
		}' >"$kept/list"
	curl -sSfZ --parallel-max 16 --create-dirs --max-time 20 \
		-K "$kept/list" 2>"$kept/errors" ||
		fail "curl: $(tail -n 1 "$kept/errors")"
	differing=$(diff -rq "$docs" "$kept/got/0/docs") || fail "$differing"
	cmp "$root/big" "$kept/got/0/big" || fail "the big file differs"
	cmp "$root/big" "$kept/got/1/big" || fail "the big file differs"
	files=$(grep -c '^url' "$kept/list")
	echo "  curl: $files files, 16 at once, two of $mebibytes MiB: as they are"
	rm -rf "$kept/got"
}

# Ask curl, with the options after it, for the path $1: the status it gets.
status_of() {
	path=$1
	shift
	curl -s --max-time 5 --path-as-is -o "$kept/reply" \
		-w '%{http_code}' "$@" "$url$path"
}

compare_replies() {
	length=$(curl -sI --max-time 5 "$url/big" | tr -d '\r' |
		sed -n 's/^Content-Length: //p')
	[ "$length" = "$big_size" ] || fail "HEAD: a length of '$length'"
	[ "$(status_of /docs/none)" = 404 ] || fail "what is not there: no 404"
	[ "$(status_of /big -X DELETE)" = 405 ] || fail "DELETE: no 405"
	for path in /../secret //../secret /docs/../../secret /%2e%2e/secret \
		/..%2fsecret /docs/%2e%2e%2f%2e%2e%2fsecret /link \
		/directory/secret /big/../../secret "$kept/secret" \
		"/$kept/secret" /docs%00/../../secret; do
		case $(status_of "$path") in
		400 | 404) ;;
		*) fail "a way out of the root: $path" ;;
		esac
		if grep -q business "$kept/reply"; then
			fail "a way out of the root: $path"
		fi
	done
	echo "  curl: HEAD, 404, 405, 12 ways out of the root: as they should be"
}

# Many requests, and beside them one who takes the big file 1 MB a second.
load() {
	curl -s --limit-rate 1M -o "$kept/slow" "$url/big" &
	slow=$!
	wrk -t 2 -c $connections -d "$seconds" --latency \
		"$url/docs/turn.md" >"$kept/wrk" || fail "wrk: $(cat "$kept/wrk")"
	if grep -E 'Socket errors|Non-2xx' "$kept/wrk"; then
		fail "wrk had errors"
	fi
	requests=$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' "$kept/wrk")
	rate=$(sed -n 's/^Requests\/sec: *\([0-9]*\).*/\1/p' "$kept/wrk")
	late=$(sed -n 's/^ *99% *//p' "$kept/wrk")
	[ "${requests:-0}" -gt 0 ] || fail "wrk: $(cat "$kept/wrk")"
	echo "  wrk: $connections connections, $seconds s: $requests requests," \
		"$rate a second, 99 in 100 under $late"

	kill $slow 2>/dev/null || fail "the slow reader has ended"
	wait $slow 2>/dev/null
	slow=''
	size=$(wc -c <"$kept/slow")
	[ "$size" -gt 0 ] || fail "the slow reader has got nothing"
	head -c "$size" "$root/big" | cmp - "$kept/slow" ||
		fail "what the slow reader has got differs"
	echo "  curl: a slow reader meanwhile: $((size)) bytes, as they are"
}

finish() {
	memory=$(sed -n 's/^VmHWM:[ \t]*//p' /proc/$server/status 2>/dev/null)
	kill -TERM $server
	cat <&3 >"$kept/figures"
	wait $server
	status=$?
	[ $status = 0 ] || fail "the server ended with status $status"
	[ -z "$memory" ] || echo "  the server's memory: at most $memory"
	cat "$kept/figures"
}

prepare
start
echo "demo: the file server, at $url/"
compare_files
compare_replies
load
finish
echo
echo "demo: ok: $files files as they are; $requests requests, $rate a second"
