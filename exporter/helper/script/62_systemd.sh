
# For: commands
# ---- Services of systemd -------------------------------------------------------------------------

managers="${managers}unit "
ask_unit() {
  text=$(systemctl show --no-pager --property=Id,Names,LoadState,ActiveState,NRestarts \
    --property=ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic -- "$@" </dev/null)
  [ -z "$text" ] && why="systemctl show said nothing"
  out="$out$text$nl"
}
