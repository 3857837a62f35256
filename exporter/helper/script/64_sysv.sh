
# For: commands
# ---- Services of a script in /etc/init.d ---------------------------------------------------------

managers="${managers}sysv "
ask_sysv() {
  for name; do
    script=/etc/init.d/$name
    [ -e "$script" ] || script=/etc/rc.d/init.d/$name
    # A restricted key may only start the programs that the host has there.
    [ -n "$installed" ] && script=/etc/mailhub/services/$name
    if [ -n "$installed" ] && [ ! -e "$script" ]; then
      out="${out}sysv $name unlisted$nl"
    elif [ -e "$script" ]; then
      ask_script
      out="${out}sysv $name $state$nl"
    elif surely_absent /etc/init.d/$name && surely_absent /etc/rc.d/init.d/$name; then
      out="${out}sysv $name absent$nl"
    else
      out="${out}sysv $name unseen$nl"
    fi
  done
}

# Sets `state` to the exit status of $script; but to "usage" if it prints its usage, because then it knows no status and
# its exit means nothing. Its output is read to the end, as for checks. Where no tool can end all holders of its output,
# the output is not read.
ask_script() {
  if [ -z "$has_timeout$has_setsid" ]; then
    bounded 1000 "exec \"$script\" status" >/dev/null </dev/null
    state=$?
    return
  fi
  # Its name is letters, digits, and ._@- only.
  MAILHUB_CHECK="exec $script status 2>&1" MAILHUB_NUMBER=script
  export MAILHUB_CHECK MAILHUB_NUMBER
  text=$(bounded 1000 "$check_program" 3>&1 >/dev/null </dev/null)
  state=late usage=
  set -f
  IFS=$nl
  for line in $text; do
    case $line in
      'status script '*) state=${line#status script } ;;
      'output script '*)
        line=${line#output script }
        strip_ornament
        # The script may say its name before.
        word=${line%%[$blank]*}
        case $word in [Uu][Ss][Aa][Gg][Ee]*) ;; *:) line=${line#"$word"} && strip_ornament ;; esac
        case $line in [Uu][Ss][Aa][Gg][Ee]*) usage=1 ;; esac
        ;;
    esac
  done
  IFS=$words
  set +f
  case $state in *[!0-9]*) ;; *) [ -z "$usage" ] || state=usage ;; esac
}

# Takes from the beginning of `line` what is no word: blanks, stars, colours.
escape=$(printf '\033[')
strip_ornament() {
  while :; do
    case $line in
      "$escape"*[A-Za-z]*) line=${line#"$escape"} line=${line#*[A-Za-z]} ;;
      [!A-Za-z/]*) line=${line#?} ;;
      *) break ;;
    esac
  done
}
