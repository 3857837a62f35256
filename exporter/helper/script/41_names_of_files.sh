
# For: linux
# ---- What the kernel calls the file of an exe ----------------------------------------------------

# Sets `real` to the path of an exe without links: the one that the kernel knows. A part that is not
# there stays as it is. Sets `folder` to where its last part is. Sets `blind` if nobody can say where it leads: a test fails
# for a link that cannot be looked at, too, as on storage that has gone away.
follow_links() {
  real= folder= blind= rest=$1 hops=40
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
    case $part in
      '' | .) ;;
      ..) real=${real%/*} ;;
      *)
        [ -n "$rest" ] || folder=$real
        if [ -L "$real/$part" ] && [ $hops -gt 0 ]; then
          hops=$((hops - 1))
          link=$(readlink "$real/$part") || blind=1
          case $link in /*) real= ;; esac
          rest=$link/$rest
        else
          real=$real/$part
        fi
        ;;
    esac
  done
  [ -e "$1" ] || surely_absent "$1" || case $text in
    *': Too many levels of symbolic links' | *': Symbolic link loop') ;;
    *) blind=1 ;;
  esac
  [ -z "$blind" ] || blind="cannot read $1"
}

# Learns the names that the kernel may have for the files of the exes: lines "NUMBER NAME". Nothing
# that was known of processes counts if they are other ones than before. Makes a function of tests
# that hold as long as all these paths lead where they did.
learn_names() {
  names_hold && return
  i=0 parts=0 code= all=$nl tested=$nl bases=/
  while [ $i -lt $exes ]; do
    eval "exe=\$exe_$i"
    follow_links "$exe"
    keep real $i "$real"
    keep folder $i "$folder"
    keep blind $i "$blind"
    bases=$bases${exe##*/}/${real##*/}/
    show "$real"
    all="$all$i $shown$nl"
    show "$exe"
    [ "$exe" = "$real" ] || all="$all$i $shown$nl"
    code="$code [ \"\$exe_$i\" -ef \"\$real_$i\" ] ||"
    # One that was there is asked about again once it is not.
    [ -z "$blind" ] && [ ! -e "$exe" ] && [ "$real" = "$folder/${exe##*/}" ] &&
      code="$code { [ ! -e \"\$exe_$i\" ] && [ ! -L \"\$exe_$i\" ] && [ \"\${exe_$i%/*}/\" -ef \"\$folder_$i/\" ]; } ||"
    code="$code return 1;"
    # Another name of the same file may take a link's place.
    [ ! -L "$exe" ] || code="$code [ -L \"\$exe_$i\" ] || return 1;"
    part=$real
    while [ -n "$part" ]; do
      case $tested in *"$nl$part$nl"*) break ;; esac
      tested=$tested$part$nl
      keep part $parts "$part"
      code="$code [ ! -L \"\$part_$parts\" ] || return 1;"
      parts=$((parts + 1)) part=${part%/*}
    done
    i=$((i + 1))
  done
  eval "names_hold() { $code return 0; }"
  [ "$all" = "$names" ] && return
  names=$all
  forget_processes
}
names_hold() { return 1; }

# Whether process or thread $1 is in our own namespace of kind $2.
shares() { [ ! -e "/proc/self/ns/$2" ] || [ "$1/ns/$2" -ef "/proc/self/ns/$2" ]; }

# Whether process or thread $1 sees the same folder as we do where file $2 is, or was: 0; 1 in a container, which has other
# files under the same names; 2 if nobody can say: it has changed its root, or is in another user namespace (anybody may make
# one, and mount there what they like under any name).
same_folder() {
  folder=$2 gone=
  while [ -n "$folder" ]; do
    folder=${folder%/*}
    [ -e "$folder/" ] || { gone=1 && continue; }
    if [ ! -e "$1/root$folder/" ]; then
      shares "$1" pid && return 2
      return 1
    fi
    if [ ! "$1/root$folder/" -ef "$folder/" ]; then
      [ -z "$gone" ] || ! shares "$1" pid || return 2
      return 1
    fi
    shares "$1" user || return 2
    return 0
  done
  return 1
}

# Sets `mount` to the number of the mount on which $1 lies; empty where the kernel does not tell (before Linux 3.15).
mount_of() {
  {
    mount= key=
    while read -r key mount _ && [ "$key" != mnt_id: ]; do :; done </proc/self/fdinfo/4
    # Not one line could be read.
    [ "$key" = mnt_id: ] || [ ! -r /proc/self/fdinfo/4 ] || read -r key </proc/self/fdinfo/4
  } 4<"$1"
}

# Whether process or thread $1 has this mount among those that lie below its root; 2 if nobody can say. Any account can have
# namespaces of many thousand mounts, so each list is read once a look, and of all but our own together 1 MiB.
has_mount() {
  IFS=$nl
  for row in $mount_lists; do
    reader=${row%% *}
    [ "$1/ns/mnt" -ef "$reader/ns/mnt" ] && [ "$1/root" -ef "$reader/root" ] || continue
    IFS=$words
    judge_mount
    return
  done
  IFS=$words
  most=$mounts_left
  [ "$1" != /proc/self ] || most=8388608
  [ $most -gt 0 ] || return 2
  row=$(head -c $most "$1/mountinfo" | awk '{ printf "%s ", $1; size += length($0) + 1 } END { print size + 0 }')
  size=${row##* }
  case $size in '' | 0 | *[!0-9]*) return 2 ;; esac
  if [ $size -lt $most ]; then row="$1 ${row% *} "; else row="$1 cut "; fi
  [ "$1" = /proc/self ] || mounts_left=$((mounts_left - size))
  mount_lists=$mount_lists$row$nl
  judge_mount
}
judge_mount() {
  case $row in *' cut '*) return 2 ;; *" $mount "*) return 0 ;; esac
  return 1
}

# Whether the file that process or thread $from runs is on the device of folder $1. If nobody can say: yes.
is_on_device_of() {
  if [ -n "$has_printf" ]; then
    # shellcheck disable=SC2046 # two numbers
    set -- $(find -L "$from/exe" "$1" -maxdepth 0 -printf '%D ')
  else
    # shellcheck disable=SC2046
    set -- $(stat -L -c %d "$from/exe" "$1")
  fi
  [ $# != 2 ] || [ "$1" = "$2" ]
}

# Judges the process or thread $from by the name $name that the kernel has for its file. The kernel says a name as it is in the
# mount namespace where the file lies, and whoever may enter one (/proc/PID/root) can start the file from outside. Sets
# `judged` to what has to be judged again at the next look. 0: what lies, or lay, by this name here; 1: not; 2: nobody can say.
is_from_here() {
  judged=again
  mount_of "$from/exe" || return 2
  if [ -n "$mount" ]; then
    has_mount /proc/self
    case $? in
      0) judged= && return ;;
      1) ;;
      *) return 2 ;;
    esac
  fi
  same_folder "$from" "$name"
  same=$?
  # With our root, and its own mounts over our folder, it may run what was mounted there from ours.
  [ $same = 0 ] || [ ! "$from/root/" -ef / ] || ! shares "$from" pid || ! is_on_device_of "$folder/" || same=2
  if [ -n "$mount" ]; then
    has_mount "$from"
    case $? in
      0) ;;
      1)
        # Both may have a root that is not where a mount begins.
        number_of_mount=$mount
        mount_of "$from/root/" || return 2
        # One with mounts of its own, which has also changed its root, does not show on which of them the file lies. In a
        # container another file has the name.
        if [ $same = 1 ] || [ "$mount" != "$number_of_mount" ]; then
          judged=foreign
          shares "$from" mnt && return 1
          shares "$from" pid && return 2
          return 1
        fi
        ;;
      *) return 2 ;;
    esac
  fi
  judged="$same $name"
  return $same
}

# Sets `bearers` to the numbers of the exes of which $1 is a name.
bearers_of() {
  bearers=
  case $names in *" $1$nl"*) ;; *) return ;; esac
  IFS=$nl
  for line in $names; do [ "${line#* }" = "$1" ] && bearers="$bearers ${line%% *}"; done
  IFS=$words
}

# Sets `successors` to the exes to which the name of the deleted file $1, that $from runs, leads now: another hard link was
# replaced together with them.
find_successors() {
  successors= i=0
  while [ $i -lt $exes ]; do
    eval "exe=\$exe_$i"
    [ "$from/root${1%" (deleted)"}" -ef "$exe" ] && successors="$successors $i"
    i=$((i + 1))
  done
}

# Adds to `bearers` the exes whose folder is that of $name, a deleted file, though the kernel calls it otherwise: it is mounted at
# more than one place. Adds to `doubts` those of which nobody can say: the folder has gone, too, or the mount, and then the name
# tells nothing. Sets `kin` if there may be any.
find_kin() {
  known_folder=
  i=0
  while [ $i -lt $exes ]; do
    eval "exe=\$exe_$i real=\$real_$i"
    case " $bearers $of " in *" $i "*) exe= real= ;; esac
    case ${name##*/} in
      "${exe##*/}" | "${real##*/}")
        kin=1
        if { [ "${exe##*/}" = "${name##*/}" ] && [ "${exe%/*}/" -ef "${name%/*}/" ]; } ||
          { [ "${real##*/}" = "${name##*/}" ] && [ "${real%/*}/" -ef "${name%/*}/" ]; }; then
          bearers="$bearers $i"
        elif shares "$from" mnt; then
          [ -n "$known_folder" ] || learn_folder
          [ $known_folder = 0 ] || doubts="$doubts $i"
        elif shares "$from" pid; then
          lay_elsewhere || doubts="$doubts $i"
        fi
        ;;
    esac
    i=$((i + 1))
  done
}

# Sets `known_folder` to 0 if the folder of $name is there, on a mount of ours.
learn_folder() {
  known_folder=1
  [ -e "${name%/*}/" ] && mount_of "$from/exe" || return
  [ -z "$mount" ] && known_folder=0 && return
  has_mount /proc/self && known_folder=0
}

# Whether $name, of a process in another mount namespace, whose root may be any folder of ours, surely lay in our folder of that name:
# its folder of that name is ours, and the file was not mounted itself.
lay_elsewhere() {
  [ "$from/root${name%/*}/" -ef "${name%/*}/" ] && mount_of "$from/exe" || return
  number_of_mount=$mount
  mount_of "$from/root${name%/*}/" && [ "$mount" = "$number_of_mount" ]
}
