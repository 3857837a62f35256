
# ---- The spec ------------------------------------------------------------------------------------

# Stores one of a numbered list of texts: keep PREFIX NUMBER TEXT. Texts are only assigned and compared, never
# evaluated.
keep() {
  eval "$1_$2=\$3"
}

managers=' '
read_spec() {
  posix=
  exes=0 processes=0 threads=0 services= service_count=0 paths=0 checks=0
  want_processes= want_services= want_paths= want_checks=
  files_before=1000
  spec=
  while IFS= read -r line; do
    value=${line#* }
    # A key that is restricted to this script may be stolen: a value of a wrong form is refused, so that no number is
    # read as an expression and no path as an option.
    case $line in
      'process ' | 'process '*[!0-9]* | 'path '[!/]* | 'exe '[!/]*) continue ;;
      'process '*) [ ${#value} -lt 7 ] && [ "$value" -lt $exes ] || continue ;;
      'contain '* | 'lack '* | 'thread '*) [ $processes -gt 0 ] || continue ;;
    esac
    spec="$spec$line$nl"
    case $line in
      # no /proc: ask ps and vmstat
      'platform posix') posix=_posix ;;
      # an executable's path; processes refer to it by its number
      'exe '*)
        keep exe $exes "$value"
        keep comm $exes "$(printf %.15s "${value##*/}")"
        keep files $exes ""
        exes=$((exes + 1))
        ;;
      # the number of its exe; the required and forbidden arguments follow
      'process '*)
        want_processes=1
        keep process_exe $processes "$value"
        keep contain $processes ""
        keep lack $processes ""
        keep process_threads $processes ""
        processes=$((processes + 1))
        ;;
      'contain '*) keep contain $((processes - 1)) "$value" ;;
      'lack '*) keep lack $((processes - 1)) "$value" ;;
      # a thread's name, of the last process
      'thread '*)
        keep thread $threads "$value"
        eval "process_threads_$((processes - 1))=\"\$process_threads_$((processes - 1)) $threads\""
        threads=$((threads + 1))
        ;;
      # of a file, or of a directory whose files are to be counted
      'path '*)
        want_paths=1
        keep path $paths "$value"
        paths=$((paths + 1))
        ;;
      # name, milliseconds, command
      'check '*)
        [ $checks -lt 100 ] || continue
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
      # the word of a service manager, and a service's name there
      *' '*)
        case $managers in *" ${line%% *} "*) ;; *) continue ;; esac
        case $value in '' | [.-]* | *[!A-Za-z0-9._@-]*) continue ;; esac
        # Lines that start processes are limited as in a site file.
        [ $service_count -lt 100 ] || continue
        want_services=1
        services="$services ${line%% *}:$value"
        service_count=$((service_count + 1))
        ;;
    esac
  done
  if [ -n "${perl_program:-}" ] && [ -z "$posix$want_services$want_checks" ] && [ ${#spec} -lt 100000 ] &&
    perl -M5.014 -MErrno -MTime::HiRes -e 1 && learn_btime; then
    # Not among the arguments: it would be found there, as a perl program that the spec asks for.
    exec env -i PATH="$PATH" LC_ALL=C mailhub_program="$perl_program" mailhub_spec="$spec" \
      perl -e 'eval delete $ENV{mailhub_program}; die $@ if $@' -- "$ticks_per_second" "$page_kb" "$btime" "$boot"
  fi
  make_matchers
}

# Functions made for this spec, so that frequent tests evaluate nothing: is_an_exe PATH NUMBERS says whether it is the
# file of an exe other than those; is_one_an_exe PATH... whether one of these is; is_row whether $rest, from a table of
# ps, may be one; match_thread_N NAME sets `thread` to the number of that name.
make_matchers() {
  i=0 code= tests= rows="'['* | '('*"
  while [ $i -lt $exes ]; do
    tests="$tests [ \"\$one\" -ef \"\$exe_$i\" ] && return;"
    rows="$rows | *\"\${exe_$i##*/}\"*"
    code="$code case \$2 in *' $i '*) ;; *) [ \"\$1\" -ef \"\$exe_$i\" ] && return ;; esac;"
    i=$((i + 1))
  done
  eval "is_an_exe() { $code return 1; }
    is_one_an_exe() { for one; do $tests :; done; return 1; }
    is_row() { case \"\$rest \" in $rows) return 0 ;; esac; return 1; }"
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

# For: perl
