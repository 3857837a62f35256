    # Whoever is in the group may use the API: adduser PERSON mailhub-actuator
    for name in api webhook; do
      file=/etc/mailhub/$name.token
      if [ ! -e "$file" ]; then
        new=$(mktemp /etc/mailhub/.token.XXXXXX)
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$new"
        chown root:mailhub-actuator "$new"
        chmod 640 "$new"
        mv "$new" "$file"
      fi
    done
