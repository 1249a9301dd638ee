# Checks of tools/lab-systemd and their report. Sourced; uses $report and inside().

passed=0 failed=0 unenforced=()

section() { printf '\n## %s\n\n' "$1" >>"$report"; printf '%s\n' "-- $1"; }

# expect POINT TITLE COMMAND [PATTERN]: the command succeeds in the machine, and its output matches (an extended regular
# expression; with ! in front: does not match). POINT is a number of the checklist.
expect() {
  local point=$1 title=$2 command=$3 pattern=${4-} output status=0 verdict=ok from=$EPOCHREALTIME
  output=$(inside "$command" 2>&1) || status=$?
  local milliseconds=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
  if [[ $pattern == !* ]]; then
    ! grep -Eq -- "${pattern#!}" <<<"$output" || verdict=FAILED
  else
    ((status == 0)) || verdict=FAILED
    [[ -z $pattern ]] || grep -Eq -- "$pattern" <<<"$output" || verdict=FAILED
  fi
  record "$verdict" "$point" "$title" "$command" "$output" "$milliseconds"
}

record() {
  local verdict=$1 point=$2 title=$3 command=$4 output=$5 milliseconds=$6
  if [[ $verdict == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%-6s %3s  %s (%s ms)\n' "$verdict" "$point" "$title" "$milliseconds"
  [[ $verdict == ok ]] || printf '%s\n' "$output" | tail -n 15 | sed 's/^/         /'
  {
    printf '**%s** · point %s · %s (%s ms)\n\n```console\n' "$verdict" "$point" "$title" "$milliseconds"
    printf '%s\n' "$command" | sed '1s/^/# /; 2,$s/^/> /'
    printf '%s\n' "$output" | tail -n 25
    printf '```\n\n'
  } >>"$report"
}

# Something that this host cannot do, and so cannot be shown here.
note_unenforced() {
  unenforced+=("$1: $2")
  printf '%-6s %3s  %s\n' "host" "" "$1: $2"
}

summary() {
  {
    printf '\n## Not enforced or not visible on this host\n\n'
    ((${#unenforced[@]})) && printf -- '- %s\n' "${unenforced[@]}"
    printf '\n%s checks hold, %s do not.\n' "$passed" "$failed"
  } >>"$report"
  printf '%s checks hold, %s do not\n' "$passed" "$failed"
  ((failed == 0))
}
