# ---- Which processes run an exe ------------------------------------------------------------------

# Two commands tell of all processes together which file each runs, and what the kernel calls that
# file. The rest is builtins. Texts are cut into lines by `for`: read costs a system call a byte.

# What `ls -q` makes of a name.
shown() {
  case $1 in *[![:print:]]*) printf %s "$1" | tr -c '[:print:]' '?' ;; *) printf %s "$1" ;; esac
}
if ls -dq / >/dev/null; then ls_names=-q; else ls_names=; fi

# Whether a part of path $1 is a link.
has_links() {
  part=$1
  while [ -n "$part" ]; do
    [ -L "$part" ] && return 0
    part=${part%/*}
  done
  return 1
}

# Sets real_$1 to the path of exe number $1 without links: the one that the kernel knows. A part that
# is not there stays as it is. Followed again only when it leads elsewhere.
learn_real() {
  eval "exe=\$exe_$1 real=\$real_$1"
  [ -n "$real" ] && [ "$exe" -ef "$real" ] && ! has_links "$real" && return
  real= rest=$exe hops=40
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    case $part in
      '' | .) ;;
      ..) real=${real%/*} ;;
      *)
        if [ -L "$real/$part" ] && [ $hops -gt 0 ]; then
          hops=$((hops - 1))
          link=$(readlink "$real/$part")
          case $link in /*) real= ;; esac
          rest=$link/$rest
        else
          real=$real/$part
        fi
        ;;
    esac
  done
  keep real "$1" "$real"
  keep shown_real "$1" "$(shown "$real")"
  keep shown_exe "$1" "$(shown "$exe")"
}

# Whether process or thread $1 sees the same folder as we do where file $2 is, or was: not so in a
# container, which has other files under the same names.
same_folder() {
  folder=$2
  while [ -n "$folder" ]; do
    folder=${folder%/*}
    if [ -e "$folder/" ]; then
      [ "$1/root$folder/" -ef "$folder/" ]
      return
    fi
  done
  return 1
}

# Adds process or thread $1 to the list of exe number $2, once.
add_found() {
  eval "list=\$found_$2"
  case "$list " in *" $1 "*) return ;; esac
  keep found "$2" "$list $1"
  matched="$matched$1 "
}

# The exes that are, or were, the file $2 that process or thread $1 runs.
match_file() {
  rest=$wanted
  while :; do
    case $rest in *" $2="*) rest=${rest#*" $2="} ;; *) return ;; esac
    add_found "$1" "${rest%% *}"
    ran="$ran$2 "
    rest=" ${rest#* }"
  done
}

# Those that bear the name $2, which the kernel has for the file: it was replaced or deleted, or
# network storage keeps it as .nfs... for those who use it.
match_name() {
  name=${2%" (deleted)"}
  rest=$names
  while :; do
    case $rest in *"$nl$name//"*) rest=${rest#*"$nl$name//"} ;; *) break ;; esac
    same_folder "$1" "$name" && add_found "$1" "${rest%%"$nl"*}"
    rest=$nl${rest#*"$nl"}
  done
  case ${name##*/} in
    .nfs*[!0-9a-fA-F]*) ;;
    .nfs????????*)
      comm=
      IFS= read -r comm <"${1%/task/*}/comm"
      for line in $names; do
        other=${line%//*}
        [ "${other%/*}" = "${name%/*}" ] && [ "$(printf %.15s "${other##*/}")" = "$comm" ] &&
          same_folder "$1" "$name" && add_found "$1" "${line##*//}"
      done
      ;;
  esac
}

# Looks at a process whose exe the kernel does not name: its main thread may have ended, and then
# another one tells. Nothing to see in a thread of the kernel, or a corpse; they stay so.
look_at_threads() {
  case $lifeless in *" $1 "*)
    lifeless_now="$lifeless_now$1 "
    return
    ;;
  esac
  set +f
  set -- "$1" "$1"/task/[0-9]*
  set -f
  if [ $# -le 2 ]; then
    [ -e "$2" ] && lifeless_now="$lifeless_now$1 "
    return
  fi
  dir=$1
  shift
  for line in $(ls -dln $ls_names $(printf '%s/exe\n' "$@") 2>&1); do
    case $line in
      lr*" -> "*)
        task=/proc/${line#*/proc/}
        link=${task#*" -> "}
        task=${task%%/exe*}
        match_file "$task" "$(stat -L -c %d:%i "$task/exe")"
        match_name "$task" "$link"
        return
        ;;
      lr* | *'No such file or directory' | *'No such process') ;;
      *) secret="$secret$dir$nl" ;;
    esac
  done
}

# Sets `wanted` to " FILE=EXE FILE=EXE ": what each exe is now, and what it was before, as long as a
# process runs that: links move on, and files are renamed, under those who run them. Lines of the
# exes come first in $files, in their order.
learn_files() {
  i=0 before=$ran wanted=' ' ran=' '
  for line in $files; do
    case $line in *' '/proc/[0-9]*/exe) break ;; esac
    while eval "[ $i -lt $exes ] && [ \"\$exe_$i\" != \"\${line#* }\" ]"; do i=$((i + 1)); done
    keep file_now $i "${line%% *}"
    i=$((i + 1))
  done
  IFS=$words
  i=0
  while [ $i -lt $exes ]; do
    eval "now=\$file_now_$i list=\$files_$i"
    all=$now
    for file in $list; do
      [ "$file" = "$now" ] && continue
      case $before in *" $file "*) all="$all $file" ;; esac
    done
    keep files $i "$all"
    for file in $all; do wanted="$wanted$file=$i "; done
    i=$((i + 1))
  done
  IFS=$nl
}

# Fills found_N, for each exe, with the processes that run it, or with a thread of each whose main
# thread has ended; `others` with those that run something else, `secret` with those of which this
# account may not see it. `hidden` says why it cannot say of anything that nobody runs it: only root,
# or who may see what process 1 runs, sees all.
find_processes() {
  hidden= others= secret= matched=' ' lifeless_now=' ' names=$nl
  [ -n "$uid" ] || uid=$(id -u)
  [ -e /proc/1/stat ] || hidden='may not see process 1'
  i=0
  set --
  while [ $i -lt $exes ]; do
    learn_real $i
    eval "set -- \"\$@\" \"\$exe_$i\"; names=\"\$names\$shown_real_$i//$i\$nl\""
    eval "[ \"\$exe_$i\" = \"\$real_$i\" ] || names=\"\$names\$shown_exe_$i//$i\$nl\""
    keep found $i ''
    keep file_now $i ''
    i=$((i + 1))
  done
  list=$(printf '%s/exe\n' /proc/[0-9]*)
  IFS=$nl
  set -f
  files=$(stat -L -c '%d:%i %n' "$@" $list)
  links=$(ls -dln $ls_names $list 2>&1)
  learn_files
  for line in $files; do
    case $wanted in *" ${line%% *}="*) ;; *) continue ;; esac
    case $line in *' '/proc/[0-9]*/exe)
      dir=${line#* }
      match_file "${dir%/exe}" "${line%% *}"
      ;;
    esac
  done
  denied=' ' unnamed=' '
  for line in $links; do
    dir=/proc/${line#*/proc/}
    dir=${dir%%/exe*}
    case $line in
      lr*" -> "*) ;;
      lr* | *'No such file or directory' | *'No such process')
        case $unnamed in *" $dir "*) ;; *) unnamed="$unnamed$dir " ;; esac
        ;;
      *)
        denied="$denied$dir "
        secret="$secret$dir$nl"
        ;;
    esac
  done
  for line in $links; do
    dir=/proc/${line#*/proc/}
    dir=${dir%%/exe*}
    case $line in lr*" -> "*) ;; *) continue ;; esac
    link=${line#*" -> "}
    case $names${link##*/} in
      *"$nl${link%" (deleted)"}//"* | *"$nl.nfs"*) match_name "$dir" "$link" ;;
    esac
    case $matched in *" $dir "*) ;; *) others="$others$dir$nl" ;; esac
  done
  IFS=' '
  for dir in $unnamed; do
    IFS=$nl
    case $denied in *" $dir "*) ;; *) look_at_threads "$dir" ;; esac
  done
  if [ "$uid" != 0 ] && [ -n "$secret" ]; then hidden="may not read ${secret%%"$nl"*}/exe"; fi
  lifeless=$lifeless_now
  set +f
  IFS=$words
}
lifeless=' ' ran=' ' uid=
