#!/bin/bash
# Whether an HTTP server of this container answers 200: healthy.sh <port> <path>. The image has no curl, and a start of
# Node for each question would cost more than the services themselves.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
