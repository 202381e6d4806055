#!/bin/bash
# Whether a file was written within the last so many seconds: fresh.sh <file> <seconds>.
[ $(($(date +%s) - $(stat -c %Y "$1"))) -le "$2" ]
