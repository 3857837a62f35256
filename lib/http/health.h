// Asks a program of ours whether it works, for a container's health check: an image needs no other client.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace mailhub::http {

// GET `url` ("http://127.0.0.1:9715/-/healthy"): done if it answers 200 within 3 s. Errors are those of Client::Get;
// kRefused also for another answer, with its status and the begin of its text. The caller waits; no thread.
Status CheckHealth(const std::string& url);

}  // namespace mailhub::http
