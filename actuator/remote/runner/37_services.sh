
# --- services ---------------------------------------------------------------------------------------

# Each of the next parts knows one service manager: it adds the manager's word to service_managers, and by_WORD NAME SUDO
# sets command to the one that brings the service into allow_state: "$service_verb" it, and check the result. Its last
# words are for people. SUDO comes before commands that need root.
service_managers=' '

# Sets command to the one that brings service $1 of manager $2 into allow_state. $3 comes before commands that need root.
service_command() {
  case $1 in '' | [.-]* | *[!A-Za-z0-9._@-]*) return 1 ;; esac
  case $2 in '' | *[!a-z0-9]*) return 1 ;; esac
  case $service_managers in *" $2 "*) ;; *) return 1 ;; esac
  case $allow_state in
    started) service_verb=start ;;
    stopped) service_verb=stop ;;
    *) service_verb=restart ;;
  esac
  "by_$2" "$1" "$3"
}

# Sets service_choice to the words of all managers, for a sentence.
choose_manager() {
  service_choice=''
  for service_manager in $service_managers; do
    service_choice="$service_choice${service_choice:+ or }$service_manager"
  done
}
