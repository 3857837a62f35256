// The command interpreter that a Windows host's sshd starts: it knows `sc query` and nothing of
// POSIX.
//
// It is root's login shell on that host, so it gets `-c COMMAND`, or reads lines without one. Only
// the lab writes the file with the services' states. Real exit codes above 255 (1060) arrive modulo
// 256, as this is Linux.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "common/evidence.h"

namespace {

constexpr char kServices[] = "/var/lib/windows/services";
constexpr int kNoSuchService = 1060;

struct Service {
  std::string name;
  std::string display;
  int state = 1;
  int pid = 0;
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Lines of `name state pid display name`.
std::vector<Service> Services() {
  std::vector<Service> services;
  std::ifstream in(kServices);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    Service service;
    words >> service.name >> service.state >> service.pid >> std::ws;
    std::getline(words, service.display);
    if (!service.name.empty()) services.push_back(service);
  }
  return services;
}

const char* StateName(int state) {
  constexpr const char* kNames[] = {"",        "STOPPED",          "START_PENDING", "STOP_PENDING",
                                    "RUNNING", "CONTINUE_PENDING", "PAUSE_PENDING", "PAUSED"};
  return state >= 1 && state <= 7 ? kNames[state] : "";
}

void Print(const Service& service, bool extended, bool with_display) {
  const bool running = service.state == 4;
  std::printf("\r\nSERVICE_NAME: %s\r\n", service.name.c_str());
  if (with_display) std::printf("DISPLAY_NAME: %s\r\n", service.display.c_str());
  std::printf("        TYPE               : 10  WIN32_OWN_PROCESS  \r\n");
  std::printf("        STATE              : %d  %s \r\n", service.state, StateName(service.state));
  if (service.state != 1) {
    std::printf("                                (%s, NOT_PAUSABLE, %s)\r\n",
                running ? "STOPPABLE" : "NOT_STOPPABLE",
                running ? "ACCEPTS_SHUTDOWN" : "IGNORES_SHUTDOWN");
  }
  std::printf("        WIN32_EXIT_CODE    : 0  (0x0)\r\n");
  std::printf("        SERVICE_EXIT_CODE  : 0  (0x0)\r\n");
  std::printf("        CHECKPOINT         : 0x0\r\n");
  std::printf("        WAIT_HINT          : 0x0\r\n");
  if (extended) {
    std::printf("        PID                : %d\r\n", service.pid);
    std::printf("        FLAGS              : \r\n");
  }
}

int ServiceControl(const std::vector<std::string>& words) {
  const std::string verb = words.size() > 1 ? Lower(words[1]) : "";
  if (words.size() > 3 || (verb != "query" && verb != "queryex")) {
    std::printf("\r\nERROR:  Unrecognized command\r\n\r\n");
    return 1;
  }
  const bool extended = verb == "queryex";
  bool found = words.size() == 2;
  for (const Service& service : Services()) {
    if (words.size() == 2 && service.state != 1) Print(service, extended, true);
    if (words.size() == 3 && Lower(service.name) == Lower(words[2])) {
      Print(service, extended, false);
      found = true;
    }
  }
  if (found) return 0;
  std::printf("[SC] EnumQueryServicesStatus:OpenService FAILED %d:\r\n\r\n", kNoSuchService);
  std::printf("The specified service does not exist as an installed service.\r\n\r\n");
  return kNoSuchService;
}

// One command; quotes around a word are removed, as `sc query "MailboxCreation"` is usual.
int Execute(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    word.erase(std::remove(word.begin(), word.end(), '"'), word.end());
    words.push_back(word);
  }
  if (words.empty()) return 0;
  const std::string name = Lower(words[0]);
  if (name == "sc" || name == "sc.exe") return ServiceControl(words);
  std::fprintf(stderr,
               "'%s' is not recognized as an internal or external command,\r\noperable program or "
               "batch file.\r\n",
               words[0].c_str());
  return 1;
}

// A line may hold several commands joined by `&`.
int ExecuteLine(const std::string& line) {
  lab::Event("cmd", "command").Add("line", line.substr(0, 500)).Send();
  int status = 0;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find('&', at), line.size());
    status = Execute(line.substr(at, end - at));
    at = end + 1;
  }
  std::fflush(stdout);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "-c") return ExecuteLine(argv[2]);
  std::printf("Microsoft Windows [Version 6.1.7601]\r\n\r\nC:\\Users\\Administrator>");
  std::fflush(stdout);
  int status = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (Lower(line) == "exit") break;
    status = ExecuteLine(line);
    std::printf("\r\nC:\\Users\\Administrator>");
    std::fflush(stdout);
  }
  return status;
}
