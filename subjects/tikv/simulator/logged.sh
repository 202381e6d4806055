#!/bin/bash
# Runs a program of the simulator with what it logs in a file too, as the real ones have one: for the observer to read.
set -euo pipefail
exec node --max-semi-space-size=4 "$1" > >(exec tee -a "$TIKV_SIMULATOR_LOG_FILE") 2>&1
