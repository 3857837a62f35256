
# --- services of systemd ------------------------------------------------------------------------------

# A service that dies a moment after its start, or that systemd restarts repeatedly, was active too; so it is looked at
# twice. A service that has to end well (a oneshot) is done when it has.
service_by_systemd='
look() {
  load="" type="" active="" sub="" why="" pid="" restarts="" group=""
  for pair in $(systemctl show --property=LoadState,Type,ActiveState,SubState,Result,MainPID,NRestarts,ControlGroup $unit); do
    case $pair in
      LoadState=loaded) ;;
      LoadState=*) load=${pair#*=} ;;
      Type=*) type=${pair#*=} ;;
      ActiveState=*) active=${pair#*=} ;;
      SubState=*) sub=${pair#*=} ;;
      Result=*) why=${pair#*=} ;;
      MainPID=*) pid=${pair#*=} ;;
      NRestarts=*) restarts=${pair#*=} ;;
      ControlGroup=*) group=${pair#*=} ;;
    esac
  done
  [ -n "$active" ] || { echo "systemctl show says nothing about $unit"; exit 4; }
}
end() {
  [ "$unmet" = 0 ] || why="$why, a condition of it was not met"
  [ "${restarts:-0}" = 0 ] || why="$why, started again by systemd (NRestarts $restarts)"
  echo "$unit is $active ($sub)${load:+, $load}${why:+, result $why}$2"
  exit $1
}
# A stop that gives up leaves processes, which systemd no longer counts as the main one. A service may have put them
# into groups below its own. Processes that cannot be looked at may still run.
goes_on() {
  [ -n "$group" ] || return
  for top in /sys/fs/cgroup$group /sys/fs/cgroup/systemd$group; do
    [ -e "$top" ] || continue
    procs=$(find "$top" -name cgroup.procs -exec cat {} + 2>/dev/null; echo looked)
    [ "$procs" = looked ] || return 0
  done
  return 1
}
unmet=0
if [ $verb != stop ]; then
  $sudo systemctl reset-failed $unit 2>/dev/null
  # systemctl reports success when an unmet condition prevents a start, and forgets it at once.
  case $(systemd-analyze condition --unit=$unit 2>&1) in *"Conditions failed."*) unmet=1 ;; esac
fi
$sudo systemctl $verb $unit
status=$?
look
[ $status -eq 0 ] || end $status
if [ $verb = stop ]; then
  case $active in
    inactive) exit 0 ;;
    failed) goes_on || exit 0; end 1 ", and processes of it go on" ;;
  esac
  end 1
fi
case $unmet.$type.$active.$why in
  *.oneshot.active.*) exit 0 ;;
  0.oneshot.inactive.success)
    # An unmet ExecCondition is forgotten, too, and only the start of the main program tells that there was none.
    case $(systemctl show --property=ExecCondition $unit) in *=?*) ;; *) exit 0 ;; esac
    case $(systemctl show --property=ExecMainStartTimestampMonotonic $unit) in *=[1-9]*) exit 0 ;; esac
    end 1 ", and its ExecCondition may not have been met"
    ;;
esac
before=$restarts
[ -n "$restarts" ] || before=$pid
sleep 3
look
case $active in active | reloading | refreshing) ;; *) end 1 ;; esac
[ "${restarts:-$pid}" = "$before" ] || end 1 ": it does not stay up"
exit 0
'

by_systemd() {
  case $1 in *.*) service_unit=$1 ;; *) service_unit=$1.service ;; esac
  command="unit=$service_unit verb=$service_verb sudo='$2'$service_by_systemd"
}
service_managers="${service_managers}systemd "
