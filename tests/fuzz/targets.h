// What is tried with any bytes. Each function reads them as its module would and demands more than
// to come back: what the module refuses has a good message, and what it accepts is the same when it
// is written down and read again.
#pragma once

#include <string_view>

namespace mailhub::fuzz {

void TryChange(std::string_view bytes);        // query and body of a changing API request
void TryHelperReply(std::string_view bytes);   // what a host answers the exporter
void TryHttp(std::string_view bytes);          // one HTTP request, and what is in its parts
void TryJournal(std::string_view bytes);       // the rows of a journal
void TryKnownHosts(std::string_view bytes);    // known_hosts, asked for one host
void TryMatcher(std::string_view bytes);       // a trigger's matcher
void TryNotification(std::string_view bytes);  // what Alertmanager posts
void TryPromql(std::string_view bytes);        // a gate's expression
void TryRfc3339(std::string_view bytes);       // a time stamp
void TryRunbook(std::string_view bytes);       // a runbook, up to its plan on a small site
void TryRunnerReply(std::string_view bytes);   // what a host answers the actuator
void TryServiceTexts(std::string_view bytes);  // what sc, systemctl and scripts say of services
void TrySettings(std::string_view bytes);      // the actuator's own file
void TrySite(std::string_view bytes);          // the site file
void TryWebConfig(std::string_view bytes);     // the web configuration's text

}  // namespace mailhub::fuzz
