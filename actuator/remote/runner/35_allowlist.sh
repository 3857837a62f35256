
# --- what this host allows ------------------------------------------------------------------------

# Sets command to the meaning of body $1 here. An uploaded runner may do whatever its key may: the body is the command,
# and "@service NAME STATE MANAGER" brings that service into a state. An installed one runs only commands of root's
# allowlist: "@NAME" is the command of that name there, "@service NAME STATE" brings a service that it lists into a
# state. No part of the body becomes part of a command that root did not write, unless root allows it.
resolve() {
  [ -n "$1" ] || fail invalid "the request holds no command"
  command=$1 allow_kind=command allow_state='' allow_manager=''
  # To take a long one apart costs some shells seconds, and arm does it under the lock.
  case $1 in @*) [ ${#1} -le 400 ] || fail invalid "a name of ${#1} characters is too long" ;; esac
  case $1 in
    '@service '*)
      allow_kind=service allow_name=${1#* } && allow_state=${allow_name#* } allow_name=${allow_name%% *}
      case $allow_state in *' '*) allow_manager=${allow_state#* } allow_state=${allow_state%% *} ;; esac
      case $allow_state in started | stopped | restarted) ;; *) fail invalid "a service becomes started, stopped or restarted" ;; esac
      ;;
    @*) allow_name=${1#@} ;;
    *) allow_kind=free_commands allow_name='' ;;
  esac
  if [ -z "$installed" ]; then
    if [ -n "$allow_manager" ]; then
      service_command "$allow_name" "$allow_manager" '' && return
      choose_manager
      fail invalid "there is no such service of $service_choice"
    fi
    [ $allow_kind = free_commands ] || fail refused "the site file says that this host has an installed runner, but it has none; nothing was done"
    return
  fi
  [ -z "$allow_manager" ] || fail refused "the site file says that this host's runner is uploaded, but it is installed; nothing was done"
  [ $allow_kind = free_commands ] || check_name "$allow_name" 64
  find_allowed && return
  case $allow_kind in
    command) fail refused "$allow lists no command $allow_name; nothing was done" ;;
    service) fail refused "$allow lists no service $allow_name; nothing was done" ;;
    *) fail refused "$allow does not say free_commands, so only commands and services that it lists are run; nothing was done" ;;
  esac
}

# Looks up allow_kind and allow_name; sets command. A list that an account other than root could have written is
# ignored.
find_allowed() {
  # shellcheck disable=SC2046  # the fields of ls: mode, links, owner
  set -- $(ls -ldn "$allow" 2>/dev/null)
  case ${1:-none}/${3:-} in
    -????[!w]??[!w]*/0) ;;
    none/)
      ! is_there "$allow" || fail unavailable "$allow cannot be looked at; nothing was done"
      fail refused "there is no $allow, so nothing may be run here; nothing was done"
      ;;
    *) fail refused "$allow must be a file that belongs to root and that nobody else may write; nothing was done" ;;
  esac
  can_open "$allow" || unreadable "$allow"
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
      service)
        # After the manager root may write the service's own name.
        allowed_manager=${allowed_rest%% *} allowed_unit=$allowed_name
        case $allowed_rest in *' '*) allowed_unit=${allowed_rest#* } ;; esac
        allow_sudo=''
        [ "$(id -u)" -eq 0 ] || allow_sudo='sudo -n'
        service_command "$allowed_unit" "$allowed_manager" "$allow_sudo" && return
        choose_manager
        fail refused "$allow: service $allowed_name must be $service_choice, with or without a name of letters, digits and ._@-, not '$allowed_rest'; nothing was done"
        ;;
    esac
    return 0
  done <"$allow"
  read_whole "$allow"
  return 1
}
