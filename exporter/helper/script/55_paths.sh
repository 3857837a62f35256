
# For: all
# ---- Directories and files -----------------------------------------------------------------------

# Whether the names in directory $1 can be read, and what they name. Asked by trying: some shells answer
# -r and -x from the mode alone, which is wrong for a root that may not everything, as on NFS. What was a directory may be a
# fifo by now, and to open one is to wait: with "/." it can be a directory only.
may_look_into() {
  { true <"$1/."; } 2>/dev/null && [ -e "$1/." ]
}

# Whether the system says that $1 does not exist. Any other error means unknown.
surely_absent() {
  text=$(ls -dL "$1" 2>&1)
  case $text in *': No such file or directory' | *': Not a directory') ;; *) return 1 ;; esac
}

# A missing file is absent only if the system says so; any other error means unknown.
look_at_missing() {
  for path; do
    text=$(ls -dL "$path" 2>&1)
    case $text in
      *': No such file or directory' | *': Not a directory') continue ;;
      "$path") why_not=${no_stat:-it_comes_and_goes} ;;
      *)
        why_not=${text##*: }
        while :; do
          case $why_not in *[$words]*) why_not=${why_not%%[$words]*}_${why_not#*[$words]} ;; *) break ;; esac
        done
        ;;
    esac
    out="${out}unknown ${why_not:-nobody_knows_why} - - $path$nl"
  done
}

# One find for all of them, also for those that seem missing or empty: its complaints tell. Each line: type, depth,
# size, mtime, the requested path.
look_at_paths() {
  asked=$nl missing=
  set --
  i=0
  while [ $i -lt $paths ]; do
    eval "path=\$path_$i"
    if [ ! -e "$path" ] && { [ -z "$has_printf" ] || [ -L "$path" ]; }; then
      # For a broken link find would report that it exists.
      missing="$missing $i"
    elif [ -d "$path" ] && ! may_look_into "$path"; then
      # For an unlistable one find would report that it is empty.
      out="${out}d 0 0 0 $path${nl}closed it_may_not_be_read - - $path$nl"
    else
      set -- "$@" "$path"
      asked=$asked${path%/}$nl
    fi
    i=$((i + 1))
  done
  if [ -z "$has_printf" ]; then
    look_without_printf "$@"
  else
    look_with_find "$@"
  fi
  set --
  for i in $missing; do eval "set -- \"\$@\" \"\$path_$i\""; done
  [ $# -gt 0 ] || return
  # Usually one command for all.
  text=$(ls -dL "$@" 2>&1)
  IFS=$nl
  set -f
  for line in $text; do
    case $line in
      *': No such file or directory' | *': Not a directory') ;;
      *) missing=known ;;
    esac
  done
  set +f
  IFS=$words
  [ "$missing" = known ] && look_at_missing "$@"
}

# A list that was made with a complaint is not believed: a passing error has left out what it hid. Each path is then asked for
# by itself, and what is complained about again is unknown.
look_with_find() {
  ask_find "$@"
  if [ -z "$incomplete" ]; then
    out=$out$text
    return
  fi
  before=$files_before
  for path; do
    if [ ! -e "$path" ]; then
      look_at_missing "$path"
      continue
    fi
    ask_find "$path"
    files_before=$before
    if [ -n "$incomplete" ]; then
      line=${text%%"$nl"*}
      case $line in
        ?' 0 '*" $path") text="$line${nl}closed not_all_of_it_can_be_seen - - $path$nl" ;;
        *) text="unknown it_cannot_be_looked_at - - $path$nl" ;;
      esac
    fi
    out=$out$text
  done
}

# Sets `text` to what find says of these paths, and `incomplete` if that may not be all.
# /proc/self/stat is as old as the command that looks at it, which so tells the time; and as it is
# the last, the command has come to its end. Directories that held many files the last time are
# summed up on the host, at the cost of a second process.
ask_find() {
  set -- "$@" /proc/self/stat
  if [ "$files_before" -lt 200 ]; then
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' 2>&1 </dev/null)
    case $text in *"${nl}f 1 "*) files_before=$((${#text} / 40)) ;; *) files_before=0 ;; esac
  else
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' 2>&1 </dev/null | awk '
      $2 == 0 || $1 == "find:" { print; next }
      $1 == "f" {
        path = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path)
        if (!(path in count) || $4 < oldest[path]) oldest[path] = $4
        count[path]++; bytes[path] += $3; all++
      }
      END {
        for (path in count) printf "sum %d %.0f %s %s\n", count[path], bytes[path], oldest[path], path
        print "files " all + 0
      }')
    files_before=${text##*"files "}
    text=${text%files *}
    # Without its last line awk has not come to its end.
    case $files_before in '' | *[!0-9]*) files_before=1000 text= ;; esac
  fi
  text=$text$nl
  case $text in *" /proc/self/stat$nl"*) incomplete= ;; *) incomplete=1 ;; esac
  case $nl$text in *"${nl}find: "*) read_complaints ;; esac
}

# Whether a find with exit status $1 saw all of directory $2: its complaints, in `text`, are only about entries that
# vanished meanwhile, and it saw others.
saw_all() {
  case $1 in 0) return ;; 1) ;; *) return 1 ;; esac
  seen_all=1 seen_some= IFS=$nl
  set -f
  for line in $text; do
    case $line in
      'find: '*"${2%/}/"?*': No such file or directory' | 'stat: '*"${2%/}/"?*': No such file or directory') ;;
      *[!0-9' -']*) seen_all= ;;
      *) seen_some=1 ;;
    esac
  done
  set +f
  IFS=$words
  [ -n "$text" ] && [ -n "$seen_all" ] && [ -n "$seen_some" ]
}

# Takes out of `text` what find complains about. That a path is not there is what was to be known, unless it is in the list
# too, and that what is in one has vanished is no fault, unless no file is left in it: one that is renamed is under neither
# of its names. All else is a reason to ask again for each.
read_complaints() {
  lines=$text text=
  set -f
  IFS=$nl
  for line in $lines; do
    case $line in
      'find: '*': No such file or directory' | 'find: '*': Not a directory')
        path=${line#"find: '"}
        path=${path%"': N"*}
        path=${path%/}
        case $asked$line in
          *"$nl$path$nl"*) case $lines in *" $path$nl"* | *" $path/$nl"*) incomplete=1 ;; esac ;;
          *"$nl${path%/*}$nl"*': No such file or directory') has_file "${path%/*}" || incomplete=1 ;;
          *) incomplete=1 ;;
        esac
        ;;
      'find: '*) incomplete=1 ;;
      *) text=$text$line$nl ;;
    esac
  done
  IFS=$words
  set +f
}

# Whether one of $lines is of a file in directory $1.
has_file() {
  for row in $lines; do
    case $row in 'f 1 '*" $1" | 'f 1 '*" $1/" | 'sum '*" $1" | 'sum '*" $1/") return 0 ;; esac
  done
  return 1
}

# Sets `stat_option` and `stat_format` to how this host's stat tells a size and a time: as GNU's, or as that of the BSDs.
learn_stat() {
  no_stat= stat_option=-c stat_format='%s %Y'
  case $(stat -L -c '%s %Y' / 2>&1) in *[!0-9' ']*) stat_option=-f stat_format='%z %m' ;; esac
  case $(stat -L "$stat_option" "$stat_format" / 2>&1) in '' | *[!0-9' ']*) no_stat=no_stat_tells_size_and_time ;; esac
}

# For a find that cannot print: some processes per path.
look_without_printf() {
  # That there is none may be for want of a process.
  [ -n "$stat_option" ] && [ -z "$no_stat" ] || learn_stat
  for path; do
    if [ -d "$path" ]; then type=d; elif [ -f "$path" ]; then type=f; else type=o; fi
    text=$(stat -L "$stat_option" "$stat_format" "$path") || {
      look_at_missing "$path"
      continue
    }
    out="$out$type 0 $text $path$nl"
    [ $type = d ] || continue
    text=$(find "$path/." ! -name . -prune -type f -exec stat "$stat_option" "$stat_format" {} + 2>&1)
    saw_all $? "$path/." && text=$(printf '%s\n' "$text" | sum_up "$path") && [ -n "$text" ] ||
      text="closed not_all_of_it_can_be_seen - - $path"
    out=$out$text$nl
  done
  out="${out}time $(date +%s)$nl"
}

stat_option= no_stat=
sum_up() {
  awk -v path="$1" '
    NF != 2 { next }
    !count++ || $2 < oldest { oldest = $2 } { bytes += $1 }
    END { printf "sum %d %.0f %s %s", count, bytes, oldest + 0, path }'
}

