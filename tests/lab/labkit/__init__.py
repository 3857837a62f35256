"""The lab: one university's mail site as systemd-nspawn hosts on one machine."""
