
# --- services of a script in /etc/init.d --------------------------------------------------------------

# Only the exit status of its "status" is known. A script without that word prints its usage in its first line of output
# or errors, and nothing about its service.
service_by_script='
nl="
"
$sudo $script $verb
status=$?
[ $status -eq 0 ] || { echo "$script $verb ended with exit status $status"; exit $status; }
[ $verb = stop ] || sleep 3
told=$({ complaint=$($sudo $script status 2>&1 >&3 3>&-; echo "=$?"); } 3>&1; printf "\n!%s" "$complaint")
status=${told##*=}
case $told in [Uu][Ss][Aa][Gg][Ee]* | *"$nl!"[Uu][Ss][Aa][Gg][Ee]*)
  echo "$script knows no status, so what has become of the service is not known"
  exit 4
  ;;
esac
case $verb.$status in stop.3 | start.0 | restart.0) exit 0 ;; stop.[12]) [ -n "$sudo" ] || exit 0 ;; esac
complaint=${told##*"$nl!"}
printf "%s" "${complaint%=*}"
echo "$script status ended with exit status $status after $verb"
exit 1
'

by_sysv() {
  command="script=/etc/init.d/$1 verb=$service_verb sudo='$2'$service_by_script"
}
service_managers="${service_managers}sysv "
