
# ---- The spec ------------------------------------------------------------------------------------

# Keeps one of a numbered list of texts: keep PREFIX NUMBER TEXT. Texts are only ever assigned and
# compared, never evaluated.
keep() {
  eval "$1_$2=\$3"
}

read_spec() {
  posix=
  exes=0 processes=0 threads=0 sysvs=0 paths=0 checks=0 units=
  want_processes= want_services= want_paths= want_details= want_checks=
  seen_args=
  files_before=1000
  spec=
  while IFS= read -r line; do
    value=${line#* }
    # A key that is limited to this script may be in wrong hands: what is not of its form is not
    # taken, lest a number be read as an expression, or a path as an option.
    case $line in
      'process ' | 'process '*[!0-9]* | 'path '[!/]*) continue ;;
      'contain '* | 'lack '* | 'thread '*) [ $processes -gt 0 ] || continue ;;
      'unit '*[!A-Za-z0-9._@-]* | 'sysv '*[!A-Za-z0-9._@-]*) continue ;;
    esac
    spec="$spec$line$newline"
    case $line in
      'platform posix') posix=_posix ;; # no /proc: ask ps and vmstat
      'exe '*) # an executable's path; processes refer to it by number
        keep exe $exes "$value"
        keep comm $exes "$(printf %.15s "${value##*/}")"
        exes=$((exes + 1))
        ;;
      'process '*) # the number of its exe; what its arguments contain and lack follows
        want_processes=1
        keep process_exe $processes "$value"
        keep contain $processes ""
        keep lack $processes ""
        keep process_threads $processes ""
        processes=$((processes + 1))
        ;;
      'contain '*) keep contain $((processes - 1)) "$value" ;;
      'lack '*) keep lack $((processes - 1)) "$value" ;;
      'thread '*) # a thread's name, of the last process
        keep thread $threads "$value"
        eval "process_threads_$((processes - 1))=\"\$process_threads_$((processes - 1)) $threads\""
        threads=$((threads + 1))
        ;;
      'unit '*) # a systemd unit: letters, digits, and ._@-
        want_services=1
        units="$units $value"
        ;;
      'sysv '*)
        want_services=1
        keep sysv $sysvs "$value"
        sysvs=$((sysvs + 1))
        ;;
      'path '*) # of a file, or of a directory whose files are to be counted
        want_paths=1
        keep path $paths "$value"
        paths=$((paths + 1))
        ;;
      'details '*) want_details=1 ;; # size and time of the paths themselves matter
      'check '*) # name, milliseconds, command
        want_checks=1
        name=${value%% *}
        value=${value#* }
        case $name:${value%% *} in *[!A-Za-z0-9_-]*:* | *: | *:*[!0-9]*) continue ;; esac
        keep check_ms $checks "${value%% *}"
        keep check $checks "${value#* }"
        [ -n "$installed" ] && keep check $checks "exec /etc/mailhub/checks/$name"
        checks=$((checks + 1))
        ;;
      end) break ;;
    esac
  done
  if [ -z "$posix$want_services$want_checks" ] && [ ${#spec} -lt 100000 ] && perl -M5.014 -MErrno -MTime::HiRes -e 1; then
    exec perl -e "$perl_program" -- "$ticks_per_second" "$page_kb" "$spec"
  fi
  make_matchers
}

# Two functions made for this spec, so that the loops over all processes and threads evaluate
# nothing: match_exe DIR adds DIR to the list of each exe it runs, match_thread_N NAME sets `thread`
# to the number of that name.
make_matchers() {
  code=': '
  i=0
  while [ $i -lt $exes ]; do
    code="$code; [ \"\$1/exe\" -ef \"\$exe_$i\" ] && found_$i=\"\$found_$i \$1\""
    i=$((i + 1))
  done
  eval "match_exe() { $code; }"
  i=0
  while [ $i -lt $processes ]; do
    eval "list=\$process_threads_$i"
    code=
    for t in $list; do
      code="$code \"\$thread_$t\") thread=$t ;;"
    done
    eval "match_thread_$i() { case \$1 in $code *) thread= ;; esac; }"
    i=$((i + 1))
  done
}
