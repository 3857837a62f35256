// The fuzz targets, which take any bytes. Each reads them as its module would and checks the
// result: a refusal has a good message, and an accepted value stays the same when written and read
// again.
#pragma once

#include <string_view>

namespace mailhub::fuzz {

void TryCalendar(std::string_view bytes);      // the calendar's file
void TryChange(std::string_view bytes);        // query and body of a changing API request
void TryHelperReply(std::string_view bytes);   // a host's reply to the exporter
void TryHttp(std::string_view bytes);          // one HTTP request and its parts
void TryIcs(std::string_view bytes);           // an iCalendar file
void TryJournal(std::string_view bytes);       // the rows of a journal
void TryKnownHosts(std::string_view bytes);    // known_hosts, queried for one host
void TryMatcher(std::string_view bytes);       // a trigger's matcher
void TryNotification(std::string_view bytes);  // Alertmanager's webhook body
void TryPromql(std::string_view bytes);        // a gate's expression
void TryRfc3339(std::string_view bytes);       // a time stamp
void TryRunbook(std::string_view bytes);       // a runbook, up to its plan on a small site
void TryRunnerReply(std::string_view bytes);   // a host's reply to the actuator
void TryServiceTexts(std::string_view bytes);  // output of sc, systemctl and scripts about services
void TrySettings(std::string_view bytes);      // the actuator's own file
void TrySite(std::string_view bytes);          // the site file
void TryWebConfig(std::string_view bytes);     // the web configuration's text

}  // namespace mailhub::fuzz
