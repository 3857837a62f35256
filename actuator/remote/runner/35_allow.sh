
# --- what this host allows ------------------------------------------------------------------------

# Sets command to what body $1 means here. An uploaded runner is as free as the key that brought it: the
# body is the command. An installed one runs what root's allowlist says and nothing else: "@NAME" is the
# command of that name there, "@service NAME STATE" brings a service that it lists into a state.
# Nothing of the body ever becomes part of a command that root did not write, unless root allows it.
resolve() {
  command=$1 allow_kind=command allow_state=''
  case $1 in
    '@service '*)
      allow_kind=service allow_name=${1#* } && allow_state=${allow_name#* } allow_name=${allow_name%% *}
      case $allow_state in started | stopped | restarted) ;; *) fail invalid "a service becomes started, stopped or restarted" ;; esac
      ;;
    @*) allow_name=${1#@} ;;
    *) allow_kind=free_commands allow_name='' ;;
  esac
  if [ -z "$installed" ]; then
    [ $allow_kind = free_commands ] || fail refused "the site file says that this host has an installed runner, but it has none; nothing was done"
    return
  fi
  [ $allow_kind = free_commands ] || check_name "$allow_name" 64
  find_allowed && return
  case $allow_kind in
    command) fail refused "$allow lists no command $allow_name; nothing was done" ;;
    service) fail refused "$allow lists no service $allow_name; nothing was done" ;;
    *) fail refused "$allow does not say free_commands, so only commands and services that it lists are run; nothing was done" ;;
  esac
}

# Looks allow_kind and allow_name up; sets command. A list that somebody else than root could have
# written counts for nothing.
find_allowed() {
  # shellcheck disable=SC2046  # the fields of ls: mode, links, owner
  set -- $(ls -ldn "$allow" 2>/dev/null)
  case ${1:-none}/${3:-} in
    -????[!w]??[!w]*/0) ;;
    none/) fail refused "there is no $allow, so nothing may be run here; nothing was done" ;;
    *) fail refused "$allow must be a file that belongs to root and that nobody else may write; nothing was done" ;;
  esac
  while read -r allowed_kind allowed_name allowed_rest || [ -n "$allowed_kind" ]; do
    case $allowed_kind$allowed_name$allowed_rest in
      *[!\ -~]) # a line may end as Windows ends lines
        allow_return=$(printf '\r')
        allowed_kind=${allowed_kind%"$allow_return"} allowed_name=${allowed_name%"$allow_return"}
        allowed_rest=${allowed_rest%"$allow_return"}
        ;;
    esac
    [ "$allowed_kind/$allowed_name" = "$allow_kind/$allow_name" ] || continue
    case $allow_kind in
      command)
        command=$allowed_rest
        [ -n "$command" ] || fail refused "$allow: command $allowed_name says nothing to run; nothing was done"
        ;;
      service) service_command "$allowed_name" "$allowed_rest" ;;
    esac
    return 0
  done <"$allow"
  return 1
}

# Sets command to what brings service $1 of kind $2 into allow_state, and looks whether it came to that.
service_command() {
  service_verb=restart service_not='' service_status=0
  case $allow_state in
    started) service_verb=start ;;
    stopped) service_verb=stop service_not='! ' service_status=3 ;; # 3: not running; 1 might be sudo's own
  esac
  service_sudo=''
  [ "$(id -u)" -eq 0 ] || service_sudo='sudo -n '
  case $2 in
    systemd) command="${service_sudo}systemctl $service_verb $1.service && ${service_not}systemctl is-active --quiet $1.service" ;;
    sysv) command="${service_sudo}/etc/init.d/$1 $service_verb && { ${service_sudo}/etc/init.d/$1 status >/dev/null; [ \$? -eq $service_status ]; }" ;;
    *) fail refused "$allow: service $1 must be systemd or sysv, not '$2'; nothing was done" ;;
  esac
}
