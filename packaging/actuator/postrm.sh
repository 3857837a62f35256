# shellcheck shell=sh
  rm -f /etc/mailhub/api.token /etc/mailhub/webhook.token
  rm -rf /var/lib/mailhub-actuator
