// What is tried with any bytes. Each function reads them as its module would and demands more than
// to come back: what the module refuses has a good message, and what it accepts is the same when it
// is written down and read again.
#pragma once

#include <string_view>

namespace mailhub::fuzz {

void TryChange(std::string_view bytes);        // query and body of a changing API request
void TryHttp(std::string_view bytes);          // one HTTP request, and what is in its parts
void TryJournal(std::string_view bytes);       // the rows of a journal
void TryMatcher(std::string_view bytes);       // a trigger's matcher
void TryNotification(std::string_view bytes);  // what Alertmanager posts
void TryPromql(std::string_view bytes);        // a gate's expression
void TryRfc3339(std::string_view bytes);       // a time stamp
void TryRunbook(std::string_view bytes);       // a runbook, up to its plan on a small site
void TrySettings(std::string_view bytes);      // the actuator's own file

}  // namespace mailhub::fuzz
