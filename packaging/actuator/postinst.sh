# shellcheck shell=sh
    # The unit would make it at its first start; a check of the configuration comes before that.
    install -d -m 700 -o mailhub-actuator -g mailhub-actuator /var/lib/mailhub-actuator
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
